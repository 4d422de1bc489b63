//! The verbs.

mod at_once;
mod cancel;
mod compare;
mod defaults;
mod export;
mod import;
mod plan;
mod run;
mod sql;
mod status;
mod submit;
mod task;
mod verify;

use crate::args::{Arguments, CommonArguments, LakeArguments, PipelineArguments, Verb};
use crate::failure::{self, Class, Failure};
use crate::plan::Stage;
use crate::progress::{self, Mode};
use crate::{interrupt, logging, workers};
use clap::Parser;
use gridlake_lake::store::Location;
use gridlake_lake::{Lake, LakeError};
use std::io::Write;
use std::process::ExitCode;

/// The program: arguments in, exit code out.
pub(crate) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_mistake));
    let outcome = match Arguments::parse().verb {
        Verb::Run(arguments) => with(&arguments.common, |mode| run::run(&arguments, &Stage::ALL, mode)),
        Verb::Train(arguments) => stage(&arguments, Stage::Train),
        Verb::Record(arguments) => stage(&arguments, Stage::Record),
        Verb::Analyze(arguments) => stage(&arguments, Stage::Analyze),
        Verb::Draw(arguments) => stage(&arguments, Stage::Draw),
        Verb::Plan(arguments) => with(&arguments.common, |_| plan::plan(&arguments)),
        Verb::Submit(arguments) => with(&arguments.common, |_| submit::submit(&arguments, &Stage::ALL)),
        Verb::Cancel(arguments) => with(&arguments.common, |_| cancel::cancel(&arguments)),
        Verb::Task(arguments) => {
            let arguments = arguments.with_threads();
            with(&arguments.common, |mode| task::task(&arguments, mode))
        }
        Verb::Status(LakeArguments { lake, common }) => with(&common, |_| status::status(&lake)),
        Verb::Compare(arguments) => with(&arguments.common, |mode| compare::compare(&arguments, mode)),
        Verb::Sql(arguments) => with(&arguments.common, |mode| sql::sql(&arguments, mode)),
        Verb::Verify(arguments) => with(&arguments.whole.common, |mode| verify::verify(&arguments, mode)),
        Verb::Export(arguments) => with(&arguments.common, |mode| export::export(&arguments, mode)),
        Verb::Import(arguments) => with(&arguments.common, |mode| import::import(&arguments, mode)),
        Verb::Defaults => defaults::defaults(),
        Verb::Worker(arguments) => with(&arguments.common, |mode| workers::work(mode, run::task)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure::render(&failure) + "\n";
            // Where stderr cannot be written there is nowhere left to say so.
            let _ = progress::beside_bars(|| std::io::stderr().lock().write_all(text.as_bytes()));
            ExitCode::from(failure.class() as u8)
        }
    }
}

/// A panic is a mistake of the program: say so in one error, and stop. Files appear whole or not at all, so nothing is torn.
fn report_mistake(panic: &std::panic::PanicHookInfo<'_>) {
    // Caught there: reported as a damaged file, or done another way.
    if gridlake_lake::import::reads_foreign_file() || gridlake_analysis::pca::asks_linfa() {
        return;
    }
    let message = panic.payload_as_str().unwrap_or("unknown");
    let place = panic.location().map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
    let failure = Failure::work(format!("a mistake in gridlake: {message}{place}"))
        .hint("please report it with the command; what was finished is kept");
    let text = failure::render(&failure) + "\n";
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    std::process::exit(failure.class() as i32);
}

fn stage(arguments: &PipelineArguments, stage: Stage) -> Result<(), Failure> {
    with(&arguments.common, |mode| run::run(arguments, &[stage], mode))
}

/// Sets up logs, threads and Ctrl-C, then works.
fn with(common: &CommonArguments, work: impl FnOnce(Mode) -> Result<(), Failure>) -> Result<(), Failure> {
    logging::start(common);
    interrupt::listen()?;
    if let Some(threads) = common.threads {
        gridlake_lake::parquet_file::limit_threads(usize::from(threads));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        pool.map_err(|error| Failure::work(format!("--threads {threads}: {error}")))?;
    }
    work(Mode::of(common.quiet, common.log_format == crate::args::LogFormat::Json))
}

/// A lake that must be there.
fn open_lake(location: &Location) -> Result<Lake, Failure> {
    Lake::open(location).map_err(|error| match error {
        LakeError::NotALake { .. } => {
            Failure::config(error).hint("name a lake, a folder or s3://bucket/prefix; `gridlake run PIPELINE.toml` makes one")
        }
        other => other.into(),
    })
}

/// The worst class of several failures: what the exit code says.
fn worst(classes: impl Iterator<Item = Class>) -> Option<Class> {
    classes.max()
}

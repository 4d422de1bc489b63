//! Command-line arguments, as typed.

use crate::executor::Kind;
use crate::pipeline::Overrides;
use clap::{Args, Parser, Subcommand, ValueEnum};
use gridlake_lake::store::Location;
use std::ops::Deref;
use std::path::PathBuf;

/// Train networks that learn grid cells without supervision, record them into a Parquet data lake, analyze and draw them.
#[derive(Debug, Parser)]
#[command(
    name = "gridlake",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 the work failed; 2 bad arguments or configuration; 3 bad data; 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Every stage that is stale, train to draw, over every run of the sweep.
    Run(PipelineArguments),
    /// Train the networks, or go on from their last checkpoints.
    Train(PipelineArguments),
    /// Walk the trained networks through boxes and record their activity.
    Record(PipelineArguments),
    /// Ratemaps, autocorrelograms, grid scores, periods and unit classes.
    Analyze(PipelineArguments),
    /// Figures, from the lake's tables.
    Draw(PipelineArguments),
    /// What would run and why; changes nothing.
    Plan(PipelineArguments),
    /// The same as `run --executor slurm`: every stage that is stale, as job arrays of a Slurm cluster.
    Submit(PipelineArguments),
    /// Runs of a lake, their stages, progress and failures, and what of them is in Slurm's queue.
    Status(LakeArguments),
    /// Take what was submitted from a lake out of Slurm's queue; trainings at work write a checkpoint first.
    Cancel(CancelArguments),
    /// Runs beside each other: classes, modules, scores, coherence, decoding and tori of every checkpoint and arena.
    Compare(CompareArguments),
    /// Ask the lake's tables in SQL (Polars' dialect); read-only.
    Sql(SqlArguments),
    /// Check every file of a lake against its manifest and schema; exit 1 and a list if anything is missing, torn or altered.
    Verify(VerifyArguments),
    /// Copy one run's tables, figures and checkpoint to a folder of its own.
    Export(ExportArguments),
    /// Bring activity that other software recorded into the lake, as a run that can be analyzed.
    Import(ImportArguments),
    /// Print every key of a pipeline file with its default, type, range and meaning.
    Defaults,
    /// Do one task of a job array: what Slurm starts.
    #[command(hide = true)]
    Task(TaskArguments),
    /// Work on one run of a sweep: what `run` starts.
    #[command(hide = true)]
    Worker(WorkerArguments),
}

/// Arguments of all verbs that take a pipeline file.
#[derive(Debug, Args)]
pub(crate) struct PipelineArguments {
    /// Pipeline file (TOML).
    #[arg(value_name = "PIPELINE.toml")]
    pub(crate) pipeline: PathBuf,
    /// The lake, instead of the pipeline's: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "LAKE")]
    pub(crate) lake: Option<String>,
    /// Set any key of the pipeline; the value is TOML or a bare string. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Where networks are trained and recorded: auto, cpu, cuda or cuda:<number>.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Seed, instead of the pipeline's and its sweep's.
    #[arg(long, value_name = "INTEGER")]
    pub(crate) seed: Option<u64>,
    /// Only the runs whose name matches.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Option<String>,
    /// Where stages are done, instead of executor.kind: on this machine, or as jobs of a Slurm cluster.
    #[arg(long, value_name = "EXECUTOR")]
    pub(crate) executor: Option<Kind>,
    /// Do fresh stages anew too; training starts from the beginning.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Only the runs whose name matches.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Option<String>,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of a task.
#[derive(Debug, Args)]
pub(crate) struct TaskArguments {
    /// The lake.
    #[arg(long, value_name = "LAKE", value_parser = location)]
    pub(crate) lake: Location,
    /// Name of the submission's folder.
    #[arg(value_name = "SUBMISSION")]
    pub(crate) submission: String,
    /// Which of its jobs.
    #[arg(value_name = "JOB")]
    pub(crate) job: usize,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

impl TaskArguments {
    /// With as many threads as Slurm gives the task, unless it is told how many.
    pub(crate) fn with_threads(mut self) -> Self {
        self.common.threads = self.common.threads.or_else(|| std::env::var("SLURM_CPUS_PER_TASK").ok()?.parse().ok());
        self
    }
}

/// Arguments of a worker.
#[derive(Debug, Args)]
pub(crate) struct WorkerArguments {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// A lake that a verb is about: as its argument, or as --lake like everywhere else.
#[derive(Debug, Args)]
pub(crate) struct LakeArgument {
    /// The lake: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LAKE", default_value = "data/lake", value_parser = location)]
    lake: Location,
    /// The same as LAKE.
    #[arg(long = "lake", value_name = "LAKE", conflicts_with = "lake", value_parser = location)]
    named: Option<Location>,
}

impl Deref for LakeArgument {
    type Target = Location;

    fn deref(&self) -> &Location {
        self.named.as_ref().unwrap_or(&self.lake)
    }
}

/// Arguments of verbs about a whole lake.
#[derive(Debug, Args)]
pub(crate) struct LakeArguments {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    #[command(flatten)]
    pub(crate) whole: LakeArguments,
    /// Read no file: only look whether each is there, as long as its manifest says.
    #[arg(long)]
    pub(crate) sizes: bool,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArguments {
    /// The query, such as "SELECT run, AVG(period_m) FROM units WHERE active GROUP BY run".
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    pub(crate) query: String,
    /// The lake: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "LAKE", default_value = "data/lake", value_parser = location)]
    pub(crate) lake: Location,
    #[command(flatten)]
    pub(crate) answer: AnswerArguments,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    #[command(flatten)]
    pub(crate) lake: LakeArgument,
    /// Only the runs whose name matches.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Option<String>,
    /// Print the SQL behind the table instead, to be changed and asked with `sql`.
    #[arg(long)]
    pub(crate) query: bool,
    #[command(flatten)]
    pub(crate) answer: AnswerArguments,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of verbs that answer with rows.
#[derive(Debug, Args)]
pub(crate) struct AnswerArguments {
    /// Form of the answer; by default as the ending of --output says, else a table.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<SqlFormat>,
    /// Most rows of a table.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) rows: usize,
    /// File for the answer, instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SqlFormat {
    /// Aligned columns.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// An array of objects.
    Json,
    /// A Parquet file.
    Parquet,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The run, or what only its name begins with.
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// An empty or new folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
    /// The lake: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "LAKE", default_value = "data/lake", value_parser = location)]
    pub(crate) lake: Location,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files with positions and activity: .parquet, .npz, .csv or .tsv. Each is a session of its own.
    #[arg(value_name = "FILE", required_unless_present = "help_mapping")]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the run: <NAME>-s0-<first 8 digits of the fingerprint>.
    #[arg(long = "as", value_name = "NAME", required_unless_present = "help_mapping")]
    pub(crate) name: Option<String>,
    /// Mapping file (TOML): which columns are what, in which unit. Without one, they are found by name.
    #[arg(long, value_name = "MAPPING.toml")]
    pub(crate) mapping: Option<PathBuf>,
    /// Spike times; FILE then holds the tracked path alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) spikes: Option<PathBuf>,
    /// The lake.
    #[arg(long, value_name = "LAKE", default_value = "data/lake")]
    pub(crate) lake: String,
    /// Set any key of the mapping; the value is TOML or a bare string. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Import again what is there already.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print every key of a mapping with its default, type, range and meaning.
    #[arg(long)]
    pub(crate) help_mapping: bool,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

/// Arguments of every verb that works.
#[derive(Clone, Debug, Args)]
pub(crate) struct CommonArguments {
    /// Threads that compute; all processors by default. Results do not depend on it.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// No progress, only warnings and errors on stderr.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Form of the log on stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines to read.
    Text,
    /// One JSON object a line.
    Json,
}

/// A lake's address, for clap.
fn location(text: &str) -> Result<Location, String> {
    text.parse().map_err(|error: gridlake_lake::LakeError| error.to_string())
}

impl PipelineArguments {
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            set: self.set.clone(),
            seed: self.seed,
            lake: self.lake.clone(),
            device: self.device.clone(),
            executor: self.executor,
            only: self.only.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        super::Arguments::command().debug_assert();
    }
}

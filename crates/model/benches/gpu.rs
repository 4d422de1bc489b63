//! A GPU's kernels and whole trainings: checked first, then timed, beside the device's limits and plain PyTorch.
//!
//! `cargo bench -p gridlake-model --bench gpu [-- FLAGS]`. Tables go to standard output when all is done, progress to standard error. Flags:
//!
//! - `--device DEVICE`: `cuda`, `cuda:<number>`;
//! - `--markdown FILE`: the tables into a file, too;
//! - `--precision f32`, `--precision tf32`: kernels and steps in this one alone;
//! - `--quick`: tiny problems, few repetitions, so that an emulated GPU suffices; the numbers mean nothing;
//! - `--fp32-tflops N`, `--tf32-tflops N`, `--memory-tbs N`: the device's ceilings, if it is neither an H100 nor an H200;
//! - `--pytorch-script FILE`: `benches/pytorch/step.py` where this is not the machine that built this program.
//!
//! PyTorch takes part if `GRIDLAKE_PYTORCH` names a Python that has it; `GRIDLAKE_PYTORCH_DEVICE` names its device if it is another. Exit codes: 0; 1 if results are
//! wrong, or the device fails; 2 if it is not there.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its tables, and says what it is at")]

#[path = "gpu/kernels.rs"]
mod kernels;
#[path = "gpu/parity.rs"]
mod parity;
#[path = "gpu/problem.rs"]
mod problem;
#[path = "gpu/report.rs"]
mod report;
#[path = "gpu/steps.rs"]
mod steps;
mod support;

use gridlake_model::ModelError;
use gridlake_model::config::Precision;
use gridlake_model::gpu_profile::device_name;
use kernels::Ceilings;
use problem::{PAPER_TRAINING, Problem, QUICKSTART_TRAINING, TINY_TRAINING, name_of};
use report::{Table, number};
use std::path::PathBuf;
use std::process::ExitCode;
use steps::Effort;
use support::argument;

/// What is wanted: steps per second at the paper's size, and how many of our steps make one of PyTorch's.
const WANTED_RATE: f64 = 1000.0;
const WANTED_RATIO: f64 = 50.0;

/// In the order in which they are printed.
struct Tables {
    parts: Vec<Table>,
    steps: Table,
    shared: Vec<Table>,
    summary: Table,
}

struct Options {
    device: String,
    quick: bool,
    precisions: Vec<Precision>,
    markdown: Option<PathBuf>,
    script: PathBuf,
}

fn main() -> ExitCode {
    let precisions = match argument("--precision").as_deref() {
        None => vec![Precision::F32, Precision::Tf32],
        Some("f32") => vec![Precision::F32],
        Some("tf32") => vec![Precision::Tf32],
        Some(other) => {
            eprintln!("--precision takes f32 or tf32, not '{other}'");
            return ExitCode::from(2);
        }
    };
    let options = Options {
        device: argument("--device").unwrap_or_else(|| "cuda".to_owned()),
        quick: std::env::args().any(|argument| argument == "--quick"),
        precisions,
        markdown: argument("--markdown").map(PathBuf::from),
        script: argument("--pytorch-script")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pytorch/step.py")), PathBuf::from),
    };
    let name = match device_name(&options.device) {
        Ok(name) => name,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let mut tables = Tables {
        parts: Vec::new(),
        steps: steps::steps_table(),
        shared: Vec::new(),
        summary: Table::new("Summary", &["What", "Measured", "Wanted"]),
    };
    let done = measure(&options, &name, &mut tables);
    let mut text = format!("# {name}\n");
    let Tables { parts, steps, shared, summary } = &tables;
    for table in parts.iter().chain([steps]).chain(shared).chain([summary]).filter(|table| !table.is_empty()) {
        text.push('\n');
        text += &table.markdown();
    }
    println!("{text}");
    if let Some(Err(error)) = options.markdown.as_ref().map(|path| std::fs::write(path, &text)) {
        eprintln!("the tables cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// Everything, as far as it goes: tables that are done stay.
fn measure(options: &Options, name: &str, tables: &mut Tables) -> Result<(), String> {
    let failed = |error: ModelError| error.to_string();
    let (device, quick) = (options.device.as_str(), options.quick);
    let Tables { parts, steps: whole, shared, summary } = tables;

    eprintln!("{name}: parity");
    let parity = parity::check(device, quick).map_err(failed)?;
    summary.row(["largest deviation of a gradient, f32, T ≤ 10".to_owned(), number(parity.worst), "≤ 1e-4".to_owned()]);
    parts.push(parity.table);
    if !parity.wrong.is_empty() {
        return Err(format!("nothing was timed, as results are wrong:\n{}", parity.wrong.join("\n")));
    }

    eprintln!("ceilings");
    let (ceilings, source) = Ceilings::of(name);
    let (table, copy_rate) = kernels::ceilings_table(device, quick, &ceilings, &source).map_err(failed)?;
    parts.push(table);
    summary.row(["copy within memory, TB/s".to_owned(), number(copy_rate / 1e12), String::new()]);

    let problems: &[Problem] = if quick { &[TINY_TRAINING] } else { &[QUICKSTART_TRAINING, PAPER_TRAINING] };
    let effort = Effort::of(quick);
    for problem in problems {
        for &precision in &options.precisions {
            let what = format!("{} size, {}", problem.size.name, name_of(precision));
            eprintln!("kernels at the {what}");
            let (table, profile) = kernels::kernel_table(problem, device, precision, quick, &ceilings).map_err(failed)?;
            parts.push(table);
            eprintln!("steps at the {what}");
            let rate =
                steps::measure(problem, device, precision, effort, &options.script, Some(profile.step_seconds), whole).map_err(failed)?;
            let wanted = |text: String| if problem.size.name == PAPER_TRAINING.size.name { text } else { String::new() };
            summary.row([format!("steps/s, {what}"), number(rate.steps_per_s), wanted(format!("≥ {}", number(WANTED_RATE)))]);
            let ratio = match rate.pytorch_s {
                Ok(seconds) => number(seconds * rate.steps_per_s),
                Err(why) => format!("– ({why})"),
            };
            summary.row([format!("PyTorch's step / step, {what}"), ratio, wanted(format!("≥ {}", number(WANTED_RATIO)))]);
        }
    }

    let (problem, counts) = if quick { (&TINY_TRAINING, &[1, 2][..]) } else { (&QUICKSTART_TRAINING, &[1, 2, 4, 8, 16, 32][..]) };
    for &precision in &options.precisions {
        eprintln!("several runs at once, {}", name_of(precision));
        shared.push(steps::shared_table(problem, device, precision, effort, counts).map_err(failed)?);
    }
    if parity.doubtful.is_empty() {
        return Ok(());
    }
    Err(format!("timed, but results are further off than they should be:\n{}", parity.doubtful.join("\n")))
}

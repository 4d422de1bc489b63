//! `gridlake submit`, and the other verbs of a pipeline with `--executor slurm`.

use super::run;
use crate::args::{CommonArguments, PipelineArguments};
use crate::executor::{self, ExecutorConfig, Job, Order, Queue, SCRIPT, Submission, arrange, is_loggable};
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{self, counted};
use crate::pipeline::{self, Overrides, Pipeline, Run};
use crate::plan::{self, Stage, Verdict};
use gridlake_lake::Lake;
use gridlake_lake::store::Location;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Submits what is stale of `wanted` for every run of the pipeline: one job array for each stage. What is in the queue already is left there.
///
/// # Errors
/// A bad pipeline; no Slurm on this machine; what sbatch refuses, after what was submitted before has been cancelled.
pub(crate) fn submit(arguments: &PipelineArguments, wanted: &[Stage]) -> Result<(), Failure> {
    let cluster = executor::cluster()?;
    let Pipeline { lake: location, runs } = pipeline::resolve(&arguments.pipeline, &anywhere(arguments)?)?;
    let lake = if wanted.contains(&Stage::Train) { Lake::create(&location)? } else { run::existing(&location, &runs, wanted, arguments)? };
    let queue = Queue::of(&lake)?;
    if let Some(failure) = queue.unknown {
        return Err(failure.about("cannot tell what is queued already"));
    }
    let busy = queue.busy();
    let (waiting, runs): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| busy.contains_key(run.name.as_str()));
    for run in &waiting {
        tracing::info!("{}: in the queue already (job {})", run.name, busy[run.name.as_str()]);
    }
    let Some(first) = runs.first() else { return output::print("nothing to submit: all runs are in the queue already\n") };
    let config = first.settings.executor.clone();
    let (runs, jobs) = jobs(Some(&lake), &runs, wanted, arguments, cluster.most)?;
    let Some(first) = runs.first() else { return output::print("nothing to submit: everything is there already\n") };
    let mut submission = Submission::new(&lake, &first.settings.name, &arguments.pipeline, arguments.force);
    submission.cluster = cluster.name;
    if let Some(logs) = config.logs(&location, &submission.id) {
        submission.logs = made(&logs)?;
    }
    if !is_loggable(&submission.logs) {
        return Err(Failure::config(format!("Slurm cannot write logs to {:?}", submission.logs))
            .hint("set executor.logs to a folder without backslashes and control characters in its path"));
    }
    (submission.runs, submission.jobs) = (runs.iter().map(|run| run.name.clone()).collect(), jobs);
    for run in &runs {
        submission.freeze(&lake, run)?;
    }
    submission.save(&lake)?;
    send(&lake, &location, &mut submission, &config, &arguments.common)?;
    let told = format!("{} of {}", counted(submission.jobs.len(), "job"), counted(submission.runs.len(), "run"));
    let (shown, logs) = (location, &submission.logs);
    output::print(&format!(
        "{}{told} submitted to {}\n  logs        {logs}\n  how far     gridlake status {shown}\n",
        table(&submission.jobs),
        submission.cluster
    ))
}

/// Submits the jobs of a submission one after the other, and keeps the number of each.
fn send(
    lake: &Lake,
    location: &Location,
    submission: &mut Submission,
    config: &ExecutorConfig,
    common: &CommonArguments,
) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::work(format!("cannot tell where gridlake is: {error}")))?;
    let folder = tempfile::tempdir().map_err(|error| Failure::work(format!("cannot make a temporary folder: {error}")))?;
    let script = folder.path().join("gridlake.sh");
    std::fs::write(&script, SCRIPT).map_err(|error| Failure::work(format!("cannot write {}: {error}", script.display())))?;
    let order = Order { program: &program, script: &script, lake: location, config, common };
    for place in 0..submission.jobs.len() {
        let submitted = interrupt::check("submitting").and_then(|()| executor::submit(&executor::arguments(&order, submission, place)));
        let kept = submitted.and_then(|id| {
            submission.jobs[place].id = Some(id);
            submission.save(lake)
        });
        if let Err(failure) = kept {
            return Err(withdraw(lake, submission, failure));
        }
    }
    Ok(())
}

/// Prints what `submit` would submit.
///
/// # Errors
/// A stage whose input is missing.
pub(crate) fn plan(lake: Option<&Lake>, runs: &[Run], arguments: &PipelineArguments) -> Result<(), Failure> {
    // Where there is no Slurm, as many as it allows by default.
    let most = executor::cluster().map_or(1001, |cluster| cluster.most);
    let busy = lake.map(Queue::of).transpose()?.map(|queue| queue.busy().keys().map(|run| (*run).to_owned()).collect::<HashSet<_>>());
    let busy = busy.unwrap_or_default();
    let free: Vec<Run> = runs.iter().filter(|run| !busy.contains(&run.name)).cloned().collect();
    let (_, jobs) = jobs(lake, &free, &Stage::ALL, arguments, most)?;
    let waiting = runs.len() - free.len();
    let waiting = if waiting > 0 { format!("{} in the queue already\n", counted(waiting, "run")) } else { String::new() };
    let jobs = if jobs.is_empty() { "nothing to submit\n".to_owned() } else { format!("to submit:\n{}", table(&jobs)) };
    output::print(&format!("\n{jobs}{waiting}"))
}

/// The runs that have something to do, in the order of the tasks, and the jobs.
fn jobs(
    lake: Option<&Lake>,
    runs: &[Run],
    wanted: &[Stage],
    arguments: &PipelineArguments,
    most: usize,
) -> Result<(Vec<Run>, Vec<Job>), Failure> {
    let needs = runs
        .par_iter()
        .map(|run| needed(lake, run, wanted, arguments).map_err(|failure| failure.about(&run.name)))
        .collect::<Result<Vec<Vec<Stage>>, Failure>>()?;
    let (order, jobs) = arrange(&needs, most, wanted.contains(&Stage::Draw));
    Ok((order.into_iter().map(|run| runs[run].clone()).collect(), jobs))
}

/// The stages that a run has still to do.
fn needed(lake: Option<&Lake>, run: &Run, wanted: &[Stage], arguments: &PipelineArguments) -> Result<Vec<Stage>, Failure> {
    let verdicts = plan::assess(lake, run)?;
    let earlier = plan::assess_each(lake, &run.name, &run.earlier())?;
    let is_stale = |verdicts: &[Verdict], stage: Stage| verdicts.iter().any(|verdict| verdict.stage == stage && verdict.stale.is_some());
    let stale_before = |stage: Stage| earlier.iter().any(|verdicts| is_stale(verdicts, stage));
    // The figure of the development shows all checkpoints.
    let stale = |stage: Stage| is_stale(&verdicts, stage) || stale_before(stage) || (stage == Stage::Draw && stale_before(Stage::Analyze));
    let stages: Vec<Stage> = run::own(run, wanted)?.into_iter().filter(|stage| arguments.force || stale(*stage)).collect();
    for stage in stages.iter().filter(|stage| stage.input().is_some_and(|input| !stages.contains(&input))) {
        run::needs(run, *stage, &verdicts, &arguments.pipeline.display().to_string())?;
    }
    Ok(stages)
}

/// What the flags say, with a lake that means the same from wherever it is read.
fn anywhere(arguments: &PipelineArguments) -> Result<Overrides, Failure> {
    let overrides = arguments.overrides();
    let Pipeline { lake, .. } = pipeline::resolve(&arguments.pipeline, &overrides)?;
    let lake = match lake {
        Location::Folder(path) => absolute(&path)?,
        bucket @ Location::Bucket { .. } => bucket.to_string(),
    };
    Ok(Overrides { lake: Some(lake), ..overrides })
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(path).ok().and_then(|path| path.to_str().map(str::to_owned));
    whole
        .ok_or_else(|| Failure::config(format!("the path of {} from the root is not UTF-8", path.display())).hint("work in another folder"))
}

/// A folder for logs, there and whole.
fn made(folder: &PathBuf) -> Result<String, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::work(format!("cannot make the folder {}: {error}", folder.display())).hint("set executor.logs"))?;
    absolute(folder)
}

/// Takes back what was submitted before something failed.
fn withdraw(lake: &Lake, submission: &Submission, failure: Failure) -> Failure {
    let jobs: Vec<String> = submission.jobs.iter().filter_map(|job| job.id).map(|id| id.to_string()).collect();
    if !jobs.is_empty()
        && let Err(error) = executor::cancel(&jobs)
    {
        return failure.hint(format!("some jobs may be in the queue: scancel {} ({error})", jobs.join(" ")));
    }
    // What is left of its files is in nobody's way.
    let _ = submission.forget(lake);
    failure
}

fn table(jobs: &[Job]) -> String {
    let mut rows = vec![["job", "stage", "tasks", "after"].map(str::to_owned).to_vec()];
    let named = |place: usize| jobs[place].id.map_or_else(|| format!("({})", place + 1), |id| id.to_string());
    for (place, job) in jobs.iter().enumerate() {
        let tasks = if job.runs == 0 { 1 } else { job.runs };
        let after: Vec<String> = job.after.iter().map(|place| named(*place)).collect();
        rows.push(vec![named(place), job.work.name().to_owned(), tasks.to_string(), after.join(" ")]);
    }
    output::table(&rows)
}

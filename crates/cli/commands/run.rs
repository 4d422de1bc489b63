//! `gridlake run`, and each stage on its own.

use super::{at_once, submit, worst};
use crate::args::PipelineArguments;
use crate::executor::Kind;
use crate::failure::{Class, Failure};
use crate::output;
use crate::pipeline::{self, Pipeline, Run};
use crate::plan::{self, Stage, Verdict};
use crate::progress::Mode;
use crate::workers::{self, Cores, Task};
use crate::workspace::Workspace;
use crate::{all_runs, stages, summary};
use gridlake_lake::store::Location;
use gridlake_lake::{Lake, LakeError};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// Does what is stale of `wanted` for every run of the pipeline. A run that fails stops no other; an interrupt stops all.
///
/// # Errors
/// A bad pipeline; the failure of the only run, or how many of several failed.
pub(crate) fn run(arguments: &PipelineArguments, wanted: &[Stage], mode: Mode) -> Result<(), Failure> {
    let Pipeline { lake, runs } = pipeline::resolve(&arguments.pipeline, &arguments.overrides())?;
    if runs.first().is_some_and(|run| run.settings.executor.kind == Kind::Slurm) {
        return submit::submit(arguments, wanted);
    }
    let lake = if wanted.contains(&Stage::Train) { Lake::create(&lake)? } else { existing(&lake, &runs, wanted, arguments)? };
    let mut failures: Vec<(String, Failure)> = Vec::new();
    let worked = AtomicBool::new(false);
    let (runs, shared) = share(&lake, runs, wanted, arguments);
    let work = |run: &Run| {
        let done = match &shared {
            Shared::Workers { cores, busy, .. } if busy.contains(&run.name) => {
                cores.share(|threads| workers::perform(&for_worker(run, wanted, arguments, mode)?, threads, &arguments.common))
            }
            _ => one(
                &lake,
                run,
                &Asked { stages: wanted, force: arguments.force, pipeline: &arguments.pipeline.display().to_string() },
                mode,
            )
            .map_err(|failure| about(failure, run, arguments.force)),
        };
        done.map(|done| {
            worked.fetch_or(done, Ordering::Relaxed);
        })
    };
    at_once::for_each(&runs, shared.at_once(), work, |run, done| match done {
        Ok(()) if wanted.len() == Stage::ALL.len() => summary::print(&lake, run),
        Ok(()) => Ok(()),
        Err(failure) if runs.len() == 1 || failure.class() == Class::Interrupted => Err(failure),
        Err(failure) => {
            tracing::error!("{}", crate::failure::render(&failure));
            failures.push((run.name.clone(), failure));
            Ok(())
        }
    })?;
    if wanted.contains(&Stage::Draw) {
        index(&lake, &runs, worked.into_inner() || !failures.is_empty(), wanted.len() == Stage::ALL.len())?;
    }
    let Some(class) = worst(failures.iter().map(|(_, failure)| failure.class())) else { return Ok(()) };
    // Told when they happened, which may be hours ago.
    failures.sort_by(|one, other| one.0.cmp(&other.0));
    let first_line = |failure: &Failure| failure.to_string().lines().next().unwrap_or_default().to_owned();
    let rows: Vec<Vec<String>> = failures.iter().map(|(_, failure)| vec![format!("  {}", first_line(failure))]).collect();
    tracing::error!("failed:\n{}", output::table(&rows).trim_end());
    if failures.iter().all(|(_, failure)| failure.class() == Class::Config) {
        return Err(Failure::config(format!("{} of {} runs were refused", failures.len(), runs.len())));
    }
    let class = if class == Class::Data { class } else { Class::Work };
    Err(Failure::of(class, format!("{} of {} runs failed", failures.len(), runs.len())).hint("`gridlake status` tells which and why"))
}

/// Brings the index of the runs' reports and the figures of all runs up to date, and says where they are.
pub(super) fn index(lake: &Lake, runs: &[Run], changed: bool, print: bool) -> Result<(), Failure> {
    let mut names: Vec<&str> = runs.iter().filter(|run| run.imported.is_none()).map(|run| run.settings.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let all = all_runs::refresh(lake, name, changed)?;
        match all.index {
            Some(index) if print => {
                let runs = output::counted(index.runs, "run");
                output::print(&format!("{name}: {runs} beside each other\n  index       {}\n", index.path.display()))?;
            }
            Some(index) => tracing::info!("{name}: {} beside each other in {}", output::counted(index.runs, "run"), index.path.display()),
            None => {}
        }
        for (what, path) in [("variants", all.variants), ("sweep", all.sweep)] {
            match path {
                Some(path) if print => output::print(&format!("  {what:<11} {}\n", path.display()))?,
                Some(path) => tracing::info!("{name}: its {what} in {}", path.display()),
                None => {}
            }
        }
    }
    Ok(())
}

/// What is asked for of every run.
pub(super) struct Asked<'a> {
    pub(super) stages: &'a [Stage],
    pub(super) force: bool,
    /// The pipeline file, for hints.
    pub(super) pipeline: &'a str,
}

/// How runs share the machine.
enum Shared {
    /// In this process: each with all threads, or several on one GPU.
    Here(usize),
    /// Those that have something to do, in processes of their own.
    Workers { at_once: usize, cores: Cores, busy: HashSet<String> },
}

impl Shared {
    fn at_once(&self) -> usize {
        match self {
            Shared::Here(at_once) | Shared::Workers { at_once, .. } => *at_once,
        }
    }
}

/// Decides how runs share the machine, and in which order they begin: the longest first, so that none is left over at the end.
fn share(lake: &Lake, mut runs: Vec<Run>, wanted: &[Stage], arguments: &PipelineArguments) -> (Vec<Run>, Shared) {
    if runs.len() == 1 {
        return (runs, Shared::Here(1));
    }
    let seconds: HashMap<String, f64> = runs
        .iter()
        .map(|run| (run.name.clone(), plan::left_s(lake, run, wanted, arguments.force)))
        .filter(|(_, left)| *left > 0.0)
        .collect();
    let busy: Vec<&Run> = runs.iter().filter(|run| seconds.contains_key(&run.name)).collect();
    if busy.iter().any(|run| stages::works_on_gpu(run, wanted)) {
        let at_once = if wanted.contains(&Stage::Train) { on_device(&busy) } else { 1 };
        return (runs, Shared::Here(at_once));
    }
    let threads = rayon::current_num_threads();
    let at_once = busy.first().map_or(1, |run| workers::at_once(&busy, wanted, threads, run.settings.executor.at_once));
    if at_once == 1 {
        return (runs, Shared::Here(1));
    }
    let shared = Shared::Workers { at_once, cores: Cores::new(threads, at_once, busy.len()), busy: seconds.keys().cloned().collect() };
    let left = |run: &Run| seconds.get(&run.name).copied().unwrap_or(0.0);
    runs.sort_by(|one, other| left(other).total_cmp(&left(one)));
    (runs, shared)
}

/// How many of the runs to train on a GPU at once: as many as the one that takes most of it allows.
fn on_device(busy: &[&Run]) -> usize {
    // A device that is not there is the run's own error.
    busy.iter().map(|run| gridlake_model::runs_at_once(&run.settings.train).unwrap_or(1)).min().unwrap_or(1)
}

fn for_worker(run: &Run, wanted: &[Stage], arguments: &PipelineArguments, mode: Mode) -> Result<Task, Failure> {
    Ok(Task {
        run: run.freeze()?,
        stages: wanted.to_vec(),
        force: arguments.force,
        pipeline: arguments.pipeline.display().to_string(),
        bars: mode == Mode::Bar,
    })
}

/// A worker's task: one run, as `run` does it.
///
/// # Errors
/// What the run fails with.
pub(crate) fn task(task: &Task, mode: Mode) -> Result<bool, Failure> {
    let run = task.run.thaw()?;
    let lake = Lake::open(&run.settings.lake)?;
    let asked = Asked { stages: &task.stages, force: task.force, pipeline: &task.pipeline };
    one(&lake, &run, &asked, mode).map_err(|failure| about(failure, &run, task.force))
}

/// A failure says which run it is about, and how to go on.
fn about(failure: Failure, run: &Run, force: bool) -> Failure {
    let failure = failure.about(&run.name);
    if force && failure.class() == Class::Interrupted {
        return failure.hint("run the same command again without --force to go on; with it everything starts anew");
    }
    failure
}

/// The lake of stages that need the result of another: where there is none, there is no such result, and none is made.
pub(super) fn existing(location: &Location, runs: &[Run], wanted: &[Stage], arguments: &PipelineArguments) -> Result<Lake, Failure> {
    match Lake::open(location) {
        Err(LakeError::NotALake { .. }) => {
            if let (Some(run), Some(stage)) = (runs.first(), wanted.first()) {
                needs(run, *stage, &plan::assess(None, run)?, &arguments.pipeline.display().to_string())
                    .map_err(|failure| failure.about(&run.name))?;
            }
            Ok(Lake::create(location)?)
        }
        lake => Ok(lake?),
    }
}

fn is_stale(verdicts: &[Verdict], stage: Stage) -> bool {
    verdicts.iter().any(|verdict| verdict.stage == stage && verdict.stale.is_some())
}

/// Returns whether there was anything to do.
pub(super) fn one(lake: &Lake, run: &Run, asked: &Asked<'_>, mode: Mode) -> Result<bool, Failure> {
    let wanted = &own(run, asked.stages)?;
    let of_each = |stage: &Stage| matches!(stage, Stage::Record | Stage::Analyze);
    let earlier = if wanted.iter().any(of_each) { run.earlier() } else { Vec::new() };
    let verdicts = plan::assess(Some(lake), run)?;
    let stale_earlier = || -> Result<bool, Failure> {
        let each = plan::assess_each(Some(lake), &run.name, &earlier)?;
        Ok(each.iter().any(|verdicts| wanted.iter().any(|stage| is_stale(verdicts, *stage))))
    };
    if !asked.force && wanted.iter().all(|stage| !is_stale(&verdicts, *stage)) && !stale_earlier()? {
        tracing::info!("{}: everything is there already", run.name);
        for input in wanted.iter().filter_map(|stage| stage.input()).filter(|input| !wanted.contains(input)) {
            if let Some(why) = verdicts.iter().find(|verdict| verdict.stage == input).and_then(|verdict| verdict.stale.as_ref()) {
                tracing::warn!("{}: but {input}, which it was made from, is not as it was: {why}", run.name);
            }
        }
        return Ok(false);
    }
    for &stage in wanted.iter().filter(|stage| asked.force || is_stale(&verdicts, **stage)) {
        stages::check(run, stage)?;
    }
    let mut workspace = Workspace::open(lake, run, mode)?;
    for &stage in wanted.iter().filter(|stage| **stage < Stage::Draw) {
        one_stage(&mut workspace, stage, asked)?;
    }
    let of_each: Vec<Stage> = wanted.iter().copied().filter(of_each).collect();
    let failed = before_the_last(&mut workspace, &earlier, &of_each, asked)?;
    workspace.turn_to(run)?;
    if wanted.contains(&Stage::Draw) {
        one_stage(&mut workspace, Stage::Draw, asked)?;
    }
    failed.map_or(Ok(true), Err)
}

/// Does a stage of the checkpoint that the workspace is at, if it is stale.
fn one_stage(workspace: &mut Workspace<'_>, stage: Stage, asked: &Asked<'_>) -> Result<(), Failure> {
    // Assessed again: under the lock, and after the stage before.
    let verdicts = plan::assess(Some(workspace.lake), workspace.run)?;
    if let Err(failure) = needs(workspace.run, stage, &verdicts, asked.pipeline) {
        workspace.forget_new();
        return Err(failure);
    }
    if asked.force || is_stale(&verdicts, stage) {
        stages::perform(workspace, stage, asked.force)?;
    }
    Ok(())
}

/// Records and analyzes the checkpoints before the last. One that fails stops no other; returns what failed, as one failure.
///
/// # Errors
/// An interrupt; a damaged record or manifest of the run.
fn before_the_last<'a>(
    workspace: &mut Workspace<'a>,
    earlier: &'a [Run],
    stages: &[Stage],
    asked: &Asked<'_>,
) -> Result<Option<Failure>, Failure> {
    let mut failed: Vec<(u64, Failure)> = Vec::new();
    let verdicts = plan::assess_each(Some(workspace.lake), &workspace.run.name, earlier)?;
    let stale = |verdicts: &[Verdict]| asked.force || stages.iter().any(|stage| is_stale(verdicts, *stage));
    for (run, _) in earlier.iter().zip(&verdicts).filter(|(_, verdicts)| stale(verdicts)) {
        workspace.turn_to(run)?;
        match stages.iter().try_for_each(|stage| one_stage(workspace, *stage, asked)) {
            Err(failure) if failure.class() == Class::Interrupted => return Err(failure),
            Err(failure) => {
                tracing::warn!("{}: step {}: {failure}", run.name, run.step());
                failed.push((run.step(), failure));
            }
            Ok(()) => {}
        }
    }
    let Some(class) = worst(failed.iter().map(|(_, failure)| failure.class())) else { return Ok(None) };
    let rows: Vec<Vec<String>> = failed.iter().map(|(step, failure)| vec![format!("  step {step}"), failure.to_string()]).collect();
    let table = output::table(&rows);
    let message = format!("{} of {} checkpoints before the last failed:\n{}", failed.len(), earlier.len(), table.trim_end());
    Ok(Some(Failure::of(class, message).hint("the same command again tries those that failed")))
}

/// Those of the wanted stages that are the run's own to do: what was imported is neither trained nor recorded.
pub(super) fn own(run: &Run, wanted: &[Stage]) -> Result<Vec<Stage>, Failure> {
    let own: Vec<Stage> = wanted
        .iter()
        .copied()
        .filter(|stage| run.imported.is_none() || stage.input().is_some_and(|input| input >= Stage::Record))
        .collect();
    if own.is_empty() {
        let stages: Vec<&str> = wanted.iter().map(|stage| stage.name()).collect();
        return Err(Failure::config(format!("it was imported, so there is nothing to {}", stages.join(" and ")))
            .hint("analyze and draw work on imported runs; `gridlake import --force` imports anew"));
    }
    Ok(own)
}

/// Refuses a stage whose input is not there.
pub(super) fn needs(run: &Run, stage: Stage, verdicts: &[Verdict], pipeline: &str) -> Result<(), Failure> {
    let missing = stage.input().and_then(|input| verdicts.iter().find(|verdict| verdict.stage == input));
    match missing {
        Some(Verdict { stage: Stage::Record, stale: Some(why) }) if run.imported.is_some() => {
            Err(Failure::work(format!("{stage} needs what was imported: {why}"))
                .hint("give the same `gridlake import` command again, with --force"))
        }
        Some(Verdict { stage: input, stale: Some(why) }) => Err(Failure::work(format!("{stage} needs the result of {input}: {why}"))
            .hint(format!("`gridlake {input} {pipeline}` first, or `gridlake run {pipeline}` for everything"))),
        _ => Ok(()),
    }
}

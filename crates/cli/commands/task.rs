//! A task of a job array: one stage of one run, done as `gridlake run` does it. Slurm starts it, not users.

use super::run::{self, Asked};
use crate::args::TaskArguments;
use crate::executor::{self, Submission, Work};
use crate::failure::{Class, Failure};
use crate::interrupt;
use crate::pipeline::Run;
use crate::plan::Stage;
use crate::progress::Mode;
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::store::{Holder, RunLock};
use gridlake_lake::{Lake, LakeError};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How long the lock of a task that Slurm knows to be gone is left to the file system to give back.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at a lock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Does one task.
///
/// # Errors
/// What its stage fails with; a submission that is not there or was made by another gridlake.
pub(crate) fn task(arguments: &TaskArguments, mode: Mode) -> Result<(), Failure> {
    let lake = super::open_lake(&arguments.lake)?;
    let submission = Submission::load(&lake, &arguments.submission)?;
    let none = || Failure::config(format!("{} has no job {}", submission.id, arguments.job));
    let job = submission.jobs.get(arguments.job).ok_or_else(none)?;
    let restarts: u32 = variable("SLURM_RESTART_COUNT").unwrap_or(0);
    let Some(stage) = job.work.stage() else {
        let runs = submission.jobs.iter().filter(|job| job.work == Work::Draw).flat_map(|job| (0..job.runs).map(move |task| (job, task)));
        let runs = runs.map(|(job, task)| submission.thaw(&lake, job, task)).collect::<Result<Vec<Run>, Failure>>()?;
        return run::index(&lake, &runs, true, false);
    };
    let number: usize = variable("SLURM_ARRAY_TASK_ID")
        .ok_or_else(|| Failure::config("SLURM_ARRAY_TASK_ID is not set").hint("Slurm starts tasks; `gridlake submit` submits them"))?;
    let run = submission.thaw(&lake, job, number)?;
    let this = This { name: name(number), restarts };
    tracing::info!("{}: {stage}, task {} on {}{}", run.name, this.name, node(), again(restarts));
    wait_for_lock(&lake, &run.name, &this)?;
    // A task that begins again has begun anew already.
    let force = submission.force && restarts == 0;
    let before = if force { 0 } else { reached(&lake, &run.name) };
    let asked = Asked { stages: &[stage], force, pipeline: &submission.pipeline };
    match run::one(&lake, &run, &asked, mode) {
        Ok(_) => Ok(()),
        Err(failure) if failure.class() == Class::Interrupted && stage == Stage::Train => {
            let progressed = reached(&lake, &run.name) > before;
            Err(this.go_on(failure, progressed)).map_err(|failure| failure.about(&run.name))
        }
        Err(failure) => Err(failure.about(&run.name)),
    }
}

/// This task.
struct This {
    /// As Slurm's commands know it.
    name: String,
    restarts: u32,
}

impl This {
    /// A training that was asked to stop ahead of its time limit begins again, if it has come on; one that was cancelled or preempted is Slurm's to begin again.
    fn go_on(&self, failure: Failure, progressed: bool) -> Failure {
        // Before anything else, as Slurm ends it soon.
        let running = executor::state(&self.name).is_ok_and(|state| state == "RUNNING");
        if !running {
            return failure;
        }
        if !progressed {
            return failure.hint("it was asked to stop before it had taken a step further: give it more time with executor.time_limit");
        }
        match executor::requeue(&self.name) {
            Ok(()) => failure.hint(format!("task {} is in the queue again, to go on from there", self.name)),
            Err(error) => failure.hint(format!("it could not be queued again ({error}): submit the pipeline again to go on from there")),
        }
    }

    /// Whether Slurm knows the task that holds a lock to be gone: an earlier start of this one, or one that is not running.
    fn outlives(&self, holder: &Holder) -> bool {
        let Some((task, restarts)) = holder.job.as_deref().and_then(|job| job.rsplit_once('.')) else { return false };
        if task == self.name {
            return restarts.parse().is_ok_and(|restarts: u32| restarts < self.restarts);
        }
        executor::state(task).is_ok_and(|state| !matches!(state.as_str(), "RUNNING" | "COMPLETING" | "SUSPENDED" | "SIGNALING" | "STOPPED"))
    }
}

/// Waits until nobody works on the run any more: what Slurm has begun again elsewhere may still be ending, or its node may have gone without giving the lock back.
fn wait_for_lock(lake: &Lake, run: &str, this: &This) -> Result<(), Failure> {
    let started = Instant::now();
    let mut told = false;
    loop {
        match RunLock::take(lake.store(), run) {
            // The stage takes it again; no other task is about this run now.
            Ok(_) => return Ok(()),
            Err(LakeError::Locked { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        interrupt::check("waiting for another process")?;
        if started.elapsed() >= PATIENCE && RunLock::set_aside(lake.store(), run, |holder| this.outlives(holder))? {
            tracing::warn!("{run}: the lock of a task that is gone was set aside");
            continue;
        }
        if !told {
            tracing::info!("{run}: another process is working on it; waiting for it to end");
            told = true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The step that a run's training has reached.
fn reached(lake: &Lake, run: &str) -> u64 {
    let record = RunRecord::load(lake, run).ok().flatten();
    record.and_then(|record| record.stages.get(Stage::Train.name()).map(|stage| stage.step)).unwrap_or(0)
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn name(number: usize) -> String {
    let job: u64 = variable("SLURM_ARRAY_JOB_ID").unwrap_or(0);
    format!("{job}_{number}")
}

fn node() -> String {
    variable("SLURMD_NODENAME").unwrap_or_else(|| "this machine".to_owned())
}

fn again(restarts: u32) -> String {
    if restarts > 0 { format!(", begun again ({restarts})") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_outlives_its_own_earlier_starts_alone() {
        let holder = |job: &str| -> Holder {
            serde_json::from_str(&format!(r#"{{"machine":"m","process":1,"started":2,"renewals":0{job}}}"#)).unwrap()
        };
        let this = This { name: "7_3".to_owned(), restarts: 1 };
        assert!(this.outlives(&holder(r#","job":"7_3.0""#)));
        assert!(!this.outlives(&holder(r#","job":"7_3.1""#)), "that is itself");
        assert!(!this.outlives(&holder("")), "a process outside Slurm is nobody's to judge");
        assert!(!this.outlives(&holder(r#","job":"7_3.x""#)));
    }
}

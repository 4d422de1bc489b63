//! `gridlake cancel`.

use super::open_lake;
use crate::args::CancelArguments;
use crate::executor::{self, Queue, Submission};
use crate::failure::Failure;
use crate::output::{self, counted};
use std::collections::BTreeSet;

/// Takes tasks that were submitted from a lake out of the queue. Those at work finish their step and write a checkpoint first.
///
/// # Errors
/// A folder that is no lake; a Slurm that is not there or refuses.
pub(crate) fn cancel(arguments: &CancelArguments) -> Result<(), Failure> {
    let lake = open_lake(&arguments.lake)?;
    let queue = Queue::of(&lake)?;
    if let Some(failure) = queue.unknown {
        return Err(failure);
    }
    let only = arguments.only.as_deref().map(glob::Pattern::new).transpose();
    let only = only.map_err(|error| Failure::config(format!("--only {}: {error}", arguments.only.as_deref().unwrap_or_default())))?;
    let wanted = |run: &str| only.as_ref().is_none_or(|pattern| pattern.matches(run));
    let tasks: BTreeSet<String> = queue.live(wanted).map(|(_, _, name)| name.to_owned()).collect();
    let runs: BTreeSet<&str> = queue.live(wanted).map(|(run, _, _)| run).collect();
    let jobs: Vec<String> = queue.jobs().into_iter().map(|job| job.to_string()).collect();
    executor::cancel(&if only.is_some() { tasks.iter().cloned().collect() } else { jobs })?;
    for mut submission in Submission::all(&lake)? {
        submission.note_cancelled(&lake, &tasks)?;
    }
    output::print(&format!("cancelled {} of {}\n", counted(tasks.len(), "task"), counted(runs.len(), "run")))
}

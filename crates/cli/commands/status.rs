//! `gridlake status`.

use super::open_lake;
use crate::executor::{Queue, Task, Work};
use crate::failure::Failure;
use crate::output;
use crate::pipeline::imported::is_imported;
use gridlake_lake::LakeError;
use gridlake_lake::index::{self, Settings};
use gridlake_lake::run_record::{RunRecord, StageRecord, Status};
use gridlake_lake::store::Location;
use std::collections::{BTreeSet, HashSet};

/// Prints every run of a lake with its stages, and where the tasks are that were submitted; failures below.
///
/// # Errors
/// A folder that is no lake.
pub(crate) fn status(location: &Location) -> Result<(), Failure> {
    let lake = open_lake(location)?;
    let queue = Queue::of(&lake)?;
    let mut rows = vec![["run", "train", "step", "record", "analyze", "draw"].map(str::to_owned).to_vec()];
    let mut runs: BTreeSet<String> = lake.runs()?.into_iter().collect();
    runs.extend(queue.runs().into_iter().map(str::to_owned));
    let runs: Vec<String> = runs.into_iter().collect();
    let look = |place: usize, record: Result<Option<index::Record>, LakeError>, _: &Settings| {
        let run = &runs[place];
        record
            .map(|record| Line::new(run, record.as_ref().map(|record| &record.record), &queue))
            .map_err(|error| format!("{run}: {error}\n"))
    };
    let (mut failures, mut done) = (Vec::new(), HashSet::new());
    for (line, run) in index::each(&lake, &runs, look).into_iter().zip(&runs) {
        match line {
            Ok(line) => {
                rows.push(line.cells);
                failures.extend(line.failures);
                if queue.unknown.is_some() {
                    done.extend(line.done.into_iter().map(|stage| (run.clone(), stage)));
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    if let Some(failure) =
        queue.unknown.as_ref().filter(|_| queue.is_open(|run, work| done.contains(&(run.to_owned(), work.name().to_owned()))))
    {
        tracing::warn!("what was submitted and is still in the queue is not known: {failure}");
    }
    let separator = if failures.is_empty() { "" } else { "\n" };
    output::print(&format!("{}{separator}{}", output::table(&rows), failures.concat()))
}

/// What is told of a run.
struct Line {
    cells: Vec<String>,
    failures: Vec<String>,
    done: Vec<String>,
}

impl Line {
    fn new(run: &str, record: Option<&RunRecord>, queue: &Queue) -> Self {
        let stage = |name: &str| record.and_then(|record| record.stages.get(name));
        let place = |work: Work| queue.task(run, work).and_then(Task::place);
        let state = |work: Work| place(work).unwrap_or_else(|| stage(work.name()).map_or("–", |stage| word(stage)).to_owned());
        let step = stage("train").map_or_else(String::new, |stage| format!("{}/{}", stage.step, stage.steps_total));
        let imported = record.is_some_and(is_imported) && state(Work::Record) == "done";
        let recorded = if imported { "imported".to_owned() } else { state(Work::Record) };
        let cells = vec![run.to_owned(), state(Work::Train), step, recorded, state(Work::Analyze), state(Work::Draw)];
        let mut line = Self { cells, failures: Vec::new(), done: Vec::new() };
        for (name, stage) in record.iter().flat_map(|record| &record.stages) {
            if stage.status == Status::Done {
                line.done.push(name.clone());
            }
            if let Some(error) = &stage.error {
                let task =
                    Work::ALL.into_iter().find(|work| name.split('@').next() == Some(work.name())).and_then(|work| queue.task(run, work));
                let log = task.map_or_else(String::new, |task| format!(" (log of task {}: {})", task.name, task.log.display()));
                line.failures.push(format!("{run}: {name} {}: {error}{log}\n", word(stage)));
            }
        }
        line.failures.extend(lost(queue, run, record));
        line
    }
}

/// The first stage of a run whose task is no longer in the queue and has left neither a result nor an error: it was killed, or Slurm could not start it.
fn lost(queue: &Queue, run: &str, record: Option<&RunRecord>) -> Option<String> {
    let status = |work: Work| record.and_then(|record| record.stages.get(work.name())).map(|stage| stage.status);
    let work = Work::ALL.into_iter().find(|work| queue.task(run, *work).is_some() && status(*work) != Some(Status::Done))?;
    let task = queue.task(run, work)?;
    let told = matches!(status(work), Some(Status::Failed | Status::Interrupted));
    if !task.asked || task.queued.is_some() || task.cancelled || told {
        return None;
    }
    let log = if task.log.exists() { format!("; log: {}", task.log.display()) } else { ", without a log".to_owned() };
    Some(format!("{run}: {} is not done and no longer in the queue: task {} ended without a word{log}\n", work.name(), task.name))
}

fn word(stage: &StageRecord) -> &'static str {
    match stage.status {
        Status::Running => "begun",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Interrupted => "interrupted",
    }
}

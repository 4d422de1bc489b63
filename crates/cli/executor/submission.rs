//! What was submitted, as the lake keeps it.
//!
//! ```text
//! LAKE/jobs/<submission>/submission.json     its jobs, and whether they are in the queue
//! LAKE/jobs/<submission>/<run>.json          a run's settings as they were then: what its tasks work from
//! LAKE/jobs/<submission>/<stage>-<job>_<task>.log
//! ```

use super::arrays::{Job, Work};
use crate::failure::Failure;
use crate::pipeline::{Frozen, Run};
use gridlake_lake::name::is_run_name;
use gridlake_lake::run_record::now_unix_s;
use gridlake_lake::{Lake, LakeError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Version of the form.
const FORMAT: u32 = 1;

/// Jobs that were submitted together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Submission {
    pub(crate) format: u32,
    /// Name of its folder.
    pub(crate) id: String,
    /// The cluster that numbers the jobs.
    pub(crate) cluster: String,
    /// Version of what submitted them.
    pub(crate) gridlake: String,
    pub(crate) submitted_unix_s: f64,
    /// The pipeline file, as hints name it.
    pub(crate) pipeline: String,
    /// Whether fresh stages are done anew.
    pub(crate) force: bool,
    /// Where tasks write their logs.
    pub(crate) logs: String,
    /// Names of the runs, in the order of the arrays' tasks.
    pub(crate) runs: Vec<String>,
    pub(crate) jobs: Vec<Job>,
    /// Tasks that the user took out of the queue, as `<job>_<task>`.
    pub(crate) cancelled: BTreeSet<String>,
}

impl Submission {
    /// A new one, of nothing yet, whose logs go to the lake.
    pub(crate) fn new(lake: &Lake, name: &str, pipeline: &Path, force: bool) -> Self {
        let id = format!("{name}-{:.0}-{}", now_unix_s() * 1000.0, std::process::id());
        Self {
            format: FORMAT,
            cluster: String::new(),
            gridlake: env!("CARGO_PKG_VERSION").to_owned(),
            submitted_unix_s: now_unix_s(),
            pipeline: pipeline.display().to_string(),
            force,
            logs: lake.show(&folder(&id)).display().to_string(),
            runs: Vec::new(),
            jobs: Vec::new(),
            cancelled: BTreeSet::new(),
            id,
        }
    }

    /// # Errors
    /// No such submission, or one of a newer gridlake; a lake that cannot be read.
    pub(crate) fn load(lake: &Lake, id: &str) -> Result<Self, Failure> {
        let key = format!("{}/submission.json", folder(id));
        let text = if is_run_name(id) { lake.store().read(&key)? } else { None };
        let path = lake.show(&key);
        let text = text.ok_or_else(|| Failure::data(format!("there is no {}", path.display())).hint("submit the pipeline again"))?;
        let refuse =
            |why: String| Failure::data(format!("{}: {why}", path.display())).hint("remove its folder and submit the pipeline again");
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| refuse(format!("is no submission ({error})")))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(found) if found > u64::from(FORMAT) => Err(LakeError::Version { path, found, known: FORMAT }.into()),
            _ => {
                let found: Self = serde_json::from_value(value).map_err(|error| refuse(format!("is no submission ({error})")))?;
                // Names become parts of paths.
                match found.runs.iter().find(|run| !is_run_name(run)) {
                    Some(run) => Err(refuse(format!("is no submission (it names a run {run:?})"))),
                    None if found.id != id => Err(refuse(format!("is that of {:?}", found.id))),
                    None => Ok(found),
                }
            }
        }
    }

    /// All submissions of a lake, oldest first. What is none is left out: a folder whose submission was killed at its start.
    ///
    /// # Errors
    /// A lake that cannot be read.
    pub(crate) fn all(lake: &Lake) -> Result<Vec<Self>, Failure> {
        let mut found = Vec::new();
        for id in lake.store().list("jobs")?.folders {
            if lake.store().size(&format!("{}/submission.json", folder(&id)))?.is_some() {
                found.push(Self::load(lake, &id)?);
            }
        }
        found.sort_by(|one, other| one.submitted_unix_s.total_cmp(&other.submitted_unix_s));
        Ok(found)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn save(&self, lake: &Lake) -> Result<(), Failure> {
        write(lake, &format!("{}/submission.json", folder(&self.id)), self)
    }

    /// Keeps the settings of a run as they are now.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn freeze(&self, lake: &Lake, run: &Run) -> Result<(), Failure> {
        write(lake, &self.run_key(&run.name), &run.freeze()?)
    }

    /// The run that a task is about.
    ///
    /// # Errors
    /// No such task; settings that are not there, or that mean another run to this gridlake.
    pub(crate) fn thaw(&self, lake: &Lake, job: &Job, task: usize) -> Result<Run, Failure> {
        let name = self.run_of(job, task).ok_or_else(|| Failure::config(format!("{} has no task {task}", self.id)))?;
        let key = self.run_key(name);
        let path = lake.show(&key);
        let frozen: Frozen = lake
            .store()
            .read(&key)?
            .and_then(|text| serde_json::from_slice(&text).ok())
            .ok_or_else(|| Failure::data(format!("{} is missing or damaged", path.display())).hint("submit the pipeline again"))?;
        let run = frozen.thaw().map_err(|failure| failure.about(&path.display().to_string()))?;
        if run.name != *name {
            return Err(Failure::config(format!(
                "{}: settings of {name} are those of {} to this gridlake ({}; {} submitted it)",
                path.display(),
                run.name,
                env!("CARGO_PKG_VERSION"),
                self.gridlake
            ))
            .hint("`gridlake cancel`, and submit the pipeline again"));
        }
        Ok(run)
    }

    pub(crate) fn run_of(&self, job: &Job, task: usize) -> Option<&String> {
        (task < job.runs).then(|| self.runs.get(job.first + task)).flatten()
    }

    /// The log of a task, once the job has a number; that of a job that is no array for task `None`.
    pub(crate) fn log(&self, job: &Job, task: Option<usize>) -> Option<PathBuf> {
        let name = match (job.id?, task) {
            (id, Some(task)) => format!("{}-{id}_{task}.log", job.work.name()),
            (id, None) => format!("{}-{id}.log", job.work.name()),
        };
        Some(Path::new(&self.logs).join(name))
    }

    /// The same as a pattern of sbatch.
    pub(crate) fn log_pattern(&self, work: Work) -> String {
        let number = if work == Work::Index { "%j" } else { "%A_%a" };
        format!("{}/{}-{number}.log", self.logs.replace('%', "%%"), work.name())
    }

    /// Removes its files.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn forget(&self, lake: &Lake) -> Result<(), Failure> {
        for (key, _) in lake.store().files_below(&folder(&self.id))? {
            lake.store().remove(&key)?;
        }
        if let Some(root) = lake.store().folder() {
            // One that is not empty holds what others have put there.
            let _ = std::fs::remove_dir(root.join(folder(&self.id)));
        }
        Ok(())
    }

    /// Keeps which of its tasks the user took out of the queue.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn note_cancelled(&mut self, lake: &Lake, cancelled: &BTreeSet<String>) -> Result<(), Failure> {
        let names = self
            .jobs
            .iter()
            .filter_map(|job| Some((job.id?, job.runs)))
            .flat_map(|(id, runs)| (0..runs).map(move |task| format!("{id}_{task}")));
        let ours: Vec<String> = names.filter(|name| cancelled.contains(name)).collect();
        if ours.is_empty() {
            return Ok(());
        }
        self.cancelled.extend(ours);
        self.save(lake)
    }

    fn run_key(&self, run: &str) -> String {
        format!("{}/{run}.json", folder(&self.id))
    }
}

fn folder(id: &str) -> String {
    format!("jobs/{id}")
}

fn write(lake: &Lake, key: &str, what: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(what).map_err(|error| Failure::work(format!("{}: {error}", lake.show(key).display())))?;
    Ok(lake.store().write(key, (text + "\n").as_bytes())?)
}

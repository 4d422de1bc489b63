//! What a run was made from and how far its stages are: `runs/<run>/run.json`, and of the checkpoints before the last
//! `runs/<run>/stages/step-<nine digits>.json`, so that one of thousands is not written with all others.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

/// Version of the record's form.
const RECORD_VERSION: u32 = 1;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this form.
    pub format: u32,
    /// The pipeline's name.
    pub name: String,
    /// The sweep's variant, if there is one.
    pub variant: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Of everything that determines the trained weights.
    pub fingerprint: String,
    /// The resolved settings of the last command that worked on the run.
    pub config: serde_json::Value,
    /// Versions of what wrote it.
    pub versions: BTreeMap<String, String>,
    /// What the network was trained on.
    pub device: String,
    /// Threads of the last command; results do not depend on them.
    pub threads: usize,
    /// When the run was made, seconds since 1970.
    pub created_unix_s: f64,
    /// Whether there are records of steps beside this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub steps: bool,
    /// Stages by name; "analyze@4000" is the analysis of a checkpoint before the last, which is kept in the record of its step. Older versions kept it here.
    pub stages: BTreeMap<String, StageRecord>,
}

/// The stages of a checkpoint before the last, by their names without the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StepRecord {
    format: u32,
    stages: BTreeMap<String, StageRecord>,
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Begun; if no process holds the run's lock, it was killed.
    Running,
    /// All of it is in the lake.
    Done,
    /// It ended with an error.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// One stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Of everything that the stage's result depends on.
    pub fingerprint: String,
    /// How far it is.
    pub status: Status,
    /// The optimizer step that it has reached, or is about.
    pub step: u64,
    /// Optimizer steps in all.
    pub steps_total: u64,
    /// When it last began, seconds since 1970.
    pub started_unix_s: f64,
    /// When it last ended, seconds since 1970.
    pub finished_unix_s: Option<f64>,
    /// Time that it has taken, over all sessions.
    pub wall_s: f64,
    /// Threads that last worked on it; results do not depend on them. Records of older versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Why it failed.
    pub error: Option<String>,
    /// What else is worth keeping, such as the coverage of a recording.
    pub notes: serde_json::Value,
}

/// Seconds since 1970.
pub fn now_unix_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_millis() as f64 / 1000.0)
}

impl RunRecord {
    /// A run without stages.
    pub fn new(name: &str, variant: Option<&str>, seed: u64, fingerprint: &str) -> Self {
        Self {
            format: RECORD_VERSION,
            name: name.to_owned(),
            variant: variant.map(str::to_owned),
            seed,
            fingerprint: fingerprint.to_owned(),
            config: serde_json::Value::Null,
            versions: BTreeMap::new(),
            device: String::new(),
            threads: 0,
            created_unix_s: now_unix_s(),
            steps: false,
            stages: BTreeMap::new(),
        }
    }

    /// The record of a run without the records of its steps; `None` where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read, is no run record, or is of a newer gridlake.
    pub fn load(lake: &Lake, run: &str) -> Result<Option<Self>, LakeError> {
        read_form(lake, &layout::run_record(run), "is no run record", "remove it: checkpoints and tables stay, stages are done anew")
    }

    /// The record of a run with those of all its steps.
    ///
    /// # Errors
    /// As [`RunRecord::load`].
    pub fn load_whole(lake: &Lake, run: &str) -> Result<Option<Self>, LakeError> {
        let Some(mut record) = Self::load(lake, run)? else { return Ok(None) };
        if record.steps {
            let names = lake.store().list(&layout::step_records(run))?.files.into_iter().map(|(name, _)| name);
            let steps: Vec<u64> = names.filter_map(|name| name.strip_prefix("step-")?.strip_suffix(".json")?.parse().ok()).collect();
            let read: Vec<_> = steps.par_iter().map(|step| StepRecord::load(lake, run, *step)).collect();
            for (step, read) in steps.iter().zip(read) {
                record.take(*step, read?);
            }
        }
        Ok(Some(record))
    }

    /// Adds what the record of a step says, in place of what an older version kept of it here.
    ///
    /// # Errors
    /// As [`RunRecord::load`].
    pub fn load_step(&mut self, lake: &Lake, run: &str, step: u64) -> Result<(), LakeError> {
        if self.steps {
            self.take(step, StepRecord::load(lake, run, step)?);
        }
        Ok(())
    }

    /// A stage of a checkpoint before the last.
    ///
    /// # Errors
    /// As [`RunRecord::load`].
    pub fn of_step(&self, lake: &Lake, run: &str, step: u64, stage: &str) -> Result<Option<StageRecord>, LakeError> {
        let read = if self.steps { StepRecord::load(lake, run, step)? } else { None };
        Ok(read.map_or_else(|| self.stages.get(&format!("{stage}@{step}")).cloned(), |mut read| read.stages.remove(stage)))
    }

    fn take(&mut self, step: u64, read: Option<StepRecord>) {
        if let Some(read) = read {
            self.stages.retain(|name, _| step_of(name) != Some(step));
            self.stages.extend(read.stages.into_iter().map(|(stage, done)| (format!("{stage}@{step}"), done)));
        }
    }

    /// Leaves out what is of single steps.
    pub fn forget_steps(&mut self) {
        self.stages.retain(|name, _| step_of(name).is_none());
    }

    /// Writes it, whole or not at all, after the records of the steps that it knows of.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn save(&mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let steps: BTreeSet<u64> = self.stages.keys().filter_map(|name| step_of(name)).collect();
        for step in steps {
            self.save_step(lake, run, step)?;
        }
        let mut own = self.clone();
        own.forget_steps();
        write_form(lake, &layout::run_record(run), &own)
    }

    /// Writes the record of a step, whole or not at all.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn save_step(&mut self, lake: &Lake, run: &str, step: u64) -> Result<(), LakeError> {
        self.steps = true;
        let of_step = self.stages.iter().filter(|(name, _)| step_of(name) == Some(step));
        let stages = of_step.map(|(name, done)| (name.split('@').next().unwrap_or_default().to_owned(), done.clone())).collect();
        write_form(lake, &layout::step_record(run, step), &StepRecord { format: RECORD_VERSION, stages })
    }
}

impl StepRecord {
    fn load(lake: &Lake, run: &str, step: u64) -> Result<Option<Self>, LakeError> {
        let remedy = "remove it: checkpoints and tables stay, stages of this step are done anew";
        read_form(lake, &layout::step_record(run, step), "is no record of a step", remedy)
    }
}

/// 4000 of "analyze@4000"; none of a stage of the whole run.
pub fn step_of(stage: &str) -> Option<u64> {
    stage.split_once('@')?.1.parse().ok()
}

/// What is kept as a file with a version.
trait Form: DeserializeOwned {
    fn format(&self) -> u32;
}

impl Form for RunRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

impl Form for StepRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

fn read_form<T: Form>(lake: &Lake, key: &str, what: &str, remedy: &str) -> Result<Option<T>, LakeError> {
    let path = lake.show(key);
    let Some(text) = lake.store().read(key)? else { return Ok(None) };
    let refuse = |error: serde_json::Error| LakeError::damaged(&path, format!("{what} ({error}); {remedy}"));
    let read = serde_json::from_slice::<T>(&text);
    if read.as_ref().is_ok_and(|form| form.format() <= RECORD_VERSION) {
        return read.map(Some).map_err(refuse);
    }
    // One of a newer gridlake may have another form, but has its version.
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(refuse)?;
    if let Some(found) = value.get("format").and_then(serde_json::Value::as_u64).filter(|found| *found > u64::from(RECORD_VERSION)) {
        return Err(LakeError::Version { path, found, known: RECORD_VERSION });
    }
    read.map(Some).map_err(refuse)
}

fn write_form(lake: &Lake, key: &str, form: &impl Serialize) -> Result<(), LakeError> {
    let text = serde_json::to_string_pretty(form).map_err(|error| LakeError::damaged(&lake.show(key), error.to_string()))?;
    lake.store().write(key, (text + "\n").as_bytes())
}

/// A record's settings by dotted key, such as `train.loss.lambda_cap`; lists are values.
pub fn flattened(config: Value) -> BTreeMap<String, Value> {
    fn walk(value: Value, at: &str, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    walk(value, &if at.is_empty() { key } else { format!("{at}.{key}") }, found);
                }
            }
            other => {
                found.insert(at.to_owned(), other);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(config, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_and_a_torn_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        assert_eq!(RunRecord::load(&lake, "r").unwrap(), None);
        let mut record = RunRecord::new("quick", Some("a"), 3, "0123");
        record.save(&lake, "r").unwrap();
        assert_eq!(RunRecord::load(&lake, "r").unwrap(), Some(record));
        assert_eq!(lake.runs().unwrap(), ["r"]);
        let path = lake.show(&layout::run_record("r"));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..40]).unwrap();
        assert!(RunRecord::load(&lake, "r").unwrap_err().to_string().contains("run.json"));
        std::fs::write(&path, text.replace("\"format\": 1", "\"format\": 7")).unwrap();
        assert!(matches!(RunRecord::load(&lake, "r"), Err(LakeError::Version { found: 7, .. })));
    }
    fn stage(step: u64) -> StageRecord {
        StageRecord {
            fingerprint: "f".into(),
            status: Status::Done,
            step,
            steps_total: step,
            started_unix_s: 1.0,
            finished_unix_s: Some(2.0),
            wall_s: 1.0,
            threads: Some(1),
            error: None,
            notes: Value::Null,
        }
    }

    #[test]
    fn steps_are_kept_apart_and_those_of_an_older_version_are_read_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        let mut old = RunRecord::new("quick", None, 3, "0123");
        for (name, step) in [("record", 60), ("record@20", 20), ("analyze@20", 20), ("analyze@40", 40)] {
            old.stages.insert(name.to_owned(), stage(step));
        }
        lake.store().write(&layout::run_record("r"), &serde_json::to_vec(&old).unwrap()).unwrap();
        let names = |record: &RunRecord| record.stages.keys().cloned().collect::<Vec<_>>();
        let mut read = RunRecord::load_whole(&lake, "r").unwrap().unwrap();
        assert_eq!(names(&read), ["analyze@20", "analyze@40", "record", "record@20"], "as an older version kept them");
        // One step's record takes the place of what the older version had of the step, and of nothing else.
        read.stages.remove("analyze@20");
        read.stages.get_mut("record@20").unwrap().fingerprint = "g".into();
        read.save_step(&lake, "r", 20).unwrap();
        old.steps = true;
        lake.store().write(&layout::run_record("r"), &serde_json::to_vec(&old).unwrap()).unwrap();
        let mut read = RunRecord::load(&lake, "r").unwrap().unwrap();
        read.load_step(&lake, "r", 20).unwrap();
        read.load_step(&lake, "r", 30).unwrap();
        assert_eq!(
            (names(&read), read.stages["record@20"].fingerprint.as_str()),
            (vec!["analyze@40".into(), "record".into(), "record@20".into()], "g")
        );
        read.save(&lake, "r").unwrap();
        assert_eq!(names(&RunRecord::load(&lake, "r").unwrap().unwrap()), ["record"], "what is written is apart");
        assert_eq!(RunRecord::load_whole(&lake, "r").unwrap(), Some(read.clone()));
        read.forget_steps();
        assert_eq!(names(&read), ["record"]);
        std::fs::write(lake.show(&layout::step_record("r", 40)), "{").unwrap();
        let error = RunRecord::load_whole(&lake, "r").unwrap_err().to_string();
        assert!(error.contains("step-000000040.json") && error.contains("is no record of a step"), "{error}");
    }
}

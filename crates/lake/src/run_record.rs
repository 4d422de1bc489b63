//! What a run was made from and how far its stages are: `runs/<run>/run.json`.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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
    /// Stages by name.
    pub stages: BTreeMap<String, StageRecord>,
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
            stages: BTreeMap::new(),
        }
    }

    /// The record of a run; `None` where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read, is no run record, or is of a newer gridlake.
    pub fn load(lake: &Lake, run: &str) -> Result<Option<Self>, LakeError> {
        let key = layout::run_record(run);
        let path = lake.show(&key);
        let Some(text) = lake.store().read(&key)? else { return Ok(None) };
        let refuse = |error: serde_json::Error| {
            LakeError::damaged(&path, format!("is no run record ({error}); remove it: checkpoints and tables stay, stages are done anew"))
        };
        let read = serde_json::from_slice::<Self>(&text);
        if read.as_ref().is_ok_and(|record| record.format <= RECORD_VERSION) {
            return read.map(Some).map_err(refuse);
        }
        // One of a newer gridlake may have another form, but has its version.
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(refuse)?;
        if let Some(found) = value.get("format").and_then(serde_json::Value::as_u64).filter(|found| *found > u64::from(RECORD_VERSION)) {
            return Err(LakeError::Version { path, found, known: RECORD_VERSION });
        }
        read.map(Some).map_err(refuse)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn save(&self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let key = layout::run_record(run);
        let text = serde_json::to_string_pretty(self).map_err(|error| LakeError::damaged(&lake.show(&key), error.to_string()))?;
        lake.store().write(&key, (text + "\n").as_bytes())
    }
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
        let record = RunRecord::new("quick", Some("a"), 3, "0123");
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
}

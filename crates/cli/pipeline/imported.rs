//! The imported run that a pipeline names.

use super::origin::Origin;
use super::{Run, Settings};
use crate::failure::Failure;
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::{Lake, LakeError};
use serde_json::Value;

/// What is known of an imported run.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// The name that it was given.
    pub(crate) name: String,
    /// Its files and mapping: `config.import` of its record.
    pub(crate) config: Value,
    /// Units, and arenas, of all its moments: what estimates are made from.
    pub(crate) units: usize,
    pub(crate) arenas: usize,
}

/// Finds the one run that `settings.import` means: by its whole name, or by the name that it was given.
///
/// # Errors
/// Class configuration: no such run, one that was not imported, or several. A lake that cannot be read.
pub(super) fn find(settings: Settings, origin: &Origin) -> Result<Run, Failure> {
    let wanted = &settings.import;
    let place = || format!("{origin}: import.run is \"{wanted}\"");
    let none = || {
        Failure::config(format!("{}, and there is no imported run of this name in {}", place(), settings.lake)).hint(format!(
            "`gridlake import FILE… --as {wanted} --lake {}` makes one; or set import.run to another, with --set import.run=NAME",
            settings.lake
        ))
    };
    let lake = match Lake::open(&settings.lake) {
        Err(LakeError::NotALake { .. }) => return Err(none()),
        lake => lake?,
    };
    let mut found: Vec<(String, RunRecord)> = Vec::new();
    for run in lake.runs()? {
        // A damaged record of another run is no reason to refuse this one.
        let Ok(Some(record)) = RunRecord::load(&lake, &run) else { continue };
        if run == *wanted {
            found = vec![(run, record)];
            break;
        }
        if record.name == *wanted && is_imported(&record) {
            found.push((run, record));
        }
    }
    match found.as_slice() {
        [] => Err(none()),
        [(run, record)] if is_imported(record) => {
            let (name, fingerprint) = (run.clone(), record.fingerprint.clone());
            Run::of_import(name, settings, fingerprint, Imported::of(record))
        }
        [(run, _)] => {
            Err(Failure::config(format!("{}, but {run} was trained, not imported", place())).hint("take import.run out of the pipeline"))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(run, _)| run.as_str()).collect();
            Err(Failure::config(format!("{}, and {} imported runs have this name: {}", place(), several.len(), names.join(", ")))
                .hint("set import.run to one of them"))
        }
    }
}

/// Whether a record is of an imported run.
pub(crate) fn is_imported(record: &RunRecord) -> bool {
    record.config.get("import").is_some_and(Value::is_object)
}

impl Imported {
    fn of(record: &RunRecord) -> Self {
        let notes = record.stages.get("record").map(|stage| &stage.notes);
        let count = |key: &str| {
            notes
                .and_then(|notes| notes.get(key))
                .map_or(0, |value| value.as_array().map_or_else(|| value.as_object().map_or(0, serde_json::Map::len), Vec::len))
        };
        let config = record.config.get("import").cloned().unwrap_or_default();
        Self { name: record.name.clone(), config, units: count("units"), arenas: count("arenas") }
    }
}

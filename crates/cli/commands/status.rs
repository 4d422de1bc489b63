//! `gridlake status`.

use super::open_lake;
use crate::failure::Failure;
use crate::output;
use crate::pipeline::imported::is_imported;
use gridlake_lake::run_record::{RunRecord, StageRecord, Status};
use gridlake_lake::store::Location;
use rayon::prelude::*;
use serde_json::{Value, json};

/// Prints every run of a lake with its stages; failures below.
///
/// # Errors
/// A folder that is no lake.
pub(crate) fn status(location: &Location) -> Result<(), Failure> {
    let lake = open_lake(location)?;
    let mut rows = vec![["run", "train", "step", "record", "analyze", "draw"].map(str::to_owned).to_vec()];
    let mut failures = Vec::new();
    let read = |run: String| {
        let record = RunRecord::load(&lake, &run).map(|record| {
            record.map(|mut record| {
                // Of a hundred thousand runs, settings and notes would fill the memory.
                record.stages.values_mut().for_each(|stage| stage.notes = Value::Null);
                record.config = record.config.get("import").map_or(Value::Null, |_| json!({ "import": {} }));
                record
            })
        });
        (record, run)
    };
    let records: Vec<_> = lake.runs()?.into_par_iter().map(read).collect();
    for (record, run) in records {
        let record = match record {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(error) => {
                failures.push(format!("{run}: {error}\n"));
                continue;
            }
        };
        let stage = |name: &str| record.stages.get(name);
        let state = |name: &str| stage(name).map_or("–", |stage| word(stage)).to_owned();
        let step = stage("train").map_or_else(String::new, |stage| format!("{}/{}", stage.step, stage.steps_total));
        let recorded = if is_imported(&record) && state("record") == "done" { "imported".to_owned() } else { state("record") };
        rows.push(vec![run.clone(), state("train"), step, recorded, state("analyze"), state("draw")]);
        for (name, stage) in &record.stages {
            if let Some(error) = &stage.error {
                failures.push(format!("{run}: {name} {}: {error}\n", word(stage)));
            }
        }
    }
    let separator = if failures.is_empty() { "" } else { "\n" };
    output::print(&format!("{}{separator}{}", output::table(&rows), failures.concat()))
}

fn word(stage: &StageRecord) -> &'static str {
    match stage.status {
        Status::Running => "begun",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Interrupted => "interrupted",
    }
}

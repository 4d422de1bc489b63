//! The runs themselves as a table: who they are, how far their stages are, and the settings in which they differ.

use super::{SqlError, failed};
use crate::error::LakeError;
use crate::index::{self, Differences, Record, Settings};
use crate::layout::Lake;
use crate::run_record::{RunRecord, Status};
use polars::prelude::{Column, DataFrame, IntoLazy, LazyFrame, NamedFrom, Series};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What the table is called.
pub(super) const NAME: &str = "runs";
/// What each column means that every lake has.
const COLUMNS: [(&str, &str); 6] = [
    ("run", "The run's whole name"),
    ("name", "The pipeline's name"),
    ("variant", "The sweep's variant, where there is one"),
    ("seed", "The seed"),
    ("fingerprint", "SHA-256 of everything that determines the trained weights"),
    ("device", "What the network was trained on last"),
];
const STAGES: [&str; 4] = ["train", "record", "analyze", "draw"];

/// Every run of the lake, one row each. A record that cannot be read is left out: `gridlake verify` tells of it.
pub(super) fn table(lake: &Lake) -> Result<LazyFrame, SqlError> {
    Ok(frame(lake)?.lazy())
}

/// Columns and what they mean, as rows.
pub(super) fn columns(lake: &Lake) -> Result<LazyFrame, SqlError> {
    let frame = frame(lake)?;
    let meaning = |name: &str| {
        let stage = STAGES.iter().find_map(|stage| name.strip_prefix(stage).map(|rest| (stage, rest)));
        match (COLUMNS.iter().find(|(known, _)| *known == name), stage) {
            (Some((_, meaning)), _) => (*meaning).to_owned(),
            (None, Some((stage, ""))) => format!("How far the stage {stage} is: done, running, failed or interrupted; null: not begun"),
            (None, Some((stage, "_s"))) => format!("Time that the stage {stage} took, over all sessions, in s"),
            _ => format!("The key {name}, as gridlake defaults explains it; a column because runs differ in it"),
        }
    };
    let names: Vec<String> = frame.columns().iter().map(|column| column.name().to_string()).collect();
    let types: Vec<String> = frame.columns().iter().map(|column| column.dtype().to_string()).collect();
    let meanings: Vec<String> = names.iter().map(|name| meaning(name)).collect();
    Ok(polars::df!("column" => names, "type" => types, "meaning" => meanings).map_err(failed)?.lazy())
}

fn frame(lake: &Lake) -> Result<DataFrame, SqlError> {
    let runs = lake.runs()?;
    let common = OnceLock::new();
    let look = |place: usize, read: Result<Option<Record>, LakeError>, settings: &Settings| {
        common.get_or_init(|| settings.clone());
        match read {
            Err(error) if error.is_io() => Err(error),
            Ok(None) | Err(_) => Ok(None),
            Ok(Some(Record { record, settings })) => Ok(Some(((runs[place].clone(), record), settings))),
        }
    };
    let read = index::each(lake, &runs, look).into_iter().filter_map(Result::transpose).collect::<Result<Vec<_>, LakeError>>()?;
    let reference = common.into_inner().unwrap_or_default();
    let (records, settings): (Vec<(String, RunRecord)>, Vec<Differences>) = read.into_iter().unzip();
    let texts = |name: &str, pick: &dyn Fn(&(String, RunRecord)) -> Option<String>| {
        Column::from(Series::new(name.into(), records.iter().map(pick).collect::<Vec<Option<String>>>()))
    };
    let mut columns = vec![
        texts("run", &|(run, _)| Some(run.clone())),
        texts("name", &|(_, record)| Some(record.name.clone())),
        texts("variant", &|(_, record)| record.variant.clone()),
        Column::from(Series::new("seed".into(), records.iter().map(|(_, record)| record.seed).collect::<Vec<u64>>())),
        texts("fingerprint", &|(_, record)| Some(record.fingerprint.clone())),
        texts("device", &|(_, record)| Some(record.device.clone())),
    ];
    for stage in STAGES {
        columns.push(texts(stage, &|(_, record)| record.stages.get(stage).map(|stage| word(stage.status).to_owned())));
        let seconds: Vec<Option<f64>> = records.iter().map(|(_, record)| record.stages.get(stage).map(|stage| stage.wall_s)).collect();
        columns.push(Column::from(Series::new(format!("{stage}_s").as_str().into(), seconds)));
    }
    let keys: BTreeSet<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    for key in keys {
        let values: Vec<Option<&Value>> =
            settings.iter().map(|differences| differences.get(key).map_or_else(|| reference.get(key), Option::as_ref)).collect();
        let is_known = key == "name" || key == "seed";
        // Records of older versions lack newer keys, which is no difference.
        let mut there = values.iter().flatten();
        let first = there.next();
        if !is_known && there.any(|value| Some(value) != first) {
            columns.push(column(key, &values));
        }
    }
    DataFrame::new(records.len(), columns).map_err(failed)
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "running",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Interrupted => "interrupted",
    }
}

/// Numbers as numbers, truths as truths, all else as text; lists are JSON.
fn column(key: &str, values: &[Option<&Value>]) -> Column {
    let all = |is: fn(&Value) -> bool| values.iter().flatten().all(|value| value.is_null() || is(value));
    let series = if all(Value::is_number) {
        Series::new(key.into(), values.iter().map(|value| value.and_then(Value::as_f64)).collect::<Vec<Option<f64>>>())
    } else if all(Value::is_boolean) {
        Series::new(key.into(), values.iter().map(|value| value.and_then(Value::as_bool)).collect::<Vec<Option<bool>>>())
    } else {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Series::new(
            key.into(),
            values.iter().map(|value| value.filter(|value| !value.is_null()).map(text)).collect::<Vec<Option<String>>>(),
        )
    };
    Column::from(series)
}

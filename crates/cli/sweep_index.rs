//! `reports/<name>/index.html`: all runs of a name beside each other, what differs in their settings and what was found.
//!
//! It is made from run records, tables and the figures of all runs alone, so it is the same whichever command, process or machine worked on the runs, and has the same bytes for the
//! same runs. A run that was drawn links to its report.

use crate::failure::Failure;
use crate::fingerprint::NOT_WEIGHTS;
use crate::stages::report::figure_of;
use gridlake_figures::report::{Cell, Column, Outcome, ReportFigure, RunSummary, Sweep, index_page};
use gridlake_lake::frame::Frame;
use gridlake_lake::query::unit_summaries;
use gridlake_lake::run_record::{RunRecord, Status, flattened};
use gridlake_lake::schema::{MODULES, TORUS, Table};
use gridlake_lake::{Lake, layout, metrics, partition};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Figures of all runs, in `figures/<name>/`, that the page shows.
const FIGURES: [&str; 3] = ["variants", "sweep", "all-ratemaps"];
/// Share of a training's logged steps whose mean loss is told.
const LAST_SHARE: usize = 10;

/// An index that is in the lake.
pub(crate) struct Written {
    pub(crate) path: PathBuf,
    pub(crate) runs: usize,
}

/// A run with its record.
pub(crate) type Recorded = (String, RunRecord);

/// Writes the index of all runs of a pipeline's name, where there are several; else removes it.
///
/// # Errors
/// A torn table, a damaged record, a lake that cannot be written.
pub(crate) fn update(lake: &Lake, name: &str) -> Result<Option<Written>, Failure> {
    let key = layout::index(name);
    let runs = runs_of(lake, name)?;
    if runs.len() < 2 {
        if lake.store().size(&key)?.is_some() {
            lake.store().remove(&key)?;
        }
        return Ok(None);
    }
    let page = index_page(&sweep(lake, name, &runs)?).map_err(|error| Failure::work(format!("index of {name}: {error}")))?;
    if lake.store().read(&key)?.as_deref() != Some(page.as_bytes()) {
        lake.store().write(&key, page.as_bytes())?;
    }
    Ok(Some(Written { path: lake.show(&key), runs: runs.len() }))
}

/// The index that is there.
///
/// # Errors
/// A lake that cannot be read.
pub(crate) fn written(lake: &Lake, name: &str) -> Result<Option<Written>, Failure> {
    let key = layout::index(name);
    if lake.store().size(&key)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Written { path: lake.show(&key), runs: runs_of(lake, name)?.len() }))
}

/// Runs that were trained under a pipeline's name, by their names.
pub(crate) fn runs_of(lake: &Lake, name: &str) -> Result<Vec<Recorded>, Failure> {
    let mut found = Vec::new();
    // Records of other names need not be read: a lake may have very many.
    let prefix = format!("{name}-");
    for run in lake.runs()?.into_iter().filter(|run| run.starts_with(&prefix)) {
        if let Some(record) = RunRecord::load(lake, &run)?.filter(|record| record.name == name && record.config.get("train").is_some()) {
            found.push((run, record));
        }
    }
    Ok(found)
}

fn sweep(lake: &Lake, name: &str, runs: &[Recorded]) -> Result<Sweep, Failure> {
    let settings: Vec<BTreeMap<String, Value>> = runs.iter().map(|(_, record)| settings(&record.config)).collect();
    let keys = differing(&settings);
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let key_column = |key: &&String| Column {
        // The last part of a key, unless two keys share it.
        name: if keys.iter().filter(|other| last(other) == last(key)).count() > 1 { (*key).clone() } else { last(key) },
        meaning: format!("The key {key}, which gridlake defaults explains"),
        ..Column::default()
    };
    let columns = keys.iter().map(key_column).chain(found_columns()).collect();
    let runs = runs.iter().zip(&settings).map(|((run, record), settings)| {
        let report = lake.store().size(&layout::report(run))?.is_some();
        let cells = keys.iter().map(|key| setting(settings.get(*key))).chain(found(lake, run, record)?).collect();
        Ok(RunSummary { name: run.clone(), report: report.then(|| format!("../{run}.html")), cells })
    });
    let runs = runs.collect::<Result<Vec<_>, Failure>>()?;
    Ok(Sweep { title: name.to_owned(), columns, keys: keys.len(), runs, figures: figures(lake, name)? })
}

/// The figures of all runs that are in the lake.
fn figures(lake: &Lake, name: &str) -> Result<Vec<ReportFigure>, Failure> {
    let mut found = Vec::new();
    for figure in FIGURES {
        let key = format!("{}/{figure}.svg", layout::figures(name));
        let Some(bytes) = lake.store().read(&key)? else { continue };
        let svg = String::from_utf8(bytes)
            .map_err(|_| Failure::data(format!("{}: no text", lake.show(&key).display())).hint("remove it, and draw again"))?;
        found.push(figure_of(svg));
    }
    Ok(found)
}

/// The keys in which runs differ.
pub(crate) fn differing(settings: &[BTreeMap<String, Value>]) -> Vec<&String> {
    let keys: BTreeSet<&String> = settings.iter().flat_map(BTreeMap::keys).collect();
    let differs = |key: &&String| {
        // Records of older versions lack newer keys, which is no difference.
        let mut values = settings.iter().filter_map(|one| one.get(*key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    keys.into_iter().filter(differs).collect()
}

/// The settings that make runs differ, by dotted key.
pub(crate) fn settings(config: &Value) -> BTreeMap<String, Value> {
    let mut found = flattened(config.clone());
    let idle = |key: &str| {
        key == "name"
            || key.starts_with("draw.")
            || NOT_WEIGHTS.iter().any(|idle| key.strip_prefix("train.").is_some_and(|key| key.split('.').next() == Some(idle)))
    };
    found.retain(|key, _| !idle(key));
    found
}

fn setting(value: Option<&Value>) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Text(String::new()),
        Some(Value::Number(number)) => number.as_u64().map_or_else(|| Cell::Number(number.as_f64().unwrap_or(f64::NAN)), Cell::Count),
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(other) => Cell::Text(other.to_string()),
    }
}

/// What is told of each run behind its settings.
pub(crate) fn found_columns() -> Vec<Column> {
    let column = |name: &str, unit: &str, decimals: usize, meaning: &str| Column {
        name: name.to_owned(),
        unit: unit.to_owned(),
        meaning: meaning.to_owned(),
        decimals: Some(decimals),
    };
    vec![
        column("state", "", 0, "How far the run is; numbers are of its last analysis"),
        column("loss", "", 4, "Mean of loss_total over the last tenth of the logged steps"),
        column("active", "", 0, "Units that fire, in the smallest arena"),
        column("grid share", "", 2, "Share of the active units whose class is grid, in the smallest arena"),
        column(
            "above null",
            "",
            2,
            "Share of the active units whose grid score (sargolini) is above their own 99 % null, in the smallest arena",
        ),
        column("grid score", "", 2, "Median of grid_score_sargolini over active units, in the smallest arena"),
        column("modules", "", 0, "Modules of the run, found from all its arenas"),
        column("period", "m", 3, "Period of module 0, the one with the smallest, in the first arena where it is"),
        column("ratio", "", 3, "Period of module 1 over that of module 0, in the same arena"),
        column("tori", "", 0, "Modules whose states make a torus, of those that were tested; ? where none had a verdict"),
    ]
}

/// A run's cells under [`found_columns`].
pub(crate) fn found(lake: &Lake, run: &str, record: &RunRecord) -> Result<Vec<Cell>, Failure> {
    let mut cells = vec![Cell::Text(state(record)), Cell::Number(last_loss(lake, run)?)];
    let Some(step) = record.stages.get("analyze").filter(|stage| stage.status == Status::Done).map(|stage| stage.step) else {
        let rest = found_columns().len() - cells.len();
        cells.extend(std::iter::repeat_n(Cell::Text(String::new()), rest));
        return Ok(cells);
    };
    let summaries = unit_summaries(lake, run, step)?;
    let smallest = summaries.first();
    let share = |part: usize, whole: usize| if whole == 0 { f64::NAN } else { part as f64 / whole as f64 };
    let active = smallest.map_or(0, |arena| arena.active);
    let grids = smallest.and_then(|arena| arena.classes.iter().find(|(class, _)| class == "grid")).map_or(0, |(_, count)| *count);
    cells.push(Cell::Count(active as u64));
    cells.push(Cell::Number(share(grids, active)));
    cells.push(Cell::Number(smallest.map_or(f64::NAN, |arena| share(arena.above_null, arena.active))));
    cells.push(Cell::Number(smallest.map_or(f64::NAN, |arena| arena.median_score)));
    cells.extend(modules(&read(lake, &MODULES, run, step)?));
    cells.push(tori(&read(lake, &TORUS, run, step)?));
    Ok(cells)
}

/// "done", "training failed", "recorded".
fn state(record: &RunRecord) -> String {
    let stage = |name: &str| record.stages.get(name);
    for (name, doing, done) in [
        ("draw", "drawing", "done"),
        ("analyze", "analysis", "analyzed"),
        ("record", "recording", "recorded"),
        ("train", "training", "trained"),
    ] {
        match stage(name).map(|stage| stage.status) {
            None => {}
            Some(Status::Done) => return done.to_owned(),
            Some(Status::Running) => return format!("{doing} begun"),
            Some(Status::Failed) => return format!("{doing} failed"),
            Some(Status::Interrupted) => return format!("{doing} interrupted"),
        }
    }
    "not begun".to_owned()
}

/// NaN where nothing was trained.
fn last_loss(lake: &Lake, run: &str) -> Result<f64, Failure> {
    let frames = metrics::read(lake, run, &["loss_total"])?;
    let losses: Vec<f64> = frames.iter().flat_map(|frame| frame.float64("loss_total")).copied().collect();
    let last = &losses[losses.len() - losses.len().div_ceil(LAST_SHARE)..];
    Ok(last.iter().sum::<f64>() / last.len() as f64)
}

/// A table of a run, whole; nothing where it is not there.
pub(crate) fn read(lake: &Lake, table: &'static Table, run: &str, step: u64) -> Result<Vec<Frame>, Failure> {
    if !partition::exists(lake, table, run, step)? {
        return Ok(Vec::new());
    }
    Ok(partition::read(lake, table, run, step, &[])?.collect::<Result<Vec<Frame>, _>>()?)
}

/// How many there are, the smallest period, and how much larger the next is.
fn modules(frames: &[Frame]) -> [Cell; 3] {
    let rows = || frames.iter().flat_map(|frame| (0..frame.rows()).map(move |row| (frame, row)));
    let labels: BTreeSet<i32> = rows().filter_map(|(frame, row)| frame.int32("module")[row]).collect();
    let smallest = rows().find(|(frame, row)| frame.int32("module")[*row] == Some(0) && frame.float64("period_m")[*row].is_finite());
    let (period_m, arena) =
        smallest.map_or((f64::NAN, None), |(frame, row)| (frame.float64("period_m")[row], frame.text("arena")[row].clone()));
    let next = rows().find(|(frame, row)| frame.int32("module")[*row] == Some(1) && frame.text("arena")[*row] == arena);
    let next_m = next.map_or(f64::NAN, |(frame, row)| frame.float64("period_m")[row]);
    [Cell::Count(labels.len() as u64), Cell::Number(period_m), Cell::Number(next_m / period_m)]
}

fn tori(frames: &[Frame]) -> Cell {
    let verdicts: Vec<Option<bool>> = frames.iter().flat_map(|frame| frame.boolean("is_torus")).copied().collect();
    let tori = verdicts.iter().filter(|verdict| **verdict == Some(true)).count();
    let outcome = match (tori, verdicts.iter().flatten().count()) {
        (_, 0) => Outcome::Undecided,
        (0, _) => Outcome::Absent,
        _ => Outcome::Found,
    };
    if verdicts.is_empty() { Cell::Text(String::new()) } else { Cell::Verdict(outcome, format!("{tori} of {}", verdicts.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_flat_and_only_those_that_make_another_run() {
        let config = json!({
            "name": "n", "seed": 3, "draw": { "max_units": 5 }, "record": { "boxes_m": [1.0] },
            "train": { "steps": 9, "device": "cpu", "checkpoints": { "keep": 2 }, "loss": { "lambda_cap": 0.5 }, "curriculum": null },
        });
        let keys: Vec<String> = settings(&config).into_keys().collect();
        assert_eq!(keys, ["record.boxes_m", "seed", "train.curriculum", "train.loss.lambda_cap", "train.steps"]);
        assert_eq!(setting(Some(&json!(3))), Cell::Count(3));
        assert_eq!(setting(Some(&json!([1.0]))), Cell::Text("[1.0]".into()));
        assert_eq!(setting(None), Cell::Text(String::new()));
    }

    #[test]
    fn modules_are_counted_over_arenas_and_compared_within_one() {
        let texts = |all: [&str; 4]| gridlake_lake::frame::Data::Text(all.iter().map(|text| Some((*text).into())).collect());
        let frame = Frame::new(&MODULES, 4)
            .with("arena", texts(["a", "a", "b", "b"]))
            .with("module", gridlake_lake::frame::Data::Int32(vec![Some(0), Some(1), Some(0), Some(1)]))
            .with("period_m", vec![f64::NAN, 0.9, 0.5, 0.8]);
        assert_eq!(modules(&[frame]), [Cell::Count(2), Cell::Number(0.5), Cell::Number(1.6)]);
        let [count, period, ratio] = modules(&[]);
        assert!(count == Cell::Count(0) && [period, ratio].iter().all(|cell| matches!(cell, Cell::Number(number) if number.is_nan())));
    }
}

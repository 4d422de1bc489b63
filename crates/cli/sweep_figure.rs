//! `figures/<name>/sweep.png` and `.svg`: what was found in all runs of a pipeline's name, against each key that was swept.
//!
//! Its numbers are those of the index, which shows it.

use crate::failure::Failure;
use crate::sweep_index::{Recorded, differing, found, found_columns, runs_of, settings};
use crate::variants_figure::{forget, keep, step, variant_of};
use gridlake_figures::report::Cell;
use gridlake_figures::{MOST_KEYS, SweptKey, SweptKeys, SweptQuantity, draw_swept_keys};
use gridlake_lake::{Lake, layout};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

const FILES: [&str; 2] = ["sweep.png", "sweep.svg"];
/// Columns of the index that are shown, with their labels, and whether they are counts.
const QUANTITIES: [(&str, &str, bool); 6] = [
    ("grid score", "Grid score, median", false),
    ("grid share", "Share of grid cells", false),
    ("modules", "Modules", true),
    ("period", "Smallest period (m)", false),
    ("ratio", "Ratio of periods", false),
    ("tori", "Tori", true),
];

/// An axis: its name, its values in order, and the place of each run's value.
struct Swept {
    name: String,
    values: Vec<String>,
    places: Vec<usize>,
    /// Whether runs differ in nothing else, so that its values are repetitions.
    repeats: bool,
}

/// Draws what all analyzed runs of a pipeline's name found against each key that differs among them, where there is one, or of seeds alone against the seed; else removes the
/// figure. Returns where it is.
///
/// # Errors
/// A torn table, a damaged record, a lake that cannot be written.
pub(crate) fn update(lake: &Lake, name: &str) -> Result<Option<PathBuf>, Failure> {
    let keys = FILES.map(|file| format!("{}/{file}", layout::figures(name)));
    let analyzed: Vec<Recorded> = runs_of(lake, name)?.into_iter().filter(|(_, record)| step(record).is_some()).collect();
    let axes = swept(name, &analyzed);
    if axes.is_empty() {
        forget(lake, &keys)?;
        return Ok(None);
    }
    let cells = analyzed.iter().map(|(run, record)| found(lake, run, record)).collect::<Result<Vec<Vec<Cell>>, Failure>>()?;
    let columns = found_columns();
    let column = |wanted: &str| columns.iter().position(|column| column.name == wanted);
    let quantities = |axis: &Swept| {
        let of = |(name, label, counts): (&str, &'static str, bool)| {
            let column = column(name)?;
            let points = axis.places.iter().zip(&cells).map(|(place, cells)| (*place, number(&cells[column]))).collect();
            Some(SweptQuantity { label, points, counts })
        };
        QUANTITIES.into_iter().filter_map(of).collect()
    };
    let swept_keys = axes.iter().map(|axis| SweptKey {
        name: &axis.name,
        values: axis.values.iter().map(String::as_str).collect(),
        repeats: axis.repeats,
        quantities: quantities(axis),
    });
    let input = SweptKeys {
        title: &format!("Sweep of {name}"),
        note: &format!(
            "{}. Scores and shares are of active units in the smallest arena. Numbers: {}.",
            if axes.iter().any(|axis| axis.repeats) {
                "A point for each run; lines: medians of all runs"
            } else {
                "A point for each run, whatever its other keys; lines: medians"
            },
            layout::index(name)
        ),
        keys: swept_keys.collect(),
    };
    let scratch = tempfile::tempdir().map_err(|error| Failure::work(format!("a temporary folder: {error}")))?;
    keep(lake, &draw_swept_keys(&input, &scratch.path().join("sweep"))?, &keys)?;
    Ok(keys.first().map(|key| lake.show(key)))
}

/// The figure that is there.
///
/// # Errors
/// A lake that cannot be read.
pub(crate) fn written(lake: &Lake, name: &str) -> Result<Option<PathBuf>, Failure> {
    let key = format!("{}/{}", layout::figures(name), FILES[0]);
    Ok(lake.store().size(&key)?.map(|_| lake.show(&key)))
}

/// The keys in which runs differ: the seed only where there is no other. Where these are more than fit, as of named variants, the variants themselves.
fn swept(name: &str, runs: &[Recorded]) -> Vec<Swept> {
    let settings: Vec<BTreeMap<String, Value>> = runs.iter().map(|(_, record)| settings(&record.config)).collect();
    let keys: Vec<&String> = if runs.len() < 2 { Vec::new() } else { differing(&settings) };
    let (seed, keys): (Vec<&String>, Vec<&String>) = keys.into_iter().partition(|key| *key == "seed");
    let of = |key: &String| axis(key, &settings.iter().map(|one| one.get(key).cloned().unwrap_or_default()).collect::<Vec<_>>());
    if keys.is_empty() {
        return seed.into_iter().map(|key| Swept { repeats: true, ..of(key) }).collect();
    }
    if keys.len() <= MOST_KEYS {
        return keys.into_iter().map(of).collect();
    }
    vec![axis("variant", &runs.iter().map(|(run, _)| Value::String(variant_of(name, run))).collect::<Vec<_>>())]
}

/// Numbers stand in their order, other values in that of the runs.
fn axis(name: &str, of_runs: &[Value]) -> Swept {
    let mut values: Vec<Value> = Vec::new();
    for value in of_runs {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    if values.iter().all(Value::is_number) {
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        values.sort_by(|one, other| number(one).total_cmp(&number(other)));
    }
    let place = |value: &Value| values.iter().position(|known| known == value).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Swept { name: name.to_owned(), places: of_runs.iter().map(place).collect(), values: values.iter().map(text).collect(), repeats: false }
}

/// What a cell of the index says as a number: of "1 of 2" the first.
fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Number(number) | Cell::Share(number) => *number,
        Cell::Count(count) => *count as f64,
        Cell::Text(_) => f64::NAN,
        Cell::Verdict(_, text) => text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_figures::report::Outcome;
    use gridlake_lake::run_record::RunRecord;
    use serde_json::json;

    fn runs(losses: &[(&str, Value)]) -> Vec<Recorded> {
        let one = |(variant, loss): &(&str, Value)| {
            let mut record = RunRecord::new("n", None, 0, "f");
            record.config = json!({ "name": "n", "seed": 1, "train": { "loss": loss } });
            (format!("n-{variant}-s1-0123abcd"), record)
        };
        losses.iter().map(one).collect()
    }

    #[test]
    fn keys_are_axes_with_their_values_in_order() {
        let found =
            swept("n", &runs(&[("a", json!({ "x": 0.5 })), ("b", json!({ "x": 0.125, "y": null })), ("c", json!({ "x": 2, "y": "z" }))]));
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].name.as_str(), found[0].values.as_slice()),
            ("train.loss.x", ["0.125", "0.5", "2"].map(str::to_owned).as_slice())
        );
        assert_eq!(found[0].places, [1, 0, 2]);
        assert_eq!((found[1].values.join(" "), found[1].places.as_slice()), ("not set z".to_owned(), [0, 0, 1].as_slice()));
        assert!(swept("n", &runs(&[("a", json!({ "x": 1 })), ("b", json!({ "x": 1 }))])).is_empty());
    }

    #[test]
    fn of_seeds_alone_the_seed_is_the_axis() {
        let seeded = |seeds: [u64; 3], losses: [f64; 3]| {
            let mut runs = runs(&losses.map(|loss| ("a", json!({ "x": loss }))));
            for ((_, record), seed) in runs.iter_mut().zip(seeds) {
                record.config["seed"] = json!(seed);
            }
            swept("n", &runs)
        };
        let alone = seeded([10, 9, 2], [0.5; 3]);
        assert_eq!(alone.len(), 1);
        assert_eq!((alone[0].name.as_str(), alone[0].values.join(" "), alone[0].repeats), ("seed", "2 9 10".to_owned(), true));
        assert_eq!(alone[0].places, [2, 1, 0]);
        let both = seeded([10, 9, 2], [0.5, 0.5, 1.0]);
        assert_eq!((both.len(), both[0].name.as_str(), both[0].repeats), (1, "train.loss.x", false));
    }

    #[test]
    fn too_many_keys_are_variants() {
        let found =
            swept("n", &runs(&[("all", json!({ "a": 1, "b": 1, "c": 1, "d": 1 })), ("none", json!({ "a": 0, "b": 0, "c": 0, "d": 0 }))]));
        assert_eq!((found.len(), found[0].name.as_str(), found[0].values.join(" ")), (1, "variant", "all none".to_owned()));
    }

    #[test]
    fn verdicts_are_counts() {
        assert_eq!(number(&Cell::Verdict(Outcome::Found, "2 of 3".into())), 2.0);
        assert!(number(&Cell::Text(String::new())).is_nan());
    }
}

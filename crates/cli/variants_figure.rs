//! `figures/<name>/variants.png` and `.svg`: the named variants of a pipeline side by side, as in the paper's Fig. 7.
//!
//! Made from run records and tables alone, like the index: example units of one run of each variant, and what was counted in all of its runs.

use crate::failure::Failure;
use crate::stages::draw::{maps_of, place};
use crate::sweep_index::{Recorded, read, runs_of};
use gridlake_figures::{Variant, Variants, draw_variants};
use gridlake_lake::frame::Frame;
use gridlake_lake::query::{UnitSummary, unit_summaries};
use gridlake_lake::run_record::{RunRecord, Status};
use gridlake_lake::schema::{GENERALIZATION, MODULES, RATEMAPS, Table, UNITS};
use gridlake_lake::{Lake, layout, partition};
use ndarray::{Array2, ArrayView2};
use std::path::PathBuf;

/// Example units of each variant, and how many in a row.
const EXAMPLES: usize = 12;
const COLUMNS: usize = 6;
const FILES: [&str; 2] = ["variants.png", "variants.svg"];

/// What one variant shows.
struct Shown {
    name: String,
    note: String,
    maps: Vec<Array2<f64>>,
    bin_m: [f64; 2],
}

/// Draws the variants of all analyzed runs of a pipeline's name, where there are several; else removes the figure. Returns where it is.
///
/// # Errors
/// A torn table, a damaged record, a lake that cannot be written.
pub(crate) fn update(lake: &Lake, name: &str) -> Result<Option<PathBuf>, Failure> {
    let keys = FILES.map(|file| format!("{}/{file}", layout::figures(name)));
    let analyzed: Vec<Recorded> = runs_of(lake, name)?.into_iter().filter(|(_, record)| step(record).is_some()).collect();
    let mut variants: Vec<(String, Vec<&Recorded>)> = Vec::new();
    for recorded in &analyzed {
        let variant = variant_of(name, &recorded.0);
        match variants.iter_mut().find(|(other, _)| *other == variant) {
            Some((_, runs)) => runs.push(recorded),
            None => variants.push((variant, vec![recorded])),
        }
    }
    if variants.len() < 2 {
        forget(lake, &keys)?;
        return Ok(None);
    }
    let shown = variants.iter().map(|(variant, runs)| show(lake, variant, runs)).collect::<Result<Vec<Shown>, Failure>>()?;
    let views: Vec<Vec<ArrayView2<'_, f64>>> = shown.iter().map(|one| one.maps.iter().map(Array2::view).collect()).collect();
    let panels: Vec<Variant<'_>> =
        shown.iter().zip(&views).map(|(one, ratemaps)| Variant { name: &one.name, note: &one.note, ratemaps }).collect();
    let scratch = tempfile::tempdir().map_err(|error| Failure::work(format!("a temporary folder: {error}")))?;
    let input = Variants {
        title: &format!("Variants of {name}"),
        note: "Of each variant the first run's units with the highest grid scores (Sargolini) in the smallest arena; every map from 0 to its own peak.",
        variants: &panels,
        columns: COLUMNS,
        bin_m: shown.iter().map(|one| one.bin_m).find(|bin| bin.iter().all(|side| side.is_finite())).unwrap_or([1.0; 2]),
    };
    let drawn = draw_variants(&input, &scratch.path().join("variants"))?;
    keep(lake, &drawn, &keys)?;
    Ok(keys.first().map(|key| lake.show(key)))
}

/// Puts files into the lake, each where its bytes are others than before.
///
/// # Errors
/// A lake that cannot be written.
pub(crate) fn keep(lake: &Lake, files: &[PathBuf], keys: &[String]) -> Result<(), Failure> {
    for (path, key) in files.iter().zip(keys) {
        let bytes = std::fs::read(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        if lake.store().read(key)?.as_deref() != Some(&bytes) {
            lake.store().write(key, &bytes)?;
        }
    }
    Ok(())
}

/// Removes files that there is nothing to be shown in any more.
///
/// # Errors
/// A lake that cannot be written.
pub(crate) fn forget(lake: &Lake, keys: &[String]) -> Result<(), Failure> {
    for key in keys {
        if lake.store().size(key)?.is_some() {
            lake.store().remove(key)?;
        }
    }
    Ok(())
}

/// The figure that is there.
///
/// # Errors
/// A lake that cannot be read.
pub(crate) fn written(lake: &Lake, name: &str) -> Result<Option<PathBuf>, Failure> {
    let key = format!("{}/{}", layout::figures(name), FILES[0]);
    Ok(lake.store().size(&key)?.map(|_| lake.show(&key)))
}

/// The step of a finished analysis.
pub(crate) fn step(record: &RunRecord) -> Option<u64> {
    record.stages.get("analyze").filter(|stage| stage.status == Status::Done).map(|stage| stage.step)
}

/// "no-capacity" of "ablations-no-capacity-s3-0123abcd"; the name itself where there is no variant.
pub(crate) fn variant_of(name: &str, run: &str) -> String {
    let seedless = run.rsplitn(3, '-').nth(2).unwrap_or(run);
    seedless.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')).unwrap_or(name).to_owned()
}

fn show(lake: &Lake, variant: &str, runs: &[&Recorded]) -> Result<Shown, Failure> {
    let mut found = Vec::new();
    for (run, record) in runs {
        if let Some(step) = step(record) {
            found.push((run.as_str(), step, unit_summaries(lake, run, step)?));
        }
    }
    let (mut maps, mut bin_m) = (Vec::new(), [f64::NAN; 2]);
    if let Some((run, step, summaries)) = found.first()
        && let Some(arena) = summaries.first()
    {
        let wanted = best(lake, run, *step, &arena.arena)?;
        let (all, bins) = maps_of(lake, run, *step, &arena.arena, &RATEMAPS, &wanted)?;
        maps = wanted.iter().filter_map(|unit| all.iter().find(|(other, _)| other == unit)).map(|(_, map)| map.clone()).collect();
        bin_m = bins;
    }
    let notes = found.iter().map(|(run, step, summaries)| note(lake, run, *step, summaries)).collect::<Result<Vec<String>, Failure>>()?;
    let arena = found.iter().find_map(|(_, _, summaries)| summaries.first()).map_or_else(String::new, |one| place(&one.arena));
    Ok(Shown { name: variant.to_owned(), note: format!("{arena}. {}", notes.join(" ")), maps, bin_m })
}

/// "Seed 3: grid 40, band 2, dead 10; 2 modules (0.61 and 0.86 m); coherence 0.93."
fn note(lake: &Lake, run: &str, step: u64, summaries: &[UnitSummary]) -> Result<String, Failure> {
    let seed = run.rsplit('-').nth(1).and_then(|part| part.strip_prefix('s')).unwrap_or("?");
    let Some(arena) = summaries.first() else { return Ok(format!("Seed {seed}: nothing analyzed.")) };
    let classes: Vec<String> = arena.classes.iter().map(|(class, count)| format!("{class} {count}")).collect();
    let mut periods = numbers(lake, &MODULES, run, step, &arena.arena, "period_m", |_, _| true)?;
    periods.sort_by(f64::total_cmp);
    let modules = match periods.as_slice() {
        [] => "no module".to_owned(),
        [one] => format!("1 module ({one:.2} m)"),
        several => {
            let told: Vec<String> = several.iter().map(|period| format!("{period:.2}")).collect();
            format!("{} modules ({} m)", several.len(), told.join(", "))
        }
    };
    let all_units = |frame: &Frame, row: usize| frame.int32("module")[row].is_none();
    let coherence = numbers(lake, &GENERALIZATION, run, step, &arena.arena, "spatial_coherence", all_units)?;
    let coherence = coherence.first().map_or_else(String::new, |value| format!("; coherence {value:.2}"));
    Ok(format!("Seed {seed}: {}; {modules}{coherence}.", classes.join(", ")))
}

/// Finite entries of a column in an arena, of rows that `counts` picks.
fn numbers(
    lake: &Lake,
    table: &'static Table,
    run: &str,
    step: u64,
    arena: &str,
    column: &str,
    counts: impl Fn(&Frame, usize) -> bool,
) -> Result<Vec<f64>, Failure> {
    let mut found = Vec::new();
    for frame in read(lake, table, run, step)? {
        let rows = (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena) && counts(&frame, *row));
        found.extend(rows.map(|row| frame.float64(column)[row]).filter(|value| value.is_finite()));
    }
    Ok(found)
}

/// Active units with the highest grid scores; where these are alike or undefined, in their order.
fn best(lake: &Lake, run: &str, step: u64, arena: &str) -> Result<Vec<u32>, Failure> {
    let mut active: Vec<(f64, u32)> = Vec::new();
    for frame in partition::read(lake, &UNITS, run, step, &["arena", "unit", "active", "grid_score_sargolini"])? {
        let frame = frame?;
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)) {
            if frame.boolean("active")[row] == Some(true) {
                let score = frame.float64("grid_score_sargolini")[row];
                active.push((if score.is_nan() { f64::NEG_INFINITY } else { score }, frame.uint32("unit")[row]));
            }
        }
    }
    active.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(active.into_iter().take(EXAMPLES).map(|(_, unit)| unit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_name_tells_its_variant() {
        assert_eq!(variant_of("ablations", "ablations-no-capacity-s3-0123abcd"), "no-capacity");
        assert_eq!(variant_of("ablations", "ablations-s3-0123abcd"), "ablations");
        assert_eq!(variant_of("a-b", "a-b-lambda_cap-0.5-s12-0123abcd"), "lambda_cap-0.5");
    }
}

//! Figures of a pipeline's named variants side by side, in `figures/<name>/`: `variants`, as the paper's Fig. 7, and each variant of it alone; `all-ratemaps`, as Fig. 8.
//!
//! Units of one run of each variant, and what was counted in all of its runs.

use crate::failure::Failure;
use crate::stages::draw::{maps_of, place};
use crate::sweep_index::{Recorded, read, runs_of};
use gridlake_figures::{AllRatemaps, RatemapBlock, RatemapUnit, Variant, Variants, draw_all_ratemaps, draw_variants};
use gridlake_lake::frame::Frame;
use gridlake_lake::query::{UnitSummary, unit_summaries};
use gridlake_lake::run_record::{RunRecord, Status};
use gridlake_lake::schema::{GENERALIZATION, MODULES, RATEMAPS, Table, UNITS};
use gridlake_lake::{Lake, layout, partition};
use ndarray::{Array2, ArrayView2};
use std::path::{Path, PathBuf};

/// Example units of each variant, and how many in a row.
const EXAMPLES: usize = 12;
const COLUMNS: usize = 6;
const ALONE: &str =
    "The first run's units with the highest grid scores (Sargolini) in the smallest arena; every map from 0 to its own peak.";
/// The most units of a variant among all ratemaps.
const MOST_UNITS: usize = 256;
const FIRST: &str = "variants.png";
/// What the names of these figures begin with.
const OURS: [&str; 2] = ["variant", "all-ratemaps"];

/// What one variant shows.
struct Shown {
    name: String,
    /// Of all runs.
    note: String,
    /// Of the run whose units are shown.
    first_note: String,
    /// Units of the first run, active ones with the highest scores first, dead ones last.
    units: Vec<Unit>,
    bin_m: [f64; 2],
}

struct Unit {
    map: Array2<f64>,
    active: bool,
}

impl Shown {
    /// Bins of its maps and their sides; `None` without a map.
    fn size(&self) -> Option<((usize, usize), [u64; 2])> {
        self.units.first().map(|unit| (unit.map.dim(), self.bin_m.map(f64::to_bits)))
    }

    fn examples(&self) -> Vec<ArrayView2<'_, f64>> {
        self.units.iter().filter(|unit| unit.active).take(EXAMPLES).map(|unit| unit.map.view()).collect()
    }
}

/// Draws the variants of all analyzed runs of a pipeline's name, where there are several; else removes the figures. Returns where the first is.
///
/// # Errors
/// A torn table, a damaged record, a lake that cannot be written.
pub(crate) fn update(lake: &Lake, name: &str) -> Result<Option<PathBuf>, Failure> {
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
        publish(lake, name, &[])?;
        return Ok(None);
    }
    let shown = variants.iter().map(|(variant, runs)| show(lake, variant, runs)).collect::<Result<Vec<Shown>, Failure>>()?;
    let scratch = tempfile::tempdir().map_err(|error| Failure::work(format!("a temporary folder: {error}")))?;
    publish(lake, name, &draw(name, &shown, scratch.path())?)?;
    Ok(Some(lake.show(&format!("{}/{FIRST}", layout::figures(name)))))
}

/// Figs. 7 and 8, and each panel of Fig. 7; Fig. 8's alone are the runs' sheets of ratemaps.
fn draw(name: &str, shown: &[Shown], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    // One scale bar does for all of them: maps of another size or bin than the first stand on pages of their own.
    let first = shown.iter().find_map(Shown::size);
    let (alike, others): (Vec<&Shown>, Vec<&Shown>) = shown.iter().partition(|one| one.size().is_none() || one.size() == first);
    let views: Vec<Vec<ArrayView2<'_, f64>>> = alike.iter().map(|one| one.examples()).collect();
    let panels: Vec<Variant<'_>> =
        alike.iter().zip(&views).map(|(one, ratemaps)| Variant { name: &one.name, note: &one.note, ratemaps }).collect();
    let title = format!("Variants of {name}");
    let left_out: Vec<&str> = others.iter().map(|one| one.name.as_str()).collect();
    let elsewhere = if others.is_empty() {
        String::new()
    } else {
        format!(" Of another arena or with other bins, and so not here: {}.", left_out.join(", "))
    };
    let input = Variants {
        title: &title,
        note: &format!(
            "Of each variant the first run's units with the highest grid scores (Sargolini) in the smallest arena; every map from 0 to its own peak.{elsewhere}"
        ),
        variants: &panels,
        columns: COLUMNS,
        bin_m: shown.iter().map(|one| one.bin_m).find(|bin| bin.iter().all(|side| side.is_finite())).unwrap_or([1.0; 2]),
    };
    let mut drawn = draw_variants(&input, &folder.join("variants"))?;
    let title = format!("A variant of {name}");
    for one in shown {
        let ratemaps = &one.examples();
        let panel = Variant { name: &one.name, note: &one.note, ratemaps };
        let bin_m = one.size().map_or(input.bin_m, |_| one.bin_m);
        let alone = Variants { title: &title, note: ALONE, variants: std::slice::from_ref(&panel), bin_m, ..input.clone() };
        drawn.extend(draw_variants(&alone, &folder.join(format!("variant-{}", one.name)))?);
    }
    let units: Vec<Vec<RatemapUnit<'_>>> = shown
        .iter()
        .map(|one| one.units.iter().map(|unit| RatemapUnit { ratemap: unit.map.view(), dead: !unit.active }).collect())
        .collect();
    let blocks: Vec<RatemapBlock<'_>> = shown
        .iter()
        .zip(&units)
        .map(|(one, units)| RatemapBlock { name: &one.name, note: &one.first_note, units, bin_m: one.bin_m })
        .collect();
    let input = AllRatemaps {
        title: &format!("All ratemaps of variants of {name}"),
        note: "Of each variant the first run's units in the smallest arena, by falling grid score (Sargolini); every map from 0 to its own peak.",
        blocks: &blocks,
    };
    drawn.extend(draw_all_ratemaps(&input, &folder.join("all-ratemaps"))?);
    Ok(drawn)
}

/// Writes what has changed, and removes what earlier runs had and these have not.
fn publish(lake: &Lake, name: &str, drawn: &[PathBuf]) -> Result<(), Failure> {
    let folder = layout::figures(name);
    let key = |path: &PathBuf| format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy());
    let keys: Vec<String> = drawn.iter().map(key).collect();
    keep(lake, drawn, &keys)?;
    let ours = |key: &str| {
        let file = key.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        OURS.iter().any(|ours| file.starts_with(ours))
    };
    let there = lake.store().files_below(&folder)?.into_iter().map(|(key, _)| key);
    forget(lake, &there.filter(|key| ours(key) && !keys.contains(key)).collect::<Vec<String>>())
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
    let key = format!("{}/{FIRST}", layout::figures(name));
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
    let notes = found.iter().map(|(run, step, summaries)| note(lake, run, *step, summaries)).collect::<Result<Vec<String>, Failure>>()?;
    let arena = found.iter().find_map(|(_, _, summaries)| summaries.first()).map_or_else(String::new, |one| place(&one.arena));
    let (mut units, mut bin_m, mut first_note) =
        (Vec::new(), [f64::NAN; 2], format!("{arena}. {}", notes.first().map_or("", String::as_str)));
    if let Some((run, step, summaries)) = found.first()
        && let Some(arena) = summaries.first()
    {
        let mut wanted = ranked(lake, run, *step, &arena.arena)?;
        if wanted.len() > MOST_UNITS {
            first_note = format!("{first_note} {MOST_UNITS} of {} units shown.", wanted.len());
            wanted.truncate(MOST_UNITS);
        }
        let numbers: Vec<u32> = wanted.iter().map(|(unit, _)| *unit).collect();
        let (mut all, bins) = maps_of(lake, run, *step, &arena.arena, &RATEMAPS, &numbers)?;
        for (unit, active) in wanted {
            if let Some(at) = all.iter().position(|(other, _)| *other == unit) {
                units.push(Unit { map: all.swap_remove(at).1, active });
            }
        }
        bin_m = bins;
    }
    Ok(Shown { name: variant.to_owned(), note: format!("{arena}. {}", notes.join(" ")), first_note, units, bin_m })
}

/// "Seed 3: grid 40, band 2, dead 10; 2 modules (0.61 and 0.86 m); coherence 0.93 (chance 0.31)."
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
    let of = |column: &str| Ok::<_, Failure>(numbers(lake, &GENERALIZATION, run, step, &arena.arena, column, all_units)?.first().copied());
    let chance = of("spatial_coherence_chance")?.map_or_else(String::new, |chance| format!(" (chance {chance:.2})"));
    let coherence = of("spatial_coherence_corrected")?.map_or_else(String::new, |value| format!("; coherence {value:.2}{chance}"));
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

/// Units and whether they are active: active ones with the highest grid scores first, dead ones last; where scores are alike or undefined, in their order.
fn ranked(lake: &Lake, run: &str, step: u64, arena: &str) -> Result<Vec<(u32, bool)>, Failure> {
    let mut units: Vec<(bool, f64, u32)> = Vec::new();
    for frame in partition::read(lake, &UNITS, run, step, &["arena", "unit", "active", "grid_score_sargolini"])? {
        let frame = frame?;
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)) {
            let (active, score) = (frame.boolean("active")[row] == Some(true), frame.float64("grid_score_sargolini")[row]);
            units.push((active, if score.is_nan() { f64::NEG_INFINITY } else { score }, frame.uint32("unit")[row]));
        }
    }
    units.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    Ok(units.into_iter().map(|(active, _, unit)| (unit, active)).collect())
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

//! What a report has of each unit: its numbers, its scores with their nulls, its maps and its spectrum.

use super::draw::{UnitRow, Units, maps};
use super::report::on_page;
use super::state_figures;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::report::{Map, NullSummary, ReportUnit, Score, UnitInArena, UnitMaps};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition;
use gridlake_lake::schema::{AUTOCORRELOGRAMS, NULLS, RATEMAPS, UNIT_SPECTRA};
use ndarray::{ArrayView2, s};
use std::collections::{BTreeMap, HashMap};

/// Scores as `units` and `nulls` name them: value, p-value, q-value (empty: none), name in `nulls`, whether it is a column of the page's table.
pub(crate) const SCORES: [(&str, &str, &str, &str, bool); 6] = [
    ("grid_score_sargolini", "grid_score_p", "grid_score_q", "sargolini", true),
    ("grid_score_banino", "grid_score_banino_p", "", "banino", false),
    ("square_score", "square_score_p", "", "square", false),
    ("periodicity", "periodicity_p", "periodicity_q", "periodicity", true),
    ("border_score", "border_score_p", "", "border", true),
    ("wall_score", "wall_score_p", "", "wall_score", false),
];
/// Other numbers of a unit, and whether they are columns of the page's table.
pub(crate) const MEASURES: [(&str, bool); 14] = [
    ("period_m", true),
    ("period_se_m", false),
    ("spacing_m", false),
    ("orientation_rad", true),
    ("ellipse_ratio", false),
    ("lattice_angle_rad", false),
    ("sac_spacing_m", false),
    ("sac_orientation_rad", false),
    ("spatial_information_bits", true),
    ("sparsity", false),
    ("coherence", false),
    ("stability", true),
    ("peak_rate", false),
    ("mean_rate", false),
];
/// Spectra are shown up to this many times the median of the arena's longest wave vectors, the same for all its units, and farther where a unit's own
/// waves are.
const SHOWN: (f64, f64) = (2.5, 1.25);

/// Each unit's numbers in each arena, in the arenas' order.
///
/// # Errors
/// A torn table.
pub(crate) fn units(workspace: &Workspace<'_>, of_units: &Units) -> Result<Vec<ReportUnit>, Failure> {
    let mut found: BTreeMap<u32, ReportUnit> = BTreeMap::new();
    let mut nulls = nulls(workspace)?;
    for label in &of_units.arenas {
        let here: Vec<&UnitRow> = of_units.rows.iter().filter(|row| row.arena == *label).collect();
        let (ratemaps, bin_m) = maps(workspace, label, &RATEMAPS, &here)?;
        let (autocorrelograms, _) = maps(workspace, label, &AUTOCORRELOGRAMS, &here)?;
        let ratemaps: HashMap<u32, Map> = ratemaps.iter().map(|(unit, map)| (*unit, Map::new(map.view(), bin_m))).collect();
        let autocorrelograms: HashMap<u32, Map> =
            autocorrelograms.iter().map(|(unit, map)| (*unit, Map::with_range(map.view(), bin_m, (-1.0, 1.0)))).collect();
        let rows = || {
            let of = move |frame: &Frame, row: usize| frame.text("arena")[row].as_deref() == Some(label);
            of_units.frames.iter().flat_map(move |frame| (0..frame.rows()).filter(move |row| of(frame, *row)).map(move |row| (frame, row)))
        };
        let waves: HashMap<u32, Vec<[f64; 2]>> = rows().map(|(frame, row)| (frame.uint32("unit")[row], waves(frame, row))).collect();
        let spectra = spectra(workspace, label, &waves)?;
        for (frame, row) in rows() {
            let unit = frame.uint32("unit")[row];
            let number = |name: &str| if name.is_empty() { f64::NAN } else { frame.float64(name)[row] };
            let text = |name: &str| frame.text(name)[row].as_deref().unwrap_or_default().to_owned();
            let score = |(value, p, q, name, _): (&str, &str, &str, &str, bool)| Score {
                value: number(value),
                p: number(p),
                q: number(q),
                reason: if number(value).is_nan() || number(p).is_nan() { text("score_reason") } else { String::new() },
                null: nulls.remove(&(label.clone(), unit, name.to_owned())),
            };
            let in_arena = UnitInArena {
                class: text("class"),
                class_reason: text("class_reason"),
                scores: SCORES.map(score).into(),
                measures: MEASURES.iter().map(|(name, _)| on_page(name, number(name))).collect(),
                maps: UnitMaps {
                    ratemap: ratemaps.get(&unit).cloned(),
                    autocorrelogram: autocorrelograms.get(&unit).cloned(),
                    spectrum: spectra.get(&unit).cloned(),
                    waves: waves.get(&unit).cloned().unwrap_or_default(),
                },
            };
            let entry = found.entry(unit).or_insert_with(|| ReportUnit {
                unit: unit as usize,
                module: frame.int32("module")[row].and_then(|module| usize::try_from(module).ok()),
                module_reason: text("module_reason"),
                arenas: Vec::new(),
            });
            entry.arenas.push(in_arena);
        }
    }
    Ok(found.into_values().collect())
}

/// The null distributions by arena, unit and score.
fn nulls(workspace: &Workspace<'_>) -> Result<HashMap<(String, u32, String), NullSummary>, Failure> {
    let mut nulls = HashMap::new();
    for frame in state_figures::read(workspace, &NULLS)? {
        let (length, values) = frame.floats("null");
        for row in 0..frame.rows() {
            let text = |name: &str| frame.text(name)[row].as_deref().unwrap_or_default().to_owned();
            let samples: Vec<f64> = values[row * length..(row + 1) * length].iter().map(|score| f64::from(*score)).collect();
            nulls.insert((text("arena"), frame.uint32("unit")[row], text("score")), NullSummary::new(&samples));
        }
    }
    Ok(nulls)
}

/// A unit's wave vectors, cycles per metre.
fn waves(frame: &Frame, row: usize) -> Vec<[f64; 2]> {
    let wave = |(x, y): (&str, &str)| [x, y].map(|name| frame.float64(name)[row]);
    let all = [("kx1", "ky1"), ("kx2", "ky2"), ("kx3", "ky3")].map(wave);
    all.into_iter().filter(|wave| wave.iter().all(|part| part.is_finite())).collect()
}

fn longest(waves: &[[f64; 2]]) -> f64 {
    waves.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max)
}

/// The middle of each unit's spectrum, as far as there is something to be seen; nothing where an older gridlake has analyzed.
fn spectra(workspace: &Workspace<'_>, arena: &str, waves: &HashMap<u32, Vec<[f64; 2]>>) -> Result<HashMap<u32, Map>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    let mut found = HashMap::new();
    if !partition::exists(lake, &UNIT_SPECTRA, run, step)? {
        return Ok(found);
    }
    let mut lengths: Vec<f64> = waves.values().map(|waves| longest(waves)).filter(|length| *length > 0.0).collect();
    lengths.sort_by(f64::total_cmp);
    let shared = lengths.get(lengths.len() / 2).map_or(f64::INFINITY, |median| SHOWN.0 * median);
    for frame in partition::read(lake, &UNIT_SPECTRA, run, step, &[])? {
        let frame = frame?;
        let (length, values) = frame.floats("power");
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)) {
            let unit = frame.uint32("unit")[row];
            let side = frame.uint32("lags")[row] as usize;
            let power: Vec<f64> = values[row * length..(row + 1) * length].iter().map(|power| f64::from(*power)).collect();
            let power = ArrayView2::from_shape((side, side), &power)
                .map_err(|error| Failure::data(format!("table {}, unit {unit}: {error}", UNIT_SPECTRA.name)))?;
            let df = ["df_cycles_per_m", "df_y_cycles_per_m"].map(|name| frame.float64(name)[row]);
            let own = waves.get(&unit).map_or(0.0, |waves| SHOWN.1 * longest(waves));
            let shown = middle(power, df, shared.max(own));
            let most = shown.iter().copied().filter(|power| power.is_finite()).fold(0.0, f64::max);
            found.insert(unit, Map::with_range(shown, df, (0.0, most)));
        }
    }
    Ok(found)
}

/// Frequencies up to `highest` cycles per metre along both axes, at least the nearest ones.
fn middle(power: ArrayView2<'_, f64>, df: [f64; 2], highest: f64) -> ArrayView2<'_, f64> {
    let centre = power.nrows() / 2;
    let reach = |df: f64| ((highest / df).ceil() as usize).clamp(1.min(centre), centre);
    let ([dx, dy], side) = (df, 2 * centre + 1);
    let (x, y) = (reach(dx), reach(dy));
    power.slice_move(s![centre - y..side - (centre - y), centre - x..side - (centre - x)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn the_middle_of_a_spectrum_stays_in_the_middle() {
        let power = Array2::from_shape_fn((9, 9), |(row, col)| (10 * row + col) as f64);
        let cut = middle(power.view(), [0.5, 0.25], 0.7);
        assert_eq!((cut.dim(), cut[[3, 2]], cut[[0, 0]]), ((7, 5), 44.0, 12.0));
        assert_eq!(middle(power.view(), [0.5, 0.5], f64::INFINITY), power);
        assert_eq!(middle(power.view(), [0.5, 0.5], 0.0).dim(), (3, 3));
        assert_eq!(middle(power.slice(s![..1, ..1]), [0.5, 0.5], 1.0).dim(), (1, 1));
    }
}

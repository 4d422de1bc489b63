//! Figures of modules, as in the paper's Figs. 4 and 6, and of null distributions: from what the analysis left in the tables.

use super::draw::{UnitRow, maps, or, place, when, who};
use crate::failure::Failure;
use crate::pipeline::Run;
use crate::workspace::Workspace;
use gridlake_figures::{
    ModuleCentre, ModulePhases, ModuleRow, ModuleScatter, ModuleSpectra, ModuleSpectrum, ModuleUnit, ModuleUnits, NullDistributions,
    ScatterUnit, ScoreNull, draw_module_phases, draw_module_scatter, draw_module_spectra, draw_module_units, draw_null_distributions,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition;
use gridlake_lake::schema::{AUTOCORRELOGRAMS, MODULES, NULLS, RATEMAPS, SPECTRA};
use ndarray::{Array2, ArrayView2};
use std::path::{Path, PathBuf};

/// Orientations are told modulo this.
const FOLD_DEG: f64 = 60.0;
/// As `units.above_null` and `classes.discovered` have it.
const SIGNIFICANCE: f64 = 0.01;
const FALSE_DISCOVERIES: f64 = 0.05;
/// Names of scores as the tables have them, and as figures do.
const SCORES: [(&str, &str); 5] = [
    ("sargolini", "grid score (Sargolini)"),
    ("banino", "grid score (Banino)"),
    ("square", "90° score"),
    ("periodicity", "share of the strongest wave"),
    ("border", "border score"),
];

/// A row of `modules`.
struct Module {
    label: usize,
    units: usize,
    period_m: f64,
    period_sd_m: f64,
    orientation_rad: f64,
    shape: String,
    waves: [[f64; 2]; 3],
    uniformity_p: f64,
}

/// Draws all figures about an arena's modules, and its null distributions.
///
/// # Errors
/// A torn table, a full disk.
pub(crate) fn draw(workspace: &Workspace<'_>, arena: &str, rows: &[&UnitRow], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let title = |what: &str| format!("{what} in the {} of {}{}", place(arena), who(workspace.run), when(workspace.run));
    let stem = |name: &str| folder.join(format!("{arena}-{name}"));
    let modules = modules(workspace, arena)?;
    let mut paths = Vec::new();
    if !modules.is_empty() {
        paths.extend(units(workspace, arena, rows, &modules, &title("Modules"), &stem("modules"))?);
        paths.extend(spectra(workspace, arena, rows, &modules, &title("Spectra of modules"), &stem("module-spectra"))?);
        for module in &modules {
            let name = title(&format!("Phases of module {}", module.label));
            paths.extend(phases(workspace, rows, module, &name, &stem(&format!("module-{}-phases", module.label)))?);
        }
        paths.extend(scatter(rows, &modules, &title("Periods and orientations"), &stem("module-scatter"))?);
    }
    paths.extend(nulls(workspace, arena, rows, &title("Scores and their nulls"), &stem("scores"))?);
    Ok(paths)
}

/// The table's rows of an arena; none where it has no modules, or an older gridlake has analyzed it.
fn modules(workspace: &Workspace<'_>, arena: &str) -> Result<Vec<Module>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    let mut found = Vec::new();
    if !partition::exists(lake, &MODULES, run, step)? {
        return Ok(found);
    }
    for frame in partition::read(lake, &MODULES, run, step, &[])? {
        let frame = frame?;
        for row in rows_of(&frame, arena) {
            let number = |name: &str| frame.float64(name)[row];
            found.push(Module {
                label: frame.int32("module")[row].unwrap_or_default().max(0) as usize,
                units: frame.uint32("units")[row] as usize,
                period_m: number("period_m"),
                period_sd_m: number("period_sd_m"),
                orientation_rad: number("orientation_rad"),
                shape: frame.text("lattice_shape")[row].as_deref().unwrap_or_default().to_owned(),
                waves: [[number("kx1"), number("ky1")], [number("kx2"), number("ky2")], [number("kx3"), number("ky3")]],
                uniformity_p: number("phase_uniformity_p"),
            });
        }
    }
    Ok(found)
}

fn rows_of(frame: &Frame, arena: &str) -> Vec<usize> {
    (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)).collect()
}

/// Units of a module (or of none, though they take part), the highest scores first.
fn members<'r>(rows: &[&'r UnitRow], module: i32) -> Vec<&'r UnitRow> {
    let mut found: Vec<&UnitRow> = rows.iter().copied().filter(|row| row.module == Some(module)).collect();
    let rank = |row: &UnitRow| if row.score.is_nan() { f64::NEG_INFINITY } else { row.score };
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(a.unit.cmp(&b.unit)));
    found
}

/// Fig. 4: units of each module.
fn units(
    workspace: &Workspace<'_>,
    arena: &str,
    rows: &[&UnitRow],
    modules: &[Module],
    title: &str,
    stem: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let most = workspace.run.settings.draw.module_units;
    let chosen = |module: i32| members(rows, module).into_iter().take(most).collect::<Vec<&UnitRow>>();
    let groups: Vec<Vec<&UnitRow>> = modules.iter().map(|module| chosen(module.label as i32)).chain([chosen(-1)]).collect();
    let shown: Vec<&UnitRow> = groups.iter().flatten().copied().collect();
    let (rates, bin_m) = maps(workspace, arena, &RATEMAPS, &shown)?;
    let (lags, _) = maps(workspace, arena, &AUTOCORRELOGRAMS, &shown)?;
    let find = |maps: &[(u32, Array2<f64>)], unit: u32| maps.iter().position(|(other, _)| *other == unit);
    let drawn = |group: &[&UnitRow]| {
        let unit = |row: &&UnitRow| {
            Some(ModuleUnit {
                unit: row.unit as usize,
                ratemap: rates[find(&rates, row.unit)?].1.view(),
                autocorrelogram: find(&lags, row.unit).map(|at| lags[at].1.view()),
                peak_rate: f64::NAN,
            })
        };
        group.iter().filter_map(unit).collect::<Vec<ModuleUnit<'_>>>()
    };
    let examples: Vec<Vec<ModuleUnit<'_>>> = groups.iter().map(|group| drawn(group)).collect();
    let blocks: Vec<ModuleRow<'_>> = modules
        .iter()
        .zip(&examples)
        .map(|(module, units)| ModuleRow {
            module: module.label,
            period_m: module.period_m,
            period_sd_m: module.period_sd_m,
            orientation_deg: module.orientation_rad.to_degrees(),
            unit_count: module.units,
            shape: &module.shape,
            units,
        })
        .collect();
    let input = ModuleUnits {
        title,
        modules: &blocks,
        unassigned: examples.last().map_or(&[], Vec::as_slice),
        unassigned_count: members(rows, -1).len(),
        max_units: most,
        bin_m,
        rate_unit: rate_unit(workspace.run),
    };
    Ok(draw_module_units(&input, stem)?)
}

/// What rates are counted in.
pub(crate) fn rate_unit(run: &Run) -> &'static str {
    if run.imported.is_some() { "units of the import" } else { "arbitrary units" }
}

/// Fig. 6a: mean spectra with wave vectors, periods, orientations.
fn spectra(
    workspace: &Workspace<'_>,
    arena: &str,
    rows: &[&UnitRow],
    modules: &[Module],
    title: &str,
    stem: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut power: Vec<(usize, [f64; 2], Array2<f64>)> = Vec::new();
    for frame in partition::read(workspace.lake, &SPECTRA, &workspace.run.name, workspace.last_step(), &[])? {
        let frame = frame?;
        let (length, values) = frame.floats("power");
        for row in rows_of(&frame, arena) {
            let side = frame.uint32("lags")[row] as usize;
            let map = values[row * length..(row + 1) * length].iter().map(|value| f64::from(*value)).collect();
            let map = Array2::from_shape_vec((side, side), map).map_err(|error| Failure::data(format!("table spectra: {error}")))?;
            let step = frame.float64("df_cycles_per_m")[row];
            let step = [step, or(frame.float64("df_y_cycles_per_m")[row], step)];
            power.push((frame.int32("module")[row].unwrap_or_default().max(0) as usize, step, map));
        }
    }
    let nothing = Array2::zeros((0, 0));
    let columns = |module: i32| {
        let of: Vec<&UnitRow> = members(rows, module);
        (
            of.iter().map(|row| row.period_m).collect::<Vec<f64>>(),
            of.iter().map(|row| row.orientation_rad.to_degrees()).collect::<Vec<f64>>(),
        )
    };
    let numbers: Vec<(Vec<f64>, Vec<f64>)> = modules.iter().map(|module| columns(module.label as i32)).collect();
    let input: Vec<ModuleSpectrum<'_>> = modules
        .iter()
        .zip(&numbers)
        .map(|(module, (periods_m, orientations_deg))| {
            let (step, map): ([f64; 2], ArrayView2<'_, f64>) = power
                .iter()
                .find(|(label, _, _)| *label == module.label)
                .map_or(([1.0; 2], nothing.view()), |(_, step, map)| (*step, map.view()));
            ModuleSpectrum {
                module: Some(module.label),
                power: map,
                frequency_step: step,
                wave_vectors: module.waves,
                periods_m,
                orientations_deg,
            }
        })
        .collect();
    Ok(draw_module_spectra(&ModuleSpectra { title, modules: &input, fold_deg: FOLD_DEG }, stem)?)
}

/// Fig. 6b: phases of a module's units.
fn phases(workspace: &Workspace<'_>, rows: &[&UnitRow], module: &Module, title: &str, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
    let phases: Vec<[f64; 3]> = members(rows, module.label as i32).iter().map(|row| row.phases).collect();
    if !phases.iter().any(|of_unit| of_unit.iter().all(|phase| phase.is_finite())) {
        return Ok(Vec::new());
    }
    let test = format!("Sobolev test on the torus, {} draws", workspace.run.settings.analyze.modules.draws);
    let input = ModulePhases {
        title,
        module: module.label,
        phases_rad: &phases,
        lattice_m: direct(&module.waves),
        uniformity_p: module.uniformity_p,
        uniformity_test: &test,
    };
    Ok(draw_module_phases(&input, stem)?)
}

/// Direct lattice vectors with `k_i · a_j` = 1 where i = j, else 0, for the first two waves.
fn direct(waves: &[[f64; 2]; 3]) -> Option<[[f64; 2]; 2]> {
    let [p, q, _] = *waves;
    let area = p[0] * q[1] - p[1] * q[0];
    (area.is_finite() && area != 0.0).then(|| [[q[1] / area, -q[0] / area], [-p[1] / area, p[0] / area]])
}

/// Period against orientation.
fn scatter(rows: &[&UnitRow], modules: &[Module], title: &str, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
    let units: Vec<ScatterUnit> = rows
        .iter()
        .filter(|row| row.module.is_some())
        .map(|row| ScatterUnit {
            period_m: row.period_m,
            period_error_m: row.period_se_m,
            angle_deg: row.orientation_rad.to_degrees(),
            angle_error_deg: row.orientation_se_rad.to_degrees(),
            module: row.module.and_then(|module| usize::try_from(module).ok()),
        })
        .collect();
    if !units.iter().any(|unit| unit.period_m.is_finite() && unit.angle_deg.is_finite()) {
        return Ok(Vec::new());
    }
    let centres: Vec<ModuleCentre> = modules
        .iter()
        .map(|module| {
            let of = members(rows, module.label as i32);
            // Around the module's own orientation, since 59° and 1° are neighbours.
            let turned = |row: &&UnitRow| {
                let away = (row.orientation_rad.to_degrees() - module.orientation_rad.to_degrees()).rem_euclid(FOLD_DEG);
                if away > FOLD_DEG / 2.0 { away - FOLD_DEG } else { away }
            };
            ModuleCentre {
                module: module.label,
                period_m: median(of.iter().map(|row| row.period_m)),
                angle_deg: module.orientation_rad.to_degrees() + median(of.iter().map(turned)),
            }
        })
        .collect();
    let input = ModuleScatter { title, units: &units, modules: &centres, angle_name: "Orientation", fold_deg: FOLD_DEG };
    Ok(draw_module_scatter(&input, stem)?)
}

/// NaN is left out; NaN where nothing is left.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    if count == 0 { f64::NAN } else { f64::midpoint(values[(count - 1) / 2], values[count / 2]) }
}

/// Each score over its null, and p-values.
fn nulls(workspace: &Workspace<'_>, arena: &str, rows: &[&UnitRow], title: &str, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
    let active: Vec<&UnitRow> = rows.iter().copied().filter(|row| row.active).collect();
    let mut pooled: Vec<Vec<f64>> = vec![Vec::new(); SCORES.len()];
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    if active.is_empty() || !partition::exists(lake, &NULLS, run, step)? {
        return Ok(Vec::new());
    }
    for frame in partition::read(lake, &NULLS, run, step, &["arena", "score", "null"])? {
        let frame = frame?;
        let (length, values) = frame.floats("null");
        for row in rows_of(&frame, arena) {
            let Some(score) = SCORES.iter().position(|(name, _)| frame.text("score")[row].as_deref() == Some(name)) else { continue };
            pooled[score]
                .extend(values[row * length..(row + 1) * length].iter().map(|score| f64::from(*score)).filter(|score| score.is_finite()));
        }
    }
    let told: Vec<(Vec<f64>, Vec<f64>, usize)> = (0..SCORES.len())
        .map(|score| {
            let scores = active.iter().map(|row| row.scores[score]).collect();
            let p: Vec<f64> = active.iter().map(|row| row.p_values[score]).collect();
            let q = gridlake_analysis::nulls::discovery::discovery(&p, gridlake_analysis::nulls::discovery::Dependence::Positive);
            let controlled = q.called(FALSE_DISCOVERIES);
            (scores, p, controlled)
        })
        .collect();
    let scores: Vec<ScoreNull<'_>> = told
        .iter()
        .zip(&pooled)
        .zip(SCORES)
        .map(|(((scores, p_values, controlled), null_scores), (_, name))| ScoreNull {
            name,
            scores,
            null_scores,
            p_values,
            significant: p_values.iter().filter(|p| **p <= SIGNIFICANCE).count(),
            significant_controlled: *controlled,
        })
        .collect();
    let input = NullDistributions {
        title,
        scores: &scores,
        unit_count: active.len(),
        units_name: "active units",
        significance: SIGNIFICANCE,
        false_discovery_rate: FALSE_DISCOVERIES,
    };
    Ok(draw_null_distributions(&input, stem)?)
}

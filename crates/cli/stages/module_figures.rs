//! Figures of modules, as in the paper's Figs. 4, 6a and 6b: from what the analysis left in the tables.

use super::draw::{UnitRow, maps, or, place, when, who};
use super::null_figures::nulls;
use crate::failure::Failure;
use crate::pipeline::Run;
use crate::workspace::Workspace;
use gridlake_analysis::lattice::{LatticeShape, turn_rad};
use gridlake_figures::{
    ModuleCentre, ModulePhases, ModuleRow, ModuleScatter, ModuleSpectra, ModuleSpectrum, ModuleUnit, ModuleUnits, ModulesSheet,
    ScatterUnit, draw_module_phases, draw_module_scatter, draw_module_spectra, draw_module_units, draw_modules_sheet,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition;
use gridlake_lake::schema::{AUTOCORRELOGRAMS, MODULES, RATEMAPS, SPECTRA};
use ndarray::{Array2, ArrayView2};
use std::path::{Path, PathBuf};

/// A row of `modules`.
pub(super) struct Module {
    pub(super) label: usize,
    units: usize,
    period_m: f64,
    period_sd_m: f64,
    orientation_rad: f64,
    shape: String,
    waves: [[f64; 2]; 3],
    uniformity_p: f64,
    evenness_p: f64,
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
        let scatter = Scatter::of(rows, &modules);
        let titles = [title("Modules"), title("Periods and orientations"), title("Modules and their periods")];
        let stems = [stem("modules"), stem("module-scatter"), stem("modularity")];
        paths.extend(units(workspace, arena, rows, &modules, scatter.as_ref(), &titles, &stems)?);
        let spectra = Spectra::read(workspace, arena)?;
        let each: Vec<Tuning> = modules.iter().map(|module| Tuning::of(rows, module)).collect();
        let input: Vec<ModuleSpectrum<'_>> = modules.iter().zip(&each).map(|(module, tuning)| spectra.figure(module, tuning)).collect();
        let input = ModuleSpectra { title: &title("Spectra of modules"), modules: &input, fold_deg: fold_deg(&modules) };
        paths.extend(draw_module_spectra(&input, &stem("module-spectra"))?);
        for module in &modules {
            if let Some(phases) = Phases::of(workspace, rows, module) {
                let name = title(&format!("Phases of module {}", module.label));
                paths.extend(draw_module_phases(&phases.figure(module, &name), &stem(&format!("module-{}-phases", module.label)))?);
            }
        }
    }
    paths.extend(nulls(workspace, arena, rows, &title("Scores and their nulls"), &stem("scores"))?);
    Ok(paths)
}

/// An axis that has room for the orientations of all of these modules: each is told modulo its own turn.
pub(super) fn fold_deg(modules: &[Module]) -> f64 {
    modules.iter().map(Module::turn_deg).fold(60.0, f64::max)
}

impl Module {
    /// After which turn its lattice is the same.
    fn turn_deg(&self) -> f64 {
        let right_angled = [LatticeShape::Square, LatticeShape::Rectangular].into_iter().find(|shape| shape.as_str() == self.shape);
        turn_rad(right_angled.unwrap_or(LatticeShape::Hexagonal)).to_degrees()
    }

    /// From its orientation to a unit's, the shorter way round, since 59° and 1° are neighbours.
    fn away_deg(&self, unit: &UnitRow) -> f64 {
        let (turn, away) = (self.turn_deg(), unit.orientation_rad.to_degrees() - self.orientation_rad.to_degrees());
        let away = away.rem_euclid(turn);
        if away > turn / 2.0 { away - turn } else { away }
    }
}

/// The table's rows of an arena; none where it has no modules, or an older gridlake has analyzed it.
pub(super) fn modules(workspace: &Workspace<'_>, arena: &str) -> Result<Vec<Module>, Failure> {
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
                evenness_p: number("phase_evenness_p"),
            });
        }
    }
    Ok(found)
}

pub(super) fn rows_of(frame: &Frame, arena: &str) -> Vec<usize> {
    (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)).collect()
}

/// Units of a module (or of none, though they take part), the highest scores first.
fn members<'r>(rows: &[&'r UnitRow], module: i32) -> Vec<&'r UnitRow> {
    let mut found: Vec<&UnitRow> = rows.iter().copied().filter(|row| row.module == Some(module)).collect();
    let rank = |row: &UnitRow| if row.score.is_nan() { f64::NEG_INFINITY } else { row.score };
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(a.unit.cmp(&b.unit)));
    found
}

/// Fig. 4: units of each module, where modules lie, and both on one page.
fn units(
    workspace: &Workspace<'_>,
    arena: &str,
    rows: &[&UnitRow],
    modules: &[Module],
    scatter: Option<&Scatter>,
    titles: &[String; 3],
    stems: &[PathBuf; 3],
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
    let units = ModuleUnits {
        title: &titles[0],
        modules: &blocks,
        unassigned: examples.last().map_or(&[], Vec::as_slice),
        unassigned_count: members(rows, -1).len(),
        max_units: most,
        bin_m,
        rate_unit: rate_unit(workspace.run),
    };
    let mut paths = draw_module_units(&units, &stems[0])?;
    let scatter = scatter.map(|scatter| scatter.figure(&titles[1]));
    if let Some(scatter) = &scatter {
        paths.extend(draw_module_scatter(scatter, &stems[1])?);
    }
    let sheet = ModulesSheet { title: &titles[2], units, scatter: scatter.ok_or("no unit has both in this arena") };
    paths.extend(draw_modules_sheet(&sheet, &stems[2])?);
    Ok(paths)
}

/// What rates are counted in.
pub(crate) fn rate_unit(run: &Run) -> &'static str {
    if run.imported.is_some() { "units of the import" } else { "arbitrary units" }
}

/// Fig. 6a: mean spectra of an arena's modules.
pub(super) struct Spectra {
    /// Module, distances of bins in cycles/m, power.
    of: Vec<(usize, [f64; 2], Array2<f64>)>,
    nothing: Array2<f64>,
}

impl Spectra {
    pub(super) fn read(workspace: &Workspace<'_>, arena: &str) -> Result<Self, Failure> {
        let mut of = Vec::new();
        for frame in partition::read(workspace.lake, &SPECTRA, &workspace.run.name, workspace.last_step(), &[])? {
            let frame = frame?;
            let (length, values) = frame.floats("power");
            for row in rows_of(&frame, arena) {
                let side = frame.uint32("lags")[row] as usize;
                let map = values[row * length..(row + 1) * length].iter().map(|value| f64::from(*value)).collect();
                let map = Array2::from_shape_vec((side, side), map).map_err(|error| Failure::data(format!("table spectra: {error}")))?;
                let step = frame.float64("df_cycles_per_m")[row];
                let step = [step, or(frame.float64("df_y_cycles_per_m")[row], step)];
                of.push((frame.int32("module")[row].unwrap_or_default().max(0) as usize, step, map));
            }
        }
        Ok(Self { of, nothing: Array2::zeros((0, 0)) })
    }

    /// A module's spectrum with its waves, and its units' periods and orientations.
    pub(super) fn figure<'a>(&'a self, module: &Module, tuning: &'a Tuning) -> ModuleSpectrum<'a> {
        let found = self.of.iter().find(|(label, _, _)| *label == module.label);
        let (frequency_step, power): ([f64; 2], ArrayView2<'_, f64>) =
            found.map_or(([1.0; 2], self.nothing.view()), |(_, step, map)| (*step, map.view()));
        ModuleSpectrum {
            module: Some(module.label),
            power,
            frequency_step,
            wave_vectors: module.waves,
            periods_m: &tuning.periods_m,
            orientations_deg: &tuning.orientations_deg,
            orientation_deg: module.orientation_rad.to_degrees(),
        }
    }
}

/// Periods and orientations of a module's units.
pub(super) struct Tuning {
    periods_m: Vec<f64>,
    orientations_deg: Vec<f64>,
}

impl Tuning {
    pub(super) fn of(rows: &[&UnitRow], module: &Module) -> Self {
        let of = members(rows, module.label as i32);
        Self {
            periods_m: of.iter().map(|row| row.period_m).collect(),
            orientations_deg: of.iter().map(|row| module.orientation_rad.to_degrees() + module.away_deg(row)).collect(),
        }
    }
}

/// Fig. 6b: phases of a module's units.
pub(super) struct Phases {
    each: Vec<[f64; 3]>,
    test: String,
}

impl Phases {
    /// `None` where no unit has any.
    pub(super) fn of(workspace: &Workspace<'_>, rows: &[&UnitRow], module: &Module) -> Option<Self> {
        let each: Vec<[f64; 3]> = members(rows, module.label as i32).iter().map(|row| row.phases).collect();
        let test = format!("Sobolev test on the torus, {} draws", workspace.run.settings.analyze.modules.draws);
        each.iter().any(|of_unit| of_unit.iter().all(|phase| phase.is_finite())).then_some(Self { each, test })
    }

    pub(super) fn figure<'a>(&'a self, module: &Module, title: &'a str) -> ModulePhases<'a> {
        ModulePhases {
            title,
            module: module.label,
            phases_rad: &self.each,
            lattice_m: direct(&module.waves),
            uniformity_p: module.uniformity_p,
            evenness_p: module.evenness_p,
            uniformity_test: &self.test,
        }
    }
}

/// Direct lattice vectors with `k_i · a_j` = 1 where i = j, else 0, for the first two waves.
fn direct(waves: &[[f64; 2]; 3]) -> Option<[[f64; 2]; 2]> {
    let [p, q, _] = *waves;
    let area = p[0] * q[1] - p[1] * q[0];
    (area.is_finite() && area != 0.0).then(|| [[q[1] / area, -q[0] / area], [-p[1] / area, p[0] / area]])
}

/// Period against orientation.
struct Scatter {
    units: Vec<ScatterUnit>,
    centres: Vec<ModuleCentre>,
    fold_deg: f64,
}

impl Scatter {
    /// `None` where no unit has both.
    fn of(rows: &[&UnitRow], modules: &[Module]) -> Option<Self> {
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
        let centre = |module: &Module| {
            let of = members(rows, module.label as i32);
            ModuleCentre {
                module: module.label,
                period_m: median(of.iter().map(|row| row.period_m)),
                angle_deg: (module.orientation_rad.to_degrees() + median(of.iter().map(|row| module.away_deg(row))))
                    .rem_euclid(module.turn_deg()),
            }
        };
        let any = units.iter().any(|unit| unit.period_m.is_finite() && unit.angle_deg.is_finite());
        any.then(|| Self { units, centres: modules.iter().map(centre).collect(), fold_deg: fold_deg(modules) })
    }

    fn figure<'a>(&'a self, title: &'a str) -> ModuleScatter<'a> {
        ModuleScatter { title, units: &self.units, modules: &self.centres, angle_name: "Orientation", fold_deg: self.fold_deg }
    }
}

/// NaN is left out; NaN where nothing is left.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    if count == 0 { f64::NAN } else { f64::midpoint(values[(count - 1) / 2], values[count / 2]) }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians_leave_out_what_is_no_number() {
        assert_eq!(median([3.0, f64::NAN, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0].into_iter()), 2.5);
        assert!(median([f64::NAN].into_iter()).is_nan());
    }
}

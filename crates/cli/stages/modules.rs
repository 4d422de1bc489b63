//! What only all units of all arenas together tell: modules, their shared waves, spectra and phases.
//!
//! Arenas are gone through twice: once for each unit's own lattice, and once more when it is known which units make a module. Between the two only what
//! finds modules is held: a few numbers for each unit and arena, and half an autocorrelogram of those with a lattice.

use super::arena_sums::ArenaSums;
use super::unit_tables;
use crate::failure::Failure;
use gridlake_analysis::config::CheckedAnalyzeConfig;
use gridlake_analysis::module_spectrum::{JointFit, ModuleSpectrum, SharedWaves, SpectrumSum};
use gridlake_analysis::modules::{self, ArenaLattice, CentralLags, ModuleInArena, Modules, Similarity, UnitLattices};
use gridlake_analysis::phases::{PhasePlan, Uniformity, UnitPhases, uniformity};
use gridlake_analysis::{Ratemaps, UnitAnalysis};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition::Publication;
use gridlake_lake::schema::{MODULES, SPECTRA};
use gridlake_space::arena::Arena;
use gridlake_space::seed::Seed;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the first way through an arena leaves for the second.
pub(crate) struct FirstLook {
    pub(crate) arena: Arc<str>,
    /// Rows of `units`, to which modules and phases are added.
    pub(crate) rows: Vec<Frame>,
    lattices: Vec<Option<ArenaLattice>>,
    lags: Vec<Option<CentralLags>>,
}

impl FirstLook {
    pub(crate) fn new(arena: &Arc<str>) -> Self {
        Self { arena: Arc::clone(arena), rows: Vec::new(), lattices: Vec::new(), lags: Vec::new() }
    }

    /// Takes in what was found of the next units.
    pub(crate) fn add(&mut self, units: &[UnitAnalysis], autocorrelograms: &[Array2<f64>]) {
        for (unit, autocorrelogram) in units.iter().zip(autocorrelograms) {
            let lattice = ArenaLattice::of(unit);
            self.lags.push(lattice.as_ref().map(|_| CentralLags::of(autocorrelogram.view())));
            self.lattices.push(lattice);
        }
    }
}

/// A module in one arena, for what is to be made of its units' activity.
pub(crate) struct ModuleHere {
    pub(crate) module: usize,
    pub(crate) arena: Arc<str>,
    pub(crate) geometry: Arena,
    /// Those of its units that have its lattice here.
    pub(crate) units: Vec<usize>,
    /// All its units, here and elsewhere.
    pub(crate) all_units: Vec<usize>,
    /// Here, m; NaN without one.
    pub(crate) period_m: f64,
    pub(crate) period_se_m: f64,
    /// φ¹, φ², φ³ of each of them; NaN where there are none.
    pub(crate) phases_rad: Vec<[f64; 3]>,
    /// Cycles per metre; NaN beyond a band's first.
    pub(crate) waves: [[f64; 2]; 3],
}

/// The modules of a run.
pub(crate) struct Population {
    modules: Modules,
    lattices: Vec<UnitLattices>,
}

impl Population {
    /// Finds them from all arenas.
    pub(crate) fn find(looks: &[FirstLook], config: &CheckedAnalyzeConfig, seed: Seed) -> Self {
        let units = looks.first().map_or(0, |look| look.lattices.len());
        let lattices: Vec<UnitLattices> = (0..units)
            .map(|unit| UnitLattices { unit, arenas: looks.iter().map(|look| look.lattices.get(unit).cloned().flatten()).collect() })
            .collect();
        Self { modules: modules::find(&lattices, &config.modules, seed), lattices }
    }

    /// Units whose map in an arena has the module's lattice, and all units of the module.
    fn members(&self, module: usize, arena: usize) -> (Vec<usize>, Vec<usize>) {
        let all = self.modules.units.iter().filter(|unit| unit.module == Some(module));
        let (mut here, mut units) = (Vec::new(), Vec::new());
        for unit in all {
            units.push(unit.unit);
            if unit.arenas.contains(&arena) {
                here.push(unit.unit);
            }
        }
        (here, units)
    }

    /// Whether there is no module: then nothing is to be made of maps again.
    pub(crate) fn is_empty(&self) -> bool {
        self.modules.modules.is_empty()
    }

    /// Writes an arena's rows of `units`, with their modules and, by unit, their phases.
    pub(crate) fn write_units(
        &self,
        rows: Vec<Frame>,
        phases: &[Option<&UnitPhases>],
        publication: &mut Publication<'_>,
    ) -> Result<(), Failure> {
        for frame in rows {
            publication.write(unit_tables::with_modules(frame, &self.modules, phases))?;
        }
        Ok(())
    }

    /// Second way through an arena: writes its rows of `modules`, `spectra` and `units`. Returns what the run's record keeps, and the modules.
    pub(crate) fn write(
        &self,
        number: usize,
        arena: &ArenaSums,
        look: FirstLook,
        config: &CheckedAnalyzeConfig,
        seed: Seed,
        publication: &mut Publication<'_>,
    ) -> Result<(Value, Vec<ModuleHere>), Failure> {
        let bins = arena.sums.bins();
        let (width_m, height_m) = (bins.arena.width_m, bins.arena.height_m);
        let map = |unit: usize| arena.sums.maps(unit..unit + 1).smoothed(config.ratemap.smoothing_m);
        let visited = map(0).visited();
        let fit = JointFit::new(&visited, width_m, height_m);
        let mut rows = modules::in_arena(&self.modules, &self.lattices, number);
        let found: Vec<InArena> = rows
            .par_iter_mut()
            .map(|row| {
                let (here, units) = self.members(row.module, number);
                let shared = fit.refine(&row.waves, &mut |each| each_map(&here, &map, each)).ok();
                if let Some(shared) = &shared {
                    row.refine(shared);
                }
                let mut spectrum = SpectrumSum::new(&visited, width_m, height_m, config.modules.spectrum_padding);
                each_map(&here, &map, &mut |map| spectrum.add(map));
                let phases = match PhasePlan::new(&visited, width_m, height_m, &row.waves) {
                    Ok(plan) => units.iter().map(|&unit| (unit, plan.unit(map(unit).map(0)))).collect(),
                    Err(_) => Vec::new(),
                };
                // Only of units that have the lattice here.
                let cells: Vec<[f64; 2]> =
                    phases.iter().filter(|(unit, _)| here.contains(unit)).map(|(_, phases): &(usize, UnitPhases)| phases.cell).collect();
                let test = uniformity(&cells, config.modules.draws, seed, row.module as u64);
                row.phase_uniformity_p = test.p;
                InArena { shared, spectrum: spectrum.finish(f64::INFINITY), phases, test }
            })
            .collect();
        modules::ratios(&mut rows);
        let similarity = self.similarity(look.lags.as_slice(), config, seed);
        publication.write(module_rows(arena, &rows, &found, &similarity))?;
        publication.write(spectra(arena, &rows, &found))?;
        let mut phases: Vec<Option<&UnitPhases>> = vec![None; arena.sums.units()];
        for (unit, of_unit) in found.iter().flat_map(|found| &found.phases) {
            phases[*unit] = Some(of_unit);
        }
        self.write_units(look.rows, &phases, publication)?;
        let here = rows.iter().zip(&found).map(|(row, found)| {
            let (units, all_units) = self.members(row.module, number);
            let phases_rad = units.iter().map(|unit| phases[*unit].map_or([f64::NAN; 3], |phases| phases.phases_rad)).collect();
            ModuleHere {
                module: row.module,
                arena: Arc::clone(&arena.label),
                geometry: bins.arena,
                units,
                all_units,
                period_m: row.period_m,
                period_se_m: found.shared.as_ref().map_or(f64::NAN, |shared| shared.period_se_m),
                phases_rad,
                waves: row.waves,
            }
        });
        let here = here.collect();
        let notes = json!({
            "modules": rows.iter().map(|row| json!({
                "module": row.module, "units_here": row.units_here, "period_m": row.period_m, "period_sd_m": row.period_sd_m, "shape": row.shape.map(gridlake_analysis::lattice::LatticeShape::as_str),
            })).collect::<Vec<Value>>(),
            "autocorrelograms": {
                "within": similarity.within, "between": similarity.between, "p": similarity.p, "reason": similarity.reason, "units": similarity.units,
            },
        });
        Ok((notes, here))
    }

    fn similarity(&self, lags: &[Option<CentralLags>], config: &CheckedAnalyzeConfig, seed: Seed) -> Similarity {
        let units: Vec<(usize, &CentralLags)> =
            self.modules.units.iter().filter_map(|unit| Some((unit.module?, lags.get(unit.unit)?.as_ref()?))).collect();
        modules::similarity(&units, self.modules.modules.len(), config.modules.draws, seed)
    }

    /// What the run's record keeps of all arenas.
    pub(crate) fn notes(&self, seed: Seed) -> Value {
        let waves: Vec<_> = self.modules.modules.iter().map(|module| module.waves).collect();
        let range = modules::unambiguous_range(&waves, seed);
        let modules = self.modules.modules.iter().enumerate().map(|(label, module)| {
            json!({
                "module": label, "units": module.units.len(), "period_m": module.period_m, "shape": module.shape.as_str(),
                "ratio_to_next": module.ratio_to_next, "stability": module.stability, "chance": module.chance, "bic": module.bic, "bic_gain": module.bic_gain,
            })
        });
        let unassigned = self.modules.units.iter().filter(|unit| unit.takes_part && unit.module.is_none()).count();
        json!({
            "modules": modules.collect::<Vec<Value>>(), "unassigned": unassigned,
            "unambiguous_range": range.map(|range| json!({
                "range_m": range.range_m, "coarsest_m": range.coarsest_m, "searched_m": range.searched_m, "null_median_m": range.null_median_m,
                "p": range.p, "tolerance_cycles": range.tolerance_cycles,
            })),
            "refinements": self.modules.refinements.iter().map(|pair| json!({
                "coarse": pair.coarse, "fine": pair.fine, "index": pair.index, "ratio": pair.ratio, "rotation_rad": pair.rotation_rad,
                "misfit": pair.misfit, "chance": pair.chance, "commensurate": pair.commensurate,
            })).collect::<Vec<Value>>(),
        })
    }
}

/// One module in one arena.
struct InArena {
    shared: Option<SharedWaves>,
    spectrum: ModuleSpectrum,
    phases: Vec<(usize, UnitPhases)>,
    test: Uniformity,
}

/// Hands over the maps of some units, one at a time.
fn each_map(units: &[usize], map: &impl Fn(usize) -> Ratemaps, take: &mut dyn FnMut(ArrayView2<'_, f64>)) {
    for &unit in units {
        take(map(unit).map(0));
    }
}

fn start(table: &'static gridlake_lake::schema::Table, arena: &ArenaSums, rows: &[ModuleInArena]) -> Frame {
    Frame::new(table, rows.len())
        .with("arena", Data::repeat(&arena.label, rows.len()))
        .with("box_m", vec![arena.box_m(); rows.len()])
        .with("module", Data::Int32(rows.iter().map(|row| Some(row.module as i32)).collect()))
}

fn module_rows(arena: &ArenaSums, rows: &[ModuleInArena], found: &[InArena], similarity: &Similarity) -> Frame {
    let number = |pick: &dyn Fn(&ModuleInArena) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
    let of = |pick: &dyn Fn(&InArena) -> f64| found.iter().map(pick).collect::<Vec<f64>>();
    let shared = |pick: &dyn Fn(&SharedWaves) -> f64| of(&|found| found.shared.as_ref().map_or(f64::NAN, pick));
    let pair = |row: &ModuleInArena| similarity.modules.get(row.module).copied().unwrap_or((f64::NAN, f64::NAN));
    let text = |value: Option<String>| value.map(Arc::<str>::from);
    start(&MODULES, arena, rows)
        .with("units", rows.iter().map(|row| row.units as u32).collect::<Vec<u32>>())
        .with("period_m", number(&|row| row.period_m))
        .with("period_sd_m", number(&|row| row.period_sd_m))
        .with("spacing_m", number(&|row| row.spacing_m))
        .with("orientation_rad", number(&|row| row.orientation_rad))
        .with("orientation_sd_rad", number(&|row| row.orientation_sd_rad))
        .with("kx1", number(&|row| row.waves[0][0]))
        .with("ky1", number(&|row| row.waves[0][1]))
        .with("kx2", number(&|row| row.waves[1][0]))
        .with("ky2", number(&|row| row.waves[1][1]))
        .with("kx3", number(&|row| row.waves[2][0]))
        .with("ky3", number(&|row| row.waves[2][1]))
        .with("lattice_angle_rad", number(&|row| row.lattice_angle_rad))
        .with("ellipse_ratio", number(&|row| row.ellipse_ratio))
        .with("phase_uniformity_p", number(&|row| row.phase_uniformity_p))
        .with("ratio_to_next", number(&|row| row.ratio_to_next))
        .with("bic", number(&|row| row.bic))
        .with("lattice_shape", Data::Text(rows.iter().map(|row| row.shape.map(|shape| Arc::from(shape.as_str()))).collect()))
        .with("units_here", rows.iter().map(|row| row.units_here as u32).collect::<Vec<u32>>())
        .with("stability", number(&|row| row.stability))
        .with("chance", number(&|row| row.chance))
        .with("period_se_m", shared(&|shared| shared.period_se_m))
        .with("kx1_se", number(&|row| row.waves_se[0][0]))
        .with("ky1_se", number(&|row| row.waves_se[0][1]))
        .with("kx2_se", number(&|row| row.waves_se[1][0]))
        .with("ky2_se", number(&|row| row.waves_se[1][1]))
        .with("kx3_se", number(&|row| row.waves_se[2][0]))
        .with("ky3_se", number(&|row| row.waves_se[2][1]))
        .with("explained", shared(&|shared| shared.explained))
        .with("phase_statistic", of(&|found| found.test.statistic))
        .with("phase_evenness_p", of(&|found| found.test.p_even))
        .with("autocorrelogram_r_within", number(&|row| pair(row).0))
        .with("autocorrelogram_r_next", number(&|row| pair(row).1))
        .with("autocorrelogram_p", vec![similarity.p; rows.len()])
        .with(
            "reason",
            Data::Text(rows.iter().zip(found).map(|(row, found)| text(row.reason.clone().or_else(|| found.test.reason.clone()))).collect()),
        )
}

/// Spectra as far as the bins hold frequencies.
fn spectra(arena: &ArenaSums, rows: &[ModuleInArena], found: &[InArena]) -> Frame {
    let lags = found.first().map_or(0, |found| found.spectrum.power.nrows());
    let values = found.iter().flat_map(|found| found.spectrum.power.iter().map(|power| *power as f32)).collect();
    start(&SPECTRA, arena, rows)
        .with("lags", vec![lags as u32; rows.len()])
        .with("df_cycles_per_m", found.iter().map(|found| found.spectrum.df_cycles_per_m[0]).collect::<Vec<f64>>())
        .with("power", Data::Floats { length: lags * lags, values })
        .with("df_y_cycles_per_m", found.iter().map(|found| found.spectrum.df_cycles_per_m[1]).collect::<Vec<f64>>())
}

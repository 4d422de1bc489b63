//! From recorded activity to ratemaps, autocorrelograms, scores with their nulls, periods and classes.
//!
//! Arenas follow each other, and within an arena units are analyzed and written some at a time: beside one arena's sums and a few numbers for each unit,
//! memory does not grow with the number of arenas, units or moments. Modules are found last, from all arenas; then what their states and those of all units tell.

use super::arena_sums::{self, ArenaSums};
use super::generalization::{self, Analyzed};
use super::modules::{FirstLook, Population};
use super::{shifts, state_space, unit_tables};
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_analysis::lattice_consensus::{LatticeConsensus, consensus};
use gridlake_analysis::nulls::discovery::{Dependence, discovery};
use gridlake_analysis::spectrum::UnitSpectrum;
use gridlake_analysis::unit_spectra::unit_spectra;
use gridlake_analysis::{AnalyzeConfig, ArenaPlan, Beside, UnitAnalysis};
use gridlake_lake::partition::Publication;
use gridlake_space::seed::Seed;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Mutex;

/// Bytes of maps, autocorrelograms and nulls that are made before they are written.
const PORTION_BYTES: usize = 64 << 20;
/// Fewest and most units of a portion: enough for all threads of a large machine.
const PORTION_UNITS: (usize, usize) = (16, 256);

/// Analyzes every arena that was recorded.
///
/// # Errors
/// A torn or altered table, a full disk, an interrupt.
pub(crate) fn analyze(workspace: &mut Workspace<'_>) -> Result<Value, Failure> {
    let analyses = &workspace.run.settings.analyze;
    for told in [analyses.too_few_surrogates(), analyses.torus.too_few_surrogates()].into_iter().flatten() {
        tracing::warn!("{}: {told}", workspace.label(Stage::Analyze));
    }
    let mut publication =
        Publication::begin(workspace.lake, workspace.owner(Stage::Analyze), Stage::Analyze.name(), workspace.last_step())?;
    let (mut consensuses, mut populations) = (serde_json::Map::new(), serde_json::Map::new());
    let (mut looks, mut arenas): (Vec<FirstLook>, Vec<Analyzed>) = (Vec::new(), Vec::new());
    arena_sums::each(workspace, |arena| {
        let (consensus, look) = analyze_arena(workspace, &arena, &mut publication)?;
        consensuses.insert(arena.label.to_string(), consensus_json(&consensus));
        looks.push(look);
        arenas.push(Analyzed { label: arena.label, arena: arena.sums.bins().arena, units: arena.sums.units() });
        interrupt::check(Stage::Analyze.name())
    })?;
    let (config, seed) = (&workspace.run.settings.analyze, Seed(workspace.run.settings.seed).child("analyze/modules"));
    let population = Population::find(&looks, config, seed);
    let mut looks = looks.into_iter().enumerate();
    let mut modules = Vec::new();
    if population.is_empty() {
        for (_, look) in looks {
            population.write_units(look.rows, &[], &mut publication)?;
            populations.insert(look.arena.to_string(), json!({ "modules": [] }));
        }
    } else {
        arena_sums::each(workspace, |arena| {
            let Some((number, look)) = looks.next() else {
                return Err(Failure::work(format!("the arena {} has only just appeared: run the command again", arena.label)));
            };
            let (notes, here) = population.write(number, &arena, look, config, seed.child(&arena.label), &mut publication)?;
            modules.extend(here);
            populations.insert(arena.label.to_string(), notes);
            interrupt::check(Stage::Analyze.name())
        })?;
    }
    let state_spaces = state_space::write(workspace, &modules, &mut publication)?;
    let found = generalization::write(workspace, &arenas, &modules, &mut publication)?;
    let population = population.notes(seed);
    workspace.lock.check(&workspace.run.name)?;
    publication.publish()?;
    Ok(
        json!({ "lattice_consensus": consensuses, "modules": population, "modules_in": populations, "state_spaces": state_spaces, "generalization": found }),
    )
}

fn analyze_arena(
    workspace: &Workspace<'_>,
    arena: &ArenaSums,
    publication: &mut Publication<'_>,
) -> Result<(LatticeConsensus, FirstLook), Failure> {
    let settings = &workspace.run.settings;
    let units = arena.sums.units();
    let label = format!("{} {}", workspace.label(Stage::Analyze), arena.label);
    let progress = Mutex::new(Progress::start(workspace.mode, &label, "units", 0, units as u64));
    let seed = Seed(settings.seed).child(&format!("analyze/{}", arena.label));
    let mut plan = None;
    // Of each unit what the population's lattice needs; of each portion its rows, which wait for that.
    let mut spectra: Vec<(usize, Option<UnitSpectrum>)> = Vec::new();
    let mut rows = Vec::new();
    let mut look = FirstLook::new(&arena.label);
    let (mut grid_score_p, mut periodicity_p, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    let shifts = shifts::plan(workspace, arena, seed)?;
    let portion = shifts.as_ref().map_or(usize::MAX, shifts::units_at_once).min(portion(&settings.analyze));
    for first in (0..units).step_by(portion) {
        let range = first..(first + portion).min(units);
        let unsmoothed = arena.sums.maps(range.clone());
        let maps = unsmoothed.smoothed(settings.analyze.ratemap.smoothing_m);
        let shifted = shifts.as_ref().map(|plan| shifts::sums(workspace, arena, plan, range.clone())).transpose()?;
        let halves = arena.halves(range);
        let beside =
            Beside { halves: halves.as_ref().map(|[one, other]| [one, other]), unsmoothed: Some(&unsmoothed), shifted: shifted.as_ref() };
        let plan = plan.get_or_insert_with(|| ArenaPlan::new(&maps, &settings.analyze, seed));
        let report = |done: usize| {
            if let Ok(mut progress) = progress.lock() {
                progress.update((first + done) as u64, String::new);
            }
            if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let Some(found) = plan.units(&maps, first, beside, Some(&report)) else {
            return Err(interrupt::stopped(Stage::Analyze.name()));
        };
        let (found, autocorrelograms): (Vec<UnitAnalysis>, Vec<_>) = found.into_iter().unzip();
        publication.write(unit_tables::ratemaps(arena, first, &maps))?;
        publication.write(unit_tables::autocorrelograms(arena, first, &autocorrelograms))?;
        let padding = settings.analyze.modules.spectrum_padding;
        publication.write(unit_tables::spectra(arena, first, &unit_spectra(&maps, padding)))?;
        if let Some(frame) = unit_tables::nulls(arena, &found, settings.analyze.nulls.count) {
            publication.write(&frame)?;
        }
        rows.push(unit_tables::units(arena, &found));
        look.add(&found, &autocorrelograms);
        classes.extend(found.iter().map(|unit| (unit.class, unit_tables::above_null(unit))));
        let tested = |unit: &UnitAnalysis, p: f64| if unit.active { p } else { f64::NAN };
        grid_score_p.extend(found.iter().map(|unit| tested(unit, unit.sargolini.p)));
        periodicity_p.extend(found.iter().map(|unit| tested(unit, unit.periodicity.p)));
        spectra.extend(found.into_iter().filter(|unit| unit.active).map(|unit| (unit.unit, unit.spectrum)));
    }
    let active: Vec<(usize, Option<&UnitSpectrum>)> = spectra.iter().map(|(unit, spectrum)| (*unit, spectrum.as_ref())).collect();
    let consensus = consensus(&active, &settings.analyze.lattice_consensus);
    let (grid_score_q, periodicity_q) =
        (discovery(&grid_score_p, Dependence::Positive).q, discovery(&periodicity_p, Dependence::Positive).q);
    let classes: Vec<_> = classes.into_iter().zip(&grid_score_q).map(|((class, above), q)| (class, above, *q)).collect();
    publication.write(unit_tables::classes(arena, &classes))?;
    let together = unit_tables::OfArena { consensus: &consensus, grid_score_q: &grid_score_q, periodicity_q: &periodicity_q };
    look.rows = rows.into_iter().map(|frame| unit_tables::with_arena(frame, &together)).collect();
    Ok((consensus, look))
}

/// Units that are analyzed together.
fn portion(config: &AnalyzeConfig) -> usize {
    let bins = config.ratemap.bins;
    let lags = 2 * bins - 1;
    let frequencies = config.modules.spectrum_padding * bins / 2 + 1;
    let numbers = bins * bins + lags * lags + frequencies * frequencies + 4 * config.nulls.count;
    (PORTION_BYTES / (size_of::<f64>() * numbers)).clamp(PORTION_UNITS.0, PORTION_UNITS.1)
}

/// What the population agrees on, for the run's record; undefined numbers are null.
fn consensus_json(consensus: &LatticeConsensus) -> Value {
    json!({
        "active": consensus.active, "sharing": consensus.members.len(), "share": consensus.share, "tolerance": consensus.tolerance,
        "shape": consensus.shape.map(gridlake_analysis::lattice::LatticeShape::as_str), "length_ratio": consensus.length_ratio, "lattice_angle_rad": consensus.lattice_angle_rad,
        "period_m": consensus.period_m, "period_spread": consensus.period_spread, "period_spread_all": consensus.period_spread_all,
        "orientation_rad": consensus.orientation_rad, "k_cycles_per_m": consensus.waves,
    })
}

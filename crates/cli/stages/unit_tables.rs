//! What an analysis finds of units, as rows of its tables.

use super::arena_sums::ArenaSums;
use gridlake_analysis::autocorrelogram::AutocorrelogramPeaks;
use gridlake_analysis::classes::UnitClass;
use gridlake_analysis::lattice_consensus::LatticeConsensus;
use gridlake_analysis::module_spectrum::ModuleSpectrum;
use gridlake_analysis::modules::Modules;
use gridlake_analysis::nulls::ScoreWithNull;
use gridlake_analysis::phases::UnitPhases;
use gridlake_analysis::spectrum::SpectrumErrors;
use gridlake_analysis::{Ratemaps, UnitAnalysis};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::{AUTOCORRELOGRAMS, CLASSES, NULLS, RATEMAPS, Table, UNIT_SPECTRA, UNITS};
use ndarray::Array2;
use std::sync::Arc;

/// Level at which `above_null` is judged: the share of units without a grid that would pass.
const ABOVE_NULL: f64 = 0.01;
/// Share of false discoveries at which units are counted.
const DISCOVERED: f64 = 0.05;
/// The quantile of the null that the tables keep beside each score.
const NULL_QUANTILE: f64 = 0.99;

fn start(table: &'static Table, arena: &ArenaSums, units: impl Iterator<Item = usize>) -> Frame {
    let units: Vec<u32> = units.map(|unit| unit as u32).collect();
    let rows = units.len();
    Frame::new(table, rows).with("arena", Data::repeat(&arena.label, rows)).with("box_m", vec![arena.box_m(); rows]).with("unit", units)
}

/// The maps of unit `first` and those after it.
pub(crate) fn ratemaps(arena: &ArenaSums, first: usize, maps: &Ratemaps) -> Frame {
    let rows = maps.units();
    let values = maps.rates.iter().map(|rate| *rate as f32).collect();
    start(&RATEMAPS, arena, first..first + rows)
        .with("bins", vec![maps.bins.nx as u32; rows])
        .with("rate", Data::Floats { length: maps.bins.len(), values })
        .with("peak_rate", (0..rows).map(|unit| maps.peak_rate(unit)).collect::<Vec<f64>>())
        .with("mean_rate", (0..rows).map(|unit| maps.mean_rate(unit)).collect::<Vec<f64>>())
        .with("bin_m", vec![maps.bins.bin_m().0; rows])
        .with("bin_y_m", vec![maps.bins.bin_m().1; rows])
}

/// The autocorrelograms of unit `first` and those after it.
pub(crate) fn autocorrelograms(arena: &ArenaSums, first: usize, maps: &[Array2<f64>]) -> Frame {
    let rows = maps.len();
    let bins = arena.sums.bins();
    let lags = 2 * bins.nx - 1;
    let values = maps.iter().flat_map(|map| map.iter().map(|r| *r as f32)).collect();
    start(&AUTOCORRELOGRAMS, arena, first..first + rows)
        .with("lags", vec![lags as u32; rows])
        .with("bin_m", vec![bins.bin_m().0; rows])
        .with("bin_y_m", vec![bins.bin_m().1; rows])
        .with("r", Data::Floats { length: lags * lags, values })
}

/// The spectra of unit `first` and those after it.
pub(crate) fn spectra(arena: &ArenaSums, first: usize, spectra: &[ModuleSpectrum]) -> Frame {
    let rows = spectra.len();
    let lags = spectra.first().map_or(0, |spectrum| spectrum.power.nrows());
    let df = |axis: usize| spectra.iter().map(|spectrum| spectrum.df_cycles_per_m[axis]).collect::<Vec<f64>>();
    let values = spectra.iter().flat_map(|spectrum| spectrum.power.iter().map(|power| *power as f32)).collect();
    start(&UNIT_SPECTRA, arena, first..first + rows)
        .with("lags", vec![lags as u32; rows])
        .with("df_cycles_per_m", df(0))
        .with("df_y_cycles_per_m", df(1))
        .with("power", Data::Floats { length: lags * lags, values })
}

/// All but what only the whole population tells.
pub(crate) fn units(arena: &ArenaSums, units: &[UnitAnalysis]) -> Frame {
    let number = |pick: &dyn Fn(&UnitAnalysis) -> f64| units.iter().map(pick).collect::<Vec<f64>>();
    let flag = |pick: &dyn Fn(&UnitAnalysis) -> bool| units.iter().map(pick).collect::<Vec<bool>>();
    let text = |pick: &dyn Fn(&UnitAnalysis) -> Option<&str>| Data::Text(units.iter().map(|unit| pick(unit).map(Arc::from)).collect());
    let wave = |number: usize, axis: usize| {
        units.iter().map(|unit| unit.spectrum.as_ref().map_or(f64::NAN, |spectrum| spectrum.waves[number][axis])).collect::<Vec<f64>>()
    };
    let spectrum =
        |pick: &dyn Fn(&gridlake_analysis::spectrum::UnitSpectrum) -> f64| number(&|unit| unit.spectrum.as_ref().map_or(f64::NAN, pick));
    let peaks = |pick: &dyn Fn(&AutocorrelogramPeaks) -> f64| number(&|unit| unit.peaks.as_ref().map_or(f64::NAN, pick));
    let errors = |pick: &dyn Fn(&SpectrumErrors) -> f64| number(&|unit| unit.spectrum_errors.as_ref().map_or(f64::NAN, pick));
    let basis = |unit: &UnitAnalysis| {
        let waves = unit.spectrum.as_ref().map(|spectrum| spectrum.waves).filter(|waves| waves.iter().flatten().all(|k| k.is_finite()));
        waves.map_or((f64::NAN, f64::NAN), |waves| gridlake_analysis::lattice::reduced_ratio_and_angle(&waves))
    };
    start(&UNITS, arena, units.iter().map(|unit| unit.unit))
        .with("class", text(&|unit| Some(unit.class.as_str())))
        .with("class_reason", text(&|unit| Some(&unit.class_reason)))
        .with("grid_score_sargolini", number(&|unit| unit.sargolini.value))
        .with("grid_score_banino", number(&|unit| unit.banino.value))
        .with("square_score", number(&|unit| unit.square.value))
        .with("grid_score_p", number(&|unit| unit.sargolini.p))
        .with("period_m", spectrum(&|spectrum| spectrum.period_m))
        .with("spacing_m", spectrum(&|spectrum| spectrum.spacing_m))
        .with("wavelength_m", spectrum(&|spectrum| spectrum.wavelength_m))
        .with("orientation_rad", spectrum(&|spectrum| spectrum.orientation_rad))
        .with("kx1", wave(0, 0))
        .with("ky1", wave(0, 1))
        .with("kx2", wave(1, 0))
        .with("ky2", wave(1, 1))
        .with("kx3", wave(2, 0))
        .with("ky3", wave(2, 1))
        .with("active", flag(&|unit| unit.active))
        .with("peak_rate", number(&|unit| unit.peak_rate))
        .with("mean_rate", number(&|unit| unit.mean_rate))
        .with("score_reason", text(&|unit| unit.sargolini.reason.as_deref()))
        .with("grid_score_null_p99", number(&|unit| unit.sargolini.null_quantile(NULL_QUANTILE)))
        .with("above_null", flag(&above_null))
        .with("grid_score_banino_p", number(&|unit| unit.banino.p))
        .with("grid_score_banino_null_p99", number(&|unit| unit.banino.null_quantile(NULL_QUANTILE)))
        .with("square_score_p", number(&|unit| unit.square.p))
        .with("square_score_null_p99", number(&|unit| unit.square.null_quantile(NULL_QUANTILE)))
        .with("periodicity", number(&|unit| unit.periodicity.value))
        .with("periodicity_p", number(&|unit| unit.periodicity.p))
        .with("period_reason", text(&|unit| unit.spectrum_reason.as_deref()))
        .with("lattice_shape", text(&|unit| unit.spectrum.as_ref().map(|spectrum| spectrum.shape.as_str())))
        .with("lattice_angle_rad", number(&|unit| basis(unit).1))
        .with("length_ratio", number(&|unit| basis(unit).0))
        .with("explained", spectrum(&|spectrum| spectrum.explained))
        .with("sac_spacing_m", peaks(&|peaks| peaks.spacing_m))
        .with("sac_orientation_rad", peaks(&|peaks| peaks.orientation_rad))
        .with("ellipse_ratio", peaks(&|peaks| peaks.ellipse_ratio))
        .with("ellipse_tilt_rad", peaks(&|peaks| peaks.ellipse_tilt_rad))
        .with("sac_period_m", peaks(&|peaks| peaks.period_m))
        .with("sac_lattice_shape", text(&|unit| unit.peaks.as_ref().map(|peaks| peaks.shape.as_str())))
        .with("sac_reason", text(&|unit| unit.peaks_reason.as_deref()))
        .with("sac_agrees", text(&|unit| unit.agreement.as_ref().map(|agreement| agreement.verdict.as_str())))
        .with("spatial_information_bits", number(&|unit| unit.spatial_information_bits.value))
        .with("sparsity", number(&|unit| unit.sparsity.value))
        .with("coherence", number(&|unit| unit.coherence.value))
        .with("stability", number(&|unit| unit.stability.value))
        .with("border_score", number(&|unit| unit.border_score.value))
        .with("border_score_p", number(&|unit| unit.border_score.p))
        .with("wall_score", number(&|unit| unit.wall_score.value))
        .with("wall_score_p", number(&|unit| unit.wall_score.p))
        .with("measures_reason", Data::Text(units.iter().map(|unit| measures_reason(unit).map(Arc::from)).collect()))
        .with("period_se_m", errors(&|errors| errors.period_m))
        .with("orientation_se_rad", errors(&|errors| errors.orientation_rad))
        .with("k_se", errors(&SpectrumErrors::component))
}

/// Whether its 60° score is above its own 99 % null.
pub(crate) fn above_null(unit: &UnitAnalysis) -> bool {
    unit.sargolini.significant(ABOVE_NULL)
}

/// Which measures are undefined, and why.
fn measures_reason(unit: &UnitAnalysis) -> Option<String> {
    let measures = [
        ("spatial information", &unit.spatial_information_bits.reason),
        ("sparsity", &unit.sparsity.reason),
        ("coherence", &unit.coherence.reason),
        ("stability", &unit.stability.reason),
        ("border score", &unit.border_score.reason),
        ("wall score", &unit.wall_score.reason),
    ];
    let told: Vec<String> = measures.iter().filter_map(|(name, reason)| Some(format!("{name}: {}", reason.as_ref()?))).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// How many units there are of each class: `(class, above its null, q)` of every unit.
pub(crate) fn classes(arena: &ArenaSums, units: &[(UnitClass, bool, f64)]) -> Frame {
    let rows = UnitClass::ALL.len();
    let count = |keep: &dyn Fn(&(UnitClass, bool, f64)) -> bool| {
        UnitClass::ALL.iter().map(|class| units.iter().filter(|unit| unit.0 == *class && keep(unit)).count() as u32).collect::<Vec<u32>>()
    };
    let all = count(&|_| true);
    Frame::new(&CLASSES, rows)
        .with("arena", Data::repeat(&arena.label, rows))
        .with("box_m", vec![arena.box_m(); rows])
        .with("class", Data::Text(UnitClass::ALL.iter().map(|class| Some(Arc::from(class.as_str()))).collect()))
        .with("share", all.iter().map(|count| f64::from(*count) / units.len().max(1) as f64).collect::<Vec<f64>>())
        .with("units", all)
        .with("above_null", count(&|unit| unit.1))
        .with("discovered", count(&|unit| unit.2 <= DISCOVERED))
}

/// What all units of an arena together tell of each of them.
pub(crate) struct OfArena<'a> {
    pub(crate) consensus: &'a LatticeConsensus,
    /// q-values by unit; NaN where there is none.
    pub(crate) grid_score_q: &'a [f64],
    pub(crate) periodicity_q: &'a [f64],
}

/// Rows of [`units`] with what the arena's units together tell of them.
pub(crate) fn with_arena(units: Frame, arena: &OfArena<'_>) -> Frame {
    let numbers: Vec<usize> = units.uint32("unit").iter().map(|unit| *unit as usize).collect();
    let of = |values: &[f64]| numbers.iter().map(|unit| values.get(*unit).copied().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    units
        .with("shares_lattice", numbers.iter().map(|unit| arena.consensus.members.contains(unit)).collect::<Vec<bool>>())
        .with("grid_score_q", of(arena.grid_score_q))
        .with("periodicity_q", of(arena.periodicity_q))
}

/// Rows of [`units`] with their modules, and their phases by unit.
pub(crate) fn with_modules(units: Frame, modules: &Modules, phases: &[Option<&UnitPhases>]) -> Frame {
    let numbers: Vec<usize> = units.uint32("unit").iter().map(|unit| *unit as usize).collect();
    let phase = |pick: &dyn Fn(&UnitPhases) -> f64| {
        numbers.iter().map(|unit| phases.get(*unit).copied().flatten().map_or(f64::NAN, pick)).collect::<Vec<f64>>()
    };
    let member = |unit: usize| modules.units.get(unit);
    units
        .with("module", Data::Int32(numbers.iter().map(|unit| member(*unit)?.label().map(|label| label as i32)).collect()))
        .with("module_reason", Data::Text(numbers.iter().map(|unit| Some(Arc::from(member(*unit)?.reason.as_str()))).collect()))
        .with("phase1", phase(&|phases| phases.phases_rad[0]))
        .with("phase2", phase(&|phases| phases.phases_rad[1]))
        .with("phase3", phase(&|phases| phases.phases_rad[2]))
        .with("phase1_se_rad", phase(&|phases| phases.se_rad[0]))
        .with("phase2_se_rad", phase(&|phases| phases.se_rad[1]))
        .with("phase3_se_rad", phase(&|phases| phases.se_rad[2]))
        .with("phase_identity_rad", phase(&|phases| phases.identity_error_rad))
        .with("cell1", phase(&|phases| phases.cell[0]))
        .with("cell2", phase(&|phases| phases.cell[1]))
}

/// The null distributions of active units; `None` without one.
pub(crate) fn nulls(arena: &ArenaSums, units: &[UnitAnalysis], count: usize) -> Option<Frame> {
    let rows: Vec<(usize, &'static str, &ScoreWithNull)> = units
        .iter()
        .filter(|unit| unit.active)
        .flat_map(|unit| {
            let scores = [
                ("sargolini", &unit.sargolini),
                ("banino", &unit.banino),
                ("square", &unit.square),
                ("periodicity", &unit.periodicity),
                ("border", &unit.border_score),
                ("wall_score", &unit.wall_score),
            ];
            scores.map(|(name, score)| (unit.unit, name, score))
        })
        .collect();
    let padded = |null: &[f64]| (0..count).map(|place| null.get(place).map_or(f32::NAN, |score| *score as f32)).collect::<Vec<f32>>();
    let values: Vec<f32> = rows.iter().flat_map(|(_, _, score)| padded(&score.null)).collect();
    let frame = start(&NULLS, arena, rows.iter().map(|(unit, _, _)| *unit))
        .with("score", Data::Text(rows.iter().map(|(_, name, _)| Some(Arc::from(*name))).collect()))
        .with("null", Data::Floats { length: count, values });
    (frame.rows() > 0).then_some(frame)
}

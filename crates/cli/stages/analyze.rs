//! From recorded activity to ratemaps, autocorrelograms, scores with their nulls, periods and classes.

use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_analysis::lattice_consensus::LatticeConsensus;
use gridlake_analysis::nulls::ScoreWithNull;
use gridlake_analysis::{Accumulator, Ratemaps, UnitAnalysis, UnitsAnalysis};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition::{self, Publication};
use gridlake_lake::schema::{ACTIVITY, AUTOCORRELOGRAMS, NULLS, RATEMAPS, UNITS};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// Level at which `above_null` is judged: the share of units without a grid that would pass.
const ABOVE_NULL: f64 = 0.01;
/// The quantile of the null that the tables keep beside each score.
const NULL_QUANTILE: f64 = 0.99;

/// Analyzes every arena that was recorded.
///
/// # Errors
/// A torn or altered table, a full disk, an interrupt.
pub(crate) fn analyze(workspace: &mut Workspace<'_>) -> Result<Value, Failure> {
    let settings = &workspace.run.settings;
    let arenas = ratemaps(workspace)?;
    interrupt::check(Stage::Analyze.name())?;
    let total = arenas.iter().map(|(_, maps)| maps.units() as u64).sum();
    let progress = Mutex::new(Progress::start(workspace.mode, &workspace.label(Stage::Analyze), "units", 0, total));
    let mut publication =
        Publication::begin(workspace.lake, workspace.owner(Stage::Analyze), Stage::Analyze.name(), workspace.last_step())?;
    let mut consensus = serde_json::Map::new();
    let mut before = 0;
    for (arena, maps) in &arenas {
        let maps = maps.smoothed(settings.analyze.ratemap.smoothing_m);
        let report = |done: usize| {
            if let Ok(mut progress) = progress.lock() {
                progress.update(before + done as u64, || arena.label());
            }
            if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let seed = Seed(settings.seed).child(&format!("analyze/{}", arena.label()));
        let Some(found) = gridlake_analysis::analyze(&maps, &settings.analyze, seed, Some(&report)) else {
            return Err(interrupt::stopped(Stage::Analyze.name()));
        };
        before += maps.units() as u64;
        for frame in [ratemaps_frame(arena, &maps), autocorrelograms_frame(arena, &maps, &found), units_frame(arena, &found)] {
            publication.write(&frame)?;
        }
        if let Some(frame) = nulls_frame(arena, &found, settings.analyze.nulls.count) {
            publication.write(&frame)?;
        }
        consensus.insert(arena.label(), consensus_json(&found.consensus));
        interrupt::check(Stage::Analyze.name())?;
    }
    publication.publish()?;
    Ok(json!({ "lattice_consensus": consensus }))
}

/// The maps of all arenas, in the order in which they were recorded.
fn ratemaps(workspace: &Workspace<'_>) -> Result<Vec<(Arena, Ratemaps)>, Failure> {
    let bins = workspace.run.settings.analyze.ratemap.bins;
    let columns = ["arena", "box_m", "x_m", "y_m", "g"];
    let mut open: Vec<(Arc<str>, Arena, Accumulator)> = Vec::new();
    for frame in partition::read(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step(), &columns)? {
        let frame = frame?;
        let (units, states) = frame.floats("g");
        let (arenas, boxes, x, y) = (frame.text("arena"), frame.float64("box_m"), frame.float64("x_m"), frame.float64("y_m"));
        for row in 0..frame.rows() {
            let label = arenas[row].as_ref().map_or("", AsRef::as_ref);
            if open.last().is_none_or(|(last, _, _)| **last != *label) {
                let arena = Arena::square(boxes[row]);
                open.push((Arc::from(label), arena, Accumulator::new(Bins::square(arena, bins), units)));
            }
            if let Some((_, _, accumulator)) = open.last_mut() {
                accumulator.add(x[row], y[row], &states[row * units..(row + 1) * units]);
            }
        }
    }
    if open.is_empty() {
        return Err(Failure::data(format!("table activity of {} holds no moments", workspace.run.name)).hint("record it anew with --force"));
    }
    Ok(open.into_iter().map(|(_, arena, accumulator)| (arena, accumulator.finish())).collect())
}

fn start(table: &'static gridlake_lake::schema::Table, arena: &Arena, units: impl Iterator<Item = usize>) -> Frame {
    let units: Vec<u32> = units.map(|unit| unit as u32).collect();
    let rows = units.len();
    Frame::new(table, rows).with("arena", Data::repeat(&arena.label(), rows)).with("box_m", vec![arena.width_m; rows]).with("unit", units)
}

fn ratemaps_frame(arena: &Arena, maps: &Ratemaps) -> Frame {
    let rows = maps.units();
    let values = maps.rates.iter().map(|rate| *rate as f32).collect();
    start(&RATEMAPS, arena, 0..rows)
        .with("bins", vec![maps.bins.nx as u32; rows])
        .with("rate", Data::Floats { length: maps.bins.len(), values })
        .with("peak_rate", (0..rows).map(|unit| maps.peak_rate(unit)).collect::<Vec<f64>>())
        .with("mean_rate", (0..rows).map(|unit| maps.mean_rate(unit)).collect::<Vec<f64>>())
        .with("bin_m", vec![maps.bins.bin_m().0; rows])
}

fn autocorrelograms_frame(arena: &Arena, maps: &Ratemaps, found: &UnitsAnalysis) -> Frame {
    let rows = found.autocorrelograms.len();
    let lags = 2 * maps.bins.nx - 1;
    let values = found.autocorrelograms.iter().flat_map(|map| map.iter().map(|r| *r as f32)).collect();
    start(&AUTOCORRELOGRAMS, arena, 0..rows)
        .with("lags", vec![lags as u32; rows])
        .with("bin_m", vec![maps.bins.bin_m().0; rows])
        .with("r", Data::Floats { length: lags * lags, values })
}

fn units_frame(arena: &Arena, found: &UnitsAnalysis) -> Frame {
    let units = &found.units;
    let number = |pick: &dyn Fn(&UnitAnalysis) -> f64| units.iter().map(pick).collect::<Vec<f64>>();
    let flag = |pick: &dyn Fn(&UnitAnalysis) -> bool| units.iter().map(pick).collect::<Vec<bool>>();
    let text = |pick: &dyn Fn(&UnitAnalysis) -> Option<&str>| Data::Text(units.iter().map(|unit| pick(unit).map(Arc::from)).collect());
    let wave = |number: usize, axis: usize| {
        units.iter().map(|unit| unit.spectrum.as_ref().map_or(f64::NAN, |spectrum| spectrum.waves[number][axis])).collect::<Vec<f64>>()
    };
    let spectrum =
        |pick: &dyn Fn(&gridlake_analysis::spectrum::UnitSpectrum) -> f64| number(&|unit| unit.spectrum.as_ref().map_or(f64::NAN, pick));
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
        .with("above_null", flag(&|unit| unit.sargolini.significant(ABOVE_NULL)))
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
        .with("shares_lattice", flag(&|unit| found.consensus.members.contains(&unit.unit)))
}

/// The null distributions of active units; `None` without one.
fn nulls_frame(arena: &Arena, found: &UnitsAnalysis, count: usize) -> Option<Frame> {
    let scores = |unit: &UnitAnalysis| -> [(&'static str, ScoreWithNull); 4] {
        [
            ("sargolini", unit.sargolini.clone()),
            ("banino", unit.banino.clone()),
            ("square", unit.square.clone()),
            ("periodicity", unit.periodicity.clone()),
        ]
    };
    let rows: Vec<(usize, &'static str, ScoreWithNull)> =
        found.units.iter().filter(|unit| unit.active).flat_map(|unit| scores(unit).map(|(name, score)| (unit.unit, name, score))).collect();
    let padded = |null: &[f64]| (0..count).map(|place| null.get(place).map_or(f32::NAN, |score| *score as f32)).collect::<Vec<f32>>();
    let values: Vec<f32> = rows.iter().flat_map(|(_, _, score)| padded(&score.null)).collect();
    let frame = start(&NULLS, arena, rows.iter().map(|(unit, _, _)| *unit))
        .with("score", Data::Text(rows.iter().map(|(_, name, _)| Some(Arc::from(*name))).collect()))
        .with("null", Data::Floats { length: count, values });
    (frame.rows() > 0).then_some(frame)
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

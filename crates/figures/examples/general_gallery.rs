//! Draws the figures of generalization and path integration from synthetic data, to look at:
//! `cargo run --release -p gridlake-figures --example general_gallery -- FOLDER`.

use std::path::{Path, PathBuf};

use gridlake_figures::{
    Distances, FigureError, PeriodChanges, PeriodPoint, SpaceTime, TimeCurve, TimeCurves, draw_coherence, draw_decode_errors,
    draw_distances, draw_period_changes, draw_space_time,
};
use ndarray::Array2;

const NAN: f64 = f64::NAN;
const CHANCE: f64 = 0.81;

/// A number in [0, 1) from an index: the golden-ratio sequence is enough for pictures.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

/// Mean neural distance at a separation, with the dips of a lattice, and at a distance in time.
fn mean(separation_m: f64, temporal_steps: f64) -> f64 {
    let rise = 1.0 - (-separation_m / 0.07).exp();
    let dips = 1.0 - 0.12 * (-((separation_m - 0.62) / 0.05).powi(2)).exp();
    let drift = 0.25 * (temporal_steps / 600.0).sqrt();
    (CHANCE * rise * dips).hypot(drift).min(CHANCE)
}

fn distances(columns: usize, cdf: bool, stem: &Path) -> Result<(), FigureError> {
    let column_m = 1.5 / columns as f64;
    let levels = 100;
    let top = 2.0_f64.sqrt();
    let means: Vec<f64> = (0..columns).map(|column| mean((column as f64 + 0.5) * column_m, 0.0)).collect();
    let density = Array2::from_shape_fn((columns, levels), |(column, level)| {
        if column == columns - 1 {
            return NAN;
        }
        let distance = (level as f64 + 0.5) * top / levels as f64;
        (-0.5 * ((distance - means[column]) / (0.03 + 0.1 * means[column])).powi(2)).exp()
    });
    let training: Vec<f64> = (0..columns * 4 / 5).map(|bin| 1.0 - (-((bin as f64 + 1.0) * column_m / 0.4).powi(2)).exp()).collect();
    draw_distances(
        &Distances {
            title: "Neural distance against separation in the 2 m box of quickstart, seed 1",
            density: density.view(),
            column_m,
            neural_top: top,
            mean: &means,
            early_mean: &[],
            early_says: "",
            chance: CHANCE,
            half_rise_m: if cdf { 0.0485 } else { NAN },
            half_rise_se_m: 0.0011,
            sigma_x_m: 0.05,
            training_bin_m: column_m,
            training_cdf: if cdf { &training } else { &[] },
        },
        stem,
    )?;
    Ok(())
}

fn space_time(temporal: usize, spatial: usize, known: bool, stem: &Path) -> Result<(), FigureError> {
    let (spatial_bin_m, temporal_bin_steps) = (1.5 / spatial as f64, 600.0 / temporal as f64);
    let steps: Vec<f64> = (0..temporal).map(|bin| (bin as f64 + 0.5) * temporal_bin_steps).collect();
    let map = Array2::from_shape_fn((temporal, spatial), |(row, column)| {
        let separation = (column as f64 + 0.5) * spatial_bin_m;
        if separation > 0.12 * steps[row] { NAN } else { mean(separation, steps[row]) + 0.01 * scatter(row * spatial + column) }
    });
    let same: Vec<f64> = steps.iter().map(|&t| if known { mean(0.0, t) + 0.01 * scatter(t as usize) } else { NAN }).collect();
    let errors: Vec<f64> = (0..temporal).map(|bin| 0.008 + 0.01 * scatter(bin + 4)).collect();
    draw_space_time(
        &SpaceTime {
            title: "Neural distance in space and time in the 2 m box of quickstart, seed 1",
            mean: map.view(),
            spatial_bin_m,
            temporal_bin_steps,
            temporal_steps: &steps,
            same_place: &same,
            same_place_se: &errors,
            chance: CHANCE,
        },
        stem,
    )?;
    Ok(())
}

fn periods(arenas: &[&str], modules: usize, stem: &Path) -> Result<(), FigureError> {
    let mut points = Vec::new();
    for arena in 0..arenas.len() {
        for module in 0..modules {
            let change = if arena == 0 { 0.0 } else { 0.03 * (scatter(7 * arena + module) - 0.4) };
            points.push(PeriodPoint {
                arena,
                module,
                period_m: 0.36 * 1.4_f64.powi(module as i32) * (1.0 + change),
                period_se_m: 0.004,
                change,
                change_se: if arena == 0 { 0.0 } else { 0.009 },
            });
        }
    }
    if points.len() > 4 {
        points[4].period_m = NAN;
        points[4].change = NAN;
    }
    draw_period_changes(&PeriodChanges { title: "Periods in boxes of several sizes, quickstart, seed 1", arenas, points: &points }, stem)?;
    Ok(())
}

fn by_time(count: usize, folder: &Path) -> Result<(), FigureError> {
    let times: Vec<f64> = (0..count).map(|at| 2.0 + 600.0 * at as f64 / count as f64).collect();
    let curve = |value: &dyn Fn(f64, usize) -> f64| -> Vec<f64> { times.iter().enumerate().map(|(at, &t)| value(t, at)).collect() };
    let noise = |at: usize, size: f64| 1.0 + size * (scatter(at * 5 + 1) - 0.5);
    let nearest = curve(&|t, at| (0.018 + 0.004 * t.sqrt()) * noise(at, 0.2));
    let (low, high) = (
        curve(&|t, at| 0.6 * (0.018 + 0.004 * t.sqrt()) * noise(at, 0.1)),
        curve(&|t, at| 1.7 * (0.018 + 0.004 * t.sqrt()) * noise(at, 0.1)),
    );
    let linear = curve(&|t, at| 0.6 * (1.0 - (-t / 40.0).exp()) * noise(at, 0.1));
    let constant = curve(&|t, at| 0.75 * (1.0 - (-t / 50.0).exp()) * noise(at, 0.06));
    let shuffled = curve(&|t, at| 1.0 * (1.0 - (-t / 50.0).exp()) * noise(at, 0.03));
    let curves = [
        TimeCurve { name: "Nearest state of a ratemap", values: &nearest, band: Some((&low, &high)), is_chance: false },
        TimeCurve { name: "Linear read-out", values: &linear, band: None, is_chance: false },
        TimeCurve { name: "Chance: best constant of the time", values: &constant, band: None, is_chance: true },
        TimeCurve { name: "Chance: positions of other trajectories", values: &shuffled, band: None, is_chance: true },
    ];
    let input = TimeCurves {
        title: "Position decoded from the state in the 2 m box of quickstart, seed 1",
        subtitle: "Medians over 200 trajectories that the decoders were not fitted to; band: quartiles",
        times: &times,
        curves: &curves,
        training_steps: 60.0,
    };
    draw_decode_errors(&input, &folder.join(format!("decode-{count}")))?;
    let coherent = curve(&|t, at| if (300.0..330.0).contains(&t) { NAN } else { (0.98 - 0.0004 * t) * noise(at, 0.02) });
    let (low, high) = (curve(&|t, _| 0.95 - 0.0005 * t), curve(&|t, _| 1.0 - 0.0003 * t));
    let similar = curve(&|t, _| 0.99 - 0.0003 * t);
    let chance = curve(&|t, at| 0.62 + 0.35 * (-t / 40.0).exp() * noise(at, 0.02));
    let curves = [
        TimeCurve { name: "Coherence, corrected for few visits", values: &coherent, band: Some((&low, &high)), is_chance: false },
        TimeCurve { name: "Similarity to the other half's map", values: &similar, band: None, is_chance: false },
        TimeCurve { name: "Chance of the coherence", values: &chance, band: None, is_chance: true },
    ];
    let input = TimeCurves {
        title: "Coherence of states in the 2 m box of quickstart, seed 1",
        subtitle: "Band: ± one standard error, from the jackknife over trajectories",
        curves: &curves,
        ..input
    };
    draw_coherence(&input, &folder.join(format!("coherence-{count}")))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder for the pictures")?);
    distances(150, true, &folder.join("distances-150"))?;
    distances(12, false, &folder.join("distances-12"))?;
    space_time(60, 75, true, &folder.join("space-time-60"))?;
    space_time(4, 6, false, &folder.join("space-time-4"))?;
    periods(&["2 m", "3 m", "4 m"], 3, &folder.join("periods-3"))?;
    periods(&["2 m"], 1, &folder.join("periods-1"))?;
    periods(&["square-2m"; 12], 10, &folder.join("periods-10"))?;
    for count in [120, 3] {
        by_time(count, &folder)?;
    }
    Ok(())
}

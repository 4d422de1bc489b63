//! Draws every figure from synthetic data, to look at: `cargo run --release -p gridlake-figures --example gallery -- FOLDER`.

use std::f64::consts::TAU;
use std::path::PathBuf;

use gridlake_figures::{
    Normalization, PhaseMark, SheetOptions, TrainingCurves, UnitPanel, UnitSheet, draw_autocorrelograms, draw_ratemaps, draw_ratemaps_with,
    draw_training_curves,
};
use ndarray::Array2;

/// A number in [0, 1) from an index: the golden-ratio sequence is enough for pictures.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

/// Sum of three waves 60 degrees apart, between 0 and 1: an ideal grid cell of spacing `spacing_m`.
fn grid(x: f64, y: f64, spacing_m: f64, turn: f64) -> f64 {
    let k = 2.0 * TAU / (3.0_f64.sqrt() * spacing_m);
    let waves: f64 =
        (0..3).map(|wave| f64::from(wave) * TAU / 6.0 + turn).map(|angle| (k * (x * angle.cos() + y * angle.sin())).cos()).sum();
    (waves + 1.5) / 4.5
}

fn sheet_maps(count: usize, (rows, bins): (usize, usize), box_m: f64, lags: bool) -> Vec<Array2<f64>> {
    let bin_m = box_m / bins as f64;
    let centre = |index: usize| (index as f64 + 0.5) * bin_m - box_m / 2.0;
    (0..count)
        .map(|unit| {
            let (phase_x, phase_y) = if lags { (0.0, 0.0) } else { (scatter(unit), scatter(7 * unit + 3)) };
            Array2::from_shape_fn((rows, bins), |(row, column)| {
                let (x, y) = (centre(column), centre(row));
                let corner = x.abs() > 0.46 * box_m && y.abs() > 0.46 * box_m;
                let rate = grid(x - phase_x, y - phase_y, 0.6, 0.2) - 0.02 * (unit % 10) as f64;
                if corner || (!lags && unit % 9 == 4 && row < 3) {
                    f64::NAN
                } else if lags {
                    1.5 * rate - 0.5
                } else if unit % 8 == 7 {
                    0.0
                } else {
                    rate.max(0.0).powi(2) * (0.2 + scatter(unit))
                }
            })
        })
        .collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder for the pictures")?);
    for count in [1, 7, 30, 96, 128, 512] {
        for lags in [false, true] {
            let (bins, box_m) = if lags { (99, 3.96) } else { (50, 2.0) };
            let maps = sheet_maps(count, (bins, bins), box_m, lags);
            let panels: Vec<UnitPanel<'_>> = maps
                .iter()
                .enumerate()
                .map(|(unit, map)| {
                    let dead = unit % 8 == 7;
                    let score = 1.35 - 1.6 * scatter(3 * unit + 1).powi(3);
                    let class = if dead {
                        "dead"
                    } else if score > 0.3 {
                        "grid"
                    } else {
                        "untuned"
                    };
                    UnitPanel { unit, map: map.view(), score: (unit % 31 != 30).then_some(score), significant: score > 0.4, dead, class }
                })
                .collect();
            let kind = if lags { "autocorrelograms" } else { "ratemaps" };
            let title = format!("{} in the 2 m box after 20,000 steps", if lags { "Autocorrelograms" } else { "Ratemaps" });
            let sheet =
                UnitSheet { title: &title, panels: &panels, bin_m: [0.04, 0.04], score_name: "grid score (sargolini)", null_level: 0.99 };
            let stem = folder.join(format!("{kind}-{count}"));
            if lags {
                draw_autocorrelograms(&sheet, &stem)?;
            } else {
                draw_ratemaps(&sheet, Normalization::PerUnit, &stem)?;
                draw_ratemaps(&sheet, Normalization::Shared, &folder.join(format!("{kind}-{count}-shared")))?;
                let options = SheetOptions { peak_rate_unit: Some("arbitrary units"), list_dead_units: false };
                draw_ratemaps_with(&sheet, Normalization::PerUnit, &options, &folder.join(format!("{kind}-{count}-peaks")))?;
            }
        }
    }
    for (name, rows, columns) in [("wide", 15, 50), ("tall", 60, 20)] {
        let maps = sheet_maps(40, (rows, columns), 2.0, false);
        let panels: Vec<UnitPanel<'_>> = maps
            .iter()
            .zip(100..)
            .map(|(map, unit)| UnitPanel { unit, map: map.view(), score: Some(-0.5), significant: true, dead: false, class: "grid" })
            .collect();
        let title = "Ratemaps of an arena that is no square";
        let sheet = UnitSheet { title, panels: &panels, bin_m: [0.04; 2], score_name: "grid score (sargolini)", null_level: 0.99 };
        draw_ratemaps(&sheet, Normalization::PerUnit, &folder.join(format!("ratemaps-{name}")))?;
    }
    for (count, every) in [(2_400_usize, 25_usize), (200, 10), (1, 1)] {
        let steps: Vec<u64> = (0..count).map(|index| (index * every) as u64).collect();
        let noisy = |start: f64, end: f64| -> Vec<f64> {
            (0..count)
                .map(|index| (end + (start - end) * (-8.0 * index as f64 / count as f64).exp()) * (0.8 + 0.4 * scatter(index * index)))
                .collect()
        };
        let mut conformal = noisy(40.0, 0.3);
        conformal[count / 2] = 0.0;
        let mut gradient = noisy(3.0, 0.02);
        gradient[count / 3] = f64::NAN;
        let capacity: Vec<f64> = noisy(0.05, 0.43).iter().map(|value| -value).collect();
        let rate: Vec<f64> = (0..count).map(|index| if 2 * index < count { 3e-4 } else { 1e-4 }).collect();
        let phases = [
            PhaseMark { step: 0, label: "T = 12, B = 48" },
            PhaseMark { step: 15_000, label: "T = 30, B = 28, σ_x = 0.15 m, learning rate 0.0005" },
            PhaseMark { step: 45_000, label: "T = 60" },
        ];
        let input = TrainingCurves {
            title: "Training of the full objective, seed 5",
            steps: &steps,
            loss_total: &noisy(0.5, 0.02),
            loss_separation: &noisy(0.7, 0.001),
            loss_invariance: &noisy(0.6, 0.12),
            loss_capacity: &capacity,
            loss_conformal: &conformal,
            grad_norm: &gradient,
            learning_rate: &rate,
            phases: &phases,
            weightless: [&[], &[], &[(0, 15_000)], &[(0, u64::MAX)]],
        };
        draw_training_curves(&input, &folder.join(format!("training-{count}")))?;
    }
    Ok(())
}

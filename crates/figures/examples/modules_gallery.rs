//! Draws the figures of modules and nulls from synthetic data, to look at:
//! `cargo run --release -p gridlake-figures --example modules_gallery -- FOLDER`.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    FigureError, ModuleCentre, ModulePhases, ModuleRow, ModuleScatter, ModuleSpectra, ModuleSpectrum, ModuleUnit, ModuleUnits,
    NullDistributions, ScatterUnit, ScoreNull, draw_module_phases, draw_module_scatter, draw_module_spectra, draw_module_units,
    draw_null_distributions,
};
use ndarray::Array2;

/// A number in [0, 1) from an index: the golden-ratio sequence is enough for pictures.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

/// About normal, of mean 0 and standard deviation 1.
fn normal(index: usize) -> f64 {
    let sum: f64 = (1..=6).map(|part| ((index * 7 + part * 131) as f64 * 12.9898).sin() * 43_758.545_3).map(|x| x - x.floor()).sum();
    (sum - 3.0) * 2.0_f64.sqrt()
}

/// k₁, k₂, k₃ of a hexagonal lattice in cycles/m.
fn wave_vectors(spacing_m: f64, turn_deg: f64) -> [[f64; 2]; 3] {
    let k = 2.0 / (3.0_f64.sqrt() * spacing_m);
    [0.0, 120.0, 240.0].map(|degrees: f64| {
        let angle = (degrees + turn_deg).to_radians();
        [k * angle.cos(), k * angle.sin()]
    })
}

fn grid_map(k: [[f64; 2]; 3], rows: usize, columns: usize, bin_m: f64, shift: [f64; 2], peak: f64) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        let (x, y) = ((column as f64 - columns as f64 / 2.0) * bin_m - shift[0], (row as f64 - rows as f64 / 2.0) * bin_m - shift[1]);
        let waves: f64 = k.iter().map(|k| (TAU * (k[0] * x + k[1] * y)).cos()).sum();
        peak * ((waves + 1.5) / 4.5).powi(2)
    })
}

fn spectrum(k: [[f64; 2]; 3], side: usize, step: f64) -> Array2<f64> {
    let frequency = |index: usize| (index as f64 - (side / 2) as f64) * step;
    Array2::from_shape_fn((side, side), |(row, column)| {
        let peak = |k: [f64; 2]| (-((frequency(column) - k[0]).powi(2) + (frequency(row) - k[1]).powi(2)) / 0.06).exp();
        k.iter().map(|&k| peak(k) + peak([-k[0], -k[1]])).sum::<f64>() + 0.02 * scatter(row * side + column)
    })
}

/// Period, orientation and number of units of each module; periods grow by `ratio`.
fn modules(count: usize, units: usize, ratio: f64) -> Vec<(f64, f64, usize)> {
    let of = |module: usize| units / count + usize::from(module < units % count);
    (0..count).map(|module| (0.36 * ratio.powi(module as i32), 9.0 + 37.0 * scatter(3 * module), of(module))).collect()
}

fn draw_units(count: usize, units: usize, (rows, columns): (usize, usize), stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let bin_m = 0.04;
    let modules = modules(count, units, 1.2);
    let maps: Vec<Vec<(Array2<f64>, Array2<f64>)>> = modules
        .iter()
        .map(|&(period, turn, size)| {
            let k = wave_vectors(period, turn);
            let unit = |unit: usize| {
                let shift = [scatter(unit), scatter(5 * unit + 2)];
                let mut rates = grid_map(k, rows, columns, bin_m, shift, 0.05 + scatter(unit));
                rates[[0, 0]] = f64::NAN;
                (rates, grid_map(k, 2 * rows - 1, 2 * columns - 1, bin_m, [0.0; 2], 1.0).mapv(|r| 1.6 * r - 0.6))
            };
            (0..size.min(6)).map(unit).collect()
        })
        .collect();
    let units_of = |module: usize| -> Vec<ModuleUnit<'_>> {
        let first = 100 * module + 7;
        maps[module]
            .iter()
            .enumerate()
            .map(|(index, (rates, lags))| ModuleUnit {
                unit: (first + 13 * index) % 300,
                ratemap: rates.view(),
                autocorrelogram: Some(lags.view()),
                peak_rate: f64::NAN,
            })
            .collect()
    };
    let shown: Vec<Vec<ModuleUnit<'_>>> = (0..count).map(units_of).collect();
    let rows: Vec<ModuleRow<'_>> = modules
        .iter()
        .enumerate()
        .map(|(module, &(period_m, orientation_deg, unit_count))| ModuleRow {
            module,
            period_m,
            period_sd_m: 0.002 + 0.02 * scatter(module),
            orientation_deg,
            unit_count,
            shape: ["hexagonal", "square", "rhombic"][module % 3],
            units: &shown[module],
        })
        .collect();
    let noise = Array2::from_shape_fn(maps[0][0].0.dim(), |(row, column)| scatter(row * 71 + column * column));
    let unassigned: Vec<ModuleUnit<'_>> =
        (0..3).map(|index| ModuleUnit { unit: 40 + index, ratemap: noise.view(), autocorrelogram: None, peak_rate: 1.2e-4 }).collect();
    let input = ModuleUnits {
        title: "Units of each module in the 2 m box of modules, seed 1, after 60,000 steps",
        modules: &rows,
        unassigned: &unassigned,
        unassigned_count: 11,
        max_units: if units > 200 { 6 } else { 4 },
        bin_m: [bin_m; 2],
        rate_unit: "arbitrary units",
    };
    draw_module_units(&input, stem)
}

fn draw_tuning(count: usize, units: usize, ratio: f64, folder: &Path) -> Result<(), FigureError> {
    let modules = modules(count, units, ratio);
    let spectra: Vec<Array2<f64>> = modules.iter().map(|&(period, turn, _)| spectrum(wave_vectors(period, turn), 161, 0.125)).collect();
    let tuned = |spread: f64, middle: f64, size: usize, salt: usize| -> Vec<f64> {
        (0..size).map(|unit| middle + spread * normal(unit + salt)).collect()
    };
    let periods: Vec<Vec<f64>> = modules.iter().enumerate().map(|(at, m)| tuned(0.01 * m.0, m.0, m.2, 31 * at)).collect();
    let angles: Vec<Vec<f64>> = modules.iter().enumerate().map(|(at, m)| tuned(1.5, m.1, m.2, 57 * at + 5)).collect();
    let mut inputs: Vec<ModuleSpectrum<'_>> = (0..count)
        .map(|module| ModuleSpectrum {
            module: Some(module),
            power: spectra[module].view(),
            frequency_step: [0.125; 2],
            wave_vectors: wave_vectors(modules[module].0, modules[module].1),
            periods_m: &periods[module],
            orientations_deg: &angles[module],
            orientation_deg: 12.0,
        })
        .collect();
    let (stray_periods, stray_angles) = ([0.4, 0.77, 1.3, f64::NAN], [3.0, 31.0, 55.0, 12.0]);
    let empty = Array2::zeros((0, 0));
    if count > 1 {
        inputs.push(ModuleSpectrum {
            module: None,
            power: empty.view(),
            frequency_step: [f64::NAN; 2],
            wave_vectors: [[f64::NAN; 2]; 3],
            periods_m: &stray_periods,
            orientations_deg: &stray_angles,
            orientation_deg: 12.0,
        });
    }
    let input = ModuleSpectra { title: "Spectra, periods and orientations, 2 m box, seed 1", modules: &inputs, fold_deg: 60.0 };
    draw_module_spectra(&input, &folder.join(format!("spectra-{count}-{units}")))?;

    let errors = count < 10;
    let mut dots: Vec<ScatterUnit> = Vec::new();
    for module in 0..count {
        for (&period_m, &angle_deg) in periods[module].iter().zip(&angles[module]) {
            let (period_error_m, angle_error_deg) = if errors { (0.02 * period_m, 1.5) } else { (f64::NAN, f64::NAN) };
            dots.push(ScatterUnit { period_m, period_error_m, angle_deg, angle_error_deg, module: Some(module) });
        }
    }
    for (period_m, angle_deg) in stray_periods.into_iter().zip(stray_angles) {
        dots.push(ScatterUnit { period_m, period_error_m: f64::NAN, angle_deg, angle_error_deg: f64::NAN, module: None });
    }
    let centres: Vec<ModuleCentre> =
        modules.iter().enumerate().map(|(module, &(period_m, angle_deg, _))| ModuleCentre { module, period_m, angle_deg }).collect();
    let input = ModuleScatter { title: "Modules of seed 1", units: &dots, modules: &centres, angle_name: "Orientation", fold_deg: 60.0 };
    draw_module_scatter(&input, &folder.join(format!("scatter-{count}-{units}")))?;
    Ok(())
}

fn draw_phases(units: usize, lattice: bool, folder: &Path) -> Result<(), FigureError> {
    let phases: Vec<[f64; 3]> = (0..units)
        .map(|unit| {
            let (first, second) = (TAU * scatter(unit + 3), TAU * scatter(unit * unit + 11 * unit));
            [first, second, -first - second + 0.02 * normal(unit)]
        })
        .collect();
    let k = wave_vectors(0.6, 20.0);
    let determinant = k[0][0] * k[1][1] - k[0][1] * k[1][0];
    let (a, b) = ([k[1][1] / determinant, -k[1][0] / determinant], [-k[0][1] / determinant, k[0][0] / determinant]);
    let input = ModulePhases {
        title: "Phases of the units of module 0 of quickstart, seed 1",
        module: usize::from(!lattice),
        phases_rad: &phases,
        lattice_m: lattice.then_some([a, b]),
        uniformity_p: if lattice { 0.43 } else { f64::NAN },
        evenness_p: 0.7,
        uniformity_test: if lattice { "Rayleigh test on the torus, 999 permutations" } else { "" },
    };
    draw_module_phases(&input, &folder.join(format!("phases-{units}")))?;
    Ok(())
}

fn draw_nulls(units: usize, count: usize, folder: &Path) -> Result<(), FigureError> {
    let names = ["grid score (sargolini)", "grid score (banino)", "square score", "periodicity", "border score"];
    let null: Vec<f64> = (0..20_000).map(|index| 0.25 * normal(index) - 0.1).collect();
    let scores: Vec<Vec<f64>> =
        (0..5).map(|kind| (0..units).map(|unit| [1.1, 0.8, -0.2, 0.6, -0.1][kind] + 0.22 * normal(unit + kind)).collect()).collect();
    let p_values: Vec<Vec<f64>> = (0..5)
        .map(|kind| (0..units).map(|unit| if kind % 2 == 0 && kind < 4 { 0.002 * scatter(unit) } else { scatter(unit) }).collect())
        .collect();
    let inputs: Vec<ScoreNull<'_>> = (0..count)
        .map(|kind| ScoreNull {
            name: names[kind],
            scores: &scores[kind],
            null_scores: if kind == 3 { &[] } else { &null },
            p_values: if kind == 4 { &[] } else { &p_values[kind] },
            significant: units * (kind + 1) / 7,
            significant_controlled: units * kind / 7,
        })
        .collect();
    let input = NullDistributions {
        title: "Scores against their nulls in the 2 m box of quickstart, seed 1",
        scores: &inputs,
        unit_count: units,
        units_name: "active units",
        significance: 0.01,
        false_discovery_rate: 0.05,
    };
    draw_null_distributions(&input, &folder.join(format!("nulls-{count}-{units}")))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder for the pictures")?);
    for (count, units) in [(1, 3), (3, 60), (10, 300), (2, 3), (6, 250)] {
        draw_units(count, units, (50, 50), &folder.join(format!("units-{count}-{units}")))?;
        draw_tuning(count, units, 1.2, &folder)?;
    }
    draw_tuning(10, 280, 1.03, &folder)?;
    draw_tuning(2, 40, 1.414, &folder)?;
    draw_units(3, 60, (25, 50), &folder.join("units-wide"))?;
    draw_units(3, 60, (60, 20), &folder.join("units-tall"))?;
    draw_phases(72, true, &folder)?;
    draw_phases(3, false, &folder)?;
    draw_phases(300, true, &folder)?;
    draw_nulls(72, 5, &folder)?;
    draw_nulls(3, 1, &folder)?;
    Ok(())
}

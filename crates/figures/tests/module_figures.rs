//! Figures of modules and nulls: for few and many modules and units nothing overlaps, and whatever is missing is said.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    FigureError, ModuleCentre, ModulePhases, ModuleRow, ModuleScatter, ModuleSpectra, ModuleSpectrum, ModuleUnit, ModuleUnits,
    NullDistributions, ScatterUnit, ScoreNull, draw_module_phases, draw_module_scatter, draw_module_spectra, draw_module_units,
    draw_null_distributions,
};
use ndarray::Array2;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const NAN: f64 = f64::NAN;

/// A number in [0, 1) from an index.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

fn spectra<'a>(maps: &'a [Array2<f64>], periods: &'a [Vec<f64>], angles: &'a [Vec<f64>]) -> Vec<ModuleSpectrum<'a>> {
    let k =
        |turn: f64| [0.0_f64, 120.0, 240.0].map(|angle| [2.0 * (angle + turn).to_radians().cos(), 2.0 * (angle + turn).to_radians().sin()]);
    (0..maps.len())
        .map(|module| ModuleSpectrum {
            module: Some(module),
            power: maps[module].view(),
            frequency_step: [0.125; 2],
            wave_vectors: k(40.0 * scatter(module)),
            periods_m: &periods[module],
            orientations_deg: &angles[module],
            orientation_deg: 12.0,
        })
        .collect()
}

fn draw_all(count: usize, units: usize, folder: &Path) -> Result<Vec<Vec<PathBuf>>, FigureError> {
    let ratio = if count == 10 { 1.02 } else { 1.4 };
    let period = |module: usize| 0.4 * f64::powi(ratio, module as i32);
    let maps: Vec<Array2<f64>> = (0..units).map(|unit| Array2::from_shape_fn((8, 8), |at| scatter(unit + 3 * at.0 + 8 * at.1))).collect();
    let of = |module: usize| (module..units).step_by(count);
    let members: Vec<Vec<ModuleUnit<'_>>> = (0..count)
        .map(|module| {
            of(module)
                .map(|unit| ModuleUnit { unit, ratemap: maps[unit].view(), autocorrelogram: Some(maps[unit].view()), peak_rate: NAN })
                .collect()
        })
        .collect();
    let modules: Vec<ModuleRow<'_>> = (0..count)
        .map(|module| ModuleRow {
            module,
            period_m: period(module),
            period_sd_m: 0.01,
            orientation_deg: 12.0,
            unit_count: members[module].len(),
            shape: "hexagonal",
            units: &members[module],
        })
        .collect();
    let input = ModuleUnits {
        title: "Units of each module in the 2 m box of a network with a long name, seed 1",
        modules: &modules,
        unassigned: &members[0],
        unassigned_count: units,
        max_units: 6,
        bin_m: [0.25; 2],
        rate_unit: "arbitrary units",
    };
    let mut files = vec![draw_module_units(&input, &folder.join("units"))?];

    let power: Vec<Array2<f64>> =
        (0..count).map(|module| Array2::from_shape_fn((65, 65), |at| scatter(module + at.0 * 7 + at.1))).collect();
    let periods: Vec<Vec<f64>> = (0..count).map(|module| of(module).map(|unit| period(module) + 0.001 * scatter(unit)).collect()).collect();
    let angles: Vec<Vec<f64>> = (0..count).map(|module| of(module).map(|unit| 60.0 * scatter(unit + module)).collect()).collect();
    let input = ModuleSpectra { title: "Spectra", modules: &spectra(&power, &periods, &angles), fold_deg: 60.0 };
    files.push(draw_module_spectra(&input, &folder.join("spectra"))?);

    let dots: Vec<ScatterUnit> = (0..count)
        .flat_map(|module| periods[module].iter().zip(&angles[module]).map(move |(&period, &angle)| (module, period, angle)))
        .map(|(module, period_m, angle_deg)| ScatterUnit {
            period_m,
            period_error_m: 0.01,
            angle_deg,
            angle_error_deg: 2.0,
            module: (scatter(module) > 0.05 || module == 0).then_some(module),
        })
        .collect();
    let centres: Vec<ModuleCentre> = (0..count).map(|module| ModuleCentre { module, period_m: period(module), angle_deg: 7.0 }).collect();
    let input = ModuleScatter { title: "Modules", units: &dots, modules: &centres, angle_name: "Orientation", fold_deg: 60.0 };
    files.push(draw_module_scatter(&input, &folder.join("scatter"))?);

    let phases: Vec<[f64; 3]> = (0..units).map(|unit| [9.0 * scatter(unit), scatter(unit * unit), -9.0 * scatter(unit)]).collect();
    let input = ModulePhases {
        title: "Phases",
        module: count - 1,
        phases_rad: &phases,
        lattice_m: Some([[0.4, 0.1], [-0.1, 0.45]]),
        uniformity_p: 0.43,
        evenness_p: 0.7,
        uniformity_test: "Rayleigh test on the torus",
    };
    files.push(draw_module_phases(&input, &folder.join("phases"))?);

    let scores: Vec<f64> = (0..units).map(|unit| scatter(unit) * count as f64).collect();
    let p_values: Vec<f64> = (0..units).map(scatter).collect();
    let score =
        |name| ScoreNull { name, scores: &scores, null_scores: &p_values, p_values: &p_values, significant: 1, significant_controlled: 0 };
    let all = ["grid score (sargolini)", "grid score (banino)", "square score", "periodicity", "border score"].map(score);
    let input = NullDistributions {
        title: "Scores",
        scores: &all[..count.min(5)],
        unit_count: units,
        units_name: "active units",
        significance: 0.01,
        false_discovery_rate: 0.05,
    };
    files.push(draw_null_distributions(&input, &folder.join("nulls"))?);
    Ok(files)
}

#[test]
fn nothing_overlaps_with_few_and_many_modules_and_units() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (count, units) in [(1, 3), (2, 3), (3, 40), (5, 60), (10, 30), (10, 300)] {
        for files in draw_all(count, units, folder.path())? {
            common::check(&files)?;
        }
    }
    Ok(())
}

#[test]
fn the_same_modules_give_the_same_bytes() -> Outcome {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (first, second) = (draw_all(2, 9, one.path())?, draw_all(2, 9, two.path())?);
    for (first, second) in first.iter().flatten().zip(second.iter().flatten()) {
        assert!(fs::read(first)? == fs::read(second)?, "{} differs", second.display());
    }
    Ok(())
}

#[test]
fn what_is_missing_is_said() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("missing");
    let svg = |files: Vec<PathBuf>| fs::read_to_string(&files[1]);
    let says = |svg: &str, text: &str| svg.contains(&format!(">{text}</text>"));

    let nothing = Array2::from_elem((4, 4), NAN);
    let empty = Array2::zeros((0, 0));
    let unit = ModuleUnit { unit: 4, ratemap: nothing.view(), autocorrelogram: None, peak_rate: NAN };
    let row = |units| ModuleRow { module: 0, period_m: NAN, period_sd_m: NAN, orientation_deg: NAN, unit_count: 9, shape: "", units };
    let (with, without) = ([unit.clone()], []);
    let modules = [row(&with), row(&without)];
    let input =
        ModuleUnits { title: "", modules: &modules, unassigned: &[], unassigned_count: 0, max_units: 4, bin_m: [0.1; 2], rate_unit: "Hz" };
    let text = svg(draw_module_units(&input, &stem)?)?;
    assert!(says(&text, "Module 0: period unknown, 9 units") && says(&text, "No units given to draw") && says(&text, "–"));
    let text = svg(draw_module_units(&ModuleUnits { modules: &[], unassigned: &with, ..input.clone() }, &stem)?)?;
    assert!(says(&text, "No modules: 1 unit"));
    assert!(matches!(draw_module_units(&ModuleUnits { modules: &[], ..input.clone() }, &stem), Err(FigureError::Empty { .. })));
    let hollow = [ModuleUnit { ratemap: empty.view(), ..unit.clone() }];
    assert!(matches!(draw_module_units(&ModuleUnits { unassigned: &hollow, ..input }, &stem), Err(FigureError::Empty { .. })));

    for (map, wave) in [(&nothing, NAN), (&empty, 1.0), (&Array2::from_elem((1, 5), 1.0), 1e9), (&Array2::from_elem((4, 4), 1.0), 0.0)] {
        let module = ModuleSpectrum {
            module: None,
            power: map.view(),
            frequency_step: [0.1, 0.15],
            wave_vectors: [[wave; 2]; 3],
            periods_m: &[NAN],
            orientations_deg: &[],
            orientation_deg: 12.0,
        };
        let text = svg(draw_module_spectra(&ModuleSpectra { title: "", modules: &[module], fold_deg: 60.0 }, &stem)?)?;
        assert!(text.contains("no values</text>") && (map.iter().any(|power| *power > 0.0) || says(&text, "No spectrum")));
    }
    assert!(draw_module_spectra(&ModuleSpectra { title: "", modules: &[], fold_deg: 60.0 }, &stem).is_err());

    let input = ModulePhases {
        title: "",
        module: 3,
        phases_rad: &[[NAN, 0.0, 0.0]],
        lattice_m: None,
        uniformity_p: NAN,
        evenness_p: 0.7,
        uniformity_test: "",
    };
    let text = svg(draw_module_phases(&input, &stem)?)?;
    assert!(says(&text, "No phases") && says(&text, "No lattice vectors"));
    assert!(says(
        &text,
        "Module 3: 0 units; 1 unit without phases. Less even than uniform on the torus: p undefined; more even than chance: p = 0.70"
    ));
    assert!(draw_module_phases(&ModulePhases { phases_rad: &[], ..input }, &stem).is_err());

    let dot = |period_m, module| ScatterUnit { period_m, period_error_m: f64::INFINITY, angle_deg: -3.0, angle_error_deg: NAN, module };
    let units = [dot(0.5, None), dot(NAN, Some(0)), dot(-1.0, None)];
    let centres = [ModuleCentre { module: 0, period_m: NAN, angle_deg: 0.0 }];
    let input = ModuleScatter { title: "", units: &units, modules: &centres, angle_name: "", fold_deg: 90.0 };
    let text = svg(draw_module_scatter(&input, &stem)?)?;
    assert!(says(&text, "1 unit; 2 units without a lattice not drawn") && says(&text, "Module 0: no unit with a lattice"));
    assert!(draw_module_scatter(&ModuleScatter { units: &units[1..], ..input }, &stem).is_err());
    assert!(draw_module_scatter(&ModuleScatter { fold_deg: NAN, ..input }, &stem).is_err());

    let score = ScoreNull { name: "", scores: &[NAN], null_scores: &[], p_values: &[NAN, 2.0], significant: 0, significant_controlled: 0 };
    let scores = [score, ScoreNull { scores: &[0.3], ..score }, ScoreNull { null_scores: &[0.1, 0.1], ..score }];
    let input =
        NullDistributions { title: "", scores: &scores, unit_count: 0, units_name: "", significance: 0.01, false_discovery_rate: 0.05 };
    let text = svg(draw_null_distributions(&input, &stem)?)?;
    for message in ["No scores", "No p-values", "No null scores", "No units' scores"] {
        assert!(says(&text, message), "{message}");
    }
    assert!(draw_null_distributions(&NullDistributions { scores: &[], ..input }, &stem).is_err());
    assert!(draw_null_distributions(&NullDistributions { significance: 1.0, ..input }, &stem).is_err());
    Ok(())
}

#[test]
fn extreme_numbers_are_drawn_or_refused_without_a_panic() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("extreme");
    let extremes = [0.0, -1.0, 0.5, 1e-300, 5e-324, 1e99, -1e99, 1e300, f64::INFINITY, NAN];
    let map = Array2::from_shape_fn((10, 10), |(row, column)| extremes[(row + column) % 10]);
    for (index, &one) in extremes.iter().enumerate() {
        for two in [one, extremes[(index + 3) % extremes.len()]] {
            let unit = [ModuleUnit { unit: usize::MAX, ratemap: map.view(), autocorrelogram: Some(map.view()), peak_rate: one }];
            let modules = [ModuleRow {
                module: 1_000_000,
                period_m: one,
                period_sd_m: two,
                orientation_deg: two,
                unit_count: 3,
                shape: "a shape with a very long name that has to be shortened somewhere on the page",
                units: &unit,
            }];
            let bin_m = [0.1; 2];
            let input =
                ModuleUnits { title: "", modules: &modules, unassigned: &unit, unassigned_count: 0, max_units: 4, bin_m, rate_unit: "" };
            draw_module_units(&input, &stem)?;

            let values = [one, two, 0.3];
            let spectra = [ModuleSpectrum {
                module: Some(3),
                power: map.view(),
                frequency_step: [0.1; 2],
                wave_vectors: [[one, two], [two, one], [0.2, 0.1]],
                periods_m: &values,
                orientations_deg: &values,
                orientation_deg: 12.0,
            }];
            draw_module_spectra(&ModuleSpectra { title: "", modules: &spectra, fold_deg: 60.0 }, &stem)?;

            let phases = [[one, two, 0.3]];
            let lattice_m = Some([[one, two], [two, 0.3]]);
            let input = ModulePhases {
                title: "",
                module: 0,
                phases_rad: &phases,
                lattice_m,
                uniformity_p: one,
                evenness_p: 0.7,
                uniformity_test: "",
            };
            draw_module_phases(&input, &stem)?;

            let dot = |period_m| ScatterUnit { period_m, period_error_m: two, angle_deg: two, angle_error_deg: one, module: Some(1) };
            let dots = [dot(one), dot(two), ScatterUnit { angle_deg: 3.0, ..dot(0.3) }];
            let centres = [one, two].map(|period_m| ModuleCentre { module: 2, period_m, angle_deg: two });
            let input = ModuleScatter { title: "", units: &dots, modules: &centres, angle_name: "Angle", fold_deg: 60.0 };
            draw_module_scatter(&input, &stem)?;

            let scores = [ScoreNull {
                name: "score",
                scores: &values,
                null_scores: &values[..2],
                p_values: &values,
                significant: 0,
                significant_controlled: 0,
            }];
            let input = NullDistributions {
                title: "",
                scores: &scores,
                unit_count: 3,
                units_name: "units",
                significance: 0.01,
                false_discovery_rate: 0.05,
            };
            draw_null_distributions(&input, &stem)?;
        }
    }
    Ok(())
}

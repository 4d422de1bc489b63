//! Pages of several panels (Figs. 4, 6, 7 and 8): nothing overlaps with one unit or many, letters are there, and what is missing is said in its panel's place.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    AllRatemaps, FigureError, ModuleCentre, ModulePhases, ModuleRow, ModuleScatter, ModuleSpectra, ModuleSpectrum, ModuleUnit, ModuleUnits,
    ModulesSheet, RatemapBlock, RatemapUnit, Ring, RingColor, Rings, ScatterUnit, StateEmbedding, StructureSheet, Variant, Variants,
    draw_all_ratemaps, draw_modules_sheet, draw_structure_sheet, draw_variants,
};
use ndarray::Array2;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const NAN: f64 = f64::NAN;
const LONG: &str =
    "a network with a name that is longer than any line of this page has room for, with all that was changed in its settings, seed 1";

/// A number in [0, 1) from an index.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

fn map(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| scatter(row * columns + column))
}

/// How many letters of panels, or later numbers, an SVG has.
fn letters(svg: &str) -> usize {
    (b'a'..=b'z').filter(|letter| svg.contains(&format!("font-weight=\"bold\">{}</text>", char::from(*letter)))).count()
}

fn read(files: &[PathBuf]) -> Result<String, Box<dyn std::error::Error>> {
    common::check(files)?;
    Ok(fs::read_to_string(&files[1])?)
}

/// Fig. 4 of so many modules with so many units each, arenas of sides `bin_m`.
fn modules(count: usize, units: usize, bin_m: [f64; 2], lags: bool, folder: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let (rates, correlations) = (map(20, 20), map(39, 39));
    let unit = |unit| ModuleUnit { unit, ratemap: rates.view(), autocorrelogram: lags.then(|| correlations.view()), peak_rate: NAN };
    let each: Vec<ModuleUnit<'_>> = (0..units).map(|index| unit(97 * index)).collect();
    let rows: Vec<ModuleRow<'_>> = (0..count)
        .map(|module| ModuleRow {
            module,
            period_m: 0.4 * 1.05_f64.powi(module as i32),
            period_sd_m: 0.01,
            orientation_deg: 12.0,
            unit_count: 1234,
            shape: "hexagonal",
            units: &each,
        })
        .collect();
    let dots: Vec<ScatterUnit> = (0..count.max(1) * units)
        .map(|index| ScatterUnit {
            period_m: 0.4 + 0.3 * scatter(index),
            period_error_m: 0.01,
            angle_deg: 60.0 * scatter(index + 3),
            angle_error_deg: NAN,
            module: Some(index % count.max(1)),
        })
        .collect();
    let centres: Vec<ModuleCentre> =
        rows.iter().map(|row| ModuleCentre { module: row.module, period_m: row.period_m, angle_deg: 12.0 }).collect();
    let scatter = ModuleScatter { title: "", units: &dots, modules: &centres, angle_name: "Orientation", fold_deg: 60.0 };
    let units = ModuleUnits {
        title: "",
        modules: &rows,
        unassigned: &each[..1],
        unassigned_count: 70,
        max_units: 12,
        bin_m,
        rate_unit: "arbitrary units",
    };
    let scatter = if units.max_units > each.len() + 10 { Err("no unit has both in this arena") } else { Ok(scatter) };
    draw_modules_sheet(&ModulesSheet { title: LONG, units, scatter }, &folder.join("modules"))
}

#[test]
fn units_and_periods_of_modules_stand_on_one_page() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (count, units, bin_m, lags) in [
        (1, 1, [0.1, 0.1], true),
        (1, 4, [0.1, 0.1], true),
        (2, 6, [0.1, 0.05], true),
        (3, 12, [0.1, 0.1], false),
        (10, 12, [0.1, 0.1], true),
        (4, 3, [0.05, 0.1], true),
    ] {
        let svg = read(&modules(count, units, bin_m, lags, folder.path())?)?;
        assert_eq!(letters(&svg), 2, "{count} modules of {units} units");
        assert!(svg.contains("width=\"180mm\""));
        let missing = svg.contains("Period and orientation of each unit: no unit has both in this arena");
        assert_eq!(missing, units == 1, "the panel is there, or why it is not");
        assert_eq!(svg.contains("Autocorrelogram: lags over"), lags, "lags reach farther than the arena, and have a scale of their own");
    }
    Ok(())
}

/// Fig. 6 of a module of so many units and states.
struct Module {
    power: Array2<f64>,
    numbers: Vec<f64>,
    phases: Vec<[f64; 3]>,
    points: Vec<[f64; 3]>,
    pairs: Vec<[f64; 2]>,
    angles: Vec<f64>,
}

impl Module {
    fn new(units: usize, states: usize) -> Self {
        let triple = |index: usize| [scatter(index), scatter(3 * index + 1), scatter(7 * index + 2)];
        Self {
            power: map(33, 33),
            numbers: (0..units).map(|unit| 0.5 + 0.01 * scatter(unit)).collect(),
            phases: (0..units).map(triple).collect(),
            points: (0..states).map(triple).collect(),
            pairs: (0..states).map(|state| [scatter(state) - 0.5, scatter(5 * state) - 0.5]).collect(),
            angles: (0..states).map(|state| 7.0 * scatter(state)).collect(),
        }
    }

    fn spectrum(&self) -> [ModuleSpectrum<'_>; 1] {
        [ModuleSpectrum {
            module: Some(3),
            power: self.power.view(),
            frequency_step: [0.125; 2],
            wave_vectors: [[1.0, 0.5], [-1.0, 0.5], [0.0, -1.0]],
            periods_m: &self.numbers,
            orientations_deg: &self.numbers,
            orientation_deg: 12.0,
        }]
    }

    fn phases(&self) -> ModulePhases<'_> {
        ModulePhases {
            title: "",
            module: 3,
            phases_rad: &self.phases,
            lattice_m: Some([[0.4, 0.1], [-0.1, 0.45]]),
            uniformity_p: 0.001,
            evenness_p: 1.0,
            uniformity_test: "Sobolev test on the torus, 999 draws",
        }
    }

    fn states(&self) -> StateEmbedding<'_> {
        StateEmbedding {
            title: "",
            module: 3,
            method: "spectral embedding",
            neighbors: 15,
            points: &self.points,
            positions_m: &self.pairs,
            phases_rad: &self.angles,
            eigenvalues: &[0.5, 0.6, 1.5],
            ideal_ratios: &[1.0, 1.04],
            ideal_name: "ideal",
            ideal_origin: "a simulated module",
        }
    }

    fn rings(&self) -> Rings<'_> {
        let ring = Ring { z: &self.pairs, mean_radius: 0.4, variation: 0.1, hole: 0.5, coverage: 0.9 };
        Rings { title: "", module: 3, rings: [ring; 3], color: RingColor::Angle }
    }
}

#[test]
fn the_structure_of_a_module_stands_on_one_page() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("structure");
    for (units, states) in [(1, 1), (128, 2000)] {
        let module = Module::new(units, states);
        let spectrum = module.spectrum();
        let sheet = StructureSheet {
            title: LONG,
            spectrum: Ok(ModuleSpectra { title: "", modules: &spectrum, fold_deg: 60.0 }),
            phases: Ok(module.phases()),
            states: Ok(module.states()),
            rings: Ok(module.rings()),
        };
        let svg = read(&draw_structure_sheet(&sheet, &stem)?)?;
        // The names of the wave vectors are bold as well.
        let unnamed = svg.replace(">k</text>", "");
        assert_eq!(letters(&unnamed), 4, "its panels' own letters are left out");
        for text in ["Less even than uniform on the torus: p = 0.001; more even than chance: p = 1.00", "5 % of the states lie within"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("Dashes in b") && !svg.contains("Spectrum of the Laplacian"), "there is no spectrum on the page");

        let bare = StructureSheet { states: Err("under 16 units"), rings: Err("under 16 units"), ..sheet.clone() };
        let less = read(&draw_structure_sheet(&bare, &stem)?)?;
        assert_eq!(letters(&less.replace(">k</text>", "")), 4);
        assert!(less.contains("States in three dimensions: under 16 units") && !less.contains("Re z"));
        let colored = StructureSheet { states: Ok(StateEmbedding { phases_rad: &[], ..module.states() }), ..bare.clone() };
        let less = read(&draw_structure_sheet(&colored, &stem)?)?;
        assert!(less.contains(">x (m)</text>") && !less.contains("over the arena"), "colours are positions where there are no phases");
        let nothing = StructureSheet { spectrum: Err(LONG), phases: Err(""), ..bare };
        assert!(matches!(draw_structure_sheet(&nothing, &stem), Err(FigureError::Empty { .. })));
    }
    Ok(())
}

#[test]
fn all_ratemaps_of_few_and_many_networks_have_their_block() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("all");
    let (square, flat) = (map(20, 20), map(10, 20));
    for (networks, count) in [(1, 1), (2, 200), (3, 128), (4, 12), (7, 96), (30, 5)] {
        // The second is of an arena of another shape, the third has no units.
        let all: Vec<Vec<RatemapUnit<'_>>> = (0..networks)
            .map(|network| {
                let count = if network == 2 { 0 } else { count };
                let ratemap = || if network == 1 { flat.view() } else { square.view() };
                (0..count).map(|unit| RatemapUnit { ratemap: ratemap(), dead: unit % 3 == 0 }).collect()
            })
            .collect();
        let blocks: Vec<RatemapBlock<'_>> = all
            .iter()
            .enumerate()
            .map(|(network, units)| RatemapBlock {
                name: if network == 0 { LONG } else { "no-capacity" },
                note: LONG,
                units,
                bin_m: [0.1; 2],
            })
            .collect();
        let files = draw_all_ratemaps(&AllRatemaps { title: LONG, note: LONG, blocks: &blocks }, &stem)?;
        let svg = read(&files)?;
        assert_eq!(letters(&svg), networks.min(26), "{networks} networks");
        assert_eq!(svg.contains("No ratemaps"), networks > 2);
        assert_eq!(svg.contains("Ratemap: 2 m × 2 m"), networks == 1, "one scale only where all arenas are of one size");
        assert!(svg.contains("Dead unit"));
    }
    let draw = |maps: &[&Array2<f64>], bin_m: [f64; 2]| {
        let units: Vec<RatemapUnit<'_>> = maps.iter().map(|map| RatemapUnit { ratemap: map.view(), dead: false }).collect();
        let blocks = [RatemapBlock { name: "full", note: "", units: &units, bin_m }];
        draw_all_ratemaps(&AllRatemaps { title: "", note: "", blocks: &blocks }, &stem)
    };
    assert!(matches!(draw_all_ratemaps(&AllRatemaps { title: "", note: "", blocks: &[] }, &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw(&[&Array2::zeros((0, 0))], [0.1; 2]), Err(FigureError::Empty { .. })));
    assert!(matches!(draw(&[&square, &flat], [0.1; 2]), Err(FigureError::Shape { .. })));
    assert!(matches!(draw(&[&square], [0.1, 0.0]), Err(FigureError::Range { field: "bin_m", .. })));
    Ok(())
}

#[test]
fn variants_of_any_number_are_lettered_and_one_alone_is_not() -> Outcome {
    let folder = tempfile::tempdir()?;
    let square = map(20, 20);
    for count in [1, 2, 7, 30] {
        let maps = vec![square.view(); 12];
        let variants: Vec<Variant<'_>> = (0..count)
            .map(|index| Variant { name: if index == 1 { LONG } else { "no-capacity" }, note: LONG, ratemaps: &maps[..12 - index % 12] })
            .collect();
        let input = Variants { title: LONG, note: LONG, variants: &variants, columns: 6, bin_m: [0.1, 0.1] };
        let svg = read(&draw_variants(&input, &folder.path().join("variants"))?)?;
        assert_eq!(letters(&svg), if count == 1 { 0 } else { count.min(26) });
    }
    Ok(())
}

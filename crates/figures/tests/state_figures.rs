//! Figures of state spaces: with few and many states nothing overlaps, data are exact in the SVG, whatever is missing is said.

mod common;

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    Bar, BarcodeDimension, Barcodes, FigureError, MAX_TORUS_UNITS, Ring, RingColor, Rings, StateEmbedding, TorusMaps, TorusUnit,
    draw_barcodes, draw_rings, draw_state_embedding, draw_torus_maps,
};
use ndarray::Array2;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const NAN: f64 = f64::NAN;

/// A number in [0, 1) from an index.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

fn embedding<'a>(points: &'a [[f64; 3]], positions_m: &'a [[f64; 2]], phases_rad: &'a [f64]) -> StateEmbedding<'a> {
    StateEmbedding {
        title: "States of a network with a long name in the 2 m box, seed 1",
        module: 3,
        method: "spectral embedding",
        neighbors: 15,
        points,
        positions_m,
        phases_rad,
        eigenvalues: &[0.5, 0.52, 0.56, 0.6, 0.63, 0.68, 1.5],
        ideal_ratios: &[1.0, 1.04, 1.13, 1.21, 1.26, 1.37, 3.09],
        ideal_name: "Ideal hexagonal torus",
        ideal_origin: "",
    }
}

fn ring(z: &[[f64; 2]]) -> Ring<'_> {
    Ring { z, mean_radius: 1.0, variation: 0.123, hole: 0.5, coverage: 0.9876 }
}

fn dimension<'a>(bars: &'a [Bar], null_by_rank: &'a [[f64; 2]]) -> BarcodeDimension<'a> {
    BarcodeDimension { bars, null_lifetime: Some(1.0), null_by_rank, p_value: 0.01 }
}

fn barcodes<'a>(dimensions: &'a [BarcodeDimension<'a>]) -> Barcodes<'a> {
    Barcodes {
        title: "Homology",
        module: 2,
        point_count: 1200,
        dimensions,
        null_name: "longest of 100 shuffles",
        verdict: "Betti numbers (1, 2, 1): a torus",
    }
}

fn maps<'a>(units: &'a [TorusUnit<'a>], positions_m: &'a [[f64; 2]], thetas_rad: &'a [[f64; 2]]) -> TorusMaps<'a> {
    TorusMaps { title: "Maps", module: 1, units, unit_count: 81, angle_deg: 60.0, positions_m, thetas_rad, rate_unit: "Hz" }
}

fn draw_all(states: usize, units: usize, folder: &Path) -> Result<Vec<Vec<PathBuf>>, FigureError> {
    let thetas: Vec<[f64; 2]> = (0..states).map(|state| [9.0 * scatter(state), 9.0 * scatter(state * state)]).collect();
    let positions: Vec<[f64; 2]> = (0..states).map(|state| [scatter(2 * state) - 0.5, 100.0 * scatter(3 * state)]).collect();
    let points: Vec<[f64; 3]> = thetas.iter().map(|[one, two]| [one.cos(), one.sin(), two.cos()]).collect();
    let first: Vec<f64> = thetas.iter().map(|thetas| thetas[0]).collect();
    let mut files = vec![draw_state_embedding(&embedding(&points, &positions, &first), &folder.join("embedding"))?];

    let z: Vec<[f64; 2]> = thetas.iter().map(|[one, _]| [one.cos(), one.sin()]).collect();
    for color in [RingColor::Angle, RingColor::Density] {
        let rings = [&z[..], &z, &z[..states / 2]].map(ring);
        files.push(draw_rings(&Rings { title: "Rings", module: 0, rings, color }, &folder.join(format!("rings-{color:?}")))?);
    }

    let bar = |index: usize| Bar { birth: scatter(index), death: scatter(index) + 3.0 * scatter(3 * index), significant: index == 1 };
    let bars: Vec<Bar> = (0..units).map(bar).chain([Bar { birth: 0.0, death: f64::INFINITY, significant: true }]).collect();
    let null: Vec<[f64; 2]> = (0..units).map(|rank| [0.5, 1.0].map(|share| share / (1.0 + rank as f64))).collect();
    let dimensions = [dimension(&bars, &null), dimension(&bars[..bars.len().min(2)], &[]), dimension(&bars[..1], &null)];
    files.push(draw_barcodes(&barcodes(&dimensions), &folder.join("barcodes"))?);

    let map = Array2::from_shape_fn((15, 20), |(row, column)| 1e4 * scatter(row + 7 * column));
    let units: Vec<TorusUnit<'_>> = (0..units.min(MAX_TORUS_UNITS))
        .map(|unit| TorusUnit { unit: 1000 * unit, map: map.view(), phase_rad: Some([7.0, -1.0]) })
        .collect();
    for angle_deg in [30.0, 90.0, 120.0] {
        let input = TorusMaps { angle_deg, ..maps(&units, &positions, &thetas) };
        files.push(draw_torus_maps(&input, &folder.join(format!("maps-{angle_deg}")))?);
    }
    Ok(files)
}

fn svg(files: &[PathBuf]) -> Result<String, std::io::Error> {
    fs::read_to_string(&files[1])
}

fn says(svg: &str, text: &str) -> bool {
    svg.contains(&format!(">{text}</text>"))
}

/// x, y, width, height of all rectangles of a colour.
fn rectangles(svg: &str, color: &str) -> Vec<[f64; 4]> {
    let number = |line: &str, name: &str| line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok();
    let of = |line: &str| Some([number(line, "x")?, number(line, "y")?, number(line, "width")?, number(line, "height")?]);
    svg.lines().filter(|line| line.starts_with("<rect") && line.contains(&format!("fill=\"{color}\""))).filter_map(of).collect()
}

/// The middles of all circles of a colour.
fn circles(svg: &str, color: &str) -> Vec<[f64; 2]> {
    let number = |line: &str, name: &str| line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok();
    let of = |line: &str| Some([number(line, "cx")?, number(line, "cy")?]);
    svg.lines().filter(|line| line.starts_with("<circle") && line.contains(&format!("fill=\"{color}\""))).filter_map(of).collect()
}

const BLUE: &str = "#0072b2";
const ORANGE: &str = "#e69f00";
const NULL: &str = "#bebebe";

#[test]
fn nothing_overlaps_with_few_and_many_states_and_units() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (states, units) in [(2, 1), (50, 7), (3000, 60)] {
        for files in draw_all(states, units, folder.path())? {
            common::check(&files)?;
        }
    }
    Ok(())
}

#[test]
fn the_same_states_give_the_same_bytes() -> Outcome {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (first, second) = (draw_all(500, 9, one.path())?, draw_all(500, 9, two.path())?);
    for (first, second) in first.iter().flatten().zip(second.iter().flatten()) {
        assert!(fs::read(first)? == fs::read(second)?, "{} differs", second.display());
    }
    Ok(())
}

#[test]
fn ten_thousand_states_stay_a_small_svg() -> Outcome {
    let folder = tempfile::tempdir()?;
    let files = &draw_all(10_000, 1, folder.path())?[0];
    let size = fs::metadata(&files[1])?.len();
    assert!(size < 3_000_000, "{size} bytes");
    let pictures = svg(files)?.matches("<image ").count();
    assert_eq!(pictures, 12 + 1 + 3, "clouds, the arena, three colour bars");
    Ok(())
}

#[test]
fn eigenvalues_stand_at_their_ratio_to_the_lowest() -> Outcome {
    let folder = tempfile::tempdir()?;
    let points = [[0.0, 1.0, 2.0], [1.0, 0.0, 0.5]];
    let input = StateEmbedding { eigenvalues: &[0.2, 0.3, 0.5], ..embedding(&points, &[[0.0, 0.0], [1.0, 2.0]], &[0.0, 1.0]) };
    let text = svg(&draw_state_embedding(&input, &folder.path().join("stems"))?)?;
    let tops = circles(&text, BLUE);
    assert_eq!(tops.len(), 3);
    // Heights above zero are as 1 : 1.5 : 2.5, to the dot.
    let unit = (tops[0][1] - tops[2][1]) / 1.5;
    assert!(((tops[0][1] - tops[1][1]) - 0.5 * unit).abs() <= 1.5, "{tops:?}");
    assert!((tops[1][0] - tops[0][0] - (tops[2][0] - tops[1][0])).abs() <= 1.0 && unit > 100.0);
    assert!(says(&text, "Module 3: 2 states, spectral embedding, 15 nearest neighbours"));
    let told = StateEmbedding { ideal_origin: "a simulated module", ..input };
    let text = svg(&draw_state_embedding(&told, &folder.path().join("origin"))?)?;
    assert!(says(&text, "Module 3: 2 states, spectral embedding, 15 nearest neighbours. Dashes in b: a simulated module"));
    Ok(())
}

#[test]
fn bars_and_nulls_lie_where_they_are_born_and_die() -> Outcome {
    let folder = tempfile::tempdir()?;
    let bar = |birth, death, significant| Bar { birth, death, significant };
    let bars = [bar(2.0, 3.0, false), bar(1.0, 9.0, true), bar(3.0, 9.0, true)];
    let none: [Bar; 0] = [];
    let dimensions = [
        BarcodeDimension { null_lifetime: None, ..dimension(&none, &[]) },
        BarcodeDimension { null_lifetime: Some(2.0), ..dimension(&bars, &[]) },
    ];
    let text = svg(&draw_barcodes(&barcodes(&dimensions), &folder.path().join("bars"))?)?;
    let significant = rectangles(&text, ORANGE);
    // The key is first or last in the file, and square.
    let drawn: Vec<[f64; 4]> = significant.into_iter().filter(|[_, _, width, height]| width > height).collect();
    assert_eq!(drawn.len(), 2);
    let per_unit = drawn[0][2] / 8.0;
    assert!((drawn[1][2] - 6.0 * per_unit).abs() <= 1.5 && (drawn[1][0] - drawn[0][0] - 2.0 * per_unit).abs() <= 1.5, "{drawn:?}");
    assert!(drawn[0][1] < drawn[1][1], "the longest is on top");
    let null: Vec<[f64; 4]> = rectangles(&text, NULL).into_iter().filter(|[_, _, width, height]| width > height).collect();
    assert_eq!(null.len(), 3);
    for (null, bar) in null.iter().zip(&drawn) {
        assert!((null[2] - 2.0 * per_unit).abs() <= 1.5 && (null[0] - bar[0]).abs() <= 1.0, "{null:?} of {bar:?}");
    }
    // Lifetimes 8, 6 and 1 as dots.
    let dots = circles(&text, ORANGE);
    assert_eq!(dots.len(), 2);
    assert!(dots[0][1] < dots[1][1] && dots[0][0] < dots[1][0]);
    assert!(says(&text, ": 3 bars; 2 beyond the null; longest finite bar: p = 0.010"), "the summary of H1");
    assert!(text.contains("xml:space=\"preserve\"") && says(&text, " beyond the null"), "the space after the index of H1 stays");
    assert!(says(&text, ": 0 bars; no null; longest finite bar: p = 0.010") && says(&text, "No bars"));
    Ok(())
}

#[test]
fn marks_of_phases_lie_in_the_sheared_map() -> Outcome {
    let folder = tempfile::tempdir()?;
    let map = Array2::from_elem((4, 4), 1.0);
    let unit = |phase_rad| TorusUnit { unit: 0, map: map.view(), phase_rad: Some(phase_rad) };
    let units = [unit([0.0, 0.0]), unit([TAU / 2.0, TAU / 2.0]), unit([-TAU / 2.0, 5.0 * TAU / 2.0]), unit([0.0, TAU / 2.0])];
    for (angle_deg, lean) in [(60.0, 0.5), (90.0, 0.0), (120.0, -0.5)] {
        let input = TorusMaps { angle_deg, ..maps(&units, &[], &[]) };
        let text = svg(&draw_torus_maps(&input, &folder.path().join("marks"))?)?;
        let marks = circles(&text, "#ffffff");
        assert_eq!(marks.len(), 5, "four units and the key");
        // Units stand in a row at equal distances.
        let shift = |unit: usize| [marks[unit][0] - marks[0][0], marks[0][1] - marks[unit][1]];
        let column = (shift(2)[0] - shift(1)[0]).round();
        let half = [shift(3)[0] - 3.0 * column, shift(3)[1]];
        assert!((half[0] - lean * half[1] / (60.0_f64.to_radians().sin())).abs() <= 2.5 || angle_deg == 90.0, "{angle_deg}: {half:?}");
        assert!(angle_deg != 90.0 || half[0].abs() <= 1.0);
        assert_eq!(shift(1)[1], shift(2)[1], "phases are taken modulo a turn");
        assert_eq!(shift(1)[1], half[1]);
    }
    Ok(())
}

#[test]
fn rings_say_their_numbers_and_share_one_scale() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (small, large) = ([[0.5, 0.0]], [[0.0, -2.0]]);
    let input = Rings { title: "", module: 4, rings: [ring(&small), ring(&large), ring(&[])], color: RingColor::Angle };
    let text = svg(&draw_rings(&input, &folder.path().join("rings"))?)?;
    assert!(says(&text, "mean |z| 1.00, CV 0.12") && says(&text, "hole 0.50, coverage 98.8 %"));
    assert!(says(&text, "No states in this plane") && says(&text, "Module 4: 1 state"));
    // "2" stands at both axes of both planes.
    assert_eq!(text.matches(">2</text>").count(), 4 + 2, "and in the names of the second plane's axes");
    Ok(())
}

#[test]
fn what_is_missing_is_said() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("missing");

    let (nowhere, somewhere) = ([[NAN, 0.0, 0.0]; 2], [[0.0; 3]; 2]);
    let (unknown, known) = ([[NAN; 2]; 2], [[0.0; 2]; 2]);
    let text = svg(&draw_state_embedding(&embedding(&nowhere, &known, &[]), &stem)?)?;
    assert!(says(&text, "No states with coordinates") && says(&text, "No states with an angle"));
    assert!(says(&text, "Module 3: 0 states, spectral embedding, 15 nearest neighbours; 2 without coordinates left out"));
    let input = StateEmbedding { eigenvalues: &[0.0, 1.0], ..embedding(&somewhere, &unknown, &[]) };
    let text = svg(&draw_state_embedding(&input, &stem)?)?;
    assert!(says(&text, "No positions") && says(&text, "No phases") && says(&text, "No eigenvalues"));
    draw_state_embedding(&embedding(&somewhere[..1], &known[..1], &[1.0]), &stem)?;
    assert!(matches!(draw_state_embedding(&embedding(&[], &[], &[]), &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_state_embedding(&embedding(&somewhere, &known[..1], &[]), &stem), Err(FigureError::Shape { .. })));
    assert!(matches!(draw_state_embedding(&embedding(&somewhere, &known, &[1.0]), &stem), Err(FigureError::Shape { .. })));

    let undefined = Ring { mean_radius: NAN, variation: NAN, hole: NAN, coverage: NAN, ..ring(&unknown) };
    for color in [RingColor::Angle, RingColor::Density] {
        let input = Rings { title: "", module: 0, rings: [undefined; 3], color };
        let text = svg(&draw_rings(&input, &stem)?)?;
        assert!(says(&text, "No states in this plane") && !text.contains("hole –") && !text.contains("Re z"), "a word, and no empty frame");
        assert!(matches!(draw_rings(&Rings { rings: [ring(&[]); 3], ..input }, &stem), Err(FigureError::Empty { .. })));
    }

    let bars = [
        Bar { birth: NAN, death: 1.0, significant: false },
        Bar { birth: 2.0, death: 1.0, significant: true },
        Bar { birth: 2.0, death: NAN, significant: false },
    ];
    let dimensions = [BarcodeDimension { bars: &bars, null_lifetime: None, null_by_rank: &[], p_value: NAN }];
    let text = svg(&draw_barcodes(&barcodes(&dimensions), &stem)?)?;
    assert!(says(&text, "No bars") && says(&text, "No lifetimes") && says(&text, ": 0 bars; no null; 3 undefined left out"));
    assert!(matches!(draw_barcodes(&barcodes(&[]), &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_barcodes(&barcodes(&[dimensions[0]; 4]), &stem), Err(FigureError::Range { .. })));

    let (nothing, empty) = (Array2::from_elem((4, 4), NAN), Array2::zeros((0, 0)));
    let unit = |map| TorusUnit { unit: 4, map, phase_rad: None };
    let units = [unit(nothing.view()), unit(empty.view())];
    let text = svg(&draw_torus_maps(&maps(&units, &[], &[]), &stem)?)?;
    assert_eq!(text.matches(">No rates</text>").count(), 2);
    assert!(says(&text, "No states with an angle") && says(&text, "–"));
    assert!(matches!(draw_torus_maps(&maps(&[], &[], &[]), &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_torus_maps(&maps(&units, &[[0.0; 2]], &[]), &stem), Err(FigureError::Shape { .. })));
    let many = vec![units[0]; MAX_TORUS_UNITS + 1];
    assert!(matches!(draw_torus_maps(&maps(&many, &[], &[]), &stem), Err(FigureError::Range { .. })));
    for angle_deg in [0.0, 180.0, NAN] {
        let refused = draw_torus_maps(&TorusMaps { angle_deg, ..maps(&units, &[], &[]) }, &stem);
        assert!(matches!(refused, Err(FigureError::Range { .. })), "{angle_deg}");
    }
    Ok(())
}

#[test]
fn extreme_numbers_are_drawn_or_refused_without_a_panic() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("extreme");
    let extremes = [0.0, -1.0, 0.5, 1e-300, 5e-324, 1e99, -1e99, 1e300, f64::INFINITY, f64::NEG_INFINITY, NAN];
    let map = Array2::from_shape_fn((11, 11), |(row, column)| extremes[(row + column) % 11]);
    let negative = Array2::from_elem((3, 2), -4.0);
    for (index, &one) in extremes.iter().enumerate() {
        let two = extremes[(index + 3) % extremes.len()];
        let points = [[one, two, 0.3], [two, two, two], [0.1, one, one]];
        let positions = [[one, two], [two, one], [0.3, one]];
        let values = [one, two, 0.3];
        let input = StateEmbedding {
            eigenvalues: &values,
            ideal_ratios: &values,
            neighbors: usize::MAX,
            module: usize::MAX,
            ..embedding(&points, &positions, &values)
        };
        common::check(&draw_state_embedding(&input, &stem)?)?;
        let rings = [Ring { z: &positions, mean_radius: one, variation: two, hole: one, coverage: two }; 3];
        let color = if index % 2 == 0 { RingColor::Angle } else { RingColor::Density };
        common::check(&draw_rings(&Rings { title: "", module: 0, rings, color }, &stem)?)?;
        let bars = [[one, two], [two, one], [0.3, one], [one, one]].map(|[birth, death]| Bar { birth, death, significant: true });
        let null = [[one, two], [0.0, one]];
        let dimensions = [BarcodeDimension { bars: &bars, null_lifetime: Some(one), null_by_rank: &null, p_value: two }; 3];
        let input = Barcodes { point_count: usize::MAX, null_name: "", verdict: "", ..barcodes(&dimensions) };
        common::check(&draw_barcodes(&input, &stem)?)?;
        let units = [map.view(), negative.view()].map(|map| TorusUnit { unit: usize::MAX, map, phase_rad: Some([one, two]) });
        common::check(&draw_torus_maps(&maps(&units, &positions, &positions), &stem)?)?;
    }
    Ok(())
}

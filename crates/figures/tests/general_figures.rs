//! Figures of generalization and path integration: nothing overlaps, whatever is missing is said, and bad input is a typed error.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    ArenaMaps, ArenaUnit, Distances, FigureError, GeneralizationSheet, PeriodChanges, PeriodPoint, SpaceTime, SweptKey, SweptKeys,
    SweptQuantity, TimeCurve, TimeCurves, Velocities, VelocitySet, draw_arena_maps, draw_coherence, draw_decode_errors, draw_distances,
    draw_generalization, draw_period_changes, draw_space_time, draw_swept_keys, draw_velocities,
};
use ndarray::Array2;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const NAN: f64 = f64::NAN;

/// A number in [0, 1) from an index.
fn scatter(index: usize) -> f64 {
    (index as f64 * 0.618_033_988_749_895).fract()
}

fn map(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(row, column)| scatter(row * columns + column))
}

fn distances<'a>(density: &'a Array2<f64>, mean: &'a [f64], training_cdf: &'a [f64]) -> Distances<'a> {
    Distances {
        title: "Neural distance against separation in the 2 m box of a network with a long name, seed 1",
        density: density.view(),
        column_m: 0.02,
        neural_top: 1.414,
        mean,
        early_mean: mean,
        early_says: "within 60 steps at 83 mm",
        chance: 0.8,
        half_rise_m: 0.03,
        half_rise_se_m: 0.001,
        sigma_x_m: 0.05,
        training_bin_m: 0.02,
        training_cdf,
    }
}

fn space_time<'a>(mean: &'a Array2<f64>, steps: &'a [f64], same: &'a [f64], se: &'a [f64]) -> SpaceTime<'a> {
    SpaceTime {
        title: "Space and time",
        mean: mean.view(),
        spatial_bin_m: 0.02,
        temporal_bin_steps: 10.0,
        temporal_steps: steps,
        same_place: same,
        same_place_se: se,
        chance: 0.8,
    }
}

fn point(arena: usize, module: usize, period_m: f64, change: f64) -> PeriodPoint {
    PeriodPoint { arena, module, period_m, period_se_m: 0.01, change, change_se: 0.02 }
}

fn draw_all(size: usize, folder: &Path) -> Result<Vec<Vec<PathBuf>>, FigureError> {
    let values: Vec<f64> = (0..size).map(scatter).collect();
    let steps: Vec<f64> = (0..size).map(|step| 10.0 * step as f64).collect();
    let upper: Vec<f64> = values.iter().map(|value| 1.5 * value).collect();
    let (density, means) = (map(size, 40), map(size, 7));
    let mut files = vec![draw_distances(&distances(&density, &values, &values), &folder.join("distances"))?];
    files.push(draw_space_time(&space_time(&means, &steps, &values, &values), &folder.join("space-time"))?);
    let names = ["2 m", "3 m", "4 m", "square-2m", "circle-1.5m", "rectangle-2x1.5m"].repeat(size.div_ceil(6));
    let points: Vec<PeriodPoint> = (0..size.min(12))
        .flat_map(|arena| {
            (0..size.min(10)).map(move |module| point(arena, module, 0.4 + scatter(arena + 7 * module), scatter(arena) - 0.5))
        })
        .collect();
    files.push(draw_period_changes(
        &PeriodChanges { title: "Periods", arenas: &names[..size.min(12)], points: &points },
        &folder.join("periods"),
    )?);
    let curves = [
        TimeCurve { name: "Nearest state", values: &values, band: Some((&values, &upper)), is_chance: false },
        TimeCurve { name: "Chance", values: &upper, band: None, is_chance: true },
    ];
    let input = TimeCurves { title: "By time", subtitle: "Band: quartiles", times: &steps, curves: &curves, training_steps: 60.0 };
    files.push(draw_decode_errors(&input, &folder.join("decode"))?);
    files.push(draw_coherence(&input, &folder.join("coherence"))?);
    Ok(files)
}

#[test]
fn nothing_overlaps_and_the_same_input_gives_the_same_bytes() -> Outcome {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for size in [1, 2, 7, 300] {
        let (first, second) = (draw_all(size, one.path())?, draw_all(size, two.path())?);
        for files in &first {
            common::check(files)?;
        }
        for (first, second) in first.iter().flatten().zip(second.iter().flatten()) {
            assert!(fs::read(first)? == fs::read(second)?, "{} differs", second.display());
        }
    }
    Ok(())
}

#[test]
fn what_is_missing_is_said_and_what_cannot_be_drawn_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("missing");
    let svg = |files: Vec<PathBuf>| fs::read_to_string(&files[1]);
    let says = |svg: &str, text: &str| svg.contains(&format!(">{text}</text>"));
    let (good, nothing) = (map(3, 4), Array2::from_elem((3, 4), NAN));

    let input = distances(&good, &[NAN; 3], &[]);
    let unrisen = Distances { half_rise_m: NAN, sigma_x_m: NAN, ..input };
    let text = svg(draw_distances(&unrisen, &stem)?)?;
    assert!(says(&text, "No separations of training") && text.contains("Half of chance within 60 steps at 83 mm"));
    let text = svg(draw_distances(&Distances { early_says: "", ..unrisen }, &stem)?)?;
    assert!(text.contains("Half of chance: not reached"));
    let text = svg(draw_distances(&Distances { early_says: "", mean: &[NAN, 0.5, 0.6], ..unrisen }, &stem)?)?;
    assert!(text.contains("Above half of chance from the first bin on"));
    let text = svg(draw_distances(&input, &stem)?)?;
    assert!(text.contains("Half of chance at 30.0 ± 1.0 mm"), "{text}");
    assert!(matches!(draw_distances(&Distances { density: nothing.view(), ..input }, &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_distances(&Distances { column_m: 0.0, ..input }, &stem), Err(FigureError::Range { field: "column_m", .. })));
    assert!(matches!(draw_distances(&Distances { neural_top: NAN, ..input }, &stem), Err(FigureError::Range { .. })));
    assert!(matches!(draw_distances(&Distances { mean: &[0.1], ..input }, &stem), Err(FigureError::Shape { .. })));

    let text = svg(draw_space_time(&space_time(&good, &[0.0, 1.0], &[NAN; 2], &[NAN; 2]), &stem)?)?;
    assert!(says(&text, "No place was visited twice"));
    assert!(matches!(draw_space_time(&space_time(&nothing, &[], &[], &[]), &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_space_time(&space_time(&good, &[1.0], &[], &[]), &stem), Err(FigureError::Shape { .. })));

    let points = [point(0, 0, 0.5, NAN), point(0, 1, NAN, NAN)];
    let input = PeriodChanges { title: "", arenas: &["2 m"], points: &points };
    let text = svg(draw_period_changes(&input, &stem)?)?;
    assert!(says(&text, "No changes") && says(&text, "Bars: one standard error; 1 period without a number not drawn"));
    assert!(matches!(draw_period_changes(&PeriodChanges { points: &points[1..], ..input }, &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_period_changes(&PeriodChanges { arenas: &[], ..input }, &stem), Err(FigureError::Shape { .. })));

    let curve = |values, band| TimeCurve { name: "Errors", values, band, is_chance: false };
    let curves = [curve(&[0.1, NAN, 0.3][..], None), curve(&[NAN; 3][..], None)];
    let input = TimeCurves { title: "", subtitle: "", times: &[1.0, 2.0, 3.0], curves: &curves, training_steps: NAN };
    let text = svg(draw_decode_errors(&input, &stem)?)?;
    assert!(says(&text, "Errors (no values)"));
    assert!(matches!(draw_coherence(&TimeCurves { curves: &curves[1..], ..input }, &stem), Err(FigureError::Empty { .. })));
    assert!(matches!(draw_coherence(&TimeCurves { curves: &[], ..input }, &stem), Err(FigureError::Empty { .. })));
    let short = [curve(&[0.1; 3][..], Some((&[0.1; 2][..], &[0.2; 3][..])))];
    assert!(matches!(draw_decode_errors(&TimeCurves { curves: &short, ..input }, &stem), Err(FigureError::Shape { .. })));
    Ok(())
}

#[test]
fn extreme_numbers_are_drawn_or_refused_without_a_panic() -> Outcome {
    let folder = tempfile::tempdir()?;
    let stem = folder.path().join("extreme");
    let extremes = [0.0, -1.0, 0.5, 1e-300, 5e-324, 1e99, -1e99, 1e300, f64::INFINITY, NAN];
    let values = map(10, 10).mapv(|share| extremes[(share * 10.0) as usize]);
    let refused_or_drawn = |result: Result<Vec<PathBuf>, FigureError>| match result {
        Ok(_) | Err(FigureError::Range { .. } | FigureError::Empty { .. }) => Ok(()),
        Err(other) => Err(other),
    };
    for &x in &extremes {
        let rotated: Vec<f64> = (0..10).map(|at| extremes[(at + 3) % 10]).collect();
        let input =
            Distances { column_m: x, neural_top: x, chance: x, half_rise_m: x, sigma_x_m: x, ..distances(&values, &rotated, &rotated) };
        refused_or_drawn(draw_distances(&input, &stem))?;
        refused_or_drawn(draw_distances(&Distances { column_m: 0.1, neural_top: 1.0, ..input }, &stem))?;
        let input = SpaceTime { chance: x, spatial_bin_m: x, ..space_time(&values, &extremes, &rotated, &extremes) };
        refused_or_drawn(draw_space_time(&input, &stem))?;
        refused_or_drawn(draw_space_time(&SpaceTime { spatial_bin_m: 0.1, ..input }, &stem))?;
        let points: Vec<PeriodPoint> =
            extremes.iter().map(|&y| PeriodPoint { period_se_m: x, change_se: y, ..point(0, 99, y, x) }).collect();
        refused_or_drawn(draw_period_changes(
            &PeriodChanges { title: "", arenas: &["an arena of a very long name"], points: &points },
            &stem,
        ))?;
        let curves = [TimeCurve { name: "", values: &rotated, band: Some((&extremes, &rotated)), is_chance: x < 0.0 }];
        let input = TimeCurves { title: "", subtitle: "", times: &extremes, curves: &curves, training_steps: x };
        refused_or_drawn(draw_decode_errors(&input, &stem))?;
    }
    Ok(())
}

/// Fig. 5 of so many arenas with so many units each.
fn draw_sheet(arenas: usize, units: usize, folder: &Path) -> Result<Vec<Vec<PathBuf>>, FigureError> {
    let (density, means, share) = (map(20, 40), map(6, 7), map(15, 15));
    let values: Vec<f64> = (0..20).map(scatter).collect();
    let facts = ["2,400 trajectories of 60 steps", "Speed 117 mm/step, quartiles 82 to 151, and a text that is longer than its line"]
        .map(str::to_owned);
    let set = |name| VelocitySet { name, share: share.view(), bin_m: 0.02, facts: &facts };
    let sets = [set("Training"), set("Evaluation, 4 m box")];
    let maps: Vec<Array2<f64>> = (0..units).map(|_| map(12, 12)).collect();
    let views: Vec<ArenaUnit<'_>> = maps.iter().enumerate().map(|(unit, map)| ArenaUnit { unit: 40 * unit, ratemap: map.view() }).collect();
    let arena = |number: usize| ArenaMaps {
        title: "The same units in an arena of a network with a long name, seed 1",
        arena: "2 m × 1.5 m box",
        units: &views,
        bin_m: [0.1, if number == 1 { 0.05 } else { 0.1 }],
        rate_unit: "arbitrary units",
    };
    let panels: Vec<ArenaMaps<'_>> = (0..arenas).map(arena).collect();
    let mut files = vec![draw_velocities(&Velocities { title: "Velocities", sets: &sets }, &folder.join("velocities"))?];
    files.push(draw_arena_maps(&panels[0], &folder.join("units"))?);
    let sheet = GeneralizationSheet {
        title: "Generalization of a network",
        arena: "4 m box",
        distances: distances(&density, &values, &values),
        space_time: space_time(&means, &[], &[], &[]),
        velocities: &sets,
        arenas: &panels,
    };
    files.push(draw_generalization(&sheet, &folder.join("generalization"))?);
    Ok(files)
}

#[test]
fn all_panels_are_lettered_on_one_page_of_any_number_of_arenas() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (arenas, units) in [(1, 1), (2, 4), (3, 9), (7, 3)] {
        let files = draw_sheet(arenas, units, folder.path())?;
        for files in &files {
            common::check(files)?;
        }
        let svg = fs::read_to_string(&files[2][1])?;
        let letters = (b'a'..=b'z').filter(|letter| svg.contains(&format!("font-weight=\"bold\">{}</text>", char::from(*letter)))).count();
        assert_eq!(letters, 2 + arenas, "panels a, b and one for each of {arenas} arenas");
        assert!(svg.contains("width=\"180mm\""), "two journal columns");
        assert!(svg.contains("Other number above a map: its peak rate (arbitrary units)") && svg.contains("Rate / own peak"));
        let alone = fs::read_to_string(&files[1][1])?;
        // In two lines.
        assert!(alone.contains("Other number above a map: its peak rate<") && alone.contains(">(arbitrary units)<"));
        assert!(alone.contains("Rate / own peak"));
    }
    assert!(matches!(draw_sheet(21, 1, folder.path()), Err(FigureError::Range { field: "arenas", .. })));
    let nothing = folder.path().join("nothing");
    assert!(matches!(draw_velocities(&Velocities { title: "", sets: &[] }, &nothing), Err(FigureError::Empty { .. })));
    let empty = ArenaMaps { title: "", arena: "", units: &[], bin_m: [0.1; 2], rate_unit: "" };
    assert!(matches!(draw_arena_maps(&empty, &nothing), Err(FigureError::Empty { .. })));
    let map = map(2, 2);
    let units = [ArenaUnit { unit: 0, ratemap: map.view() }];
    assert!(matches!(draw_arena_maps(&ArenaMaps { units: &units, bin_m: [0.1, NAN], ..empty }, &nothing), Err(FigureError::Range { .. })));
    Ok(())
}

#[test]
fn swept_keys_are_drawn_whatever_was_found() -> Outcome {
    let folder = tempfile::tempdir()?;
    let names: Vec<String> = (0..40).map(|value| format!("value-{value}-with-a-long-name")).collect();
    for (values, runs) in [(1, 1), (2, 6), (4, 40), (40, 400)] {
        let quantity = |label, counts, hole: f64| SweptQuantity {
            label,
            points: (0..runs).map(|run| (run % values, if scatter(run) < hole { NAN } else { (3.0 * scatter(run)).floor() })).collect(),
            counts,
        };
        let key = |name| SweptKey {
            name,
            values: names.iter().take(values).map(String::as_str).collect(),
            repeats: values == 4 && name == "variant",
            quantities: vec![
                quantity("Grid score, median", false, 0.2),
                quantity("Share of grid cells", false, 0.0),
                quantity("Modules", true, 0.0),
                quantity("Smallest period (m)", false, 1.0),
                quantity("Tori", true, 0.5),
            ],
        };
        let input = SweptKeys {
            title: "Sweep of a pipeline",
            note: "A point for each run",
            keys: vec![key("train.loss.lambda_cap"), key("variant")],
        };
        let files = draw_swept_keys(&input, &folder.path().join(format!("sweep-{runs}")))?;
        common::check_with_names(&files, &["train.loss.lambda_cap"])?;
        let svg = fs::read_to_string(&files[1])?;
        assert!(svg.contains("No run has one") && svg.contains(">train.loss.lambda_cap<"), "a key is written as it is typed");
        let many = SweptKeys { keys: vec![key("a"), key("b"), key("c"), key("d")], ..input.clone() };
        assert!(matches!(draw_swept_keys(&many, &folder.path().join("bad")), Err(FigureError::Shape { .. })));
        let mut beyond = input.clone();
        beyond.keys[0].quantities[0].points.push((values, 1.0));
        assert!(draw_swept_keys(&beyond, &folder.path().join("bad")).is_err_and(|error| error.to_string().contains("a point")));
        assert!(matches!(
            draw_swept_keys(&SweptKeys { keys: Vec::new(), ..input }, &folder.path().join("bad")),
            Err(FigureError::Empty { .. })
        ));
    }
    Ok(())
}

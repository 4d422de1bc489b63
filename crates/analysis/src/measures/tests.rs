//! Laws, plain references, and what has no number.

use super::{FEWEST_BINS, Undefined, border_score, border_scores, coherence, sparsity, spatial_information, stability};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

/// A map of rates from 0 to 1, some of them 0, with holes, and its occupancy.
fn any_map(rows: usize, cols: usize, hole: f64, seed: u64) -> (Array2<f64>, Array2<u32>) {
    let mut stream = Seed(seed).stream("measures", 0);
    let occupancy = Array2::from_shape_fn((rows, cols), |_| if stream.uniform() < hole { 0 } else { 1 + stream.below(9) as u32 });
    let mut draw = || (stream.uniform() - 0.3).max(0.0);
    let map = occupancy.mapv(|visits| if visits > 0 { draw() } else { f64::NAN });
    (map, occupancy)
}

/// Information as the plain divergence of places at events from places at all moments, event by event.
fn information_reference(map: &Array2<f64>, occupancy: &Array2<u32>) -> f64 {
    let total: f64 = occupancy.iter().map(|n| f64::from(*n)).sum();
    let events: f64 = map.iter().zip(occupancy).filter(|(_, n)| **n > 0).map(|(rate, n)| rate * f64::from(*n)).sum();
    let mut bits = 0.0;
    for (rate, n) in map.iter().zip(occupancy).filter(|(rate, n)| **n > 0 && **rate > 0.0) {
        let (at_events, at_moments) = (rate * f64::from(*n) / events, f64::from(*n) / total);
        bits += at_events * (at_events / at_moments).log2();
    }
    bits
}

fn pearson_reference(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (a, b) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
    sum(&|p| (p.0 - a) * (p.1 - b)) / (sum(&|p| (p.0 - a).powi(2)) * sum(&|p| (p.1 - b).powi(2))).sqrt()
}

/// Border score in a rectangle with fields spread by repeated passes, and each wall followed in so many words. Every bin visited.
fn border_reference(map: &Array2<f64>, arena: &Arena) -> f64 {
    let (rows, cols) = map.dim();
    let (dx, dy) = (arena.width_m / cols as f64, arena.height_m / rows as f64);
    let peak = map.iter().copied().fold(0.0, f64::max);
    let mut label = Array2::from_shape_fn((rows, cols), |(row, col)| if map[[row, col]] >= 0.3 * peak { 1 + row * cols + col } else { 0 });
    loop {
        let before = label.clone();
        for row in 0..rows {
            for col in 0..cols {
                for r in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                    for c in col.saturating_sub(1)..=(col + 1).min(cols - 1) {
                        if label[[row, col]] > 0 && label[[r, c]] > label[[row, col]] {
                            label[[row, col]] = label[[r, c]];
                        }
                    }
                }
            }
        }
        if before == label {
            break;
        }
    }
    let size = |field: usize| label.iter().filter(|l| **l == field).count() as f64 * dx * dy;
    let all: Vec<usize> = label.iter().copied().filter(|&l| l > 0 && size(l) >= 0.02 - 1e-9).collect();
    let mut c = 0.0_f64;
    for &field in &all {
        for row in [0, rows - 1] {
            c = c.max((0..cols).filter(|&col| label[[row, col]] == field).count() as f64 / cols as f64);
        }
        for col in [0, cols - 1] {
            c = c.max((0..rows).filter(|&row| label[[row, col]] == field).count() as f64 / rows as f64);
        }
    }
    let (mut above, mut below) = (0.0, 0.0);
    for ((row, col), &l) in label.indexed_iter() {
        if all.contains(&l) {
            let x = (col as f64 + 0.5).min(cols as f64 - col as f64 - 0.5) * dx;
            let y = (row as f64 + 0.5).min(rows as f64 - row as f64 - 0.5) * dy;
            above += map[[row, col]] * x.min(y);
            below += map[[row, col]];
        }
    }
    let d = above / below / (arena.width_m.min(arena.height_m) / 2.0);
    (c - d) / (c + d)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn information_and_sparsity_obey_their_laws(rows in 1_usize..12, cols in 1_usize..12, hole in 0.0_f64..0.9, seed in any::<u64>(), exponent in -300_i32..300) {
        let (map, occupancy) = any_map(rows, cols, hole, seed);
        match (spatial_information(map.view(), &occupancy), sparsity(map.view(), &occupancy)) {
            (Ok(bits), Ok(sparse)) => {
                prop_assert!((bits - information_reference(&map, &occupancy)).abs() < 1e-12);
                let total: f64 = occupancy.iter().map(|n| f64::from(*n)).sum();
                prop_assert!(bits >= 0.0 && bits <= total.log2() + 1e-12);
                // Jensen: the entropy of order 2 is at most that of order 1.
                prop_assert!(sparse > 0.0 && sparse <= 1.0 && bits <= -sparse.log2() + 1e-12);
                let scaled = map.mapv(|rate| rate * 10_f64.powi(exponent));
                prop_assert!((spatial_information(scaled.view(), &occupancy).expect("scaled") - bits).abs() < 1e-9);
                prop_assert!((sparsity(scaled.view(), &occupancy).expect("scaled") - sparse).abs() < 1e-9);
            }
            (Err(a), Err(b)) => prop_assert!(a == b && (a == Undefined::NothingVisited || a == Undefined::Silent)),
            mixed => prop_assert!(false, "{mixed:?}"),
        }
    }

    #[test]
    fn a_unit_that_fires_over_a_share_of_the_time_has_its_share(n in 2_usize..200, firing in 1_usize..200) {
        let firing = firing.min(n);
        let map = Array2::from_shape_fn((1, n), |(_, col)| if col < firing { 3.0 } else { 0.0 });
        let occupancy = Array2::from_elem((1, n), 4);
        let share = firing as f64 / n as f64;
        prop_assert!((spatial_information(map.view(), &occupancy).expect("active") + share.log2()).abs() < 1e-12);
        prop_assert!((sparsity(map.view(), &occupancy).expect("active") - share).abs() < 1e-12);
    }

    #[test]
    fn coherence_and_stability_are_the_plain_correlation(rows in 1_usize..12, cols in 1_usize..12, hole in 0.0_f64..0.9, seed in any::<u64>(), gain in 0.1_f64..9.0) {
        let (map, _) = any_map(rows, cols, hole, seed);
        let (other, _) = any_map(rows, cols, hole, seed ^ 1);
        let mut pairs = Vec::new();
        for row in 0..rows as isize {
            for col in 0..cols as isize {
                let at = |r: isize, c: isize| if r < 0 || c < 0 { None } else { map.get([r as usize, c as usize]).filter(|v| !v.is_nan()) };
                let around: Vec<f64> = (0..9).filter(|i| *i != 4).filter_map(|i| at(row + i / 3 - 1, col + i % 3 - 1).copied()).collect();
                if let (Some(here), false) = (at(row, col), around.is_empty()) {
                    pairs.push((*here, around.iter().sum::<f64>() / around.len() as f64));
                }
            }
        }
        let both: Vec<(f64, f64)> = map.iter().copied().zip(other.iter().copied()).filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
        for (found, pairs) in [(coherence(map.view()), pairs), (stability(map.view(), other.view()), both)] {
            match found {
                Ok(r) => prop_assert!((r - pearson_reference(&pairs)).abs() < 1e-9),
                Err(Undefined::TooFewBins { .. }) => prop_assert!(pairs.len() < FEWEST_BINS),
                Err(Undefined::NothingVisited) => prop_assert!(pairs.is_empty()),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
        if let Ok(r) = stability(map.view(), other.view()) {
            let moved = other.mapv(|rate| gain * rate + 2.0);
            prop_assert!((stability(map.view(), moved.view()).expect("moved") - r).abs() < 1e-9);
            prop_assert!((stability(other.view(), map.view()).expect("turned") - r).abs() < 1e-12);
        }
    }

    #[test]
    fn border_scores_are_the_reference_and_know_no_direction(rows in 5_usize..18, cols in 5_usize..18, seed in any::<u64>(), x in -1.0_f64..1.0, y in -0.6_f64..0.6, wide in 0.1_f64..0.6) {
        let arena = Arena::rectangle(2.0, 1.2);
        let bins = Bins::new(arena, cols, rows);
        let mut stream = Seed(seed).stream("border", 0);
        let map = Array2::from_shape_fn((rows, cols), |(row, col)| {
            let (cx, cy) = bins.centre(row * cols + col);
            (-((cx - x).powi(2) + (cy - y).powi(2)) / (wide * wide)).exp() + 0.4 * stream.uniform()
        });
        let found = border_score(map.view(), &arena);
        match found {
            Ok(score) => {
                prop_assert!((-1.0..=1.0).contains(&score) && (score - border_reference(&map, &arena)).abs() < 1e-12);
                let mirrored = map.slice(ndarray::s![..;-1, ..;-1]);
                prop_assert!((border_score(mirrored, &arena).expect("mirrored") - score).abs() < 1e-12);
                let turned = border_score(map.t(), &Arena::rectangle(1.2, 2.0)).expect("turned");
                prop_assert!((turned - score).abs() < 1e-12);
            }
            Err(reason) => prop_assert_eq!(reason, Undefined::NoField),
        }
    }
}

#[test]
fn a_wall_of_bins_scores_as_documented_in_boxes_and_circles() {
    let wall = Array2::from_shape_fn((50, 50), |(row, _)| if row == 0 { 1.0 } else { 0.0 });
    let score = border_score(wall.view(), &Arena::square(2.0)).expect("a border cell");
    assert!((score - 49.0 / 51.0).abs() < 1e-12, "{score}");
    // 25 x 50 bins of 8 x 4 cm: the same field along the other wall is twice as deep, but for its two corners.
    let coarse = Array2::from_shape_fn((50, 25), |(_, col)| if col == 24 { 1.0 } else { 0.0 });
    let score = border_score(coarse.view(), &Arena::square(2.0)).expect("a border cell");
    assert!((score - (1.0 - 0.0392) / (1.0 + 0.0392)).abs() < 1e-12, "{score}");
    let round = |keep: &dyn Fn(f64, f64) -> bool| {
        let bins = Bins::square(Arena::circle(2.0), 50);
        let map = Array2::from_shape_fn((50, 50), |(row, col)| {
            let (x, y) = bins.centre(row * 50 + col);
            if !bins.reachable(row * 50 + col) {
                f64::NAN
            } else if keep(x.hypot(y), y.atan2(x)) {
                1.0
            } else {
                0.0
            }
        });
        border_score(map.view(), &bins.arena).expect("a field")
    };
    for middle in [0.0_f64, 0.4, 1.3] {
        let arc = round(&|r, angle| r > 0.88 && (angle - middle).abs() < 0.9);
        let half_arc = round(&|r, angle| r > 0.88 && (angle - middle).abs() < 0.4);
        assert!(arc > 0.8 && half_arc > 0.6 && half_arc < arc, "{middle}: {arc}, {half_arc}");
    }
    assert!(round(&|r, _| r < 0.3) == -1.0, "a field in the middle lies along no wall");
}

#[test]
fn only_a_field_along_a_whole_wall_is_told_by_its_strength_there() {
    let arena = Arena::square(2.0);
    // Falls off from the southern wall; its rates there are 1 but for the first line.
    let cell = |first: f64, width: f64| {
        let map = Array2::from_shape_fn((40, 40), |(row, col)| (-(row as f64 + 0.5) / width).exp() * if col == 0 { first } else { 1.0 });
        border_scores(map.view(), &arena).expect("a border cell")
    };
    // Half as much on the first of 40 lines: the mean rate along the wall is 0.9875 of the peak.
    let [border, wall] = cell(0.5, 2.0);
    assert!(border > 0.8 && (wall - f64::midpoint(1.0, 0.9875)).abs() < 1e-12, "{border}, {wall}");
    let [border, wall] = cell(0.2, 2.0);
    assert!(border > 0.8 && wall == border, "the field ends a line before the corner: {border}, {wall}");
    let [border, wall] = cell(0.5, 10.0);
    assert!(border > 0.5 && wall == border, "not narrow: {border}, {wall}");
}

#[test]
fn small_spots_and_unvisited_walls_do_not_make_border_cells() {
    let arena = Arena::square(2.0);
    let spot = Array2::from_shape_fn((50, 50), |(row, col)| if row < 3 && col < 3 { 1.0 } else { 0.1 });
    assert_eq!(border_score(spot.view(), &arena), Err(Undefined::NoField), "nine bins of 16 cm²");
    let unvisited = Array2::from_shape_fn((50, 50), |(row, col)| {
        if row.min(col).min(49 - row).min(49 - col) < 8 { f64::NAN } else { f64::from(u8::from(row < 20)) }
    });
    assert_eq!(border_score(unvisited.view(), &arena), Err(Undefined::NoWall));
    // The animal stays a bin away from the walls: the next bins count.
    let kept_away = Array2::from_shape_fn((50, 50), |(row, col)| match (row, col) {
        (0 | 49, _) | (_, 0 | 49) => f64::NAN,
        (1 | 2, _) => 1.0,
        _ => 0.0,
    });
    assert!(border_score(kept_away.view(), &arena).expect("a border cell") > 0.8);
}

/// What every measure says of a map whose every visited bin was visited once.
fn reasons(map: ArrayView2<'_, f64>) -> [Option<Undefined>; 5] {
    let occupancy = map.mapv(|rate| u32::from(!rate.is_nan()));
    [
        spatial_information(map, &occupancy).err(),
        sparsity(map, &occupancy).err(),
        coherence(map).err(),
        border_score(map, &Arena::square(2.0)).err(),
        stability(map, map).err(),
    ]
}

#[test]
fn maps_without_numbers_have_reasons() {
    let nothing = Some(Undefined::NothingVisited);
    let few = |found| Some(Undefined::TooFewBins { found, least: FEWEST_BINS });
    let all = |value: f64| Array2::from_elem((10, 10), value);
    assert_eq!(reasons(all(f64::NAN).view()), [nothing, nothing, nothing, nothing, few(0)]);
    assert_eq!(reasons(Array2::zeros((0, 0)).view()), [nothing, nothing, nothing, nothing, few(0)]);
    let constant = Some(Undefined::Constant);
    assert_eq!(reasons(all(0.3).view()), [None, None, constant, constant, constant]);
    let silent = Some(Undefined::Silent);
    assert_eq!(reasons(all(0.0).view()), [silent, silent, constant, silent, constant]);
    let single = |value: f64| Array2::from_shape_fn((10, 10), |at| if at == (4, 4) { value } else { f64::NAN });
    assert_eq!(reasons(single(2.0).view()), [None, None, few(0), constant, few(1)]);
    let row = Array2::from_shape_fn((10, 10), |(row, col)| if row == 4 { col as f64 } else { f64::NAN });
    assert_eq!(reasons(row.view()), [None, None, few(10), Some(Undefined::NoWall), few(10)]);
    let infinite = Some(Undefined::NotFinite);
    let mut map = Array2::from_shape_fn((10, 10), |(row, col)| (row * col) as f64);
    map[[3, 3]] = f64::INFINITY;
    assert_eq!(reasons(map.view()), [infinite; 5]);
    map[[3, 3]] = -1.0;
    let negative = Some(Undefined::Negative);
    assert_eq!(reasons(map.view()), [negative, negative, None, negative, None]);
    let shapes = Some(Undefined::Shapes);
    assert_eq!(spatial_information(map.view(), &Array2::ones((3, 3))).err(), shapes);
    assert_eq!(stability(map.view(), all(1.0).slice(ndarray::s![..9, ..])).err(), shapes);
    assert_eq!(border_score(map.view(), &Arena::square(0.0)).err(), Some(Undefined::NoArea));
}

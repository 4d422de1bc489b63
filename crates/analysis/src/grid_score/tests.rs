use super::{Annuli, Masks, Undefined, reference};
use crate::autocorrelogram::Autocorrelator;
use crate::config::GridScoreConfig;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use proptest::prelude::*;

const BINS: usize = 40;
const BIN_M: f64 = 0.05;

fn map(rate: impl Fn(f64, f64) -> f64) -> Array2<f64> {
    Array2::from_shape_fn((BINS, BINS), |(row, col)| rate((col as f64 - 19.5) * BIN_M, (row as f64 - 19.5) * BIN_M))
}

fn autocorrelogram(map: &Array2<f64>) -> Array2<f64> {
    Autocorrelator::new(&map.mapv(|rate| !rate.is_nan()), 20).map(map.view())
}

fn annuli() -> Annuli {
    Annuli::new((2 * BINS - 1, 2 * BINS - 1), (BIN_M, BIN_M), BINS as f64 * BIN_M, &GridScoreConfig::default())
}

fn both(map: &Array2<f64>) -> [f64; 2] {
    let lags = autocorrelogram(map);
    annuli().scores(lags.as_slice().expect("row-major")).map(|score| score.value)
}

fn banino(map: &Array2<f64>) -> f64 {
    assert_eq!(map.dim(), (20, 20));
    let lags = autocorrelogram(map);
    Masks::new(lags.dim(), (0.1, 0.1)).banino(lags.as_slice().expect("row-major")).value
}

fn noise(seed: u64) -> Array2<f64> {
    let mut stream = Seed(seed).stream("noise", 0);
    Array2::from_shape_fn((BINS, BINS), |_| stream.normal())
}

fn compare(map: &Array2<f64>, what: &str) {
    let lags = autocorrelogram(map);
    let slow = reference::scores(lags.view(), 0.8 * BINS as f64, 3);
    for (fast, slow) in both(map).iter().zip(slow) {
        assert!((fast - slow).abs() < 1e-9 || (fast.is_nan() && slow.is_nan()), "{what}: {fast} and {slow}");
    }
}

#[test]
fn the_fast_form_is_the_definition() {
    compare(&noise(1), "white noise");
    let lattice = Lattice::hexagonal(0.6, 0.3);
    compare(&map(|x, y| lattice.rate(x, y, [0.1, 0.2])), "a hexagonal lattice");
    let mut holes = map(|x, y| lattice.rate_sharp(x, y, [0.0, 0.0], 5.0));
    for ((row, col), rate) in holes.indexed_iter_mut() {
        if (row * 7 + col * 3) % 11 == 0 || row < 3 {
            *rate = f64::NAN;
        }
    }
    compare(&holes, "holes");
    compare(&map(|x, _| x), "a ramp");
    compare(&map(|_, _| 1.0), "a constant");
    compare(&map(|x, y| 1e-30 * lattice.rate(x, y, [0.0, 0.0])), "tiny rates");
    compare(&map(|x, y| 1e30 * lattice.rate(x, y, [0.0, 0.0])), "huge rates");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn perfect_lattices_score_as_their_symmetry_says(spacing in 0.3_f64..0.9, orientation in 0.0_f64..1.5, px in -0.3_f64..0.3, py in -0.3_f64..0.3) {
        let hexagonal = Lattice::hexagonal(spacing, orientation);
        let [six, four] = both(&map(|x, y| hexagonal.rate(x, y, [px, py])));
        prop_assert!((0.95..1.65).contains(&six) && four < 0.35, "hexagonal: {six}, {four}");
        let square = Lattice::square(spacing, orientation);
        let [six, four] = both(&map(|x, y| square.rate(x, y, [px, py])));
        prop_assert!(six < 0.2 && four > 0.9, "square: {six}, {four}");
    }

    #[test]
    fn a_quarter_turn_and_a_change_of_scale_change_nothing(seed in 0_u64..1000, scale in 0.1_f64..10.0, offset in -5.0_f64..5.0) {
        let still = noise(seed);
        let turned = Array2::from_shape_fn((BINS, BINS), |(row, col)| scale * still[(col, BINS - 1 - row)] + offset);
        for (a, b) in both(&still).iter().zip(both(&turned)) {
            prop_assert!((a - b).abs() < 1e-6, "{a} and {b}");
        }
    }
}

#[test]
fn banino_knows_hexagons_from_squares_and_bands() {
    let coarse = |lattice: &Lattice| {
        Array2::from_shape_fn((20, 20), |(row, col)| lattice.rate((col as f64 - 9.5) * 0.1, (row as f64 - 9.5) * 0.1, [0.03, 0.07]))
    };
    for spacing in [0.4, 0.5, 0.6, 0.8] {
        let score = banino(&coarse(&Lattice::hexagonal(spacing, 0.2)));
        assert!((0.9..1.65).contains(&score), "{spacing}: {score}");
        assert!(banino(&coarse(&Lattice::square(spacing, 0.2))) < 0.3);
        assert!(banino(&coarse(&Lattice::band(spacing, 0.2))) < 0.6);
    }
}

#[test]
fn banino_is_blind_to_the_sides_of_bins() {
    // A box of 2 m by 1.4 m in square bins, and in as many along both sides.
    let lattice = Lattice::hexagonal(0.5, 0.2);
    let score = |rows: usize, cols: usize| {
        let (height, width) = (1.4 / rows as f64, 2.0 / cols as f64);
        let map = Array2::from_shape_fn((rows, cols), |(row, col)| {
            lattice.rate((col as f64 + 0.5) * width, (row as f64 + 0.5) * height, [0.03, 0.07])
        });
        let lags = autocorrelogram(&map);
        Masks::new(lags.dim(), (height, width)).banino(lags.as_slice().expect("row-major")).value
    };
    let (square, oblong) = (score(14, 20), score(20, 20));
    assert!((square - oblong).abs() < 0.1, "{square} and {oblong}");
}

#[test]
fn undefined_scores_say_why() {
    let score = |map: &Array2<f64>| annuli().sargolini(autocorrelogram(map).as_slice().expect("row-major")).reason;
    assert_eq!(score(&map(|_, _| 0.0)), Some(Undefined::NoAutocorrelogram));
    assert_eq!(score(&map(|_, _| f64::NAN)), Some(Undefined::NoAutocorrelogram));
    assert_eq!(score(&map(|x, y| Lattice::hexagonal(0.5, 0.0).rate(x, y, [0.0, 0.0]))), None);
    let narrow = GridScoreConfig { outer_fraction: 0.2, min_ring_bins: 50 };
    let annuli = Annuli::new((2 * BINS - 1, 2 * BINS - 1), (BIN_M, BIN_M), 2.0, &narrow);
    assert_eq!(annuli.sargolini(autocorrelogram(&noise(3)).as_slice().expect("row-major")).reason, Some(Undefined::NoAnnulus));
}

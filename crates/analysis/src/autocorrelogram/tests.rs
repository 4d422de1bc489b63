//! The FFT form against the direct one, and laws that both obey.

use super::{Autocorrelator, reference};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

fn fast(map: ArrayView2<'_, f64>, min_overlap: usize) -> Array2<f64> {
    Autocorrelator::new(&map.mapv(|v| !v.is_nan()), min_overlap).map(map)
}

/// Equal within FFT rounding. The variance of an overlap is a difference of FFT sums of size 1 with errors near 1e-15, so r's error is about
/// 1e-15 over the smaller variance: lags whose overlap is that close to constant are held to less, in proportion.
fn assert_same(map: ArrayView2<'_, f64>, min_overlap: usize) {
    let (slow, quick) = (reference(map, min_overlap), fast(map, min_overlap));
    assert_eq!(slow.dim(), quick.dim());
    let disagreements = slow.iter().zip(&quick).filter(|(s, q)| s.is_nan() != q.is_nan()).count();
    assert_eq!(disagreements, 0, "lags defined in one form only");
    for ((lag, s), q) in slow.indexed_iter().zip(&quick) {
        if !s.is_nan() {
            assert!((s - q).abs() < 1e-9, "lag {lag:?}: {s} against {q}");
        }
    }
}

fn noise(rows: usize, cols: usize, seed: u64) -> Array2<f64> {
    let mut stream = gridlake_space::seed::Seed(seed).stream("autocorrelogram-tests", 0);
    Array2::from_shape_fn((rows, cols), |_| stream.normal())
}

#[test]
fn white_noise_with_and_without_holes() {
    let mut map = noise(17, 23, 1);
    assert_same(map.view(), 20);
    let mut stream = gridlake_space::seed::Seed(2).stream("holes", 0);
    map.mapv_inplace(|v| if stream.uniform() < 0.3 { f64::NAN } else { v });
    assert_same(map.view(), 20);
}

#[test]
fn extreme_input() {
    for scale in [1e-300, 1e-12, 1e150, 1e300] {
        assert_same((noise(12, 12, 3) * scale).view(), 20);
    }
    // A large offset: Pearson's r does not see it, sums of squares would.
    assert_same((noise(12, 12, 4) + 1e6).view(), 20);
    let single = Array2::from_elem((1, 1), 2.0);
    assert!(fast(single.view(), 1)[[0, 0]].is_nan());
}

#[test]
fn constant_silent_and_unvisited_maps_are_undefined_everywhere() {
    for value in [0.0, 0.3, f64::NAN] {
        let map = Array2::from_elem((9, 11), value);
        assert!(fast(map.view(), 20).iter().all(|r| r.is_nan()), "{value}");
        assert!(reference(map.view(), 20).iter().all(|r| r.is_nan()), "{value}");
    }
}

#[test]
fn zero_overlapping_a_constant_part_is_undefined_not_noise() {
    let mut map = Array2::zeros((15, 15));
    map[[7, 7]] = 1.0;
    assert_same(map.view(), 5);
    assert!(fast(map.view(), 5)[[0, 0]].is_nan(), "corners overlap only in zeros");
}

#[test]
fn lags_are_signed_as_documented() {
    // A step at lag (+2 rows, +1 column): the strongest off-centre correlation of two points is there and at the opposite lag.
    let mut map = noise(14, 14, 5) * 0.01;
    map[[4, 6]] = 5.0;
    map[[6, 7]] = 5.0;
    let r = fast(map.view(), 20);
    let best = r.indexed_iter().filter(|(at, v)| *at != (13, 13) && !v.is_nan()).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    assert!(best == (13 + 2, 13 + 1) || best == (13 - 2, 13 - 1), "{best:?}");
}

#[test]
fn under_the_minimal_overlap_is_nan() {
    let r = fast(noise(10, 10, 6).view(), 20);
    assert!(r[[0, 0]].is_nan() && r[[0, 9]].is_nan(), "1 and 10 bins overlap");
    assert!(!r[[9 - 5, 9 - 5]].is_nan(), "25 bins overlap");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn both_forms_agree_on_any_map(
        rows in 1_usize..14, cols in 1_usize..14, seed in any::<u64>(), hole in 0.0_f64..0.9, exponent in -30_i32..30, offset in -10.0_f64..10.0,
        min_overlap in 3_usize..25,
    ) {
        let mut stream = gridlake_space::seed::Seed(seed).stream("any-map", 0);
        let map = Array2::from_shape_fn((rows, cols), |_| {
            if stream.uniform() < hole { f64::NAN } else { (offset + stream.normal()) * 10_f64.powi(exponent) }
        });
        assert_same(map.view(), min_overlap);
    }

    #[test]
    fn it_is_symmetric_one_at_zero_lag_and_blind_to_scale_and_offset(seed in any::<u64>(), gain in 0.01_f64..100.0, offset in -5.0_f64..5.0) {
        let map = noise(11, 13, seed);
        let r = fast(map.view(), 20);
        prop_assert!((r[[10, 12]] - 1.0).abs() < 1e-12);
        for ((i, j), v) in r.indexed_iter() {
            let mirrored = r[[20 - i, 24 - j]];
            prop_assert!(v.is_nan() == mirrored.is_nan() && (v.is_nan() || (v - mirrored).abs() < 1e-9));
        }
        let moved = fast((&map * gain + offset).view(), 20);
        for (v, w) in r.iter().zip(&moved) {
            prop_assert!(v.is_nan() == w.is_nan() && (v.is_nan() || (v - w).abs() < 1e-9));
        }
    }
}

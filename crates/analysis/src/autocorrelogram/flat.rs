//! Lags at which single precision is not enough, because one side of the overlap hardly varies: Pearson's r of these alone, summed directly in double precision.
//!
//! They are few and their overlaps small, but in sparse maps, whose corners are silent, there are some in nearly every map: to leave such maps to the
//! double-precision form as a whole took longer than all the rest of the autocorrelograms.

use super::fast::pearson;
use std::ops::Range;

/// Bins that may be summed for one pair of maps, over those of a map: beyond, the double-precision form takes less time.
const BINS: f64 = 100.0;

/// One lag of one of two maps.
struct FlatLag {
    which: usize,
    dy: usize,
    dx: isize,
    /// Its place in the result.
    at: usize,
    overlap: f64,
}

/// The lags of one pair of maps that are left to be summed.
#[derive(Default)]
pub(super) struct FlatLags {
    lags: Vec<FlatLag>,
    /// Bins of all their overlaps.
    bins: f64,
}

impl FlatLags {
    pub(super) fn clear(&mut self) {
        self.lags.clear();
        self.bins = 0.0;
    }

    pub(super) fn push(&mut self, which: usize, [dy, dx]: [isize; 2], at: usize, overlap: f64) {
        self.lags.push(FlatLag { which, dy: dy.unsigned_abs(), dx, at, overlap });
        self.bins += overlap;
    }

    /// Whether the lags are so many that summing them is no gain.
    pub(super) fn too_many(&self, bins: usize) -> bool {
        self.bins > BINS * bins as f64
    }

    /// Puts the lags' correlations into both maps' results. `mask` says which bins were visited; none where all were.
    pub(super) fn sum(&self, maps: [&[f32]; 2], cols: usize, mask: Option<&[bool]>, result: &mut [Vec<f32>; 2]) {
        for lag in &self.lags {
            result[lag.which][lag.at] = lag.correlation(maps[lag.which], cols, mask) as f32;
        }
    }
}

impl FlatLag {
    /// Pearson's r of `map` (rows of `cols` bins) with itself at this lag; NaN where one side is constant.
    fn correlation(&self, map: &[f32], cols: usize, mask: Option<&[bool]>) -> f64 {
        let shift = self.dx.unsigned_abs().min(cols);
        let there: Range<usize> = if self.dx < 0 { 0..cols - shift } else { shift..cols };
        let here: Range<usize> = if self.dx < 0 { shift..cols } else { 0..cols - shift };
        let (mut products, mut sums, mut squares) = (0.0, (0.0, 0.0), (0.0, 0.0));
        let below = self.dy * cols;
        for row in (0..map.len() - below).step_by(cols.max(1)) {
            let (here, there) = (row + here.start..row + here.end, row + below + there.start..row + below + there.end);
            let seen = |at: usize| mask.is_none_or(|mask| mask[at]);
            for (first, second) in here.zip(there) {
                if seen(first) && seen(second) {
                    let (a, b) = (f64::from(map[first]), f64::from(map[second]));
                    products += a * b;
                    sums = (sums.0 + a, sums.1 + b);
                    squares = (squares.0 + a * a, squares.1 + b * b);
                }
            }
        }
        pearson(self.overlap, products, sums, squares)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;
    use gridlake_space::seed::Seed;
    use ndarray::Array2;

    /// Against the direct form, at lags of all signs; with and without holes.
    #[test]
    fn a_lag_is_what_the_direct_form_has() {
        let (rows, cols) = (9, 11);
        for hole in [0.0, 0.2] {
            let mut stream = Seed(3).stream("flat", 0);
            let map = Array2::from_shape_fn((rows, cols), |_| if stream.uniform() < hole { f32::NAN } else { stream.normal() as f32 });
            let expected = reference(map.mapv(f64::from).view(), 1);
            let (flat, mask): (Vec<f32>, Vec<bool>) = map.iter().map(|rate| (*rate, !rate.is_nan())).unzip();
            let lags: [[isize; 2]; 6] = [[0, 1], [0, -3], [2, 0], [5, 7], [3, -8], [7, -2]];
            let mut flats = FlatLags::default();
            for (at, &[dy, dx]) in lags.iter().enumerate() {
                let seen = |y: isize, x: isize| (0..9).contains(&y) && (0..11).contains(&x) && mask[y as usize * cols + x as usize];
                let pairs = (0..99).filter(|bin| seen(bin / 11, bin % 11) && seen(bin / 11 + dy, bin % 11 + dx)).count();
                flats.push(at % 2, [dy, dx], at, pairs as f64);
            }
            let mut result = [vec![f32::NAN; lags.len()], vec![f32::NAN; lags.len()]];
            flats.sum([&flat, &flat], cols, (hole > 0.0).then_some(&mask[..]), &mut result);
            for (at, [dy, dx]) in lags.into_iter().enumerate() {
                let (found, expected) = (f64::from(result[at % 2][at]), expected[[(8 + dy) as usize, (10 + dx) as usize]]);
                assert!((found - expected).abs() < 1e-6, "lag ({dy}, {dx}): {found} and {expected}");
                assert!(result[1 - at % 2][at].is_nan(), "of the other map nothing was asked");
            }
            assert!(!flats.too_many(99) && flats.too_many(1));
        }
    }
}

//! The `banino` score: fixed masks on 20 bins.
//!
//! As in the code published with Banino et al. (2018), in the form without min and max that Sorscher et al. (2019) use. It departs from
//! that code in two ways: unvisited bins are left out (there they count as zero), and rotation is by cubic convolution.

use super::batch::{BatchRotations, BatchWorkspace, LANES, Pairs, Total};
use super::rotation::Rotations;
use super::{Score, Undefined};

const DEGREES: [f64; 5] = [30.0, 60.0, 90.0, 120.0, 150.0];
const INNER: f64 = 0.2;
/// Added to the ring's variance, as in the published code.
const EPSILON: f64 = 1e-5;
/// Fewest pairs of defined lags (of one half plane) in a ring.
const FEWEST_PAIRS: f64 = 10.0;

/// Precomputed rings and rotations for one shape of autocorrelogram.
#[derive(Clone)]
pub struct Masks {
    rotations: Rotations,
    /// First lag beyond the inner radius, and the end of each of the ten rings.
    from: usize,
    ends: Vec<usize>,
    batch: BatchRotations,
}

impl Masks {
    /// Bins along the longer side of the map that the masks are made for.
    pub const BINS: usize = 20;

    /// For autocorrelograms of `shape` lags (rows, columns; odd) of maps of at most 20 bins along the longer side, with bins of
    /// `bin_m` = (height, width) metres. Radii are shares of the map's longer side (of its bins, where these are square): inner 0.2, outer 0.4 to 1 in ten steps.
    pub fn new(shape: (usize, usize), bin_m: (f64, f64)) -> Self {
        let bin_m_of_radii = bin_m.0.min(bin_m.1);
        let side = |lags: usize, bin_m: f64| lags.div_ceil(2) as f64 * bin_m / bin_m_of_radii;
        // In shorter bin widths, as radii are.
        let bins = side(shape.0, bin_m.0).max(side(shape.1, bin_m.1));
        let rotations = Rotations::new(shape, bin_m, bins, &DEGREES);
        let from = rotations.radius.partition_point(|&radius| radius <= INNER * bins);
        let ends: Vec<usize> = (0..10)
            .map(|step| {
                let outer = (0.4 + 0.6 * f64::from(step) / 9.0) * bins;
                rotations.radius.partition_point(|&radius| radius <= outer + 1e-9)
            })
            .collect();
        let turns = shape.0 == shape.1 && (bin_m.0 / bin_m.1 - 1.0).abs() < 1e-9;
        let starts = std::iter::once(from).chain(ends.iter().map(|&end| end.max(from)));
        let rings = starts.zip(&ends).map(|(start, &end)| start..end.max(start)).collect();
        let batch = BatchRotations::new(&rotations, &DEGREES, shape, turns, rings);
        Self { rotations, from, ends, batch }
    }

    /// The score of one autocorrelogram (flat, row-major); see [`crate::grid_score`] for its definition.
    pub fn banino(&self, values: &[f64]) -> Score {
        if values.iter().all(|r| r.is_nan()) {
            return Score::undefined(Undefined::NoAutocorrelogram);
        }
        let end = self.ends.last().copied().unwrap_or(0).max(self.from);
        let lags = self.from..end;
        let rotated: Vec<[f64; 5]> =
            lags.clone().map(|lag| std::array::from_fn(|angle| self.rotations.rotated(values, angle, lag))).collect();
        let still: Vec<f64> = lags.map(|lag| values[self.rotations.at[lag]]).collect();
        let value = self.ends.iter().map(|&end| ring_score(&still[..end.max(self.from) - self.from], &rotated)).fold(f64::NAN, f64::max);
        if value.is_nan() { Score::undefined(Undefined::NoAnnulus) } else { Score::defined(value) }
    }
}

impl Masks {
    /// The scores of up to [`LANES`] autocorrelograms in single precision: lags of the half plane `dy ≥ 0`, row-major. NaN where undefined.
    pub(crate) fn batch(&self, planes: &[Vec<f32>], workspace: &mut BatchWorkspace) -> [f64; LANES] {
        self.batch.load(planes, workspace);
        self.batch.sum(workspace);
        let mut found = [f64::NAN; LANES];
        for (lane, (found, plane)) in found.iter_mut().zip(planes).enumerate() {
            *found = self.lane(&workspace.pairs, lane).unwrap_or_else(|| self.banino(&self.batch.whole(plane)).value);
        }
        found
    }

    /// The score of one autocorrelogram from its sums; `None` where single precision is not enough.
    fn lane(&self, pairs: &[Pairs], lane: usize) -> Option<f64> {
        let rings = self.batch.rings();
        let (still, rotated) = pairs.split_at(rings);
        let (mut all, mut pairs) = (Total::default(), [Total::default(); DEGREES.len()]);
        let mut best = f64::NAN;
        for ring in 0..rings {
            all.add(&still[ring], lane);
            if !all.precise() {
                return None;
            }
            let mean = all.s / all.n;
            let variance = (all.ss / all.n - mean * mean).max(0.0) + EPSILON;
            for (pair, rings) in pairs.iter_mut().zip(rotated.chunks_exact(rings)) {
                pair.add(&rings[ring], lane);
            }
            let r = pairs.map(|pair| {
                let sum = pair.st - mean * (pair.s + pair.t) + pair.n * mean * mean;
                if pair.n < FEWEST_PAIRS { f64::NAN } else { sum / pair.n / variance }
            });
            best = best.max(f64::midpoint(r[1], r[3]) - (r[0] + r[2] + r[4]) / 3.0);
        }
        Some(best)
    }
}

fn ring_score(still: &[f64], rotated: &[[f64; 5]]) -> f64 {
    let defined = || still.iter().zip(rotated).filter(|(s, _)| !s.is_nan());
    let n = defined().count() as f64;
    let mean = defined().map(|(s, _)| s).sum::<f64>() / n;
    let variance = defined().map(|(s, _)| (s - mean).powi(2)).sum::<f64>() / n + EPSILON;
    let r: [f64; 5] = std::array::from_fn(|angle| {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (s, t) in defined().map(|(s, t)| (s, t[angle])).filter(|(_, t)| !t.is_nan()) {
            sum += (s - mean) * (t - mean);
            pairs += 1.0;
        }
        if pairs < FEWEST_PAIRS { f64::NAN } else { sum / pairs / variance }
    });
    f64::midpoint(r[1], r[3]) - (r[0] + r[2] + r[4]) / 3.0
}

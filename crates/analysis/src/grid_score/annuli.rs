//! Scores on annuli that grow from the central peak's edge: `sargolini` and the 90° score.

use super::batch::{BatchRotations, BatchWorkspace, LANES, Pairs, Total};
use super::rotation::Rotations;
use super::{Score, Undefined};
use crate::config::GridScoreConfig;

/// The rotations that both scores compare, in degrees.
const DEGREES: [f64; 7] = [30.0, 60.0, 90.0, 120.0, 150.0, 45.0, 135.0];
/// Fewest pairs of defined lags (of one half plane) in an annulus.
const FEWEST_PAIRS: f64 = 10.0;

/// Precomputed annuli and rotations for one shape of autocorrelogram.
#[derive(Clone)]
pub struct Annuli {
    rotations: Rotations,
    /// Ring of each lag: its radius rounded to whole bins.
    ring: Vec<usize>,
    rings: usize,
    min_ring_bins: usize,
    batch: BatchRotations,
}

/// Sums over pairs (unrotated s, rotated t) of one ring.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    s: f64,
    t: f64,
    ss: f64,
    tt: f64,
    st: f64,
}

impl Sums {
    fn add(&mut self, s: f64, t: f64) {
        self.n += 1.0;
        self.s += s;
        self.t += t;
        self.ss += s * s;
        self.tt += t * t;
        self.st += s * t;
    }

    fn join(&mut self, other: &Self) {
        self.n += other.n;
        self.s += other.s;
        self.t += other.t;
        self.ss += other.ss;
        self.tt += other.tt;
        self.st += other.st;
    }

    fn pearson(&self) -> f64 {
        let var_s = self.ss - self.s * self.s / self.n;
        let var_t = self.tt - self.t * self.t / self.n;
        if self.n < FEWEST_PAIRS || var_s <= 1e-12 * self.n || var_t <= 1e-12 * self.n {
            return f64::NAN;
        }
        (self.st - self.s * self.t / self.n) / (var_s * var_t).sqrt()
    }
}

impl Annuli {
    /// For autocorrelograms of `shape` lags (rows, columns; odd) with bins of `bin_m` = (height, width) metres.
    /// `shorter_side_m` is the box's shorter side, to which `config.outer_fraction` refers.
    pub fn new(shape: (usize, usize), bin_m: (f64, f64), shorter_side_m: f64, config: &GridScoreConfig) -> Self {
        let unit = bin_m.0.min(bin_m.1);
        let reach = ((shape.0 / 2) as f64 * bin_m.0).min((shape.1 / 2) as f64 * bin_m.1);
        let largest = (config.outer_fraction * shorter_side_m).min(reach) / unit;
        let rotations = Rotations::new(shape, bin_m, largest, &DEGREES);
        let ring: Vec<usize> = rotations.radius.iter().map(|radius| radius.round() as usize).collect();
        let rings = ring.last().map_or(0, |last| last + 1);
        let turns = shape.0 == shape.1 && (bin_m.0 / bin_m.1 - 1.0).abs() < 1e-9;
        let ranges = (0..rings).map(|r| ring.partition_point(|&ring| ring < r)..ring.partition_point(|&ring| ring <= r)).collect();
        let batch = BatchRotations::new(&rotations, &DEGREES, shape, turns, ranges);
        Self { rotations, ring, rings, min_ring_bins: config.min_ring_bins, batch }
    }

    /// Edge of the central peak, in rings: the first ring whose mean is at most zero or lower than the next ring's.
    fn edge(&self, values: &[f64]) -> Result<usize, Undefined> {
        let mut sums = vec![(0.0, 0.0); self.rings];
        for (&at, &ring) in self.rotations.at.iter().zip(&self.ring) {
            if !values[at].is_nan() {
                sums[ring].0 += values[at];
                sums[ring].1 += 1.0;
            }
        }
        if sums.iter().all(|sum| sum.1 == 0.0) {
            return Err(Undefined::NoAutocorrelogram);
        }
        let means: Vec<f64> = sums.iter().map(|(sum, n)| sum / n).collect();
        edge(&means)
    }

    /// Both scores of one autocorrelogram (flat, row-major): `sargolini`, then the 90° score.
    pub fn scores(&self, values: &[f64]) -> [Score; 2] {
        let edge = match self.edge(values) {
            Ok(edge) => edge,
            Err(reason) => return [Score::undefined(reason); 2],
        };
        let from = self.ring.partition_point(|&ring| ring < edge);
        let mut per_ring = vec![[Sums::default(); DEGREES.len()]; self.rings];
        for lag in from..self.ring.len() {
            let s = values[self.rotations.at[lag]];
            if s.is_nan() {
                continue;
            }
            for (angle, sums) in per_ring[self.ring[lag]].iter_mut().enumerate() {
                let t = self.rotations.rotated(values, angle, lag);
                if !t.is_nan() {
                    sums.add(s, t);
                }
            }
        }
        let mut inside = [Sums::default(); DEGREES.len()];
        let mut hexagonal = Vec::with_capacity(self.rings);
        let mut square = Vec::with_capacity(self.rings);
        for (ring, more) in per_ring.iter().enumerate().skip(edge) {
            for (sum, part) in inside.iter_mut().zip(more) {
                sum.join(part);
            }
            if ring + 1 < edge + self.min_ring_bins {
                continue;
            }
            let r = inside.map(|sums| sums.pearson());
            hexagonal.push(strict_min(r[1], r[3]) - strict_max(r[0], strict_max(r[2], r[4])));
            square.push(r[2] - strict_max(r[5], r[6]));
        }
        [best(&hexagonal), best(&square)]
    }

    /// Both scores of up to [`LANES`] autocorrelograms in single precision: lags of the half plane `dy ≥ 0`, row-major. NaN where undefined.
    pub(crate) fn batch(&self, planes: &[Vec<f32>], workspace: &mut BatchWorkspace) -> [[f64; 2]; LANES] {
        self.batch.load(planes, workspace);
        self.batch.sum(workspace);
        let mut found = [[f64::NAN; 2]; LANES];
        for (lane, (found, plane)) in found.iter_mut().zip(planes).enumerate() {
            *found = self.lane(&workspace.pairs, lane).unwrap_or_else(|| self.scores(&self.batch.whole(plane)).map(|score| score.value));
        }
        found
    }

    /// Scores of one autocorrelogram from its sums; `None` where single precision is not enough.
    fn lane(&self, pairs: &[Pairs], lane: usize) -> Option<[f64; 2]> {
        let (still, rotated) = pairs.split_at(self.batch.rings());
        let means: Vec<f64> = still.iter().map(|ring| f64::from(ring.s[lane]) / f64::from(ring.n[lane])).collect();
        let Ok(edge) = edge(&means) else { return Some([f64::NAN; 2]) };
        let mut inside = [Total::default(); DEGREES.len()];
        let (mut hexagonal, mut square) = (Best::default(), Best::default());
        for ring in edge..self.rings {
            for (sum, rings) in inside.iter_mut().zip(rotated.chunks_exact(self.rings)) {
                sum.add(&rings[ring], lane);
            }
            if ring + 1 < edge + self.min_ring_bins {
                continue;
            }
            if !inside.iter().all(Total::precise) {
                return None;
            }
            let r = inside.map(|sum| Sums { n: sum.n, s: sum.s, t: sum.t, ss: sum.ss, tt: sum.tt, st: sum.st }.pearson());
            hexagonal.push(strict_min(r[1], r[3]) - strict_max(r[0], strict_max(r[2], r[4])));
            square.push(r[2] - strict_max(r[5], r[6]));
        }
        Some([hexagonal.best, square.best])
    }

    /// The 60° score; see the module for its definition.
    pub fn sargolini(&self, values: &[f64]) -> Score {
        self.scores(values)[0]
    }

    /// The 90° score; see the module for its definition.
    pub fn square90(&self, values: &[f64]) -> Score {
        self.scores(values)[1]
    }
}

/// The first ring whose mean is at most zero or lower than the next ring's.
fn edge(means: &[f64]) -> Result<usize, Undefined> {
    (1..means.len())
        .find(|&ring| means[ring] <= 0.0 || (ring + 1 < means.len() && means[ring] < means[ring + 1]))
        .ok_or(Undefined::NoCentralEdge)
}

/// The best mean of three neighbours so far.
struct Best {
    last: [f64; 2],
    best: f64,
}

impl Default for Best {
    fn default() -> Self {
        Self { last: [f64::NAN; 2], best: f64::NAN }
    }
}

impl Best {
    fn push(&mut self, score: f64) {
        self.best = self.best.max((self.last[0] + self.last[1] + score) / 3.0);
        self.last = [self.last[1], score];
    }
}

/// As `f64::min`, but NaN where either is.
fn strict_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// As `f64::max`, but NaN where either is.
fn strict_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// Best mean of three neighbouring radii.
fn best(scores: &[f64]) -> Score {
    let means = scores.windows(3).map(|window| window.iter().sum::<f64>() / 3.0);
    let value = means.fold(f64::NAN, f64::max);
    if value.is_nan() { Score::undefined(Undefined::NoAnnulus) } else { Score::defined(value) }
}

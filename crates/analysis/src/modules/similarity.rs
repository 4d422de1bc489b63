//! A cross-check that knows no fit: are autocorrelograms more alike within modules than between?
//!
//! Pearson's r of two units' autocorrelograms over the lags up to half the box that both define, each pair of opposite lags once, zero lag left out. Autocorrelograms
//! do not depend on a unit's phase, so units of one module have nearly the same. The statistic is the mean r over pairs within modules less that over pairs
//! between; its null permutes the labels among the units, `p = (1 + #(null ≥ observed)) / (1 + permutations)`.
//!
//! Labels that were themselves made from the maps are not independent of them: the p-value says that modules differ in their maps, not that
//! they are discrete.

use gridlake_space::seed::Seed;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Units taken from each module, drawn by the seed: 200 make 19,900 pairs, which tell a mean to a hundredth.
const MOST_UNITS: usize = 200;
/// Fewest lags that two autocorrelograms must share.
const FEWEST_LAGS: usize = 20;

/// An autocorrelogram up to half the box, each pair of opposite lags once, NaN = undefined: what is kept of a unit while others are read.
#[derive(Debug, Clone, PartialEq)]
pub struct CentralLags(Vec<f32>);

impl CentralLags {
    /// From an autocorrelogram, `(2 ny - 1) x (2 nx - 1)` lags, zero lag in the middle.
    pub fn of(autocorrelogram: ArrayView2<'_, f64>) -> Self {
        let (rows, cols) = autocorrelogram.dim();
        let (middle_row, middle_col) = (rows / 2, cols / 2);
        let (reach_row, reach_col) = (rows.div_ceil(4), cols.div_ceil(4));
        let mut lags = Vec::new();
        for row in middle_row..(middle_row + reach_row + 1).min(rows) {
            for col in middle_col.saturating_sub(reach_col)..(middle_col + reach_col + 1).min(cols) {
                if row > middle_row || col > middle_col {
                    lags.push(autocorrelogram[[row, col]] as f32);
                }
            }
        }
        Self(lags)
    }

    /// Pearson's r with another of the same shape; NaN where fewer than 20 lags are shared or one side is constant.
    fn correlation(&self, other: &Self) -> f64 {
        let shared = || self.0.iter().zip(&other.0).map(|(a, b)| (f64::from(*a), f64::from(*b))).filter(|(a, b)| (a * b).is_finite());
        let (count, a, b) = shared().fold((0_usize, 0.0, 0.0), |(n, x, y), (a, b)| (n + 1, x + a, y + b));
        if count < FEWEST_LAGS {
            return f64::NAN;
        }
        let (mean_a, mean_b) = (a / count as f64, b / count as f64);
        let (ab, aa, bb) = shared().fold((0.0, 0.0, 0.0), |(ab, aa, bb), (a, b)| {
            let (a, b) = (a - mean_a, b - mean_b);
            (ab + a * b, aa + a * a, bb + b * b)
        });
        if aa > 1e-12 && bb > 1e-12 { (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0) } else { f64::NAN }
    }
}

/// The comparison in one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct Similarity {
    /// Mean r over pairs of units of one module, all modules together (NaN: no such pair).
    pub within: f64,
    /// Mean r over pairs of units of different modules (NaN: fewer than two modules).
    pub between: f64,
    /// Per module label: mean r within, and the largest mean r with another module.
    pub modules: Vec<(f64, f64)>,
    /// p-value of `within - between`; NaN with a reason where there is nothing to compare.
    pub p: f64,
    /// Why `p` is NaN.
    pub reason: Option<String>,
    /// Units compared.
    pub units: usize,
}

/// Compares units with labels 0 … `modules` - 1, `(label, lags)`, all lags from one arena. `seed`: stream `analysis/modules/similarity`.
///
/// # Panics
/// Where a label is not below `modules`.
pub fn similarity(units: &[(usize, &CentralLags)], modules: usize, permutations: usize, seed: Seed) -> Similarity {
    let mut stream = seed.stream("analysis/modules/similarity", 0);
    let mut taken = vec![0; modules];
    let mut chosen: Vec<usize> = stream
        .permutation(units.len())
        .into_iter()
        .map(|i| i as usize)
        .filter(|&i| {
            taken[units[i].0] += 1;
            taken[units[i].0] <= MOST_UNITS
        })
        .collect();
    chosen.sort_unstable();
    let n = chosen.len();
    let table: Vec<Vec<f64>> =
        (0..n).into_par_iter().map(|i| (0..i).map(|j| units[chosen[i]].1.correlation(units[chosen[j]].1)).collect()).collect();
    let mut labels: Vec<usize> = chosen.iter().map(|&i| units[i].0).collect();
    let mut sums = vec![(0.0, 0_usize); modules * modules];
    for i in 0..n {
        for j in 0..i {
            let at = labels[i].min(labels[j]) * modules + labels[i].max(labels[j]);
            if table[i][j].is_finite() {
                sums[at] = (sums[at].0 + table[i][j], sums[at].1 + 1);
            }
        }
    }
    let mean = |(sum, count): (f64, usize)| if count == 0 { f64::NAN } else { sum / count as f64 };
    let total = |same: bool| {
        mean(
            (0..modules * modules)
                .filter(|at| (at / modules == at % modules) == same)
                .fold((0.0, 0), |t, at| (t.0 + sums[at].0, t.1 + sums[at].1)),
        )
    };
    let pair = |a: usize, b: usize| mean(sums[a.min(b) * modules + a.max(b)]);
    let each = (0..modules)
        .map(|m| (pair(m, m), (0..modules).filter(|&other| other != m).map(|other| pair(m, other)).fold(f64::NAN, f64::max)))
        .collect();
    let mut found = Similarity { within: total(true), between: total(false), modules: each, p: f64::NAN, reason: None, units: n };
    if !(found.within.is_finite() && found.between.is_finite()) {
        found.reason = Some(if modules < 2 { "fewer than two modules" } else { "no two autocorrelograms to compare" }.to_owned());
        return found;
    }
    let difference = |labels: &[usize]| {
        let (mut within, mut between) = ((0.0, 0_usize), (0.0, 0_usize));
        for i in 0..n {
            for (r, label) in table[i].iter().zip(labels) {
                if r.is_finite() {
                    let sum = if labels[i] == *label { &mut within } else { &mut between };
                    *sum = (sum.0 + r, sum.1 + 1);
                }
            }
        }
        mean(within) - mean(between)
    };
    let observed = difference(&labels);
    let mut as_large = 0;
    for _ in 0..permutations {
        stream.shuffle(&mut labels);
        // Sums in another order differ by rounding: a tie is a tie.
        as_large += usize::from(difference(&labels) >= observed - 1e-12);
    }
    found.p = (1 + as_large) as f64 / (1 + permutations) as f64;
    found
}

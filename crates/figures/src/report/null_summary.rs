//! A null distribution in few numbers.

use crate::number::drawable;
use crate::quantile::quantile;

/// The quantiles that [`NullSummary`] keeps.
pub const QUANTILE_LEVELS: [f64; 5] = [0.01, 0.05, 0.5, 0.95, 0.99];

/// Bins of the histogram.
const BINS: usize = 24;

/// A null distribution: a histogram and [`QUANTILE_LEVELS`] of its defined samples.
#[derive(Debug, Clone, PartialEq)]
pub struct NullSummary {
    pub(super) defined: usize,
    pub(super) undefined: usize,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) counts: Vec<u32>,
    pub(super) quantiles: [f64; 5],
}

impl NullSummary {
    /// Summarizes the scores of surrogate maps, in any order.
    ///
    /// NaN, infinities and values beyond ±10¹⁰⁰ count as undefined. Quantiles interpolate linearly between order
    /// statistics (type 7 of Hyndman & Fan 1996), as the analysis' own do; NaN without a defined sample.
    #[must_use]
    pub fn new(samples: &[f64]) -> Self {
        let mut sorted: Vec<f64> = samples.iter().copied().filter(|sample| drawable(*sample)).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN));
        let mut counts = vec![0; if sorted.is_empty() { 0 } else { BINS }];
        for sample in &sorted {
            let share = if high > low { (sample - low) / (high - low) } else { 0.5 };
            counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let quantiles = QUANTILE_LEVELS.map(|level| quantile(&sorted, level));
        Self { defined: sorted.len(), undefined: samples.len() - sorted.len(), low, high, counts, quantiles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_quantiles_and_counts() {
        let samples: Vec<f64> = (0..=100).rev().map(f64::from).chain([f64::NAN]).collect();
        let null = NullSummary::new(&samples);
        assert_eq!(null.quantiles, [1.0, 5.0, 50.0, 95.0, 99.0]);
        assert_eq!((null.defined, null.undefined, null.low, null.high), (101, 1, 0.0, 100.0));
        assert_eq!(null.counts.iter().sum::<u32>(), 101);
        assert!(null.counts.iter().all(|&count| (4..=5).contains(&count)), "uniform samples: {:?}", null.counts);
    }

    #[test]
    fn no_sample_and_one_value_are_no_trouble() {
        let none = NullSummary::new(&[f64::NAN, f64::INFINITY]);
        assert!(none.quantiles.iter().all(|quantile| quantile.is_nan()) && none.counts.is_empty() && none.undefined == 2);
        let one = NullSummary::new(&[2.0, 2.0]);
        assert_eq!((one.quantiles, one.counts[BINS / 2]), ([2.0; 5], 2));
    }
}

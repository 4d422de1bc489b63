//! A map's mean and spread: surrogates are made and scored at mean 0 and variance 1, in single precision.

/// Variance, relative to the largest rate squared, at or below which a map counts as constant: rounding of sums.
const ROUNDING: f64 = 1e-24;

/// Mean and standard deviation over visited bins, in units of the largest rate's size, so that sums of squares neither cancel nor overflow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    largest: f64,
    mean: f64,
    deviation: f64,
    /// Whether the map is anything but constant.
    pub(super) varies: bool,
}

impl Scale {
    /// Of the rates in `bins` of `map`.
    pub(super) fn of(map: &[f64], bins: &[usize]) -> Self {
        let largest = bins.iter().fold(0.0_f64, |m, &bin| m.max(map[bin].abs()));
        if largest == 0.0 || !largest.is_finite() {
            return Self { largest: 1.0, mean: 0.0, deviation: 1.0, varies: false };
        }
        let n = bins.len() as f64;
        let mean = bins.iter().map(|&bin| map[bin] / largest).sum::<f64>() / n;
        let variance = bins.iter().map(|&bin| (map[bin] / largest - mean).powi(2)).sum::<f64>() / n;
        let varies = variance > ROUNDING;
        Self { largest, mean, deviation: if varies { variance.sqrt() } else { 1.0 }, varies }
    }

    /// A rate as a number of standard deviations from the mean.
    pub(super) fn standard(&self, rate: f64) -> f64 {
        (rate / self.largest - self.mean) / self.deviation
    }

    /// A whole map in single precision; zeros where it is constant.
    pub(super) fn standardised(&self, map: &[f64]) -> Vec<f32> {
        map.iter().map(|&rate| if self.varies { self.standard(rate) as f32 } else { 0.0 }).collect()
    }

    /// Where a rate of zero lies below the mean, in standard deviations.
    pub(super) fn floor(&self) -> f64 {
        self.mean / self.deviation
    }

    /// The rate that so many standard deviations are.
    pub(super) fn rate(&self, standard: f64) -> f64 {
        (standard * self.deviation + self.mean) * self.largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_standardises_and_goes_back_at_any_scale() {
        for factor in [1e-300, 1.0, 1e300] {
            let map: Vec<f64> = [0.0, 1.0, f64::NAN, 0.5, 0.25].map(|rate| rate * factor).to_vec();
            let bins = [0, 1, 3, 4];
            let scale = Scale::of(&map, &bins);
            let standard = bins.map(|bin| scale.standard(map[bin]));
            assert!(scale.varies && standard.iter().sum::<f64>().abs() < 1e-12);
            assert!((standard.iter().map(|z| z * z).sum::<f64>() / 4.0 - 1.0).abs() < 1e-12);
            assert!(bins.iter().zip(standard).all(|(&bin, z)| (scale.rate(z) / factor - map[bin] / factor).abs() < 1e-12));
        }
    }

    #[test]
    fn constant_silent_and_empty_maps_do_not_vary() {
        for (map, bins) in [(vec![0.3; 4], 0..4), (vec![0.0; 4], 0..4), (vec![f64::NAN; 4], 0..0)] {
            let bins: Vec<usize> = bins.collect();
            assert!(!Scale::of(&map, &bins).varies);
        }
    }
}

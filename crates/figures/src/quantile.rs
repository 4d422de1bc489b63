//! Quantiles of samples.

/// The quantile of sorted samples at `level` in [0, 1], linear between order statistics (type 7 of Hyndman & Fan 1996), as the analysis has it; NaN without a
/// sample.
pub(crate) fn quantile(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = level * last as f64;
    let below = place.floor() as usize;
    sorted[below] + (sorted[(below + 1).min(last)] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_samples_it_is_linear() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (level, expected) in [(0.0, 1.0), (0.25, 2.0), (0.5, 4.0), (0.625, 6.0), (0.9, 12.8), (1.0, 16.0)] {
            assert!((quantile(&sorted, level) - expected).abs() < 1e-12, "{level}");
        }
        assert!(quantile(&[], 0.5).is_nan() && quantile(&[3.0], 0.99) == 3.0);
    }
}

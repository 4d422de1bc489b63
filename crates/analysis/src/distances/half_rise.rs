//! The separation at which neural distance has risen to half of chance.

/// Fewest pairs of a bin whose mean counts.
pub const MIN_PAIRS: f64 = 10.0;

/// Where a curve of mean neural distance first reaches half of `chance`, by linear interpolation between bins.
///
/// * `separations_m`, `means`, `pairs`: per bin, rising in separation; bins of fewer than [`MIN_PAIRS`] pairs are passed over.
///
/// # Errors
/// Why there is none: chance is 0, no bin has pairs enough, the first of them is there already, or none ever is.
pub fn half_rise_m(separations_m: &[f64], means: &[f64], pairs: &[f64], chance: f64) -> Result<f64, &'static str> {
    let half = chance / 2.0;
    if half.is_nan() || half <= 0.0 {
        return Err("all states are the same: chance is a distance of 0");
    }
    let mut before: Option<(f64, f64)> = None;
    for ((&separation, &mean), &pairs) in separations_m.iter().zip(means).zip(pairs) {
        if pairs < MIN_PAIRS || !mean.is_finite() {
            continue;
        }
        if mean >= half {
            let (from, low) = before.ok_or(
                "half of chance is reached in the first bin already: bins are too wide, drift blurs places, or states do not tell them",
            )?;
            return Ok(from + (separation - from) * (half - low) / (mean - low));
        }
        before = Some((separation, mean));
    }
    Err(if before.is_none() { "no bin has 10 pairs" } else { "half of chance is not reached within the largest separation" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_and_says_why_not() {
        let (s, n) = ([0.1, 0.2, 0.3], [99.0; 3]);
        let at = half_rise_m(&s, &[0.0, 0.2, 0.6], &n, 0.8).expect("between the last two");
        assert!((at - 0.25).abs() < 1e-12);
        assert_eq!(half_rise_m(&s, &[0.5, 0.5, 0.5], &n, 0.8).map_err(|e| e.contains("first bin")), Err(true));
        assert_eq!(half_rise_m(&s, &[0.1, 0.1, f64::NAN], &n, 0.8).map_err(|e| e.contains("not reached")), Err(true));
        assert_eq!(half_rise_m(&s, &[0.1; 3], &[0.0; 3], 0.8).map_err(|e| e.contains("10 pairs")), Err(true));
        assert_eq!(half_rise_m(&s, &[0.0; 3], &n, 0.0).map_err(|e| e.contains("same")), Err(true));
        let skipped = half_rise_m(&s, &[0.0, 9.0, 0.8], &[99.0, 1.0, 99.0], 0.8).expect("the second has one pair");
        assert!((skipped - 0.2).abs() < 1e-12);
    }
}

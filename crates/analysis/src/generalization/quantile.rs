//! Quartiles.

/// Median and quartiles; NaN without values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quartiles {
    /// The quantile of 25 %.
    pub q25: f64,
    /// The quantile of 50 %.
    pub median: f64,
    /// The quantile of 75 %.
    pub q75: f64,
    /// How many values there were.
    pub count: usize,
}

impl Quartiles {
    /// Of the values that are finite, by linear interpolation between order statistics.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let [q25, median, q75] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
        Self { q25, median, q75, count: sorted.len() }
    }
}

/// Quantile of ascending values by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996); NaN without values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = share * last as f64;
    let below = at as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

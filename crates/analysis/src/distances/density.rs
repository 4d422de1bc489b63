//! Density of neural distances within each column of separations.

use ndarray::Array2;

/// Kernel density of binned distances (columns × levels) at the levels' centres, per unit of neural distance; NaN in columns without pairs.
///
/// A Gaussian kernel of standard deviation `bandwidth`, reflected at both ends of `[0, top]`, so that no density leaks out: each level's kernel is scaled to
/// integrate to 1 over the levels, hence each column does. Distances count as their level's centre: with levels a third of the bandwidth wide, the
/// density is off by about 0.5 % of its highest value.
pub fn density(counts: &Array2<u64>, top: f64, bandwidth: f64) -> Array2<f64> {
    let levels = counts.ncols();
    let width = top / levels as f64;
    let centre = |level: usize| (level as f64 + 0.5) * width;
    let gauss = |x: f64| (-0.5 * (x / bandwidth).powi(2)).exp();
    let mut kernel = Array2::from_shape_fn((levels, levels), |(from, to)| {
        let (d, at) = (centre(from), centre(to));
        gauss(at - d) + gauss(at + d) + gauss(2.0 * top - d - at)
    });
    for mut row in kernel.rows_mut() {
        let sum = row.sum() * width;
        row.mapv_inplace(|x| x / sum);
    }
    shares(counts).dot(&kernel)
}

/// Counts over their row's sum; NaN in rows without any.
pub(super) fn shares(counts: &Array2<u64>) -> Array2<f64> {
    let mut shares = counts.mapv(|count| count as f64);
    for mut row in shares.rows_mut() {
        let sum = row.sum();
        row.mapv_inplace(|x| if sum > 0.0 { x / sum } else { f64::NAN });
    }
    shares
}

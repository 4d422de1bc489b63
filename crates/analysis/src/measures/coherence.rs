//! Spatial coherence (Muller & Kubie 1989; Kubie, Muller & Bostock 1990).
//!
//! Pearson's r, over all visited bins with at least one visited neighbour, of a bin's rate and the mean rate of its visited neighbours (of the up to eight
//! that touch it). To be taken from maps that are *not* smoothed: smoothing makes neighbours alike.
//!
//! r is returned. The papers print Fisher's `z = artanh r`; its usual standard error `1/√(n-3)` does not hold here, because neighbouring pairs share
//! bins, so compare units by r or z, but draw no p-value from either.
//!
//! Departs from opexebo's `rate_map_coherence` in what is not there: it counts unvisited bins and those beyond the wall as zero rate, which
//! correlates bins at the wall and in holes.

use super::{Undefined, pearson};
use ndarray::ArrayView2;

/// Pearson's r of bins with the mean of their neighbours; see the module. NaN bins are unvisited.
///
/// # Errors
/// [`Undefined::TooFewBins`], [`Undefined::NotFinite`], or [`Undefined::Constant`].
pub fn coherence(map: ArrayView2<'_, f64>) -> Result<f64, Undefined> {
    let (rows, cols) = map.dim();
    if map.iter().all(|rate| rate.is_nan()) {
        return Err(Undefined::NothingVisited);
    }
    let mut pairs = Vec::with_capacity(map.len());
    for ((row, col), &rate) in map.indexed_iter().filter(|(_, rate)| !rate.is_nan()) {
        let (mut sum, mut count) = (0.0, 0_u32);
        for near_row in row.saturating_sub(1)..(row + 2).min(rows) {
            for near_col in col.saturating_sub(1)..(col + 2).min(cols) {
                let near = map[[near_row, near_col]];
                if (near_row, near_col) != (row, col) && !near.is_nan() {
                    sum += near;
                    count += 1;
                }
            }
        }
        if count > 0 {
            pairs.push((rate, sum / f64::from(count)));
        }
    }
    pearson(&pairs)
}

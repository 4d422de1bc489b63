//! Stability: are the maps of two halves of a recording alike?
//!
//! Pearson's r of the two maps' rates over the bins visited in both, of which there must be at least 20. How the recording is halved (first and
//! second half, or odd and even minutes) is the caller's choice, and belongs beside the number.

use super::{Undefined, pearson};
use ndarray::ArrayView2;

/// Pearson's r of two maps over the bins visited (not NaN) in both.
///
/// # Errors
/// [`Undefined::Shapes`], [`Undefined::TooFewBins`], [`Undefined::NotFinite`], or [`Undefined::Constant`] where either map is constant there.
pub fn stability(first: ArrayView2<'_, f64>, second: ArrayView2<'_, f64>) -> Result<f64, Undefined> {
    if first.dim() != second.dim() {
        return Err(Undefined::Shapes);
    }
    let both = first.iter().zip(second.iter()).filter(|(a, b)| !a.is_nan() && !b.is_nan());
    pearson(&both.map(|(a, b)| (*a, *b)).collect::<Vec<_>>())
}

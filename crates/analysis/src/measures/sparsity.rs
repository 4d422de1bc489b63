//! Sparsity (Skaggs, McNaughton, Wilson & Barnes 1996).
//!
//! With `p_i`, `λ_i` as for [spatial information](super::spatial_information),
//!
//! ```text
//! a = (Σ p_i λ_i)² / Σ p_i λ_i²        0 < a ≤ 1
//! ```
//!
//! 1 for a constant map; the share of the time over which a unit fires, if it fires evenly there and not elsewhere. *Small* is sparse. Equal to
//! opexebo's `sparsity` for non-negative rates; a map with negative rates has none here.

use super::{Undefined, frequencies};
use ndarray::{Array2, ArrayView2};

/// Skaggs' sparsity; see the module. Bins without visits are not read.
///
/// # Errors
/// As for [spatial information](super::spatial_information).
pub fn sparsity(map: ArrayView2<'_, f64>, occupancy: &Array2<u32>) -> Result<f64, Undefined> {
    let bins = frequencies(map, occupancy)?;
    let mean: f64 = bins.iter().map(|(p, rate)| p * rate).sum();
    let square: f64 = bins.iter().map(|(p, rate)| p * rate * rate).sum();
    Ok((mean * mean / square).min(1.0))
}

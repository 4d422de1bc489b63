//! Spatial information (Skaggs, McNaughton, Gothard & Markus 1993).
//!
//! With the probability `p_i` of being in bin `i` (its share of all visits), the rate `λ_i` there and the mean rate `λ = Σ p_i λ_i`,
//!
//! ```text
//! I = Σ_i p_i (λ_i/λ) log₂(λ_i/λ)        bits per event,   0 · log₂ 0 = 0
//! ```
//!
//! An *event* is a spike, or a unit of activity of a rate network. Information per moment (Skaggs' bits per second) is `λ I`. `I` is the divergence of the
//! distribution of places at events from that at all moments, so it is at least 0, at most log₂ of the inverse of the least `p_i`, 0 for a
//! constant map, and `log₂(1/share)` for a unit that fires evenly over a share of the time.
//!
//! The estimate from a finite recording is biased upwards, more so for rarely visited bins; it is not corrected here.
//!
//! Departs from opexebo's `rate_map_stats`, which replaces every `λ_i/λ` below 1 by 1 inside the logarithm. That drops all (negative) terms of bins
//! below the mean, so its number is larger, and is positive where no place is special. Nothing is clamped here; a map with negative rates has no
//! information instead.

use super::{Undefined, frequencies};
use ndarray::{Array2, ArrayView2};

/// Bits per event; see the module. Bins without visits are not read.
///
/// # Errors
/// [`Undefined::NothingVisited`], [`Undefined::NotFinite`], [`Undefined::Negative`], [`Undefined::Silent`], or [`Undefined::Shapes`].
pub fn spatial_information(map: ArrayView2<'_, f64>, occupancy: &Array2<u32>) -> Result<f64, Undefined> {
    let bins = frequencies(map, occupancy)?;
    let mean: f64 = bins.iter().map(|(p, rate)| p * rate).sum();
    let term = |&(p, rate): &(f64, f64)| {
        let relative = rate / mean;
        if relative > 0.0 { p * relative * relative.log2() } else { 0.0 }
    };
    // The sum is a divergence: below zero only by rounding.
    Ok(bins.iter().map(term).sum::<f64>().max(0.0))
}

//! Wave vectors, period and orientation of a map, finer than a bin of its spectrum.
//!
//! A 2 m box resolves 0.5 cycles/m, so a spacing of 1.2 m (0.96 cycles/m) is a peak that runs into its own mirror image and into its neighbours.
//! Peaks of the padded transform are therefore only where the search starts:
//!
//! 1. the mean is subtracted, the map padded with zeros to ≥ 4 times its size and transformed twice, with and without a Hann window; local
//!    maxima of both, pairs of them and the best hexagonal triads give candidate lattices ([`candidates`](self));
//! 2. a candidate (k₁, k₂, k₃ = -k₁-k₂) is refined by least squares on the map itself: a constant and three plane waves over the *visited*
//!    bins, amplitudes and wave vectors together (Levenberg-Marquardt), so neither window nor padding nor a hole in the map biases it;
//! 3. narrow fields make strong harmonics, which a short window mixes into the fundamental: the fit is repeated with the lattice's waves of
//!    order √3 and 2, and the lattice that explains most, with three and with nine waves, is kept. That selects the fundamental: a
//!    harmonic's lattice lacks the fundamental, a subharmonic's three waves carry no power;
//! 4. where the other waves add less than `band_power_ratio` of the strongest one's power, the map is a band: one wave vector.
//!
//! [`SpectrumErrors`] are the standard errors of all of these, and [`agreement`] holds them against the autocorrelogram's peaks. Bins need not be square:
//! a wave is resolved where `(k_x Δx)² + (k_y Δy)²` is below a constant, so the finer side of a bin holds higher frequencies.

mod agreement;
mod candidates;
mod errors;
pub(crate) mod fit;
mod moments;
mod noise;
#[cfg(test)]
mod reference;
mod search;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, ORIENTATION_WITHIN_DEG, SPACING_WITHIN, agreement};
pub use errors::SpectrumErrors;
pub use search::SpectrumSearch;

use crate::lattice::{LatticeShape, Wave};

/// The waves of one map.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitSpectrum {
    /// k₁, k₂, k₃ in cycles per metre; they sum to zero, no two at an acute angle, k₁ has the smallest angle in [0, 2π) among ±k, the rest
    /// follow counter-clockwise. A band has k₁ (angle in [0, π)) and NaN for the others.
    pub waves: [Wave; 3],
    /// `1 / mean |k|` in metres; for a band, `1 / |k₁|`.
    pub wavelength_m: f64,
    /// `2/√3 · wavelength_m`: the spacing, if the lattice is hexagonal.
    pub spacing_m: f64,
    /// Spacing of the hexagonal lattice with the same density of fields, `√(2A/√3)`, `A = 1/|k₁ × k₂|`; for a band, the wavelength.
    pub period_m: f64,
    /// Angle of the lattice's axes, see [`crate::lattice::orientation_rad`]; NaN for a band.
    pub orientation_rad: f64,
    /// The lattice's shape.
    pub shape: LatticeShape,
    /// Share of the map's variance that the three waves explain (0 to 1); for a band, its one wave.
    pub explained: f64,
    /// The same with the harmonics of order √3 and 2 (for a band, of order 2 and 3).
    pub explained_with_harmonics: f64,
}

/// Why a map has no spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSpectrum {
    /// Too few visited bins for the fit.
    #[error("too few bins were visited to fit waves")]
    TooFewBins,
    /// The map does not vary.
    #[error("the map is constant")]
    Constant,
    /// A visited bin holds no finite rate.
    #[error("the map holds values that are not finite")]
    NotFinite,
    /// No wave of at least `min_cycles` across the box.
    #[error("no wave with enough cycles across the box")]
    NoWave,
}

//! Grid scores: how much better an autocorrelogram matches itself after the rotations of a lattice than after others.
//!
//! Three named variants that are **not** on one scale (which is why each is held against its own null, [`crate::nulls`]):
//!
//! | Variant | Annulus | Form |
//! |---|---|---|
//! | [`sargolini`](Annuli::sargolini) | from the central peak's edge to every outer radius; best mean of three neighbouring radii | `min(r60, r120) - max(r30, r90, r150)`, Pearson |
//! | [`square90`](Annuli::square90) | the same | `r90 - max(r45, r135)`, Pearson |
//! | [`banino`](Masks::banino) | on 20 bins: from 4 bins to 8 … 20, the best of ten | `(r60 + r120)/2 - (r30 + r90 + r150)/3`, both sides centred and scaled by the unrotated ring |
//!
//! Rotation is by cubic convolution (Keys 1981) in metres, so bins need not be square. Undefined lags are left out, pair by pair.

mod annuli;
mod batch;
mod masks;
#[cfg(test)]
mod reference;
mod rotation;
#[cfg(test)]
mod tests;

pub use annuli::Annuli;
pub(crate) use batch::{BatchWorkspace, LANES};
pub use masks::Masks;

/// A score, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The score; NaN where undefined.
    pub value: f64,
    /// Why it is NaN.
    pub reason: Option<Undefined>,
}

/// Why a score is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// No lag has a correlation: nothing visited, or a constant map.
    #[error("the autocorrelogram is undefined: the map is constant or too few bins were visited")]
    NoAutocorrelogram,
    /// The radial mean neither falls to zero nor turns upwards within the largest radius.
    #[error("the central peak has no edge within the largest radius: the map varies on the scale of the box")]
    NoCentralEdge,
    /// No annulus holds enough defined lags that vary.
    #[error("no annulus between the central peak and the largest radius holds enough defined lags")]
    NoAnnulus,
}

impl Score {
    pub(crate) fn defined(value: f64) -> Self {
        Self { value, reason: None }
    }

    pub(crate) fn undefined(reason: Undefined) -> Self {
        Self { value: f64::NAN, reason: Some(reason) }
    }
}

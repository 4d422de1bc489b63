//! Separation (eq. 4) and invariance (eq. 5) over all ordered pairs of states, values and gradient in one sweep.
//!
//! Sep = Σ_{‖x-x'‖>σ_x} exp(-‖g-g'‖²/2σ_g²), Inv = Σ_{‖x-x'‖<σ_x} ‖g-g'‖², self-pairs included, each divided as [`Reduction`] says.
//! The B·T × B·T matrix never exists: tiles of 48 × 48 pairs of the upper triangle are computed, weighted and used in both directions while they are in cache.
//! The divisors depend on positions alone, so they are counted first. Distances of positions are compared in `f64`.
//!
//! Floating-point operations for S states of N units: forward S²·N, backward 2·S²·N. Extra memory: S·(N + 22) floats, 5 MB at the paper's size.

mod cpu;
mod cuda;
mod plan;
#[cfg(test)]
mod reference;

pub use cpu::PairSweep;
pub(crate) use cuda::{PairBuffers, PairInputs, reduction_number};
pub(crate) use plan::PairPlan;

use crate::config::LossConfig;
use serde::{Deserialize, Serialize};

/// What a pair sum is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Each sum by the number of its own pairs (0 if there are none).
    #[default]
    MeanSelected,
    /// Both by (B·T)².
    MeanAll,
    /// By 1: the paper's text to the letter.
    Sum,
}

/// Constants of the pair losses.
#[derive(Clone, Copy, Debug)]
pub struct PairSettings {
    /// Spatial scale σ_x, m.
    pub sigma_x_m: f64,
    /// Neural scale σ_g.
    pub sigma_g: f64,
    /// Weight of separation in the gradient.
    pub lambda_sep: f64,
    /// Weight of invariance in the gradient.
    pub lambda_inv: f64,
    /// Divisors.
    pub reduction: Reduction,
    /// Whether states and slopes are rounded to TF32 (10 bits of mantissa), as a GPU's tensor cores take them: the losses are then those of the rounded states.
    pub tf32: bool,
}

impl PairSettings {
    /// Of these losses.
    pub fn of(loss: &LossConfig, tf32: bool) -> Self {
        Self {
            sigma_x_m: loss.sigma_x_m,
            sigma_g: loss.sigma_g,
            lambda_sep: loss.lambda_sep,
            lambda_inv: loss.lambda_inv,
            reduction: loss.reduction,
            tf32,
        }
    }
}

/// Values of the pair losses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairLosses {
    /// Reduced separation loss.
    pub separation: f64,
    /// Reduced invariance loss.
    pub invariance: f64,
    /// Ordered pairs farther apart than σ_x.
    pub separation_pairs: u64,
    /// Ordered pairs nearer than σ_x.
    pub invariance_pairs: u64,
}

impl Reduction {
    /// The divisor of a sum over `selected` of the pairs of `states` states.
    pub(crate) fn divisor(self, selected: u64, states: usize) -> f64 {
        match self {
            Self::MeanSelected => selected.max(1) as f64,
            Self::MeanAll => (states as f64).powi(2),
            Self::Sum => 1.0,
        }
    }
}

#[cfg(test)]
mod tests;

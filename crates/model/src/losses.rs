//! What an engine reports of a batch: the four losses of eq. 4-7 and the counts behind them.

use crate::config::LossConfig;

/// The losses, each reduced, none weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Sep, eq. 4.
    pub separation: f64,
    /// Inv, eq. 5.
    pub invariance: f64,
    /// Cap, eq. 6, in [-1, 0].
    pub capacity: f64,
    /// `ConIso`, eq. 7, m⁻².
    pub conformal: f64,
}

impl Losses {
    /// The objective, eq. 8.
    pub fn total(&self, loss: &LossConfig) -> f64 {
        loss.lambda_sep * self.separation
            + loss.lambda_inv * self.invariance
            + loss.lambda_cap * self.capacity
            + loss.lambda_coniso * self.conformal
    }

    /// The first term that is not finite, by name.
    pub(crate) fn non_finite(&self) -> Option<&'static str> {
        [
            ("separation", self.separation),
            ("invariance", self.invariance),
            ("capacity", self.capacity),
            ("conformal isometry", self.conformal),
        ]
        .into_iter()
        .find(|(_, value)| !value.is_finite())
        .map(|(name, _)| name)
    }
}

/// Counts that the losses rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossStatistics {
    /// Ordered pairs farther apart than σ_x.
    pub separation_pairs: u64,
    /// Ordered pairs nearer than σ_x, self-pairs included.
    pub invariance_pairs: u64,
    /// Steps with 0 < ‖v‖ < σ_x.
    pub conformal_steps: u64,
    /// Share of states that are zero everywhere.
    pub zero_state_fraction: f64,
}

//! Settings of what is looked at in every arena: `[analyze.generalization]`.

use crate::config::{ConfigError, within};
use serde::{Deserialize, Serialize};

/// The raw `[analyze.generalization]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneralizationConfig {
    /// Most recorded moments of an arena that are held for distances, coherence and decoding (0 to 10 million; default 100000): whole trajectories, drawn at
    /// random, as many as fit. 0: none of these.
    pub points: usize,
    /// Training batches that the separations and statistics of training are of (1 to 10000; default 32).
    pub training_batches: usize,
}

impl Default for GeneralizationConfig {
    fn default() -> Self {
        Self { points: 100_000, training_batches: 32 }
    }
}

impl GeneralizationConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first value out of range, with its full key, the value and what is allowed.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        within("analyze.generalization.points", self.points, 0, 10_000_000)?;
        within("analyze.generalization.training_batches", self.training_batches, 1, 10_000)
    }
}

//! Settings of decoding: raw `[analyze.path_integration]`, and the checked form that alone runs.

use crate::config::{ConfigError, refused, within};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// The raw `[analyze.path_integration]` table. [`PathIntegrationConfig::check`] makes it usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathIntegrationConfig {
    /// Width of a bin of time, steps (1 to 1000000; default 5). Coherence by time needs several where trajectories are few.
    pub time_bin_steps: u32,
    /// Decoders are fitted to moments up to this time, steps (0 to a billion; default 0: to all). With the training's length, the map is that of what
    /// training could teach.
    pub fit_until_steps: u32,
    /// Whether the nearest state's position is refined within its bin by a parabola through its neighbours' scores (default true).
    pub refine: bool,
    /// Ridge strengths that compete, over the mean variance of a unit (0 to 1e9 each, one or more; default powers of ten from 1e-7 to 10).
    pub ridges: Vec<f64>,
    /// Share of the fit's trajectories on which ridge strengths compete (0.05 to 0.95; default 0.25).
    pub held_out: f64,
    /// Shuffles of positions between trajectories (1 to 10000; default 16).
    pub shuffles: usize,
}

impl Default for PathIntegrationConfig {
    fn default() -> Self {
        Self {
            time_bin_steps: 5,
            fit_until_steps: 0,
            refine: true,
            ridges: vec![1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0],
            held_out: 0.25,
            shuffles: 16,
        }
    }
}

/// Settings whose every value is in range. Reads like [`PathIntegrationConfig`].
#[derive(Debug, Clone, Default, PartialEq)]
// The defaults are in range: a test holds them to it.
pub struct CheckedPathIntegrationConfig(PathIntegrationConfig);

impl PathIntegrationConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first value out of range, with its full key, the value and what is allowed.
    pub fn check(self) -> Result<CheckedPathIntegrationConfig, ConfigError> {
        let key = |name: &str| format!("analyze.path_integration.{name}");
        within(&key("time_bin_steps"), self.time_bin_steps, 1, 1_000_000)?;
        within(&key("fit_until_steps"), self.fit_until_steps, 0, 1_000_000_000)?;
        within(&key("held_out"), self.held_out, 0.05, 0.95)?;
        within(&key("shuffles"), self.shuffles, 1, 10_000)?;
        if self.ridges.is_empty() {
            return Err(refused(&key("ridges"), "[]", "one strength or more"));
        }
        for ridge in &self.ridges {
            if !(0.0..=1e9).contains(ridge) {
                return Err(ConfigError { key: key("ridges"), message: format!("holds {ridge}; allowed: 0 to 1e9 each") });
            }
        }
        Ok(CheckedPathIntegrationConfig(self))
    }

    /// Whether decoders may be fitted to a moment of this time, steps.
    pub(super) fn in_fit(&self, time: u32) -> bool {
        self.fit_until_steps == 0 || time <= self.fit_until_steps
    }
}

impl Deref for CheckedPathIntegrationConfig {
    type Target = PathIntegrationConfig;

    fn deref(&self) -> &PathIntegrationConfig {
        &self.0
    }
}

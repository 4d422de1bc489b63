//! Settings of decoding.

/// Raw settings; [`PathIntegrationConfig::check`] makes them usable.
#[derive(Debug, Clone, PartialEq)]
pub struct PathIntegrationConfig {
    /// Width of a bin of time, steps, at least 1. Coherence by time needs several where trajectories are few.
    pub time_bin_steps: u32,
    /// Decoders are fitted to moments up to this time, steps; none: to all. With the training's length, the map is that of what training could teach.
    pub fit_until: Option<u32>,
    /// Whether the nearest state's position is refined within its bin by a parabola through its neighbours' scores.
    pub refine: bool,
    /// Ridge strengths that compete, over the mean variance of a unit; each at least 0, one or more.
    pub ridges: Vec<f64>,
    /// Share of the fit's trajectories on which ridge strengths compete, above 0, below 1.
    pub held_out: f64,
    /// Shuffles of positions between trajectories, at least 1.
    pub shuffles: usize,
}

impl Default for PathIntegrationConfig {
    fn default() -> Self {
        Self {
            time_bin_steps: 5,
            fit_until: None,
            refine: true,
            ridges: (-7..=1).map(|power| 10.0_f64.powi(power)).collect(),
            held_out: 0.25,
            shuffles: 16,
        }
    }
}

/// A setting out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} = {value}; allowed: {allowed}")]
pub struct PathIntegrationConfigError {
    /// Which setting.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
    /// The allowed range.
    pub allowed: &'static str,
}

/// Settings that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedPathIntegrationConfig(PathIntegrationConfig);

impl PathIntegrationConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(self) -> Result<CheckedPathIntegrationConfig, PathIntegrationConfigError> {
        let error = |field, value, allowed| Err(PathIntegrationConfigError { field, value, allowed });
        if self.time_bin_steps == 0 {
            return error("time_bin_steps", 0.0, "at least 1");
        }
        if !(self.held_out > 0.0 && self.held_out < 1.0) {
            return error("held_out", self.held_out, "above 0 and below 1");
        }
        if !(1..=10_000).contains(&self.shuffles) {
            return error("shuffles", self.shuffles as f64, "1 to 10000");
        }
        if self.ridges.is_empty() {
            return error("ridges", 0.0, "one strength or more");
        }
        if let Some(&ridge) = self.ridges.iter().find(|ridge| !(ridge.is_finite() && **ridge >= 0.0)) {
            return error("ridges", ridge, "at least 0");
        }
        Ok(CheckedPathIntegrationConfig(self))
    }
}

impl std::ops::Deref for CheckedPathIntegrationConfig {
    type Target = PathIntegrationConfig;

    fn deref(&self) -> &PathIntegrationConfig {
        &self.0
    }
}

//! Settings of the distances: raw `[analyze.distances]`, and the checked form that alone runs.

use crate::config::{ConfigError, refused, within};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// The raw `[analyze.distances]` table. [`DistancesConfig::check`] makes it usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistancesConfig {
    /// Width of a bin of spatial separation, m (0.001 to 100; default 0.01). A fifth of the training's σ_x resolves the rise.
    pub spatial_bin_m: f64,
    /// Largest spatial separation that is looked at, m (0.01 to 100; default 1.5).
    pub spatial_max_m: f64,
    /// Bins of neural distance (1 to 1000; default 100).
    pub neural_bins: usize,
    /// Standard deviation of the Gaussian kernel of the density over neural distance (0.001 to 10; default 0.03). The same for all separations, so that
    /// columns compare.
    pub kde_bandwidth: f64,
    /// Most moments of which all pairs are taken (2 to 100000; default 5000). Time grows with its square.
    pub max_moments: usize,
    /// Width of a bin of spatial separation where times are kept apart, m (0.001 to 100; default 0.02); pairs in the first such bin count as "at the same
    /// place".
    pub space_time_bin_m: f64,
    /// Width of a bin of temporal separation, steps (1 to 1000000; default 10).
    pub temporal_bin_steps: u32,
    /// Most bins of temporal separation (1 to 10000; default 60); pairs further apart in time are left out.
    pub temporal_bins: usize,
    /// Most pairs within trajectories (1 to 10 billion; default 50 million).
    pub max_pairs_within: u64,
    /// Repeats of the bootstrap over trajectories (0 to 100000; default 200; 0: no errors).
    pub bootstraps: usize,
    /// Most groups that trajectories are drawn in (2 to 500; default 64); memory grows with its square.
    pub bootstrap_groups: usize,
}

impl Default for DistancesConfig {
    fn default() -> Self {
        Self {
            spatial_bin_m: 0.01,
            spatial_max_m: 1.5,
            neural_bins: 100,
            kde_bandwidth: 0.03,
            max_moments: 5000,
            space_time_bin_m: 0.02,
            temporal_bin_steps: 10,
            temporal_bins: 60,
            max_pairs_within: 50_000_000,
            bootstraps: 200,
            bootstrap_groups: 64,
        }
    }
}

/// Settings whose every value is in range. Reads like [`DistancesConfig`].
#[derive(Debug, Clone, Default, PartialEq)]
// The defaults are in range: a test holds them to it.
pub struct CheckedDistancesConfig(DistancesConfig);

impl DistancesConfig {
    /// Checks every range, and that the histograms fit into memory.
    ///
    /// # Errors
    /// The first value out of range, with its full key, the value and what is allowed.
    pub fn check(self) -> Result<CheckedDistancesConfig, ConfigError> {
        let key = |name: &str| format!("analyze.distances.{name}");
        within(&key("spatial_bin_m"), self.spatial_bin_m, 0.001, 100.0)?;
        within(&key("spatial_max_m"), self.spatial_max_m, 0.01, 100.0)?;
        within(&key("neural_bins"), self.neural_bins, 1, 1000)?;
        within(&key("kde_bandwidth"), self.kde_bandwidth, 0.001, 10.0)?;
        within(&key("max_moments"), self.max_moments, 2, 100_000)?;
        within(&key("space_time_bin_m"), self.space_time_bin_m, 0.001, 100.0)?;
        within(&key("temporal_bin_steps"), self.temporal_bin_steps, 1, 1_000_000)?;
        within(&key("temporal_bins"), self.temporal_bins, 1, 10_000)?;
        within(&key("max_pairs_within"), self.max_pairs_within, 1, 10_000_000_000)?;
        within(&key("bootstraps"), self.bootstraps, 0, 100_000)?;
        within(&key("bootstrap_groups"), self.bootstrap_groups, 2, 500)?;
        let columns = |bin: f64| (self.spatial_max_m / bin).ceil();
        let cells = columns(self.spatial_bin_m) * self.neural_bins as f64;
        let group_cells = columns(self.spatial_bin_m) * (self.bootstrap_groups as f64).powi(2);
        let time_cells = columns(self.space_time_bin_m) * self.temporal_bins as f64;
        let memory = [
            ("neural_bins", self.neural_bins, cells, 1e7, "bins of separation times neural_bins, at most 10 million"),
            ("bootstrap_groups", self.bootstrap_groups, group_cells, 5e7, "bins of separation times bootstrap_groups², at most 50 million"),
            (
                "temporal_bins",
                self.temporal_bins,
                time_cells,
                1e6,
                "bins of separation (space_time_bin_m) times temporal_bins, at most a million",
            ),
        ];
        for (name, value, found, most, allowed) in memory {
            if found > most {
                return Err(refused(&key(name), value, &format!("{allowed}, and these are {found}: use wider or fewer bins")));
            }
        }
        Ok(CheckedDistancesConfig(self))
    }
}

impl Deref for CheckedDistancesConfig {
    type Target = DistancesConfig;

    fn deref(&self) -> &DistancesConfig {
        &self.0
    }
}

//! Settings of the distances.

/// Raw settings; [`DistancesConfig::check`] makes them usable.
#[derive(Debug, Clone, PartialEq)]
pub struct DistancesConfig {
    /// Width of a bin of spatial separation, m, above 0. A fifth of the training's σ_x resolves the rise.
    pub spatial_bin_m: f64,
    /// Largest spatial separation that is looked at, m; at least a bin.
    pub spatial_max_m: f64,
    /// Bins of neural distance, 1 to 1,000.
    pub neural_bins: usize,
    /// Standard deviation of the Gaussian kernel of the density over neural distance, above 0. The same for all separations, so that columns compare.
    pub kde_bandwidth: f64,
    /// Most moments of which all pairs are taken, 2 to 100,000. Time grows with its square.
    pub max_moments: usize,
    /// Width of a bin of spatial separation where times are kept apart, m, above 0; pairs in the first such bin count as "at the same place".
    pub space_time_bin_m: f64,
    /// Width of a bin of temporal separation, steps, at least 1.
    pub temporal_bin_steps: u32,
    /// Most bins of temporal separation, 1 to 100,000; pairs further apart in time are left out.
    pub temporal_bins: usize,
    /// Most pairs within trajectories, at least 1.
    pub max_pairs_within: u64,
    /// Repeats of the bootstrap over trajectories, 0 (no errors) to 100,000.
    pub bootstraps: usize,
    /// Most groups that trajectories are drawn in, 2 to 1,000; memory grows with its square.
    pub bootstrap_groups: usize,
}

impl Default for DistancesConfig {
    fn default() -> Self {
        Self {
            spatial_bin_m: 0.01,
            spatial_max_m: 1.5,
            neural_bins: 100,
            kde_bandwidth: 0.03,
            max_moments: 10_000,
            space_time_bin_m: 0.02,
            temporal_bin_steps: 10,
            temporal_bins: 60,
            max_pairs_within: 50_000_000,
            bootstraps: 200,
            bootstrap_groups: 64,
        }
    }
}

/// A setting out of range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} = {value}; allowed: {allowed}")]
pub struct DistancesConfigError {
    /// Which setting.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
    /// The allowed range.
    pub allowed: &'static str,
}

/// Settings that are in range.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedDistancesConfig(DistancesConfig);

/// Most bins along space.
const MAX_BINS: f64 = 1e5;

impl DistancesConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(self) -> Result<CheckedDistancesConfig, DistancesConfigError> {
        let bins = |bin: f64| (1.0..=MAX_BINS).contains(&(self.spatial_max_m / bin).ceil());
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let rules = [
            ("spatial_max_m", self.spatial_max_m, positive(self.spatial_max_m), "above 0 m"),
            ("spatial_bin_m", self.spatial_bin_m, positive(self.spatial_bin_m) && bins(self.spatial_bin_m), FEW_BINS),
            ("space_time_bin_m", self.space_time_bin_m, positive(self.space_time_bin_m) && bins(self.space_time_bin_m), FEW_BINS),
            ("neural_bins", self.neural_bins as f64, (1..=1000).contains(&self.neural_bins), "1 to 1000"),
            ("kde_bandwidth", self.kde_bandwidth, positive(self.kde_bandwidth), "above 0"),
            ("max_moments", self.max_moments as f64, (2..=100_000).contains(&self.max_moments), "2 to 100000"),
            ("temporal_bin_steps", f64::from(self.temporal_bin_steps), self.temporal_bin_steps >= 1, "at least 1"),
            ("temporal_bins", self.temporal_bins as f64, (1..=100_000).contains(&self.temporal_bins), "1 to 100000"),
            ("max_pairs_within", self.max_pairs_within as f64, self.max_pairs_within >= 1, "at least 1"),
            ("bootstraps", self.bootstraps as f64, self.bootstraps <= 100_000, "0 to 100000"),
            ("bootstrap_groups", self.bootstrap_groups as f64, (2..=1000).contains(&self.bootstrap_groups), "2 to 1000"),
        ];
        let columns = |bin: f64| (self.spatial_max_m / bin).ceil();
        let cells = columns(self.spatial_bin_m) * self.neural_bins as f64;
        let group_cells = columns(self.spatial_bin_m) * (self.bootstrap_groups as f64).powi(2);
        let time_cells = columns(self.space_time_bin_m) * self.temporal_bins as f64;
        let memory = [
            ("spatial bins × neural_bins", cells, cells <= 1e7, "at most 10 million: use wider bins"),
            ("spatial bins × bootstrap_groups²", group_cells, group_cells <= 5e7, "at most 50 million: use wider bins or fewer groups"),
            ("spatial bins × temporal_bins", time_cells, time_cells <= 1e6, "at most a million: use wider or fewer bins"),
        ];
        match rules.into_iter().chain(memory).into_iter().find(|(_, _, good, _)| !good) {
            Some((field, value, _, allowed)) => Err(DistancesConfigError { field, value, allowed }),
            None => Ok(CheckedDistancesConfig(self)),
        }
    }
}

const FEW_BINS: &str = "above 0 m, at most spatial_max_m, and at most 100000 bins in it";

impl std::ops::Deref for CheckedDistancesConfig {
    type Target = DistancesConfig;

    fn deref(&self) -> &DistancesConfig {
        &self.0
    }
}

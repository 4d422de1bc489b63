//! The settings of the analysis: raw sub-tables of `[analyze]`, and the checked form that alone runs.

use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::ops::Deref;

use crate::distances::{CheckedDistancesConfig, DistancesConfig};
use crate::generalization::GeneralizationConfig;
use crate::nulls::NullKind;
use crate::path_integration::{CheckedPathIntegrationConfig, PathIntegrationConfig};
use crate::torus::{CheckedTorusConfig, TorusConfig};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {message}")]
pub struct ConfigError {
    /// The full key, such as `analyze.nulls.count`.
    pub key: String,
    /// What is wrong and what is allowed, such as `is 3; allowed: 19 to 100000`.
    pub message: String,
}

/// The raw `[analyze]` table. [`AnalyzeConfig::check`] makes it usable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnalyzeConfig {
    /// `[analyze.ratemap]`
    pub ratemap: RatemapConfig,
    /// `[analyze.autocorrelogram]`
    pub autocorrelogram: AutocorrelogramConfig,
    /// `[analyze.grid_score]`
    pub grid_score: GridScoreConfig,
    /// `[analyze.nulls]`
    pub nulls: NullsConfig,
    /// `[analyze.spectrum]`
    pub spectrum: SpectrumConfig,
    /// `[analyze.classes]`
    pub classes: ClassesConfig,
    /// `[analyze.lattice_consensus]`
    pub lattice_consensus: LatticeConsensusConfig,
    /// `[analyze.modules]`
    pub modules: ModulesConfig,
    /// `[analyze.embedding]`
    pub embedding: EmbeddingConfig,
    /// `[analyze.torus]`
    pub torus: TorusConfig,
    /// `[analyze.generalization]`
    pub generalization: GeneralizationConfig,
    /// `[analyze.distances]`
    pub distances: DistancesConfig,
    /// `[analyze.path_integration]`
    pub path_integration: PathIntegrationConfig,
}

/// How activity is binned. Used by whoever fills the [`crate::Accumulator`]; [`crate::analyze`] takes maps as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RatemapConfig {
    /// Bins along each side of the box (5 to 200; default 50, which is 4 cm in a 2 m box).
    pub bins: usize,
    /// Standard deviation in metres of a Gaussian applied to activity and occupancy separately (0 to 1; default 0: none).
    pub smoothing_m: f64,
}

impl Default for RatemapConfig {
    fn default() -> Self {
        Self { bins: 50, smoothing_m: 0.0 }
    }
}

/// The autocorrelogram's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutocorrelogramConfig {
    /// A lag is undefined (NaN) where fewer visited bins than this overlap (3 to 10000; default 20).
    pub min_overlap: usize,
}

impl Default for AutocorrelogramConfig {
    fn default() -> Self {
        Self { min_overlap: 20 }
    }
}

/// The annuli of the `sargolini` and 90° scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GridScoreConfig {
    /// Largest outer radius, as a share of the box's shorter side (0.2 to 1; default 0.8: beyond, under a fifth of the box overlaps).
    pub outer_fraction: f64,
    /// Least width of an annulus in lag bins (1 to 50; default 3): thinner rings hold too few bins for a correlation.
    pub min_ring_bins: usize,
}

impl Default for GridScoreConfig {
    fn default() -> Self {
        Self { outer_fraction: 0.8, min_ring_bins: 3 }
    }
}

/// The null distribution that every score of every unit is held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NullsConfig {
    /// Which surrogate maps: `isotropic` (default), `phase`, `shuffle`; see [`NullKind`].
    pub kind: NullKind,
    /// Surrogate maps per unit (19 to 100000; default 500; the least p-value is 1/(count+1)).
    pub count: usize,
    /// `trajectory-shift` alone: least circular shift, in recorded moments (1 to 100000; default 20, as many seconds at one moment a second; a shift must
    /// outlast the time that activity and position take to forget each other).
    pub min_shift_steps: usize,
    /// `isotropic` alone: a map of fewer separate fields than this on a silent floor (they cover under 15 % of the visited bins) has no p-value of its waves (0 to 1000; default
    /// 4): a few blobs always lie on the crests of some wave. Fields are patches above half of the 99 % quantile of the rates.
    pub min_fields: usize,
}

impl Default for NullsConfig {
    fn default() -> Self {
        Self { kind: NullKind::Isotropic, count: 500, min_shift_steps: 20, min_fields: 4 }
    }
}

/// The search for wave vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpectrumConfig {
    /// Zero-padding factor of the transform that starts the search (4 to 16; default 4).
    pub padding: usize,
    /// Fewest cycles across the shorter side of the box that count as a wave (0.5 to 3; default 1).
    pub min_cycles: f64,
    /// A map is a band where the second wave carries less than this share of the first one's power (0 to 1; default 0.2).
    pub band_power_ratio: f64,
}

impl Default for SpectrumConfig {
    fn default() -> Self {
        Self { padding: 4, min_cycles: 1.0, band_power_ratio: 0.2 }
    }
}

/// When a unit is dead, and how sure a class must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassesConfig {
    /// Level of each null test (0.0001 to 0.5; default 0.01).
    pub alpha: f64,
    /// A bin is silent at or below this rate (0 to 1; default 1e-4; states have norm 1).
    pub silent_rate: f64,
    /// A unit is dead where no more than this share of the visited bins is above `silent_rate` (0 to 0.5; default 0.004, ten bins of 2500).
    pub dead_share: f64,
    /// A unit is place-like only where its field (above half its peak) covers at most this share of the box (0.01 to 1; default 0.3).
    pub place_share: f64,
}

impl Default for ClassesConfig {
    fn default() -> Self {
        Self { alpha: 0.01, silent_rate: 1e-4, dead_share: 0.004, place_share: 0.3 }
    }
}

/// When two units share a lattice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LatticeConsensusConfig {
    /// Wave vectors match within this share of the lattice's shortest wave vector (0.01 to 0.4; default 0.1).
    pub tolerance: f64,
}

impl Default for LatticeConsensusConfig {
    fn default() -> Self {
        Self { tolerance: 0.1 }
    }
}

/// How units are grouped into modules; see [`crate::modules`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModulesConfig {
    /// Fewest units of a module (2 to 1000; default 3).
    pub min_units: usize,
    /// Two lattices are neighbours where their wave vectors are within this share of the shortest (0.01 to 0.3; default 0.1).
    pub link_radius: f64,
    /// Least relative error of a unit's wave vectors (0.0001 to 0.1; default 0.005): differences of this size are never a reason to split.
    pub noise_floor: f64,
    /// Most components of the Gaussian mixture in a linkage group (1 to 20; default 6).
    pub max_components: usize,
    /// Fall in BIC that another component must bring (0 to 1000; default 10, very strong evidence in Kass & Raftery's words).
    pub bic_margin: f64,
    /// Components are modules of their own where their means are this many standard deviations apart (0 to 20; default 3.5: a uniform spread cut in half has 3.46).
    pub separation: f64,
    /// A unit is unassigned where a Gaussian module has one this far away with this probability (0 to 0.1; default 0.001).
    pub outlier_p: f64,
    /// Level at which a unit whose own map does not show its lattice belongs to a module by agreement with the others (0 to 0.1; default 0.01; 0: never).
    pub agreement_alpha: f64,
    /// Random starts of each mixture (1 to 100; default 5).
    pub starts: usize,
    /// Subsamples that stability is measured with (0 to 10000; default 50; 0: not measured).
    pub resamples: usize,
    /// A unit's lattices in two arenas are the same within this share of the shortest wave vector, or three standard errors (0.01 to 0.3; default 0.1).
    pub arena_tolerance: f64,
    /// Largest misfit of a commensurate refinement, as a share of the finer module's shortest wave vector (0.001 to 0.2; default 0.03).
    pub commensurate_tolerance: f64,
    /// Draws of the phases' uniform null and permutations of the autocorrelograms' labels (99 to 100000; default 999).
    pub draws: usize,
    /// Zero-padding factor of the modules' mean spectra (1 to 16; default 4).
    pub spectrum_padding: usize,
}

impl Default for ModulesConfig {
    fn default() -> Self {
        Self {
            min_units: 3,
            link_radius: 0.1,
            noise_floor: 0.005,
            max_components: 6,
            bic_margin: 10.0,
            separation: 3.5,
            outlier_p: 0.001,
            agreement_alpha: 0.01,
            starts: 5,
            resamples: 50,
            arena_tolerance: 0.1,
            commensurate_tolerance: 0.03,
            draws: 999,
            spectrum_padding: 4,
        }
    }
}

/// How states are shown in three dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbeddingMethod {
    /// [`crate::spectral_embedding`].
    #[default]
    Spectral,
    /// [`crate::isomap`].
    Isomap,
}

impl EmbeddingMethod {
    /// As in pipeline files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spectral => "spectral",
            Self::Isomap => "isomap",
        }
    }
}

/// Which states of a module are looked at together, and how they are embedded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingConfig {
    /// Recorded moments of a module's arena that are drawn (0 to 100000; default 10000): for the embedding, the rings and the test for a torus. 0: none of these.
    pub points: usize,
    /// `spectral` (default) or `isomap`.
    pub method: EmbeddingMethod,
    /// Nearest neighbours of a state in the graph, itself among them (2 to 1000; default 15).
    pub neighbors: usize,
    /// Eigenvalues of the Laplacian that are kept, without that of the constant vector (3 to 100; default 12: a hexagonal torus's six-fold lowest one and the next six).
    pub eigenvalues: usize,
}

impl Default for EmbeddingConfig {
    fn default() -> Self {
        Self { points: 10_000, method: EmbeddingMethod::Spectral, neighbors: 15, eigenvalues: 12 }
    }
}

/// Settings whose every value is in range. Reads like [`AnalyzeConfig`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckedAnalyzeConfig {
    // The defaults are in range: a test holds them to it.
    all: AnalyzeConfig,
    torus: CheckedTorusConfig,
    distances: CheckedDistancesConfig,
    path_integration: CheckedPathIntegrationConfig,
}

impl CheckedAnalyzeConfig {
    /// The settings of the test for a torus, in the form that it takes.
    pub fn checked_torus(&self) -> &CheckedTorusConfig {
        &self.torus
    }

    /// The settings of distances, in the form that they take.
    pub fn checked_distances(&self) -> &CheckedDistancesConfig {
        &self.distances
    }

    /// The settings of decoding, in the form that it takes.
    pub fn checked_path_integration(&self) -> &CheckedPathIntegrationConfig {
        &self.path_integration
    }
}

impl Deref for CheckedAnalyzeConfig {
    type Target = AnalyzeConfig;

    fn deref(&self) -> &AnalyzeConfig {
        &self.all
    }
}

impl AnalyzeConfig {
    /// What is to be said where there are so few surrogates that nothing can be found: the least p-value is 1/(count + 1).
    pub fn too_few_surrogates(&self) -> Option<String> {
        let (count, alpha) = (self.nulls.count, self.classes.alpha);
        let least = (1.0 / alpha - 1e-9).ceil() as usize - 1;
        (count < least).then(|| {
            let p = 1.0 / (count + 1) as f64;
            format!(
                "analyze.nulls.count is {count}, so that no p-value is below {p:.4}, and nothing can be found at analyze.classes.alpha = {alpha}; \
                 it takes at least {least} surrogates, or a larger alpha"
            )
        })
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The first value out of range, with its full key, the value and what is allowed.
    pub fn check(self) -> Result<CheckedAnalyzeConfig, ConfigError> {
        within("analyze.ratemap.bins", self.ratemap.bins, 5, 200)?;
        within("analyze.ratemap.smoothing_m", self.ratemap.smoothing_m, 0.0, 1.0)?;
        within("analyze.autocorrelogram.min_overlap", self.autocorrelogram.min_overlap, 3, 10_000)?;
        within("analyze.grid_score.outer_fraction", self.grid_score.outer_fraction, 0.2, 1.0)?;
        within("analyze.grid_score.min_ring_bins", self.grid_score.min_ring_bins, 1, 50)?;
        within("analyze.nulls.count", self.nulls.count, 19, 100_000)?;
        within("analyze.classes.alpha", self.classes.alpha, 1e-4, 0.5)?;
        within("analyze.nulls.min_shift_steps", self.nulls.min_shift_steps, 1, 100_000)?;
        within("analyze.nulls.min_fields", self.nulls.min_fields, 0, 1000)?;
        within("analyze.spectrum.padding", self.spectrum.padding, 4, 16)?;
        within("analyze.spectrum.min_cycles", self.spectrum.min_cycles, 0.5, 3.0)?;
        within("analyze.spectrum.band_power_ratio", self.spectrum.band_power_ratio, 0.0, 1.0)?;
        within("analyze.classes.silent_rate", self.classes.silent_rate, 0.0, 1.0)?;
        within("analyze.classes.dead_share", self.classes.dead_share, 0.0, 0.5)?;
        within("analyze.classes.place_share", self.classes.place_share, 0.01, 1.0)?;
        within("analyze.lattice_consensus.tolerance", self.lattice_consensus.tolerance, 0.01, 0.4)?;
        let modules = &self.modules;
        within("analyze.modules.min_units", modules.min_units, 2, 1000)?;
        within("analyze.modules.link_radius", modules.link_radius, 0.01, 0.3)?;
        within("analyze.modules.noise_floor", modules.noise_floor, 1e-4, 0.1)?;
        within("analyze.modules.max_components", modules.max_components, 1, 20)?;
        within("analyze.modules.bic_margin", modules.bic_margin, 0.0, 1000.0)?;
        within("analyze.modules.separation", modules.separation, 0.0, 20.0)?;
        within("analyze.modules.outlier_p", modules.outlier_p, 0.0, 0.1)?;
        within("analyze.modules.agreement_alpha", modules.agreement_alpha, 0.0, 0.1)?;
        within("analyze.modules.starts", modules.starts, 1, 100)?;
        within("analyze.modules.resamples", modules.resamples, 0, 10_000)?;
        within("analyze.modules.arena_tolerance", modules.arena_tolerance, 0.01, 0.3)?;
        within("analyze.modules.commensurate_tolerance", modules.commensurate_tolerance, 0.001, 0.2)?;
        within("analyze.modules.draws", modules.draws, 99, 100_000)?;
        within("analyze.modules.spectrum_padding", modules.spectrum_padding, 1, 16)?;
        let embedding = &self.embedding;
        within("analyze.embedding.points", embedding.points, 0, 100_000)?;
        within("analyze.embedding.neighbors", embedding.neighbors, 2, 1000)?;
        within("analyze.embedding.eigenvalues", embedding.eigenvalues, 3, 100)?;
        let torus = self.torus.clone().check()?;
        self.generalization.check()?;
        let distances = self.distances.clone().check()?;
        let path_integration = self.path_integration.clone().check()?;
        Ok(CheckedAnalyzeConfig { all: self, torus, distances, path_integration })
    }
}

/// Refuses what is not between two bounds, and what is no number.
pub(crate) fn within<T: Copy + PartialOrd + Display>(key: &str, value: T, low: T, high: T) -> Result<(), ConfigError> {
    if value >= low && value <= high { Ok(()) } else { Err(refused(key, value, &format!("{low} to {high}"))) }
}

pub(crate) fn refused(key: &str, value: impl Display, allowed: &str) -> ConfigError {
    ConfigError { key: key.to_owned(), message: format!("is {value}; allowed: {allowed}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        assert_eq!(AnalyzeConfig::default().check(), Ok(CheckedAnalyzeConfig::default()));
    }

    #[test]
    fn a_value_out_of_range_names_its_key_and_the_range() {
        let mut config = AnalyzeConfig::default();
        config.nulls.count = 3;
        let error = config.check().expect_err("3 surrogates give no p-value");
        assert_eq!(error.to_string(), "`analyze.nulls.count` is 3; allowed: 19 to 100000");
    }

    #[test]
    fn too_few_surrogates_for_the_level_are_told() {
        let with = |count: usize, alpha: f64| {
            let mut config = AnalyzeConfig::default();
            (config.nulls.count, config.classes.alpha) = (count, alpha);
            config.too_few_surrogates()
        };
        let told = with(98, 0.01).expect("too few");
        assert!(told.contains("is 98") && told.contains("0.0101") && told.contains("at least 99"), "{told}");
        assert_eq!([with(99, 0.01), with(19, 0.05), with(999, 0.001), with(500, 0.002)], [None, None, None, None]);
        assert!(with(998, 0.001).is_some() && with(19, 0.049).is_some());
    }

    #[test]
    fn not_a_number_is_out_of_range() {
        let mut config = AnalyzeConfig::default();
        config.classes.alpha = f64::NAN;
        assert_eq!(config.check().expect_err("NaN").key, "analyze.classes.alpha");
    }
}

//! The settings of the test for the torus: raw `[analyze.torus]`, and the checked form that alone runs.

use crate::config::{ConfigError, refused, within};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// How activity becomes a cloud of points with distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// For networks without noise: evenly spread landmarks and Euclidean distances.
    #[default]
    Network,
    /// As published for recorded cells (Gardner et al. 2022): density-aware downsampling, cosine distances, fuzzy memberships.
    Gardner,
}

impl Preset {
    /// Landmarks.
    pub fn points(self) -> usize {
        match self {
            Self::Network => 400,
            Self::Gardner => 1200,
        }
    }

    /// Principal components.
    pub fn components(self) -> usize {
        6
    }
}

/// What a surrogate does to each unit's map, independently of the other units' maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TorusNull {
    /// A random shift, wrapped at the walls; in a circle, which has no shifts, a random rotation about its centre.
    #[default]
    Shift,
    /// A shift after a random symmetry of the box (turns and reflections); in a circle, a rotation after a random reflection.
    ShiftTurn,
}

/// The raw `[analyze.torus]` table. [`TorusConfig::check`] makes it usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TorusConfig {
    /// The pipeline: `network` (default) or `gardner`; see [`Preset`].
    pub preset: Preset,
    /// Landmarks that homology is computed of (20 to 4096; default 0: as many as the preset says, 400 for `network`, 1200 for `gardner`).
    pub points: usize,
    /// Principal components that are kept (2 to 20; default 0: as many as the preset says, 6).
    pub components: usize,
    /// Surrogates of the null (0 to 10000; default 99; the least p-value is 1/(surrogates + 1)). Without any there are bars and no verdict.
    pub surrogates: usize,
    /// What a surrogate does to each unit's map: `shift` (default) or `shift-turn`; see [`TorusNull`].
    pub null: TorusNull,
    /// Coefficients of the homology are integers modulo this prime (2 to 65521; default 47). Coordinates need an odd one.
    pub prime: u16,
    /// A module of fewer units gets no verdict (4 to 10000; default 16).
    pub min_units: usize,
    /// Level of each test on a bar's length (0.0001 to 0.5; default 0.01).
    pub alpha: f64,
    /// Most memory of the homology, GiB (0.0625 to 4096; default 4).
    pub memory_gib: f64,
    /// Bins along each coordinate of the units' maps on the torus (4 to 100; default 20).
    pub map_bins: usize,
}

impl Default for TorusConfig {
    fn default() -> Self {
        Self {
            preset: Preset::Network,
            points: 0,
            components: 0,
            surrogates: 99,
            null: TorusNull::Shift,
            prime: 47,
            min_units: 16,
            alpha: 0.01,
            memory_gib: 4.0,
            map_bins: 20,
        }
    }
}

/// Settings whose every value is in range. Reads like [`TorusConfig`].
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedTorusConfig(TorusConfig);

impl Deref for CheckedTorusConfig {
    type Target = TorusConfig;

    fn deref(&self) -> &TorusConfig {
        &self.0
    }
}

impl Default for CheckedTorusConfig {
    /// The defaults, which are in range (a test holds them to it).
    fn default() -> Self {
        Self(TorusConfig::default())
    }
}

impl CheckedTorusConfig {
    /// Landmarks: the setting's or the preset's.
    pub fn landmarks(&self) -> usize {
        or_presets(self.points, self.preset.points())
    }

    /// Principal components: the setting's or the preset's.
    pub fn kept_components(&self) -> usize {
        or_presets(self.components, self.preset.components())
    }

    /// The memory limit in bytes.
    pub fn memory_bytes(&self) -> u64 {
        (self.memory_gib * f64::from(1 << 30)) as u64
    }
}

impl TorusConfig {
    /// What is to be said where there are so few surrogates that no bar can be significant: the least p-value is 1/(surrogates + 1).
    pub fn too_few_surrogates(&self) -> Option<String> {
        let least = (1.0 / self.alpha - 1e-9).ceil() as usize - 1;
        (self.surrogates < least).then(|| {
            format!(
                "analyze.torus.surrogates is {}, so that no p-value is below {:.4}, and nothing can be a torus at analyze.torus.alpha = {}; it takes at least {least} \
                 surrogates, or a larger alpha",
                self.surrogates,
                1.0 / (self.surrogates + 1) as f64,
                self.alpha
            )
        })
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The first value out of range, with its full key, the value and what is allowed.
    pub fn check(self) -> Result<CheckedTorusConfig, ConfigError> {
        let key = |name: &str| format!("analyze.torus.{name}");
        within(&key("points"), or_presets(self.points, self.preset.points()), 20, 4096)?;
        within(&key("components"), or_presets(self.components, self.preset.components()), 2, 20)?;
        within(&key("surrogates"), self.surrogates, 0, 10_000)?;
        if !is_prime(self.prime) {
            return Err(refused(&key("prime"), self.prime, "a prime from 2 to 65521, such as 47"));
        }
        within(&key("min_units"), self.min_units, 4, 10_000)?;
        within(&key("alpha"), self.alpha, 1e-4, 0.5)?;
        within(&key("memory_gib"), self.memory_gib, 0.0625, 4096.0)?;
        within(&key("map_bins"), self.map_bins, 4, 100)?;
        Ok(CheckedTorusConfig(self))
    }
}

/// A setting, or where it is 0 the preset's.
fn or_presets(setting: usize, presets: usize) -> usize {
    if setting == 0 { presets } else { setting }
}

fn is_prime(p: u16) -> bool {
    p >= 2 && (2..p).take_while(|&d| u32::from(d) * u32::from(d) <= u32::from(p)).all(|d| !p.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range_and_reach_their_level() {
        let config = TorusConfig::default();
        assert_eq!(config.too_few_surrogates(), None);
        assert_eq!(config.check(), Ok(CheckedTorusConfig::default()));
    }

    #[test]
    fn a_preset_gives_the_numbers_that_are_not_given() {
        let with = |preset, points| TorusConfig { preset, points, ..TorusConfig::default() }.check().expect("in range").landmarks();
        assert_eq!([with(Preset::Network, 0), with(Preset::Gardner, 0), with(Preset::Gardner, 300)], [400, 1200, 300]);
    }

    #[test]
    fn a_value_out_of_range_names_its_key_and_the_range() {
        let error = TorusConfig { points: 5, ..TorusConfig::default() }.check().expect_err("5 points");
        assert_eq!(error.to_string(), "`analyze.torus.points` is 5; allowed: 20 to 4096");
        let error = TorusConfig { prime: 49, ..TorusConfig::default() }.check().expect_err("49 = 7 · 7");
        assert_eq!(error.to_string(), "`analyze.torus.prime` is 49; allowed: a prime from 2 to 65521, such as 47");
        let error = TorusConfig { alpha: f64::NAN, ..TorusConfig::default() }.check().expect_err("not a number");
        assert_eq!(error.key, "analyze.torus.alpha");
    }

    #[test]
    fn too_few_surrogates_for_the_level_are_told() {
        let told = TorusConfig { surrogates: 98, ..TorusConfig::default() }.too_few_surrogates().expect("too few");
        assert!(told.contains("is 98") && told.contains("at least 99"), "{told}");
    }
}

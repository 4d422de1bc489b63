//! Ranges of all settings.

use super::phases::PhaseSettings;
use super::{EngineKind, Precision, TrainConfig};
use std::fmt::Display;
use std::ops::Deref;

/// A setting outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} {message}")]
pub struct ConfigError {
    /// Dotted path of the key, `train.loss.sigma_g`.
    pub key: String,
    /// "is -1; allowed: above 0, at most 10".
    pub message: String,
}

/// Settings that have been checked: the only form that trains.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedTrainConfig(TrainConfig);

impl Deref for CheckedTrainConfig {
    type Target = TrainConfig;
    fn deref(&self) -> &TrainConfig {
        &self.0
    }
}

fn require(holds: bool, key: impl Display, value: impl Display, allowed: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { key: key.to_string(), message: format!("is {value}; allowed: {allowed}") }) }
}

fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    require(value >= low && value <= high, key, value, &format!("{low} to {high}"))
}

fn positive(key: &str, value: f64, high: f64) -> Result<(), ConfigError> {
    require(value > 0.0 && value <= high, key, value, &format!("above 0, at most {high}"))
}

fn count(key: &str, value: u64, low: u64, high: u64) -> Result<(), ConfigError> {
    require((low..=high).contains(&value), key, value, &format!("{low} to {high}"))
}

impl TrainConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first setting that is out of range, with its key and what is allowed.
    pub fn check(self) -> Result<CheckedTrainConfig, ConfigError> {
        count("train.steps", self.steps, 0, 1_000_000_000)?;
        count("train.log_every", self.log_every, 1, 1_000_000)?;
        count("train.runs_at_once", self.runs_at_once, 0, 64)?;
        self.check_device()?;
        require(
            self.engine == EngineKind::Reference || self.precision != Precision::F64,
            "train.precision",
            "f64",
            "f32 or tf32 with engine = \"fused\"; set train.engine = \"reference\" to train in f64",
        )?;
        require(
            self.engine == EngineKind::Fused || self.precision != Precision::Tf32,
            "train.precision",
            "tf32",
            "f32 or f64 with engine = \"reference\"; set train.engine = \"fused\" to train in tf32",
        )?;
        self.check_model()?;
        self.check_scheduler()?;
        count("train.checkpoints.every", self.checkpoints.every, 1, 1_000_000_000)?;
        check_settings("train", &self.settings(self.curriculum.len()))?;
        let (mut from, mut fewest) = (0, 2);
        for (number, phase) in self.curriculum.iter().enumerate() {
            let key = format!("train.curriculum.{number}");
            require(phase.until > from, format!("{key}.until"), phase.until, &format!("above {from}, the end of the phase before"))?;
            from = phase.until;
            if let Some(units) = phase.model.units {
                let allowed = format!("{fewest} (units are added, and none taken away) to {}, train.model.units", self.model.units);
                require((fewest..=self.model.units).contains(&units), format!("{key}.model.units"), units, &allowed)?;
            }
            fewest = self.settings(number).units;
            check_settings(&key, &self.settings(number))?;
        }
        Ok(CheckedTrainConfig(self))
    }

    fn check_device(&self) -> Result<(), ConfigError> {
        let cuda = |d: &str| d == "cuda" || d.strip_prefix("cuda:").is_some_and(|n| n.parse::<usize>().is_ok());
        let known = matches!(self.device.as_str(), "auto" | "cpu") || cuda(&self.device);
        require(known, "train.device", format!("\"{}\"", self.device), "\"auto\", \"cpu\", \"cuda\", \"cuda:<number>\"")
    }

    fn check_model(&self) -> Result<(), ConfigError> {
        count("train.model.units", self.model.units as u64, 2, 4096)?;
        require(
            self.model.mlp_hidden.len() <= 16,
            "train.model.mlp_hidden",
            format!("{} layers", self.model.mlp_hidden.len()),
            "at most 16 layers",
        )?;
        for width in &self.model.mlp_hidden {
            count("train.model.mlp_hidden", *width as u64, 1, 65_536)?;
        }
        Ok(())
    }

    fn check_scheduler(&self) -> Result<(), ConfigError> {
        let s = &self.scheduler;
        count("train.scheduler.warmup_steps", s.warmup_steps, 0, 1_000_000_000)?;
        within("train.scheduler.final_fraction", s.final_fraction, 0.0, 1.0)?;
        count("train.scheduler.window", s.window, 1, 1_000_000_000)?;
        within("train.scheduler.threshold", s.threshold, 0.0, 1e6)?;
        positive("train.scheduler.factor", s.factor, 1.0)?;
        within("train.scheduler.min_learning_rate", s.min_learning_rate, 0.0, 1.0)
    }
}

/// Ranges of what a phase can set, under the phase's or the base's key.
fn check_settings(at: &str, settings: &PhaseSettings) -> Result<(), ConfigError> {
    let key = |name: &str| format!("{at}.{name}");
    let PhaseSettings { data, loss, optimizer, .. } = settings;
    count(&key("data.batch"), data.batch as u64, 1, 100_000)?;
    count(&key("data.length"), data.length as u64, 1, 100_000)?;
    positive(&key("data.velocity_limit_m"), data.velocity_limit_m, 100.0)?;
    positive(&key("loss.sigma_x_m"), loss.sigma_x_m, 100.0)?;
    positive(&key("loss.sigma_g"), loss.sigma_g, 100.0)?;
    for (name, lambda) in [("sep", loss.lambda_sep), ("inv", loss.lambda_inv), ("cap", loss.lambda_cap), ("coniso", loss.lambda_coniso)] {
        within(&key(&format!("loss.lambda_{name}")), lambda, 0.0, 1e9)?;
    }
    positive(&key("optimizer.learning_rate"), optimizer.learning_rate, 10.0)?;
    for (name, beta) in [("beta1", optimizer.beta1), ("beta2", optimizer.beta2)] {
        require((0.0..1.0).contains(&beta), key(&format!("optimizer.{name}")), beta, "0 up to, not including, 1")?;
    }
    positive(&key("optimizer.epsilon"), optimizer.epsilon, 1.0)?;
    within(&key("optimizer.weight_decay"), optimizer.weight_decay, 0.0, 10.0)?;
    within(&key("optimizer.clip_norm"), optimizer.clip_norm, 0.0, 1e9)?;
    count(&key("optimizer.accumulate"), optimizer.accumulate as u64, 1, 10_000)
}

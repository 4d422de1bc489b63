//! `[[train.curriculum]]`: phases that replace some settings up to a step.

use super::{DataConfig, LossConfig, ModelConfig, OptimizerConfig, TrainConfig};
use serde::{Deserialize, Serialize};

/// One phase: its settings hold for steps below `until` and from the previous phase's end; what it does not set is the base value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// First step that is no longer in the phase.
    pub until: u64,
    /// Replacements in `train.model`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub model: PhaseModel,
    /// Replacements in `train.data`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: PhaseData,
    /// Replacements in `train.loss`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss: PhaseLoss,
    /// Replacements in `train.optimizer`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimizer: PhaseOptimizer,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! replacements {
    ($(#[$doc:meta])* $name:ident for $base:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = concat!("Replaces `", stringify!($field), "`.")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$kind>,
            )*
        }

        impl $name {
            fn apply(&self, base: &$base) -> $base {
                let mut replaced = base.clone();
                $(if let Some(value) = &self.$field { replaced.$field = value.clone(); })*
                replaced
            }
        }
    };
}

replacements! {
    /// Keys of `train.model` that a phase may set: fewer units than later ([`crate::growth`]).
    PhaseModel for ModelConfig { units: usize }
}
replacements! {
    /// Keys of `train.data` that a phase may set.
    PhaseData for DataConfig { batch: usize, length: usize, velocity_limit_m: f64 }
}
replacements! {
    /// Keys of `train.loss` that a phase may set.
    PhaseLoss for LossConfig { sigma_x_m: f64, sigma_g: f64, lambda_sep: f64, lambda_inv: f64, lambda_cap: f64, lambda_coniso: f64 }
}
replacements! {
    /// Keys of `train.optimizer` that a phase may set.
    PhaseOptimizer for OptimizerConfig { learning_rate: f64, weight_decay: f64, clip_norm: f64, accumulate: usize }
}

/// What holds at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSettings {
    /// Number of the phase; the base settings after the last phase count as one more.
    pub phase: usize,
    /// `train.model.units`.
    pub units: usize,
    /// `train.data`.
    pub data: DataConfig,
    /// `train.loss`.
    pub loss: LossConfig,
    /// `train.optimizer`.
    pub optimizer: OptimizerConfig,
}

impl TrainConfig {
    /// The settings of the given phase; beyond the last, the base.
    pub fn settings(&self, phase: usize) -> PhaseSettings {
        let own = self.curriculum.get(phase);
        PhaseSettings {
            phase,
            units: own.and_then(|own| own.model.units).unwrap_or(self.model.units),
            data: own.map_or_else(|| self.data.clone(), |own| own.data.apply(&self.data)),
            loss: own.map_or_else(|| self.loss.clone(), |own| own.loss.apply(&self.loss)),
            optimizer: own.map_or_else(|| self.optimizer.clone(), |own| own.optimizer.apply(&self.optimizer)),
        }
    }

    /// The model that a network has after so many steps: units of a later phase come with its first step.
    pub fn model_after(&self, steps: u64) -> ModelConfig {
        let own = self.curriculum.get(self.phase_of(steps.saturating_sub(1)));
        own.map_or_else(|| self.model.clone(), |own| own.model.apply(&self.model))
    }

    /// The phase that a step belongs to.
    pub fn phase_of(&self, step: u64) -> usize {
        self.curriculum.iter().position(|phase| step < phase.until).unwrap_or(self.curriculum.len())
    }
}

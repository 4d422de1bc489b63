//! Settings of training: raw tables as users write them, and the checked form that everything else takes.
//!
//! Raw (`[train]` of a pipeline, serde) → [`TrainConfig::check`] → [`CheckedTrainConfig`]. Keys and units are those of `docs/cli.md` and `gridlake defaults`.

mod check;
mod phases;

pub use check::{CheckedTrainConfig, ConfigError};
pub use phases::{Phase, PhaseData, PhaseLoss, PhaseModel, PhaseOptimizer, PhaseSettings};

pub use crate::ops::pair_losses::Reduction;
use serde::{Deserialize, Serialize};

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimizer steps in all; also cuts a curriculum short.
    pub steps: u64,
    /// `auto`, `cpu`, `cuda` or `cuda:n`.
    pub device: String,
    /// How losses and gradients are computed.
    pub engine: EngineKind,
    /// Arithmetic: the fused engine has `f32` and `tf32`, the reference engine `f32` and `f64`.
    pub precision: Precision,
    /// Runs of a sweep that share one GPU; 0 is as many as fill it.
    #[serde(default)]
    pub runs_at_once: u64,
    /// Steps between rows of the `metrics` table.
    pub log_every: u64,
    /// `[train.data]`.
    pub data: DataConfig,
    /// `[train.model]`.
    pub model: ModelConfig,
    /// `[train.loss]`.
    pub loss: LossConfig,
    /// `[train.optimizer]`.
    pub optimizer: OptimizerConfig,
    /// `[train.scheduler]`.
    pub scheduler: SchedulerConfig,
    /// `[train.checkpoints]`.
    pub checkpoints: CheckpointConfig,
    /// `[[train.curriculum]]`.
    #[serde(default)]
    pub curriculum: Vec<Phase>,
}

/// Ways to compute the losses and their gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The custom operations of [`crate::ops`]: fast, `f32`.
    Fused,
    /// A plain candle graph with automatic differentiation: slow, obvious, `f32` or `f64`.
    Reference,
}

/// Floating-point arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit.
    F32,
    /// 32-bit, but that states and slopes in the pair losses are rounded to TF32 (10 bits of mantissa): faster on a GPU; a CPU rounds alike.
    Tf32,
    /// 64-bit.
    F64,
}

/// `[train.data]`: eq. 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Trajectories per batch, B.
    pub batch: usize,
    /// Steps per trajectory, T.
    pub length: usize,
    /// Largest velocity component, m per step.
    pub velocity_limit_m: f64,
    /// Where velocities are drawn from.
    pub velocity_distribution: VelocityDistribution,
    /// What trajectories of a batch share.
    pub augmentation: Augmentation,
}

/// Support of the i.i.d. uniform velocities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VelocityDistribution {
    /// `[-limit, limit]²`, as the paper.
    Square,
    /// The disc of radius `limit`.
    Disc,
}

/// The augmentation that makes a batch out of one sequence of velocities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// All trajectories take the same velocities, each in its own order.
    Permutation,
    /// Every trajectory draws its own velocities.
    None,
}

/// `[train.model]`: eq. 2-3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Units, N.
    pub units: usize,
    /// Widths of the MLP's hidden layers; the output layer (N²) comes on top.
    pub mlp_hidden: Vec<usize>,
    /// Non-linearity between the MLP's layers.
    pub activation: Activation,
    /// Whether g₀ is learnt.
    pub trainable_initial_state: bool,
}

/// Non-linearities of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, x); exact on every machine.
    Relu,
    /// tanh x; its last bit is the system's mathematics library's.
    Tanh,
    /// x/(1+e^-x); likewise.
    Silu,
    /// x·Φ(x) with the error function; likewise.
    Gelu,
}

/// `[train.loss]`: eq. 4-8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossConfig {
    /// Spatial scale σ_x, m.
    pub sigma_x_m: f64,
    /// Neural scale σ_g.
    pub sigma_g: f64,
    /// λ of separation.
    pub lambda_sep: f64,
    /// λ of invariance.
    pub lambda_inv: f64,
    /// λ of capacity.
    pub lambda_cap: f64,
    /// λ of conformal isometry.
    pub lambda_coniso: f64,
    /// Divisors of the pair sums.
    pub reduction: Reduction,
}

/// `[train.optimizer]`: `AdamW` (Loshchilov & Hutter 2019) with bias correction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Base learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay; 0 is Adam.
    pub weight_decay: f64,
    /// Largest global gradient norm; 0 clips nothing.
    pub clip_norm: f64,
    /// Batches whose mean gradient makes one step.
    pub accumulate: usize,
}

/// `[train.scheduler]`: factor on the learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulerConfig {
    /// Shape.
    pub kind: SchedulerKind,
    /// Steps of linear rise from 0, before any shape.
    pub warmup_steps: u64,
    /// `cosine`: share of the learning rate left at the last step.
    pub final_fraction: f64,
    /// `plateau`: steps averaged into one value of the total loss.
    pub window: u64,
    /// `plateau`: windows without improvement that are borne.
    pub patience: u64,
    /// `plateau`: least improvement of the total loss that counts.
    pub threshold: f64,
    /// `plateau`: what the rate is then multiplied by.
    pub factor: f64,
    /// `plateau`: the rate never falls below.
    pub min_learning_rate: f64,
}

/// Shapes of the learning rate over training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchedulerKind {
    /// No change.
    Constant,
    /// Half a cosine over all steps.
    Cosine,
    /// Reduce on plateau, as the paper names and does not specify.
    Plateau,
}

/// `[train.checkpoints]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps between checkpoints.
    pub every: u64,
    /// Newest checkpoints that are kept; 0 keeps all.
    pub keep: usize,
}

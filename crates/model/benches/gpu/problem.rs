//! What is trained: as in `pipelines/paper.toml`, and in the main phase of `pipelines/quickstart.toml`.

use crate::support::{HIDDEN, PAPER, QUICKSTART, Size, optimizer};
use gridlake_model::CheckedTrainConfig;
use gridlake_model::config::{
    Activation, Augmentation, CheckpointConfig, DataConfig, EngineKind, ModelConfig, OptimizerConfig, Precision, SchedulerConfig,
    SchedulerKind, TrainConfig, VelocityDistribution,
};

/// One training.
#[derive(Clone, Copy)]
pub(crate) struct Problem {
    pub(crate) size: Size,
    /// Batches of a step.
    pub(crate) accumulate: usize,
    pub(crate) learning_rate: f64,
    scheduler: SchedulerKind,
}

pub(crate) const PAPER_TRAINING: Problem = Problem { size: PAPER, accumulate: 2, learning_rate: 2e-5, scheduler: SchedulerKind::Plateau };

pub(crate) const QUICKSTART_TRAINING: Problem =
    Problem { size: QUICKSTART, accumulate: 1, learning_rate: 3e-4, scheduler: SchedulerKind::Constant };

/// Small enough for an emulated GPU: only to see that all works.
pub(crate) const TINY_TRAINING: Problem = Problem {
    size: Size { name: "tiny", batch: 5, length: 6, units: 24, lambda_cap: 0.5, sigma_g: 0.4 },
    accumulate: 2,
    learning_rate: 2e-5,
    scheduler: SchedulerKind::Plateau,
};

impl Problem {
    pub(crate) fn config(&self, device: &str, precision: Precision) -> CheckedTrainConfig {
        let size = self.size;
        let config = TrainConfig {
            steps: 2_000_000,
            device: device.to_owned(),
            engine: EngineKind::Fused,
            precision,
            runs_at_once: 0,
            log_every: 50,
            data: DataConfig {
                batch: size.batch,
                length: size.length,
                velocity_limit_m: 0.15,
                velocity_distribution: VelocityDistribution::Square,
                augmentation: Augmentation::Permutation,
            },
            model: ModelConfig {
                units: size.units,
                mlp_hidden: HIDDEN.to_vec(),
                activation: Activation::Relu,
                trainable_initial_state: true,
            },
            loss: size.loss(),
            optimizer: OptimizerConfig { learning_rate: self.learning_rate, accumulate: self.accumulate, ..optimizer() },
            scheduler: SchedulerConfig {
                kind: self.scheduler,
                warmup_steps: 0,
                final_fraction: 0.0,
                window: 1000,
                patience: 10,
                threshold: 1e-4,
                factor: 0.5,
                min_learning_rate: 1e-7,
            },
            checkpoints: CheckpointConfig { every: 10_000, keep: 3 },
            curriculum: Vec::new(),
        };
        config.check().expect("settings in range")
    }
}

/// As settings spell it.
pub(crate) fn name_of(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Tf32 => "tf32",
        Precision::F64 => "f64",
    }
}

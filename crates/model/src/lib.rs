//! The self-supervised model of space of Schaeffer et al. (NeurIPS 2023): objective, engines, training, checkpoints, evaluation.
//!
//! - What is trained on? [`batch`]. What is trained? [`parameters`]. Towards what? [`losses`], computed by an [`engine`]: [`fused`] (fast, [`ops`]) or
//!   [`mod@reference`] (obvious).
//! - How? [`train`], with settings from [`config`]; an exact stop and restart through [`checkpoint`].
//! - And then? [`evaluate`]: a trained network's states along any trajectory.
//! - How fast, on a GPU? [`gpu_profile`], for benchmarks.

pub mod batch;
mod candle_device;
pub mod checkpoint;
pub mod config;
mod cuda;
mod device;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod fused;
pub mod gradients;
pub mod growth;
pub mod losses;
pub mod ops;
pub mod optimizer;
pub mod parameters;
pub mod reference;
mod schedule;
pub mod train;

pub use config::{CheckedTrainConfig, ConfigError, TrainConfig};
pub use cuda::profile as gpu_profile;
pub use device::{WorksOn, check_device, runs_at_once};
pub use error::ModelError;
pub use evaluate::{Network, Walkers};
pub use train::{StepMetrics, Trainer};

//! Training: how it starts, goes step by step, stops and goes on; on a CPU, by candle's CUDA device, or on a GPU.

mod host;
mod trainer;

pub(crate) use trainer::BATCH_STREAM;
pub use trainer::{StepMetrics, Trainer};

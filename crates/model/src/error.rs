//! What can go wrong while training or evaluating.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A loss or gradient is NaN or infinite; training cannot go on.
    #[error(
        "step {step}: the {term} is not finite; the last checkpoint is good: lower train.optimizer.learning_rate, or set train.optimizer.clip_norm, and train anew"
    )]
    NonFinite {
        /// Optimizer step that failed.
        step: u64,
        /// Loss term or "gradient of <parameter>".
        term: String,
    },
    /// A checkpoint file is torn, altered or not a checkpoint.
    #[error("checkpoint {path}: {reason}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A checkpoint belongs to other settings.
    #[error(
        "checkpoint {path} belongs to another configuration (its fingerprint is {found}, this run's is {expected}); remove it, or use the settings that it was made with"
    )]
    CheckpointFingerprint {
        /// The file.
        path: PathBuf,
        /// Fingerprint within the file.
        found: String,
        /// Fingerprint of the run.
        expected: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The wanted device does not exist or is not built in.
    #[error("train.device = \"{wanted}\": {reason}")]
    Device {
        /// As configured.
        wanted: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The GPU failed at work.
    #[error(
        "the GPU failed while {doing}: {reason}; what was saved is intact: see whether `nvidia-smi` works, then run the same command to go on, or go on with --device cpu"
    )]
    Gpu {
        /// What it was at.
        doing: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// The GPU's memory does not suffice.
    #[error(
        "the GPU is out of memory{needed}; end what else runs on it (`nvidia-smi`), or use --device cpu; training needs less with a lower train.data.batch, train.data.length or train.runs_at_once"
    )]
    GpuMemory {
        /// How much was asked for, as far as is known.
        needed: String,
    },
    /// candle failed.
    #[error("tensor computation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

//! Which device a configuration names, and what does the work there.

use crate::candle_device::candle_cuda;
use crate::config::{CheckedTrainConfig, EngineKind};
use crate::cuda::Gpu;
use crate::cuda::driver::{Absent, open};
use crate::error::ModelError;
use candle_core::Device;
use std::sync::{Arc, Once};

/// Where work is done.
#[derive(Clone, Debug)]
pub(crate) enum Placement {
    /// On the CPU, by the fused or the reference engine.
    Cpu,
    /// By the reference engine on candle's CUDA device.
    Candle(Device, String),
    /// By our own kernels on a GPU.
    Gpu(Arc<Gpu>),
}

impl Placement {
    /// `cpu`, or `cuda:<number>` and the GPU's name.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Candle(_, name) => name.clone(),
            Self::Gpu(gpu) => format!("cuda:{} ({})", gpu.ordinal, gpu.name),
        }
    }

    /// candle's device for parameters on the host, or wherever the reference engine works.
    pub(crate) fn candle(&self) -> Device {
        match self {
            Self::Candle(device, _) => device.clone(),
            Self::Cpu | Self::Gpu(_) => Device::Cpu,
        }
    }
}

/// The device of this name (`auto`, `cpu`, `cuda`, `cuda:<number>`) for an engine. `auto` is the first GPU if there is one that can be used, for the fused engine, else the CPU; where
/// there is one that cannot, that is logged.
///
/// # Errors
/// A GPU was asked for by name and cannot be had: what is missing, and what to do.
pub(crate) fn place(wanted: &str, engine: EngineKind) -> Result<Placement, ModelError> {
    let ordinal = match wanted {
        "cpu" => return Ok(Placement::Cpu),
        "auto" if engine == EngineKind::Reference => return Ok(Placement::Cpu),
        "auto" | "cuda" => 0,
        named => named.strip_prefix("cuda:").and_then(|number| number.parse().ok()).ok_or_else(|| ModelError::Device {
            wanted: wanted.to_owned(),
            reason: "there is no such device; use auto, cpu, cuda or cuda:<number>".into(),
        })?,
    };
    if engine == EngineKind::Reference {
        return match candle_cuda(ordinal) {
            Ok(device) => Ok(Placement::Candle(device, format!("cuda:{ordinal} (candle)"))),
            Err(ModelError::Device { reason, .. }) => Err(ModelError::Device { wanted: wanted.to_owned(), reason }),
            Err(other) => Err(other),
        };
    }
    match open(ordinal) {
        Ok(gpu) => Ok(Placement::Gpu(gpu)),
        Err(absent) if wanted == "auto" => {
            if let Absent::Unusable(reason) = absent {
                // Each stage of each run asks anew, and gets the same answer.
                static SAID: Once = Once::new();
                SAID.call_once(|| tracing::warn!("works on the CPU, as the GPU cannot be used: {reason}"));
            }
            Ok(Placement::Cpu)
        }
        Err(absent) => Err(ModelError::Device { wanted: wanted.to_owned(), reason: format!("{}; or use --device cpu", absent.reason()) }),
    }
}

/// Whether the device of this name (`auto`, `cpu`, `cuda`, `cuda:<number>`) can be had for an engine; to be asked before anything is changed.
///
/// # Errors
/// What is missing, and what to do.
pub fn check_device(wanted: &str, engine: EngineKind) -> Result<WorksOn, ModelError> {
    Ok(match place(wanted, engine)? {
        Placement::Gpu(_) => WorksOn::Gpu,
        Placement::Cpu | Placement::Candle(..) => WorksOn::Host,
    })
}

/// Whose threads do the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorksOn {
    /// This program's own: it computes, or hands over every operation one by one.
    Host,
    /// A GPU's, which is left to itself for many steps.
    Gpu,
}

/// Most runs that share a GPU unless told otherwise.
const MOST_RUNS: usize = 8;

/// How many runs of this configuration should train at once on their device: one on a CPU, where a run uses all threads; on a GPU as many as fill its
/// multiprocessors, by the blocks of the rollout, which takes longest.
///
/// # Errors
/// When the device is not there.
pub fn runs_at_once(config: &CheckedTrainConfig) -> Result<usize, ModelError> {
    let Placement::Gpu(gpu) = place(&config.device, config.engine)? else { return Ok(1) };
    if config.runs_at_once > 0 {
        return Ok(config.runs_at_once as usize);
    }
    let blocks = (0..=config.curriculum.len())
        .map(|phase| config.settings(phase))
        .map(|settings| settings.data.batch * settings.optimizer.accumulate)
        .max();
    // Two blocks of the rollout run on a multiprocessor.
    Ok((2 * gpu.multiprocessors).div_ceil(blocks.unwrap_or(1)).clamp(1, MOST_RUNS))
}

/// The GPU of this name.
///
/// # Errors
/// When it cannot be had.
pub(crate) fn gpu(wanted: &str) -> Result<Arc<Gpu>, ModelError> {
    match place(wanted, EngineKind::Fused)? {
        Placement::Gpu(gpu) => Ok(gpu),
        Placement::Cpu | Placement::Candle(..) => {
            Err(ModelError::Device { wanted: wanted.to_owned(), reason: "no GPU; name one with cuda or cuda:<number>".into() })
        }
    }
}

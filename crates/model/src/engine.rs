//! The one interface of both engines: parameters and a batch in, losses and gradients out.

use crate::batch::Batch;
use crate::config::{Activation, EngineKind, LossConfig, Precision};
use crate::cuda::engine::CudaEngine;
use crate::device::gpu;
use crate::error::ModelError;
use crate::fused::Fused;
use crate::gradients::Gradients;
use crate::losses::{LossStatistics, Losses};
use crate::parameters::Parameters;
use crate::reference::Reference;
use candle_core::Tensor;

/// Losses of a batch and the counts behind them.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation {
    /// Unweighted losses.
    pub losses: Losses,
    /// Counts.
    pub statistics: LossStatistics,
}

/// A way to compute the objective and its gradient.
pub trait Engine: Send {
    /// Evaluates one batch and adds the gradient of its total to `gradients`.
    ///
    /// # Errors
    /// When the computation itself fails; non-finite values are results, not errors.
    fn evaluate(
        &mut self,
        parameters: &Parameters,
        batch: &Batch,
        loss: &LossConfig,
        gradients: &mut Gradients,
    ) -> Result<Evaluation, ModelError>;
}

/// The engine of a configuration on the host.
pub fn engine(kind: EngineKind, activation: Activation, precision: Precision) -> Box<dyn Engine> {
    match kind {
        EngineKind::Fused => Box::new(Fused::new(activation, precision == Precision::Tf32)),
        EngineKind::Reference => Box::new(Reference { activation }),
    }
}

/// The fused engine's kernels on a GPU (`auto`, `cuda`, `cuda:<number>`), for one batch at a time: what training on it is tested by.
///
/// # Errors
/// When there is no such GPU.
pub fn gpu_engine(device: &str, activation: Activation, precision: Precision) -> Result<Box<dyn Engine>, ModelError> {
    Ok(Box::new(CudaEngine::new(gpu(device)?, activation, precision == Precision::Tf32)?))
}

/// Applies the MLP's non-linearity.
pub(crate) fn activate(x: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    match activation {
        Activation::Relu => x.relu(),
        Activation::Tanh => x.tanh(),
        Activation::Silu => x.silu(),
        Activation::Gelu => x.gelu_erf(),
    }
}

//! The one interface of both engines: parameters and a batch in, losses and gradients out.

use crate::batch::Batch;
use crate::config::{Activation, EngineKind, LossConfig};
use crate::error::ModelError;
use crate::fused::Fused;
use crate::losses::{LossStatistics, Losses};
use crate::parameters::Parameters;
use crate::reference::Reference;
use candle_core::Tensor;
use std::sync::Arc;

/// Losses of a batch, the counts behind them, and the gradient of the total.
#[derive(Debug)]
pub struct Evaluation {
    /// Unweighted losses.
    pub losses: Losses,
    /// Counts.
    pub statistics: LossStatistics,
    /// ∂L/∂p of every parameter, in the order of [`Parameters::named`].
    pub gradients: Vec<Tensor>,
}

/// A way to compute the objective and its gradient.
pub trait Engine: Send {
    /// Evaluates one batch.
    ///
    /// # Errors
    /// When the computation itself fails; non-finite values are results, not errors.
    fn evaluate(&self, parameters: &Parameters, batch: &Arc<Batch>, loss: &LossConfig) -> Result<Evaluation, ModelError>;
}

/// The engine of a configuration.
pub fn engine(kind: EngineKind, activation: Activation) -> Box<dyn Engine> {
    match kind {
        EngineKind::Fused => Box::new(Fused { activation }),
        EngineKind::Reference => Box::new(Reference { activation }),
    }
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

/// (K, 2): the batch's velocities as a tensor like `like`.
pub(crate) fn velocity_tensor(batch: &Batch, like: &Tensor) -> candle_core::Result<Tensor> {
    let flat: Vec<f64> = batch.velocities_m.iter().flatten().copied().collect();
    Tensor::from_vec(flat, (batch.velocities_m.len(), 2), &candle_core::Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

/// Gradients of `total` in the parameters' order; zeros where the graph does not reach.
pub(crate) fn gradients(total: &Tensor, parameters: &Parameters) -> Result<Vec<Tensor>, ModelError> {
    let store = total.backward()?;
    parameters.named().into_iter().map(|(_, var)| Ok(store.get(var).map_or_else(|| var.zeros_like(), |g| Ok(g.clone()))?)).collect()
}

//! The default engine: candle's graph for the MLP, custom operations for its layers and for everything after W(v).

use crate::batch::Batch;
use crate::config::{Activation, LossConfig};
use crate::engine::{Engine, Evaluation, activate, gradients, velocity_tensor};
use crate::error::ModelError;
use crate::ops::linear::Linear;
use crate::ops::sic::SicLosses;
use crate::parameters::Parameters;
use candle_core::Tensor;
use std::sync::Arc;

/// See the module's page.
#[derive(Clone, Copy, Debug)]
pub struct Fused {
    /// Non-linearity of the MLP.
    pub activation: Activation,
}

/// W(v) of each row of `velocities` (K, 2), as (K, N, N).
pub(crate) fn weights(parameters: &Parameters, velocities: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    let mut x = velocities.clone();
    for (number, (weight, bias)) in parameters.layers.iter().enumerate() {
        if number > 0 {
            x = activate(&x, activation)?;
        }
        x = x.apply_op3(weight.as_tensor(), bias.as_tensor(), Linear)?;
    }
    let n = parameters.units();
    x.reshape((velocities.dim(0)?, n, n))
}

impl Engine for Fused {
    fn evaluate(&self, parameters: &Parameters, batch: &Arc<Batch>, loss: &LossConfig) -> Result<Evaluation, ModelError> {
        let velocities = velocity_tensor(batch, &parameters.initial_raw)?;
        let w = weights(parameters, &velocities, self.activation)?;
        let (op, outcome) = SicLosses::new(Arc::clone(batch), loss.clone());
        let total = w.apply_op2(&parameters.initial_raw, op)?.get(0)?;
        let gradients = gradients(&total, parameters)?;
        let (losses, statistics) = outcome.get().ok_or_else(|| candle_core::Error::Msg("sic-losses left no losses".into()))?;
        Ok(Evaluation { losses, statistics, gradients })
    }
}

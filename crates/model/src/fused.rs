//! The default engine: the kernels of [`crate::ops`] one after the other, forward and backward, in buffers that are made once.

use crate::batch::Batch;
use crate::config::{Activation, LossConfig};
use crate::engine::{Engine, Evaluation};
use crate::error::ModelError;
use crate::gradients::Gradients;
use crate::losses::{LossStatistics, Losses};
use crate::ops::capacity::Capacity;
use crate::ops::conformal_isometry::ConformalIsometry;
use crate::ops::mlp::{LayerGradient, Mlp};
use crate::ops::pair_losses::{PairSettings, PairSweep};
use crate::ops::rollout::{Rollout, Steps};
use crate::parameters::{Parameters, with_values};

/// See the module's page.
#[derive(Debug)]
pub struct Fused {
    tf32: bool,
    mlp: Mlp,
    rollout: Rollout,
    pairs: PairSweep,
    capacity: Capacity,
    conformal: ConformalIsometry,
    /// (K, N, N): W(v).
    w: Vec<f32>,
    /// The same size: ∂L/∂W.
    dw: Vec<f32>,
    /// (S, stride): ∂L/∂g, then ∂L/∂z.
    dg: Vec<f32>,
    /// (stride): ∂L/∂g₀, then ∂L/∂ its raw values.
    d_initial: Vec<f32>,
}

impl Fused {
    /// An engine for networks whose MLP has this non-linearity; with `tf32` the pair losses are rounded as on a GPU in that precision.
    pub fn new(activation: Activation, tf32: bool) -> Self {
        Self {
            tf32,
            mlp: Mlp::new(activation),
            rollout: Rollout::default(),
            pairs: PairSweep::default(),
            capacity: Capacity::default(),
            conformal: ConformalIsometry::default(),
            w: Vec::new(),
            dw: Vec::new(),
            dg: Vec::new(),
            d_initial: Vec::new(),
        }
    }
}

/// W(v) of each velocity (K) into `w` (K, N, N).
pub(crate) fn weights(mlp: &mut Mlp, parameters: &Parameters, velocities_m: &[[f64; 2]], w: &mut Vec<f32>) -> candle_core::Result<()> {
    let n = parameters.units();
    w.resize(velocities_m.len() * n * n, 0.0);
    let last = parameters.layers.len() - 1;
    mlp.start(velocities_m, parameters.layers.len());
    for (number, (weight, bias)) in parameters.layers.iter().enumerate() {
        with_values(weight, |weight| {
            with_values(bias, |bias| {
                if number < last {
                    mlp.forward_hidden(number, weight, bias);
                } else {
                    mlp.forward_last(weight, bias, w);
                }
            })
        })??;
    }
    Ok(())
}

impl Engine for Fused {
    fn evaluate(
        &mut self,
        parameters: &Parameters,
        batch: &Batch,
        loss: &LossConfig,
        gradients: &mut Gradients,
    ) -> Result<Evaluation, ModelError> {
        let units = parameters.units();
        let steps = Steps { batch: batch.batch, length: batch.length, units, velocities: batch.velocities_m.len(), index: &batch.index };
        let stride = steps.stride();
        weights(&mut self.mlp, parameters, &batch.velocities_m, &mut self.w)?;
        with_values(&parameters.initial_raw, |raw| self.rollout.forward(steps, &self.w, raw))?;

        let settings = PairSettings::of(loss, self.tf32);
        self.dg.resize(steps.states() * stride, 0.0);
        self.d_initial.clear();
        self.d_initial.resize(stride, 0.0);
        let pairs = self.pairs.evaluate(&self.rollout.g, stride, batch.positions_m(), &settings, &mut self.dg);
        let capacity = self.capacity.evaluate(&self.rollout.g, stride, loss.lambda_cap, &mut self.dg);
        let (conformal, conformal_steps) =
            self.conformal.evaluate(steps, &self.rollout, batch.speeds_m(), loss, &mut self.dg, &mut self.d_initial);

        self.dw.resize(self.w.len(), 0.0);
        self.rollout.backward(steps, &self.w, &mut self.dg, &mut self.d_initial, &mut self.dw);
        let (to, add) = gradients.single()?;
        let (initial, layers) = to.split_at_mut(1);
        for (sum, value) in initial[0].iter_mut().zip(&self.d_initial) {
            *sum = if add { *sum + value } else { *value };
        }
        let last = parameters.layers.len() - 1;
        for (number, ((weight, _), to)) in parameters.layers.iter().zip(layers.chunks_exact_mut(2)).enumerate().rev() {
            let (dw, db) = to.split_at_mut(1);
            let gradient = LayerGradient { weight: &mut dw[0], bias: &mut db[0], add };
            with_values(weight, |weight| {
                if number < last {
                    self.mlp.backward_hidden(number, weight, gradient);
                } else {
                    self.mlp.backward_last(&self.dw, weight, gradient);
                }
            })?;
        }

        Ok(Evaluation {
            losses: Losses { separation: pairs.separation, invariance: pairs.invariance, capacity, conformal },
            statistics: LossStatistics {
                separation_pairs: pairs.separation_pairs,
                invariance_pairs: pairs.invariance_pairs,
                conformal_steps,
                zero_state_fraction: self.rollout.zero_states() as f64 / steps.states() as f64,
            },
        })
    }
}

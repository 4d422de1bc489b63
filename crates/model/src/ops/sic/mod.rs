//! The whole objective after W(v) as one candle operation: (W of the distinct velocities, raw g₀) → losses (eq. 3-8).
//!
//! The result is a vector [total, Sep, Inv, Cap, ConIso]; only the total may be differentiated. As the gradient needs the forward pass's tiles of
//! pairs while they are in cache, both are computed in one sweep when the operation is applied, and `backward` hands the gradient out.

mod direct_terms;

use super::linear::{contiguous, cpu_slice};
use super::pair_losses::{PairSettings, pair_losses};
use super::rollout::{Steps, backward, forward};
use crate::batch::Batch;
use crate::config::LossConfig;
use crate::losses::{LossStatistics, Losses};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::sync::{Arc, Mutex};

/// The operation for one batch; apply with `w.apply_op2(&initial_raw, op)` where `w` is (K, N, N) and `initial_raw` (N).
pub(crate) struct SicLosses {
    batch: Arc<Batch>,
    loss: LossConfig,
    outcome: Arc<Mutex<Option<Outcome>>>,
}

/// What one application found.
struct Outcome {
    losses: Losses,
    statistics: LossStatistics,
    dw: Vec<f32>,
    d_initial: Vec<f32>,
}

/// Where the operation leaves its losses (in `f64`) and counts.
#[derive(Clone)]
pub(crate) struct OutcomeHandle(Arc<Mutex<Option<Outcome>>>);

impl OutcomeHandle {
    /// What the last application found, if there was one.
    pub(crate) fn get(&self) -> Option<(Losses, LossStatistics)> {
        self.0.lock().ok()?.as_ref().map(|outcome| (outcome.losses, outcome.statistics))
    }
}

impl SicLosses {
    pub(crate) fn new(batch: Arc<Batch>, loss: LossConfig) -> (Self, OutcomeHandle) {
        let outcome = Arc::new(Mutex::new(None));
        (Self { batch, loss, outcome: Arc::clone(&outcome) }, OutcomeHandle(outcome))
    }
}

impl CustomOp2 for SicLosses {
    fn name(&self) -> &'static str {
        "sic-losses"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (velocities, units, columns) = l1.shape().dims3()?;
        if columns != units || velocities != self.batch.velocities_m.len() || l2.shape().dims1()? != units {
            candle_core::bail!(
                "sic-losses: W is {:?}, raw g0 {:?}, for {} velocities",
                l1.shape(),
                l2.shape(),
                self.batch.velocities_m.len()
            );
        }
        let outcome = evaluate(&self.batch, &self.loss, contiguous(s1, l1)?, contiguous(s2, l2)?, units);
        let Ok(mut slot) = self.outcome.lock() else { candle_core::bail!("sic-losses: a thread failed earlier") };
        let losses = outcome.losses.to_array(&self.loss).map(|l| l as f32);
        *slot = Some(outcome);
        Ok((CpuStorage::F32(losses.to_vec()), 5.into()))
    }

    fn bwd(&self, w: &Tensor, initial_raw: &Tensor, _losses: &Tensor, upstream: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let upstream = upstream.contiguous()?;
        let storage = upstream.storage_and_layout();
        let upstream = cpu_slice(&storage)?;
        if upstream[1..].iter().any(|u| *u != 0.0) {
            candle_core::bail!("sic-losses: only the total (element 0) can be differentiated; set the weights in the loss configuration");
        }
        let Ok(mut slot) = self.outcome.lock() else { candle_core::bail!("sic-losses: a thread failed earlier") };
        let Some(outcome) = slot.as_mut() else { candle_core::bail!("sic-losses: backward without forward") };
        let scaled = |data: &mut Vec<f32>| {
            let mut data = std::mem::take(data);
            if upstream[0] != 1.0 {
                for d in &mut data {
                    *d *= upstream[0];
                }
            }
            data
        };
        if outcome.dw.is_empty() {
            candle_core::bail!("sic-losses: a gradient can be asked for once");
        }
        let dw = Tensor::from_vec(scaled(&mut outcome.dw), w.shape(), w.device())?;
        let d_initial = Tensor::from_vec(scaled(&mut outcome.d_initial), initial_raw.shape(), w.device())?;
        Ok((Some(dw), Some(d_initial)))
    }
}

/// Forward and backward for one batch.
fn evaluate(batch: &Batch, loss: &LossConfig, w: &[f32], initial_raw: &[f32], units: usize) -> Outcome {
    let steps = Steps { batch: batch.batch, length: batch.length, units, velocities: batch.velocities_m.len(), index: &batch.index };
    let states = forward(steps, w, initial_raw);
    let settings = PairSettings {
        sigma_x_m: loss.sigma_x_m,
        sigma_g: loss.sigma_g,
        lambda_sep: loss.lambda_sep,
        lambda_inv: loss.lambda_inv,
        reduction: loss.reduction,
    };
    let (pairs, mut dg) = pair_losses(&states.g, steps.stride(), &batch.positions_m(), &settings);
    let mut dg_initial = vec![0f32; steps.stride()];
    let capacity = direct_terms::capacity(&states.g, steps.stride(), loss.lambda_cap, &mut dg);
    let conformal = direct_terms::conformal_isometry(steps, &states, &batch.speeds_m(), loss, &mut dg, &mut dg_initial);
    let (dw, d_initial) = backward(steps, w, &states, &mut dg, &dg_initial);
    let losses = Losses { separation: pairs.separation, invariance: pairs.invariance, capacity, conformal: conformal.variance };
    let statistics = LossStatistics {
        separation_pairs: pairs.separation_pairs,
        invariance_pairs: pairs.invariance_pairs,
        conformal_steps: conformal.steps,
        zero_state_fraction: states.zero_states as f64 / steps.states() as f64,
    };
    Outcome { losses, statistics, dw, d_initial }
}

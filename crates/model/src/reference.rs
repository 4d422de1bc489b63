//! The reference engine: the model as a plain candle graph with automatic differentiation, in `f64` or `f32`, on any candle device.
//!
//! It is the paper's equations line by line, with the full B·T × B·T matrix of pairs: for tests, small problems and other devices.

use crate::batch::Batch;
use crate::config::{Activation, LossConfig};
use crate::engine::{Engine, Evaluation, activate};
use crate::error::ModelError;
use crate::gradients::Gradients;
use crate::losses::{LossStatistics, Losses};
use crate::ops::rollout::NORM_EPSILON;
use crate::parameters::Parameters;
use candle_core::{D, Device, Module, Result, Tensor};

/// See the module's page.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Non-linearity of the MLP.
    pub activation: Activation,
}

/// (K, 2): the batch's velocities as a tensor like `like`.
fn velocity_tensor(batch: &Batch, like: &Tensor) -> Result<Tensor> {
    let flat: Vec<f64> = batch.velocities_m.iter().flatten().copied().collect();
    Tensor::from_vec(flat, (batch.velocities_m.len(), 2), &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())
}

/// √x with a gradient of 0, not ∞, at 0.
fn root(x: &Tensor) -> Result<Tensor> {
    let positive = x.gt(0.0)?;
    let safe = positive.where_cond(x, &x.ones_like()?)?.sqrt()?;
    positive.where_cond(&safe, &x.zeros_like()?)
}

/// NormReLU over the last dimension.
fn norm_relu(z: &Tensor) -> Result<Tensor> {
    let y = z.relu()?;
    let norm = root(&y.sqr()?.sum_keepdim(D::Minus1)?)?;
    y.broadcast_div(&(norm + f64::from(NORM_EPSILON))?)
}

/// States (B, T+1, N), g₀ first.
fn states(parameters: &Parameters, batch: &Batch, activation: Activation) -> Result<Tensor> {
    let n = parameters.units();
    let mut x = velocity_tensor(batch, &parameters.initial_raw)?;
    for (number, (weight, bias)) in parameters.layers.iter().enumerate() {
        if number > 0 {
            x = activate(&x, activation)?;
        }
        x = candle_nn::Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())).forward(&x)?;
    }
    let w = x.reshape((batch.velocities_m.len(), n, n))?;
    let index = Tensor::from_slice(&batch.index, (batch.batch, batch.length), w.device())?;
    let mut g = norm_relu(&parameters.initial_raw)?.reshape((1, n, 1))?.repeat((batch.batch, 1, 1))?;
    let mut all = vec![g.clone()];
    for t in 0..batch.length {
        let w_t = w.index_select(&index.narrow(1, t, 1)?.flatten_all()?.contiguous()?, 0)?;
        g = norm_relu(&w_t.matmul(&g)?.squeeze(2)?)?.unsqueeze(2)?;
        all.push(g.clone());
    }
    Tensor::cat(&all, 2)?.transpose(1, 2)
}

/// 0/1 masks over pairs (far, near), (S, S), with their counts.
fn pair_masks(batch: &Batch, sigma_x_m: f64, like: &Tensor) -> Result<((Tensor, u64), (Tensor, u64))> {
    let x = batch.positions_m();
    let distance = |a: &[f64; 2], b: &[f64; 2]| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
    let mask = |selected: &dyn Fn(f64) -> bool| -> Result<(Tensor, u64)> {
        let bits: Vec<f64> = x.iter().flat_map(|a| x.iter().map(move |b| f64::from(u8::from(selected(distance(a, b)))))).collect();
        let count = bits.iter().sum::<f64>() as u64;
        Ok((Tensor::from_vec(bits, (x.len(), x.len()), &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())?, count))
    };
    Ok((mask(&|d| d > sigma_x_m)?, mask(&|d| d < sigma_x_m)?))
}

/// eq. 7.
fn conformal(states: &Tensor, batch: &Batch, sigma_x_m: f64) -> Result<(Tensor, u64)> {
    let (length, speeds) = (batch.length, batch.speeds_m());
    let slow: Vec<u32> = (0..speeds.len()).filter(|s| speeds[*s] > 0.0 && speeds[*s] < sigma_x_m).map(|s| s as u32).collect();
    if slow.len() < 2 {
        return Ok((Tensor::zeros((), states.dtype(), states.device())?, slow.len() as u64));
    }
    let change = (states.narrow(1, 1, length)? - states.narrow(1, 0, length)?)?;
    let distance = root(&change.sqr()?.sum(D::Minus1)?)?.flatten_all()?;
    let picked = distance.index_select(&Tensor::from_slice(&slow, slow.len(), states.device())?, 0)?;
    let slow_speeds: Vec<f64> = slow.iter().map(|s| speeds[*s as usize]).collect();
    let ratio =
        (picked / Tensor::from_vec(slow_speeds, slow.len(), &Device::Cpu)?.to_dtype(states.dtype())?.to_device(states.device())?)?;
    let variance = ratio.broadcast_sub(&ratio.mean_keepdim(0)?)?.sqr()?.mean_all()?;
    Ok((variance, slow.len() as u64))
}

fn value(scalar: &Tensor) -> Result<f64> {
    scalar.to_dtype(candle_core::DType::F64)?.to_scalar()
}

impl Engine for Reference {
    fn evaluate(
        &mut self,
        parameters: &Parameters,
        batch: &Batch,
        loss: &LossConfig,
        gradients: &mut Gradients,
    ) -> std::result::Result<Evaluation, ModelError> {
        let all = states(parameters, batch, self.activation)?;
        let n = parameters.units();
        let g = all.narrow(1, 1, batch.length)?.reshape(((), n))?;
        let count = g.dim(0)?;
        let squared_norm = g.sqr()?.sum_keepdim(1)?;
        let squared = squared_norm.broadcast_add(&squared_norm.t()?)?.sub(&(g.matmul(&g.t()?)? * 2.0)?)?;
        let ((far, far_count), (near, near_count)) = pair_masks(batch, loss.sigma_x_m, &g)?;
        let separation = ((&squared * (-0.5 / loss.sigma_g.powi(2)))?.exp()? * far)?.sum_all()?;
        let separation = (separation / loss.reduction.divisor(far_count, count))?;
        let invariance = ((&squared * near)?.sum_all()? / loss.reduction.divisor(near_count, count))?;
        let capacity = g.mean(0)?.sqr()?.sum_all()?.neg()?;
        let (conformal, conformal_steps) = conformal(&all, batch, loss.sigma_x_m)?;
        let weighted = [
            (&separation, loss.lambda_sep),
            (&invariance, loss.lambda_inv),
            (&capacity, loss.lambda_cap),
            (&conformal, loss.lambda_coniso),
        ];
        let mut total = Tensor::zeros((), g.dtype(), g.device())?;
        for (term, lambda) in weighted {
            total = (total + (term * lambda)?)?;
        }
        let zero = value(&squared_norm.eq(0.0)?.to_dtype(g.dtype())?.sum_all()?)?;
        let store = total.backward()?;
        let tensors = parameters.named().into_iter().map(|(_, var)| store.get(var).map_or_else(|| var.zeros_like(), |g| Ok(g.clone())));
        gradients.add_tensors(&tensors.collect::<Result<Vec<_>>>()?)?;
        Ok(Evaluation {
            losses: Losses {
                separation: value(&separation)?,
                invariance: value(&invariance)?,
                capacity: value(&capacity)?,
                conformal: value(&conformal)?,
            },
            statistics: LossStatistics {
                separation_pairs: far_count,
                invariance_pairs: near_count,
                conformal_steps,
                zero_state_fraction: zero / count as f64,
            },
        })
    }
}

//! `AdamW` (Loshchilov & Hutter, ICLR 2019, Alg. 2) with global-norm clipping, one pass over the parameters, in place.
//!
//! Element by element: m ← β₁m+(1-β₁)g, v ← β₂v+(1-β₂)g², p ← p(1-lr·wd) - lr·m̂/(√v̂+ε) with bias-corrected m̂, v̂, and g scaled
//! by min(1, clip/‖g‖). Every element is on its own, so neither threads nor vectors change a bit.

use crate::config::OptimizerConfig;
use crate::error::ModelError;
use crate::gradients::{Gradients, Values};
use crate::ops::simd::{Kernel, Pack, run};
use crate::parameters::Parameters;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result};
use rayon::prelude::*;
use std::sync::Mutex;

/// Elements per parallel piece.
const PIECE: usize = 1 << 14;

/// First and second moments of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Moments {
    F32 { first: Vec<f32>, second: Vec<f32> },
    F64 { first: Vec<f64>, second: Vec<f64> },
}

/// The optimizer's state: moments in the order of [`Parameters::named`].
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    pub(crate) moments: Vec<Moments>,
}

impl AdamW {
    /// Moments of zero.
    pub fn new(parameters: &Parameters) -> Self {
        let zeros = |count: usize, f64: bool| {
            if f64 {
                Moments::F64 { first: vec![0.0; count], second: vec![0.0; count] }
            } else {
                Moments::F32 { first: vec![0.0; count], second: vec![0.0; count] }
            }
        };
        Self {
            moments: parameters.named().iter().map(|(_, var)| zeros(var.elem_count(), var.dtype() == candle_core::DType::F64)).collect(),
        }
    }

    /// One step (counted from 1) with the given gradients, which are first scaled by `scale`.
    ///
    /// # Errors
    /// When parameters, gradients and moments differ in precision.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &Gradients,
        settings: &OptimizerConfig,
        learning_rate: f64,
        scale: f64,
        step: u64,
    ) -> std::result::Result<(), ModelError> {
        let skipped = usize::from(!parameters.trainable_initial_state);
        let update = Update {
            scale,
            beta1: settings.beta1,
            beta2: settings.beta2,
            epsilon: settings.epsilon,
            keep: 1.0 - learning_rate * settings.weight_decay,
            rate: learning_rate / (1.0 - libm::pow(settings.beta1, step as f64)),
            inverse_root: 1.0 / (1.0 - libm::pow(settings.beta2, step as f64)).sqrt(),
        };
        for (number, moments) in self.moments.iter_mut().enumerate().skip(skipped) {
            let gradient = match gradients.values() {
                Values::F32(values) => Gradient::F32(&values[number]),
                Values::F64(values) => Gradient::F64(&values[number]),
            };
            parameters.at(number).inplace_op1(&InPlace { update, gradient, moments: Mutex::new(moments) })?;
        }
        Ok(())
    }
}

/// `f32` or `f64`.
trait Real: Copy + Send + Sync {
    fn update(update: &Update, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]);
}

macro_rules! real {
    ($real:ty) => {
        impl Real for $real {
            #[inline(always)]
            fn update(update: &Update, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]) {
                let (scale, beta1, beta2) = (update.scale as $real, update.beta1 as $real, update.beta2 as $real);
                let (new1, new2) = ((1.0 - update.beta1) as $real, (1.0 - update.beta2) as $real);
                let (keep, rate) = (update.keep as $real, update.rate as $real);
                let (root, epsilon) = (update.inverse_root as $real, update.epsilon as $real);
                for (((p, g), m), v) in p.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
                    let g = *g * scale;
                    *m = beta1 * *m + new1 * g;
                    *v = beta2 * *v + new2 * g * g;
                    *p = keep * *p - rate * *m / (v.sqrt() * root + epsilon);
                }
            }
        }
    };
}
real!(f32);
real!(f64);

/// Factors of one step.
#[derive(Clone, Copy, Debug)]
struct Update {
    scale: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    keep: f64,
    rate: f64,
    inverse_root: f64,
}

/// One parameter's gradient.
#[derive(Clone, Copy)]
enum Gradient<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
}

struct InPlace<'a> {
    update: Update,
    gradient: Gradient<'a>,
    moments: Mutex<&'a mut Moments>,
}

impl InplaceOp1 for InPlace<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let Ok(mut moments) = self.moments.lock() else { candle_core::bail!("adamw: a thread failed earlier") };
        let Some((start, end)) = layout.contiguous_offsets() else { candle_core::bail!("adamw: contiguous parameters are needed") };
        match (storage, self.gradient, &mut **moments) {
            (CpuStorage::F32(p), Gradient::F32(g), Moments::F32 { first, second }) => {
                self.update.apply(&mut p[start..end], g, first, second);
            }
            (CpuStorage::F64(p), Gradient::F64(g), Moments::F64 { first, second }) => {
                self.update.apply(&mut p[start..end], g, first, second);
            }
            _ => candle_core::bail!("adamw: parameter, gradient and moments differ in precision"),
        }
        Ok(())
    }

    /// Parameters of the reference engine on candle's CUDA device: to the host, the same update, and back.
    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, layout: &Layout) -> Result<()> {
        use candle_core::backend::{BackendDevice, BackendStorage};
        let mut host = storage.to_cpu_storage()?;
        self.cpu_fwd(&mut host, layout)?;
        *storage = storage.device().storage_from_cpu_storage_owned(host)?;
        Ok(())
    }
}

impl Update {
    fn apply<F: Real>(&self, p: &mut [F], g: &[F], m: &mut [F], v: &mut [F]) {
        p.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE)).zip(m.par_chunks_mut(PIECE)).zip(v.par_chunks_mut(PIECE)).for_each(
            |(((p, g), m), v)| {
                run(Apply { update: self, p, g, m, v });
            },
        );
    }
}

struct Apply<'a, F> {
    update: &'a Update,
    p: &'a mut [F],
    g: &'a [F],
    m: &'a mut [F],
    v: &'a mut [F],
}

impl<F: Real> Kernel for Apply<'_, F> {
    type Output = ();
    #[inline(always)]
    #[expect(unsafe_code, reason = "the interface of kernels; plain loops within")]
    unsafe fn call<P: Pack>(self) {
        F::update(self.update, self.p, self.g, self.m, self.v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Activation, ModelConfig, Precision};
    use candle_core::{Device, Tensor};
    use gridlake_space::seed::Seed;

    /// `AdamW` written out for one number.
    fn by_hand(mut p: f64, gradients: &[f64], lr: f64, wd: f64) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        for (t, g) in gradients.iter().enumerate() {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (mh, vh) = (m / (1.0 - 0.9f64.powi(t as i32 + 1)), v / (1.0 - 0.999f64.powi(t as i32 + 1)));
            p = p - lr * wd * p - lr * mh / (vh.sqrt() + 1e-8);
        }
        p
    }

    #[test]
    fn steps_as_written_out_by_hand_and_leaves_a_fixed_initial_state_alone() {
        for precision in [Precision::F32, Precision::F64] {
            let model = ModelConfig { units: 3, mlp_hidden: vec![4], activation: Activation::Relu, trainable_initial_state: false };
            let parameters = Parameters::draw(&model, precision, &Device::Cpu, Seed(1)).expect("parameters");
            let settings = OptimizerConfig {
                learning_rate: 0.01,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.1,
                clip_norm: 0.0,
                accumulate: 1,
            };
            let read = |var: &Tensor| -> Vec<f64> {
                var.to_dtype(candle_core::DType::F64).and_then(|t| t.flatten_all()?.to_vec1()).expect("values")
            };
            let before: Vec<_> = parameters.named().iter().map(|(_, v)| read(v)).collect();
            let mut optimizer = AdamW::new(&parameters);
            for step in 1..=5 {
                let tensors: Vec<_> = parameters
                    .named()
                    .iter()
                    .map(|(_, v)| v.ones_like().and_then(|t| t * (step as f64 * 0.3)).expect("gradient"))
                    .collect();
                let mut gradients = Gradients::new(&parameters);
                gradients.add_tensors(&tensors).expect("gradients");
                optimizer.step(&parameters, &gradients, &settings, 0.01, 0.5, step).expect("step");
            }
            let applied: Vec<f64> = (1..=5).map(|s| f64::from(s) * 0.15).collect();
            for (index, (_, var)) in parameters.named().iter().enumerate() {
                for (now, start) in read(var).iter().zip(&before[index]) {
                    let expected = if index == 0 { *start } else { by_hand(*start, &applied, 0.01, 0.1) };
                    assert!((now - expected).abs() < 1e-6, "{now} against {expected}");
                }
            }
        }
    }
}

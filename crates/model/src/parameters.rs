//! The trainable parameters: g₀ before its non-linearity, and the MLP that makes W(v) (eq. 2).

use crate::config::{ModelConfig, Precision};
use crate::error::ModelError;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor, Var};
use gridlake_space::seed::Seed;

/// Parameters as candle variables, in a fixed order with fixed names.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// (N): g₀ before NormReLU.
    pub initial_raw: Var,
    /// Weight (out, in) and bias (out) of each layer; the last one's outputs are W(v), row-major.
    pub layers: Vec<(Var, Var)>,
    /// Whether g₀ is learnt.
    pub trainable_initial_state: bool,
}

impl Parameters {
    /// Draws initial values: weights and biases uniform within ±1/√(inputs), raw g₀ uniform in (0, 1); all from named streams, in `f64` first, so
    /// that `f32` and `f64` start from the same values up to rounding.
    ///
    /// # Errors
    /// When the tensors cannot be made on the device.
    pub fn draw(model: &ModelConfig, precision: Precision, device: &Device, seed: Seed) -> Result<Self, ModelError> {
        let variable = |values: Vec<f64>, shape: &[usize]| -> Result<Var, ModelError> {
            // Through f32 in either precision: the same network, whatever the arithmetic.
            let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
            Ok(Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype(precision))?)?)
        };
        let mut stream = seed.stream("initial-state", 0);
        let initial_raw = variable((0..model.units).map(|_| stream.uniform()).collect(), &[model.units])?;
        let mut layers = Vec::new();
        for (number, (inputs, outputs)) in layer_shapes(model).into_iter().enumerate() {
            let bound = 1.0 / (inputs as f64).sqrt();
            let draw = |name: &str, count: usize| -> Vec<f64> {
                let mut stream = seed.stream(name, number as u64);
                (0..count).map(|_| stream.uniform_in(-bound, bound)).collect()
            };
            let weight = variable(draw("mlp-weight", inputs * outputs), &[outputs, inputs])?;
            let bias = variable(draw("mlp-bias", outputs), &[outputs])?;
            layers.push((weight, bias));
        }
        Ok(Self { initial_raw, layers, trainable_initial_state: model.trainable_initial_state })
    }

    /// The same parameters on another device; themselves where they are there.
    pub(crate) fn on(self, device: &Device) -> Result<Self, ModelError> {
        let moved = |var: &Var| -> Result<Var, ModelError> {
            let there = var.device().same_device(device);
            Ok(if there { var.clone() } else { Var::from_tensor(&var.to_device(device)?)? })
        };
        Ok(Self {
            initial_raw: moved(&self.initial_raw)?,
            layers: self.layers.iter().map(|(weight, bias)| Ok((moved(weight)?, moved(bias)?))).collect::<Result<_, ModelError>>()?,
            trainable_initial_state: self.trainable_initial_state,
        })
    }

    /// All variables with their names, in the order of every list of gradients.
    pub fn named(&self) -> Vec<(String, &Var)> {
        let mut named = vec![("g0_raw".to_owned(), &self.initial_raw)];
        for (number, (weight, bias)) in self.layers.iter().enumerate() {
            named.push((format!("mlp.{number}.weight"), weight));
            named.push((format!("mlp.{number}.bias"), bias));
        }
        named
    }

    /// The variable at a place in [`Self::named`].
    pub(crate) fn at(&self, number: usize) -> &Var {
        match number.checked_sub(1) {
            None => &self.initial_raw,
            Some(rest) => {
                let (weight, bias) = &self.layers[rest / 2];
                if rest.is_multiple_of(2) { weight } else { bias }
            }
        }
    }

    /// Units, N.
    pub fn units(&self) -> usize {
        self.initial_raw.elem_count()
    }
}

/// Hands out the elements of a contiguous `f32` variable on the CPU.
pub(crate) fn with_values<R>(var: &Var, read: impl FnOnce(&[f32]) -> R) -> candle_core::Result<R> {
    let (storage, layout) = var.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(data)), Some((start, end))) => Ok(read(&data[start..end])),
        _ => candle_core::bail!("the fused engine works in f32 on the CPU; use engine = \"reference\" for other precisions and devices"),
    }
}

/// (inputs, outputs) of every layer: 2 → hidden… → N².
pub(crate) fn layer_shapes(model: &ModelConfig) -> Vec<(usize, usize)> {
    let widths: Vec<usize> = std::iter::once(2).chain(model.mlp_hidden.iter().copied()).chain([model.units * model.units]).collect();
    widths.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// candle's name of a precision.
pub(crate) fn dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 | Precision::Tf32 => DType::F32,
        Precision::F64 => DType::F64,
    }
}

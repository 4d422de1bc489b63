//! The gradient of the objective with respect to every parameter, summed over the batches of a step.

use crate::parameters::Parameters;
use candle_core::{CpuStorage, DType, Result, Storage, Tensor};
use rayon::prelude::*;

use crate::ops::simd::{Kernel, Pack, run};

/// Elements per partial sum of the norm.
const PIECE: usize = 1 << 14;

/// ∂L/∂p of each parameter, in the order and precision of [`Parameters::named`]; the buffers are made once.
#[derive(Debug)]
pub struct Gradients {
    values: Values,
    /// Batches summed so far.
    batches: usize,
    /// Partial sums of squares.
    pieces: Vec<f64>,
}

/// In the parameters' precision.
#[derive(Debug)]
pub(crate) enum Values {
    F32(Vec<Vec<f32>>),
    F64(Vec<Vec<f64>>),
}

impl Gradients {
    /// Room for the gradient of these parameters.
    pub fn new(parameters: &Parameters) -> Self {
        let sizes = || parameters.named().into_iter().map(|(_, var)| var.elem_count());
        let values = if parameters.initial_raw.dtype() == DType::F64 {
            Values::F64(sizes().map(|size| vec![0.0; size]).collect())
        } else {
            Values::F32(sizes().map(|size| vec![0.0; size]).collect())
        };
        Self { values, batches: 0, pieces: Vec::new() }
    }

    /// Forgets all batches; the next one is written over what is there.
    pub fn clear(&mut self) {
        self.batches = 0;
    }

    /// Batches summed since [`Self::clear`].
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// One parameter's gradient, by its place in [`Parameters::named`], in `f64`.
    pub fn to_vec(&self, parameter: usize) -> Vec<f64> {
        match &self.values {
            Values::F32(values) => values[parameter].iter().map(|v| f64::from(*v)).collect(),
            Values::F64(values) => values[parameter].clone(),
        }
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The `f32` buffers for one more batch, and whether it is added to what is there.
    pub(crate) fn single(&mut self) -> Result<(&mut [Vec<f32>], bool)> {
        let add = self.batches > 0;
        self.batches += 1;
        match &mut self.values {
            Values::F32(values) => Ok((values, add)),
            Values::F64(_) => candle_core::bail!("the fused engine works in f32; use engine = \"reference\" for f64"),
        }
    }

    /// Adds one more batch, given as tensors.
    ///
    /// # Errors
    /// When their precision is not that of the parameters.
    pub fn add_tensors(&mut self, tensors: &[Tensor]) -> Result<()> {
        let add = self.batches > 0;
        self.batches += 1;
        for (parameter, tensor) in tensors.iter().enumerate() {
            let tensor = tensor.to_device(&candle_core::Device::Cpu)?.contiguous()?;
            let (storage, layout) = tensor.storage_and_layout();
            let (start, end) = layout.contiguous_offsets().unwrap_or_default();
            match (&*storage, &mut self.values) {
                (Storage::Cpu(CpuStorage::F32(from)), Values::F32(to)) => put(&from[start..end], &mut to[parameter], add),
                (Storage::Cpu(CpuStorage::F64(from)), Values::F64(to)) => put(&from[start..end], &mut to[parameter], add),
                _ => candle_core::bail!("gradients are f32 or f64, as their parameters are"),
            }
        }
        Ok(())
    }

    /// ‖∂L/∂p‖ over all parameters from the `first` on. `f64`, in eight lanes per piece, pieces in order.
    pub fn norm(&mut self, first: usize) -> f64 {
        match &self.values {
            Values::F32(values) => values.iter().skip(first).map(|v| squares(v, &mut self.pieces)).sum::<f64>().sqrt(),
            Values::F64(values) => values.iter().skip(first).map(|v| squares(v, &mut self.pieces)).sum::<f64>().sqrt(),
        }
    }

    /// The first parameter from the `first` on whose gradient is not finite, by its place.
    pub fn non_finite(&self, first: usize) -> Option<usize> {
        match &self.values {
            Values::F32(values) => (first..values.len()).find(|p| values[*p].iter().any(|v| !v.is_finite())),
            Values::F64(values) => (first..values.len()).find(|p| values[*p].iter().any(|v| !v.is_finite())),
        }
    }
}

fn put<F: Copy + std::ops::AddAssign>(from: &[F], to: &mut [F], add: bool) {
    if add {
        for (sum, value) in to.iter_mut().zip(from) {
            *sum += *value;
        }
    } else {
        to.copy_from_slice(from);
    }
}

fn squares<F: Copy + Into<f64> + Sync>(data: &[F], pieces: &mut Vec<f64>) -> f64 {
    pieces.resize(data.len().div_ceil(PIECE), 0.0);
    pieces.par_iter_mut().zip(data.par_chunks(PIECE)).for_each(|(sum, piece)| *sum = run(Squares { piece }));
    pieces.iter().sum()
}

struct Squares<'a, F> {
    piece: &'a [F],
}

impl<F: Copy + Into<f64>> Kernel for Squares<'_, F> {
    type Output = f64;
    #[inline(always)]
    #[expect(unsafe_code, reason = "the interface of kernels; plain loops within")]
    unsafe fn call<P: Pack>(self) -> f64 {
        let mut lanes = [0f64; 8];
        let (whole, rest) = self.piece.as_chunks::<8>();
        for chunk in whole {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                let x: f64 = (*x).into();
                *lane += x * x;
            }
        }
        for (lane, x) in lanes.iter_mut().zip(rest) {
            let x: f64 = (*x).into();
            *lane += x * x;
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Activation, ModelConfig, Precision};
    use gridlake_space::seed::Seed;

    #[test]
    fn batches_add_up_and_the_norm_is_that_of_all() -> std::result::Result<(), crate::ModelError> {
        for precision in [Precision::F32, Precision::F64] {
            let model = ModelConfig { units: 110, mlp_hidden: vec![4], activation: Activation::Relu, trainable_initial_state: true };
            let parameters = Parameters::draw(&model, precision, &candle_core::Device::Cpu, Seed(1))?;
            let named = parameters.named();
            let ones: Vec<Tensor> = named.iter().map(|(_, var)| var.ones_like()).collect::<Result<_>>()?;
            let mut gradients = Gradients::new(&parameters);
            gradients.add_tensors(&ones)?;
            gradients.clear();
            gradients.add_tensors(&ones)?;
            gradients.add_tensors(&ones)?;
            let count: usize = named.iter().map(|(_, var)| var.elem_count()).sum();
            assert_eq!((gradients.norm(0), gradients.batches()), (2.0 * (count as f64).sqrt(), 2));
            assert_eq!(gradients.norm(1), 2.0 * ((count - 110) as f64).sqrt());
            assert_eq!(gradients.non_finite(0), None);
            gradients.add_tensors(&[vec![(&ones[0] * f64::NAN)?], ones[1..].to_vec()].concat())?;
            assert_eq!((gradients.non_finite(0), gradients.non_finite(1)), (Some(0), None));
            assert!(gradients.norm(0).is_nan() && gradients.norm(1).is_finite());
        }
        Ok(())
    }
}

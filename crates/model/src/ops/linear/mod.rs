//! A fully connected layer `y = x·Wᵀ + b` as a candle operation whose bits depend neither on threads nor on vector width.
//!
//! `x` (T, in), `W` (out, in), `b` (out): the layout of `candle_nn::Linear`, whose own product ([`crate::reference`] uses it) picks its blocking
//! by processor. For W(v) the layer is tall (out = N², T ≤ 60), so the outputs are what runs in parallel.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::matmul::{Strided, accumulate};
use super::simd::{Kernel, LANES, Pack, run};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Outputs per parallel task.
const OUTPUTS: usize = 512;

/// See the module's page; apply with `x.apply_op3(&weight, &bias, Linear)`.
pub(crate) struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inputs) = l1.shape().dims2()?;
        let (outputs, weight_inputs) = l2.shape().dims2()?;
        if weight_inputs != inputs || l3.shape().dims1()? != outputs {
            candle_core::bail!("linear: x is {:?}, weight {:?}, bias {:?}", l1.shape(), l2.shape(), l3.shape());
        }
        let (x, weight, bias) = (contiguous(s1, l1)?, contiguous(s2, l2)?, contiguous(s3, l3)?);
        Ok((CpuStorage::F32(forward(x, weight, bias, rows)), (rows, outputs).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (rows, inputs) = x.dims2()?;
        let outputs = weight.dim(0)?;
        let dy = dy.contiguous()?;
        let device = x.device();
        let (xs, ws, ds) = (x.storage_and_layout(), weight.storage_and_layout(), dy.storage_and_layout());
        let (x, weight, dy) = (cpu_slice(&xs)?, cpu_slice(&ws)?, cpu_slice(&ds)?);
        let dx = backward_input(dy, weight, rows, inputs);
        let (dw, db) = backward_weight(dy, x, outputs, inputs);
        Ok((
            Some(Tensor::from_vec(dx, (rows, inputs), device)?),
            Some(Tensor::from_vec(dw, (outputs, inputs), device)?),
            Some(Tensor::from_vec(db, outputs, device)?),
        ))
    }
}

/// The elements of a contiguous `f32` tensor on the CPU.
pub(crate) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(data), Some((start, end))) => Ok(&data[start..end]),
        (CpuStorage::F32(_), None) => candle_core::bail!("a contiguous tensor is needed, not {layout:?}"),
        _ => candle_core::bail!("the fused engine works in f32; use engine = \"reference\" for other precisions"),
    }
}

/// The same, for a tensor's `storage_and_layout`.
pub(crate) fn cpu_slice<'a>((storage, layout): &'a (impl std::ops::Deref<Target = candle_core::Storage>, &Layout)) -> Result<&'a [f32]> {
    match &**storage {
        candle_core::Storage::Cpu(cpu) => contiguous(cpu, layout),
        _ => candle_core::bail!("the fused engine works on the CPU; use engine = \"reference\" for other devices"),
    }
}

/// `y = x·Wᵀ + b`, row-major (rows, outputs).
fn forward(x: &[f32], weight: &[f32], bias: &[f32], rows: usize) -> Vec<f32> {
    let (outputs, inputs) = (bias.len(), x.len() / rows);
    // xᵀ with rows padded to whole packs: the velocities are the lanes, the layer's outputs the tile's rows.
    let padded = rows.next_multiple_of(LANES);
    let mut x_transposed = vec![0f32; inputs * padded];
    for (r, row) in x.chunks_exact(inputs).enumerate() {
        for (i, value) in row.iter().enumerate() {
            x_transposed[i * padded + r] = *value;
        }
    }
    let mut y = vec![0f32; rows * outputs];
    let out = Shared(y.as_mut_ptr());
    (0..outputs.div_ceil(OUTPUTS)).into_par_iter().for_each(|task| {
        let first = task * OUTPUTS;
        let count = OUTPUTS.min(outputs - first);
        run(Forward {
            x_transposed: &x_transposed,
            padded,
            rows,
            weight: &weight[first * inputs..(first + count) * inputs],
            bias: &bias[first..first + count],
            y: out.at(first),
            outputs,
        });
    });
    y
}

/// A pointer that parallel tasks write disjoint parts through.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub(crate) *mut f32);
// SAFETY: every task that gets one writes its own elements only; each use says which.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The same, `offset` elements on.
    pub(crate) fn at(self, offset: usize) -> Self {
        Self(self.0.wrapping_add(offset))
    }
}

struct Forward<'a> {
    x_transposed: &'a [f32],
    padded: usize,
    rows: usize,
    weight: &'a [f32],
    bias: &'a [f32],
    y: Shared,
    outputs: usize,
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        const STRIP: usize = 16;
        let inputs = self.x_transposed.len() / self.padded;
        let mut strip = vec![0f32; STRIP * self.padded];
        for (s, bias) in self.bias.chunks(STRIP).enumerate() {
            for (row, b) in strip.chunks_exact_mut(self.padded).zip(bias) {
                row.fill(*b);
            }
            let a = Strided { data: self.weight[s * STRIP * inputs..].as_ptr(), row: inputs, column: 1 };
            // SAFETY: `strip` has a row of `padded` for each of the chunk's outputs; `weight` a row of `inputs`; this task's
            // columns of `y` are its own.
            unsafe {
                accumulate::<P>(
                    (bias.len(), self.padded, inputs),
                    a,
                    self.x_transposed.as_ptr(),
                    self.padded,
                    strip.as_mut_ptr(),
                    self.padded,
                );
                for r in 0..self.rows {
                    let to = self.y.0.add(r * self.outputs + s * STRIP);
                    for o in 0..bias.len() {
                        *to.add(o) = *strip.get_unchecked(o * self.padded + r);
                    }
                }
            }
        }
    }
}

/// `dx = dy·W`: the long sum over outputs in fixed pieces of [`OUTPUTS`], added up in order.
fn backward_input(dy: &[f32], weight: &[f32], rows: usize, inputs: usize) -> Vec<f32> {
    let outputs = weight.len() / inputs;
    let pieces: Vec<Vec<f32>> = (0..outputs.div_ceil(OUTPUTS))
        .into_par_iter()
        .map(|task| {
            let first = task * OUTPUTS;
            let mut piece = vec![0f32; rows * inputs];
            let shape = (rows, inputs, OUTPUTS.min(outputs - first));
            run(Accumulate { shape, a: &dy[first..], strides: (outputs, 1), b: &weight[first * inputs..], c: &mut piece });
            piece
        })
        .collect();
    let mut dx = vec![0f32; rows * inputs];
    for piece in pieces {
        for (sum, value) in dx.iter_mut().zip(piece) {
            *sum += value;
        }
    }
    dx
}

/// `dW = dyᵀ·x` and `db`, the sum of dy over rows.
fn backward_weight(dy: &[f32], x: &[f32], outputs: usize, inputs: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = x.len() / inputs;
    let (mut dw, mut db) = (vec![0f32; outputs * inputs], vec![0f32; outputs]);
    dw.par_chunks_mut(OUTPUTS * inputs).zip(db.par_chunks_mut(OUTPUTS)).enumerate().for_each(|(task, (dw, db))| {
        let first = task * OUTPUTS;
        run(Accumulate { shape: (db.len(), inputs, rows), a: &dy[first..], strides: (1, outputs), b: x, c: dw });
        for row in dy.chunks_exact(outputs) {
            for (sum, value) in db.iter_mut().zip(&row[first..]) {
                *sum += value;
            }
        }
    });
    (dw, db)
}

/// `C += A·B` with contiguous `B` and `C`.
struct Accumulate<'a> {
    shape: (usize, usize, usize),
    a: &'a [f32],
    strides: (usize, usize),
    b: &'a [f32],
    c: &'a mut [f32],
}

impl Kernel for Accumulate<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let ((m, n, k), (row, column)) = (self.shape, self.strides);
        assert!(m > 0 && k > 0 && self.a.len() > (m - 1) * row + (k - 1) * column);
        assert!(self.b.len() >= k * n && self.c.len() == m * n);
        // SAFETY: the shapes were just checked against the slices.
        unsafe { accumulate::<P>(self.shape, Strided { data: self.a.as_ptr(), row, column }, self.b.as_ptr(), n, self.c.as_mut_ptr(), n) }
    }
}

#[cfg(test)]
mod tests;

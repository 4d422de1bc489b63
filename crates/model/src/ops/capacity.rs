//! Capacity (eq. 6), linear in the number of states.

use super::simd::{Kernel, LANES, Pack, run};
use rayon::prelude::*;

/// States per partial sum: `f32` within, `f64` across, added up in order.
const STATES: usize = 64;

/// The capacity loss, with buffers that are made once.
#[derive(Debug, Default)]
pub(crate) struct Capacity {
    /// (parts, stride): sums over [`STATES`] states.
    parts: Vec<f32>,
    mean: Vec<f64>,
    slope: Vec<f32>,
}

impl Capacity {
    /// Cap = -‖mean g‖² of the states `g` (S, stride); adds its weighted gradient, -2λ·mean/S, to every state of `dg`.
    pub(crate) fn evaluate(&mut self, g: &[f32], stride: usize, lambda_cap: f64, dg: &mut [f32]) -> f64 {
        let states = (g.len() / stride) as f64;
        self.parts.resize((g.len() / stride).div_ceil(STATES) * stride, 0.0);
        self.parts.par_chunks_mut(stride).zip(g.par_chunks(STATES * stride)).for_each(|(sum, g)| run(Sum { sum, g }));
        self.mean.clear();
        self.mean.resize(stride, 0.0);
        for part in self.parts.chunks_exact(stride) {
            for (mean, value) in self.mean.iter_mut().zip(part) {
                *mean += f64::from(*value);
            }
        }
        for mean in &mut self.mean {
            *mean /= states;
        }
        if lambda_cap != 0.0 {
            self.slope.clear();
            self.slope.extend(self.mean.iter().map(|m| (-2.0 * lambda_cap * m / states) as f32));
            let slope = self.slope.as_slice();
            dg.par_chunks_mut(STATES * stride).for_each(|dg| run(Add { slope, dg }));
        }
        -self.mean.iter().map(|m| m * m).sum::<f64>()
    }
}

struct Sum<'a> {
    sum: &'a mut [f32],
    g: &'a [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();
    #[inline(always)]
    #[expect(unsafe_code, reason = "loads and stores of whole packs in rows of whole packs")]
    unsafe fn call<P: Pack>(self) {
        let stride = self.sum.len();
        assert!(self.g.len().is_multiple_of(stride) && stride.is_multiple_of(LANES));
        for at in (0..stride).step_by(LANES) {
            // SAFETY: rows are whole packs, as was just checked.
            unsafe {
                let mut sum = P::splat(0.0);
                for row in self.g.chunks_exact(stride) {
                    sum = sum.add(P::load(row.as_ptr().add(at)));
                }
                sum.store(self.sum.as_mut_ptr().add(at));
            }
        }
    }
}

struct Add<'a> {
    slope: &'a [f32],
    dg: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    #[expect(unsafe_code, reason = "the interface of kernels; plain loops within")]
    unsafe fn call<P: Pack>(self) {
        for row in self.dg.chunks_exact_mut(self.slope.len()) {
            for (d, slope) in row.iter_mut().zip(self.slope) {
                *d += slope;
            }
        }
    }
}

//! Surrogates with the map's amplitude spectrum and random phases.
//!
//! Unvisited bins enter as the mean. The amplitudes are kept exactly on the full rectangle; the visited mask is then applied again.

use super::Surrogates;
use crate::fft::{Fft2, Fft2Scratch};
use gridlake_space::seed::Stream;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

pub(super) struct Phase {
    plan: Fft2,
    bins: Vec<usize>,
    amplitude: Vec<f64>,
    mean: f64,
    field: Vec<Complex64>,
    scratch: Fft2Scratch,
}

impl Phase {
    pub(super) fn new(shape: (usize, usize), bins: &[usize], map: &[f64]) -> Self {
        let plan = Fft2::new(shape.0, shape.1);
        let mut scratch = plan.scratch();
        let mean = bins.iter().map(|&bin| map[bin] / bins.len() as f64).sum::<f64>();
        let mut field = vec![Complex64::default(); plan.len()];
        for &bin in bins {
            field[bin] = Complex64::new(map[bin] - mean, 0.0);
        }
        plan.forward(&mut field, shape.0, &mut scratch);
        let amplitude = field.iter().map(|value| value.norm() / plan.len() as f64).collect();
        Self { plan, bins: bins.to_vec(), amplitude, mean, field, scratch }
    }

    fn one(&mut self, stream: &mut Stream, out: &mut [f32]) {
        for index in 0..self.plan.len() {
            let opposite = self.plan.opposite(index);
            if opposite < index {
                continue;
            }
            let turn = stream.uniform();
            let value =
                if opposite == index { Complex64::new(if turn < 0.5 { 1.0 } else { -1.0 }, 0.0) } else { Complex64::cis(TAU * turn) }
                    * self.amplitude[index];
            self.field[index] = value;
            self.field[opposite] = value.conj();
        }
        self.plan.inverse(&mut self.field, self.plan.rows, &mut self.scratch);
        for &bin in &self.bins {
            out[bin] = (self.mean + self.field[bin].re) as f32;
        }
    }
}

impl Surrogates for Phase {
    fn pair(&mut self, stream: &mut Stream, first: &mut [f32], second: &mut [f32]) {
        self.one(stream, first);
        self.one(stream, second);
    }
}

//! Surrogates with the map's radial power spectrum and rates, and with random directions and phases.
//!
//! 1. The map, mean subtracted and unvisited bins zero, padded to twice its size: its power, averaged over all directions.
//! 2. That average is the true spectrum blurred by the box, and cutting a surrogate out of a plane blurs it again. A few multiplicative
//!    steps `P ← P · observed / expected(P)` undo the first blur; `expected` is exact, through the autocovariance:
//!    `FFT(IFFT(P) · overlap)`.
//! 3. A surrogate is a cut-out of a Gaussian field with spectrum P (twice the box, so its edges are not neighbours), with the map's
//!    rates assigned by rank, so skewed maps have skewed surrogates.

use super::Surrogates;
use crate::fft::{Fft2, Fft2Scratch, good_size};
use gridlake_space::seed::Stream;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Steps that undo the box's blur; measured in `docs/validation.md`.
const SHARPENING: usize = 4;

/// What surrogates of all maps of one arena share.
#[derive(Clone)]
pub(super) struct IsotropicPlan {
    shape: (usize, usize),
    bins: Vec<usize>,
    plan: Fft2,
    /// Which radial class each frequency belongs to, and how many there are of each.
    class: Vec<u32>,
    members: Vec<f64>,
    /// Share of visited bins that overlap per circular lag.
    overlap: Vec<f64>,
}

impl IsotropicPlan {
    pub(super) fn new(shape: (usize, usize), bins: &[usize], bin_m: (f64, f64)) -> Self {
        let plan = Fft2::new(good_size(2 * shape.0), good_size(2 * shape.1));
        let step = (1.0 / (plan.rows as f64 * bin_m.0)).min(1.0 / (plan.cols as f64 * bin_m.1));
        let class: Vec<u32> = (0..plan.len())
            .map(|index| {
                let ky = Fft2::signed(index % plan.rows, plan.rows) / (plan.rows as f64 * bin_m.0);
                let kx = Fft2::signed(index / plan.rows, plan.cols) / (plan.cols as f64 * bin_m.1);
                (kx.hypot(ky) / step).round() as u32
            })
            .collect();
        let mut members = vec![0.0; class.iter().max().map_or(0, |last| *last as usize + 1)];
        for &c in &class {
            members[c as usize] += 1.0;
        }
        let mut made = Self { shape, bins: bins.to_vec(), plan, class, members, overlap: Vec::new() };
        let mut scratch = made.plan.scratch();
        let mut mask = made.padded(|_| 1.0);
        made.plan.forward(&mut mask, shape.0, &mut scratch);
        for value in &mut mask {
            *value = Complex64::new(value.norm_sqr(), 0.0);
        }
        made.plan.inverse(&mut mask, made.plan.rows, &mut scratch);
        let whole = mask.first().map_or(1.0, |zero| zero.re.max(1.0));
        made.overlap = mask.iter().map(|value| (value.re / whole).max(0.0)).collect();
        made
    }

    /// A padded buffer with `value` of each visited bin.
    fn padded(&self, value: impl Fn(usize) -> f64) -> Vec<Complex64> {
        let mut data = vec![Complex64::default(); self.plan.len()];
        for &bin in &self.bins {
            data[bin / self.shape.1 * self.plan.cols + bin % self.shape.1] = Complex64::new(value(bin), 0.0);
        }
        data
    }

    fn radial(&self, power: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.members.len()];
        for (value, &class) in power.zip(&self.class) {
            sums[class as usize] += value;
        }
        for (sum, n) in sums.iter_mut().zip(&self.members) {
            *sum = if *n > 0.0 { *sum / n } else { 0.0 };
        }
        sums
    }

    /// Radial power that a field of radial power `spectrum` shows through the visited bins.
    fn expected(&self, spectrum: &[f64], scratch: &mut Fft2Scratch) -> Vec<f64> {
        let mut data: Vec<Complex64> = self.class.iter().map(|&class| Complex64::new(spectrum[class as usize], 0.0)).collect();
        self.plan.inverse(&mut data, self.plan.rows, scratch);
        for (value, overlap) in data.iter_mut().zip(&self.overlap) {
            *value *= overlap / self.plan.len() as f64;
        }
        self.plan.forward(&mut data, self.plan.rows, scratch);
        self.radial(data.iter().map(|value| value.re.max(0.0)))
    }
}

/// Surrogates of one map.
pub(super) struct Isotropic<'a> {
    shared: &'a IsotropicPlan,
    /// Amplitude per frequency.
    amplitude: Vec<f64>,
    /// The map's rates, ascending.
    rates: Vec<f64>,
    field: Vec<Complex64>,
    order: Vec<(f64, u32)>,
    scratch: Fft2Scratch,
}

impl<'a> Isotropic<'a> {
    pub(super) fn new(shared: &'a IsotropicPlan, map: &[f64]) -> Self {
        let mut rates: Vec<f64> = shared.bins.iter().map(|&bin| map[bin]).collect();
        let largest = rates.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let mean = rates.iter().map(|v| v / largest).sum::<f64>() / rates.len().max(1) as f64;
        let mut scratch = shared.plan.scratch();
        let mut data = shared.padded(|bin| map[bin] / largest - mean);
        shared.plan.forward(&mut data, shared.shape.0, &mut scratch);
        let observed = shared.radial(data.iter().map(Complex64::norm_sqr));
        let mut spectrum = observed.clone();
        for _ in 0..SHARPENING {
            let expected = shared.expected(&spectrum, &mut scratch);
            for ((p, seen), would) in spectrum.iter_mut().zip(&observed).zip(&expected) {
                *p *= if *would > 0.0 { seen / would } else { 1.0 };
            }
        }
        let amplitude = shared.class.iter().map(|&class| spectrum[class as usize].max(0.0).sqrt()).collect();
        rates.sort_by(f64::total_cmp);
        Self { shared, amplitude, rates, field: data, order: Vec::with_capacity(shared.bins.len()), scratch }
    }

    fn assign(&mut self, part: impl Fn(Complex64) -> f64, out: &mut [f64]) {
        let (cols, padded) = (self.shared.shape.1, self.shared.plan.cols);
        self.order.clear();
        self.order.extend(self.shared.bins.iter().map(|&bin| (part(self.field[bin / cols * padded + bin % cols]), bin as u32)));
        self.order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (&(_, bin), &rate) in self.order.iter().zip(&self.rates) {
            out[bin as usize] = rate;
        }
    }
}

impl Surrogates for Isotropic<'_> {
    fn pair(&mut self, stream: &mut Stream, first: &mut [f64], second: &mut [f64]) {
        // Independent complex normal coefficients: real and imaginary part are two independent fields.
        for (coefficient, amplitude) in self.field.iter_mut().zip(&self.amplitude) {
            let radius = (-(1.0 - stream.uniform()).ln()).sqrt() * amplitude;
            *coefficient = Complex64::from_polar(radius, TAU * stream.uniform());
        }
        self.shared.plan.inverse(&mut self.field, self.shared.shape.0, &mut self.scratch);
        self.assign(|value| value.re, first);
        self.assign(|value| value.im, second);
    }
}

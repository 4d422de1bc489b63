//! A module's mean power spectrum (Fig. 6a, left), and its wave vectors fitted to all its units' maps at once.
//!
//! **Spectrum.** Each unit's map over visited bins, less its mean under the window, times a Hann window `h`, padded with zeros to `padding` times the longer side (in bins) and
//! transformed; `|F(k)|²` over its own sum over all k, so that every unit counts the same whatever its rates; the mean over units:
//!
//! ```text
//! P(k) = 1/N Σ_i |Σ_x h(x) (r_i(x) - r̄_i) e^{-2πi k·x}|² / Σ_k' |…|²
//! ```
//!
//! An unvisited bin adds nothing: like a zero after the mean is gone. P is dimensionless, point-symmetric, and sums to 1 over all frequencies.
//!
//! **Waves.** See [`JointFit`].

mod joint_fit;

pub use joint_fit::{EachMap, JointFit, NoJointFit, SharedWaves};

use crate::fft::{Fft2, Fft2Scratch, good_size};
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;
use std::f64::consts::PI;

/// A module's mean power spectrum around frequency zero.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleSpectrum {
    /// P, `(k_y, k_x)`, odd sizes, frequency zero in the middle; NaN where no unit had a spectrum.
    pub power: Array2<f64>,
    /// Step between frequencies along x and y in cycles per metre; the same where bins are square.
    pub df_cycles_per_m: [f64; 2],
    /// Units in the mean.
    pub units: usize,
    /// Units whose map is constant or not finite, and so has none.
    pub left_out: usize,
}

/// The mean under way: maps are added one by one and not kept.
pub struct SpectrumSum {
    plan: Fft2,
    scratch: (Vec<Complex64>, Fft2Scratch),
    visited: Vec<bool>,
    hann: Vec<f64>,
    shape: (usize, usize),
    df: [f64; 2],
    sum: Vec<f64>,
    units: usize,
    left_out: usize,
}

impl SpectrumSum {
    /// For maps with these visited bins, `(ny, nx)`, of a box of `width_m` by `height_m` metres, padded to `padding` (≥ 1) times the longer side.
    pub fn new(visited: &Array2<bool>, width_m: f64, height_m: f64, padding: usize) -> Self {
        let (rows, cols) = visited.dim();
        let size = good_size(rows.max(cols) * padding.max(1));
        let plan = Fft2::new(size, size);
        let window = |i: usize, n: usize| (PI * (i as f64 + 0.5) / n as f64).sin().powi(2);
        Self {
            scratch: (vec![Complex64::default(); plan.len()], plan.scratch()),
            visited: visited.iter().copied().collect(),
            hann: (0..rows * cols).map(|i| window(i / cols, rows) * window(i % cols, cols)).collect(),
            shape: (rows, cols),
            df: [cols as f64 / (size as f64 * width_m), rows as f64 / (size as f64 * height_m)],
            sum: vec![0.0; plan.len()],
            plan,
            units: 0,
            left_out: 0,
        }
    }

    /// Adds a unit's map; unvisited bins are not read.
    ///
    /// # Panics
    /// Where `map` has another shape than the mask.
    pub fn add(&mut self, map: ArrayView2<'_, f64>) {
        assert_eq!(map.dim(), self.shape, "the map has the mask's shape");
        let values: Vec<f64> = map.iter().copied().collect();
        let seen = || (0..values.len()).filter(|&i| self.visited[i]);
        let (sum, weight) = seen().fold((0.0, 0.0), |(sum, weight), i| (sum + self.hann[i] * values[i], weight + self.hann[i]));
        let mean = sum / weight;
        let (data, line) = &mut self.scratch;
        data.fill(Complex64::default());
        let (mut energy, mut largest) = (0.0, 0.0_f64);
        for i in (0..values.len()).filter(|&i| self.visited[i]) {
            let value = self.hann[i] * (values[i] - mean);
            energy += value * value;
            largest = largest.max(values[i].abs());
            data[i / self.shape.1 * self.plan.cols + i % self.shape.1] = Complex64::new(value, 0.0);
        }
        if !energy.is_finite() || energy <= 1e-24 * largest * largest {
            self.left_out += 1;
            return;
        }
        self.plan.forward(data, self.shape.0, line);
        // Parseval: the powers of all frequencies sum to their number times the energy.
        let whole = energy * self.plan.len() as f64;
        self.sum.iter_mut().zip(data).for_each(|(sum, value)| *sum += value.norm_sqr() / whole);
        self.units += 1;
    }

    /// Forgets the maps that were added.
    pub fn clear(&mut self) {
        self.sum.fill(0.0);
        (self.units, self.left_out) = (0, 0);
    }

    /// Frequencies on either side of zero that hold all periods of at least `bins` (≥ 2) bins.
    pub fn reach(&self, bins: usize) -> usize {
        (self.plan.rows / bins.max(2)).min((self.plan.rows - 1) / 2)
    }

    /// The mean, for frequencies up to `highest_cycles_per_m` along each axis (at most what the bins hold).
    pub fn finish(&self, highest_cycles_per_m: f64) -> ModuleSpectrum {
        let reach = |df: f64| ((highest_cycles_per_m / df).ceil().max(0.0) as usize).min(self.reach(2));
        self.around(reach(self.df[0]), reach(self.df[1]))
    }

    /// The mean, for `reach_x` and `reach_y` frequencies on either side of zero.
    ///
    /// # Panics
    /// Beyond what the bins hold, [`SpectrumSum::reach`] of 2.
    pub fn around(&self, reach_x: usize, reach_y: usize) -> ModuleSpectrum {
        assert!(reach_x.max(reach_y) <= self.reach(2), "the bins hold no higher frequencies");
        let size = self.plan.rows;
        let wrap = |i: usize, reach: usize| (i + size - reach) % size;
        let power = Array2::from_shape_fn((2 * reach_y + 1, 2 * reach_x + 1), |(row, col)| {
            // The transform is transposed.
            let value = self.sum[wrap(col, reach_x) * size + wrap(row, reach_y)];
            if self.units == 0 { f64::NAN } else { value / self.units as f64 }
        });
        ModuleSpectrum { power, df_cycles_per_m: self.df, units: self.units, left_out: self.left_out }
    }
}

#[cfg(test)]
mod tests;

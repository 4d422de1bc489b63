//! Where the search starts: local maxima of the padded spectrum, and hexagonal triads that catch much of it.

use crate::fft::{Fft2, Fft2Scratch, good_size};
use crate::lattice::{Wave, norm};
use rustfft::num_complex::Complex64;
use std::f64::consts::{FRAC_PI_3, PI};

use super::fit::Grid;

/// Peaks kept per window.
const PEAKS: usize = 8;
/// Hexagonal triads kept.
const TRIADS: usize = 4;

/// The padded transform of maps of one shape.
#[derive(Clone)]
pub(super) struct Padded {
    plan: Fft2,
    rows: usize,
    cols: usize,
    /// Frequency steps along (y, x) in cycles per metre.
    step: [f64; 2],
    hann: Vec<f64>,
    resolution: f64,
    /// Frequencies that may be waves, of the half plane of angles [0, π).
    eligible: Vec<usize>,
    /// Hexagonal triads on a grid of a third of the resolution: where their power is read, and the pair (k₁, k₂).
    triads: Vec<([usize; 3], [Wave; 2])>,
}

impl Padded {
    /// Waves below `lowest` cycles per metre are no candidates.
    pub(super) fn new(rows: usize, cols: usize, width_m: f64, height_m: f64, padding: usize, lowest: f64) -> Self {
        let plan = Fft2::new(good_size(rows * padding), good_size(cols * padding));
        let (dx, dy) = (width_m / cols as f64, height_m / rows as f64);
        let window = |i: usize, n: usize| (PI * (i as f64 + 0.5) / n as f64).sin().powi(2);
        let hann = (0..rows * cols).map(|i| window(i / cols, rows) * window(i % cols, cols)).collect();
        let step = [1.0 / (plan.rows as f64 * dy), 1.0 / (plan.cols as f64 * dx)];
        let resolution = 1.0 / width_m.max(height_m);
        let mut made = Self { plan, rows, cols, step, hann, resolution, eligible: Vec::new(), triads: Vec::new() };
        let highest = 0.45 / dx.max(dy);
        let eligible = |&index: &usize| {
            let [kx, ky] = made.wave(index);
            let too_fine = (dx / dx.max(dy) * kx).hypot(dy / dx.max(dy) * ky) > highest;
            !(ky < 0.0 || (ky == 0.0 && kx < 0.0) || kx.hypot(ky) < lowest || too_fine)
        };
        made.eligible = (0..made.plan.len()).filter(eligible).collect();
        made.triads = made.hexagonal(lowest, highest);
        made
    }

    pub(super) fn scratch(&self) -> (Vec<Complex64>, Fft2Scratch) {
        (vec![Complex64::default(); self.plan.len()], self.plan.scratch())
    }

    /// Candidate waves by falling power, and candidate hexagonal pairs (k₁, k₂).
    pub(super) fn search(&self, grid: &Grid, values: &[f64], scratch: &mut (Vec<Complex64>, Fft2Scratch)) -> (Vec<Wave>, Vec<[Wave; 2]>) {
        let [plain, windowed] = self.powers(grid, values, scratch);
        let mut waves: Vec<Wave> = Vec::new();
        for wave in self.peaks(&plain).into_iter().chain(self.peaks(&windowed)) {
            let apart = |other: &Wave| norm([other[0] - wave[0], other[1] - wave[1]]) > 0.3 * self.resolution;
            if waves.iter().all(apart) {
                waves.push(wave);
            }
        }
        (waves, self.best_triads(&plain))
    }

    /// Power without and with the window, in the transposed layout of the transform. Two real maps share it: with `C = A + iB`, `A(k)` and `iB(k)` are half of
    /// `C(k) ± C*(-k)`.
    fn powers(&self, grid: &Grid, values: &[f64], scratch: &mut (Vec<Complex64>, Fft2Scratch)) -> [Vec<f64>; 2] {
        let mean = |weight: &dyn Fn(usize) -> f64| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (&(index, _, _), value) in grid.bins.iter().zip(values) {
                sum += weight(index) * value;
                total += weight(index);
            }
            if total > 0.0 { sum / total } else { 0.0 }
        };
        let (plain, windowed) = (mean(&|_| 1.0), mean(&|index| self.hann[index]));
        let (data, line) = scratch;
        data.fill(Complex64::default());
        for (&(index, row, col), value) in grid.bins.iter().zip(values) {
            data[row * self.plan.cols + col] = Complex64::new(value - plain, self.hann[index] * (value - windowed));
        }
        self.plan.forward(data, self.rows, line);
        let power = |sign: f64| -> Vec<f64> {
            let of = |(index, value): (usize, &Complex64)| 0.25 * (value + sign * data[self.plan.opposite(index)].conj()).norm_sqr();
            data.iter().enumerate().map(of).collect()
        };
        [power(1.0), power(-1.0)]
    }

    fn wave(&self, index: usize) -> Wave {
        let (col, row) = (index / self.plan.rows, index % self.plan.rows);
        [Fft2::signed(col, self.plan.cols) * self.step[1], Fft2::signed(row, self.plan.rows) * self.step[0]]
    }

    /// The strongest local maxima in the half plane of angles [0, π).
    fn peaks(&self, power: &[f64]) -> Vec<Wave> {
        let (rows, cols) = (self.plan.rows, self.plan.cols);
        let mut found: Vec<(f64, usize)> = Vec::new();
        for &index in &self.eligible {
            let (col, row) = (index / rows, index % rows);
            let (left, right) = ((col + cols - 1) % cols * rows, (col + 1) % cols * rows);
            let (above, below) = ((row + rows - 1) % rows, (row + 1) % rows);
            let here = col * rows;
            let around = [here + below, here + above, right + row, left + row, right + below, right + above, left + below, left + above];
            if power[index] > 0.0 && around.iter().all(|&other| power[other] <= power[index]) {
                found.push((power[index], index));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.into_iter().take(PEAKS).map(|(_, index)| self.wave(index)).collect()
    }

    /// Hexagonal triads on a grid of a third of the resolution.
    fn hexagonal(&self, lowest: f64, highest: f64) -> Vec<([usize; 3], [Wave; 2])> {
        let at = |angle: f64, length: f64| [length * angle.cos(), length * angle.sin()];
        let place = |wave: Wave| {
            let row = ((wave[1] / self.step[0]).round() as isize).rem_euclid(self.plan.rows as isize) as usize;
            let col = ((wave[0] / self.step[1]).round() as isize).rem_euclid(self.plan.cols as isize) as usize;
            col * self.plan.rows + row
        };
        let mut found = Vec::new();
        let mut length = lowest;
        while length <= highest {
            let turns = (FRAC_PI_3 * length / (self.resolution / 3.0)).ceil().max(8.0) as usize;
            for turn in 0..turns {
                let angle = turn as f64 / turns as f64 * FRAC_PI_3;
                let (a, b) = (at(angle, length), at(angle + FRAC_PI_3, length));
                let c = at(angle + 2.0 * FRAC_PI_3, length);
                // k₂ turned by 180° so that the pair is a basis of the triad (a, -b, c).
                found.push(([a, b, c].map(place), [a, c]));
            }
            length += self.resolution / 3.0;
        }
        found
    }

    /// The hexagonal triads with the largest sums of power.
    fn best_triads(&self, power: &[f64]) -> Vec<[Wave; 2]> {
        let sum = |([a, b, c], pair): &([usize; 3], [Wave; 2])| (power[*a] + power[*b] + power[*c], *pair);
        let mut found: Vec<(f64, [Wave; 2])> = self.triads.iter().map(sum).collect();
        found.sort_by(|p, q| q.0.total_cmp(&p.0));
        let mut kept: Vec<[Wave; 2]> = Vec::new();
        for (_, pair) in found {
            let apart = |other: &[Wave; 2]| norm([other[0][0] - pair[0][0], other[0][1] - pair[0][1]]) > 0.7 * self.resolution;
            if kept.iter().all(apart) {
                kept.push(pair);
                if kept.len() == TRIADS {
                    break;
                }
            }
        }
        kept
    }

    /// Number of bins that a map must have.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }
}

//! A residual's autocovariance, and what noise of that autocovariance does to a fit.
//!
//! Both are sums over all pairs of bins up to some lag, by FFT: padded by the largest lag, so that nothing wraps around.

use super::fit::Grid;
use crate::fft::{Fft2, Fft2Scratch, good_size};
use crate::linear::dot;
use rustfft::num_complex::Complex64;

/// Share of the residual's variance at which its autocovariance ends.
const UNRELATED: f64 = 0.05;

/// What maps of the same visited bins share.
#[derive(Clone)]
pub(super) struct NoisePlan {
    plan: Fft2,
    /// Largest lag along an axis: a quarter of the shorter side, in bins.
    furthest: isize,
    /// Pairs of visited bins per circular lag.
    pairs: Vec<f64>,
}

/// The residual's autocovariance by lag.
pub(super) struct Noise {
    pub(super) variance: f64,
    /// Lags (rows, columns) of one half plane with their autocovariance.
    lags: Vec<([isize; 2], f64)>,
    /// Sum of the autocorrelation over all lags, at least 1.
    pub(super) tau: f64,
}

impl NoisePlan {
    pub(super) fn new(grid: &Grid) -> Self {
        let (rows, cols) = (grid.y_m.len(), grid.x_m.len());
        let furthest = rows.min(cols) / 4;
        let plan = Fft2::new(good_size(rows + furthest), good_size(cols + furthest));
        let mut made = Self { plan, furthest: furthest as isize, pairs: Vec::new() };
        made.pairs = made.products(grid, &vec![1.0; grid.bins.len()], &mut made.plan.scratch()).iter().map(|n| n.round()).collect();
        made
    }

    /// One complex value per visited bin, padded.
    fn padded(&self, grid: &Grid, value: impl Fn(usize) -> Complex64) -> Vec<Complex64> {
        let mut data = vec![Complex64::default(); self.plan.len()];
        for (bin, &(_, row, col)) in grid.bins.iter().enumerate() {
            data[row * self.plan.cols + col] = value(bin);
        }
        data
    }

    /// Sums of products of one value per visited bin with those at each circular lag.
    fn products(&self, grid: &Grid, values: &[f64], scratch: &mut Fft2Scratch) -> Vec<f64> {
        let mut data = self.padded(grid, |bin| Complex64::new(values[bin], 0.0));
        self.plan.forward(&mut data, grid.y_m.len(), scratch);
        for value in &mut data {
            *value = Complex64::new(value.norm_sqr() / self.plan.len() as f64, 0.0);
        }
        self.plan.inverse(&mut data, self.plan.rows, scratch);
        data.iter().map(|value| value.re).collect()
    }

    /// Where a lag (rows, columns) lies.
    fn at(&self, [dy, dx]: [isize; 2]) -> usize {
        let wrapped = |lag: isize, n: usize| lag.rem_euclid(n as isize) as usize;
        wrapped(dy, self.plan.rows) * self.plan.cols + wrapped(dx, self.plan.cols)
    }
}

impl Noise {
    /// Of one residual per visited bin, over rings of lags up to where their mean is hardly related.
    pub(super) fn new(plan: &NoisePlan, grid: &Grid, residual: &[f64]) -> Self {
        let variance = dot(residual, residual) / residual.len() as f64;
        let products = plan.products(grid, residual, &mut plan.plan.scratch());
        let mut rings: Vec<Vec<([isize; 2], f64)>> = Vec::new();
        for radius in 1..=plan.furthest {
            let mut ring = Vec::new();
            for dy in 0..=radius {
                for dx in -radius..=radius {
                    let rounded = (dy as f64).hypot(dx as f64).round() as isize;
                    let at = plan.at([dy, dx]);
                    if rounded == radius && (dy > 0 || dx > 0) && plan.pairs[at] > 0.0 {
                        ring.push(([dy, dx], products[at] / plan.pairs[at]));
                    }
                }
            }
            let mean = ring.iter().map(|(_, c)| c).sum::<f64>() / ring.len().max(1) as f64;
            if ring.is_empty() || mean <= UNRELATED * variance {
                break;
            }
            rings.push(ring);
        }
        let lags: Vec<([isize; 2], f64)> = rings.concat();
        let tau = if variance > 0.0 { (1.0 + 2.0 * lags.iter().map(|(_, c)| c).sum::<f64>() / variance).max(1.0) } else { 1.0 };
        Self { variance, lags, tau }
    }

    /// `Σ_l γ(l) Σ_x J(x) J(x+l)ᵀ` over all lags, for columns of one value per visited bin.
    pub(super) fn omega(&self, plan: &NoisePlan, grid: &Grid, slopes: &[Vec<f64>]) -> Vec<f64> {
        let mut scratch = plan.plan.scratch();
        let mut gamma = vec![Complex64::default(); plan.plan.len()];
        gamma[0] = Complex64::new(self.variance, 0.0);
        for &([dy, dx], covariance) in &self.lags {
            for lag in [[dy, dx], [-dy, -dx]] {
                gamma[plan.at(lag)] = Complex64::new(covariance, 0.0);
            }
        }
        plan.plan.forward(&mut gamma, plan.plan.rows, &mut scratch);
        // The autocovariance is even, so its transform is real, and two columns share one transform.
        let mut filtered: Vec<Vec<f64>> = Vec::new();
        for pair in slopes.chunks(2) {
            let mut data = plan.padded(grid, |bin| Complex64::new(pair[0][bin], pair.get(1).map_or(0.0, |second| second[bin])));
            plan.plan.forward(&mut data, grid.y_m.len(), &mut scratch);
            for (value, gamma) in data.iter_mut().zip(&gamma) {
                *value *= gamma.re / plan.plan.len() as f64;
            }
            plan.plan.inverse(&mut data, grid.y_m.len(), &mut scratch);
            for part in [|value: Complex64| value.re, |value: Complex64| value.im] {
                filtered.push(grid.bins.iter().map(|&(_, row, col)| part(data[row * plan.plan.cols + col])).collect());
            }
        }
        slopes.iter().flat_map(|slope| filtered[..slopes.len()].iter().map(move |other| dot(slope, other))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;
    use ndarray::Array2;

    /// `omega`, pair of bins by pair of bins.
    fn direct(noise: &Noise, grid: &Grid, slopes: &[Vec<f64>]) -> Vec<f64> {
        let shape = (grid.y_m.len(), grid.x_m.len());
        let maps: Vec<Vec<f64>> = slopes.iter().map(|slope| grid.spread(slope)).collect();
        let mut omega = Vec::new();
        for slope in slopes {
            for map in &maps {
                let own: f64 = shifted(map, shape, [0, 0], slope, grid).0 * noise.variance;
                let pairs = noise.lags.iter().flat_map(|&([dy, dx], c)| [([dy, dx], c), ([-dy, -dx], c)]);
                omega.push(own + pairs.map(|(lag, c)| c * shifted(map, shape, lag, slope, grid).0).sum::<f64>());
            }
        }
        omega
    }

    /// Sum of products over the visited bins whose neighbour at `lag` (rows, columns) was visited too, and how many those are. `map` is NaN where unvisited.
    fn shifted(map: &[f64], (rows, cols): (usize, usize), [dy, dx]: [isize; 2], values: &[f64], grid: &Grid) -> (f64, usize) {
        let (mut sum, mut count) = (0.0, 0);
        for (&(_, row, col), &here) in grid.bins.iter().zip(values) {
            let (Some(row), Some(col)) = (row.checked_add_signed(dy), col.checked_add_signed(dx)) else { continue };
            if row < rows && col < cols {
                let there = map[row * cols + col];
                if !there.is_nan() {
                    sum += here * there;
                    count += 1;
                }
            }
        }
        (sum, count)
    }

    #[test]
    fn transforms_give_the_sums_over_pairs_of_bins() {
        let mut stream = Seed(6).stream("noise", 0);
        for (rows, cols, hole, smooth) in [(24, 24, 0.0, true), (20, 31, 0.3, true), (17, 12, 0.3, false), (3, 2, 0.0, false)] {
            let visited = Array2::from_shape_fn((rows, cols), |_| stream.uniform() >= hole);
            let grid = Grid::new(&visited, 1.0, 1.0);
            let plan = NoisePlan::new(&grid);
            let white = Array2::from_shape_fn((rows + 2, cols + 2), |_| stream.normal());
            let residual: Vec<f64> = grid
                .bins
                .iter()
                .map(|&(_, row, col)| if smooth { white.slice(ndarray::s![row..row + 3, col..col + 3]).sum() } else { white[[row, col]] })
                .collect();
            let noise = Noise::new(&plan, &grid, &residual);
            assert!(noise.lags.is_empty() != smooth && (noise.tau > 3.0) == smooth, "{}", noise.tau);
            let map = grid.spread(&residual);
            for &(lag, covariance) in &noise.lags {
                let (sum, count) = shifted(&map, (rows, cols), lag, &residual, &grid);
                assert!((covariance - sum / count as f64).abs() < 1e-12 * residual.len() as f64);
            }
            for columns in [2, 4] {
                let slopes: Vec<Vec<f64>> = (0..columns).map(|_| residual.iter().map(|_| stream.normal()).collect()).collect();
                for (fast, slow) in noise.omega(&plan, &grid, &slopes).iter().zip(direct(&noise, &grid, &slopes)) {
                    assert!((fast - slow).abs() < 1e-10 * (1.0 + slow.abs()), "{fast} and {slow}");
                }
            }
        }
    }
}

//! Least squares on the map: plane waves of a lattice over the visited bins.

use crate::lattice::{Wave, combine, norm};
use crate::linear::{dot, gram, solve_symmetric};
use ndarray::Array2;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// The three shortest waves, as coefficients of k₁ and k₂.
pub(super) const TRIAD: [(i8, i8); 3] = [(1, 0), (0, 1), (-1, -1)];
/// The triad and its harmonics of order √3 and 2.
pub(crate) const WITH_HARMONICS: [(i8, i8); 9] = [(1, 0), (0, 1), (-1, -1), (1, -1), (1, 2), (2, 1), (2, 0), (0, 2), (2, 2)];
/// One wave, and with its harmonics.
pub(super) const SINGLE: [(i8, i8); 1] = [(1, 0)];
pub(crate) const SINGLE_WITH_HARMONICS: [(i8, i8); 3] = [(1, 0), (2, 0), (3, 0)];

/// Relative ridge that keeps waves too alike for the visited bins solvable.
const RIDGE: f64 = 1e-9;

/// The visited bins of a map, and where they lie.
#[derive(Clone)]
pub(crate) struct Grid {
    pub(super) x_m: Vec<f64>,
    pub(super) y_m: Vec<f64>,
    /// Flat index, row and column of every visited bin.
    pub(crate) bins: Vec<(usize, usize, usize)>,
    /// Largest frequency that the longer side of a bin can hold, in cycles per metre.
    nyquist: f64,
    /// Sides (x, y) of a bin over the longer one.
    aspect: [f64; 2],
    /// Longer side, whose inverse is the resolution.
    side_m: f64,
    at_x: Vec<f64>,
    at_y: Vec<f64>,
}

/// A fitted lattice.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub(super) k: [Wave; 2],
    pub(super) explained: f64,
}

struct Solved {
    coefficients: Vec<f64>,
    residual: Vec<f64>,
    rss: f64,
}

impl Grid {
    pub(crate) fn new(visited: &Array2<bool>, width_m: f64, height_m: f64) -> Self {
        let (rows, cols) = visited.dim();
        let (dx, dy) = (width_m / cols as f64, height_m / rows as f64);
        let centred = |i: usize, n: usize, step: f64| (i as f64 - (n as f64 - 1.0) / 2.0) * step;
        let x_m: Vec<f64> = (0..cols).map(|i| centred(i, cols, dx)).collect();
        let y_m: Vec<f64> = (0..rows).map(|i| centred(i, rows, dy)).collect();
        let bins: Vec<_> = visited.indexed_iter().filter(|(_, seen)| **seen).map(|((row, col), _)| (row * cols + col, row, col)).collect();
        let at_x = bins.iter().map(|bin| x_m[bin.2]).collect();
        let at_y = bins.iter().map(|bin| y_m[bin.1]).collect();
        Self {
            at_x,
            at_y,
            x_m,
            y_m,
            bins,
            nyquist: 0.5 / dx.max(dy),
            aspect: [dx / dx.max(dy), dy / dx.max(dy)],
            side_m: width_m.max(height_m),
        }
    }

    /// The orders whose waves the bins can hold.
    pub(crate) fn resolvable(&self, k: [Wave; 2], orders: &[(i8, i8)]) -> Vec<(i8, i8)> {
        let [ax, ay] = self.aspect;
        let resolvable = |&(m, n): &(i8, i8)| {
            let [kx, ky] = combine(f64::from(m), k[0], f64::from(n), k[1]);
            norm([ax * kx, ay * ky]) < 0.9 * self.nyquist
        };
        orders.iter().copied().enumerate().filter(|(i, order)| *i == 0 || resolvable(order)).map(|(_, order)| order).collect()
    }

    /// Columns: one, then cosine and sine of every order's wave.
    pub(crate) fn design(&self, k: [Wave; 2], orders: &[(i8, i8)]) -> Vec<Vec<f64>> {
        let mut columns = vec![vec![1.0; self.bins.len()]];
        for &(m, n) in orders {
            let wave = combine(f64::from(m), k[0], f64::from(n), k[1]);
            let along_x: Vec<Complex64> = self.x_m.iter().map(|x| Complex64::cis(TAU * wave[0] * x)).collect();
            let along_y: Vec<Complex64> = self.y_m.iter().map(|y| Complex64::cis(TAU * wave[1] * y)).collect();
            let (mut cosine, mut sine) = (Vec::with_capacity(self.bins.len()), Vec::with_capacity(self.bins.len()));
            for &(_, row, col) in &self.bins {
                let value = along_x[col] * along_y[row];
                cosine.push(value.re);
                sine.push(value.im);
            }
            columns.push(cosine);
            columns.push(sine);
        }
        columns
    }

    fn solve(columns: &[Vec<f64>], values: &[f64]) -> Option<Solved> {
        let right: Vec<f64> = columns.iter().map(|column| dot(column, values)).collect();
        let coefficients = solve_symmetric(&gram(columns), &right, RIDGE)?;
        let mut residual = values.to_vec();
        for (column, &c) in columns.iter().zip(&coefficients) {
            for (r, x) in residual.iter_mut().zip(column) {
                *r -= c * x;
            }
        }
        let rss = dot(&residual, &residual);
        rss.is_finite().then_some(Solved { coefficients, residual, rss })
    }

    /// Share of the variance of `values` (mean zero) that the orders of (k₁, k₂) explain.
    pub(super) fn explained(&self, k: [Wave; 2], orders: &[(i8, i8)], values: &[f64]) -> Option<f64> {
        let orders = self.resolvable(k, orders);
        let solved = Self::solve(&self.design(k, &orders), values)?;
        Some(1.0 - solved.rss / dot(values, values))
    }

    /// Refines k₁ (and k₂, if `both`) by Levenberg-Marquardt; amplitudes are solved for anew at each step.
    pub(super) fn refine(&self, start: [Wave; 2], orders: &[(i8, i8)], both: bool, values: &[f64]) -> Option<Fit> {
        let orders = self.resolvable(start, orders);
        let mut k = start;
        let mut columns = self.design(k, &orders);
        let mut solved = Self::solve(&columns, values)?;
        let mut damping = 1e-3;
        let free = if both { 4 } else { 2 };
        for _ in 0..40 {
            let linear = columns.len();
            columns.extend(self.slopes(&orders, &columns, &solved.coefficients, free));
            let normal = gram(&columns);
            let n = columns.len();
            let right: Vec<f64> = columns.iter().map(|column| dot(column, &solved.residual)).collect();
            let mut improved = false;
            let mut moved = 0.0;
            for _ in 0..6 {
                let mut damped = normal.clone();
                for i in linear..n {
                    damped[i * n + i] *= 1.0 + damping;
                }
                let Some(step) = solve_symmetric(&damped, &right, RIDGE) else { break };
                let step = &step[linear..];
                let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
                // Never further at once than a quarter of the box's resolution.
                let scale = (0.25 / (self.side_m * length)).min(1.0);
                let mut next = k;
                for (i, s) in step.iter().enumerate() {
                    next[i / 2][i % 2] += scale * s;
                }
                let trial_columns = self.design(next, &orders);
                match Self::solve(&trial_columns, values) {
                    Some(trial) if trial.rss < solved.rss => {
                        moved = scale * length;
                        (k, columns, solved) = (next, trial_columns, trial);
                        damping = (damping / 5.0).max(1e-9);
                        improved = true;
                        break;
                    }
                    _ => damping *= 5.0,
                }
            }
            if !improved || moved * self.side_m < 1e-5 {
                break;
            }
        }
        let explained = 1.0 - solved.rss / dot(values, values);
        (k.iter().flatten().all(|v| v.is_finite()) && explained.is_finite()).then_some(Fit { k, explained })
    }

    /// Derivatives of the fitted map by the free components of k, cleared of what the waves themselves explain; the residual; and how many numbers
    /// were fitted. `None` where the waves cannot be told apart.
    pub(super) fn cleared_slopes(
        &self,
        k: [Wave; 2],
        orders: &[(i8, i8)],
        both: bool,
        values: &[f64],
    ) -> Option<(Vec<Vec<f64>>, Vec<f64>, usize)> {
        let orders = self.resolvable(k, orders);
        let columns = self.design(k, &orders);
        let solved = Self::solve(&columns, values)?;
        let slopes = self.slopes(&orders, &columns, &solved.coefficients, if both { 4 } else { 2 });
        let cleared = slopes.iter().map(|slope| Some(Self::solve(&columns, slope)?.residual)).collect::<Option<Vec<_>>>()?;
        let fitted = columns.len() + cleared.len();
        Some((cleared, solved.residual, fitted))
    }

    /// A flat map, row-major, of one value per visited bin; NaN elsewhere.
    pub(super) fn spread(&self, values: &[f64]) -> Vec<f64> {
        let mut map = vec![f64::NAN; self.x_m.len() * self.y_m.len()];
        for (&(index, _, _), &value) in self.bins.iter().zip(values) {
            map[index] = value;
        }
        map
    }

    /// Derivatives of the fitted map by k₁ₓ, k₁ᵧ (and k₂ₓ, k₂ᵧ).
    pub(crate) fn slopes(&self, orders: &[(i8, i8)], columns: &[Vec<f64>], coefficients: &[f64], free: usize) -> Vec<Vec<f64>> {
        let mut by_phase = vec![vec![0.0; self.bins.len()]; free / 2];
        for (index, &(m, n)) in orders.iter().enumerate() {
            let (cosine, sine) = (&columns[1 + 2 * index], &columns[2 + 2 * index]);
            let (a, b) = (coefficients[1 + 2 * index], coefficients[2 + 2 * index]);
            for (slope, order) in by_phase.iter_mut().zip([m, n]) {
                let factor = TAU * f64::from(order);
                if factor != 0.0 {
                    for ((s, c), v) in slope.iter_mut().zip(cosine).zip(sine) {
                        *s += factor * (b * c - a * v);
                    }
                }
            }
        }
        by_phase
            .iter()
            .flat_map(|slope| {
                [&self.at_x, &self.at_y].map(|at| slope.iter().zip(at).map(|(s, position)| s * position).collect::<Vec<f64>>())
            })
            .collect()
    }
}

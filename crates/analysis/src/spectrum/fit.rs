//! Least squares on the map: plane waves of a lattice over the visited bins, from sums of waves ([`super::moments`]).

use super::moments::{Moments, Points, Products, SQUARES, times};
use crate::lattice::{Wave, combine, norm};
use crate::linear::{dot, solve_symmetric};
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
pub(super) const RIDGE: f64 = 1e-9;

/// The visited bins of a map, and where they lie.
#[derive(Clone)]
pub(crate) struct Grid {
    pub(super) x_m: Vec<f64>,
    pub(super) y_m: Vec<f64>,
    /// Flat index, row and column of every visited bin.
    pub(crate) bins: Vec<(usize, usize, usize)>,
    /// One where visited, zero elsewhere, row-major; none where every bin was visited.
    pub(super) mask: Option<Vec<f64>>,
    /// Largest frequency that the longer side of a bin can hold, in cycles per metre.
    nyquist: f64,
    /// Sides (x, y) of a bin over the longer one.
    aspect: [f64; 2],
    /// Longer side, whose inverse is the resolution.
    pub(super) side_m: f64,
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
        let mask = visited.iter().any(|seen| !seen).then(|| visited.iter().map(|seen| f64::from(u8::from(*seen))).collect());
        Self {
            mask,
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

    /// A flat map, row-major, of one value per visited bin; NaN elsewhere.
    #[cfg(test)]
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

impl Solved {
    /// Amplitudes of all columns, and the sum of squares that they leave.
    fn new(products: &Products<'_>, square: f64) -> Option<Self> {
        let (gram, right) = (products.gram(0), products.right(0));
        let coefficients = solve_symmetric(&gram, &right, RIDGE)?;
        let fitted = dot(&coefficients, &times(&gram, &coefficients));
        // Rounding may take a perfect fit below zero.
        let rss = (square - 2.0 * dot(&coefficients, &right) + fitted).max(0.0);
        rss.is_finite().then_some(Self { coefficients, rss })
    }
}

impl Moments<'_> {
    /// Share of the variance of the map (mean zero) that the orders of (k₁, k₂) explain.
    pub(super) fn explained(&self, k: [Wave; 2], orders: &[(i8, i8)]) -> Option<f64> {
        let points = Points::new(&self.grid().resolvable(k, orders));
        let solved = Solved::new(&self.products(k, &points, false), self.square)?;
        Some(1.0 - solved.rss / self.square)
    }

    /// Refines k₁ (and k₂, if `both`) by Levenberg-Marquardt; amplitudes are solved for anew at each step.
    pub(super) fn refine(&self, start: [Wave; 2], orders: &[(i8, i8)], both: bool) -> Option<Fit> {
        let points = Points::new(&self.grid().resolvable(start, orders));
        let side_m = self.grid().side_m;
        let mut k = start;
        let mut products = self.products(k, &points, true);
        let mut solved = Solved::new(&products, self.square)?;
        let mut damping = 1e-3;
        for _ in 0..40 {
            let (normal, right) = normal(&products, &solved.coefficients, if both { 2 } else { 1 });
            let (linear, n) = (products.columns(), right.len());
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
                let scale = (0.25 / (side_m * length)).min(1.0);
                let mut next = k;
                for (i, s) in step.iter().enumerate() {
                    next[i / 2][i % 2] += scale * s;
                }
                let trial_products = self.products(next, &points, true);
                match Solved::new(&trial_products, self.square) {
                    Some(trial) if trial.rss < solved.rss => {
                        moved = scale * length;
                        (k, products, solved) = (next, trial_products, trial);
                        damping = (damping / 5.0).max(1e-9);
                        improved = true;
                        break;
                    }
                    _ => damping *= 5.0,
                }
            }
            if !improved || moved * side_m < 1e-5 {
                break;
            }
        }
        let explained = 1.0 - solved.rss / self.square;
        (k.iter().flatten().all(|v| v.is_finite()) && explained.is_finite()).then_some(Fit { k, explained })
    }

    /// Derivatives of the fitted map by the free components of k, cleared of what the waves themselves explain; the residual; and how many numbers
    /// were fitted. `values` is the map, one per visited bin. `None` where the waves cannot be told apart.
    pub(super) fn cleared_slopes(
        &self,
        k: [Wave; 2],
        orders: &[(i8, i8)],
        both: bool,
        values: &[f64],
    ) -> Option<(Vec<Vec<f64>>, Vec<f64>, usize)> {
        let orders = self.grid().resolvable(k, orders);
        let points = Points::new(&orders);
        let products = self.products(k, &points, true);
        let gram = products.gram(0);
        let columns = self.grid().design(k, &orders);
        let coefficients = solve_symmetric(&gram, &products.right(0), RIDGE)?;
        let cleared_of = |of: &[f64], coefficients: &[f64]| {
            let mut residual = of.to_vec();
            for (column, c) in columns.iter().zip(coefficients) {
                residual.iter_mut().zip(column).for_each(|(r, x)| *r -= c * x);
            }
            residual
        };
        let weighted = [products.gram(1), products.gram(2)];
        let mut cleared = Vec::new();
        let free = if both { 4 } else { 2 };
        for (index, slope) in self.grid().slopes(&orders, &columns, &coefficients, free).iter().enumerate() {
            let right = times(&weighted[index % 2], &products.slope(&coefficients, index / 2));
            cleared.push(cleared_of(slope, &solve_symmetric(&gram, &right, RIDGE)?));
        }
        let fitted = columns.len() + cleared.len();
        Some((cleared, cleared_of(values, &coefficients), fitted))
    }
}

/// Products of the columns and of the slopes by `waves` waves (by x and y each) with each other, and with the residual.
fn normal(products: &Products<'_>, coefficients: &[f64], waves: usize) -> (Vec<f64>, Vec<f64>) {
    let linear = products.columns();
    let n = linear + 2 * waves;
    let slopes: Vec<Vec<f64>> = (0..waves).map(|which| products.slope(coefficients, which)).collect();
    let gram = products.gram(0);
    let weighted = [products.gram(1), products.gram(2)];
    let squares: Vec<Vec<f64>> = (3..6).map(|weight| products.gram(weight)).collect();
    let residual = |weight: usize, gram: &[f64]| -> Vec<f64> {
        products.right(weight).iter().zip(times(gram, coefficients)).map(|(right, fitted)| right - fitted).collect()
    };
    let mut matrix = vec![0.0; n * n];
    for (row, line) in gram.chunks_exact(linear).enumerate() {
        matrix[row * n..row * n + linear].copy_from_slice(line);
    }
    let mut right = residual(0, &gram);
    let residuals = [residual(1, &weighted[0]), residual(2, &weighted[1])];
    for i in 0..2 * waves {
        let (slope, axis) = (&slopes[i / 2], i % 2);
        for (row, value) in times(&weighted[axis], slope).into_iter().enumerate() {
            matrix[row * n + linear + i] = value;
            matrix[(linear + i) * n + row] = value;
        }
        for j in 0..2 * waves {
            let square = &squares[SQUARES[axis][j % 2] - 3];
            matrix[(linear + i) * n + linear + j] = dot(slope, &times(square, &slopes[j / 2]));
        }
        right.push(dot(slope, &residuals[axis]));
    }
    (matrix, right)
}

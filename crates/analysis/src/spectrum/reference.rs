//! The fit of waves as it is defined, column by column: what the fit from sums is tested against.

use super::fit::{Fit, Grid, RIDGE};
use crate::lattice::Wave;
use crate::linear::{dot, gram, solve_symmetric};

struct Solved {
    coefficients: Vec<f64>,
    residual: Vec<f64>,
    rss: f64,
}

impl Grid {
    fn solve_columns(columns: &[Vec<f64>], values: &[f64]) -> Option<Solved> {
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
        let solved = Self::solve_columns(&self.design(k, &orders), values)?;
        Some(1.0 - solved.rss / dot(values, values))
    }

    /// Refines k₁ (and k₂, if `both`) by Levenberg-Marquardt; amplitudes are solved for anew at each step.
    pub(super) fn refine(&self, start: [Wave; 2], orders: &[(i8, i8)], both: bool, values: &[f64]) -> Option<Fit> {
        let orders = self.resolvable(start, orders);
        let mut k = start;
        let mut columns = self.design(k, &orders);
        let mut solved = Self::solve_columns(&columns, values)?;
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
                match Self::solve_columns(&trial_columns, values) {
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
        let solved = Self::solve_columns(&columns, values)?;
        let slopes = self.slopes(&orders, &columns, &solved.coefficients, if both { 4 } else { 2 });
        let cleared = slopes.iter().map(|slope| Some(Self::solve_columns(&columns, slope)?.residual)).collect::<Option<Vec<_>>>()?;
        let fitted = columns.len() + cleared.len();
        Some((cleared, solved.residual, fitted))
    }
}

mod tests {
    use super::super::fit::{SINGLE, SINGLE_WITH_HARMONICS, TRIAD, WITH_HARMONICS};
    use super::super::moments::Moments;
    use super::*;
    use gridlake_space::lattice::Lattice;
    use gridlake_space::seed::{Seed, Stream};
    use ndarray::Array2;

    const ORDERS: [(&[(i8, i8)], bool); 4] = [(&TRIAD, true), (&WITH_HARMONICS, true), (&SINGLE, false), (&SINGLE_WITH_HARMONICS, false)];

    fn close(what: &str, fast: &[f64], slow: &[f64], within: f64) {
        assert_eq!(fast.len(), slow.len(), "{what}");
        let size = slow.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (fast, slow) in fast.iter().zip(slow) {
            assert!((fast - slow).abs() <= within * size, "{what}: {fast} and {slow}");
        }
    }

    /// Grids of several shapes and masks, and of each a noisy lattice, white noise, and a perfect lattice.
    fn each(mut check: impl FnMut(&str, &Grid, &[f64], [Wave; 2], &mut Stream)) {
        let mut stream = Seed(3).stream("waves", 0);
        for (rows, cols, hole) in [(40, 40, 0.0), (30, 44, 0.0), (25, 25, 0.3), (7, 8, 0.0)] {
            let visited = Array2::from_shape_fn((rows, cols), |_| stream.uniform() >= hole);
            let grid = Grid::new(&visited, 2.0, 1.5);
            let lattice = Lattice::hexagonal(0.6, stream.uniform());
            for (what, signal, noise) in [("lattice", 1.0, 0.3), ("noise", 0.0, 1.0), ("perfect", 1.0, 0.0)] {
                let mut values: Vec<f64> = grid
                    .bins
                    .iter()
                    .map(|bin| signal * lattice.rate_sharp(grid.x_m[bin.2], grid.y_m[bin.1], [0.1, 0.2], 1.0) + noise * stream.normal())
                    .collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                for value in &mut values {
                    *value -= mean;
                }
                let k = [[1.9 + 0.2 * stream.uniform(), 0.3], [-0.8, 1.6 + 0.3 * stream.uniform()]];
                check(&format!("{what} {rows}x{cols} {hole}"), &grid, &values, k, &mut stream);
            }
        }
    }

    #[test]
    fn sums_fit_as_columns_do() {
        each(|what, grid, values, k, _| {
            let moments = Moments::new(grid, values);
            for (orders, both) in ORDERS {
                let k = if both { k } else { [k[0], [0.0; 2]] };
                let explained = [moments.explained(k, orders), grid.explained(k, orders, values)].map(|share| share.expect("solvable"));
                assert!((explained[0] - explained[1]).abs() < 1e-9, "{what}: {explained:?}");
                let (Some(fast), Some(slow)) = (moments.refine(k, orders, both), grid.refine(k, orders, both, values)) else {
                    panic!("{what}: no fit")
                };
                // Both end at steps of 1e-5 of the resolution.
                close(what, fast.k.as_flattened(), slow.k.as_flattened(), 1e-5);
                assert!((fast.explained - slow.explained).abs() < 1e-8, "{what}: {} and {}", fast.explained, slow.explained);
                let fast = moments.cleared_slopes(k, orders, both, values).expect("solvable");
                let slow = grid.cleared_slopes(k, orders, both, values).expect("solvable");
                close(what, &fast.0.concat(), &slow.0.concat(), 1e-7);
                close(what, &fast.1, &slow.1, 1e-7);
                assert_eq!(fast.2, slow.2);
            }
        });
    }
}

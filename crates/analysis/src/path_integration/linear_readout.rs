//! A linear read-out: position as an affine function of the state, by ridge regression.
//!
//! A grid code is *not* linear in position: over several periods each unit's rate goes up and down, and a linear read-out of one module finds next to nothing.
//! What it does find is boundary effects, drift of rates, or fields wider than the arena. It is the read-out that a single layer downstream could learn, and it is
//! reported for that, beside the nearest state.

use crate::distances::Moments;
use linfa_linalg::cholesky::SolveCInplace;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, s};

/// Moments that are multiplied at once.
const AT_ONCE: usize = 1024;

/// A fitted read-out: `x = b + W g`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearReadout {
    /// Weights, units × 2.
    weights: Array2<f64>,
    /// Position for a state of zeros, m.
    intercept: [f64; 2],
    /// The strength that won, over the mean variance of a unit; NaN where units do not vary, and the read-out answers the mean position.
    pub ridge: f64,
}

/// `ZᵀZ` of the rows `(g, 1, x, y)`.
fn moments_matrix(moments: &Moments<'_>, rows: &[usize]) -> Array2<f64> {
    let n = moments.units();
    let mut sum = Array2::zeros((n + 3, n + 3));
    let mut z = Array2::zeros((AT_ONCE, n + 3));
    for rows in rows.chunks(AT_ONCE) {
        for (mut line, &row) in z.axis_iter_mut(Axis(0)).zip(rows) {
            line.iter_mut().zip(moments.activity().row(row)).for_each(|(to, g)| *to = f64::from(*g));
            let [x, y] = moments.positions_m()[row];
            [1.0, x, y].into_iter().enumerate().for_each(|(at, value)| line[n + at] = value);
        }
        let z = z.slice(s![..rows.len(), ..]);
        general_mat_mul(1.0, &z.t(), &z, 1.0, &mut sum);
    }
    sum
}

/// Affine least squares with a ridge on the weights, from [`moments_matrix`]; None where the system is not positive definite.
fn solve(matrix: &Array2<f64>, ridge: f64) -> Option<LinearReadout> {
    let n = matrix.nrows() - 3;
    let count = matrix[[n, n]];
    let mean: Array1<f64> = matrix.slice(s![..n, n]).mapv(|sum| sum / count);
    let centre = [matrix[[n, n + 1]] / count, matrix[[n, n + 2]] / count];
    let mut covariance = Array2::from_shape_fn((n, n), |(i, j)| matrix[[i, j]] / count - mean[i] * mean[j]);
    let mut weights = Array2::from_shape_fn((n, 2), |(i, axis)| matrix[[i, n + 1 + axis]] / count - mean[i] * centre[axis]);
    let variance = (0..n).map(|i| covariance[[i, i]]).sum::<f64>() / n as f64;
    // Rounding leaves a variance where there is none.
    let size = (0..n).map(|i| matrix[[i, i]] / count).sum::<f64>() / n as f64;
    if variance.is_nan() || variance <= 1e-12 * size {
        return None;
    }
    (0..n).for_each(|i| covariance[[i, i]] += ridge * variance);
    covariance.solvec_inplace(&mut weights).ok()?;
    let intercept = [0, 1].map(|axis| centre[axis] - weights.column(axis).dot(&mean));
    weights.iter().all(|w| w.is_finite()).then_some(LinearReadout { weights, intercept, ridge })
}

impl LinearReadout {
    /// Fits to the moments `fit`, with the ridge of least squared error on `held_out` when fitted to the rest; then to both.
    pub(crate) fn fit(moments: &Moments<'_>, fit: &[usize], held_out: &[usize], ridges: &[f64]) -> Self {
        let (inner, outer) = (moments_matrix(moments, fit), moments_matrix(moments, held_out));
        let all = &inner + &outer;
        let mut best: Option<(f64, f64)> = None;
        for &ridge in ridges {
            let Some(readout) = solve(&inner, ridge) else { continue };
            let error = readout.squared_error(&outer);
            if best.is_none_or(|(_, least)| error < least) {
                best = Some((ridge, error));
            }
        }
        best.and_then(|(ridge, _)| solve(&all, ridge)).unwrap_or_else(|| Self::constant(&all))
    }

    /// The mean position, whatever the state.
    fn constant(matrix: &Array2<f64>) -> Self {
        let n = matrix.nrows() - 3;
        let intercept = [matrix[[n, n + 1]] / matrix[[n, n]], matrix[[n, n + 2]] / matrix[[n, n]]];
        Self { weights: Array2::zeros((n, 2)), intercept, ridge: f64::NAN }
    }

    /// Σ ‖x - b - W g‖² over the moments of a matrix.
    fn squared_error(&self, matrix: &Array2<f64>) -> f64 {
        let n = matrix.nrows() - 3;
        let one = |axis: usize| {
            let mut residual = Array1::zeros(n + 3);
            residual.slice_mut(s![..n]).assign(&self.weights.column(axis));
            residual[n] = self.intercept[axis];
            residual[n + 1 + axis] = -1.0;
            residual.dot(&matrix.dot(&residual))
        };
        one(0) + one(1)
    }

    /// Positions of some of the moments, m.
    pub fn decode(&self, moments: &Moments<'_>, rows: &[usize]) -> Vec<[f64; 2]> {
        let one = |row: usize| {
            [0, 1].map(|axis| {
                let sum: f64 = moments.activity().row(row).iter().zip(self.weights.column(axis)).map(|(g, w)| f64::from(*g) * w).sum();
                self.intercept[axis] + sum
            })
        };
        rows.iter().map(|&row| one(row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::solve_symmetric;
    use gridlake_space::seed::Seed;

    #[test]
    fn the_fit_is_that_of_plain_normal_equations() {
        let (count, n) = (3000, 7);
        let mut stream = Seed(4).stream("test", 0);
        let activity = Array2::from_shape_fn((count, n), |_| stream.uniform() as f32);
        let positions: Vec<[f64; 2]> =
            activity.rows().into_iter().map(|g| [f64::from(g[0]) - 2.0 * f64::from(g[3]), stream.normal()]).collect();
        let (trajectories, times) = (vec![0; count], vec![0; count]);
        let moments = Moments::new(activity.view(), &positions, &trajectories, &times).expect("moments");
        let rows: Vec<usize> = (0..count).collect();
        let readout = solve(&moments_matrix(&moments, &rows), 0.1).expect("positive definite");
        // Centred by hand.
        let g = activity.mapv(f64::from);
        let mean = g.mean_axis(Axis(0)).expect("rows");
        let centred = &g - &mean;
        let covariance = centred.t().dot(&centred) / count as f64;
        let matrix: Vec<f64> = covariance.iter().copied().collect();
        for axis in 0..2 {
            let x_mean = positions.iter().map(|x| x[axis]).sum::<f64>() / count as f64;
            let right: Vec<f64> = (0..n)
                .map(|i| centred.column(i).iter().zip(&positions).map(|(g, x)| g * (x[axis] - x_mean)).sum::<f64>() / count as f64)
                .collect();
            let weights = solve_symmetric(&matrix, &right, 0.1).expect("positive definite");
            for (i, weight) in weights.iter().enumerate() {
                assert!((weight - readout.weights[[i, axis]]).abs() < 1e-10);
            }
        }
        let direct: f64 =
            readout.decode(&moments, &rows).iter().zip(&positions).map(|(a, b)| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sum();
        assert!((readout.squared_error(&moments_matrix(&moments, &rows)) / direct - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_linear_is_read_exactly_and_what_is_constant_is_the_mean() {
        let (count, n) = (500, 5);
        let mut stream = Seed(5).stream("test", 0);
        let positions: Vec<[f64; 2]> = (0..count).map(|_| [stream.uniform(), stream.uniform()]).collect();
        let linear = Array2::from_shape_fn((count, n), |(row, unit)| (unit as f64 + positions[row][unit % 2] * (1.0 + unit as f64)) as f32);
        let (trajectories, times) = (vec![0; count], vec![0; count]);
        let moments = Moments::new(linear.view(), &positions, &trajectories, &times).expect("moments");
        let rows: Vec<usize> = (0..count).collect();
        let readout = LinearReadout::fit(&moments, &rows[..300], &rows[300..], &[1.0, 1e-7]);
        assert_eq!(readout.ridge, 1e-7);
        for (found, x) in readout.decode(&moments, &rows).iter().zip(&positions) {
            assert!((found[0] - x[0]).abs() < 1e-4 && (found[1] - x[1]).abs() < 1e-4, "{found:?} {x:?}");
        }
        for value in [0.0, 0.3] {
            let constant = Array2::from_elem((count, n), value);
            let moments = Moments::new(constant.view(), &positions, &trajectories, &times).expect("moments");
            let readout = LinearReadout::fit(&moments, &rows[..300], &rows[300..], &[1.0, 0.0]);
            let mean = positions.iter().map(|x| x[0]).sum::<f64>() / count as f64;
            assert!(readout.ridge.is_nan() && (readout.decode(&moments, &rows[..1])[0][0] - mean).abs() < 1e-12);
        }
    }
}

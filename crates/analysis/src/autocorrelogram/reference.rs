//! The direct form: short, slow, obviously right.

use super::{CONSTANT, ROUNDING};
use ndarray::{Array2, ArrayView2};

/// The autocorrelogram by direct summation, about `bins²` operations; see the module for the definition.
///
/// `map` is `(ny, nx)` with NaN for unvisited bins.
pub fn reference(map: ArrayView2<'_, f64>, min_overlap: usize) -> Array2<f64> {
    let (rows, cols) = map.dim();
    let (rows, cols) = (rows as isize, cols as isize);
    let scale = map.iter().filter(|v| v.is_finite()).fold(0.0_f64, |m, v| m.max(v.abs()));
    let scaled = map.mapv(|v| if scale > 0.0 { v / scale } else { v });
    let all: Vec<f64> = scaled.iter().copied().filter(|v| v.is_finite()).collect();
    let (_, whole, _) = moments(&all, &all);
    Array2::from_shape_fn((2 * rows as usize - 1, 2 * cols as usize - 1), |(i, j)| {
        let (dy, dx) = (i as isize - (rows - 1), j as isize - (cols - 1));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for y in 0.max(-dy)..rows.min(rows - dy) {
            for x in 0.max(-dx)..cols.min(cols - dx) {
                let here = scaled[[y as usize, x as usize]];
                let there = scaled[[(y + dy) as usize, (x + dx) as usize]];
                if here.is_finite() && there.is_finite() {
                    a.push(here);
                    b.push(there);
                }
            }
        }
        if a.len() < min_overlap {
            return f64::NAN;
        }
        let (cross, var_a, var_b) = moments(&a, &b);
        if whole <= ROUNDING || var_a <= CONSTANT * whole || var_b <= CONSTANT * whole {
            return f64::NAN;
        }
        (cross / (var_a.sqrt() * var_b.sqrt())).clamp(-1.0, 1.0)
    })
}

/// Covariance and the two variances, with means taken out first.
fn moments(a: &[f64], b: &[f64]) -> (f64, f64, f64) {
    let n = a.len() as f64;
    let mean_a = a.iter().sum::<f64>() / n;
    let mean_b = b.iter().sum::<f64>() / n;
    let (mut cross, mut var_a, mut var_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        cross += (x - mean_a) * (y - mean_b);
        var_a += (x - mean_a).powi(2);
        var_b += (y - mean_b).powi(2);
    }
    (cross / n, var_a / n, var_b / n)
}

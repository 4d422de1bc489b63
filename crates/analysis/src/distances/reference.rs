//! The slow twins: every pair by itself, in double precision.

use super::moments::Moments;

/// Calls `visit(i, j, separation in metres, neural distance)` for every unordered pair of different moments among `rows`.
///
/// Quadratic in the moments and without any blocking: what the fast form is compared with.
pub fn reference_pairs(moments: &Moments<'_>, rows: &[usize], mut visit: impl FnMut(usize, usize, f64, f64)) {
    for (at, &i) in rows.iter().enumerate() {
        for &j in &rows[at + 1..] {
            let ([x, y], [other_x, other_y]) = (moments.positions_m()[i], moments.positions_m()[j]);
            let (dx, dy) = (x - other_x, y - other_y);
            let (a, b) = (moments.activity(), moments.activity());
            let squares: f64 = a.row(i).iter().zip(b.row(j)).map(|(g, h)| (f64::from(*g) - f64::from(*h)).powi(2)).sum();
            visit(i, j, (dx * dx + dy * dy).sqrt(), squares.sqrt());
        }
    }
}

/// Density of distances by a Gaussian kernel, reflected at 0 and at `top`, evaluated at `at`: the sum over all distances, one by one.
pub fn reference_density(distances: &[f64], at: f64, bandwidth: f64, top: f64) -> f64 {
    let kernel = |x: f64| (-0.5 * (x / bandwidth).powi(2)).exp() / (bandwidth * std::f64::consts::TAU.sqrt());
    let sum: f64 = distances.iter().map(|d| kernel(at - d) + kernel(at + d) + kernel(2.0 * top - d - at)).sum();
    sum / distances.len() as f64
}

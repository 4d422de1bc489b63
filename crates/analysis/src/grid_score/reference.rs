//! The scores on annuli, written down as they are defined and nothing else: every lag, every radius, every correlation from its beginning.

use ndarray::ArrayView2;

/// Cubic convolution (Keys 1981, a = -1/2) of the autocorrelogram at a fractional bin; NaN outside, or where a neighbour that counts is NaN.
fn interpolated(map: ArrayView2<'_, f64>, y: f64, x: f64) -> f64 {
    let kernel = |distance: f64| {
        let d = distance.abs();
        if d < 1.0 {
            (1.5 * d - 2.5) * d * d + 1.0
        } else if d < 2.0 {
            ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
        } else {
            0.0
        }
    };
    let snap = |value: f64| if (value - value.round()).abs() < 1e-9 { value.round() } else { value };
    let (y, x) = (snap(y), snap(x));
    let (rows, cols) = map.dim();
    // A point between bins needs two neighbours on each side.
    let outside = |at: f64, n: usize| if at.fract() == 0.0 { at < 0.0 || at >= n as f64 } else { at < 1.0 || at.floor() + 2.0 >= n as f64 };
    if outside(y, rows) || outside(x, cols) {
        return f64::NAN;
    }
    let mut sum = 0.0;
    for row in (y.floor() as isize - 1)..=(y.floor() as isize + 2) {
        for col in (x.floor() as isize - 1)..=(x.floor() as isize + 2) {
            let weight = kernel(y - row as f64) * kernel(x - col as f64);
            if weight != 0.0 {
                sum += weight * map[(row as usize, col as usize)];
            }
        }
    }
    sum
}

/// Pearson's r of the lags in the rings `from..=to` with the map rotated by `degrees`, over one half plane.
fn correlation(map: ArrayView2<'_, f64>, from: usize, to: usize, largest: f64, degrees: f64) -> f64 {
    let (middle_y, middle_x) = ((map.dim().0 / 2) as f64, (map.dim().1 / 2) as f64);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for ((row, col), &value) in map.indexed_iter() {
        let (dy, dx) = (row as f64 - middle_y, col as f64 - middle_x);
        let radius = dy.hypot(dx);
        let ring = radius.round() as usize;
        if radius > largest || ring < from || ring > to || dy < 0.0 || (dy == 0.0 && dx <= 0.0) || value.is_nan() {
            continue;
        }
        let rotated = interpolated(map, sin * dx + cos * dy + middle_y, cos * dx - sin * dy + middle_x);
        if !rotated.is_nan() {
            pairs.push((value, rotated));
        }
    }
    let n = pairs.len() as f64;
    let mean = |pick: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(pick).sum::<f64>() / n;
    let (a, b) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let sum = |pick: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(pick).sum::<f64>();
    let (aa, bb, ab) = (sum(&|p| (p.0 - a).powi(2)), sum(&|p| (p.1 - b).powi(2)), sum(&|p| (p.0 - a) * (p.1 - b)));
    if pairs.len() < 10 || aa <= 1e-12 * n || bb <= 1e-12 * n { f64::NAN } else { ab / (aa * bb).sqrt() }
}

/// `sargolini` and the 90° score of an autocorrelogram with square bins; `largest` radius in bins. NaN where undefined.
pub(super) fn scores(map: ArrayView2<'_, f64>, largest: f64, min_ring_bins: usize) -> [f64; 2] {
    let (middle_y, middle_x) = ((map.dim().0 / 2) as f64, (map.dim().1 / 2) as f64);
    let rings = largest.floor() as usize + usize::from(largest.fract() >= 0.5) + 1;
    let mean_of_ring = |ring: usize| {
        let own: Vec<f64> = map
            .indexed_iter()
            .filter(|((row, col), value)| {
                let (dy, dx) = (*row as f64 - middle_y, *col as f64 - middle_x);
                let half = dy > 0.0 || (dy == 0.0 && dx > 0.0);
                half && dy.hypot(dx) <= largest && dy.hypot(dx).round() as usize == ring && !value.is_nan()
            })
            .map(|(_, value)| *value)
            .collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let means: Vec<f64> = (0..rings).map(mean_of_ring).collect();
    let edge = (1..rings).find(|&ring| means[ring] <= 0.0 || (ring + 1 < rings && means[ring] < means[ring + 1]));
    let Some(edge) = edge else { return [f64::NAN; 2] };
    let mut curves = [Vec::new(), Vec::new()];
    for outer in (edge + min_ring_bins - 1)..rings {
        let r = |degrees: f64| correlation(map, edge, outer, largest, degrees);
        let (r30, r45, r60, r90) = (r(30.0), r(45.0), r(60.0), r(90.0));
        let (r120, r135, r150) = (r(120.0), r(135.0), r(150.0));
        let any = [r30, r60, r90, r120, r150].iter().any(|value| value.is_nan());
        curves[0].push(if any { f64::NAN } else { r60.min(r120) - r30.max(r90).max(r150) });
        curves[1].push(if r45.is_nan() || r135.is_nan() || r90.is_nan() { f64::NAN } else { r90 - r45.max(r135) });
    }
    curves.map(|curve| curve.windows(3).map(|three| three.iter().sum::<f64>() / 3.0).fold(f64::NAN, f64::max))
}

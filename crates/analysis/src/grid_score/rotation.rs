//! Rotated autocorrelograms as fixed sparse sums.

/// The lags of one half plane (the other is its mirror image), with the 16 neighbours that interpolate each rotated lag.
#[derive(Clone)]
pub(crate) struct Rotations {
    /// Index of each lag in the autocorrelogram.
    pub(crate) at: Vec<usize>,
    /// Distance of each lag from zero, in the shorter bin width.
    pub(crate) radius: Vec<f64>,
    /// Per angle and lag: neighbours and weights; no neighbours where the rotated lag lies outside.
    taps: Vec<Vec<Option<Taps>>>,
    shape: (usize, usize),
    bin_m: (f64, f64),
}

#[derive(Clone)]
pub(super) struct Taps {
    pub(super) first: u32,
    step: u32,
    pub(super) weight_y: [f64; 4],
    pub(super) weight_x: [f64; 4],
}

impl Rotations {
    /// For autocorrelograms of `shape` lags (odd, zero lag in the middle) of bins `bin_m` = (height, width) metres, rotated by `degrees`;
    /// lags within `largest` shorter bin widths of zero, sorted by distance.
    pub(crate) fn new(shape: (usize, usize), bin_m: (f64, f64), largest: f64, degrees: &[f64]) -> Self {
        let unit = bin_m.0.min(bin_m.1);
        let (middle_y, middle_x) = ((shape.0 / 2) as f64, (shape.1 / 2) as f64);
        let mut lags: Vec<(usize, f64, f64, f64)> = (0..shape.0 * shape.1)
            .map(|index| {
                let dy = ((index / shape.1) as f64 - middle_y) * bin_m.0;
                let dx = ((index % shape.1) as f64 - middle_x) * bin_m.1;
                (index, dy, dx, dy.hypot(dx) / unit)
            })
            .filter(|&(_, dy, dx, radius)| radius <= largest && (dy > 0.0 || (dy == 0.0 && dx > 0.0)))
            .collect();
        lags.sort_by(|a, b| a.3.total_cmp(&b.3).then(a.0.cmp(&b.0)));
        let taps = degrees
            .iter()
            .map(|&angle| {
                let (sin, cos) = angle.to_radians().sin_cos();
                lags.iter()
                    .map(|&(_, dy, dx, _)| {
                        let (x, y) = (cos * dx - sin * dy, sin * dx + cos * dy);
                        taps_at(y / bin_m.0 + middle_y, x / bin_m.1 + middle_x, shape)
                    })
                    .collect()
            })
            .collect();
        Self { at: lags.iter().map(|lag| lag.0).collect(), radius: lags.iter().map(|lag| lag.3).collect(), taps, shape, bin_m }
    }

    /// Neighbours of lag number `lag` rotated by `degrees`, or of its mirror image: of that which lies in the half plane `dy ≥ 0`.
    pub(super) fn upper(&self, degrees: f64, lag: usize) -> Option<Taps> {
        let (rows, cols) = self.shape;
        let (middle_y, middle_x) = ((rows / 2) as f64, (cols / 2) as f64);
        let dy = ((self.at[lag] / cols) as f64 - middle_y) * self.bin_m.0;
        let dx = ((self.at[lag] % cols) as f64 - middle_x) * self.bin_m.1;
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (x, y) = (cos * dx - sin * dy, sin * dx + cos * dy);
        let side = if y < 0.0 { -1.0 } else { 1.0 };
        taps_at(side * y / self.bin_m.0 + middle_y, side * x / self.bin_m.1 + middle_x, self.shape)
    }

    /// The value of the autocorrelogram, rotated by angle number `angle`, at lag number `lag`; NaN where a neighbour is undefined.
    pub(crate) fn rotated(&self, values: &[f64], angle: usize, lag: usize) -> f64 {
        let Some(taps) = &self.taps[angle][lag] else { return f64::NAN };
        let mut sum = 0.0;
        for (row, &weight_y) in taps.weight_y.iter().enumerate() {
            if weight_y == 0.0 {
                continue;
            }
            let from = taps.first as usize + row * taps.step as usize;
            let line = &values[from..from + 4];
            // A weight of zero leaves its neighbour unread, so that a quarter turn is exact next to undefined lags too.
            let part = |i: usize| if taps.weight_x[i] == 0.0 { 0.0 } else { taps.weight_x[i] * line[i] };
            sum += weight_y * ((part(0) + part(1)) + (part(2) + part(3)));
        }
        sum
    }
}

/// Neighbours of the point (y, x), in bins. The four neighbours are shifted inwards at the border, with their weights.
fn taps_at(y: f64, x: f64, shape: (usize, usize)) -> Option<Taps> {
    let (start_y, weight_y) = axis(y, shape.0)?;
    let (start_x, weight_x) = axis(x, shape.1)?;
    Some(Taps { first: (start_y * shape.1 + start_x) as u32, step: shape.1 as u32, weight_y, weight_x })
}

/// First of four neighbours along an axis of `n` bins and their weights; `None` outside, or where only three neighbours exist.
fn axis(at: f64, n: usize) -> Option<(usize, [f64; 4])> {
    let near = at.round();
    if (at - near).abs() < 1e-9 {
        // On a bin: exact, at the border too.
        if near < 0.0 || near >= n as f64 || n < 4 {
            return None;
        }
        let start = (near as usize).saturating_sub(1).min(n - 4);
        let mut weights = [0.0; 4];
        weights[near as usize - start] = 1.0;
        return Some((start, weights));
    }
    let below = at.floor();
    if below < 1.0 || below + 2.0 >= n as f64 {
        return None;
    }
    Some((below as usize - 1, keys(at - below)))
}

/// Weights of the four neighbours of a point `t` in (0, 1) past the second: cubic convolution with a = -1/2.
fn keys(t: f64) -> [f64; 4] {
    [-0.5 * t * (1.0 - t) * (1.0 - t), 1.0 - t * t * (2.5 - 1.5 * t), t * (0.5 + t * (2.0 - 1.5 * t)), -0.5 * t * t * (1.0 - t)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_reproduce_lines() {
        for t in [0.1, 0.25, 0.5, 0.9] {
            let weights = keys(t);
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            let line: f64 = weights.iter().zip([-1.0, 0.0, 1.0, 2.0]).map(|(w, x)| w * x).sum();
            assert!((line - t).abs() < 1e-15);
        }
    }

    #[test]
    fn a_quarter_turn_is_exact() {
        let n = 11;
        let values: Vec<f64> = (0..n * n).map(|i| ((i * 37) % 101) as f64).collect();
        let rotations = Rotations::new((n, n), (0.04, 0.04), 5.0, &[90.0]);
        for (lag, &at) in rotations.at.iter().enumerate() {
            let (dy, dx) = ((at / n) as isize - 5, (at % n) as isize - 5);
            let expected = values[(dx + 5) as usize * n + (5 - dy) as usize];
            assert_eq!(rotations.rotated(&values, 0, lag), expected, "lag ({dy}, {dx})");
        }
    }
}

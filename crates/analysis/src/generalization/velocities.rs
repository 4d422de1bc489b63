//! Which velocities a set of trajectories has: the other half of Fig. 5b.

use ndarray::Array2;

/// Steps by their velocity.
#[derive(Debug, Clone, PartialEq)]
pub struct VelocityHistogram {
    /// Width of a bin along either component, m per step.
    pub bin_m: f64,
    /// Steps, bins of the y component × bins of the x component, from `-limit` to `limit`.
    pub counts: Array2<u64>,
}

impl VelocityHistogram {
    /// Centre of a bin of either component, m per step.
    pub fn centre_m(&self, bin: usize) -> f64 {
        (bin as f64 + 0.5 - self.counts.ncols() as f64 / 2.0) * self.bin_m
    }
}

/// Counts steps in `bins` × `bins` bins of their velocity (m per step) from `-limit_m` to `limit_m`. What is beyond, and what is no number, is in no bin;
/// `limit_m` itself belongs to the last.
///
/// # Panics
/// Without bins, or with a limit that is not above 0.
pub fn velocity_histogram<'a>(paths_m: impl Iterator<Item = &'a [[f64; 2]]>, limit_m: f64, bins: usize) -> VelocityHistogram {
    assert!(bins > 0 && limit_m > 0.0, "a histogram needs bins and a range");
    let bin_m = 2.0 * limit_m / bins as f64;
    let mut counts = Array2::zeros((bins, bins));
    let place = |component: f64| (component.abs() <= limit_m).then(|| (((component + limit_m) / bin_m) as usize).min(bins - 1));
    for [x, y] in paths_m.flatten() {
        if let (Some(column), Some(row)) = (place(*x), place(*y)) {
            counts[[row, column]] += 1;
        }
    }
    VelocityHistogram { bin_m, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_where_their_components_say() {
        let path = [[-0.3, 0.3], [0.0, 0.0], [0.29, -0.11], [0.31, 0.0], [f64::NAN, 0.0]];
        let found = velocity_histogram([&path[..2], &path[2..]].into_iter(), 0.3, 3);
        assert_eq!(found.counts, ndarray::array![[0, 0, 1], [0, 1, 0], [1, 0, 0]]);
        assert!((found.bin_m - 0.2).abs() < 1e-15);
        let centres = [0, 1, 2].map(|bin| found.centre_m(bin));
        assert!((centres[0] + 0.2).abs() < 1e-15 && centres[1] == 0.0 && (centres[2] - 0.2).abs() < 1e-15);
    }
}

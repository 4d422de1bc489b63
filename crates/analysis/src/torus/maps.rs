//! Units on the torus: mean activity by angle, and where on the torus each fires.

use super::coordinates::turn;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Maps of units over two angles.
#[derive(Debug, Clone, PartialEq)]
pub struct TorusMaps {
    /// Units × bins × bins: mean activity, `(row, column) = (θ₂, θ₁)`, bin 0 from angle 0; NaN where no moment was.
    pub rates: Array3<f64>,
    /// Moments per bin, bins × bins.
    pub occupancy: Array2<u32>,
    /// Units × 2: ψ₁, ψ₂ in [0, 2π), `ψ_a = arg Σ_bins (r - mean r) e^{iθ_a}` over visited bins; NaN for a constant map.
    pub phases_rad: Array2<f64>,
}

/// Maps of `activity` (moments × units) over `angles_rad` (moments × 2, in [0, 2π); NaN: left out), `bins` along each angle.
///
/// Bins weigh alike in phases, so it does not matter how often which was visited.
pub(super) fn torus_maps(activity: ArrayView2<'_, f32>, angles_rad: ArrayView2<'_, f64>, bins: usize) -> TorusMaps {
    let along = |angle: f64| ((angle / TAU * bins as f64) as usize).min(bins - 1);
    let at: Vec<Option<usize>> = angles_rad
        .rows()
        .into_iter()
        .map(|row| (row[0].is_finite() && row[1].is_finite()).then(|| along(row[1]) * bins + along(row[0])))
        .collect();
    let mut occupancy = Array2::<u32>::zeros((bins, bins));
    for bin in at.iter().flatten() {
        occupancy[(bin / bins, bin % bins)] += 1;
    }
    let visits = occupancy.as_slice().expect("standard layout");
    let units = activity.ncols();
    let (mut rates, mut phases_rad) = (Array3::zeros((units, bins, bins)), Array2::zeros((units, 2)));
    rates.axis_iter_mut(Axis(0)).into_par_iter().zip(phases_rad.axis_iter_mut(Axis(0))).enumerate().for_each(
        |(unit, (mut map, mut phases))| {
            let mut sums = vec![0.0_f64; bins * bins];
            for (bin, value) in at.iter().zip(activity.column(unit)) {
                if let Some(bin) = bin {
                    sums[*bin] += f64::from(*value);
                }
            }
            for ((rate, sum), &count) in map.iter_mut().zip(&sums).zip(visits) {
                *rate = if count == 0 { f64::NAN } else { sum / f64::from(count) };
            }
            let seen = || map.indexed_iter().filter(|(_, rate)| !rate.is_nan());
            let mean = seen().map(|(_, rate)| rate).sum::<f64>() / seen().count() as f64;
            let spread = seen().map(|(_, rate)| (rate - mean).abs()).fold(0.0, f64::max);
            let middle = |bin: usize| TAU * (bin as f64 + 0.5) / bins as f64;
            for (axis, phase) in phases.iter_mut().enumerate() {
                let sum: Complex64 = seen().map(|((row, column), rate)| Complex64::cis(middle([column, row][axis])) * (rate - mean)).sum();
                *phase = if spread > 1e-12 * mean.abs() { turn(sum.arg()) } else { f64::NAN };
            }
        },
    );
    TorusMaps { rates, occupancy, phases_rad }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    #[test]
    fn a_unit_fires_where_it_fires() {
        let mut stream = Seed(2).stream("maps", 0);
        // Half of the torus is visited nine times as often.
        let angles = Array2::from_shape_fn((20_000, 2), |(moment, _)| {
            if moment % 10 == 0 { stream.uniform_in(0.0, TAU) } else { stream.uniform_in(0.0, TAU / 2.0) }
        });
        let phases = [[1.0, 2.0], [5.0, 0.1], [3.0, 6.2]];
        let activity = Array2::from_shape_fn((20_000, 4), |(moment, unit)| {
            phases
                .get(unit)
                .map_or(0.7, |phase| (2.0 + (angles[(moment, 0)] - phase[0]).cos() + (angles[(moment, 1)] - phase[1]).cos()) as f32)
        });
        let maps = torus_maps(activity.view(), angles.view(), 12);
        assert_eq!(maps.occupancy.sum(), 20_000);
        for (unit, phase) in phases.iter().enumerate() {
            for (axis, own) in phase.iter().enumerate() {
                let off = (maps.phases_rad[(unit, axis)] - own + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
                assert!(off.abs() < 0.03, "unit {unit} axis {axis}: {off}");
            }
        }
        assert!(maps.phases_rad.row(3).iter().all(|phase| phase.is_nan()), "a constant unit has no phase");
        // Row: θ₂, column: θ₁.
        let first = maps.rates.index_axis(Axis(0), 0);
        assert!(first[(3, 1)] > 3.8 && first[(3, 7)] < 2.3, "{first}");
    }

    #[test]
    fn bins_without_moments_are_not_a_number() {
        let angles = ndarray::array![[0.1, 0.1], [0.1, 3.2], [f64::NAN, 1.0]];
        let activity = ndarray::array![[1.0_f32], [2.0], [9.0]];
        let maps = torus_maps(activity.view(), angles.view(), 4);
        assert_eq!((maps.rates[(0, 0, 0)], maps.rates[(0, 2, 0)]), (1.0, 2.0));
        assert_eq!(maps.rates.iter().filter(|rate| rate.is_nan()).count(), 14);
    }
}

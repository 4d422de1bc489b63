//! Statistics of trajectories, of training and of evaluation alike (Fig. 5b).

use super::quantile::{Quartiles, quantile};
use crate::distances::MomentsError;

/// How a set of trajectories moves, and how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathStatistics {
    /// Trajectories.
    pub trajectories: usize,
    /// Steps of all of them.
    pub steps: usize,
    /// Mean speed, m per step.
    pub mean_speed_m: f64,
    /// Quartiles of the speed, m per step.
    pub speed_m: Quartiles,
    /// The largest component of a velocity, m per step: above the training's limit means outside its support.
    pub max_component_m: f64,
    /// Mean |change of heading| from a step to the next, rad, 0 to π; π/2 for independent directions. NaN without two moving steps in a row.
    pub mean_turn_rad: f64,
    /// Σ v_t·v_{t+1} / Σ (‖v_t‖² + ‖v_{t+1}‖²)/2, -1 to 1: 0 for independent velocities, near 1 for smooth paths. NaN without movement.
    pub velocity_correlation: f64,
    /// Median over trajectories of the largest distance from the start, m.
    pub median_extent_m: f64,
    /// 95 % quantile over all moments of the distance from the start, m.
    pub distance_q95_m: f64,
    /// The largest distance from the start, m: the extent that was seen.
    pub extent_m: f64,
}

/// Statistics of trajectories, each given by its velocities (m per step) from its start.
///
/// # Errors
/// Without a step, or with a velocity that is not finite.
pub fn path_statistics(velocities_m: &[&[[f64; 2]]]) -> Result<PathStatistics, MomentsError> {
    let steps: usize = velocities_m.iter().map(|path| path.len()).sum();
    if steps == 0 {
        return Err(MomentsError::Empty { moments: 0, units: 2 });
    }
    let all = || velocities_m.iter().flat_map(|path| path.iter());
    if let Some((moment, [x, y])) = all().enumerate().find(|(_, v)| v.iter().any(|x| !x.is_finite())) {
        return Err(MomentsError::NotFinite { what: "velocity", moment, value: if x.is_finite() { *y } else { *x } });
    }
    let (mut turns, mut turn_sum, mut products, mut squares) = (0_usize, 0.0, 0.0, 0.0);
    let (mut distances, mut extents) = (Vec::with_capacity(steps), Vec::with_capacity(velocities_m.len()));
    for path in velocities_m.iter().filter(|path| !path.is_empty()) {
        for pair in path.windows(2) {
            let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
            let dot = ax * bx + ay * by;
            products += dot;
            squares += (ax * ax + ay * ay + bx * bx + by * by) / 2.0;
            if (ax != 0.0 || ay != 0.0) && (bx != 0.0 || by != 0.0) {
                turns += 1;
                turn_sum += (ax * by - ay * bx).atan2(dot).abs();
            }
        }
        let mut position = [0.0; 2];
        let mut extent = 0.0_f64;
        for v in *path {
            position = [position[0] + v[0], position[1] + v[1]];
            let distance = position[0].hypot(position[1]);
            extent = extent.max(distance);
            distances.push(distance);
        }
        extents.push(extent);
    }
    let speeds: Vec<f64> = all().map(|v| v[0].hypot(v[1])).collect();
    distances.sort_by(f64::total_cmp);
    extents.sort_by(f64::total_cmp);
    Ok(PathStatistics {
        trajectories: velocities_m.len(),
        steps,
        mean_speed_m: speeds.iter().sum::<f64>() / steps as f64,
        speed_m: Quartiles::of(speeds.iter().copied()),
        max_component_m: all().flat_map(|v| v.iter()).fold(0.0, |largest, x| x.abs().max(largest)),
        mean_turn_rad: if turns == 0 { f64::NAN } else { turn_sum / turns as f64 },
        velocity_correlation: if squares > 0.0 { products / squares } else { f64::NAN },
        median_extent_m: quantile(&extents, 0.5),
        distance_q95_m: quantile(&distances, 0.95),
        extent_m: quantile(&extents, 1.0),
    })
}

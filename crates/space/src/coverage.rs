//! What a set of trajectories covered, recorded with every recording.

use crate::bins::Bins;
use crate::trajectory::Trajectory;
use serde::{Deserialize, Serialize};

/// Coverage of an arena by trajectories. Shares are of steps, unless said otherwise; all are 0 without steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Share of the bins that can be visited that were, at least once. (Bins wholly beyond a round wall cannot.)
    pub visited_share: f64,
    /// Largest magnitude of a velocity component, m per step.
    pub max_component_m: f64,
    /// Largest speed, m per step.
    pub max_speed_m: f64,
    /// Mean speed, m per step.
    pub mean_speed_m: f64,
    /// Share of steps that end within `near_wall_m` of a wall, inside.
    pub near_wall_share: f64,
    /// What counted as near, m.
    pub near_wall_m: f64,
    /// Share of steps that end outside the arena, where nothing is binned.
    pub outside_share: f64,
}

/// Counts trajectories of one arena.
#[derive(Clone, Debug)]
pub struct CoverageCounter {
    bins: Bins,
    near_wall_m: f64,
    visits: Vec<u32>,
    steps: usize,
    near: usize,
    outside: usize,
    max_component_m: f64,
    max_speed_m: f64,
    speed_sum_m: f64,
}

impl CoverageCounter {
    /// An empty count; steps within `near_wall_m` of a wall are near it.
    pub fn new(bins: Bins, near_wall_m: f64) -> Self {
        let visits = vec![0; bins.len()];
        Self { bins, near_wall_m, visits, steps: 0, near: 0, outside: 0, max_component_m: 0.0, max_speed_m: 0.0, speed_sum_m: 0.0 }
    }

    /// Adds one trajectory.
    pub fn add(&mut self, trajectory: &Trajectory) {
        for (&[vx, vy], &[x, y]) in trajectory.velocities_m.iter().zip(&trajectory.positions_m) {
            let speed = vx.hypot(vy);
            self.steps += 1;
            self.speed_sum_m += speed;
            self.max_speed_m = self.max_speed_m.max(speed);
            self.max_component_m = self.max_component_m.max(vx.abs()).max(vy.abs());
            match self.bins.index(x, y) {
                Some(bin) => {
                    self.visits[bin] = self.visits[bin].saturating_add(1);
                    self.near += usize::from(self.bins.arena.wall_distance_m(x, y) < self.near_wall_m);
                }
                None => self.outside += 1,
            }
        }
    }

    /// Visits per bin (`row * nx + column`).
    pub fn visits(&self) -> &[u32] {
        &self.visits
    }

    /// The bins that are counted.
    pub fn bins(&self) -> &Bins {
        &self.bins
    }

    /// The summary.
    pub fn finish(&self) -> Coverage {
        let share = |count: usize| count as f64 / self.steps.max(1) as f64;
        let reachable = (0..self.bins.len()).filter(|bin| self.bins.reachable(*bin)).count();
        Coverage {
            visited_share: self.visits.iter().filter(|visits| **visits > 0).count() as f64 / reachable as f64,
            max_component_m: self.max_component_m,
            max_speed_m: self.max_speed_m,
            mean_speed_m: self.speed_sum_m / self.steps.max(1) as f64,
            near_wall_share: share(self.near),
            near_wall_m: self.near_wall_m,
            outside_share: share(self.outside),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;

    #[test]
    fn a_known_path_is_counted() {
        let mut counter = CoverageCounter::new(Bins::square(Arena::square(2.0), 2), 0.3);
        counter.add(&Trajectory::from_velocities(vec![[0.5, 0.5], [0.3, 0.0], [0.0, -0.4], [0.0, 2.0]]));
        assert_eq!(counter.visits(), [0, 0, 0, 3]);
        let seen = counter.finish();
        assert_eq!((seen.visited_share, seen.near_wall_share, seen.outside_share), (0.25, 0.5, 0.25));
        assert_eq!((seen.max_component_m, seen.max_speed_m), (2.0, 2.0));
        assert!((seen.mean_speed_m - (0.5_f64.hypot(0.5) + 0.3 + 0.4 + 2.0) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_is_zero_and_not_nan() {
        let seen = CoverageCounter::new(Bins::square(Arena::square(2.0), 2), 0.3).finish();
        assert_eq!((seen.visited_share, seen.mean_speed_m, seen.outside_share), (0.0, 0.0, 0.0));
    }
}

//! Moments drawn from the table `activity`: what a module's state space is made of.

use super::arena_sums;
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_lake::partition;
use gridlake_lake::schema::ACTIVITY;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::sync::Arc;

/// Moments of one arena, in the table's order.
pub(crate) struct States {
    pub(crate) trajectory: Vec<u32>,
    pub(crate) t: Vec<u32>,
    /// Positions from the arena's centre, m.
    pub(crate) positions_m: Vec<[f64; 2]>,
    /// Moments × all units.
    pub(crate) activity: Array2<f32>,
}

impl States {
    /// The activity of some units: moments × those units.
    pub(crate) fn of_units(&self, units: &[usize]) -> Array2<f32> {
        self.activity.select(ndarray::Axis(1), units)
    }
}

/// Draws up to `points` moments of an arena: one at random from each of as many equal stretches of its recording. `None` where no activity was kept.
///
/// # Errors
/// A torn table; an interrupt.
pub(crate) fn draw(workspace: &Workspace<'_>, arena: &Arc<str>, points: usize, seed: Seed) -> Result<Option<States>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    if points == 0 || !partition::exists(lake, &ACTIVITY, run, step)? {
        return Ok(None);
    }
    let recorded = arena_sums::count(workspace)?.get(arena).copied().unwrap_or(0);
    let chosen = stretches(recorded, points, seed);
    let mut states = States { trajectory: Vec::new(), t: Vec::new(), positions_m: Vec::new(), activity: Array2::zeros((0, 0)) };
    let (mut units, mut values, mut moment, mut next) = (0, Vec::new(), 0, 0);
    for frame in partition::read(lake, &ACTIVITY, run, step, &["arena", "trajectory", "t", "x_m", "y_m", "g"])? {
        let frame = frame?;
        interrupt::check(Stage::Analyze.name())?;
        let (labels, trajectory, t) = (frame.text("arena"), frame.uint32("trajectory"), frame.uint32("t"));
        let (x, y, (all, rates)) = (frame.float64("x_m"), frame.float64("y_m"), frame.floats("g"));
        units = all;
        for row in (0..frame.rows()).filter(|row| labels[*row].as_ref() == Some(arena)) {
            if chosen.get(next) == Some(&moment) {
                next += 1;
                states.trajectory.push(trajectory[row]);
                states.t.push(t[row]);
                states.positions_m.push([x[row], y[row]]);
                values.extend_from_slice(&rates[row * all..(row + 1) * all]);
            }
            moment += 1;
        }
    }
    let moments = states.t.len();
    if moments == 0 {
        return Ok(None);
    }
    states.activity =
        Array2::from_shape_vec((moments, units), values).map_err(|error| Failure::data(format!("table activity of {run}: {error}")))?;
    Ok(Some(states))
}

/// Ascending indices of moments.
pub(super) fn stretches(recorded: usize, points: usize, seed: Seed) -> Vec<usize> {
    if recorded <= points {
        return (0..recorded).collect();
    }
    let mut stream = seed.stream("moments", 0);
    let length = recorded as f64 / points as f64;
    let one = |stretch: usize| {
        let (first, end) = ((stretch as f64 * length) as usize, ((stretch + 1) as f64 * length) as usize);
        first + stream.below((end - first).max(1))
    };
    (0..points).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_drawn_once_and_from_everywhere() {
        assert_eq!(stretches(5, 9, Seed(1)), [0, 1, 2, 3, 4]);
        assert_eq!(stretches(0, 9, Seed(1)), Vec::<usize>::new());
        let drawn = stretches(1001, 300, Seed(1));
        assert!(drawn.len() == 300 && drawn.windows(2).all(|pair| pair[0] < pair[1]) && drawn[299] < 1001);
        assert!(drawn.chunks(100).all(|third| third[99] - third[0] > 300));
        assert_ne!(drawn, stretches(1001, 300, Seed(2)));
    }
}

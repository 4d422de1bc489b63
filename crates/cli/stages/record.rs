//! Walks a trained network through arenas, and streams what its units do into the lake.
//!
//! Memory does not grow with trajectories or steps: long trajectories are rolled out in segments, and of what is not kept only sums in bins remain.

use super::arena_sums::{self, ArenaSums};
use super::geometry;
use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::settings::{ActivityType, Keep};
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_lake::frame::{Data, Frame, to_float16_and_back};
use gridlake_lake::layout;
use gridlake_lake::partition::Publication;
use gridlake_lake::schema::{ACTIVITY, Precision};
use gridlake_model::{ModelError, Network};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::coverage::CoverageCounter;
use gridlake_space::seed::Seed;
use gridlake_space::trajectory::{Trajectory, Walk};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::ops::Range;

/// Floats of states and paths that are held at once: 16 MiB, of which a frame and its Arrow form hold one more copy each.
const FLOATS: usize = 1 << 22;
/// Floats of a moment besides its state: position, velocity, and the other columns of its row.
const BESIDE_STATE: usize = 32;
/// Most trajectories that are rolled out at once.
const MOST_AT_ONCE: usize = 64;

/// Records every arena.
///
/// # Errors
/// A damaged checkpoint or one of another configuration, states that are not finite, a full disk, an interrupt.
pub(crate) fn record(workspace: &mut Workspace<'_>) -> Result<Value, Failure> {
    let (lake, run) = (workspace.lake, workspace.run);
    let (settings, config) = (&run.settings, &run.settings.record);
    let key = layout::checkpoint(&run.name, workspace.last_step());
    if run.is_earlier() && lake.store().size(&key)?.is_none() {
        return Err(Failure::work(format!("there is no checkpoint of step {}: it was not kept", run.step()))
            .hint("`gridlake train --force` trains anew and keeps all, with train.checkpoints.keep = 0"));
    }
    let network = Network::load(lake.store().local(&key)?.path(), &settings.train.device)?;
    if let Some(header) = network.header().filter(|header| header.fingerprint != run.fingerprint) {
        return Err(ModelError::CheckpointFingerprint {
            path: lake.show(&key),
            found: header.fingerprint.clone(),
            expected: run.fingerprint.clone(),
        }
        .into());
    }
    let walk = Walk {
        motion: config.motion,
        steps: config.steps,
        mean_speed_m: config.mean_speed_m,
        velocity_limit_m: settings.train.data.velocity_limit_m,
    };
    let precision = match config.activity_type {
        ActivityType::Float32 => Precision::Float32,
        ActivityType::Float16 => Precision::Float16,
    };
    let publication = Publication::begin(lake, workspace.owner(Stage::Record), Stage::Record.name(), workspace.last_step())?;
    let mut publication = publication.with_precision(&ACTIVITY, precision);
    let arenas = config.walked();
    let total = (arenas.len() * config.trajectories * config.steps) as u64;
    let mut progress = Progress::start(workspace.mode, &workspace.label(Stage::Record), "moments", 0, total);
    let (at_once, segment) = at_once(network.units(), config.steps);
    let mut coverages = serde_json::Map::new();
    let mut done = 0;
    for arena in arenas {
        let shorter_m = arena.width_m.min(arena.height_m);
        let mut coverage = CoverageCounter::new(Bins::square(arena, config.occupancy_bins), config.mean_speed_m.min(shorter_m / 4.0));
        let mut sums =
            (config.keep != Keep::All).then(|| ArenaSums::new(arena.label().into(), arena, settings.analyze.ratemap.bins, network.units()));
        let half = config.trajectories * config.steps / 2;
        let stream = format!("record/{}", arena.label());
        let numbers: Vec<usize> = (0..config.trajectories).collect();
        for chunk in numbers.chunks(at_once) {
            let walked: Vec<Trajectory> =
                chunk.par_iter().map(|&number| walk.draw(&arena, &mut Seed(settings.seed).stream(&stream, number as u64))).collect();
            for trajectory in &walked {
                coverage.add(trajectory);
            }
            let mut walkers = network.walkers(chunk.len());
            // More than one segment only of a trajectory that is alone: rows stay in the order of trajectory, t.
            for first in (0..config.steps).step_by(segment) {
                let steps = first..(first + segment).min(config.steps);
                let velocities: Vec<&[[f64; 2]]> = walked.iter().map(|trajectory| &trajectory.velocities_m[steps.clone()]).collect();
                let states = network.advance(&mut walkers, &velocities)?;
                for ((&number, trajectory), states) in chunk.iter().zip(&walked).zip(states) {
                    let mut moments = Moments { arena: &arena, number, trajectory, steps: steps.clone(), units: network.units(), states };
                    moments.check()?;
                    if config.activity_type == ActivityType::Float16 {
                        to_float16_and_back(&mut moments.states);
                    }
                    if let Some(sums) = &mut sums {
                        moments.add_to(sums, half);
                    }
                    if number < config.kept() {
                        publication.write(moments.frame())?;
                    }
                }
                done += (chunk.len() * steps.len()) as u64;
                progress.update(done, || arena.label());
                interrupt::check(Stage::Record.name())?;
            }
        }
        publication.write(geometry::occupancy(&arena.label(), coverage.bins(), coverage.visits().to_vec()))?;
        coverages.insert(arena.label(), json!(coverage.finish()));
        if let Some(sums) = sums {
            for frame in arena_sums::frames(&sums) {
                publication.write(frame)?;
            }
        }
    }
    workspace.lock.check(&workspace.run.name)?;
    publication.publish()?;
    Ok(json!({ "coverage": coverages, "device": network.device() }))
}

/// How many trajectories are rolled out at once, and in segments of how many steps: as many as fit. The number of threads has no say, so that files come
/// out the same on any machine.
fn at_once(units: usize, steps: usize) -> (usize, usize) {
    let moments = (FLOATS / (units + BESIDE_STATE)).max(1);
    ((moments / steps).clamp(1, MOST_AT_ONCE), moments.min(steps))
}

/// Some steps of one trajectory with the states they led to.
struct Moments<'a> {
    arena: &'a Arena,
    number: usize,
    trajectory: &'a Trajectory,
    steps: Range<usize>,
    units: usize,
    /// (steps, units).
    states: Vec<f32>,
}

impl Moments<'_> {
    /// Refuses states that are not finite, kept or not.
    fn check(&self) -> Result<(), Failure> {
        let Some(place) = self.states.iter().position(|g| !g.is_finite()) else { return Ok(()) };
        let (t, unit) = (self.steps.start + place / self.units + 1, place % self.units);
        let message = format!(
            "{}, trajectory {}, t = {t}: the activity of unit {unit} is {}, so the network cannot be recorded",
            self.arena.label(),
            self.number,
            self.states[place]
        );
        Err(Failure::work(message).hint("train it anew, with a lower train.optimizer.learning_rate"))
    }

    /// Adds them up; `half` moments of the arena are its first half.
    fn add_to(&self, sums: &mut ArenaSums, half: usize) {
        let first = self.number * self.trajectory.positions_m.len();
        for (step, state) in self.steps.clone().zip(self.states.chunks_exact(self.units)) {
            let [x_m, y_m] = self.trajectory.positions_m[step];
            sums.add(x_m, y_m, state, first + step < half);
        }
    }

    /// Rows of `activity`.
    fn frame(self) -> Frame {
        let rows = self.steps.len();
        let along = |path: &[[f64; 2]], axis: usize| path[self.steps.clone()].iter().map(|place| place[axis]).collect::<Vec<f64>>();
        let (positions, velocities) = (&self.trajectory.positions_m, &self.trajectory.velocities_m);
        Frame::new(&ACTIVITY, rows)
            .with("arena", Data::repeat(&self.arena.label(), rows))
            .with("box_m", vec![geometry::box_m(self.arena); rows])
            .with("trajectory", vec![self.number as u32; rows])
            .with("t", self.steps.clone().map(|step| step as u32 + 1).collect::<Vec<u32>>())
            .with("x_m", along(positions, 0))
            .with("y_m", along(positions, 1))
            .with("vx_m", along(velocities, 0))
            .with("vy_m", along(velocities, 1))
            .with("g", Data::Floats { length: self.units, values: self.states })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_at_once_is_bounded_and_trajectories_are_cut_only_alone() {
        for units in [2, 12, 128, 512, 4096] {
            for steps in [1, 80, 200, 5000, 1_000_000] {
                let (trajectories, segment) = at_once(units, steps);
                assert!(trajectories * segment * (units + BESIDE_STATE) <= FLOATS, "{units} units, {steps} steps");
                assert!(segment == steps || (trajectories == 1 && 2 * segment * (units + BESIDE_STATE) > FLOATS));
            }
        }
        assert_eq!(at_once(128, 200), (64, 200));
    }
}

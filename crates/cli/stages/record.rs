//! Walks a trained network through boxes, and streams what its units do into the lake.

use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition::Publication;
use gridlake_lake::schema::{ACTIVITY, OCCUPANCY};
use gridlake_model::{ModelError, Network};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::coverage::CoverageCounter;
use gridlake_space::seed::Seed;
use gridlake_space::trajectory::{Trajectory, Walk};
use rayon::prelude::*;
use serde_json::{Value, json};

/// Most and fewest trajectories that are rolled out at once; between, as many as hold about this many activities. The number of threads has no say,
/// so that files come out the same on any machine.
const AT_ONCE: (usize, usize, usize) = (4, 64, 1 << 21);

/// Records every box.
///
/// # Errors
/// A damaged checkpoint or one of another configuration, states that are not finite, a full disk, an interrupt.
pub(crate) fn record(workspace: &mut Workspace<'_>) -> Result<Value, Failure> {
    let (lake, run) = (workspace.lake, workspace.run);
    let (settings, config) = (&run.settings, &run.settings.record);
    let path = lake.checkpoint_path(&run.name, workspace.last_step());
    let network = Network::load(&path, &settings.train.device)?;
    if let Some(header) = network.header().filter(|header| header.fingerprint != run.fingerprint) {
        return Err(ModelError::CheckpointFingerprint { path, found: header.fingerprint.clone(), expected: run.fingerprint.clone() }.into());
    }
    let walk = Walk {
        motion: config.motion,
        steps: config.steps,
        mean_speed_m: config.mean_speed_m,
        velocity_limit_m: settings.train.data.velocity_limit_m,
    };
    let mut publication = Publication::begin(lake, workspace.owner(Stage::Record), Stage::Record.name(), workspace.last_step())?;
    let total = (config.boxes_m.len() * config.trajectories) as u64;
    let mut progress = Progress::start(workspace.mode, &workspace.label(Stage::Record), "trajectories", 0, total);
    let at_once = (AT_ONCE.2 / (config.steps * network.units()).max(1)).clamp(AT_ONCE.0, AT_ONCE.1);
    let mut coverages = serde_json::Map::new();
    let mut done = 0;
    for &box_m in &config.boxes_m {
        let arena = Arena::square(box_m);
        let mut coverage = CoverageCounter::new(Bins::square(arena, config.occupancy_bins), config.mean_speed_m.min(box_m / 4.0));
        let stream = format!("record/{}", arena.label());
        let numbers: Vec<u64> = (0..config.trajectories as u64).collect();
        for chunk in numbers.chunks(at_once) {
            let walked: Vec<Trajectory> =
                chunk.par_iter().map(|&number| walk.draw(&arena, &mut Seed(settings.seed).stream(&stream, number))).collect();
            let velocities: Vec<&[[f64; 2]]> = walked.iter().map(|trajectory| trajectory.velocities_m.as_slice()).collect();
            for ((&number, trajectory), states) in chunk.iter().zip(&walked).zip(network.rollouts(&velocities)?) {
                coverage.add(trajectory);
                publication.write(activity(&arena, number as u32, trajectory, states, network.units()))?;
            }
            done += chunk.len() as u64;
            progress.update(done, || arena.label());
            interrupt::check(Stage::Record.name())?;
        }
        publication.write(occupancy(&arena, &coverage))?;
        coverages.insert(arena.label(), json!(coverage.finish()));
    }
    publication.publish()?;
    Ok(json!({ "coverage": coverages, "device": network.device() }))
}

fn activity(arena: &Arena, number: u32, trajectory: &Trajectory, states: Vec<f32>, units: usize) -> Frame {
    let rows = trajectory.positions_m.len();
    let along = |path: &[[f64; 2]], axis: usize| path.iter().map(|place| place[axis]).collect::<Vec<f64>>();
    Frame::new(&ACTIVITY, rows)
        .with("arena", Data::repeat(&arena.label(), rows))
        .with("box_m", vec![arena.width_m; rows])
        .with("trajectory", vec![number; rows])
        .with("t", (1..=rows as u32).collect::<Vec<u32>>())
        .with("x_m", along(&trajectory.positions_m, 0))
        .with("y_m", along(&trajectory.positions_m, 1))
        .with("vx_m", along(&trajectory.velocities_m, 0))
        .with("vy_m", along(&trajectory.velocities_m, 1))
        .with("g", Data::Floats { length: units, values: states })
}

fn occupancy(arena: &Arena, coverage: &CoverageCounter) -> Frame {
    let bins = coverage.bins();
    let rows = bins.len();
    let centres: Vec<(f64, f64)> = (0..rows).map(|bin| bins.centre(bin)).collect();
    Frame::new(&OCCUPANCY, rows)
        .with("arena", Data::repeat(&arena.label(), rows))
        .with("box_m", vec![arena.width_m; rows])
        .with("bin_x", (0..rows).map(|bin| (bin % bins.nx) as u32).collect::<Vec<u32>>())
        .with("bin_y", (0..rows).map(|bin| (bin / bins.nx) as u32).collect::<Vec<u32>>())
        .with("x_m", centres.iter().map(|centre| centre.0).collect::<Vec<f64>>())
        .with("y_m", centres.iter().map(|centre| centre.1).collect::<Vec<f64>>())
        .with("visits", coverage.visits().to_vec())
}

//! How training and evaluation walk: tables `trajectories` and `velocities`, and the separations that training saw.

use super::moments::ArenaMoments;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_analysis::distances::{CheckedDistancesConfig, TrainingCdf, training_cdf};
use gridlake_analysis::generalization::{PathStatistics, path_statistics, velocity_histogram};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::{TRAJECTORIES, VELOCITIES};
use gridlake_model::batch::Batch;
use gridlake_space::seed::Seed;
use std::sync::Arc;

/// Bins along either component: an odd number, so that standing still is in the middle of one.
const BINS: usize = 15;

/// What training saw, drawn anew from the settings of its last phase.
pub(crate) struct Training {
    /// Steps of a trajectory, T.
    pub(crate) length: usize,
    pub(crate) sigma_x_m: f64,
    pub(crate) velocity_limit_m: f64,
    pub(crate) cdf: TrainingCdf,
    pub(crate) statistics: PathStatistics,
    paths_m: Vec<Vec<[f64; 2]>>,
    batches: usize,
}

impl Training {
    /// Draws batches as training does, by streams of their own; none of an imported run, which no training made.
    ///
    /// # Errors
    /// Batches of less than two positions.
    pub(crate) fn draw(workspace: &Workspace<'_>, batches: usize, config: &CheckedDistancesConfig) -> Result<Option<Self>, Failure> {
        if workspace.run.imported.is_some() {
            return Ok(None);
        }
        let settings = &workspace.run.settings;
        let phase = settings.train.settings(settings.train.phase_of(workspace.run.step().saturating_sub(1)));
        if phase.data.batch * phase.data.length < 2 {
            return Ok(None);
        }
        let seed = Seed(settings.seed).child("analyze/training");
        let drawn: Vec<Batch> = (0..batches).map(|number| Batch::draw(&phase.data, &mut seed.stream("batch", number as u64))).collect();
        let positions: Vec<&[[f64; 2]]> = drawn.iter().map(Batch::positions_m).collect();
        let wrong = |error| Failure::data(format!("{}: training batches: {error}", workspace.run.name));
        let cdf = training_cdf(&positions, config).map_err(wrong)?;
        let paths_m: Vec<Vec<[f64; 2]>> = drawn
            .iter()
            .flat_map(|batch| {
                batch.index.chunks_exact(batch.length).map(|steps| steps.iter().map(|k| batch.velocities_m[*k as usize]).collect())
            })
            .collect();
        let paths: Vec<&[[f64; 2]]> = paths_m.iter().map(Vec::as_slice).collect();
        let statistics = path_statistics(&paths).map_err(wrong)?;
        let (length, sigma_x_m, velocity_limit_m) = (phase.data.length, phase.loss.sigma_x_m, phase.data.velocity_limit_m);
        Ok(Some(Self { length, sigma_x_m, velocity_limit_m, cdf, statistics, paths_m, batches }))
    }

    /// Its rows of `trajectories` and `velocities`; velocities up to `limit_m`, as all sets'.
    pub(crate) fn frames(&self, limit_m: f64) -> [Frame; 2] {
        let row = statistics_row("training", None, &self.statistics, self.length)
            .with("largest_separation_m", vec![self.cdf.largest_m])
            .with("velocity_limit_m", vec![self.velocity_limit_m])
            .with("sigma_x_m", vec![self.sigma_x_m])
            .with("batches", vec![self.batches as u32]);
        [row, velocity_rows("training", None, &self.paths_m, limit_m)]
    }
}

/// An arena's rows of `trajectories` and `velocities`; none where no velocity is known. Velocities are counted up to `limit_m` where there is one, as all sets', else up to the largest component.
pub(crate) fn evaluation(moments: &ArenaMoments, limit_m: Option<f64>) -> Option<[Frame; 2]> {
    let paths: Vec<&[[f64; 2]]> = moments.paths_m.iter().map(Vec::as_slice).collect();
    let statistics = path_statistics(&paths).ok()?;
    let row = statistics_row("evaluation", Some(&moments.label), &statistics, moments.longest)
        .with("velocity_limit_m", vec![limit_m.unwrap_or(f64::NAN)])
        .with("batches", vec![0_u32]);
    let limit_m = limit_m.unwrap_or(statistics.max_component_m).max(f64::MIN_POSITIVE);
    Some([row, velocity_rows("evaluation", Some(&moments.label), &moments.paths_m, limit_m)])
}

fn source_and_arena(frame: Frame, source: &str, arena: Option<&Arc<str>>) -> Frame {
    let rows = frame.rows();
    frame.with("source", Data::repeat(source, rows)).with("arena", Data::Text(vec![arena.cloned(); rows]))
}

fn statistics_row(source: &str, arena: Option<&Arc<str>>, of: &PathStatistics, length: usize) -> Frame {
    source_and_arena(Frame::new(&TRAJECTORIES, 1), source, arena)
        .with("trajectories", vec![of.trajectories as u32])
        .with("steps", vec![of.steps as u64])
        .with("length_steps", vec![length as u32])
        .with("mean_speed_m", vec![of.mean_speed_m])
        .with("speed_q25_m", vec![of.speed_m.q25])
        .with("speed_median_m", vec![of.speed_m.median])
        .with("speed_q75_m", vec![of.speed_m.q75])
        .with("max_component_m", vec![of.max_component_m])
        .with("mean_turn_rad", vec![of.mean_turn_rad])
        .with("velocity_correlation", vec![of.velocity_correlation])
        .with("median_extent_m", vec![of.median_extent_m])
        .with("distance_q95_m", vec![of.distance_q95_m])
        .with("extent_m", vec![of.extent_m])
}

fn velocity_rows(source: &str, arena: Option<&Arc<str>>, paths_m: &[Vec<[f64; 2]>], limit_m: f64) -> Frame {
    let steps: usize = paths_m.iter().map(Vec::len).sum();
    let found = velocity_histogram(paths_m.iter().map(Vec::as_slice), limit_m, BINS);
    let rows = found.counts.len();
    let counts: Vec<u64> = found.counts.iter().copied().collect();
    source_and_arena(Frame::new(&VELOCITIES, rows), source, arena)
        .with("vx_m", (0..rows).map(|row| found.centre_m(row % BINS)).collect::<Vec<f64>>())
        .with("vy_m", (0..rows).map(|row| found.centre_m(row / BINS)).collect::<Vec<f64>>())
        .with("bin_m", vec![found.bin_m; rows])
        .with("share", counts.iter().map(|count| *count as f64 / steps.max(1) as f64).collect::<Vec<f64>>())
        .with("count", counts)
}

//! Rows of the table `distances`.

use gridlake_analysis::distances::{SpaceDistances, SpaceTimeDistances, TrainingCdf};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::DISTANCES;
use std::sync::Arc;

fn start(rows: usize, arena: Option<&Arc<str>>, kind: &str, spatial_m: Vec<f64>, bin_m: f64, counts: Vec<u64>) -> Frame {
    Frame::new(&DISTANCES, rows)
        .with("arena", Data::Text(vec![arena.cloned(); rows]))
        .with("kind", Data::repeat(kind, rows))
        .with("spatial_m", spatial_m)
        .with("spatial_bin_m", vec![bin_m; rows])
        .with("count", counts)
}

/// Separations within training batches.
pub(crate) fn training(cdf: &TrainingCdf) -> Frame {
    let rows = cdf.counts.len();
    let centres = (0..rows).map(|bin| (bin as f64 + 0.5) * cdf.bin_m).collect();
    start(rows, None, "training_cdf", centres, cdf.bin_m, cdf.counts.clone()).with("density", cdf.cumulative.clone())
}

/// All kinds of one arena.
pub(crate) fn arena(
    label: &Arc<str>,
    space: &SpaceDistances,
    early: Option<&SpaceDistances>,
    space_time: &SpaceTimeDistances,
) -> impl Iterator<Item = Frame> {
    let early = early.map(|early| mean(label, "mean_in_training", early));
    let all = [of_space(label, space), mean(label, "mean", space), of_space_time(label, space_time), same_place(label, space_time)];
    all.into_iter().chain(early)
}

fn of_space(label: &Arc<str>, found: &SpaceDistances) -> Frame {
    let (columns, levels) = found.counts.dim();
    let rows = columns * levels;
    let separations = (0..rows).map(|row| found.centre_m(row / levels)).collect();
    start(rows, Some(label), "space", separations, found.bin_m, found.counts.iter().copied().collect())
        .with("neural_distance", (0..rows).map(|row| found.level(row % levels)).collect::<Vec<f64>>())
        .with("neural_bin", vec![found.neural_top / levels as f64; rows])
        .with("density", found.density.iter().copied().collect::<Vec<f64>>())
}

fn mean(label: &Arc<str>, kind: &str, found: &SpaceDistances) -> Frame {
    let columns = found.mean.len();
    let counts = found.counts.rows().into_iter().map(|column| column.sum()).collect();
    start(columns, Some(label), kind, (0..columns).map(|column| found.centre_m(column)).collect(), found.bin_m, counts)
        .with("neural_distance", found.mean.clone())
        .with("neural_distance_se", found.mean_se.clone())
}

fn of_space_time(label: &Arc<str>, found: &SpaceTimeDistances) -> Frame {
    let (temporal, spatial) = found.counts.dim();
    let rows = temporal * spatial;
    let separations = (0..rows).map(|row| found.spatial_m(row % spatial)).collect();
    start(rows, Some(label), "space_time", separations, found.spatial_bin_m, found.counts.iter().copied().collect())
        .with("temporal_steps", (0..rows).map(|row| found.temporal_steps(row / spatial)).collect::<Vec<f64>>())
        .with("temporal_bin_steps", vec![f64::from(found.temporal_bin_steps); rows])
        .with("neural_distance", found.mean.iter().copied().collect::<Vec<f64>>())
}

fn same_place(label: &Arc<str>, found: &SpaceTimeDistances) -> Frame {
    let places = &found.same_place;
    let rows = places.len();
    let counts = places.iter().map(|place| place.pairs).collect();
    start(rows, Some(label), "same_place", vec![0.0; rows], found.spatial_bin_m, counts)
        .with("temporal_steps", places.iter().map(|place| place.temporal_steps).collect::<Vec<f64>>())
        .with("temporal_bin_steps", vec![f64::from(found.temporal_bin_steps); rows])
        .with("neural_distance", places.iter().map(|place| place.at_zero).collect::<Vec<f64>>())
        .with("neural_distance_se", places.iter().map(|place| place.at_zero_se).collect::<Vec<f64>>())
}

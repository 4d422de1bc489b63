//! Farthest-point (maxmin) sampling.

use super::{DownsamplingError, check_count};
use crate::neighbors::{check_coordinates, squared_distance};
use ndarray::{ArrayView2, Axis};
use rayon::prelude::*;

/// A farthest-point sample.
#[derive(Debug, Clone, PartialEq)]
pub struct FarthestSample {
    /// In the order chosen. Copies of points come last.
    pub indices: Vec<usize>,
    /// Largest distance of any point to its nearest sample, in the points' unit: no sample of as many has less than half of it.
    pub radius: f64,
}

/// Starts with the point farthest from the mean, then takes the point farthest from all taken; ties go to the lower index (Gonzalez 1985).
///
/// * `points`: n × d, finite; `count`: 1 to n.
///
/// O(n d count), parallel over points, the same bits on any number of threads.
///
/// # Errors
/// [`DownsamplingError`] for bad coordinates or counts.
#[expect(clippy::missing_panics_doc, reason = "points and count were checked")]
pub fn farthest(points: ArrayView2<'_, f64>, count: usize) -> Result<FarthestSample, DownsamplingError> {
    check_coordinates(points)?;
    check_count(count, points.nrows())?;
    let points = points.as_standard_layout();
    let d = points.ncols();
    let flat = points.as_slice().expect("standard layout");
    let at = |point: usize| &flat[point * d..(point + 1) * d];
    let n = points.nrows();
    let mean = points.mean_axis(Axis(0)).expect("at least one point").to_vec();
    let mut away: Vec<f64> = (0..n).into_par_iter().map(|point| squared_distance(at(point), &mean)).collect();
    let mut next = first_largest(&away).0;
    away.fill(f64::INFINITY);
    let mut taken = vec![false; n];
    let mut indices = Vec::with_capacity(count);
    loop {
        indices.push(next);
        taken[next] = true;
        away.par_iter_mut()
            .with_min_len(1024)
            .enumerate()
            .for_each(|(point, away)| *away = away.min(squared_distance(at(point), at(next))));
        let (at, radius) = first_largest(&away);
        if indices.len() == count {
            return Ok(FarthestSample { indices, radius: radius.sqrt() });
        }
        // Only copies are left: by index.
        next = if radius > 0.0 { at } else { taken.iter().position(|taken| !taken).expect("fewer taken than points") };
    }
}

/// The largest value and its first place.
pub(super) fn first_largest(values: &[f64]) -> (usize, f64) {
    values.iter().enumerate().fold((0, f64::NEG_INFINITY), |most, (place, &value)| if value > most.1 { (place, value) } else { most })
}

//! Exact nearest neighbours of every point among the others, and the symmetric graphs made of them.
//!
//! Distances are Euclidean, `d(i, j) = √Σ_c (x_ic - x_jc)²` with the sum over columns in order. Ties, which identical network states make in plenty, go to the
//! lower index. A point is never its own neighbour, but a copy of it is, at distance 0.
//!
//! [`nearest`] asks a k-d tree over the *distinct* points (`tree`), up to eight columns that vary; [`reference_nearest`] compares all pairs. Both give the same bits, and
//! `nearest` falls back on the latter where a tree does not pay or cannot be built.

mod graph;
mod reference;
mod tree;

pub use graph::Graph;
pub use reference::reference_nearest;

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// Largest magnitude of a coordinate: squares of differences stay finite.
pub const LARGEST_COORDINATE: f64 = 1e150;

/// Every point's nearest others.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors {
    /// Points × k: indices, nearest first, ties by rising index.
    pub indices: Array2<u32>,
    /// Points × k: their distances, in the points' unit, ascending.
    pub distances: Array2<f64>,
}

/// Why there are no neighbours.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NeighborsError {
    /// A coordinate is NaN, infinite or huge.
    #[error(
        "point {point}, column {column} is {value}: coordinates must be finite and at most {LARGEST_COORDINATE:e} in magnitude; drop the point or rescale"
    )]
    Coordinate {
        /// Row.
        point: usize,
        /// Column.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// More neighbours than other points.
    #[error("{neighbors} neighbours of each of {points} points: each has {} others; ask for at least 1 and at most that", points.saturating_sub(1))]
    Count {
        /// How many points there are.
        points: usize,
        /// How many neighbours were asked for.
        neighbors: usize,
    },
    /// More points than indices of 32 bits.
    #[error("{points} points are more than {} that indices reach: downsample first", u32::MAX)]
    TooMany {
        /// How many points there are.
        points: usize,
    },
}

/// The `count` nearest others of every point.
///
/// * `points`: n × d, finite, any unit, |x| ≤ 1e150.
/// * `count`: 1 to n-1.
///
/// Expected time O(n log n) for few columns, O(n² d) for more than eight; parallel over points, the same bits on any number of threads.
///
/// # Errors
/// [`NeighborsError`] for bad coordinates or counts.
pub fn nearest(points: ArrayView2<'_, f64>, count: usize) -> Result<Neighbors, NeighborsError> {
    check(points, count)?;
    Ok(tree::nearest(points, count).unwrap_or_else(|| reference::all_pairs(points, count)))
}

/// Refuses points and counts that have no answer.
fn check(points: ArrayView2<'_, f64>, count: usize) -> Result<(), NeighborsError> {
    check_coordinates(points)?;
    let n = points.nrows();
    if u32::try_from(n).is_err() {
        return Err(NeighborsError::TooMany { points: n });
    }
    if count == 0 || count >= n {
        return Err(NeighborsError::Count { points: n, neighbors: count });
    }
    Ok(())
}

/// Refuses coordinates whose distances are no numbers.
pub(crate) fn check_coordinates(points: ArrayView2<'_, f64>) -> Result<(), NeighborsError> {
    match points.indexed_iter().find(|(_, value)| value.is_nan() || value.abs() > LARGEST_COORDINATE) {
        Some(((point, column), &value)) => Err(NeighborsError::Coordinate { point, column, value }),
        None => Ok(()),
    }
}

/// Squared distance, summed in the columns' order.
#[inline]
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// A candidate: squared distance, index.
type Candidate = (f64, u32);

fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// Fills the table, one row of ordered candidates per point at a time. `row(point, into)` appends them.
fn table(points: usize, count: usize, row: impl Fn(usize, &mut Vec<Candidate>) + Sync) -> Neighbors {
    let mut indices = Array2::zeros((points, count));
    let mut distances = Array2::zeros((points, count));
    indices.axis_iter_mut(Axis(0)).into_par_iter().zip(distances.axis_iter_mut(Axis(0))).enumerate().for_each_init(
        Vec::new,
        |found, (point, (mut indices, mut distances))| {
            found.clear();
            row(point, found);
            for ((index, distance), (squared, other)) in indices.iter_mut().zip(&mut distances).zip(found.iter()) {
                (*index, *distance) = (*other, squared.sqrt());
            }
        },
    );
    Neighbors { indices, distances }
}

#[cfg(test)]
mod tests;

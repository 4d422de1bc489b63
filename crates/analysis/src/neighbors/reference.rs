//! Nearest neighbours by comparing all pairs.

use super::{Neighbors, NeighborsError, check, order, squared_distance, table};
use ndarray::ArrayView2;

/// What [`super::nearest`] gives, by comparing all pairs: O(n² d).
///
/// # Errors
/// As [`super::nearest`].
pub fn reference_nearest(points: ArrayView2<'_, f64>, count: usize) -> Result<Neighbors, NeighborsError> {
    check(points, count)?;
    Ok(all_pairs(points, count))
}

pub(super) fn all_pairs(points: ArrayView2<'_, f64>, count: usize) -> Neighbors {
    let points = points.as_standard_layout();
    let (n, d) = points.dim();
    let flat = points.as_slice().expect("standard layout");
    let at = |point: usize| &flat[point * d..(point + 1) * d];
    table(n, count, |point, found| {
        found.extend((0..n).filter(|&other| other != point).map(|other| (squared_distance(at(point), at(other)), other as u32)));
        found.select_nth_unstable_by(count - 1, order);
        found.truncate(count);
        found.sort_unstable_by(order);
    })
}

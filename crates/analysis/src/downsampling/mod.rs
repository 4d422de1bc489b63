//! Fewer points that stand for all: each function gives indices.
//!
//! | Method | Keeps | For |
//! |---|---|---|
//! | [`uniform`] | the density of the sample | quick looks, nulls |
//! | [`farthest`] | the extent, evenly, outliers first | networks without noise, landmarks |
//! | [`density`] | the density; outliers last | recordings with noise, before homology (Gardner et al. 2022) |
//!
//! [`membership_distances`] is the metric that Gardner et al. then hand to the homology.

mod density;
mod farthest;
mod membership;

pub use density::{DensityConfig, DensitySample, density, reference_density};
pub use farthest::{FarthestSample, farthest};
pub use membership::{Dissimilarity, Metric, membership_distances, reference_membership};

use crate::neighbors::NeighborsError;
use gridlake_space::seed::Seed;

/// Why there is no sample.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DownsamplingError {
    /// Coordinates or neighbours.
    #[error(transparent)]
    Neighbors(#[from] NeighborsError),
    /// More than there are, or none.
    #[error("{count} of {points} points: ask for at least 1 and at most all")]
    Count {
        /// Asked for.
        count: usize,
        /// There are.
        points: usize,
    },
    /// The suppression is out of range.
    #[error("overlap = {0}: it must be at least 0 and finite; 1 is the paper's")]
    Overlap(f64),
    /// The cosine of a point at the origin.
    #[error("point {point} is the origin and has no direction: drop it, or use the Euclidean metric")]
    Origin {
        /// Its row.
        point: usize,
    },
    /// The graph would not fit.
    #[error("{points} points with {neighbors} neighbours are {} edges, over {most}: take a uniform sample first, or fewer neighbours", points * neighbors)]
    TooLarge {
        /// Points.
        points: usize,
        /// Neighbours of each.
        neighbors: usize,
        /// Most edges.
        most: usize,
    },
}

fn check_count(count: usize, points: usize) -> Result<(), DownsamplingError> {
    if count == 0 || count > points {
        return Err(DownsamplingError::Count { count, points });
    }
    Ok(())
}

/// `count` of `points` indices without repeats, each set equally likely; rising. Stream: `analysis/downsampling/uniform`.
///
/// # Errors
/// [`DownsamplingError::Count`] where there are not as many.
pub fn uniform(points: usize, count: usize, seed: Seed) -> Result<Vec<usize>, DownsamplingError> {
    check_count(count, points)?;
    let mut stream = seed.stream("analysis/downsampling/uniform", 0);
    let mut indices: Vec<usize> = (0..points).collect();
    // The first `count` places of a Fisher-Yates shuffle.
    (0..count).for_each(|place| indices.swap(place, place + stream.below(points - place)));
    indices.truncate(count);
    indices.sort_unstable();
    Ok(indices)
}

#[cfg(test)]
mod tests;

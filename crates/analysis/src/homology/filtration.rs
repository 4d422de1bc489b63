//! The edges in the order in which they enter.
//!
//! Edges no longer than the threshold are sorted by length, equally long ones by their later point, then by their earlier one; the place is the edge's *rank*. A
//! simplex enters with its last edge.

use super::budget::Budget;
use super::distances::DistanceMatrix;
use super::error::HomologyError;
use super::options::Options;
use rayon::prelude::*;

/// No edge: beyond the threshold, or a point with itself.
pub(super) const NONE: u32 = u32::MAX;

/// Points are stored in 16 bits.
pub(super) const MOST_POINTS: usize = 1 << 16;

/// Edges up to a threshold, ranked.
pub(super) struct Filtration {
    pub(super) points: usize,
    /// Per rank.
    pub(super) lengths: Vec<f64>,
    /// Per rank, the points a < b.
    pub(super) ends: Vec<[u32; 2]>,
    /// Ranks of the edges between all pairs, row by row; [`NONE`] pads rows to whole words of bits.
    ranks: Vec<u32>,
    stride: usize,
    /// The threshold, at most the enclosing radius.
    pub(super) threshold: f64,
}

/// Entries in a row of ranks.
pub(super) fn stride(points: usize) -> usize {
    points.next_multiple_of(64)
}

impl Filtration {
    pub(super) fn new(distances: &DistanceMatrix, options: &Options, budget: &Budget) -> Result<Self, HomologyError> {
        let points = distances.points();
        let radius = distances.enclosing_radius();
        let threshold = options.threshold.map_or(radius, |threshold| threshold.min(radius));
        let edges = distances.condensed().iter().filter(|&&length| length <= threshold).count();
        let stride = stride(points);
        budget.hold(40 * edges as u64 + 4 * (points * stride) as u64)?;
        let mut sorted: Vec<(f64, [u32; 2])> = Vec::with_capacity(edges);
        sorted.extend(distances.edges().filter(|edge| edge.2 <= threshold).map(|(i, j, length)| (length, [j as u32, i as u32])));
        sorted.par_sort_unstable_by(|(length, [a, b]), (other, [c, d])| length.total_cmp(other).then((b, a).cmp(&(d, c))));
        let mut ranks = vec![NONE; points * stride];
        for (rank, &(_, [a, b])) in sorted.iter().enumerate() {
            ranks[a as usize * stride + b as usize] = rank as u32;
            ranks[b as usize * stride + a as usize] = rank as u32;
        }
        let (lengths, ends) = sorted.into_iter().unzip();
        budget.release(24 * edges as u64);
        Ok(Self { points, lengths, ends, ranks, stride, threshold })
    }

    pub(super) fn edges(&self) -> usize {
        self.ends.len()
    }

    /// Ranks of the edges from one point to all, and padding.
    pub(super) fn row(&self, point: u32) -> &[u32] {
        &self.ranks[point as usize * self.stride..][..self.stride]
    }

    /// 64-bit words in a set of points.
    pub(super) fn words(&self) -> usize {
        self.stride / 64
    }
}

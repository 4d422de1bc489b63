//! What comes out.

use super::distances::DistanceMatrix;
use std::cmp::Ordering;

/// A class that lives from one scale to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The least scale at which it is there.
    pub birth: f64,
    /// The least scale at which it is gone; `+∞` if it is there at the threshold.
    pub death: f64,
}

impl Bar {
    /// death - birth, above 0.
    pub fn length(&self) -> f64 {
        self.death - self.birth
    }

    /// Longest first; of equally long ones, the first born.
    pub(super) fn longest_first(&self, other: &Self) -> Ordering {
        other.length().total_cmp(&self.length()).then(self.birth.total_cmp(&other.birth)).then(self.death.total_cmp(&other.death))
    }
}

/// A representative of a class of dimension 1: coefficients on oriented edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Cocycle {
    /// The class.
    pub bar: Bar,
    /// Coefficients are modulo this.
    pub prime: u16,
    /// `(i, j, c)` with i < j and 0 < c < prime: c on the edge from i to j, -c from j to i, 0 on edges not listed. All edges shorter than the bar's death
    /// that have a coefficient, the shortest first; equally short ones by j, then i.
    pub edges: Vec<(u32, u32, u16)>,
}

impl Cocycle {
    /// The edges no longer than `scale`: a cocycle of the complex at that scale, `z(i,j) + z(j,k) = z(i,k)` on every triangle, and no coboundary, if
    /// birth ≤ scale < death.
    pub fn at_scale(&self, scale: f64, distances: &DistanceMatrix) -> Vec<(u32, u32, u16)> {
        self.edges.iter().copied().filter(|&(i, j, _)| distances.get(i as usize, j as usize) <= scale).collect()
    }
}

/// Bars and cocycles.
#[derive(Debug, Clone, PartialEq)]
pub struct Persistence {
    /// Per dimension from 0, the longest bar first; of equally long ones, the first born. Bars without length are not listed.
    pub bars: Vec<Vec<Bar>>,
    /// Of the first bars of dimension 1, in their order.
    pub cocycles: Vec<Cocycle>,
    /// Edges up to this length were looked at: the threshold asked for or the enclosing radius, whichever is less.
    pub threshold: f64,
    /// Most memory that the tables held, bytes, beside the distances given.
    pub peak_bytes: u64,
}

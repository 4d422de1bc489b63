//! Shortest paths through a graph.

use crate::neighbors::Graph;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A distance in a heap. Distances are never NaN, and their order as numbers is that of their bits, since they are not negative.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Reached {
    bits: u64,
    node: usize,
}

/// Shortest paths from each source to every node, sources × nodes; infinite where there is none (Dijkstra 1959; edge weights ≥ 0).
///
/// Written out because the libraries' versions answer with hash maps, several times slower than the search itself. Parallel over sources.
pub fn geodesics(graph: &Graph, sources: &[usize]) -> Array2<f64> {
    let mut lengths = Array2::from_elem((sources.len(), graph.nodes()), f64::INFINITY);
    lengths.axis_iter_mut(Axis(0)).into_par_iter().zip(sources).for_each(|(mut lengths, &source)| {
        lengths[source] = 0.0;
        let mut front = BinaryHeap::from([Reverse(Reached { bits: 0, node: source })]);
        while let Some(Reverse(Reached { bits, node })) = front.pop() {
            let length = f64::from_bits(bits);
            if length > lengths[node] {
                continue;
            }
            for (other, weight) in graph.edges(node) {
                let through = length + weight;
                if through < lengths[other] {
                    lengths[other] = through;
                    front.push(Reverse(Reached { bits: through.to_bits(), node: other }));
                }
            }
        }
    });
    lengths
}

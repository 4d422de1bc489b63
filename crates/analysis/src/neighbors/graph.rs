//! Symmetric sparse graphs over nearest neighbours.

use super::Neighbors;
use rayon::prelude::*;

/// Nodes that one task goes through.
const SPAN: usize = 512;

/// A weighted undirected graph without loops, by rows: row i's edges are `columns[offsets[i]..offsets[i + 1]]`, rising.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Nodes + 1 places into `columns`.
    pub offsets: Vec<usize>,
    /// The other end of each edge; every edge stands in both its ends' rows.
    pub columns: Vec<u32>,
    /// Its weight, the same in both rows.
    pub weights: Vec<f64>,
}

impl Graph {
    /// `½ (A + Aᵀ)` with `A_ij = 1` where j is among i's neighbours: scikit-learn's `nearest_neighbors` affinity. It also holds loops, which no Laplacian sees, and counts
    /// the point itself among its neighbours: k there is k-1 here.
    pub fn connectivity(neighbors: &Neighbors) -> Self {
        Self::symmetric(neighbors, |_, _| 1.0, |a, b| 0.5 * (a + b))
    }

    /// Edges where either end has the other among its neighbours, weighted by their distance.
    pub fn distances(neighbors: &Neighbors) -> Self {
        Self::symmetric(neighbors, |i, place| neighbors.distances[(i, place)], f64::max)
    }

    /// Combines directed weights `w(i → j)`, given by row and place in the row, to `combine(w(i → j), w(j → i))`, 0 where j is no neighbour of i.
    /// `combine` must be symmetric.
    pub fn symmetric(neighbors: &Neighbors, weight: impl Fn(usize, usize) -> f64 + Sync, combine: impl Fn(f64, f64) -> f64 + Sync) -> Self {
        let (n, k) = neighbors.indices.dim();
        let mut incoming = vec![0_usize; n + 1];
        neighbors.indices.iter().for_each(|&j| incoming[j as usize + 1] += 1);
        (0..n).for_each(|i| incoming[i + 1] += incoming[i]);
        // The transposed rows, filled by rising source and so sorted.
        let mut next = incoming.clone();
        let mut sources = vec![(0_u32, 0.0); n * k];
        for i in 0..n {
            for place in 0..k {
                let j = neighbors.indices[(i, place)] as usize;
                sources[next[j]] = (i as u32, weight(i, place));
                next[j] += 1;
            }
        }
        Self::of_rows(n, k, |i, outgoing, row| {
            outgoing.clear();
            outgoing.extend((0..k).map(|place| (neighbors.indices[(i, place)], weight(i, place))));
            outgoing.sort_unstable_by_key(|edge| edge.0);
            let (mut a, mut b) = (outgoing.iter().peekable(), sources[incoming[i]..incoming[i + 1]].iter().peekable());
            loop {
                let column = match (a.peek(), b.peek()) {
                    (Some(a), Some(b)) => a.0.min(b.0),
                    (Some(edge), None) | (None, Some(edge)) => edge.0,
                    (None, None) => break,
                };
                let take = |edges: &mut std::iter::Peekable<std::slice::Iter<'_, (u32, f64)>>| {
                    edges.next_if(|edge| edge.0 == column).map_or(0.0, |edge| edge.1)
                };
                let (forth, back) = (take(&mut a), take(&mut b));
                row.push((column, combine(forth, back)));
            }
        })
    }

    /// Of `nodes` rows of about `degree` edges, appended by `row(node, buffer, into)`: by threads over spans of nodes, which are joined in order.
    pub(crate) fn of_rows(nodes: usize, degree: usize, row: impl Fn(usize, &mut Vec<(u32, f64)>, &mut Vec<(u32, f64)>) + Sync) -> Self {
        let spans = (0..nodes.div_ceil(SPAN)).into_par_iter().map(|span| {
            let (mut buffer, mut edges, mut ends) = (Vec::new(), Vec::with_capacity(SPAN * degree), Vec::with_capacity(SPAN));
            for node in span * SPAN..nodes.min((span + 1) * SPAN) {
                row(node, &mut buffer, &mut edges);
                ends.push(edges.len());
            }
            (edges, ends)
        });
        let spans: Vec<(Vec<_>, Vec<usize>)> = spans.collect();
        let total = spans.iter().map(|(edges, _)| edges.len()).sum();
        let mut graph = Self { offsets: vec![0], columns: Vec::with_capacity(total), weights: Vec::with_capacity(total) };
        for (edges, ends) in &spans {
            let before = graph.columns.len();
            graph.offsets.extend(ends.iter().map(|end| before + end));
            graph.columns.extend(edges.iter().map(|edge| edge.0));
            graph.weights.extend(edges.iter().map(|edge| edge.1));
        }
        graph
    }

    /// How many nodes.
    pub fn nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// A node's edges: other end and weight.
    pub fn edges(&self, node: usize) -> impl Iterator<Item = (usize, f64)> {
        let row = self.offsets[node]..self.offsets[node + 1];
        self.columns[row.clone()].iter().map(|&j| j as usize).zip(self.weights[row].iter().copied())
    }

    /// The connected components' nodes, rising; largest component first, ties by lowest node.
    pub fn components(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.nodes()];
        let mut components = Vec::new();
        for start in 0..self.nodes() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut found = vec![start];
            let mut done = 0;
            while done < found.len() {
                for (other, _) in self.edges(found[done]) {
                    if !std::mem::replace(&mut seen[other], true) {
                        found.push(other);
                    }
                }
                done += 1;
            }
            found.sort_unstable();
            components.push(found);
        }
        // Stable: components of a size stay in the order of their lowest nodes.
        components.sort_by_key(|component| std::cmp::Reverse(component.len()));
        components
    }

    /// The graph among `nodes` (rising, no repeats), renumbered in their order.
    pub fn subgraph(&self, nodes: &[usize]) -> Self {
        let mut new = vec![u32::MAX; self.nodes()];
        nodes.iter().enumerate().for_each(|(i, &node)| new[node] = i as u32);
        let mut graph = Self { offsets: vec![0], columns: Vec::new(), weights: Vec::new() };
        for &node in nodes {
            for (other, weight) in self.edges(node).filter(|&(other, _)| new[other] != u32::MAX) {
                graph.columns.push(new[other]);
                graph.weights.push(weight);
            }
            graph.offsets.push(graph.columns.len());
        }
        graph
    }
}

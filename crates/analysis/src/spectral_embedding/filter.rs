//! The graph's operator S = D^-½ A D^-½ and Chebyshev polynomials of it, on eight vectors at a time.
//!
//! Zhou & Saad 2007: with [-1, b] mapped to [-1, 1] by t = (σ - c)/e, c = (b-1)/2, e = (b+1)/2, the polynomial `p(σ) = T_m(t(σ)) / T_m(t(s))` stays
//! within ±1/T_m(t(s)) there and rises steeply above b, to 1 at σ = s. The scaled three-term recurrence does not overflow.

use crate::neighbors::Graph;
use crate::simd::{Kernel, widest};
use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

/// Vectors side by side: a row of a panel is one cache line.
pub(super) const LANES: usize = 8;
type Row = [f64; LANES];
/// Rows that one task goes through.
const ROWS: usize = 512;

/// S by rows. Nodes are in an order of its own, in which neighbours are near each other in memory.
pub(super) struct Operator {
    /// Each row's node in the graph.
    order: Vec<u32>,
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
    /// √ of each row's share of all degrees.
    constant: Array1<f64>,
}

impl Operator {
    /// `graph` is connected.
    pub(super) fn new(graph: &Graph, degrees: &[f64]) -> Self {
        let order = breadth_first(graph);
        let mut place = vec![0_u32; order.len()];
        order.iter().zip(0..).for_each(|(node, at)| place[*node as usize] = at);
        let root: Vec<f64> = degrees.iter().map(|d| d.sqrt()).collect();
        let degree = graph.columns.len() / order.len().max(1) + 1;
        let Graph { offsets, columns, weights: values } = Graph::of_rows(order.len(), degree, |at, row, into| {
            let node = order[at] as usize;
            row.clear();
            row.extend(graph.edges(node).map(|(other, w)| (place[other], w / (root[node] * root[other]))));
            row.sort_unstable_by_key(|edge| edge.0);
            into.extend_from_slice(row);
        });
        let total: f64 = degrees.iter().sum();
        let constant = order.iter().map(|&node| (degrees[node as usize] / total).sqrt()).collect();
        Self { order, offsets, columns, values, constant }
    }

    pub(super) fn nodes(&self) -> usize {
        self.order.len()
    }

    /// The eigenvector of σ = 1, of length 1.
    pub(super) fn constant(&self) -> Array1<f64> {
        self.constant.clone()
    }

    /// Rows put back to the graph's order.
    pub(super) fn in_graph_order(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        let mut out = Array2::zeros(x.dim());
        self.order.iter().zip(x.rows()).for_each(|(&node, row)| out.row_mut(node as usize).assign(&row));
        out
    }

    /// `into = scale (S x - centre x) - back into`, row by row in the edges' order.
    fn step(&self, x: &[Row], into: &mut [Row], scale: f64, centre: f64, back: f64) {
        into.par_chunks_mut(ROWS)
            .enumerate()
            .for_each(|(chunk, into)| widest(Step { operator: self, first: chunk * ROWS, x, into, scale, centre, back }));
    }

    /// S x for each column, and how many panels that took.
    pub(super) fn apply(&self, x: ArrayView2<'_, f64>) -> (Array2<f64>, usize) {
        self.panels(x, |operator, panel| {
            let mut out = vec![[0.0; LANES]; panel.len()];
            operator.step(&panel, &mut out, 1.0, 0.0, 0.0);
            out
        })
    }

    /// p(S) x for each column, and how many panels of columns there were. `bound` is b, in (-1, 1), `top` is s, at least b; `degree` ≥ 1.
    pub(super) fn filter(&self, x: ArrayView2<'_, f64>, bound: f64, top: f64, degree: usize) -> (Array2<f64>, usize) {
        let (centre, half) = (0.5 * (bound - 1.0), 0.5 * (bound + 1.0));
        self.panels(x, |operator, mut before| {
            // Ratios of the polynomial's successive values at s, to which it is scaled.
            let first = half / (top - centre);
            let mut ratio = first;
            let mut now = vec![[0.0; LANES]; before.len()];
            operator.step(&before, &mut now, ratio / half, centre, 0.0);
            for _ in 1..degree {
                let next = 1.0 / (2.0 / first - ratio);
                operator.step(&now, &mut before, 2.0 * next / half, centre, ratio * next);
                std::mem::swap(&mut before, &mut now);
                ratio = next;
            }
            now
        })
    }

    fn panels(&self, x: ArrayView2<'_, f64>, work: impl Fn(&Self, Vec<Row>) -> Vec<Row> + Sync) -> (Array2<f64>, usize) {
        let (rows, width) = x.dim();
        let done: Vec<Vec<Row>> = (0..width.div_ceil(LANES))
            .into_par_iter()
            .map(|panel| {
                let columns = x.slice(s![.., panel * LANES..width.min((panel + 1) * LANES)]);
                let mut lanes = vec![[0.0; LANES]; rows];
                lanes.iter_mut().zip(columns.rows()).for_each(|(lanes, row)| lanes.iter_mut().zip(row).for_each(|(lane, x)| *lane = *x));
                work(self, lanes)
            })
            .collect();
        let mut out = Array2::zeros((rows, width));
        for (i, mut row) in out.rows_mut().into_iter().enumerate() {
            row.iter_mut().enumerate().for_each(|(c, x)| *x = done[c / LANES][i][c % LANES]);
        }
        (out, done.len())
    }
}

/// Nodes by their number of edges from one end of the graph: from the node that a first search from node 0 reaches last.
fn breadth_first(graph: &Graph) -> Vec<u32> {
    let from = |start: u32| {
        let mut seen = vec![false; graph.nodes()];
        seen[start as usize] = true;
        let (mut found, mut done) = (vec![start], 0);
        while done < found.len() {
            for (other, _) in graph.edges(found[done] as usize) {
                if !std::mem::replace(&mut seen[other], true) {
                    found.push(other as u32);
                }
            }
            done += 1;
        }
        found
    };
    let first = from(0);
    from(first[first.len() - 1])
}

struct Step<'a> {
    operator: &'a Operator,
    first: usize,
    x: &'a [Row],
    into: &'a mut [Row],
    scale: f64,
    centre: f64,
    back: f64,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { operator, first, x, into, scale, centre, back } = self;
        for (row, into) in into.iter_mut().enumerate() {
            let node = first + row;
            let edges = operator.offsets[node]..operator.offsets[node + 1];
            let mut sum = [0.0; LANES];
            for (&column, &value) in operator.columns[edges.clone()].iter().zip(&operator.values[edges]) {
                let other = &x[column as usize];
                for lane in 0..LANES {
                    sum[lane] += value * other[lane];
                }
            }
            let own = &x[node];
            for lane in 0..LANES {
                into[lane] = scale * (sum[lane] - centre * own[lane]) - back * into[lane];
            }
        }
    }
}

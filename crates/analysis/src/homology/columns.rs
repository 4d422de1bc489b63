//! The columns that pairs within lower links leave to reduce: one for each edge with an empty lower link, and for each piece of a lower link but its first.

use super::budget::Budget;
use super::error::HomologyError;
use super::filtration::{Filtration, NONE};
use rayon::prelude::*;

/// What is left to reduce, the lowest rank first.
pub(super) struct Columns {
    /// Per edge, the lowest point of its lower link, or [`NONE`].
    pub(super) lowest: Vec<u32>,
    /// Ranks of the edges with empty lower links.
    pub(super) edges: Vec<u32>,
    /// Edge and lowest point of the pieces of lower links, but of each edge's first.
    pub(super) pieces: Vec<(u32, u32)>,
}

/// Goes through all edges, spans of ranks at once; `pieces` are left out unless `with_pieces`.
pub(super) fn columns(filtration: &Filtration, with_pieces: bool, budget: &Budget) -> Result<Columns, HomologyError> {
    let edges = filtration.edges();
    let threads = rayon::current_num_threads();
    let adjacency = (threads * filtration.points * filtration.words() * 8) as u64;
    // Ranges of lowest points are joined, so they are there twice for a while.
    budget.hold(adjacency + 8 * edges as u64)?;
    let span = edges.div_ceil(threads).max(1);
    let spans: Vec<Columns> = (0..edges.div_ceil(span))
        .into_par_iter()
        .map(|at| in_span(filtration, at * span..edges.min((at + 1) * span), with_pieces))
        .collect();
    budget.release(adjacency + 4 * edges as u64);
    let mut all = Columns { lowest: Vec::with_capacity(edges), edges: Vec::new(), pieces: Vec::new() };
    for mut span in spans {
        all.lowest.append(&mut span.lowest);
        all.edges.append(&mut span.edges);
        all.pieces.append(&mut span.pieces);
    }
    budget.hold((4 * all.edges.capacity() + 8 * all.pieces.capacity()) as u64)?;
    Ok(all)
}

fn in_span(filtration: &Filtration, ranks: std::ops::Range<usize>, with_pieces: bool) -> Columns {
    let words = filtration.words();
    // Per point, the points it has edges to, of lower rank than the edge at hand.
    let mut joined = vec![0_u64; filtration.points * words];
    let join = |joined: &mut [u64], [a, b]: [u32; 2]| {
        joined[a as usize * words + b as usize / 64] |= 1 << (b % 64);
        joined[b as usize * words + a as usize / 64] |= 1 << (a % 64);
    };
    for &ends in &filtration.ends[..ranks.start] {
        join(&mut joined, ends);
    }
    let mut found = Columns { lowest: Vec::with_capacity(ranks.len()), edges: Vec::new(), pieces: Vec::new() };
    let (mut unreached, mut frontier) = (vec![0_u64; words], Vec::new());
    for rank in ranks {
        let ends = filtration.ends[rank];
        let row = |point: u32| &joined[point as usize * words..][..words];
        for ((word, a), b) in unreached.iter_mut().zip(row(ends[0])).zip(row(ends[1])) {
            *word = a & b;
        }
        let lowest = unreached.iter().zip(0..).find(|(word, _)| **word != 0).map_or(NONE, |(word, at)| at * 64 + word.trailing_zeros());
        found.lowest.push(lowest);
        if lowest == NONE {
            found.edges.push(rank as u32);
        } else if with_pieces {
            later_pieces(&mut unreached, row, &mut frontier, |lowest| found.pieces.push((rank as u32, lowest)));
        }
        join(&mut joined, ends);
    }
    found
}

/// Tells the lowest point of each connected piece but the first's.
fn later_pieces<'a>(unreached: &mut [u64], row: impl Fn(u32) -> &'a [u64], frontier: &mut Vec<u32>, mut tell: impl FnMut(u32)) {
    let (mut first, mut later) = (0, false);
    loop {
        while first < unreached.len() && unreached[first] == 0 {
            first += 1;
        }
        let Some(word) = unreached.get_mut(first) else { return };
        let root = (first * 64) as u32 + word.trailing_zeros();
        *word &= *word - 1;
        if later {
            tell(root);
        }
        later = true;
        frontier.push(root);
        while let Some(point) = frontier.pop() {
            let mut left = 0;
            for (at, (word, joined)) in unreached.iter_mut().zip(row(point)).enumerate().skip(first) {
                let mut reached = *word & joined;
                *word &= !joined;
                left |= *word;
                while reached != 0 {
                    frontier.push((at * 64) as u32 + reached.trailing_zeros());
                    reached &= reached - 1;
                }
            }
            if left == 0 {
                // The usual end, after a few points.
                frontier.clear();
                return;
            }
        }
    }
}

//! Dimension 1: cocycles on edges, carried on edge by edge until they cannot be.
//!
//! A class is born with an edge e that has an empty lower link and closes a loop: z is 1 on e and 0 on all edges before. With each later edge f = (a, b)
//! triangles (f, x) enter, x in the lower link of f, and z(a, x) + z(x, b) is the same for all x of one piece of the link, as z has no coboundary so far. The
//! first piece says what z(f) must be. Where another piece says otherwise, the class dies there, unless a class that was born later does too,
//! on the same piece: then a multiple of that one is added, and z goes on. The coboundary of z is a column of the matrix that is reduced, f and the
//! piece's lowest point are where it begins.

use super::budget::Budget;
use super::columns::Columns;
use super::error::HomologyError;
use super::field::Field;
use super::filtration::{Filtration, NONE};
use super::reporter::Reporter;
use std::collections::HashMap;

/// A class of dimension 1.
pub(super) struct Loop {
    /// Rank of the edge with which it is born.
    pub(super) birth: u32,
    /// Rank of the edge with which it dies, and the lowest point of the piece where it does.
    pub(super) death: Option<(u32, u32)>,
    /// What z is on the edges before its death (rank, coefficient), the lowest rank first, without zeros.
    pub(super) cocycle: Vec<(u32, u16)>,
}

/// Ranks between two reports of one column.
const STEP: u32 = 1 << 16;

/// Classes born with the edges `births` (ascending ranks), the last born first.
pub(super) fn loops(
    filtration: &Filtration,
    field: Field,
    births: &[u32],
    columns: &Columns,
    budget: &Budget,
    reporter: &Reporter<'_>,
) -> Result<Vec<Loop>, HomologyError> {
    budget.hold(2 * (filtration.points * filtration.points) as u64)?;
    let mut working = Working { filtration, field, values: vec![0; filtration.points * filtration.points], set: Vec::new() };
    let mut found: Vec<Loop> = Vec::with_capacity(births.len());
    // Where reduced columns begin: which of the classes found, and the coefficient there.
    let mut begins: HashMap<(u32, u32), (usize, u32)> = HashMap::new();
    for (done, &birth) in births.iter().rev().enumerate() {
        reporter.tell(done)?;
        working.clear();
        working.add(birth, 1);
        let mut next_piece = columns.pieces.partition_point(|&(rank, _)| rank <= birth);
        let mut death = None;
        'ranks: for rank in birth + 1..filtration.edges() as u32 {
            if rank.is_multiple_of(STEP) {
                reporter.tell(done)?;
            }
            let first_piece = next_piece;
            while columns.pieces.get(next_piece).is_some_and(|&(edge, _)| edge == rank) {
                next_piece += 1;
            }
            let lowest = columns.lowest[rank as usize];
            if lowest == NONE {
                continue;
            }
            // Each class added moves what is left to a later piece.
            while let Some((piece, left)) = working.first_contradiction(rank, lowest, &columns.pieces[first_piece..next_piece]) {
                let Some(&(other, there)) = begins.get(&(rank, piece)) else {
                    begins.insert((rank, piece), (found.len(), left));
                    death = Some((rank, piece));
                    break 'ranks;
                };
                let factor = field.negative(field.times(left, field.inverse(there)));
                for &(edge, value) in &found[other].cocycle {
                    working.add(edge, field.times(factor, u32::from(value)));
                }
            }
            let value = working.through(rank, lowest);
            if value != 0 {
                working.add(rank, value);
            }
        }
        let cocycle = working.cocycle();
        budget.hold((8 * cocycle.len() + 128) as u64)?;
        found.push(Loop { birth, death, cocycle });
    }
    reporter.tell(births.len())?;
    budget.release(2 * (filtration.points * filtration.points) as u64);
    Ok(found)
}

/// A cocycle at work.
struct Working<'a> {
    filtration: &'a Filtration,
    field: Field,
    /// z from each point to each, row by row.
    values: Vec<u16>,
    /// Ranks of the edges that were given a value.
    set: Vec<u32>,
}

impl Working<'_> {
    fn at(&self, from: u32, to: u32) -> usize {
        from as usize * self.filtration.points + to as usize
    }

    fn value(&self, from: u32, to: u32) -> u32 {
        u32::from(self.values[self.at(from, to)])
    }

    fn clear(&mut self) {
        for rank in std::mem::take(&mut self.set) {
            let [a, b] = self.filtration.ends[rank as usize];
            let (there, back) = (self.at(a, b), self.at(b, a));
            (self.values[there], self.values[back]) = (0, 0);
        }
    }

    fn add(&mut self, rank: u32, value: u32) {
        let [a, b] = self.filtration.ends[rank as usize];
        let (there, back) = (self.at(a, b), self.at(b, a));
        let sum = self.field.plus(self.value(a, b), value);
        self.values[there] = sum as u16;
        self.values[back] = self.field.negative(sum) as u16;
        self.set.push(rank);
    }

    /// z(a, x) + z(x, b).
    fn through(&self, rank: u32, x: u32) -> u32 {
        let [a, b] = self.filtration.ends[rank as usize];
        self.field.minus(self.value(a, x), self.value(b, x))
    }

    /// The first of the later pieces that says otherwise than the first, and by how much.
    fn first_contradiction(&self, rank: u32, lowest: u32, pieces: &[(u32, u32)]) -> Option<(u32, u32)> {
        if pieces.is_empty() {
            return None;
        }
        let value = self.through(rank, lowest);
        pieces.iter().map(|&(_, piece)| (piece, self.field.minus(self.through(rank, piece), value))).find(|&(_, left)| left != 0)
    }

    fn cocycle(&mut self) -> Vec<(u32, u16)> {
        self.set.sort_unstable();
        self.set.dedup();
        let value = |&rank: &u32| {
            let [a, b] = self.filtration.ends[rank as usize];
            (rank, self.values[self.at(a, b)])
        };
        self.set.iter().map(value).filter(|&(_, value)| value != 0).collect()
    }
}

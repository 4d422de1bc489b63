//! What enters with an edge: the complex on the points nearer to both its ends than these are to each other.
//!
//! The simplices whose last edge is f = (a, b) are f together with the simplices of its *lower link*: points x with edges to a and b of lower rank,
//! joined where their own edge is of lower rank than f. A spanning forest of that graph, grown breadth first from the lowest point of each piece,
//! is a discrete gradient: each point but the roots is paired with the edge to its parent, the triangle (f, x) with the tetrahedron (f, x, parent), and
//! the first root with f itself. Such pairs are born and die with f. In the order of simplices that enter with f, points stand in the order in
//! which they are reached, and edges of the forest before all others.

use super::filtration::Filtration;

/// The forest of one lower link, with room for the next.
pub(super) struct LowerLink {
    /// Points in the order in which they were reached.
    pub(super) order: Vec<u32>,
    /// Per point that is in the link, its parent; a root is its own.
    pub(super) parent: Vec<u32>,
    /// Where in `order` each piece begins.
    pub(super) pieces: Vec<u32>,
    unreached: Vec<u64>,
}

impl LowerLink {
    pub(super) fn new(filtration: &Filtration) -> Self {
        let Filtration { points, .. } = *filtration;
        Self { order: Vec::with_capacity(points), parent: vec![0; points], pieces: Vec::new(), unreached: vec![0; filtration.words()] }
    }

    /// Grows the forest of the edge of this rank.
    pub(super) fn grow(&mut self, filtration: &Filtration, rank: u32) {
        let Self { order, parent, pieces, unreached } = self;
        let [a, b] = filtration.ends[rank as usize];
        let (from_a, from_b) = (filtration.row(a).as_chunks::<64>().0, filtration.row(b).as_chunks::<64>().0);
        for ((word, a), b) in unreached.iter_mut().zip(from_a).zip(from_b) {
            *word = lower(a, rank) & lower(b, rank);
        }
        order.clear();
        pieces.clear();
        let (mut next, mut first) = (0, 0);
        let mut left: u32 = unreached.iter().map(|word| word.count_ones()).sum();
        while left > 0 {
            if next == order.len() {
                while first < unreached.len() && unreached[first] == 0 {
                    first += 1;
                }
                let root = (first * 64) as u32 + unreached[first].trailing_zeros();
                unreached[first] &= unreached[first] - 1;
                left -= 1;
                pieces.push(order.len() as u32);
                parent[root as usize] = root;
                order.push(root);
            }
            let point = order[next];
            next += 1;
            let row = filtration.row(point).as_chunks::<64>().0;
            for at in first..unreached.len() {
                if unreached[at] == 0 {
                    continue;
                }
                let mut reached = unreached[at] & lower(&row[at], rank);
                unreached[at] &= !reached;
                left -= reached.count_ones();
                while reached != 0 {
                    let child = (at * 64) as u32 + reached.trailing_zeros();
                    reached &= reached - 1;
                    parent[child as usize] = point;
                    order.push(child);
                }
            }
        }
    }

    /// The points of the pieces, one after the other.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u32]> {
        let ends = self.pieces.iter().skip(1).copied().chain([self.order.len() as u32]);
        self.pieces.iter().zip(ends).map(|(&start, end)| &self.order[start as usize..end as usize])
    }
}

/// Which of 64 ranks are lower, as bits.
fn lower(ranks: &[u32; 64], rank: u32) -> u64 {
    ranks.iter().enumerate().fold(0, |bits, (at, &other)| bits | u64::from(other < rank) << at)
}

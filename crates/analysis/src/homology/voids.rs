//! Dimension 2: cocycles on triangles, carried on edge by edge until they cannot be.
//!
//! A class is born with an edge e and a piece of its lower link that is not the first, and none on which a class of dimension 1 dies: z is 1 on (e, x) for all x of
//! the piece, 0 on all triangles before. With each later edge f = (a, b) tetrahedra (f, x, y) enter, {x, y} an edge of the lower link of f, and
//! c(x, y) = z(b, x, y) - z(a, x, y) must be h(x) - h(y) for some h on the link, which z(f, ·) then is. The link's forest says what h is, but for a constant
//! on each piece, which is chosen so that h is 0 on as many points as can be. Where c(x, y) is something else on other edges of the link, it goes around a
//! loop of the link, and the class dies at the first such edge, unless a class that was born later does too: then a multiple of that one is added.

use super::budget::Budget;
use super::cochain::{Cochain, Triangle, pack, unpack};
use super::error::HomologyError;
use super::field::Field;
use super::filtration::Filtration;
use super::lower_link::LowerLink;
use super::reporter::Reporter;
use std::collections::HashMap;

/// A class of dimension 2: ranks of the edges with which it is born and dies.
pub(super) type Void = (u32, Option<u32>);

/// Ranks between two looks at memory and reports.
const STEP: u32 = 1 << 10;

/// Classes born with these pieces of lower links (edge and lowest point, ascending), the last born first.
pub(super) fn voids(
    filtration: &Filtration,
    field: Field,
    pieces: &[(u32, u32)],
    budget: &Budget,
    reporter: &Reporter<'_>,
) -> Result<Vec<Void>, HomologyError> {
    let mut working = Working::new(filtration, field);
    // Where reduced columns begin: the triangles of the column, and the coefficient there.
    let mut begins: HashMap<(u32, u64), (Vec<Triangle>, u32)> = HashMap::new();
    let mut found = Vec::with_capacity(pieces.len());
    let mut held = 0;
    for (done, &(birth, point)) in pieces.iter().rev().enumerate() {
        reporter.tell(done)?;
        working.start(birth, point);
        let mut death = None;
        'ranks: for rank in birth + 1..filtration.edges() as u32 {
            if rank.is_multiple_of(STEP) {
                let bytes = working.cochain.bytes();
                budget.hold(bytes.saturating_sub(held))?;
                held = held.max(bytes);
                reporter.tell(done)?;
            }
            while let Some((first, left)) = working.carry_on(rank) {
                let Some((column, there)) = begins.get(&(rank, first)) else {
                    let column = working.cochain.list();
                    budget.hold(8 * column.len() as u64 + 128)?;
                    begins.insert((rank, first), (column, left));
                    death = Some(rank);
                    break 'ranks;
                };
                let factor = field.negative(field.times(left, field.inverse(*there)));
                for &(corners, value) in column {
                    working.cochain.add(corners.map(u32::from), field.times(factor, u32::from(value)));
                }
            }
        }
        found.push((birth, death));
    }
    reporter.tell(pieces.len())?;
    budget.release(held);
    Ok(found)
}

/// A cocycle at work.
struct Working<'a> {
    filtration: &'a Filtration,
    field: Field,
    cochain: Cochain,
    link: LowerLink,
    /// c on edges x < y of the link, ascending.
    here: Vec<u64>,
    /// The same from the triangles at one end, and at the other.
    parts: [Vec<u64>; 2],
    /// h per point of the link.
    potential: Vec<u32>,
    /// How often each potential occurs.
    counts: Vec<u32>,
}

impl<'a> Working<'a> {
    fn new(filtration: &'a Filtration, field: Field) -> Self {
        let points = filtration.points;
        Self {
            filtration,
            field,
            cochain: Cochain::new(points, field),
            link: LowerLink::new(filtration),
            here: Vec::new(),
            parts: [Vec::new(), Vec::new()],
            potential: vec![0; points],
            counts: vec![0; field.order()],
        }
    }

    fn start(&mut self, birth: u32, point: u32) {
        self.cochain.clear();
        self.link.grow(self.filtration, birth);
        let [a, b] = self.filtration.ends[birth as usize];
        for &x in self.link.pieces().filter(|piece| piece[0] == point).flatten() {
            self.cochain.add([a, b, x], 1);
        }
    }

    /// Goes on over one edge. Where that cannot be, nothing is changed, and the first edge of the link where it fails comes back, packed, and by how much.
    fn carry_on(&mut self, rank: u32) -> Option<(u64, u32)> {
        self.gather(rank);
        if self.here.is_empty() {
            return None;
        }
        self.link.grow(self.filtration, rank);
        self.integrate();
        if self.differs(rank)
            && let Some(&first) = self.left(rank).first()
        {
            return Some((first & !0xffff, unpack(first).2));
        }
        let [a, b] = self.filtration.ends[rank as usize];
        for &x in &self.link.order {
            if self.potential[x as usize] != 0 {
                self.cochain.add([a, b, x], self.potential[x as usize]);
            }
        }
        None
    }

    /// c(x, y) = z(b, x, y) - z(a, x, y), ascending, without zeros.
    fn gather(&mut self, rank: u32) {
        let Self { filtration, field, ref mut here, ref mut parts, ref cochain, .. } = *self;
        let [a, b] = filtration.ends[rank as usize];
        // Triangles of z are all of lower rank, so what is left to ask is whether the other end is near enough.
        for (part, [own, other]) in parts.iter_mut().zip([[a, b], [b, a]]) {
            let row = filtration.row(other);
            let entries = cochain.at(own);
            part.resize(entries.len(), 0);
            let mut kept = 0;
            for &entry in entries {
                let (x, y, _) = unpack(entry);
                part[kept] = entry;
                kept += usize::from(row[x as usize] < rank && row[y as usize] < rank);
            }
            part.truncate(kept);
        }
        here.clear();
        let [minus, plus] = parts;
        let mut plus = plus.iter().copied().peekable();
        for &entry in minus.iter() {
            let (x, y, value) = unpack(entry);
            let key = pack(x, y, 0);
            while let Some(before) = plus.next_if(|&other| other < key) {
                here.push(before);
            }
            let same = plus.next_if(|&other| other & !0xffff == key).map_or(0, |other| unpack(other).2);
            let difference = field.minus(same, value);
            if difference != 0 {
                here.push(key | u64::from(difference));
            }
        }
        here.extend(plus);
    }

    /// h along the forest: h(child) = h(parent) - c(parent, child).
    fn integrate(&mut self) {
        let Self { field, ref link, ref here, ref mut potential, ref mut counts, .. } = *self;
        for &x in &link.order {
            potential[x as usize] = 0;
        }
        for &entry in here {
            let (x, y, value) = unpack(entry);
            if link.parent[y as usize] == x {
                potential[y as usize] = field.negative(value);
            } else if link.parent[x as usize] == y {
                potential[x as usize] = value;
            }
        }
        for piece in link.pieces() {
            let mut most = 0;
            for &x in piece {
                let parent = link.parent[x as usize];
                if parent != x {
                    potential[x as usize] = field.plus(potential[x as usize], potential[parent as usize]);
                }
                let value = potential[x as usize] as usize;
                counts[value] += 1;
                if counts[value] > counts[most] {
                    most = value;
                }
            }
            for &x in piece {
                counts[potential[x as usize] as usize] = 0;
            }
            if most != 0 {
                for &x in piece {
                    potential[x as usize] = field.minus(potential[x as usize], most as u32);
                }
            }
        }
    }

    /// Whether c is not h(x) - h(y): on an edge where c is not 0, or on one where it is, which counting tells.
    fn differs(&self, rank: u32) -> bool {
        let h = |x: u32| self.potential[x as usize];
        let wrong = |&entry: &u64| {
            let (x, y, value) = unpack(entry);
            value != self.field.minus(h(x), h(y))
        };
        if self.here.iter().any(wrong) {
            return true;
        }
        let mut ends = 0;
        for &x in self.link.order.iter().filter(|&&x| h(x) != 0) {
            let row = self.filtration.row(x);
            for &y in &self.link.order {
                let cut = row[y as usize] < rank && h(y) != h(x);
                // An edge with h ≠ 0 at both ends is met twice.
                ends += usize::from(cut) * if h(y) == 0 { 2 } else { 1 };
            }
        }
        ends != 2 * self.here.len()
    }

    /// c(x, y) - h(x) + h(y) where it is not 0, ascending.
    fn left(&self, rank: u32) -> Vec<u64> {
        let h = |x: u32| self.potential[x as usize];
        let mut left = self.here.clone();
        for (at, &x) in self.link.order.iter().enumerate() {
            let row = self.filtration.row(x);
            for &y in self.link.order[at + 1..].iter().filter(|&&y| row[y as usize] < rank && h(y) != h(x)) {
                let (low, high) = (x.min(y), x.max(y));
                left.push(pack(low, high, self.field.minus(h(high), h(low))));
            }
        }
        left.sort_unstable();
        let sums = left.chunk_by(|one, other| one >> 16 == other >> 16).map(|same| {
            let sum = same.iter().fold(0, |sum, &entry| self.field.plus(sum, unpack(entry).2));
            same[0] & !0xffff | u64::from(sum)
        });
        sums.filter(|&entry| unpack(entry).2 != 0).collect()
    }
}

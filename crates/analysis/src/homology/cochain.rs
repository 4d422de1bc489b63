//! Functions on oriented triangles.

use super::field::Field;

/// A function on oriented triangles that is 0 on most. Each triangle is listed at all of its corners, so that those at one point are found together.
pub(super) struct Cochain {
    field: Field,
    /// Per point v, ascending: the other corners x < y and the value on (v, x, y), never 0.
    at: Vec<Vec<u64>>,
    /// Points that have or had triangles.
    used: Vec<u32>,
    triangles: usize,
}

/// Corners, ascending, and the value there, which is not 0.
pub(super) type Triangle = ([u16; 3], u16);

/// Corners or a value, 16 bits each.
pub(super) fn pack(x: u32, y: u32, value: u32) -> u64 {
    u64::from(x) << 32 | u64::from(y) << 16 | u64::from(value)
}

/// What [`pack`] packed.
pub(super) fn unpack(entry: u64) -> (u32, u32, u32) {
    ((entry >> 32) as u32 & 0xffff, (entry >> 16) as u32 & 0xffff, entry as u32 & 0xffff)
}

impl Cochain {
    pub(super) fn new(points: usize, field: Field) -> Self {
        Self { field, at: vec![Vec::new(); points], used: Vec::new(), triangles: 0 }
    }

    pub(super) fn clear(&mut self) {
        for point in self.used.drain(..) {
            self.at[point as usize].clear();
        }
        self.triangles = 0;
    }

    /// The triangles at a point, packed.
    pub(super) fn at(&self, point: u32) -> &[u64] {
        &self.at[point as usize]
    }

    /// Bytes that the lists hold.
    pub(super) fn bytes(&self) -> u64 {
        // Vectors double.
        2 * 3 * 8 * self.triangles as u64
    }

    /// Adds to the value on (a, b, c), corners in any order.
    pub(super) fn add(&mut self, [a, b, c]: [u32; 3], value: u32) {
        for [v, x, y] in [[a, b, c], [b, c, a], [c, a, b]] {
            let (low, high, value) = if x < y { (x, y, value) } else { (y, x, self.field.negative(value)) };
            let list = &mut self.at[v as usize];
            if list.is_empty() {
                self.used.push(v);
            }
            let key = pack(low, high, 0);
            let place = list.partition_point(|&entry| entry < key);
            match list.get_mut(place) {
                Some(entry) if *entry & !0xffff == key => {
                    let sum = self.field.plus(unpack(*entry).2, value);
                    if sum == 0 {
                        list.remove(place);
                        self.triangles -= usize::from(v == a);
                    } else {
                        *entry = key | u64::from(sum);
                    }
                }
                _ => {
                    list.insert(place, key | u64::from(value));
                    self.triangles += usize::from(v == a);
                }
            }
        }
    }

    /// All triangles, each once, with corners ascending.
    pub(super) fn list(&mut self) -> Vec<Triangle> {
        self.used.sort_unstable();
        self.used.dedup();
        let of_point = |&v: &u32| {
            let once = self.at[v as usize].iter().map(|&entry| unpack(entry)).filter(move |&(x, _, _)| v < x);
            once.map(move |(x, y, value)| ([v as u16, x as u16, y as u16], value as u16))
        };
        let mut all = Vec::with_capacity(self.triangles);
        all.extend(self.used.iter().flat_map(of_point));
        all
    }
}

//! The moment whose position is nearest to a place: a null asks this for every unit at every moment.
//!
//! Positions lie in buckets, square cells of a grid with about one position each, and rings of cells around the place are looked through until none can
//! hold anything nearer. Each module asks tens of millions of times.

use gridlake_space::arena::Arena;

/// Positions in buckets.
#[derive(Debug, Clone)]
pub(super) struct NearestMoment {
    columns: usize,
    rows: usize,
    cell_m: f64,
    origin_m: [f64; 2],
    /// Where each bucket starts in `places`; one more than there are buckets.
    starts: Vec<u32>,
    /// Positions and moments, bucket after bucket.
    places: Vec<([f64; 2], u32)>,
}

impl NearestMoment {
    /// Of at least one position, all finite. Those outside the arena's rectangle belong to the bucket at the border, and are found as well.
    pub(super) fn new(positions_m: &[[f64; 2]], arena: Arena) -> Self {
        assert!(!positions_m.is_empty(), "the nearest of none");
        let cell_m = (arena.width_m * arena.height_m / positions_m.len() as f64).sqrt();
        let cells = |side: f64| ((side / cell_m).ceil() as usize).clamp(1, 4096);
        let (columns, rows) = (cells(arena.width_m), cells(arena.height_m));
        let origin_m = [-arena.width_m / 2.0, -arena.height_m / 2.0];
        let mut buckets = Self { columns, rows, cell_m, origin_m, starts: vec![0; columns * rows + 1], places: Vec::new() };
        let at: Vec<usize> = positions_m.iter().map(|&position| buckets.bucket(position)).collect();
        for &bucket in &at {
            buckets.starts[bucket + 1] += 1;
        }
        for bucket in 0..columns * rows {
            buckets.starts[bucket + 1] += buckets.starts[bucket];
        }
        let mut next = buckets.starts.clone();
        buckets.places = vec![([0.0; 2], 0); positions_m.len()];
        for (moment, (&bucket, &position)) in at.iter().zip(positions_m).enumerate() {
            buckets.places[next[bucket] as usize] = (position, moment as u32);
            next[bucket] += 1;
        }
        buckets
    }

    fn cell(&self, position_m: [f64; 2]) -> (usize, usize) {
        let along = |axis: usize, count: usize| (((position_m[axis] - self.origin_m[axis]) / self.cell_m).max(0.0) as usize).min(count - 1);
        (along(0, self.columns), along(1, self.rows))
    }

    fn bucket(&self, position_m: [f64; 2]) -> usize {
        let (column, row) = self.cell(position_m);
        row * self.columns + column
    }

    /// The moment nearest to a place in the arena's rectangle; of several, the first.
    pub(super) fn nearest(&self, place_m: [f64; 2]) -> usize {
        let (column, row) = self.cell(place_m);
        let mut best = (f64::INFINITY, u32::MAX);
        for ring in 0..self.columns.max(self.rows) {
            // All that is nearer than `ring - 1` whole cells was seen: positions outside the rectangle are no nearer than the border that they are counted to.
            let seen = (ring as f64 - 1.0) * self.cell_m;
            if ring > 0 && seen > 0.0 && best.0 < seen * seen {
                break;
            }
            let (low, high) = (row.saturating_sub(ring), (row + ring).min(self.rows - 1));
            for y in low..=high {
                let edge = y + ring == row || y == row + ring;
                let (left, right) = (column.checked_sub(ring), Some(column + ring).filter(|&x| x < self.columns));
                if edge {
                    let (from, to) = (y * self.columns + left.unwrap_or(0), y * self.columns + right.unwrap_or(self.columns - 1));
                    self.scan(from, to, place_m, &mut best);
                } else {
                    for x in [left, right].into_iter().flatten() {
                        self.scan(y * self.columns + x, y * self.columns + x, place_m, &mut best);
                    }
                }
            }
        }
        best.1 as usize
    }

    /// Looks through the buckets `from` to `to`, which are neighbours in one row.
    #[inline]
    fn scan(&self, from: usize, to: usize, place_m: [f64; 2], best: &mut (f64, u32)) {
        for &(position, moment) in &self.places[self.starts[from] as usize..self.starts[to + 1] as usize] {
            let (dx, dy) = (position[0] - place_m[0], position[1] - place_m[1]);
            let square = dx * dx + dy * dy;
            if square < best.0 || (square == best.0 && moment < best.1) {
                *best = (square, moment);
            }
        }
    }
}

/// What [`NearestMoment::nearest`] answers, by looking at every position.
#[cfg(test)]
pub(super) fn reference_nearest(positions_m: &[[f64; 2]], place_m: [f64; 2]) -> usize {
    let square = |position: &[f64; 2]| (position[0] - place_m[0]).powi(2) + (position[1] - place_m[1]).powi(2);
    (0..positions_m.len()).min_by(|&a, &b| square(&positions_m[a]).total_cmp(&square(&positions_m[b]))).expect("at least one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    #[test]
    fn buckets_find_what_looking_at_all_finds() {
        let arenas = [Arena::square(2.0), Arena::rectangle(3.0, 0.2), Arena::circle(1.5), Arena::rectangle(1e-3, 40.0)];
        for (number, arena) in arenas.into_iter().enumerate() {
            for count in [1, 2, 7, 100, 1000] {
                let mut stream = Seed(3).stream("nearest", (number * 10_000 + count) as u64);
                let mut place = |scale: f64| {
                    [
                        0.5 * scale * stream.uniform_in(-arena.width_m, arena.width_m),
                        0.5 * scale * stream.uniform_in(-arena.height_m, arena.height_m),
                    ]
                };
                // Some in a corner only, some outside, some on a raster with many ties.
                let positions: Vec<[f64; 2]> = (0..count)
                    .map(|i| match i % 4 {
                        0 => place(1.0),
                        1 => place(0.1),
                        2 => place(1.3),
                        _ => place(1.0).map(|x| (x * 8.0).round() / 8.0),
                    })
                    .collect();
                let buckets = NearestMoment::new(&positions, arena);
                for i in 0..300 {
                    let at = if i % 3 == 0 { place(1.0).map(|x| (x * 8.0).round() / 8.0) } else { place(1.0) };
                    assert_eq!(buckets.nearest(at), reference_nearest(&positions, at), "{arena:?} {count} {at:?}");
                }
            }
        }
    }

    #[test]
    fn of_copies_the_first_is_found() {
        let positions = vec![[0.5, 0.5]; 50];
        assert_eq!(NearestMoment::new(&positions, Arena::square(2.0)).nearest([-0.9, 0.1]), 0);
    }
}

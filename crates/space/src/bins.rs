//! The only map from positions to bins.
//!
//! A circle's bins lie on the square around it: positions beyond its wall have none, and the bins that lie wholly beyond are not reachable.

use crate::arena::{Arena, ArenaShape};

/// An arena in `ny` rows by `nx` columns of equal bins; row 0 has the least y, column 0 the least x.
///
/// A bin holds its lower borders; the arena's upper walls belong to the last row and column, so every position inside has a bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// What is binned.
    pub arena: Arena,
    /// Columns, along x.
    pub nx: usize,
    /// Rows, along y.
    pub ny: usize,
}

impl Bins {
    /// Bins of an arena.
    ///
    /// # Panics
    /// Without columns or rows.
    pub fn new(arena: Arena, nx: usize, ny: usize) -> Self {
        assert!(nx > 0 && ny > 0, "bins need at least one column and one row");
        Self { arena, nx, ny }
    }

    /// `n` by `n` bins.
    ///
    /// # Panics
    /// With `n` = 0.
    pub fn square(arena: Arena, n: usize) -> Self {
        Self::new(arena, n, n)
    }

    /// Number of bins.
    pub fn len(&self) -> usize {
        self.nx * self.ny
    }

    /// Never: there is at least one bin.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Width and height of a bin in metres.
    pub fn bin_m(&self) -> (f64, f64) {
        (self.arena.width_m / self.nx as f64, self.arena.height_m / self.ny as f64)
    }

    /// Index `row * nx + column` of a position in metres; `None` outside the arena and for NaN.
    pub fn index(&self, x_m: f64, y_m: f64) -> Option<usize> {
        if !self.arena.contains(x_m, y_m) {
            return None;
        }
        let along = |position: f64, side: f64, n: usize| (((position / side + 0.5) * n as f64) as usize).min(n - 1);
        Some(along(y_m, self.arena.height_m, self.ny) * self.nx + along(x_m, self.arena.width_m, self.nx))
    }

    /// Whether a bin holds, or touches, a place inside the arena. All bins of a rectangle do; bins in the corners around a circle do not.
    ///
    /// A bin's *centre* may lie outside the circle although part of the bin is inside.
    pub fn reachable(&self, index: usize) -> bool {
        match self.arena.shape {
            ArenaShape::Rectangle => true,
            ArenaShape::Circle => {
                let ((x, y), (width, height)) = (self.centre(index), self.bin_m());
                self.arena.contains((x.abs() - width / 2.0).max(0.0), (y.abs() - height / 2.0).max(0.0))
            }
        }
    }

    /// Centre (x, y) of a bin in metres.
    pub fn centre(&self, index: usize) -> (f64, f64) {
        let (width, height) = self.bin_m();
        let (row, column) = (index / self.nx, index % self.nx);
        ((column as f64 + 0.5) * width - self.arena.width_m / 2.0, (row as f64 + 0.5) * height - self.arena.height_m / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_are_y_and_columns_are_x() {
        let bins = Bins::new(Arena::rectangle(4.0, 2.0), 4, 2);
        assert_eq!(bins.index(-2.0, -1.0), Some(0));
        assert_eq!(bins.index(1.5, -0.5), Some(3));
        assert_eq!(bins.index(-1.5, 0.5), Some(4));
        assert_eq!(bins.index(2.0, 1.0), Some(7), "the upper walls belong to the last bins");
        assert_eq!([bins.index(2.1, 0.0), bins.index(0.0, -1.1), bins.index(f64::NAN, 0.0)], [None; 3]);
        assert_eq!(bins.centre(7), (1.5, 0.5));
    }

    #[test]
    fn beyond_a_round_wall_there_are_no_bins() {
        let bins = Bins::square(Arena::circle(2.0), 4);
        assert_eq!(bins.index(0.9, 0.9), None);
        assert_eq!(bins.index(0.7, 0.7), Some(15), "the corner's bin reaches into the circle");
        assert!((0..16).all(|bin| bins.reachable(bin)));
        let fine = Bins::square(Arena::circle(2.0), 20);
        let reachable = (0..400).filter(|bin| fine.reachable(*bin)).count();
        assert!(!fine.reachable(0) && fine.reachable(10) && (314..400).contains(&reachable), "{reachable} bins cover an area of 314 bins");
    }

    proptest! {
        #[test]
        fn positions_in_a_circle_have_reachable_bins(n in 1_usize..70, x in -1.0_f64..=1.0, y in -1.0_f64..=1.0) {
            let bins = Bins::square(Arena::circle(2.0), n);
            let index = bins.index(x, y);
            prop_assert_eq!(index.is_some(), bins.arena.contains(x, y));
            prop_assert!(index.is_none_or(|bin| bins.reachable(bin) && Bins::square(Arena::square(2.0), n).index(x, y) == Some(bin)));
        }

        #[test]
        fn the_centre_of_a_bin_is_in_it(nx in 1_usize..70, ny in 1_usize..70, width in 0.1_f64..5.0, height in 0.1_f64..5.0, pick in 0.0_f64..1.0) {
            let bins = Bins::new(Arena::rectangle(width, height), nx, ny);
            let index = (pick * bins.len() as f64) as usize;
            let (x, y) = bins.centre(index);
            prop_assert_eq!(bins.index(x, y), Some(index));
        }

        #[test]
        fn a_position_is_within_half_a_bin_of_its_centre(n in 1_usize..70, x in -1.0_f64..=1.0, y in -1.0_f64..=1.0) {
            let bins = Bins::square(Arena::square(2.0), n);
            let (cx, cy) = bins.centre(bins.index(x, y).expect("inside"));
            let half = 1.0 / n as f64 + 1e-12;
            prop_assert!((cx - x).abs() <= half && (cy - y).abs() <= half);
        }
    }
}

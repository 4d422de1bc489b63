//! Where trajectories live.

use serde::{Deserialize, Serialize};

/// A rectangular arena centred on the origin, where every trajectory starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arena {
    /// Extent along x, m.
    pub width_m: f64,
    /// Extent along y, m.
    pub height_m: f64,
}

impl Arena {
    /// A square box.
    pub fn square(side_m: f64) -> Self {
        Self { width_m: side_m, height_m: side_m }
    }

    /// Whether a position is inside; walls belong to the inside.
    pub fn contains(&self, x_m: f64, y_m: f64) -> bool {
        x_m.abs() <= self.width_m / 2.0 && y_m.abs() <= self.height_m / 2.0
    }

    /// Distance to the nearest wall in metres; negative outside.
    pub fn wall_distance_m(&self, x_m: f64, y_m: f64) -> f64 {
        (self.width_m / 2.0 - x_m.abs()).min(self.height_m / 2.0 - y_m.abs())
    }

    /// Its name in tables and file names: `square-2m`, `rectangle-2x1.5m`.
    pub fn label(&self) -> String {
        if self.width_m == self.height_m {
            format!("square-{}m", self.width_m)
        } else {
            format!("rectangle-{}x{}m", self.width_m, self.height_m)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walls_are_inside_and_beyond_is_not() {
        let arena = Arena { width_m: 2.0, height_m: 1.0 };
        assert!(arena.contains(1.0, -0.5) && !arena.contains(1.0 + 1e-12, 0.0) && !arena.contains(0.0, f64::NAN));
        assert_eq!(arena.wall_distance_m(0.9, 0.1), 1.0 - 0.9);
        assert!(arena.wall_distance_m(0.0, 0.6) < 0.0);
    }

    #[test]
    fn labels_tell_arenas_apart() {
        assert_eq!(Arena::square(2.0).label(), "square-2m");
        assert_eq!(Arena::square(2.5).label(), "square-2.5m");
        assert_eq!(Arena { width_m: 2.0, height_m: 1.5 }.label(), "rectangle-2x1.5m");
    }
}

//! Where trajectories live: rectangles and circles, centred on the origin, where every trajectory starts.
//!
//! A position is inside where its distance to the nearest wall is at least zero: `min(w/2 - |x|, h/2 - |y|)` in a rectangle of `w` by `h`,
//! `d/2 - √(x² + y²)` in a circle of diameter `d`. A circle's width and height are its diameter, so that its bins lie on the square around it;
//! bins beyond its wall are never visited, hence NaN in every map.
//!
//! Written as JSON, a rectangle is `{"width_m", "height_m"}`, as before there were circles; a circle has `"shape": "circle"` beside them.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The outline of an arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArenaShape {
    /// Four walls.
    #[default]
    Rectangle,
    /// One round wall.
    Circle,
}

impl ArenaShape {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_rectangle(&self) -> bool {
        *self == Self::Rectangle
    }
}

/// An arena centred on the origin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Arena {
    /// Extent along x, m.
    pub width_m: f64,
    /// Extent along y, m.
    pub height_m: f64,
    /// The outline; a circle's width and height are both its diameter.
    #[serde(skip_serializing_if = "ArenaShape::is_rectangle")]
    pub shape: ArenaShape,
}

/// An arena as read, before it is known to be one.
#[derive(Deserialize)]
struct Written {
    width_m: f64,
    height_m: f64,
    #[serde(default)]
    shape: ArenaShape,
}

impl TryFrom<Written> for Arena {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { width_m, height_m, shape } = written;
        if shape == ArenaShape::Circle && width_m != height_m {
            return Err(format!("a circle of width {width_m} m and height {height_m} m; both must be its diameter"));
        }
        Ok(Self { width_m, height_m, shape })
    }
}

/// A text that is no arena's label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no arena; use square-2m, rectangle-2x1.5m or circle-1.5m, with sides above 0 m")]
pub struct ArenaLabelError(pub String);

impl Arena {
    /// A square box.
    pub fn square(side_m: f64) -> Self {
        Self::rectangle(side_m, side_m)
    }

    /// A box of `width_m` along x by `height_m` along y.
    pub fn rectangle(width_m: f64, height_m: f64) -> Self {
        Self { width_m, height_m, shape: ArenaShape::Rectangle }
    }

    /// A round arena.
    pub fn circle(diameter_m: f64) -> Self {
        Self { width_m: diameter_m, height_m: diameter_m, shape: ArenaShape::Circle }
    }

    /// Whether a position is inside; walls belong to the inside.
    pub fn contains(&self, x_m: f64, y_m: f64) -> bool {
        match self.shape {
            ArenaShape::Rectangle => x_m.abs() <= self.width_m / 2.0 && y_m.abs() <= self.height_m / 2.0,
            ArenaShape::Circle => self.wall_distance_m(x_m, y_m) >= 0.0,
        }
    }

    /// Distance to the nearest wall in metres; negative outside.
    pub fn wall_distance_m(&self, x_m: f64, y_m: f64) -> f64 {
        match self.shape {
            ArenaShape::Rectangle => (self.width_m / 2.0 - x_m.abs()).min(self.height_m / 2.0 - y_m.abs()),
            // Not `hypot`, whose last bit differs between systems.
            ArenaShape::Circle => self.width_m / 2.0 - (x_m * x_m + y_m * y_m).sqrt(),
        }
    }

    /// Its name in tables and file names: `square-2m`, `rectangle-2x1.5m`, `circle-1.5m`. [`Arena::from_str`] reads it back.
    pub fn label(&self) -> String {
        match self.shape {
            ArenaShape::Circle => format!("circle-{}m", self.width_m),
            ArenaShape::Rectangle if self.width_m == self.height_m => format!("square-{}m", self.width_m),
            ArenaShape::Rectangle => format!("rectangle-{}x{}m", self.width_m, self.height_m),
        }
    }
}

impl FromStr for Arena {
    type Err = ArenaLabelError;

    /// The arena of this label, exactly: every arena has one label, and a text that is not [`Arena::label`] of some arena is refused.
    fn from_str(label: &str) -> Result<Self, ArenaLabelError> {
        let side = |text: &str| text.parse::<f64>().ok().filter(|side| side.is_finite() && *side > 0.0);
        let read = || {
            let (shape, sides) = label.strip_suffix('m')?.split_once('-')?;
            match shape {
                "square" => Some(Self::square(side(sides)?)),
                "circle" => Some(Self::circle(side(sides)?)),
                "rectangle" => sides.split_once('x').and_then(|(width, height)| Some(Self::rectangle(side(width)?, side(height)?))),
                _ => None,
            }
        };
        read().filter(|arena| arena.label() == label).ok_or_else(|| ArenaLabelError(label.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn walls_are_inside_and_beyond_is_not() {
        let arena = Arena::rectangle(2.0, 1.0);
        assert!(arena.contains(1.0, -0.5) && !arena.contains(1.0 + 1e-12, 0.0) && !arena.contains(0.0, f64::NAN));
        assert_eq!(arena.wall_distance_m(0.9, 0.1), 1.0 - 0.9);
        assert!(arena.wall_distance_m(0.0, 0.6) < 0.0);
        let round = Arena::circle(2.0);
        assert!(round.contains(0.6, -0.8) && round.contains(-1.0, 0.0) && !round.contains(0.8, 0.8) && !round.contains(f64::NAN, 0.0));
        assert!((round.wall_distance_m(0.3, 0.4) - 0.5).abs() < 1e-15 && round.wall_distance_m(1.0, 1.0) < 0.0);
    }

    #[test]
    fn labels_tell_arenas_apart() {
        assert_eq!(Arena::square(2.0).label(), "square-2m");
        assert_eq!(Arena::square(2.5).label(), "square-2.5m");
        assert_eq!(Arena::rectangle(2.0, 1.5).label(), "rectangle-2x1.5m");
        assert_eq!(Arena::circle(1.5).label(), "circle-1.5m");
    }

    #[test]
    fn what_is_no_label_is_refused() {
        let texts = ["", "circle", "circle-m", "circle-0m", "circle--1m", "circle-infm", "square-NaNm", "circle-1.50m", "square-1e0m"];
        for text in texts.into_iter().chain(["rectangle-2x2m", "rectangle-2m", "rectangle-1x2x3m", "hexagon-2m", "circle-2", "circle-2mm"])
        {
            assert_eq!(text.parse::<Arena>(), Err(ArenaLabelError(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn labels_are_read_back_to_the_bit(width in 1e-6_f64..1e6, height in 1e-6_f64..1e6) {
            for arena in [Arena::square(width), Arena::rectangle(width, height), Arena::circle(width)] {
                prop_assert_eq!(arena.label().parse::<Arena>(), Ok(arena));
            }
        }

        #[test]
        fn inside_is_where_the_wall_is_not_behind(x in -2.0_f64..2.0, y in -2.0_f64..2.0, width in 0.1_f64..4.0, height in 0.1_f64..4.0) {
            for arena in [Arena::rectangle(width, height), Arena::circle(width)] {
                prop_assert_eq!(arena.contains(x, y), arena.wall_distance_m(x, y) >= 0.0);
            }
        }
    }
}

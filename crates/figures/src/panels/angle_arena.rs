//! States where they were in the arena, coloured by an angle.

use std::f64::consts::{PI, TAU};

use crate::FigureError;
use crate::axes::{Axes, Axis};
use crate::canvas::{Canvas, RectMm, Surface};
use crate::colormap::Colormap;
use crate::number::drawable;
use crate::panels::note;
use crate::panels::point_cloud::{self, Dot};

/// Ticks of a colour bar around a turn.
pub(crate) fn turn_ticks() -> Vec<(f64, String)> {
    [(0.0, "0"), (PI / TAU, "π"), (1.0, "2π")].map(|(place, text)| (place, text.to_owned())).to_vec()
}

/// Where an angle lies on the ring of colours.
pub(crate) fn turn_share(angle_rad: f64) -> f64 {
    if drawable(angle_rad) { angle_rad.rem_euclid(TAU) / TAU } else { f64::NAN }
}

/// Draws positions in metres with their angles in radians into a square frame; both axes have one scale. Positions
/// without an angle are left out.
pub(crate) fn draw<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, states: &[([f64; 2], f64)]) -> Result<(), FigureError> {
    let kept: Vec<([f64; 2], f64)> =
        states.iter().copied().filter(|([x, y], angle)| drawable(*x) && drawable(*y) && drawable(*angle)).collect();
    let range = |axis: usize| point_cloud::range(kept.iter().map(|(position, _)| position[axis]));
    let (Some(x), Some(y)) = (range(0), range(1)) else {
        let bare = |label: &str| Axis { ticks: Vec::new(), exponent: 0, ..Axis::linear(0.0, 1.0, 1, label) };
        Axes { frame, x: bare("x (m)"), y: bare("y (m)") }.draw(canvas)?;
        return note::message(canvas, frame, "No states with an angle");
    };
    let half = 0.52 * (x.1 - x.0).max(y.1 - y.0);
    let axis = |(low, high): (f64, f64), label: &str| {
        let middle = f64::midpoint(low, high);
        Axis::linear(middle - half, middle + half, 4, label)
    };
    let axes = Axes { frame, x: axis(x, "x (m)"), y: axis(y, "y (m)") };
    let dots: Vec<Dot> =
        kept.iter().map(|&([x, y], angle)| Dot { at: (axes.x_mm(x), axes.y_mm(y)), color: turn_share(angle), depth: 0.0 }).collect();
    point_cloud::draw(canvas, frame, &dots, point_cloud::radius_mm(dots.len()), Colormap::PhaseRing)?;
    axes.draw(canvas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_taken_modulo_a_turn() {
        assert!((turn_share(-PI) - 0.5).abs() < 1e-12 && (turn_share(5.0 * PI) - 0.5).abs() < 1e-12);
        assert!(turn_share(f64::INFINITY).is_nan());
    }
}

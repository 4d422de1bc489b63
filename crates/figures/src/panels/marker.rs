//! Dots of units: every module has its own shape and colour, and the same in all figures.

use std::f64::consts::TAU;

use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::style::module_color;

/// Shapes that modules take in turn: a disc, or corners with the turn of the first one from the right, in turns.
const SHAPES: [Option<(usize, f64)>; 5] = [None, Some((4, 0.125)), Some((3, 0.75)), Some((4, 0.0)), Some((3, 0.25))];

/// Draws the marker of a module (or of a unit without one, a grey disc) around a place; `radius` in millimetres.
pub(crate) fn draw<S: Surface>(canvas: &mut Canvas<S>, at: (f64, f64), radius: f64, module: Option<usize>) -> Result<(), FigureError> {
    let Some((corners, turn)) = SHAPES[module.unwrap_or(0) % SHAPES.len()] else {
        return canvas.disc(at, radius, module_color(module));
    };
    // Shapes with few corners are larger, so that all have about the same area.
    let radius = radius * (TAU / (corners as f64 * (TAU / corners as f64).sin())).sqrt();
    canvas.polygon(&around(at, radius, corners, turn), module_color(module))
}

/// The corners of a regular polygon around a place, the first one `turn` turns clockwise from the right.
pub(crate) fn around((x, y): (f64, f64), radius: f64, corners: usize, turn: f64) -> Vec<(f64, f64)> {
    let corner = |index: usize| {
        let (sin, cos) = (TAU * (index as f64 / corners as f64 + turn)).sin_cos();
        (x + radius * cos, y + radius * sin)
    };
    (0..corners).map(corner).collect()
}

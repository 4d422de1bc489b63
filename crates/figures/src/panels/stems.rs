//! A few values in their order, as stems, beside the values of an ideal.

use crate::FigureError;
use crate::axes::{Axes, Axis};
use crate::canvas::{Canvas, RectMm, Surface};
use crate::panels::note;
use crate::style::{BLUE, INK, LINE_PT};
use crate::ticks::Tick;

/// More values than this are not drawn.
pub(crate) const MAX_STEMS: usize = 12;

const DOT_MM: f64 = 0.5;

/// Draws `values` as stems from zero on, and `ideal` as dashes across their places, into a frame with axes; the values
/// are at most [`MAX_STEMS`] and can be drawn.
pub(crate) fn draw<S: Surface>(
    canvas: &mut Canvas<S>,
    frame: RectMm,
    values: &[f64],
    ideal: &[f64],
    (x_label, y_label): (&str, &str),
) -> Result<(), FigureError> {
    let count = values.len().max(1);
    let highest = values.iter().chain(ideal.iter().take(count)).copied().fold(0.0, f64::max);
    let lowest = values.iter().copied().fold(0.0, f64::min);
    let every = count.div_ceil(6);
    let ticks = (1..=count).step_by(every).map(|index| Tick::plain(index as f64, index.to_string())).collect();
    let x = Axis { ticks, ..Axis::linear(0.4, count as f64 + 0.6, 4, x_label) };
    let axes = Axes { frame, x, y: Axis::linear(lowest, if highest > 0.0 { highest * 1.08 } else { 1.0 }, 4, y_label) };
    if values.is_empty() {
        let bare = |axis: Axis| Axis { ticks: Vec::new(), exponent: 0, ..axis };
        Axes { frame, x: bare(axes.x), y: bare(axes.y) }.draw(canvas)?;
        return note::message(canvas, frame, "No eigenvalues");
    }
    let zero = axes.y_mm(0.0);
    for (index, &value) in values.iter().enumerate() {
        let (x, y) = (axes.x_mm(index as f64 + 1.0), axes.y_mm(value));
        canvas.line(&[(x, zero), (x, y)], LINE_PT, BLUE)?;
        canvas.disc((x, y), DOT_MM, BLUE)?;
    }
    let half = 0.42 * frame.width / (count as f64 + 0.2);
    for (index, &value) in ideal.iter().take(count).enumerate() {
        let (x, y) = (axes.x_mm(index as f64 + 1.0), axes.y_mm(value));
        canvas.dashes((x - half, y), (x + half, y), 0.45, LINE_PT, INK)?;
    }
    axes.draw(canvas)
}

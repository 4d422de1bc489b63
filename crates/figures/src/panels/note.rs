//! What a panel says instead of its data, and its small title.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::style::{INK, LABEL_PT, MUTED, SMALL_PT};

/// Height of a panel's title with its distance to the frame, in millimetres.
pub(crate) const TITLE_MM: f64 = 5.0;

/// From a title's baseline to the frame: clear of the tick label at the frame's corner.
pub(crate) const TITLE_ABOVE_MM: f64 = 2.2;

/// Writes a message into the middle of a frame.
pub(crate) fn message<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, text: &str) -> Result<(), FigureError> {
    let style = TextStyle::new(SMALL_PT, MUTED).anchored(Anchor::Middle);
    let lines = style.wrapped(text, frame.width - 1.0);
    let first = frame.y + frame.height / 2.0 - (lines.len() as f64 - 1.0) * 1.5;
    for (index, line) in lines.iter().enumerate() {
        canvas.text(frame.x + frame.width / 2.0, first + index as f64 * 3.0, line, style)?;
    }
    Ok(())
}

/// Writes a title above a frame, starting at `left`, within `width` millimetres.
pub(crate) fn title<S: Surface>(canvas: &mut Canvas<S>, left: f64, frame: RectMm, width: f64, text: &str) -> Result<(), FigureError> {
    let style = TextStyle::new(LABEL_PT, INK);
    canvas.text(left, frame.y - TITLE_ABOVE_MM, &style.shortened(text, width), style)
}

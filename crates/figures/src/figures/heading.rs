//! The title of a figure with the lines below it.

use crate::FigureError;
use crate::canvas::{Canvas, Surface, TextStyle};
use crate::style::{INK, MARGIN_MM, MUTED, SMALL_PT, TITLE_PT};

const TITLE_MM: f64 = 4.2;
const LINE_MM: f64 = 3.1;
const BELOW_MM: f64 = 1.2;

/// A title, shortened to one line, and a text below it in as many lines as it needs.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    title: String,
    lines: Vec<String>,
}

fn title_style() -> TextStyle {
    TextStyle::new(TITLE_PT, INK).bold()
}

fn line_style() -> TextStyle {
    TextStyle::new(SMALL_PT, MUTED)
}

impl Heading {
    /// Fits both into `width` millimetres; an empty text takes no line.
    pub(super) fn new(title: &str, text: &str, width: f64) -> Self {
        let lines = if text.is_empty() { Vec::new() } else { line_style().wrapped(text, width) };
        Self { title: title_style().shortened(title, width), lines }
    }

    /// What it takes below the upper margin.
    pub(super) fn height_mm(&self) -> f64 {
        TITLE_MM + self.lines.len() as f64 * LINE_MM + BELOW_MM
    }

    /// Draws it into the upper left corner of the page.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        canvas.text(MARGIN_MM, MARGIN_MM + title_style().cap_mm(), &self.title, title_style())?;
        for (index, line) in self.lines.iter().enumerate() {
            let baseline = MARGIN_MM + TITLE_MM + index as f64 * LINE_MM + line_style().cap_mm();
            canvas.text(MARGIN_MM, baseline, line, line_style())?;
        }
        Ok(())
    }
}

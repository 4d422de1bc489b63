//! The title of a figure with the lines below it.

use crate::FigureError;
use crate::canvas::{Canvas, Surface, TextStyle};
use crate::style::{INK, MARGIN_MM, MUTED, SMALL_PT, TITLE_PT};

const TITLE_MM: f64 = 4.2;
const TITLE_LINE_MM: f64 = 3.4;
const MAX_TITLE_LINES: usize = 2;
const LINE_MM: f64 = 3.1;
const BELOW_MM: f64 = 1.2;

/// A title of at most two lines and a text below it in as many lines as it needs.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    titles: Vec<String>,
    lines: Vec<String>,
}

/// Sentence case for a name that starts a line or a label.
pub(super) fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
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
        let mut titles = title_style().wrapped(title, width);
        if titles.len() > MAX_TITLE_LINES {
            let rest = titles.split_off(MAX_TITLE_LINES - 1).join(" ");
            titles.push(title_style().shortened(&rest, width));
        }
        Self { titles, lines }
    }

    /// What it takes below the upper margin.
    pub(super) fn height_mm(&self) -> f64 {
        self.titles_mm() + self.lines.len() as f64 * LINE_MM + BELOW_MM
    }

    fn titles_mm(&self) -> f64 {
        TITLE_MM + (self.titles.len() - 1) as f64 * TITLE_LINE_MM
    }

    /// Draws it into the upper left corner of the page.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        for (index, line) in self.titles.iter().enumerate() {
            let baseline = MARGIN_MM + index as f64 * TITLE_LINE_MM + title_style().cap_mm();
            canvas.text(MARGIN_MM, baseline, line, title_style())?;
        }
        for (index, line) in self.lines.iter().enumerate() {
            let baseline = MARGIN_MM + self.titles_mm() + index as f64 * LINE_MM + line_style().cap_mm();
            canvas.text(MARGIN_MM, baseline, line, line_style())?;
        }
        Ok(())
    }
}

//! The title of a figure, or of a panel on a page, with the lines below it.

use crate::FigureError;
use crate::canvas::{Canvas, Surface, TextStyle};
use crate::style::{INK, LABEL_PT, MARGIN_MM, MUTED, SMALL_PT, TITLE_PT};

const TITLE_MM: f64 = 4.2;
const TITLE_LINE_MM: f64 = 3.4;
const MAX_TITLE_LINES: usize = 2;
const LINE_MM: f64 = 3.1;
const BELOW_MM: f64 = 1.2;

/// From a panel's letter to its title.
const LETTER_MM: f64 = 4.0;

/// A title of at most two lines and a text below it in as many lines as it needs.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// Of a panel.
    letter: Option<String>,
    titles: Vec<String>,
    lines: Vec<String>,
}

/// Whether a figure stands alone, under its own title, or is a panel of a page, under its letter and what the page calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Alone,
    /// The panel's number, from 0 for "a" on, and its name.
    Panel(usize, &'static str),
}

impl Place {
    /// The heading of a figure of this title and text.
    pub(super) fn heading(self, title: &str, text: &str, width: f64) -> Heading {
        match self {
            Self::Alone => Heading::new(title, text, width),
            Self::Panel(number, name) => Heading::lettered(number, name, text, width),
        }
    }
}

/// "a" to "z", then "27" and so on.
pub(super) fn letter(number: usize) -> String {
    let letter = u8::try_from(number).ok().and_then(|number| b'a'.checked_add(number)).filter(u8::is_ascii_lowercase);
    letter.map_or_else(|| (number + 1).to_string(), |letter| char::from(letter).to_string())
}

/// Sentence case for a name that starts a line or a label.
pub(super) fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn title_style() -> TextStyle {
    TextStyle::new(TITLE_PT, INK).bold()
}

fn panel_style() -> TextStyle {
    TextStyle::new(LABEL_PT, INK)
}

fn line_style() -> TextStyle {
    TextStyle::new(SMALL_PT, MUTED)
}

impl Heading {
    /// Fits both into `width` millimetres; an empty text takes no line.
    pub(super) fn new(title: &str, text: &str, width: f64) -> Self {
        Self::of(None, title, text, width)
    }

    /// A panel's: its letter in bold, and its title and text to the right of it.
    pub(super) fn lettered(number: usize, title: &str, text: &str, width: f64) -> Self {
        Self::of(Some(letter(number)), title, text, width - LETTER_MM)
    }

    /// A panel's that shares its neighbour's letter.
    pub(super) fn unlettered(title: &str, width: f64) -> Self {
        Self::of(Some(String::new()), title, "", width)
    }

    fn of(letter: Option<String>, title: &str, text: &str, width: f64) -> Self {
        let lines = if text.is_empty() { Vec::new() } else { line_style().wrapped(text, width) };
        let style = if letter.is_some() { panel_style() } else { title_style() };
        let mut titles = style.wrapped(title, width);
        if titles.len() > MAX_TITLE_LINES {
            let rest = titles.split_off(MAX_TITLE_LINES - 1).join(" ");
            titles.push(style.shortened(&rest, width));
        }
        Self { letter, titles, lines }
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
        let (left, style) = match &self.letter {
            None => (MARGIN_MM, title_style()),
            Some(letter) if letter.is_empty() => (MARGIN_MM, panel_style()),
            Some(letter) => {
                canvas.text(MARGIN_MM, MARGIN_MM + title_style().cap_mm(), letter, title_style())?;
                (MARGIN_MM + LETTER_MM.max(title_style().width_mm(letter) + 1.0), panel_style())
            }
        };
        for (index, line) in self.titles.iter().enumerate() {
            let baseline = MARGIN_MM + index as f64 * TITLE_LINE_MM + title_style().cap_mm();
            canvas.text(left, baseline, line, style)?;
        }
        for (index, line) in self.lines.iter().enumerate() {
            let baseline = MARGIN_MM + self.titles_mm() + index as f64 * LINE_MM + line_style().cap_mm();
            canvas.text(left, baseline, line, line_style())?;
        }
        Ok(())
    }

    /// Draws it with its upper left corner at `left`, `top`.
    pub(super) fn draw_at<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64) -> Result<(), FigureError> {
        canvas.moved((left - MARGIN_MM, top - MARGIN_MM), |canvas| self.draw(canvas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_have_letters_and_then_numbers() {
        assert_eq!([0, 25, 26, 300].map(letter), ["a", "z", "27", "301"]);
        assert_eq!(Heading::lettered(1, "Phases", "", 50.0).titles, ["Phases"]);
        assert!(Heading::lettered(1, &"a long name ".repeat(20), "", 50.0).titles.len() == MAX_TITLE_LINES);
    }
}

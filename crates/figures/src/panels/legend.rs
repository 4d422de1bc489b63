//! Keys of a figure, one after another and on further lines where the width asks for it.

use plotters::style::RGBColor;

use crate::FigureError;
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::panels::marker;
use crate::style::{FRAME, HAIRLINE_PT, INK, LINE_PT, MUTED, SMALL_PT, STRONG_PT};

/// What stands before a key's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    /// A filled square with a thin frame.
    Fill(RGBColor),
    /// The marker of a module, or of units without one.
    Module(Option<usize>),
    /// The frame of a square.
    Frame(RGBColor),
    /// A line.
    Line(RGBColor),
    /// A dashed line.
    Dashes(RGBColor),
    /// A bold word.
    Word(&'static str),
    /// A word in the colour of secondary text.
    Label(&'static str),
    /// Nothing: the text says all.
    Nothing,
}

/// Keys and their texts.
pub(crate) type Entries = [(Key, String)];

const LINE_MM: f64 = 3.4;
const GAP_MM: f64 = 4.0;
const KEY_MM: f64 = 2.0;
const STROKE_KEY_MM: f64 = 4.5;
const KEY_GAP_MM: f64 = 1.3;

fn key_width(key: &Key) -> f64 {
    match key {
        Key::Fill(_) | Key::Frame(_) | Key::Module(_) => KEY_MM,
        Key::Line(_) | Key::Dashes(_) => STROKE_KEY_MM,
        Key::Word(word) => TextStyle::new(SMALL_PT, INK).bold().width_mm(word),
        Key::Label(word) => TextStyle::new(SMALL_PT, MUTED).width_mm(word),
        Key::Nothing => -KEY_GAP_MM,
    }
}

/// From the start of an entry to its text.
pub(crate) fn text_start_mm(key: &Key) -> f64 {
    key_width(key) + KEY_GAP_MM
}

/// Where an entry starts (x from the left edge, line) and its text in lines.
struct Place {
    x: f64,
    line: usize,
    texts: Vec<String>,
}

/// Places all entries within `width` millimetres; one that is wider takes several lines of its own.
fn places(entries: &Entries, width: f64) -> Vec<Place> {
    let style = TextStyle::new(SMALL_PT, INK);
    let (mut x, mut line) = (0.0, 0);
    entries
        .iter()
        .map(|(key, text)| {
            let before = key_width(key) + KEY_GAP_MM;
            let needed = before + style.width_mm(text);
            if x > 0.0 && x + needed > width {
                (x, line) = (0.0, line + 1);
            }
            if needed > width {
                let place = Place { x, line, texts: style.wrapped(text, width - before) };
                line += place.texts.len() - 1;
                // The next entry starts a line.
                x = width;
                return place;
            }
            let place = Place { x, line, texts: vec![text.clone()] };
            x += needed + GAP_MM;
            place
        })
        .collect()
}

/// Height of all entries within `width` millimetres.
pub(crate) fn height_mm(entries: &Entries, width: f64) -> f64 {
    places(entries, width).last().map_or(0.0, |place| (place.line + place.texts.len()) as f64 * LINE_MM)
}

/// Draws all entries from the upper left corner on.
pub(crate) fn draw<S: Surface>(canvas: &mut Canvas<S>, left: f64, top: f64, width: f64, entries: &Entries) -> Result<(), FigureError> {
    let style = TextStyle::new(SMALL_PT, INK);
    for ((key, _), place) in entries.iter().zip(places(entries, width)) {
        let (x, baseline) = (left + place.x, top + place.line as f64 * LINE_MM + style.cap_mm() + 0.4);
        let middle = baseline - style.cap_mm() / 2.0;
        let square = RectMm { x, y: middle - KEY_MM / 2.0, width: KEY_MM, height: KEY_MM };
        let ends = [(x, middle), (x + STROKE_KEY_MM, middle)];
        match key {
            Key::Fill(color) => {
                canvas.fill(square, *color)?;
                canvas.frame(square, HAIRLINE_PT, FRAME)?;
            }
            Key::Module(module) => marker::draw(canvas, (x + KEY_MM / 2.0, middle), KEY_MM * 0.42, *module)?,
            Key::Frame(color) => canvas.frame(square, STRONG_PT, *color)?,
            Key::Line(color) => canvas.line(&ends, LINE_PT * 1.5, *color)?,
            Key::Dashes(color) => canvas.dashes(ends[0], ends[1], 0.75, LINE_PT, *color)?,
            Key::Word(word) => canvas.text(x, baseline, word, style.bold())?,
            Key::Label(word) => canvas.text(x, baseline, word, TextStyle::new(SMALL_PT, MUTED))?,
            Key::Nothing => {}
        }
        for (index, text) in place.texts.iter().enumerate() {
            canvas.text(x + key_width(key) + KEY_GAP_MM, baseline + index as f64 * LINE_MM, text, style)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_wrap_and_never_leave_the_width() {
        let entries: Vec<(Key, String)> = (0..6).map(|index| (Key::Fill(INK), format!("entry number {index}"))).collect();
        let style = TextStyle::new(SMALL_PT, INK);
        for width in [15.0, 30.0, 60.0, 176.0] {
            for ((key, _), place) in entries.iter().zip(places(&entries, width)) {
                for text in &place.texts {
                    assert!(place.x + key_width(key) + KEY_GAP_MM + style.width_mm(text) <= width, "{text} at {} in {width}", place.x);
                }
            }
        }
        assert!(height_mm(&entries, 30.0) > height_mm(&entries, 176.0));
        assert_eq!(height_mm(&[], 10.0), 0.0);
    }
}

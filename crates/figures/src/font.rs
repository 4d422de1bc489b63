//! The bundled font: Liberation Sans (SIL Open Font License 1.1, see `assets/fonts/OFL.txt`).
//!
//! Its widths are those of Arial and Helvetica, which journals ask for, so an SVG's text keeps its place on machines
//! that have only those.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

/// What SVG readers are asked to use.
pub(crate) const FAMILIES: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

/// Height of capitals and figures as a share of the em.
pub(crate) const CAP_HEIGHT_EM: f64 = 0.69;

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(include_bytes!("../assets/fonts/LiberationSans-Regular.ttf")));
static BOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| parse(include_bytes!("../assets/fonts/LiberationSans-Bold.ttf")));

/// Regular or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

fn parse(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the bundled font is part of the program and is parsed in tests")
}

fn font(weight: Weight) -> &'static FontRef<'static> {
    match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    }
}

/// `ab_glyph` scales by ascent plus descent; typography by the em.
fn scale(font: &FontRef<'static>, em: f64) -> PxScale {
    let units_per_em = f64::from(font.units_per_em().unwrap_or(1000.0));
    PxScale::from((em * f64::from(font.height_unscaled()) / units_per_em) as f32)
}

/// The character, or a space for control characters such as line ends, which have no place in a line of text.
pub(crate) fn printable(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

/// Advance width of a line of text, in the unit of `em`.
pub(crate) fn width(text: &str, weight: Weight, em: f64) -> f64 {
    let font = font(weight);
    let scaled = font.as_scaled(scale(font, em));
    let mut previous = None;
    let mut width = 0.0_f32;
    for character in text.chars().map(printable) {
        let glyph = font.glyph_id(character);
        if let Some(previous) = previous {
            width += scaled.kern(previous, glyph);
        }
        width += scaled.h_advance(glyph);
        previous = Some(glyph);
    }
    f64::from(width)
}

/// Calls `dot(x, y, coverage)` for every dot that the text touches; the baseline starts at (0, 0), y points down.
pub(crate) fn rasterize(text: &str, weight: Weight, em: f64, mut dot: impl FnMut(i32, i32, f64)) {
    let font = font(weight);
    let px_scale = scale(font, em);
    let scaled = font.as_scaled(px_scale);
    let mut previous = None;
    let mut x = 0.0_f32;
    for character in text.chars().map(printable) {
        let id = font.glyph_id(character);
        if let Some(previous) = previous {
            x += scaled.kern(previous, id);
        }
        if let Some(outline) = font.outline_glyph(id.with_scale_and_position(px_scale, point(x, 0.0))) {
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
            outline.draw(|column, row, coverage| {
                if coverage > 0.0 {
                    dot(left + column as i32, top + row as i32, f64::from(coverage.min(1.0)));
                }
            });
        }
        x += scaled.h_advance(id);
        previous = Some(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_arial() {
        // 0.556 em per figure, 0.278 em for the full stop: Arial's published advances.
        assert!((width("1.23", Weight::Regular, 100.0) - (3.0 * 55.6 + 27.8)).abs() < 0.3);
        assert!(width("1.23", Weight::Bold, 100.0) >= width("1.23", Weight::Regular, 100.0));
    }

    #[test]
    fn every_character_that_figures_use_has_a_glyph() {
        for weight in [Weight::Regular, Weight::Bold] {
            for character in "0123456789−.*±×²–°≥≤<%φσπλ√¹³→… abcxyzABC#/()".chars() {
                assert_ne!(font(weight).glyph_id(character).0, 0, "{character:?}");
            }
        }
    }

    #[test]
    fn a_capital_is_as_high_as_stated() {
        let mut top = 0;
        rasterize("H", Weight::Regular, 100.0, |_, y, _| top = top.min(y));
        assert!((f64::from(-top) - 100.0 * CAP_HEIGHT_EM).abs() <= 1.5, "{top}");
    }
}

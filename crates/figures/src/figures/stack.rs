//! Figures as panels of a page, and a line in place of one that is missing.

use super::heading::{Heading, Place};
use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::output::Figure;
use crate::style::MARGIN_MM;

/// Between a panel and the next one below it.
pub(super) const GAP_MM: f64 = 2.5;

/// Height of a figure without its page's margins.
pub(super) fn body_mm(figure: &impl Figure) -> f64 {
    figure.page().height_mm - 2.0 * MARGIN_MM
}

/// Draws a figure so that what is within its margins starts at a corner.
pub(super) fn draw_at<S: Surface>(canvas: &mut Canvas<S>, figure: &impl Figure, corner: (f64, f64)) -> Result<(), FigureError> {
    canvas.moved((corner.0 - MARGIN_MM, corner.1 - MARGIN_MM), |canvas| figure.draw(canvas))
}

/// A panel of a page.
pub(super) enum Part<F> {
    /// As it is drawn alone, under its letter.
    Shown(F),
    /// Its letter, its name, and why it is not there.
    Missing(Heading),
}

impl<F: Figure> Part<F> {
    /// The panel of this number (from 0) and name, made of `input` by `figure`; or why there is none, in at most `width` millimetres.
    pub(super) fn new<I>(
        input: Result<&I, &&str>,
        number: usize,
        name: &'static str,
        width: f64,
        figure: impl FnOnce(&I, Place) -> Result<F, FigureError>,
    ) -> Result<Self, FigureError> {
        match input {
            Ok(input) => Ok(Self::Shown(figure(input, Place::Panel(number, name))?)),
            Err(why) => Ok(Self::Missing(Heading::lettered(number, &format!("{name}: {why}"), "", width))),
        }
    }

    pub(super) fn is_shown(&self) -> bool {
        matches!(self, Self::Shown(_))
    }

    pub(super) fn height_mm(&self) -> f64 {
        match self {
            Self::Shown(figure) => body_mm(figure),
            Self::Missing(heading) => heading.height_mm(),
        }
    }

    /// Draws it from a corner on.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, corner: (f64, f64)) -> Result<(), FigureError> {
        match self {
            Self::Shown(figure) => draw_at(canvas, figure, corner),
            Self::Missing(heading) => heading.draw_at(canvas, corner.0, corner.1),
        }
    }
}

//! Drawing in millimetres on a plotters backend.

mod base64;
mod bitmap;
mod svg;
mod text;

pub(crate) use bitmap::Bitmap;
pub(crate) use svg::Svg;
pub(crate) use text::{Anchor, Label, Run, TextStyle};

use plotters::style::{Color, RGBColor};
use plotters_backend::{DrawingBackend, DrawingErrorKind};

use crate::FigureError;
use crate::page::{MM_PER_PT, Page};

/// A heat map, ready to be drawn: one palette index per bin, top row first.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) levels: Vec<u8>,
    pub(crate) palette: Vec<[u8; 3]>,
}

/// A plotters backend that also draws heat maps into any rectangle, and text with this crate's font.
pub(crate) trait Surface: DrawingBackend {
    /// Fills the rectangle from `from` to `to` (exclusive) with a heat map.
    fn cells(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells) -> Result<(), FigureError>;
    /// As [`Surface::cells`] for a picture with one entry per dot: readers may smooth it where they show it smaller.
    fn raster(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells) -> Result<(), FigureError> {
        self.cells(from, to, cells)
    }
    /// Draws one line of text.
    fn label(&mut self, label: &Label<'_>) -> Result<(), FigureError>;
    /// Draws the outline of a rectangle, centred on its edge.
    fn outline(&mut self, from: (i32, i32), to: (i32, i32), width: u32, color: RGBColor) -> Result<(), FigureError>;
}

/// Axis-parallel rectangle in millimetres from the page's upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RectMm {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl RectMm {
    pub(crate) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(self) -> f64 {
        self.y + self.height
    }
}

/// A surface addressed in millimetres.
pub(crate) struct Canvas<S> {
    surface: S,
    page: Page,
    /// Where (0, 0) lies on the page, in millimetres.
    origin: (f64, f64),
}

pub(crate) fn render_error<E: std::error::Error + Send + Sync>(error: &DrawingErrorKind<E>) -> FigureError {
    FigureError::Render { message: error.to_string() }
}

impl<S: Surface> Canvas<S> {
    pub(crate) fn new(surface: S, page: Page) -> Self {
        Self { surface, page, origin: (0.0, 0.0) }
    }

    pub(crate) fn into_surface(self) -> S {
        self.surface
    }

    /// Draws something whose (0, 0) is to lie at `by` millimetres from where it lies now: a figure as a panel of a page.
    pub(crate) fn moved(&mut self, by: (f64, f64), draw: impl FnOnce(&mut Self) -> Result<(), FigureError>) -> Result<(), FigureError> {
        let before = self.origin;
        self.origin = (before.0 + by.0, before.1 + by.1);
        let drawn = draw(self);
        self.origin = before;
        drawn
    }

    fn at(&self, x_mm: f64, y_mm: f64) -> (i32, i32) {
        let dot = |mm: f64| self.page.dots(mm).round() as i32;
        (dot(self.origin.0 + x_mm), dot(self.origin.1 + y_mm))
    }

    fn corners(&self, rect: RectMm) -> ((i32, i32), (i32, i32)) {
        (self.at(rect.x, rect.y), self.at(rect.right(), rect.bottom()))
    }

    fn stroke(&self, width_pt: f64) -> u32 {
        (self.page.dots(width_pt * MM_PER_PT).round() as u32).max(1)
    }

    /// Fills a rectangle; one thinner than a dot still shows.
    pub(crate) fn fill(&mut self, rect: RectMm, color: RGBColor) -> Result<(), FigureError> {
        let (from, to) = self.corners(rect);
        let to = (to.0.max(from.0 + 1), to.1.max(from.1 + 1));
        self.surface.draw_rect(from, to, &color.filled(), true).map_err(|error| render_error(&error))
    }

    /// Draws the outline of a rectangle.
    pub(crate) fn frame(&mut self, rect: RectMm, width_pt: f64, color: RGBColor) -> Result<(), FigureError> {
        let (from, to) = self.corners(rect);
        let width = self.stroke(width_pt);
        self.surface.outline(from, to, width, color)
    }

    /// Draws a line through points, with round joints.
    pub(crate) fn line(&mut self, points_mm: &[(f64, f64)], width_pt: f64, color: RGBColor) -> Result<(), FigureError> {
        let mut dots: Vec<(i32, i32)> = points_mm.iter().map(|&(x, y)| self.at(x, y)).collect();
        dots.dedup();
        let style = color.stroke_width(self.stroke(width_pt));
        self.surface.draw_path(dots, &style).map_err(|error| render_error(&error))
    }

    /// Draws a dashed straight line.
    pub(crate) fn dashes(
        &mut self,
        from: (f64, f64),
        to: (f64, f64),
        dash_mm: f64,
        width_pt: f64,
        color: RGBColor,
    ) -> Result<(), FigureError> {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let along = |s: f64| (from.0 + (to.0 - from.0) * s / length, from.1 + (to.1 - from.1) * s / length);
        let count = (length / (1.6 * dash_mm)).ceil() as usize;
        for dash in 0..count {
            let start = dash as f64 * 1.6 * dash_mm;
            self.line(&[along(start), along((start + dash_mm).min(length))], width_pt, color)?;
        }
        Ok(())
    }

    /// Fills a polygon; one without an area stays away.
    pub(crate) fn polygon(&mut self, points_mm: &[(f64, f64)], color: RGBColor) -> Result<(), FigureError> {
        let mut dots: Vec<(i32, i32)> = points_mm.iter().map(|&(x, y)| self.at(x, y)).collect();
        dots.dedup();
        if dots.len() < 3 {
            return Ok(());
        }
        self.surface.fill_polygon(dots, &color.filled()).map_err(|error| render_error(&error))
    }

    /// Fills a circle.
    pub(crate) fn disc(&mut self, centre_mm: (f64, f64), radius_mm: f64, color: RGBColor) -> Result<(), FigureError> {
        let radius = (self.page.dots(radius_mm).round() as u32).max(1);
        let centre = self.at(centre_mm.0, centre_mm.1);
        self.surface.draw_circle(centre, radius, &color.filled(), true).map_err(|error| render_error(&error))
    }

    /// Writes one line of text with its baseline at `y_mm` (or `x_mm`, if it reads upwards); see [`Run::marked`].
    pub(crate) fn text(&mut self, x_mm: f64, y_mm: f64, text: &str, style: TextStyle) -> Result<(), FigureError> {
        self.runs(x_mm, y_mm, &Run::marked(text), style)
    }

    /// Writes one line of text with exponents; see [`Canvas::text`].
    pub(crate) fn runs(&mut self, x_mm: f64, y_mm: f64, runs: &[Run], style: TextStyle) -> Result<(), FigureError> {
        let at = self.at(x_mm, y_mm);
        let em = self.page.dots(style.pt * MM_PER_PT);
        self.surface.label(&Label { runs, at, em, style })
    }

    /// Draws a heat map into a rectangle.
    pub(crate) fn cells(&mut self, rect: RectMm, cells: &Cells) -> Result<(), FigureError> {
        let (from, to) = self.corners(rect);
        self.surface.cells(from, to, cells)
    }

    /// Draws a picture of as many entries as [`Canvas::dots_in`] counts into a rectangle.
    pub(crate) fn raster(&mut self, rect: RectMm, cells: &Cells) -> Result<(), FigureError> {
        let (from, to) = self.corners(rect);
        self.surface.raster(from, to, cells)
    }

    /// Columns and rows of dots in a rectangle, at least one of each.
    pub(crate) fn dots_in(&self, rect: RectMm) -> (usize, usize) {
        let (from, to) = self.corners(rect);
        ((to.0 - from.0).max(1) as usize, (to.1 - from.1).max(1) as usize)
    }
}

//! Dots: plotters' bitmap backend, with this crate's text and heat maps.

use plotters::backend::{BitMapBackend, RGBPixel};
use plotters::style::{Color, RGBColor};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};

use super::{Cells, Label, Surface, render_error};
use crate::FigureError;
use crate::font;

/// plotters' bitmap backend on a caller's RGB buffer.
pub(crate) struct Bitmap<'a> {
    inner: BitMapBackend<'a, RGBPixel>,
}

type Outcome<'a> = Result<(), DrawingErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>>;

impl<'a> Bitmap<'a> {
    /// Draws into `buffer`, rows of RGB, top row first, `width * height * 3` bytes.
    pub(crate) fn new(buffer: &'a mut [u8], size: (u32, u32)) -> Self {
        Self { inner: BitMapBackend::with_buffer(buffer, size) }
    }
}

impl<'a> DrawingBackend for Bitmap<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.inner.get_size()
    }

    fn ensure_prepared(&mut self) -> Outcome<'a> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Outcome<'a> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Outcome<'a> {
        self.inner.draw_pixel(point, color)
    }

    fn draw_rect<T: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &T, fill: bool) -> Outcome<'a> {
        self.inner.draw_rect(from, to, style, fill)
    }

    fn draw_circle<T: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &T, fill: bool) -> Outcome<'a> {
        self.inner.draw_circle(centre, radius, style, fill)
    }

    fn fill_polygon<T: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &T) -> Outcome<'a> {
        self.inner.fill_polygon(points, style)
    }

    /// Segment by segment with round joints: plotters' own outline of a whole path folds over itself where noise
    /// makes sharp turns.
    fn draw_path<T: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &T) -> Outcome<'a> {
        let width = style.stroke_width();
        let radius = width / 2;
        let points: Vec<BackendCoord> = path.into_iter().collect();
        for pair in points.windows(2) {
            segment(&mut self.inner, pair[0], pair[1], f64::from(width), style)?;
        }
        if radius > 1 && points.len() > 2 {
            for &joint in &points[1..points.len() - 1] {
                self.inner.draw_circle(joint, radius, &style.color(), true)?;
            }
        }
        Ok(())
    }
}

/// One straight stroke: axis-parallel ones as exact rectangles, the others as polygons.
fn segment<'a, T: BackendStyle>(
    inner: &mut BitMapBackend<'a, RGBPixel>,
    from: BackendCoord,
    to: BackendCoord,
    width: f64,
    style: &T,
) -> Outcome<'a> {
    let (low, high) = ((width / 2.0).floor() as i32, (width / 2.0).ceil() as i32);
    if from.0 == to.0 || from.1 == to.1 {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        let grow = |along: bool, near: i32, far: i32| if along { (near, far) } else { (near - low, far + high) };
        let (left, right) = grow(from.1 == to.1, left, right);
        let (top, bottom) = grow(from.0 == to.0, top, bottom);
        return inner.draw_rect((left, top), (right, bottom), &style.color(), true);
    }
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let length = dx.hypot(dy);
    let (nx, ny) = (-dy / length * width / 2.0, dx / length * width / 2.0);
    let corner =
        |point: BackendCoord, side: f64| ((f64::from(point.0) + side * nx).round() as i32, (f64::from(point.1) + side * ny).round() as i32);
    inner.fill_polygon([corner(from, 1.0), corner(to, 1.0), corner(to, -1.0), corner(from, -1.0)], &style.color())
}

impl Surface for Bitmap<'_> {
    fn cells(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells) -> Result<(), FigureError> {
        let (width, height) = ((to.0 - from.0).max(1) as usize, (to.1 - from.1).max(1) as usize);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let row = y * cells.rows / height;
            for x in 0..width {
                let column = x * cells.columns / width;
                rgb.extend_from_slice(&cells.palette[usize::from(cells.levels[row * cells.columns + column])]);
            }
        }
        self.inner.blit_bitmap(from, (width as u32, height as u32), &rgb).map_err(|error| render_error(&error))
    }

    fn label(&mut self, label: &Label<'_>) -> Result<(), FigureError> {
        let mut outcome = Ok(());
        for run in label.placed() {
            let (shift, rise) = (run.start.round() as i32, run.rise.round() as i32);
            font::rasterize(run.text, label.style.weight, run.em, |x, y, coverage| {
                let (x, y) = (x + shift, y - rise);
                let (x, y) = if label.style.upwards { (y, -x) } else { (x, y) };
                if outcome.is_ok() {
                    outcome = self.inner.draw_pixel((label.at.0 + x, label.at.1 + y), label.style.color.mix(coverage).to_backend_color());
                }
            });
        }
        outcome.map_err(|error| render_error(&error))
    }

    fn outline(&mut self, from: (i32, i32), to: (i32, i32), width: u32, color: RGBColor) -> Result<(), FigureError> {
        let (near, far) = ((width / 2) as i32, width.div_ceil(2) as i32);
        let style = color.filled();
        let (outer_from, outer_to) = ((from.0 - near, from.1 - near), (to.0 + far, to.1 + far));
        let (inner_from, inner_to) = ((from.0 + far, from.1 + far), (to.0 - near, to.1 - near));
        let sides = [
            (outer_from, (outer_to.0, inner_from.1)),
            ((outer_from.0, inner_to.1), outer_to),
            ((outer_from.0, inner_from.1), (inner_from.0, inner_to.1)),
            ((inner_to.0, inner_from.1), (outer_to.0, inner_to.1)),
        ];
        for (corner, opposite) in sides {
            self.draw_rect(corner, opposite, &style, true).map_err(|error| render_error(&error))?;
        }
        Ok(())
    }
}

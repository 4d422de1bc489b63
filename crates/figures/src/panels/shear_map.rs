//! A map over the torus as the parallelogram that its two axes span.

use ndarray::ArrayView2;

use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface};
use crate::colormap::{self, Colormap, NO_DATA_LEVEL};
use crate::style::{HAIRLINE_PT, MUTED};

/// A parallelogram: its first axis runs to the right, its second one at an angle to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shear {
    /// The corner where both axes start, in millimetres on the page.
    origin: (f64, f64),
    side_mm: f64,
    /// The second axis, x to the right and y upwards, of length 1.
    second: (f64, f64),
}

impl Shear {
    /// The largest equilateral parallelogram of this angle, 0 to 180 degrees (exclusive), in the middle of a rectangle.
    pub(crate) fn within(rect: RectMm, angle_deg: f64) -> Self {
        let (sin, cos) = angle_deg.to_radians().sin_cos();
        // A right angle is to give an upright side.
        let cos = if cos.abs() < 1e-12 { 0.0 } else { cos };
        let side_mm = (rect.width / (1.0 + cos.abs())).min(rect.height / sin);
        let (width, height) = (side_mm * (1.0 + cos.abs()), side_mm * sin);
        let left = rect.x + (rect.width - width) / 2.0 + side_mm * (-cos).max(0.0);
        Self { origin: (left, rect.y + f64::midpoint(rect.height, height)), side_mm, second: (cos, sin) }
    }

    /// Where a place lies on the page, given as shares of both axes.
    pub(crate) fn at(&self, first: f64, second: f64) -> (f64, f64) {
        (self.origin.0 + self.side_mm * (first + second * self.second.0), self.origin.1 - self.side_mm * second * self.second.1)
    }

    /// The shares of both axes at a place on the page.
    fn shares(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let second = (self.origin.1 - y) / (self.side_mm * self.second.1);
        ((x - self.origin.0) / self.side_mm - second * self.second.0, second)
    }

    /// The smallest rectangle around it.
    pub(crate) fn bounds(&self) -> RectMm {
        let shift = self.side_mm * self.second.0;
        let height = self.side_mm * self.second.1;
        RectMm { x: self.origin.0 + shift.min(0.0), y: self.origin.1 - height, width: self.side_mm + shift.abs(), height }
    }

    fn corners(&self) -> [(f64, f64); 4] {
        [self.at(0.0, 0.0), self.at(1.0, 0.0), self.at(1.0, 1.0), self.at(0.0, 1.0)]
    }

    /// Draws the outline.
    pub(crate) fn draw_outline<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let [one, two, three, four] = self.corners();
        canvas.line(&[one, two, three, four, one], HAIRLINE_PT, MUTED)
    }

    /// Draws a map (row = second axis, column = first axis; NaN is neutral) from `low` to `high` with its outline.
    pub(crate) fn draw<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        map: ArrayView2<'_, f64>,
        (low, high): (f64, f64),
    ) -> Result<(), FigureError> {
        let (map_rows, map_columns) = map.dim();
        if map_rows == 0 || map_columns == 0 {
            return self.draw_outline(canvas);
        }
        let bounds = self.bounds();
        let (columns, rows) = canvas.dots_in(bounds);
        let mut palette = Colormap::Viridis.palette();
        // The page outside the parallelogram needs an entry: the two highest colours, which no eye tells apart, share one.
        palette[usize::from(PAGE)] = [255; 3];
        let mut levels = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let y = bounds.y + (row as f64 + 0.5) / rows as f64 * bounds.height;
            for column in 0..columns {
                let (first, second) = self.shares((bounds.x + (column as f64 + 0.5) / columns as f64 * bounds.width, y));
                if !(0.0..1.0).contains(&first) || !(0.0..1.0).contains(&second) {
                    levels.push(PAGE);
                    continue;
                }
                let bin = |share: f64, bins: usize| ((share * bins as f64) as usize).min(bins - 1);
                let level = colormap::level(map[[bin(second, map_rows), bin(first, map_columns)]], low, high);
                levels.push(if level == PAGE { PAGE - 1 } else { level });
            }
        }
        canvas.raster(bounds, &Cells { rows, columns, levels, palette })?;
        self.draw_outline(canvas)
    }
}

/// The palette entry of the page: that below the neutral colour.
const PAGE: u8 = NO_DATA_LEVEL - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parallelogram_fills_its_rectangle_and_knows_its_places() {
        let rect = RectMm { x: 3.0, y: 5.0, width: 27.0, height: 16.0 };
        for angle in [30.0, 60.0, 90.0, 120.0, 150.0] {
            let shear = Shear::within(rect, angle);
            for (x, y) in shear.corners() {
                assert!(x >= rect.x - 1e-9 && x <= rect.right() + 1e-9 && y >= rect.y - 1e-9 && y <= rect.bottom() + 1e-9, "{angle}");
            }
            let bounds = shear.bounds();
            let fills = (bounds.width - rect.width).abs() < 1e-9 || (bounds.height - rect.height).abs() < 1e-9;
            assert!(fills, "{angle}: {bounds:?}");
            let (first, second) = shear.shares(shear.at(0.3, 0.8));
            assert!((first - 0.3).abs() < 1e-12 && (second - 0.8).abs() < 1e-12);
        }
        let (right_angle, hexagonal) = (Shear::within(rect, 90.0), Shear::within(rect, 60.0));
        assert_eq!(right_angle.at(0.0, 0.0).0, right_angle.at(0.0, 1.0).0);
        assert!(hexagonal.at(0.0, 1.0).0 > hexagonal.at(0.0, 0.0).0, "the second axis leans to the right");
    }
}

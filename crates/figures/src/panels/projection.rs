//! Views of a cloud in three dimensions: orthographic projections, and the axes that tell how it was turned.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, Surface, TextStyle};
use crate::style::{INK, LINE_PT, TINY_PT};

/// Where a viewer far away stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    /// How far the viewer has walked around the vertical, in degrees.
    pub(crate) azimuth_deg: f64,
    /// How high the viewer stands above the horizon, in degrees.
    pub(crate) elevation_deg: f64,
}

impl View {
    /// To the right, upwards, and towards the viewer; a rotation, so that lengths stay.
    pub(crate) fn project(self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let (sin_a, cos_a) = self.azimuth_deg.to_radians().sin_cos();
        let (sin_e, cos_e) = self.elevation_deg.to_radians().sin_cos();
        let ahead = x * cos_a + y * sin_a;
        [y * cos_a - x * sin_a, z * cos_e - ahead * sin_e, ahead * cos_e + z * sin_e]
    }

    /// Draws the three axes as seen from here around a place, each `length_mm` long in space.
    pub(crate) fn draw_axes<S: Surface>(self, canvas: &mut Canvas<S>, (x, y): (f64, f64), length_mm: f64) -> Result<(), FigureError> {
        let style = TextStyle::new(TINY_PT, INK).anchored(Anchor::Middle);
        for (index, axis) in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].into_iter().enumerate() {
            let [right, up, _] = self.project(axis);
            let length = right.hypot(up);
            // An axis that points at the viewer has no place for its name.
            if length < 0.3 {
                canvas.disc((x, y), 0.35, INK)?;
                continue;
            }
            canvas.line(&[(x, y), (x + right * length_mm, y - up * length_mm)], LINE_PT, INK)?;
            let away = length_mm + 1.5 / length;
            canvas.text(x + right * away, y - up * away + style.cap_mm() / 2.0, &format!("e_{}", index + 1), style)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_a_rotation() {
        let view = View { azimuth_deg: 37.0, elevation_deg: 22.0 };
        let axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|axis| view.project(axis));
        let dot = |one: [f64; 3], two: [f64; 3]| one.iter().zip(two).map(|(one, two)| one * two).sum::<f64>();
        for (index, one) in axes.into_iter().enumerate() {
            for (other, two) in axes.into_iter().enumerate() {
                assert!((dot(one, two) - f64::from(u8::from(index == other))).abs() < 1e-12);
            }
        }
        let [x, y, z] = axes;
        let triple = x[0] * (y[1] * z[2] - y[2] * z[1]) - x[1] * (y[0] * z[2] - y[2] * z[0]) + x[2] * (y[0] * z[1] - y[1] * z[0]);
        assert!((triple - 1.0).abs() < 1e-12, "not a mirror image");
    }

    #[test]
    fn from_above_the_first_two_axes_lie_as_on_paper() {
        let seen = View { azimuth_deg: -90.0, elevation_deg: 90.0 }.project([0.3, 0.5, 0.7]);
        for (seen, expected) in seen.into_iter().zip([0.3, 0.5, 0.7]) {
            assert!((seen - expected).abs() < 1e-12);
        }
    }
}

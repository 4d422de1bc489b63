//! Cost against size: what was measured beside the order that theory expects, on logarithmic axes.

use std::path::{Path, PathBuf};

use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::number::drawable;
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::legend::{self, Key};
use crate::style::{BLUE, HAIRLINE_PT, INK, LABEL_PT, LINE_PT, MARGIN_MM, MUTED, TITLE_PT};

/// One size that grows while the others stay.
#[derive(Debug, Clone)]
pub struct CostCurve<'a> {
    /// What grows and what stays, such as "B grows: T = 30, N = 96".
    pub title: &'a str,
    /// The axis, such as "Trajectories, B".
    pub label: &'a str,
    /// Sizes, rising, above 0.
    pub sizes: &'a [f64],
    /// What was measured, such as "Step (ms)".
    pub cost: &'a str,
    /// Measurements in that unit, above 0.
    pub measured: &'a [f64],
    /// Expected cost in any unit, above 0; it is scaled to meet the last measurement.
    pub expected: &'a [f64],
}

const HEADER_MM: f64 = 4.5;
const TITLE_ROOM_MM: f64 = 4.5;
const FRAME_HEIGHT_MM: f64 = 40.0;
const KEYS_MM: f64 = 5.0;

/// Draws the curves side by side to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there is no curve, one has fewer than two sizes, slices differ in length, a value is not above 0, or a file cannot be written.
pub fn draw_cost_curves(title: &str, curves: &[CostCurve<'_>], out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    const FIGURE: &str = "cost curves";
    if curves.iter().all(|curve| curve.sizes.len() < 2) {
        return Err(FigureError::Empty { figure: FIGURE, what: "measured sizes", remedy: "measure two sizes or more" });
    }
    for curve in curves {
        let all = [curve.sizes, curve.measured, curve.expected];
        let good = all.iter().all(|v| v.len() == curve.sizes.len() && v.iter().all(|x| drawable(*x) && *x > 0.0)) && curve.sizes.len() >= 2;
        if !good {
            let got = format!("{} sizes, {} measurements, {} expectations", curve.sizes.len(), curve.measured.len(), curve.expected.len());
            let expected = "two or more of each, equally many, all above 0".to_owned();
            return Err(FigureError::Shape { figure: FIGURE, what: curve.title.to_owned(), got, expected });
        }
    }
    output::write_figure(&Figures { title, curves }, out_stem)
}

struct Figures<'a> {
    title: &'a str,
    curves: &'a [CostCurve<'a>],
}

fn axis(values: impl Iterator<Item = f64> + Clone, label: &str) -> Axis {
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
    Axis::logarithmic(low * 0.8, high * 1.25, 4, label)
}

fn draw_one<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, curve: &CostCurve<'_>) -> Result<(), FigureError> {
    let last = curve.sizes.len() - 1;
    let scale = curve.measured[last] / curve.expected[last];
    let expected: Vec<f64> = curve.expected.iter().map(|e| e * scale).collect();
    let x = axis(curve.sizes.iter().copied(), curve.label);
    let y = axis(curve.measured.iter().chain(&expected).copied(), curve.cost);
    let axes = Axes { frame, x, y };
    let place = |(size, cost): (&f64, &f64)| (axes.x_mm(*size), axes.y_mm(*cost));
    let expected: Vec<(f64, f64)> = curve.sizes.iter().zip(&expected).map(place).collect();
    for ends in expected.windows(2) {
        canvas.dashes(ends[0], ends[1], 0.9, HAIRLINE_PT, MUTED)?;
    }
    let measured: Vec<(f64, f64)> = curve.sizes.iter().zip(curve.measured).map(place).collect();
    canvas.line(&measured, LINE_PT, BLUE)?;
    for (x, y) in measured {
        canvas.fill(RectMm { x: x - 0.45, y: y - 0.45, width: 0.9, height: 0.9 }, BLUE)?;
    }
    axes.draw(canvas)?;
    canvas.text(frame.x - 3.0, frame.y - 1.6, curve.title, TextStyle::new(LABEL_PT, INK))
}

impl Figure for Figures<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + HEADER_MM + TITLE_ROOM_MM + FRAME_HEIGHT_MM + ROOM_BELOW_MM + KEYS_MM)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let width = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let title = TextStyle::new(TITLE_PT, INK).bold();
        canvas.text(MARGIN_MM, MARGIN_MM + title.cap_mm(), &title.shortened(self.title, width), title)?;
        let cell = width / self.curves.len() as f64;
        let top = MARGIN_MM + HEADER_MM + TITLE_ROOM_MM;
        for (index, curve) in self.curves.iter().enumerate() {
            let left = MARGIN_MM + index as f64 * cell + ROOM_LEFT_MM;
            draw_one(canvas, RectMm { x: left, y: top, width: cell - ROOM_LEFT_MM - 2.5, height: FRAME_HEIGHT_MM }, curve)?;
        }
        let keys = [(Key::Line(BLUE), "Measured".to_owned()), (Key::Dashes(MUTED), "Expected order".to_owned())];
        legend::draw(canvas, MARGIN_MM + ROOM_LEFT_MM, top + FRAME_HEIGHT_MM + ROOM_BELOW_MM + 1.5, width - ROOM_LEFT_MM, &keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_both_files_and_refuses_what_has_no_logarithm() {
        let folder = tempfile::tempdir().unwrap();
        let curve = |measured: &'static [f64]| CostCurve {
            title: "B grows",
            label: "Trajectories, B",
            sizes: &[10.0, 20.0, 40.0],
            cost: "Step (ms)",
            measured,
            expected: &[1.0, 4.0, 16.0],
        };
        let paths = draw_cost_curves("Cost", &[curve(&[1e-3, 3e-3, 1e-2])], &folder.path().join("cost")).unwrap();
        assert!(paths.len() == 2 && paths.iter().all(|path| path.metadata().unwrap().len() > 1_000));
        let svg = std::fs::read_to_string(&paths[1]).unwrap();
        assert!(svg.contains("<svg") && svg.contains("B grows") && svg.contains("Step (ms)"), "text stays text");
        for bad in [&[1e-3, 0.0, 1e-2][..], &[1e-3, f64::NAN, 1.0], &[1e-3]] {
            let bad: &'static [f64] = Box::leak(bad.to_vec().into_boxed_slice());
            assert!(matches!(draw_cost_curves("Cost", &[curve(bad)], &folder.path().join("bad")), Err(FigureError::Shape { .. })));
        }
        assert!(matches!(draw_cost_curves("Cost", &[], &folder.path().join("none")), Err(FigureError::Empty { .. })));
    }
}

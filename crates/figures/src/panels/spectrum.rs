//! A power spectrum around zero frequency with its wave vectors.

use ndarray::{ArrayView2, s};

use super::{heat_map, note};
use crate::FigureError;
use crate::axes::{Axes, Axis};
use crate::canvas::{Anchor, Canvas, RectMm, Run, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::drawable;
use crate::panels::marker;
use crate::style::{HAIRLINE_PT, LINE_PT, SMALL_PT, WHITE};

/// A spectrum whose zero frequency lies at [rows / 2, columns / 2].
pub(crate) struct Spectrum<'a> {
    pub(crate) power: ArrayView2<'a, f64>,
    /// Distance of bins along x and y in cycles/m.
    pub(crate) step: [f64; 2],
    /// k₁, k₂, k₃ as [x, y] in cycles/m; not finite where there is none.
    pub(crate) wave_vectors: [[f64; 2]; 3],
}

/// The view reaches this many times as far as the longest wave vector.
const VIEW: f64 = 1.75;
const ARROW_MM: f64 = 0.9;

impl Spectrum<'_> {
    fn longest(&self) -> f64 {
        self.wave_vectors.iter().map(|k| k[0].hypot(k[1])).filter(|k| drawable(*k)).fold(0.0, f64::max)
    }

    /// How many bins to each side of zero are shown along x and y: those around the wave vectors, or as far as both axes are known.
    fn reach(&self) -> [usize; 2] {
        let (rows, columns) = self.power.dim();
        let all = [columns, rows].map(|bins| bins.saturating_sub(1) / 2);
        let known = ((all[0] as f64 + 0.5) * self.step[0]).min((all[1] as f64 + 0.5) * self.step[1]);
        let wanted = VIEW * self.longest();
        let edge = if wanted > 0.0 { known.min(wanted.max(3.0 * self.step[0].max(self.step[1]))) } else { known };
        [0, 1].map(|axis| all[axis].min((edge / self.step[axis] - 1e-9).ceil().max(0.0) as usize))
    }
}

/// Draws the spectrum into a square frame, or the part of it that as many cycles/m along both axes take; colours run from 0 to the highest power in view.
pub(crate) fn draw<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, spectrum: &Spectrum<'_>) -> Result<(), FigureError> {
    let (rows, columns) = spectrum.power.dim();
    let reach = spectrum.reach();
    let highest = spectrum.power.iter().copied().filter(|power| drawable(*power)).fold(0.0, f64::max);
    if highest <= 0.0 || rows == 0 || columns == 0 {
        return note::message(canvas, frame, "No spectrum");
    }
    let (row, column) = (rows / 2, columns / 2);
    let view = spectrum.power.slice(s![row - reach[1]..=row + reach[1], column - reach[0]..=column + reach[0]]);
    let highest = view.iter().copied().filter(|power| drawable(*power)).fold(0.0, f64::max);
    let edges = [0, 1].map(|axis| (reach[axis] as f64 + 0.5) * spectrum.step[axis]);
    let longer = edges[0].max(edges[1]);
    let height = frame.height * (edges[1] / longer);
    let frame = RectMm { x: frame.x, y: frame.bottom() - height, width: frame.width * (edges[0] / longer), height };
    canvas.cells(frame, &heat_map::cells(view, 0.0, highest, Colormap::Viridis))?;
    let axis = |edge: f64, label: &str| Axis::linear(-edge, edge, 6, label);
    let axes = Axes { frame, x: axis(edges[0], "f_x (cycles/m)"), y: axis(edges[1], "f_y (cycles/m)") };
    for (index, k) in spectrum.wave_vectors.iter().enumerate() {
        draw_wave_vector(canvas, &axes, *k, index + 1)?;
    }
    axes.draw(canvas)
}

/// An arrow from zero to k, rings around k and -k, and its name beyond k.
fn draw_wave_vector<S: Surface>(canvas: &mut Canvas<S>, axes: &Axes, k: [f64; 2], number: usize) -> Result<(), FigureError> {
    let length = k[0].hypot(k[1]);
    let inside = k[0].abs() < axes.x.high && k[1].abs() < axes.y.high;
    if !drawable(length) || length <= 0.0 || !inside {
        return Ok(());
    }
    let per_unit = axes.frame.width / (axes.x.high - axes.x.low);
    // Rings keep clear of zero and of each other.
    let ring = (0.3 * length * per_unit).clamp(0.4, 1.5);
    let (zero, tip, mirrored) =
        ((axes.x_mm(0.0), axes.y_mm(0.0)), (axes.x_mm(k[0]), axes.y_mm(k[1])), (axes.x_mm(-k[0]), axes.y_mm(-k[1])));
    let direction = (k[0] / length, -k[1] / length);
    for centre in [tip, mirrored] {
        let mut circle = marker::around(centre, ring, 32, 0.0);
        circle.push(circle[0]);
        canvas.line(&circle, HAIRLINE_PT, WHITE)?;
    }
    let end = (tip.0 - direction.0 * ring, tip.1 - direction.1 * ring);
    canvas.line(&[zero, end], LINE_PT, WHITE)?;
    let (back, side) = ((end.0 - direction.0 * ARROW_MM, end.1 - direction.1 * ARROW_MM), 0.45 * ARROW_MM);
    canvas.polygon(
        &[end, (back.0 - direction.1 * side, back.1 + direction.0 * side), (back.0 + direction.1 * side, back.1 - direction.0 * side)],
        WHITE,
    )?;
    let style = TextStyle::new(SMALL_PT, WHITE).bold().anchored(Anchor::Middle);
    let (half_width, half_height) = (style.width_mm("k1") / 2.0 + 0.3, style.cap_mm() / 2.0 + 0.6);
    let away = ring + 1.9;
    let x = (tip.0 + direction.0 * away).clamp(axes.frame.x + half_width, axes.frame.right() - half_width);
    let y = (tip.1 + direction.1 * away).clamp(axes.frame.y + half_height, axes.frame.bottom() - half_height);
    canvas.runs(x, y + style.cap_mm() / 2.0, &Run::marked(&format!("k_{number}")), style)
}

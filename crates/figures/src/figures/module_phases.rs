//! Phases of a module's units on the torus (as the paper's Fig. 6b).

use std::f64::consts::{PI, TAU};
use std::path::{Path, PathBuf};

use super::heading::{Heading, Place};
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Anchor, Canvas, RectMm, Run, Surface, TextStyle};
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::histogram::{self, Bins};
use crate::panels::{marker, note};
use crate::style::{HAIRLINE_PT, INK, LABEL_PT, LINE_PT, MARGIN_MM, MUTED, SMALL_PT, module_color};
use crate::ticks::Tick;

/// Phases of one module's units.
#[derive(Debug, Clone, Copy)]
pub struct ModulePhases<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The module's number, which gives its colour and marker.
    pub module: usize,
    /// φ¹, φ², φ³ of each unit in radians; drawn modulo 2π, left out where not finite.
    pub phases_rad: &'a [[f64; 3]],
    /// Lattice vectors a₁, a₂ as [x, y] in metres with k_i · a_j = 1 cycle where i = j, else 0 (k₁, k₂ in cycles/m), so that
    /// the unit with phases φ¹, φ² has a field at (φ¹ a₁ + φ² a₂) / 2π; `None` if there is no lattice.
    pub lattice_m: Option<[[f64; 2]; 2]>,
    /// p-value of the test for a uniform distribution on the torus, small where phases cluster; NaN if there was none.
    pub uniformity_p: f64,
    /// p-value of the test's other tail, small where phases are more even than chance; NaN leaves it out.
    pub evenness_p: f64,
    /// What the test is called, such as "Rayleigh test on the torus, 999 permutations".
    pub uniformity_test: &'a str,
}

const FIGURE: &str = "figure of a module's phases";
const PANELS: usize = 5;
const FRAME_MM: f64 = 22.0;
const DOT_MM: f64 = 0.55;
/// Dots where there are many.
const SMALL_DOT_MM: f64 = 0.38;
/// From this many units on dots are small.
const MANY_UNITS: usize = 100;

/// Draws the phases in pairs, as places in the lattice's unit cell, and the error of φ¹ + φ² + φ³ = 0 (mod 2π) to
/// `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no units, or a file cannot be written.
pub fn draw_module_phases(input: &ModulePhases<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure, alone or on a page, of input that can be drawn.
pub(super) fn checked<'a>(input: &ModulePhases<'a>, place: Place) -> Result<PhaseMaps<'a>, FigureError> {
    if input.phases_rad.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "units", remedy: "pass the phases of at least one unit" });
    }
    Ok(PhaseMaps::new(input, place))
}

pub(super) struct PhaseMaps<'a> {
    heading: Heading,
    /// Whether its panels have letters of their own.
    letters: bool,
    input: ModulePhases<'a>,
    /// Units with three phases, each in [0, 2π).
    phases: Vec<[f64; 3]>,
}

/// An angle in [−π, π).
fn wrapped(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

impl<'a> PhaseMaps<'a> {
    fn new(input: &ModulePhases<'a>, place: Place) -> Self {
        let phases: Vec<[f64; 3]> = input
            .phases_rad
            .iter()
            .filter(|phases| phases.iter().all(|phase| drawable(*phase)))
            .map(|phases| phases.map(|phase| phase.rem_euclid(TAU)))
            .collect();
        let test = if input.uniformity_test.is_empty() { String::new() } else { format!(" ({})", input.uniformity_test) };
        let missing = input.phases_rad.len() - phases.len();
        let missing = if missing > 0 { format!("; {} without phases", number::units(missing)) } else { String::new() };
        let even = if input.evenness_p.is_nan() {
            String::new()
        } else {
            format!("; more even than chance: {}", number::p_value(input.evenness_p))
        };
        let text = format!(
            "Module {}: {}{missing}. Less even than uniform on the torus: {}{even}{test}",
            input.module,
            number::units(phases.len()),
            number::p_value(input.uniformity_p)
        );
        let heading = place.heading(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
        Self { heading, letters: place == Place::Alone, input: *input, phases }
    }

    fn dot_mm(&self) -> f64 {
        if self.phases.len() < MANY_UNITS { DOT_MM } else { SMALL_DOT_MM }
    }

    /// Errors of the identity, in [−π, π).
    fn errors(&self) -> Vec<f64> {
        self.phases.iter().map(|phases| wrapped(phases.iter().sum())).collect()
    }

    fn draw_pair<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, (first, second): (usize, usize)) -> Result<(), FigureError> {
        let axes = Axes { frame, x: phase_axis(first), y: phase_axis(second) };
        canvas.frame(frame, HAIRLINE_PT, MUTED)?;
        for phases in &self.phases {
            marker::draw(canvas, (axes.x_mm(phases[first]), axes.y_mm(phases[second])), self.dot_mm(), Some(self.input.module))?;
        }
        axes.draw(canvas)?;
        if self.phases.is_empty() { note::message(canvas, frame, "No phases") } else { Ok(()) }
    }

    fn draw_cell<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm) -> Result<(), FigureError> {
        let lattice = self.input.lattice_m.filter(|[a, b]| {
            let area = (a[0] * b[1] - a[1] * b[0]).abs();
            [a, b].iter().all(|v| v.iter().all(|part| drawable(*part))) && area > 1e-9 * (a[0].hypot(a[1]) * b[0].hypot(b[1]))
        });
        let Some([a, b]) = lattice else {
            canvas.frame(frame, HAIRLINE_PT, MUTED)?;
            return note::message(canvas, frame, "No lattice vectors");
        };
        let place = |s: f64, t: f64| [s * a[0] + t * b[0], s * a[1] + t * b[1]];
        let corners = [place(0.0, 0.0), place(1.0, 0.0), place(1.0, 1.0), place(0.0, 1.0)];
        let range = |axis: usize| {
            let ends = corners.iter().map(|corner| corner[axis]);
            (ends.clone().fold(f64::INFINITY, f64::min), ends.fold(f64::NEG_INFINITY, f64::max))
        };
        let (x, y) = (range(0), range(1));
        // One scale for both axes, with room for the vectors' names.
        let half = 0.5 * (x.1 - x.0).max(y.1 - y.0) * 1.12;
        let (middle_x, middle_y) = (f64::midpoint(x.0, x.1), f64::midpoint(y.0, y.1));
        let axes = Axes {
            frame,
            x: Axis::linear(middle_x - half, middle_x + half, 3, "x (m)"),
            y: Axis::linear(middle_y - half, middle_y + half, 4, "y (m)"),
        };
        let at = |[x, y]: [f64; 2]| (axes.x_mm(x), axes.y_mm(y));
        let mut outline: Vec<(f64, f64)> = corners.iter().map(|corner| at(*corner)).collect();
        outline.push(outline[0]);
        canvas.line(&outline, HAIRLINE_PT, MUTED)?;
        for phases in &self.phases {
            marker::draw(canvas, at(place(phases[0] / TAU, phases[1] / TAU)), SMALL_DOT_MM, Some(self.input.module))?;
        }
        for (number, (tip, other)) in [(a, b), (b, a)].into_iter().enumerate() {
            let (zero, tip, other) = (at([0.0, 0.0]), at(tip), at(other));
            draw_arrow(canvas, zero, tip)?;
            // The name stands outside the cell, beside the middle of its vector.
            let (dx, dy) = ((tip.0 - zero.0), (tip.1 - zero.1));
            let length = dx.hypot(dy);
            let mut normal = (-dy / length, dx / length);
            if normal.0 * (other.0 - zero.0) + normal.1 * (other.1 - zero.1) > 0.0 {
                normal = (-normal.0, -normal.1);
            }
            let style = TextStyle::new(SMALL_PT, INK).anchored(Anchor::Middle);
            let middle = (zero.0 + 0.55 * dx + 2.3 * normal.0, zero.1 + 0.55 * dy + 2.3 * normal.1);
            canvas.runs(middle.0, middle.1 + style.cap_mm() / 2.0, &Run::marked(&format!("a_{}", number + 1)), style)?;
        }
        axes.draw(canvas)
    }

    fn draw_errors<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm) -> Result<(), FigureError> {
        let errors = self.errors();
        if errors.is_empty() {
            canvas.frame(frame, HAIRLINE_PT, MUTED)?;
            return note::message(canvas, frame, "No phases");
        }
        // Symmetric, and never so narrow that rounding looks like an error.
        let largest = errors.iter().map(|error| error.abs()).fold(0.05, f64::max).min(PI);
        let bins = Bins { low: -largest, width: 2.0 * largest / 21.0, count: 21 };
        let counts: Vec<f64> = bins.counts(errors.into_iter()).into_iter().map(|count| count as f64).collect();
        let tallest = counts.iter().copied().fold(0.0, f64::max);
        let x = Axis::linear(bins.low, bins.high(), 3, "φ¹ + φ² + φ³ (rad)");
        let axes = Axes { frame, x, y: Axis::counts(tallest, 4, "Units") };
        histogram::draw_bars(canvas, &axes, &bins, &vec![0.0; bins.count], &counts, 0.9, module_color(Some(self.input.module)))?;
        axes.draw(canvas)
    }
}

/// 0 to 2π with ticks at multiples of π.
fn phase_axis(index: usize) -> Axis {
    let name = ["φ¹ (rad)", "φ² (rad)", "φ³ (rad)"][index];
    let ticks = [(0.0, "0"), (PI, "π"), (TAU, "2π")].map(|(value, text)| Tick::plain(value, text.to_owned()));
    Axis { ticks: ticks.to_vec(), ..Axis::linear(0.0, TAU, 2, name) }
}

fn draw_arrow<S: Surface>(canvas: &mut Canvas<S>, from: (f64, f64), to: (f64, f64)) -> Result<(), FigureError> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1e-9);
    let (dx, dy) = (dx / length, dy / length);
    let back = (to.0 - 1.2 * dx, to.1 - 1.2 * dy);
    canvas.line(&[from, back], LINE_PT, INK)?;
    canvas.polygon(&[to, (back.0 - 0.45 * dy, back.1 + 0.45 * dx), (back.0 + 0.45 * dy, back.1 - 0.45 * dx)], INK)
}

impl Figure for PhaseMaps<'_> {
    fn page(&self) -> Page {
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + note::TITLE_MM + FRAME_MM + ROOM_BELOW_MM;
        Page::print(DOUBLE_COLUMN_MM, height)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let cell = (DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM) / PANELS as f64;
        let y = MARGIN_MM + self.heading.height_mm() + note::TITLE_MM;
        let titles = ["Phases 1, 2", "Phases 2, 3", "Phases 3, 1", "Places in the unit cell", "Error of the identity"];
        for (index, title) in titles.into_iter().enumerate() {
            let left = MARGIN_MM + index as f64 * cell;
            let frame = RectMm { x: left + ROOM_LEFT_MM - 2.0, y, width: FRAME_MM, height: FRAME_MM };
            if self.letters {
                let letter = ["a", "b", "c", "d", "e"][index];
                canvas.text(left, y - note::TITLE_ABOVE_MM, letter, TextStyle::new(LABEL_PT, INK).bold())?;
            }
            note::title(canvas, left + 3.0, frame, cell - 3.5, title)?;
            match index {
                0 => self.draw_pair(canvas, frame, (0, 1))?,
                1 => self.draw_pair(canvas, frame, (1, 2))?,
                2 => self.draw_pair(canvas, frame, (2, 0))?,
                3 => self.draw_cell(canvas, frame)?,
                _ => self.draw_errors(canvas, frame)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small_around_full_turns() {
        assert!((wrapped(TAU - 0.1) + 0.1).abs() < 1e-12 && (wrapped(2.0 * TAU + 0.2) - 0.2).abs() < 1e-12);
    }
}

//! How well position is known against the time since the start: errors of decoding, and coherence.

use std::path::{Path, PathBuf};

use plotters::style::RGBColor;

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface};
use crate::number::drawable;
use crate::output::{self, Figure};
use crate::page::{Page, SINGLE_COLUMN_MM};
use crate::panels::legend::{self, Key};
use crate::style::{DEAD, LINE_PT, MARGIN_MM, MUTED, NULL, module_color};

/// One quantity by time.
#[derive(Debug, Clone, Copy)]
pub struct TimeCurve<'a> {
    /// What it is called, in sentence case.
    pub name: &'a str,
    /// Its values, one for each time; those that are not finite interrupt the line.
    pub values: &'a [f64],
    /// Lower and upper end of its band, such as quartiles or ± one standard error; none: no band.
    pub band: Option<(&'a [f64], &'a [f64])>,
    /// Whether it is a level of chance: dashed and grey.
    pub is_chance: bool,
}

/// Curves by time.
#[derive(Debug, Clone, Copy)]
pub struct TimeCurves<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// A line below the title, such as what the bands are; empty: none.
    pub subtitle: &'a str,
    /// Times, steps, rising.
    pub times: &'a [f64],
    /// The curves, data first.
    pub curves: &'a [TimeCurve<'a>],
    /// Length of the training's trajectories, steps; NaN: not marked.
    pub training_steps: f64,
}

/// Draws errors of decoded positions (m) against time to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if no curve has a number, slices differ in length, or a file cannot be written.
pub fn draw_decode_errors(input: &TimeCurves<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    draw("figure of decoding errors", input, "Error of the decoded position (m)", f64::NAN, out_stem)
}

/// Draws coherence (0 to 1) against time to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// As of [`draw_decode_errors`].
pub fn draw_coherence(input: &TimeCurves<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    draw("figure of coherence", input, "Coherence", 1.0, out_stem)
}

const FRAME_MM: f64 = 44.0;
const RIGHT_MM: f64 = 2.5;

fn draw(
    figure: &'static str,
    input: &TimeCurves<'_>,
    label: &'static str,
    at_least: f64,
    out_stem: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    for curve in input.curves {
        let band = curve.band.map_or([curve.values.len(); 2], |(low, high)| [low.len(), high.len()]);
        for got in [curve.values.len(), band[0], band[1]] {
            if got != input.times.len() {
                let expected = input.times.len().to_string();
                return Err(FigureError::Shape { figure, what: format!("the curve {}", curve.name), got: got.to_string(), expected });
            }
        }
    }
    let known = |curve: &TimeCurve<'_>| curve.values.iter().zip(input.times).any(|(y, t)| drawable(*y) && drawable(*t));
    if !input.curves.iter().any(known) {
        return Err(FigureError::Empty { figure, what: "values by time", remedy: "pass a curve with at least one number" });
    }
    let mut keys: Vec<(Key, String)> = Vec::new();
    for (curve, color) in input.curves.iter().zip(colors(input.curves)) {
        let key = if curve.is_chance { Key::Dashes(color) } else { Key::Line(color) };
        let missing = if known(curve) { "" } else { " (no values)" };
        keys.push((key, format!("{}{missing}", curve.name)));
    }
    if drawable(input.training_steps) {
        keys.push((Key::Dashes(DEAD), "Length of training".to_owned()));
    }
    let heading = Heading::new(input.title, input.subtitle, SINGLE_COLUMN_MM - 2.0 * MARGIN_MM);
    output::write_figure(&Curves { heading, input: *input, label, at_least, keys }, out_stem)
}

/// Data in the colours of modules, in order; chance in greys.
fn colors(curves: &[TimeCurve<'_>]) -> Vec<RGBColor> {
    let (mut data, mut chance) = (0, 0);
    curves
        .iter()
        .map(|curve| {
            let count = if curve.is_chance { &mut chance } else { &mut data };
            *count += 1;
            if curve.is_chance { [MUTED, NULL][(*count - 1) % 2] } else { module_color(Some(*count - 1)) }
        })
        .collect()
}

/// Two thirds of the way to white.
fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let lighter = |value: u8| ((u16::from(value) + 2 * 255) / 3) as u8;
    RGBColor(lighter(red), lighter(green), lighter(blue))
}

struct Curves<'a> {
    heading: Heading,
    input: TimeCurves<'a>,
    label: &'static str,
    /// The axis goes up to here at least; NaN: wherever.
    at_least: f64,
    keys: Vec<(Key, String)>,
}

impl Curves<'_> {
    fn axes(&self, frame: RectMm) -> Axes {
        let (mut low, mut high, mut last) = (0.0_f64, if drawable(self.at_least) { self.at_least } else { 0.0 }, 0.0_f64);
        let mut first = 0.0_f64;
        for (at, &t) in self.input.times.iter().enumerate().filter(|(_, t)| drawable(**t)) {
            for curve in self.input.curves.iter().filter(|curve| drawable(curve.values[at])) {
                let ends = curve.band.map_or([f64::NAN; 2], |(lower, upper)| [lower[at], upper[at]]);
                for value in [curve.values[at], ends[0], ends[1]].into_iter().filter(|value| drawable(*value)) {
                    (low, high) = (low.min(value), high.max(value));
                }
                (first, last) = (first.min(t), last.max(t));
            }
        }
        if drawable(self.input.training_steps) {
            (first, last) = (first.min(self.input.training_steps), last.max(self.input.training_steps));
        }
        let y = Axis::linear(low, high + 0.05 * (high - low), 5, self.label);
        Axes { frame, x: Axis::linear(first, last, 6, "Time since the start (steps)"), y }
    }

    fn draw_band<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        axes: &Axes,
        curve: &TimeCurve<'_>,
        color: RGBColor,
    ) -> Result<(), FigureError> {
        let Some((lower, upper)) = curve.band else { return Ok(()) };
        let known = |at: usize| [self.input.times[at], curve.values[at], lower[at], upper[at]].into_iter().all(drawable);
        let all: Vec<usize> = (0..self.input.times.len()).collect();
        for run in all.split(|at| !known(*at)).filter(|run| run.len() > 1) {
            let place = |at: usize, y: f64| (axes.x_mm(self.input.times[at]), axes.y_mm(y));
            let above = run.iter().map(|&at| place(at, upper[at]));
            let below = run.iter().rev().map(|&at| place(at, lower[at]));
            canvas.polygon(&above.chain(below).collect::<Vec<_>>(), pale(color))?;
        }
        Ok(())
    }

    fn draw_curve<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        axes: &Axes,
        curve: &TimeCurve<'_>,
        color: RGBColor,
    ) -> Result<(), FigureError> {
        let points: Vec<(f64, f64)> = self.input.times.iter().copied().zip(curve.values.iter().copied()).collect();
        for run in points.split(|(t, y)| !drawable(*t) || !drawable(*y)).filter(|run| !run.is_empty()) {
            let mut places: Vec<(f64, f64)> = run.iter().map(|&(t, y)| (axes.x_mm(t), axes.y_mm(y))).collect();
            if let [(x, y)] = places[..] {
                // A point alone shows as a short stroke.
                places = vec![(x - 0.3, y), (x + 0.3, y)];
            }
            if curve.is_chance {
                for stroke in strokes(&places, 1.1, 0.7) {
                    canvas.line(&stroke, LINE_PT, color)?;
                }
            } else {
                canvas.line(&places, LINE_PT * 1.25, color)?;
            }
        }
        Ok(())
    }
}

/// A bent line in strokes with gaps, both measured along it.
fn strokes(points: &[(f64, f64)], stroke_mm: f64, gap_mm: f64) -> Vec<Vec<(f64, f64)>> {
    let (mut found, mut current, mut drawing, mut left) = (Vec::new(), vec![points[0]], true, stroke_mm);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length <= left {
                left -= length;
                if drawing {
                    current.push(to);
                }
                break;
            }
            from = (from.0 + (to.0 - from.0) * left / length, from.1 + (to.1 - from.1) * left / length);
            if drawing {
                current.push(from);
                found.push(std::mem::take(&mut current));
            } else {
                current = vec![from];
            }
            drawing = !drawing;
            left = if drawing { stroke_mm } else { gap_mm };
        }
    }
    if current.len() > 1 {
        found.push(current);
    }
    found
}

impl Figure for Curves<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, SINGLE_COLUMN_MM - 2.0 * MARGIN_MM);
        Page::print(SINGLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + 1.5 + FRAME_MM + ROOM_BELOW_MM + 2.0 + keys)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let top = MARGIN_MM + self.heading.height_mm() + 1.5;
        let axes = self.axes(RectMm {
            x: MARGIN_MM + ROOM_LEFT_MM - 1.0,
            y: top,
            width: content - ROOM_LEFT_MM + 1.0 - RIGHT_MM,
            height: FRAME_MM,
        });
        let frame = axes.frame;
        let colors = colors(self.input.curves);
        for (curve, &color) in self.input.curves.iter().zip(&colors) {
            self.draw_band(canvas, &axes, curve, color)?;
        }
        if drawable(self.input.training_steps) {
            let x = axes.x_mm(self.input.training_steps);
            canvas.dashes((x, frame.y), (x, frame.bottom()), 0.8, LINE_PT, DEAD)?;
        }
        // Data lie above chance.
        for chance in [true, false] {
            for (curve, &color) in self.input.curves.iter().zip(&colors).filter(|(curve, _)| curve.is_chance == chance) {
                self.draw_curve(canvas, &axes, curve, color)?;
            }
        }
        axes.draw(canvas)?;
        legend::draw(canvas, MARGIN_MM, frame.bottom() + ROOM_BELOW_MM + 2.0, content, &self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_follow_the_bends_and_keep_their_lengths() {
        let found = strokes(&[(0.0, 0.0), (1.5, 0.0), (1.5, 2.0)], 1.0, 0.5);
        assert_eq!(found, [vec![(0.0, 0.0), (1.0, 0.0)], vec![(1.5, 0.0), (1.5, 1.0)], vec![(1.5, 1.5), (1.5, 2.0)]]);
        assert_eq!(strokes(&[(0.0, 0.0), (0.4, 0.0)], 1.0, 0.5).len(), 1);
    }
}

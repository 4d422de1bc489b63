//! Training curves: the total loss, its four terms, the gradient's norm and the learning rate.

use std::path::{Path, PathBuf};

use crate::FigureError;
use crate::axes::{Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::number;
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::curve::{self, Curve, MAX_POINTS};
use crate::panels::legend::{self, Key};
use crate::style::{BLUE, INK, LABEL_PT, MARGIN_MM, MUTED, ORANGE, PALE_BLUE, SMALL_PT, TITLE_PT, UNUSED};
use crate::ticks;

/// The start of a phase of the curriculum.
#[derive(Debug, Clone, Copy)]
pub struct PhaseMark<'a> {
    /// The first step of the phase.
    pub step: u64,
    /// What changes, such as "T = 30, B = 28".
    pub label: &'a str,
}

/// What was logged during training; all slices have one entry per logged step. NaN stands for "not logged".
#[derive(Debug, Clone, Copy)]
pub struct TrainingCurves<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Logged steps, rising.
    pub steps: &'a [u64],
    /// Total loss.
    pub loss_total: &'a [f64],
    /// Separation loss.
    pub loss_separation: &'a [f64],
    /// Invariance loss.
    pub loss_invariance: &'a [f64],
    /// Capacity loss, at most 0.
    pub loss_capacity: &'a [f64],
    /// Conformal isometry loss, in 1/m².
    pub loss_conformal: &'a [f64],
    /// Norm of the gradient before clipping.
    pub grad_norm: &'a [f64],
    /// Learning rate.
    pub learning_rate: &'a [f64],
    /// Where phases of the curriculum begin; listed all, with a line where one begins after the first logged step.
    pub phases: &'a [PhaseMark<'a>],
    /// Where each of the four losses has the weight 0, in the order of the fields above: after the first step of each pair, up to the second.
    pub weightless: [&'a [(u64, u64)]; 4],
}

const COLUMNS: usize = 4;
const HEADER_MM: f64 = 4.5;
const TITLE_ROOM_MM: f64 = 4.5;
const FRAME_HEIGHT_MM: f64 = 26.0;
const ROW_MM: f64 = TITLE_ROOM_MM + FRAME_HEIGHT_MM + ROOM_BELOW_MM + 1.5;
const MAX_PHASES_LISTED: usize = 6;
const PHASE_LINE_MM: f64 = 2.35;

/// Draws the seven curves against the step to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// An axis is logarithmic where values are positive and span more than a factor of 20. Records of more than 300 points
/// are drawn as the mean and the range of neighbours. Values that an axis cannot show (zeros on a logarithmic one, NaN)
/// are marked at its edge and counted. Steps at which a loss has the weight 0 have a grey ground; a loss that has it at all of
/// them says so in its title.
///
/// # Errors
///
/// [`FigureError`] if nothing was logged, slices differ in length, or a file cannot be written.
pub fn draw_training_curves(input: &TrainingCurves<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    const FIGURE: &str = "training curves";
    if input.steps.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "logged steps", remedy: "train for at least one logged step first" });
    }
    for curve in curves(input) {
        if curve.values.len() != input.steps.len() {
            let (got, expected) = (curve.values.len().to_string(), input.steps.len().to_string());
            return Err(FigureError::Shape { figure: FIGURE, what: curve.title.to_owned(), got, expected });
        }
    }
    draw_step_curves(
        StepCurves { title: input.title, steps: input.steps, curves: curves(input).into(), phases: input.phases, what: "Logged steps" },
        out_stem,
    )
}

fn curves<'a>(input: &TrainingCurves<'a>) -> [Curve<'a>; 7] {
    let curve = |letter, title, label, values| Curve { letter, title, label, values, unused: &[], counts: false };
    let [separation, invariance, capacity, conformal] = input.weightless;
    [
        curve("a", "Total loss", "Loss", input.loss_total),
        Curve { unused: separation, ..curve("b", "Separation", "Loss", input.loss_separation) },
        Curve { unused: invariance, ..curve("c", "Invariance", "Loss", input.loss_invariance) },
        Curve { unused: capacity, ..curve("d", "Capacity", "Loss", input.loss_capacity) },
        Curve { unused: conformal, ..curve("e", "Conformal isometry", "Loss (1/m²)", input.loss_conformal) },
        curve("f", "Gradient norm", "L2 norm", input.grad_norm),
        curve("g", "Learning rate", "Rate per step", input.learning_rate),
    ]
}

/// Up to seven curves against the step, with the curriculum's phases.
pub(super) struct StepCurves<'a> {
    pub(super) title: &'a str,
    /// Rising, at least one.
    pub(super) steps: &'a [u64],
    /// At most seven, each with a value for each step.
    pub(super) curves: Vec<Curve<'a>>,
    pub(super) phases: &'a [PhaseMark<'a>],
    /// What the points are, in sentence case.
    pub(super) what: &'static str,
}

/// Draws curves to `<out_stem>.png` and `<out_stem>.svg`.
pub(super) fn draw_step_curves(input: StepCurves<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&Figures { input }, out_stem)
}

struct Figures<'a> {
    input: StepCurves<'a>,
}

impl Figures<'_> {
    fn boundaries(&self) -> Vec<PhaseMark<'_>> {
        let (first, last) = (self.input.steps[0], self.input.steps[self.input.steps.len() - 1]);
        self.input.phases.iter().copied().filter(|phase| phase.step > first && phase.step <= last).collect()
    }

    fn x_axis(&self) -> Axis {
        let (first, last) = (self.input.steps[0] as f64, self.input.steps[self.input.steps.len() - 1] as f64);
        let low = if first <= 0.1 * last { 0.0 } else { first };
        // A single logged step stands between its neighbours.
        let (low, high) = if first == last { (first - 1.0, first + 1.0) } else { (low, last) };
        let mut axis = Axis::linear(low, high, 4, "Step");
        let thousands = last >= 10_000.0;
        if thousands {
            "Step (thousands)".clone_into(&mut axis.label);
        }
        // Steps are counts: no ticks between them or before the first. The axis may be wider than a lone step asked for.
        let intervals = (axis.high - axis.low).clamp(1.0, 6.0) as usize;
        axis.ticks = ticks::linear_in(axis.low, axis.high, intervals, if thousands { 3 } else { 0 });
        axis.exponent = 0;
        axis.ticks.retain(|tick| tick.value >= 0.0);
        axis
    }

    /// The cell that no curve takes: what lines mean, and the phases.
    fn draw_keys<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64, width: f64) -> Result<(), FigureError> {
        let mut keys = if self.input.steps.len() > MAX_POINTS {
            let per_point = self.input.steps.len().div_ceil(MAX_POINTS);
            vec![
                (Key::Line(BLUE), format!("Mean of {per_point} {}", self.input.what.to_lowercase())),
                (Key::Fill(PALE_BLUE), "Their range".to_owned()),
            ]
        } else {
            vec![(Key::Line(BLUE), self.input.what.to_owned())]
        };
        if self.input.curves.iter().any(|curve| curve::has_marks(curve)) {
            keys.push((Key::Fill(ORANGE), "Marks at an edge: 0 or undefined".to_owned()));
        }
        if self.input.curves.iter().any(|curve| self.input.steps.iter().any(|step| curve.is_unused_at(*step))) {
            keys.push((Key::Fill(UNUSED), "Weight 0: not in the total loss".to_owned()));
        }
        let last = self.input.steps[self.input.steps.len() - 1];
        let phases: Vec<_> = self.input.phases.iter().filter(|phase| phase.step <= last).collect();
        if !phases.is_empty() {
            keys.push((Key::Dashes(MUTED), "Start of a phase:".to_owned()));
        }
        legend::draw(canvas, left, top, width, &keys)?;
        let style = TextStyle::new(SMALL_PT, INK);
        let mut lines: Vec<String> = phases
            .iter()
            .take(MAX_PHASES_LISTED)
            .flat_map(|phase| style.wrapped(&format!("step {}: {}", number::grouped(phase.step), phase.label), width - 2.0))
            .collect();
        if phases.len() > MAX_PHASES_LISTED {
            lines.push(format!("and {} more", phases.len() - MAX_PHASES_LISTED));
        }
        let room = ((FRAME_HEIGHT_MM + ROOM_BELOW_MM + 1.5 + MARGIN_MM - legend::height_mm(&keys, width)) / PHASE_LINE_MM).floor() as usize;
        if lines.len() > room {
            lines.truncate(room.saturating_sub(1));
            lines.push("…".to_owned());
        }
        let first = top + legend::height_mm(&keys, width) + style.cap_mm() + 0.4;
        for (index, line) in lines.iter().enumerate() {
            canvas.text(left + 2.0, first + index as f64 * PHASE_LINE_MM, line, style)?;
        }
        Ok(())
    }
}

impl Figure for Figures<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, MARGIN_MM + HEADER_MM + 2.0 * ROW_MM + MARGIN_MM)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let width = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let title = TextStyle::new(TITLE_PT, INK).bold();
        canvas.text(MARGIN_MM, MARGIN_MM + title.cap_mm(), &title.shortened(self.input.title, width), title)?;
        let steps: Vec<u64> = self.boundaries().iter().map(|phase| phase.step).collect();
        let axis = self.x_axis();
        let cell = width / COLUMNS as f64;
        let corner = |index: usize| {
            let (row, column) = (index / COLUMNS, index % COLUMNS);
            (MARGIN_MM + column as f64 * cell, MARGIN_MM + HEADER_MM + row as f64 * ROW_MM + TITLE_ROOM_MM)
        };
        for (index, curve) in self.input.curves.iter().enumerate() {
            let (x, y) = corner(index);
            let frame = RectMm { x: x + ROOM_LEFT_MM, y, width: cell - ROOM_LEFT_MM - 2.5, height: FRAME_HEIGHT_MM };
            curve::draw(canvas, frame, curve, self.input.steps, &axis, &steps)?;
        }
        let (x, y) = corner(self.input.curves.len());
        let heading = TextStyle::new(LABEL_PT, INK);
        canvas.text(x + 5.0, y - 1.6, "Key", heading)?;
        self.draw_keys(canvas, x + 5.0, y + 0.5, cell - 5.0)
    }
}

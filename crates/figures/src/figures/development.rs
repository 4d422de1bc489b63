//! How the code develops over training: units, scores, periods, modules, coherence and decoding of several checkpoints.

use std::path::{Path, PathBuf};

use super::training_curves::{PhaseMark, StepCurves, draw_step_curves};
use crate::FigureError;
use crate::panels::curve::Curve;

/// What was found at checkpoints; all slices have one entry per checkpoint. NaN stands for "there is none".
#[derive(Debug, Clone, Copy)]
pub struct Development<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Optimizer steps of the checkpoints, rising.
    pub steps: &'a [u64],
    /// Units with a rate somewhere.
    pub active_units: &'a [f64],
    /// Units of class `grid`.
    pub grid_units: &'a [f64],
    /// Median `sargolini` score of active units.
    pub grid_score: &'a [f64],
    /// Median period of the units of class `grid`, m.
    pub period_m: &'a [f64],
    /// Number of modules.
    pub modules: &'a [f64],
    /// Spatial coherence, corrected for bins of few visits.
    pub spatial_coherence: &'a [f64],
    /// Error of the nearest state, median over time, m.
    pub decode_error_m: &'a [f64],
    /// Where phases of the curriculum begin.
    pub phases: &'a [PhaseMark<'a>],
}

/// Draws seven quantities against the step to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths. What is undefined at a checkpoint interrupts
/// its line and is marked at the edge.
///
/// # Errors
///
/// [`FigureError`] without checkpoints, if slices differ in length, or if a file cannot be written.
pub fn draw_development(input: &Development<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    const FIGURE: &str = "development";
    if input.steps.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "checkpoints", remedy: "analyze at least one checkpoint first" });
    }
    let curve = |letter, title, label, values| Curve { letter, title, label, values, unused: &[], counts: false };
    let curves = vec![
        Curve { counts: true, ..curve("a", "Active units", "Units", input.active_units) },
        Curve { counts: true, ..curve("b", "Grid cells", "Units", input.grid_units) },
        curve("c", "Grid score (Sargolini)", "Median, active units", input.grid_score),
        curve("d", "Period", "Median, grid cells (m)", input.period_m),
        Curve { counts: true, ..curve("e", "Modules", "Modules", input.modules) },
        curve("f", "Spatial coherence", "Coherence, corrected", input.spatial_coherence),
        curve("g", "Error of the nearest state", "Median over time (m)", input.decode_error_m),
    ];
    if let Some(curve) = curves.iter().find(|curve| curve.values.len() != input.steps.len()) {
        let (got, expected) = (curve.values.len().to_string(), input.steps.len().to_string());
        return Err(FigureError::Shape { figure: FIGURE, what: curve.title.to_owned(), got, expected });
    }
    let Development { title, steps, phases, .. } = *input;
    draw_step_curves(StepCurves { title, steps, curves, phases, what: "Checkpoints" }, out_stem)
}

//! Periods of modules in boxes of several sizes: Fig. 5c-e of the paper as numbers.

use std::path::{Path, PathBuf};

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface};
use crate::number::drawable;
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::legend::{self, Key};
use crate::panels::{marker, note};
use crate::style::{HAIRLINE_PT, LINE_PT, MARGIN_MM, MUTED, module_color};

/// A module in an arena.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeriodPoint {
    /// Place of the arena in [`PeriodChanges::arenas`].
    pub arena: usize,
    /// The module.
    pub module: usize,
    /// Its period, m; not drawn where it is no number.
    pub period_m: f64,
    /// Its standard error, m; NaN: no bar.
    pub period_se_m: f64,
    /// Period over that in the smallest arena, minus 1; not drawn where it is no number.
    pub change: f64,
    /// Its standard error; NaN: no bar.
    pub change_se: f64,
}

/// Periods and their changes.
#[derive(Debug, Clone, Copy)]
pub struct PeriodChanges<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What the arenas are called, in the order in which they are drawn, such as "2 m".
    pub arenas: &'a [&'a str],
    /// Modules in arenas.
    pub points: &'a [PeriodPoint],
}

const FIGURE: &str = "figure of periods in several boxes";
const FRAME_MM: f64 = 44.0;
const GAP_MM: f64 = 6.0;
const RIGHT_MM: f64 = 2.5;
const DOT_MM: f64 = 0.85;
/// Share of the distance of two arenas over which modules stand side by side.
const SPREAD: f64 = 0.5;

/// Draws each module's period in every arena and, beside it, the change against the smallest one, with error bars of one standard error, to `<out_stem>.png`
/// (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no arenas, no period is a number above 0, a point names an arena that is not there, or a file cannot be written.
pub fn draw_period_changes(input: &PeriodChanges<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if !input.points.iter().any(|point| shown(point.period_m)) {
        return Err(FigureError::Empty { figure: FIGURE, what: "periods", remedy: "pass at least one period above 0" });
    }
    if let Some(point) = input.points.iter().find(|point| point.arena >= input.arenas.len()) {
        let expected = format!("an arena below {}", input.arenas.len());
        return Err(FigureError::Shape { figure: FIGURE, what: "a point".to_owned(), got: format!("arena {}", point.arena), expected });
    }
    let mut modules: Vec<usize> = input.points.iter().map(|point| point.module).collect();
    modules.sort_unstable();
    modules.dedup();
    let missing = input.points.iter().filter(|point| !shown(point.period_m)).count();
    let text = match missing {
        0 => "Bars: one standard error".to_owned(),
        1 => "Bars: one standard error; 1 period without a number not drawn".to_owned(),
        _ => format!("Bars: one standard error; {missing} periods without a number not drawn"),
    };
    let mut keys: Vec<(Key, String)> = modules.iter().map(|&module| (Key::Module(Some(module)), format!("Module {module}"))).collect();
    keys.push((Key::Dashes(MUTED), "No change".to_owned()));
    let heading = Heading::new(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
    output::write_figure(&Periods { heading, input: *input, modules, keys }, out_stem)
}

fn shown(period_m: f64) -> bool {
    drawable(period_m) && period_m > 0.0
}

struct Periods<'a> {
    heading: Heading,
    input: PeriodChanges<'a>,
    modules: Vec<usize>,
    keys: Vec<(Key, String)>,
}

impl Periods<'_> {
    fn x_axis(&self, width_mm: f64) -> Axis {
        Axis::categories(self.input.arenas, width_mm, "Arena")
    }

    /// Modules side by side, so that equal values do not hide each other.
    fn place(&self, point: &PeriodPoint) -> f64 {
        let index = self.modules.partition_point(|module| *module < point.module) as f64;
        let last = (self.modules.len() - 1).max(1) as f64;
        point.arena as f64 + if self.modules.len() > 1 { SPREAD * (index / last - 0.5) } else { 0.0 }
    }

    /// Points with error bars; periods (`from_zero`) are joined within a module. `value` gives value and error.
    fn draw_points<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        frame: RectMm,
        label: &str,
        value: impl Fn(&PeriodPoint) -> (f64, f64),
        from_zero: bool,
    ) -> Result<(), FigureError> {
        let value = |point: &PeriodPoint| {
            let (value, se) = value(point);
            (value, if drawable(se) && se > 0.0 { se } else { 0.0 })
        };
        let known: Vec<&PeriodPoint> = self.input.points.iter().filter(|point| drawable(value(point).0)).collect();
        if known.is_empty() {
            let y = Axis { ticks: Vec::new(), ..Axis::linear(0.0, 1.0, 1, label) };
            Axes { frame, x: self.x_axis(frame.width), y }.draw(canvas)?;
            return note::message(canvas, frame, "No changes");
        }
        let ends = known
            .iter()
            .map(|point| value(point))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (v, se)| (low.min(v - se), high.max(v + se)));
        let (low, high) = if from_zero { (0.0, ends.1 * 1.08) } else { (ends.0.min(0.0), ends.1.max(0.0)) };
        // Changes within a per mille would make an axis of noise.
        let margin = if from_zero { 0.0 } else { (0.1 * (high - low)).max(0.1) };
        let axes = Axes { frame, x: self.x_axis(frame.width), y: Axis::linear(low - margin, high + margin, 5, label) };
        if !from_zero {
            let y = axes.y_mm(0.0);
            canvas.dashes((frame.x, y), (frame.right(), y), 0.9, LINE_PT, MUTED)?;
        }
        for &module in &self.modules {
            let mut of: Vec<&&PeriodPoint> = known.iter().filter(|point| point.module == module).collect();
            of.sort_by_key(|point| point.arena);
            let places: Vec<(f64, f64)> = of.iter().map(|point| (axes.x_mm(self.place(point)), axes.y_mm(value(point).0))).collect();
            if from_zero && places.len() > 1 {
                canvas.line(&places, HAIRLINE_PT, module_color(Some(module)))?;
            }
            for (point, &(x, y)) in of.iter().zip(&places) {
                let (v, se) = value(point);
                let (low, high) = (axes.y_mm((v - se).max(axes.y.low)), axes.y_mm(v + se));
                if low - high > 0.1 {
                    canvas.line(&[(x, low), (x, high)], LINE_PT, module_color(Some(module)))?;
                }
                marker::draw(canvas, (x, y), DOT_MM, Some(module))?;
            }
        }
        axes.draw(canvas)
    }
}

impl Figure for Periods<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + 1.5 + FRAME_MM + ROOM_BELOW_MM + 2.0 + keys)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let block = (DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM - GAP_MM) / 2.0;
        let top = MARGIN_MM + self.heading.height_mm() + 1.5;
        let frame = RectMm { x: MARGIN_MM + ROOM_LEFT_MM, y: top, width: block - ROOM_LEFT_MM - RIGHT_MM, height: FRAME_MM };
        self.draw_points(
            canvas,
            frame,
            "Period (m)",
            |point| (if shown(point.period_m) { point.period_m } else { f64::NAN }, point.period_se_m),
            true,
        )?;
        let right = RectMm { x: frame.x + block + GAP_MM, ..frame };
        let change = |point: &PeriodPoint| (100.0 * point.change, 100.0 * point.change_se);
        self.draw_points(canvas, right, "Change against the smallest (%)", change, false)?;
        legend::draw(canvas, MARGIN_MM, frame.bottom() + ROOM_BELOW_MM + 2.0, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM, &self.keys)
    }
}

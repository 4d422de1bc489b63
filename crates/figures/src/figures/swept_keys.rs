//! What becomes of a network as a key of its settings is swept: every run a point, for each value of each key.

use std::path::{Path, PathBuf};

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Run, Surface, TextStyle};
use crate::number::drawable;
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::{marker, note};
use crate::quantile::quantile;
use crate::style::{BLUE, INK, LABEL_PT, LINE_PT, MARGIN_MM, SMALL_PT};

/// One quantity against one key.
#[derive(Debug, Clone)]
pub struct SweptQuantity<'a> {
    /// What it is, in sentence case, with its unit.
    pub label: &'a str,
    /// Of each run: the place of its value in [`SweptKey::values`], and the quantity; NaN where it has none.
    pub points: Vec<(usize, f64)>,
    /// Whether it is a number of things.
    pub counts: bool,
}

/// One key.
#[derive(Debug, Clone)]
pub struct SweptKey<'a> {
    /// The key, such as `train.loss.lambda_cap`.
    pub name: &'a str,
    /// Its values in the order in which they stand along the axis.
    pub values: Vec<&'a str>,
    /// Whether its values are repetitions, as seeds are: lines are then at medians of all runs.
    pub repeats: bool,
    /// Quantities, at most [`MOST_QUANTITIES`].
    pub quantities: Vec<SweptQuantity<'a>>,
}

/// Quantities of a key.
pub const MOST_QUANTITIES: usize = 6;
/// Keys of one figure.
pub const MOST_KEYS: usize = 3;

/// Keys of a sweep and what was found.
#[derive(Debug, Clone)]
pub struct SweptKeys<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What is to be said below it.
    pub note: &'a str,
    /// At least one key, at most [`MOST_KEYS`].
    pub keys: Vec<SweptKey<'a>>,
}

const FIGURE: &str = "figure of swept keys";
const COLUMNS: usize = 3;
const FRAME_MM: f64 = 24.0;
const ROW_MM: f64 = FRAME_MM + ROOM_BELOW_MM + 2.0;
const NAME_MM: f64 = 5.0;
const LINE_MM: f64 = 3.2;
const DOT_MM: f64 = 0.65;
/// Share of the distance of two values over which runs stand side by side.
const SPREAD: f64 = 0.5;

/// Draws a block of panels for each key, with a point for each run and a line at the median of each value (of all runs, where values are repetitions), to `<out_stem>.png`
/// (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] without a key or a quantity, with more of them than fit, if a point names a value that is not there, or if a file cannot be written.
pub fn draw_swept_keys(input: &SweptKeys<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.keys.is_empty() || input.keys.iter().any(|key| key.values.is_empty() || key.quantities.is_empty()) {
        return Err(FigureError::Empty { figure: FIGURE, what: "keys", remedy: "pass at least one key with values and quantities" });
    }
    let shape = |what: &str, got: String, expected: String| FigureError::Shape { figure: FIGURE, what: what.to_owned(), got, expected };
    if input.keys.len() > MOST_KEYS {
        return Err(shape("keys", input.keys.len().to_string(), format!("at most {MOST_KEYS}")));
    }
    for key in &input.keys {
        if key.quantities.len() > MOST_QUANTITIES {
            return Err(shape("quantities", key.quantities.len().to_string(), format!("at most {MOST_QUANTITIES}")));
        }
        if let Some((value, _)) = key.quantities.iter().flat_map(|quantity| &quantity.points).find(|(value, _)| *value >= key.values.len())
        {
            return Err(shape("a point", format!("value {value}"), format!("a value below {}", key.values.len())));
        }
    }
    let heading = Heading::new(input.title, input.note, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
    output::write_figure(&Keys { heading, input }, out_stem)
}

struct Keys<'a> {
    heading: Heading,
    input: &'a SweptKeys<'a>,
}

fn rows(key: &SweptKey<'_>) -> usize {
    key.quantities.len().div_ceil(COLUMNS)
}

fn frame_width_mm() -> f64 {
    (DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM) / COLUMNS as f64 - ROOM_LEFT_MM - 2.5
}

/// What stands below the axes, and, where values are too long for that and numbers stand in their place, the lines that tell what these mean.
fn names(key: &SweptKey<'_>) -> (Vec<String>, Vec<String>) {
    let style = TextStyle::new(SMALL_PT, INK);
    let each = frame_width_mm() / key.values.len() as f64;
    // Where some are left out, the others have their room too.
    let room = if key.repeats { each * Axis::every_category(each) as f64 } else { each } - 1.0;
    if key.values.iter().all(|value| style.width_mm(value) <= room) {
        return (key.values.iter().map(|value| (*value).to_owned()).collect(), Vec::new());
    }
    let numbers: Vec<String> = (1..=key.values.len()).map(|number| number.to_string()).collect();
    let text: Vec<String> = numbers.iter().zip(&key.values).map(|(number, value)| format!("{number}: {value}")).collect();
    (numbers, style.wrapped(&text.join(";  "), DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM))
}

fn block_mm(key: &SweptKey<'_>) -> f64 {
    NAME_MM + LINE_MM * names(key).1.len() as f64 + rows(key) as f64 * ROW_MM
}

fn y_axis(quantity: &SweptQuantity<'_>) -> Axis {
    let known = || quantity.points.iter().map(|(_, value)| *value).filter(|value| drawable(*value));
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return Axis { ticks: Vec::new(), ..Axis::linear(0.0, 1.0, 1, quantity.label) };
    }
    if quantity.counts {
        return Axis::counts(high, 4, quantity.label);
    }
    let margin = (0.08 * (high - low)).max(0.02 * high.abs());
    let low = if low >= 0.0 && low < 0.5 * high { 0.0 } else { low - margin };
    Axis::linear(low, high + margin, 4, quantity.label)
}

fn draw_panel<S: Surface>(
    canvas: &mut Canvas<S>,
    frame: RectMm,
    names: &[&str],
    repeats: bool,
    quantity: &SweptQuantity<'_>,
) -> Result<(), FigureError> {
    let axes = Axes { frame, x: Axis::categories(names, frame.width, ""), y: y_axis(quantity) };
    if !quantity.points.iter().any(|(_, value)| drawable(*value)) {
        axes.draw(canvas)?;
        return note::message(canvas, frame, "No run has one");
    }
    if repeats {
        let mut all: Vec<f64> = quantity.points.iter().map(|(_, number)| *number).filter(|number| drawable(*number)).collect();
        all.sort_by(f64::total_cmp);
        let y = axes.y_mm(quantile(&all, 0.5));
        canvas.line(&[(frame.x, y), (frame.right(), y)], LINE_PT, BLUE)?;
    }
    for value in 0..names.len() {
        let mut found: Vec<f64> =
            quantity.points.iter().filter(|(of, number)| *of == value && drawable(*number)).map(|(_, number)| *number).collect();
        if found.is_empty() {
            continue;
        }
        for (number, y) in found.iter().enumerate() {
            let beside = if found.len() > 1 { SPREAD * (number as f64 / (found.len() - 1) as f64 - 0.5) } else { 0.0 };
            marker::draw(canvas, (axes.x_mm(value as f64 + beside), axes.y_mm(*y)), DOT_MM, Some(0))?;
        }
        if repeats {
            continue;
        }
        found.sort_by(f64::total_cmp);
        let y = axes.y_mm(quantile(&found, 0.5));
        let ends = [value as f64 - 0.35, value as f64 + 0.35].map(|x| (axes.x_mm(x), y));
        canvas.line(&ends, LINE_PT, BLUE)?;
    }
    axes.draw(canvas)
}

impl Figure for Keys<'_> {
    fn page(&self) -> Page {
        let blocks: f64 = self.input.keys.iter().map(block_mm).sum();
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + 1.5 + blocks)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let width = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let cell = width / COLUMNS as f64;
        let mut top = MARGIN_MM + self.heading.height_mm() + 1.5;
        for key in &self.input.keys {
            let style = TextStyle::new(LABEL_PT, INK).bold();
            // A name to be typed: nothing in it is an index.
            canvas.runs(MARGIN_MM, top + style.cap_mm(), &[Run::plain(style.shortened(key.name, width))], style)?;
            top += NAME_MM;
            let (names, meanings) = names(key);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            for line in meanings {
                let style = TextStyle::new(SMALL_PT, INK);
                canvas.text(MARGIN_MM, top + style.cap_mm() - 0.8, &line, style)?;
                top += LINE_MM;
            }
            for (index, quantity) in key.quantities.iter().enumerate() {
                let (row, column) = (index / COLUMNS, index % COLUMNS);
                let x = MARGIN_MM + column as f64 * cell + ROOM_LEFT_MM;
                let frame = RectMm { x, y: top + row as f64 * ROW_MM, width: frame_width_mm(), height: FRAME_MM };
                draw_panel(canvas, frame, &names, key.repeats, quantity)?;
            }
            top += rows(key) as f64 * ROW_MM;
        }
        Ok(())
    }
}

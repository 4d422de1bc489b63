//! Velocities of training and of evaluation: Fig. 5b of the paper.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::distances::above_zero;
use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::drawable;
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::color_bar::ColorBar;
use crate::panels::{heat_map, note};
use crate::style::{INK, MARGIN_MM, SMALL_PT};

/// How one set of trajectories moves.
#[derive(Debug, Clone)]
pub struct VelocitySet<'a> {
    /// What it is called, in sentence case, such as "Training".
    pub name: &'a str,
    /// Share of its steps in bins of velocity: row = y component (the first row the lowest), column = x component.
    pub share: ArrayView2<'a, f64>,
    /// Width of a bin along either component, m per step; the middle of the map is velocity 0.
    pub bin_m: f64,
    /// What stands beside it, a line each: its statistics.
    pub facts: &'a [String],
}

/// Sets of trajectories beside each other.
#[derive(Debug, Clone)]
pub struct Velocities<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The sets, in the order in which they are drawn.
    pub sets: &'a [VelocitySet<'a>],
}

const FIGURE: &str = "figure of velocities";
const MAP_MM: f64 = 30.0;
const GAP_MM: f64 = 6.0;
const FACTS_GAP_MM: f64 = 3.0;
const LINE_MM: f64 = 3.1;
const COLOR_BAR_MM: f64 = 30.0;
/// Right of facts and colour bar.
const RIGHT_MM: f64 = 2.5;

/// Draws the velocities of each set as a map, the most frequent bin brightest, with its statistics beside it, to `<out_stem>.png` (600 dpi) and
/// `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no sets, a map is empty, a width is no number above 0, or a file cannot be written.
pub fn draw_velocities(input: &Velocities<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let panel = VelocityPanel::new(input.sets)?;
    let text = "Share of steps by velocity, each over its highest";
    output::write_figure(&Sheet { heading: Heading::new(input.title, text, CONTENT_MM), title: input.title, panel }, out_stem)
}

const CONTENT_MM: f64 = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;

/// The panel without its title.
pub(super) struct VelocityPanel<'a> {
    sets: &'a [VelocitySet<'a>],
}

impl<'a> VelocityPanel<'a> {
    /// Checks what is to be drawn.
    pub(super) fn new(sets: &'a [VelocitySet<'a>]) -> Result<Self, FigureError> {
        if sets.is_empty() || sets.iter().any(|set| set.share.is_empty()) {
            return Err(FigureError::Empty {
                figure: FIGURE,
                what: "velocities",
                remedy: "pass at least one set, each with at least one bin",
            });
        }
        for set in sets {
            above_zero(FIGURE, "bin_m", set.bin_m)?;
        }
        Ok(Self { sets })
    }

    fn lines(&self) -> usize {
        self.sets.len().div_ceil(2)
    }

    pub(super) fn height_mm(&self) -> f64 {
        self.lines() as f64 * (note::TITLE_MM + MAP_MM + ROOM_BELOW_MM + 1.5)
    }

    /// Draws it with its upper left corner at `left`, `top`, as wide as two journal columns.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64) -> Result<(), FigureError> {
        let block = (CONTENT_MM - GAP_MM) / 2.0;
        for (number, set) in self.sets.iter().enumerate() {
            let x = left + (number % 2) as f64 * (block + GAP_MM);
            let y = top + (number / 2) as f64 * self.height_mm() / self.lines() as f64 + note::TITLE_MM;
            let frame = RectMm { x: x + ROOM_LEFT_MM, y, width: MAP_MM, height: MAP_MM };
            let highest = set.share.iter().copied().filter(|share| drawable(*share)).fold(0.0, f64::max);
            canvas.cells(frame, &heat_map::cells(set.share, 0.0, if highest > 0.0 { highest } else { 1.0 }, Colormap::Viridis))?;
            let reach = |bins: usize| set.bin_m * bins as f64 / 2.0;
            let axis = |bins: usize, label: &str| Axis::linear(-reach(bins), reach(bins), 4, label);
            Axes { frame, x: axis(set.share.ncols(), "v_x (m/step)"), y: axis(set.share.nrows(), "v_y (m/step)") }.draw(canvas)?;
            note::title(canvas, x, frame, block, set.name)?;
            let style = TextStyle::new(SMALL_PT, INK);
            let room = x + block - RIGHT_MM - frame.right() - FACTS_GAP_MM;
            let lines = set.facts.iter().flat_map(|fact| style.wrapped(fact, room));
            for (index, line) in lines.enumerate().take(((MAP_MM - 0.5) / LINE_MM) as usize) {
                canvas.text(frame.right() + FACTS_GAP_MM, frame.y + style.cap_mm() + index as f64 * LINE_MM, &line, style)?;
            }
            let ticks = [(0.0, "0"), (1.0, "1")].map(|(place, text)| (place, text.to_owned())).to_vec();
            let bar = ColorBar { colormap: Colormap::Viridis, label: "Share / highest".to_owned(), ticks };
            let right = (frame.right() + FACTS_GAP_MM + COLOR_BAR_MM).min(x + block - RIGHT_MM);
            bar.draw(canvas, right, frame.bottom() - 0.5, COLOR_BAR_MM)?;
        }
        Ok(())
    }
}

struct Sheet<'a> {
    heading: Heading,
    title: &'a str,
    panel: VelocityPanel<'a>,
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + self.panel.height_mm())
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        self.panel.draw(canvas, MARGIN_MM, MARGIN_MM + self.heading.height_mm())
    }
}

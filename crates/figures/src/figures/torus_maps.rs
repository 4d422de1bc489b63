//! Where on the torus each unit of a module is active, and how the torus lies over the arena (Gardner et al. 2022, Fig.
//! 3).

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable, short};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::color_bar::ColorBar;
use crate::panels::legend::{self, Key};
use crate::panels::shear_map::Shear;
use crate::panels::{angle_arena, note};
use crate::style::{INK, LABEL_PT, MARGIN_MM, MUTED, NO_DATA, SMALL_PT, TINY_PT, WHITE};

/// One unit's rate on the torus.
#[derive(Debug, Clone, Copy)]
pub struct TorusUnit<'a> {
    /// The unit's number.
    pub unit: usize,
    /// Mean rate, row = bin of θ₂, column = bin of θ₁, both from 0 to 2π; NaN where no state was.
    pub map: ArrayView2<'a, f64>,
    /// θ₁, θ₂ in radians where the unit's Fourier phases put its field, drawn modulo 2π; `None` or not finite: no mark.
    pub phase_rad: Option<[f64; 2]>,
}

/// Maps of one module's units on the torus.
#[derive(Debug, Clone, Copy)]
pub struct TorusMaps<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The module's number.
    pub module: usize,
    /// The units in the order in which they are drawn, at most [`MAX_TORUS_UNITS`].
    pub units: &'a [TorusUnit<'a>],
    /// How many units the module has.
    pub unit_count: usize,
    /// The angle between the axes of θ₁ and θ₂ in degrees, 30 to 150: 60 for a hexagonal torus, 90 for a square one.
    pub angle_deg: f64,
    /// Position x, y of states in metres; may be empty. Not finite: left out.
    pub positions_m: &'a [[f64; 2]],
    /// θ₁, θ₂ of these states in radians, as many; drawn modulo 2π.
    pub thetas_rad: &'a [[f64; 2]],
    /// The unit of the rates, such as "Hz" or "arbitrary units".
    pub rate_unit: &'a str,
}

/// A sheet with more units would be longer than a page.
pub const MAX_TORUS_UNITS: usize = 42;

const FIGURE: &str = "figure of maps on the torus";
const COLUMNS: usize = 6;
const GAP_MM: f64 = 3.0;
/// Height of a map and of the line above it.
const MAP_MM: f64 = 15.5;
const NAME_MM: f64 = 2.8;
const ROW_MM: f64 = NAME_MM + MAP_MM + 3.2;
const ARENA_MM: f64 = 34.0;
const COLOR_BAR_MM: f64 = 32.0;

/// Draws a sheet of maps on the torus, each from 0 to its own highest rate and with a mark where the unit's Fourier
/// phases lie, and below it the arena coloured by θ₁ and by θ₂, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`;
/// returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no units or more than [`MAX_TORUS_UNITS`], the angle is out of range, angles are not as
/// many as positions, or a file cannot be written.
pub fn draw_torus_maps(input: &TorusMaps<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.units.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "units", remedy: "pass the map of at least one unit" });
    }
    let count = input.units.len();
    if count > MAX_TORUS_UNITS {
        let allowed = "at most 42 units; draw a selection, or several figures";
        return Err(FigureError::Range { figure: FIGURE, field: "units", value: count as f64, allowed });
    }
    if !(30.0..=150.0).contains(&input.angle_deg) {
        return Err(FigureError::Range { figure: FIGURE, field: "angle_deg", value: input.angle_deg, allowed: "30 to 150 degrees" });
    }
    if input.thetas_rad.len() != input.positions_m.len() {
        return Err(FigureError::Shape {
            figure: FIGURE,
            what: "thetas_rad".to_owned(),
            got: input.thetas_rad.len().to_string(),
            expected: input.positions_m.len().to_string(),
        });
    }
    output::write_figure(&Sheet::new(input), out_stem)
}

struct Sheet<'a> {
    heading: Heading,
    input: TorusMaps<'a>,
}

impl<'a> Sheet<'a> {
    fn new(input: &TorusMaps<'a>) -> Self {
        let shown = input.units.len();
        let all = if input.unit_count > shown { format!(" of {}", number::grouped(input.unit_count as u64)) } else { String::new() };
        let numbers = if input.rate_unit.is_empty() {
            String::new()
        } else {
            format!("; at the right of each map its highest rate ({})", input.rate_unit)
        };
        let text =
            format!("Module {}: {shown}{all} {}{numbers}", input.module, if shown == 1 && all.is_empty() { "unit" } else { "units" });
        Self { heading: Heading::new(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM), input: *input }
    }

    fn rows_mm(&self) -> f64 {
        self.input.units.len().div_ceil(COLUMNS) as f64 * ROW_MM
    }

    fn draw_unit<S: Surface>(&self, canvas: &mut Canvas<S>, cell: RectMm, unit: &TorusUnit<'_>) -> Result<(), FigureError> {
        let muted = TextStyle::new(TINY_PT, MUTED);
        let ink = TextStyle::new(TINY_PT, INK).anchored(Anchor::End);
        let highest = unit.map.iter().copied().filter(|rate| drawable(*rate)).fold(f64::NAN, f64::max);
        let place = RectMm { y: cell.y + NAME_MM, height: MAP_MM, ..cell };
        let shear = Shear::within(place, self.input.angle_deg);
        let (bounds, baseline) = (shear.bounds(), cell.y + muted.cap_mm());
        canvas.text(bounds.right(), baseline, &short(highest), ink)?;
        let room = bounds.width - ink.width_mm(&short(highest)) - 1.0;
        canvas.text(bounds.x, baseline, &muted.shortened(&format!("unit {}", unit.unit), room), muted)?;
        if highest.is_nan() {
            shear.draw_outline(canvas)?;
            return note::message(canvas, place, "No rates");
        }
        // Extreme rates are no data here, as everywhere.
        let map = unit.map.mapv(|rate| if drawable(rate) { rate } else { f64::NAN });
        shear.draw(canvas, map.view(), (0.0, highest))?;
        let Some([first, second]) = unit.phase_rad.filter(|phases| phases.iter().all(|phase| drawable(*phase))) else {
            return Ok(());
        };
        draw_mark(canvas, shear.at(first.rem_euclid(TAU) / TAU, second.rem_euclid(TAU) / TAU))
    }

    /// An empty map that says which way both angles run.
    fn draw_guide<S: Surface>(&self, canvas: &mut Canvas<S>, place: RectMm) -> Result<(), FigureError> {
        let shear = Shear::within(place, self.input.angle_deg);
        shear.draw_outline(canvas)?;
        let style = TextStyle::new(SMALL_PT, INK).anchored(Anchor::Middle);
        let below = |first: f64| {
            let (x, y) = shear.at(first, 0.0);
            (x, y + 1.0 + style.cap_mm())
        };
        for (first, text) in [(0.0, "0"), (0.5, "θ_1"), (1.0, "2π")] {
            let (x, y) = below(first);
            canvas.text(x, y, text, style)?;
        }
        let style = style.anchored(Anchor::End);
        for (second, text) in [(0.5, "θ_2"), (1.0, "2π")] {
            let (x, y) = shear.at(0.0, second);
            canvas.text(x - 1.0, y + style.cap_mm() / 2.0, text, style)?;
        }
        Ok(())
    }
}

/// A white dot with a dark rim, to be seen on every colour.
fn draw_mark<S: Surface>(canvas: &mut Canvas<S>, at: (f64, f64)) -> Result<(), FigureError> {
    canvas.disc(at, 0.75, INK)?;
    canvas.disc(at, 0.5, WHITE)
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        let below = note::TITLE_MM + ARENA_MM + ROOM_BELOW_MM;
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + note::TITLE_MM + self.rows_mm() + below)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let content = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let top = MARGIN_MM + self.heading.height_mm() + note::TITLE_MM;
        let (bold, plain) = (TextStyle::new(LABEL_PT, INK).bold(), TextStyle::new(LABEL_PT, INK));
        let title = |canvas: &mut Canvas<S>, left: f64, y: f64, letter: &str, text: &str| {
            canvas.text(left, y - note::TITLE_ABOVE_MM, letter, bold)?;
            canvas.text(left + 3.0, y - note::TITLE_ABOVE_MM, text, plain)
        };
        title(canvas, MARGIN_MM, top, "a", "Rate on the torus")?;
        let width = (content + GAP_MM) / COLUMNS as f64 - GAP_MM;
        for (index, unit) in self.input.units.iter().enumerate() {
            let (row, column) = (index / COLUMNS, index % COLUMNS);
            let cell = RectMm { x: MARGIN_MM + column as f64 * (width + GAP_MM), y: top + row as f64 * ROW_MM, width, height: ROW_MM };
            self.draw_unit(canvas, cell, unit)?;
        }
        let y = top + self.rows_mm() + note::TITLE_MM;
        for (index, letter) in ["b", "c"].into_iter().enumerate() {
            let left = MARGIN_MM + index as f64 * (ARENA_MM + ROOM_LEFT_MM + 5.0);
            title(canvas, left, y, letter, &format!("θ_{} over the arena", index + 1))?;
            let states: Vec<([f64; 2], f64)> =
                self.input.positions_m.iter().zip(self.input.thetas_rad).map(|(position, thetas)| (*position, thetas[index])).collect();
            let frame = RectMm { x: left + ROOM_LEFT_MM - 1.0, y, width: ARENA_MM, height: ARENA_MM };
            angle_arena::draw(canvas, frame, &states)?;
        }
        let right = MARGIN_MM + content - 2.0;
        let left = right - COLOR_BAR_MM - 12.0;
        self.draw_guide(canvas, RectMm { x: left + 8.0, y: y - 3.5, width: 30.0, height: 12.0 })?;
        let ticks = [(0.0, "0"), (0.5, "0.5"), (1.0, "1")].map(|(place, text)| (place, text.to_owned())).to_vec();
        let rates = ColorBar { colormap: Colormap::Viridis, label: "Rate / map's highest".to_owned(), ticks };
        rates.draw(canvas, right, y + 13.5, COLOR_BAR_MM)?;
        let turn = ColorBar { colormap: Colormap::PhaseRing, label: "θ_1, θ_2 (rad)".to_owned(), ticks: angle_arena::turn_ticks() };
        turn.draw(canvas, right, y + 22.8, COLOR_BAR_MM)?;
        let small = TextStyle::new(SMALL_PT, INK);
        let baseline = y + 33.4 + small.cap_mm();
        draw_mark(canvas, (left + 1.0, baseline - small.cap_mm() / 2.0))?;
        canvas.text(left + legend::text_start_mm(&Key::Fill(NO_DATA)), baseline, "Field by the unit's Fourier phases", small)?;
        legend::draw(canvas, left, y + 36.6, right - left, &[(Key::Fill(NO_DATA), "Not visited".to_owned())])
    }
}

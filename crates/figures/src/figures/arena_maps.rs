//! Ratemaps of some units in one arena: Figs. 5c to 5e of the paper.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::heading::Heading;
use crate::FigureError;
use crate::canvas::{Canvas, RectMm, Surface};
use crate::colormap::Colormap;
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{Page, SINGLE_COLUMN_MM};
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map::{self, HeatMapTitle};
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::{MARGIN_MM, NO_DATA};

/// A unit in an arena.
#[derive(Debug, Clone)]
pub struct ArenaUnit<'a> {
    /// The unit's index in its network.
    pub unit: usize,
    /// Its ratemap, row = y (first row lowest), column = x; NaN where not visited.
    pub ratemap: ArrayView2<'a, f64>,
}

/// Some units in one arena.
#[derive(Debug, Clone)]
pub struct ArenaMaps<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What the arena is called, such as "2 m box".
    pub arena: &'a str,
    /// The units, in the order in which they are drawn; three to a line, or more where a page has room.
    pub units: &'a [ArenaUnit<'a>],
    /// Width and height of a bin, m.
    pub bin_m: [f64; 2],
    /// The unit of rates, such as "Hz"; empty if not known.
    pub rate_unit: &'a str,
}

const FIGURE: &str = "figure of units in an arena";
/// Maps to a line of a panel that is a column wide or less.
pub(super) const COLUMNS: usize = 3;
const GAP_MM: f64 = 1.8;
const FOOTER_MM: f64 = 8.0;
const COLOR_BAR_MM: f64 = 24.0;

/// Draws the units' ratemaps, each from 0 (or its lowest rate, if that is negative) to its own peak, which stands above it, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no units, a map is empty, a length is out of range, or a file cannot be written.
pub fn draw_arena_maps(input: &ArenaMaps<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let panel = MapsPanel::new(input, COLUMNS)?;
    let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
    let heading = Heading::new(input.title, "", content);
    let keys = MapKeys::new(std::slice::from_ref(input), content);
    output::write_figure(&Sheet { heading, panel, keys }, out_stem)
}

/// What the numbers and colours of such maps mean, below all of them.
pub(super) struct MapKeys {
    keys: Vec<(Key, String)>,
    width_mm: f64,
}

impl MapKeys {
    /// Of all panels of a page, across `width_mm`.
    pub(super) fn new(panels: &[ArenaMaps<'_>], width_mm: f64) -> Self {
        let unit = panels.iter().map(|panel| panel.rate_unit).find(|unit| !unit.is_empty());
        let unit = unit.map_or_else(String::new, |unit| format!(" ({unit})"));
        let mut keys = vec![
            (Key::Label("#"), "Number of the unit".to_owned()),
            (Key::Nothing, format!("Other number above a map: its peak rate{unit}")),
        ];
        let mut rates = panels.iter().flat_map(|panel| panel.units).flat_map(|unit| unit.ratemap);
        if rates.any(|rate| !drawable(*rate)) {
            keys.push((Key::Fill(NO_DATA), "Not visited".to_owned()));
        }
        Self { keys, width_mm }
    }

    fn keys_mm(&self) -> f64 {
        self.width_mm - COLOR_BAR_MM - 6.0
    }

    pub(super) fn height_mm(&self) -> f64 {
        legend::height_mm(&self.keys, self.keys_mm()).max(color_bar::HEIGHT_MM)
    }

    /// Draws keys to the left and the colour bar to the right.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64) -> Result<(), FigureError> {
        let ticks = vec![(0.0, "0".to_owned()), (1.0, "peak".to_owned())];
        let bar = ColorBar { colormap: Colormap::Viridis, label: "Rate / own peak".to_owned(), ticks };
        bar.draw(canvas, left + self.width_mm - 2.0, top, COLOR_BAR_MM)?;
        legend::draw(canvas, left, top, self.keys_mm(), &self.keys)
    }
}

/// The panel without its title.
pub(super) struct MapsPanel<'a, 'b> {
    input: &'a ArenaMaps<'b>,
    columns: usize,
}

impl<'a, 'b> MapsPanel<'a, 'b> {
    /// Checks what is to be drawn, so many maps to a line.
    pub(super) fn new(input: &'a ArenaMaps<'b>, columns: usize) -> Result<Self, FigureError> {
        if input.units.is_empty() || input.units.iter().any(|unit| unit.ratemap.is_empty()) {
            return Err(FigureError::Empty { figure: FIGURE, what: "maps", remedy: "pass at least one unit, each with at least one bin" });
        }
        match input.bin_m.iter().find(|bin| !(bin.is_finite() && **bin > 0.0)) {
            Some(&value) => Err(FigureError::Range { figure: FIGURE, field: "bin_m", value, allowed: "a finite length above 0 m" }),
            None => Ok(Self { input, columns }),
        }
    }

    /// Extents of the arena, m.
    fn extents_m(&self) -> (f64, f64) {
        let (rows, columns) = self.input.units[0].ratemap.dim();
        (columns as f64 * self.input.bin_m[0], rows as f64 * self.input.bin_m[1])
    }

    /// Width and height of a map within this width: no side longer than its share of it.
    fn map_mm(&self, width_mm: f64) -> (f64, f64) {
        let columns = self.columns as f64;
        let side = (width_mm - (columns - 1.0) * GAP_MM) / columns;
        let (width_m, height_m) = self.extents_m();
        let longer = width_m.max(height_m);
        (side * width_m / longer, side * height_m / longer)
    }

    fn line_mm(&self, width_mm: f64) -> f64 {
        heat_map::title_mm(1) + self.map_mm(width_mm).1 + GAP_MM / 2.0
    }

    pub(super) fn height_mm(&self, width_mm: f64) -> f64 {
        self.input.units.len().div_ceil(self.columns) as f64 * self.line_mm(width_mm) + FOOTER_MM
    }

    /// Draws it with its upper left corner at `left`, `top`.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64, width_mm: f64) -> Result<(), FigureError> {
        let (width, height) = self.map_mm(width_mm);
        let step = (width_mm + GAP_MM) / self.columns as f64;
        for (number, unit) in self.input.units.iter().enumerate() {
            let (line, column) = (number / self.columns, number % self.columns);
            let y = top + line as f64 * self.line_mm(width_mm) + heat_map::title_mm(1);
            let map = RectMm { x: left + column as f64 * step, y, width, height };
            let (low, high) = heat_map::rate_range(unit.ratemap);
            let title = HeatMapTitle {
                unit: format!("#{}", unit.unit),
                stacked: false,
                score: number::short(high),
                peak: String::new(),
                significant: false,
                dead: false,
            };
            heat_map::draw(canvas, map, &heat_map::cells(unit.ratemap, low, high, Colormap::Viridis), &title)?;
        }
        let footer = top + self.height_mm(width_mm) - FOOTER_MM + 1.5;
        ScaleBar::new(self.extents_m().0, width, self.input.arena.to_owned()).draw(canvas, left, footer)
    }
}

struct Sheet<'a, 'b> {
    heading: Heading,
    panel: MapsPanel<'a, 'b>,
    keys: MapKeys,
}

impl Figure for Sheet<'_, '_> {
    fn page(&self) -> Page {
        let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let height = self.heading.height_mm() + self.panel.height_mm(content) + self.keys.height_mm();
        Page::print(SINGLE_COLUMN_MM, 2.0 * MARGIN_MM + height)
    }

    fn title(&self) -> &str {
        self.panel.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let (top, content) = (MARGIN_MM + self.heading.height_mm(), SINGLE_COLUMN_MM - 2.0 * MARGIN_MM);
        self.panel.draw(canvas, MARGIN_MM, top, content)?;
        self.keys.draw(canvas, MARGIN_MM, top + self.panel.height_mm(content))
    }
}

//! All units of several networks (as the paper's Fig. 8): a lettered block of ratemaps for each, dead units in red.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::blocks::Blocks;
use super::heading::Heading;
use super::sheet_layout::MAX_UNITS;
use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{LONG_SHEET_DPI, PRINT_DPI, Page};
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map;
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::{DEAD, MARGIN_MM, MUTED, NO_DATA, SMALL_PT, STRONG_PT};

/// One unit.
#[derive(Debug, Clone)]
pub struct RatemapUnit<'a> {
    /// Its ratemap, row = y (first row lowest), column = x; NaN where not visited. All of a block are of one size.
    pub ratemap: ArrayView2<'a, f64>,
    /// Whether it never fires: framed in red.
    pub dead: bool,
}

/// The units of one network.
#[derive(Debug, Clone)]
pub struct RatemapBlock<'a> {
    /// Its name, such as "no-capacity".
    pub name: &'a str,
    /// What was counted, in a sentence or two; takes as many lines as it needs.
    pub note: &'a str,
    /// Its units in the order in which they are drawn.
    pub units: &'a [RatemapUnit<'a>],
    /// Width and height of a bin in metres, > 0.
    pub bin_m: [f64; 2],
}

/// All units of several networks.
#[derive(Debug, Clone)]
pub struct AllRatemaps<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What all have in common, below the title; empty for none.
    pub note: &'a str,
    /// The networks, in the order of the panels a, b, ….
    pub blocks: &'a [RatemapBlock<'a>],
}

const FIGURE: &str = "figure of all ratemaps";
const GAP_MM: f64 = 0.8;
const BELOW_MM: f64 = 3.0;
const COLOR_BAR_MM: f64 = 24.0;
const MAX_MAP_MM: f64 = 12.0;
/// What blocks may take of a journal page; longer sheets are for the screen.
const PAGE_MM: f64 = 225.0;
/// Up to so many blocks are as wide as two columns, one below the other; more take one column each.
const WIDE_BLOCKS: usize = 3;

/// Draws the blocks, lettered, to `<out_stem>.png` (600 dpi; 300 of a sheet longer than a journal page) and `<out_stem>.svg`; returns the two paths. Every map runs
/// from 0 (or its lowest rate, if that is negative) to its own peak.
///
/// # Errors
///
/// [`FigureError`] if there is no block, maps of a block differ in size or are empty, there are more than [`MAX_UNITS`] of them, a length is out of range, or a file
/// cannot be written.
pub fn draw_all_ratemaps(input: &AllRatemaps<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.blocks.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "networks", remedy: "pass at least one" });
    }
    input.blocks.iter().try_for_each(check)?;
    output::write_figure(&Sheet::new(input), out_stem)
}

fn check(block: &RatemapBlock<'_>) -> Result<(), FigureError> {
    let size = |(rows, columns): (usize, usize)| format!("{rows} x {columns}");
    let shape = |what: &str, got: String, expected: String| FigureError::Shape {
        figure: FIGURE,
        what: format!("{what} of {}", block.name),
        got,
        expected,
    };
    if block.units.len() > MAX_UNITS {
        return Err(shape("the list of units", block.units.len().to_string(), format!("at most {MAX_UNITS}")));
    }
    let Some(first) = block.units.first().map(|unit| unit.ratemap.dim()) else { return Ok(()) };
    if first.0 * first.1 == 0 {
        return Err(FigureError::Empty { figure: FIGURE, what: "bins", remedy: "pass maps with at least one bin" });
    }
    if let Some(other) = block.units.iter().map(|unit| unit.ratemap.dim()).find(|dim| *dim != first) {
        return Err(shape("a ratemap", size(other), size(first)));
    }
    match block.bin_m.iter().find(|bin| !(bin.is_finite() && **bin > 0.0)) {
        Some(&value) => Err(FigureError::Range { figure: FIGURE, field: "bin_m", value, allowed: "a finite length above 0 m" }),
        None => Ok(()),
    }
}

/// A block, ready to be drawn.
struct Panel {
    heading: Heading,
    maps: Vec<(Cells, bool)>,
    /// Extents of the arena, m.
    extents_m: (f64, f64),
}

impl Panel {
    fn aspect(&self) -> f64 {
        self.extents_m.1 / self.extents_m.0
    }

    fn height_mm(&self, columns: usize, map_mm: f64) -> f64 {
        let maps = self.maps.len().div_ceil(columns) as f64 * (map_mm * self.aspect() + GAP_MM);
        // "No ratemaps" takes a line.
        self.heading.height_mm() + maps.max(3.0) + BELOW_MM
    }
}

struct Sheet {
    title: String,
    heading: Heading,
    panels: Vec<Panel>,
    blocks: Blocks,
    columns: usize,
    map_mm: f64,
    /// `None` where arenas differ in size.
    scale_bar: Option<ScaleBar>,
    keys: Vec<(Key, String)>,
}

impl Sheet {
    fn new(input: &AllRatemaps<'_>) -> Self {
        let count = input.blocks.len();
        let wide = count <= WIDE_BLOCKS;
        let blocks = if wide { Blocks::stacked(count, 0.0) } else { Blocks::new(count, 0.0) };
        let width = blocks.width_mm();
        let panels: Vec<Panel> = input.blocks.iter().enumerate().map(|(index, block)| panel(index, block, width)).collect();
        let map_mm = |columns: usize| ((width + GAP_MM) / columns as f64 - GAP_MM).min(MAX_MAP_MM);
        let tallest = |columns: usize| panels.iter().map(|panel| panel.height_mm(columns, map_mm(columns))).fold(0.0, f64::max);
        let (fewest, most) = if wide { (12, 24) } else { (8, 16) };
        // The largest maps that stay on a journal page.
        let rows = if wide { count } else { count.div_ceil(2) } as f64;
        let columns = (fewest..=most).find(|&columns| rows * tallest(columns) <= PAGE_MM).unwrap_or(most);
        let blocks = if wide { Blocks::stacked(count, tallest(columns)) } else { Blocks::new(count, tallest(columns)) };
        let drawn: Vec<&Panel> = panels.iter().filter(|panel| !panel.maps.is_empty()).collect();
        let scale_bar = drawn.first().filter(|first| drawn.iter().all(|panel| same(panel.extents_m, first.extents_m))).map(|panel| {
            let (width_m, height_m) = panel.extents_m;
            ScaleBar::new(width_m, map_mm(columns), format!("Ratemap: {} × {}", number::metres(width_m), number::metres(height_m)))
        });
        let units = || input.blocks.iter().flat_map(|block| block.units);
        let mut keys = Vec::new();
        if units().any(|unit| unit.dead) {
            keys.push((Key::Frame(DEAD), "Dead unit".to_owned()));
        }
        if units().any(|unit| unit.ratemap.iter().any(|rate| !drawable(*rate))) {
            keys.push((Key::Fill(NO_DATA), "Not visited".to_owned()));
        }
        let heading = Heading::new(input.title, input.note, blocks.content_mm());
        Self { title: input.title.to_owned(), heading, panels, blocks, columns, map_mm: map_mm(columns), scale_bar, keys }
    }

    fn draw_panel<S: Surface>(&self, canvas: &mut Canvas<S>, panel: &Panel, (x, y): (f64, f64)) -> Result<(), FigureError> {
        panel.heading.draw_at(canvas, x, y)?;
        let top = y + panel.heading.height_mm();
        if panel.maps.is_empty() {
            let style = TextStyle::new(SMALL_PT, MUTED);
            return canvas.text(x, top + style.cap_mm(), "No ratemaps", style);
        }
        let (width, height) = (self.map_mm, self.map_mm * panel.aspect());
        for (number, (cells, dead)) in panel.maps.iter().enumerate() {
            let (row, column) = (number / self.columns, number % self.columns);
            let map = RectMm { x: x + column as f64 * (width + GAP_MM), y: top + row as f64 * (height + GAP_MM), width, height };
            heat_map::draw_bare(canvas, map, cells)?;
            if *dead {
                canvas.frame(map, STRONG_PT, DEAD)?;
            }
        }
        Ok(())
    }
}

/// Equal within rounding of bins.
fn same(a: (f64, f64), b: (f64, f64)) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.max(b);
    close(a.0, b.0) && close(a.1, b.1)
}

fn panel(index: usize, block: &RatemapBlock<'_>, width: f64) -> Panel {
    let (rows, columns) = block.units.first().map_or((1, 1), |unit| unit.ratemap.dim());
    let maps = block.units.iter().map(|unit| {
        let (low, high) = heat_map::rate_range(unit.ratemap);
        (heat_map::cells(unit.ratemap, low, high, Colormap::Viridis), unit.dead)
    });
    let extents_m = if block.units.is_empty() { (1.0, 1.0) } else { (columns as f64 * block.bin_m[0], rows as f64 * block.bin_m[1]) };
    Panel { heading: Heading::lettered(index, block.name, block.note, width), maps: maps.collect(), extents_m }
}

impl Figure for Sheet {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.blocks.content_mm());
        let height_mm = 2.0 * MARGIN_MM + self.heading.height_mm() + self.blocks.height_mm() + color_bar::HEIGHT_MM + keys;
        let dpi = if self.blocks.height_mm() <= PAGE_MM { PRINT_DPI } else { LONG_SHEET_DPI };
        Page { width_mm: self.blocks.page_width_mm(), height_mm, dpi }
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        for (index, panel) in self.panels.iter().enumerate() {
            self.draw_panel(canvas, panel, self.blocks.corner(index, top))?;
        }
        let footer = top + self.blocks.height_mm();
        if let Some(scale_bar) = &self.scale_bar {
            scale_bar.draw(canvas, MARGIN_MM, footer)?;
        }
        let ticks = vec![(0.0, "0".to_owned()), (1.0, "peak".to_owned())];
        let bar = ColorBar { colormap: Colormap::Viridis, label: "Rate / own peak".to_owned(), ticks };
        bar.draw(canvas, MARGIN_MM + self.blocks.content_mm() - 2.0, footer, COLOR_BAR_MM)?;
        legend::draw(canvas, MARGIN_MM, footer + color_bar::HEIGHT_MM, self.blocks.content_mm(), &self.keys)
    }
}

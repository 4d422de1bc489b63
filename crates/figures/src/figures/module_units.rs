//! Units of each module (as the paper's Fig. 4): ratemaps with their autocorrelograms, one row per module.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::heading::{Heading, Place};
use super::module_units_footer::Footer;
use super::module_units_layout::{Block, Layout};
use crate::FigureError;
use crate::canvas::{Canvas, Cells, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::Page;
use crate::panels::heat_map::{self, HeatMapTitle};
use crate::panels::legend::Key;
use crate::panels::marker;
use crate::panels::scale_bar::ScaleBar;
use crate::style::{INK, MARGIN_MM, MUTED, NO_DATA, SMALL_PT};

/// An example unit.
#[derive(Debug, Clone)]
pub struct ModuleUnit<'a> {
    /// The unit's index in its network.
    pub unit: usize,
    /// Its ratemap, row = y (first row lowest), column = x; NaN where not visited.
    pub ratemap: ArrayView2<'a, f64>,
    /// Its autocorrelogram, row = lag along y (lowest first); all of one size. `None` leaves its place grey, or empty where no
    /// unit of the row has one.
    pub autocorrelogram: Option<ArrayView2<'a, f64>>,
    /// Its peak rate in [`ModuleUnits::rate_unit`]; NaN takes the highest rate of the map.
    pub peak_rate: f64,
}

/// A module and its example units; NaN where a number is not known.
#[derive(Debug, Clone)]
pub struct ModuleRow<'a> {
    /// The module's number, which gives its colour.
    pub module: usize,
    /// Its period in metres.
    pub period_m: f64,
    /// Standard deviation of its units' periods in metres.
    pub period_sd_m: f64,
    /// Its orientation in degrees.
    pub orientation_deg: f64,
    /// How many units it has, of which `units` are examples.
    pub unit_count: usize,
    /// The shape of its lattice, such as "hexagonal"; empty if not known.
    pub shape: &'a str,
    /// Example units, the first of which are drawn.
    pub units: &'a [ModuleUnit<'a>],
}

/// Example units of all modules.
#[derive(Debug, Clone)]
pub struct ModuleUnits<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The modules, in any order: drawn by rising period.
    pub modules: &'a [ModuleRow<'a>],
    /// Example units that belong to no module.
    pub unassigned: &'a [ModuleUnit<'a>],
    /// How many units belong to no module, of which `unassigned` are examples; 0 draws no row for them.
    pub unassigned_count: usize,
    /// The most units drawn of each module, 1 to 12; 4 in the paper.
    pub max_units: usize,
    /// Width and height of a ratemap's bin in metres, > 0.
    pub bin_m: [f64; 2],
    /// The unit of rates, such as "Hz" or "arbitrary units".
    pub rate_unit: &'a str,
}

const FIGURE: &str = "figure of modules' units";
/// What a page has below this panel.
const BELOW_ON_PAGE_MM: f64 = 75.0;

/// Draws example units of each module to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// Every map runs from 0 (or its lowest rate, if that is negative) to its own peak, which stands above it. Modules stand by
/// rising period, units without a module last. Autocorrelograms stand below their ratemaps, or to the right of all of them
/// where that leaves larger maps.
///
/// # Errors
///
/// [`FigureError`] if there is neither a module nor a unit without one, maps differ in size or are empty, a length is out of
/// range, or a file cannot be written.
pub fn draw_module_units(input: &ModuleUnits<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure, alone or on a page, of input that can be drawn.
pub(super) fn checked(input: &ModuleUnits<'_>, place: Place) -> Result<UnitMaps, FigureError> {
    if input.modules.is_empty() && input.unassigned.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "units", remedy: "pass at least one module or one unit" });
    }
    if !(1..=12).contains(&input.max_units) {
        return Err(FigureError::Range { figure: FIGURE, field: "max_units", value: input.max_units as f64, allowed: "1 to 12" });
    }
    if let Some(&value) = input.bin_m.iter().find(|&&bin| !(bin.is_finite() && bin > 0.0)) {
        return Err(FigureError::Range { figure: FIGURE, field: "bin_m", value, allowed: "a finite length above 0 m" });
    }
    check_sizes(input)?;
    Ok(UnitMaps::new(input, place))
}

/// All units that may be drawn.
fn all_units<'a>(input: &ModuleUnits<'a>) -> impl Iterator<Item = &'a ModuleUnit<'a>> {
    input.modules.iter().flat_map(|module| module.units).chain(input.unassigned)
}

fn check_sizes(input: &ModuleUnits<'_>) -> Result<(), FigureError> {
    let size = |(rows, columns): (usize, usize)| format!("{rows} x {columns}");
    let mut expected = [None, None];
    for unit in all_units(input) {
        let maps = [("a ratemap", Some(&unit.ratemap)), ("an autocorrelogram", unit.autocorrelogram.as_ref())];
        for ((what, map), expected) in maps.into_iter().zip(&mut expected) {
            let Some(map) = map else { continue };
            if map.is_empty() {
                return Err(FigureError::Empty { figure: FIGURE, what: "bins", remedy: "pass maps with at least one bin" });
            }
            let first = *expected.get_or_insert(map.dim());
            if map.dim() != first {
                let what = format!("{what} of unit {}", unit.unit);
                return Err(FigureError::Shape { figure: FIGURE, what, got: size(map.dim()), expected: size(first) });
            }
        }
    }
    Ok(())
}

/// A unit, ready to be drawn.
struct Panel {
    unit: String,
    peak: String,
    rates: Cells,
    correlations: Option<Cells>,
}

/// A module's row, or that of units without one.
struct Row {
    module: Option<usize>,
    title: Vec<String>,
    panels: Vec<Panel>,
}

impl Row {
    fn has_autocorrelograms(&self) -> bool {
        self.panels.iter().any(|panel| panel.correlations.is_some())
    }
}

pub(super) struct UnitMaps {
    heading: Heading,
    title: String,
    rows: Vec<Row>,
    layout: Layout,
    /// Whether units stand above their peak rates for lack of width.
    stacked: bool,
    footer: Footer,
}

fn title_style() -> TextStyle {
    TextStyle::new(SMALL_PT, INK).bold()
}

/// "period 0.52 ± 0.01 m, orientation 12°, 37 units, hexagonal", without what is not known.
fn module_text(module: &ModuleRow<'_>) -> String {
    let mut parts = Vec::new();
    if drawable(module.period_m) {
        let spread = module.period_sd_m;
        parts.push(if !drawable(spread) {
            format!("period {:.2} m", module.period_m)
        } else if spread < 0.005 {
            format!("period {:.3} ± {spread:.3} m", module.period_m)
        } else {
            format!("period {:.2} ± {spread:.2} m", module.period_m)
        });
    } else {
        parts.push("period unknown".to_owned());
    }
    if drawable(module.orientation_deg) {
        parts.push(format!("orientation {}°", number::signed(module.orientation_deg, 0)));
    }
    parts.push(number::units(module.unit_count));
    if !module.shape.is_empty() {
        parts.push(module.shape.to_owned());
    }
    format!("Module {}: {}", module.module, parts.join(", "))
}

fn panel(unit: &ModuleUnit<'_>) -> Panel {
    let (low, high) = heat_map::rate_range(unit.ratemap);
    let visited = unit.ratemap.iter().any(|rate| drawable(*rate));
    let peak = if drawable(unit.peak_rate) {
        unit.peak_rate
    } else if visited {
        high
    } else {
        f64::NAN
    };
    Panel {
        unit: format!("#{}", unit.unit),
        peak: number::short(peak),
        rates: heat_map::cells(unit.ratemap, low, high, Colormap::Viridis),
        correlations: unit.autocorrelogram.map(|map| heat_map::cells(map, -1.0, 1.0, Colormap::BlueWhiteRed)),
    }
}

fn panel_title(panel: &Panel, stacked: bool) -> HeatMapTitle {
    let (unit, score) = (panel.unit.clone(), panel.peak.clone());
    HeatMapTitle { unit, stacked, score, peak: String::new(), significant: true, dead: false }
}

impl UnitMaps {
    fn new(input: &ModuleUnits<'_>, place: Place) -> Self {
        let panels = |units: &[ModuleUnit<'_>]| units.iter().take(input.max_units).map(panel).collect();
        let mut modules: Vec<&ModuleRow<'_>> = input.modules.iter().collect();
        let period = |module: &ModuleRow<'_>| if module.period_m.is_nan() { f64::INFINITY } else { module.period_m };
        modules.sort_by(|a, b| period(a).total_cmp(&period(b)).then(a.module.cmp(&b.module)));
        let mut texts: Vec<String> = modules.iter().map(|module| module_text(module)).collect();
        let mut rows: Vec<Row> =
            modules.iter().map(|module| Row { module: Some(module.module), title: Vec::new(), panels: panels(module.units) }).collect();
        if input.unassigned_count > 0 || !input.unassigned.is_empty() {
            let count = input.unassigned_count.max(input.unassigned.len());
            let start = if modules.is_empty() { "No modules" } else { "In no module" };
            texts.push(format!("{start}: {}", number::units(count)));
            rows.push(Row { module: None, title: Vec::new(), panels: panels(input.unassigned) });
        }
        let size = all_units(input).next().map_or((1, 1), |unit| unit.ratemap.dim());
        let (width_m, height_m) = (size.1 as f64 * input.bin_m[0], size.0 as f64 * input.bin_m[1]);
        let mut block = Block {
            columns: rows.iter().map(|row| row.panels.len()).max().unwrap_or(0).max(1),
            rows: rows.len(),
            aspect: height_m / width_m,
            map_lines: 1,
            autocorrelograms: rows.iter().flat_map(|row| &row.panels).any(|panel| panel.correlations.is_some()),
        };
        let title_lines = |width: f64| texts.iter().map(|text| title_style().wrapped(text, width)).collect::<Vec<_>>();
        let most_lines = |width: f64| title_lines(width).iter().map(Vec::len).max().unwrap_or(1);
        let lay_out = |block: Block| match place {
            Place::Alone => Layout::new(block, most_lines),
            Place::Panel(..) => Layout::across(block, BELOW_ON_PAGE_MM, most_lines),
        };
        let mut layout = lay_out(block);
        let panels = || rows.iter().flat_map(|row| &row.panels);
        let stacked = !panels().all(|panel| heat_map::has_room_for_unit(layout.map_width_mm, &panel_title(panel, false)));
        if stacked {
            block.map_lines = 2;
            layout = lay_out(block);
        }
        for (row, title) in rows.iter_mut().zip(title_lines(layout.title_mm())) {
            row.title = title;
        }
        let drawn = rows.iter().any(|row| !row.panels.is_empty());
        let note = format!("Ratemap: {} × {}", number::metres(width_m), number::metres(height_m));
        let mut scale_bars: Vec<ScaleBar> = drawn.then(|| ScaleBar::new(width_m, layout.map_width_mm, note)).into_iter().collect();
        if let Some((rows, columns)) = all_units(input).find_map(|unit| unit.autocorrelogram.map(|map| map.dim())).filter(|_| drawn) {
            let (width_m, height_m) = (columns as f64 * input.bin_m[0], rows as f64 * input.bin_m[1]);
            let note = format!("Autocorrelogram: lags over {} × {}", number::metres(width_m), number::metres(height_m));
            scale_bars.push(ScaleBar::new(width_m, layout.map_width_mm, note));
        }
        let unit = if input.rate_unit.is_empty() { "unit not given" } else { input.rate_unit };
        let mut keys =
            vec![(Key::Label("#"), "Number of the unit".to_owned()), (Key::Nothing, format!("Bold above a map: its peak rate ({unit})"))];
        if all_units(input).any(|unit| unit.ratemap.iter().any(|rate| !drawable(*rate)))
            || (block.autocorrelograms
                && all_units(input).any(|unit| unit.autocorrelogram.is_none_or(|map| map.iter().any(|r| r.is_nan()))))
        {
            keys.push((Key::Fill(NO_DATA), "No data".to_owned()));
        }
        let heading = place.heading(input.title, "", layout.content_mm());
        Self {
            heading,
            title: input.title.to_owned(),
            rows,
            layout,
            stacked,
            footer: Footer { scale_bars, keys, correlations: block.autocorrelograms, content_mm: layout.content_mm() },
        }
    }

    /// Height of all rows; the last one takes no room for autocorrelograms that it lacks.
    fn rows_mm(&self) -> f64 {
        let lacking = self.rows.last().is_some_and(|row| !row.has_autocorrelograms());
        self.rows.len() as f64 * self.layout.row_mm() - if lacking { self.layout.lags_mm() } else { 0.0 }
    }

    fn draw_row<S: Surface>(&self, canvas: &mut Canvas<S>, row: &Row, top: f64) -> Result<(), FigureError> {
        let style = title_style();
        marker::draw(canvas, (MARGIN_MM + 1.0, top + style.cap_mm() / 2.0 + 0.2), 0.85, row.module)?;
        for (index, line) in row.title.iter().enumerate() {
            canvas.text(MARGIN_MM + Layout::KEY_MM, top + 0.2 + style.cap_mm() + index as f64 * Layout::TITLE_LINE_MM, line, style)?;
        }
        if row.panels.is_empty() {
            let style = TextStyle::new(SMALL_PT, MUTED);
            let top = top + self.layout.title_height_mm() + 2.0;
            return canvas.text(MARGIN_MM + Layout::KEY_MM, top + style.cap_mm(), "No units given to draw", style);
        }
        let nothing = || Cells { rows: 1, columns: 1, levels: vec![crate::colormap::NO_DATA_LEVEL], palette: Colormap::Viridis.palette() };
        for (column, panel) in row.panels.iter().enumerate() {
            let (map, lags) = self.layout.maps(column, top);
            heat_map::draw(canvas, map, &panel.rates, &panel_title(panel, self.stacked))?;
            if let Some(lags) = lags.filter(|_| row.has_autocorrelograms()) {
                heat_map::draw_bare(canvas, lags, panel.correlations.as_ref().unwrap_or(&nothing()))?;
            }
        }
        Ok(())
    }
}

impl Figure for UnitMaps {
    fn page(&self) -> Page {
        let rows = self.rows_mm();
        Page::print(self.layout.page_width_mm, 2.0 * MARGIN_MM + self.heading.height_mm() + rows + self.footer.height_mm())
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        for (index, row) in self.rows.iter().enumerate() {
            self.draw_row(canvas, row, top + index as f64 * self.layout.row_mm())?;
        }
        self.footer.draw(canvas, top + self.rows_mm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_what_is_known() {
        let module = |period_m, period_sd_m, orientation_deg| ModuleRow {
            module: 0,
            period_m,
            period_sd_m,
            orientation_deg,
            unit_count: 37,
            shape: "hexagonal",
            units: &[],
        };
        assert_eq!(module_text(&module(0.52, 0.01, 12.2)), "Module 0: period 0.52 ± 0.01 m, orientation 12°, 37 units, hexagonal");
        assert_eq!(module_text(&module(0.52, 0.003, f64::NAN)), "Module 0: period 0.520 ± 0.003 m, 37 units, hexagonal");
        assert_eq!(module_text(&module(f64::NAN, f64::NAN, f64::NAN)), "Module 0: period unknown, 37 units, hexagonal");
    }
}

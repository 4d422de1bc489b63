//! Sheets of maps: one small map per unit, in the order of the scores.

use ndarray::ArrayView2;

use super::heading::{Heading, capitalized};
use super::sheet_layout::{MAX_UNITS, PAGE_MM, SheetLayout};
use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface, TextStyle};
use crate::number::{self, drawable, percent};
use crate::output::Figure;
use crate::page::Page;
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map::{self, HeatMapTitle};
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::{DEAD, INK, MARGIN_MM, NO_DATA, SMALL_PT};

/// One unit's map with what is known about it.
#[derive(Debug, Clone)]
pub struct UnitPanel<'a> {
    /// The unit's index in its network.
    pub unit: usize,
    /// Its map, row = y (first row lowest), column = x; NaN where there are no data.
    pub map: ArrayView2<'a, f64>,
    /// Its score, `None` (or not finite) where undefined.
    pub score: Option<f64>,
    /// Whether the score is above the unit's own null at [`UnitSheet::null_level`].
    pub significant: bool,
    /// Whether the unit never fires: listed below the maps, or marked in red and put last; see [`SheetOptions`].
    pub dead: bool,
    /// Its class, such as "grid" or "band", empty if there is none; the legend counts each class's significant units.
    pub class: &'a str,
}

/// A sheet of maps of the same size.
#[derive(Debug, Clone)]
pub struct UnitSheet<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The units, in any order, 1 to [`MAX_UNITS`].
    pub panels: &'a [UnitPanel<'a>],
    /// Width and height of a bin in metres, > 0.
    pub bin_m: [f64; 2],
    /// What the score is called, such as "grid score (sargolini)".
    pub score_name: &'a str,
    /// The quantile of a unit's own null above which it counts as significant, in (0, 1), usually 0.99.
    pub null_level: f64,
}

/// What a sheet shows beside maps and scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetOptions<'a> {
    /// The unit of rates, such as "Hz": if given, each ratemap's peak rate stands above it.
    pub peak_rate_unit: Option<&'a str>,
    /// Whether dead units are listed in one line of the legend instead of taking a panel each.
    pub list_dead_units: bool,
}

impl Default for SheetOptions<'_> {
    /// No peak rates; dead units in one line.
    fn default() -> Self {
        Self { peak_rate_unit: None, list_dead_units: true }
    }
}

/// How a kind of sheet colours its maps.
pub(super) struct Coloring {
    pub(super) cells: Vec<Cells>,
    pub(super) bar: ColorBar,
    pub(super) no_data: &'static str,
    /// What stands before the size of a panel.
    pub(super) size_note: &'static str,
    /// Whether the maps hold rates.
    pub(super) rates: bool,
}

/// A sheet, checked, in the order in which it is drawn.
pub(super) struct Sheet<'a> {
    title: String,
    heading: Heading,
    panels: Vec<&'a UnitPanel<'a>>,
    coloring: Coloring,
    layout: SheetLayout,
    scale_bar: ScaleBar,
    keys: Vec<(Key, String)>,
    numbers: Numbers,
    peaks: bool,
}

/// Where units' numbers stand, the same for all maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Left of the score.
    Beside,
    /// Above the score, where maps are narrow.
    Above,
    /// Nowhere, for lack of room.
    Absent,
}

const FOOTER_GAP_MM: f64 = 1.0;
const COLOR_BAR_MM: f64 = 32.0;

/// Checks sizes and ranges, so that drawing cannot fail on the input.
pub(super) fn check(sheet: &UnitSheet<'_>, figure: &'static str) -> Result<(), FigureError> {
    let Some(first) = sheet.panels.first() else {
        return Err(FigureError::Empty { figure, what: "units", remedy: "pass at least one unit" });
    };
    if sheet.panels.len() > MAX_UNITS {
        let (got, expected) = (sheet.panels.len().to_string(), format!("at most {MAX_UNITS}"));
        return Err(FigureError::Shape { figure, what: "a list of units".to_owned(), got, expected });
    }
    if first.map.is_empty() {
        return Err(FigureError::Empty { figure, what: "bins", remedy: "pass maps with at least one bin" });
    }
    let size = |map: &ArrayView2<'_, f64>| format!("{} x {}", map.nrows(), map.ncols());
    if let Some(other) = sheet.panels.iter().find(|panel| panel.map.dim() != first.map.dim()) {
        let what = format!("a map of unit {}", other.unit);
        return Err(FigureError::Shape { figure, what, got: size(&other.map), expected: size(&first.map) });
    }
    if let Some(&value) = sheet.bin_m.iter().find(|&&bin| !(bin.is_finite() && bin > 0.0)) {
        return Err(FigureError::Range { figure, field: "bin_m", value, allowed: "a finite length above 0 m" });
    }
    if !(sheet.null_level > 0.0 && sheet.null_level < 1.0) {
        return Err(FigureError::Range { figure, field: "null_level", value: sheet.null_level, allowed: "0 < null_level < 1" });
    }
    Ok(())
}

/// The units that take a panel, in the order in which they are drawn.
pub(super) fn shown<'a>(panels: &'a [UnitPanel<'a>], options: &SheetOptions<'_>) -> Vec<&'a UnitPanel<'a>> {
    sorted(panels).into_iter().filter(|panel| !(panel.dead && options.list_dead_units)).collect()
}

/// Living units by falling score, then those without a score, then dead ones; equal ones by index.
fn sorted<'a>(panels: &'a [UnitPanel<'a>]) -> Vec<&'a UnitPanel<'a>> {
    let mut sorted: Vec<_> = panels.iter().collect();
    sorted.sort_by(|a, b| a.dead.cmp(&b.dead).then_with(|| score(b).total_cmp(&score(a))).then_with(|| a.unit.cmp(&b.unit)));
    sorted
}

fn score(panel: &UnitPanel<'_>) -> f64 {
    defined_score(panel).unwrap_or(f64::NEG_INFINITY)
}

fn defined_score(panel: &UnitPanel<'_>) -> Option<f64> {
    panel.score.filter(|score| drawable(*score))
}

/// "71 of 72 grid, 0 of 3 band": significant units of each class, the largest class first, then by name.
fn significant_by_class(panels: &[&UnitPanel<'_>]) -> String {
    let mut counts: Vec<(&str, usize, usize)> = Vec::new();
    for panel in panels.iter().filter(|panel| !panel.class.is_empty() && !panel.dead) {
        let at = counts.iter().position(|(name, ..)| *name == panel.class).unwrap_or_else(|| {
            counts.push((panel.class, 0, 0));
            counts.len() - 1
        });
        counts[at].1 += usize::from(is_starred(panel));
        counts[at].2 += 1;
    }
    counts.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(b.0)));
    counts.iter().map(|(class, significant, count)| format!("{significant} of {count} {class}")).collect::<Vec<_>>().join(", ")
}

fn is_starred(panel: &UnitPanel<'_>) -> bool {
    panel.significant && !panel.dead && defined_score(panel).is_some()
}

/// "24 dead units: 3, 7, …" with as many numbers as fit.
fn dead_units(panels: &[UnitPanel<'_>], width_mm: f64) -> Option<String> {
    let mut dead: Vec<usize> = panels.iter().filter(|panel| panel.dead).map(|panel| panel.unit).collect();
    dead.sort_unstable();
    if dead.is_empty() {
        return None;
    }
    let style = TextStyle::new(SMALL_PT, INK);
    let mut text = format!("{} dead {}:", number::grouped(dead.len() as u64), if dead.len() == 1 { "unit" } else { "units" });
    for (index, unit) in dead.iter().enumerate() {
        let last = index + 1 == dead.len();
        let longer = format!("{text} {unit}{}", if last { "" } else { "," });
        if style.width_mm(&format!("{longer}{}", if last { "" } else { " …" })) > width_mm {
            text.push_str(" …");
            break;
        }
        text = longer;
    }
    Some(text)
}

impl<'a> Sheet<'a> {
    /// Lays out a checked sheet; `coloring` is in the order of `panels`.
    pub(super) fn new(input: &UnitSheet<'_>, panels: Vec<&'a UnitPanel<'a>>, coloring: Coloring, options: &SheetOptions<'_>) -> Self {
        let (rows, columns) = input.panels[0].map.dim();
        let (width_m, height_m) = (columns as f64 * input.bin_m[0], rows as f64 * input.bin_m[1]);
        let peak_unit = options.peak_rate_unit.filter(|_| coloring.rates);
        let (layout, numbers) = lay_out(&panels, height_m / width_m, usize::from(peak_unit.is_some()));
        let note = format!("{} {} × {}", coloring.size_note, number::metres(width_m), number::metres(height_m));
        let scale_bar = ScaleBar::new(width_m, layout.map_width_mm, note);
        let mut keys = Vec::new();
        if numbers != Numbers::Absent && !panels.is_empty() {
            keys.push((Key::Label("#"), "Number of the unit".to_owned()));
        }
        if let Some(unit) = peak_unit {
            let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
            keys.push((Key::Nothing, format!("Below the score: peak rate{unit}")));
        }
        let classes = significant_by_class(&panels);
        if !classes.is_empty() || panels.iter().any(|panel| is_starred(panel)) {
            let verdict = format!("{} above own {} null", capitalized(input.score_name), percent(input.null_level));
            keys.push((Key::Word("*"), if classes.is_empty() { verdict } else { format!("{verdict}: {classes}") }));
        }
        if panels.iter().any(|panel| !panel.dead && defined_score(panel).is_none()) {
            keys.push((Key::Word("–"), "Score undefined".to_owned()));
        }
        if panels.iter().any(|panel| panel.dead) {
            keys.push((Key::Frame(DEAD), "Dead unit".to_owned()));
        }
        if panels.iter().any(|panel| panel.map.iter().any(|value| !value.is_finite())) {
            keys.push((Key::Fill(NO_DATA), coloring.no_data.to_owned()));
        }
        if options.list_dead_units {
            let room = layout.page_width_mm - 2.0 * MARGIN_MM - legend::text_start_mm(&Key::Nothing);
            keys.extend(dead_units(input.panels, room).map(|text| (Key::Nothing, text)));
        }
        let subtitle = match panels.len() {
            0 => "No active units".to_owned(),
            1 => "1 unit".to_owned(),
            count => format!("{} units sorted by {}", number::grouped(count as u64), input.score_name),
        };
        let peaks = peak_unit.is_some();
        let heading = Heading::new(input.title, &subtitle, layout.page_width_mm - 2.0 * MARGIN_MM);
        Self { title: input.title.to_owned(), heading, panels, coloring, layout, scale_bar, keys, numbers, peaks }
    }

    fn content_mm(&self) -> f64 {
        self.layout.page_width_mm - 2.0 * MARGIN_MM
    }
}

/// The layout, with units' numbers beside the scores, above them, or nowhere; `more_lines` stand below the scores.
fn lay_out(panels: &[&UnitPanel<'_>], aspect: f64, more_lines: usize) -> (SheetLayout, Numbers) {
    let one = SheetLayout::new(panels.len(), aspect, heat_map::title_mm(1 + more_lines));
    let title = |panel: &UnitPanel<'_>| panel_title(panel, Numbers::Beside, false);
    if panels.iter().all(|panel| heat_map::has_room_for_unit(one.map_width_mm, &title(panel))) {
        return (one, Numbers::Beside);
    }
    let two = SheetLayout::new(panels.len(), aspect, heat_map::title_mm(2 + more_lines));
    let fits = |panel: &UnitPanel<'_>| heat_map::stacked_mm(&title(panel)) <= two.title_width_mm();
    if two.height_mm() <= PAGE_MM && panels.iter().all(|panel| fits(panel)) { (two, Numbers::Above) } else { (one, Numbers::Absent) }
}

fn panel_title(panel: &UnitPanel<'_>, numbers: Numbers, peaks: bool) -> HeatMapTitle {
    let score = match (panel.dead, defined_score(panel)) {
        (true, _) => "dead".to_owned(),
        (false, Some(score)) if panel.significant => format!("{}*", number::signed(score, 2)),
        (false, Some(score)) => number::signed(score, 2),
        (false, None) => "–".to_owned(),
    };
    let significant = panel.significant && defined_score(panel).is_some();
    let unit = if numbers == Numbers::Absent { String::new() } else { format!("#{}", panel.unit) };
    let highest = panel.map.iter().copied().filter(|rate| drawable(*rate)).fold(f64::NAN, f64::max);
    let peak = if peaks { number::short(highest) } else { String::new() };
    HeatMapTitle { unit, stacked: numbers == Numbers::Above, score, peak, significant, dead: panel.dead }
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.content_mm());
        let maps = self.heading.height_mm() + self.layout.height_mm();
        let height_mm = MARGIN_MM + maps + FOOTER_GAP_MM + color_bar::HEIGHT_MM + keys + MARGIN_MM;
        Page { width_mm: self.layout.page_width_mm, height_mm, dpi: self.layout.dpi }
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let width = self.content_mm();
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        for (index, (panel, cells)) in self.panels.iter().zip(&self.coloring.cells).enumerate() {
            let (x, y) = self.layout.corner(index);
            let map = RectMm { x, y: top + y, width: self.layout.map_width_mm, height: self.layout.map_height_mm };
            heat_map::draw(canvas, map, cells, &panel_title(panel, self.numbers, self.peaks))?;
        }
        let footer = top + self.layout.height_mm() + FOOTER_GAP_MM;
        self.scale_bar.draw(canvas, MARGIN_MM, footer)?;
        self.coloring.bar.draw(canvas, self.layout.page_width_mm - MARGIN_MM, footer, COLOR_BAR_MM)?;
        legend::draw(canvas, MARGIN_MM, footer + color_bar::HEIGHT_MM, width, &self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn units_stand_by_falling_score_with_dead_ones_last() {
        let map = Array2::<f64>::zeros((2, 2));
        let unit = |unit, score, dead| UnitPanel { unit, map: map.view(), score, significant: false, dead, class: "" };
        let panels = [
            unit(0, Some(2.0), true),
            unit(1, None, false),
            unit(2, Some(0.5), false),
            unit(3, Some(1.5), false),
            unit(4, Some(f64::NAN), false),
            unit(5, Some(0.5), false),
        ];
        let order: Vec<_> = sorted(&panels).iter().map(|panel| panel.unit).collect();
        assert_eq!(order, [3, 2, 5, 1, 4, 0]);
        assert_eq!(panel_title(&panels[0], Numbers::Beside, false).score, "dead");
        let lists = SheetOptions::default();
        assert!(shown(&panels, &lists).iter().all(|panel| !panel.dead));
        assert_eq!(dead_units(&panels, 50.0).as_deref(), Some("1 dead unit: 0"));
        assert_eq!(panel_title(&panels[4], Numbers::Beside, false).score, "–");
    }

    #[test]
    fn dead_units_take_one_line() {
        let map = Array2::<f64>::zeros((2, 2));
        let panels: Vec<_> = (0..300)
            .map(|unit| UnitPanel { unit, map: map.view(), score: None, significant: false, dead: unit % 3 == 0, class: "" })
            .collect();
        let style = TextStyle::new(SMALL_PT, INK);
        for width in [40.0, 77.0, 172.0] {
            let text = dead_units(&panels, width).expect("there are dead units");
            assert!(text.starts_with("100 dead units: 0, 3, ") && text.ends_with(", …") && style.width_mm(&text) <= width, "{text}");
        }
        assert!(dead_units(&panels[1..2], 40.0).is_none());
    }

    #[test]
    fn stars_and_classes_are_counted_together() {
        let map = Array2::<f64>::zeros((2, 2));
        let unit = |significant, score, class| UnitPanel { unit: 0, map: map.view(), score, significant, dead: false, class };
        let panels =
            [unit(true, Some(1.0), "grid"), unit(true, None, "grid"), unit(false, Some(0.1), "band"), unit(true, Some(0.1), "grid")];
        assert_eq!(significant_by_class(&panels.iter().collect::<Vec<_>>()), "2 of 3 grid, 0 of 1 band");
    }
}

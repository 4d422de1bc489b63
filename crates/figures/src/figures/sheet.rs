//! Sheets of maps: one small map per unit, in the order of the scores.

use ndarray::ArrayView2;

use super::sheet_layout::{MAX_UNITS, SheetLayout};
use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface, TextStyle};
use crate::number::{self, drawable, percent};
use crate::output::Figure;
use crate::page::Page;
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map::{self, HeatMapTitle};
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::{DEAD, INK, MARGIN_MM, MUTED, NO_DATA, SMALL_PT, TITLE_PT};

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
    /// Whether the unit never fires: marked in red and put last.
    pub dead: bool,
    /// Its class, such as "grid" or "band"; counted in the subtitle, empty if there is none.
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

/// How a kind of sheet colours its maps.
pub(super) struct Coloring {
    pub(super) cells: Vec<Cells>,
    pub(super) bar: ColorBar,
    pub(super) no_data: &'static str,
}

/// A sheet, checked, in the order in which it is drawn.
pub(super) struct Sheet<'a> {
    title: String,
    subtitle: String,
    panels: Vec<&'a UnitPanel<'a>>,
    coloring: Coloring,
    layout: SheetLayout,
    scale_bar: ScaleBar,
    keys: Vec<(Key, String)>,
    /// Whether every map has room for its unit's number; if not, none shows it.
    numbered: bool,
}

const HEADER_MM: f64 = 8.0;
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

/// Living units by falling score, then those without a score, then dead ones; equal ones by index.
pub(super) fn sorted<'a>(panels: &'a [UnitPanel<'a>]) -> Vec<&'a UnitPanel<'a>> {
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

/// "grid 71, band 3, dead 10": most first, then by name.
fn class_counts(panels: &[UnitPanel<'_>]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for class in panels.iter().map(|panel| panel.class).filter(|class| !class.is_empty()) {
        match counts.iter_mut().find(|(name, _)| *name == class) {
            Some((_, count)) => *count += 1,
            None => counts.push((class, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    counts.iter().map(|(class, count)| format!("{class} {count}")).collect::<Vec<_>>().join(", ")
}

impl<'a> Sheet<'a> {
    /// Lays out a checked sheet; `coloring` is in the order of `panels`.
    pub(super) fn new(input: &UnitSheet<'_>, panels: Vec<&'a UnitPanel<'a>>, coloring: Coloring, size_note: &str) -> Self {
        let (rows, columns) = panels[0].map.dim();
        let (width_m, height_m) = (columns as f64 * input.bin_m[0], rows as f64 * input.bin_m[1]);
        let layout = SheetLayout::new(panels.len(), height_m / width_m);
        let note = format!("{size_note} {} × {}", number::metres(width_m), number::metres(height_m));
        let scale_bar = ScaleBar::new(width_m, layout.map_width_mm, note);
        let mut keys = Vec::new();
        let numbered = panels.iter().all(|panel| heat_map::has_room_for_unit(layout.map_width_mm, &panel_title(panel, true)));
        if numbered {
            keys.push((Key::Label("#7"), "Unit number".to_owned()));
        }
        if panels.iter().any(|panel| panel.significant && !panel.dead && panel.score.is_some()) {
            keys.push((Key::Word("1.23*"), format!("Score above own {} null", percent(input.null_level))));
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
        let count = panels.len();
        let units = if count == 1 {
            "1 unit".to_owned()
        } else {
            format!("{} units sorted by {}", number::grouped(count as u64), input.score_name)
        };
        let classes = class_counts(input.panels);
        let subtitle = if classes.is_empty() { units } else { format!("{units}: {classes}") };
        Self { title: input.title.to_owned(), subtitle, panels, coloring, layout, scale_bar, keys, numbered }
    }

    fn content_mm(&self) -> f64 {
        self.layout.page_width_mm - 2.0 * MARGIN_MM
    }
}

fn panel_title(panel: &UnitPanel<'_>, numbered: bool) -> HeatMapTitle {
    let score = match (panel.dead, defined_score(panel)) {
        (true, _) => "dead".to_owned(),
        (false, Some(score)) if panel.significant => format!("{}*", number::signed(score, 2)),
        (false, Some(score)) => number::signed(score, 2),
        (false, None) => "–".to_owned(),
    };
    let significant = panel.significant && defined_score(panel).is_some();
    let unit = if numbered { format!("#{}", panel.unit) } else { String::new() };
    HeatMapTitle { unit, score, significant, dead: panel.dead }
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.content_mm());
        let height_mm = MARGIN_MM + HEADER_MM + self.layout.height_mm() + FOOTER_GAP_MM + color_bar::HEIGHT_MM + keys + MARGIN_MM;
        Page { width_mm: self.layout.page_width_mm, height_mm, dpi: self.layout.dpi }
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let width = self.content_mm();
        let title = TextStyle::new(TITLE_PT, INK).bold();
        let subtitle = TextStyle::new(SMALL_PT, MUTED);
        canvas.text(MARGIN_MM, MARGIN_MM + title.cap_mm(), &title.shortened(&self.title, width), title)?;
        canvas.text(
            MARGIN_MM,
            MARGIN_MM + title.cap_mm() + 1.4 + subtitle.cap_mm(),
            &subtitle.shortened(&self.subtitle, width),
            subtitle,
        )?;
        let top = MARGIN_MM + HEADER_MM;
        for (index, (panel, cells)) in self.panels.iter().zip(&self.coloring.cells).enumerate() {
            let (x, y) = self.layout.corner(index);
            let map = RectMm { x, y: top + y, width: self.layout.map_width_mm, height: self.layout.map_height_mm };
            heat_map::draw(canvas, map, cells, &panel_title(panel, self.numbered))?;
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
        assert_eq!(panel_title(&panels[0], true).score, "dead");
        assert_eq!(panel_title(&panels[4], true).score, "–");
    }
}

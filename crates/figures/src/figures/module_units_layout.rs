//! Where the maps of modules' units stand.

use crate::canvas::RectMm;
use crate::page::{DOUBLE_COLUMN_MM, SINGLE_COLUMN_MM};
use crate::panels::heat_map::title_mm;
use crate::style::MARGIN_MM;

/// What is to be placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Block {
    /// Maps of the longest row.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// A map's height over its width.
    pub(super) aspect: f64,
    pub(super) autocorrelograms: bool,
    /// Lines above each map.
    pub(super) map_lines: usize,
}

/// Where autocorrelograms stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lags {
    Absent,
    Below,
    Beside,
}

/// Places in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    pub(super) page_width_mm: f64,
    pub(super) map_width_mm: f64,
    map_height_mm: f64,
    columns: usize,
    title_lines: usize,
    map_lines: usize,
    lags: Lags,
}

const MAX_MAP_MM: f64 = 20.0;
const MIN_MAP_MM: f64 = 6.0;
/// From this size on maps are large enough for one column.
const GOOD_MAP_MM: f64 = 13.0;
/// What rows of a journal page and of one column may take.
const HEIGHTS_MM: [(f64, f64); 2] = [(SINGLE_COLUMN_MM, 165.0), (DOUBLE_COLUMN_MM, 215.0)];
const GAP_MM: f64 = 1.2;
const ROW_GAP_MM: f64 = 2.2;
/// Between ratemaps and the autocorrelograms beside them.
const GROUP_GAP_MM: f64 = 4.0;

impl Layout {
    /// Room for the marker before a row's title.
    pub(super) const KEY_MM: f64 = 3.0;
    pub(super) const TITLE_LINE_MM: f64 = 3.0;
    pub(super) const COLOR_BAR_MM: f64 = 17.0;

    /// The layout in one column, if its maps are large enough, or else the one with the largest maps. `title_lines` tells
    /// how many lines the longest title takes in a width.
    pub(super) fn new(block: Block, title_lines: impl Fn(f64) -> usize) -> Self {
        let options: &[Lags] = if block.autocorrelograms { &[Lags::Below, Lags::Beside] } else { &[Lags::Absent] };
        let mut best: Option<Self> = None;
        for (page_width_mm, height_mm) in HEIGHTS_MM {
            if best.is_some_and(|layout| layout.map_width_mm.max(layout.map_height_mm) >= GOOD_MAP_MM) {
                break;
            }
            for &lags in options {
                let lines = title_lines(page_width_mm - 2.0 * MARGIN_MM - Self::KEY_MM);
                let layout = Self::with(block, page_width_mm, height_mm, lags, lines);
                // Beside is shorter, so it may be a little smaller.
                let weight = if lags == Lags::Beside { 1.25 } else { 1.0 };
                if best.is_none_or(|best| weight * layout.map_width_mm > best.map_width_mm + 1e-9) {
                    best = Some(layout);
                }
            }
        }
        best.unwrap_or_else(|| Self::with(block, DOUBLE_COLUMN_MM, HEIGHTS_MM[1].1, options[0], 1))
    }

    /// The layout across a page on which other panels take `less_mm` of its height: autocorrelograms beside ratemaps.
    pub(super) fn across(block: Block, less_mm: f64, title_lines: impl Fn(f64) -> usize) -> Self {
        let lines = title_lines(DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM - Self::KEY_MM);
        let lags = if block.autocorrelograms { Lags::Beside } else { Lags::Absent };
        Self::with(block, DOUBLE_COLUMN_MM, HEIGHTS_MM[1].1 - less_mm, lags, lines)
    }

    fn with(block: Block, page_width_mm: f64, height_mm: f64, lags: Lags, title_lines: usize) -> Self {
        let (across, groups, down) = match lags {
            Lags::Absent => (block.columns, 0.0, 1.0),
            Lags::Below => (block.columns, 0.0, 2.0),
            Lags::Beside => (2 * block.columns, GROUP_GAP_MM - GAP_MM, 1.0),
        };
        let content = page_width_mm - 2.0 * MARGIN_MM;
        let by_width = (content - groups + GAP_MM) / across as f64 - GAP_MM;
        let mut layout = Self {
            page_width_mm,
            map_width_mm: 0.0,
            map_height_mm: 0.0,
            columns: block.columns,
            title_lines,
            map_lines: block.map_lines,
            lags,
        };
        let by_height = (height_mm / block.rows as f64 - layout.row_mm()) / down / block.aspect;
        let by_size = MAX_MAP_MM / block.aspect.max(1.0);
        layout.map_width_mm = by_width.min(by_height).min(by_size).max(MIN_MAP_MM.min(by_width));
        layout.map_height_mm = layout.map_width_mm * block.aspect;
        layout
    }

    pub(super) fn content_mm(&self) -> f64 {
        self.page_width_mm - 2.0 * MARGIN_MM
    }

    /// What a row's title may take.
    pub(super) fn title_mm(&self) -> f64 {
        self.content_mm() - Self::KEY_MM
    }

    pub(super) fn title_height_mm(&self) -> f64 {
        self.title_lines as f64 * Self::TITLE_LINE_MM + 0.6
    }

    /// What autocorrelograms add to a row's height.
    pub(super) fn lags_mm(&self) -> f64 {
        if self.lags == Lags::Below { self.map_height_mm + GAP_MM } else { 0.0 }
    }

    /// Height of a row with its title and the gap below.
    pub(super) fn row_mm(&self) -> f64 {
        self.title_height_mm() + title_mm(self.map_lines) + self.map_height_mm + self.lags_mm() + ROW_GAP_MM
    }

    /// The ratemap and the autocorrelogram of a column in the row that starts at `top`.
    pub(super) fn maps(&self, column: usize, top: f64) -> (RectMm, Option<RectMm>) {
        let step = self.map_width_mm + GAP_MM;
        let map = RectMm {
            x: MARGIN_MM + column as f64 * step,
            y: top + self.title_height_mm() + title_mm(self.map_lines),
            width: self.map_width_mm,
            height: self.map_height_mm,
        };
        let lags = match self.lags {
            Lags::Absent => None,
            Lags::Below => Some(RectMm { y: map.bottom() + GAP_MM, ..map }),
            Lags::Beside => Some(RectMm { x: map.x + self.columns as f64 * step + GROUP_GAP_MM - GAP_MM, ..map }),
        };
        (map, lags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_stay_on_the_page_and_do_not_overlap() {
        for columns in 1..=12 {
            for rows in 1..=11 {
                for aspect in [0.3, 1.0, 3.0] {
                    let layout = Layout::new(Block { columns, rows, aspect, autocorrelograms: true, map_lines: 1 }, |_| 1);
                    let (last, lags) = layout.maps(columns - 1, 0.0);
                    let right = lags.map_or(last, |lags| lags).right();
                    assert!(right <= layout.page_width_mm - MARGIN_MM + 1e-9, "{columns} x {rows} at {aspect}: {layout:?}");
                    assert!(lags.is_some_and(|lags| lags.bottom() <= layout.row_mm()), "{columns} x {rows} at {aspect}: {layout:?}");
                    assert!((layout.map_height_mm / layout.map_width_mm - aspect).abs() < 1e-9);
                    assert!(aspect > 1.0 || rows as f64 * layout.row_mm() <= 230.0, "{columns} x {rows} at {aspect}: {layout:?}");
                }
            }
        }
    }
}

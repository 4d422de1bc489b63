//! How many columns a sheet of maps has, and how large its maps are.

use crate::page::{DOUBLE_COLUMN_MM, LONG_SHEET_DPI, PRINT_DPI, SINGLE_COLUMN_MM};
use crate::style::MARGIN_MM;

/// The most units one sheet takes; past 512 a sheet is longer than a journal page.
pub const MAX_UNITS: usize = 4096;

/// Units up to which a sheet takes one journal column.
const SINGLE_COLUMN_UNITS: usize = 12;
const MAX_MAP_MM: f64 = 24.0;
/// A title such as "−0.12*" must fit over its map and the gap.
const MIN_MAP_MM: f64 = 6.0;
const GAP_MM: f64 = 1.2;
const ROW_GAP_MM: f64 = 0.9;
/// What maps may take of a journal page's height.
pub(crate) const PAGE_MM: f64 = 212.0;
/// Heights that the maps of a sheet may take: what looks balanced, then what a journal page has.
const HEIGHTS_MM: [(f64, f64); 2] = [(165.0, 9.0), (PAGE_MM, MIN_MAP_MM)];

/// The grid of maps of a sheet, in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SheetLayout {
    pub(crate) page_width_mm: f64,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) map_width_mm: f64,
    pub(crate) map_height_mm: f64,
    /// Height of what stands above each map.
    pub(crate) title_mm: f64,
    pub(crate) dpi: f64,
}

impl SheetLayout {
    /// The layout with the largest maps that fits; `aspect` is a map's height over its width, `title_mm` what
    /// stands above it.
    pub(crate) fn new(count: usize, aspect: f64, title_mm: f64) -> Self {
        if count <= SINGLE_COLUMN_UNITS {
            return Self::fit(count, (aspect, title_mm), SINGLE_COLUMN_MM, SINGLE_COLUMN_MM, MIN_MAP_MM)
                .unwrap_or_else(|| Self::with_columns(count, (aspect, title_mm), SINGLE_COLUMN_MM, 6));
        }
        HEIGHTS_MM
            .into_iter()
            .find_map(|(height, smallest)| Self::fit(count, (aspect, title_mm), DOUBLE_COLUMN_MM, height, smallest))
            .unwrap_or_else(|| Self { dpi: LONG_SHEET_DPI, ..Self::with_columns(count, (aspect, title_mm), DOUBLE_COLUMN_MM, 24) })
    }

    /// The fewest columns whose maps stay within the height.
    fn fit(count: usize, shape: (f64, f64), page_width: f64, height: f64, smallest: f64) -> Option<Self> {
        (1..=count)
            .map(|columns| Self::with_columns(count, shape, page_width, columns))
            .find(|layout| layout.height_mm() <= height && (layout.uncapped_mm() <= MAX_MAP_MM || layout.columns == count))
            .filter(|layout| layout.map_width_mm >= smallest)
    }

    fn with_columns(count: usize, (aspect, title_mm): (f64, f64), page_width_mm: f64, columns: usize) -> Self {
        let mut layout =
            Self { page_width_mm, columns, rows: count.div_ceil(columns), map_width_mm: 0.0, map_height_mm: 0.0, title_mm, dpi: PRINT_DPI };
        layout.map_width_mm = layout.uncapped_mm().min(MAX_MAP_MM);
        layout.map_height_mm = layout.map_width_mm * aspect;
        layout
    }

    /// Width of a title that still keeps clear of the next one.
    pub(crate) fn title_width_mm(&self) -> f64 {
        self.map_width_mm + GAP_MM - 0.3
    }

    /// Width of a map that would fill the page.
    fn uncapped_mm(&self) -> f64 {
        (self.page_width_mm - 2.0 * MARGIN_MM + GAP_MM) / self.columns as f64 - GAP_MM
    }

    /// Height of one row with its titles.
    pub(crate) fn row_mm(&self) -> f64 {
        self.map_height_mm + self.title_mm + ROW_GAP_MM
    }

    /// Height of all rows.
    pub(crate) fn height_mm(&self) -> f64 {
        self.rows as f64 * self.row_mm()
    }

    /// The upper left corner of the `index`-th map, from the corner of the grid.
    pub(crate) fn corner(&self, index: usize) -> (f64, f64) {
        let (row, column) = (index / self.columns, index % self.columns);
        (MARGIN_MM + column as f64 * (self.map_width_mm + GAP_MM), row as f64 * self.row_mm() + self.title_mm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::TextStyle;
    use crate::style::{INK, TINY_PT};

    #[test]
    fn up_to_512_units_fit_on_a_journal_page() {
        for count in 1..=512 {
            let layout = SheetLayout::new(count, 1.0, 2.3);
            assert!(layout.columns * layout.rows >= count && (layout.rows - 1) * layout.columns < count, "{count}: {layout:?}");
            assert!(layout.height_mm() <= 212.0 && layout.dpi >= 300.0, "{count}: {layout:?}");
            let (x, _) = layout.corner(layout.columns - 1);
            assert!(x + layout.map_width_mm <= layout.page_width_mm - MARGIN_MM + 1e-9, "{count}: {layout:?}");
        }
    }

    #[test]
    fn the_smallest_maps_still_hold_their_titles() {
        let title = TextStyle::new(TINY_PT, INK).bold();
        for count in [1, 12, 13, 128, 512, 2048] {
            let layout = SheetLayout::new(count, 1.0, 2.3);
            assert!(title.width_mm("−0.12*") <= layout.map_width_mm + GAP_MM - 0.3, "{count}: {layout:?}");
        }
    }

    #[test]
    fn few_units_take_one_column_and_128_two() {
        assert_eq!(SheetLayout::new(8, 1.0, 2.3).page_width_mm, SINGLE_COLUMN_MM);
        let many = SheetLayout::new(128, 1.0, 2.3);
        assert_eq!(many.page_width_mm, DOUBLE_COLUMN_MM);
        assert!((11..=14).contains(&many.columns), "{many:?}");
    }

    #[test]
    fn wide_and_tall_arenas_fit_too() {
        for aspect in [0.25, 0.5, 2.0, 4.0] {
            for count in [1, 5, 40, 128] {
                let layout = SheetLayout::new(count, aspect, 2.3);
                assert!(layout.map_height_mm > 0.0 && layout.columns >= 1, "{count} at {aspect}: {layout:?}");
            }
        }
    }
}

//! Blocks of equal size on a page: one in a journal column, several in two.

use crate::page::{DOUBLE_COLUMN_MM, SINGLE_COLUMN_MM};
use crate::style::MARGIN_MM;

const GAP_MM: f64 = 6.0;

/// Blocks row by row, two to a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Blocks {
    count: usize,
    columns: usize,
    height_mm: f64,
    page_width_mm: f64,
}

impl Blocks {
    pub(super) fn new(count: usize, height_mm: f64) -> Self {
        let (columns, page_width_mm) = if count > 1 { (2, DOUBLE_COLUMN_MM) } else { (1, SINGLE_COLUMN_MM) };
        Self { count, columns, height_mm, page_width_mm }
    }

    /// Blocks as wide as two columns, one below the other.
    pub(super) fn stacked(count: usize, height_mm: f64) -> Self {
        Self { count, columns: 1, height_mm, page_width_mm: DOUBLE_COLUMN_MM }
    }

    pub(super) fn page_width_mm(self) -> f64 {
        self.page_width_mm
    }

    /// Page width without its margins.
    pub(super) fn content_mm(self) -> f64 {
        self.page_width_mm() - 2.0 * MARGIN_MM
    }

    /// Width of a block.
    pub(super) fn width_mm(self) -> f64 {
        (self.content_mm() + GAP_MM) / self.columns as f64 - GAP_MM
    }

    /// Width of a block, or of all that is left of its row where it is the last.
    pub(super) fn width_of_mm(self, index: usize) -> f64 {
        let starts_row = index.is_multiple_of(self.columns);
        if starts_row && index + 1 == self.count { self.content_mm() } else { self.width_mm() }
    }

    /// Height of all rows.
    pub(super) fn height_mm(self) -> f64 {
        self.count.div_ceil(self.columns) as f64 * self.height_mm
    }

    /// The upper left corner of the `index`-th block below `top`.
    pub(super) fn corner(self, index: usize, top: f64) -> (f64, f64) {
        let (row, column) = (index / self.columns, index % self.columns);
        (MARGIN_MM + column as f64 * (self.width_mm() + GAP_MM), top + row as f64 * self.height_mm)
    }
}

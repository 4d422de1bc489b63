//! Page sizes in millimetres and their dots.

/// Width of one journal column in millimetres.
pub const SINGLE_COLUMN_MM: f64 = 85.0;

/// Width of two journal columns in millimetres.
pub const DOUBLE_COLUMN_MM: f64 = 180.0;

/// Dots per inch of every figure that fits on a journal page.
pub(crate) const PRINT_DPI: f64 = 600.0;

/// Dots per inch of sheets longer than a journal page, which are for the screen.
pub(crate) const LONG_SHEET_DPI: f64 = 300.0;

/// Millimetres in a typographic point.
pub(crate) const MM_PER_PT: f64 = 25.4 / 72.0;

/// The size of a figure: millimetres in print, and how many dots a bitmap of it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Page {
    /// Width in millimetres.
    pub width_mm: f64,
    /// Height in millimetres.
    pub height_mm: f64,
    /// Dots per inch.
    pub dpi: f64,
}

impl Page {
    /// A page of this width and height in millimetres at 600 dots per inch.
    #[must_use]
    pub fn print(width_mm: f64, height_mm: f64) -> Self {
        Self { width_mm, height_mm, dpi: PRINT_DPI }
    }

    /// Millimetres to dots, not rounded.
    #[must_use]
    pub fn dots(self, mm: f64) -> f64 {
        mm / 25.4 * self.dpi
    }

    /// Width and height in whole dots.
    #[must_use]
    pub fn size(self) -> (u32, u32) {
        (self.dots(self.width_mm).round() as u32, self.dots(self.height_mm).round() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_column_has_print_resolution() {
        let (width, _) = Page::print(SINGLE_COLUMN_MM, 60.0).size();
        assert_eq!(width, 2008, "85 mm at 600 dpi");
    }
}

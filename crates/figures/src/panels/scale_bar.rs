//! One scale bar for all maps of a sheet.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::number;
use crate::page::MM_PER_PT;
use crate::style::{INK, MUTED, SMALL_PT, STRONG_PT};

/// A length in the arena at the scale of the maps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScaleBar {
    pub(crate) length_m: f64,
    pub(crate) length_mm: f64,
    /// What stands below the length, such as the size of a panel.
    pub(crate) note: String,
}

impl ScaleBar {
    /// The longest of 1, 2 or 5 times a power of ten that takes at most half of a map.
    pub(crate) fn new(map_width_m: f64, map_width_mm: f64, note: String) -> Self {
        let half = map_width_m / 2.0;
        let decade = 10.0_f64.powi(half.log10().floor() as i32);
        let length_m =
            [5.0, 2.0, 1.0].into_iter().map(|factor| factor * decade).find(|&length| length <= half * (1.0 + 1e-9)).unwrap_or(decade);
        Self { length_m, length_mm: length_m / map_width_m * map_width_mm, note }
    }

    /// What it takes of the page's width.
    pub(crate) fn width_mm(&self) -> f64 {
        let style = TextStyle::new(SMALL_PT, INK);
        (self.length_mm + 1.2 + style.width_mm(&number::metres(self.length_m))).max(style.width_mm(&self.note))
    }

    /// Draws the bar, its length beside it and the note below.
    pub(crate) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64) -> Result<(), FigureError> {
        let style = TextStyle::new(SMALL_PT, INK);
        let height = STRONG_PT * MM_PER_PT * 1.5;
        let bar = RectMm { x: left, y: top + style.cap_mm() - height, width: self.length_mm, height };
        canvas.fill(bar, INK)?;
        canvas.text(bar.right() + 1.2, top + style.cap_mm(), &number::metres(self.length_m), style)?;
        let note = TextStyle::new(SMALL_PT, MUTED).anchored(Anchor::Start);
        canvas.text(left, top + 2.0 * style.cap_mm() + 1.6, &self.note, note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_a_round_length_of_at_most_half_a_map() {
        for (map_m, bar_m) in [(2.0, 1.0), (3.0, 1.0), (4.0, 2.0), (2.5, 1.0), (0.9, 0.2), (12.0, 5.0), (7.96, 2.0)] {
            let bar = ScaleBar::new(map_m, 20.0, String::new());
            assert!((bar.length_m - bar_m).abs() < 1e-12, "{map_m} m: {bar:?}");
            assert!((bar.length_mm - 20.0 * bar_m / map_m).abs() < 1e-12);
        }
    }
}

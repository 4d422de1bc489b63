//! What stands below the maps of modules' units: scales, colours and keys.

use super::module_units_layout::Layout;
use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::colormap::Colormap;
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::MARGIN_MM;

/// Scales of ratemaps and of autocorrelograms, whose lags reach twice as far; colours; keys.
pub(super) struct Footer {
    /// None where nothing is drawn, and no footer then.
    pub(super) scale_bars: Vec<ScaleBar>,
    pub(super) keys: Vec<(Key, String)>,
    /// Whether there are autocorrelograms.
    pub(super) correlations: bool,
    pub(super) content_mm: f64,
}

/// From the maps to the footer.
const ABOVE_MM: f64 = 1.0;
/// Between a scale bar and the next, beside it or below it.
const BARS_GAP_MM: f64 = 4.0;
const BAR_LINE_MM: f64 = 6.6;
/// Left of a colour bar.
const COLORS_GAP_MM: f64 = 5.0;

impl Footer {
    /// With the distance to the maps above.
    pub(super) fn height_mm(&self) -> f64 {
        let keys = legend::height_mm(&self.keys, self.content_mm);
        if self.scale_bars.is_empty() { 0.0 } else { ABOVE_MM + self.bars_mm() + keys }
    }

    /// Where scale bars start: beside each other, or below where there is no room.
    fn places(&self) -> Vec<(f64, f64)> {
        let colors = if self.correlations { 2.0 } else { 1.0 } * (Layout::COLOR_BAR_MM + COLORS_GAP_MM);
        let widths: f64 = self.scale_bars.iter().map(ScaleBar::width_mm).sum();
        let beside = widths + BARS_GAP_MM <= self.content_mm - colors;
        let step = |bar: &ScaleBar| if beside { (bar.width_mm() + BARS_GAP_MM, 0.0) } else { (0.0, BAR_LINE_MM) };
        let mut at = (0.0, 0.0);
        let mut places = Vec::new();
        for bar in &self.scale_bars {
            places.push(at);
            at = (at.0 + step(bar).0, at.1 + step(bar).1);
        }
        places
    }

    /// Height of scale bars and colour bars.
    fn bars_mm(&self) -> f64 {
        color_bar::HEIGHT_MM.max(self.places().last().map_or(0.0, |place| place.1 + BAR_LINE_MM))
    }

    /// Draws it below maps that end at `bottom`.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, bottom: f64) -> Result<(), FigureError> {
        if self.scale_bars.is_empty() {
            return Ok(());
        }
        let top = bottom + ABOVE_MM;
        for (bar, (x, y)) in self.scale_bars.iter().zip(self.places()) {
            bar.draw(canvas, MARGIN_MM + x, top + y)?;
        }
        let tick = |place, text: &str| (place, text.to_owned());
        let mut right = MARGIN_MM + self.content_mm;
        if self.correlations {
            let ticks = vec![tick(0.0, "−1"), tick(0.5, "0"), tick(1.0, "1")];
            let bar = ColorBar { colormap: Colormap::BlueWhiteRed, label: "Correlation r".to_owned(), ticks };
            bar.draw(canvas, right, top, Layout::COLOR_BAR_MM)?;
            right -= Layout::COLOR_BAR_MM + COLORS_GAP_MM;
        }
        let ticks = vec![tick(0.0, "0"), tick(1.0, "peak")];
        let bar = ColorBar { colormap: Colormap::Viridis, label: "Rate / own peak".to_owned(), ticks };
        bar.draw(canvas, right, top, Layout::COLOR_BAR_MM)?;
        legend::draw(canvas, MARGIN_MM, top + self.bars_mm(), self.content_mm, &self.keys)
    }
}

//! A horizontal colour bar with ticks and a label.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, Cells, RectMm, Surface, TextStyle};
use crate::colormap::{Colormap, LEVELS};
use crate::style::{FRAME, HAIRLINE_PT, INK, SMALL_PT};

/// What a colour means.
#[derive(Debug, Clone)]
pub(crate) struct ColorBar {
    pub(crate) colormap: Colormap,
    pub(crate) label: String,
    /// Place between 0 and 1, and what stands there.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// Height with label and ticks, in millimetres.
pub(crate) const HEIGHT_MM: f64 = 8.8;
const BAR_MM: f64 = 2.2;
/// Several equal rows, since readers that smooth images would blur a single one beyond the bar.
const ROWS: usize = 12;

impl ColorBar {
    /// Draws the label above, the bar, and the ticks below; `right` and `top` are its upper right corner.
    pub(crate) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, right: f64, top: f64, width: f64) -> Result<(), FigureError> {
        let style = TextStyle::new(SMALL_PT, INK);
        let bar = RectMm { x: right - width, y: top + style.cap_mm() + 1.0, width, height: BAR_MM };
        canvas.text(right, top + style.cap_mm(), &self.label, style.anchored(Anchor::End))?;
        let levels = (0..ROWS).flat_map(|_| 0..LEVELS).collect();
        canvas.cells(bar, &Cells { rows: ROWS, columns: usize::from(LEVELS), levels, palette: self.colormap.palette() })?;
        canvas.frame(bar, HAIRLINE_PT, FRAME)?;
        for (place, text) in &self.ticks {
            let x = bar.x + bar.width * place;
            canvas.line(&[(x, bar.bottom()), (x, bar.bottom() + 0.7)], HAIRLINE_PT, INK)?;
            // The outer labels stay within the bar's ends, so that they never leave the page.
            let half = style.width_mm(text) / 2.0;
            let x = x.clamp(bar.x - 1.8 + half, bar.right() + 1.8 - half);
            canvas.text(x, bar.bottom() + 1.2 + style.cap_mm(), text, style.anchored(Anchor::Middle))?;
        }
        Ok(())
    }
}

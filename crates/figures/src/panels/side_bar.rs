//! An upright colour bar at the left of a row of panels.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, Cells, RectMm, Run, Surface, TextStyle};
use crate::colormap::{Colormap, LEVELS};
use crate::style::{FRAME, HAIRLINE_PT, INK, LABEL_PT, SMALL_PT};

/// What the colours of a row mean.
#[derive(Debug, Clone)]
pub(crate) struct SideBar {
    pub(crate) colormap: Colormap,
    pub(crate) label: String,
    /// Place between 0 (below) and 1, and what stands there.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Ticks are to be multiplied by this power of ten.
    pub(crate) exponent: i32,
}

/// Width with label and ticks, in millimetres.
pub(crate) const WIDTH_MM: f64 = 14.0;
const BAR_MM: f64 = 1.8;
/// Several equal columns, since readers that smooth images would blur a single one beyond the bar.
const COLUMNS: usize = 8;

impl SideBar {
    /// Draws label, ticks and bar from left to right within [`WIDTH_MM`], the bar over `height` from `top` on.
    pub(crate) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64, height: f64) -> Result<(), FigureError> {
        let bar = RectMm { x: left + WIDTH_MM - BAR_MM - 1.0, y: top, width: BAR_MM, height };
        let levels = (0..LEVELS).rev().flat_map(|level| [level; COLUMNS]).collect();
        canvas.cells(bar, &Cells { rows: usize::from(LEVELS), columns: COLUMNS, levels, palette: self.colormap.palette() })?;
        canvas.frame(bar, HAIRLINE_PT, FRAME)?;
        let style = TextStyle::new(SMALL_PT, INK).anchored(Anchor::End);
        for (place, text) in &self.ticks {
            let y = bar.bottom() - bar.height * place;
            canvas.line(&[(bar.x - 0.7, y), (bar.x, y)], HAIRLINE_PT, INK)?;
            canvas.text(bar.x - 1.1, y + style.cap_mm() / 2.0, text, style)?;
        }
        let style = TextStyle::new(LABEL_PT, INK).anchored(Anchor::Middle);
        let label = Run::with_power(&style.shortened(&self.label, height), self.exponent);
        canvas.runs(left + style.cap_mm(), top + height / 2.0, &label, style.upwards())
    }
}

//! A map of one unit with its title and frame.

use ndarray::ArrayView2;

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, Cells, RectMm, Surface, TextStyle};
use crate::colormap::{self, Colormap};
use crate::number::drawable;
use crate::style::{DEAD, FRAME, HAIRLINE_PT, INK, MUTED, STRONG_PT, TINY_PT};

/// What stands above a map.
pub(crate) struct HeatMapTitle {
    /// Which unit; empty where there is no room for it.
    pub(crate) unit: String,
    /// Whether the unit has a line of its own above the score.
    pub(crate) stacked: bool,
    /// The score, or a word.
    pub(crate) score: String,
    /// The peak rate, on a line of its own below the score; empty if it is not wanted.
    pub(crate) peak: String,
    pub(crate) significant: bool,
    pub(crate) dead: bool,
}

/// Distance of two lines of a title, in millimetres.
const LINE_MM: f64 = 2.2;

/// Height of a title of so many lines with its distance to the map, in millimetres.
pub(crate) fn title_mm(lines: usize) -> f64 {
    0.1 + lines as f64 * LINE_MM
}

/// From 0, or the lowest rate if that is negative, to the highest.
pub(crate) fn rate_range(map: ArrayView2<'_, f64>) -> (f64, f64) {
    let finite = map.iter().copied().filter(|rate| drawable(*rate));
    finite.fold((0.0, 0.0), |(low, high), rate| (low.min(rate), high.max(rate)))
}

/// Colours an array (row = y upwards, column = x) from `low` to `high`; NaN takes the neutral colour.
pub(crate) fn cells(map: ArrayView2<'_, f64>, low: f64, high: f64, colormap: Colormap) -> Cells {
    let (rows, columns) = map.dim();
    // Pictures start at the top, arrays at the smallest y.
    let levels = map
        .rows()
        .into_iter()
        .rev()
        .flat_map(|row| row.into_iter().map(|&value| colormap::level(value, low, high)).collect::<Vec<_>>())
        .collect();
    Cells { rows, columns, levels, palette: colormap.palette() }
}

fn score_style(title: &HeatMapTitle) -> TextStyle {
    match (title.dead, title.significant) {
        (true, _) => TextStyle::new(TINY_PT, DEAD).bold(),
        (false, true) => TextStyle::new(TINY_PT, INK).bold(),
        (false, false) => TextStyle::new(TINY_PT, INK),
    }
}

/// Whether a map of this width has room for the unit beside the score.
pub(crate) fn has_room_for_unit(width_mm: f64, title: &HeatMapTitle) -> bool {
    TextStyle::new(TINY_PT, MUTED).width_mm(&title.unit) + score_style(title).width_mm(&title.score) + 1.0 <= width_mm
}

/// Width of the widest line of a title with the unit above the score.
pub(crate) fn stacked_mm(title: &HeatMapTitle) -> f64 {
    TextStyle::new(TINY_PT, MUTED).width_mm(&title.unit).max(score_style(title).width_mm(&title.score))
}

/// Draws a heat map in a thin frame, without a title.
pub(crate) fn draw_bare<S: Surface>(canvas: &mut Canvas<S>, map: RectMm, cells: &Cells) -> Result<(), FigureError> {
    canvas.cells(map, cells)?;
    canvas.frame(map, HAIRLINE_PT, FRAME)
}

/// Draws one panel; `map` is where the heat map goes, the title stands above it.
pub(crate) fn draw<S: Surface>(canvas: &mut Canvas<S>, map: RectMm, cells: &Cells, title: &HeatMapTitle) -> Result<(), FigureError> {
    canvas.cells(map, cells)?;
    let mut baseline = map.y - 0.55;
    let middle = map.x + map.width / 2.0;
    if !title.peak.is_empty() {
        canvas.text(middle, baseline, &title.peak, TextStyle::new(TINY_PT, INK).anchored(Anchor::Middle))?;
        baseline -= LINE_MM;
    }
    let (unit, score) = (TextStyle::new(TINY_PT, MUTED), score_style(title));
    if title.unit.is_empty() || title.stacked {
        canvas.text(middle, baseline, &title.score, score.anchored(Anchor::Middle))?;
        canvas.text(middle, baseline - LINE_MM, &title.unit, unit.anchored(Anchor::Middle))?;
    } else {
        canvas.text(map.x, baseline, &title.unit, unit)?;
        canvas.text(map.right(), baseline, &title.score, score.anchored(Anchor::End))?;
    }
    let (width, color) = if title.dead { (STRONG_PT, DEAD) } else { (HAIRLINE_PT, FRAME) };
    canvas.frame(map, width, color)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_first_row_of_the_array_is_the_lowest_of_the_picture() {
        let map = array![[0.0, 0.5], [f64::NAN, 1.0]];
        let cells = cells(map.view(), 0.0, 1.0, Colormap::Viridis);
        assert_eq!(cells.levels, vec![colormap::NO_DATA_LEVEL, 254, 0, 127]);
    }
}

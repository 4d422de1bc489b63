//! The two sheets of all units: ratemaps (as the paper's Fig. 8) and autocorrelograms.

use std::path::{Path, PathBuf};

use super::sheet::{self, Coloring, Sheet, SheetOptions, UnitSheet};
use crate::FigureError;
use crate::colormap::Colormap;
use crate::output;
use crate::panels::color_bar::ColorBar;
use crate::panels::heat_map;
use crate::ticks;

/// What the ends of the colour scale of ratemaps mean; the figure's colour bar says which was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Every map from 0 to its own peak: shows each unit's pattern, hides differences in rate.
    PerUnit,
    /// All maps from 0 to the highest peak among them: shows differences in rate.
    Shared,
}

/// Draws all units' ratemaps, sorted by score, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`.
///
/// Colours run from 0 (or the lowest rate, if that is negative) to the peak. Bins that were not visited (NaN) are
/// grey. Scores above the unit's own null are bold with an asterisk; dead units are listed below. Returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no units, maps differ in size, a length or level is out of range, or a file cannot be
/// written.
pub fn draw_ratemaps(input: &UnitSheet<'_>, normalization: Normalization, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    draw_ratemaps_with(input, normalization, &SheetOptions::default(), out_stem)
}

/// As [`draw_ratemaps`], with peak rates above the maps or a panel for each dead unit (red, last) if asked for.
///
/// # Errors
///
/// As [`draw_ratemaps`].
pub fn draw_ratemaps_with(
    input: &UnitSheet<'_>,
    normalization: Normalization,
    options: &SheetOptions<'_>,
    out_stem: &Path,
) -> Result<Vec<PathBuf>, FigureError> {
    sheet::check(input, "ratemap sheet")?;
    let panels = sheet::shown(input.panels, options);
    let ranges: Vec<(f64, f64)> = panels.iter().map(|panel| heat_map::rate_range(panel.map)).collect();
    let low = ranges.iter().map(|range| range.0).fold(0.0, f64::min);
    let high = ranges.iter().map(|range| range.1).fold(0.0, f64::max);
    let cells = panels.iter().zip(&ranges).map(|(panel, &own)| {
        let (low, high) = if normalization == Normalization::PerUnit { own } else { (low, high) };
        heat_map::cells(panel.map, low, high, Colormap::Viridis)
    });
    let bar = rate_bar(normalization, low, high);
    let coloring = Coloring { cells: cells.collect(), bar, no_data: "Not visited", size_note: "Panel: arena of", rates: true };
    output::write_figure(&Sheet::new(input, panels, coloring, options), out_stem)
}

/// Draws all units' autocorrelograms, sorted by score, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`.
///
/// Colours run from r = -1 over 0 (white) to 1, the same in every panel; undefined lags (NaN) are grey. Otherwise as
/// [`draw_ratemaps`], with lags in place of places.
///
/// # Errors
///
/// As [`draw_ratemaps`].
pub fn draw_autocorrelograms(input: &UnitSheet<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    draw_autocorrelograms_with(input, &SheetOptions::default(), out_stem)
}

/// As [`draw_autocorrelograms`], with a panel for each dead unit (red, last) if asked for; there are no peak rates.
///
/// # Errors
///
/// As [`draw_ratemaps`].
pub fn draw_autocorrelograms_with(input: &UnitSheet<'_>, options: &SheetOptions<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    sheet::check(input, "autocorrelogram sheet")?;
    let panels = sheet::shown(input.panels, options);
    let cells = panels.iter().map(|panel| heat_map::cells(panel.map, -1.0, 1.0, Colormap::BlueWhiteRed));
    let ticks = [(0.0, "−1"), (0.25, "−0.5"), (0.5, "0"), (0.75, "0.5"), (1.0, "1")].map(|(place, text)| (place, text.to_owned()));
    let bar = ColorBar { colormap: Colormap::BlueWhiteRed, label: "Correlation r".to_owned(), ticks: ticks.to_vec() };
    let coloring = Coloring { cells: cells.collect(), bar, no_data: "Undefined lag", size_note: "Panel: lags over", rates: false };
    output::write_figure(&Sheet::new(input, panels, coloring, options), out_stem)
}

fn rate_bar(normalization: Normalization, low: f64, high: f64) -> ColorBar {
    let (label, ticks) = match normalization {
        Normalization::PerUnit if low < 0.0 => {
            ("Rate, from each unit's minimum to its peak", vec![(0.0, "min".to_owned()), (1.0, "peak".to_owned())])
        }
        Normalization::PerUnit => {
            ("Rate / unit's peak rate", [(0.0, "0"), (0.5, "0.5"), (1.0, "1")].map(|(place, text)| (place, text.to_owned())).to_vec())
        }
        Normalization::Shared if high > low => {
            let marks = ticks::linear_in(low, high, 4, 0);
            ("Mean rate, same scale for all units", marks.into_iter().map(|tick| ((tick.value - low) / (high - low), tick.base)).collect())
        }
        Normalization::Shared => ("Mean rate, same scale for all units", vec![(0.0, "0".to_owned())]),
    };
    ColorBar { colormap: Colormap::Viridis, label: label.to_owned(), ticks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_bar_says_how_rates_were_normalized() {
        assert!(rate_bar(Normalization::PerUnit, 0.0, 0.4).label.contains("unit's peak"));
        let shared = rate_bar(Normalization::Shared, 0.0, 0.4);
        assert!(shared.label.contains("same scale"));
        assert!(shared.ticks.iter().all(|(place, _)| (0.0..=1.0).contains(place)) && shared.ticks.len() >= 3);
    }
}

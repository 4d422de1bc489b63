//! Neural distance against separation in space: Fig. 5a of the paper, left.

use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView2};
use plotters::style::RGBColor;

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, Cells, RectMm, Surface};
use crate::colormap::{self, Colormap};
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{Page, SINGLE_COLUMN_MM};
use crate::panels::heat_map;
use crate::panels::legend::{self, Key};
use crate::panels::note;
use crate::style::{DEAD, GREEN, INK, LINE_PT, MARGIN_MM, MUTED, ORANGE, STRONG_PT};

/// Distances in neural space by distance in space.
#[derive(Debug, Clone, Copy)]
pub struct Distances<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Density of neural distance, columns of separation × levels of neural distance; each column is drawn over its highest. NaN: no pairs.
    pub density: ArrayView2<'a, f64>,
    /// Width of a column, m.
    pub column_m: f64,
    /// The highest neural distance of the levels.
    pub neural_top: f64,
    /// Mean neural distance of each column; values that are not finite interrupt the line.
    pub mean: &'a [f64],
    /// The same of moments up to the training's length; empty: not drawn.
    pub early_mean: &'a [f64],
    /// A half rise of those, in words, said after that of all; empty: none.
    pub early_says: &'a str,
    /// Neural distance of unrelated states; NaN: not drawn.
    pub chance: f64,
    /// Separation at half of chance, m; NaN: not drawn.
    pub half_rise_m: f64,
    /// Its standard error, m; NaN: not said.
    pub half_rise_se_m: f64,
    /// The training's length scale σ_x, m; NaN: not drawn.
    pub sigma_x_m: f64,
    /// Width of a bin of separation in training, m.
    pub training_bin_m: f64,
    /// Share of the training's pairs up to each bin's upper edge; empty: the panel says that there are none.
    pub training_cdf: &'a [f64],
}

const DISTANCES: &str = "figure of distances";
const DENSITY_MM: f64 = 42.0;
const CDF_MM: f64 = 16.0;
/// How far down the blue arm the colours go: lines must be seen upon them.
const DEEPEST: f64 = 0.6;
const BETWEEN_MM: f64 = 2.5;
const RIGHT_MM: f64 = 2.5;

/// Draws the density of neural distance at each separation with its mean, chance, and the half-rise distance, over the cumulative separations of training, to
/// `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there is no density, a width is no number above 0, the mean has another length, or a file cannot be written.
pub fn draw_distances(input: &Distances<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let panel = SpacePanel::new(input)?;
    let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
    output::write_figure(&Space { heading: Heading::new(input.title, &panel.says, content), panel }, out_stem)
}

/// The panel without its title.
pub(super) struct SpacePanel<'a> {
    input: Distances<'a>,
    keys: Vec<(Key, String)>,
    /// The half rise in words.
    pub(super) says: String,
}

impl<'a> SpacePanel<'a> {
    /// Checks what is to be drawn.
    pub(super) fn new(input: &Distances<'a>) -> Result<Self, FigureError> {
        let (columns, _) = input.density.dim();
        if input.density.iter().all(|x| !drawable(*x)) {
            return Err(FigureError::Empty {
                figure: DISTANCES,
                what: "pairs of states",
                remedy: "pass a density with at least one column of numbers",
            });
        }
        above_zero(DISTANCES, "column_m", input.column_m)?;
        above_zero(DISTANCES, "neural_top", input.neural_top)?;
        if !input.training_cdf.is_empty() {
            above_zero(DISTANCES, "training_bin_m", input.training_bin_m)?;
        }
        same_length(DISTANCES, "the mean", input.mean.len(), columns)?;
        if !input.early_mean.is_empty() {
            same_length(DISTANCES, "the early mean", input.early_mean.len(), columns)?;
        }
        let says = if drawable(input.half_rise_m) {
            let error =
                if drawable(input.half_rise_se_m) { format!(" ± {} mm", millimetres(input.half_rise_se_m)) } else { " mm".to_owned() };
            let sigma = if drawable(input.sigma_x_m) { format!("; σ_x = {} mm", millimetres(input.sigma_x_m)) } else { String::new() };
            format!("Half of chance at {}{error}{sigma}", millimetres(input.half_rise_m))
        } else if !input.early_says.is_empty() {
            format!("Half of chance {}", input.early_says)
        } else if input.mean.iter().find(|mean| drawable(**mean)).is_some_and(|mean| 2.0 * mean >= input.chance) {
            "Above half of chance from the first bin on".to_owned()
        } else {
            "Half of chance: not reached".to_owned()
        };
        let [red, green, blue] = Colormap::BlueWhiteRed.palette()[usize::from(colormap::level(-DEEPEST, -1.0, 1.0))];
        let deepest = RGBColor(red, green, blue);
        let mut keys = vec![
            (Key::Fill(deepest), "Pairs of states, over their most at each separation".to_owned()),
            (Key::Line(INK), "Mean".to_owned()),
        ];
        if !input.early_mean.is_empty() {
            keys.push((Key::Line(GREEN), "Mean up to the training's length".to_owned()));
        }
        if drawable(input.chance) {
            keys.push((Key::Dashes(MUTED), format!("Chance, {}", number::short(input.chance))));
        }
        if drawable(input.half_rise_m) {
            keys.push((Key::Line(ORANGE), "Half of chance".to_owned()));
        }
        if drawable(input.sigma_x_m) {
            keys.push((Key::Dashes(DEAD), "σ_x of training".to_owned()));
        }
        Ok(Self { input: *input, keys, says })
    }

    /// Its height at this width.
    pub(super) fn height_mm(&self, width_mm: f64) -> f64 {
        DENSITY_MM + BETWEEN_MM + CDF_MM + ROOM_BELOW_MM + 2.0 + legend::height_mm(&self.keys, width_mm) + 1.0
    }

    /// Height of both frames with the space between them.
    pub(super) const FRAMES_MM: f64 = DENSITY_MM + BETWEEN_MM + CDF_MM;

    /// Draws it with its upper left corner at `left`, `top`.
    pub(super) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>, left: f64, top: f64, width_mm: f64) -> Result<(), FigureError> {
        let input = &self.input;
        let frame = RectMm { x: left + ROOM_LEFT_MM - 2.0, y: top, width: width_mm - ROOM_LEFT_MM + 2.0 - RIGHT_MM, height: DENSITY_MM };
        let reach = input.column_m * input.density.nrows() as f64;
        let below = exact(reach, 6, "Separation in space (m)");
        let bare = Axis { ticks: Vec::new(), label: String::new(), exponent: 0, ..below.clone() };
        let axes = Axes { frame, x: bare, y: exact(input.neural_top, 5, "Neural distance ‖g − g′‖") };
        canvas.cells(frame, &self.cells())?;
        let inside = |x: f64| drawable(x) && (0.0..=reach).contains(&x);
        if drawable(input.chance) && (0.0..=input.neural_top).contains(&input.chance) {
            let y = axes.y_mm(input.chance);
            canvas.dashes((frame.x, y), (frame.right(), y), 1.1, LINE_PT, MUTED)?;
        }
        if inside(input.sigma_x_m) {
            let x = axes.x_mm(input.sigma_x_m);
            canvas.dashes((x, frame.y), (x, frame.bottom()), 0.8, LINE_PT, DEAD)?;
        }
        let within = |mean: f64| if (0.0..=input.neural_top).contains(&mean) { mean } else { f64::NAN };
        let early = input.early_mean.iter().enumerate().map(|(column, &mean)| ((column as f64 + 0.5) * input.column_m, within(mean)));
        draw_line(canvas, &axes, early, (LINE_PT, GREEN))?;
        let centres = input.mean.iter().enumerate().map(|(column, &mean)| ((column as f64 + 0.5) * input.column_m, within(mean)));
        draw_line(canvas, &axes, centres, (STRONG_PT, INK))?;
        if inside(input.half_rise_m) && drawable(input.chance) && (0.0..=2.0 * input.neural_top).contains(&input.chance) {
            let (x, y) = (axes.x_mm(input.half_rise_m), axes.y_mm(input.chance / 2.0));
            canvas.line(&[(frame.x, y), (x, y), (x, frame.bottom())], STRONG_PT, ORANGE)?;
            canvas.disc((x, y), 0.8, ORANGE)?;
        }
        axes.draw(canvas)?;

        let lower = RectMm { y: frame.bottom() + BETWEEN_MM, height: CDF_MM, ..frame };
        let axes = Axes { frame: lower, x: below, y: exact(1.0, 2, "Training CDF") };
        let step = |bin: usize| (bin as f64 + 1.0) * input.training_bin_m;
        let shown = input.training_cdf.iter().enumerate().filter(|(bin, _)| step(*bin) <= reach * (1.0 + 1e-9));
        let mut points: Vec<(f64, f64)> =
            shown.map(|(bin, &share)| (step(bin), if (0.0..=1.0).contains(&share) { share } else { f64::NAN })).collect();
        if points.iter().any(|(_, share)| drawable(*share)) {
            points.insert(0, (0.0, 0.0));
            if let (Some(&last), true) = (points.last(), points.len() > input.training_cdf.len()) {
                points.push((reach.max(last.0), last.1));
            }
            draw_line(canvas, &axes, points.into_iter(), (LINE_PT, INK))?;
        } else {
            note::message(canvas, lower, "No separations of training")?;
        }
        axes.draw(canvas)?;
        legend::draw(canvas, left, lower.bottom() + ROOM_BELOW_MM + 2.0, width_mm, &self.keys)
    }

    /// From white for no pairs to blue for a column's most.
    fn cells(&self) -> Cells {
        let (columns, levels) = self.input.density.dim();
        let shares = Array2::from_shape_fn((levels, columns), |(level, column)| {
            let of_column = self.input.density.row(column);
            let highest = of_column.iter().copied().filter(|x| drawable(*x)).fold(0.0, f64::max);
            // The blue arm of the diverging map.
            if highest > 0.0 { -DEEPEST * of_column[level] / highest } else { f64::NAN }
        });
        heat_map::cells(shares.view(), -1.0, 1.0, Colormap::BlueWhiteRed)
    }
}

/// A length in millimetres, to a tenth where that is short.
fn millimetres(length_m: f64) -> String {
    let length_mm = 1e3 * length_m;
    if (0.05..9999.5).contains(&length_mm) { number::signed(length_mm, 1) } else { number::short(length_mm) }
}

pub(super) fn above_zero(figure: &'static str, field: &'static str, value: f64) -> Result<(), FigureError> {
    if drawable(value) && value > 1e-100 { Ok(()) } else { Err(FigureError::Range { figure, field, value, allowed: "above 0" }) }
}

pub(super) fn same_length(figure: &'static str, what: &str, got: usize, expected: usize) -> Result<(), FigureError> {
    if got == expected {
        return Ok(());
    }
    Err(FigureError::Shape { figure, what: what.to_owned(), got: got.to_string(), expected: expected.to_string() })
}

/// An axis that ends where the data do.
pub(super) fn exact(high: f64, count: usize, label: &str) -> Axis {
    Axis::linear(0.0, high, count, label)
}

struct Space<'a> {
    heading: Heading,
    panel: SpacePanel<'a>,
}

/// Lines through neighbouring points, interrupted where one has no number.
pub(super) fn draw_line<S: Surface>(
    canvas: &mut Canvas<S>,
    axes: &Axes,
    points: impl Iterator<Item = (f64, f64)>,
    look: (f64, RGBColor),
) -> Result<(), FigureError> {
    let all: Vec<(f64, f64)> = points.collect();
    for run in all.split(|(x, y)| !drawable(*x) || !drawable(*y)).filter(|run| !run.is_empty()) {
        let mut places: Vec<(f64, f64)> = run.iter().map(|&(x, y)| (axes.x_mm(x), axes.y_mm(y))).collect();
        if let [(x, y)] = places[..] {
            // A point alone shows as a short stroke.
            places = vec![(x - 0.3, y), (x + 0.3, y)];
        }
        canvas.line(&places, look.0, look.1)?;
    }
    Ok(())
}

impl Figure for Space<'_> {
    fn page(&self) -> Page {
        let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        Page::print(SINGLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + self.panel.height_mm(content))
    }

    fn title(&self) -> &str {
        self.panel.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let content = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        self.panel.draw(canvas, MARGIN_MM, MARGIN_MM + self.heading.height_mm() + 1.0, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_without_pairs_is_grey_and_the_most_is_blue() {
        let density = ndarray::array![[0.0, 2.0], [f64::NAN, f64::NAN]];
        let input = Distances {
            title: "",
            density: density.view(),
            column_m: 0.1,
            neural_top: 1.0,
            mean: &[0.1, f64::NAN],
            early_mean: &[],
            early_says: "",
            chance: 0.9,
            half_rise_m: f64::NAN,
            half_rise_se_m: f64::NAN,
            sigma_x_m: f64::NAN,
            training_bin_m: 0.1,
            training_cdf: &[],
        };
        let cells = SpacePanel::new(&input).expect("one column").cells();
        // The upper row first: the higher level.
        assert_eq!(cells.levels, [51, colormap::NO_DATA_LEVEL, 127, colormap::NO_DATA_LEVEL]);
    }
}

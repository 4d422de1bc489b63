//! Neural distance against separation in space and time: Fig. 5a of the paper, right.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::distances::{above_zero, draw_line, exact, same_length};
use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface};
use crate::colormap::{self, Colormap};
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map;
use crate::panels::legend::{self, Key};
use crate::panels::note;
use crate::style::{BLUE, DEAD, LINE_PT, MARGIN_MM, MUTED, NO_DATA, PALE_BLUE, STRONG_PT};

/// Distances in neural space by distance in space and time.
#[derive(Debug, Clone, Copy)]
pub struct SpaceTime<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Mean neural distance, temporal × spatial bins; NaN: no pairs.
    pub mean: ArrayView2<'a, f64>,
    /// Width of a spatial bin, m.
    pub spatial_bin_m: f64,
    /// Width of a temporal bin, steps.
    pub temporal_bin_steps: f64,
    /// Temporal separation of the values below, steps.
    pub temporal_steps: &'a [f64],
    /// Neural distance of two visits to one place; values that are not finite interrupt the line.
    pub same_place: &'a [f64],
    /// Its standard error; NaN: no band there.
    pub same_place_se: &'a [f64],
    /// Neural distance of unrelated states: the upper end of the colours, if it is a number.
    pub chance: f64,
}

const SPACE_TIME: &str = "figure of distances in space and time";
const MAP_MM: f64 = 46.0;
const BAR_MM: f64 = 40.0;
const RIGHT_MM: f64 = 2.5;
const BLOCK_GAP_MM: f64 = 6.0;

/// Draws mean neural distance in space × time, and what is left of it at the same place, with chance, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if there are no means, a width is no number above 0, slices differ in length, or a file cannot be written.
pub fn draw_space_time(input: &SpaceTime<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let map = MapPanel::new(input)?;
    same_length(SPACE_TIME, "same_place", input.same_place.len(), input.temporal_steps.len())?;
    same_length(SPACE_TIME, "same_place_se", input.same_place_se.len(), input.temporal_steps.len())?;
    let mut keys = vec![(Key::Line(BLUE), "Two visits to one place".to_owned())];
    if input.same_place_se.iter().any(|se| drawable(*se)) {
        keys.push((Key::Fill(PALE_BLUE), "± one standard error".to_owned()));
    }
    if drawable(input.chance) {
        keys.push((Key::Dashes(MUTED), format!("Chance, {}", number::short(input.chance))));
    }
    let heading = Heading::new(input.title, "", DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
    output::write_figure(&Both { heading, input: *input, map, keys }, out_stem)
}

/// The map in space and time with its colour bar.
pub(super) struct MapPanel<'a> {
    input: SpaceTime<'a>,
}

impl<'a> MapPanel<'a> {
    /// Checks what is to be drawn.
    pub(super) fn new(input: &SpaceTime<'a>) -> Result<Self, FigureError> {
        if input.mean.iter().all(|x| !drawable(*x)) {
            return Err(FigureError::Empty {
                figure: SPACE_TIME,
                what: "pairs of states",
                remedy: "pass at least one mean that is a number",
            });
        }
        above_zero(SPACE_TIME, "spatial_bin_m", input.spatial_bin_m)?;
        above_zero(SPACE_TIME, "temporal_bin_steps", input.temporal_bin_steps)?;
        Ok(Self { input: *input })
    }

    /// Below a frame of this height.
    pub(super) fn height_mm(frame_mm: f64) -> f64 {
        frame_mm + ROOM_BELOW_MM + 1.5 + color_bar::HEIGHT_MM
    }

    fn top_colour(&self) -> f64 {
        let highest = self.input.mean.iter().copied().filter(|x| drawable(*x)).fold(0.0, f64::max);
        let chance = if drawable(self.input.chance) { self.input.chance } else { 0.0 };
        let top = highest.max(chance);
        if top > 0.0 { top } else { 1.0 }
    }

    /// Draws it with its upper left corner at `left`, `top`; returns its frame.
    pub(super) fn draw<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        left: f64,
        top: f64,
        (width_mm, frame_mm): (f64, f64),
    ) -> Result<RectMm, FigureError> {
        let input = &self.input;
        let frame = RectMm { x: left + ROOM_LEFT_MM, y: top, width: width_mm - ROOM_LEFT_MM - RIGHT_MM, height: frame_mm };
        let (temporal, spatial) = input.mean.dim();
        let x = exact(input.spatial_bin_m * spatial as f64, 6, "Separation in space (m)");
        let y = exact(input.temporal_bin_steps * temporal as f64, 5, "Separation in time (steps)");
        let highest = self.top_colour();
        canvas.cells(frame, &heat_map::cells(input.mean, 0.0, highest, Colormap::Viridis))?;
        // Perfect path integration: distance 0 along this line.
        canvas.line(&[(frame.x, frame.y), (frame.x, frame.bottom())], STRONG_PT * 1.5, DEAD)?;
        Axes { frame, x, y }.draw(canvas)?;
        let footer = frame.bottom() + ROOM_BELOW_MM + 1.5;
        let ticks = [0.0, 0.5, 1.0].map(|share| (share, number::short(share * highest))).to_vec();
        let bar = ColorBar { colormap: Colormap::Viridis, label: "Mean ‖g − g′‖".to_owned(), ticks };
        bar.draw(canvas, frame.right(), footer, BAR_MM)?;
        if input.mean.iter().any(|x| colormap::level(*x, 0.0, highest) == colormap::NO_DATA_LEVEL) {
            let missing = [(Key::Fill(NO_DATA), "No pairs".to_owned())];
            legend::draw(canvas, left + 2.0, footer + 2.0, width_mm - BAR_MM, &missing)?;
        }
        Ok(frame)
    }
}

struct Both<'a> {
    heading: Heading,
    input: SpaceTime<'a>,
    map: MapPanel<'a>,
    keys: Vec<(Key, String)>,
}

impl Both<'_> {
    fn draw_same_place<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm) -> Result<(), FigureError> {
        let input = &self.input;
        let of = |index: usize| (input.temporal_steps[index], input.same_place[index], input.same_place_se[index]);
        let points: Vec<(f64, f64, f64)> =
            (0..input.temporal_steps.len()).map(of).map(|(t, d, se)| (t, d, if drawable(se) && se > 0.0 { se } else { 0.0 })).collect();
        let known = || points.iter().filter(|(t, d, _)| drawable(*t) && drawable(*d));
        let (x_label, y_label) = ("Separation in time (steps)", "Neural distance at one place");
        if known().next().is_none() {
            let axis = |label: &str| Axis { ticks: Vec::new(), ..Axis::linear(0.0, 1.0, 1, label) };
            Axes { frame, x: axis(x_label), y: axis(y_label) }.draw(canvas)?;
            return note::message(canvas, frame, "No place was visited twice");
        }
        let (from, to) = known().fold((0.0_f64, 0.0_f64), |(from, to), (t, _, _)| (from.min(*t), to.max(*t)));
        let (low, high) = known().fold((0.0_f64, 0.0_f64), |(low, high), (_, d, se)| (low.min(*d), high.max(d + se)));
        let high = if drawable(input.chance) { high.max(input.chance) } else { high };
        let axes = Axes { frame, x: Axis::linear(from, to, 5, x_label), y: Axis::linear(low, high * 1.08, 5, y_label) };
        for run in points.split(|(t, d, _)| !drawable(*t) || !drawable(*d)).filter(|run| run.len() > 1) {
            let upper = run.iter().map(|(t, d, se)| (axes.x_mm(*t), axes.y_mm(d + se)));
            let lower = run.iter().rev().map(|(t, d, se)| (axes.x_mm(*t), axes.y_mm((d - se).max(low))));
            canvas.polygon(&upper.chain(lower).collect::<Vec<_>>(), PALE_BLUE)?;
        }
        if drawable(input.chance) {
            let y = axes.y_mm(input.chance);
            canvas.dashes((frame.x, y), (frame.right(), y), 1.1, LINE_PT, MUTED)?;
        }
        draw_line(canvas, &axes, points.iter().map(|(t, d, _)| (*t, *d)), (LINE_PT, BLUE))?;
        axes.draw(canvas)
    }
}

impl Figure for Both<'_> {
    fn page(&self) -> Page {
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + note::TITLE_MM + MapPanel::height_mm(MAP_MM);
        Page::print(DOUBLE_COLUMN_MM, height)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let block = (DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM - BLOCK_GAP_MM) / 2.0;
        let top = MARGIN_MM + self.heading.height_mm() + note::TITLE_MM;
        let frame = self.map.draw(canvas, MARGIN_MM, top, (block, MAP_MM))?;
        note::title(canvas, MARGIN_MM, frame, block, "Mean neural distance; along the red line, the error of path integration")?;
        let right = RectMm { x: frame.x + block + BLOCK_GAP_MM, ..frame };
        self.draw_same_place(canvas, right)?;
        note::title(canvas, right.x - ROOM_LEFT_MM, right, block, "The same at separation 0 in space")?;
        let footer = frame.bottom() + ROOM_BELOW_MM + 1.5;
        legend::draw(canvas, right.x - ROOM_LEFT_MM, footer, block, &self.keys)
    }
}

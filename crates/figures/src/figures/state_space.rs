//! The states of a module in three dimensions (as the paper's Fig. 6c).

use std::path::{Path, PathBuf};

use super::heading::{Heading, Place};
use crate::FigureError;
use crate::axes::{Axis, ROOM_BELOW_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable, grouped};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::legend::{self, Key};
use crate::panels::point_cloud::{self, Dot};
use crate::panels::projection::View;
use crate::panels::side_bar::{self, SideBar};
use crate::panels::{angle_arena, note, stems};
use crate::style::{BLUE, INK, LABEL_PT, MARGIN_MM, SMALL_PT};

/// States of one module after dimension reduction.
#[derive(Debug, Clone, Copy)]
pub struct StateEmbedding<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The module's number.
    pub module: usize,
    /// How the dimensions were reduced, such as "spectral embedding" or "Isomap".
    pub method: &'a str,
    /// How many nearest neighbours each state was linked to; 0 leaves it unsaid.
    pub neighbors: usize,
    /// Coordinates e₁, e₂, e₃ of each state, in any unit; states with one that is not finite are left out.
    pub points: &'a [[f64; 3]],
    /// Position x, y of each state in metres, as many as points; a state whose position is not finite is grey.
    pub positions_m: &'a [[f64; 2]],
    /// φ¹ of each state in radians, as many as points, or none; drawn modulo 2π, grey where not finite.
    pub phases_rad: &'a [f64],
    /// The Laplacian's lowest eigenvalues without that of the constant vector, smallest first; drawn relative to the
    /// first. Empty if the method has none; the first 12 are drawn.
    pub eigenvalues: &'a [f64],
    /// What the relative eigenvalues of an ideal torus are, the first being 1; may be empty.
    pub ideal_ratios: &'a [f64],
    /// What the ideal is called, such as "ideal hexagonal torus".
    pub ideal_name: &'a str,
    /// Where the ideal's numbers come from, such as "a simulated module"; empty leaves it unsaid.
    pub ideal_origin: &'a str,
}

const FIGURE: &str = "figure of a state space";
const VIEWS: [(View, &str); 4] = [
    (View { azimuth_deg: 20.0, elevation_deg: 25.0 }, "Side view"),
    (View { azimuth_deg: 80.0, elevation_deg: 25.0 }, "Turned by 60°"),
    (View { azimuth_deg: 140.0, elevation_deg: 25.0 }, "Turned by 120°"),
    (View { azimuth_deg: -90.0, elevation_deg: 90.0 }, "From above"),
];
const PANEL_MM: f64 = 30.0;
/// Above the panels, for the views' names and axes.
const VIEWS_MM: f64 = 10.0;
const AXES_MM: f64 = 3.2;
/// The bars are shorter than their rows, so that ticks of neighbours keep apart.
const BAR_SHARE: f64 = 0.8;
/// Rows are coloured by x, y, φ¹.
const ROWS: [usize; 3] = [0, 1, PHASE_ROW];
const PHASE_ROW: usize = 2;
/// The row on a page with other panels: φ¹, or x where there are no phases.
const PAGE_ROW: [usize; 1] = [PHASE_ROW];
const PAGE_ROW_WITHOUT_PHASES: [usize; 1] = [0];
/// The cloud's share of a panel.
const CLOUD_SHARE: f64 = 0.94;
/// Frames of the side panels.
const SIDE_MM: f64 = 26.0;

/// Draws the cloud of states in four orthographic views, coloured by x, y and φ¹, with the arena coloured by φ¹ and the
/// lowest eigenvalues beside it, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// All views have one scale; dots farther away are paler. In the SVG each cloud is a picture of 600 dpi, everything
/// else vectors.
///
/// # Errors
///
/// [`FigureError`] if there are no points, positions or phases are not as many as points, or a file cannot be written.
pub fn draw_state_embedding(input: &StateEmbedding<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure of input that can be drawn, alone or, with one row of clouds and without the spectrum, on a page.
pub(super) fn checked<'a>(input: &StateEmbedding<'a>, place: Place) -> Result<Embedding<'a>, FigureError> {
    let count = input.points.len();
    if count == 0 {
        return Err(FigureError::Empty { figure: FIGURE, what: "states", remedy: "pass the coordinates of at least one state" });
    }
    let shape = |what: &str, got: usize| FigureError::Shape {
        figure: FIGURE,
        what: what.to_owned(),
        got: got.to_string(),
        expected: count.to_string(),
    };
    if input.positions_m.len() != count {
        return Err(shape("positions_m", input.positions_m.len()));
    }
    if !input.phases_rad.is_empty() && input.phases_rad.len() != count {
        return Err(shape("phases_rad", input.phases_rad.len()));
    }
    Ok(Embedding::new(input, place))
}

pub(super) struct Embedding<'a> {
    heading: Heading,
    /// Which colourings have a row.
    rows: &'static [usize],
    /// Whether the spectrum is drawn and panels have letters of their own.
    alone: bool,
    input: StateEmbedding<'a>,
    /// Which states have three coordinates.
    kept: Vec<usize>,
    /// The middle of the cloud's extent along each axis.
    centre: [f64; 3],
    /// The largest distance from the centre across all views.
    reach: f64,
    /// Eigenvalues relative to the lowest.
    ratios: Vec<f64>,
    keys: Vec<(Key, String)>,
}

/// What one row's colours say: a bar, and each state's place on it; the message of a row without any.
struct Coloring {
    bar: SideBar,
    shares: Vec<f64>,
    missing: &'static str,
}

impl<'a> Embedding<'a> {
    fn new(input: &StateEmbedding<'a>, place: Place) -> Self {
        let kept: Vec<usize> = (0..input.points.len()).filter(|&state| input.points[state].iter().all(|part| drawable(*part))).collect();
        let centre = [0, 1, 2].map(|axis| {
            let range = point_cloud::range(kept.iter().map(|&state| input.points[state][axis]));
            range.map_or(0.0, |(low, high)| f64::midpoint(low, high))
        });
        let seen = |state: usize, view: View| view.project([0, 1, 2].map(|axis| input.points[state][axis] - centre[axis]));
        let reach = kept
            .iter()
            .flat_map(|&state| VIEWS.map(|(view, _)| seen(state, view)))
            .map(|[right, up, _]| right.abs().max(up.abs()))
            .fold(0.0, f64::max);
        let method = if input.method.is_empty() { String::new() } else { format!(", {}", input.method) };
        let neighbors = match input.neighbors {
            0 => String::new(),
            count => format!(", {} nearest neighbours", grouped(count as u64)),
        };
        let missing = match input.points.len() - kept.len() {
            0 => String::new(),
            count => format!("; {} without coordinates left out", grouped(count as u64)),
        };
        let alone = place == Place::Alone;
        let ratios = ratios(input.eigenvalues);
        let dashes = alone && !ratios.is_empty() && !input.ideal_ratios.is_empty() && !input.ideal_origin.is_empty();
        let origin = if dashes { format!(". Dashes in b: {}", input.ideal_origin) } else { String::new() };
        let text = format!("Module {}: {}{method}{neighbors}{missing}{origin}", input.module, number::states(kept.len()));
        let heading = place.heading(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
        let has_phases = input.phases_rad.iter().any(|phase| drawable(*phase));
        let rows: &'static [usize] = match (alone, has_phases) {
            (true, _) => &ROWS,
            (false, true) => &PAGE_ROW,
            (false, false) => &PAGE_ROW_WITHOUT_PHASES,
        };
        let mut keys = Vec::new();
        if !ratios.is_empty() {
            keys.push((Key::Line(BLUE), "This module".to_owned()));
            if !input.ideal_ratios.is_empty() {
                let name = if input.ideal_name.is_empty() { "Ideal torus" } else { input.ideal_name };
                keys.push((Key::Dashes(INK), name.to_owned()));
            }
        }
        Self { heading, rows, alone, input: *input, kept, centre, reach, ratios, keys }
    }

    fn coloring(&self, row: usize) -> Coloring {
        if row == PHASE_ROW {
            let bar =
                SideBar { colormap: Colormap::PhaseRing, label: "φ¹ (rad)".to_owned(), ticks: angle_arena::turn_ticks(), exponent: 0 };
            let shares = self.input.phases_rad.iter().map(|&phase| angle_arena::turn_share(phase)).collect();
            return Coloring { bar, shares, missing: "No phases" };
        }
        let label = ["x (m)", "y (m)"][row];
        let bar = |ticks, exponent| SideBar { colormap: Colormap::Viridis, label: label.to_owned(), ticks, exponent };
        let missing = "No positions";
        let Some((low, high)) = point_cloud::range(self.kept.iter().map(|&state| self.input.positions_m[state][row])) else {
            return Coloring { bar: bar(Vec::new(), 0), shares: Vec::new(), missing };
        };
        // The axis widens an empty span, so that one position has a colour and ticks too.
        let axis = Axis::linear(low, high, 4, label);
        let share = |value: f64| if drawable(value) { axis.share(value) } else { f64::NAN };
        let ticks = axis.ticks.iter().map(|tick| (axis.share(tick.value), tick.base.clone())).collect();
        let shares = self.input.positions_m.iter().map(|position| share(position[row])).collect();
        Coloring { bar: bar(ticks, axis.exponent), shares, missing }
    }

    fn draw_cloud<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, view: View, coloring: &Coloring) -> Result<(), FigureError> {
        let scale = if self.reach > 0.0 { CLOUD_SHARE * frame.width / 2.0 / self.reach } else { 0.0 };
        let middle = (frame.x + frame.width / 2.0, frame.y + frame.height / 2.0);
        let dots = self
            .kept
            .iter()
            .map(|&state| {
                let [right, up, towards] = view.project([0, 1, 2].map(|axis| self.input.points[state][axis] - self.centre[axis]));
                let at = (middle.0 + right * scale, middle.1 - up * scale);
                (Dot { at, color: coloring.shares[state], depth: 0.0 }, towards)
            })
            .collect();
        point_cloud::draw(canvas, frame, &point_cloud::sorted(dots), point_cloud::radius_mm(self.kept.len()), coloring.bar.colormap)
    }

    fn draw_eigenvalues<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm) -> Result<(), FigureError> {
        let ideal: Vec<f64> = self.input.ideal_ratios.iter().copied().filter(|ratio| drawable(*ratio)).collect();
        stems::draw(canvas, frame, &self.ratios, &ideal, ("Eigenvalue's index", "Eigenvalue / lowest"))
    }
}

/// Eigenvalues relative to the lowest, as many as are drawn; none unless all can be drawn, and relative to something positive.
fn ratios(eigenvalues: &[f64]) -> Vec<f64> {
    let lowest = eigenvalues.first().copied().unwrap_or(f64::NAN);
    let ratios: Vec<f64> = eigenvalues.iter().take(stems::MAX_STEMS).map(|value| value / lowest).collect();
    if lowest > 0.0 && ratios.iter().all(|ratio| drawable(*ratio)) { ratios } else { Vec::new() }
}

impl Figure for Embedding<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + VIEWS_MM + self.rows.len() as f64 * PANEL_MM)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        let clouds = RectMm {
            x: MARGIN_MM + side_bar::WIDTH_MM,
            y: top + VIEWS_MM,
            width: VIEWS.len() as f64 * PANEL_MM,
            height: self.rows.len() as f64 * PANEL_MM,
        };
        let small = TextStyle::new(SMALL_PT, INK);
        let letter = TextStyle::new(LABEL_PT, INK).bold();
        if self.alone {
            canvas.text(MARGIN_MM, top + letter.cap_mm(), "a", letter)?;
        }
        for (index, (view, name)) in VIEWS.into_iter().enumerate() {
            let left = clouds.x + index as f64 * PANEL_MM;
            canvas.text(left + 1.0, top + small.cap_mm(), name, small)?;
            view.draw_axes(canvas, (left + PANEL_MM - 7.5, top + 5.2), AXES_MM)?;
        }
        for (line, &row) in self.rows.iter().enumerate() {
            let y = clouds.y + line as f64 * PANEL_MM;
            let coloring = self.coloring(row);
            let margin = (1.0 - BAR_SHARE) / 2.0 * PANEL_MM;
            coloring.bar.draw(canvas, MARGIN_MM, y + margin, BAR_SHARE * PANEL_MM)?;
            if self.kept.is_empty() || coloring.shares.is_empty() {
                let message = if self.kept.is_empty() { "No states with coordinates" } else { coloring.missing };
                note::message(canvas, RectMm { y, height: PANEL_MM, ..clouds }, message)?;
                continue;
            }
            for (index, (view, _)) in VIEWS.into_iter().enumerate() {
                let frame = RectMm { x: clouds.x + index as f64 * PANEL_MM, y, width: PANEL_MM, height: PANEL_MM };
                self.draw_cloud(canvas, frame, view, &coloring)?;
            }
        }
        let right = DOUBLE_COLUMN_MM - MARGIN_MM;
        let left = clouds.right() + 4.0;
        let frame = RectMm { x: right - SIDE_MM - 2.5, y: top + 13.5, width: SIDE_MM, height: 1.5 * SIDE_MM };
        if self.alone {
            canvas.text(left, top + letter.cap_mm(), "b", letter)?;
            canvas.text(left + 3.0, top + small.cap_mm(), "Spectrum of the Laplacian", small)?;
            legend::draw(canvas, left + 3.0, top + 3.6, right - left - 3.0, &self.keys)?;
            self.draw_eigenvalues(canvas, frame)?;
        }
        let frame = RectMm { y: clouds.bottom() - ROOM_BELOW_MM - SIDE_MM, height: SIDE_MM, ..frame };
        if self.alone {
            canvas.text(left, frame.y - note::TITLE_ABOVE_MM, "c", letter)?;
        } else if self.rows != PAGE_ROW {
            return Ok(());
        }
        let style = TextStyle::new(SMALL_PT, INK);
        canvas.text(left + 3.0, frame.y - note::TITLE_ABOVE_MM, "φ¹ over the arena", style)?;
        let states: Vec<([f64; 2], f64)> = self.input.positions_m.iter().copied().zip(self.input.phases_rad.iter().copied()).collect();
        angle_arena::draw(canvas, frame, &states)
    }
}

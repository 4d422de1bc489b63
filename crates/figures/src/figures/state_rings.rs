//! The states of a module in the planes of their three phases (as the paper's Fig. 6d).

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::heading::{Heading, Place};
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::colormap::{Colormap, NO_DATA_LEVEL};
use crate::number::{self, drawable, percent, short};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::angle_arena::{turn_share, turn_ticks};
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::legend::{self, Key};
use crate::panels::point_cloud::{self, Dot};
use crate::panels::{heat_map, marker, note};
use crate::style::{FRAME, HAIRLINE_PT, INK, LABEL_PT, LINE_PT, MARGIN_MM, MUTED, SMALL_PT};

/// What colours in the planes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingColor {
    /// A dot per state, coloured by arg z.
    Angle,
    /// How many states lie in a bin, relative to the fullest one: for so many states that dots hide each other.
    Density,
}

/// One projection of the states with the numbers that describe it.
#[derive(Debug, Clone, Copy)]
pub struct Ring<'a> {
    /// Real and imaginary part of z of each state; left out where not finite. Empty if there is no such ring.
    pub z: &'a [[f64; 2]],
    /// Mean |z|, drawn as a circle; NaN if unknown, as all numbers here.
    pub mean_radius: f64,
    /// Standard deviation of |z| over its mean.
    pub variation: f64,
    /// Radius of the hole, within which 5 % of the states lie, as a share of the mean |z|; drawn as a dashed circle.
    pub hole: f64,
    /// Share of the angles that states cover, 0 to 1.
    pub coverage: f64,
}

/// The three rings of a module.
#[derive(Debug, Clone, Copy)]
pub struct Rings<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The module's number.
    pub module: usize,
    /// z₁, z₂, z₃.
    pub rings: [Ring<'a>; 3],
    /// What the colours mean.
    pub color: RingColor,
}

const FIGURE: &str = "figure of rings";
const FRAME_MM: f64 = 44.0;
/// On a page with other panels.
const PAGE_FRAME_MM: f64 = 38.0;
const NUMBERS_MM: f64 = 8.4;
const DENSITY_BINS: usize = 80;
const COLOR_BAR_MM: f64 = 32.0;

/// Draws z₁, z₂ and z₃ in three complex planes of one scale, with the numbers under each, to `<out_stem>.png` (600 dpi)
/// and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] if none of the rings has states, or a file cannot be written.
pub fn draw_rings(input: &Rings<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure, alone or on a page, of input that can be drawn.
pub(super) fn checked<'a>(input: &Rings<'a>, place: Place) -> Result<Planes<'a>, FigureError> {
    if input.rings.iter().all(|ring| ring.z.is_empty()) {
        return Err(FigureError::Empty { figure: FIGURE, what: "states", remedy: "pass z of at least one state" });
    }
    Ok(Planes::new(input, place))
}

pub(super) struct Planes<'a> {
    heading: Heading,
    /// Whether its panels have letters of their own.
    letters: bool,
    frame_mm: f64,
    input: Rings<'a>,
    /// z that can be drawn.
    kept: [Vec<[f64; 2]>; 3],
    /// From zero to the edge of every frame.
    reach: f64,
    keys: Vec<(Key, String)>,
}

impl<'a> Planes<'a> {
    fn new(input: &Rings<'a>, place: Place) -> Self {
        let kept = input.rings.map(|ring| ring.z.iter().copied().filter(|z| z.iter().all(|part| drawable(*part))).collect::<Vec<_>>());
        let largest = kept.iter().flatten().flatten().map(|part| part.abs()).fold(0.0, f64::max);
        let most = kept.iter().map(Vec::len).max().unwrap_or(0);
        let text = format!("Module {}: {}", input.module, number::states(most));
        let keys = vec![
            (Key::Line(INK), "Mean |z|".to_owned()),
            (Key::Dashes(INK), "Hole (its share of mean |z|): 5 % of the states lie within".to_owned()),
        ];
        Self {
            heading: place.heading(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM),
            letters: place == Place::Alone,
            frame_mm: if place == Place::Alone { FRAME_MM } else { PAGE_FRAME_MM },
            input: *input,
            kept,
            reach: if largest > 0.0 { 1.06 * largest } else { 1.0 },
            keys,
        }
    }

    fn draw_plane<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, index: usize) -> Result<(), FigureError> {
        let number = index + 1;
        let (x, y) = (format!("Re z_{number}"), format!("Im z_{number}"));
        let z = &self.kept[index];
        if z.is_empty() {
            return note::message(canvas, frame, "No states in this plane");
        }
        let axis = |label: &str| Axis::linear(-self.reach, self.reach, 4, label);
        let axes = Axes { frame, x: axis(&x), y: axis(&y) };
        match self.input.color {
            RingColor::Angle => {
                let dot = |&[re, im]: &[f64; 2]| Dot { at: (axes.x_mm(re), axes.y_mm(im)), color: turn_share(im.atan2(re)), depth: 0.0 };
                let dots: Vec<Dot> = z.iter().map(dot).collect();
                point_cloud::draw(canvas, frame, &dots, point_cloud::radius_mm(dots.len()), Colormap::PhaseRing)?;
            }
            RingColor::Density => draw_density(canvas, frame, &axes, z)?,
        }
        let zero = (axes.x_mm(0.0), axes.y_mm(0.0));
        canvas.line(&[(frame.x, zero.1), (frame.right(), zero.1)], HAIRLINE_PT, FRAME)?;
        canvas.line(&[(zero.0, frame.y), (zero.0, frame.bottom())], HAIRLINE_PT, FRAME)?;
        let ring = &self.input.rings[index];
        let per_unit = frame.width / (2.0 * self.reach);
        draw_circle(canvas, zero, ring.mean_radius * per_unit, frame.width / 2.0, false)?;
        draw_circle(canvas, zero, ring.hole * ring.mean_radius * per_unit, frame.width / 2.0, true)?;
        axes.draw(canvas)
    }

    fn draw_numbers<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, index: usize) -> Result<(), FigureError> {
        let ring = &self.input.rings[index];
        let coverage = if (0.0..=1.0).contains(&ring.coverage) { percent((ring.coverage * 1e3).round() / 1e3) } else { "–".to_owned() };
        let lines = [
            format!("mean |z| {}, CV {}", short(ring.mean_radius), short(ring.variation)),
            format!("hole {}, coverage {coverage}", short(ring.hole)),
        ];
        let style = TextStyle::new(SMALL_PT, MUTED).anchored(Anchor::Middle);
        for (line, text) in lines.iter().enumerate() {
            let baseline = frame.bottom() + ROOM_BELOW_MM + 1.4 + line as f64 * 3.0 + style.cap_mm();
            canvas.text(frame.x + frame.width / 2.0, baseline, text, style)?;
        }
        Ok(())
    }
}

/// A circle around a place; none without a radius, or beyond `largest`.
fn draw_circle<S: Surface>(canvas: &mut Canvas<S>, at: (f64, f64), radius: f64, largest: f64, dashed: bool) -> Result<(), FigureError> {
    if !(radius > 0.0 && radius <= largest) {
        return Ok(());
    }
    if !dashed {
        let mut circle = marker::around(at, radius, 96, 0.0);
        circle.push(circle[0]);
        return canvas.line(&circle, LINE_PT, INK);
    }
    // Dashes of about 0.8 mm.
    let count = ((TAU * radius / 1.4).round() as usize).max(4);
    let corners = marker::around(at, radius, 4 * count, 0.0);
    for dash in corners.chunks(4) {
        canvas.line(&dash[..3], LINE_PT, INK)?;
    }
    Ok(())
}

fn draw_density<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, axes: &Axes, z: &[[f64; 2]]) -> Result<(), FigureError> {
    let bin = |axis: &Axis, value: f64| ((axis.share(value) * DENSITY_BINS as f64).max(0.0) as usize).min(DENSITY_BINS - 1);
    let mut counts = Array2::<f64>::zeros((DENSITY_BINS, DENSITY_BINS));
    for &[re, im] in z {
        counts[[bin(&axes.y, im), bin(&axes.x, re)]] += 1.0;
    }
    let fullest = counts.iter().copied().fold(0.0, f64::max);
    // A bin without states is the page, not a low density.
    let mut cells =
        heat_map::cells(counts.mapv(|count| if count > 0.0 { count } else { f64::NAN }).view(), 0.0, fullest, Colormap::Viridis);
    cells.palette[usize::from(NO_DATA_LEVEL)] = [255; 3];
    canvas.cells(frame, &cells)
}

impl Figure for Planes<'_> {
    fn page(&self) -> Page {
        let plane = note::TITLE_MM + self.frame_mm + ROOM_BELOW_MM + NUMBERS_MM;
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + plane + color_bar::HEIGHT_MM + 1.0)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let content = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let cell = content / 3.0;
        let y = MARGIN_MM + self.heading.height_mm() + note::TITLE_MM;
        for index in 0..3 {
            let left = MARGIN_MM + index as f64 * cell;
            let frame = RectMm { x: left + ROOM_LEFT_MM, y, width: self.frame_mm, height: self.frame_mm };
            if self.letters {
                canvas.text(left, y - note::TITLE_ABOVE_MM, ["a", "b", "c"][index], TextStyle::new(LABEL_PT, INK).bold())?;
            }
            let count = number::states(self.kept[index].len());
            note::title(canvas, left + 3.0, frame, cell - 4.0, &format!("Ring {}: {count}", index + 1))?;
            self.draw_plane(canvas, frame, index)?;
            if !self.kept[index].is_empty() {
                self.draw_numbers(canvas, frame, index)?;
            }
        }
        let footer = y + self.frame_mm + ROOM_BELOW_MM + NUMBERS_MM + 1.0;
        let bar = match self.input.color {
            RingColor::Angle => ColorBar { colormap: Colormap::PhaseRing, label: "arg z (rad)".to_owned(), ticks: turn_ticks() },
            RingColor::Density => ColorBar {
                colormap: Colormap::Viridis,
                label: "States per bin / fullest bin".to_owned(),
                ticks: [(0.0, "0"), (0.5, "0.5"), (1.0, "1")].map(|(place, text)| (place, text.to_owned())).to_vec(),
            },
        };
        bar.draw(canvas, DOUBLE_COLUMN_MM - MARGIN_MM - 2.0, footer, COLOR_BAR_MM)?;
        legend::draw(canvas, MARGIN_MM, footer, content - COLOR_BAR_MM - 6.0, &self.keys)
    }
}

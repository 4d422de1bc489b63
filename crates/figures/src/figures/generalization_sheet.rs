//! Fig. 5 of the paper on one page: distances in space and time, velocities, and the same units in every arena.

use std::path::{Path, PathBuf};

use super::arena_maps::{ArenaMaps, MapsPanel};
use super::distances::{Distances, SpacePanel};
use super::heading::Heading;
use super::space_time::{MapPanel, SpaceTime};
use super::velocities::{VelocityPanel, VelocitySet};
use crate::FigureError;
use crate::canvas::{Canvas, Surface, TextStyle};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::style::{INK, LABEL_PT, MARGIN_MM, TITLE_PT};

/// All panels.
#[derive(Debug, Clone)]
pub struct GeneralizationSheet<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What the arena of the distances is called, such as "4 m box".
    pub arena: &'a str,
    /// Panel a, left; its title is not used.
    pub distances: Distances<'a>,
    /// Panel a, right, of which the map is drawn; its title is not used.
    pub space_time: SpaceTime<'a>,
    /// Panel b.
    pub velocities: &'a [VelocitySet<'a>],
    /// Panels c, d, e and so on, one for each arena; at most 20.
    pub arenas: &'a [ArenaMaps<'a>],
}

const FIGURE: &str = "figure of generalization";
const MOST_ARENAS: usize = 20;
const CONTENT_MM: f64 = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
const GAP_MM: f64 = 6.0;
const BLOCK_MM: f64 = (CONTENT_MM - GAP_MM) / 2.0;
const THIRD_MM: f64 = (CONTENT_MM - 2.0 * GAP_MM) / 3.0;
/// A letter with its title, and the distance to what is below.
const LETTER_MM: f64 = 5.5;

/// Draws all panels, lettered, at the width of two journal columns to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// # Errors
///
/// [`FigureError`] as of each panel alone, if there are more than 20 arenas, or if a file cannot be written.
pub fn draw_generalization(input: &GeneralizationSheet<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.arenas.len() > MOST_ARENAS {
        let value = input.arenas.len() as f64;
        return Err(FigureError::Range { figure: FIGURE, field: "arenas", value, allowed: "at most 20" });
    }
    let sheet = Sheet {
        title: input.title,
        arena: input.arena,
        heading: Heading::new(input.title, "", CONTENT_MM),
        distances: SpacePanel::new(&input.distances)?,
        space_time: MapPanel::new(&input.space_time)?,
        velocities: if input.velocities.is_empty() { None } else { Some(VelocityPanel::new(input.velocities)?) },
        arenas: input.arenas.iter().map(MapsPanel::new).collect::<Result<_, _>>()?,
    };
    output::write_figure(&sheet, out_stem)
}

struct Sheet<'a> {
    title: &'a str,
    arena: &'a str,
    heading: Heading,
    distances: SpacePanel<'a>,
    space_time: MapPanel<'a>,
    velocities: Option<VelocityPanel<'a>>,
    arenas: Vec<MapsPanel<'a, 'a>>,
}

impl Sheet<'_> {
    fn distances_mm(&self) -> f64 {
        LETTER_MM + self.distances.height_mm(BLOCK_MM).max(MapPanel::height_mm(SpacePanel::FRAMES_MM)) + 2.0
    }

    fn velocities_mm(&self) -> f64 {
        self.velocities.as_ref().map_or(0.0, |panel| LETTER_MM + panel.height_mm() + 1.0)
    }

    /// Of each line of three arenas.
    fn arenas_mm(&self) -> Vec<f64> {
        let line = |panels: &[MapsPanel<'_, '_>]| panels.iter().map(|panel| panel.height_mm(THIRD_MM)).fold(0.0, f64::max) + LETTER_MM;
        self.arenas.chunks(3).map(line).collect()
    }
}

/// Writes a panel's letter and title.
fn letter<S: Surface>(
    canvas: &mut Canvas<S>,
    (left, top): (f64, f64),
    width_mm: f64,
    number: usize,
    title: &str,
) -> Result<(), FigureError> {
    let (bold, plain) = (TextStyle::new(TITLE_PT, INK).bold(), TextStyle::new(LABEL_PT, INK));
    let baseline = top + bold.cap_mm();
    let letter = char::from(b'a' + number as u8).to_string();
    canvas.text(left, baseline, &letter, bold)?;
    canvas.text(left + 4.0, baseline, &plain.shortened(title, width_mm - 4.0), plain)
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        let arenas: f64 = self.arenas_mm().iter().sum();
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + self.distances_mm() + self.velocities_mm() + arenas;
        Page::print(DOUBLE_COLUMN_MM, height)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let mut top = MARGIN_MM + self.heading.height_mm() + 1.0;
        let right = MARGIN_MM + BLOCK_MM + GAP_MM;
        let says = format!("{}. {}", self.arena, self.distances.says);
        letter(canvas, (MARGIN_MM, top), BLOCK_MM, 0, &says)?;
        self.distances.draw(canvas, MARGIN_MM, top + LETTER_MM, BLOCK_MM)?;
        let plain = TextStyle::new(LABEL_PT, INK);
        let map = "Pairs within trajectories; red: one place, the error of path integration";
        canvas.text(right, top + TextStyle::new(TITLE_PT, INK).cap_mm(), &plain.shortened(map, BLOCK_MM), plain)?;
        self.space_time.draw(canvas, right, top + LETTER_MM, (BLOCK_MM, SpacePanel::FRAMES_MM))?;
        top += self.distances_mm();
        let mut number = 1;
        if let Some(panel) = &self.velocities {
            letter(canvas, (MARGIN_MM, top), CONTENT_MM, number, "Velocities: share of steps, each over its highest")?;
            panel.draw(canvas, MARGIN_MM, top + LETTER_MM)?;
            number += 1;
            top += self.velocities_mm();
        }
        for (line, height) in self.arenas.chunks(3).zip(self.arenas_mm()) {
            for (column, panel) in line.iter().enumerate() {
                let left = MARGIN_MM + column as f64 * (THIRD_MM + GAP_MM);
                letter(canvas, (left, top), THIRD_MM, number, panel.arena())?;
                panel.draw(canvas, left, top + LETTER_MM, THIRD_MM)?;
                number += 1;
            }
            top += height;
        }
        Ok(())
    }
}

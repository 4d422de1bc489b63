//! Fig. 5 of the paper on one page: distances in space and time, velocities, and the same units in every arena.

use std::path::{Path, PathBuf};

use super::arena_maps::{ArenaMaps, COLUMNS, MapKeys, MapsPanel};
use super::distances::{Distances, SpacePanel};
use super::heading::Heading;
use super::space_time::{MapPanel, SpaceTime};
use super::velocities::{VelocityPanel, VelocitySet};
use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::style::MARGIN_MM;

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
/// Arenas beside each other.
const ARENAS_IN_A_ROW: usize = 3;

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
    // Few arenas take the page's width too.
    let columns = match input.arenas.len() {
        1 => 3 * COLUMNS,
        2 => 5,
        _ => COLUMNS,
    };
    let says = format!("{}. {}", input.arena, SpacePanel::new(&input.distances)?.says);
    let map = "Pairs within trajectories; red: one place, the error of path integration";
    let mut panels = if input.velocities.is_empty() { 1 } else { 2 };
    let mut next = |title: &str, width: f64| {
        panels += 1;
        Heading::lettered(panels - 1, title, "", width)
    };
    let sheet = Sheet {
        title: input.title,
        heading: Heading::new(input.title, "", CONTENT_MM),
        a: [Heading::lettered(0, &says, "", BLOCK_MM), Heading::unlettered(map, BLOCK_MM)],
        b: Heading::lettered(1, "Velocities: share of steps, each over its highest", "", CONTENT_MM),
        distances: SpacePanel::new(&input.distances)?,
        space_time: MapPanel::new(&input.space_time)?,
        velocities: if input.velocities.is_empty() { None } else { Some(VelocityPanel::new(input.velocities)?) },
        arenas: input
            .arenas
            .iter()
            .map(|arena| {
                let alone = if input.arenas.len() == 1 { ": the only arena, so none to compare it with" } else { "" };
                let heading = next(&format!("{}{alone}", arena.arena), arena_mm(input.arenas.len()));
                Ok((heading, MapsPanel::new(arena, columns)?))
            })
            .collect::<Result<_, FigureError>>()?,
        keys: (!input.arenas.is_empty()).then(|| MapKeys::new(input.arenas, CONTENT_MM)),
    };
    output::write_figure(&sheet, out_stem)
}

/// Width of the panel of one of so many arenas.
fn arena_mm(count: usize) -> f64 {
    match count {
        1 => CONTENT_MM,
        2 => BLOCK_MM,
        _ => THIRD_MM,
    }
}

struct Sheet<'a> {
    title: &'a str,
    heading: Heading,
    /// Of both halves of panel a.
    a: [Heading; 2],
    b: Heading,
    distances: SpacePanel<'a>,
    space_time: MapPanel<'a>,
    velocities: Option<VelocityPanel<'a>>,
    arenas: Vec<(Heading, MapsPanel<'a, 'a>)>,
    /// Of all arenas.
    keys: Option<MapKeys>,
}

impl Sheet<'_> {
    /// Of panel a's headings.
    fn a_mm(&self) -> f64 {
        self.a.iter().map(Heading::height_mm).fold(0.0, f64::max)
    }

    fn distances_mm(&self) -> f64 {
        self.a_mm() + self.distances.height_mm(BLOCK_MM).max(MapPanel::height_mm(SpacePanel::FRAMES_MM)) + 2.0
    }

    fn velocities_mm(&self) -> f64 {
        self.velocities.as_ref().map_or(0.0, |panel| self.b.height_mm() + panel.height_mm() + 1.0)
    }

    /// Of each row of arenas: their headings, and all of it.
    fn arenas_mm(&self) -> Vec<(f64, f64)> {
        let width = arena_mm(self.arenas.len());
        let highest = |heights: &mut dyn Iterator<Item = f64>| heights.fold(0.0, f64::max);
        let row = |panels: &[(Heading, MapsPanel<'_, '_>)]| {
            let headings = highest(&mut panels.iter().map(|(heading, _)| heading.height_mm()));
            (headings, headings + highest(&mut panels.iter().map(|(_, panel)| panel.height_mm(width))))
        };
        self.arenas.chunks(ARENAS_IN_A_ROW).map(row).collect()
    }
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        let arenas: f64 = self.arenas_mm().iter().map(|(_, row)| row).sum();
        let keys = self.keys.as_ref().map_or(0.0, MapKeys::height_mm);
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + 1.0 + self.distances_mm() + self.velocities_mm() + arenas + keys;
        Page::print(DOUBLE_COLUMN_MM, height)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let mut top = MARGIN_MM + self.heading.height_mm() + 1.0;
        let right = MARGIN_MM + BLOCK_MM + GAP_MM;
        self.a[0].draw_at(canvas, MARGIN_MM, top)?;
        self.distances.draw(canvas, MARGIN_MM, top + self.a_mm(), BLOCK_MM)?;
        self.a[1].draw_at(canvas, right, top)?;
        self.space_time.draw(canvas, right, top + self.a_mm(), (BLOCK_MM, SpacePanel::FRAMES_MM))?;
        top += self.distances_mm();
        if let Some(panel) = &self.velocities {
            self.b.draw_at(canvas, MARGIN_MM, top)?;
            panel.draw(canvas, MARGIN_MM, top + self.b.height_mm())?;
            top += self.velocities_mm();
        }
        let width = arena_mm(self.arenas.len());
        for (row, (headings, height)) in self.arenas.chunks(ARENAS_IN_A_ROW).zip(self.arenas_mm()) {
            for (column, (heading, panel)) in row.iter().enumerate() {
                let left = MARGIN_MM + column as f64 * (width + GAP_MM);
                heading.draw_at(canvas, left, top)?;
                panel.draw(canvas, left, top + headings, width)?;
            }
            top += height;
        }
        self.keys.as_ref().map_or(Ok(()), |keys| keys.draw(canvas, MARGIN_MM, top))
    }
}

//! Fig. 6 of the paper on one page: the low-dimensional structure of one module.

use std::path::{Path, PathBuf};

use super::heading::Heading;
use super::module_phases::{self, ModulePhases, PhaseMaps};
use super::module_spectra::{self, ModuleSpectra, Spectra};
use super::stack::{GAP_MM, Part};
use super::state_rings::{self, Planes, Rings};
use super::state_space::{self, Embedding, StateEmbedding};
use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::style::MARGIN_MM;

/// All panels, or why one is missing; their own titles are not used.
#[derive(Debug, Clone)]
pub struct StructureSheet<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Panel a: of the module alone.
    pub spectrum: Result<ModuleSpectra<'a>, &'a str>,
    /// Panel b.
    pub phases: Result<ModulePhases<'a>, &'a str>,
    /// Panel c: the clouds that are coloured by φ¹.
    pub states: Result<StateEmbedding<'a>, &'a str>,
    /// Panel d.
    pub rings: Result<Rings<'a>, &'a str>,
}

/// Draws all panels, lettered, below each other at the width of two journal columns to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
/// A panel that is missing has its letter and the reason in its place.
///
/// # Errors
///
/// [`FigureError`] as of each panel alone, if all are missing, or if a file cannot be written.
pub fn draw_structure_sheet(input: &StructureSheet<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let width = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
    let sheet = Sheet {
        title: input.title,
        heading: Heading::new(input.title, "", width),
        spectrum: Part::new(
            input.spectrum.as_ref(),
            0,
            "Mean power spectrum with the wave vectors; periods and orientations of the units",
            width,
            module_spectra::checked,
        )?,
        phases: Part::new(input.phases.as_ref(), 1, "Phases of the units", width, module_phases::checked)?,
        states: Part::new(input.states.as_ref(), 2, "States in three dimensions", width, state_space::checked)?,
        rings: Part::new(input.rings.as_ref(), 3, "States in the planes of the three phases", width, state_rings::checked)?,
    };
    if !(sheet.spectrum.is_shown() || sheet.phases.is_shown() || sheet.states.is_shown() || sheet.rings.is_shown()) {
        return Err(FigureError::Empty { figure: "figure of a module's structure", what: "panels", remedy: "pass at least one of them" });
    }
    output::write_figure(&sheet, out_stem)
}

struct Sheet<'a> {
    title: &'a str,
    heading: Heading,
    spectrum: Part<Spectra<'a>>,
    phases: Part<PhaseMaps<'a>>,
    states: Part<Embedding<'a>>,
    rings: Part<Planes<'a>>,
}

impl Sheet<'_> {
    /// Where each panel starts, and where the last one ends.
    fn tops(&self) -> [f64; 5] {
        let heights = [self.spectrum.height_mm(), self.phases.height_mm(), self.states.height_mm(), self.rings.height_mm()];
        let mut tops = [MARGIN_MM + self.heading.height_mm(); 5];
        for (index, height) in heights.into_iter().enumerate() {
            tops[index + 1] = tops[index] + height + if index < 3 { GAP_MM } else { 0.0 };
        }
        tops
    }
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, self.tops()[4] + MARGIN_MM)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let [a, b, c, d, _] = self.tops();
        self.spectrum.draw(canvas, (MARGIN_MM, a))?;
        self.phases.draw(canvas, (MARGIN_MM, b))?;
        self.states.draw(canvas, (MARGIN_MM, c))?;
        self.rings.draw(canvas, (MARGIN_MM, d))
    }
}

//! Fig. 4 of the paper on one page: units of each module, and how far apart modules are in period and orientation.

use std::path::{Path, PathBuf};

use super::heading::{Heading, Place};
use super::module_scatter::{self, ModuleScatter, Scatter};
use super::module_units::{self, ModuleUnits, UnitMaps};
use super::stack::{self, Part};
use crate::FigureError;
use crate::canvas::{Canvas, Surface};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::style::MARGIN_MM;

/// Both panels.
#[derive(Debug, Clone)]
pub struct ModulesSheet<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// Panel a; its title is not used.
    pub units: ModuleUnits<'a>,
    /// Panel b, or why it is missing; its title is not used.
    pub scatter: Result<ModuleScatter<'a>, &'a str>,
}

/// Draws both panels, lettered, at the width of two journal columns to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// In panel a autocorrelograms stand to the right of all ratemaps; panel b is below it, or says why it is missing.
///
/// # Errors
///
/// [`FigureError`] as of each panel alone, or if a file cannot be written.
pub fn draw_modules_sheet(input: &ModulesSheet<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let content = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
    let sheet = Sheet {
        title: input.title,
        heading: Heading::new(input.title, "", content),
        units: module_units::checked(&input.units, Place::Panel(0, "Units of each module"))?,
        scatter: Part::new(input.scatter.as_ref(), 1, "Period and orientation of each unit", content, module_scatter::checked)?,
    };
    output::write_figure(&sheet, out_stem)
}

struct Sheet<'a> {
    title: &'a str,
    heading: Heading,
    units: UnitMaps,
    scatter: Part<Scatter<'a>>,
}

impl Sheet<'_> {
    /// Where panels a and b start.
    fn tops(&self) -> [f64; 2] {
        let a = MARGIN_MM + self.heading.height_mm();
        [a, a + stack::body_mm(&self.units) + stack::GAP_MM]
    }
}

impl Figure for Sheet<'_> {
    fn page(&self) -> Page {
        Page::print(DOUBLE_COLUMN_MM, self.tops()[1] + self.scatter.height_mm() + MARGIN_MM)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let [a, b] = self.tops();
        stack::draw_at(canvas, &self.units, (MARGIN_MM, a))?;
        self.scatter.draw(canvas, (MARGIN_MM, b))
    }
}

//! Fig. 6 of the paper: for each module one page of its spectrum, phases, states and rings. From what the analysis left in the tables.

use super::draw::UnitRow;
use super::module_figures::{Phases, Spectra, Tuning, fold_deg, modules};
use super::state_figures::{OfModule, of_module, read};
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::{ModuleSpectra, StructureSheet, draw_structure_sheet};
use gridlake_lake::frame::Frame;
use gridlake_lake::schema::TORUS;
use std::path::{Path, PathBuf};

/// Draws the page of each module, in the arena where its states were looked at; none where the analysis has no modules.
///
/// # Errors
/// A torn table, a full disk.
pub(crate) fn draw(workspace: &Workspace<'_>, units: &[UnitRow], all_states: &[Frame], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for torus in read(workspace, &TORUS)? {
        for row in 0..torus.rows() {
            let one = OfModule { workspace, module: torus.int32("module")[row].unwrap_or_default(), torus: &torus, row };
            paths.extend(page(workspace, &one, units, all_states, folder)?);
        }
    }
    Ok(paths)
}

fn page(
    workspace: &Workspace<'_>,
    one: &OfModule<'_>,
    units: &[UnitRow],
    all_states: &[Frame],
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let arena = one.text("arena");
    let rows: Vec<&UnitRow> = units.iter().filter(|row| row.arena == arena).collect();
    let Some(module) = modules(workspace, &arena)?.into_iter().find(|module| i32::try_from(module.label) == Ok(one.module)) else {
        return Ok(Vec::new());
    };
    let (spectra, tuning) = (Spectra::read(workspace, &arena)?, Tuning::of(&rows, &module));
    let spectrum = [spectra.figure(&module, &tuning)];
    let phases = Phases::of(workspace, &rows, &module);
    let states = of_module(all_states, one.module);
    let (embedding, rings) = (one.embedding(&states)?, one.rings(&states));
    // Why there are no states is the verdict's reason; where there are some, only these numbers are missing.
    let reason = one.text("reason");
    let none = if states.iter().all(|frame| frame.rows() == 0) { reason.as_str() } else { "the analysis gave none" };
    let sheet = StructureSheet {
        title: &one.title("Structure"),
        spectrum: Ok(ModuleSpectra { title: "", modules: &spectrum, fold_deg: fold_deg(std::slice::from_ref(&module)) }),
        phases: phases.as_ref().map(|phases| phases.figure(&module, "")).ok_or("no unit has three phases"),
        states: embedding.as_ref().map(|embedding| embedding.figure("")).ok_or(none),
        rings: rings.as_ref().map(|rings| rings.figure("")).ok_or(none),
    };
    Ok(draw_structure_sheet(&sheet, &folder.join(format!("module-{}-structure", module.label)))?)
}

//! Whether a report's parts belong together.

use std::collections::BTreeSet;

use super::{Image, Report, ReportError, ReportFigure, Table};

/// Checks all sizes that the page relies on.
///
/// # Errors
///
/// [`ReportError::Shape`], [`ReportError::Duplicate`], [`ReportError::Image`].
pub(super) fn report(report: &Report) -> Result<(), ReportError> {
    let mut units = BTreeSet::new();
    for unit in &report.units {
        let name = format!("unit {}", unit.unit);
        if !units.insert(unit.unit) {
            return Err(ReportError::Duplicate { what: name });
        }
        equal(|| format!("{name}'s arenas"), unit.arenas.len(), report.arenas.len())?;
        for (here, arena) in unit.arenas.iter().zip(&report.arenas) {
            equal(|| format!("{name}'s scores in {}", arena.label), here.scores.len(), report.scores.len())?;
            equal(|| format!("{name}'s measures in {}", arena.label), here.measures.len(), report.measures.len())?;
        }
    }
    [&report.modules].into_iter().chain(&report.tables).try_for_each(table)?;
    let mut labels = BTreeSet::new();
    for cloud in &report.clouds {
        if !labels.insert(&cloud.label) {
            return Err(ReportError::Duplicate { what: format!("the point cloud \"{}\"", cloud.label) });
        }
        for color in &cloud.colors {
            equal(
                || format!("colours \"{}\" of the point cloud \"{}\"", color.label, cloud.label),
                color.values.len(),
                cloud.points.len(),
            )?;
        }
    }
    figures(&report.figures)
}

/// Checks that every figure is one.
pub(super) fn figures(figures: &[ReportFigure]) -> Result<(), ReportError> {
    for figure in figures {
        if !figure.image.is_plausible() {
            let kind = if matches!(figure.image, Image::Png(_)) { "PNG" } else { "SVG" };
            return Err(ReportError::Image { title: figure.title.clone(), kind });
        }
    }
    Ok(())
}

/// Checks that every row of a table has a cell for each column.
pub(super) fn table(table: &Table) -> Result<(), ReportError> {
    let cells = |(index, row): (usize, &Vec<super::Cell>)| {
        equal(|| format!("cells in row {index} of the table \"{}\"", table.title), row.len(), table.columns.len())
    };
    table.rows.iter().enumerate().try_for_each(cells)
}

pub(super) fn equal(what: impl FnOnce() -> String, got: usize, expected: usize) -> Result<(), ReportError> {
    if got == expected { Ok(()) } else { Err(ReportError::Shape { what: what(), got, expected }) }
}

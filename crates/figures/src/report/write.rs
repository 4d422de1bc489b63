//! Writing a report.

use std::path::{Path, PathBuf};

use super::budget::Plan;
use super::{MAX_REPORT_BYTES, Report, ReportError, check, pages};
use crate::output::write_atomic;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenReport {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: usize,
    /// What was left out or thinned to make it small enough, as the page says it; empty mostly.
    pub left_out: Vec<String>,
}

/// Writes a report as one HTML file, whole or not at all; the same report has the same bytes.
///
/// # Errors
///
/// [`ReportError::Shape`], [`ReportError::Duplicate`] or [`ReportError::Image`] where parts do not belong together;
/// [`ReportError::TooLarge`] where even without figures, spectra and autocorrelograms it is above [`MAX_REPORT_BYTES`];
/// [`ReportError::Io`] where it could not be written.
pub fn write_report(report: &Report, path: &Path) -> Result<WrittenReport, ReportError> {
    check::report(report)?;
    let mut plan = Plan::whole();
    loop {
        let page = pages::report(report, &plan)?;
        if page.len() <= MAX_REPORT_BYTES {
            write_atomic(path, page.as_bytes()).map_err(|source| ReportError::Io { path: path.to_owned(), source })?;
            return Ok(WrittenReport { path: path.to_owned(), bytes: page.len(), left_out: plan.notes(report) });
        }
        plan = plan.smaller(report).ok_or(ReportError::TooLarge { bytes: page.len(), limit: MAX_REPORT_BYTES })?;
    }
}

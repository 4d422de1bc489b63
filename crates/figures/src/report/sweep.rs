//! The index of a sweep: its runs beside each other.

use super::{Cell, Column, ReportError, ReportFigure, check, pages};

/// A sweep's runs, or any runs to be compared.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Its name: the page's title and heading.
    pub title: String,
    /// The columns behind the run's name: first the swept keys, then numbers and verdicts.
    pub columns: Vec<Column>,
    /// How many of the columns are swept keys.
    pub keys: usize,
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Figures of all runs, in the order in which they are to be read; those with which the page would pass [`super::MAX_REPORT_BYTES`] are named instead.
    pub figures: Vec<ReportFigure>,
}

/// A run in a sweep's index.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Its name.
    pub name: String,
    /// Its report's path relative to the index, with forward slashes; `None` where there is none.
    pub report: Option<String>,
    /// One cell per [`Sweep::columns`].
    pub cells: Vec<Cell>,
}

/// The index as one HTML page. It loads nothing, and links to the runs' reports; the same sweep has the same bytes.
///
/// # Errors
///
/// [`ReportError::Shape`] where a run has more or fewer cells than there are columns; [`ReportError::Link`] where a link is no
/// relative path.
pub fn index_page(sweep: &Sweep) -> Result<String, ReportError> {
    for run in &sweep.runs {
        check::equal(|| format!("cells of the run {}", run.name), run.cells.len(), sweep.columns.len())?;
        if let Some(link) = &run.report
            && !is_relative_path(link)
        {
            return Err(ReportError::Link { run: run.name.clone(), link: link.clone() });
        }
    }
    check::figures(&sweep.figures)?;
    pages::index(sweep)
}

/// Whether a link stays among files: no scheme (`javascript:`), host (`//host`), root, query or place.
fn is_relative_path(link: &str) -> bool {
    !link.is_empty() && !link.starts_with('/') && !link.contains(['\\', ':', '?', '#']) && !link.chars().any(char::is_control)
}

impl RunSummary {
    /// The report's address: the path, percent-encoded where a browser would take a character for something else.
    pub(super) fn address(&self) -> Option<String> {
        Some(self.report.as_ref()?.replace('%', "%25"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_files_only() {
        for good in ["run.html", "reports/run 1.html", "../other/<b>.html"] {
            assert!(is_relative_path(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "//host/x", "javascript:alert(1)", "https://host/x", "a?b", "a#b", "a\\b", " \u{9}javascript"] {
            assert!(!is_relative_path(bad), "{bad}");
        }
    }
}

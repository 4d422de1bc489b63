//! Rows of a file as they are: numbers in the file's own units, not yet checked.

use super::error::ImportError;
use super::items::Item;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows that are read at once. The same for every format, so that the lake's files do not depend on it.
pub(super) const BATCH_ROWS: usize = 1024;
/// Most units of an import: what one batch holds stays within 64 MiB.
pub(super) const MOST_UNITS: usize = 1 << 14;

/// Some rows. What a row lacks is NaN.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) position: [Vec<f64>; 2],
    pub(super) time: Option<Vec<f64>>,
    pub(super) trajectory: Option<Vec<Arc<str>>>,
    pub(super) arena: Option<Vec<Arc<str>>>,
    pub(super) velocity: Option<[Vec<f64>; 2]>,
    /// Values of a row; 0 where units are not read.
    pub(super) units: usize,
    /// Values of each column of units in a row.
    pub(super) widths: Arc<[usize]>,
    /// `rows * units`.
    pub(super) g: Vec<f32>,
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.position[0].len()
    }
}

/// Rows of one file, one batch after the other.
pub(super) type Batches = Box<dyn Iterator<Item = Result<Rows, ImportError>>>;

/// Says where in a file something is.
#[derive(Clone, Debug)]
pub(super) struct Whereabouts {
    pub(super) path: PathBuf,
    /// Whether rows are lines of text under a header.
    pub(super) lines: bool,
}

impl Whereabouts {
    /// "row 17 (from 0)", or "line 19".
    pub(super) fn row(&self, row: u64) -> String {
        if self.lines { format!("line {}", row + 2) } else { format!("row {row} (from 0)") }
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> ImportError {
        ImportError::data(&self.path, reason)
    }
}

/// Names of the units that `items` hold, given how many values each has in a row.
pub(super) fn unit_names(items: &[&Item], widths: &[usize]) -> Vec<String> {
    let names = |(item, width): (&&Item, &usize)| -> Vec<String> {
        if *width == 1 { vec![item.name.clone()] } else { (0..*width).map(|number| format!("{}[{number}]", item.name)).collect() }
    };
    items.iter().zip(widths).flat_map(names).collect()
}

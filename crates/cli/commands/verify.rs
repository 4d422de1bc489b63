//! `gridlake verify`.

use super::open_lake;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::progress::{Mode, Progress};
use gridlake_lake::store::Location;
use gridlake_lake::verify;
use std::fmt::Write;

/// Reads every file of a lake and prints what is missing, torn or altered; notes on what belongs to nothing come after.
///
/// # Errors
/// A place that is no lake; anything that is not whole.
pub(crate) fn verify(location: &Location, mode: Mode) -> Result<(), Failure> {
    let lake = open_lake(location)?;
    let mut progress: Option<Progress> = None;
    let found = verify::verify(&lake, &mut |done, total| {
        let bar = progress.get_or_insert_with(|| Progress::start(mode, "verify", "MB", 0, total / 1_000_000));
        bar.update(done / 1_000_000, String::new);
    })?;
    drop(progress);
    let mut text = String::new();
    for (word, findings) in [("fault", &found.faults), ("note", &found.notes)] {
        for finding in findings {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{word}: {finding}");
        }
    }
    let sum = format!("{} of {}, {:.1} MB", counted(found.files, "file"), counted(found.runs, "run"), found.bytes as f64 / 1e6);
    if found.faults.is_empty() {
        return output::print(&format!("{text}{sum}: all are there, whole and unaltered\n"));
    }
    output::print(&text)?;
    Err(Failure::work(format!("{sum}: {}", counted(found.faults.len(), "fault"))).hint("each line above says what can be done"))
}

//! `gridlake verify`.

use super::open_lake;
use crate::args::VerifyArguments;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::progress::{Mode, Progress};
use gridlake_lake::verify::{self, Depth};
use std::fmt::Write;

/// Reads every file of a lake, or looks at all sizes, and prints what is missing, torn or altered; notes on what belongs to nothing come after.
///
/// # Errors
/// A place that is no lake; anything that is not whole.
pub(crate) fn verify(arguments: &VerifyArguments, mode: Mode) -> Result<(), Failure> {
    let lake = open_lake(&arguments.whole.lake)?;
    let depth = if arguments.sizes { Depth::Sizes } else { Depth::Content };
    let mut progress: Option<Progress> = None;
    let found = verify::verify(&lake, depth, &mut |done, total| {
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
        let whole = match depth {
            Depth::Content => "all are there, whole and unaltered",
            Depth::Sizes => {
                "all are there and as long as they should be; what is in them was not read, and other files were not looked for"
            }
        };
        return output::print(&format!("{text}{sum}: {whole}\n"));
    }
    output::print(&text)?;
    Err(Failure::work(format!("{sum}: {}", counted(found.faults.len(), "fault"))).hint("each line above says what can be done"))
}

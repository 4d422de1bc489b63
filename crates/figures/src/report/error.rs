//! What can go wrong while a report is written.

use std::path::PathBuf;

/// Why a report was not written; nothing is left half written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Two parts that belong together differ in size.
    #[error("{what}: got {got}, but {expected} were expected: fill every row for the report's own arenas, scores, measures and columns")]
    Shape {
        /// Which part.
        what: String,
        /// How many it has.
        got: usize,
        /// How many it must have.
        expected: usize,
    },
    /// Something that names a thing is there twice.
    #[error("{what} is there twice: give each once")]
    Duplicate {
        /// What.
        what: String,
    },
    /// The bytes of a picture are no picture.
    #[error("the figure \"{title}\" is no {kind}: pass the bytes of a whole file")]
    Image {
        /// The figure's title.
        title: String,
        /// What it was given as.
        kind: &'static str,
    },
    /// A link of an index leads out of its folder's tree, or is no path.
    #[error("the run \"{run}\" links to \"{link}\": pass a relative path with forward slashes, such as \"reports/run.html\"")]
    Link {
        /// The run.
        run: String,
        /// The link.
        link: String,
    },
    /// Not even the smallest form of the report is small enough.
    #[error(
        "the report takes {bytes} bytes without figures, spectra and autocorrelograms, of at most {limit}: pass fewer units or arenas, or fewer bins"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// A page could not be put together.
    #[error("could not put the page together: {message}; please report this with the input")]
    Render {
        /// The reason.
        message: String,
    },
    /// A file could not be written.
    #[error("could not write the report {}: {source}; check that the folder is writable and the disk is not full", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

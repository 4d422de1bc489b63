//! What can go wrong while a figure is drawn.

use std::path::PathBuf;

/// Why a figure was not drawn; nothing is left half written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// There is nothing to draw.
    #[error("the {figure} has no {what} to draw: {remedy}")]
    Empty {
        /// Which figure.
        figure: &'static str,
        /// What is missing.
        what: &'static str,
        /// What the caller can do.
        remedy: &'static str,
    },
    /// Two inputs that belong together differ in size.
    #[error("the {figure} got {what} of size {got}, but {expected} were expected: pass arrays that belong together")]
    Shape {
        /// Which figure.
        figure: &'static str,
        /// Which input.
        what: String,
        /// Its size.
        got: String,
        /// The size it must have.
        expected: String,
    },
    /// A number lies outside the range in which the figure means something.
    #[error("the {figure} got {field} = {value}; allowed: {allowed}")]
    Range {
        /// Which figure.
        figure: &'static str,
        /// Which field.
        field: &'static str,
        /// The value.
        value: f64,
        /// The allowed range.
        allowed: &'static str,
    },
    /// A backend could not draw or encode.
    #[error("could not render the figure: {message}; please report this with the input")]
    Render {
        /// The backend's message.
        message: String,
    },
    /// A file could not be written.
    #[error("could not write the figure {}: {source}; check that the folder is writable and the disk is not full", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

//! What can be wrong with a lake.

use std::path::{Path, PathBuf};

/// Errors of this crate; each names the file, and what can be done.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The system refused: no permission, no space, no such file.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder with other things in it, or with nothing.
    #[error("{path} is not a lake: it has no lake.json{more}")]
    NotALake {
        /// The folder.
        path: PathBuf,
        /// What else is known of it.
        more: &'static str,
    },
    /// A folder that should be new.
    #[error("{path} is there already and not empty; choose an empty or new folder")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Text that is no address of a lake.
    #[error("\"{text}\" {reason}; a lake is a folder or s3://bucket/prefix")]
    Location {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A lake of a newer gridlake.
    #[error("{path} has format {found}, and this gridlake knows formats up to {known}; use a newer gridlake")]
    Version {
        /// The file that says so.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest known one.
        known: u32,
    },
    /// A file that is torn, altered, or not what its name says.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Rows that do not fit their table.
    #[error("table {table}, column {column}: {reason}")]
    Rows {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// Another process works on the run.
    #[error("another gridlake process is working on run {run}; wait for it to end, or stop it")]
    Locked {
        /// The run.
        run: String,
    },
}

impl LakeError {
    /// Whether the system failed, not the data.
    pub fn is_io(&self) -> bool {
        matches!(self, LakeError::Io { .. } | LakeError::Locked { .. })
    }

    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        let missing = |kind| matches!(kind, std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory);
        matches!(self, LakeError::Io { source, .. } if missing(source.kind()))
    }

    /// For `map_err` on system calls.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LakeError {
        move |source| LakeError::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> LakeError {
        LakeError::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}

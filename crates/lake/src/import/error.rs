//! What can be wrong with what is imported.

use std::path::{Path, PathBuf};

/// Errors of the import; each names the file or the mapping's key, and what can be done.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A mapping that does not fit the file: a column that is not there, a choice that must be made.
    #[error("{key} {message}")]
    Mapping {
        /// Dotted key of the mapping.
        key: String,
        /// What is wrong with it in which file, and what is allowed.
        message: String,
    },
    /// A file whose content cannot be used.
    #[error("{path}: {reason}")]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong, in which column or array and row, and what to do.
        reason: String,
    },
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ImportError {
    pub(super) fn mapping(key: &str, message: impl Into<String>) -> Self {
        ImportError::Mapping { key: key.to_owned(), message: message.into() }
    }

    pub(super) fn data(path: &Path, reason: impl Into<String>) -> Self {
        ImportError::Data { path: path.to_owned(), reason: reason.into() }
    }

    /// For `map_err` on system calls.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ImportError {
        move |source| ImportError::Io { path: path.to_owned(), source }
    }
}

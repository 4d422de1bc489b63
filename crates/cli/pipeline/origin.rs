//! Where a setting was written.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Source of one setting, for error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `defaults.toml`, embedded.
    Defaults,
    /// A pipeline file, 1-based line.
    File { path: Arc<Path>, line: usize },
    /// A command-line flag, as given.
    Flag(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Defaults => formatter.write_str("defaults"),
            Origin::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Origin::Flag(flag) => formatter.write_str(flag),
        }
    }
}

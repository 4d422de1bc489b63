//! One Parquet file: how it is encoded and written, how it is checked and read, on as many threads as there are.
//!
//! | Question | Module |
//! |---|---|
//! | How is a column encoded, how large are pages and row groups? | [`layout`] |
//! | How do frames become row groups, in order and in bounded memory? | [`writer`] |
//! | How do row groups become frames again? | [`reader`] |
//! | What does its footer say? | [`check`](mod@check) |
//! | How are lists encoded and decoded? | [`lists`] |
//! | Which rows are wanted, and which pages may hold them? | [`rows`] |
//! | What is read of a file, in how few requests? | [`source`] |
//! | Who does the work? | [`workers`] |

mod check;
mod digest;
mod layout;
mod lists;
mod reader;
mod rows;
mod source;
#[cfg(test)]
mod tests;
mod workers;
mod writer;

pub(crate) use check::{check, lists};
pub use digest::hex;
pub use layout::{FloatEncoding, Layout};
pub use reader::FileReader;
pub use rows::Rows;
pub use workers::limit_threads;
pub use writer::{FileWriter, Written};

use crate::error::LakeError;
use parquet::errors::ParquetError;
use std::path::Path;

/// Whose file it is; kept in its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name of the run.
    pub run: String,
    /// Of everything that the file's rows depend on.
    pub fingerprint: String,
}

/// What users can do about a file that is not as it was written.
pub(crate) const REMEDY: &str =
    "remove it and give the command that made it again (`run`, or `import`), which makes it anew; or copy the whole file here";

/// What the system said, where it is the system that failed.
fn system_error(error: ParquetError) -> Result<std::io::Error, ParquetError> {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => Ok(*io),
            Err(other) => Err(ParquetError::External(other)),
        },
        other => Err(other),
    }
}

/// A full disk is the system's failure, anything else is ours.
fn write_error(name: &Path, error: ParquetError) -> LakeError {
    let source = system_error(error).unwrap_or_else(std::io::Error::other);
    LakeError::Io { path: name.to_owned(), source }
}

/// A source that refuses is the system's failure; one that ends too early, or holds something else, is damaged.
fn read_error(name: &Path, error: ParquetError) -> LakeError {
    match system_error(error) {
        Ok(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => LakeError::Io { path: name.to_owned(), source },
        Ok(source) => LakeError::damaged(name, format!("is torn ({source}); {REMEDY}")),
        Err(error) => LakeError::damaged(name, format!("is torn or no Parquet file ({error}); {REMEDY}")),
    }
}

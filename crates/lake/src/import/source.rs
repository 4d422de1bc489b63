//! One file to import: its format, its columns, and what is read of them.

use super::archive::Archive;
use super::error::ImportError;
use super::items::Item;
use super::mapping::Mapping;
use super::npz::NpzRows;
use super::resolve::{self, Resolved};
use super::rows::{Batches, Whereabouts};
use super::table::{TableRows, wanted};
use super::{csv, parquet};
use std::path::{Path, PathBuf};

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet, any codec.
    Parquet,
    /// NumPy's archive of arrays, compressed or not.
    Npz,
    /// Text with a header.
    Csv,
}

impl Format {
    /// The format of a file, by its name's end; `None` where it is none of them.
    pub fn of(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        match end.as_str() {
            "parquet" | "pq" => Some(Format::Parquet),
            "npz" => Some(Format::Npz),
            "csv" | "tsv" | "txt" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// What is there before anything is read: columns, and where they are.
pub(super) enum Contents {
    /// A Parquet file.
    Parquet,
    /// A text file.
    Csv,
    /// An archive of arrays.
    Npz(Archive),
}

/// The contents of a file and its columns.
///
/// # Errors
/// A file of no known format, empty, torn, or of another format than its name says.
pub(super) fn open(path: &Path, mapping: &Mapping) -> Result<(Contents, Vec<Item>), ImportError> {
    let Some(format) = Format::of(path) else {
        return Err(ImportError::mapping(
            "FILE",
            format!("{} has no known ending; allowed: .parquet, .pq, .npz, .csv, .tsv, .txt", path.display()),
        ));
    };
    if std::fs::metadata(path).map_err(ImportError::io(path))?.len() == 0 {
        return Err(ImportError::data(path, "is empty; copy or write the file anew"));
    }
    Ok(match format {
        Format::Parquet => (Contents::Parquet, parquet::items(path)?),
        Format::Csv => (Contents::Csv, csv::items(path, mapping)?),
        Format::Npz => {
            let archive = Archive::open(path)?;
            let items = archive.items();
            (Contents::Npz(archive), items)
        }
    })
}

/// A file with what is read of it.
pub struct Source {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
    pub(super) items: Vec<Item>,
    pub(super) resolved: Resolved,
}

impl Source {
    /// Looks at the file's columns and finds what the mapping asks for; `with_units` where it holds activity, not only a tracked path.
    ///
    /// # Errors
    /// A file that is torn or of no known format; a mapping that does not fit it.
    pub fn open(path: &Path, mapping: &Mapping, with_units: bool) -> Result<Self, ImportError> {
        let (contents, items) = open(path, mapping)?;
        let resolved = resolve::resolve(path, &items, mapping, with_units)?;
        Ok(Self { path: path.to_owned(), contents, items, resolved })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which column or array is what, for the record of the run.
    pub fn found(&self) -> Vec<(&'static str, Vec<String>)> {
        let names = |items: &[usize]| items.iter().map(|item| self.items[*item].name.clone()).collect::<Vec<String>>();
        let one = |item: Option<usize>| names(&item.into_iter().collect::<Vec<usize>>());
        let own = &self.resolved;
        [
            ("position", names(&own.position)),
            ("time", one(own.time)),
            ("trajectory", one(own.trajectory)),
            ("arena", one(own.arena)),
            ("velocity", names(&own.velocity)),
            ("units", names(&own.units)),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .collect()
    }

    pub(super) fn whereabouts(&self) -> Whereabouts {
        Whereabouts { path: self.path.clone(), lines: matches!(self.contents, Contents::Csv) }
    }

    /// The file's rows, with or without units.
    pub(super) fn rows(&self, mapping: &Mapping, with_units: bool) -> Result<Batches, ImportError> {
        let mut resolved = self.resolved.clone();
        if !with_units {
            resolved.units.clear();
        }
        let columns = wanted(&resolved);
        let mut table = TableRows::new(self.whereabouts(), self.items.clone(), resolved.clone());
        Ok(match &self.contents {
            Contents::Parquet => Box::new(parquet::batches(&self.path, &columns)?.map(move |batch| table.take(&batch?))),
            Contents::Csv => Box::new(csv::batches(&self.path, mapping, &self.items, &columns)?.map(move |batch| table.take(&batch?))),
            Contents::Npz(archive) => Box::new(NpzRows::open(&self.path, archive, &resolved, mapping)?),
        })
    }
}

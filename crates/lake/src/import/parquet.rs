//! Parquet files of other software.

use super::error::ImportError;
use super::foreign::guarded;
use super::items::Item;
use super::rows::{BATCH_ROWS, Whereabouts};
use super::table::shape;
use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::RecordBatch;
use std::fs::File;
use std::path::Path;

const REMEDY: &str = "copy or write the file anew";

type Builder = ParquetRecordBatchReaderBuilder<File>;

fn open(path: &Path) -> Result<Builder, ImportError> {
    let file = File::open(path).map_err(ImportError::io(path))?;
    guarded(&place(path), || {
        Builder::try_new(file).map_err(|error| ImportError::data(path, format!("is torn, altered or no Parquet file ({error}); {REMEDY}")))
    })
}

/// The file's columns.
///
/// # Errors
/// A file that is torn or no Parquet.
pub(super) fn items(path: &Path) -> Result<Vec<Item>, ImportError> {
    let builder = open(path)?;
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| Item { name: field.name().clone(), shape: shape(field.data_type()) };
    Ok(builder.schema().fields().iter().map(column).collect())
}

/// Batches of the columns at `wanted` (ascending), in that order.
///
/// # Errors
/// A file that is torn or no Parquet; from the iterator, a torn page.
pub(super) fn batches(
    path: &Path,
    wanted: &[usize],
) -> Result<impl Iterator<Item = Result<RecordBatch, ImportError>> + use<>, ImportError> {
    let builder = open(path)?;
    let place = place(path);
    let torn = {
        let place = place.clone();
        move |error: &dyn std::fmt::Display| place.refuse(format!("is torn or altered ({error}); {REMEDY}"))
    };
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
    let mut reader = guarded(&place, || builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|error| torn(&error)))?;
    Ok(std::iter::from_fn(move || guarded(&place, || reader.next().transpose().map_err(|error| torn(&error))).transpose()))
}

fn place(path: &Path) -> Whereabouts {
    Whereabouts { path: path.to_owned(), lines: false }
}

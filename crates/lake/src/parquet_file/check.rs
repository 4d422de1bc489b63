//! What a file is, by its footer alone.

use super::REMEDY;
use super::reader::check_version;
use super::source::load_metadata;
use crate::error::LakeError;
use crate::manifest::ListType;
use crate::schema::Table;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

fn open<R: ChunkReader + 'static>(file: &R, name: &Path) -> Result<ArrowReaderMetadata, LakeError> {
    let refuse = |error: ParquetError| super::read_error(name, error);
    let metadata = load_metadata(file, PageIndexPolicy::Skip).map_err(refuse)?;
    ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()).map_err(refuse)
}

/// The list columns of an Arrow schema.
pub(super) fn lists_of(schema: &Schema) -> BTreeMap<String, ListType> {
    let list = |field: &Field| match field.data_type() {
        DataType::FixedSizeList(item, length) => {
            let item = match item.data_type() {
                DataType::Float16 => "float16",
                DataType::Float64 => "float64",
                _ => "float32",
            };
            Some((field.name().clone(), ListType { length: *length as u32, item: item.to_owned() }))
        }
        _ => None,
    };
    schema.fields().iter().filter_map(|field| list(field)).collect()
}

/// The list columns of a file.
pub(crate) fn lists<R: ChunkReader + 'static>(file: &R, name: &Path) -> Result<BTreeMap<String, ListType>, LakeError> {
    Ok(lists_of(open(file, name)?.schema()))
}

/// Whether a file is a whole one of `table` and `run` with `rows` rows; its rows are not read.
pub(crate) fn check<R: ChunkReader + 'static>(
    table: &'static Table,
    file: &R,
    name: &Path,
    run: &str,
    rows: Option<u64>,
) -> Result<(), LakeError> {
    let metadata = open(file, name)?;
    check_version(&metadata, name)?;
    let about = metadata.metadata().file_metadata();
    let damaged = |reason: String| Err(LakeError::damaged(name, format!("{reason}; {REMEDY}")));
    let pairs = about.key_value_metadata().into_iter().flatten();
    let owner = pairs.filter(|pair| pair.key == "gridlake.run").find_map(|pair| pair.value.as_deref());
    if owner != Some(run) {
        return damaged(format!("says that it belongs to run {}", owner.unwrap_or("without a name")));
    }
    let found = about.num_rows() as u64;
    if let Some(rows) = rows.filter(|rows| *rows != found) {
        return damaged(format!("has {found} rows, where the manifest has {rows}"));
    }
    for column in table.columns {
        match metadata.schema().field_with_name(column.name) {
            Ok(field) if !column.holds(field.data_type()) => {
                return damaged(format!("column {} is {}, where {} belongs", column.name, field.data_type(), column.kind.name()));
            }
            Err(_) if !column.nullable => return damaged(format!("has no column {}", column.name)),
            _ => {}
        }
    }
    Ok(())
}

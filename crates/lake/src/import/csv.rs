//! Text files: a header, then a line for each moment.

use super::error::ImportError;
use super::items::{Item, Shape};
use super::mapping::Mapping;
use super::rows::{BATCH_ROWS, Whereabouts};
use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A byte-order mark, which some programs write first.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

fn open(path: &Path) -> Result<BufReader<File>, ImportError> {
    let file = File::open(path).map_err(ImportError::io(path))?;
    let mut reader = BufReader::new(file);
    let marked = reader.fill_buf().map_err(ImportError::io(path))?.starts_with(MARK);
    let from = if marked { MARK.len() as u64 } else { 0 };
    reader.seek(SeekFrom::Start(from)).map_err(ImportError::io(path))?;
    Ok(reader)
}

fn delimiter(path: &Path, mapping: &Mapping) -> u8 {
    let tabs = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tsv"));
    mapping.csv.delimiter.bytes().next().unwrap_or(if tabs { b'\t' } else { b',' })
}

/// The names in the file's first line.
///
/// # Errors
/// A file that is empty or no text, a line without names, the same name twice.
pub(super) fn items(path: &Path, mapping: &Mapping) -> Result<Vec<Item>, ImportError> {
    let format = Format::default().with_header(true).with_delimiter(delimiter(path, mapping));
    let refuse = |error: &dyn std::fmt::Display| {
        ImportError::data(path, format!("is no text file with a header ({error}); write it anew as CSV in UTF-8"))
    };
    let (schema, _) = format.infer_schema(open(path)?, Some(0)).map_err(|error| refuse(&error))?;
    let items: Vec<Item> = schema.fields().iter().map(|field| Item { name: field.name().trim().to_owned(), shape: Shape::Cell }).collect();
    if items.iter().all(|item| item.name.is_empty()) {
        return Err(refuse(&"its first line is empty"));
    }
    if let Some(item) = items.iter().find(|item| item.name.parse::<f64>().is_ok_and(f64::is_finite) && item.name.contains(['.', '-', 'e']))
    {
        return Err(refuse(&format!("its first line holds the number {}, where names belong", item.name)));
    }
    let twice = items
        .iter()
        .enumerate()
        .find(|(number, item)| !item.name.is_empty() && items[..*number].iter().any(|other| other.name == item.name));
    match twice {
        Some((_, item)) => Err(refuse(&format!("the name {:?} is there twice", item.name))),
        None => Ok(items),
    }
}

/// Batches of the columns at `wanted` (ascending), in that order, as text.
///
/// # Errors
/// A system that refuses; from the iterator, a line with too few or too many cells.
pub(super) fn batches(
    path: &Path,
    mapping: &Mapping,
    items: &[Item],
    wanted: &[usize],
) -> Result<impl Iterator<Item = Result<RecordBatch, ImportError>> + use<>, ImportError> {
    let place = Whereabouts { path: path.to_owned(), lines: true };
    let torn = move |error: &dyn std::fmt::Display| {
        place.refuse(format!("is torn or no CSV ({error}); write it anew, every line with as many cells as the first"))
    };
    let fields: Vec<Field> = items.iter().map(|item| Field::new(&item.name, DataType::Utf8, true)).collect();
    let builder = ReaderBuilder::new(Arc::new(Schema::new(fields)))
        .with_header(true)
        .with_delimiter(delimiter(path, mapping))
        .with_batch_size(BATCH_ROWS)
        .with_projection(wanted.to_vec());
    let reader = builder.build_buffered(open(path)?).map_err(|error| torn(&error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| torn(&error))))
}

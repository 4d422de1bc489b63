//! One Parquet file: how it is encoded, and how it is checked when it is read.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::schema::{SCHEMA_VERSION, Table};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes of a row group before compression: what a reader holds at once.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// Most rows of one batch that is read; never more than a row group's, so that long rows come a few at a time.
const BATCH_ROWS: usize = 8192;

/// Whose file it is; kept in its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name of the run.
    pub run: String,
    /// Of everything that the file's rows depend on.
    pub fingerprint: String,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) rows: u64,
}

/// Counts and digests what passes through.
struct Digesting<W: Write> {
    inner: W,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Hexadecimal digits of a digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes one file, frame by frame.
pub(crate) struct FileWriter {
    path: PathBuf,
    owner: Owner,
    rows: u64,
    writer: Option<ArrowWriter<Digesting<BufWriter<File>>>>,
}

impl FileWriter {
    /// Nothing is created before the first frame.
    pub(crate) fn new(path: PathBuf, owner: Owner) -> Self {
        Self { path, owner, rows: 0, writer: None }
    }

    pub(crate) fn write(&mut self, frame: &Frame) -> Result<(), LakeError> {
        let batch = frame.to_batch(HashMap::new())?;
        let refuse = |error: ParquetError| write_error(&self.path, error);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = File::create(&self.path).map_err(LakeError::io(&self.path))?;
                let sink = Digesting { inner: BufWriter::new(file), bytes: 0, digest: Sha256::new() };
                let row_bytes = batch.get_array_memory_size() / batch.num_rows().max(1);
                let properties = properties(&batch.schema(), &self.owner, (ROW_GROUP_BYTES / row_bytes.max(1)).max(64)).map_err(refuse)?;
                none.insert(ArrowWriter::try_new(sink, batch.schema(), Some(properties)).map_err(refuse)?)
            }
        };
        writer.write(&batch).map_err(refuse)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the file and syncs it.
    pub(crate) fn finish(self) -> Result<Option<Written>, LakeError> {
        let refuse = |error: ParquetError| write_error(&self.path, error);
        let Some(mut writer) = self.writer else { return Ok(None) };
        writer.finish().map_err(refuse)?;
        let sink = writer.inner_mut();
        sink.flush().and_then(|()| sink.inner.get_ref().sync_all()).map_err(LakeError::io(&self.path))?;
        Ok(Some(Written { bytes: sink.bytes, sha256: hex(&std::mem::take(&mut sink.digest).finalize()), rows: self.rows }))
    }
}

/// zstd; floats byte-split, everything else by dictionary.
fn properties(schema: &arrow::datatypes::Schema, owner: &Owner, group_rows: usize) -> Result<WriterProperties, ParquetError> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let metadata = vec![
        pair("gridlake.schema_version", &SCHEMA_VERSION.to_string()),
        pair("gridlake.run", &owner.run),
        pair("gridlake.fingerprint", &owner.fingerprint),
    ];
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("gridlake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(group_rows))
        .set_key_value_metadata(Some(metadata));
    for leaf in ArrowSchemaConverter::new().convert(schema)?.columns() {
        if matches!(leaf.physical_type(), Type::FLOAT | Type::DOUBLE) {
            let path = leaf.path().clone();
            properties =
                properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
        }
    }
    Ok(properties.build())
}

/// A full disk is the system's failure, anything else is ours.
fn write_error(path: &Path, error: ParquetError) -> LakeError {
    let source = match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    };
    LakeError::Io { path: path.to_owned(), source }
}

const REMEDY: &str = "make it anew by running the pipeline with --force, or copy the whole file here";

/// Frames of some columns (all where `columns` is empty) of a file, in the file's order.
pub(crate) struct FileReader {
    table: &'static Table,
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl FileReader {
    pub(crate) fn open(table: &'static Table, path: &Path, columns: &[&str]) -> Result<Self, LakeError> {
        let file = File::open(path).map_err(LakeError::io(path))?;
        let torn = |error: ParquetError| LakeError::damaged(path, format!("is torn or no Parquet file ({error}); {REMEDY}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(torn)?;
        let version = builder.metadata().file_metadata().key_value_metadata().and_then(|pairs| {
            pairs.iter().find(|pair| pair.key == "gridlake.schema_version").and_then(|pair| pair.value.as_ref()?.parse::<u64>().ok())
        });
        match version {
            None => return Err(LakeError::damaged(path, format!("was not written by gridlake (no gridlake.schema_version); {REMEDY}"))),
            Some(found) if found > u64::from(SCHEMA_VERSION) => {
                return Err(LakeError::Version { path: path.to_owned(), found, known: SCHEMA_VERSION });
            }
            Some(_) => {}
        }
        if let Some(missing) = columns.iter().find(|name| builder.schema().field_with_name(name).is_err()) {
            return Err(LakeError::damaged(path, format!("has no column {missing}; {REMEDY}")));
        }
        let mask = if columns.is_empty() {
            ProjectionMask::all()
        } else {
            ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied())
        };
        let group_rows = builder.metadata().row_groups().first().map_or(BATCH_ROWS, |group| group.num_rows() as usize);
        let reader = builder.with_projection(mask).with_batch_size(group_rows.clamp(1, BATCH_ROWS)).build().map_err(torn)?;
        Ok(Self { table, path: path.to_owned(), reader })
    }
}

impl Iterator for FileReader {
    type Item = Result<Frame, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        let torn = |error| LakeError::damaged(&self.path, format!("is torn ({error}); {REMEDY}"));
        Some(batch.map_err(torn).and_then(|batch| Frame::from_batch(self.table, &batch, &self.path)))
    }
}

//! Frames into a file: row groups are encoded by several threads and written in order, few at a time.
//!
//! The bytes depend on the rows, the schema and the layout, not on the number of threads.

use super::check::lists_of;
use super::digest::Digesting;
use super::layout::{self, Layout};
use super::lists::{self, EncodedList};
use super::workers::{Workers, threads};
use super::{Owner, write_error};
use crate::error::LakeError;
use crate::frame::Frame;
use crate::manifest::ListType;
use crate::schema::Table;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a column that are encoded at once, so that what is spelled out for them stays small.
const SLICE_ROWS: usize = 1024;

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Its rows.
    pub rows: u64,
    /// Its columns of lists.
    pub lists: BTreeMap<String, ListType>,
}

/// A column chunk, encoded.
enum Chunk {
    General(ArrowColumnChunk),
    List(EncodedList),
}

type Chunks = Result<Vec<Chunk>, ParquetError>;

/// What is known of columns when row groups are encoded. Every column of a table has one leaf.
struct ColumnEncoding {
    schema: SchemaRef,
    columns: Vec<ColumnDescPtr>,
    factory: ArrowRowGroupWriterFactory,
    layout: Layout,
}

/// Rows of one row group, to be encoded.
struct Group {
    number: usize,
    batches: Vec<RecordBatch>,
}

/// Writes one file into a sink, frame by frame; a full sink holds the writer up. What is dropped unfinished is torn.
pub struct FileWriter<W: Write + Send> {
    table: &'static Table,
    owner: Owner,
    name: PathBuf,
    layout: Layout,
    sink: Option<Digesting<W>>,
    open: Option<Open<W>>,
}

/// What is known from the first frame on.
struct Open<W: Write + Send> {
    file: SerializedFileWriter<Digesting<W>>,
    encoding: Arc<ColumnEncoding>,
    group_rows: usize,
    list_lengths: Vec<(&'static str, usize)>,
    batches: Vec<RecordBatch>,
    batched_rows: usize,
    groups: usize,
    rows: u64,
    workers: Option<Workers<Group, Chunks>>,
}

impl<W: Write + Send> FileWriter<W> {
    /// A file of `table` into `sink`; `name` is what errors call it.
    pub fn start(sink: W, table: &'static Table, owner: Owner, name: &Path, layout: Layout) -> Self {
        Self { table, owner, name: name.to_owned(), layout, sink: Some(Digesting::new(sink)), open: None }
    }

    /// Adds rows, without a copy of their numbers where the frame is given away.
    ///
    /// # Errors
    /// [`LakeError::Rows`] for rows that the schema refuses, or lists that are not as long as the first frame's; [`LakeError::Io`] where the sink
    /// refuses.
    ///
    /// # Panics
    /// For a frame of another table.
    pub fn write(&mut self, frame: impl Into<Frame>) -> Result<(), LakeError> {
        let frame: Frame = frame.into();
        assert_eq!(frame.table().name, self.table.name, "the frame's table");
        let lengths = frame.list_lengths();
        let batch = frame.into_batch(self.layout.precision)?;
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let Some(sink) = self.sink.take() else { return Err(self.broken()) };
                none.insert(
                    Open::new(sink, batch.schema(), &self.owner, self.layout, lengths.clone())
                        .map_err(|error| write_error(&self.name, error))?,
                )
            }
        };
        if let Some(((column, found), (_, first))) = lengths.iter().zip(&open.list_lengths).find(|(own, first)| own != first) {
            let reason = format!("a list has {found} elements, where those before have {first}; all lists of a partition are equally long");
            return Err(LakeError::Rows { table: self.table.name, column: (*column).to_owned(), reason });
        }
        open.add(&batch).map_err(|error| write_error(&self.name, error))
    }

    /// Ends the file and flushes the sink; to make it last is its owner's.
    ///
    /// # Errors
    /// [`LakeError::Io`] where the sink refuses; [`LakeError::Rows`] where no frame was written.
    pub fn finish(mut self) -> Result<(W, Written), LakeError> {
        let Some(open) = self.open.take() else { return Err(self.broken()) };
        open.finish().map_err(|error| write_error(&self.name, error))
    }

    fn broken(&self) -> LakeError {
        LakeError::Rows {
            table: self.table.name,
            column: "all".to_owned(),
            reason: "no frame was written, or an error came before".to_owned(),
        }
    }
}

impl<W: Write + Send> Open<W> {
    fn new(
        sink: Digesting<W>,
        schema: SchemaRef,
        owner: &Owner,
        layout: Layout,
        list_lengths: Vec<(&'static str, usize)>,
    ) -> Result<Self, ParquetError> {
        let mut properties = layout::properties(&schema, owner, layout)?;
        let parquet_schema = ArrowSchemaConverter::new().convert(&schema)?;
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let file = SerializedFileWriter::new(sink, parquet_schema.root_schema_ptr(), Arc::new(properties))?;
        let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        let (group_rows, columns) = (layout::group_rows(&schema), file.schema_descr().columns().to_vec());
        let encoding = Arc::new(ColumnEncoding { schema, columns, factory, layout });
        Ok(Self { file, encoding, group_rows, list_lengths, batches: Vec::new(), batched_rows: 0, groups: 0, rows: 0, workers: None })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = (batch.num_rows() - from).min(self.group_rows - self.batched_rows);
            self.batches.push(batch.slice(from, rows));
            (self.batched_rows, from) = (self.batched_rows + rows, from + rows);
            if self.batched_rows == self.group_rows {
                self.encode_aside()?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// The rows so far as a row group.
    fn group(&mut self) -> Group {
        (self.batched_rows, self.groups) = (0, self.groups + 1);
        Group { number: self.groups - 1, batches: std::mem::take(&mut self.batches) }
    }

    /// Hands a full row group to the threads, and writes the oldest when enough are under way.
    fn encode_aside(&mut self) -> Result<(), ParquetError> {
        let group = self.group();
        let workers = if let Some(workers) = &mut self.workers {
            workers
        } else {
            let encoding = Arc::clone(&self.encoding);
            self.workers.insert(Workers::start(threads(), move |group: Group| encode(&encoding, &group))?)
        };
        workers.submit(group);
        if workers.is_busy() {
            self.write_oldest()?;
        }
        Ok(())
    }

    /// Waits for the oldest row group and writes it; false where there is none.
    fn write_oldest(&mut self) -> Result<bool, ParquetError> {
        let Some(chunks) = self.workers.as_mut().and_then(Workers::next) else { return Ok(false) };
        self.append(chunks??)?;
        Ok(true)
    }

    fn append(&mut self, chunks: Vec<Chunk>) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            match chunk {
                Chunk::General(chunk) => chunk.append_to_row_group(&mut group)?,
                Chunk::List(list) => group.append_column(&list.bytes, list.close)?,
            }
        }
        group.close().map(|_| ())
    }

    fn finish(mut self) -> Result<(W, Written), ParquetError> {
        // The last one, often the only one, is encoded here while the threads end theirs.
        let last = if self.batched_rows > 0 {
            let group = self.group();
            Some(encode(&self.encoding, &group)?)
        } else {
            None
        };
        while self.write_oldest()? {}
        if let Some(chunks) = last {
            self.append(chunks)?;
        }
        self.file.finish()?;
        let sink = self.file.inner_mut().give_back();
        let (sink, bytes, sha256) = sink.ok_or_else(|| ParquetError::General("the file was ended before".to_owned()))?;
        Ok((sink, Written { bytes, sha256, rows: self.rows, lists: lists_of(&self.encoding.schema) }))
    }
}

/// Encodes and compresses a row group, column by column.
fn encode(encoding: &ColumnEncoding, group: &Group) -> Chunks {
    let writers = encoding.factory.create_column_writers(group.number)?;
    let mut chunks = Vec::with_capacity(writers.len());
    for (place, (mut writer, field)) in writers.into_iter().zip(encoding.schema.fields()).enumerate() {
        let arrays: Vec<&ArrayRef> = group.batches.iter().map(|batch| batch.column(place)).collect();
        if lists::suits(field.data_type(), field.is_nullable(), encoding.layout) {
            chunks.push(Chunk::List(lists::encode(&encoding.columns[place], &arrays, encoding.layout)?));
            continue;
        }
        for array in arrays {
            for from in (0..array.len()).step_by(SLICE_ROWS) {
                for leaf in compute_leaves(field, &array.slice(from, SLICE_ROWS.min(array.len() - from)))? {
                    writer.write(&leaf)?;
                }
            }
        }
        chunks.push(Chunk::General(writer.close()?));
    }
    Ok(chunks)
}

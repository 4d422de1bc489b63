//! Frames into a file: row groups are encoded by several threads and written in order, few at a time.
//!
//! The bytes depend on the rows, the schema and the layout, not on the number of threads.

use super::check::lists_of;
use super::digest::Digesting;
use super::layout::{self, Layout};
use super::workers::{Workers, threads};
use super::{Owner, write_error};
use crate::error::LakeError;
use crate::frame::Frame;
use crate::manifest::ListType;
use crate::schema::Table;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of a column that are encoded at once, so that their levels stay in the cache.
const SLICE_ROWS: usize = 512;

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

type Chunks = Result<Vec<ArrowColumnChunk>, ParquetError>;

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
    schema: SchemaRef,
    file: SerializedFileWriter<Digesting<W>>,
    factory: Arc<ArrowRowGroupWriterFactory>,
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
        let factory = Arc::new(ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema)));
        let group_rows = layout::group_rows(&schema);
        Ok(Self {
            schema,
            file,
            factory,
            group_rows,
            list_lengths,
            batches: Vec::new(),
            batched_rows: 0,
            groups: 0,
            rows: 0,
            workers: None,
        })
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
            let (factory, schema) = (Arc::clone(&self.factory), Arc::clone(&self.schema));
            self.workers.insert(Workers::start(threads(), move |group: Group| encode(&factory, &schema, &group))?)
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

    fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    }

    fn finish(mut self) -> Result<(W, Written), ParquetError> {
        // The last one, often the only one, is encoded here while the threads end theirs.
        let last = if self.batched_rows > 0 {
            let group = self.group();
            Some(encode(&self.factory, &self.schema, &group)?)
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
        Ok((sink, Written { bytes, sha256, rows: self.rows, lists: lists_of(&self.schema) }))
    }
}

/// Encodes and compresses a row group.
fn encode(factory: &ArrowRowGroupWriterFactory, schema: &SchemaRef, group: &Group) -> Chunks {
    let mut writers = factory.create_column_writers(group.number)?;
    for batch in &group.batches {
        for from in (0..batch.num_rows()).step_by(SLICE_ROWS) {
            let slice = batch.slice(from, SLICE_ROWS.min(batch.num_rows() - from));
            let leaves = schema.fields().iter().zip(slice.columns()).map(|(field, array)| compute_leaves(field, array));
            let leaves = leaves.collect::<Result<Vec<_>, _>>()?;
            for (writer, leaf) in writers.iter_mut().zip(leaves.into_iter().flatten()) {
                writer.write(&leaf)?;
            }
        }
    }
    writers.into_iter().map(ArrowColumnWriter::close).collect()
}

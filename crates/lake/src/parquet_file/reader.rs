//! A file into frames: row groups are fetched in few requests and decoded by several threads, few ahead of who reads.

use super::lists::{List, ListReader};
use super::rows::Rows;
use super::source::{Fetched, fetch, load_metadata};
use super::workers::{Workers, threads};
use super::{REMEDY, read_error};
use crate::error::LakeError;
use crate::frame::Frame;
use crate::schema::{Column, SCHEMA_VERSION, Table};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::reader::ChunkReader;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most rows of a frame.
const FRAME_ROWS: usize = 8192;

type Frames = Result<Vec<Frame>, LakeError>;

/// Frames of some columns and rows of a file, in the file's order. After an error nothing follows.
pub struct FileReader<R: ChunkReader + 'static> {
    file: Arc<Opened<R>>,
    /// Row groups that are not begun.
    groups: VecDeque<usize>,
    frames: VecDeque<Frame>,
    workers: Option<Workers<usize, Frames>>,
}

/// What every thread needs to read a row group.
struct Opened<R> {
    source: R,
    table: &'static Table,
    name: PathBuf,
    metadata: ArrowReaderMetadata,
    /// Wanted columns of the file, and wanted ones that it lacks.
    columns: Vec<&'static str>,
    absent: Vec<&'static Column>,
    rows: Rows,
}

impl<R: ChunkReader + 'static> FileReader<R> {
    /// Opens a file of `table`; `name` is what errors call it. Frames have the named columns (all where `columns` is empty) and the rows that `rows`
    /// wants. Columns that the file has and the table does not are left out; columns that it lacks, as files of older versions may, are null.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] for a file that is torn, not gridlake's or without one of the columns, [`LakeError::Version`] for one of a newer
    /// gridlake, [`LakeError::Io`] where the source refuses, [`LakeError::Rows`] where `rows` asks for what a column cannot be.
    pub fn open(table: &'static Table, source: R, name: &Path, columns: &[&str], rows: Rows) -> Result<Self, LakeError> {
        if let Some((column, reason)) = rows.refusal(table) {
            return Err(LakeError::Rows { table: table.name, column: column.to_owned(), reason });
        }
        // Only who looks for certain rows needs to know about pages.
        let policy = if rows.is_all() { PageIndexPolicy::Skip } else { PageIndexPolicy::Optional };
        let refuse = |error: ParquetError| read_error(name, error);
        let metadata = load_metadata(&source, policy).map_err(refuse)?;
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()).map_err(refuse)?;
        check_version(&metadata, name)?;
        let lacks = |column: &str| LakeError::damaged(name, format!("has no column {column}; {REMEDY}"));
        let wanted = |column: &&Column| columns.is_empty() || columns.contains(&column.name);
        if let Some(unknown) = columns.iter().find(|name| table.column(name).is_none()) {
            return Err(lacks(unknown));
        }
        let here = |column: &&Column| metadata.schema().field_with_name(column.name).is_ok();
        let (columns, absent): (Vec<&'static Column>, Vec<&'static Column>) = table.columns.iter().filter(wanted).partition(here);
        let filtered = rows.columns().into_iter().filter_map(|name| table.column(name));
        if let Some(column) = absent.iter().copied().chain(filtered.filter(|column| !here(column))).find(|column| !column.nullable) {
            return Err(lacks(column.name));
        }
        let mut groups = VecDeque::new();
        for group in 0..metadata.metadata().num_row_groups() {
            if rows.may_be_in_group(&metadata, group).map_err(refuse)? {
                groups.push_back(group);
            }
        }
        let columns = columns.iter().map(|column| column.name).collect();
        let file = Opened { source, table, name: name.to_owned(), metadata, columns, absent, rows };
        Ok(Self { file: Arc::new(file), groups, frames: VecDeque::new(), workers: None })
    }

    /// Frames of the next row group; `None` at the end.
    fn next_group(&mut self) -> Option<Frames> {
        if self.workers.is_none() && self.groups.len() > 1 && threads() > 1 {
            let file = Arc::clone(&self.file);
            match Workers::start(threads(), move |group| file.read_group(group)) {
                Ok(workers) => self.workers = Some(workers),
                Err(source) => return Some(Err(self.broken(source))),
            }
        }
        let Some(workers) = &mut self.workers else { return self.groups.pop_front().map(|group| self.file.read_group(group)) };
        while !workers.is_busy()
            && let Some(group) = self.groups.pop_front()
        {
            workers.submit(group);
        }
        let oldest = workers.next()?;
        Some(oldest.unwrap_or_else(|source| Err(self.broken(source))))
    }

    fn broken(&self, source: std::io::Error) -> LakeError {
        LakeError::Io { path: self.file.name.clone(), source }
    }
}

impl<R: ChunkReader + 'static> Iterator for FileReader<R> {
    type Item = Result<Frame, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.frames.is_empty() {
            match self.next_group()? {
                Ok(frames) => self.frames.extend(frames),
                Err(error) => {
                    self.groups.clear();
                    self.workers = None;
                    return Some(Err(error));
                }
            }
        }
        self.frames.pop_front().map(Ok)
    }
}

pub(super) fn check_version(metadata: &ArrowReaderMetadata, name: &Path) -> Result<(), LakeError> {
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let version =
        pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == "gridlake.schema_version")?.value.as_ref()?.parse::<u64>().ok());
    match version {
        None => Err(LakeError::damaged(name, format!("was not written by gridlake (no gridlake.schema_version); {REMEDY}"))),
        Some(found) if found > u64::from(SCHEMA_VERSION) => Err(LakeError::Version { path: name.to_owned(), found, known: SCHEMA_VERSION }),
        Some(_) => Ok(()),
    }
}

impl<R: ChunkReader + 'static> Opened<R> {
    /// The wanted rows of a group, columns that the file lacks included.
    fn read_group(&self, group: usize) -> Frames {
        let selection = if self.rows.is_all() {
            None
        } else {
            let selection = self.select(group)?;
            if !selection.selects_any() {
                return Ok(Vec::new());
            }
            Some(selection)
        };
        let lack = |frame: Frame| self.absent.iter().try_fold(frame, |frame, column| frame.with_nulls(column));
        let frames = self.decode(group, &self.columns, selection.as_ref())?;
        // That all of them can be null was found when the file was opened.
        Ok(frames.into_iter().filter_map(lack).map(Frame::in_order).collect())
    }

    /// The rows of a group that are wanted: pages that cannot hold any are not read, of the others only the columns that decide.
    fn select(&self, group: usize) -> Result<RowSelection, LakeError> {
        let rows = self.metadata.metadata().row_group(group).num_rows() as usize;
        let none = RowSelection::from_consecutive_ranges(std::iter::empty(), rows);
        let decisive = self.rows.columns();
        // A column that the file lacks is null, and no condition holds of null.
        let candidates = self.rows.candidates(&self.metadata, group).map_err(|error| read_error(&self.name, error))?;
        if !candidates.selects_any() || decisive.iter().any(|name| self.metadata.schema().field_with_name(name).is_err()) {
            return Ok(none);
        }
        let mut places = candidates.iter().scan(0, |at, selector| {
            let from = std::mem::replace(at, *at + selector.row_count);
            Some((!selector.skip).then_some(from..*at))
        });
        let mut places = places.by_ref().flatten().flatten();
        let mut wanted: Vec<Range<usize>> = Vec::new();
        for frame in self.decode(group, &decisive, Some(&candidates))? {
            for (row, place) in (0..frame.rows()).zip(&mut places) {
                if self.rows.wants(&frame, row) {
                    match wanted.last_mut() {
                        Some(last) if last.end == place => last.end += 1,
                        _ => wanted.push(place..place + 1),
                    }
                }
            }
        }
        Ok(RowSelection::from_consecutive_ranges(wanted.into_iter(), rows))
    }

    /// Rows of some columns of a group.
    fn decode(&self, group: usize, columns: &[&'static str], selection: Option<&RowSelection>) -> Frames {
        let refuse = |error: ParquetError| read_error(&self.name, error);
        let all = ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().copied());
        let source = fetch(&self.source, self.ranges(group, &all, selection)).map_err(refuse)?;
        let mut lists = Vec::new();
        for column in columns.iter().filter_map(|name| self.table.column(name)) {
            if let Some(list) = List::find(&self.metadata, column.name) {
                let reader = ListReader::start(&self.metadata, Arc::new(source.clone()), group, list, selection).map_err(refuse)?;
                lists.push((column, list, reader));
            }
        }
        let others = columns.iter().copied().filter(|name| lists.iter().all(|(column, ..)| column.name != *name));
        let others = ProjectionMask::columns(self.metadata.parquet_schema(), others);
        let mut frames = Vec::new();
        for frame in self.general(source.clone(), group, others, selection)? {
            let mut frame = frame?;
            for (column, list, reader) in &mut lists {
                let Some(numbers) = reader.read(frame.rows()).map_err(refuse)? else {
                    return self.general(source, group, all, selection)?.collect();
                };
                frame = frame.with_lists(column, numbers.into_data(list.length()), &self.name)?;
            }
            frames.push(frame);
        }
        Ok(frames)
    }

    /// Rows of any columns of a group, whatever their encoding.
    fn general(
        &self,
        source: Fetched,
        group: usize,
        mask: ProjectionMask,
        selection: Option<&RowSelection>,
    ) -> Result<impl Iterator<Item = Result<Frame, LakeError>>, LakeError> {
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(FRAME_ROWS);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection.clone()).with_row_selection_policy(RowSelectionPolicy::Selectors);
        }
        let torn = |error| LakeError::damaged(&self.name, format!("is torn ({error}); {REMEDY}"));
        let batches = builder.build().map_err(|error| read_error(&self.name, error))?;
        Ok(batches.map(move |batch| Frame::from_batch(self.table, batch.map_err(torn)?, &self.name)))
    }

    /// Where the pages are.
    fn ranges(&self, group: usize, mask: &ProjectionMask, selection: Option<&RowSelection>) -> Vec<Range<u64>> {
        let metadata = self.metadata.metadata();
        let mut ranges = Vec::new();
        for (leaf, column) in metadata.row_group(group).columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let (start, length) = column.byte_range();
            let pages = metadata.page_index().and_then(|index| index.offset_index(group, leaf)).map(OffsetIndexMetaData::page_locations);
            match (selection, pages) {
                (Some(selection), Some(pages)) => {
                    // A dictionary comes before the first page.
                    ranges.extend(pages.first().map(|first| start..first.offset as u64));
                    ranges.extend(selection.scan_ranges(pages));
                }
                _ => ranges.push(start..start + length),
            }
        }
        ranges
    }
}

//! The pages of a column chunk into lists.

use super::levels::levels;
use super::split::{Number, join};
use crate::frame::{Data, widen};
use crate::parquet_file::source::Fetched;
use arrow::datatypes::DataType;
use bytes::Bytes;
use half::f16;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection, RowSelector};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::reader::SerializedPageReader;
use std::collections::VecDeque;
use std::sync::Arc;

/// Numbers of lists that were read.
pub(in crate::parquet_file) enum Numbers {
    Half(Vec<f16>),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Numbers {
    /// As a frame has them.
    pub(in crate::parquet_file) fn into_data(self, length: usize) -> Data {
        match self {
            Numbers::Half(halves) => Data::Floats { length, values: widen(&halves) },
            Numbers::Single(values) => Data::Floats { length, values },
            Numbers::Double(values) => Data::Doubles { length, values },
        }
    }
}

/// A column that may be decoded here.
#[derive(Clone, Copy)]
pub(in crate::parquet_file) struct List {
    /// Its place among the file's leaves.
    leaf: usize,
    length: usize,
    bytes: usize,
}

impl List {
    /// The column of a name, if it is one of lists that can be decoded here.
    pub(in crate::parquet_file) fn find(file: &ArrowReaderMetadata, name: &str) -> Option<Self> {
        let DataType::FixedSizeList(item, length @ 1..) = file.schema().field_with_name(name).ok()?.data_type() else { return None };
        let leaf = file.parquet_schema().columns().iter().position(|leaf| leaf.path().parts().first().is_some_and(|root| root == name))?;
        let column = file.parquet_schema().column(leaf);
        let bytes = item.data_type().is_floating().then(|| item.data_type().primitive_width()).flatten()?;
        let plain = column.max_def_level() == 1 && column.max_rep_level() == 1;
        plain.then_some(Self { leaf, length: *length as usize, bytes })
    }

    /// Of every list.
    pub(in crate::parquet_file) fn length(self) -> usize {
        self.length
    }
}

/// Reads the selected lists of one column chunk, in order.
pub(in crate::parquet_file) struct ListReader {
    list: List,
    pages: SerializedPageReader<Fetched>,
    /// What is still to be skipped and to be read; `None` for everything.
    selection: Option<VecDeque<RowSelector>>,
    /// The numbers of the current page, of `page_rows` lists, of which `done` are done.
    page: Bytes,
    /// Byte-split, else plain.
    is_split: bool,
    page_rows: usize,
    done: usize,
    /// Levels of the last page, and their lists.
    head: Vec<u8>,
    head_rows: usize,
}

impl ListReader {
    /// Begins with the first page of `group`.
    pub(in crate::parquet_file) fn start(
        file: &ArrowReaderMetadata,
        source: Arc<Fetched>,
        group: usize,
        list: List,
        selection: Option<&RowSelection>,
    ) -> Result<Self, ParquetError> {
        let metadata = file.metadata().row_group(group);
        let pages = file.metadata().page_index().and_then(|index| index.offset_index(group, list.leaf));
        let pages = pages.map(|index| index.page_locations().clone());
        let pages = SerializedPageReader::new(source, metadata.column(list.leaf), metadata.num_rows() as usize, pages)?;
        let selection = selection.map(|selection| selection.iter().copied().collect());
        Ok(Self { list, pages, selection, page: Bytes::new(), is_split: false, page_rows: 0, done: 0, head: Vec::new(), head_rows: 0 })
    }

    /// The next `rows` selected lists; `None` where a page is not of the kind that is decoded here.
    pub(in crate::parquet_file) fn read(&mut self, rows: usize) -> Result<Option<Numbers>, ParquetError> {
        Ok(match self.list.bytes {
            2 => self.read_numbers(rows)?.map(Numbers::Half),
            4 => self.read_numbers(rows)?.map(Numbers::Single),
            _ => self.read_numbers(rows)?.map(Numbers::Double),
        })
    }

    fn read_numbers<T: Number>(&mut self, rows: usize) -> Result<Option<Vec<T>>, ParquetError> {
        let length = self.list.length;
        let mut numbers = Vec::with_capacity(rows * length);
        let mut left = rows;
        while left > 0 {
            let Some(selected) = self.skip_to_selected()? else { return Ok(None) };
            if self.done == self.page_rows && !self.next_page()? {
                return Ok(None);
            }
            let now = left.min(selected).min(self.page_rows - self.done);
            let (from, to) = (self.done * length, (self.done + now) * length);
            if self.is_split {
                join::<T>(&self.page, self.page_rows * length, from, to, &mut numbers);
            } else {
                T::load(&self.page[from * T::BYTES..to * T::BYTES], &mut numbers);
            }
            (left, self.done) = (left - now, self.done + now);
            self.take(now);
        }
        Ok(Some(numbers))
    }

    /// Skips to the next selected list; how many are selected in a row from there, `None` where pages are of another kind.
    fn skip_to_selected(&mut self) -> Result<Option<usize>, ParquetError> {
        loop {
            let Some(selection) = &self.selection else { return Ok(Some(usize::MAX)) };
            let Some(next) = selection.front().copied() else { return Ok(None) };
            if !next.skip {
                return Ok(Some(next.row_count));
            }
            let mut left = next.row_count;
            while left > 0 {
                if self.done == self.page_rows {
                    let Some(page) = self.pages.peek_next_page()? else { return Ok(None) };
                    let rows = page.num_rows.or(page.num_levels.map(|levels| levels / self.list.length)).filter(|_| !page.is_dict);
                    if let Some(rows) = rows.filter(|rows| *rows <= left) {
                        self.pages.skip_next_page()?;
                        left -= rows;
                        continue;
                    }
                    if !self.next_page()? {
                        return Ok(None);
                    }
                }
                let now = left.min(self.page_rows - self.done);
                (left, self.done) = (left - now, self.done + now);
            }
            self.take(next.row_count);
        }
    }

    /// Takes rows off the selection's front.
    fn take(&mut self, rows: usize) {
        if let Some(selection) = &mut self.selection
            && let Some(front) = selection.front_mut()
        {
            front.row_count -= rows;
            if front.row_count == 0 {
                selection.pop_front();
            }
        }
    }

    /// Reads the next page; false where there is none of the kind that is decoded here.
    fn next_page(&mut self) -> Result<bool, ParquetError> {
        let Some(Page::DataPage { buf, num_values, encoding: encoding @ (Encoding::BYTE_STREAM_SPLIT | Encoding::PLAIN), .. }) =
            self.pages.get_next_page()?
        else {
            return Ok(false);
        };
        let count = num_values as usize;
        let rows = count / self.list.length;
        if rows != self.head_rows {
            (self.head, self.head_rows) = (levels(rows, self.list.length), rows);
        }
        if rows == 0
            || count != rows * self.list.length
            || buf.len() != self.head.len() + count * self.list.bytes
            || !buf.starts_with(&self.head)
        {
            return Ok(false);
        }
        (self.page, self.page_rows, self.done) = (buf.slice(self.head.len()..), rows, 0);
        self.is_split = encoding == Encoding::BYTE_STREAM_SPLIT;
        Ok(true)
    }
}

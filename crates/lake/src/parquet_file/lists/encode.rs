//! Lists into the pages of a column chunk.

use super::levels::levels;
use super::split::{Number, split, store};
use crate::parquet_file::layout::{FloatEncoding, Layout, PAGE_ROWS};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Most bytes of a page before compression, where a row is not longer.
const PAGE_BYTES: usize = 1 << 20;

/// A column chunk, and what the file is to know of it.
pub(in crate::parquet_file) struct EncodedList {
    pub(in crate::parquet_file) bytes: Bytes,
    pub(in crate::parquet_file) close: ColumnCloseResult,
}

/// Whether a column can be encoded here.
pub(in crate::parquet_file) fn suits(data_type: &DataType, nullable: bool, layout: Layout) -> bool {
    let lists = matches!(data_type, DataType::FixedSizeList(item, 1..) if item.data_type().is_floating() && !item.is_nullable());
    let packed = matches!(layout.compression, Compression::ZSTD(_) | Compression::UNCOMPRESSED);
    lists && !nullable && packed && layout.floats != FloatEncoding::Dictionary
}

/// Encodes the lists of arrays in a row, of a type that [`suits`].
pub(in crate::parquet_file) fn encode(column: &ColumnDescPtr, arrays: &[&ArrayRef], layout: Layout) -> Result<EncodedList, ParquetError> {
    let item = arrays.first().map(|array| array.as_fixed_size_list().value_type());
    match item {
        Some(DataType::Float16) => {
            encode_numbers(column, &parts(arrays, |array| array.as_primitive::<Float16Type>().values()), arrays, layout)
        }
        Some(DataType::Float32) => {
            encode_numbers(column, &parts(arrays, |array| array.as_primitive::<Float32Type>().values()), arrays, layout)
        }
        Some(DataType::Float64) => {
            encode_numbers(column, &parts(arrays, |array| array.as_primitive::<Float64Type>().values()), arrays, layout)
        }
        other => Err(ParquetError::General(format!("lists of {other:?} are not encoded"))),
    }
}

/// The numbers of each array.
fn parts<'a, T>(arrays: &[&'a ArrayRef], numbers: impl Fn(&'a ArrayRef) -> &'a [T]) -> Vec<&'a [T]> {
    let part = |array: &&'a ArrayRef| {
        let lists = array.as_fixed_size_list();
        let (from, length) = (lists.value_offset_at(0), lists.value_length() as usize);
        &numbers(lists.values())[from..from + lists.len() * length]
    };
    arrays.iter().map(part).collect()
}

fn encode_numbers<T: Number>(
    column: &ColumnDescPtr,
    parts: &[&[T]],
    arrays: &[&ArrayRef],
    layout: Layout,
) -> Result<EncodedList, ParquetError> {
    let length = arrays[0].as_fixed_size_list().value_length() as usize;
    let rows = parts.iter().map(|part| part.len()).sum::<usize>() / length;
    let page_rows = (PAGE_BYTES / (length * T::BYTES)).clamp(1, PAGE_ROWS);
    let encoding = if layout.floats == FloatEncoding::ByteStreamSplit { Encoding::BYTE_STREAM_SPLIT } else { Encoding::PLAIN };
    let mut compressor = match layout.compression {
        Compression::ZSTD(level) => Some(zstd::bulk::Compressor::new(level.compression_level())?),
        _ => None,
    };
    // Address space for the worst case; memory is only what is used of it.
    let mut sink = TrackedWrite::new(Vec::with_capacity(rows * length * T::BYTES));
    let mut index = OffsetIndexBuilder::new();
    let mut unpacked = 0;
    let (mut head, mut head_rows) = (Vec::new(), 0);
    let mut page: Vec<u8> = Vec::new();
    let mut numbers = parts.iter().copied();
    let mut rest: &[T] = &[];
    for from in (0..rows).step_by(page_rows) {
        let page_rows = page_rows.min(rows - from);
        let count = page_rows * length;
        if page_rows != head_rows {
            (head, head_rows) = (levels(page_rows, length), page_rows);
            page.clone_from(&head);
            page.resize(head.len() + count * T::BYTES, 0);
        }
        let mut at = 0;
        while at < count {
            if rest.is_empty() {
                rest = numbers.next().unwrap_or_default();
            }
            let (now, later) = rest.split_at(rest.len().min(count - at));
            match encoding {
                Encoding::BYTE_STREAM_SPLIT => split(now, &mut page[head.len()..], count, at),
                _ => store(now, &mut page[head.len()..], at),
            }
            (at, rest) = (at + now.len(), later);
        }
        let bytes = match &mut compressor {
            Some(compressor) => compressor.compress(&page)?.into(),
            None => Bytes::copy_from_slice(&page),
        };
        let data = Page::DataPage {
            buf: bytes,
            num_values: count as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = SerializedPageWriter::new(&mut sink).write_page(CompressedPage::new(data, page.len()))?;
        unpacked += written.uncompressed_size;
        index.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        index.append_row_count(page_rows as i64);
    }
    let bytes = Bytes::from(sink.into_inner()?);
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_encodings(vec![Encoding::RLE, encoding])
        .set_compression(layout.compression)
        .set_num_values((rows * length) as i64)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(unpacked as i64)
        .set_data_page_offset(0)
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(index.build()),
    };
    Ok(EncodedList { bytes, close })
}

//! How columns are encoded, and how large pages and row groups are.

use super::Owner;
use crate::schema::{Precision, SCHEMA_VERSION};
use arrow::datatypes::{DataType, Schema};
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Bytes of a row group before compression: what a thread encodes, and what a reader holds at once.
const GROUP_BYTES: usize = 16 << 20;
/// Fewest rows of a row group, however long they are.
const FEWEST_ROWS: usize = 64;
/// Most rows of a page, the same in all columns: what is read to get at one row.
pub(super) const PAGE_ROWS: usize = 2048;

/// How floats are encoded before they are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloatEncoding {
    /// All first bytes, then all second bytes, and so on.
    #[default]
    ByteStreamSplit,
    /// One after the other.
    Plain,
    /// Each different value once, and references; as they are where there are too many different ones.
    Dictionary,
}

/// How a file is encoded. The default is what was measured to be best (`docs/performance.md`); others are there to be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Of lists of 32-bit floats.
    pub precision: Precision,
    /// Of lists of floats; other floats are byte-split.
    pub floats: FloatEncoding,
    /// Of every page.
    pub compression: Compression,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            precision: Precision::default(),
            floats: FloatEncoding::default(),
            compression: Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()),
        }
    }
}

impl Layout {
    /// The best for a precision of lists. float16 is not byte-split: that would make it 6 % smaller, but DuckDB does not read it.
    pub fn of(precision: Precision) -> Self {
        let floats = match precision {
            Precision::Float32 => FloatEncoding::ByteStreamSplit,
            Precision::Float16 => FloatEncoding::Plain,
        };
        Self { precision, floats, ..Self::default() }
    }
}

/// Bytes of a row before compression; texts are guessed.
fn row_bytes(data_type: &DataType) -> usize {
    match data_type {
        DataType::FixedSizeList(item, length) => *length as usize * row_bytes(item.data_type()),
        other => other.primitive_width().unwrap_or(16),
    }
}

/// Rows of a row group, by the schema alone.
pub(super) fn group_rows(schema: &Schema) -> usize {
    let bytes: usize = schema.fields().iter().map(|field| row_bytes(field.data_type())).sum();
    // Whole pages, so that no row group ends with a stump.
    let rows = (GROUP_BYTES / bytes.max(1)).max(FEWEST_ROWS);
    if rows > PAGE_ROWS { rows / PAGE_ROWS * PAGE_ROWS } else { rows }
}

/// The writer's settings for a file of this schema.
pub(super) fn properties(schema: &Schema, owner: &Owner, layout: Layout) -> Result<WriterProperties, ParquetError> {
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let metadata = vec![
        pair("gridlake.schema_version", &SCHEMA_VERSION.to_string()),
        pair("gridlake.run", &owner.run),
        pair("gridlake.fingerprint", &owner.fingerprint),
    ];
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("gridlake ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(layout.compression)
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_key_value_metadata(Some(metadata));
    for leaf in ArrowSchemaConverter::new().convert(schema)?.columns() {
        let path = leaf.path().clone();
        if leaf.max_rep_level() > 0 {
            // Nobody looks for rows by the least of their units' states.
            properties = properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if matches!(leaf.physical_type(), Type::INT32 | Type::INT64) {
            // Times and indices count up: their differences take next to nothing, and no dictionary has to be read for one page.
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        let float = matches!(leaf.physical_type(), Type::FLOAT | Type::DOUBLE | Type::FIXED_LEN_BYTE_ARRAY);
        if float && layout.floats != FloatEncoding::Dictionary {
            let encoding = if layout.floats == FloatEncoding::ByteStreamSplit { Encoding::BYTE_STREAM_SPLIT } else { Encoding::PLAIN };
            properties = properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
        }
    }
    Ok(properties.build())
}

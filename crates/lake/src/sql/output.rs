//! The rows of an answer, as they are shown or kept.

use super::{SqlError, failed};
use polars::prelude::{AnyValue, CollectBatches, DataFrame, ParquetCompression, ParquetWriter, PolarsError, Schema, SchemaRef};
use serde_json::Value;
use std::io::Write;
use std::sync::Mutex;

/// An answer, batch by batch.
pub struct Rows {
    schema: SchemaRef,
    batches: CollectBatches,
}

/// The beginning of an answer as text.
pub struct Head {
    /// Names of the columns, then the first rows' cells.
    pub cells: Vec<Vec<String>>,
    /// Whether there are more rows.
    pub more: bool,
}

impl Rows {
    pub(super) fn new(schema: &Schema, batches: CollectBatches) -> Self {
        Self { schema: SchemaRef::new(schema.clone()), batches }
    }

    fn names(&self) -> Vec<String> {
        self.schema.iter_names().map(ToString::to_string).collect()
    }

    /// The first `limit` rows, for people.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn head(self, limit: usize) -> Result<Head, SqlError> {
        let mut head = Head { cells: vec![self.names()], more: false };
        for batch in self.batches {
            let batch = batch.map_err(failed)?;
            let wanted = limit.saturating_add(1).saturating_sub(head.cells.len());
            for row in 0..wanted.min(batch.height()) {
                head.cells.push(row_of(&batch, row)?.iter().map(brief).collect());
            }
            if batch.height() > wanted {
                head.more = true;
                break;
            }
        }
        Ok(head)
    }

    /// Comma-separated values with a header; lists in JSON's form; null is nothing.
    ///
    /// # Errors
    /// A file that cannot be read; a sink that refuses.
    pub fn write_csv(self, sink: &mut dyn Write) -> Result<(), SqlError> {
        let refuse = |error: csv::Error| {
            SqlError::Output(match error.into_kind() {
                csv::ErrorKind::Io(error) => error,
                other => std::io::Error::other(format!("{other:?}")),
            })
        };
        let names = self.names();
        let mut writer = csv::Writer::from_writer(sink);
        writer.write_record(names).map_err(refuse)?;
        for batch in self.batches {
            let batch = batch.map_err(failed)?;
            for row in 0..batch.height() {
                let cells = row_of(&batch, row)?;
                writer.write_record(cells.iter().map(|cell| if cell.is_null() { String::new() } else { text(cell) })).map_err(refuse)?;
            }
        }
        Ok(writer.flush()?)
    }

    /// One JSON array with an object for each row; NaN and infinities, which JSON does not have, are null.
    ///
    /// # Errors
    /// A file that cannot be read; a sink that refuses.
    pub fn write_json(self, sink: &mut dyn Write) -> Result<(), SqlError> {
        let names = self.names();
        let mut before = "[";
        for batch in self.batches {
            let batch = batch.map_err(failed)?;
            for row in 0..batch.height() {
                // By hand, in the order of the columns: a map would sort them.
                let cells = names.iter().zip(row_of(&batch, row)?);
                let pairs: Vec<String> = cells.map(|(name, cell)| format!("{}:{}", Value::from(name.as_str()), json(&cell))).collect();
                write!(sink, "{before}\n{{{}}}", pairs.join(","))?;
                before = ",";
            }
        }
        Ok(writeln!(sink, "{}\n]", if before == "[" { "[" } else { "" })?)
    }

    /// A Parquet file, zstd.
    ///
    /// # Errors
    /// A file that cannot be read; a sink that refuses.
    pub fn write_parquet(self, sink: &mut (dyn Write + Send)) -> Result<(), SqlError> {
        // Polars reports a sink that refuses as a file out of its specification.
        let refused = Mutex::new(None);
        let written = |error: PolarsError| match refused.lock().map(|mut refused| refused.take()) {
            Ok(Some(refused)) => SqlError::Output(refused),
            _ => failed(error),
        };
        let writer = ParquetWriter::new(Watched { sink, refused: &refused }).with_compression(ParquetCompression::Zstd(None));
        let mut writer = writer.batched(&self.schema).map_err(written)?;
        for batch in self.batches {
            writer.write_batch(&batch.map_err(failed)?).map_err(written)?;
        }
        writer.finish().map(|_| ()).map_err(written)
    }
}

/// A sink that keeps what it was refused with.
struct Watched<'s> {
    sink: &'s mut (dyn Write + Send),
    refused: &'s Mutex<Option<std::io::Error>>,
}

impl Watched<'_> {
    fn keep<T>(&self, outcome: std::io::Result<T>) -> std::io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            if let Ok(mut refused) = self.refused.lock() {
                *refused = Some(error);
            }
            kind.into()
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let outcome = self.sink.write(bytes);
        self.keep(outcome)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let outcome = self.sink.flush();
        self.keep(outcome)
    }
}

fn row_of(batch: &DataFrame, row: usize) -> Result<Vec<AnyValue<'_>>, SqlError> {
    batch.columns().iter().map(|column| column.get(row).map_err(failed)).collect()
}

/// Numbers of a list that are shown.
const SHOWN: usize = 3;
/// Characters that a number of a table takes at most; longer ones are shown with six significant digits.
const SHORT: usize = 9;

/// A cell of a table for people: the beginning of lists, and no more digits than one reads.
fn brief(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::List(series) if series.len() > SHOWN => {
            let first: Vec<String> = series.iter().take(SHOWN).map(|value| brief(&value)).collect();
            format!("[{}, … {} in all]", first.join(", "), series.len())
        }
        AnyValue::Float64(number) => shortened(*number).unwrap_or_else(|| text(value)),
        AnyValue::Float32(number) => shortened(f64::from(*number)).unwrap_or_else(|| text(value)),
        other => text(other),
    }
}

/// Six significant digits of a number that has more.
fn shortened(number: f64) -> Option<String> {
    if !number.is_finite() || number.to_string().len() <= SHORT {
        return None;
    }
    let rounded: f64 = format!("{number:.5e}").parse().ok()?;
    let plain = rounded.to_string();
    Some(if plain.len() <= 12 { plain } else { format!("{rounded:e}") })
}

/// A cell as text.
fn text(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => "null".to_owned(),
        AnyValue::String(text) => (*text).to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Float64(number) if !number.is_finite() => number.to_string(),
        AnyValue::Float32(number) => number.to_string(),
        other => match json(other) {
            Value::String(text) => text,
            value => value.to_string(),
        },
    }
}

/// A cell for programs.
fn json(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(truth) => Value::Bool(*truth),
        AnyValue::String(text) => Value::String((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::String(text.to_string()),
        AnyValue::UInt8(number) => (*number).into(),
        AnyValue::UInt16(number) => (*number).into(),
        AnyValue::UInt32(number) => (*number).into(),
        AnyValue::UInt64(number) => (*number).into(),
        AnyValue::Int8(number) => (*number).into(),
        AnyValue::Int16(number) => (*number).into(),
        AnyValue::Int32(number) => (*number).into(),
        AnyValue::Int64(number) => (*number).into(),
        // The shortest decimal that is this number in single precision, not its neighbour in double.
        AnyValue::Float32(number) => number.to_string().parse::<f64>().map_or(Value::Null, Value::from),
        AnyValue::Float64(number) => Value::from(*number),
        AnyValue::List(series) => series.iter().map(|value| json(&value)).collect(),
        other => Value::String(other.to_string()),
    }
}

//! Rows of one table, column by column, checked against its schema.

use crate::error::LakeError;
use crate::schema::{Column, Kind, Table, item};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, RecordBatch, StringArray,
    UInt32Array, UInt64Array, new_null_array,
};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Schema, UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// [`Kind::Text`]; `None` = null.
    Text(Vec<Option<Arc<str>>>),
    /// [`Kind::Boolean`].
    Boolean(Vec<bool>),
    /// [`Kind::Int32`]; `None` = null.
    Int32(Vec<Option<i32>>),
    /// [`Kind::UInt32`].
    UInt32(Vec<u32>),
    /// [`Kind::UInt64`].
    UInt64(Vec<u64>),
    /// [`Kind::Float64`]; NaN = null.
    Float64(Vec<f64>),
    /// [`Kind::Floats`] and [`Kind::FloatsOrNan`]: all rows' lists behind each other.
    Floats {
        /// Of every list.
        length: usize,
        /// `rows * length`.
        values: Vec<f32>,
    },
    /// [`Kind::Doubles`]: the same with 64 bits.
    Doubles {
        /// Of every list.
        length: usize,
        /// `rows * length`.
        values: Vec<f64>,
    },
}

/// Rounds values to the nearest float16, ties to even. NaN stays NaN; from ±65,520 on, values become infinite, which no table takes.
pub fn to_float16_and_back(values: &mut [f32]) {
    for value in values {
        *value = half::f16::from_f32(*value).to_f32();
    }
}

/// Rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    table: &'static Table,
    rows: usize,
    columns: Vec<(&'static Column, Data)>,
}

impl Data {
    /// The same text in every row.
    pub fn repeat(text: &str, rows: usize) -> Self {
        Data::Text(vec![Some(Arc::from(text)); rows])
    }

    fn rows(&self) -> usize {
        match self {
            Data::Text(values) => values.len(),
            Data::Boolean(values) => values.len(),
            Data::Int32(values) => values.len(),
            Data::UInt32(values) => values.len(),
            Data::UInt64(values) => values.len(),
            Data::Float64(values) => values.len(),
            Data::Floats { length, values } => values.len() / (*length).max(1),
            Data::Doubles { length, values } => values.len() / (*length).max(1),
        }
    }

    fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Data::Text(_), Kind::Text)
                | (Data::Boolean(_), Kind::Boolean)
                | (Data::Int32(_), Kind::Int32)
                | (Data::UInt32(_), Kind::UInt32)
                | (Data::UInt64(_), Kind::UInt64)
                | (Data::Float64(_), Kind::Float64)
                | (Data::Floats { .. }, Kind::Floats | Kind::FloatsOrNan)
                | (Data::Doubles { .. }, Kind::Doubles)
        )
    }
}

impl From<Vec<f64>> for Data {
    fn from(values: Vec<f64>) -> Self {
        Data::Float64(values)
    }
}

impl From<Vec<u32>> for Data {
    fn from(values: Vec<u32>) -> Self {
        Data::UInt32(values)
    }
}

impl From<Vec<u64>> for Data {
    fn from(values: Vec<u64>) -> Self {
        Data::UInt64(values)
    }
}

impl From<Vec<bool>> for Data {
    fn from(values: Vec<bool>) -> Self {
        Data::Boolean(values)
    }
}

/// The values of some rows.
fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| values[*row].clone()).collect()
}

/// The lists of some rows.
fn pick_lists<T: Copy>(values: &[T], length: usize, rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|row| &values[row * length..(row + 1) * length]).copied().collect()
}

/// Lists of equal length as an Arrow array.
fn lists(of: DataType, length: usize, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(FixedSizeListArray::try_new(Arc::new(item(of)), length as i32, values, None)?))
}

impl Frame {
    /// No column yet of `rows` rows.
    pub fn new(table: &'static Table, rows: usize) -> Self {
        Self { table, rows, columns: Vec::new() }
    }

    /// Adds a column. Nullable columns that are never added are null.
    ///
    /// # Panics
    /// Where the table has no such column, or one of another type, or the number of rows is another.
    #[must_use]
    pub fn with(mut self, name: &str, data: impl Into<Data>) -> Self {
        let data = data.into();
        let column = self.table.column(name);
        assert!(column.is_some_and(|column| data.fits(column.kind)), "table {} has no column {name} of this type", self.table.name);
        assert_eq!(data.rows(), self.rows, "rows of {}.{name}", self.table.name);
        self.columns.extend(column.map(|column| (column, data)));
        self
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The frame's table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    fn data(&self, name: &str) -> &Data {
        let found = self.columns.iter().find(|(column, _)| column.name == name);
        &found.unwrap_or_else(|| panic!("column {name} of table {} was not asked for", self.table.name)).1
    }

    /// Values of a text column.
    ///
    /// # Panics
    /// Where it was not read, or has another type; this holds for all of these.
    pub fn text(&self, name: &str) -> &[Option<Arc<str>>] {
        let Data::Text(values) = self.data(name) else { panic!("{name} is no text") };
        values
    }

    /// Values of a boolean column.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn boolean(&self, name: &str) -> &[bool] {
        let Data::Boolean(values) = self.data(name) else { panic!("{name} is not boolean") };
        values
    }

    /// Values of an unsigned column.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn uint32(&self, name: &str) -> &[u32] {
        let Data::UInt32(values) = self.data(name) else { panic!("{name} is not uint32") };
        values
    }

    /// Values of a long unsigned column.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn uint64(&self, name: &str) -> &[u64] {
        let Data::UInt64(values) = self.data(name) else { panic!("{name} is not uint64") };
        values
    }

    /// Values of a floating-point column; NaN where null.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn float64(&self, name: &str) -> &[f64] {
        let Data::Float64(values) = self.data(name) else { panic!("{name} is not float64") };
        values
    }

    /// The lists' length, and their values row by row.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn floats(&self, name: &str) -> (usize, &[f32]) {
        let Data::Floats { length, values } = self.data(name) else { panic!("{name} holds no lists") };
        (*length, values)
    }

    /// As [`Frame::floats`], with 64 bits.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn doubles(&self, name: &str) -> (usize, &[f64]) {
        let Data::Doubles { length, values } = self.data(name) else { panic!("{name} holds no lists of float64") };
        (*length, values)
    }

    /// Keeps the rows for which `keep` holds of their number.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.rows).filter(|row| keep(*row)).collect();
        let columns = self.columns.iter().map(|(column, data)| {
            let data = match data {
                Data::Text(values) => Data::Text(pick(values, &kept)),
                Data::Boolean(values) => Data::Boolean(pick(values, &kept)),
                Data::Int32(values) => Data::Int32(pick(values, &kept)),
                Data::UInt32(values) => Data::UInt32(pick(values, &kept)),
                Data::UInt64(values) => Data::UInt64(pick(values, &kept)),
                Data::Float64(values) => Data::Float64(pick(values, &kept)),
                Data::Floats { length, values } => Data::Floats { length: *length, values: pick_lists(values, *length, &kept) },
                Data::Doubles { length, values } => Data::Doubles { length: *length, values: pick_lists(values, *length, &kept) },
            };
            (*column, data)
        });
        Self { table: self.table, rows: kept.len(), columns: columns.collect() }
    }

    /// The Arrow form, all columns in the schema's order.
    ///
    /// # Errors
    /// NaN or infinity where the schema refuses them.
    ///
    /// # Panics
    /// Where a column that cannot be null was not added.
    pub(crate) fn to_batch(&self, metadata: HashMap<String, String>) -> Result<RecordBatch, LakeError> {
        let mut fields = Vec::with_capacity(self.table.columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.table.columns.len());
        for column in self.table.columns {
            let data = self.columns.iter().find(|(own, _)| own.name == column.name).map(|(_, data)| data);
            let length = if let Some(Data::Floats { length, .. } | Data::Doubles { length, .. }) = data { *length } else { 0 };
            let field = column.field(length);
            assert!(data.is_some() || column.nullable, "column {} of table {} is missing", column.name, self.table.name);
            arrays.push(data.map_or_else(|| Ok(new_null_array(field.data_type(), self.rows)), |data| self.array(column, data))?);
            fields.push(field);
        }
        let schema = Schema::new(fields).with_metadata(metadata);
        RecordBatch::try_new(Arc::new(schema), arrays).map_err(|error| self.refuse("all", error.to_string()))
    }

    fn array(&self, column: &Column, data: &Data) -> Result<ArrayRef, LakeError> {
        Ok(match data {
            Data::Text(values) => Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>()),
            Data::Boolean(values) => Arc::new(BooleanArray::from(values.clone())),
            Data::Int32(values) => Arc::new(Int32Array::from(values.clone())),
            Data::UInt32(values) => Arc::new(UInt32Array::from(values.clone())),
            Data::UInt64(values) => Arc::new(UInt64Array::from(values.clone())),
            Data::Float64(values) => {
                let wrong = |value: &f64| value.is_infinite() || (value.is_nan() && !column.nullable);
                if let Some(row) = values.iter().position(wrong) {
                    return Err(self.refuse(column.name, format!("row {row} is {}, where only finite values belong", values[row])));
                }
                if column.nullable {
                    Arc::new(values.iter().map(|value| (!value.is_nan()).then_some(*value)).collect::<Float64Array>())
                } else {
                    Arc::new(Float64Array::from(values.clone()))
                }
            }
            Data::Floats { length, values } => {
                let wrong = |value: &f32| value.is_infinite() || (value.is_nan() && column.kind == Kind::Floats);
                self.refuse_element(column, *length, values, wrong)?;
                lists(DataType::Float32, *length, Arc::new(Float32Array::from(values.clone())))
                    .map_err(|error| self.refuse(column.name, error.to_string()))?
            }
            Data::Doubles { length, values } => {
                self.refuse_element(column, *length, values, |value| !value.is_finite())?;
                lists(DataType::Float64, *length, Arc::new(Float64Array::from(values.clone())))
                    .map_err(|error| self.refuse(column.name, error.to_string()))?
            }
        })
    }

    /// Refuses lists with an element that is wrong.
    fn refuse_element<T: std::fmt::Display>(
        &self,
        column: &Column,
        length: usize,
        values: &[T],
        wrong: impl Fn(&T) -> bool,
    ) -> Result<(), LakeError> {
        let Some(place) = values.iter().position(wrong) else { return Ok(()) };
        let (row, element) = (place / length, place % length);
        Err(self.refuse(column.name, format!("element {element} of row {row} is {}, where only finite values belong", values[place])))
    }

    fn refuse(&self, column: &str, reason: String) -> LakeError {
        LakeError::Rows { table: self.table.name, column: column.to_owned(), reason }
    }

    /// The columns of an Arrow batch that was read from `path`, in the batch's order.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] for a column that is no column of the table, has another type, or holds what the schema refuses.
    pub(crate) fn from_batch(table: &'static Table, batch: &RecordBatch, path: &Path) -> Result<Self, LakeError> {
        let mut frame = Self::new(table, batch.num_rows());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some(column) = table.column(field.name()) else { continue };
            let damaged = |reason: String| LakeError::damaged(path, format!("column {}: {reason}", column.name));
            if array.null_count() > 0 && !column.nullable {
                return Err(damaged(format!(
                    "has {} null values, where none belong; the file was altered: make it anew with --force",
                    array.null_count()
                )));
            }
            let data = read_column(column.kind, array).ok_or_else(|| {
                damaged(format!(
                    "is {}, or not finite, where finite {} belongs; make it anew with --force",
                    field.data_type(),
                    column.kind.name()
                ))
            })?;
            if let (Data::Float64(values), false) = (&data, column.nullable)
                && let Some(row) = values.iter().position(|value| !value.is_finite())
            {
                return Err(damaged(format!("row {row} is {}, where only finite values belong; make it anew with --force", values[row])));
            }
            frame.columns.push((column, data));
        }
        Ok(frame)
    }
}

fn read_column(kind: Kind, array: &ArrayRef) -> Option<Data> {
    Some(match kind {
        Kind::Text => Data::Text(array.as_string_opt::<i32>()?.iter().map(|value| value.map(Arc::from)).collect()),
        Kind::Boolean => Data::Boolean(array.as_boolean_opt()?.iter().map(|value| value == Some(true)).collect()),
        Kind::Int32 => Data::Int32(array.as_primitive_opt::<Int32Type>()?.iter().collect()),
        Kind::UInt32 => Data::UInt32(array.as_primitive_opt::<UInt32Type>()?.values().to_vec()),
        Kind::UInt64 => Data::UInt64(array.as_primitive_opt::<UInt64Type>()?.values().to_vec()),
        Kind::Float64 => Data::Float64(array.as_primitive_opt::<Float64Type>()?.iter().map(|value| value.unwrap_or(f64::NAN)).collect()),
        Kind::Floats | Kind::FloatsOrNan => {
            let lists = array.as_fixed_size_list_opt()?;
            let length = usize::try_from(lists.value_length()).ok()?;
            let values = lists.values().as_primitive_opt::<Float32Type>()?;
            let from = lists.value_offset_at(0);
            let values = values.values().get(from..from + lists.len() * length)?;
            if kind == Kind::Floats && values.iter().any(|value| !value.is_finite()) {
                return None;
            }
            Data::Floats { length, values: values.to_vec() }
        }
        Kind::Doubles => {
            let lists = array.as_fixed_size_list_opt()?;
            let length = usize::try_from(lists.value_length()).ok()?;
            let values = lists.values().as_primitive_opt::<Float64Type>()?;
            let from = lists.value_offset_at(0);
            let values = values.values().get(from..from + lists.len() * length)?;
            values.iter().all(|value| value.is_finite()).then(|| Data::Doubles { length, values: values.to_vec() })?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ACTIVITY, RATEMAP_SUMS, RATEMAPS};

    fn ratemaps(rate: Vec<f32>, peak: Vec<f64>) -> Frame {
        let rows = peak.len();
        Frame::new(&RATEMAPS, rows)
            .with("arena", Data::repeat("square-2m", rows))
            .with("box_m", vec![2.0; rows])
            .with("unit", (0..rows as u32).collect::<Vec<_>>())
            .with("bins", vec![2_u32; rows])
            .with("rate", Data::Floats { length: 4, values: rate })
            .with("peak_rate", peak)
            .with("bin_m", vec![1.0; rows])
    }

    #[test]
    fn rows_come_back_as_they_went() {
        let frame = ratemaps(vec![1.0, 2.0, 3.0, f32::NAN, 5.0, 6.0, 7.0, 8.0], vec![f64::NAN, 8.0]);
        let batch = frame.to_batch(HashMap::new()).unwrap();
        assert_eq!(batch.num_columns(), RATEMAPS.columns.len());
        let back = Frame::from_batch(&RATEMAPS, &batch, Path::new("x")).unwrap();
        assert_eq!(back.text("arena")[1].as_deref(), Some("square-2m"));
        assert!(back.float64("peak_rate")[0].is_nan() && back.float64("peak_rate")[1] == 8.0);
        assert!(back.float64("mean_rate").iter().all(|value| value.is_nan()), "a column that was not given is null");
        let (length, values) = back.floats("rate");
        assert_eq!((length, values[0], values[4]), (4, 1.0, 5.0));
        let last = Frame::from_batch(&RATEMAPS, &batch.slice(1, 1), Path::new("x")).unwrap();
        assert_eq!(last.floats("rate").1, [5.0, 6.0, 7.0, 8.0]);
        let filtered = back.filter(|row| row == 1);
        assert_eq!(
            (filtered.rows(), filtered.floats("rate"), filtered.float64("peak_rate")),
            (1, last.floats("rate"), last.float64("peak_rate"))
        );
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let error = ratemaps(vec![f32::INFINITY; 4], vec![1.0]).to_batch(HashMap::new()).unwrap_err().to_string();
        assert!(error.contains("table ratemaps, column rate: element 0 of row 0 is inf"), "{error}");
        let activity = Frame::new(&ACTIVITY, 1)
            .with("arena", Data::repeat("a", 1))
            .with("box_m", vec![f64::NAN])
            .with("trajectory", vec![0_u32])
            .with("t", vec![1_u32])
            .with("g", Data::Floats { length: 2, values: vec![0.0, f32::NAN] });
        let activity = ["x_m", "y_m", "vx_m", "vy_m"].iter().fold(activity, |frame, name| frame.with(name, vec![0.0]));
        let error = activity.to_batch(HashMap::new()).unwrap_err().to_string();
        assert!(error.contains("column box_m: row 0 is NaN"), "{error}");
    }

    #[test]
    fn doubles_come_back_to_the_bit_and_finite_only() {
        let frame = |sums: Vec<f64>| {
            let frame =
                Frame::new(&RATEMAP_SUMS, 2).with("arena", Data::repeat("a", 2)).with("box_m", vec![1.0; 2]).with("bins", vec![1_u32; 2]);
            ["bin_x", "bin_y", "visits"]
                .iter()
                .fold(frame, |frame, name| frame.with(name, vec![3_u32; 2]))
                .with("sums", Data::Doubles { length: 2, values: sums })
        };
        let whole = frame(vec![0.1, 1.0 + f64::EPSILON, -0.0, f64::MIN_POSITIVE]);
        let batch = whole.to_batch(HashMap::new()).unwrap();
        assert_eq!(Frame::from_batch(&RATEMAP_SUMS, &batch, Path::new("x")).unwrap(), whole);
        let last = Frame::from_batch(&RATEMAP_SUMS, &batch.slice(1, 1), Path::new("x")).unwrap();
        assert_eq!(last.doubles("sums"), (2, &[-0.0, f64::MIN_POSITIVE][..]));
        assert_eq!(whole.filter(|row| row == 1).doubles("sums"), last.doubles("sums"));
        let error = frame(vec![0.0, 1.0, 2.0, f64::NAN]).to_batch(HashMap::new()).unwrap_err().to_string();
        assert!(error.contains("table ratemap_sums, column sums: element 1 of row 1 is NaN"), "{error}");
    }

    #[test]
    #[should_panic(expected = "has no column")]
    fn another_type_is_a_mistake_of_the_program() {
        let _ = Frame::new(&RATEMAPS, 1).with("unit", vec![1.0]);
    }
}

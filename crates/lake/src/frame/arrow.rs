//! Frames as Arrow batches, and back: without copies of numbers, checked in passes that the compiler can vectorize.

use super::float16::{narrow, widen};
use super::{Data, Frame};
use crate::error::LakeError;
use crate::parquet_file::REMEDY;
use crate::schema::{Column, Kind, Precision, Table, list_item};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int32Array, PrimitiveArray,
    RecordBatch, StringArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int32Type, Schema, UInt32Type, UInt64Type,
};
use std::path::Path;
use std::sync::Arc;

/// Whether `wrong` holds of any value; looks at all of a chunk before it decides, which is faster than to stop at once.
fn any<T: Copy>(values: &[T], wrong: impl Fn(T) -> bool) -> bool {
    values.chunks(4096).any(|chunk| chunk.iter().fold(false, |found, value| found | wrong(*value)))
}

impl Frame {
    /// The Arrow form, all columns in the schema's order; lists of 32-bit floats as `precision` says.
    ///
    /// # Errors
    /// NaN or infinity where the schema refuses them; values beyond float16.
    ///
    /// # Panics
    /// Where a column that cannot be null was not added.
    pub(crate) fn into_batch(self, precision: Precision) -> Result<RecordBatch, LakeError> {
        let Self { table, rows, columns: mut given } = self;
        let mut fields = Vec::with_capacity(table.columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(table.columns.len());
        for column in table.columns {
            let data = given.iter().position(|(own, _)| own.name == column.name).map(|place| given.swap_remove(place).1);
            let length = if let Some(Data::Floats { length, .. } | Data::Doubles { length, .. }) = &data { *length } else { 0 };
            let field = column.field(length, precision);
            assert!(data.is_some() || column.nullable, "column {} of table {} is missing", column.name, table.name);
            arrays.push(match data {
                None => new_null_array(field.data_type(), rows),
                Some(data) => array(column, data, precision).map_err(|reason| LakeError::Rows {
                    table: table.name,
                    column: column.name.to_owned(),
                    reason,
                })?,
            });
            fields.push(field);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| LakeError::Rows {
            table: table.name,
            column: "all".to_owned(),
            reason: error.to_string(),
        })
    }

    /// The columns of an Arrow batch that was read from `path`, in the batch's order; columns that the table does not know are left out.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] for a column that has another type than the table's, or holds what the schema refuses.
    pub(crate) fn from_batch(table: &'static Table, batch: RecordBatch, path: &Path) -> Result<Self, LakeError> {
        let (schema, arrays, rows) = batch.into_parts();
        let mut frame = Self::new(table, rows);
        for (field, array) in schema.fields().iter().zip(arrays) {
            let Some(column) = table.column(field.name()) else { continue };
            let damaged = |reason: String| LakeError::damaged(path, format!("column {}: {reason}", column.name));
            if array.null_count() > 0 && !column.nullable {
                return Err(damaged(format!("has {} null values, where none belong: the file was altered; {REMEDY}", array.null_count())));
            }
            let data = read_column(column.kind, array).ok_or_else(|| {
                damaged(format!("is {}, or not finite, where finite {} belongs; {REMEDY}", field.data_type(), column.kind.name()))
            })?;
            if let (Data::Float64(values), false) = (&data, column.nullable)
                && let Some(row) = values.iter().position(|value| !value.is_finite())
            {
                return Err(damaged(format!("row {row} is {}, where only finite values belong; {REMEDY}", values[row])));
            }
            frame.columns.push((column, data));
        }
        Ok(frame)
    }

    /// Adds lists that were read from `path`.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] for lists of another type than the column's, or with numbers that the schema refuses.
    pub(crate) fn with_lists(mut self, column: &'static Column, data: Data, path: &Path) -> Result<Self, LakeError> {
        if !data.fits(column.kind) || !are_valid(column.kind, &data) {
            let reason =
                format!("column {}: is of another type, or not finite, where finite {} belongs; {REMEDY}", column.name, column.kind.name());
            return Err(LakeError::damaged(path, reason));
        }
        self.columns.push((column, data));
        Ok(self)
    }
}

/// Whether lists hold what their kind allows.
fn are_valid(kind: Kind, data: &Data) -> bool {
    match data {
        Data::Floats { values, .. } => kind != Kind::Floats || !any(values, |value| !value.is_finite()),
        Data::Doubles { values, .. } => !any(values, |value| !value.is_finite()),
        _ => true,
    }
}

/// A column's Arrow form, or what is wrong with its values.
fn array(column: &Column, data: Data, precision: Precision) -> Result<ArrayRef, String> {
    Ok(match data {
        Data::Text(values) => Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>()),
        Data::Boolean(values) => Arc::new(BooleanArray::from(values)),
        Data::Int32(values) => Arc::new(Int32Array::from(values)),
        Data::UInt32(values) => Arc::new(UInt32Array::from(values)),
        Data::UInt64(values) => Arc::new(UInt64Array::from(values)),
        Data::Float64(values) => {
            if any(&values, |value| !value.is_finite()) {
                let wrong = |value: &f64| value.is_infinite() || (value.is_nan() && !column.nullable);
                if let Some(row) = values.iter().position(wrong) {
                    return Err(format!("row {row} is {}, where only finite values belong", values[row]));
                }
                let valid = values.iter().map(|value| !value.is_nan()).collect::<NullBuffer>();
                Arc::new(Float64Array::new(values.into(), Some(valid)))
            } else {
                Arc::new(Float64Array::from(values))
            }
        }
        Data::Floats { length, values } => {
            let wrong = |value: f32| value.is_infinite() || (value.is_nan() && column.kind == Kind::Floats);
            if any(&values, |value| !value.is_finite()) {
                refuse(length, &values, wrong, "where only finite values belong")?;
            }
            match precision {
                Precision::Float32 => lists::<Float32Type>(length, Float32Array::from(values))?,
                Precision::Float16 => {
                    let halves = narrow(&values);
                    if any(&halves, half::f16::is_infinite) {
                        let beyond = |value: f32| half::f16::from_f32(value).is_infinite();
                        refuse(length, &values, beyond, "beyond float16's range of ±65504; store the table as float32")?;
                    }
                    lists::<Float16Type>(length, Float16Array::from(halves))?
                }
            }
        }
        Data::Doubles { length, values } => {
            if any(&values, |value| !value.is_finite()) {
                refuse(length, &values, |value| !value.is_finite(), "where only finite values belong")?;
            }
            lists::<Float64Type>(length, Float64Array::from(values))?
        }
    })
}

/// An error that names the first value of which `wrong` holds.
fn refuse<T: Copy + std::fmt::Display>(length: usize, values: &[T], wrong: impl Fn(T) -> bool, why: &str) -> Result<(), String> {
    match values.iter().position(|value| wrong(*value)) {
        Some(place) => Err(format!("element {} of row {} is {}, {why}", place % length, place / length, values[place])),
        None => Ok(()),
    }
}

fn lists<T: ArrowPrimitiveType>(length: usize, values: PrimitiveArray<T>) -> Result<ArrayRef, String> {
    let lists = FixedSizeListArray::try_new(Arc::new(list_item(T::DATA_TYPE)), length as i32, Arc::new(values), None);
    Ok(Arc::new(lists.map_err(|error| error.to_string())?))
}

fn read_column(kind: Kind, array: ArrayRef) -> Option<Data> {
    Some(match kind {
        Kind::Text => Data::Text(texts(array.as_string_opt::<i32>()?)),
        Kind::Boolean => Data::Boolean(array.as_boolean_opt()?.iter().collect()),
        Kind::Int32 => Data::Int32(array.as_primitive_opt::<Int32Type>()?.iter().collect()),
        Kind::UInt32 => Data::UInt32(numbers::<UInt32Type>(array)?),
        Kind::UInt64 => Data::UInt64(numbers::<UInt64Type>(array)?),
        Kind::Float64 if array.null_count() == 0 => Data::Float64(numbers::<Float64Type>(array)?),
        Kind::Float64 => Data::Float64(array.as_primitive_opt::<Float64Type>()?.iter().map(|value| value.unwrap_or(f64::NAN)).collect()),
        Kind::Floats | Kind::FloatsOrNan => {
            let item = if let DataType::FixedSizeList(item, _) = array.data_type() { item.data_type().clone() } else { return None };
            let (length, values) = if item == DataType::Float16 {
                let (length, halves) = list_values::<Float16Type>(array)?;
                (length, widen(&halves))
            } else {
                list_values::<Float32Type>(array)?
            };
            Some(Data::Floats { length, values }).filter(|data| are_valid(kind, data))?
        }
        Kind::Doubles => {
            let (length, values) = list_values::<Float64Type>(array)?;
            Some(Data::Doubles { length, values }).filter(|data| are_valid(kind, data))?
        }
    })
}

/// One allocation for a text that stands in several rows after each other.
fn texts(array: &StringArray) -> Vec<Option<Arc<str>>> {
    let mut last: Option<Arc<str>> = None;
    let text = |text: &str| {
        let same = last.as_ref().filter(|last| ***last == *text).cloned();
        let text = same.unwrap_or_else(|| Arc::from(text));
        last = Some(Arc::clone(&text));
        text
    };
    let mut text = text;
    array.iter().map(|value| value.map(&mut text)).collect()
}

/// The values themselves where the array is their only owner.
fn numbers<T: ArrowPrimitiveType>(array: ArrayRef) -> Option<Vec<T::Native>>
where
    T::Native: ArrowNativeType,
{
    let values = array.as_primitive_opt::<T>()?.values().clone();
    drop(array);
    Some(values.into())
}

/// The lists' length and their values.
fn list_values<T: ArrowPrimitiveType>(array: ArrayRef) -> Option<(usize, Vec<T::Native>)> {
    let lists = array.as_fixed_size_list_opt()?;
    let length = usize::try_from(lists.value_length()).ok()?;
    let from = lists.value_offset_at(0);
    let values = lists.values().as_primitive_opt::<T>()?.values();
    values.get(from..from + lists.len() * length)?;
    let values = values.slice(from, lists.len() * length);
    drop(array);
    Some((length, values.into()))
}

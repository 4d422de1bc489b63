//! Rows of one table, column by column, checked against its schema.

mod arrow;
mod float16;

pub use float16::to_float16_and_back;
pub(crate) use float16::widen;

use crate::schema::{Column, Kind, Table};
use std::sync::Arc;

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// [`Kind::Text`]; `None` = null.
    Text(Vec<Option<Arc<str>>>),
    /// [`Kind::Boolean`]; `None` = null.
    Boolean(Vec<Option<bool>>),
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
    /// [`Kind::Doubles`]: all rows' lists behind each other.
    Doubles {
        /// Of every list.
        length: usize,
        /// `rows * length`.
        values: Vec<f64>,
    },
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

    /// Only nulls; `None` for a kind that has none.
    fn nulls(kind: Kind, rows: usize) -> Option<Self> {
        match kind {
            Kind::Text => Some(Data::Text(vec![None; rows])),
            Kind::Int32 => Some(Data::Int32(vec![None; rows])),
            Kind::Float64 => Some(Data::Float64(vec![f64::NAN; rows])),
            _ => None,
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
        Data::Boolean(values.into_iter().map(Some).collect())
    }
}

/// For functions that take frames by value or by reference.
impl From<&Frame> for Frame {
    fn from(frame: &Frame) -> Self {
        frame.clone()
    }
}

/// The values of some rows.
fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| values[*row].clone()).collect()
}

/// The lists of some rows.
fn pick_lists<T: Copy>(length: usize, values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|row| &values[row * length..(row + 1) * length]).copied().collect()
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

    /// A column as it is.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn data(&self, name: &str) -> &Data {
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

    /// Values of a boolean column; `None` where null.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn boolean(&self, name: &str) -> &[Option<bool>] {
        let Data::Boolean(values) = self.data(name) else { panic!("{name} is not boolean") };
        values
    }

    /// Values of a signed column; `None` where null.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn int32(&self, name: &str) -> &[Option<i32>] {
        let Data::Int32(values) = self.data(name) else { panic!("{name} is not int32") };
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
        let Data::Floats { length, values } = self.data(name) else { panic!("{name} holds no lists of float32") };
        (*length, values)
    }

    /// The lists' length, and their 64-bit values row by row.
    ///
    /// # Panics
    /// As [`Frame::text`].
    pub fn doubles(&self, name: &str) -> (usize, &[f64]) {
        let Data::Doubles { length, values } = self.data(name) else { panic!("{name} holds no lists of float64") };
        (*length, values)
    }

    /// The lists' length of every column of lists.
    pub(crate) fn list_lengths(&self) -> Vec<(&'static str, usize)> {
        let length = |(column, data): &(&'static Column, Data)| match data {
            Data::Floats { length, .. } | Data::Doubles { length, .. } => Some((column.name, *length)),
            _ => None,
        };
        self.columns.iter().filter_map(length).collect()
    }

    /// Takes a column away.
    #[cfg(test)]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.columns.retain(|(column, _)| column.name != name);
        self
    }

    /// Adds a column of nulls; `None` where it cannot be null.
    pub(crate) fn with_nulls(mut self, column: &'static Column) -> Option<Self> {
        let data = if column.nullable { Data::nulls(column.kind, self.rows)? } else { return None };
        self.columns.push((column, data));
        Some(self)
    }

    /// The same with its columns in the table's order.
    pub(crate) fn in_order(mut self) -> Self {
        let columns = self.table.columns;
        self.columns.sort_by_key(|(own, _)| columns.iter().position(|column| column.name == own.name));
        self
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
                Data::Floats { length, values } => Data::Floats { length: *length, values: pick_lists(*length, values, &kept) },
                Data::Doubles { length, values } => Data::Doubles { length: *length, values: pick_lists(*length, values, &kept) },
            };
            (*column, data)
        });
        Self { table: self.table, rows: kept.len(), columns: columns.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ACTIVITY, Precision, RATEMAPS};
    use std::path::Path;

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
        let batch = frame.into_batch(Precision::Float32).unwrap();
        assert_eq!(batch.num_columns(), RATEMAPS.columns.len());
        let back = Frame::from_batch(&RATEMAPS, batch.clone(), Path::new("x")).unwrap();
        assert_eq!(back.text("arena")[1].as_deref(), Some("square-2m"));
        assert!(back.float64("peak_rate")[0].is_nan() && back.float64("peak_rate")[1] == 8.0);
        assert!(back.float64("mean_rate").iter().all(|value| value.is_nan()), "a column that was not given is null");
        let (length, values) = back.floats("rate");
        assert_eq!((length, values[0], values[4]), (4, 1.0, 5.0));
        let last = Frame::from_batch(&RATEMAPS, batch.slice(1, 1), Path::new("x")).unwrap();
        assert_eq!(last.floats("rate").1, [5.0, 6.0, 7.0, 8.0]);
        let filtered = back.filter(|row| row == 1);
        assert_eq!(
            (filtered.rows(), filtered.floats("rate"), filtered.float64("peak_rate")),
            (1, last.floats("rate"), last.float64("peak_rate"))
        );
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let error = ratemaps(vec![f32::INFINITY; 4], vec![1.0]).into_batch(Precision::Float32).unwrap_err().to_string();
        assert!(error.contains("table ratemaps, column rate: element 0 of row 0 is inf"), "{error}");
        let activity = Frame::new(&ACTIVITY, 1)
            .with("arena", Data::repeat("a", 1))
            .with("box_m", vec![f64::NAN])
            .with("trajectory", vec![0_u32])
            .with("t", vec![1_u32])
            .with("g", Data::Floats { length: 2, values: vec![0.0, f32::NAN] });
        let activity = ["x_m", "y_m", "vx_m", "vy_m"].iter().fold(activity, |frame, name| frame.with(name, vec![0.0]));
        let error = activity.into_batch(Precision::Float32).unwrap_err().to_string();
        assert!(error.contains("column box_m: row 0 is NaN"), "{error}");
    }

    #[test]
    #[should_panic(expected = "has no column")]
    fn another_type_is_a_mistake_of_the_program() {
        let _ = Frame::new(&RATEMAPS, 1).with("unit", vec![1.0]);
    }
}

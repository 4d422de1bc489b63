//! Rows out of Arrow batches: what Parquet and CSV have in common.

use super::error::ImportError;
use super::items::{Item, Shape};
use super::resolve::Resolved;
use super::rows::{MOST_UNITS, Rows, Whereabouts};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use std::sync::Arc;

/// The shape of a column of this type.
pub(super) fn shape(data_type: &DataType) -> Shape {
    let number =
        |data_type: &DataType| data_type.is_numeric() && !matches!(data_type, DataType::Decimal256(..)) || *data_type == DataType::Boolean;
    match data_type {
        own if number(own) => Shape::Number,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Shape::Text,
        DataType::Dictionary(_, values) => shape(values),
        DataType::List(inner) | DataType::LargeList(inner) if number(inner.data_type()) => Shape::List(None),
        DataType::FixedSizeList(inner, length) if number(inner.data_type()) => Shape::List(usize::try_from(*length).ok()),
        other => Shape::Other(format!("of type {other}")),
    }
}

/// Takes batches apart.
pub(super) struct TableRows {
    place: Whereabouts,
    items: Vec<Item>,
    resolved: Resolved,
    /// Which column of a batch an item is.
    columns: Vec<Option<usize>>,
    /// Rows read so far.
    done: u64,
    /// Values of each unit column in a row, once known.
    widths: Arc<[usize]>,
}

/// The items that are read, ascending.
pub(super) fn wanted(resolved: &Resolved) -> Vec<usize> {
    let mut wanted: Vec<usize> = [&resolved.position, &resolved.velocity, &resolved.units].into_iter().flatten().copied().collect();
    wanted.extend([resolved.time, resolved.trajectory, resolved.arena].into_iter().flatten());
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl TableRows {
    /// For batches that hold the wanted items in their order.
    pub(super) fn new(place: Whereabouts, items: Vec<Item>, resolved: Resolved) -> Self {
        let mut columns = vec![None; items.len()];
        for (column, item) in wanted(&resolved).into_iter().enumerate() {
            columns[item] = Some(column);
        }
        Self { place, items, resolved, columns, done: 0, widths: Arc::from([]) }
    }

    /// Counts rows that were read column by column.
    pub(super) fn skip(&mut self, rows: usize) {
        self.done += rows as u64;
    }

    /// The rows of a batch.
    ///
    /// # Errors
    /// Text that is no number, lists of unequal lengths, too many units.
    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<Rows, ImportError> {
        let position = self.pair(batch, &self.resolved.position)?;
        let velocity = (!self.resolved.velocity.is_empty()).then(|| self.pair(batch, &self.resolved.velocity)).transpose()?;
        let time = self.resolved.time.map(|item| self.numbers(batch, item)).transpose()?;
        let trajectory = self.resolved.trajectory.map(|item| self.texts(batch, item)).transpose()?;
        let arena = self.resolved.arena.map(|item| self.texts(batch, item)).transpose()?;
        let (units, g) = self.units(batch)?;
        self.done += batch.num_rows() as u64;
        Ok(Rows { position, time, trajectory, arena, velocity, units, widths: Arc::clone(&self.widths), g })
    }

    fn column<'b>(&self, batch: &'b RecordBatch, item: usize) -> Result<&'b ArrayRef, ImportError> {
        let column = self.columns[item].and_then(|column| batch.columns().get(column));
        column
            .ok_or_else(|| self.place.refuse(format!("column {} is missing from a part of the file; write it anew", self.items[item].name)))
    }

    fn cast(&self, array: &ArrayRef, item: usize, to: &DataType) -> Result<ArrayRef, ImportError> {
        let name = &self.items[item].name;
        cast(array, to).map_err(|error| self.place.refuse(format!("column {name} cannot be read as numbers ({error}); write it as floats")))
    }

    /// One number a row; NaN where there is none.
    pub(super) fn numbers(&self, batch: &RecordBatch, item: usize) -> Result<Vec<f64>, ImportError> {
        let array = self.column(batch, item)?;
        match self.items[item].shape {
            Shape::Cell => self.parse(array, item),
            Shape::Number => {
                let array = self.cast(array, item, &DataType::Float64)?;
                let array = array.as_primitive::<Float64Type>();
                Ok((0..array.len()).map(|row| if array.is_null(row) { f64::NAN } else { array.value(row) }).collect())
            }
            ref shape => {
                let name = &self.items[item].name;
                Err(self
                    .place
                    .refuse(format!("column {name} is {shape}, where one number a row belongs; name another column in the mapping")))
            }
        }
    }

    /// Numbers out of the cells of a text file.
    fn parse(&self, array: &ArrayRef, item: usize) -> Result<Vec<f64>, ImportError> {
        let cells = array.as_string::<i32>();
        let number = |row: usize| {
            let cell = if cells.is_null(row) { "" } else { cells.value(row).trim() };
            if cell.is_empty() || ["na", "n/a", "null", "none"].iter().any(|nothing| cell.eq_ignore_ascii_case(nothing)) {
                return Ok(f64::NAN);
            }
            cell.parse::<f64>().map_err(|_| {
                let shown: String = cell.chars().take(40).collect();
                let at = self.place.row(self.done + row as u64);
                self.place.refuse(format!(
                    "{at}, column {}: {shown:?} is no number; correct it, or name other columns in a mapping",
                    self.items[item].name
                ))
            })
        };
        (0..cells.len()).map(number).collect()
    }

    /// One text a row; numbers as they are written.
    pub(super) fn texts(&self, batch: &RecordBatch, item: usize) -> Result<Vec<Arc<str>>, ImportError> {
        let name = &self.items[item].name;
        let array = self.cast(self.column(batch, item)?, item, &DataType::Utf8)?;
        let Some(array) = array.as_string_opt::<i32>() else {
            return Err(self.place.refuse(format!("column {name} cannot be read as text; write it as text or integers")));
        };
        let mut last: Option<Arc<str>> = None;
        let text = |row: usize| {
            let text = if array.is_null(row) { "" } else { array.value(row).trim() };
            if text.is_empty() {
                let at = self.place.row(self.done + row as u64);
                return Err(self.place.refuse(format!(
                    "{at}, column {name}: is empty; give every row its label, or set the column to \"none\" in the mapping"
                )));
            }
            let same = last.as_ref().filter(|last| ***last == *text);
            let text = same.map_or_else(|| Arc::from(text), Arc::clone);
            last = Some(Arc::clone(&text));
            Ok(text)
        };
        (0..array.len()).map(text).collect()
    }

    /// Two numbers a row, out of two columns or one.
    fn pair(&self, batch: &RecordBatch, items: &[usize]) -> Result<[Vec<f64>; 2], ImportError> {
        if let [x, y] = items {
            return Ok([self.numbers(batch, *x)?, self.numbers(batch, *y)?]);
        }
        let item = items[0];
        let (width, values) = self.lists(batch, item, Some(2), &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        let at = |row: usize, axis: usize| if values.is_null(row * width + axis) { f64::NAN } else { values.value(row * width + axis) };
        Ok([0, 1].map(|axis| (0..batch.num_rows()).map(|row| at(row, axis)).collect()))
    }

    /// A list column's length and all its values behind each other, cast.
    fn lists(&self, batch: &RecordBatch, item: usize, wanted: Option<usize>, to: &DataType) -> Result<(usize, ArrayRef), ImportError> {
        let (array, name) = (self.column(batch, item)?, &self.items[item].name);
        let length = |row: usize| match array.data_type() {
            _ if array.is_null(row) => 0,
            DataType::List(_) => usize::try_from(array.as_list::<i32>().value_length(row)).unwrap_or(0),
            DataType::LargeList(_) => usize::try_from(array.as_list::<i64>().value_length(row)).unwrap_or(0),
            _ => usize::try_from(array.as_fixed_size_list().value_length()).unwrap_or(0),
        };
        let width = wanted.unwrap_or_else(|| if array.is_empty() { 0 } else { length(0) });
        if let Some(row) = (0..array.len()).find(|row| length(*row) != width) {
            let (at, found) = (self.place.row(self.done + row as u64), length(row));
            return Err(self
                .place
                .refuse(format!("{at}, column {name}: has {found} values where {width} belong; every row needs the same number")));
        }
        // A null list may cover values; there is none any more, unless lists are empty.
        let values = match array.data_type() {
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                let from = lists.value_offsets().first().copied().unwrap_or(0) as usize;
                lists.values().slice(from, width * array.len())
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                let from = lists.value_offsets().first().copied().unwrap_or(0) as usize;
                lists.values().slice(from, width * array.len())
            }
            _ => {
                let lists = array.as_fixed_size_list();
                lists.values().slice(0, width * array.len())
            }
        };
        Ok((width, self.cast(&values, item, to)?))
    }

    fn units(&mut self, batch: &RecordBatch) -> Result<(usize, Vec<f32>), ImportError> {
        let (rows, first) = (batch.num_rows(), self.widths.is_empty());
        let mut parts: Vec<(usize, Vec<f32>)> = Vec::with_capacity(self.resolved.units.len());
        for (number, &item) in self.resolved.units.iter().enumerate() {
            parts.push(match self.items[item].shape {
                Shape::List(length) => {
                    let (width, values) = self.lists(batch, item, length.or(self.widths.get(number).copied()), &DataType::Float32)?;
                    let values = values.as_primitive::<Float32Type>();
                    let value = |place: usize| if values.is_null(place) { f32::NAN } else { values.value(place) };
                    (width, (0..rows * width).map(value).collect())
                }
                _ => (1, self.numbers(batch, item)?.into_iter().map(|value| value as f32).collect()),
            });
        }
        if first && rows > 0 {
            self.widths = parts.iter().map(|(width, _)| *width).collect();
        }
        let units: usize = parts.iter().map(|(width, _)| *width).sum();
        check_units(&self.place, units, self.resolved.units.len())?;
        let mut g = Vec::with_capacity(rows * units);
        for row in 0..rows {
            for (width, values) in &parts {
                g.extend_from_slice(&values[row * width..(row + 1) * width]);
            }
        }
        Ok((units, g))
    }
}

/// Refuses none and too many units.
pub(super) fn check_units(place: &Whereabouts, units: usize, columns: usize) -> Result<(), ImportError> {
    if columns > 0 && !(1..=MOST_UNITS).contains(&units) {
        return Err(place.refuse(format!("has {units} units; allowed: 1 to {MOST_UNITS}; import some of them with units.columns")));
    }
    Ok(())
}

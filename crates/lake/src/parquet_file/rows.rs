//! Which rows are wanted, and which row groups and pages may hold some, by the least and greatest values that the file keeps of each.

use crate::frame::{Data, Frame};
use crate::schema::{Kind, Table};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, UInt32Type, UInt64Type};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::errors::ParquetError;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use std::ops::{Range, RangeInclusive};

/// Conditions that all hold of the wanted rows; none hold of null. Without conditions, all rows are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    conditions: Vec<(&'static str, Condition)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Text(String),
    Integer(RangeInclusive<i128>),
    Float(RangeInclusive<f64>),
}

impl Rows {
    /// All rows.
    pub fn all() -> Self {
        Self::default()
    }

    /// Rows with this text in a text column.
    #[must_use]
    pub fn text(mut self, column: &'static str, text: &str) -> Self {
        self.conditions.push((column, Condition::Text(text.to_owned())));
        self
    }

    /// Rows with a number within the bounds in a column of integers.
    #[must_use]
    pub fn integer<T: Into<i128> + Copy>(mut self, column: &'static str, bounds: RangeInclusive<T>) -> Self {
        self.conditions.push((column, Condition::Integer((*bounds.start()).into()..=(*bounds.end()).into())));
        self
    }

    /// Rows with a number within the bounds in a column of floats.
    #[must_use]
    pub fn float(mut self, column: &'static str, bounds: RangeInclusive<f64>) -> Self {
        self.conditions.push((column, Condition::Float(bounds)));
        self
    }

    /// Rows of one trajectory of `activity`.
    #[must_use]
    pub fn of_trajectory(arena: &str, trajectory: u32) -> Self {
        Self::all().text("arena", arena).integer("trajectory", trajectory..=trajectory)
    }

    pub(super) fn is_all(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Columns that conditions are about, each once.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let mut columns: Vec<_> = self.conditions.iter().map(|(column, _)| *column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// A condition that cannot be put to the table, in words.
    pub(super) fn refusal(&self, table: &Table) -> Option<(&'static str, String)> {
        let misfit = |(name, condition): &(&'static str, Condition)| {
            let kind = table.column(name).map(|column| column.kind);
            let fits = matches!(
                (condition, kind),
                (Condition::Text(_), Some(Kind::Text))
                    | (Condition::Integer(_), Some(Kind::Int32 | Kind::UInt32 | Kind::UInt64))
                    | (Condition::Float(_), Some(Kind::Float64))
            );
            (!fits)
                .then(|| (*name, format!("rows are asked for by {condition:?}, and the column is {}", kind.map_or("absent", Kind::name))))
        };
        self.conditions.iter().find_map(misfit)
    }

    /// Whether a row of a frame with the columns is wanted.
    pub(super) fn wants(&self, frame: &Frame, row: usize) -> bool {
        self.conditions.iter().all(|(column, condition)| match (condition, frame.data(column)) {
            (Condition::Text(text), Data::Text(values)) => values[row].as_deref() == Some(text.as_str()),
            (Condition::Integer(bounds), Data::UInt32(values)) => bounds.contains(&i128::from(values[row])),
            (Condition::Integer(bounds), Data::UInt64(values)) => bounds.contains(&i128::from(values[row])),
            (Condition::Integer(bounds), Data::Int32(values)) => values[row].is_some_and(|value| bounds.contains(&i128::from(value))),
            (Condition::Float(bounds), Data::Float64(values)) => bounds.contains(&values[row]),
            _ => false,
        })
    }

    /// Whether a row group may hold wanted rows.
    pub(super) fn may_be_in_group(&self, file: &ArrowReaderMetadata, group: usize) -> Result<bool, ParquetError> {
        for (column, condition) in &self.conditions {
            let Ok(statistics) = StatisticsConverter::try_new(column, file.schema(), file.parquet_schema()) else { continue };
            let group = || std::iter::once(file.metadata().row_group(group));
            if !condition.may_hold(&statistics.row_group_mins(group())?, &statistics.row_group_maxes(group())?, 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows of a group's pages that may hold wanted rows; all where the file keeps no index of its pages.
    pub(super) fn candidates(&self, file: &ArrowReaderMetadata, group: usize) -> Result<RowSelection, ParquetError> {
        let rows = file.metadata().row_group(group).num_rows() as usize;
        let mut candidates = RowSelection::from_consecutive_ranges(std::iter::once(0..rows), rows);
        let Some(index) = file.metadata().page_index() else { return Ok(candidates) };
        for (column, condition) in &self.conditions {
            let Ok(statistics) = StatisticsConverter::try_new(column, file.schema(), file.parquet_schema()) else { continue };
            let pages = statistics.parquet_column_index().and_then(|leaf| index.offset_index(group, leaf));
            let Some(pages) = pages.map(OffsetIndexMetaData::page_locations) else { continue };
            let least = statistics.data_page_mins(index.as_ref(), std::iter::once(&group))?;
            let greatest = statistics.data_page_maxes(index.as_ref(), std::iter::once(&group))?;
            let page = |number: usize| -> Range<usize> {
                let end = pages.get(number + 1).map_or(rows, |next| next.first_row_index as usize);
                pages[number].first_row_index as usize..end
            };
            let possible = (0..pages.len()).filter(|number| condition.may_hold(&least, &greatest, *number)).map(page);
            candidates = candidates.intersection(&RowSelection::from_consecutive_ranges(possible, rows));
        }
        Ok(candidates)
    }
}

impl Condition {
    /// Whether the condition can hold between the least and the greatest value at `place`, of which either may be unknown.
    fn may_hold(&self, least: &ArrayRef, greatest: &ArrayRef, place: usize) -> bool {
        if place >= least.len() || place >= greatest.len() {
            return true;
        }
        match self {
            Condition::Text(text) => {
                let value = |array: &ArrayRef| {
                    array.as_string_opt::<i32>().filter(|array| array.is_valid(place)).map(|array| array.value(place).to_owned())
                };
                value(least).is_none_or(|least| least <= *text) && value(greatest).is_none_or(|greatest| greatest >= *text)
            }
            Condition::Integer(bounds) => {
                let (least, greatest) = (integer(least, place), integer(greatest, place));
                least.is_none_or(|least| least <= *bounds.end()) && greatest.is_none_or(|greatest| greatest >= *bounds.start())
            }
            Condition::Float(bounds) => {
                let value = |array: &ArrayRef| {
                    array.as_primitive_opt::<Float64Type>().filter(|array| array.is_valid(place)).map(|array| array.value(place))
                };
                value(least).is_none_or(|least| least <= *bounds.end())
                    && value(greatest).is_none_or(|greatest| greatest >= *bounds.start())
            }
        }
    }
}

fn integer(array: &ArrayRef, place: usize) -> Option<i128> {
    if array.is_null(place) {
        return None;
    }
    match array.data_type() {
        DataType::Int32 => Some(array.as_primitive::<Int32Type>().value(place).into()),
        DataType::UInt32 => Some(array.as_primitive::<UInt32Type>().value(place).into()),
        DataType::UInt64 => Some(array.as_primitive::<UInt64Type>().value(place).into()),
        _ => None,
    }
}

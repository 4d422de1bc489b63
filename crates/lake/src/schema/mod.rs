//! The tables: columns, types, units, meanings. A versioned interface; `docs/lake-schema.md` is made from it.

mod markdown;
mod tables;

pub use markdown::markdown;
pub use tables::{
    ACTIVITY, AUTOCORRELOGRAMS, BARCODES, CLASSES, DISTANCES, EMBEDDING, FIRST_HALF_SUMS, GENERALIZATION, LAPLACIAN, METRICS, MODULES,
    NULLS, OCCUPANCY, PATH_INTEGRATION, RATEMAP_SUMS, RATEMAPS, SPECTRA, TABLES, TORUS, TORUS_MAPS, TRAJECTORIES, UNIT_SPECTRA, UNITS,
    VELOCITIES,
};

use arrow::datatypes::{DataType, Field};
use std::collections::HashMap;
use std::sync::Arc;

/// Version of the lake's layout and of all tables. Raised when a column changes its meaning or its type, may be null where it could not be, or
/// goes; new columns at the end do not raise it.
///
/// Version 2: velocities of `activity` may be null, and its states may be stored as float16.
pub const SCHEMA_VERSION: u32 = 2;

/// How the lists of a column of [`Kind::Floats`] or [`Kind::FloatsOrNan`] are stored. They are float32 wherever they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As they are.
    #[default]
    Float32,
    /// Rounded to the nearest float16, ties to even; what would become infinite (from 65,520) is refused.
    Float16,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// True or false.
    Boolean,
    /// Signed, 32 bits.
    Int32,
    /// Unsigned, 32 bits.
    UInt32,
    /// Unsigned, 64 bits.
    UInt64,
    /// 64-bit floating point, always finite. NaN is written as null where the column is nullable and refused where not.
    Float64,
    /// A list of 32-bit floats, equally long in all rows of a partition, all finite.
    Floats,
    /// The same, and NaN means "undefined".
    FloatsOrNan,
    /// A list of 64-bit floats, equally long in all rows of a partition, all finite.
    Doubles,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, unit included.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its unit; `1` for ratios, counts and scores; empty for text.
    pub unit: &'static str,
    /// Whether it can be null.
    pub nullable: bool,
    /// What it is, in one line.
    pub description: &'static str,
}

/// How a table is cut into partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// `run=<run>`.
    Run,
    /// `run=<run>/step=<step>`.
    RunStep,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, which is its folder's.
    pub name: &'static str,
    /// What a row is.
    pub row: &'static str,
    /// Its partitions, which are columns too for readers that know Hive partitions.
    pub partitions: Partitions,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Column {
    const fn new(name: &'static str, kind: Kind, unit: &'static str, description: &'static str) -> Self {
        Self { name, kind, unit, nullable: false, description }
    }

    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Whether an Arrow type is one that the column's values are kept in.
    pub(crate) fn holds(&self, found: &DataType) -> bool {
        let length = if let DataType::FixedSizeList(_, length) = found { *length as usize } else { 0 };
        let kept = |precision| match (found, self.kind.data_type(length, precision)) {
            (DataType::FixedSizeList(found, _), DataType::FixedSizeList(own, _)) => found.data_type() == own.data_type(),
            (found, own) => *found == own,
        };
        kept(Precision::Float32) || kept(Precision::Float16)
    }

    /// The Arrow field; `length` is that of lists, `precision` that of their 32-bit floats.
    pub(crate) fn field(&self, length: usize, precision: Precision) -> Field {
        let metadata = HashMap::from([("unit".to_owned(), self.unit.to_owned()), ("description".to_owned(), self.description.to_owned())]);
        Field::new(self.name, self.kind.data_type(length, precision), self.nullable).with_metadata(metadata)
    }
}

impl Kind {
    fn data_type(self, length: usize, precision: Precision) -> DataType {
        let list = |item| DataType::FixedSizeList(Arc::new(list_item(item)), length as i32);
        match self {
            Kind::Text => DataType::Utf8,
            Kind::Boolean => DataType::Boolean,
            Kind::Int32 => DataType::Int32,
            Kind::UInt32 => DataType::UInt32,
            Kind::UInt64 => DataType::UInt64,
            Kind::Float64 => DataType::Float64,
            Kind::Floats | Kind::FloatsOrNan => list(match precision {
                Precision::Float32 => DataType::Float32,
                Precision::Float16 => DataType::Float16,
            }),
            Kind::Doubles => list(DataType::Float64),
        }
    }

    /// Its name in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Boolean => "boolean",
            Kind::Int32 => "int32",
            Kind::UInt32 => "uint32",
            Kind::UInt64 => "uint64",
            Kind::Float64 => "float64",
            Kind::Floats | Kind::FloatsOrNan => "list of float32",
            Kind::Doubles => "list of float64",
        }
    }
}

/// The field inside a list.
pub(crate) fn list_item(data_type: DataType) -> Field {
    Field::new("item", data_type, false)
}

impl Table {
    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_described() {
        for (number, table) in TABLES.iter().enumerate() {
            assert!(TABLES[..number].iter().all(|other| other.name != table.name));
            for (place, column) in table.columns.iter().enumerate() {
                assert!(table.columns[..place].iter().all(|other| other.name != column.name), "{}.{}", table.name, column.name);
                assert!(
                    !column.description.is_empty() && column.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
                );
                assert!(!matches!(column.name, "run" | "step") || table.partitions == Partitions::Run, "a partition's key is no column");
                for (end, unit) in [("_m", "m"), ("_rad", "rad"), ("_bits", "bit/field"), ("_s", "s")] {
                    let exempt = column.name.ends_with("steps_per_s") || column.name.ends_with("cycles_per_m");
                    assert!(
                        exempt || !column.name.ends_with(end) || column.unit.starts_with(unit.split('/').next().unwrap_or(unit)),
                        "{}",
                        column.name
                    );
                }
            }
        }
    }
}

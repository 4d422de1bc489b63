//! One table as Polars scans it.

use super::{SqlError, describe};
use crate::error::LakeError;
use crate::index::{self, Files};
use crate::layout::{self, Lake};
use crate::manifest::ListType;
use crate::parquet_file;
use crate::schema::{Column, Kind, Partitions, Table};
use polars::io::HiveOptions;
use polars::io::cloud::CloudOptions;
use polars::prelude::{
    CloudScheme, DataFrame, DataType, Field, IntoLazy, LazyFrame, PlRefPath, PolarsError, PolarsResult, ScanArgsParquet, Schema, UnionArgs,
    col, concat, lit,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A table's file that a manifest names.
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) bytes: u64,
}

/// A table's files, in the order in which their rows are answered: those of one [`Shape`] together, then by run.
pub(super) struct Listing {
    pub(super) table: &'static Table,
    pub(super) groups: BTreeMap<Shape, Vec<Listed>>,
    /// Polars takes any folder that is called `key=value` for a partition; a lake below such a folder names its partitions itself.
    pub(super) own_partitions: bool,
}

impl Listing {
    /// What the manifests of all runs name.
    pub(super) fn read(lake: &Lake, table: &'static Table) -> Result<Self, LakeError> {
        let mut groups: BTreeMap<Shape, Vec<Listed>> = BTreeMap::new();
        let runs = lake.runs()?;
        let of_run = |place: usize, files: Result<Option<Files>, LakeError>, (): &()| -> Result<Vec<(Shape, Listed)>, LakeError> {
            let folder = layout::table(table, &runs[place]) + "/";
            let files =
                files?.map(|files| files.manifest().files).unwrap_or_default().into_iter().filter(|(key, _)| key.starts_with(&folder));
            files.map(|(key, entry)| Ok((Shape::of(lake, table, &key, entry.lists)?, Listed { key, bytes: entry.bytes }))).collect()
        };
        for found in index::each(lake, &runs, of_run) {
            for (shape, listed) in found? {
                groups.entry(shape).or_default().push(listed);
            }
        }
        Ok(Self { table, groups, own_partitions: lake.show("").display().to_string().contains('=') })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.groups.values().map(Vec::len).sum()
    }
}

/// All runs of a table, each file read where it is. Files whose lists differ in length or type are scanned apart and joined as lists of any length.
pub(super) fn scan(lake: &Lake, listing: &Listing) -> Result<LazyFrame, SqlError> {
    let table = listing.table;
    let mut scans = Vec::new();
    for (shape, files) in &listing.groups {
        if listing.own_partitions {
            for file in files {
                scans.push(scan_file(lake, table, shape, &file.key).map_err(wrong)?);
            }
        } else {
            scans.push(scan_files(lake, table, shape, files.iter().map(|file| file.key.as_str()), None).map_err(wrong)?);
        }
    }
    joined(scans, table)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn wrong(error: PolarsError) -> SqlError {
    SqlError::Data(describe(&error))
}

/// One after the other.
pub(super) fn joined(mut scans: Vec<LazyFrame>, table: &Table) -> Result<LazyFrame, SqlError> {
    match scans.len() {
        0 => Ok(DataFrame::empty_with_schema(&answered(table)).lazy()),
        1 => Ok(scans.remove(0)),
        _ => concat(scans, UnionArgs { maintain_order: true, ..UnionArgs::default() }).map_err(wrong),
    }
}

/// The columns of an answer: lists are of any length, partitions are the last ones.
pub(super) fn answered(table: &Table) -> Schema {
    let mut columns = schema(table, &Shape::default());
    for column in table.columns.iter().filter(|column| is_list(column)) {
        columns.with_column(column.name.into(), any_length(column));
    }
    columns.merge(partitions(table));
    columns
}

/// The list columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(BTreeMap<String, ListType>);

fn is_list(column: &Column) -> bool {
    matches!(column.kind, Kind::Floats | Kind::FloatsOrNan | Kind::Doubles)
}

impl Shape {
    /// As the manifest has it, or, where an older gridlake wrote it, as the file has.
    fn of(lake: &Lake, table: &'static Table, key: &str, known: Option<BTreeMap<String, ListType>>) -> Result<Self, LakeError> {
        match known {
            Some(known) => Ok(Self(known)),
            None if table.columns.iter().any(is_list) => Ok(Self(parquet_file::lists(&lake.store().open(key)?, &lake.show(key))?)),
            None => Ok(Self::default()),
        }
    }
}

fn item(list: &ListType) -> DataType {
    match list.item.as_str() {
        "float16" => DataType::Float16,
        "float64" => DataType::Float64,
        _ => DataType::Float32,
    }
}

/// The columns of a table's files of one shape.
fn schema(table: &Table, shape: &Shape) -> Schema {
    let fields = table.columns.iter().map(|column| {
        let kind = match column.kind {
            Kind::Text => DataType::String,
            Kind::Boolean => DataType::Boolean,
            Kind::Int32 => DataType::Int32,
            Kind::UInt32 => DataType::UInt32,
            Kind::UInt64 => DataType::UInt64,
            Kind::Float64 => DataType::Float64,
            Kind::Floats | Kind::FloatsOrNan | Kind::Doubles => {
                let list = shape.0.get(column.name).cloned().unwrap_or_default();
                DataType::Array(Box::new(item(&list)), list.length as usize)
            }
        };
        Field::new(column.name.into(), kind)
    });
    fields.collect()
}

fn partitions(table: &Table) -> Schema {
    let run = Field::new("run".into(), DataType::String);
    match table.partitions {
        Partitions::Run => Schema::from_iter([run]),
        Partitions::RunStep => Schema::from_iter([run, Field::new("step".into(), DataType::UInt64)]),
    }
}

fn any_length(column: &Column) -> DataType {
    DataType::List(Box::new(if column.kind == Kind::Doubles { DataType::Float64 } else { DataType::Float32 }))
}

fn lists_of_any_length(scan: LazyFrame, table: &Table) -> LazyFrame {
    let cast = |column: &Column| col(column.name).cast(any_length(column));
    scan.with_columns(table.columns.iter().filter(|column| is_list(column)).map(cast).collect::<Vec<_>>())
}

/// One file, with its partitions as constants.
fn scan_file(lake: &Lake, table: &Table, shape: &Shape, key: &str) -> PolarsResult<LazyFrame> {
    let value = |name: &str| key.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned();
    let constants =
        partitions(table).iter().map(|(name, kind)| lit(value(name)).cast(kind.clone()).alias(name.clone())).collect::<Vec<_>>();
    Ok(scan_group(lake, table, shape, [key], false, None)?.with_columns(constants))
}

/// Files of one shape; `path` is the name of a column that says of each row where it is from.
pub(super) fn scan_files<'k>(
    lake: &Lake,
    table: &Table,
    shape: &Shape,
    keys: impl IntoIterator<Item = &'k str>,
    path: Option<&str>,
) -> PolarsResult<LazyFrame> {
    scan_group(lake, table, shape, keys, true, path)
}

/// What Polars calls a file.
pub(super) fn path_of(lake: &Lake, key: &str) -> PlRefPath {
    PlRefPath::new(lake.show(key).display().to_string().as_str())
}

fn scan_group<'k>(
    lake: &Lake,
    table: &Table,
    shape: &Shape,
    keys: impl IntoIterator<Item = &'k str>,
    hive: bool,
    path: Option<&str>,
) -> PolarsResult<LazyFrame> {
    let root = lake.show("").display().to_string();
    let paths = keys.into_iter().map(|key| path_of(lake, key));
    let cloud_options = match lake.store().settings() {
        Some(settings) => Some(CloudOptions::from_untyped_config(CloudScheme::from_path(&root), settings)?),
        None => None,
    };
    let options = ScanArgsParquet {
        cloud_options,
        hive_options: HiveOptions {
            enabled: Some(hive),
            hive_start_idx: 0,
            schema: hive.then(|| Arc::new(partitions(table))),
            try_parse_dates: false,
        },
        schema: Some(Arc::new(schema(table, shape))),
        glob: false,
        allow_missing_columns: true,
        include_file_paths: path.map(Into::into),
        ..ScanArgsParquet::default()
    };
    Ok(lists_of_any_length(LazyFrame::scan_parquet_files(paths.collect(), options)?, table))
}

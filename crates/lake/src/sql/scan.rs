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

/// All runs of a table. Files whose lists differ in length or type are scanned apart and joined as lists of any length.
pub(super) fn scan(lake: &Lake, table: &'static Table) -> Result<LazyFrame, SqlError> {
    let mut groups: BTreeMap<Shape, Vec<String>> = BTreeMap::new();
    let runs = lake.runs()?;
    let of_run = |place: usize, files: Result<Option<Files>, LakeError>, (): &()| -> Result<Vec<(Shape, String)>, LakeError> {
        let folder = layout::table(table, &runs[place]) + "/";
        let files = files?.map(|files| files.manifest().files).unwrap_or_default().into_iter().filter(|(key, _)| key.starts_with(&folder));
        files.map(|(key, entry)| Ok((Shape::of(lake, table, &key, entry.lists)?, key))).collect()
    };
    for found in index::each(lake, &runs, of_run) {
        for (shape, key) in found? {
            groups.entry(shape).or_default().push(key);
        }
    }
    let wrong = |error: PolarsError| SqlError::Data(describe(&error));
    // Polars takes any folder that is called `key=value` for a partition; a lake below such a folder names its partitions itself.
    let own = lake.show("").display().to_string().contains('=');
    let mut scans = Vec::new();
    for (shape, keys) in &groups {
        if own {
            for key in keys {
                scans.push(scan_file(lake, table, shape, key).map_err(wrong)?);
            }
        } else {
            scans.push(scan_group(lake, table, shape, keys, true).map_err(wrong)?);
        }
    }
    match scans.len() {
        0 => {
            let mut columns = schema(table, &Shape::default());
            columns.merge(partitions(table));
            Ok(lists_of_any_length(DataFrame::empty_with_schema(&columns).lazy(), table))
        }
        1 => Ok(scans.remove(0)),
        _ => concat(scans, UnionArgs { maintain_order: true, ..UnionArgs::default() }).map_err(wrong),
    }
}

/// The list columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Shape(BTreeMap<String, ListType>);

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

fn lists_of_any_length(scan: LazyFrame, table: &Table) -> LazyFrame {
    let cast = |column: &Column| {
        let item = if column.kind == Kind::Doubles { DataType::Float64 } else { DataType::Float32 };
        col(column.name).cast(DataType::List(Box::new(item)))
    };
    scan.with_columns(table.columns.iter().filter(|column| is_list(column)).map(cast).collect::<Vec<_>>())
}

/// One file, with its partitions as constants.
fn scan_file(lake: &Lake, table: &Table, shape: &Shape, key: &str) -> PolarsResult<LazyFrame> {
    let value = |name: &str| key.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned();
    let constants =
        partitions(table).iter().map(|(name, kind)| lit(value(name)).cast(kind.clone()).alias(name.clone())).collect::<Vec<_>>();
    Ok(scan_group(lake, table, shape, &[key.to_owned()], false)?.with_columns(constants))
}

fn scan_group(lake: &Lake, table: &Table, shape: &Shape, keys: &[String], hive: bool) -> PolarsResult<LazyFrame> {
    let root = lake.show("").display().to_string();
    let paths = keys.iter().map(|key| PlRefPath::new(lake.show(key).display().to_string().as_str()));
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
        ..ScanArgsParquet::default()
    };
    Ok(lists_of_any_length(LazyFrame::scan_parquet_files(paths.collect(), options)?, table))
}

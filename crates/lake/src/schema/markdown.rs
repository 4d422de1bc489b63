//! The tables as a page of documentation.

use super::{Partitions, SCHEMA_VERSION, TABLES};
use std::fmt::Write;

/// `docs/lake-schema.md`.
pub fn markdown() -> String {
    let mut page = format!(
        "# The lake's tables\n\nSchema version {SCHEMA_VERSION}. Made from `crates/lake/src/schema` by `GRIDLAKE_BLESS=1 cargo test --release -p gridlake-lake`.\n\n\
         Each table is a folder of Parquet files in Hive partitions: `tables/<table>/run=<run>/step=<step>/part-0.parquet` (`metrics`: `run=` only, one part for each\n\
         interval between checkpoints), so `run` and `step` are columns too for readers that know such partitions:\n\n\
         ```python\n\
         import polars as pl\n\
         units = pl.scan_parquet(\"data/lake/tables/units/**/*.parquet\", hive_partitioning=True).collect()\n\
         ```\n\n\
         Files are compressed with zstd, floats byte-split first, integers as differences. Lists of float32 may be stored as float16, plain (`activity`, where a run asks for it): gridlake reads them as float32. A file's metadata has `gridlake.schema_version`, `gridlake.run` and `gridlake.fingerprint` (of everything\n\
         that the file depends on); each field's metadata has its `unit` and `description`. Null means \"not applicable\" or \"undefined\" (a column beside it says why); NaN occurs only\n\
         inside lists. Files appear whole or not at all, and `runs/<run>/manifest.json` (of a run of very many files, `manifests/step-<step>.json` beside it too) has their sizes and SHA-256 checksums. New columns are added at the end.\n"
    );
    for table in TABLES {
        let keys = match table.partitions {
            Partitions::Run => "`run`",
            Partitions::RunStep => "`run`, `step`",
        };
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## `{}`\n\nOne row per {}. Partitions: {keys}.\n\n| Column | Type | Unit | Null | Meaning |\n|---|---|---|---|---|\n",
            table.name, table.row
        );
        for column in table.columns {
            let (unit, null) = (if column.unit.is_empty() { "" } else { column.unit }, if column.nullable { "yes" } else { "" });
            let _ = writeln!(page, "| `{}` | {} | {unit} | {null} | {} |", column.name, column.kind.name(), column.description);
        }
    }
    page
}

#[cfg(test)]
mod tests {

    #[test]
    fn the_documentation_is_the_schema() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lake-schema.md");
        let page = super::markdown();
        if std::env::var_os("GRIDLAKE_BLESS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == page,
            "docs/lake-schema.md is not what the code says: GRIDLAKE_BLESS=1 rewrites it"
        );
    }
}

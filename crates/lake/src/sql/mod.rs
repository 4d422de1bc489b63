//! SQL over all tables of a lake, by Polars: lazy scans of the files that manifests name, with partitions as columns, so that a query reads only the
//! runs, columns and row groups that it needs. Nothing is ever written.

mod output;
mod scan;

pub use output::Rows;

use crate::error::LakeError;
use crate::layout::Lake;
use crate::schema::{TABLES, Table};
use polars::prelude::{Engine, PolarsError};
use polars::sql::{SQLContext, extract_table_identifiers};

/// What is wrong with a query.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query itself: its syntax, a table or a column that does not exist, types that do not fit.
    #[error("{0}")]
    Query(String),
    /// A query that would change something.
    #[error("{0} is no question: the lake is read-only here; ask with SELECT, WITH, SHOW TABLES or EXPLAIN")]
    ReadOnly(String),
    /// A file that cannot be read.
    #[error("the query failed: {0}; `gridlake verify` finds files that are torn or altered")]
    Data(String),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Where rows are written to.
    #[error("the rows cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Functions of Polars' SQL that read any file; a lake's are checked before.
const FILE_FUNCTIONS: [&str; 5] = ["read_csv(", "read_ipc(", "read_json(", "read_ndjson(", "read_parquet("];

/// How a query may begin.
const QUESTIONS: [&str; 5] = ["select", "with", "show", "explain", "from"];

/// Plans a query; it is answered as its rows are taken.
///
/// Lists are of the SQL type list, whatever their length in each run; partitions are the columns `run` (text) and `step` (integer).
///
/// # Errors
/// [`SqlError::ReadOnly`], [`SqlError::Query`], or a manifest that cannot be read.
pub fn query(lake: &Lake, text: &str) -> Result<Rows, SqlError> {
    let first: String = text.trim_start().trim_start_matches('(').trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    if !QUESTIONS.contains(&first.to_ascii_lowercase().as_str()) {
        let named = if first.is_empty() { "the text".to_owned() } else { first.to_ascii_uppercase() };
        return Err(SqlError::ReadOnly(named));
    }
    let compact: String = text.to_ascii_lowercase().split_whitespace().collect();
    if let Some(function) = FILE_FUNCTIONS.iter().find(|function| compact.contains(*function)) {
        return Err(SqlError::Query(format!("{function}…) reads files of its own; only the lake's tables can be asked here")));
    }
    let wrong = |error: PolarsError| SqlError::Query(describe(&error));
    let named = extract_table_identifiers(text, false, true).map_err(wrong)?;
    let mut context = SQLContext::new();
    let mentioned = |table: &Table| named.iter().any(|name| name == table.name);
    let all = first.eq_ignore_ascii_case("show");
    for table in TABLES.iter().filter(|table| all || mentioned(table)) {
        context.register(table.name, scan::scan(lake, table)?);
    }
    let mut plan = context.execute(text).map_err(|error| {
        let known = TABLES.iter().map(|table| table.name).collect::<Vec<_>>().join(", ");
        SqlError::Query(format!("{}; the tables are {known}, with the columns of docs/lake-schema.md", describe(&error)))
    })?;
    let schema = plan.collect_schema().map_err(wrong)?;
    let batches = plan.collect_batches(Engine::Streaming, true, None, true).map_err(wrong)?;
    Ok(Rows::new(&schema, batches))
}

/// The first line of what Polars says: the rest tells of its plans.
fn describe(error: &PolarsError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}

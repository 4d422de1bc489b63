//! SQL over all tables of a lake, by Polars: lazy scans of the files that manifests name, with partitions as columns, so that a query reads only the
//! runs, columns and row groups that it needs. Nothing is ever written but bundles of small files, beside the index.

mod bundles;
mod output;
mod runs;
mod scan;

pub use output::Rows;

use crate::error::LakeError;
use crate::index;
use crate::layout::Lake;
use crate::schema::{TABLES, Table};
use polars::df;
use polars::prelude::{Engine, IntoLazy, LazyFrame, PolarsError};
use polars::sql::{SQLContext, extract_table_identifiers};
use scan::Listing;

/// What is wrong with a query.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The query itself: its syntax, a table or a column that does not exist, types that do not fit.
    #[error("{0}")]
    Query(String),
    /// A query that would change something.
    #[error("{0} is no question: the lake is read-only here; ask with SELECT, WITH, SHOW TABLES, DESCRIBE or EXPLAIN")]
    ReadOnly(String),
    /// A file that cannot be read.
    #[error("the query failed: {0}; `gridlake verify` finds files that are torn or altered")]
    Data(String),
    /// What cannot be done with these rows, such as a comparison of text with a number.
    #[error("the query failed: {0}")]
    Work(String),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Where rows are written to.
    #[error("the rows cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// `DESCRIBE TABLE` and its other forms: the columns of a table as rows.
fn described(text: &str) -> Option<&str> {
    let words: Vec<&str> = text.trim().trim_end_matches(';').split_whitespace().collect();
    let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
    match words[..] {
        [verb, table] if is(verb, "describe") || is(verb, "desc") => Some(table),
        [verb, "table" | "TABLE", table] if is(verb, "describe") => Some(table),
        [show, columns, from, table] if is(show, "show") && is(columns, "columns") && (is(from, "from") || is(from, "in")) => Some(table),
        _ => None,
    }
}

/// Columns, types, units and meanings of a table.
fn columns(name: &str) -> Result<LazyFrame, SqlError> {
    let Some(table) = TABLES.iter().find(|table| table.name.eq_ignore_ascii_case(name)) else {
        return Err(SqlError::Query(format!("there is no table {name}; the tables are {}", known())));
    };
    let text = |pick: &dyn Fn(&crate::schema::Column) -> String| table.columns.iter().map(pick).collect::<Vec<String>>();
    let frame = df!(
        "column" => text(&|column| column.name.to_owned()),
        "type" => text(&|column| column.kind.name().to_owned()),
        "unit" => text(&|column| column.unit.to_owned()),
        "null" => table.columns.iter().map(|column| column.nullable).collect::<Vec<bool>>(),
        "meaning" => text(&|column| column.description.to_owned()),
    );
    Ok(frame.map_err(failed)?.lazy())
}

fn known() -> String {
    TABLES.iter().map(|table| table.name).chain([runs::NAME]).collect::<Vec<_>>().join(", ")
}

/// Functions of Polars' SQL that read any file; a lake's are checked before.
const FILE_FUNCTIONS: [&str; 5] = ["read_csv(", "read_ipc(", "read_json(", "read_ndjson(", "read_parquet("];

/// How a query may begin.
const QUESTIONS: [&str; 5] = ["select", "with", "show", "explain", "from"];

/// What is called while bundles of a table's small files are made, which the first query of very many runs waits for: the table, files that are done, and files in all.
pub type Bundling<'a> = &'a dyn Fn(&'static str, usize, usize);

/// Plans a query; it is answered as its rows are taken.
///
/// `limit`: no more rows than these are wanted, and no more is read than they need.
///
/// Beside the lake's tables there is `runs`: a row for each run, with its stages and the settings in which runs differ.
///
/// Lists are of the SQL type list, whatever their length in each run; partitions are the columns `run` (text) and `step` (integer).
///
/// # Errors
/// [`SqlError::ReadOnly`], [`SqlError::Query`], or a manifest that cannot be read.
pub fn query(lake: &Lake, text: &str, limit: Option<usize>, bundling: Bundling<'_>) -> Result<Rows, SqlError> {
    if let Some(name) = described(after_comments(text)) {
        if name.eq_ignore_ascii_case(runs::NAME) {
            return rows(runs::columns(lake)?);
        }
        return rows(columns(name)?);
    }
    let first: String = after_comments(text).trim_start_matches('(').trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
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
    let mentioned = |table: &Table| named.iter().any(|name| name == table.name);
    let all = first.eq_ignore_ascii_case("show");
    let tables = TABLES.iter().filter(|table| all || mentioned(table));
    let listings = tables.map(|table| Listing::read(lake, table)).collect::<Result<Vec<_>, LakeError>>()?;
    let runs = (all || named.iter().any(|name| name == runs::NAME)).then(|| runs::table(lake)).transpose()?;
    let planned = |scan: &dyn Fn(&Listing) -> Result<LazyFrame, SqlError>| -> Result<LazyFrame, SqlError> {
        let mut context = SQLContext::new();
        for listing in &listings {
            context.register(listing.table.name, scan(listing)?);
        }
        if let Some(runs) = &runs {
            context.register(runs::NAME, runs.clone());
        }
        let plan = context.execute(text).map_err(|error| SqlError::Query(refused(&error, &listings)))?;
        Ok(if let Some(limit) = limit { plan.limit(limit as _) } else { plan })
    };
    let directly = planned(&|listing| scan::scan(lake, listing))?;
    let many = |listing: &&Listing| bundles::are_for(lake, listing);
    let files: usize = listings.iter().filter(many).map(Listing::len).sum();
    let wanted = if files == 0 || all { 0 } else { bundles::files_of(&directly) };
    if wanted < index::MANY {
        return rows(directly);
    }
    // Who asks for some runs does not wait for all.
    let make = 2 * wanted > files;
    let make = make.then_some(bundling);
    let bundled = planned(&|listing| if many(&listing) { bundles::scan(lake, listing, make) } else { scan::scan(lake, listing) });
    rows(bundled.unwrap_or(directly))
}

/// Plans the rows; they are made as they are taken.
fn rows(mut plan: LazyFrame) -> Result<Rows, SqlError> {
    let wrong = |error: PolarsError| SqlError::Query(describe(&error));
    let schema = plan.collect_schema().map_err(wrong)?;
    let batches = plan.collect_batches(Engine::Streaming, true, None, true).map_err(wrong)?;
    Ok(Rows::new(&schema, batches))
}

/// The text without spaces and comments at its beginning.
fn after_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = if let Some(line) = rest.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(block) = rest.strip_prefix("/*") {
            block.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

/// What went wrong while rows were taken: the files', or the query's.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: PolarsError) -> SqlError {
    let text = describe(&error);
    let files =
        matches!(error, PolarsError::IO { .. }) || FILE_WORDS.iter().any(|word| error.to_string().to_ascii_lowercase().contains(word));
    if files { SqlError::Data(text) } else { SqlError::Work(text) }
}

/// What Polars says of files that are not as they should be.
const FILE_WORDS: [&str; 6] = ["parquet", "specification", "thrift", "decompress", "zstd", "page"];

/// Why a query cannot be planned; of a table or column that is not there, which name is nearest.
fn refused(error: &PolarsError, listings: &[Listing]) -> String {
    let said = describe(error);
    // Polars lists every column of every table.
    let said = said.split("; valid columns").next().unwrap_or(&said);
    let name = said.split(['"', '\'']).nth(1).unwrap_or_default();
    let asked = listings.iter().map(|listing| listing.table);
    let nearest = if said.contains("relation") {
        nearest(name, TABLES.iter().map(|table| table.name).chain([runs::NAME]))
    } else if said.contains("column") {
        nearest(name, asked.clone().flat_map(|table| table.columns.iter().map(|column| column.name)).chain(["run", "step"]))
    } else {
        None
    };
    let nearest = nearest.map_or_else(String::new, |nearest| format!("; the nearest is {nearest}"));
    let one = asked.map(|table| table.name).next().unwrap_or(TABLES[0].name);
    format!("{said}{nearest}; the tables are {}, and `DESCRIBE {one}` tells the columns of one", known())
}

/// The most similar of these names, if one is similar at all.
fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let similarity = |known: &str| strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), known);
    let best = known.map(|known| (similarity(known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(similarity, _)| *similarity >= 0.5).map(|(_, known)| known)
}

/// The first line of what Polars says, without its advice to programmers in Python: the rest tells of its plans.
fn describe(error: &PolarsError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim_end_matches(':');
    if line.contains("duplicate") {
        return format!("{}; give each result a name of its own with AS", line.split(". ").next().unwrap_or(line));
    }
    line.to_owned()
}

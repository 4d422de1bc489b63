//! `gridlake sql`.

use super::open_lake;
use crate::args::{AnswerArguments, SqlArguments, SqlFormat};
use crate::failure::Failure;
use crate::output;
use crate::progress::{Mode, Progress};
use gridlake_lake::Lake;
use gridlake_lake::sql::{self, Rows, SqlError};
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;

/// Answers a query on stdout or in a file.
///
/// # Errors
/// A query that is wrong or would change something; a file that cannot be read; a sink that refuses.
pub(crate) fn sql(arguments: &SqlArguments, mode: Mode) -> Result<(), Failure> {
    answer(&open_lake(&arguments.lake)?, &arguments.query, &arguments.answer, mode)
}

/// Answers a query of a lake.
///
/// # Errors
/// As [`sql`].
pub(super) fn answer(lake: &Lake, query: &str, arguments: &AnswerArguments, mode: Mode) -> Result<(), Failure> {
    // One more than is shown tells whether there are more.
    let format = format_of(arguments);
    let limit = matches!(format, SqlFormat::Table).then_some(arguments.rows.saturating_add(1));
    let progress = RefCell::new(None);
    let bundling = |table: &'static str, done: usize, all: usize| {
        let mut progress = progress.borrow_mut();
        let (_, bar) = match progress.take() {
            Some((of, bar)) if of == table => progress.insert((of, bar)),
            _ => {
                tracing::info!("the first query of so many runs bundles their small files of {table}; the next ones are answered at once");
                progress.insert((table, Progress::start(mode, &format!("sql  {table}"), "files", done as u64, all as u64)))
            }
        };
        bar.update(done as u64, String::new);
    };
    let rows = sql::query(lake, query, limit, &bundling).map_err(failure)?;
    drop(progress);
    match (format, &arguments.output) {
        (SqlFormat::Table, None) => table(rows, arguments.rows),
        (SqlFormat::Table, Some(path)) => {
            Err(Failure::config(format!("--output {}: a table is for people", path.display())).hint("choose --format csv, json or parquet"))
        }
        (SqlFormat::Parquet, None) if std::io::stdout().is_terminal() => {
            Err(Failure::config("--format parquet: a terminal cannot show it").hint("choose a file with --output"))
        }
        (format, None) => {
            let mut sink = BufWriter::new(std::io::stdout());
            match write(rows, format, &mut sink) {
                // A reader that has gone away (`| head`) is no failure.
                Err(SqlError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                outcome => outcome.map_err(failure),
            }
        }
        (format, Some(path)) => keep(rows, format, path),
    }
}

/// As it is asked for, else as the file's name ends, else a table.
fn format_of(arguments: &AnswerArguments) -> SqlFormat {
    let ending = arguments.output.as_deref().and_then(Path::extension).and_then(|ending| ending.to_str());
    arguments.format.unwrap_or(match ending {
        Some("csv") => SqlFormat::Csv,
        Some("json") => SqlFormat::Json,
        Some("parquet" | "pq") => SqlFormat::Parquet,
        _ => SqlFormat::Table,
    })
}

fn table(rows: Rows, limit: usize) -> Result<(), Failure> {
    let head = rows.head(limit).map_err(failure)?;
    output::print(&output::table(&head.cells))?;
    if head.cells.len() == 1 {
        tracing::warn!("no rows");
    }
    if head.more {
        tracing::warn!(
            "only the first {} rows are shown; --rows shows more, --format csv, json or parquet gives all",
            head.cells.len() - 1
        );
    }
    Ok(())
}

/// Writes a file, whole or not at all.
fn keep(rows: Rows, format: SqlFormat, path: &Path) -> Result<(), Failure> {
    let refuse = |error: std::io::Error| {
        // Without the name of the temporary file.
        let system = error.get_ref().and_then(|inner| inner.source()).map(ToString::to_string);
        let reason = system.unwrap_or_else(|| error.to_string());
        Failure::work(format!("{}: {reason}", path.display()))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let aside = tempfile::Builder::new().prefix(".tmp-").permissions(permissions).tempfile_in(folder).map_err(refuse)?;
    let mut sink = BufWriter::new(aside);
    write(rows, format, &mut sink).map_err(|error| match error {
        SqlError::Output(error) => refuse(error),
        other => failure(other),
    })?;
    let aside = sink.into_inner().map_err(|error| refuse(error.into_error()))?;
    aside.as_file().sync_all().map_err(refuse)?;
    aside.persist(path).map(|_: File| ()).map_err(|error| refuse(error.error))
}

fn write<W: Write + Send>(rows: Rows, format: SqlFormat, sink: &mut W) -> Result<(), SqlError> {
    match format {
        SqlFormat::Json => rows.write_json(sink)?,
        SqlFormat::Parquet => rows.write_parquet(sink)?,
        SqlFormat::Csv | SqlFormat::Table => rows.write_csv(sink)?,
    }
    Ok(sink.flush()?)
}

fn failure(error: SqlError) -> Failure {
    match error {
        SqlError::Query(_) | SqlError::ReadOnly(_) | SqlError::Work(_) => Failure::config(error),
        SqlError::Data(_) => Failure::data(error),
        SqlError::Output(_) => Failure::work(error),
        SqlError::Lake(error) => error.into(),
    }
}

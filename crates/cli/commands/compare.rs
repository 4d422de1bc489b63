//! `gridlake compare`: runs beside each other, one row for every checkpoint and arena, with the settings in which they differ.

use super::{open_lake, sql};
use crate::args::CompareArguments;
use crate::failure::Failure;
use crate::output;
use crate::progress::Mode;
use crate::sweep_index::{differing, settings};
use gridlake_lake::Lake;
use gridlake_lake::run_record::RunRecord;

/// The comparison, as a query of the lake's tables: nothing here that a user could not ask too.
const QUERY: &str = include_str!("compare.sql");

/// Prints the table, or the query behind it.
///
/// # Errors
/// As [`sql::answer`]; a pattern that is none, or that no run matches.
pub(crate) fn compare(arguments: &CompareArguments, mode: Mode) -> Result<(), Failure> {
    let lake = open_lake(&arguments.lake)?;
    let (runs, chosen) = match &arguments.only {
        Some(only) => {
            let runs = matching(&lake, only)?;
            let chosen = condition(&runs);
            (runs, chosen)
        }
        None => (lake.runs()?, "TRUE".to_owned()),
    };
    let (keys, join) = swept(&lake, &runs);
    let query = QUERY.replace("{chosen}", &chosen).replace("{keys}", &keys).replace("{join}", &join);
    if arguments.query { output::print(&query) } else { sql::answer(&lake, &query, &arguments.answer, mode) }
}

/// SQL for the columns of the settings in which these runs differ, and for the table that has them.
fn swept(lake: &Lake, runs: &[String]) -> (String, String) {
    let mut all = Vec::new();
    for run in runs {
        // A damaged record is `verify`'s to tell.
        if let Ok(Some(record)) = RunRecord::load(lake, run) {
            all.push(settings(&record.config));
        }
    }
    let columns: Vec<String> = differing(&all).into_iter().map(|key| format!("runs.{}, ", name(key))).collect();
    if columns.is_empty() {
        return (String::new(), String::new());
    }
    (columns.concat(), "LEFT JOIN runs ON units.run = runs.run\n".to_owned())
}

/// A column's name in SQL, which doubles the sign that ends one.
fn name(key: &str) -> String {
    format!("\"{}\"", key.replace('"', "\"\""))
}

fn matching(lake: &Lake, only: &str) -> Result<Vec<String>, Failure> {
    let pattern = glob::Pattern::new(only).map_err(|error| Failure::config(format!("--only {only}: {error}")))?;
    let runs: Vec<String> = lake.runs()?.into_iter().filter(|run| pattern.matches(run)).collect();
    if runs.is_empty() {
        return Err(Failure::config(format!("--only {only}: no run matches")).hint("`gridlake status` lists the runs"));
    }
    Ok(runs)
}

/// SQL that holds for these runs. In a text, SQL doubles its own sign.
fn condition(runs: &[String]) -> String {
    let quoted: Vec<String> = runs.iter().map(|run| format!("'{}'", run.replace('\'', "''"))).collect();
    format!("run IN ({})", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_text() {
        assert_eq!(condition(&["a-s0".to_owned(), "b' OR 'b' = 'b".to_owned()]), "run IN ('a-s0', 'b'' OR ''b'' = ''b')");
    }
}

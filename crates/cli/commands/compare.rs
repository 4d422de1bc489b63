//! `gridlake compare`: runs beside each other, one row for every checkpoint and arena.

use super::{open_lake, sql};
use crate::args::CompareArguments;
use crate::failure::Failure;
use crate::output;
use gridlake_lake::Lake;

/// The comparison, as a query of the lake's tables: nothing here that a user could not ask too.
const QUERY: &str = include_str!("compare.sql");

/// Prints the table, or the query behind it.
///
/// # Errors
/// As [`sql::answer`]; a pattern that is none, or that no run matches.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    let lake = open_lake(&arguments.lake)?;
    let chosen = match &arguments.only {
        Some(only) => condition(&matching(&lake, only)?),
        None => "TRUE".to_owned(),
    };
    let query = QUERY.replace("{chosen}", &chosen);
    if arguments.query { output::print(&query) } else { sql::answer(&lake, &query, &arguments.answer) }
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

//! `gridlake compare`: runs beside each other, one row for every checkpoint and arena.

use super::sql;
use crate::args::{CompareArguments, SqlArguments};
use crate::failure::Failure;

/// The comparison, as a query of the lake's tables: nothing here that a user could not ask too.
const QUERY: &str = include_str!("compare.sql");

/// Prints the table, or the query behind it.
///
/// # Errors
/// As [`sql::sql`]; a glob with signs that no run's name has.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    let runs = pattern(arguments.only.as_deref().unwrap_or("*"))?;
    let query = QUERY.replace("{runs}", &runs);
    if arguments.query {
        return crate::output::print(&query);
    }
    let CompareArguments { lake, format, rows, output, common, .. } = arguments;
    let (lake, output, common) = (lake.clone(), output.clone(), common.clone());
    sql::sql(&SqlArguments { query, lake, format: *format, rows: *rows, output, common })
}

/// The regular expression of a glob over names of runs, which have letters, digits, `-`, `_` and `.`.
fn pattern(glob: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.*?".contains(c);
    if let Some(refused) = glob.chars().find(|&c| !allowed(c)) {
        return Err(Failure::config(format!("--only {glob}: no run's name has {refused:?}")).hint("* stands for any characters, ? for one"));
    }
    let parts = glob.chars().map(|c| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        '.' => "[.]".to_owned(),
        other => other.to_string(),
    });
    Ok(format!("^{}$", parts.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_become_patterns_and_nothing_else_of_sql() {
        assert_eq!(pattern("quick.start_-s?-*").expect("allowed"), "^quick[.]start_-s.-.*$");
        for bad in ["a' OR 1=1 --", "a;b", "a%b", "a\\b", "a b", "a|b"] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }
}

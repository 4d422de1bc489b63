//! stdout is data: everything printed there passes through here.

use crate::failure::Failure;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

/// Writes to stdout. A reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// When stdout cannot be written, for example a full disk behind `>`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::work(format!("cannot write to stdout: {error}"))),
        _ => Ok(()),
    }
}

/// "1 h 02 min", "3 min 05 s", "12.3 s".
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        3600.. => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        60.. => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{seconds:.1} s"),
    }
}

/// A number with a true minus sign, and never a minus zero.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { format!("−{text}") } else { text }
}

/// "1 run", "2 runs".
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Columns of equal width, two spaces apart; the first row is the header.
pub(crate) fn table<R: AsRef<[C]>, C: AsRef<str>>(rows: &[R]) -> String {
    let cells = |row: usize| rows[row].as_ref().iter().map(C::as_ref);
    let mut widths: Vec<usize> = Vec::new();
    for row in 0..rows.len() {
        for (column, cell) in cells(row).enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in 0..rows.len() {
        let start = text.len();
        for (column, (cell, width)) in cells(row).zip(&widths).enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}{cell:<width$}", if column == 0 { "" } else { "  " });
        }
        text.truncate(start + text[start..].trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(0.04), "0.0 s");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(3725.0), "1 h 02 min");
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!([-0.004, -0.0, -0.006, 0.5].map(|value| signed(value, 2)), ["0.00", "0.00", "−0.01", "0.50"]);
    }

    #[test]
    fn tables_align() {
        let rows = [vec!["a".to_string(), "bb".to_string()], vec!["ccc".to_string(), "d".to_string()]];
        assert_eq!(table(&rows), "a    bb\nccc  d\n");
    }
}

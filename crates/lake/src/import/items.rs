//! What a file holds: its columns or arrays, before anything is read.

use std::fmt;

/// One column of a table or one array of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// What a row of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list of numbers, of this length where the type says so.
    List(Option<usize>),
    /// A whole array of numbers, all axes.
    Array(Vec<usize>),
    /// A CSV column: whatever its text can be read as.
    Cell,
    /// What cannot be imported, in words.
    Other(String),
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Number => formatter.write_str("number"),
            Shape::Text => formatter.write_str("text"),
            Shape::List(Some(length)) => write!(formatter, "list of {length} numbers"),
            Shape::List(None) => formatter.write_str("list of numbers"),
            Shape::Array(axes) => {
                formatter.write_str("array of ")?;
                for (place, axis) in axes.iter().enumerate() {
                    write!(formatter, "{}{axis}", if place > 0 { " × " } else { "" })?;
                }
                Ok(())
            }
            Shape::Cell => formatter.write_str("text cells"),
            Shape::Other(words) => formatter.write_str(words),
        }
    }
}

/// "x (number), g (list of numbers), …", at most a dozen.
pub(super) fn listed(items: &[Item]) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(|item| format!("{} ({})", item.name, item.shape)).collect();
    if items.len() > SHOWN {
        shown.push(format!("… ({} in all)", items.len()));
    }
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

/// Orders names as people do: runs of digits by their value, so that `unit_2` comes before `unit_10`.
pub(super) fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |name: &str| {
        let mut parts: Vec<(String, bool)> = Vec::new();
        for c in name.chars() {
            match parts.last_mut() {
                Some((text, digits)) if *digits == c.is_ascii_digit() => text.push(c),
                _ => parts.push((c.to_string(), c.is_ascii_digit())),
            }
        }
        let key = |(text, digits): (String, bool)| {
            let value = if digits { text.trim_start_matches('0').to_owned() } else { String::new() };
            // Numbers before texts; a number by its count of digits, then its digits.
            (!digits, value.len(), value, text)
        };
        parts.into_iter().map(key).collect::<Vec<_>>()
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_by_value() {
        let mut names = ["unit_10", "unit_2", "b", "unit_02", "a3", "10", "9"].map(str::to_owned);
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["9", "10", "a3", "b", "unit_02", "unit_2", "unit_10"]);
    }
}

//! Tables of which columns can be sorted.

use super::Outcome;
use crate::number;

/// A table; every row has a cell for each column.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its heading.
    pub title: String,
    /// A sentence below it: what a row is, and what to look at. May be empty.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// What a column, score or measure is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Its heading, short: "period".
    pub name: String,
    /// The unit of its numbers, shown behind the name; empty for none.
    pub unit: String,
    /// Its definition: shown where the pointer rests on the heading, and among the report's definitions.
    pub meaning: String,
    /// Decimals of its numbers; `None`: about three figures.
    pub decimals: Option<usize>,
}

impl Column {
    /// The heading in the parts between which a line may be broken: after underscores and full stops.
    pub(super) fn name_parts(&self) -> Vec<&str> {
        self.name.split_inclusive(['_', '.']).collect()
    }
}

/// A cell of a [`Table`].
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A number; NaN and infinities are shown as "–" and sorted last.
    Number(f64),
    /// A p- or q-value.
    Share(f64),
    /// A count.
    Count(u64),
    /// A text; empty ones are sorted last.
    Text(String),
    /// A verdict, with its sign.
    Verdict(Outcome, String),
}

impl Cell {
    /// What a reader sees.
    pub(super) fn shown(&self, column: &Column) -> String {
        match self {
            Self::Number(value) => match column.decimals {
                Some(decimals) if number::drawable(*value) => number::signed(*value, decimals.min(12)),
                _ => number::short(*value),
            },
            Self::Share(share) => number::share(*share),
            Self::Count(count) => number::grouped(*count),
            Self::Text(text) if text.is_empty() => "–".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Verdict(outcome, text) => format!("{} {text}", outcome.sign()),
        }
    }

    /// By what it is sorted: a number or a text as it is; empty where it comes last.
    pub(super) fn sort_key(&self) -> String {
        match self {
            Self::Number(value) | Self::Share(value) if number::drawable(*value) => value.to_string(),
            Self::Number(_) | Self::Share(_) => String::new(),
            Self::Count(count) => count.to_string(),
            Self::Text(text) | Self::Verdict(_, text) => text.clone(),
        }
    }

    /// Whether it is written in a column of figures, to the right.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Share(_) | Self::Count(_))
    }

    /// The verdict's style; empty for other cells.
    pub(super) fn style(&self) -> &'static str {
        if let Self::Verdict(outcome, _) = self { outcome.style() } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_cells_are_dashes_and_sort_last() {
        let column = Column { decimals: Some(3), ..Column::default() };
        for cell in [Cell::Number(f64::NAN), Cell::Number(f64::INFINITY), Cell::Number(1e300), Cell::Text(String::new())] {
            assert_eq!((cell.shown(&column).as_str(), cell.sort_key().as_str()), ("–", ""), "{cell:?}");
        }
        assert_eq!(Cell::Number(-0.5).shown(&column), "−0.500");
        assert_eq!([0.01, 0.43, 1e-4, f64::NAN].map(|p| Cell::Share(p).shown(&column)), ["0.010", "0.43", "< 0.001", "–"]);
        assert_eq!((Cell::Count(20_000).shown(&column), Cell::Count(20_000).sort_key()), ("20,000".into(), "20000".into()));
    }
}

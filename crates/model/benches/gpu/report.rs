//! Tables in Markdown.

use std::fmt::Write;

/// One table and what must be known to read it.
pub(crate) struct Table {
    title: String,
    notes: Vec<String>,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, header: &[&'static str]) -> Self {
        Self { title: title.into(), notes: Vec::new(), header: header.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(crate) fn row<const COUNT: usize>(&mut self, cells: [String; COUNT]) {
        assert_eq!(COUNT, self.header.len(), "cells of {}", self.title);
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        for note in &self.notes {
            let _ = writeln!(text, "{note}\n");
        }
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let header: Vec<String> = self.header.iter().map(|cell| (*cell).to_owned()).collect();
        text += &line(&header);
        text += &line(&vec!["---".to_owned(); header.len()]);
        for row in &self.rows {
            text += &line(row);
        }
        text
    }
}

/// A number with about three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        x if x < 1e-3 => format!("{value:.1e}"),
        x if x < 1.0 => format!("{value:.3}"),
        x if x < 10.0 => format!("{value:.2}"),
        x if x < 100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{:.0}", value.abs());
            let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
            format!("{}{}", if value < 0.0 { "-" } else { "" }, groups.join(","))
        }
    }
}

/// "–" for what is not there.
pub(crate) fn or_dash(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

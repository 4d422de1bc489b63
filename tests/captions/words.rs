//! Rows of answers, and numbers as figures write them.

use serde_json::Value;

pub(super) fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// NaN where it is null.
pub(super) fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or(f64::NAN)
}

pub(super) fn count(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap_or_else(|| panic!("{key} of {row}"))
}

pub(super) fn minus(text: &str) -> String {
    let zero = !text.contains(|character: char| ('1'..='9').contains(&character));
    if zero { text.replace('-', "") } else { text.replace('-', "−") }
}

/// About three figures.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value.is_nan() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if !(0.0095..9999.5).contains(&size) => minus(&format!("{value:.1e}")),
        _ if size < 9.995 => minus(&format!("{value:.2}")),
        _ if size < 99.95 => minus(&format!("{value:.1}")),
        _ => minus(&format!("{value:.0}")),
    }
}

pub(super) fn metres(length_m: f64) -> String {
    format!("{} m", (length_m * 1e3).round() / 1e3)
}

pub(super) fn p_value(p: f64) -> String {
    match p {
        _ if p.is_nan() => "p undefined".to_owned(),
        _ if p < 0.001 => "p < 0.001".to_owned(),
        _ if p < 0.0995 => format!("p = {p:.3}"),
        _ => format!("p = {p:.2}"),
    }
}

pub(super) fn thousands(count: u64) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

pub(super) fn units(count: usize) -> String {
    format!("{count} unit{}", if count == 1 { "" } else { "s" })
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    if values.is_empty() { f64::NAN } else { f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]) }
}

/// "2 m box" of "square-2m": these lakes have no other arenas.
pub(super) fn place(arena: &str) -> String {
    format!("{} m box", arena.trim_start_matches("square-").trim_end_matches('m'))
}

/// The longest of 1, 2 or 5 times a power of ten up to half of a map.
pub(super) fn scale(width_m: f64) -> String {
    let lengths = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
    metres(lengths.into_iter().rfind(|length| *length <= 0.5 * width_m + 1e-9).unwrap())
}

//! What came out, in a few lines: the end of `run`.

use crate::failure::Failure;
use crate::output::{self, counted};
use crate::pipeline::Run;
use gridlake_lake::query::{UnitSummary, unit_summaries};
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::{Lake, layout};
use serde_json::Value;
use std::fmt::Write;

/// Prints the summary of one finished run.
///
/// # Errors
/// A torn `units` table.
pub(crate) fn print(lake: &Lake, run: &Run) -> Result<(), Failure> {
    let mut text = format!("{}\n", run.name);
    let record = RunRecord::load(lake, &run.name)?;
    for summary in unit_summaries(lake, &run.name, run.step())? {
        let found = record.as_ref().and_then(|record| record.stages.get("analyze")?.notes.get("modules_in")?.get(&summary.arena));
        arena(&mut text, &summary, found);
    }
    let spaces = record.as_ref().and_then(|record| record.stages.get("analyze")?.notes.get("state_spaces")?.as_array());
    tori(&mut text, spaces.map_or(&[], Vec::as_slice));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  figures     {}", lake.show(&layout::figures(&run.name)).display());
    if lake.store().size(&layout::report(&run.name))?.is_some() {
        let _ = writeln!(text, "  report      {}", lake.show(&layout::report(&run.name)).display());
    }
    output::print(&text)
}

fn arena(text: &mut String, summary: &UnitSummary, found: Option<&Value>) {
    let share =
        |part: usize, whole: usize| if whole == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) };
    let UnitSummary { arena, units, active, above_null, .. } = summary;
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {arena}");
    let _ = writeln!(text, "    active    {active} of {} ({})", counted(*units, "unit"), share(*active, *units));
    let classes: Vec<String> =
        summary.classes.iter().filter(|(class, _)| class != "dead").map(|(class, count)| format!("{class} {count}")).collect();
    if !classes.is_empty() {
        let _ = writeln!(text, "    classes   {}", classes.join(", "));
    }
    if !summary.median_score.is_nan() {
        let _ = writeln!(
            text,
            "    score     median {:.2} (sargolini, active units); {above_null} of {active} above their own 99 % null ({})",
            summary.median_score,
            share(*above_null, *active)
        );
    }
    let Some(found) = found else { return };
    let rows = found.get("modules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        let _ = writeln!(text, "    modules   none");
    }
    for (number, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "    {:<9} {}", if number == 0 { "modules" } else { "" }, module(row));
    }
}

/// "0: period 0.980 ± 0.003 m (mean ± SD), 72 units, hexagonal".
fn module(row: &Value) -> String {
    let number = |key: &str| row.get(key).and_then(Value::as_f64);
    let count = |key: &str| row.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
    let period = number("period_m").map_or_else(
        || "not in this arena".to_owned(),
        |period| {
            let spread = number("period_sd_m").map_or_else(String::new, |sd| format!(" ± {sd:.3}"));
            format!("period {period:.3}{spread} m")
        },
    );
    let shape = row.get("shape").and_then(Value::as_str).map_or_else(String::new, |shape| format!(", {shape}"));
    format!("{}: {period}, {}{shape}", count("module"), counted(count("units_here"), "unit"))
}

/// What is said of each module's states.
fn tori(text: &mut String, spaces: &[Value]) {
    for (number, space) in spaces.iter().enumerate() {
        let verdict = match space.get("is_torus").and_then(Value::as_bool) {
            Some(true) => "a torus",
            Some(false) => "no torus",
            None => "no verdict",
        };
        let reason = space.get("reason").and_then(Value::as_str).unwrap_or("no states were kept");
        let module = space.get("module").and_then(Value::as_u64).unwrap_or_default();
        let _ = writeln!(text, "  {:<11} module {module}: {verdict}; {reason}", if number == 0 { "states" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_is_divided_by_zero() {
        let nothing = UnitSummary { arena: "a".into(), units: 0, active: 0, above_null: 0, median_score: f64::NAN, classes: Vec::new() };
        let mut text = String::new();
        arena(&mut text, &nothing, None);
        assert!(text.contains("active    0 of 0 units (–)") && !text.contains("NaN"), "{text}");
        text.clear();
        let classes = vec![("dead".to_owned(), 1), ("grid".to_owned(), 2)];
        let some = UnitSummary { units: 4, active: 2, above_null: 1, median_score: 0.9, classes, ..nothing };
        let module = json!({ "module": 0, "units_here": 2, "period_m": 1.0, "period_sd_m": 0.0123, "shape": "square" });
        let gone = json!({ "module": 1, "units_here": 0, "period_m": null, "period_sd_m": null, "shape": null });
        arena(&mut text, &some, Some(&json!({ "modules": [module, gone] })));
        for words in ["(50 %)", "classes   grid 2\n", "0: period 1.000 ± 0.012 m, 2 units, square", "1: not in this arena, 0 units"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        text.clear();
        tori(&mut text, &[json!({ "module": 0, "is_torus": true, "reason": "β = (1, 2, 1)" }), json!({ "module": 1 })]);
        assert_eq!(text, "  states      module 0: a torus; β = (1, 2, 1)\n              module 1: no verdict; no states were kept\n");
        text.clear();
        arena(&mut text, &some, Some(&json!({ "modules": [] })));
        assert!(text.contains("modules   none"), "{text}");
    }
}

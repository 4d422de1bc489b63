//! What came out, in a few lines: the end of `run`.

use crate::failure::Failure;
use crate::output::{self, counted};
use crate::pipeline::Run;
use gridlake_lake::query::{UnitSummary, unit_summaries};
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::{Lake, layout};
use gridlake_space::arena::Arena;
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
    let places = record.as_ref().and_then(|record| record.stages.get("analyze")?.notes.get("generalization"));
    let modules = record.as_ref().and_then(|record| record.stages.get("analyze")?.notes.get("modules_in"));
    let range =
        record.as_ref().and_then(|record| record.stages.get("analyze")?.notes.get("modules")?.get("unambiguous_range")?.get("range_m"));
    positions(&mut text, places.unwrap_or(&Value::Null), modules.unwrap_or(&Value::Null), range.and_then(Value::as_f64));
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

/// What states tell of places in each arena: the half rise, and how well the position is decoded at the end. `range_m`: after which all modules repeat together.
fn positions(text: &mut String, found: &Value, modules_in: &Value, range_m: Option<f64>) {
    let arenas = found.get("arenas").and_then(Value::as_object);
    let training = found.get("training");
    let mut title = "places";
    for (arena, one) in arenas.into_iter().flatten() {
        let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_f64);
        let metres = |value: f64| format!("{value:.3} m");
        let mut parts = Vec::new();
        // Within the training's length where all times together have none: drift blurs places.
        let early = number(one, "half_rise_in_training_m").map(|half_rise| (half_rise, " up to the training's length"));
        if let Some((half_rise, within)) = number(one, "half_rise_m").map(|half_rise| (half_rise, "")).or(early) {
            let sigma =
                training.and_then(|training| number(training, "sigma_x_m")).map_or_else(String::new, |sigma| format!(" (σ_x {sigma} m)"));
            parts.push(format!("half of chance at {}{sigma}{within}", metres(half_rise)));
        } else if let Some(why) = ["half_rise_reason", "reason"].iter().find_map(|key| one.get(key).and_then(Value::as_str)) {
            parts.push(why.to_owned());
        }
        if let (Some(coherence), Some(chance)) = (number(one, "coherence"), number(one, "coherence_chance")) {
            parts.push(format!("coherence {coherence:.2} (chance {chance:.2})"));
        }
        if let Some(last) = one.get("decoding").and_then(|decoding| decoding.get("last")) {
            let [nearest, shuffled] = ["nearest_m", "shuffled_m"].map(|key| number(last, key).unwrap_or(f64::NAN));
            let covered = number(one, "training_lengths").map_or_else(String::new, |times| format!(", {times:.1} × the training's length"));
            let steps = one.get("steps").and_then(Value::as_u64).unwrap_or_default();
            parts.push(format!(
                "nearest state off by {} after {steps} steps{covered} (of another trajectory {})",
                metres(nearest),
                metres(shuffled)
            ));
            parts.extend(repeats(arena, modules_in, range_m));
        } else if let Some(why) = one.get("decoding_reason").and_then(Value::as_str) {
            parts.push(why.to_owned());
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {title:<11} {arena}: {}", parts.join("; "));
        title = "";
    }
}

/// That an arena's only module, or all of them together, repeat within its shorter side.
fn repeats(arena: &str, modules_in: &Value, range_m: Option<f64>) -> Option<String> {
    let modules = modules_in.get(arena)?.get("modules")?.as_array()?;
    let side_m = arena.parse::<Arena>().ok().map(|arena| arena.width_m.min(arena.height_m))?;
    let within = |length_m: &f64| *length_m < side_m;
    match modules.as_slice() {
        [] => None,
        [module] => module.get("period_m")?.as_f64().filter(within).map(|period_m| {
            format!("one module, whose period of {period_m:.3} m repeats within the box, cannot tell places a period apart")
        }),
        // The range is that of lattices alone.
        several if several.iter().any(|module| module.get("shape").and_then(Value::as_str) == Some("band")) => None,
        _ => range_m.filter(within).map(|range_m| {
            format!("all modules together repeat after {range_m:.3} m, within the box, and cannot tell places as far apart")
        }),
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
        let last = json!({ "nearest_m": 0.05, "shuffled_m": 0.8 });
        let seen = json!({ "half_rise_m": 0.046, "coherence": 0.98, "coherence_chance": 0.3, "steps": 200, "training_lengths": 6.67, "decoding": { "last": last } });
        let early = json!({ "half_rise_m": null, "half_rise_reason": "drift", "half_rise_in_training_m": 0.08 });
        let places = json!({ "a": seen, "b": { "reason": "no activity was kept" }, "c": early });
        positions(&mut text, &json!({ "arenas": places, "training": { "sigma_x_m": 0.05 } }), &Value::Null, None);
        let told = "half of chance at 0.046 m (σ_x 0.05 m); coherence 0.98 (chance 0.30); nearest state off by 0.050 m after 200 steps, 6.7 × the training's length (of another trajectory 0.800 m)";
        assert_eq!(
            text,
            format!(
                "  places      a: {told}\n              b: no activity was kept\n              c: half of chance at 0.080 m (σ_x 0.05 m) up to the training's length\n"
            )
        );
        text.clear();
        positions(&mut text, &Value::Null, &Value::Null, None);
        assert_eq!(text, "");
        let last = json!({ "nearest_m": 0.9, "shuffled_m": 1.0 });
        let places = json!({ "arenas": { "square-2m": { "decoding": { "last": last } } } });
        let (one, all) = ("one module, whose period of 0.980 m repeats within the box", "all modules together repeat after 0.944 m");
        for (periods, range_m, told) in [
            (&[0.98][..], Some(0.9), [true, false]),
            (&[2.1], Some(2.1), [false, false]),
            (&[0.7, 1.0], Some(5.0), [false, false]),
            (&[0.5, 0.958], Some(0.944), [false, true]),
            (&[0.5, 0.958], None, [false, false]),
            (&[0.4, 0.958], Some(0.944), [false, false]),
            (&[], None, [false, false]),
        ] {
            let shape = if periods == [0.4, 0.958] { "band" } else { "hexagonal" };
            let modules: Vec<Value> = periods.iter().map(|period_m| json!({ "period_m": period_m, "shape": shape })).collect();
            text.clear();
            positions(&mut text, &places, &json!({ "square-2m": { "modules": modules } }), range_m);
            assert_eq!([text.contains(one), text.contains(all)], told, "{text}");
        }
        text.clear();
        arena(&mut text, &some, Some(&json!({ "modules": [] })));
        assert!(text.contains("modules   none"), "{text}");
    }
}

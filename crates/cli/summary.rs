//! What came out, in a few lines: the end of `run`.

use crate::failure::Failure;
use crate::output;
use crate::pipeline::Run;
use gridlake_lake::query::{UnitSummary, unit_summaries};
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::{Lake, layout};
use std::fmt::Write;

/// Prints the summary of one finished run.
///
/// # Errors
/// A torn `units` table.
pub(crate) fn print(lake: &Lake, run: &Run) -> Result<(), Failure> {
    let mut text = format!("{}\n", run.name);
    let record = RunRecord::load(lake, &run.name)?;
    for summary in unit_summaries(lake, &run.name, run.step())? {
        let shape = record.as_ref().and_then(|record| {
            let consensus = record.stages.get("analyze")?.notes.get("lattice_consensus")?.get(&summary.arena)?;
            Some(consensus.get("shape")?.as_str()?.to_owned())
        });
        arena(&mut text, &summary, shape.as_deref());
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  figures     {}", lake.show(&layout::figures(&run.name)).display());
    output::print(&text)
}

fn arena(text: &mut String, summary: &UnitSummary, shape: Option<&str>) {
    let share =
        |part: usize, whole: usize| if whole == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) };
    let UnitSummary { arena, units, active, above_null, sharing, .. } = summary;
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {arena}");
    let _ = writeln!(text, "    active    {active} of {units} units ({})", share(*active, *units));
    let _ =
        writeln!(text, "    grid      {above_null} of {active} active units above their own 99 % null ({})", share(*above_null, *active));
    if !summary.median_score.is_nan() {
        let _ = writeln!(text, "    score     median {:.2} (sargolini, active units)", summary.median_score);
    }
    if *sharing > 0 {
        let spread = if summary.period_sd_m.is_nan() { String::new() } else { format!(" ± {:.3}", summary.period_sd_m) };
        let shape = shape.map_or_else(String::new, |shape| format!(", {shape}"));
        let _ = writeln!(
            text,
            "    period    {:.3}{spread} m (mean ± SD of the {sharing} units that share a lattice: {} of the active{shape})",
            summary.period_m,
            share(*sharing, *active)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_divided_by_zero() {
        let nothing = UnitSummary {
            arena: "a".into(),
            units: 0,
            active: 0,
            above_null: 0,
            median_score: f64::NAN,
            sharing: 0,
            period_m: f64::NAN,
            period_sd_m: f64::NAN,
        };
        let mut text = String::new();
        arena(&mut text, &nothing, None);
        assert!(text.contains("active    0 of 0 units (–)") && !text.contains("NaN"), "{text}");
        text.clear();
        let some = UnitSummary {
            units: 4,
            active: 2,
            above_null: 1,
            sharing: 2,
            median_score: 0.9,
            period_m: 1.0,
            period_sd_m: 0.0123,
            ..nothing
        };
        arena(&mut text, &some, Some("square"));
        assert!(text.contains("(50 %)") && text.contains("1.000 ± 0.012 m") && text.contains("100 % of the active, square"), "{text}");
    }
}

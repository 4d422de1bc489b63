//! How many units of each class there are, and whether the network is dead.

use super::{Cell, Column, Report, Table};

/// The classes in the order in which analysis decides; others follow by name.
const ORDER: [&str; 6] = ["grid", "band", "border", "place-like", "untuned", "dead"];

/// One row per arena, one column per class that occurs.
pub(super) fn table(report: &Report) -> Table {
    let mut classes: Vec<&str> = report.units.iter().flat_map(|unit| &unit.arenas).map(|here| here.class.as_str()).collect();
    let rank = |class: &str| ORDER.iter().position(|known| *known == class).unwrap_or(ORDER.len());
    classes.sort_by(|one, other| rank(one).cmp(&rank(other)).then(one.cmp(other)));
    classes.dedup();
    let name = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let columns = [name("arena")].into_iter().chain(classes.iter().map(|class| name(class))).collect();
    let row = |(index, arena): (usize, &super::ReportArena)| {
        let count = |class: &&str| report.units.iter().filter(|unit| unit.arenas[index].class == **class).count();
        [Cell::Text(arena.label.clone())].into_iter().chain(classes.iter().map(|class| Cell::Count(count(class) as u64))).collect()
    };
    Table { title: "Units by class".to_owned(), caption: String::new(), columns, rows: report.arenas.iter().enumerate().map(row).collect() }
}

/// What is to be said about a network without live units, or a run without units or modules.
pub(super) fn notes(report: &Report) -> Vec<String> {
    if report.units.is_empty() || report.arenas.is_empty() {
        return vec!["The run has no analyzed unit: there is nothing to show but its configuration and provenance.".to_owned()];
    }
    let dead = |index: usize| report.units.iter().all(|unit| unit.arenas[index].class == "dead");
    let dead_in: Vec<&str> =
        report.arenas.iter().enumerate().filter(|(index, _)| dead(*index)).map(|(_, arena)| arena.label.as_str()).collect();
    let units = crate::number::units(report.units.len());
    let mut notes = Vec::new();
    if dead_in.len() == report.arenas.len() {
        notes.push(format!("The network is dead: none of its {units} is active in any arena. Maps are flat, and scores undefined."));
    } else if !dead_in.is_empty() {
        notes.push(format!("The network is dead in {}: none of its {units} is active there.", dead_in.join(", ")));
    }
    if report.modules.rows.is_empty() {
        let reason = &report.no_modules_reason;
        notes.push(if reason.is_empty() { "No module was found.".to_owned() } else { format!("No module was found: {reason}") });
    }
    notes
}

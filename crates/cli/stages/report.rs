//! A run's report: one HTML file from what is in its tables, with every figure.

use super::draw::{UnitRow, Units, place, when};
use super::report_units::{MEASURES, SCORES, units};
use super::{geometry, state_figures};
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::report::{
    Cell, Cloud, CloudColor, ColorScale, Column, Definition, Fact, Image, Measure, Outcome, Report, ReportArena, ReportFigure, ScoreKind,
    Table, Verdict, write_report,
};
use gridlake_figures::share;
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::{self, MODULES, TORUS, UNITS};
use gridlake_space::arena::Arena;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const MODULE_COLUMNS: [&str; 14] = [
    "arena",
    "module",
    "units",
    "units_here",
    "lattice_shape",
    "period_m",
    "period_sd_m",
    "orientation_rad",
    "lattice_angle_rad",
    "ratio_to_next",
    "stability",
    "chance",
    "phase_uniformity_p",
    "phase_evenness_p",
];
const TORUS_COLUMNS: [&str; 15] = [
    "module",
    "arena",
    "units",
    "points",
    "betti0",
    "betti1",
    "betti2",
    "h1_first",
    "h1_second",
    "h1_third",
    "h2_first",
    "p_h1_first",
    "p_h1_second",
    "p_h2",
    "reason",
];

/// Writes the report of a run whose figures are in `figures`, and whose modules' embeddings are `states`.
///
/// # Errors
/// A torn table, a full disk, a report beyond its size.
pub(crate) fn write(
    workspace: &Workspace<'_>,
    of_units: &Units,
    states: &[Frame],
    figures: &[PathBuf],
    path: &Path,
) -> Result<(), Failure> {
    let settings = &workspace.run.settings;
    let (rows, labels) = (&of_units.rows, &of_units.arenas);
    let known = geometry::read(workspace)?;
    let modules = state_figures::read(workspace, &MODULES)?;
    let torus = state_figures::read(workspace, &TORUS)?;
    let mut verdicts: Vec<Verdict> = labels.iter().map(|arena| units_verdict(rows, arena)).collect();
    verdicts.push(modules_verdict(&modules));
    verdicts
        .extend(torus.iter().flat_map(|frame| (0..frame.rows()).map(move |row| torus_verdict(frame, row, settings.analyze.torus.alpha))));
    let report = Report {
        title: workspace.run.name.clone(),
        subtitle: format!("seed {}{}", settings.seed, when(workspace.run)),
        notes: [settings.analyze.too_few_surrogates(), settings.analyze.torus.too_few_surrogates()].into_iter().flatten().collect(),
        verdicts,
        arenas: labels.iter().map(|label| arena(of_units, label, known.get(label.as_str()))).collect(),
        scores: SCORES.iter().map(|(name, _, _, _, in_table)| ScoreKind { column: column(&UNITS, name), in_table: *in_table }).collect(),
        measures: MEASURES.iter().map(|(name, in_table)| Measure { column: column(&UNITS, name), in_table: *in_table }).collect(),
        units: units(workspace, of_units)?,
        modules: table("Modules", MODULES.row, &MODULES, &MODULE_COLUMNS, &modules),
        no_modules_reason: "no group of units shares a lattice (table units, column module_reason)".to_owned(),
        tables: [table("Tori", TORUS.row, &TORUS, &TORUS_COLUMNS, &torus)].into_iter().filter(|table| !table.rows.is_empty()).collect(),
        clouds: clouds(states),
        figures: figures
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "svg"))
            .map(|path| figure(path))
            .collect::<Result<_, _>>()?,
        definitions: definitions(),
        provenance: provenance(workspace),
        configuration: configuration(&workspace.record.config),
    };
    let written = write_report(&report, path).map_err(|error| Failure::work(format!("report of {}: {error}", workspace.run.name)))?;
    for left_out in written.left_out {
        tracing::warn!("report of {}: {left_out}", workspace.run.name);
    }
    Ok(())
}

/// A column as the page has it: its name without the unit, which stands beside it; its meaning is the lake's. Angles are in degrees.
fn column(of: &schema::Table, name: &str) -> Column {
    let found = of.columns.iter().find(|column| column.name == name);
    let unit = found.map_or("", |column| if column.unit == "1" { "" } else { column.unit });
    let endings = [format!("_{unit}"), format!("_{unit}s")];
    let short = endings.iter().find_map(|ending| name.strip_suffix(ending.as_str())).filter(|_| !unit.is_empty()).unwrap_or(name);
    let (name_of, meaning) = (short.replace('_', " "), meaning(of, name));
    if is_angle(name) {
        let meaning = format!("{meaning} (column {name}, in radians there)");
        return Column { name: name_of, unit: "°".to_owned(), meaning, decimals: Some(1) };
    }
    Column { name: name_of, unit: unit.to_owned(), meaning: format!("{meaning} (column {name})"), decimals: Some(3) }
}

/// What a column means, as the lake has it.
fn meaning(of: &schema::Table, name: &str) -> &'static str {
    of.columns.iter().find(|column| column.name == name).map_or("", |column| column.description)
}

fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact { name: name.to_owned(), value: value.into() }
}

/// A number as cards have it.
fn short(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{value:.3}") }
}

fn units_verdict(rows: &[UnitRow], arena: &str) -> Verdict {
    let here: Vec<&UnitRow> = rows.iter().filter(|row| row.arena == arena).collect();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &here {
        *classes.entry(row.class.as_str()).or_default() += 1;
    }
    let grids = classes.get("grid").copied().unwrap_or(0);
    Verdict {
        name: format!("Grid cells in the {}", place(arena)),
        outcome: if grids > 0 { Outcome::Found } else { Outcome::Absent },
        verdict: format!("{grids} of {} units", here.len()),
        numbers: classes.iter().map(|(class, count)| fact(class, count.to_string())).collect(),
        definition: meaning(&UNITS, "class").to_owned(),
    }
}

fn modules_verdict(modules: &[Frame]) -> Verdict {
    let mut found: BTreeMap<i32, (u32, f64)> = BTreeMap::new();
    for frame in modules {
        for row in 0..frame.rows() {
            let label = frame.int32("module")[row].unwrap_or_default();
            found.entry(label).or_insert((frame.uint32("units")[row], frame.float64("period_m")[row]));
        }
    }
    Verdict {
        name: "Modules".to_owned(),
        outcome: if found.is_empty() { Outcome::Absent } else { Outcome::Found },
        verdict: match found.len() {
            0 => "no module".to_owned(),
            1 => "1 module".to_owned(),
            more => format!("{more} modules"),
        },
        numbers: found
            .iter()
            .map(|(label, (units, period_m))| fact(&format!("module {label}"), format!("{units} units, {} m", short(*period_m))))
            .collect(),
        definition:
            "Units whose lattices, found in each arena, are neighbours and one Gaussian component; see docs/validation.md for its limits."
                .to_owned(),
    }
}

fn torus_verdict(frame: &Frame, row: usize, alpha: f64) -> Verdict {
    let number = |name: &str| short(frame.float64(name)[row]);
    let p = |name: &str| share(frame.float64(name)[row]);
    let reason = frame.text("reason")[row].as_deref().unwrap_or_default().to_owned();
    let (outcome, verdict) = match frame.boolean("is_torus")[row] {
        Some(true) => (Outcome::Found, "a torus".to_owned()),
        Some(false) => (Outcome::Absent, "no torus".to_owned()),
        None => (Outcome::Undecided, reason.clone()),
    };
    let betti = ["betti0", "betti1", "betti2"].map(|name| frame.int32(name)[row].map_or_else(|| "–".to_owned(), |count| count.to_string()));
    Verdict {
        name: format!("Torus of module {}", frame.int32("module")[row].unwrap_or_default()),
        outcome,
        verdict,
        numbers: vec![
            fact("β", betti.join(", ")),
            fact("loops", format!("{}, {}, {}", number("h1_first"), number("h1_second"), number("h1_third"))),
            fact("their p", format!("{}, {}, {}", p("p_h1_first"), p("p_h1_second"), p("p_h1_third"))),
            fact("void, p", format!("{}, {}", number("h2_first"), p("p_h2"))),
        ],
        definition: format!(
            "One piece, two loops and one void by persistent cohomology, each longer than in surrogates whose units' maps are displaced each by itself (level {alpha}); the third loop and the second void at most half as long. Here: {reason}."
        ),
    }
}

fn arena(units: &Units, label: &str, known: Option<&Arena>) -> ReportArena {
    if let Some(arena) = known {
        return ReportArena { label: label.to_owned(), width_m: arena.width_m, height_m: arena.height_m };
    }
    // An older recording: a square, of which each row tells the side.
    let row_of = |frame: &Frame| (0..frame.rows()).find(|row| frame.text("arena")[*row].as_deref() == Some(label));
    let side = units.frames.iter().find_map(|frame| row_of(frame).map(|row| frame.float64("box_m")[row])).unwrap_or(f64::NAN);
    ReportArena { label: label.to_owned(), width_m: side, height_m: side }
}

/// Whether a column has p-values, or an expected number that is read as one.
fn is_share(name: &str) -> bool {
    name.starts_with("p_") || name.ends_with("_p") || name == "chance"
}

/// Whether a column has angles: in radians in tables, in degrees on the page.
fn is_angle(name: &str) -> bool {
    name.ends_with("_rad")
}

/// A number of this column as the page has it.
pub(crate) fn on_page(name: &str, value: f64) -> f64 {
    if is_angle(name) { value.to_degrees() } else { value }
}

/// Some columns of a table.
fn table(title: &str, caption: &str, of: &schema::Table, names: &[&str], frames: &[Frame]) -> Table {
    let cell = |frame: &Frame, row: usize, name: &str| match frame.data(name) {
        Data::Text(values) => Cell::Text(values[row].as_deref().unwrap_or("–").to_owned()),
        Data::Boolean(values) => Cell::Text(values[row].map_or("–", |truth| if truth { "yes" } else { "no" }).to_owned()),
        Data::Int32(values) => values[row].map_or_else(|| Cell::Text("–".to_owned()), |value| Cell::Number(f64::from(value))),
        Data::UInt32(values) => Cell::Count(u64::from(values[row])),
        Data::UInt64(values) => Cell::Count(values[row]),
        Data::Float64(values) if is_share(name) => Cell::Share(values[row]),
        Data::Float64(values) => Cell::Number(on_page(name, values[row])),
        Data::Floats { .. } | Data::Doubles { .. } => Cell::Text("–".to_owned()),
    };
    let rows = frames.iter().flat_map(|frame| (0..frame.rows()).map(move |row| names.iter().map(|name| cell(frame, row, name)).collect()));
    let columns = names.iter().map(|name| {
        let mut column = column(of, name);
        let whole = of.columns.iter().any(|column| column.name == *name && matches!(column.kind, schema::Kind::Int32));
        column.decimals = if whole { Some(0) } else { column.decimals };
        column
    });
    Table { title: title.to_owned(), caption: format!("One row per {caption}."), columns: columns.collect(), rows: rows.collect() }
}

/// Each module's embedding.
fn clouds(states: &[Frame]) -> Vec<Cloud> {
    let mut found: BTreeMap<i32, Vec<[f32; 6]>> = BTreeMap::new();
    for frame in states {
        let number = |name: &str, row: usize| frame.float64(name)[row] as f32;
        for row in 0..frame.rows() {
            let [e1, e2, e3, x, y] = ["e1", "e2", "e3", "x_m", "y_m"].map(|name| number(name, row));
            let phase = number("ring1_im", row).atan2(number("ring1_re", row));
            if [e1, e2, e3].iter().all(|axis| axis.is_finite()) {
                found.entry(frame.int32("module")[row].unwrap_or_default()).or_default().push([e1, e2, e3, x, y, phase]);
            }
        }
    }
    let cloud = |(module, states): (i32, Vec<[f32; 6]>)| {
        let color = |label: &str, scale, place: usize| CloudColor {
            label: label.to_owned(),
            scale,
            values: states.iter().map(|state| state[place]).collect(),
        };
        Cloud {
            label: format!("Module {module}"),
            axes: ["e1", "e2", "e3"].map(str::to_owned),
            colors: vec![
                // First the phase: where a box holds several periods, x and y are many places of the module's torus.
                color("φ¹ (rad)", ColorScale::Turn, 5),
                color("x (m)", ColorScale::Linear, 3),
                color("y (m)", ColorScale::Linear, 4),
            ],
            points: states.iter().map(|state| [state[0], state[1], state[2]]).collect(),
        }
    };
    found.into_iter().map(cloud).collect()
}

fn figure(path: &Path) -> Result<ReportFigure, Failure> {
    Ok(figure_of(fs::read_to_string(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))?))
}

/// A figure with the title that it has itself.
pub(crate) fn figure_of(svg: String) -> ReportFigure {
    let title = svg.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title);
    let title = title.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&");
    ReportFigure { title, caption: String::new(), image: Image::Svg(svg) }
}

fn definitions() -> Vec<Definition> {
    [
        ("p-value", "(1 + surrogates with at least the unit's score) / (1 + surrogates); Phipson and Smyth 2010."),
        (
            "q-value",
            "The least false-discovery rate over the active units of an arena at which the unit counts; Benjamini and Hochberg 1995.",
        ),
        ("Surrogate", "A map made from the unit's own (analyze.nulls.kind), scored by the same code on the same visited bins."),
        (
            "Period",
            "√(2A/√3), A the area of the lattice's cell: the spacing of the hexagonal lattice with as many fields; a band's wavelength.",
        ),
        ("Module -1", "The unit takes part in the search for modules, and is in none."),
    ]
    .map(|(term, meaning)| Definition { term: term.to_owned(), meaning: meaning.to_owned() })
    .into()
}

fn provenance(workspace: &Workspace<'_>) -> Vec<Fact> {
    let record = &workspace.record;
    let mut facts = vec![fact("run", &workspace.run.name), fact("fingerprint", &record.fingerprint), fact("seed", record.seed.to_string())];
    facts.extend(record.versions.iter().map(|(what, version)| fact(what, version)));
    // No times: the same settings make the same page. They are in run.json.
    facts.push(fact("device", if record.device.is_empty() { "–" } else { &record.device }));
    facts
}

/// The configuration as a pipeline file has it; what is null is left out.
fn configuration(config: &serde_json::Value) -> String {
    fn without_nulls(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(entries) => {
                entries.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), without_nulls(value))).collect()
            }
            serde_json::Value::Array(values) => values.iter().map(without_nulls).collect(),
            other => other.clone(),
        }
    }
    toml::to_string(&without_nulls(config)).unwrap_or_else(|_| config.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_without_their_unit_and_lead_back_to_the_table() {
        let named = |name: &str| column(&UNITS, name);
        let shown = |name: &str| (named(name).name, named(name).unit);
        assert_eq!(shown("period_m"), ("period".into(), "m".into()));
        assert_eq!(shown("period_se_m"), ("period se".into(), "m".into()));
        assert_eq!(shown("spatial_information_bits"), ("spatial information".into(), "bit".into()));
        assert_eq!(shown("grid_score_sargolini"), ("grid score sargolini".into(), String::new()));
        assert!(named("period_m").meaning.ends_with("(column period_m)"));
        assert_eq!(shown("orientation_rad"), ("orientation".into(), "°".into()));
        assert!(named("orientation_rad").meaning.ends_with("(column orientation_rad, in radians there)"));
        assert_eq!((on_page("orientation_rad", std::f64::consts::PI), on_page("period_m", 0.5)), (180.0, 0.5));
    }
}

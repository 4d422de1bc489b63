//! A run's report: one HTML file from what is in its tables, with every figure.

use super::draw::{UnitRow, maps, place, when};
use super::geometry;
use super::state_figures;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::report::{
    Cell, Cloud, CloudColor, ColorScale, Column, Definition, Fact, Image, Map, Measure, NullSummary, Outcome, Report, ReportArena,
    ReportFigure, ReportUnit, Score, ScoreKind, Table, UnitInArena, UnitMaps, Verdict, write_report,
};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::{self, AUTOCORRELOGRAMS, EMBEDDING, MODULES, NULLS, RATEMAPS, TORUS, UNITS};
use gridlake_space::arena::Arena;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Scores as `units` and `nulls` name them: value, p-value, q-value (empty: none), name in `nulls`, whether it is a column of the page's table.
const SCORES: [(&str, &str, &str, &str, bool); 5] = [
    ("grid_score_sargolini", "grid_score_p", "grid_score_q", "sargolini", true),
    ("grid_score_banino", "grid_score_banino_p", "", "banino", false),
    ("square_score", "square_score_p", "", "square", false),
    ("periodicity", "periodicity_p", "periodicity_q", "periodicity", true),
    ("border_score", "border_score_p", "", "border", true),
];
/// Other numbers of a unit, and whether they are columns of the page's table.
const MEASURES: [(&str, bool); 14] = [
    ("period_m", true),
    ("period_se_m", false),
    ("spacing_m", false),
    ("orientation_rad", true),
    ("ellipse_ratio", false),
    ("lattice_angle_rad", false),
    ("sac_spacing_m", false),
    ("sac_orientation_rad", false),
    ("spatial_information_bits", true),
    ("sparsity", false),
    ("coherence", false),
    ("stability", true),
    ("peak_rate", false),
    ("mean_rate", false),
];
const MODULE_COLUMNS: [&str; 13] = [
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

/// Writes the report of a run whose figures are in `figures`.
///
/// # Errors
/// A torn table, a full disk, a report beyond its size.
pub(crate) fn write(workspace: &Workspace<'_>, rows: &[UnitRow], figures: &[PathBuf], path: &Path) -> Result<(), Failure> {
    let settings = &workspace.run.settings;
    let labels: Vec<String> = rows.iter().fold(Vec::new(), |mut labels, row| {
        if !labels.contains(&row.arena) {
            labels.push(row.arena.clone());
        }
        labels
    });
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
        arenas: labels.iter().map(|label| arena(workspace, label, known.get(label.as_str()))).collect::<Result<_, _>>()?,
        scores: SCORES.iter().map(|(name, _, _, _, in_table)| ScoreKind { column: column(&UNITS, name), in_table: *in_table }).collect(),
        measures: MEASURES.iter().map(|(name, in_table)| Measure { column: column(&UNITS, name), in_table: *in_table }).collect(),
        units: units(workspace, rows, &labels)?,
        modules: table("Modules", MODULES.row, &MODULES, &MODULE_COLUMNS, &modules),
        no_modules_reason: "no group of units shares a lattice (table units, column module_reason)".to_owned(),
        tables: [table("Tori", TORUS.row, &TORUS, &TORUS_COLUMNS, &torus)].into_iter().filter(|table| !table.rows.is_empty()).collect(),
        clouds: clouds(workspace)?,
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

/// A column as the page has it: its meaning is the lake's.
fn column(of: &schema::Table, name: &str) -> Column {
    let found = of.columns.iter().find(|column| column.name == name);
    let unit = found.map_or("", |column| if column.unit == "1" { "" } else { column.unit });
    Column {
        name: name.to_owned(),
        unit: unit.to_owned(),
        meaning: found.map_or_else(String::new, |column| column.description.to_owned()),
        decimals: Some(3),
    }
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
        definition: column(&UNITS, "class").meaning,
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
            fact("their p", format!("{}, {}, {}", number("p_h1_first"), number("p_h1_second"), number("p_h1_third"))),
            fact("void, p", format!("{}, {}", number("h2_first"), number("p_h2"))),
        ],
        definition: format!(
            "One piece, two loops and one void by persistent cohomology, each longer than in surrogates whose units' maps are displaced each by itself (level {alpha}); the third loop and the second void at most half as long. Here: {reason}."
        ),
    }
}

fn arena(workspace: &Workspace<'_>, label: &str, known: Option<&Arena>) -> Result<ReportArena, Failure> {
    if let Some(arena) = known {
        return Ok(ReportArena { label: label.to_owned(), width_m: arena.width_m, height_m: arena.height_m });
    }
    // An older recording: a square, of which each row tells the side.
    let frames = state_figures::read(workspace, &UNITS)?;
    let row_of = |frame: &Frame| (0..frame.rows()).find(|row| frame.text("arena")[*row].as_deref() == Some(label));
    let side = frames.iter().find_map(|frame| row_of(frame).map(|row| frame.float64("box_m")[row])).unwrap_or(f64::NAN);
    Ok(ReportArena { label: label.to_owned(), width_m: side, height_m: side })
}

/// Each unit's numbers in each arena, in the arenas' order.
fn units(workspace: &Workspace<'_>, rows: &[UnitRow], labels: &[String]) -> Result<Vec<ReportUnit>, Failure> {
    let mut found: BTreeMap<u32, ReportUnit> = BTreeMap::new();
    let mut nulls: HashMap<(String, u32, String), NullSummary> = HashMap::new();
    for frame in state_figures::read(workspace, &NULLS)? {
        let (length, values) = frame.floats("null");
        for row in 0..frame.rows() {
            let text = |name: &str| frame.text(name)[row].as_deref().unwrap_or_default().to_owned();
            let samples: Vec<f64> = values[row * length..(row + 1) * length].iter().map(|score| f64::from(*score)).collect();
            nulls.insert((text("arena"), frame.uint32("unit")[row], text("score")), NullSummary::new(&samples));
        }
    }
    let frames = state_figures::read(workspace, &UNITS)?;
    for label in labels {
        let here: Vec<&UnitRow> = rows.iter().filter(|row| row.arena == *label).collect();
        let (ratemaps, bin_m) = maps(workspace, label, &RATEMAPS, &here)?;
        let (autocorrelograms, _) = maps(workspace, label, &AUTOCORRELOGRAMS, &here)?;
        let ratemaps: HashMap<u32, Map> = ratemaps.iter().map(|(unit, map)| (*unit, Map::new(map.view(), bin_m))).collect();
        let autocorrelograms: HashMap<u32, Map> =
            autocorrelograms.iter().map(|(unit, map)| (*unit, Map::with_range(map.view(), bin_m, (-1.0, 1.0)))).collect();
        for frame in &frames {
            for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(label)) {
                let unit = frame.uint32("unit")[row];
                let number = |name: &str| if name.is_empty() { f64::NAN } else { frame.float64(name)[row] };
                let text = |name: &str| frame.text(name)[row].as_deref().unwrap_or_default().to_owned();
                let score = |(value, p, q, name, _): (&str, &str, &str, &str, bool)| Score {
                    value: number(value),
                    p: number(p),
                    q: number(q),
                    reason: if number(value).is_nan() || number(p).is_nan() { text("score_reason") } else { String::new() },
                    null: nulls.remove(&(label.clone(), unit, name.to_owned())),
                };
                let wave = |x: &str, y: &str| Some([number(x), number(y)]).filter(|wave| wave.iter().all(|part| part.is_finite()));
                let in_arena = UnitInArena {
                    class: text("class"),
                    class_reason: text("class_reason"),
                    scores: SCORES.map(score).into(),
                    measures: MEASURES.iter().map(|(name, _)| number(name)).collect(),
                    maps: UnitMaps {
                        ratemap: ratemaps.get(&unit).cloned(),
                        autocorrelogram: autocorrelograms.get(&unit).cloned(),
                        spectrum: None,
                        waves: [("kx1", "ky1"), ("kx2", "ky2"), ("kx3", "ky3")].into_iter().filter_map(|(x, y)| wave(x, y)).collect(),
                    },
                };
                let entry = found.entry(unit).or_insert_with(|| ReportUnit {
                    unit: unit as usize,
                    module: frame.int32("module")[row].and_then(|module| usize::try_from(module).ok()),
                    module_reason: text("module_reason"),
                    arenas: Vec::new(),
                });
                entry.arenas.push(in_arena);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Some columns of a table.
fn table(title: &str, caption: &str, of: &schema::Table, names: &[&str], frames: &[Frame]) -> Table {
    let cell = |frame: &Frame, row: usize, name: &str| match frame.data(name) {
        Data::Text(values) => Cell::Text(values[row].as_deref().unwrap_or("–").to_owned()),
        Data::Boolean(values) => Cell::Text(values[row].map_or("–", |truth| if truth { "yes" } else { "no" }).to_owned()),
        Data::Int32(values) => values[row].map_or_else(|| Cell::Text("–".to_owned()), |value| Cell::Number(f64::from(value))),
        Data::UInt32(values) => Cell::Count(u64::from(values[row])),
        Data::UInt64(values) => Cell::Count(values[row]),
        Data::Float64(values) => Cell::Number(values[row]),
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
fn clouds(workspace: &Workspace<'_>) -> Result<Vec<Cloud>, Failure> {
    let mut found: BTreeMap<i32, Vec<[f32; 6]>> = BTreeMap::new();
    for frame in state_figures::read(workspace, &EMBEDDING)? {
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
                color("x (m)", ColorScale::Linear, 3),
                color("y (m)", ColorScale::Linear, 4),
                color("φ¹ (rad)", ColorScale::Turn, 5),
            ],
            points: states.iter().map(|state| [state[0], state[1], state[2]]).collect(),
        }
    };
    Ok(found.into_iter().map(cloud).collect())
}

/// A figure with the title that it has itself.
fn figure(path: &Path) -> Result<ReportFigure, Failure> {
    let svg = fs::read_to_string(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
    let title = svg.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map_or("", |(title, _)| title);
    let title = title.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&");
    Ok(ReportFigure { title, caption: String::new(), image: Image::Svg(svg) })
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

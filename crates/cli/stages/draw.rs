//! Figures of what is in the lake.

use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::Run;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_figures::{
    Normalization, PhaseMark, ScoreHistogram, ScoredUnit, TrainingCurves, UnitPanel, UnitSheet, draw_autocorrelograms, draw_ratemaps,
    draw_score_histogram, draw_training_curves,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::manifest::{Commit, Manifest};
use gridlake_lake::schema::{AUTOCORRELOGRAMS, NULLS, RATEMAPS, Table, UNITS};
use gridlake_lake::{layout, metrics, partition};
use ndarray::Array2;
use serde_json::{Value, json};
use std::path::PathBuf;

const SCORE_NAME: &str = "grid score (sargolini)";
const NULL_LEVEL: f64 = 0.99;

/// Draws every figure of a run, and records them in its manifest.
///
/// # Errors
/// A torn table, a full disk, an interrupt.
pub(crate) fn draw(workspace: &mut Workspace<'_>) -> Result<Value, Failure> {
    let run = workspace.run;
    let scratch = workspace.lake.store().scratch(&run.name)?;
    let folder = scratch.path().to_owned();
    let units = Units::read(workspace)?;
    let mut progress = Progress::start(workspace.mode, &workspace.label(Stage::Draw), "figures", 0, 1 + 3 * units.arenas.len() as u64);
    let mut paths = training(workspace, &folder)?;
    for (number, arena) in units.arenas.iter().enumerate() {
        let done = 1 + 3 * number as u64;
        progress.update(done, || arena.clone());
        interrupt::check(Stage::Draw.name())?;
        paths.extend(units.sheet(workspace, arena, &RATEMAPS, &folder)?);
        progress.update(done + 1, || arena.clone());
        paths.extend(units.sheet(workspace, arena, &AUTOCORRELOGRAMS, &folder)?);
        progress.update(done + 2, || arena.clone());
        paths.extend(units.histogram(workspace, arena, &folder)?);
    }
    let (stage, step) = (Stage::Draw.name(), Some(workspace.last_step()));
    let mut commit = Commit::new(workspace.lake, &run.name);
    for path in &paths {
        let key = format!("{}/{}", layout::figures(&run.name), path.file_name().unwrap_or_default().to_string_lossy());
        commit.add_file(path, &key, stage, step, workspace.fingerprint(Stage::Draw))?;
    }
    for key in Manifest::load(workspace.lake, &run.name)?.of(stage, step) {
        commit.remove(key);
    }
    workspace.lock.check(&run.name)?;
    commit.finish()?;
    Ok(json!({ "figures": paths.len() }))
}

/// "quickstart, seed 0", or "rat" where it was imported.
fn who(run: &Run) -> String {
    run.imported.as_ref().map_or_else(|| format!("{}, seed {}", run.settings.name, run.settings.seed), |imported| imported.name.clone())
}

/// ", after 20,000 steps", or nothing where nothing was trained to be imported.
fn when(run: &Run) -> String {
    if run.imported.is_some() { String::new() } else { format!(", after {} steps", grouped(run.step())) }
}

/// "2 m box" of the arena "square-2m".
fn place(arena: &str) -> String {
    let side = arena.strip_prefix("square-").and_then(|side| side.strip_suffix('m'));
    side.map_or_else(|| arena.to_owned(), |side| format!("{side} m box"))
}

/// 20000 as "20,000".
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

fn training(workspace: &Workspace<'_>, folder: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
    let settings = &workspace.run.settings;
    let frames = metrics::read(workspace.lake, &workspace.run.name, &[])?;
    let steps: Vec<u64> = frames.iter().flat_map(|frame| frame.uint64("step")).copied().collect();
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let column = |name: &str| frames.iter().flat_map(|frame| frame.float64(name)).copied().collect::<Vec<f64>>();
    let train = &settings.train;
    let starts: Vec<u64> =
        std::iter::once(0).chain(train.curriculum.iter().map(|phase| phase.until)).filter(|start| *start < train.steps).collect();
    let labels: Vec<(u64, String)> = starts
        .into_iter()
        .map(|start| {
            let phase = train.settings(train.phase_of(start));
            (
                start,
                format!(
                    "T = {}, B = {}, σ_x = {} m, learning rate {}",
                    phase.data.length, phase.data.batch, phase.loss.sigma_x_m, phase.optimizer.learning_rate
                ),
            )
        })
        .collect();
    let phases: Vec<PhaseMark<'_>> = labels.iter().map(|(step, label)| PhaseMark { step: *step, label }).collect();
    let input = TrainingCurves {
        title: &format!("Training of {}", who(workspace.run)),
        steps: &steps,
        loss_total: &column("loss_total"),
        loss_separation: &column("loss_separation"),
        loss_invariance: &column("loss_invariance"),
        loss_capacity: &column("loss_capacity"),
        loss_conformal: &column("loss_conformal"),
        grad_norm: &column("grad_norm"),
        learning_rate: &column("learning_rate"),
        phases: &phases,
    };
    Ok(draw_training_curves(&input, &folder.join("training"))?)
}

/// The `units` table, as figures need it.
struct Units {
    arenas: Vec<String>,
    rows: Vec<UnitRow>,
}

struct UnitRow {
    arena: String,
    unit: u32,
    score: f64,
    above_null: bool,
    active: bool,
    class: String,
}

/// Maps of one arena with their units.
type Maps = Vec<(u32, Array2<f64>)>;

impl Units {
    fn read(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        let columns = ["arena", "unit", "class", "grid_score_sargolini", "active", "above_null"];
        let mut found = Self { arenas: Vec::new(), rows: Vec::new() };
        for frame in partition::read(workspace.lake, &UNITS, &workspace.run.name, workspace.last_step(), &columns)? {
            let frame = frame?;
            for row in 0..frame.rows() {
                let arena = text(&frame, "arena", row);
                if !found.arenas.contains(&arena) {
                    found.arenas.push(arena.clone());
                }
                found.rows.push(UnitRow {
                    arena,
                    unit: frame.uint32("unit")[row],
                    score: frame.float64("grid_score_sargolini")[row],
                    above_null: frame.boolean("above_null")[row],
                    active: frame.boolean("active")[row],
                    class: text(&frame, "class", row),
                });
            }
        }
        Ok(found)
    }

    fn of<'u>(&'u self, arena: &'u str) -> impl Iterator<Item = &'u UnitRow> {
        self.rows.iter().filter(move |row| row.arena == arena)
    }

    /// The sheet of all ratemaps or all autocorrelograms of an arena; of a large network, of the units with the highest scores.
    fn sheet(
        &self,
        workspace: &Workspace<'_>,
        arena: &str,
        table: &'static Table,
        folder: &std::path::Path,
    ) -> Result<Vec<PathBuf>, Failure> {
        let settings = &workspace.run.settings;
        let mut shown: Vec<&UnitRow> = self.of(arena).collect();
        let rank = |row: &UnitRow| (row.active, if row.score.is_nan() { f64::NEG_INFINITY } else { row.score });
        shown.sort_by(|a, b| rank(b).0.cmp(&rank(a).0).then(rank(b).1.total_cmp(&rank(a).1)).then(a.unit.cmp(&b.unit)));
        shown.truncate(settings.draw.max_units);
        let (maps, bin_m) = maps(workspace, arena, table, &shown)?;
        let panels: Vec<UnitPanel<'_>> = maps
            .iter()
            .filter_map(|(unit, map)| {
                let row = shown.iter().find(|row| row.unit == *unit)?;
                let score = (!row.score.is_nan()).then_some(row.score);
                Some(UnitPanel {
                    unit: *unit as usize,
                    map: map.view(),
                    score,
                    significant: row.above_null,
                    dead: !row.active,
                    class: &row.class,
                })
            })
            .collect();
        let kind = if table.name == RATEMAPS.name { "Ratemaps" } else { "Autocorrelograms" };
        let title = format!("{kind} in the {} of {}{}", place(arena), who(workspace.run), when(workspace.run));
        let sheet = UnitSheet { title: &title, panels: &panels, bin_m: [bin_m; 2], score_name: SCORE_NAME, null_level: NULL_LEVEL };
        let stem = folder.join(format!("{arena}-{}", table.name));
        if table.name == RATEMAPS.name {
            Ok(draw_ratemaps(&sheet, Normalization::PerUnit, &stem)?)
        } else {
            Ok(draw_autocorrelograms(&sheet, &stem)?)
        }
    }

    /// Scores of active units over their pooled nulls; none without an active unit.
    fn histogram(&self, workspace: &Workspace<'_>, arena: &str, folder: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
        let score = |row: &UnitRow| ScoredUnit { score: (!row.score.is_nan()).then_some(row.score), significant: row.above_null };
        let units: Vec<ScoredUnit> = self.of(arena).filter(|row| row.active).map(score).collect();
        let null = if units.is_empty() { Vec::new() } else { null_scores(workspace, arena)? };
        if !null.iter().any(|score| score.is_finite()) {
            tracing::warn!(
                "{}: no unit of {arena} has a null distribution, so there is no histogram of scores",
                workspace.label(Stage::Draw)
            );
            return Ok(Vec::new());
        }
        let title = format!("Grid scores in the {} of {}", place(arena), who(workspace.run));
        let input = ScoreHistogram {
            title: &title,
            score_name: SCORE_NAME,
            units: &units,
            units_name: "active units",
            null_scores: &null,
            null_level: NULL_LEVEL,
        };
        Ok(draw_score_histogram(&input, &folder.join(format!("{arena}-scores")))?)
    }
}

fn text(frame: &Frame, column: &str, row: usize) -> String {
    frame.text(column)[row].as_deref().unwrap_or_default().to_owned()
}

/// The square maps of the wanted units, and the side of a bin.
fn maps(workspace: &Workspace<'_>, arena: &str, table: &'static Table, wanted: &[&UnitRow]) -> Result<(Maps, f64), Failure> {
    let (side, list) = if table.name == RATEMAPS.name { ("bins", "rate") } else { ("lags", "r") };
    let (mut found, mut bin_m) = (Maps::new(), f64::NAN);
    for frame in
        partition::read(workspace.lake, table, &workspace.run.name, workspace.last_step(), &["arena", "unit", side, "bin_m", list])?
    {
        let frame = frame?;
        let (length, values) = frame.floats(list);
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)) {
            let unit = frame.uint32("unit")[row];
            if wanted.iter().all(|wanted| wanted.unit != unit) {
                continue;
            }
            let side = frame.uint32(side)[row] as usize;
            let map = values[row * length..(row + 1) * length].iter().map(|value| f64::from(*value)).collect();
            let map = Array2::from_shape_vec((side, side), map)
                .map_err(|error| Failure::data(format!("table {}, unit {unit}: {error}", table.name)))?;
            found.push((unit, map));
            bin_m = frame.float64("bin_m")[row];
        }
    }
    Ok((found, bin_m))
}

fn null_scores(workspace: &Workspace<'_>, arena: &str) -> Result<Vec<f64>, Failure> {
    let mut scores = Vec::new();
    for frame in partition::read(workspace.lake, &NULLS, &workspace.run.name, workspace.last_step(), &["arena", "score", "null"])? {
        let frame = frame?;
        let (length, values) = frame.floats("null");
        for row in 0..frame.rows() {
            if frame.text("arena")[row].as_deref() == Some(arena) && frame.text("score")[row].as_deref() == Some("sargolini") {
                scores.extend(values[row * length..(row + 1) * length].iter().map(|score| f64::from(*score)));
            }
        }
    }
    Ok(scores)
}

//! Figures of what is in the lake.

use super::geometry;
use super::{development, generalization_figures, module_figures, report, state_figures, structure_figures};
use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::{Run, Settings};
use crate::plan::{self, Stage};
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_figures::{
    Normalization, PhaseMark, TrainingCurves, UnitPanel, UnitSheet, draw_autocorrelograms, draw_ratemaps, draw_training_curves,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::manifest::{Commit, Manifest};
use gridlake_lake::schema::{AUTOCORRELOGRAMS, EMBEDDING, RATEMAPS, Table, UNITS};
use gridlake_lake::{Lake, layout, metrics, partition};
use gridlake_model::config::PhaseSettings;
use gridlake_space::arena::{Arena, ArenaShape};
use ndarray::Array2;
use serde_json::{Value, json};
use std::path::PathBuf;

const SCORE_NAME: &str = "grid score (Sargolini)";
const PHASES: [&str; 3] = ["phase1", "phase2", "phase3"];
const SCORES: [&str; 6] = ["grid_score_sargolini", "grid_score_banino", "square_score", "periodicity", "border_score", "wall_score"];
const P_VALUES: [&str; 6] = ["grid_score_p", "grid_score_banino_p", "square_score_p", "periodicity_p", "border_score_p", "wall_score_p"];
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
    let states = state_figures::read(workspace, &EMBEDDING)?;
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
        paths.extend(module_figures::draw(workspace, arena, &units.of(arena).collect::<Vec<&UnitRow>>(), &folder)?);
    }
    interrupt::check(Stage::Draw.name())?;
    paths.extend(state_figures::draw(workspace, &units.rows, &states, &folder)?);
    paths.extend(structure_figures::draw(workspace, &units.rows, &states, &folder)?);
    interrupt::check(Stage::Draw.name())?;
    paths.extend(generalization_figures::draw(workspace, &units.rows, &folder)?);
    let checkpoints = plan::analyzed_before(workspace.lake, run, &workspace.record)?;
    paths.extend(development::draw(workspace, checkpoints.as_deref().unwrap_or_default(), &folder)?);
    let page = folder.join("report.html");
    report::write(workspace, &units, &states, &paths, &page)?;
    let (stage, step) = (Stage::Draw.name(), Some(workspace.last_step()));
    let mut commit = Commit::new(workspace.lake, &run.name);
    for path in &paths {
        let key = format!("{}/{}", layout::figures(&run.name), path.file_name().unwrap_or_default().to_string_lossy());
        commit.add_file(path, &key, stage, step, workspace.fingerprint(Stage::Draw))?;
    }
    commit.add_file(&page, &layout::report(&run.name), stage, step, workspace.fingerprint(Stage::Draw))?;
    for key in Manifest::load_own(workspace.lake, &run.name)?.of(stage, step) {
        commit.remove(key);
    }
    workspace.lock.check(&run.name)?;
    commit.finish()?;
    Ok(json!({ "figures": paths.len(), "checkpoints": checkpoints }))
}

/// "quickstart, seed 0", or "rat" where it was imported.
pub(crate) fn who(run: &Run) -> String {
    run.imported.as_ref().map_or_else(|| format!("{}, seed {}", run.settings.name, run.settings.seed), |imported| imported.name.clone())
}

/// ", after 20,000 steps", or nothing where nothing was trained to be imported.
pub(crate) fn when(run: &Run) -> String {
    if run.imported.is_some() { String::new() } else { format!(", after {} steps", grouped(run.step())) }
}

/// "2 m box" of the arena "square-2m", "2 m × 1.5 m box", "circular arena of 1.5 m"; another name as it is.
pub(crate) fn place(label: &str) -> String {
    match label.parse::<Arena>() {
        Ok(arena) if arena.shape == ArenaShape::Circle => format!("circular arena of {}", geometry::extent(&arena)),
        Ok(arena) => format!("{} box", geometry::extent(&arena)),
        Err(_) => label.to_owned(),
    }
}

/// 20000 as "20,000".
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Where phases of the curriculum begin, and what is told of each: of those after the first, all of this that differs from the one before.
pub(crate) fn phases(settings: &Settings) -> Vec<(u64, String)> {
    let train = &settings.train;
    let grows = train.curriculum.iter().any(|phase| phase.model.units.is_some());
    let starts = std::iter::once(0).chain(train.curriculum.iter().map(|phase| phase.until)).filter(|start| *start < train.steps);
    let each: Vec<(u64, PhaseSettings)> = starts.map(|start| (start, train.settings(train.phase_of(start)))).collect();
    let told = |PhaseSettings { units, data, loss, optimizer, .. }: &PhaseSettings| {
        [
            (grows, format!("N = {units}")),
            (true, format!("T = {}", data.length)),
            (true, format!("B = {}", data.batch)),
            (true, format!("σ_x = {} m", loss.sigma_x_m)),
            (true, format!("learning rate {}", optimizer.learning_rate)),
            (false, format!("σ_g = {}", loss.sigma_g)),
            (false, format!("λ_Sep = {}", loss.lambda_sep)),
            (false, format!("λ_Inv = {}", loss.lambda_inv)),
            (false, format!("λ_Cap = {}", loss.lambda_cap)),
            (false, format!("λ_ConIso = {}", loss.lambda_coniso)),
        ]
    };
    let label = |(number, (start, phase)): (usize, &(u64, PhaseSettings))| {
        let before = number.checked_sub(1).map(|before| told(&each[before].1));
        let parts = told(phase).into_iter().enumerate().filter(|(part, (at_first, text))| match &before {
            None => *at_first,
            Some(before) => before[*part].1 != *text,
        });
        let parts: Vec<String> = parts.map(|(_, (_, text))| text).collect();
        (*start, if parts.is_empty() { "no change of what is told here".to_owned() } else { parts.join(", ") })
    };
    each.iter().enumerate().map(label).collect()
}

/// Where each loss has the weight 0: after the first step of each pair, up to the second. Losses that are logged at a step are those before its update, so of the phase of the
/// step before.
fn weightless(settings: &Settings) -> [Vec<(u64, u64)>; 4] {
    let train = &settings.train;
    let mut found: [Vec<(u64, u64)>; 4] = Default::default();
    let mut from = 0;
    for until in train.curriculum.iter().map(|phase| phase.until.min(train.steps)).chain([train.steps]).filter(|until| *until > 0) {
        let loss = train.settings(train.phase_of(from)).loss;
        for (ranges, weight) in found.iter_mut().zip([loss.lambda_sep, loss.lambda_inv, loss.lambda_cap, loss.lambda_coniso]) {
            if weight == 0.0 && until > from {
                ranges.push((from, until));
            }
        }
        from = from.max(until);
    }
    found
}

fn training(workspace: &Workspace<'_>, folder: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
    let settings = &workspace.run.settings;
    let frames = metrics::read(workspace.lake, &workspace.run.name, &[])?;
    let steps: Vec<u64> = frames.iter().flat_map(|frame| frame.uint64("step")).copied().collect();
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let column = |name: &str| frames.iter().flat_map(|frame| frame.float64(name)).copied().collect::<Vec<f64>>();
    let labels = phases(settings);
    let weightless = weightless(settings);
    let marks: Vec<PhaseMark<'_>> = labels.iter().map(|(step, label)| PhaseMark { step: *step, label }).collect();
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
        phases: &marks,
        weightless: weightless.each_ref().map(Vec::as_slice),
    };
    Ok(draw_training_curves(&input, &folder.join("training"))?)
}

/// The `units` table, as figures need it, and as it is.
pub(crate) struct Units {
    pub(crate) arenas: Vec<String>,
    pub(crate) rows: Vec<UnitRow>,
    pub(crate) frames: Vec<Frame>,
}

pub(crate) struct UnitRow {
    pub(crate) arena: String,
    pub(crate) unit: u32,
    pub(crate) score: f64,
    above_null: bool,
    pub(crate) active: bool,
    pub(crate) class: String,
    pub(crate) module: Option<i32>,
    pub(crate) period_m: f64,
    pub(crate) period_se_m: f64,
    pub(crate) orientation_rad: f64,
    pub(crate) orientation_se_rad: f64,
    pub(crate) phases: [f64; 3],
    /// Sargolini's, Banino's, 90°, periodicity, border, wall score.
    pub(crate) scores: [f64; 6],
    pub(crate) p_values: [f64; 6],
}

/// Maps of one arena with their units.
pub(crate) type Maps = Vec<(u32, Array2<f64>)>;

impl Units {
    fn read(workspace: &Workspace<'_>) -> Result<Self, Failure> {
        let mut found = Self { arenas: Vec::new(), rows: Vec::new(), frames: Vec::new() };
        for frame in partition::read(workspace.lake, &UNITS, &workspace.run.name, workspace.last_step(), &[])? {
            let frame = frame?;
            for row in 0..frame.rows() {
                let arena = text(&frame, "arena", row);
                if !found.arenas.contains(&arena) {
                    found.arenas.push(arena.clone());
                }
                let number = |name: &str| frame.float64(name)[row];
                found.rows.push(UnitRow {
                    arena,
                    unit: frame.uint32("unit")[row],
                    score: number("grid_score_sargolini"),
                    module: frame.int32("module")[row],
                    period_m: number("period_m"),
                    period_se_m: number("period_se_m"),
                    orientation_rad: number("orientation_rad"),
                    orientation_se_rad: number("orientation_se_rad"),
                    phases: PHASES.map(number),
                    scores: SCORES.map(number),
                    p_values: P_VALUES.map(number),
                    above_null: frame.boolean("above_null")[row] == Some(true),
                    active: frame.boolean("active")[row] == Some(true),
                    class: text(&frame, "class", row),
                });
            }
            found.frames.push(frame);
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
        let sheet = UnitSheet { title: &title, panels: &panels, bin_m, score_name: SCORE_NAME, null_level: NULL_LEVEL };
        let stem = folder.join(format!("{arena}-{}", table.name));
        if table.name == RATEMAPS.name {
            Ok(draw_ratemaps(&sheet, Normalization::PerUnit, &stem)?)
        } else {
            Ok(draw_autocorrelograms(&sheet, &stem)?)
        }
    }
}

fn text(frame: &Frame, column: &str, row: usize) -> String {
    frame.text(column)[row].as_deref().unwrap_or_default().to_owned()
}

/// The maps of the wanted units, as many bins along each side, and the sides of a bin along x and y.
pub(crate) fn maps(
    workspace: &Workspace<'_>,
    arena: &str,
    table: &'static Table,
    wanted: &[&UnitRow],
) -> Result<(Maps, [f64; 2]), Failure> {
    let wanted: Vec<u32> = wanted.iter().map(|row| row.unit).collect();
    maps_of(workspace.lake, &workspace.run.name, workspace.last_step(), arena, table, &wanted)
}

/// As [`maps`], of any run.
pub(crate) fn maps_of(
    lake: &Lake,
    run: &str,
    step: u64,
    arena: &str,
    table: &'static Table,
    wanted: &[u32],
) -> Result<(Maps, [f64; 2]), Failure> {
    let (side, list) = if table.name == RATEMAPS.name { ("bins", "rate") } else { ("lags", "r") };
    let (mut found, mut bin_m) = (Maps::new(), [f64::NAN; 2]);
    let columns = ["arena", "unit", side, "bin_m", "bin_y_m", list];
    for frame in partition::read(lake, table, run, step, &columns)? {
        let frame = frame?;
        let (length, values) = frame.floats(list);
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_deref() == Some(arena)) {
            let unit = frame.uint32("unit")[row];
            if !wanted.contains(&unit) {
                continue;
            }
            let side = frame.uint32(side)[row] as usize;
            let map = values[row * length..(row + 1) * length].iter().map(|value| f64::from(*value)).collect();
            let map = Array2::from_shape_vec((side, side), map)
                .map_err(|error| Failure::data(format!("table {}, unit {unit}: {error}", table.name)))?;
            found.push((unit, map));
            let bin_x_m = frame.float64("bin_m")[row];
            bin_m = [bin_x_m, or(frame.float64("bin_y_m")[row], bin_x_m)];
        }
    }
    Ok((found, bin_m))
}

/// A number, or another where it is null.
pub(crate) fn or(value: f64, other: f64) -> f64 {
    if value.is_nan() { other } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_readable_names() {
        for (label, name) in [
            ("square-2m", "2 m box"),
            ("rectangle-2x1.5m", "2 m × 1.5 m box"),
            ("circle-1.5m", "circular arena of 1.5 m"),
            ("track_1", "track_1"),
        ] {
            assert_eq!(place(label), name);
        }
    }
}

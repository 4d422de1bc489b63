//! How the code develops over training: what `compare` tells of each checkpoint of one run, as a figure.

use super::draw::{phases, place, who};
use super::module_figures::median;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::{Development, PhaseMark, draw_development};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition;
use gridlake_lake::schema::{GENERALIZATION, MODULES, PATH_INTEGRATION, Table, UNITS};
use std::path::{Path, PathBuf};

/// Draws the checkpoints of `earlier` steps and the last, in the smallest arena, against the step; nothing where there are no earlier ones.
///
/// # Errors
/// A torn table, a full disk.
pub(super) fn draw(workspace: &Workspace<'_>, earlier: &[u64], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if earlier.is_empty() {
        return Ok(Vec::new());
    }
    let run = workspace.run;
    let steps: Vec<u64> = earlier.iter().copied().chain([run.step()]).collect();
    let Some(arena) = smallest_arena(workspace)? else { return Ok(Vec::new()) };
    let found = steps.iter().map(|step| Checkpoint::read(workspace, *step, &arena)).collect::<Result<Vec<_>, _>>()?;
    let column = |pick: &dyn Fn(&Checkpoint) -> f64| found.iter().map(pick).collect::<Vec<f64>>();
    let labels = phases(&run.settings);
    let phases: Vec<PhaseMark<'_>> = labels.iter().map(|(step, label)| PhaseMark { step: *step, label }).collect();
    let input = Development {
        title: &format!("Development of {}: {}", who(run), place(&arena)),
        steps: &steps,
        active_units: &column(&|one| one.active),
        grid_units: &column(&|one| one.grid),
        grid_score: &column(&|one| one.grid_score),
        period_m: &column(&|one| one.period_m),
        modules: &column(&|one| one.modules),
        spatial_coherence: &column(&|one| one.coherence),
        decode_error_m: &column(&|one| one.decode_error_m),
        phases: &phases,
    };
    Ok(draw_development(&input, &folder.join("development"))?)
}

/// What is shown of a checkpoint; NaN where there is none.
struct Checkpoint {
    active: f64,
    grid: f64,
    grid_score: f64,
    period_m: f64,
    modules: f64,
    coherence: f64,
    decode_error_m: f64,
}

impl Checkpoint {
    fn read(workspace: &Workspace<'_>, step: u64, arena: &str) -> Result<Self, Failure> {
        let units = Rows::read(workspace, &UNITS, step, arena, &["active", "class", "grid_score_sargolini", "period_m"])?;
        let active = units.booleans("active");
        let is_grid: Vec<bool> = units.texts("class").iter().map(|class| class.as_deref() == Some("grid")).collect();
        let of = |column: &str, wanted: &[bool]| {
            let values = units.numbers(column);
            median(values.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(value, _)| *value))
        };
        let count = |wanted: &[bool]| wanted.iter().filter(|wanted| **wanted).count() as f64;
        let modules = Rows::read(workspace, &MODULES, step, arena, &["module"])?;
        let states = Rows::read(workspace, &GENERALIZATION, step, arena, &["spatial_coherence_corrected"])?;
        let decoding = Rows::read(workspace, &PATH_INTEGRATION, step, arena, &["decode_error_m"])?;
        Ok(Self {
            active: count(&active),
            grid: count(&is_grid),
            grid_score: of("grid_score_sargolini", &active),
            period_m: of("period_m", &is_grid),
            modules: modules.count() as f64,
            coherence: states.numbers("spatial_coherence_corrected").into_iter().find(|value| !value.is_nan()).unwrap_or(f64::NAN),
            decode_error_m: median(decoding.numbers("decode_error_m").into_iter()),
        })
    }
}

/// The rows of one arena in a table.
struct Rows {
    frames: Vec<Frame>,
    kept: Vec<Vec<usize>>,
}

impl Rows {
    fn read(workspace: &Workspace<'_>, table: &'static Table, step: u64, arena: &str, columns: &[&str]) -> Result<Self, Failure> {
        let (lake, run) = (workspace.lake, &workspace.run.name);
        if !partition::exists(lake, table, run, step)? {
            return Ok(Self { frames: Vec::new(), kept: Vec::new() });
        }
        let columns: Vec<&str> = columns.iter().copied().chain(["arena"]).collect();
        let frames = partition::read(lake, table, run, step, &columns)?.collect::<Result<Vec<Frame>, _>>()?;
        let here = |frame: &Frame| {
            let arenas = frame.text("arena");
            (0..frame.rows()).filter(|row| arenas[*row].as_deref() == Some(arena)).collect()
        };
        let kept = frames.iter().map(here).collect();
        Ok(Self { frames, kept })
    }

    fn each<T>(&self, pick: impl Fn(&Frame, usize) -> T) -> Vec<T> {
        self.frames.iter().zip(&self.kept).flat_map(|(frame, kept)| kept.iter().map(|row| pick(frame, *row)).collect::<Vec<T>>()).collect()
    }

    fn count(&self) -> usize {
        self.kept.iter().map(Vec::len).sum()
    }

    fn numbers(&self, column: &str) -> Vec<f64> {
        self.each(|frame, row| frame.float64(column)[row])
    }

    fn booleans(&self, column: &str) -> Vec<bool> {
        self.each(|frame, row| frame.boolean(column)[row].unwrap_or(false))
    }

    fn texts(&self, column: &str) -> Vec<Option<String>> {
        self.each(|frame, row| frame.text(column)[row].as_deref().map(str::to_owned))
    }
}

/// The arena of the shortest longer side in which the last checkpoint was analyzed.
fn smallest_arena(workspace: &Workspace<'_>) -> Result<Option<String>, Failure> {
    let mut smallest: Option<(f64, String)> = None;
    for frame in partition::read(workspace.lake, &UNITS, &workspace.run.name, workspace.run.step(), &["arena", "box_m"])? {
        let frame = frame?;
        for (arena, side) in frame.text("arena").iter().zip(frame.float64("box_m")) {
            if let Some(arena) = arena.as_deref()
                && smallest.as_ref().is_none_or(|(known, _)| side < known)
            {
                smallest = Some((*side, arena.to_owned()));
            }
        }
    }
    Ok(smallest.map(|(_, arena)| arena))
}

//! Fig. 5 of the paper and what belongs to it: distances, velocities, the same units in every arena, periods, decoding. From what the analysis left in the tables.

use super::decoding_figures::{coherence, decoding};
use super::draw::{UnitRow, maps, place, when, who};
use super::module_figures::rate_unit;
use super::state_figures::{column, read};
use super::walk_figures::velocity_sets;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::{
    ArenaMaps, ArenaUnit, Distances, GeneralizationSheet, PeriodChanges, PeriodPoint, SpaceTime, Velocities, VelocitySet, draw_arena_maps,
    draw_distances, draw_generalization, draw_period_changes, draw_space_time, draw_velocities,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::schema::{DISTANCES, GENERALIZATION, PATH_INTEGRATION, RATEMAPS, TRAJECTORIES};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Units of an arena's panel.
const UNITS: usize = 9;
/// Arenas on one page.
const ARENAS: usize = 20;

/// Draws all of it; nothing where the analysis has nothing.
///
/// # Errors
/// A torn table, a full disk.
pub(crate) fn draw(workspace: &Workspace<'_>, units: &[UnitRow], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let arenas = arenas(workspace)?;
    let title = |what: &str, arena: Option<&ArenaRow>| {
        let within = arena.map_or_else(String::new, |arena| format!(" in the {}", place(&arena.label)));
        format!("{what}{within} of {}{}", who(workspace.run), when(workspace.run))
    };
    let mut paths = Vec::new();
    let (distances, times) = (read(workspace, &DISTANCES)?, read(workspace, &PATH_INTEGRATION)?);
    let training = OfTraining::read(workspace, &distances)?;
    let mut shown: Vec<(&ArenaRow, OfSpace, OfTime)> = Vec::new();
    for arena in &arenas {
        let stem = |name: &str| folder.join(format!("{}-{name}", arena.label));
        if let (Some(space), Some(time)) = (OfSpace::of(&distances, &arena.label)?, OfTime::of(&distances, &arena.label)?) {
            let name = title("Neural distance against separation", Some(arena));
            paths.extend(draw_distances(&space.figure(&name, arena, &training), &stem("distances"))?);
            if time.any() {
                let name = title("Neural distance in space and time", Some(arena));
                paths.extend(draw_space_time(&time.figure(&name, arena), &stem("space-time"))?);
            }
            shown.push((arena, space, time));
        }
        let whose = format!("{}{}", who(workspace.run), when(workspace.run));
        paths.extend(decoding(&times, arena, &training, &whose, &stem("decoding"))?);
        paths.extend(coherence(&times, arena, &training, &whose, &stem("coherence"))?);
    }
    let (sets, of_velocities) = (velocity_sets(workspace)?, title("Velocities", None));
    let velocities: Vec<VelocitySet<'_>> =
        sets.iter().map(|set| VelocitySet { name: &set.name, share: set.share.view(), bin_m: set.bin_m, facts: &set.facts }).collect();
    if !velocities.is_empty() {
        paths.extend(draw_velocities(&Velocities { title: &of_velocities, sets: &velocities }, &folder.join("velocities"))?);
    }
    paths.extend(periods(workspace, &arenas, &title("Periods", None), &folder.join("periods"))?);

    // The largest arena is the farthest from what training saw.
    let Some((arena, space, time)) = shown.iter().filter(|(_, _, time)| time.any()).max_by(|a, b| a.0.box_m.total_cmp(&b.0.box_m)) else {
        return Ok(paths);
    };
    let examples = examples(workspace, &arenas, units)?;
    let views: Vec<Vec<ArenaUnit<'_>>> = examples
        .iter()
        .map(|example| example.maps.iter().map(|(unit, map)| ArenaUnit { unit: *unit as usize, ratemap: map.view() }).collect())
        .collect();
    let what = if examples.len() > 1 { "The same units" } else { "Units" };
    let named: Vec<(String, String)> = examples
        .iter()
        .map(|example| (title(what, arenas.iter().find(|arena| arena.label == example.label)), place(&example.label)))
        .collect();
    let panels: Vec<ArenaMaps<'_>> = examples
        .iter()
        .zip(&views)
        .zip(&named)
        .map(|((example, units), (title, arena))| ArenaMaps {
            title,
            arena,
            units,
            bin_m: example.bin_m,
            rate_unit: rate_unit(workspace.run),
        })
        .collect();
    for (panel, example) in panels.iter().zip(&examples) {
        paths.extend(draw_arena_maps(panel, &folder.join(format!("{}-units", example.label)))?);
    }
    // Of the largest arena and of training.
    let b: Vec<VelocitySet<'_>> = velocities
        .iter()
        .zip(&sets)
        .filter(|(_, set)| set.arena.as_ref().is_none_or(|label| *label == arena.label))
        .map(|(set, _)| set.clone())
        .collect();
    let (name, within) = (title("Generalization", None), place(&arena.label));
    let sheet = GeneralizationSheet {
        title: &name,
        arena: &within,
        distances: space.figure("", arena, &training),
        space_time: time.figure("", arena),
        velocities: &b,
        arenas: &panels[..panels.len().min(ARENAS)],
    };
    paths.extend(draw_generalization(&sheet, &folder.join("generalization"))?);
    Ok(paths)
}

/// An arena's row of `generalization` for all units.
pub(super) struct ArenaRow {
    pub(super) label: String,
    box_m: f64,
    chance: f64,
    half_rise_m: f64,
    half_rise_se_m: f64,
    /// The half rise within the training's length in words; empty without one.
    early_says: String,
    sigma_x_m: f64,
    /// The period of the only module, where it is shorter than the box.
    pub(super) only_period_m: Option<f64>,
}

fn arenas(workspace: &Workspace<'_>) -> Result<Vec<ArenaRow>, Failure> {
    let mut found = Vec::new();
    for frame in read(workspace, &GENERALIZATION)? {
        for row in (0..frame.rows()).filter(|row| frame.int32("module")[*row].is_none()) {
            let number = |name: &str| frame.float64(name)[row];
            found.push(ArenaRow {
                label: frame.text("arena")[row].as_deref().unwrap_or_default().to_owned(),
                box_m: number("box_m"),
                chance: number("chance_distance"),
                half_rise_m: number("half_rise_m"),
                half_rise_se_m: number("half_rise_se_m"),
                early_says: early_says(number("half_rise_in_training_m"), number("half_rise_in_training_se_m")),
                sigma_x_m: number("sigma_x_m"),
                only_period_m: None,
            });
        }
    }
    let mut periods: Vec<(String, f64)> = Vec::new();
    for frame in read(workspace, &GENERALIZATION)? {
        for row in (0..frame.rows()).filter(|row| frame.int32("module")[*row].is_some()) {
            periods.push((frame.text("arena")[row].as_deref().unwrap_or_default().to_owned(), frame.float64("period_m")[row]));
        }
    }
    for arena in &mut found {
        let own: Vec<f64> = periods.iter().filter(|(label, _)| *label == arena.label).map(|(_, period_m)| *period_m).collect();
        arena.only_period_m = if let [period_m] = own[..] { Some(period_m).filter(|period_m| *period_m < arena.box_m) } else { None };
    }
    Ok(found)
}

fn early_says(half_rise_m: f64, se_m: f64) -> String {
    if half_rise_m.is_nan() {
        return String::new();
    }
    let error = if se_m.is_nan() { String::new() } else { format!(" ± {:.1}", 1e3 * se_m) };
    format!("within training's length: {:.1}{error} mm", 1e3 * half_rise_m)
}

/// Rows of a kind of `distances`; of an arena, or of none.
fn of_kind(frames: &[Frame], arena: Option<&str>, kind: &str) -> Vec<Frame> {
    let wanted =
        |frame: &Frame, row: usize| frame.text("kind")[row].as_deref() == Some(kind) && frame.text("arena")[row].as_deref() == arena;
    frames.iter().map(|frame| frame.filter(|row| wanted(frame, row))).filter(|frame| frame.rows() > 0).collect()
}

/// A column's values as `inner` to a row; `outer` is the column that tells rows apart.
pub(super) fn grid(frames: &[Frame], outer: &str, values: &str) -> Result<Array2<f64>, Failure> {
    let (outer, values) = (column(frames, outer), column(frames, values));
    let inner = outer.iter().take_while(|value| **value == outer[0]).count().max(1);
    let rows = values.len() / inner;
    Array2::from_shape_vec((rows, inner), values).map_err(|error| Failure::data(format!("table distances: {error}")))
}

/// What training saw.
pub(super) struct OfTraining {
    bin_m: f64,
    cdf: Vec<f64>,
    /// NaN without training.
    pub(super) length_steps: f64,
}

impl OfTraining {
    fn read(workspace: &Workspace<'_>, distances: &[Frame]) -> Result<Self, Failure> {
        let found = of_kind(distances, None, "training_cdf");
        let mut length_steps = f64::NAN;
        for frame in read(workspace, &TRAJECTORIES)? {
            if let Some(row) = frame.text("source").iter().position(|source| source.as_deref() == Some("training")) {
                length_steps = f64::from(frame.uint32("length_steps")[row]);
            }
        }
        Ok(Self {
            bin_m: column(&found, "spatial_bin_m").first().copied().unwrap_or(f64::NAN),
            cdf: column(&found, "density"),
            length_steps,
        })
    }
}

/// Neural distance against separation.
struct OfSpace {
    density: Array2<f64>,
    column_m: f64,
    neural_top: f64,
    mean: Vec<f64>,
    early_mean: Vec<f64>,
}

impl OfSpace {
    fn of(distances: &[Frame], arena: &str) -> Result<Option<Self>, Failure> {
        let space = of_kind(distances, Some(arena), "space");
        let Some(&column_m) = column(&space, "spatial_bin_m").first() else { return Ok(None) };
        let density = grid(&space, "spatial_m", "density")?;
        let neural_top = column(&space, "neural_bin")[0] * density.ncols() as f64;
        let [mean, early_mean] = ["mean", "mean_in_training"].map(|kind| column(&of_kind(distances, Some(arena), kind), "neural_distance"));
        Ok(density.iter().any(|x| x.is_finite()).then_some(Self { density, column_m, neural_top, mean, early_mean }))
    }

    fn figure<'a>(&'a self, title: &'a str, arena: &'a ArenaRow, training: &'a OfTraining) -> Distances<'a> {
        Distances {
            title,
            density: self.density.view(),
            column_m: self.column_m,
            neural_top: self.neural_top,
            mean: &self.mean,
            early_mean: &self.early_mean,
            early_says: &arena.early_says,
            chance: arena.chance,
            half_rise_m: arena.half_rise_m,
            half_rise_se_m: arena.half_rise_se_m,
            sigma_x_m: arena.sigma_x_m,
            training_bin_m: training.bin_m,
            training_cdf: &training.cdf,
        }
    }
}

/// Neural distance in space and time.
struct OfTime {
    mean: Array2<f64>,
    spatial_bin_m: f64,
    temporal_bin_steps: f64,
    temporal_steps: Vec<f64>,
    same_place: Vec<f64>,
    same_place_se: Vec<f64>,
}

impl OfTime {
    fn of(distances: &[Frame], arena: &str) -> Result<Option<Self>, Failure> {
        let both = of_kind(distances, Some(arena), "space_time");
        let Some(&spatial_bin_m) = column(&both, "spatial_bin_m").first() else { return Ok(None) };
        let places = of_kind(distances, Some(arena), "same_place");
        Ok(Some(Self {
            mean: grid(&both, "temporal_steps", "neural_distance")?,
            spatial_bin_m,
            temporal_bin_steps: column(&both, "temporal_bin_steps")[0],
            temporal_steps: column(&places, "temporal_steps"),
            same_place: column(&places, "neural_distance"),
            same_place_se: column(&places, "neural_distance_se"),
        }))
    }

    fn any(&self) -> bool {
        self.mean.iter().any(|x| x.is_finite())
    }

    fn figure<'a>(&'a self, title: &'a str, arena: &ArenaRow) -> SpaceTime<'a> {
        SpaceTime {
            title,
            mean: self.mean.view(),
            spatial_bin_m: self.spatial_bin_m,
            temporal_bin_steps: self.temporal_bin_steps,
            temporal_steps: &self.temporal_steps,
            same_place: &self.same_place,
            same_place_se: &self.same_place_se,
            chance: arena.chance,
        }
    }
}

/// Periods in several arenas; nothing of one alone, or without modules.
fn periods(workspace: &Workspace<'_>, arenas: &[ArenaRow], title: &str, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut points = Vec::new();
    for frame in read(workspace, &GENERALIZATION)? {
        for row in 0..frame.rows() {
            let Some(module) = frame.int32("module")[row].and_then(|module| usize::try_from(module).ok()) else { continue };
            let label = frame.text("arena")[row].as_deref().unwrap_or_default();
            let Some(arena) = arenas.iter().position(|arena| arena.label == label) else { continue };
            let number = |name: &str| frame.float64(name)[row];
            points.push(PeriodPoint {
                arena,
                module,
                period_m: number("period_m"),
                period_se_m: number("period_se_m"),
                change: number("period_change_vs_smallest"),
                change_se: number("period_change_se"),
            });
        }
    }
    if arenas.len() < 2 || !points.iter().any(|point| point.period_m.is_finite()) {
        return Ok(Vec::new());
    }
    let names: Vec<String> = arenas.iter().map(|arena| place(&arena.label)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(draw_period_changes(&PeriodChanges { title, arenas: &names, points: &points }, stem)?)
}

/// Some units in one arena.
struct Example {
    label: String,
    maps: Vec<(u32, Array2<f64>)>,
    bin_m: [f64; 2],
}

/// In every arena the units that score highest in the smallest.
fn examples(workspace: &Workspace<'_>, arenas: &[ArenaRow], units: &[UnitRow]) -> Result<Vec<Example>, Failure> {
    let Some(smallest) = arenas.iter().min_by(|a, b| a.box_m.total_cmp(&b.box_m)) else { return Ok(Vec::new()) };
    let mut best: Vec<&UnitRow> = units.iter().filter(|row| row.arena == smallest.label && row.active).collect();
    let score = |row: &UnitRow| if row.score.is_nan() { f64::NEG_INFINITY } else { row.score };
    best.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.unit.cmp(&b.unit)));
    best.truncate(UNITS);
    let mut found = Vec::new();
    for arena in arenas {
        let (mut maps, bin_m) = maps(workspace, &arena.label, &RATEMAPS, &best)?;
        maps.sort_by_key(|(unit, _)| best.iter().position(|row| row.unit == *unit));
        if !maps.is_empty() {
            found.push(Example { label: arena.label.clone(), maps, bin_m });
        }
    }
    Ok(found)
}

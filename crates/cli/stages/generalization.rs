//! How states tell places apart in every arena, what larger boxes change, and for how long position is known (Fig. 5): tables `distances`, `generalization`, `path_integration`,
//! `trajectories` and `velocities`.
//!
//! Arenas follow each other, and of each a sample of whole trajectories is held (`moments`). Where no activity was kept, the table `generalization` has periods alone, with
//! the reason for the rest.

use super::distance_tables;
use super::generalization_tables::{self, OfArena};
use super::geometry;
use super::modules::ModuleHere;
use super::moments::{self, ArenaMoments};
use super::walks::{self, Training};
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_analysis::distances::{CheckedDistancesConfig, Moments, SpaceDistances, space, space_time};
use gridlake_analysis::generalization::{ArenaStates, ModuleUnits, Period, PeriodChange, generalization_in, period_changes};
use gridlake_analysis::path_integration::{PathIntegration, path_integration};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition::{self, Publication};
use gridlake_lake::schema::ACTIVITY;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::Axis;
use serde_json::{Value, json};
use std::sync::Arc;

/// Why there is nothing of states.
const NOT_KEPT: &str = "no activity was kept (record.keep), or analyze.generalization.points is 0";

/// An arena that was analyzed.
pub(crate) struct Analyzed {
    pub(crate) label: Arc<str>,
    pub(crate) arena: Arena,
    /// Of the network or the recording.
    pub(crate) units: usize,
}

/// Writes the five tables. Returns what the run's record keeps.
///
/// # Errors
/// A torn table, a full disk, an interrupt.
pub(crate) fn write(
    workspace: &Workspace<'_>,
    arenas: &[Analyzed],
    modules: &[ModuleHere],
    publication: &mut Publication<'_>,
) -> Result<Value, Failure> {
    let settings = &workspace.run.settings;
    let config = &settings.analyze;
    let training = Training::draw(workspace, config.generalization.training_batches, config.checked_distances())?;
    // One range of velocities for all sets of a network, so that they compare.
    let limit_m = training.as_ref().map(|training| training.velocity_limit_m.max(settings.train.data.velocity_limit_m));
    if let Some(training) = &training {
        publish(publication, training.frames(limit_m.unwrap_or(training.velocity_limit_m)))?;
        publish(publication, [distance_tables::training(&training.cdf)])?;
    }
    let plans = plans(arenas, modules);
    let seed = Seed(settings.seed).child("analyze/generalization");
    let points = config.generalization.points;
    let kept = points > 0 && partition::exists(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step())?;
    let mut notes = serde_json::Map::new();
    let label = format!("{} distances", workspace.label(Stage::Analyze));
    let mut progress = Progress::start(workspace.mode, &label, "arenas", 0, arenas.len() as u64);
    if kept {
        let mut done = 0;
        moments::each(workspace, points, seed, |moments| {
            let Some(plan) = plans.iter().find(|plan| plan.of.label == moments.label) else {
                return Err(Failure::work(format!("the arena {} has only just appeared: run the command again", moments.label)));
            };
            let found = look(workspace, plan, &moments, training.as_ref(), limit_m, seed, publication)?;
            notes.insert(moments.label.to_string(), found);
            done += 1;
            progress.update(done, || moments.label.to_string());
            interrupt::check(Stage::Analyze.name())
        })?;
    }
    // What nothing was kept of: of a sample, perhaps some arenas; else all.
    let without: Vec<&Plan<'_>> = plans.iter().filter(|plan| !notes.contains_key(&*plan.of.label)).collect();
    for plan in without {
        publish(publication, [generalization_tables::without_states(&plan.table(), training.as_ref(), NOT_KEPT)])?;
        notes.insert(plan.of.label.to_string(), json!({ "moments": 0, "reason": NOT_KEPT }));
    }
    let trained = training.as_ref().map(|training| {
        json!({
            "length_steps": training.length, "sigma_x_m": training.sigma_x_m, "median_extent_m": training.statistics.median_extent_m,
            "extent_m": training.statistics.extent_m, "largest_separation_m": training.cdf.largest_m,
        })
    });
    Ok(json!({ "arenas": notes, "training": trained }))
}

/// A part without rows has no types for some readers.
fn publish(publication: &mut Publication<'_>, frames: impl IntoIterator<Item = Frame>) -> Result<(), Failure> {
    for frame in frames.into_iter().filter(|frame| frame.rows() > 0) {
        publication.write(frame)?;
    }
    Ok(())
}

/// What is known of an arena before its states are looked at.
struct Plan<'a> {
    of: &'a Analyzed,
    modules: Vec<ModuleUnits>,
    changes: Vec<PeriodChange>,
}

impl Plan<'_> {
    fn table(&self) -> OfArena<'_> {
        OfArena {
            label: &self.of.label,
            box_m: geometry::box_m(&self.of.arena),
            units: self.of.units,
            modules: &self.modules,
            changes: &self.changes,
        }
    }
}

fn plans<'a>(arenas: &'a [Analyzed], modules: &[ModuleHere]) -> Vec<Plan<'a>> {
    let of_arena = |label: &Arc<str>| {
        let here = modules.iter().filter(|here| here.arena == *label);
        // The same units in every arena, so that arenas compare.
        here.map(|here| ModuleUnits {
            module: here.module,
            units: here.all_units.clone(),
            period_m: here.period_m,
            period_se_m: here.period_se_m,
        })
        .collect::<Vec<ModuleUnits>>()
    };
    let each: Vec<Vec<ModuleUnits>> = arenas.iter().map(|analyzed| of_arena(&analyzed.label)).collect();
    let periods: Vec<Period> = arenas
        .iter()
        .zip(&each)
        .enumerate()
        .flat_map(|(number, (analyzed, modules))| {
            modules.iter().map(move |module| Period {
                arena: number,
                area_m2: analyzed.arena.width_m * analyzed.arena.height_m,
                module: module.module,
                period_m: module.period_m,
                period_se_m: module.period_se_m,
            })
        })
        .collect();
    let mut changes = period_changes(&periods).into_iter();
    let plan = |(of, modules): (&'a Analyzed, Vec<ModuleUnits>)| {
        let changes = changes.by_ref().take(modules.len()).collect();
        Plan { of, modules, changes }
    };
    arenas.iter().zip(each).map(plan).collect()
}

/// Writes all of one arena; returns what the run's record keeps.
fn look(
    workspace: &Workspace<'_>,
    plan: &Plan<'_>,
    sample: &ArenaMoments,
    training: Option<&Training>,
    limit_m: Option<f64>,
    seed: Seed,
    publication: &mut Publication<'_>,
) -> Result<Value, Failure> {
    let config = &workspace.run.settings.analyze;
    let wrong = |error: &dyn std::fmt::Display| Failure::data(format!("{} {}: {error}", workspace.label(Stage::Analyze), plan.of.label));
    let moments =
        Moments::new(sample.activity.view(), &sample.positions_m, &sample.trajectories, &sample.times).map_err(|error| wrong(&error))?;
    let bins = Bins::square(plan.of.arena, config.ratemap.bins);
    if let Some(frames) = walks::evaluation(sample, limit_m) {
        publish(publication, frames)?;
    }
    let seed = seed.child(&plan.of.label);
    let states = ArenaStates { bins: &bins, moments, modules: &plan.modules };
    let found = generalization_in(&states, &plan.changes, config.checked_distances(), seed).map_err(|error| wrong(&error))?;
    interrupt::check(Stage::Analyze.name())?;
    let early = training.and_then(|training| up_to(&moments, training.length, config.checked_distances(), seed));
    let in_time = space_time(&moments, config.checked_distances(), seed);
    interrupt::check(Stage::Analyze.name())?;
    let decoded = path_integration(&moments, &bins, config.checked_path_integration(), seed);
    let reason = decoded.as_ref().err().map(ToString::to_string);
    publish(publication, distance_tables::arena(&plan.of.label, &found.distances, early.as_ref(), &in_time))?;
    let trajectories = moments.distinct_trajectories().len();
    let counts = (moments.count(), trajectories);
    publish(publication, [generalization_tables::rows(&plan.table(), &found, early.as_ref(), training, counts, reason.as_deref())])?;
    if let Ok(decoded) = &decoded {
        publish(publication, [generalization_tables::times(&plan.table(), decoded, training)])?;
    }
    let all = &found.all;
    Ok(json!({
        "moments": moments.count(), "trajectories": trajectories, "steps": sample.longest,
        "training_lengths": training.map(|training| sample.longest as f64 / training.length as f64),
        "chance_distance": all.chance_distance, "half_rise_m": all.half_rise_m, "half_rise_se_m": all.half_rise_se_m,
        "half_rise_reason": all.half_rise_reason, "half_rise_in_training_m": early.as_ref().map(|early| early.half_rise_m), "coherence": all.coherence.corrected, "coherence_chance": all.coherence.chance,
        "decoding": decoded.as_ref().ok().map(decoding), "decoding_reason": reason,
    }))
}

/// Neural distances among moments up to a time; none where there are none. What follows is blurred by drift, of which a long recording has more.
fn up_to(moments: &Moments<'_>, length: usize, config: &CheckedDistancesConfig, seed: Seed) -> Option<SpaceDistances> {
    let rows: Vec<usize> = (0..moments.count()).filter(|row| moments.times()[*row] as usize <= length).collect();
    let activity = moments.activity().select(Axis(0), &rows);
    let positions_m: Vec<[f64; 2]> = rows.iter().map(|row| moments.positions_m()[*row]).collect();
    let (trajectories, times) = (moments.trajectories(), moments.times());
    let [trajectories, times] = [trajectories, times].map(|of| rows.iter().map(|row| of[*row]).collect::<Vec<u32>>());
    let early = Moments::new(activity.view(), &positions_m, &trajectories, &times).ok()?;
    Some(space(&early, config, seed.child("up to the training's length")))
}

/// Errors of the first and the last times, for the record.
fn decoding(found: &PathIntegration) -> Value {
    let time = |place: usize| {
        let one = &found.times[place];
        json!({
            "from_step": one.from_step, "to_step": one.to_step, "nearest_m": one.nearest_m.median, "linear_m": one.linear_m.median,
            "constant_m": one.constant_m.median, "shuffled_m": one.shuffled_m.median,
        })
    };
    let bounds = found.times.len().checked_sub(1).map(|last| (time(0), time(last)));
    json!({
        "first": bounds.as_ref().map(|(first, _)| first), "last": bounds.as_ref().map(|(_, last)| last), "ridges": found.ridges,
        "known_bins": found.known_bins, "trajectories": found.trajectories, "outside": found.outside, "undecided": found.undecided,
    })
}

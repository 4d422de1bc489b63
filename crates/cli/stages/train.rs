//! Trains a network, or goes on from its newest checkpoint.

use super::checkpoints::{self, Checkpoint};
use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::Settings;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_lake::frame::Frame;
use gridlake_lake::manifest::Commit;
use gridlake_lake::partition::Owner;
use gridlake_lake::schema::METRICS;
use gridlake_lake::{Lake, layout, metrics};
use gridlake_model::{StepMetrics, Trainer};
use gridlake_space::seed::Seed;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A step's row with its rate and time.
struct Row {
    metrics: StepMetrics,
    steps_per_s: f64,
    wall_s: f64,
}

/// Trains to the last step. Each checkpoint comes with the metrics of the steps before it, so that a kill anywhere loses neither.
///
/// # Errors
/// A loss that is not finite, a damaged checkpoint or one of another configuration, a full disk, an interrupt.
pub(crate) fn train(workspace: &mut Workspace<'_>, force: bool) -> Result<Value, Failure> {
    let (lake, run) = (workspace.lake, workspace.run);
    let settings = &run.settings;
    let found = checkpoints::list(lake, &run.name)?;
    let newest = if force { None } else { found.last() };
    let mut trainer = match newest {
        Some(checkpoint) => {
            let file = lake.store().local(&checkpoint.key)?;
            Trainer::resume(&settings.train, Seed(settings.seed), &run.fingerprint, file.path())?
        }
        None => Trainer::new(&settings.train, Seed(settings.seed), &run.fingerprint)?,
    };
    // What this training did not leave goes, now that there is a device with room for the network.
    let mut begun = Commit::new(lake, &run.name);
    if force {
        for checkpoint in &found {
            begun.remove(&checkpoint.key);
        }
    }
    let (from, last) = (trainer.step_index(), workspace.last_step());
    let label = workspace.label(Stage::Train);
    tracing::info!("{label} on {}", trainer.device());
    if newest.is_some() {
        tracing::info!("{label} goes on from step {from}");
    }
    let owner = workspace.owner(Stage::Train);
    metrics::truncate_after(&mut begun, lake, &owner, from)?;
    begun.finish()?;
    let wall_before = if from == 0 { 0.0 } else { workspace.record.stages.get(Stage::Train.name()).map_or(0.0, |stage| stage.wall_s) };
    let mut progress = Progress::start(workspace.mode, &label, "steps", from, last);
    let (started, mut rows, mut logged) = (Instant::now(), Vec::new(), (Instant::now(), from));
    if last == 0 {
        save(lake, &owner, &trainer, &[], settings.train.checkpoints.keep)?;
    }
    workspace.record.device = trainer.device();
    workspace.note(Stage::Train, |stage| stage.step = from)?;
    let mut pace = Pace::default();
    while trainer.step_index() < last {
        let until = next_look(trainer.step_index(), settings).min(trainer.step_index() + pace.steps).min(last);
        let metrics = pace.keep(until - trainer.step_index(), || trainer.advance(until))?;
        let step = metrics.step;
        if step % settings.train.log_every == 0 || step == last || step == 1 {
            let steps_per_s = (step - logged.1) as f64 / logged.0.elapsed().as_secs_f64().max(1e-9);
            logged = (Instant::now(), step);
            rows.push(Row { metrics, steps_per_s, wall_s: wall_before + started.elapsed().as_secs_f64() });
        }
        progress.update(step, || format!("loss {:.4}", metrics.loss_total));
        let stop = interrupt::requested();
        if step % settings.train.checkpoints.every == 0 || step == last || stop {
            workspace.lock.check(&run.name)?;
            save(lake, &owner, &trainer, &rows, settings.train.checkpoints.keep)?;
            rows.clear();
            let wall_s = wall_before + started.elapsed().as_secs_f64();
            workspace.note(Stage::Train, |stage| (stage.step, stage.wall_s) = (step, wall_s))?;
        }
        if stop && step < last {
            return Err(Failure::interrupted(format!("interrupted; a checkpoint of step {step} is kept"))
                .hint("run the same command again to go on"));
        }
    }
    let rate = progress.rate(last);
    workspace.note(Stage::Train, |stage| stage.step = last)?;
    Ok(json!({ "resumed_from": from, "steps_per_s": if last > from { Some(rate) } else { None } }))
}

/// A checkpoint, the rows of metrics that led to it, and the end of those that are no longer kept: all at once.
fn save(lake: &Lake, owner: &Owner, trainer: &Trainer, rows: &[Row], keep: usize) -> Result<(), Failure> {
    let (step, stage) = (trainer.step_index(), Stage::Train.name());
    let mut commit = Commit::new(lake, &owner.run);
    metrics::append(&mut commit, lake, owner, &frame(rows))?;
    let scratch = lake.store().scratch(&owner.run)?;
    let (path, key) = (scratch.path().join("checkpoint.safetensors"), layout::checkpoint(&owner.run, step));
    trainer.save(&path)?;
    commit.add_file(&path, &key, stage, Some(step), &owner.fingerprint)?;
    if keep > 0 {
        let mut kept = checkpoints::list(lake, &owner.run)?;
        kept.retain(|checkpoint| checkpoint.key != key);
        kept.push(Checkpoint { step, key });
        for old in checkpoints::outdated(&kept, keep) {
            commit.remove(&old.key);
        }
    }
    Ok(commit.finish()?)
}

/// The next step after `done` at which there is something to log or to save.
fn next_look(done: u64, settings: &Settings) -> u64 {
    let next = |every: u64| done - done % every + every;
    let log = if done == 0 { 1 } else { next(settings.train.log_every) };
    log.min(next(settings.train.checkpoints.every))
}

/// How many steps to take before looking whether the user wants to stop: as many as take about a fifth of a second. A GPU waits at every look.
struct Pace {
    steps: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { steps: 1 }
    }
}

impl Pace {
    /// Takes in how long `taken` steps take.
    fn keep<T>(&mut self, taken: u64, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        let each = started.elapsed().as_secs_f64() / taken as f64;
        // At most twice as many as before: the first steps of a phase make its buffers.
        self.steps = ((LOOK_EVERY.as_secs_f64() / each.max(1e-9)) as u64).clamp(1, 2 * taken);
        done
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(200);

fn frame(rows: &[Row]) -> Frame {
    let column = |pick: &dyn Fn(&Row) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
    Frame::new(&METRICS, rows.len())
        .with("step", rows.iter().map(|row| row.metrics.step).collect::<Vec<u64>>())
        .with("loss_total", column(&|row| row.metrics.loss_total))
        .with("loss_separation", column(&|row| row.metrics.loss_separation))
        .with("loss_invariance", column(&|row| row.metrics.loss_invariance))
        .with("loss_capacity", column(&|row| row.metrics.loss_capacity))
        .with("loss_conformal", column(&|row| row.metrics.loss_conformal))
        .with("grad_norm", column(&|row| row.metrics.grad_norm))
        .with("learning_rate", column(&|row| row.metrics.learning_rate))
        .with("separation_pairs", column(&|row| row.metrics.separation_pairs))
        .with("invariance_pairs", column(&|row| row.metrics.invariance_pairs))
        .with("conformal_steps", column(&|row| row.metrics.conformal_steps))
        .with("zero_state_fraction", column(&|row| row.metrics.zero_state_fraction))
        .with("steps_per_s", column(&|row| row.steps_per_s))
        .with("wall_s", column(&|row| row.wall_s))
}

//! One run that is being worked on: its lock, its record, and how far its stages are.

use crate::failure::{Class, Failure};
use crate::fingerprint::to_json;
use crate::output::duration;
use crate::pipeline::Run;
use crate::plan::{Fingerprints, Stage};
use crate::progress::Mode;
use gridlake_lake::manifest::Manifest;
use gridlake_lake::partition::Owner;
use gridlake_lake::run_record::{self, RunRecord, StageRecord, Status, now_unix_s};
use gridlake_lake::store::RunLock;
use gridlake_lake::{Lake, layout};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;

/// A run, locked.
pub(crate) struct Workspace<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) run: &'a Run,
    pub(crate) mode: Mode,
    pub(crate) record: RunRecord,
    fingerprints: Fingerprints,
    pub(crate) lock: RunLock,
    /// Whether this command has saved the run's own record: once does where only checkpoints before the last are worked on.
    is_saved: bool,
}

impl<'a> Workspace<'a> {
    /// Makes the run's folder where there is none, and takes its lock.
    ///
    /// # Errors
    /// Another process at work on it; a lake that cannot be written; a damaged record.
    pub(crate) fn open(lake: &'a Lake, run: &'a Run, mode: Mode) -> Result<Self, Failure> {
        let lock = RunLock::take(lake.store(), &run.name)?;
        Manifest::recover(lake, &run.name)?;
        let settings = &run.settings;
        let record = RunRecord::load(lake, &run.name)?;
        let mut record = record.unwrap_or_else(|| RunRecord::new(&settings.name, run.variant.as_deref(), settings.seed, &run.fingerprint));
        if record.fingerprint != run.fingerprint {
            return Err(Failure::data(format!(
                "{}: the run belongs to another configuration (fingerprint {})",
                lake.show(&layout::run_record(&run.name)).display(),
                record.fingerprint
            ))
            .hint("choose another name or lake"));
        }
        let (analyze, draw) = (to_json(&**settings.analyze)?, to_json(&settings.draw)?);
        record.config = match &run.imported {
            Some(imported) => {
                json!({ "name": imported.name, "seed": settings.seed, "import": imported.config, "analyze": analyze, "draw": draw })
            }
            None => json!({
                "name": settings.name, "seed": settings.seed, "train": to_json(&**settings.train)?, "record": to_json(&settings.record)?,
                "analyze": analyze, "draw": draw,
            }),
        };
        record.versions = BTreeMap::from([("gridlake".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        record.threads = rayon::current_num_threads();
        if record.stages.keys().any(|stage| run_record::step_of(stage).is_some()) {
            // An older version kept all steps in one record.
            record.save(lake, &run.name)?;
            record.forget_steps();
        }
        let mut workspace = Self { lake, run, mode, record, fingerprints: Fingerprints::new(run), lock, is_saved: false };
        workspace.turn_to(run)?;
        Ok(workspace)
    }

    /// "RUN: stage", for logs and progress.
    pub(crate) fn label(&self, stage: Stage) -> String {
        if self.run.is_earlier() {
            format!("{}: {stage} step {}", self.run.name, self.run.step())
        } else {
            format!("{}: {stage}", self.run.name)
        }
    }

    /// Goes on with another checkpoint of the same run.
    ///
    /// # Errors
    /// Settings that JSON cannot hold; a damaged record of the checkpoint's step.
    pub(crate) fn turn_to(&mut self, run: &'a Run) -> Result<(), Failure> {
        self.record.forget_steps();
        if run.is_earlier() {
            self.record.load_step(self.lake, &run.name, run.step())?;
        }
        self.fingerprints = Fingerprints::new(run);
        self.run = run;
        Ok(())
    }

    pub(crate) fn fingerprint(&self, stage: Stage) -> &str {
        self.fingerprints.made(stage, &self.record)
    }

    /// What a stage's files carry.
    pub(crate) fn owner(&self, stage: Stage) -> Owner {
        Owner { run: self.run.name.clone(), fingerprint: self.fingerprint(stage).to_owned() }
    }

    /// The optimizer step that stages are about: the last, or that of an earlier checkpoint.
    pub(crate) fn last_step(&self) -> u64 {
        self.run.step()
    }

    /// Saves how far a stage is.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn note(&mut self, stage: Stage, change: impl FnOnce(&mut StageRecord)) -> Result<(), Failure> {
        if let Some(record) = self.record.stages.get_mut(&self.run.stage_key(stage)) {
            change(record);
        }
        let run = self.run;
        self.lock.check(&run.name)?;
        let knew = self.record.steps;
        if run.is_earlier() {
            self.record.save_step(self.lake, &run.name, run.step())?;
        }
        // That there are records of steps must be told in the run's own.
        if !(run.is_earlier() && knew && self.is_saved) {
            self.record.save(self.lake, &run.name)?;
            self.is_saved = true;
        }
        Ok(())
    }

    /// Removes the run's folder, if nothing of the run was recorded before: what failed leaves nothing.
    pub(crate) fn forget_new(&self) {
        if self.record.stages.is_empty() {
            // What cannot be removed now is an empty folder that no verb shows.
            let _ = self.lake.forget_empty(&self.run.name);
        }
    }

    /// Records a stage that is done, and was not recorded while it went on.
    ///
    /// # Errors
    /// A lake that cannot be written.
    pub(crate) fn keep(&mut self, stage: Stage, started: Instant, notes: serde_json::Value) -> Result<(), Failure> {
        let took = started.elapsed().as_secs_f64();
        let done = StageRecord {
            fingerprint: self.fingerprint(stage).to_owned(),
            status: Status::Done,
            step: self.last_step(),
            steps_total: self.last_step(),
            started_unix_s: now_unix_s() - took,
            finished_unix_s: Some(now_unix_s()),
            wall_s: took,
            threads: Some(rayon::current_num_threads()),
            error: None,
            notes,
        };
        self.record.stages.insert(self.run.stage_key(stage), done);
        self.note(stage, |_| {})
    }

    /// Does a stage from its beginning to its end, and keeps in the record how it went. `work` returns the notes that are kept.
    ///
    /// # Errors
    /// What `work` fails with.
    pub(crate) fn perform(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<serde_json::Value, Failure>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let (reached, before) = self
            .record
            .stages
            .get(&self.run.stage_key(stage))
            .filter(|before| stage == Stage::Train && before.status != Status::Done)
            .map_or((0, 0.0), |before| (before.step, before.wall_s));
        let begun = StageRecord {
            fingerprint: self.fingerprint(stage).to_owned(),
            status: Status::Running,
            step: if stage == Stage::Train { reached } else { self.last_step() },
            steps_total: self.last_step(),
            started_unix_s: now_unix_s(),
            finished_unix_s: None,
            wall_s: before,
            threads: Some(rayon::current_num_threads()),
            error: None,
            notes: serde_json::Value::Null,
        };
        self.record.stages.insert(self.run.stage_key(stage), begun);
        self.note(stage, |_| {})?;
        let outcome = work(self);
        let took = started.elapsed().as_secs_f64();
        let ended = |record: &mut StageRecord, status: Status| {
            record.status = status;
            record.finished_unix_s = Some(now_unix_s());
            record.wall_s = before + took;
        };
        match outcome {
            Ok(notes) => {
                self.note(stage, |record| {
                    ended(record, Status::Done);
                    record.notes = notes;
                })?;
                tracing::info!("{} done in {}", self.label(stage), duration(took));
                Ok(())
            }
            Err(failure) => {
                // What it had staged goes, or what it had decided is ended; what cannot be done now is done by the run's next command.
                let _ = self.lock.check(&self.run.name).and_then(|()| Manifest::recover(self.lake, &self.run.name));
                let status = if failure.class() == Class::Interrupted { Status::Interrupted } else { Status::Failed };
                // The failure itself is what the user must see, even where it cannot be recorded, as on a full disk.
                let _ = self.note(stage, |record| {
                    ended(record, status);
                    record.error = Some(failure.to_string());
                });
                Err(failure)
            }
        }
    }
}

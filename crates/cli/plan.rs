//! What is fresh, what is stale, and why.

use crate::failure::Failure;
use crate::fingerprint;
use crate::pipeline::Run;
use crate::pipeline::settings::Keep;
use crate::stages::checkpoints;
use gridlake_lake::index::{self, Files, Settings};
use gridlake_lake::manifest::Manifest;
use gridlake_lake::run_record::{RunRecord, Status};
use gridlake_lake::{Lake, LakeError, layout};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

/// The stages in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Train,
    Record,
    Analyze,
    Draw,
}

impl Stage {
    pub(crate) const ALL: [Stage; 4] = [Stage::Train, Stage::Record, Stage::Analyze, Stage::Draw];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Train => "train",
            Stage::Record => "record",
            Stage::Analyze => "analyze",
            Stage::Draw => "draw",
        }
    }

    /// The stage whose result this one reads.
    pub(crate) fn input(self) -> Option<Stage> {
        match self {
            Stage::Train => None,
            Stage::Record => Some(Stage::Train),
            Stage::Analyze => Some(Stage::Record),
            Stage::Draw => Some(Stage::Analyze),
        }
    }
}

/// The stages that a run has: what was imported is not trained, and its recording is the import; a checkpoint before the last is neither trained nor drawn.
pub(crate) fn stages_of(run: &Run) -> &'static [Stage] {
    match run {
        run if run.is_earlier() => &[Stage::Record, Stage::Analyze],
        Run { imported: Some(_), .. } => &[Stage::Record, Stage::Analyze, Stage::Draw],
        _ => &Stage::ALL,
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What each stage of a run depends on, as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprints {
    /// As the settings say.
    own: [String; 4],
    /// Where the recording keeps all activity: that does for whoever asks for less.
    whole: [String; 4],
    /// What the run's record calls the stages.
    keys: [String; 4],
}

impl Fingerprints {
    pub(crate) fn new(run: &Run) -> Self {
        let common = &run.common;
        let train = run.fingerprint.clone();
        let keys = Stage::ALL.map(|stage| run.stage_key(stage));
        let of = |record: String, analyze: String| -> [String; 4] {
            let draw = common.draw(&train, &analyze);
            [train.clone(), record, analyze, draw]
        };
        if run.imported.is_some() {
            let own = of(train.clone(), common.analyze(&fingerprint::seeded(&train, run.settings.seed)));
            return Self { whole: own.clone(), own, keys };
        }
        let states = common.states(&train, run.step());
        let whole = of(states.clone(), common.analyze(&states));
        let own = match run.settings.record.keep {
            Keep::All => whole.clone(),
            Keep::Sample | Keep::None => of(common.record(&states), common.analyze_kept(&states)),
        };
        Self { own, whole, keys }
    }

    /// The fingerprint of what `stage` makes now: a recording of what is asked for, the others from what is there, which may be more.
    pub(crate) fn made(&self, stage: Stage, record: &RunRecord) -> &str {
        let of =
            if stage.input().is_some_and(|input| stage > Stage::Record && self.is_whole(input, record)) { &self.whole } else { &self.own };
        &of[stage as usize]
    }

    /// The fingerprint that a result must have to do for `stage`, given what is there: its own, or that of more than is asked for. Figures are those of the analysis that
    /// is there.
    fn accepted(&self, stage: Stage, record: &RunRecord) -> &str {
        let whole = self.is_whole(if stage == Stage::Draw { Stage::Analyze } else { stage }, record);
        let of = if whole { &self.whole } else { &self.own };
        &of[stage as usize]
    }

    fn is_whole(&self, stage: Stage, record: &RunRecord) -> bool {
        record.stages.get(&self.keys[stage as usize]).is_some_and(|done| done.fingerprint == self.whole[stage as usize])
    }
}

/// Whether a stage's result is in the lake, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) stage: Stage,
    /// `None`: it is there, made from these very settings.
    pub(crate) stale: Option<String>,
}

/// Looks at all stages of a run; `lake` is `None` where there is none yet.
///
/// # Errors
/// A damaged run record or manifest; settings that JSON cannot hold.
pub(crate) fn assess(lake: Option<&Lake>, run: &Run) -> Result<Vec<Verdict>, Failure> {
    Ok(assess_each(lake, &run.name, [run])?.pop().unwrap_or_default())
}

/// Looks at all stages of several checkpoints of the run `name`, as [`assess`] does at those of one.
///
/// # Errors
/// As [`assess`].
pub(crate) fn assess_each<'r>(
    lake: Option<&Lake>,
    name: &str,
    of: impl IntoIterator<Item = &'r Run>,
) -> Result<Vec<Vec<Verdict>>, Failure> {
    let record = lake.map_or(Ok(None), |lake| RunRecord::load(lake, name))?;
    let assess = |run: &Run| {
        let known = match (lake, &record) {
            (Some(lake), Some(record)) => {
                let mut record = record.clone();
                if run.is_earlier() {
                    record.load_step(lake, name, run.step())?;
                }
                Some((lake, record, Manifest::load_step(lake, name, run.step())?))
            }
            _ => None,
        };
        verdicts(known.as_ref().map(|(lake, record, manifest)| (*lake, record, manifest)), run)
    };
    of.into_iter().map(assess).collect()
}

/// A run's stages, of its last checkpoint and of those before, and its record in brief.
pub(crate) type Assessed = (Vec<Vec<Verdict>>, Option<RunRecord>);

/// Looks at all stages of all runs, with those of their checkpoints before the last, as [`assess_each`] does; what is known of very many runs together is
/// used. Returns the records of the runs too, in brief.
///
/// # Errors
/// As [`assess`].
pub(crate) fn assess_all(lake: Option<&Lake>, runs: &[Run], earlier: &[Vec<Run>]) -> Result<Vec<Assessed>, Failure> {
    let all = |place: usize| std::iter::once(&runs[place]).chain(&earlier[place]);
    let Some(lake) = lake else {
        let look = |place: usize| Ok((all(place).map(|run| verdicts(None, run)).collect::<Result<_, _>>()?, None));
        return (0..runs.len()).into_par_iter().map(look).collect();
    };
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    let records = index::each(lake, &names, |_, record: Result<Option<index::Record>, LakeError>, _: &Settings| {
        record.map(|record| record.map(|record| record.record))
    });
    let look = |place: usize, files: Result<Option<Files>, LakeError>, (): &()| {
        let record = match &records[place] {
            Ok(record) => record.as_ref(),
            // Said again where the run is looked at alone.
            Err(_) => None,
        };
        let run = &runs[place];
        let Some(record) = record.filter(|_| earlier[place].is_empty()) else { return assess_each(Some(lake), &run.name, all(place)) };
        let manifest = files?.map(Files::manifest).unwrap_or_default();
        Ok(vec![verdicts(Some((lake, record, &manifest)), run)?])
    };
    let verdicts = index::each(lake, &names, look);
    // What cannot be read has failed above.
    verdicts.into_iter().zip(records).map(|(verdicts, record)| Ok((verdicts?, record.ok().flatten()))).collect()
}

/// What is so of the stages of a run, from its record and its manifest, where it has any. A stage before that must be made anew from the same settings makes
/// the same bytes, so it leaves this one fresh.
fn verdicts(known: Option<(&Lake, &RunRecord, &Manifest)>, run: &Run) -> Result<Vec<Verdict>, Failure> {
    let fingerprints = Fingerprints::new(run);
    let verdict = |stage: Stage| {
        let stale = match known {
            Some((lake, record, manifest)) => why_stale(lake, run, stage, record, manifest, &fingerprints)?,
            None => Some("not done yet".to_owned()),
        };
        Ok(Verdict { stage, stale })
    };
    stages_of(run).iter().copied().map(verdict).collect()
}

fn why_stale(
    lake: &Lake,
    run: &Run,
    stage: Stage,
    record: &RunRecord,
    manifest: &Manifest,
    fingerprints: &Fingerprints,
) -> Result<Option<String>, Failure> {
    let Some(done) = record.stages.get(&run.stage_key(stage)) else { return Ok(Some("not done yet".to_owned())) };
    match done.status {
        Status::Done => {}
        Status::Running => return Ok(Some(format!("begun but not ended, at step {} of {}", done.step, done.steps_total))),
        Status::Failed => return Ok(Some(format!("failed: {}", done.error.as_deref().unwrap_or("unknown")))),
        Status::Interrupted => return Ok(Some(format!("interrupted at step {} of {}", done.step, done.steps_total))),
    }
    let fingerprint = fingerprints.accepted(stage, record);
    if done.fingerprint != fingerprint {
        let sums = stage == Stage::Record && run.settings.record.keep != Keep::All;
        let bins = if sums { " (or analyze.ratemap.bins, in which it adds up what it does not keep)" } else { "" };
        return Ok(Some(format!(
            "settings of [{stage}] or of a stage before have changed{bins}, or a gridlake made it that computed other numbers"
        )));
    }
    let steps = run.step();
    let altered = |key: String| format!("{key} is missing or altered");
    if stage == Stage::Train {
        let key = layout::checkpoint(&run.name, steps);
        return Ok(match lake.store().size(&key)? {
            None => Some(format!("there is no checkpoint of step {steps}")),
            Some(_) if checkpoints::is_whole(&lake.store().open(&key)?) => {
                manifest.first_stale(lake, stage.name(), None, fingerprint)?.map(altered)
            }
            Some(_) => Some(format!("{} is torn", lake.show(&key).display())),
        });
    }
    if manifest.of(stage.name(), Some(steps)).next().is_none() {
        return Ok(Some("no file of it is known".to_owned()));
    }
    if stage == Stage::Draw && done.notes.get("checkpoints").cloned().unwrap_or_default() != json!(analyzed_before(lake, run, record)?) {
        return Ok(Some("other checkpoints were analyzed since".to_owned()));
    }
    Ok(manifest.first_stale(lake, stage.name(), Some(steps), fingerprint)?.map(altered))
}

/// Steps of the checkpoints before the last whose analysis is there: what the figure of the development shows; `None` where none is asked for.
///
/// # Errors
/// A record that cannot be read.
pub(crate) fn analyzed_before(lake: &Lake, run: &Run, record: &RunRecord) -> Result<Option<Vec<u64>>, Failure> {
    let earlier = run.earlier();
    let done = |run: &Run| -> Result<Option<u64>, Failure> {
        let stage = record.of_step(lake, &run.name, run.step(), Stage::Analyze.name())?;
        Ok(stage.is_some_and(|stage| stage.status == Status::Done).then(|| run.step()))
    };
    if earlier.is_empty() {
        return Ok(None);
    }
    let steps = earlier.par_iter().map(done).collect::<Vec<_>>().into_iter().filter_map(Result::transpose);
    Ok(Some(steps.collect::<Result<_, _>>()?))
}

/// Roughly how long what is left of the wanted stages takes on two cores, checkpoints before the last included, s; what cannot be looked at is the run's own error.
pub(crate) fn left_s(lake: &Lake, run: &Run, wanted: &[Stage], force: bool) -> f64 {
    let stale = |verdict: &&Verdict| wanted.contains(&verdict.stage) && (force || verdict.stale.is_some());
    // Never nothing, where something is left.
    let seconds = |verdict: &Verdict| estimate_s(run, verdict.stage).max(0.001);
    let all: Vec<Run> = run.earlier().into_iter().chain([run.clone()]).collect();
    assess_each(Some(lake), &run.name, &all).map_or(0.001, |each| each.iter().flatten().filter(stale).map(seconds).sum())
}

/// Roughly how long a stage takes on two cores, s: operations counted, over rates measured once (docs/quickstart.md).
pub(crate) fn estimate_s(run: &Run, stage: Stage) -> f64 {
    let settings = &run.settings;
    let train = &settings.train;
    let (units, arenas) = match &run.imported {
        Some(imported) => (imported.units as f64, imported.arenas as f64),
        None => (train.model_after(run.step()).units as f64, settings.record.walked().len() as f64),
    };
    let hidden = train.model.mlp_hidden.last().copied().unwrap_or(2) as f64;
    match stage {
        Stage::Train => {
            let mut seconds = 0.0;
            let mut from = 0;
            let ends = train.curriculum.iter().map(|phase| phase.until.min(train.steps)).chain([train.steps]);
            for until in ends.filter(|until| *until > 0) {
                let settings = train.settings(train.phase_of(from));
                let (batch, length) = (settings.data.batch as f64, settings.data.length as f64);
                let (states, units) = (batch * length, settings.units as f64);
                // Pairs forwards and backwards, recurrence thrice, W(v) thrice, AdamW.
                let operations = 3.0 * states * states * units
                    + 6.0 * states * units * units
                    + 6.0 * length * hidden * units * units
                    + 60.0 * hidden * units * units;
                let slower = if train.engine == gridlake_model::config::EngineKind::Reference { 25.0 } else { 1.0 };
                seconds += until.saturating_sub(from) as f64 * settings.optimizer.accumulate as f64 * operations * slower / 110e9;
                from = from.max(until);
            }
            seconds
        }
        Stage::Record => {
            let steps = (settings.record.walked().len() * settings.record.trajectories * settings.record.steps) as f64;
            steps * 2.0 * hidden * units * units / 80e9 + steps * units / 400e6
        }
        Stage::Analyze => {
            let bins = settings.analyze.ratemap.bins as f64;
            let maps = arenas * units;
            maps * (settings.analyze.nulls.count as f64 * bins * bins * 0.125e-6 + 0.05)
        }
        Stage::Draw => 0.3 + arenas * units.min(settings.draw.max_units as f64) * 0.007,
    }
}

//! When each run of a sweep begins and ends: what is left of it, spread over the machine as `run` does.

use crate::pipeline::Run;
use crate::plan::{self, Stage, Verdict};
use crate::workers;
use gridlake_lake::Lake;
use gridlake_lake::run_record::{RunRecord, Status};
use std::collections::{BTreeMap, HashSet};

/// Processors that [`plan::estimate_s`] is about.
const ESTIMATED_ON: f64 = 2.0;

/// Runs of other pipelines that are looked at, spread over the lake.
const MOST_OTHERS: usize = 50;
/// Other runs tell of a stage that is estimated to take at most so many times as long, or as short.
const COMPARABLE: f64 = 20.0;

/// How much longer stages take here than estimated: processor time over estimate, the median over the runs of the pipeline that are done; of stages that none of them has
/// done, over the lake's other runs of a comparable size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    by_stage: BTreeMap<Stage, f64>,
    /// Runs that were measured.
    pub(crate) runs: usize,
    /// Other runs that were measured in their place.
    pub(crate) others: usize,
}

impl Rates {
    /// Of those of `runs` that have records; of stages that none of these measured, other runs of the lake.
    pub(crate) fn measured(lake: Option<&Lake>, runs: &[Run], records: &[Option<RunRecord>]) -> Self {
        let mut ratios: BTreeMap<Stage, Vec<f64>> = BTreeMap::new();
        let mut measured = 0;
        for (run, record) in runs.iter().zip(records).filter_map(|(run, record)| Some((run, record.as_ref()?))) {
            let found: Vec<(Stage, f64)> =
                plan::stages_of(run).iter().filter_map(|stage| Some((*stage, ratio(run, record, *stage)?))).collect();
            measured += usize::from(!found.is_empty());
            for (stage, ratio) in found {
                ratios.entry(stage).or_default().push(ratio);
            }
        }
        let mut others = 0;
        let missing: Vec<Stage> =
            runs.first().map_or(&[][..], plan::stages_of).iter().copied().filter(|stage| !ratios.contains_key(stage)).collect();
        if let (Some(lake), Some(like), false) = (lake, runs.first(), missing.is_empty()) {
            for (run, record) in others_of(lake, runs) {
                let comparable = |stage: &&Stage| is_comparable(like, &run, **stage);
                let found: Vec<(Stage, f64)> =
                    missing.iter().filter(comparable).filter_map(|stage| Some((*stage, ratio(&run, &record, *stage)?))).collect();
                others += usize::from(!found.is_empty());
                for (stage, ratio) in found {
                    ratios.entry(stage).or_default().push(ratio);
                }
            }
        }
        let median = |mut ratios: Vec<f64>| {
            ratios.sort_by(f64::total_cmp);
            ratios.get(ratios.len() / 2).copied().unwrap_or(1.0)
        };
        Self { by_stage: ratios.into_iter().map(|(stage, ratios)| (stage, median(ratios))).collect(), runs: measured, others }
    }

    /// Whether a stage was measured at all.
    pub(crate) fn knows(&self, stage: Stage) -> bool {
        self.by_stage.contains_key(&stage)
    }

    /// Processor time of a stage, s.
    fn processor_s(&self, run: &Run, stage: Stage) -> f64 {
        plan::estimate_s(run, stage) * ESTIMATED_ON * self.by_stage.get(&stage).copied().unwrap_or(1.0)
    }
}

/// Processor time over estimate of a stage that is done.
fn ratio(run: &Run, record: &RunRecord, stage: Stage) -> Option<f64> {
    let done = record.stages.get(stage.name()).filter(|done| done.status == Status::Done)?;
    let estimate = plan::estimate_s(run, stage) * ESTIMATED_ON;
    // Of records from before threads were kept for each stage only the last is known.
    let threads = done.threads.unwrap_or(record.threads).max(1) as f64;
    (estimate > 0.0 && done.wall_s > 0.0).then(|| done.wall_s * threads / estimate)
}

/// Trained runs of the lake that are none of these. What cannot be read tells nothing.
fn others_of(lake: &Lake, runs: &[Run]) -> Vec<(Run, RunRecord)> {
    let own: HashSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let mut names = lake.store().list("runs").map(|listing| listing.folders).unwrap_or_default();
    names.retain(|name| !own.contains(name.as_str()) && !name.starts_with('.'));
    let every = names.len().div_ceil(MOST_OTHERS).max(1);
    let recorded = |name: &String| {
        let record = RunRecord::load(lake, name).ok().flatten()?;
        Some((Run::recorded(&record)?, record))
    };
    names.iter().step_by(every).filter_map(recorded).collect()
}

/// Whether what a stage took of one run tells what it will take of another: fixed costs rule small ones, and a GPU's rates are no CPU's.
fn is_comparable(one: &Run, other: &Run, stage: Stage) -> bool {
    let (train, others) = (&one.settings.train, &other.settings.train);
    let on_device = matches!(stage, Stage::Train | Stage::Record) && one.imported.is_none();
    let times = plan::estimate_s(one, stage) / plan::estimate_s(other, stage);
    (!on_device || (train.device == others.device && train.engine == others.engine)) && (1.0 / COMPARABLE..=COMPARABLE).contains(&times)
}

/// One stage of a run that is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    /// From the start of the whole, s.
    pub(crate) begins_s: f64,
    pub(crate) takes_s: f64,
}

/// The schedule of all runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    /// For each run, by its place, the stages that are to be done, of which checkpoint.
    pub(crate) slots: Vec<BTreeMap<(u64, Stage), Slot>>,
    /// Until the last is done, s.
    pub(crate) ends_s: f64,
    /// Runs that have something to do, and how many of them are at work at once.
    pub(crate) busy: usize,
    pub(crate) at_once: usize,
    pub(crate) threads: usize,
}

impl Schedule {
    /// Whether a stage of any run is to be done.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        self.slots.iter().flat_map(BTreeMap::keys).any(|(_, other)| *other == stage)
    }

    /// Of what is stale by `verdicts`, of each run a list for the last checkpoint and for each before it, or of everything with `force`, on `threads` threads.
    pub(crate) fn new(runs: &[Run], verdicts: &[Vec<Vec<Verdict>>], force: bool, threads: usize, rates: &Rates) -> Self {
        let work: Vec<Vec<((u64, Stage), f64)>> = runs
            .iter()
            .zip(verdicts)
            .map(|(run, verdicts)| {
                let steps = std::iter::once(run.step()).chain(run.earlier().iter().map(Run::step).collect::<Vec<u64>>());
                let each = steps.zip(verdicts).flat_map(|(step, verdicts)| verdicts.iter().map(move |verdict| (step, verdict)));
                let stale = each.filter(|(_, verdict)| force || verdict.stale.is_some());
                let mut work: Vec<_> =
                    stale.map(|(step, verdict)| ((step, verdict.stage), rates.processor_s(run, verdict.stage))).collect();
                // Checkpoints before the last come before what shows them all.
                work.sort_by_key(|((_, stage), _)| *stage == Stage::Draw);
                work
            })
            .collect();
        let total = |run: usize| work[run].iter().map(|(_, seconds)| seconds).sum::<f64>();
        let mut order: Vec<usize> = (0..runs.len()).filter(|run| !work[*run].is_empty()).collect();
        let busy: Vec<&Run> = order.iter().map(|run| &runs[*run]).collect();
        let at_once = busy.first().map_or(0, |run| workers::at_once(&busy, &Stage::ALL, threads, run.settings.executor.at_once));
        if at_once > 1 {
            order.sort_by(|one, other| total(*other).total_cmp(&total(*one)));
        }
        let mut schedule = Self { slots: vec![BTreeMap::new(); runs.len()], busy: order.len(), at_once, threads, ends_s: 0.0 };
        // Of each run at work when it ends, and its threads.
        let mut at_work: Vec<(f64, usize)> = Vec::new();
        let (mut free, mut now) = (threads, 0.0_f64);
        for (begun, &run) in order.iter().enumerate() {
            if at_work.len() >= at_once
                && let Some(first) = (0..at_work.len()).min_by(|one, other| at_work[*one].0.total_cmp(&at_work[*other].0))
            {
                let (ended, threads) = at_work.swap_remove(first);
                now = now.max(ended);
                free += threads;
            }
            let share = (free / (at_once - at_work.len()).min(order.len() - begun).max(1)).max(1);
            free = free.saturating_sub(share);
            let mut begins_s = now;
            for &(of, seconds) in &work[run] {
                let takes_s = seconds / share as f64;
                schedule.slots[run].insert(of, Slot { begins_s, takes_s });
                begins_s += takes_s;
            }
            at_work.push((begins_s, share));
            schedule.ends_s = schedule.ends_s.max(begins_s);
        }
        schedule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Overrides, resolve};

    fn runs(seeds: usize) -> Vec<Run> {
        let folder = tempfile::tempdir().unwrap();
        let (path, lake) = (folder.path().join("p.toml"), folder.path().join("lake"));
        let seeds: Vec<usize> = (0..seeds).collect();
        std::fs::write(&path, format!("lake = '{}'\n[train]\nsteps = 1000\n[sweep]\nseeds = {seeds:?}\n", lake.display())).unwrap();
        resolve(&path, &Overrides::default()).unwrap().runs
    }

    fn verdicts(runs: &[Run], stale: impl Fn(usize) -> bool) -> Vec<Vec<Vec<Verdict>>> {
        let of = |run: usize| Stage::ALL.map(|stage| Verdict { stage, stale: stale(run).then(|| "not done yet".to_owned()) }).to_vec();
        (0..runs.len()).map(|run| vec![of(run)]).collect()
    }

    #[test]
    fn equal_runs_fill_the_machine() {
        let runs = runs(6);
        let rates = Rates::default();
        let of = |threads: usize, stale: &dyn Fn(usize) -> bool| Schedule::new(&runs, &verdicts(&runs, stale), false, threads, &rates);
        let one: f64 = Stage::ALL.iter().map(|stage| rates.processor_s(&runs[0], *stage)).sum();
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-6 * expected;
        assert!(close(of(1, &|_| true).ends_s, 6.0 * one));
        let two = of(2, &|_| true);
        assert!(close(two.ends_s, 3.0 * one) && two.at_once == 2 && two.busy == 6, "{two:?}");
        // The last of three has both threads only once both are free.
        assert!(close(of(2, &|run| run < 3).ends_s, 2.0 * one));
        let begins: Vec<f64> = two.slots.iter().map(|slots| slots[&(1000, Stage::Train)].begins_s).collect();
        assert!(begins[..2] == [0.0, 0.0] && close(begins[2], one) && close(begins[5], 2.0 * one), "{begins:?}");
        let none = of(2, &|_| false);
        assert!(none.ends_s == 0.0 && none.busy == 0 && none.slots.iter().all(BTreeMap::is_empty));
    }

    #[test]
    fn other_runs_of_the_lake_tell_where_none_of_these_is_done() {
        let runs = runs(1);
        let lake = Lake::create(&runs[0].settings.lake).unwrap();
        let save = |name: &str, steps: u64, device: &str, times: f64| {
            let mut other = runs[0].clone();
            let mut train = serde_json::to_value(&**other.settings.train).unwrap();
            (train["steps"], train["device"]) = (steps.into(), device.into());
            let mut record = RunRecord::new("other", None, 3, "");
            record.config = serde_json::json!({ "name": "other", "seed": 3, "train": train, "record": { "steps": 50 } });
            other = Run::recorded(&record).unwrap();
            assert_eq!((other.settings.train.steps, other.settings.record.steps, other.settings.seed), (steps, 50, 3));
            record.stages.insert("train".to_owned(), done(times * plan::estimate_s(&other, Stage::Train)));
            record.save(&lake, name).unwrap();
        };
        save("other-s3-00000000", 2000, &runs[0].settings.train.device.clone(), 3.0);
        save("other-s4-00000000", 2000, "cuda", 0.01);
        save("other-s5-00000000", 1, &runs[0].settings.train.device.clone(), 100.0);
        let rates = Rates::measured(Some(&lake), &runs, &[None]);
        assert_eq!((rates.runs, rates.others), (0, 1), "neither a GPU's nor one of a single step");
        let estimate = plan::estimate_s(&runs[0], Stage::Train);
        // On one thread, of two that the estimate is for.
        assert!((rates.processor_s(&runs[0], Stage::Train) - 3.0 * estimate).abs() < 1e-9 * estimate);
        assert!(rates.knows(Stage::Train) && !rates.knows(Stage::Draw));
    }

    fn done(wall_s: f64) -> gridlake_lake::run_record::StageRecord {
        gridlake_lake::run_record::StageRecord {
            fingerprint: String::new(),
            status: Status::Done,
            step: 1000,
            steps_total: 1000,
            started_unix_s: 0.0,
            finished_unix_s: None,
            wall_s,
            threads: Some(1),
            error: None,
            notes: serde_json::Value::Null,
        }
    }

    #[test]
    fn what_was_measured_replaces_what_is_estimated() {
        let runs = runs(2);
        assert_eq!(Rates::measured(None, &runs, &[None, None]), Rates::default());
        let mut record = RunRecord::new("run", None, 0, &runs[0].fingerprint);
        record.threads = 4;
        let estimate = plan::estimate_s(&runs[0], Stage::Train);
        record.stages.insert("train".to_owned(), done(3.0 * estimate));
        let rates = Rates::measured(None, &runs, &[Some(record), None]);
        assert_eq!(rates.runs, 1);
        // 3 × the estimate for two processors, on one.
        assert!((rates.processor_s(&runs[1], Stage::Train) - 3.0 * estimate).abs() < 1e-9 * estimate);
        assert_eq!(rates.processor_s(&runs[1], Stage::Draw), Rates::default().processor_s(&runs[1], Stage::Draw));
    }
}

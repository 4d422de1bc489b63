//! When each run of a sweep begins and ends: what is left of it, spread over the machine as `run` does.

use crate::pipeline::Run;
use crate::plan::{self, Stage, Verdict};
use crate::workers;
use gridlake_lake::Lake;
use gridlake_lake::run_record::{RunRecord, Status};
use std::collections::BTreeMap;

/// Processors that [`plan::estimate_s`] is about.
const ESTIMATED_ON: f64 = 2.0;

/// How much longer stages take here than estimated: processor time over estimate, the median over the runs of the pipeline that are done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    by_stage: BTreeMap<Stage, f64>,
    /// Runs that were measured.
    pub(crate) runs: usize,
}

impl Rates {
    /// Of those of `runs` that the lake holds. A record that cannot be read tells nothing.
    pub(crate) fn measured(lake: Option<&Lake>, runs: &[Run]) -> Self {
        let mut ratios: BTreeMap<Stage, Vec<f64>> = BTreeMap::new();
        let mut measured = 0;
        for run in runs {
            let Some(record) = lake.and_then(|lake| RunRecord::load(lake, &run.name).ok().flatten()) else { continue };
            let before = ratios.values().map(Vec::len).sum::<usize>();
            for &stage in plan::stages_of(run) {
                let Some(done) = record.stages.get(stage.name()).filter(|done| done.status == Status::Done) else { continue };
                let estimate = plan::estimate_s(run, stage) * ESTIMATED_ON;
                // Of records from before threads were kept for each stage only the last is known.
                let threads = done.threads.unwrap_or(record.threads).max(1) as f64;
                if estimate > 0.0 && done.wall_s > 0.0 {
                    ratios.entry(stage).or_default().push(done.wall_s * threads / estimate);
                }
            }
            measured += usize::from(ratios.values().map(Vec::len).sum::<usize>() > before);
        }
        let median = |mut ratios: Vec<f64>| {
            ratios.sort_by(f64::total_cmp);
            ratios.get(ratios.len() / 2).copied().unwrap_or(1.0)
        };
        Self { by_stage: ratios.into_iter().map(|(stage, ratios)| (stage, median(ratios))).collect(), runs: measured }
    }

    /// Processor time of a stage, s.
    fn processor_s(&self, run: &Run, stage: Stage) -> f64 {
        plan::estimate_s(run, stage) * ESTIMATED_ON * self.by_stage.get(&stage).copied().unwrap_or(1.0)
    }
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
    fn what_was_measured_replaces_what_is_estimated() {
        let runs = runs(2);
        assert_eq!(Rates::measured(None, &runs), Rates::default());
        let lake = Lake::create(&runs[0].settings.lake).unwrap();
        let mut record = RunRecord::new("run", None, 0, &runs[0].fingerprint);
        record.threads = 4;
        let estimate = plan::estimate_s(&runs[0], Stage::Train);
        let done = gridlake_lake::run_record::StageRecord {
            fingerprint: String::new(),
            status: Status::Done,
            step: 1000,
            steps_total: 1000,
            started_unix_s: 0.0,
            finished_unix_s: None,
            wall_s: 3.0 * estimate,
            threads: Some(1),
            error: None,
            notes: serde_json::Value::Null,
        };
        record.stages.insert("train".to_owned(), done);
        record.save(&lake, &runs[0].name).unwrap();
        let rates = Rates::measured(Some(&lake), &runs);
        assert_eq!(rates.runs, 1);
        // 3 × the estimate for two processors, on one.
        assert!((rates.processor_s(&runs[1], Stage::Train) - 3.0 * estimate).abs() < 1e-9 * estimate);
        assert_eq!(rates.processor_s(&runs[1], Stage::Draw), Rates::default().processor_s(&runs[1], Stage::Draw));
    }
}

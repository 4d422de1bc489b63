//! What is submitted: job arrays, one for each stage, and what waits for what.
//!
//! Runs with the same first stage to do make a group. In a group, task k of every array is about the same run, so that each task waits for one task alone: that of its run in the
//! stage before. An array has at most as many tasks as the cluster allows; a larger group is several chains of arrays.

use crate::plan::Stage;
use serde::{Deserialize, Serialize};

/// What the tasks of a job do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    Train,
    Record,
    Analyze,
    Draw,
    /// Brings what shows several runs up to date: one task.
    Index,
}

impl Work {
    pub(crate) const ALL: [Work; 5] = [Work::Train, Work::Record, Work::Analyze, Work::Draw, Work::Index];

    pub(crate) fn stage(self) -> Option<Stage> {
        Stage::ALL.get(self as usize).copied()
    }

    fn of(stage: Stage) -> Self {
        Self::ALL[stage as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.stage().map_or("index", Stage::name)
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    /// The run of its task 0 in the list of runs, and how many there are from there; 0 for a job that is no array.
    pub(crate) first: usize,
    pub(crate) runs: usize,
    /// Places of the jobs that it waits for.
    pub(crate) after: Vec<usize>,
    /// Its number in the cluster, once it is submitted.
    pub(crate) id: Option<u64>,
}

/// Orders runs, each with the stages that it needs (in order, at least one), and makes jobs of them. Returns the order, as places in `needs`, and the jobs, each behind those that
/// it waits for. `most`: tasks of an array. `index`: whether what is drawn is to be brought together in the end.
pub(crate) fn arrange(needs: &[Vec<Stage>], most: usize, index: bool) -> (Vec<usize>, Vec<Job>) {
    let mut order: Vec<usize> = (0..needs.len()).filter(|run| !needs[*run].is_empty()).collect();
    order.sort_by_key(|run| needs[*run][0]);
    let mut jobs: Vec<Job> = Vec::new();
    let mut first = 0;
    for group in order.chunk_by(|one, other| needs[*one][0] == needs[*other][0]) {
        for chain in group.chunks(most.max(1)) {
            let mut after = Vec::new();
            // What only some runs of a chain need finds itself done in the others.
            for stage in Stage::ALL.into_iter().filter(|stage| chain.iter().any(|run| needs[*run].contains(stage))) {
                jobs.push(Job { work: Work::of(stage), first, runs: chain.len(), after, id: None });
                after = vec![jobs.len() - 1];
            }
            first += chain.len();
        }
    }
    if index {
        let draws: Vec<usize> = (0..jobs.len()).filter(|job| jobs[*job].work == Work::Draw).collect();
        if !draws.is_empty() {
            jobs.push(Job { work: Work::Index, first: 0, runs: 0, after: draws, id: None });
        }
    }
    (order, jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(jobs: &[Job]) -> Vec<String> {
        let told = |job: &Job| format!("{} {}+{} after {:?}", job.work.name(), job.first, job.runs, job.after);
        jobs.iter().map(told).collect()
    }

    #[test]
    fn every_stage_of_a_sweep_is_an_array_that_waits_for_the_one_before() {
        let (order, jobs) = arrange(&vec![Stage::ALL.to_vec(); 16], 1001, true);
        assert_eq!(order, (0..16).collect::<Vec<_>>());
        assert_eq!(
            told(&jobs),
            ["train 0+16 after []", "record 0+16 after [0]", "analyze 0+16 after [1]", "draw 0+16 after [2]", "index 0+0 after [3]"]
        );
    }

    #[test]
    fn runs_that_are_further_make_chains_of_their_own() {
        let late = || vec![Stage::Analyze, Stage::Draw];
        let (order, jobs) = arrange(&[late(), Stage::ALL.to_vec(), vec![], late(), vec![Stage::Train]], 1001, false);
        assert_eq!(order, [1, 4, 0, 3]);
        assert_eq!(
            told(&jobs),
            [
                "train 0+2 after []",
                "record 0+2 after [0]",
                "analyze 0+2 after [1]",
                "draw 0+2 after [2]",
                "analyze 2+2 after []",
                "draw 2+2 after [4]"
            ]
        );
    }

    #[test]
    fn no_array_is_longer_than_allowed() {
        let (_, jobs) = arrange(&vec![vec![Stage::Record, Stage::Draw]; 5], 2, true);
        assert_eq!(
            told(&jobs),
            [
                "record 0+2 after []",
                "draw 0+2 after [0]",
                "record 2+2 after []",
                "draw 2+2 after [2]",
                "record 4+1 after []",
                "draw 4+1 after [4]",
                "index 0+0 after [1, 3, 5]"
            ]
        );
        assert_eq!(arrange(&[vec![]], 10, true).1, []);
    }
}

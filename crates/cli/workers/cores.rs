//! How many runs are at work at once, and with how many threads each.
//!
//! Small networks do not keep many threads busy, so as many runs as there are threads are at work, if they fit the memory; what is left over goes to those that begin last.

use crate::pipeline::Run;
use crate::plan::Stage;
use std::sync::{Mutex, PoisonError};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
/// A run's memory beside that of its homology, GiB.
const OTHER_GIB: f64 = 0.5;

/// How many of the runs that have something to do are at work at once on `threads` threads: no more than fit the free memory, if each takes what `analyze.torus.memory_gib` allows
/// it. `most` bounds it further, where it is not 0.
pub(crate) fn at_once(busy: &[&Run], wanted: &[Stage], threads: usize, most: usize) -> usize {
    let each = if wanted.contains(&Stage::Analyze) {
        busy.iter().map(|run| run.settings.analyze.torus.memory_gib + OTHER_GIB).fold(OTHER_GIB, f64::max)
    } else {
        OTHER_GIB
    };
    let fit = free_memory_gib().map_or(usize::MAX, |free| (free / each) as usize);
    let most = if most == 0 { usize::MAX } else { most };
    busy.len().min(threads).min(fit).min(most).max(1)
}

/// Memory that can be had without swapping, GiB; `None` where the system does not tell.
fn free_memory_gib() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024.0 / GIB)
}

/// Threads shared out among runs.
#[derive(Debug)]
pub(crate) struct Cores {
    shares: Mutex<Shares>,
}

#[derive(Debug)]
struct Shares {
    free: usize,
    /// Runs that may yet begin beside those at work.
    slots: usize,
    /// Runs that have not begun.
    waiting: usize,
}

impl Cores {
    /// `threads` for `runs` runs, `at_once` of them at a time.
    pub(crate) fn new(threads: usize, at_once: usize, runs: usize) -> Self {
        Self { shares: Mutex::new(Shares { free: threads, slots: at_once, waiting: runs }) }
    }

    /// Does `work` with a run's share of the threads.
    pub(crate) fn share<T>(&self, work: impl FnOnce(usize) -> T) -> T {
        let threads = self.change(|shares| {
            let beside = shares.slots.min(shares.waiting).max(1);
            let threads = (shares.free / beside).max(1);
            shares.free = shares.free.saturating_sub(threads);
            shares.slots = shares.slots.saturating_sub(1);
            shares.waiting = shares.waiting.saturating_sub(1);
            threads
        });
        let done = work(threads);
        self.change(|shares| {
            shares.free += threads;
            shares.slots += 1;
        });
        done
    }

    fn change<T>(&self, change: impl FnOnce(&mut Shares) -> T) -> T {
        change(&mut self.shares.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The threads that runs get which begin one after the other while all before are at work.
    fn nested(cores: &Cores, deep: usize, got: &mut Vec<usize>) {
        if deep > 0 {
            cores.share(|threads| {
                got.push(threads);
                nested(cores, deep - 1, got);
            });
        }
    }

    fn begun(threads: usize, at_once: usize, runs: usize) -> Vec<usize> {
        let mut got = Vec::new();
        nested(&Cores::new(threads, at_once, runs), at_once, &mut got);
        got
    }

    #[test]
    fn all_threads_are_given_out_and_none_twice() {
        assert_eq!(begun(2, 2, 32), [1, 1]);
        assert_eq!(begun(16, 3, 3), [5, 5, 6]);
        assert_eq!(begun(16, 3, 40), [5, 5, 6]);
        assert_eq!(begun(8, 1, 1), [8]);
        for (threads, at_once) in [(1, 1), (7, 2), (64, 10), (5, 5)] {
            assert_eq!(begun(threads, at_once, at_once).iter().sum::<usize>(), threads);
        }
    }

    #[test]
    fn the_last_run_gets_what_the_others_gave_back() {
        let cores = Cores::new(4, 2, 3);
        assert_eq!(cores.share(|first| (first, cores.share(|second| second))), (2, 2));
        assert_eq!(cores.share(|last| last), 4);
    }
}

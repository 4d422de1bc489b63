//! Several runs at work at once.

use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::Run;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};

/// Does `work` on every run, `at_once` of them at a time, and hands each outcome to `report` as it comes; one after the other, in the order of the runs, where one is at work at a
/// time. When `report` fails or the user asks to stop, no further run is begun. Returns the first failure of `report`, once those under way have ended.
///
/// # Errors
/// What `report` fails with.
pub(super) fn for_each(
    runs: &[Run],
    at_once: usize,
    work: impl Fn(&Run) -> Result<(), Failure> + Sync,
    mut report: impl FnMut(&Run, Result<(), Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if at_once <= 1 {
        return runs.iter().try_for_each(|run| report(run, work(run)));
    }
    let waiting = Mutex::new(runs.iter().collect::<VecDeque<_>>());
    let waiting = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let (done, outcomes) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(runs.len()) {
            let (done, work) = (done.clone(), &work);
            scope.spawn(move || {
                while !interrupt::requested() {
                    let Some(run) = waiting().pop_front() else { break };
                    // The receiver is there until all senders are gone.
                    let _ = done.send((run, work(run)));
                }
            });
        }
        drop(done);
        let mut first = Ok(());
        for (run, outcome) in outcomes {
            let reported = report(run, outcome);
            if reported.is_err() {
                waiting().clear();
                first = first.and(reported);
            }
        }
        first
    })
}

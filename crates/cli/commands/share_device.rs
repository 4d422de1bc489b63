//! Several runs at work at once, reported one after the other in their order.

use crate::failure::Failure;
use crate::pipeline::Run;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

/// Does `work` on every run, `at_once` of them at a time, and hands each outcome to `report` in the order of the runs. When `report` fails, no further run is begun, and its
/// failure is returned once those under way have ended.
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
    let waiting = Mutex::new(runs.iter().enumerate().collect::<VecDeque<_>>());
    let (done, changed) = (Mutex::new(runs.iter().map(|_| None).collect::<Vec<_>>()), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(runs.len()) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((number, run)) = next else { break };
                    let outcome = work(run);
                    done.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(outcome);
                    changed.notify_one();
                }
            });
        }
        for (number, run) in runs.iter().enumerate() {
            let mut outcomes = done.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = loop {
                match outcomes[number].take() {
                    Some(outcome) => break outcome,
                    None => outcomes = changed.wait(outcomes).unwrap_or_else(PoisonError::into_inner),
                }
            };
            drop(outcomes);
            report(run, outcome).inspect_err(|_| waiting.lock().unwrap_or_else(PoisonError::into_inner).clear())?;
        }
        Ok(())
    })
}

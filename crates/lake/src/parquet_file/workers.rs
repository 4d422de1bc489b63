//! Threads that do jobs whose results come in the order of the jobs.
//!
//! They are threads of their own, not those of a pool that computes: a caller that waits for a result may be a thread of that pool.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle, available_parallelism};

/// More would hold more memory than they save time.
const MOST_THREADS: usize = 8;

static LIMIT: AtomicUsize = AtomicUsize::new(MOST_THREADS);

/// Files that are opened from now on are written and read on at most so many threads (at least one; by default on as many as the machine has, at
/// most 8). What they hold does not depend on it.
pub fn limit_threads(threads: usize) {
    LIMIT.store(threads.clamp(1, MOST_THREADS), Ordering::Relaxed);
}

/// Threads for one file.
pub(super) fn threads() -> usize {
    available_parallelism().map_or(1, std::num::NonZero::get).min(LIMIT.load(Ordering::Relaxed))
}

/// Jobs under way, oldest first. Dropping it waits for them: they are few.
pub(super) struct Workers<J, T> {
    jobs: Option<Sender<(J, SyncSender<T>)>>,
    under_way: VecDeque<Receiver<T>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static, T: Send + 'static> Workers<J, T> {
    /// Starts threads that do `work`.
    ///
    /// # Errors
    /// A system that gives no thread.
    pub(super) fn start(threads: usize, work: impl Fn(J) -> T + Send + Sync + 'static) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<(J, SyncSender<T>)>();
        let (queue, work) = (Arc::new(Mutex::new(queue)), Arc::new(work));
        let threads = (0..threads).map(|_| {
            let (queue, work) = (Arc::clone(&queue), Arc::clone(&work));
            Builder::new().name("gridlake-lake".to_owned()).spawn(move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, answer)) = job else { return };
                    // Nobody waits any more when the file was given up.
                    let _ = answer.send(work(job));
                }
            })
        });
        Ok(Self { jobs: Some(jobs), under_way: VecDeque::new(), threads: threads.collect::<Result<_, _>>()? })
    }

    /// Whether enough is under way to keep every thread busy while one result is taken.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.len() > self.threads.len()
    }

    /// Adds a job.
    pub(super) fn submit(&mut self, job: J) {
        let (answer, result) = sync_channel(1);
        // Without threads the job is dropped with its sender, and `next` says so.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send((job, answer)));
        self.under_way.push_back(result);
    }

    /// Waits for the oldest job's result; `None` without jobs.
    ///
    /// # Errors
    /// A thread that died.
    pub(super) fn next(&mut self) -> Option<std::io::Result<T>> {
        let oldest = self.under_way.pop_front()?;
        Some(oldest.recv().map_err(|_| std::io::Error::other("a thread that encodes or decodes row groups died; see its message above")))
    }
}

impl<J, T> Drop for Workers<J, T> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // It says itself why it died.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let mut workers = Workers::start(3, |job: u64| {
            std::thread::sleep(std::time::Duration::from_millis(7 * (job % 3)));
            job * 2
        })
        .unwrap();
        let mut results = Vec::new();
        for job in 0..20 {
            workers.submit(job);
            if workers.is_busy() {
                results.extend(workers.next().map(Result::unwrap));
            }
            assert!(workers.under_way.len() <= 3);
        }
        while let Some(result) = workers.next() {
            results.push(result.unwrap());
        }
        assert_eq!(results, (0..20).map(|job| job * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_thread_that_dies_is_an_error_and_no_hang() {
        let mut workers = Workers::start(1, |job: u32| assert!(job != 1, "the test's own")).unwrap();
        for job in 0..3 {
            workers.submit(job);
        }
        assert!(workers.next().unwrap().is_ok());
        assert!(workers.next().unwrap().is_err());
        assert!(workers.next().unwrap().is_err());
    }
}

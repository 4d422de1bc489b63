//! The tasks that were submitted from a lake, and where each is.

use super::arrays::Work;
use super::slurm::{self, Queued};
use super::submission::Submission;
use crate::failure::Failure;
use gridlake_lake::Lake;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// The last task of a run's stage.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// As Slurm's commands know it: `<job>_<task>`.
    pub(crate) name: String,
    pub(crate) log: PathBuf,
    /// `None`: it is not in the queue, or its cluster was not asked.
    pub(crate) queued: Option<Queued>,
    /// Whether its cluster was asked.
    pub(crate) asked: bool,
    /// Whether the user took it out of the queue.
    pub(crate) cancelled: bool,
}

impl Task {
    /// "queued", "on n3", or as Slurm says.
    pub(crate) fn place(&self) -> Option<String> {
        let queued = self.queued.as_ref()?;
        Some(match queued.state.as_str() {
            "PENDING" => "queued".to_owned(),
            "RUNNING" => format!("on {}", queued.node),
            other => other.to_lowercase(),
        })
    }
}

/// All tasks of a lake.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By run and work.
    tasks: BTreeMap<(String, Work), Task>,
    /// Jobs in the queue that are no arrays.
    single: Vec<u64>,
    /// Why it is not known what is queued.
    pub(crate) unknown: Option<Failure>,
}

impl Queue {
    /// Looks at what was submitted, and asks Slurm where it is. Where nothing was submitted, Slurm is not asked.
    ///
    /// # Errors
    /// A lake that cannot be read.
    pub(crate) fn of(lake: &Lake) -> Result<Self, Failure> {
        let submissions = Submission::all(lake)?;
        let mut queue = Self::default();
        if submissions.is_empty() {
            return Ok(queue);
        }
        let mut queued: HashMap<(u64, Option<usize>), Queued> = HashMap::new();
        let cluster = match ask(&submissions) {
            Ok((cluster, found)) => {
                queued.extend(found.into_iter().map(|task| ((task.job, task.task), task)));
                Some(cluster)
            }
            Err(failure) => {
                queue.unknown = Some(failure);
                None
            }
        };
        for submission in &submissions {
            let here = cluster.as_ref() == Some(&submission.cluster);
            for job in &submission.jobs {
                let Some(id) = job.id else { continue };
                if here && queued.contains_key(&(id, None)) {
                    queue.single.push(id);
                }
                for task in 0..job.runs {
                    let (Some(run), Some(log)) = (submission.run_of(job, task), submission.log(job, Some(task))) else { continue };
                    let queued = if here { queued.get(&(id, Some(task))).cloned() } else { None };
                    let name = format!("{id}_{task}");
                    let cancelled = submission.cancelled.contains(&name);
                    // Later submissions come later.
                    queue.tasks.insert((run.clone(), job.work), Task { name, log, queued, asked: here, cancelled });
                }
            }
        }
        Ok(queue)
    }

    pub(crate) fn task(&self, run: &str, work: Work) -> Option<&Task> {
        self.tasks.get(&(run.to_owned(), work))
    }

    /// The runs that have tasks, but for those that the user took out of the queue.
    pub(crate) fn runs(&self) -> BTreeSet<&str> {
        self.tasks.iter().filter(|(_, task)| !task.cancelled || task.queued.is_some()).map(|((run, _), _)| run.as_str()).collect()
    }

    /// Whether there are tasks that may still be in the queue, where what is done is known.
    pub(crate) fn is_open(&self, is_done: impl Fn(&str, Work) -> bool) -> bool {
        self.tasks.iter().any(|((run, work), task)| !task.cancelled && !is_done(run, *work))
    }

    /// The runs that have tasks in the queue, with the name of one.
    pub(crate) fn busy(&self) -> BTreeMap<&str, &str> {
        self.tasks.iter().filter(|(_, task)| task.queued.is_some()).map(|((run, _), task)| (run.as_str(), task.name.as_str())).collect()
    }

    /// Tasks in the queue whose run is `wanted`.
    pub(crate) fn live(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &Queued, &str)> {
        let live = self.tasks.iter().filter_map(|((run, _), task)| Some((run.as_str(), task.queued.as_ref()?, task.name.as_str())));
        live.filter(move |(run, _, _)| wanted(run))
    }

    /// Jobs in the queue, of whatever runs.
    pub(crate) fn jobs(&self) -> BTreeSet<u64> {
        self.live(|_| true).map(|(_, queued, _)| queued.job).chain(self.single.iter().copied()).collect()
    }
}

/// The cluster's name, and what of its submissions is in its queue.
fn ask(submissions: &[Submission]) -> Result<(String, Vec<Queued>), Failure> {
    let cluster = slurm::cluster()?.name;
    let here = submissions.iter().filter(|submission| submission.cluster == cluster);
    let jobs: Vec<u64> = here.flat_map(|submission| &submission.jobs).filter_map(|job| job.id).collect();
    let queued = if jobs.is_empty() { Vec::new() } else { slurm::queue(&jobs)? };
    Ok((cluster, queued))
}

//! Work as jobs of a Slurm cluster: one job array for each stage, one task for each run, nothing between nodes but the lake.
//!
//! Whoever submits writes into the lake what is to be done ([`submission`]); a task reads it there and does it as `gridlake run` would (`commands::task`). No process of gridlake
//! watches: Slurm starts tasks, starts them again, and knows where they are.

mod arrays;
mod config;
mod queue;
mod slurm;
mod submission;

pub(crate) use arrays::{Job, Work, arrange};
pub(crate) use config::{ExecutorConfig, Kind, is_loggable};
pub(crate) use queue::{Queue, Task};
pub(crate) use slurm::{Order, SCRIPT, arguments, cancel, cluster, requeue, state, submit};
pub(crate) use submission::Submission;

//! What parent and worker say to each other: JSON, one line each.

use crate::failure::Failure;
use crate::pipeline::Frozen;
use crate::plan::Stage;
use crate::progress::Event;
use serde::{Deserialize, Serialize};

/// The first line that a worker gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) run: Frozen,
    pub(crate) stages: Vec<Stage>,
    pub(crate) force: bool,
    /// The pipeline file, as hints name it.
    pub(crate) pipeline: String,
    /// Whether to tell how far it is; where not, it is told in the log, if at all.
    pub(crate) bars: bool,
}

/// The line that asks a worker for an orderly stop. The end of its input ends it at once.
pub(super) const STOP: &str = "stop";

/// Any line of a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Progress(Event),
    /// The last: it is done, and whether there was anything to do.
    Done(bool),
    /// The last: it failed.
    Failed(Failure),
}

//! The four stages: each reads what the one before left in the lake, and nothing else.

pub(crate) mod analyze;
pub(crate) mod checkpoints;
pub(crate) mod draw;
pub(crate) mod record;
pub(crate) mod train;

use crate::failure::Failure;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_model::check_device;
use gridlake_model::config::EngineKind;

/// Does one stage of one run. A device that is not there is refused before anything of the run changes.
///
/// # Errors
/// What the stage fails with.
pub(crate) fn perform(workspace: &mut Workspace<'_>, stage: Stage, force: bool) -> Result<(), Failure> {
    let train = &workspace.run.settings.train;
    match stage {
        Stage::Train => check_device(&train.device, train.engine)?,
        Stage::Record => check_device(&train.device, EngineKind::Fused)?,
        Stage::Analyze | Stage::Draw => {}
    }
    workspace.perform(stage, |workspace| match stage {
        // On a thread of the pool: a step has dozens of parallel parts, and handing each over from outside would cost more than some of them.
        Stage::Train => rayon::scope(|_| train::train(workspace, force)),
        Stage::Record => record::record(workspace),
        Stage::Analyze => analyze::analyze(workspace),
        Stage::Draw => draw::draw(workspace),
    })
}

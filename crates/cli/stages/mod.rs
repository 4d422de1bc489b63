//! The four stages: each reads what the one before left in the lake, and nothing else.

pub(crate) mod analyze;
mod arena_sums;
pub(crate) mod checkpoints;
mod decoding_figures;
mod development;
mod distance_tables;
pub(crate) mod draw;
mod generalization;
mod generalization_figures;
mod generalization_tables;
pub(crate) mod geometry;
pub(crate) mod import;
mod module_figures;
mod modules;
mod moments;
mod null_figures;
pub(crate) mod record;
pub(crate) mod report;
mod report_units;
mod shifts;
mod state_figures;
mod state_space;
mod states;
mod structure_figures;
pub(crate) mod train;
mod unit_tables;
mod walk_figures;
mod walks;

use crate::failure::Failure;
use crate::pipeline::Run;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_model::config::EngineKind;
use gridlake_model::{WorksOn, check_device};

/// Refuses a device that a stage needs and that is not there; to be asked before anything of the run changes.
///
/// # Errors
/// What is missing, and what to do.
pub(crate) fn check(run: &Run, stage: Stage) -> Result<(), Failure> {
    let train = &run.settings.train;
    match stage {
        Stage::Train => check_device(&train.device, train.engine).map(|_| ())?,
        Stage::Record => check_device(&train.device, EngineKind::Fused).map(|_| ())?,
        Stage::Analyze | Stage::Draw => {}
    }
    Ok(())
}

/// Whether any of the stages works on a GPU; one that is not there is the run's own error.
pub(crate) fn works_on_gpu(run: &Run, wanted: &[Stage]) -> bool {
    let train = &run.settings.train;
    let on = |stage: Stage, engine: EngineKind| {
        run.imported.is_none() && wanted.contains(&stage) && check_device(&train.device, engine).is_ok_and(|on| on != WorksOn::Host)
    };
    on(Stage::Train, train.engine) || on(Stage::Record, EngineKind::Fused)
}

/// Does one stage of one run.
///
/// # Errors
/// What the stage fails with.
pub(crate) fn perform(workspace: &mut Workspace<'_>, stage: Stage, force: bool) -> Result<(), Failure> {
    let train = &workspace.run.settings.train;
    let on_host = stage == Stage::Train && check_device(&train.device, train.engine)? == WorksOn::Host;
    workspace.perform(stage, |workspace| match stage {
        // On a thread of the pool: a step has dozens of parallel parts, and handing each over from outside would cost more than some of them. A GPU needs none of
        // the pool's threads, which would only wait for it.
        Stage::Train if on_host => rayon::scope(|_| train::train(workspace, force)),
        Stage::Train => train::train(workspace, force),
        Stage::Record => record::record(workspace),
        Stage::Analyze => analyze::analyze(workspace),
        Stage::Draw => draw::draw(workspace),
    })
}

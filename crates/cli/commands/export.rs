//! `gridlake export`.

use super::open_lake;
use crate::args::ExportArguments;
use crate::failure::Failure;
use crate::output;
use crate::progress::{Mode, Progress};
use gridlake_lake::{Lake, LakeError, export, layout};

/// Copies one run into a folder of its own, and prints where it is and what was left out.
///
/// # Errors
/// A run that is not there or not the only one meant; a folder that is not empty; a file that is not whole.
pub(crate) fn export(arguments: &ExportArguments, mode: Mode) -> Result<(), Failure> {
    let lake = open_lake(&arguments.lake)?;
    let run = find(&lake, &arguments.run)?;
    let mut progress: Option<Progress> = None;
    let exported = export::export(&lake, &run, &arguments.to, &mut |done, total| {
        let bar = progress.get_or_insert_with(|| Progress::start(mode, "export", "MB", 0, total / 1_000_000));
        bar.update(done / 1_000_000, String::new);
    });
    drop(progress);
    let exported = exported.map_err(|error| match error {
        LakeError::NotEmpty { .. } => Failure::config(error),
        other => other.into(),
    })?;
    let size = format!("{}, {:.1} MB", output::counted(exported.files, "file"), exported.bytes as f64 / 1e6);
    let older = match checkpoints(&lake, &run)?.saturating_sub(1) {
        0 => String::new(),
        older => format!("; without {} of it, which the lake keeps", output::counted(older, "older checkpoint")),
    };
    output::print(&format!("{run}: {size}, in {} (a lake of its own: `gridlake verify` checks it){older}\n", arguments.to.display()))
}

/// How many checkpoints a run has, of which the newest alone is copied.
fn checkpoints(lake: &Lake, run: &str) -> Result<usize, Failure> {
    Ok(lake.store().list(&layout::checkpoints(run))?.files.iter().filter(|(name, _)| name.ends_with(".safetensors")).count())
}

/// The run of this name, or the only one whose name begins so.
fn find(lake: &Lake, wanted: &str) -> Result<String, Failure> {
    let runs = lake.runs()?;
    if let Some(run) = runs.iter().find(|run| *run == wanted) {
        return Ok(run.clone());
    }
    let begin: Vec<&String> = runs.iter().filter(|run| run.starts_with(wanted)).collect();
    match begin[..] {
        [run] => Ok(run.clone()),
        [] => Err(Failure::config(format!("there is no run {wanted} in {}", lake.show("").display()))
            .hint(format!("the runs are {}", if runs.is_empty() { "none".to_owned() } else { runs.join(", ") }))),
        _ => {
            let names = begin.iter().map(|run| run.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::config(format!("{wanted} may be any of several runs")).hint(format!("one of {names}")))
        }
    }
}

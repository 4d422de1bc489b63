//! `gridlake plan`.

use crate::args::PipelineArguments;
use crate::failure::Failure;
use crate::output::{self, duration};
use crate::pipeline::{self, Pipeline};
use crate::plan;
use gridlake_lake::store::{Location, Store};
use gridlake_lake::{Lake, LakeError};

/// Prints every stage of every run: whether it would run, why, and roughly how long. Changes nothing.
///
/// # Errors
/// A bad pipeline, a folder that is no lake, a damaged record.
pub(crate) fn plan(arguments: &PipelineArguments) -> Result<(), Failure> {
    let Pipeline { lake, runs } = pipeline::resolve(&arguments.pipeline, &arguments.overrides())?;
    let lake = open(&lake)?;
    let header = ["run", "stage", "state", "about", "why"].map(str::to_owned).to_vec();
    let (mut rows, mut total) = (vec![header], 0.0);
    for run in &runs {
        for verdict in plan::assess(lake.as_ref(), run)? {
            let why = if arguments.force { Some("forced".to_owned()) } else { verdict.stale };
            let seconds = if why.is_some() { plan::estimate_s(run, verdict.stage) } else { 0.0 };
            total += seconds;
            let (state, about) = if why.is_some() { ("stale", duration(seconds)) } else { ("fresh", String::new()) };
            rows.push(vec![run.name.clone(), verdict.stage.to_string(), state.to_owned(), about, why.unwrap_or_default()]);
        }
    }
    output::print(&format!("{}in all about {} on two cores of a CPU\n", output::table(&rows), duration(total)))
}

/// The lake, if there is one yet.
fn open(location: &Location) -> Result<Option<Lake>, Failure> {
    match Lake::open(location) {
        Err(LakeError::NotALake { path, .. }) => {
            let listing = Store::at(location)?.list("")?;
            if listing.files.is_empty() && listing.folders.is_empty() {
                Ok(None)
            } else {
                Err(Failure::data(format!("{} is not a lake: it has no lake.json", path.display()))
                    .hint("choose an empty or new place with --lake"))
            }
        }
        lake => Ok(Some(lake?)),
    }
}

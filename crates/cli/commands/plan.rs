//! `gridlake plan`.

use super::submit;
use crate::args::PipelineArguments;
use crate::executor::Kind;
use crate::failure::Failure;
use crate::output::{self, counted, duration};
use crate::pipeline::{self, Pipeline, Run};
use crate::plan::{self, Stage, Verdict};
use crate::schedule::{Rates, Schedule};
use crate::stages;
use gridlake_lake::store::{Location, Store};
use gridlake_lake::{Lake, LakeError};
use gridlake_model::config::EngineKind;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Prints every stage of every run: whether it would run, why, when, and roughly how long. Changes nothing.
///
/// # Errors
/// A bad pipeline, a folder that is no lake, a damaged record.
pub(crate) fn plan(arguments: &PipelineArguments) -> Result<(), Failure> {
    let Pipeline { lake, runs } = pipeline::resolve(&arguments.pipeline, &arguments.overrides())?;
    let lake = open(&lake)?;
    let earlier: Vec<Vec<Run>> = runs.iter().map(Run::earlier).collect();
    let (verdicts, records): (Vec<Vec<Vec<Verdict>>>, Vec<_>) = plan::assess_all(lake.as_ref(), &runs, &earlier)?.into_iter().unzip();
    // When a cluster begins what is not known.
    let slurm = runs.first().is_some_and(|run| run.settings.executor.kind == Kind::Slurm);
    let rates = Rates::measured(lake.as_ref(), &runs, &records);
    let schedule = Schedule::new(&runs, &verdicts, arguments.force, rayon::current_num_threads(), &rates);
    drop(records);
    let mut rows = vec![["run", "stage", "state", "begins", "takes", "why"].map(Cow::Borrowed)];
    for (((run, earlier), verdicts), slots) in runs.iter().zip(&earlier).zip(&verdicts).zip(&schedule.slots) {
        let each = std::iter::once(run).chain(earlier).zip(verdicts);
        for (run, Verdict { stage, stale }) in each.flat_map(|(run, verdicts)| verdicts.iter().map(move |one| (run, one))) {
            let why = if arguments.force { Some("forced") } else { stale.as_deref() };
            let slot = slots.get(&(run.step(), *stage));
            let state = if slot.is_some() { "stale" } else { "fresh" };
            let [mut begins, takes] =
                slot.map_or_else(Default::default, |slot| [format!("+{}", duration(slot.begins_s)), duration(slot.takes_s)]);
            if slurm {
                begins.clear();
            }
            let stage = if run.is_earlier() { Cow::Owned(run.stage_key(*stage)) } else { Cow::Borrowed(stage.name()) };
            rows.push([run.name.as_str().into(), stage, state.into(), begins.into(), takes.into(), why.unwrap_or_default().into()]);
        }
    }
    let table = output::table(&rows);
    if slurm {
        output::print(&table)?;
        return submit::plan(lake.as_ref(), &runs, arguments);
    }
    output::print(&(table + &in_all(&schedule, &rates) + "\n"))?;
    // Where it was planned need not be where it is run, so a device that is not here is no error yet.
    let asked = runs.iter().zip(&schedule.slots).flat_map(|(run, slots)| slots.keys().map(move |(_, stage)| (run, *stage)));
    let devices: BTreeMap<_, _> = asked
        .map(|(run, stage)| ((stage, run.settings.train.device.as_str(), run.settings.train.engine == EngineKind::Reference), run))
        .collect();
    let missing: BTreeSet<String> =
        devices.into_iter().filter_map(|((stage, ..), run)| stages::check(run, stage).err()).map(|failure| failure.to_string()).collect();
    for what in missing {
        tracing::warn!("`run` would be refused on this machine: {what}");
    }
    Ok(())
}

/// "in all about 12 min: 32 runs, 2 at once on 2 threads; by what 3 runs of them in the lake took".
fn in_all(schedule: &Schedule, rates: &Rates) -> String {
    if schedule.busy == 0 {
        return "everything is there already".to_owned();
    }
    let Schedule { ends_s, busy, at_once, threads, .. } = schedule;
    let (runs, threads) = (counted(*busy, "run"), counted(*threads, "thread"));
    let beside = if *busy == 1 { String::new() } else { format!(", {at_once} at once") };
    // Of what is to be done.
    let general: Vec<&str> = Stage::ALL.into_iter().filter(|stage| schedule.has(*stage) && !rates.knows(*stage)).map(Stage::name).collect();
    let mut from = Vec::new();
    if rates.runs > 0 {
        from.push(format!("by what {} of them in the lake took", counted(rates.runs, "run")));
    }
    if rates.others > 0 {
        from.push(format!("by what {} in the lake took of a comparable size, scaled", counted(rates.others, "other run")));
    }
    if from.is_empty() {
        from.push("by general rates of a CPU, since nothing comparable was measured in the lake yet".to_owned());
    } else if !general.is_empty() {
        from.push(format!("by general rates of a CPU what was not measured yet: {}", general.join(", ")));
    }
    format!("in all about {}: {runs}{beside} on {threads}; {}", duration(*ends_s), from.join("; "))
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

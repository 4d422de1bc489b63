//! `gridlake plan`.

use super::submit;
use crate::args::PipelineArguments;
use crate::executor::Kind;
use crate::failure::Failure;
use crate::output::{self, counted, duration};
use crate::pipeline::{self, Pipeline, Run};
use crate::plan::{self, Stage, Verdict};
use crate::schedule::{Rates, Schedule};
use gridlake_lake::store::{Location, Store};
use gridlake_lake::{Lake, LakeError};

/// Prints every stage of every run: whether it would run, why, when, and roughly how long. Changes nothing.
///
/// # Errors
/// A bad pipeline, a folder that is no lake, a damaged record.
pub(crate) fn plan(arguments: &PipelineArguments) -> Result<(), Failure> {
    let Pipeline { lake, runs } = pipeline::resolve(&arguments.pipeline, &arguments.overrides())?;
    let lake = open(&lake)?;
    let all: Vec<Vec<Run>> = runs.iter().map(|run| [vec![run.clone()], run.earlier()].concat()).collect();
    let (verdicts, records): (Vec<Vec<Vec<Verdict>>>, Vec<_>) = plan::assess_all(lake.as_ref(), &all)?.into_iter().unzip();
    // When a cluster begins what is not known.
    let slurm = runs.first().is_some_and(|run| run.settings.executor.kind == Kind::Slurm);
    let rates = Rates::measured(lake.as_ref(), &runs, &records);
    let schedule = Schedule::new(&runs, &verdicts, arguments.force, rayon::current_num_threads(), &rates);
    let mut rows = vec![["run", "stage", "state", "begins", "takes", "why"].map(str::to_owned).to_vec()];
    for ((run, verdicts), slots) in all.iter().zip(&verdicts).zip(&schedule.slots) {
        for (run, Verdict { stage, stale }) in
            run.iter().zip(verdicts).flat_map(|(run, verdicts)| verdicts.iter().map(move |one| (run, one)))
        {
            let why = if arguments.force { Some("forced") } else { stale.as_deref() };
            let slot = slots.get(&(run.step(), *stage));
            let state = if slot.is_some() { "stale" } else { "fresh" };
            let [mut begins, takes] =
                slot.map_or_else(Default::default, |slot| [format!("+{}", duration(slot.begins_s)), duration(slot.takes_s)]);
            if slurm {
                begins.clear();
            }
            rows.push(vec![run.name.clone(), run.stage_key(*stage), state.to_owned(), begins, takes, why.unwrap_or_default().to_owned()]);
        }
    }
    if slurm {
        output::print(&output::table(&rows))?;
        return submit::plan(lake.as_ref(), &runs, arguments);
    }
    output::print(&format!("{}{}\n", output::table(&rows), in_all(&schedule, &rates)))
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

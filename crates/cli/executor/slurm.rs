//! What is asked of Slurm, by its own commands, which no shell reads.

use super::arrays::Work;
use super::config::ExecutorConfig;
use super::submission::Submission;
use crate::args::{CommonArguments, LogFormat};
use crate::failure::Failure;
use crate::plan::Stage;
use gridlake_lake::store::Location;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// What every job's script is.
pub(crate) const SCRIPT: &str = include_str!("script.sh");

/// How long before its time limit a training is asked to stop, s, at most; of a short limit a quarter. Slurm may ask up to a minute earlier.
const WARN_S: u64 = 120;

/// What the cluster says of itself.
pub(crate) struct Cluster {
    pub(crate) name: String,
    /// Tasks of an array.
    pub(crate) most: usize,
}

/// Asks for the cluster's name and limits.
///
/// # Errors
/// No Slurm on this machine, or one that does not answer.
pub(crate) fn cluster() -> Result<Cluster, Failure> {
    let told = ask("scontrol", &["show".into(), "config".into()])?;
    let value = |key: &str| {
        let lines = told.lines().filter_map(|line| line.split_once('='));
        lines.map(|(key, value)| (key.trim(), value.trim())).find(|(found, _)| *found == key).map(|(_, value)| value)
    };
    let most = value("MaxArraySize").and_then(|value| value.parse().ok()).filter(|most| *most > 0).unwrap_or(1001);
    Ok(Cluster { name: value("ClusterName").unwrap_or_default().to_owned(), most })
}

/// What a job is submitted with.
pub(crate) struct Order<'a> {
    pub(crate) program: &'a Path,
    pub(crate) script: &'a Path,
    pub(crate) lake: &'a Location,
    pub(crate) config: &'a ExecutorConfig,
    /// Flags that tasks get too.
    pub(crate) common: &'a CommonArguments,
}

/// Arguments of sbatch for a job of a submission; those that it waits for have their numbers.
pub(crate) fn arguments(order: &Order<'_>, submission: &Submission, place: usize) -> Vec<OsString> {
    let config = order.config;
    let Some(job) = submission.jobs.get(place) else { return Vec::new() };
    let mut arguments: Vec<OsString> = config.options.iter().map(OsString::from).collect();
    let mut add = |argument: String| arguments.push(argument.into());
    add("--parsable".to_owned());
    add(format!("--job-name=gridlake-{}", job.work.name()));
    add(format!("--output={}", submission.log_pattern(job.work)));
    // Where else is known to be there on every node.
    for fixed in ["--chdir=/", "--open-mode=append", "--requeue", "--kill-on-invalid-dep=yes", "--nodes=1", "--ntasks=1"] {
        add(fixed.to_owned());
    }
    if job.runs > 0 {
        let throttle = if config.at_once > 0 { format!("%{}", config.at_once) } else { String::new() };
        add(format!("--array=0-{}{throttle}", job.runs - 1));
    }
    let after: Vec<String> = job.after.iter().filter_map(|place| submission.jobs.get(*place)?.id).map(|id| id.to_string()).collect();
    if !after.is_empty() {
        // A task waits for the same task; what brings runs together, for all, however they end.
        let kind = if job.work == Work::Index { "afterany" } else { "aftercorr" };
        add(format!("--dependency={kind}:{}", after.join(":")));
    }
    add(format!("--cpus-per-task={}", if job.work == Work::Index { 1 } else { config.cpus }));
    if config.memory_gib > 0.0 {
        add(format!("--mem={}M", (config.memory_gib * 1024.0).ceil() as u64));
    }
    if config.gpus > 0 && job.work.stage().is_some_and(|stage| stage < Stage::Analyze) {
        add(format!("--gres=gpu:{}", config.gpus));
    }
    for (key, value) in [("partition", &config.partition), ("account", &config.account), ("qos", &config.qos), ("time", &config.time_limit)]
    {
        if !value.is_empty() {
            add(format!("--{key}={value}"));
        }
    }
    if job.work == Work::Train {
        let warn_s = config.limit_s().map_or(WARN_S, |limit| WARN_S.min(limit / 4).max(1));
        // B: the script's own process, which gridlake has taken over.
        add(format!("--signal=B:TERM@{warn_s}"));
    }
    arguments.extend([order.script.into(), order.program.into(), "task".into(), "--lake".into(), order.lake.to_string().into()]);
    if let Some(threads) = order.common.threads {
        arguments.extend(["--threads".into(), threads.to_string().into()]);
    }
    if order.common.quiet {
        arguments.push("--quiet".into());
    }
    if order.common.log_format == LogFormat::Json {
        arguments.extend(["--log-format".into(), "json".into()]);
    }
    arguments.extend([submission.id.clone().into(), place.to_string().into()]);
    arguments
}

/// Submits a job. Returns its number.
///
/// # Errors
/// What sbatch says.
pub(crate) fn submit(arguments: &[OsString]) -> Result<u64, Failure> {
    let told = ask("sbatch", arguments)?;
    // "<number>[;<cluster>]".
    let number = told.trim().split(';').next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| Failure::work(format!("sbatch says {:?}, which is no job's number", told.trim())))
}

/// Where a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) job: u64,
    /// Its place in the array; `None` for a job that is no array.
    pub(crate) task: Option<usize>,
    /// "PENDING", "RUNNING", "COMPLETING", …
    pub(crate) state: String,
    pub(crate) node: String,
    /// Why it waits.
    pub(crate) reason: String,
}

/// What of these jobs is in the queue.
///
/// # Errors
/// No Slurm on this machine, or one that does not answer.
pub(crate) fn queue(jobs: &[u64]) -> Result<Vec<Queued>, Failure> {
    let mut found = Vec::new();
    for some in jobs.chunks(1000) {
        let numbers: Vec<String> = some.iter().map(u64::to_string).collect();
        let wanted = format!("--jobs={}", numbers.join(","));
        match ask("squeue", &["--noheader".into(), "--array".into(), "--format=%F|%K|%T|%N|%r".into(), wanted.into()]) {
            Ok(told) => found.extend(told.lines().filter_map(queued)),
            // Asked for one job that has left the queue long ago.
            Err(failure) if failure.to_string().contains("Invalid job id") => {}
            Err(failure) => return Err(failure),
        }
    }
    // What has ended is told for some minutes more.
    found.retain(|task| {
        matches!(
            task.state.as_str(),
            "PENDING"
                | "RUNNING"
                | "COMPLETING"
                | "CONFIGURING"
                | "SUSPENDED"
                | "REQUEUED"
                | "REQUEUE_HOLD"
                | "REQUEUE_FED"
                | "RESIZING"
                | "SIGNALING"
                | "STAGE_OUT"
                | "STOPPED"
                | "SPECIAL_EXIT"
        )
    });
    Ok(found)
}

/// State of a task, such as "RUNNING"; empty where Slurm knows none of this name any longer.
///
/// # Errors
/// A Slurm that does not answer.
pub(crate) fn state(task: &str) -> Result<String, Failure> {
    match ask("squeue", &["--noheader".into(), "--array".into(), "--format=%T".into(), format!("--jobs={task}").into()]) {
        Ok(told) => Ok(told.trim().to_owned()),
        Err(failure) if failure.to_string().contains("Invalid job id") => Ok(String::new()),
        Err(failure) => Err(failure),
    }
}

fn queued(line: &str) -> Option<Queued> {
    let mut cells = line.split('|');
    let job = cells.next()?.trim().parse().ok()?;
    let task = cells.next()?.trim().parse().ok();
    let mut next = || cells.next().unwrap_or_default().trim().to_owned();
    Some(Queued { job, task, state: next(), node: next(), reason: next() })
}

/// Cancels jobs, or tasks of them as `<job>_<task>`.
///
/// # Errors
/// What scancel says.
pub(crate) fn cancel(what: &[String]) -> Result<(), Failure> {
    for some in what.chunks(1000) {
        ask("scancel", &some.iter().map(OsString::from).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Has a task of ours begin again.
///
/// # Errors
/// What scontrol says.
pub(crate) fn requeue(job: &str) -> Result<(), Failure> {
    ask("scontrol", &["requeue".into(), job.into()]).map(|_| ())
}

/// Asks one of Slurm's commands; returns what it prints.
fn ask(command: &str, arguments: &[OsString]) -> Result<String, Failure> {
    let mut asked = Command::new(command);
    // What the user's shell has set for calls of their own would hide jobs, wait or ask back. What it sets for sbatch besides, such as an account, holds.
    for (name, _) in std::env::vars_os() {
        let name_is = |beginning: &str| name.to_str().is_some_and(|name| name.starts_with(beginning));
        if ["SQUEUE_", "SCANCEL_", "SBATCH_ARRAY_INX", "SBATCH_WAIT"].into_iter().any(name_is) {
            asked.env_remove(&name);
        }
    }
    let output = asked.args(arguments).output();
    let output = output.map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let failure = if missing {
            Failure::config(format!("there is no {command} on this machine, which Slurm's users submit with"))
        } else {
            Failure::work(format!("cannot start {command}: {error}"))
        };
        failure.hint("submit from a machine of the cluster, or work on this one with --executor local")
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().map(|line| line.trim_start_matches(&format!("{command}: ")).trim_start_matches("error: ")).collect();
    Err(Failure::work(format!("{command} failed: {}", said.join("; "))))
}

//! Whether a lake is what its manifests say: every file is there, whole and unaltered, and tables have the columns of their schema; or, without reading them, at
//! least there and as long as it should be.

use crate::error::LakeError;
use crate::index::{self, Files, Record, Settings};
use crate::layout::{self, Lake};
use crate::manifest::{self, Entry, Manifest};
use crate::parquet_file::{self, REMEDY};
use crate::run_record::{RunRecord, Status};
use crate::schema::{TABLES, Table};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What is wrong with one file, or worth knowing of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, as users know it.
    pub path: String,
    /// What is to be said of it, and what can be done.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.what)
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Runs.
    pub runs: usize,
    /// Files that manifests name.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are missing, torn or altered, or that are not what they should be.
    pub faults: Vec<Finding>,
    /// Files that belong to nothing, and publications under way: nothing that was published is lost by them.
    pub notes: Vec<Finding>,
}

/// What can be done about a file that is not as its manifest says.
fn remedy(key: &str, entry: &Entry) -> &'static str {
    if key.starts_with("tables/metrics/") {
        "copy the whole file here, or train anew with --force (nothing but the training curves is made from it)"
    } else if entry.stage == "train" {
        "remove it, and training goes on from the checkpoint before; or copy the whole file here"
    } else {
        REMEDY
    }
}

/// How closely files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every byte is read.
    Content,
    /// Whether they are there, with the sizes that manifests name; files that no manifest names are not looked for. Of records and manifests of very many runs that have not changed since they were last
    /// read, what was read then is used.
    Sizes,
}

/// Looks at every file of a lake. `progress` hears of bytes read so far and in all.
///
/// # Errors
/// A system that refuses to list; what is wrong with single files is found, not failed with.
pub fn verify(lake: &Lake, depth: Depth, progress: &mut dyn FnMut(u64, u64)) -> Result<Verification, LakeError> {
    let mut found = Verification::default();
    let runs = lake.store().list("runs")?.folders;
    let mut manifests = Vec::new();
    let mut unreadable = HashSet::new();
    for (run, read) in runs.iter().zip(of_runs(lake, &runs, depth)) {
        let (manifest, of_run) = read?;
        found.faults.extend(of_run.faults);
        found.notes.extend(of_run.notes);
        match manifest {
            Some(manifest) => manifests.push((run, manifest)),
            None => {
                unreadable.insert(run.as_str());
            }
        }
    }
    let files: Vec<(&String, &String, &Entry)> =
        manifests.iter().flat_map(|(run, manifest)| manifest.files.iter().map(move |(key, entry)| (*run, key, entry))).collect();
    (found.files, found.bytes) = (files.len(), files.iter().map(|(_, _, entry)| entry.bytes).sum());
    // A bucket tells a thousand sizes at once, a folder each file's as fast as any.
    let lists = depth == Depth::Content || lake.store().folder().is_none();
    let listings = LISTED.par_iter().filter(|_| lists).map(|folder| lake.store().files_below(folder)).collect::<Vec<_>>();
    let listed: HashMap<String, u64> = listings.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let is_whole = |key: &str, entry: &Entry| depth == Depth::Sizes && listed.get(key) == Some(&entry.bytes);
    let mut read = 0;
    // Some at a time, so that progress is told in between.
    for portion in files.chunks(if depth == Depth::Sizes { files.len().max(1) } else { 64 }) {
        progress(read, found.bytes);
        let look = |(run, key, entry): &(&String, &String, &Entry)| {
            if is_whole(key, entry) { Ok(None) } else { lasting_fault_of(lake, run, key, entry, depth) }
        };
        let faults: Vec<_> = portion.par_iter().map(look).collect();
        for ((_, key, entry), fault) in portion.iter().zip(faults) {
            read += entry.bytes;
            if let Some(what) = fault? {
                found.faults.push(Finding { path: lake.show(key).display().to_string(), what });
            }
        }
    }
    progress(found.bytes, found.bytes);
    // A folder without record and manifest is that of a process that has only just begun, or failed at once.
    let with_files: HashSet<&str> =
        manifests.iter().filter(|(_, manifest)| !manifest.files.is_empty()).map(|(run, _)| run.as_str()).collect();
    let is_run =
        |run: &&String| with_files.contains(run.as_str()) || unreadable.contains(run.as_str()) || has_begun(lake, run).unwrap_or(true);
    found.runs = runs.iter().filter(is_run).count();
    if depth == Depth::Content {
        let known: HashSet<&str> = files.iter().map(|(_, key, _)| key.as_str()).collect();
        strays(lake, &runs, &listed, &known, &unreadable, &mut found)?;
    }
    found.faults.sort();
    found.notes.sort();
    Ok(found)
}

/// Folders of which every file should be in a manifest.
const LISTED: [&str; 2] = ["tables", "figures"];

type OfRun = Result<(Option<Manifest>, Verification), LakeError>;

/// Of each run its manifest, if it can be read, and what its record says, held against it.
fn of_runs(lake: &Lake, runs: &[String], depth: Depth) -> Vec<OfRun> {
    let look = |run: &str, record: Result<Option<RunRecord>, LakeError>, manifest: Result<Manifest, LakeError>, alone: bool| {
        let mut found = Verification::default();
        of_run(lake, run, record, manifest, alone, &mut found).map(|manifest| (manifest, found))
    };
    if depth == Depth::Content {
        let read = |run: &String| look(run, RunRecord::load_whole(lake, run), Manifest::load(lake, run), false);
        return runs.par_iter().map(read).collect();
    }
    let records = index::each(lake, runs, |_, record: Result<Option<Record>, LakeError>, _: &Settings| {
        Mutex::new(Some(record.map(|record| record.map(|record| record.record))))
    });
    index::each(lake, runs, |place, files: Result<Option<Files>, LakeError>, (): &()| {
        let record = records[place].lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Ok(None));
        let alone = files.as_ref().is_ok_and(|files| files.as_ref().is_some_and(Files::is_alone));
        look(&runs[place], record, files.map(|files| files.map(Files::manifest).unwrap_or_default()), alone)
    })
}

/// A run's manifest, if it can be read; what its record says is held against it.
fn of_run(
    lake: &Lake,
    run: &str,
    record: Result<Option<RunRecord>, LakeError>,
    manifest: Result<Manifest, LakeError>,
    alone: bool,
    found: &mut Verification,
) -> Result<Option<Manifest>, LakeError> {
    let record = match record {
        Err(error) if error.is_io() => return Err(error),
        Err(error) => {
            found.faults.push(named(lake, &layout::run_record(run), &error));
            None
        }
        Ok(record) => record,
    };
    let manifest = match manifest {
        Err(error) if error.is_io() => return Err(error),
        Err(error) => {
            found.faults.push(named(lake, &layout::manifest(run), &error));
            return Ok(None);
        }
        Ok(manifest) => manifest,
    };
    if !alone && Manifest::is_pending(lake, run)? {
        let what = "a publication is under way, or its process was killed: the run's next command ends it".to_owned();
        found.notes.push(Finding { path: lake.show(&layout::manifest(run)).display().to_string(), what });
    }
    for (stage, done) in record.iter().flat_map(|record| &record.stages).filter(|(_, stage)| stage.status == Status::Done) {
        let step = Some(done.step);
        let missing = if stage == "train" {
            let key = layout::checkpoint(run, done.step);
            !manifest.files.contains_key(&key) && lake.store().size(&key)?.is_none()
        } else {
            // "analyze@4000" is the analysis of a checkpoint before the last.
            let stage = stage.split_once('@').map_or(stage.as_str(), |(stage, _)| stage);
            manifest.of(stage, step).next().is_none()
        };
        if missing {
            let what = format!("says that {stage} is done, but no file of it is known; run the pipeline again");
            found.faults.push(Finding { path: lake.show(&layout::run_record(run)).display().to_string(), what });
        }
    }
    Ok(Some(manifest))
}

/// An error about a file, without its name twice.
fn named(lake: &Lake, key: &str, error: &LakeError) -> Finding {
    let path = lake.show(key).display().to_string();
    let what = error.to_string();
    Finding { what: what.strip_prefix(&format!("{path}: ")).unwrap_or(&what).to_owned(), path }
}

/// What is wrong with a file that a manifest names, unless the manifest has changed its mind: a run may be at work.
fn lasting_fault_of(lake: &Lake, run: &str, key: &str, entry: &Entry, depth: Depth) -> Result<Option<String>, LakeError> {
    let (mut entry, mut fault) = (entry.clone(), fault_of(lake, run, key, entry, depth));
    while fault.is_some() {
        match Manifest::load_for(lake, run, key)?.files.remove(key) {
            None => return Ok(None),
            Some(now) if now == entry => break,
            Some(now) => {
                fault = fault_of(lake, run, key, &now, depth);
                entry = now;
            }
        }
    }
    Ok(fault)
}

/// What is wrong with a file that a manifest names.
fn fault_of(lake: &Lake, run: &str, key: &str, entry: &Entry, depth: Depth) -> Option<String> {
    let missing = || Some(format!("is missing; {}", remedy(key, entry)));
    let torn = |bytes: u64| {
        Some(format!("has {bytes} bytes, where the manifest has {}: it is torn or altered; {}", entry.bytes, remedy(key, entry)))
    };
    if depth == Depth::Sizes {
        return match lake.store().size(key) {
            Err(error) => Some(format!("cannot be read ({error})")),
            Ok(None) => missing(),
            Ok(Some(bytes)) => (bytes != entry.bytes).then(|| torn(bytes)).flatten(),
        };
    }
    let file = match lake.store().open(key) {
        Err(error) if error.is_missing() => return missing(),
        Err(error) => return Some(format!("cannot be read ({error})")),
        Ok(file) => file,
    };
    if file.length() != entry.bytes {
        return torn(file.length());
    }
    match manifest::digest(&mut file.reader()) {
        Err(error) => return Some(format!("cannot be read ({error})")),
        Ok((_, sha256)) if sha256 != entry.sha256 => {
            return Some(format!("is altered: its SHA-256 is {sha256}, where the manifest has {}; {}", entry.sha256, remedy(key, entry)));
        }
        Ok(_) => {}
    }
    if !key.starts_with("tables/") {
        return None;
    }
    let Some(table) = table_of(key) else { return Some("is of no table that this gridlake knows; use a newer gridlake".to_owned()) };
    match parquet_file::check(table, &file, &lake.show(key), run, entry.rows) {
        Ok(()) => None,
        Err(error) => Some(named(lake, key, &error).what),
    }
}

fn table_of(key: &str) -> Option<&'static Table> {
    let name = key.split('/').nth(1)?;
    TABLES.iter().find(|table| table.name == name).copied()
}

fn has_begun(lake: &Lake, run: &str) -> Result<bool, LakeError> {
    Ok(lake.store().size(&layout::run_record(run))?.is_some() || lake.store().size(&layout::manifest(run))?.is_some())
}

/// The run that a table's or a figure's file belongs to.
fn run_of(key: &str) -> Option<&str> {
    let mut parts = key.split('/');
    match parts.next()? {
        "tables" => parts.nth(1)?.strip_prefix("run="),
        _ => parts.next(),
    }
}

/// Files that no manifest names; of runs whose manifest is unreadable nobody knows.
fn strays(
    lake: &Lake,
    runs: &[String],
    listed: &HashMap<String, u64>,
    known: &HashSet<&str>,
    unreadable: &HashSet<&str>,
    found: &mut Verification,
) -> Result<(), LakeError> {
    for key in listed.keys().collect::<BTreeSet<_>>() {
        let end = key.rsplit('.').next().unwrap_or_default();
        let what = match end {
            "parquet" => "is in no manifest, though readers of Parquet see it; remove it if it is not yours",
            _ => "is in no manifest; remove it if it is not yours",
        };
        if !known.contains(key.as_str()) && !run_of(key).is_some_and(|run| unreadable.contains(run)) {
            found.notes.push(Finding { path: lake.show(key).display().to_string(), what: what.to_owned() });
        }
    }
    let readable: Vec<&String> = runs.iter().filter(|run| !unreadable.contains(run.as_str())).collect();
    let of_run = |run: &&String| -> Result<Vec<Finding>, LakeError> {
        let mut notes = Vec::new();
        for (key, _) in lake.store().files_below(&layout::checkpoints(run))? {
            if !known.contains(key.as_str()) {
                let what = "is in no manifest (format version 1 had none for checkpoints): its checksum inside is checked when it is used";
                notes.push(Finding { path: lake.show(&key).display().to_string(), what: what.to_owned() });
            }
        }
        for key in lake.store().leftovers(run)? {
            let what = "was left by a process that was killed, or belongs to one at work: the run's next command removes it";
            notes.push(Finding { path: lake.show(&key).display().to_string(), what: what.to_owned() });
        }
        Ok(notes)
    };
    for notes in readable.par_iter().map(of_run).collect::<Vec<_>>() {
        found.notes.extend(notes?);
    }
    Ok(())
}

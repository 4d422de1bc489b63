//! Whether a lake is what its manifests say: every file is there, whole and unaltered, and tables have the columns of their schema.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::manifest::{self, Entry, Manifest};
use crate::parquet_file::{self, REMEDY};
use crate::run_record::{RunRecord, Status};
use crate::schema::{TABLES, Table};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fmt;

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

/// Reads every file of a lake. `progress` hears of bytes read so far and in all.
///
/// # Errors
/// A system that refuses to list; what is wrong with single files is found, not failed with.
pub fn verify(lake: &Lake, progress: &mut dyn FnMut(u64, u64)) -> Result<Verification, LakeError> {
    let mut found = Verification::default();
    let runs = lake.store().list("runs")?.folders;
    let mut manifests = Vec::new();
    let mut unreadable = BTreeSet::new();
    let read: Vec<_> = runs
        .par_iter()
        .map(|run| {
            let mut found = Verification::default();
            of_run(lake, run, &mut found).map(|manifest| (manifest, found))
        })
        .collect();
    for (run, read) in runs.iter().zip(read) {
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
    let total = files.iter().map(|(_, _, entry)| entry.bytes).sum();
    // Some at a time, so that progress is told in between.
    for portion in files.chunks(64) {
        progress(found.bytes, total);
        let faults: Vec<_> = portion.par_iter().map(|(run, key, entry)| lasting_fault_of(lake, run, key, entry)).collect();
        for ((_, key, entry), fault) in portion.iter().zip(faults) {
            found.files += 1;
            found.bytes += entry.bytes;
            if let Some(what) = fault? {
                found.faults.push(Finding { path: lake.show(key).display().to_string(), what });
            }
        }
    }
    let known: BTreeSet<String> = files.iter().map(|(_, key, _)| (*key).clone()).collect();
    progress(total, total);
    // A folder without record and manifest is that of a process that has only just begun, or failed at once.
    found.runs = runs.iter().filter(|run| unreadable.contains(run.as_str()) || has_begun(lake, run).unwrap_or(true)).count();
    strays(lake, &runs, &known, &unreadable, &mut found)?;
    found.faults.sort();
    found.notes.sort();
    Ok(found)
}

/// A run's manifest, if it can be read; what its record says is held against it.
fn of_run(lake: &Lake, run: &str, found: &mut Verification) -> Result<Option<Manifest>, LakeError> {
    let record = match RunRecord::load(lake, run) {
        Err(error) if error.is_io() => return Err(error),
        Err(error) => {
            found.faults.push(named(lake, &layout::run_record(run), &error));
            None
        }
        Ok(record) => record,
    };
    let manifest = match Manifest::load(lake, run) {
        Err(error) if error.is_io() => return Err(error),
        Err(error) => {
            found.faults.push(named(lake, &layout::manifest(run), &error));
            return Ok(None);
        }
        Ok(manifest) => manifest,
    };
    if Manifest::is_pending(lake, run)? {
        let what = "a publication is under way, or its process was killed: the run's next command ends it".to_owned();
        found.notes.push(Finding { path: lake.show(&layout::manifest(run)).display().to_string(), what });
    }
    for (stage, done) in record.iter().flat_map(|record| &record.stages).filter(|(_, stage)| stage.status == Status::Done) {
        let step = Some(done.step);
        let missing = if stage == "train" {
            let key = layout::checkpoint(run, done.step);
            lake.store().size(&key)?.is_none() && !manifest.files.contains_key(&key)
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
fn lasting_fault_of(lake: &Lake, run: &str, key: &str, entry: &Entry) -> Result<Option<String>, LakeError> {
    let (mut entry, mut fault) = (entry.clone(), fault_of(lake, run, key, entry));
    while fault.is_some() {
        match Manifest::load(lake, run)?.files.remove(key) {
            None => return Ok(None),
            Some(now) if now == entry => break,
            Some(now) => {
                fault = fault_of(lake, run, key, &now);
                entry = now;
            }
        }
    }
    Ok(fault)
}

/// What is wrong with a file that a manifest names.
fn fault_of(lake: &Lake, run: &str, key: &str, entry: &Entry) -> Option<String> {
    match lake.store().size(key) {
        Err(error) => return Some(format!("cannot be read ({error})")),
        Ok(None) => return Some(format!("is missing; {}", remedy(key, entry))),
        Ok(Some(bytes)) if bytes != entry.bytes => {
            return Some(format!(
                "has {bytes} bytes, where the manifest has {}: it is torn or altered; {}",
                entry.bytes,
                remedy(key, entry)
            ));
        }
        Ok(Some(_)) => {}
    }
    let file = match lake.store().open(key) {
        Err(error) => return Some(format!("cannot be read ({error})")),
        Ok(file) => file,
    };
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
    known: &BTreeSet<String>,
    unreadable: &BTreeSet<&str>,
    found: &mut Verification,
) -> Result<(), LakeError> {
    for folder in ["tables", "figures"] {
        for (key, _) in lake.store().files_below(folder)? {
            let end = key.rsplit('.').next().unwrap_or_default();
            let what = match end {
                "parquet" => "is in no manifest, though readers of Parquet see it; remove it if it is not yours",
                _ => "is in no manifest; remove it if it is not yours",
            };
            if !known.contains(&key) && !run_of(&key).is_some_and(|run| unreadable.contains(run)) {
                found.notes.push(Finding { path: lake.show(&key).display().to_string(), what: what.to_owned() });
            }
        }
    }
    for run in runs.iter().filter(|run| !unreadable.contains(run.as_str())) {
        for (key, _) in lake.store().files_below(&layout::checkpoints(run))? {
            if !known.contains(&key) {
                let what = "is in no manifest (format version 1 had none for checkpoints): its checksum inside is checked when it is used";
                found.notes.push(Finding { path: lake.show(&key).display().to_string(), what: what.to_owned() });
            }
        }
        for key in lake.store().leftovers(run)? {
            let what = "was left by a process that was killed, or belongs to one at work: the run's next command removes it";
            found.notes.push(Finding { path: lake.show(&key).display().to_string(), what: what.to_owned() });
        }
    }
    Ok(())
}

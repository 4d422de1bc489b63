//! Which files a run's stages left in the lake, with size and checksum: `runs/<run>/manifest.json`, and where a run has so many that reading and writing all
//! of them for each publication would tell, `runs/<run>/manifests/step-<nine digits>.json` for the tables and the checkpoint of a step.
//!
//! Which of the two holds a file: the part of its step where there is one, else the manifest itself. Parts are made when the manifest is longer than
//! [`MOST`] files, of all its steps but the last; so most runs have none, and no publication of a run with thousands of checkpoints reads or writes more than
//! a bounded number of entries. A part is never the place of a decision: that is the manifest alone, before and after.
//!
//! The manifest is also where a publication is decided. Its files are staged, whole and durable, before the manifest names them as *pending*; from
//! then on the publication is done, whatever happens: what a killed process left pending, the run's next writer puts in place
//! ([`Manifest::recover`]). Each file takes the place of the one before in one step, so a reader sees the old or the new one.

mod commit;
mod part;

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::parquet_file::Written;
pub use crate::parquet_file::hex;
use crate::store::{Staged, Tag};
pub use commit::{Commit, digest};
use part::{Part, parts};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the form of a manifest without parts, which older versions of gridlake know.
const WHOLE: u32 = 1;
/// Version of the form of a manifest that has parts.
const SPLIT: u32 = 2;
/// A manifest of more files than these gives those of all steps but the last to parts.
const MOST: usize = 128;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The stage that wrote it.
    pub stage: String,
    /// The checkpoint that it is about; none for files about the whole training.
    pub step: Option<u64>,
    /// Of everything that it depends on.
    pub fingerprint: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Its rows, if it is of a table.
    pub rows: Option<u64>,
    /// Its list columns, if it is of a table; an older gridlake did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<BTreeMap<String, ListType>>,
}

/// What all lists of a column of one file have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListType {
    /// Numbers in each list.
    pub length: u32,
    /// `float16`, `float32` or `float64`.
    pub item: String,
}

/// All files of a run by their key, `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// The files.
    pub files: BTreeMap<String, Entry>,
    /// A publication that is decided, and not yet known to be in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    /// What a bucket calls the version that this was read from.
    #[serde(skip)]
    tag: Tag,
}

/// A publication between its decision and its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    files: BTreeMap<String, Entry>,
    staged: Vec<Staged>,
    removed: Vec<String>,
}

impl Entry {
    /// The entry of a table's file.
    pub(crate) fn of_table(stage: &str, step: Option<u64>, fingerprint: &str, written: Written) -> Self {
        Self {
            stage: stage.to_owned(),
            step,
            fingerprint: fingerprint.to_owned(),
            bytes: written.bytes,
            sha256: written.sha256,
            rows: Some(written.rows),
            lists: Some(written.lists),
        }
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self::of_files([])
    }
}

impl Manifest {
    /// The whole manifest of a run as a reader sees it: files that are pending count once they are in place. Empty where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read or is no manifest.
    pub fn load(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        Ok(Self::load_telling(lake, run)?.0)
    }

    /// The same, and whether it is one file, without parts and without a publication under way.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub(crate) fn load_telling(lake: &Lake, run: &str) -> Result<(Self, bool), LakeError> {
        let mut manifest = Self::load_raw(lake, run)?;
        let alone = manifest.pending.is_none() && !manifest.is_split();
        // Parts after the manifest: what it has given to them is there, and what they have since is newer.
        if manifest.is_split() {
            let keys = parts(lake, run)?;
            let read = keys.par_iter().map(|key| Part::load(lake, key)).collect::<Vec<_>>();
            for part in read {
                manifest.files.extend(part?.files);
            }
        }
        Ok((manifest.seen(lake)?, alone))
    }

    /// As [`Manifest::load`], of the files that are of this step, of no step, or of the last ones: others may be missing.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn load_step(lake: &Lake, run: &str, step: u64) -> Result<Self, LakeError> {
        let mut manifest = Self::load_raw(lake, run)?;
        if manifest.is_split() {
            manifest.files.extend(Part::load(lake, &layout::manifest_part(run, step))?.files);
        }
        manifest.seen(lake)
    }

    /// As [`Manifest::load`], of what is needed to look up this file.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn load_for(lake: &Lake, run: &str, key: &str) -> Result<Self, LakeError> {
        layout::step_of(key).map_or_else(|| Self::load_own(lake, run), |step| Self::load_step(lake, run, step))
    }

    /// As [`Manifest::load`], of the files that are of no step, such as figures and `metrics`; of others some may be missing.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub fn load_own(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        Self::load_raw(lake, run)?.seen(lake)
    }

    /// Whether files of some steps are in parts.
    fn is_split(&self) -> bool {
        self.format == SPLIT
    }

    /// What a publication under way has put in place so far.
    fn seen(mut self, lake: &Lake) -> Result<Self, LakeError> {
        if let Some(pending) = self.pending.take() {
            for staged in &pending.staged {
                if let Some(entry) = pending.files.get(staged.key())
                    && lake.store().is_in_place(staged, entry.bytes)?
                {
                    self.files.insert(staged.key().to_owned(), entry.clone());
                }
            }
            for key in pending.removed {
                if lake.store().size(&key)?.is_none() {
                    self.files.remove(&key);
                }
            }
        }
        Ok(self)
    }

    fn load_raw(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        let key = layout::manifest(run);
        let remedy = "remove it and run again: tables and figures are made anew, checkpoints stay, rows of metrics so far are lost";
        let read = read_form::<Self>(lake, &key, remedy)?;
        Ok(read.map_or_else(|| Self::of_files([]), |(manifest, tag)| Self { tag, ..manifest }))
    }

    /// Ends what a killed process had decided, and removes what it had not. The caller holds the run's lock.
    ///
    /// # Errors
    /// A file that cannot be read or is no manifest; a system that refuses.
    pub fn recover(lake: &Lake, run: &str) -> Result<(), LakeError> {
        Self::load_raw(lake, run)?.settle(lake, run)?;
        lake.store().clear_staged(run)
    }

    /// The same after a failure of this process, whichever side of a decision it was on; the failure itself is the one to report. A bucket's lease may be
    /// lost by now, so there the run's next writer does it.
    pub(crate) fn recover_after_failure(lake: &Lake, run: &str) {
        if lake.store().folder().is_some() {
            // What cannot be done now is done by the run's next writer.
            let _ = Self::recover(lake, run);
        }
    }

    /// Whether a publication is decided and not yet known to be in place.
    ///
    /// # Errors
    /// As [`Manifest::load`].
    pub(crate) fn is_pending(lake: &Lake, run: &str) -> Result<bool, LakeError> {
        Ok(Self::load_raw(lake, run)?.pending.is_some())
    }

    /// A manifest of files that are in place already.
    pub(crate) fn of_files(files: impl IntoIterator<Item = (String, Entry)>) -> Self {
        Self { format: WHOLE, files: files.into_iter().collect(), pending: None, tag: Tag::default() }
    }

    /// Writes it. In a bucket only over the version that it was made from: who slept over its lease must not undo what another has published since.
    pub(crate) fn save(&mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let key = layout::manifest(run);
        let tag = std::mem::take(&mut self.tag);
        self.tag = replace(lake, run, &key, self, tag)?;
        Ok(())
    }

    /// Puts in place what is pending.
    fn settle(mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let Some(mut pending) = self.pending.take() else { return Ok(()) };
        for staged in &pending.staged {
            let (bytes, sha256) = pending.files.get(staged.key()).map_or((0, ""), |entry| (entry.bytes, entry.sha256.as_str()));
            lake.store().adopt(staged, bytes, sha256)?;
        }
        for key in &pending.removed {
            lake.store().remove(key)?;
        }
        if self.is_split() {
            let touched: BTreeSet<u64> = pending.files.keys().chain(&pending.removed).filter_map(|key| layout::step_of(key)).collect();
            for step in touched {
                let key = layout::manifest_part(run, step);
                let part = Part::load(lake, &key)?;
                if part.is_there() {
                    part.change(lake, run, &key, |files| {
                        files.extend(self.take(step));
                        pending.apply(files, |key| layout::step_of(key) == Some(step));
                    })?;
                    pending.files.retain(|key, _| layout::step_of(key) != Some(step));
                }
            }
        }
        pending.apply(&mut self.files, |_| true);
        if self.files.len() > MOST {
            self.split(lake, run)?;
        }
        self.save(lake, run)
    }

    /// Takes out the files of one step.
    fn take(&mut self, step: u64) -> BTreeMap<String, Entry> {
        let (taken, kept) = std::mem::take(&mut self.files).into_iter().partition(|(key, _)| layout::step_of(key) == Some(step));
        self.files = kept;
        taken
    }

    /// Gives the files of all steps but the last to parts. Whoever is killed meanwhile leaves parts that say what the manifest still says too.
    fn split(&mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let mut steps: BTreeSet<u64> = self.files.keys().filter_map(|key| layout::step_of(key)).collect();
        if steps.pop_last().is_none() || steps.is_empty() {
            return Ok(());
        }
        if !self.is_split() {
            // Of a process that was killed here, or of a manifest that was removed.
            for key in parts(lake, run)? {
                lake.store().remove(&key)?;
            }
        }
        for step in steps {
            let key = layout::manifest_part(run, step);
            let taken = self.take(step);
            Part::load(lake, &key)?.change(lake, run, &key, |files| files.extend(taken))?;
        }
        self.format = SPLIT;
        Ok(())
    }

    /// Keys of the files of `stage` and `step`.
    pub fn of<'m>(&'m self, stage: &'m str, step: Option<u64>) -> impl Iterator<Item = &'m str> {
        self.files.iter().filter(move |(_, entry)| entry.stage == stage && entry.step == step).map(|(key, _)| key.as_str())
    }

    /// The first file of `stage` and `step` that is not there with its size, or that depended on something else than `fingerprint`.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn first_stale(&self, lake: &Lake, stage: &str, step: Option<u64>, fingerprint: &str) -> Result<Option<String>, LakeError> {
        let keys: Vec<&str> = self.of(stage, step).collect();
        if let Some(key) = keys.iter().find(|key| self.files[**key].fingerprint != fingerprint) {
            return Ok(Some((*key).to_owned()));
        }
        let sizes = lake.store().sizes(&keys)?;
        let differs = keys.iter().zip(sizes).find(|(key, size)| *size != Some(self.files[**key].bytes));
        Ok(differs.map(|(key, _)| (*key).to_owned()))
    }
}

impl Pending {
    /// Says of those files that are `meant` what is so once it is done.
    fn apply(&self, files: &mut BTreeMap<String, Entry>, meant: impl Fn(&str) -> bool) {
        for key in &self.removed {
            files.remove(key);
        }
        files.extend(self.files.iter().filter(|(key, _)| meant(key)).map(|(key, entry)| (key.clone(), entry.clone())));
    }
}

/// Reads a manifest or a part, of this version or an older one; `None` where there is none.
fn read_form<T: DeserializeOwned>(lake: &Lake, key: &str, remedy: &str) -> Result<Option<(T, Tag)>, LakeError> {
    let path = lake.show(key);
    let Some((text, tag)) = lake.store().read_tagged(key)? else { return Ok(None) };
    let damaged = |error: serde_json::Error| LakeError::damaged(&path, format!("is no manifest ({error}); {remedy}"));
    // One of a newer version may have another form, but has its version.
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
    if let Some(found) = value.get("format").and_then(serde_json::Value::as_u64).filter(|found| *found > u64::from(SPLIT)) {
        return Err(LakeError::Version { path, found, known: SPLIT });
    }
    Ok(Some((serde_json::from_value(value).map_err(damaged)?, tag)))
}

/// Writes a manifest or a part over the version that was read.
fn replace(lake: &Lake, run: &str, key: &str, form: &impl Serialize, tag: Tag) -> Result<Tag, LakeError> {
    let text = serde_json::to_string_pretty(form).map_err(|error| LakeError::damaged(&lake.show(key), error.to_string()))?;
    lake.store().replace(key, (text + "\n").as_bytes(), tag)?.ok_or_else(|| LakeError::Locked { run: run.to_owned() })
}

#[cfg(test)]
mod tests;

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

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::parquet_file::Written;
pub use crate::parquet_file::hex;
use crate::store::{Staged, Tag};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

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

/// The files of one step, of a run that has parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    format: u32,
    files: BTreeMap<String, Entry>,
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

/// Files of one run that appear, and others that go, together.
pub struct Commit<'l> {
    lake: &'l Lake,
    run: String,
    pending: Pending,
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

impl Part {
    /// Without files where there is none.
    fn load(lake: &Lake, key: &str) -> Result<Self, LakeError> {
        let remedy = "remove it and run again: what is of this step is made anew, its checkpoint stays";
        let read = read_form::<Self>(lake, key, remedy)?;
        Ok(read.map_or_else(|| Self { format: SPLIT, files: BTreeMap::new(), tag: Tag::default() }, |(part, tag)| Self { tag, ..part }))
    }

    /// Whether it holds its step's files; one without files is about to be removed.
    fn is_there(&self) -> bool {
        !self.files.is_empty()
    }

    /// Writes it with other files, unless another process has written it since it was read; removes it where none is left.
    fn change(mut self, lake: &Lake, run: &str, key: &str, change: impl FnOnce(&mut BTreeMap<String, Entry>)) -> Result<(), LakeError> {
        let before = self.files.clone();
        change(&mut self.files);
        if self.files != before {
            let tag = std::mem::take(&mut self.tag);
            replace(lake, run, key, &self, tag)?;
        }
        // Only after it was written without files, which is refused where another process has written it.
        if self.files.is_empty() { lake.store().remove(key) } else { Ok(()) }
    }
}

/// Keys of a run's parts, sorted.
fn parts(lake: &Lake, run: &str) -> Result<Vec<String>, LakeError> {
    let folder = layout::manifest_parts(run);
    let names = lake.store().list(&folder)?.files.into_iter().map(|(name, _)| name);
    Ok(names.filter(|name| name.strip_suffix(".json").is_some()).map(|name| format!("{folder}/{name}")).collect())
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

impl<'l> Commit<'l> {
    /// Nothing yet. The caller holds the run's lock, and has called [`Manifest::recover`] since it took it.
    pub fn new(lake: &'l Lake, run: &str) -> Self {
        Self { lake, run: run.to_owned(), pending: Pending::default() }
    }

    /// A staged file appears.
    pub(crate) fn add(&mut self, staged: Staged, entry: Entry) {
        self.pending.removed.retain(|key| key != staged.key());
        self.pending.files.insert(staged.key().to_owned(), entry);
        self.pending.staged.push(staged);
    }

    /// A finished file of this machine that is no table appears as `key`; it may be moved away.
    ///
    /// # Errors
    /// A file that cannot be read; a system that refuses.
    pub fn add_file(
        &mut self,
        path: &std::path::Path,
        key: &str,
        stage: &str,
        step: Option<u64>,
        fingerprint: &str,
    ) -> Result<(), LakeError> {
        let mut file = std::fs::File::open(path).map_err(LakeError::io(path))?;
        let (bytes, sha256) = digest(&mut file).map_err(LakeError::io(path))?;
        let staged = self.lake.store().stage_file(&self.run, path, key)?;
        self.add(
            staged,
            Entry { stage: stage.to_owned(), step, fingerprint: fingerprint.to_owned(), bytes, sha256, rows: None, lists: None },
        );
        Ok(())
    }

    /// A file goes, unless this commit makes it anew.
    pub fn remove(&mut self, key: &str) {
        if !self.pending.files.contains_key(key) {
            self.pending.removed.push(key.to_owned());
        }
    }

    /// Decides and does it.
    ///
    /// # Errors
    /// A system that refuses. Before the decision nothing has changed; after it, the run's next writer ends what is left.
    pub fn finish(self) -> Result<(), LakeError> {
        let (lake, run) = (self.lake, self.run.clone());
        let done = self.decide();
        if done.is_err() {
            Manifest::recover_after_failure(lake, &run);
        }
        done
    }

    fn decide(self) -> Result<(), LakeError> {
        if self.pending == Pending::default() {
            return Ok(());
        }
        let mut manifest = Manifest::load_raw(self.lake, &self.run)?;
        manifest.pending = Some(self.pending);
        manifest.save(self.lake, &self.run)?;
        manifest.settle(self.lake, &self.run)?;
        self.lake.store().forget_staged(&self.run)
    }
}

/// Length and SHA-256 of all that a reader gives.
///
/// # Errors
/// What the reader fails with.
pub fn digest(reader: &mut dyn Read) -> std::io::Result<(u64, String)> {
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        (folder, lake)
    }

    fn commit<'l>(lake: &'l Lake, key: &str, content: &str) -> Commit<'l> {
        let scratch = lake.store().scratch("r").unwrap();
        let path = scratch.path().join("file");
        std::fs::write(&path, content).unwrap();
        let mut commit = Commit::new(lake, "r");
        commit.add_file(&path, key, "draw", Some(5), "f").unwrap();
        commit
    }

    #[test]
    fn lost_short_and_outdated_files_are_found() {
        let (_folder, lake) = lake();
        commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
        let manifest = Manifest::load(&lake, "r").unwrap();
        assert_eq!(manifest.files["figures/r/a.png"].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let stale = |step, fingerprint| manifest.first_stale(&lake, "draw", Some(step), fingerprint).unwrap();
        assert_eq!(stale(5, "f"), None);
        assert_eq!(stale(5, "g").as_deref(), Some("figures/r/a.png"));
        std::fs::write(lake.show("figures/r/a.png"), "ab").unwrap();
        assert_eq!(stale(5, "f").as_deref(), Some("figures/r/a.png"));
        lake.store().remove("figures/r/a.png").unwrap();
        assert_eq!(stale(5, "f").as_deref(), Some("figures/r/a.png"));
        assert_eq!(stale(6, "f"), None);
        lake.store().write("runs/r/manifest.json", b"{\"for").unwrap();
        assert!(matches!(Manifest::load(&lake, "r"), Err(LakeError::Damaged { .. })));
        lake.store().write("runs/r/manifest.json", b"{\"format\": 9, \"files\": 3}").unwrap();
        assert!(matches!(Manifest::load(&lake, "r"), Err(LakeError::Version { found: 9, .. })));
    }

    #[test]
    fn files_appear_and_go_together() {
        let (_folder, lake) = lake();
        commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
        let mut next = commit(&lake, "figures/r/b.png", "de");
        next.remove("figures/r/a.png");
        next.remove("figures/r/b.png");
        next.finish().unwrap();
        assert_eq!(Manifest::load(&lake, "r").unwrap().files.into_keys().collect::<Vec<_>>(), ["figures/r/b.png"]);
        assert_eq!(lake.store().files_below("figures").unwrap(), [("figures/r/b.png".to_owned(), 2)]);
    }

    #[test]
    fn what_was_decided_is_done_by_the_next_writer_and_what_was_not_is_forgotten() {
        let (_folder, lake) = lake();
        commit(&lake, "figures/r/a.png", "old").finish().unwrap();
        // Killed before the decision.
        drop(commit(&lake, "figures/r/a.png", "never"));
        Manifest::recover(&lake, "r").unwrap();
        assert_eq!(lake.store().read("figures/r/a.png").unwrap().unwrap(), b"old");
        // Killed after it, before anything was moved: readers still see the old file.
        let mut decided = commit(&lake, "figures/r/a.png", "newer");
        decided.remove("figures/r/gone.png");
        let mut manifest = Manifest::load_raw(&lake, "r").unwrap();
        manifest.pending = Some(decided.pending);
        manifest.save(&lake, "r").unwrap();
        assert_eq!(Manifest::load(&lake, "r").unwrap().files["figures/r/a.png"].bytes, 3);
        // Killed between the files and the manifest: readers see the new one.
        manifest.clone().settle(&lake, "r").unwrap();
        manifest.save(&lake, "r").unwrap();
        assert_eq!(Manifest::load(&lake, "r").unwrap().files["figures/r/a.png"].bytes, 5);
        Manifest::recover(&lake, "r").unwrap();
        Manifest::recover(&lake, "r").unwrap();
        let settled = Manifest::load_raw(&lake, "r").unwrap();
        assert_eq!((settled.pending, settled.files["figures/r/a.png"].bytes), (None, 5));
        assert_eq!(lake.store().read("figures/r/a.png").unwrap().unwrap(), b"newer");
    }
    /// A checkpoint and two tables of a step, as small as files can be.
    fn step_of_a_run<'l>(lake: &'l Lake, step: u64, content: &str) -> Commit<'l> {
        let scratch = lake.store().scratch("r").unwrap();
        let mut commit = Commit::new(lake, "r");
        let keys = [
            layout::checkpoint("r", step),
            layout::part(&crate::schema::UNITS, "r", step),
            layout::part(&crate::schema::MODULES, "r", step),
        ];
        for (number, key) in keys.iter().enumerate() {
            let path = scratch.path().join(number.to_string());
            std::fs::write(&path, content).unwrap();
            commit.add_file(&path, key, "analyze", Some(step), "f").unwrap();
        }
        commit
    }

    fn decided(commit: Commit<'_>) -> Manifest {
        let mut manifest = Manifest::load_raw(commit.lake, "r").unwrap();
        manifest.pending = Some(commit.pending);
        manifest.save(commit.lake, "r").unwrap();
        manifest
    }

    /// What whole manifests say, by whichever way they are read.
    fn entries(lake: &Lake) -> BTreeMap<String, u64> {
        let whole = Manifest::load(lake, "r").unwrap();
        for (key, entry) in &whole.files {
            assert_eq!(Manifest::load_for(lake, "r", key).unwrap().files.get(key), Some(entry), "{key}");
        }
        whole.files.into_iter().map(|(key, entry)| (key, entry.bytes)).collect()
    }

    #[test]
    fn a_manifest_of_many_steps_has_parts_and_stays_small() {
        let (_folder, lake) = lake();
        commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
        let mut expected = BTreeMap::from([("figures/r/a.png".to_owned(), 3)]);
        let own = |lake: &Lake| lake.store().size("runs/r/manifest.json").unwrap().unwrap();
        let mut largest = 0;
        for step in 1..=200 {
            step_of_a_run(&lake, step, "abcd").finish().unwrap();
            expected.extend(
                [
                    layout::checkpoint("r", step),
                    layout::part(&crate::schema::UNITS, "r", step),
                    layout::part(&crate::schema::MODULES, "r", step),
                ]
                .map(|key| (key, 4)),
            );
            largest = largest.max(own(&lake));
        }
        assert_eq!(entries(&lake), expected);
        assert_eq!(Manifest::load_raw(&lake, "r").unwrap().format, SPLIT, "older versions refuse what they would not see whole");
        assert!(largest < 100_000, "{largest} bytes");
        // One that is there is replaced, and another goes.
        let mut change = step_of_a_run(&lake, 7, "abcdef");
        for key in [layout::checkpoint("r", 7), layout::checkpoint("r", 8)] {
            change.pending.files.remove(&key);
            change.pending.staged.retain(|staged| staged.key() != key);
            change.remove(&key);
            expected.remove(&key);
        }
        change.finish().unwrap();
        for table in [&crate::schema::UNITS, &crate::schema::MODULES] {
            expected.insert(layout::part(table, "r", 7), 6);
        }
        assert_eq!(entries(&lake), expected);
        // A step of which nothing is left has no part.
        let mut change = Commit::new(&lake, "r");
        for key in [layout::checkpoint("r", 9), layout::part(&crate::schema::UNITS, "r", 9), layout::part(&crate::schema::MODULES, "r", 9)]
        {
            change.remove(&key);
            expected.remove(&key);
        }
        change.finish().unwrap();
        assert_eq!(entries(&lake), expected);
        assert_eq!(lake.store().size(&layout::manifest_part("r", 9)).unwrap(), None);
        lake.store().write(&layout::manifest_part("r", 10), b"{").unwrap();
        let error = Manifest::load(&lake, "r").unwrap_err().to_string();
        assert!(error.contains("step-000000010.json") && error.contains("what is of this step is made anew"), "{error}");
        assert_eq!(Manifest::load_step(&lake, "r", 11).unwrap().of("analyze", Some(11)).count(), 3, "other steps do not care");
    }

    #[test]
    fn a_long_manifest_of_an_older_version_is_read_and_written_on() {
        let (_folder, lake) = lake();
        let mut expected = BTreeMap::new();
        let entry = Entry {
            stage: "analyze".into(),
            step: None,
            fingerprint: "f".into(),
            bytes: 4,
            sha256: String::new(),
            rows: None,
            lists: None,
        };
        let files = (1..=500).map(|step| (layout::checkpoint("r", step), Entry { step: Some(step), ..entry.clone() }));
        let mut old = Manifest::of_files(files);
        old.save(&lake, "r").unwrap();
        expected.extend((1..=500).map(|step| (layout::checkpoint("r", step), 4)));
        assert_eq!(entries(&lake), expected);
        // What a kill in the middle of the first division may have left, when the manifest has changed since.
        lake.store().write(&layout::manifest_part("r", 3), b"{\"format\": 2, \"files\": {\"tables/units/run=r/step=3/part-0.parquet\": {\"stage\": \"analyze\", \"step\": 3, \"fingerprint\": \"\", \"bytes\": 1, \"sha256\": \"\", \"rows\": 1}}}").unwrap();
        lake.store().write(&layout::manifest_part("r", 501), b"{").unwrap();
        assert_eq!(entries(&lake), expected, "nobody looks at parts of a manifest that has none");
        step_of_a_run(&lake, 250, "abcdef").finish().unwrap();
        let of_250 =
            [layout::checkpoint("r", 250), layout::part(&crate::schema::UNITS, "r", 250), layout::part(&crate::schema::MODULES, "r", 250)];
        expected.extend(of_250.map(|key| (key, 6)));
        assert_eq!(entries(&lake), expected);
        assert_eq!(Manifest::load_raw(&lake, "r").unwrap().files.len(), 1, "the last step");
    }

    #[test]
    fn a_kill_at_any_moment_of_a_publication_with_parts_is_ended_by_the_next_writer() {
        // Whatever was written before the kill, in its order, is there; what comes after is not. So every prefix of the changes of a publication is tried.
        for divides in [false, true] {
            let state = |lake: &Lake| -> BTreeMap<String, Vec<u8>> {
                let files = lake.store().files_below("").unwrap().into_iter();
                files.map(|(key, _)| (key.clone(), lake.store().read(&key).unwrap().unwrap())).collect()
            };
            let (_folder, before) = lake();
            let keys = |step: u64| {
                let tables = [&crate::schema::UNITS, &crate::schema::MODULES].map(|table| layout::part(table, "r", step));
                [layout::checkpoint("r", step)].into_iter().chain(tables).map(move |key| (key, step))
            };
            let entry = |step: u64| Entry {
                stage: "analyze".into(),
                step: Some(step),
                fingerprint: "f".into(),
                bytes: 4,
                sha256: String::new(),
                rows: None,
                lists: None,
            };
            let files = (1..=if divides { 42 } else { 60 }).flat_map(keys).map(|(key, step)| {
                let path = before.show(&key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "abcd").unwrap();
                (key, entry(step))
            });
            Manifest::of_files(files).save(&before, "r").unwrap();
            if !divides {
                step_of_a_run(&before, 60, "abcd").finish().unwrap();
            }
            let before = state(&before);
            let fresh = || {
                let (folder, lake) = lake();
                for (key, bytes) in &before {
                    let path = lake.show(key);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes).unwrap();
                }
                (folder, lake)
            };
            let change = |lake: &Lake| -> Manifest {
                let step = if divides { 43 } else { 7 };
                let mut commit = step_of_a_run(lake, step, "abcdef");
                let path = lake.store().scratch("r").unwrap().path().join("figure");
                std::fs::write(&path, "figure").unwrap();
                commit.add_file(&path, "figures/r/a.png", "draw", Some(step), "f").unwrap();
                commit.remove(&layout::checkpoint("r", 8));
                decided(commit)
            };
            let (_folder, undisturbed) = fresh();
            change(&undisturbed).settle(&undisturbed, "r").unwrap();
            let expected = entries(&undisturbed);
            let after = state(&undisturbed);
            let changes = |key: &&String| key.starts_with("runs/r/manifests/") && after.get(*key) != before.get(*key);
            let parts_after: Vec<&String> = after.keys().filter(changes).collect();
            assert_eq!(parts_after.len(), if divides { 42 } else { 2 });
            // None, all, and some in between.
            for done in (0..=parts_after.len()).step_by(if divides { 7 } else { 1 }) {
                let (_folder, lake) = fresh();
                let manifest = change(&lake);
                // The files themselves, then parts one by one, and never the manifest.
                let Some(pending) = &manifest.pending else { panic!("decided") };
                for staged in &pending.staged {
                    lake.store().adopt(staged, 6, "").unwrap();
                }
                for key in &pending.removed {
                    lake.store().remove(key).unwrap();
                }
                for key in &parts_after[..done] {
                    lake.store().write(key, &after[*key]).unwrap();
                }
                assert_eq!(entries(&lake), expected, "a reader, {done} parts written");
                Manifest::recover(&lake, "r").unwrap();
                assert_eq!(entries(&lake), expected, "after the next writer, {done} parts written");
                step_of_a_run(&lake, 8, "abcdefgh").finish().unwrap();
                let now = entries(&lake);
                assert_eq!((now.len(), now[&layout::checkpoint("r", 8)]), (expected.len() + 1, 8), "{done} parts written");
            }
        }
    }
}

//! Which files a run's stages left in the lake, with size and checksum: `runs/<run>/manifest.json`.
//!
//! The manifest is also where a publication is decided. Its files are staged, whole and durable, before the manifest names them as *pending*; from
//! then on the publication is done, whatever happens: what a killed process left pending, the run's next writer puts in place
//! ([`Manifest::recover`]). Each file takes the place of the one before in one step, so a reader sees the old or the new one.

use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::parquet_file::Written;
pub use crate::parquet_file::hex;
use crate::store::{Staged, Tag};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;

/// Version of the manifest's form.
const MANIFEST_VERSION: u32 = 1;

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

impl Manifest {
    /// The manifest of a run as a reader sees it: files that are pending count once they are in place. Empty where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read or is no manifest.
    pub fn load(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        let mut manifest = Self::load_raw(lake, run)?;
        if let Some(pending) = manifest.pending.take() {
            for staged in &pending.staged {
                if let Some(entry) = pending.files.get(staged.key())
                    && lake.store().is_in_place(staged, entry.bytes)?
                {
                    manifest.files.insert(staged.key().to_owned(), entry.clone());
                }
            }
            for key in pending.removed {
                if lake.store().size(&key)?.is_none() {
                    manifest.files.remove(&key);
                }
            }
        }
        Ok(manifest)
    }

    fn load_raw(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        let key = layout::manifest(run);
        let path = lake.show(&key);
        let Some((text, tag)) = lake.store().read_tagged(&key)? else { return Ok(Self::of_files([])) };
        let damaged = |error: serde_json::Error| {
            LakeError::damaged(
                &path,
                format!(
                    "is no manifest ({error}); remove it and run again: tables and figures are made anew, checkpoints stay, rows of metrics so far are lost"
                ),
            )
        };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
        if let Some(found) = value.get("format").and_then(serde_json::Value::as_u64).filter(|found| *found > u64::from(MANIFEST_VERSION)) {
            return Err(LakeError::Version { path, found, known: MANIFEST_VERSION });
        }
        Ok(Self { tag, ..serde_json::from_value(value).map_err(damaged)? })
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
        Self { format: MANIFEST_VERSION, files: files.into_iter().collect(), pending: None, tag: Tag::default() }
    }

    /// Writes it. In a bucket only over the version that it was made from: who slept over its lease must not undo what another has published since.
    pub(crate) fn save(&mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let key = layout::manifest(run);
        let text = serde_json::to_string_pretty(self).map_err(|error| LakeError::damaged(&lake.show(&key), error.to_string()))?;
        let replaced = lake.store().replace(&key, (text + "\n").as_bytes(), std::mem::take(&mut self.tag))?;
        self.tag = replaced.ok_or_else(|| LakeError::Locked { run: run.to_owned() })?;
        Ok(())
    }

    /// Puts in place what is pending.
    fn settle(mut self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        for staged in &pending.staged {
            let (bytes, sha256) = pending.files.get(staged.key()).map_or((0, ""), |entry| (entry.bytes, entry.sha256.as_str()));
            lake.store().adopt(staged, bytes, sha256)?;
        }
        for key in &pending.removed {
            lake.store().remove(key)?;
            self.files.remove(key);
        }
        self.files.extend(pending.files);
        self.save(lake, run)
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
        for key in self.of(stage, step) {
            let entry = &self.files[key];
            if entry.fingerprint != fingerprint || lake.store().size(key)? != Some(entry.bytes) {
                return Ok(Some(key.to_owned()));
            }
        }
        Ok(None)
    }
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
}

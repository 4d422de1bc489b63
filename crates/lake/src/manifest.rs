//! Which files a run's stages left in the lake, with size and checksum: `runs/<run>/manifest.json`.

use crate::error::LakeError;
use crate::layout::Lake;
use crate::parquet_file::hex;
use crate::store;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
}

/// All files of a run by their path in the lake, `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// The files.
    pub files: BTreeMap<String, Entry>,
}

fn path_of(lake: &Lake, run: &str) -> PathBuf {
    lake.run_dir(run).join("manifest.json")
}

impl Manifest {
    /// The manifest of a run; empty where there is none yet.
    ///
    /// # Errors
    /// A file that cannot be read or is no manifest.
    pub fn load(lake: &Lake, run: &str) -> Result<Self, LakeError> {
        let path = path_of(lake, run);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { format: MANIFEST_VERSION, files: BTreeMap::new() });
            }
            text => text.map_err(LakeError::io(&path))?,
        };
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| LakeError::damaged(&path, format!("is no manifest ({error}); remove it, and run with --force")))?;
        if manifest.format > MANIFEST_VERSION {
            return Err(LakeError::Version { path, found: u64::from(manifest.format), known: MANIFEST_VERSION });
        }
        Ok(manifest)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn save(&self, lake: &Lake, run: &str) -> Result<(), LakeError> {
        let path = path_of(lake, run);
        let text = serde_json::to_string_pretty(self).map_err(|error| LakeError::damaged(&path, error.to_string()))?;
        store::write_atomic(&path, (text + "\n").as_bytes())
    }

    /// Replaces what `stage` left for `step`.
    pub fn replace(&mut self, stage: &str, step: Option<u64>, files: BTreeMap<String, Entry>) {
        self.files.retain(|_, entry| entry.stage != stage || entry.step != step);
        self.files.extend(files);
    }

    /// The first file of `stage` and `step` that is not there with its size, or that depended on something else than `fingerprint`.
    pub fn first_stale(&self, lake: &Lake, stage: &str, step: Option<u64>, fingerprint: &str) -> Option<&str> {
        let own = self.files.iter().filter(|(_, entry)| entry.stage == stage && entry.step == step);
        let whole = |path: &str, entry: &Entry| std::fs::metadata(lake.root().join(path)).is_ok_and(|file| file.len() == entry.bytes);
        own.filter(|(path, entry)| entry.fingerprint != fingerprint || !whole(path, entry)).map(|(path, _)| path.as_str()).next()
    }
}

/// The entry of a finished file that is no table, such as a figure.
///
/// # Errors
/// A file that cannot be read.
pub fn entry_of(lake: &Lake, path: &Path, stage: &str, step: Option<u64>, fingerprint: &str) -> Result<(String, Entry), LakeError> {
    let bytes = std::fs::read(path).map_err(LakeError::io(path))?;
    let entry = Entry {
        stage: stage.to_owned(),
        step,
        fingerprint: fingerprint.to_owned(),
        bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(&bytes)),
        rows: None,
    };
    Ok((lake.relative(path), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_short_and_outdated_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake")).unwrap();
        std::fs::create_dir_all(lake.run_dir("r")).unwrap();
        let file = lake.root().join("a.png");
        std::fs::write(&file, "abc").unwrap();
        let mut manifest = Manifest::load(&lake, "r").unwrap();
        let (path, entry) = entry_of(&lake, &file, "draw", Some(5), "f").unwrap();
        assert_eq!(entry.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        manifest.replace("draw", Some(5), BTreeMap::from([(path.clone(), entry)]));
        manifest.save(&lake, "r").unwrap();
        let manifest = Manifest::load(&lake, "r").unwrap();
        assert_eq!(manifest.first_stale(&lake, "draw", Some(5), "f"), None);
        assert_eq!(manifest.first_stale(&lake, "draw", Some(5), "g"), Some(path.as_str()));
        std::fs::write(&file, "ab").unwrap();
        assert_eq!(manifest.first_stale(&lake, "draw", Some(5), "f"), Some(path.as_str()));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(manifest.first_stale(&lake, "draw", Some(5), "f"), Some(path.as_str()));
        assert_eq!(manifest.first_stale(&lake, "draw", Some(6), "f"), None);
        std::fs::write(lake.run_dir("r").join("manifest.json"), "{\"for").unwrap();
        assert!(matches!(Manifest::load(&lake, "r"), Err(LakeError::Damaged { .. })));
    }
}

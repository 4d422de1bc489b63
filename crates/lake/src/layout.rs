//! Where things are in a lake.
//!
//! ```text
//! LAKE/
//!   lake.json                                            format version
//!   runs/<run>/run.json                                  what the run was made from, its stages
//!   runs/<run>/manifest.json                             size and checksum of every file of the run's tables and figures
//!   runs/<run>/checkpoints/step-000020000.safetensors
//!   tables/<table>/run=<run>/step=<step>/part-0.parquet  (metrics: run= only)
//!   figures/<run>/…
//! ```

use crate::error::LakeError;
use crate::schema::{SCHEMA_VERSION, Table};
use crate::store;
use std::path::{Path, PathBuf};

/// A lake on this machine's file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lake {
    root: PathBuf,
}

impl Lake {
    /// Opens the lake at `root`, or makes one where there is nothing or an empty folder.
    ///
    /// # Errors
    /// A file or a folder with other content at `root`, a lake of a newer gridlake, or a system that refuses.
    pub fn create(root: &Path) -> Result<Self, LakeError> {
        if root.join("lake.json").exists() {
            return Self::open(root);
        }
        std::fs::create_dir_all(root).map_err(LakeError::io(root))?;
        // Several runs may start on a new lake at once: one makes it, the others wait and open it.
        let folder = std::fs::File::open(root).map_err(LakeError::io(root))?;
        folder.lock().map_err(LakeError::io(root))?;
        if root.join("lake.json").exists() {
            return Self::open(root);
        }
        let mut entries = std::fs::read_dir(root).map_err(LakeError::io(root))?;
        // A kill while lake.json is written leaves its hidden file aside.
        let strange = entries.any(|entry| entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().starts_with(store::ASIDE)));
        if strange {
            return Err(LakeError::NotALake {
                path: root.to_owned(),
                more: ", and it is not empty; choose an empty or new folder with --lake",
            });
        }
        store::remove_leftovers(root)?;
        let text = format!("{{\n  \"format\": {SCHEMA_VERSION}\n}}\n");
        store::write_atomic(&root.join("lake.json"), text.as_bytes())?;
        Self::open(root)
    }

    /// Opens an existing lake.
    ///
    /// # Errors
    /// No lake at `root`, or one of a newer gridlake.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let path = root.join("lake.json");
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LakeError::NotALake { path: root.to_owned(), more: "" });
            }
            text => text.map_err(LakeError::io(&path))?,
        };
        let format = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|value| value.get("format")?.as_u64());
        match format {
            None => Err(LakeError::damaged(&path, "holds no format number; write {\"format\": 1} into it if the folder is a lake")),
            Some(found) if found > u64::from(SCHEMA_VERSION) => Err(LakeError::Version { path, found, known: SCHEMA_VERSION }),
            Some(_) => Ok(Self { root: root.to_owned() }),
        }
    }

    /// The lake's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `runs/<run>`.
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(run)
    }

    /// `runs/<run>/checkpoints`.
    pub fn checkpoints_dir(&self, run: &str) -> PathBuf {
        self.run_dir(run).join("checkpoints")
    }

    /// `runs/<run>/checkpoints/step-<nine digits>.safetensors`.
    pub fn checkpoint_path(&self, run: &str, step: u64) -> PathBuf {
        self.checkpoints_dir(run).join(format!("step-{step:09}.safetensors"))
    }

    /// `figures/<run>`.
    pub fn figures_dir(&self, run: &str) -> PathBuf {
        self.root.join("figures").join(run)
    }

    /// `tables/<table>/run=<run>`.
    pub fn table_dir(&self, table: &Table, run: &str) -> PathBuf {
        self.root.join("tables").join(table.name).join(format!("run={run}"))
    }

    /// `tables/<table>/run=<run>/step=<step>`.
    pub fn partition_dir(&self, table: &Table, run: &str, step: u64) -> PathBuf {
        self.table_dir(table, run).join(format!("step={step}"))
    }

    /// Where a run's tables are written before they are published; nobody reads it.
    pub(crate) fn staging_dir(&self, run: &str) -> PathBuf {
        self.run_dir(run).join(".staging")
    }

    /// A path inside the lake with `/` between its parts, as manifests have it.
    pub(crate) fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// Names of all runs, sorted.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn runs(&self) -> Result<Vec<String>, LakeError> {
        let folder = self.root.join("runs");
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(LakeError::io(&folder))?,
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry.map_err(LakeError::io(&folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join("run.json").exists() && !name.starts_with('.') {
                runs.push(name);
            }
        }
        runs.sort();
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/lake");
        assert!(matches!(Lake::open(&root), Err(LakeError::NotALake { .. })));
        let lake = Lake::create(&root).unwrap();
        assert_eq!(Lake::create(&root).unwrap(), lake);
        assert_eq!(lake.runs().unwrap(), Vec::<String>::new());
        assert!(lake.checkpoint_path("r", 20_000).ends_with("runs/r/checkpoints/step-000020000.safetensors"));
        assert_eq!(lake.relative(&lake.figures_dir("r").join("a.png")), "figures/r/a.png");
    }

    #[test]
    fn several_may_make_the_same_new_lake_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let root = folder.path().join(round.to_string());
            let together = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            together.wait();
                            Lake::create(&root)
                        })
                    })
                    .collect();
                for maker in makers {
                    maker.join().unwrap().unwrap();
                }
            });
        }
    }

    #[test]
    fn what_is_no_lake_or_too_new_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "precious").unwrap();
        assert!(matches!(Lake::create(folder.path()), Err(LakeError::NotALake { .. })));
        std::fs::write(folder.path().join("lake.json"), "{\"format\": 99}").unwrap();
        assert!(matches!(Lake::create(folder.path()), Err(LakeError::Version { found: 99, .. })));
        std::fs::write(folder.path().join("lake.json"), "{").unwrap();
        assert!(matches!(Lake::open(folder.path()), Err(LakeError::Damaged { .. })));
    }
}

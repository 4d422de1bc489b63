//! Where things are in a lake.
//!
//! ```text
//! LAKE/
//!   lake.json                                            format version
//!   runs/<run>/run.json                                  what the run was made from, its stages
//!   runs/<run>/manifest.json                             size and checksum of every file of the run
//!   runs/<run>/manifests/step-000020000.json             the same of one step, in runs of very many files
//!   runs/<run>/stages/step-000020000.json                the stages of a checkpoint before the last
//!   runs/<run>/checkpoints/step-000020000.safetensors
//!   .index/…                                             of many runs, what their records and manifests say, and rows of small tables
//!   tables/<table>/run=<run>/step=<step>/part-0.parquet  (metrics: run= only)
//!   figures/<run>/…
//!   reports/<run>.html
//!   reports/<name>/index.html                            all runs of a name beside each other, where there are several
//! ```

use crate::error::LakeError;
use crate::schema::{SCHEMA_VERSION, Table};
use crate::store::{Location, Store};
use rayon::prelude::*;
use std::path::PathBuf;

/// The file that makes a place a lake.
const MARK: &str = "lake.json";

/// A lake.
#[derive(Clone, Debug)]
pub struct Lake {
    store: Store,
}

impl Lake {
    /// Opens the lake at `location`, or makes one where there is nothing.
    ///
    /// # Errors
    /// A file or a folder with other content there, a lake of a newer gridlake, or a system that refuses.
    pub fn create(location: &Location) -> Result<Self, LakeError> {
        let store = Store::at(location)?;
        if store.size(MARK)?.is_none() {
            let text = format!("{{\n  \"format\": {SCHEMA_VERSION}\n}}\n");
            if !store.found(MARK, text.as_bytes())? {
                return Err(LakeError::NotALake {
                    path: store.show(""),
                    more: ", and it is not empty; choose an empty or new place with --lake",
                });
            }
        }
        Self::at(store)
    }

    /// Opens an existing lake.
    ///
    /// # Errors
    /// No lake at `location`, or one of a newer gridlake.
    pub fn open(location: &Location) -> Result<Self, LakeError> {
        Self::at(Store::at(location)?)
    }

    fn at(store: Store) -> Result<Self, LakeError> {
        let Some(text) = store.read(MARK)? else { return Err(LakeError::NotALake { path: store.show(""), more: "" }) };
        let format = serde_json::from_slice::<serde_json::Value>(&text).ok().and_then(|value| value.get("format")?.as_u64());
        let path = store.show(MARK);
        match format {
            None => Err(LakeError::damaged(&path, "holds no format number; write {\"format\": 1} into it if this is a lake")),
            Some(found) if found > u64::from(SCHEMA_VERSION) => Err(LakeError::Version { path, found, known: SCHEMA_VERSION }),
            Some(_) => Ok(Self { store }),
        }
    }

    /// The lake's files.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A key as users know it: a path, or an address.
    pub fn show(&self, key: &str) -> PathBuf {
        self.store.show(key)
    }

    /// Removes the folder of a run that has neither record nor manifest: one that failed before anything of it was done. The caller holds the run's lock.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn forget_empty(&self, run: &str) -> Result<(), LakeError> {
        if self.store.size(&run_record(run))?.is_some() || self.store.size(&manifest(run))?.is_some() {
            return Ok(());
        }
        // Buckets have no folders.
        let Some(root) = self.store.folder() else { return Ok(()) };
        let folder = root.join("runs").join(run);
        std::fs::remove_dir_all(&folder).map_err(LakeError::io(&folder))
    }

    /// Removes a lake that this process has made, if there is still nothing in it.
    ///
    /// # Errors
    /// A system that refuses, or a run that another process has begun meanwhile.
    pub fn forget_new(&self) -> Result<(), LakeError> {
        let Some(root) = self.store.folder() else {
            return if self.store.list("runs")?.folders.is_empty() { self.store.remove(MARK) } else { Ok(()) };
        };
        let runs = root.join("runs");
        match std::fs::remove_dir(&runs) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(LakeError::io(&runs)(error)),
            _ => self.store.remove(MARK)?,
        }
        std::fs::remove_dir(root).map_err(LakeError::io(root))
    }

    /// Names of all runs, sorted.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn runs(&self) -> Result<Vec<String>, LakeError> {
        let mut folders = self.store.list("runs")?.folders;
        folders.retain(|name| !name.starts_with('.'));
        let is_run = |name: String| Ok(self.store.size(&run_record(&name))?.map(|_| name));
        folders.into_par_iter().map(is_run).collect::<Vec<_>>().into_iter().filter_map(Result::transpose).collect()
    }
}

/// `runs/<run>/run.json`.
pub fn run_record(run: &str) -> String {
    format!("runs/{run}/run.json")
}

/// `runs/<run>/manifest.json`.
pub fn manifest(run: &str) -> String {
    format!("runs/{run}/manifest.json")
}

/// `runs/<run>/manifests`.
pub fn manifest_parts(run: &str) -> String {
    format!("runs/{run}/manifests")
}

/// `runs/<run>/manifests/step-<nine digits>.json`.
pub fn manifest_part(run: &str, step: u64) -> String {
    format!("{}/step-{step:09}.json", manifest_parts(run))
}

/// `runs/<run>/stages`.
pub fn step_records(run: &str) -> String {
    format!("runs/{run}/stages")
}

/// `runs/<run>/stages/step-<nine digits>.json`.
pub fn step_record(run: &str, step: u64) -> String {
    format!("{}/step-{step:09}.json", step_records(run))
}

/// The step that a file is about, of a table or a checkpoint; none of `metrics` and of what was drawn.
pub fn step_of(key: &str) -> Option<u64> {
    let mut parts = key.split('/');
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
        ("tables", _, _, step) => step.strip_prefix("step=")?.parse().ok(),
        ("runs", _, "checkpoints", name) => name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok(),
        _ => None,
    }
}

/// `runs/<run>/checkpoints`.
pub fn checkpoints(run: &str) -> String {
    format!("runs/{run}/checkpoints")
}

/// `runs/<run>/checkpoints/step-<nine digits>.safetensors`.
pub fn checkpoint(run: &str, step: u64) -> String {
    format!("{}/step-{step:09}.safetensors", checkpoints(run))
}

/// `reports/<run>.html`.
pub fn report(run: &str) -> String {
    format!("reports/{run}.html")
}

/// `reports/<name>/index.html`, of all runs that a pipeline's name has. In a folder, so that no run's report can be called alike.
pub fn index(name: &str) -> String {
    format!("reports/{name}/index.html")
}

/// `figures/<run>`.
pub fn figures(run: &str) -> String {
    format!("figures/{run}")
}

/// `tables/<table>/run=<run>`.
pub fn table(table: &Table, run: &str) -> String {
    format!("tables/{}/run={run}", table.name)
}

/// `tables/<table>/run=<run>/step=<step>/part-0.parquet`, the one file of a partition.
pub fn part(table: &Table, run: &str, step: u64) -> String {
    format!("{}/step={step}/part-0.parquet", self::table(table, run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn location(path: &Path) -> Location {
        path.to_str().unwrap().parse().unwrap()
    }

    #[test]
    fn a_lake_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = location(&folder.path().join("a/lake"));
        assert!(matches!(Lake::open(&root), Err(LakeError::NotALake { .. })));
        Lake::create(&root).unwrap();
        let lake = Lake::create(&root).unwrap();
        assert_eq!(lake.runs().unwrap(), Vec::<String>::new());
        assert_eq!(checkpoint("r", 20_000), "runs/r/checkpoints/step-000020000.safetensors");
        assert_eq!(step_of(&checkpoint("r", 20_000)), Some(20_000));
        assert_eq!(step_of(&part(&crate::schema::UNITS, "r", 40)), Some(40));
        for key in ["tables/metrics/run=r/part-000000001.parquet", "figures/r/a.png", "reports/r.html", "runs/r/run.json"] {
            assert_eq!(step_of(key), None, "{key}");
        }
    }

    #[test]
    fn several_may_make_the_same_new_lake_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let root = location(&folder.path().join(round.to_string()));
            let together = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            together.wait();
                            Lake::create(&root).map(|_| ())
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
        let root = location(folder.path());
        std::fs::write(folder.path().join("thesis.txt"), "precious").unwrap();
        assert!(matches!(Lake::create(&root), Err(LakeError::NotALake { .. })));
        std::fs::write(folder.path().join("lake.json"), "{\"format\": 99}").unwrap();
        assert!(matches!(Lake::create(&root), Err(LakeError::Version { found: 99, .. })));
        std::fs::write(folder.path().join("lake.json"), "{").unwrap();
        assert!(matches!(Lake::open(&root), Err(LakeError::Damaged { .. })));
    }
}

//! A lake in a folder of this machine.

use super::{Listing, Source, Staged, Stamp};
use crate::error::LakeError;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How the names of files start that are not finished.
const ASIDE: &str = ".tmp-";

#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

/// A file in the making, in its run's `.staging`.
pub(super) struct Aside {
    file: BufWriter<File>,
    path: PathBuf,
    key: String,
    temporary: String,
    root: PathBuf,
}

impl Aside {
    pub(super) fn finish(self) -> Result<Staged, LakeError> {
        let refuse = LakeError::io(&self.path);
        let file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).and_then(|()| sync_folders(&self.path, &self.root)).map_err(refuse)?;
        Ok(Staged::File { key: self.key, temporary: self.temporary })
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Absent files are `None`.
fn present<T>(outcome: std::io::Result<T>, path: &Path) -> Result<Option<T>, LakeError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(LakeError::Io { path: path.to_owned(), source }),
    }
}

/// What any other program's new files get, umask applied; temporary files would be private.
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

/// Makes a rename in a folder last.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes all folders last that lead from the lake to a file: some may be new.
fn sync_folders(path: &Path, root: &Path) -> std::io::Result<()> {
    path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)).try_for_each(sync_folder)
}

/// Where a run's files are before they are published; nobody reads it.
fn staging(run: &str) -> String {
    format!("runs/{run}/.staging")
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        if key.is_empty() { self.root.clone() } else { self.root.join(key) }
    }

    /// The key of a path inside.
    fn key_of(&self, path: &Path) -> Option<String> {
        let inside = path.strip_prefix(&self.root).ok()?;
        Some(inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
    }

    pub(super) fn read(&self, key: &str) -> Result<Option<Vec<u8>>, LakeError> {
        let path = self.path(key);
        present(fs::read(&path), &path)
    }

    pub(super) fn write(&self, key: &str, bytes: &[u8]) -> Result<(), LakeError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut aside = tempfile::Builder::new().prefix(ASIDE).permissions(permissions()).tempfile_in(folder)?;
            aside.write_all(bytes)?;
            aside.as_file().sync_all()?;
            aside.persist(&path).map_err(|error| error.error)?;
            sync_folder(folder)
        };
        write().map_err(LakeError::io(&path))
    }

    pub(super) fn found(&self, key: &str, bytes: &[u8]) -> Result<bool, LakeError> {
        let refuse = LakeError::io(&self.root);
        let mut strange = false;
        let mut look = || -> std::io::Result<()> {
            fs::create_dir_all(&self.root)?;
            // Several runs may start on a new lake at once: one makes it, the others wait and open it.
            let folder = File::open(&self.root)?;
            folder.lock()?;
            if self.path(key).exists() {
                return Ok(());
            }
            for entry in fs::read_dir(&self.root)? {
                let entry = entry?;
                // A kill while the file was written left it aside, hidden.
                if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                    fs::remove_file(entry.path())?;
                } else {
                    strange = true;
                }
            }
            if !strange {
                self.write(key, bytes).map_err(std::io::Error::other)?;
            }
            Ok(())
        };
        look().map_err(refuse)?;
        Ok(!strange)
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, LakeError> {
        let path = self.path(key);
        Ok(present(fs::metadata(&path), &path)?.filter(fs::Metadata::is_file).map(|file| file.len()))
    }

    pub(super) fn stamp(&self, key: &str) -> Result<Option<Stamp>, LakeError> {
        let path = self.path(key);
        Ok(present(fs::metadata(&path), &path)?.filter(fs::Metadata::is_file).map(|file| Stamp::of(&file)))
    }

    pub(super) fn list(&self, key: &str) -> Result<Listing, LakeError> {
        let path = self.path(key);
        let mut listing = Listing::default();
        for entry in present(fs::read_dir(&path), &path)?.into_iter().flatten() {
            let entry = entry.map_err(LakeError::io(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A folder needs no second look, and a lake has a hundred thousand of them.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if name != ".staging" {
                    listing.folders.push(name);
                }
                continue;
            }
            // A file may go between being listed and looked at.
            let Some(about) = present(fs::metadata(entry.path()), &entry.path())? else { continue };
            if about.is_dir() && name != ".staging" {
                listing.folders.push(name);
            } else if about.is_file() && !name.starts_with(ASIDE) {
                listing.files.push((name, about.len()));
            }
        }
        listing.files.sort();
        listing.folders.sort();
        Ok(listing)
    }

    pub(super) fn remove(&self, key: &str) -> Result<(), LakeError> {
        let path = self.path(key);
        present(fs::remove_file(&path), &path)?;
        // A partition without files is no partition.
        if let Some(parent) = path.parent().filter(|parent| *parent != self.root) {
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }

    pub(super) fn open(&self, key: &str) -> Result<Source, LakeError> {
        let path = self.path(key);
        Source::open_path(&path).map_err(LakeError::io(&path))
    }

    pub(super) fn stage(&self, run: &str, key: &str) -> Result<Aside, LakeError> {
        let temporary = format!("{}/{key}", staging(run));
        let path = self.path(&temporary);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(LakeError::io(folder))?;
        }
        let file = File::create(&path).map_err(LakeError::io(&path))?;
        Ok(Aside { file: BufWriter::with_capacity(1 << 18, file), path, key: key.to_owned(), temporary, root: self.root.clone() })
    }

    /// A file inside as a staged one, made durable where it is; `None` for one elsewhere.
    pub(super) fn stage_file(&self, path: &Path, key: &str) -> Result<Option<Staged>, LakeError> {
        let Some(temporary) = self.key_of(path) else { return Ok(None) };
        File::open(path).and_then(|file| file.sync_all()).and_then(|()| sync_folders(path, &self.root)).map_err(LakeError::io(path))?;
        Ok(Some(Staged::File { key: key.to_owned(), temporary }))
    }

    pub(super) fn adopt(&self, key: &str, temporary: &str) -> Result<(), LakeError> {
        let (from, to) = (self.path(temporary), self.path(key));
        if !from.exists() {
            return Ok(());
        }
        let parent = to.parent().unwrap_or(&self.root);
        let swap = || -> std::io::Result<()> {
            fs::create_dir_all(parent)?;
            fs::rename(&from, &to)?;
            sync_folders(&to, &self.root)
        };
        swap().map_err(LakeError::io(&to))
    }

    pub(super) fn clear_staged(&self, run: &str) -> Result<(), LakeError> {
        let path = self.path(&staging(run));
        present(fs::remove_dir_all(&path), &path)?;
        for key in self.leftovers(run)? {
            let path = self.path(&key);
            present(fs::remove_file(&path), &path)?;
        }
        Ok(())
    }

    pub(super) fn leftovers(&self, run: &str) -> Result<Vec<String>, LakeError> {
        let mut found = Vec::new();
        // Format version 1 wrote aside in all of these folders.
        for folder in
            [format!("runs/{run}"), format!("runs/{run}/checkpoints"), format!("tables/metrics/run={run}"), format!("figures/{run}")]
        {
            let path = self.path(&folder);
            for entry in present(fs::read_dir(&path), &path)?.into_iter().flatten() {
                let name = entry.map_err(LakeError::io(&path))?.file_name().to_string_lossy().into_owned();
                if name.starts_with(ASIDE) || name == ".staging" {
                    found.push(format!("{folder}/{name}"));
                }
            }
        }
        Ok(found)
    }

    pub(super) fn scratch(&self, run: &str) -> Result<PathBuf, LakeError> {
        let path = self.path(&format!("{}/scratch", staging(run)));
        fs::create_dir_all(&path).map_err(LakeError::io(&path))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().to_owned());
        (root, folder)
    }

    #[test]
    fn a_file_is_replaced_whole_and_a_failure_leaves_the_old_one() {
        let (root, folder) = folder();
        folder.write("a.json", b"old").unwrap();
        folder.write("a.json", b"new").unwrap();
        assert_eq!(folder.read("a.json").unwrap().unwrap(), b"new");
        fs::create_dir(root.path().join("folder")).unwrap();
        assert!(folder.write("folder", b"x").unwrap_err().is_io());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing is left aside");
    }

    #[test]
    fn what_was_never_published_goes_and_other_files_stay() {
        let (root, folder) = folder();
        let mut aside = folder.stage("r", "tables/t/part-0.parquet").unwrap();
        aside.write_all(b"half").unwrap();
        fs::write(root.path().join("runs/r/.tmp-x"), "").unwrap();
        folder.write("runs/r/run.json", b"{}").unwrap();
        folder.clear_staged("r").unwrap();
        assert_eq!(folder.list("runs/r").unwrap().files, [("run.json".to_owned(), 2)]);
        assert!(!root.path().join("runs/r/.staging").exists());
        folder.clear_staged("absent").unwrap();
    }

    #[test]
    fn a_staged_file_is_seen_once_it_is_adopted() {
        let (_root, folder) = folder();
        folder.write("tables/t/part-0.parquet", b"old").unwrap();
        let mut aside = folder.stage("r", "tables/t/part-0.parquet").unwrap();
        aside.write_all(b"newer").unwrap();
        let Staged::File { key, temporary } = aside.finish().unwrap() else { panic!("a file") };
        assert_eq!(folder.size(&key).unwrap(), Some(3));
        folder.adopt(&key, &temporary).unwrap();
        folder.adopt(&key, &temporary).unwrap();
        assert_eq!(folder.size(&key).unwrap(), Some(5));
    }
}

//! Files that appear whole or not at all, and one writer per run.

use crate::error::LakeError;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;

/// How the names of files start that are not finished.
pub(crate) const ASIDE: &str = ".tmp-";

/// Writes a file: aside, synced, renamed, the folder synced.
///
/// # Errors
/// A system that refuses; what was there before stays.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), LakeError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut aside = tempfile::Builder::new().prefix(ASIDE).permissions(permissions()).tempfile_in(folder)?;
        aside.write_all(bytes)?;
        aside.as_file().sync_all()?;
        aside.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(LakeError::io(path))
}

/// What any other program's new files get, umask applied; temporary files would be private.
fn permissions() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o666)
}

/// Makes a rename in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what a killed writer left aside in a folder; none where there is no folder.
///
/// # Errors
/// A file that cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<(), LakeError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(LakeError::io(folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(LakeError::io(folder))?;
        if entry.file_name().to_string_lossy().starts_with(ASIDE) {
            fs::remove_file(entry.path()).map_err(LakeError::io(&entry.path()))?;
        }
    }
    Ok(())
}

/// The right to write to one run; given back when dropped, or when the process ends however it ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of `run`, whose folder must exist.
    ///
    /// # Errors
    /// [`LakeError::Locked`] while another process holds it.
    pub fn take(run_dir: &Path, run: &str) -> Result<Self, LakeError> {
        let path = run_dir.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(LakeError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LakeError::Locked { run: run.to_owned() }),
            Err(TryLockError::Error(source)) => Err(LakeError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_failure_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let blocked = folder.path().join("folder");
        fs::create_dir(&blocked).unwrap();
        assert!(write_atomic(&blocked, b"x").unwrap_err().is_io());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left aside");
    }

    #[test]
    fn leftovers_go_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".tmp-abc", "a.parquet", ".lock"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        remove_leftovers(&folder.path().join("absent")).unwrap();
    }

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path(), "r").unwrap();
        let refused = RunLock::take(folder.path(), "r").unwrap_err();
        assert!(refused.to_string().contains("another gridlake process is working on run r"), "{refused}");
        drop(first);
        RunLock::take(folder.path(), "r").unwrap();
    }
}

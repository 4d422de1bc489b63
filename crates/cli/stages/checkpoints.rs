//! The checkpoints of one run: which there are, which is newest, which may go.

use crate::failure::Failure;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// One checkpoint file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) step: u64,
    pub(crate) path: PathBuf,
}

/// All checkpoints of a folder, oldest first; none where there is no folder.
///
/// # Errors
/// A folder that cannot be read.
pub(crate) fn list(folder: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let refuse = |error: std::io::Error| Failure::work(format!("{}: {error}", folder.display()));
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(refuse)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(refuse)?.path();
        let step = path.file_name().and_then(|name| name.to_str()).and_then(step_of);
        found.extend(step.map(|step| Checkpoint { step, path }));
    }
    found.sort_by_key(|checkpoint| checkpoint.step);
    Ok(found)
}

/// 20000 of `step-000020000.safetensors`.
fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// Whether a safetensors file has the length that its header announces: a cheap check that finds truncation, not alteration.
pub(crate) fn is_whole(path: &Path) -> bool {
    announced_length(path).is_some_and(|length| std::fs::metadata(path).is_ok_and(|metadata| metadata.len() == length))
}

/// 8 bytes of header length, the JSON header, then tensors up to the largest `data_offsets`.
fn announced_length(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if length > file.metadata().ok()?.len() {
        return None;
    }
    let mut header = vec![0; usize::try_from(length).ok()?];
    file.read_exact(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    let end = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
    Some(8 + length + header.as_object()?.values().filter_map(end).max().unwrap_or(0))
}

/// Removes all but the newest `keep`; 0 keeps all.
///
/// # Errors
/// A file that cannot be removed.
pub(crate) fn prune(folder: &Path, keep: usize) -> Result<(), Failure> {
    if keep == 0 {
        return Ok(());
    }
    let found = list(folder)?;
    for old in &found[..found.len().saturating_sub(keep)] {
        remove(old)?;
    }
    Ok(())
}

/// Removes every checkpoint, newest first, so that a kill between two leaves a run that goes on from an older one.
///
/// # Errors
/// A file that cannot be removed.
pub(crate) fn remove_all(folder: &Path) -> Result<(), Failure> {
    list(folder)?.iter().rev().try_for_each(remove)
}

fn remove(checkpoint: &Checkpoint) -> Result<(), Failure> {
    std::fs::remove_file(&checkpoint.path).map_err(|error| Failure::work(format!("cannot remove {}: {error}", checkpoint.path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A safetensors file with one tensor of `bytes` bytes.
    fn file(folder: &Path, step: u64, bytes: u64) -> PathBuf {
        let header =
            format!("{{\"__metadata__\":{{\"a\":\"b\"}},\"w\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}");
        let mut content = (header.len() as u64).to_le_bytes().to_vec();
        content.extend(header.as_bytes());
        content.resize(content.len() + bytes as usize, 7);
        let path = folder.join(format!("step-{step:09}.safetensors"));
        std::fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn truncation_anywhere_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), 1, 100);
        assert!(is_whole(&path));
        let whole = std::fs::read(&path).unwrap();
        for length in [0, 5, 20, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(!is_whole(&path), "{length} bytes");
        }
    }

    #[test]
    fn the_newest_are_kept_and_other_files_ignored() {
        let folder = tempfile::tempdir().unwrap();
        for step in [300, 20, 1000] {
            file(folder.path(), step, 1);
        }
        std::fs::write(folder.path().join(".tmp-step-000000400.safetensors"), "").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let steps = || list(folder.path()).unwrap().iter().map(|checkpoint| checkpoint.step).collect::<Vec<_>>();
        assert_eq!(steps(), [20, 300, 1000]);
        prune(folder.path(), 0).unwrap();
        assert_eq!(steps(), [20, 300, 1000]);
        prune(folder.path(), 2).unwrap();
        assert_eq!(steps(), [300, 1000]);
        remove_all(folder.path()).unwrap();
        assert_eq!(steps(), Vec::<u64>::new());
        assert!(folder.path().join("notes.txt").exists());
        assert_eq!(list(&folder.path().join("absent")).unwrap(), []);
    }
}

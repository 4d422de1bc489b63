//! The `metrics` table: one part for each interval between checkpoints, so that a run that is killed loses no row that its checkpoint has seen, and
//! a resumed one writes none twice.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::layout::Lake;
use crate::manifest::{Entry, Manifest};
use crate::parquet_file::{FileReader, FileWriter, Layout, LocalFile, Owner, Rows};
use crate::schema::METRICS;
use crate::store::{self, ASIDE, sync_folder};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The manifest's name of the stage that trains.
const STAGE: &str = "train";

/// Adds rows as one part, whole or not at all; nothing without rows.
///
/// # Errors
/// Rows that are not finite; a system that refuses.
pub fn append(lake: &Lake, owner: &Owner, rows: &Frame) -> Result<(), LakeError> {
    let Some(first) = rows.uint64("step").first() else { return Ok(()) };
    let folder = lake.table_dir(&METRICS, &owner.run);
    fs::create_dir_all(&folder).map_err(LakeError::io(&folder))?;
    let mut manifest = Manifest::load(lake, &owner.run)?;
    write_part(lake, owner, rows, &folder.join(format!("part-{first:09}.parquet")), &mut manifest)?;
    manifest.save(lake, &owner.run)
}

fn write_part(lake: &Lake, owner: &Owner, rows: &Frame, path: &Path, manifest: &mut Manifest) -> Result<(), LakeError> {
    let folder = path.parent().unwrap_or(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!("{ASIDE}{name}"));
    let write = || {
        let file = File::create(&aside).map_err(LakeError::io(&aside))?;
        let mut writer = FileWriter::start(file, &METRICS, owner.clone(), &aside, Layout::default());
        writer.write(rows)?;
        let (file, written) = writer.finish()?;
        file.sync_all().map_err(LakeError::io(&aside))?;
        Ok(written)
    };
    let written = write();
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&aside);
    }
    let written = written?;
    fs::rename(&aside, path).and_then(|()| sync_folder(folder)).map_err(LakeError::io(path))?;
    let entry = Entry {
        stage: STAGE.to_owned(),
        step: None,
        fingerprint: owner.fingerprint.clone(),
        bytes: written.bytes,
        sha256: written.sha256,
        rows: Some(written.rows),
    };
    manifest.files.insert(lake.relative(path), entry);
    Ok(())
}

fn open(path: &Path, columns: &[&str]) -> Result<FileReader<LocalFile>, LakeError> {
    let file = LocalFile::open(path).map_err(LakeError::io(path))?;
    FileReader::open(&METRICS, file, path, columns, Rows::all())
}

/// Parts with the first step of each, in order.
fn parts(lake: &Lake, run: &str) -> Result<Vec<(u64, PathBuf)>, LakeError> {
    let folder = lake.table_dir(&METRICS, run);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(LakeError::io(&folder))?,
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.map_err(LakeError::io(&folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let first = name.strip_prefix("part-").and_then(|name| name.strip_suffix(".parquet")?.parse().ok());
        parts.extend(first.map(|first| (first, path)));
    }
    parts.sort();
    Ok(parts)
}

/// Removes rows of steps after `step`: what was logged after the checkpoint that training goes on from.
///
/// # Errors
/// A part that is torn, or a system that refuses.
pub fn truncate_after(lake: &Lake, owner: &Owner, step: u64) -> Result<(), LakeError> {
    store::remove_leftovers(&lake.table_dir(&METRICS, &owner.run))?;
    let mut manifest = Manifest::load(lake, &owner.run)?;
    let before = manifest.clone();
    for (first, path) in parts(lake, &owner.run)? {
        if first > step {
            fs::remove_file(&path).map_err(LakeError::io(&path))?;
            manifest.files.remove(&lake.relative(&path));
            continue;
        }
        for frame in open(&path, &[])?.collect::<Result<Vec<_>, _>>()? {
            if frame.uint64("step").last().is_some_and(|last| *last > step) {
                write_part(lake, owner, &frame.filter(|row| frame.uint64("step")[row] <= step), &path, &mut manifest)?;
            }
        }
    }
    if manifest != before {
        manifest.save(lake, &owner.run)?;
    }
    Ok(())
}

/// All rows in the order of steps, some columns (all where `columns` is empty).
///
/// # Errors
/// A part that is torn.
pub fn read(lake: &Lake, run: &str, columns: &[&str]) -> Result<Vec<Frame>, LakeError> {
    let mut frames = Vec::new();
    for (_, path) in parts(lake, run)? {
        for frame in open(&path, columns)? {
            frames.push(frame?);
        }
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(steps: &[u64]) -> Frame {
        let frame = Frame::new(&METRICS, steps.len()).with("step", steps.to_vec());
        METRICS.columns[1..]
            .iter()
            .fold(frame, |frame, column| frame.with(column.name, steps.iter().map(|step| *step as f64).collect::<Vec<_>>()))
    }

    fn steps(lake: &Lake) -> Vec<u64> {
        read(lake, "r", &["step"]).unwrap().iter().flat_map(|frame| frame.uint64("step").to_vec()).collect()
    }

    #[test]
    fn a_resumed_training_repeats_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake")).unwrap();
        fs::create_dir_all(lake.run_dir("r")).unwrap();
        let owner = Owner { run: "r".into(), fingerprint: "f".into() };
        for part in [&[10, 20][..], &[30, 40], &[50, 60], &[]] {
            append(&lake, &owner, &rows(part)).unwrap();
        }
        assert_eq!(steps(&lake), [10, 20, 30, 40, 50, 60]);
        fs::write(lake.table_dir(&METRICS, "r").join(".tmp-part-000000070.parquet"), "half").unwrap();
        truncate_after(&lake, &owner, 35).unwrap();
        assert_eq!(steps(&lake), [10, 20, 30]);
        assert_eq!(fs::read_dir(lake.table_dir(&METRICS, "r")).unwrap().count(), 2);
        let manifest = Manifest::load(&lake, "r").unwrap();
        assert_eq!(manifest.files.values().map(|entry| entry.rows.unwrap()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(manifest.first_stale(&lake, "train", None, "f"), None);
        append(&lake, &owner, &rows(&[40])).unwrap();
        truncate_after(&lake, &owner, 40).unwrap();
        assert_eq!(steps(&lake), [10, 20, 30, 40]);
        truncate_after(&lake, &owner, 0).unwrap();
        assert_eq!(steps(&lake), Vec::<u64>::new());
    }
}

//! The `metrics` table. Rows come with the checkpoint whose training they tell of, in one commit, so that a run that is killed loses no row that its
//! checkpoint has seen, and a resumed one writes none twice.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::layout::{self, Lake};
use crate::manifest::{Commit, Entry, Manifest};
use crate::parquet_file::{FileReader, FileWriter, Layout, Owner, Rows};
use crate::partition;
use crate::schema::METRICS;

/// The manifest's name of the stage that trains.
const STAGE: &str = "train";
/// A part with fewer rows is written anew with the next ones; one with more is left, and a new one begun.
const PART_ROWS: u64 = 4096;

/// Adds rows to a commit; nothing without rows.
///
/// # Errors
/// Rows that are not finite; a torn part; a system that refuses.
pub fn append(commit: &mut Commit<'_>, lake: &Lake, owner: &Owner, rows: &Frame) -> Result<(), LakeError> {
    let Some(first) = rows.uint64("step").first() else { return Ok(()) };
    let folder = layout::table(&METRICS, &owner.run);
    let manifest = Manifest::load_own(lake, &owner.run)?;
    let last = parts(&manifest, &owner.run).pop().filter(|(_, _, entry)| entry.rows.is_some_and(|rows| rows < PART_ROWS));
    let (key, mut frames) = match last {
        Some((_, key, _)) => (key.to_owned(), read_part(lake, &owner.run, key, &[])?),
        None => (format!("{folder}/part-{first:09}.parquet"), Vec::new()),
    };
    frames.push(rows.clone());
    write_part(commit, lake, owner, &frames, &key)
}

fn write_part(commit: &mut Commit<'_>, lake: &Lake, owner: &Owner, frames: &[Frame], key: &str) -> Result<(), LakeError> {
    let mut writer = FileWriter::start(lake.store().stage(&owner.run, key)?, &METRICS, owner.clone(), &lake.show(key), Layout::default());
    for frame in frames {
        writer.write(frame)?;
    }
    let (sink, written) = writer.finish()?;
    commit.add(sink.finish()?, Entry::of_table(STAGE, None, &owner.fingerprint, written));
    Ok(())
}

/// Parts with the first step of each, in order.
fn parts<'m>(manifest: &'m Manifest, run: &str) -> Vec<(u64, &'m str, &'m Entry)> {
    let folder = layout::table(&METRICS, run) + "/part-";
    let first = |key: &str| key.strip_prefix(&folder)?.strip_suffix(".parquet")?.parse::<u64>().ok();
    let mut parts: Vec<_> = manifest.files.iter().filter_map(|(key, entry)| Some((first(key)?, key.as_str(), entry))).collect();
    parts.sort_by_key(|(first, _, _)| *first);
    parts
}

fn read_part(lake: &Lake, run: &str, key: &str, columns: &[&str]) -> Result<Vec<Frame>, LakeError> {
    FileReader::open(&METRICS, partition::open(lake, run, key)?, &lake.show(key), columns, Rows::all())?.collect()
}

/// Removes rows of steps after `step`: what was logged after the checkpoint that training goes on from.
///
/// # Errors
/// A part that is torn, or a system that refuses.
pub fn truncate_after(commit: &mut Commit<'_>, lake: &Lake, owner: &Owner, step: u64) -> Result<(), LakeError> {
    let manifest = Manifest::load_own(lake, &owner.run)?;
    for (first, key, _) in parts(&manifest, &owner.run) {
        if first > step {
            commit.remove(key);
            continue;
        }
        let frames = read_part(lake, &owner.run, key, &[])?;
        if frames.last().and_then(|frame| frame.uint64("step").last()).is_some_and(|last| *last > step) {
            let kept: Vec<Frame> = frames.iter().map(|frame| frame.filter(|row| frame.uint64("step")[row] <= step)).collect();
            write_part(commit, lake, owner, &kept, key)?;
        }
    }
    Ok(())
}

/// All rows in the order of steps, some columns (all where `columns` is empty).
///
/// # Errors
/// A part that is torn.
pub fn read(lake: &Lake, run: &str, columns: &[&str]) -> Result<Vec<Frame>, LakeError> {
    let manifest = Manifest::load_own(lake, run)?;
    let mut frames = Vec::new();
    for (_, key, _) in parts(&manifest, run) {
        frames.extend(read_part(lake, run, key, columns)?);
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(steps: impl IntoIterator<Item = u64>) -> Frame {
        let steps: Vec<u64> = steps.into_iter().collect();
        let frame = Frame::new(&METRICS, steps.len()).with("step", steps.clone());
        METRICS.columns[1..]
            .iter()
            .fold(frame, |frame, column| frame.with(column.name, steps.iter().map(|step| *step as f64).collect::<Vec<_>>()))
    }

    fn steps(lake: &Lake) -> Vec<u64> {
        read(lake, "r", &["step"]).unwrap().iter().flat_map(|frame| frame.uint64("step").to_vec()).collect()
    }

    fn commit(lake: &Lake, change: impl FnOnce(&mut Commit<'_>, &Owner)) {
        let mut commit = Commit::new(lake, "r");
        change(&mut commit, &Owner { run: "r".into(), fingerprint: "f".into() });
        commit.finish().unwrap();
    }

    #[test]
    fn a_resumed_training_repeats_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        for part in [&[10, 20][..], &[30, 40], &[50, 60], &[]] {
            commit(&lake, |commit, owner| append(commit, &lake, owner, &rows(part.iter().copied())).unwrap());
        }
        assert_eq!(steps(&lake), [10, 20, 30, 40, 50, 60]);
        commit(&lake, |commit, owner| truncate_after(commit, &lake, owner, 35).unwrap());
        assert_eq!(steps(&lake), [10, 20, 30]);
        let manifest = Manifest::load(&lake, "r").unwrap();
        assert_eq!(manifest.files.values().map(|entry| entry.rows.unwrap()).collect::<Vec<_>>(), [3], "one part");
        assert_eq!(manifest.first_stale(&lake, "train", None, "f").unwrap(), None);
        commit(&lake, |commit, owner| append(commit, &lake, owner, &rows([40])).unwrap());
        commit(&lake, |commit, owner| truncate_after(commit, &lake, owner, 40).unwrap());
        assert_eq!(steps(&lake), [10, 20, 30, 40]);
        commit(&lake, |commit, owner| truncate_after(commit, &lake, owner, 0).unwrap());
        assert_eq!(steps(&lake), Vec::<u64>::new());
        assert_eq!(lake.store().files_below("tables").unwrap(), []);
    }

    #[test]
    fn a_long_training_has_few_parts_and_writes_none_too_often() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
        for part in 0..12 {
            commit(&lake, |commit, owner| append(commit, &lake, owner, &rows(part * 1000 + 1..=part * 1000 + 1000)).unwrap());
        }
        assert_eq!(steps(&lake), (1..=12_000).collect::<Vec<_>>());
        let manifest = Manifest::load(&lake, "r").unwrap();
        assert_eq!(manifest.files.values().map(|entry| entry.rows.unwrap()).collect::<Vec<_>>(), [5000, 5000, 2000]);
    }
}

//! A stage's tables for one checkpoint: written where nobody looks, then published partition by partition.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::layout::Lake;
use crate::manifest::{Entry, Manifest};
pub use crate::parquet_file::Owner;
use crate::parquet_file::{FileReader, FileWriter, Layout, LocalFile, Rows};
use crate::schema::{Precision, Table};
use crate::store::sync_folder;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The one file of a partition.
const PART: &str = "part-0.parquet";

/// Tables of one stage and step in the making. Dropped before [`Publication::publish`], it leaves nothing.
pub struct Publication<'l> {
    lake: &'l Lake,
    owner: Owner,
    stage: &'static str,
    step: u64,
    staging: PathBuf,
    precisions: Vec<(&'static Table, Precision)>,
    files: Vec<(&'static Table, FileWriter<File>)>,
}

impl<'l> Publication<'l> {
    /// Starts; whatever a killed process had begun for this run is removed. The caller holds the run's lock.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn begin(lake: &'l Lake, owner: Owner, stage: &'static str, step: u64) -> Result<Self, LakeError> {
        let staging = lake.staging_dir(&owner.run);
        clear(&staging)?;
        Ok(Self { lake, owner, stage, step, staging, precisions: Vec::new(), files: Vec::new() })
    }

    /// Stores the lists of a table's 32-bit floats in another precision; to be said before its first rows.
    #[must_use]
    pub fn with_precision(mut self, table: &'static Table, precision: Precision) -> Self {
        self.precisions.push((table, precision));
        self
    }

    /// Adds rows to the frame's table; a frame that is given away is not copied.
    ///
    /// # Errors
    /// Rows that the schema refuses; a system that refuses, such as a full disk.
    pub fn write(&mut self, frame: impl Into<Frame>) -> Result<(), LakeError> {
        let frame: Frame = frame.into();
        let table = frame.table();
        let known = self.files.iter().position(|(own, _)| own.name == table.name);
        let place = known.unwrap_or(self.files.len());
        if known.is_none() {
            let folder = self.staging.join(table.name);
            fs::create_dir_all(&folder).map_err(LakeError::io(&folder))?;
            let path = folder.join(PART);
            let file = File::create(&path).map_err(LakeError::io(&path))?;
            let precision = self.precisions.iter().rfind(|(own, _)| own.name == table.name).map(|(_, precision)| *precision);
            let layout = Layout::of(precision.unwrap_or_default());
            self.files.push((table, FileWriter::start(file, table, self.owner.clone(), &path, layout)));
        }
        self.files[place].1.write(frame)
    }

    /// Ends the files, puts them in the place of what was there, and records them in the run's manifest.
    ///
    /// A reader sees each partition as it was, or as it is now; for a moment between, perhaps none.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn publish(mut self) -> Result<(), LakeError> {
        let mut entries = BTreeMap::new();
        let mut tables = Vec::new();
        for (table, writer) in std::mem::take(&mut self.files) {
            let (file, written) = writer.finish()?;
            let target = self.lake.partition_dir(table, &self.owner.run, self.step);
            file.sync_all().map_err(LakeError::io(&target))?;
            let entry = Entry {
                stage: self.stage.to_owned(),
                step: Some(self.step),
                fingerprint: self.owner.fingerprint.clone(),
                bytes: written.bytes,
                sha256: written.sha256,
                rows: Some(written.rows),
            };
            entries.insert(self.lake.relative(&target.join(PART)), entry);
            tables.push((self.staging.join(table.name), target));
        }
        for (from, to) in tables {
            let swap = || -> std::io::Result<()> {
                sync_folder(&from)?;
                let parent = to.parent().unwrap_or(&to);
                fs::create_dir_all(parent)?;
                if to.exists() {
                    let old = from.with_extension("old");
                    fs::rename(&to, &old)?;
                }
                fs::rename(&from, &to)?;
                sync_folder(parent)
            };
            swap().map_err(LakeError::io(&to))?;
        }
        let mut manifest = Manifest::load(self.lake, &self.owner.run)?;
        manifest.replace(self.stage, Some(self.step), entries);
        manifest.save(self.lake, &self.owner.run)
    }
}

impl Drop for Publication<'_> {
    fn drop(&mut self) {
        self.files.clear();
        // What cannot be removed now is removed by the next Publication.
        let _ = clear(&self.staging);
    }
}

fn clear(staging: &Path) -> Result<(), LakeError> {
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LakeError::Io { path: staging.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// Reads a partition frame by frame, some columns of it (all where `columns` is empty).
///
/// # Errors
/// A file that is not there, torn, of a newer gridlake, or without one of the columns; later, from the iterator, a torn row group.
pub fn read(
    lake: &Lake,
    table: &'static Table,
    run: &str,
    step: u64,
    columns: &[&str],
) -> Result<impl Iterator<Item = Result<Frame, LakeError>> + use<>, LakeError> {
    let path = lake.partition_dir(table, run, step).join(PART);
    let manifest = Manifest::load(lake, run)?;
    if let Some(entry) = manifest.files.get(&lake.relative(&path)) {
        let found = fs::metadata(&path).map_err(LakeError::io(&path))?.len();
        if found != entry.bytes {
            let reason = format!(
                "has {found} bytes, where the manifest has {}: it is torn or altered; make it anew by running the pipeline with --force",
                entry.bytes
            );
            return Err(LakeError::damaged(&path, reason));
        }
    }
    let file = LocalFile::open(&path).map_err(LakeError::io(&path))?;
    FileReader::open(table, file, &path, columns, Rows::all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Data;
    use crate::schema::{ACTIVITY, OCCUPANCY, RATEMAPS};
    use proptest::prelude::*;

    fn owner() -> Owner {
        Owner { run: "r".into(), fingerprint: "f".into() }
    }

    fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake")).unwrap();
        fs::create_dir_all(lake.run_dir("r")).unwrap();
        (folder, lake)
    }

    fn activity(trajectory: u32, steps: u32, units: usize) -> Frame {
        let rows = steps as usize;
        let value = |row: usize| (row as f64).sin() + f64::from(trajectory);
        let frame = Frame::new(&ACTIVITY, rows)
            .with("arena", Data::repeat("square-2m", rows))
            .with("box_m", vec![2.0; rows])
            .with("trajectory", vec![trajectory; rows])
            .with("t", (1..=steps).collect::<Vec<_>>())
            .with("g", Data::Floats { length: units, values: (0..rows * units).map(|place| (place as f32).cos()).collect() });
        ["x_m", "y_m", "vx_m", "vy_m"].iter().fold(frame, |frame, name| frame.with(name, (0..rows).map(value).collect::<Vec<_>>()))
    }

    fn write(lake: &Lake, trajectories: u32, steps: u32) {
        let mut publication = Publication::begin(lake, owner(), "record", 60).unwrap();
        for number in 0..trajectories {
            publication.write(activity(number, steps, 5)).unwrap();
        }
        publication.publish().unwrap();
    }

    fn bytes(lake: &Lake) -> Vec<u8> {
        fs::read(lake.partition_dir(&ACTIVITY, "r", 60).join(PART)).unwrap()
    }

    #[test]
    fn what_is_published_is_read_again_and_the_bytes_are_always_the_same() {
        let (_folder, lake) = lake();
        write(&lake, 7, 3000);
        let first = bytes(&lake);
        let frames: Vec<Frame> = read(&lake, &ACTIVITY, "r", 60, &["trajectory", "t", "g"]).unwrap().map(Result::unwrap).collect();
        assert!(frames.len() > 1, "streamed");
        assert_eq!(frames.iter().map(Frame::rows).sum::<usize>(), 21_000);
        assert_eq!((frames[0].uint32("t")[1], frames[0].floats("g").0), (2, 5));
        let values: Vec<f32> = frames.iter().flat_map(|frame| frame.floats("g").1).copied().collect();
        assert_eq!(values[..15_000], activity(0, 3000, 5).floats("g").1[..]);
        write(&lake, 7, 3000);
        assert!(bytes(&lake) == first);
        assert!(!lake.staging_dir("r").exists());
        let manifest = Manifest::load(&lake, "r").unwrap();
        let entry = &manifest.files["tables/activity/run=r/step=60/part-0.parquet"];
        assert_eq!((entry.bytes, entry.rows), (first.len() as u64, Some(21_000)));
        let (_, again) =
            crate::manifest::entry_of(&lake, &lake.partition_dir(&ACTIVITY, "r", 60).join(PART), "record", Some(60), "f").unwrap();
        assert_eq!(again.sha256, entry.sha256);
    }

    #[test]
    fn what_is_dropped_leaves_what_was_there() {
        let (_folder, lake) = lake();
        write(&lake, 1, 10);
        let before = bytes(&lake);
        let mut publication = Publication::begin(&lake, owner(), "record", 60).unwrap();
        publication.write(activity(0, 20, 5)).unwrap();
        assert!(lake.staging_dir("r").exists());
        drop(publication);
        assert!(!lake.staging_dir("r").exists());
        assert!(bytes(&lake) == before);
    }

    #[test]
    fn torn_altered_and_foreign_files_are_named() {
        let (_folder, lake) = lake();
        write(&lake, 1, 1000);
        let path = lake.partition_dir(&ACTIVITY, "r", 60).join(PART);
        let whole = fs::read(&path).unwrap();
        let opened = |columns: &[&str]| {
            read(&lake, &ACTIVITY, "r", 60, columns)
                .map(|frames| frames.map(|frame| frame.map(|frame| frame.rows())).collect::<Result<Vec<_>, _>>())
        };
        for length in [0, 10, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = opened(&[]).err().unwrap().to_string();
            assert!(error.contains("part-0.parquet") && error.contains("torn") && error.contains("--force"), "{error}");
        }
        let mut altered = whole.clone();
        altered[200..260].fill(0xff);
        fs::write(&path, &altered).unwrap();
        let outcome = opened(&[]);
        assert!(outcome.is_err() || outcome.unwrap().is_err(), "a page that no longer decompresses");
        fs::write(&path, &whole).unwrap();
        assert!(opened(&["nothing"]).err().unwrap().to_string().contains("no column nothing"));
        fs::remove_file(&path).unwrap();
        assert!(opened(&[]).err().unwrap().is_io());
        assert!(read(&lake, &RATEMAPS, "r", 60, &[]).is_err());
    }

    #[test]
    fn fields_tell_their_unit_and_files_their_run() {
        let (_folder, lake) = lake();
        write(&lake, 1, 10);
        let file = fs::File::open(lake.partition_dir(&ACTIVITY, "r", 60).join(PART)).unwrap();
        let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let field = builder.schema().field_with_name("vx_m").unwrap().clone();
        assert_eq!(field.metadata()["unit"], "m/step");
        assert!(field.metadata()["description"].contains("along x"));
        let file = builder.metadata().file_metadata().clone();
        let pair = |key: &str| file.key_value_metadata().unwrap().iter().find(|pair| pair.key == key).unwrap().value.clone().unwrap();
        assert_eq!(
            (pair("gridlake.run"), pair("gridlake.fingerprint"), pair("gridlake.schema_version")),
            ("r".into(), "f".into(), crate::schema::SCHEMA_VERSION.to_string())
        );
        let group = builder.metadata().row_group(0);
        for column in group.columns() {
            let float = matches!(column.column_type(), parquet::basic::Type::FLOAT | parquet::basic::Type::DOUBLE);
            let split = column.encodings().any(|encoding| encoding == parquet::basic::Encoding::BYTE_STREAM_SPLIT);
            assert_eq!(float, split, "{}", column.column_path());
            assert!(matches!(column.compression(), parquet::basic::Compression::ZSTD(_)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_finite_numbers_survive(values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL, 1..200), visits in any::<u32>()) {
            let (_folder, lake) = lake();
            let rows = values.len();
            let frame = Frame::new(&OCCUPANCY, rows)
                .with("arena", Data::repeat("ä", rows)).with("box_m", values.clone()).with("bin_x", vec![0_u32; rows]).with("bin_y", vec![1_u32; rows])
                .with("x_m", values.clone()).with("y_m", values.clone()).with("visits", vec![visits; rows]);
            let mut publication = Publication::begin(&lake, owner(), "record", 1).unwrap();
            publication.write(&frame).unwrap();
            publication.publish().unwrap();
            let back: Vec<Frame> = read(&lake, &OCCUPANCY, "r", 1, &[]).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&back[0], &frame);
        }
    }
}

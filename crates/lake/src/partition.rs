//! A stage's tables for one checkpoint: written where nobody looks, then published partition by partition.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::layout::{self, Lake};
use crate::manifest::{self, Commit, Entry, Manifest};
pub use crate::parquet_file::Owner;
use crate::parquet_file::{FileReader, FileWriter, Layout, REMEDY, Rows};
use crate::schema::{Precision, Table};
use crate::store::{Sink, Source};
use std::time::Duration;

/// Tables of one stage and step in the making. Dropped before [`Publication::publish`], it leaves nothing that anyone sees.
pub struct Publication<'l> {
    lake: &'l Lake,
    owner: Owner,
    stage: &'static str,
    step: u64,
    precisions: Vec<(&'static Table, Precision)>,
    files: Vec<(&'static Table, FileWriter<Sink>)>,
    published: bool,
}

impl<'l> Publication<'l> {
    /// Starts; what a killed process had begun for this run is ended or removed. The caller holds the run's lock.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn begin(lake: &'l Lake, owner: Owner, stage: &'static str, step: u64) -> Result<Self, LakeError> {
        Manifest::recover(lake, &owner.run)?;
        Ok(Self { lake, owner, stage, step, precisions: Vec::new(), files: Vec::new(), published: false })
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
            let key = layout::part(table, &self.owner.run, self.step);
            let sink = self.lake.store().stage(&self.owner.run, &key)?;
            let precision = self.precisions.iter().rfind(|(own, _)| own.name == table.name).map(|(_, precision)| *precision);
            let layout = Layout::of(precision.unwrap_or_default());
            self.files.push((table, FileWriter::start(sink, table, self.owner.clone(), &self.lake.show(&key), layout)));
        }
        self.files[place].1.write(frame)
    }

    /// Ends the files, and puts them in the place of all that the stage had left for the step.
    ///
    /// A reader sees each table as it was, or as it is now.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn publish(mut self) -> Result<(), LakeError> {
        let mut commit = Commit::new(self.lake, &self.owner.run);
        for (_, writer) in std::mem::take(&mut self.files) {
            let (sink, written) = writer.finish()?;
            commit.add(sink.finish()?, Entry::of_table(self.stage, Some(self.step), &self.owner.fingerprint, written));
        }
        for key in Manifest::load_step(self.lake, &self.owner.run, self.step)?.of(self.stage, Some(self.step)) {
            commit.remove(key);
        }
        commit.finish()?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Publication<'_> {
    fn drop(&mut self) {
        if !self.published {
            self.files.clear();
            Manifest::recover_after_failure(self.lake, &self.owner.run);
        }
    }
}

/// How often a file that does not fit its manifest is looked at again: another process may be publishing it.
const LOOKS: usize = 4;

/// Whether a run's manifest has a partition of this table.
///
/// # Errors
/// A damaged manifest.
pub fn exists(lake: &Lake, table: &'static Table, run: &str, step: u64) -> Result<bool, LakeError> {
    Ok(Manifest::load_step(lake, run, step)?.files.contains_key(&layout::part(table, run, step)))
}

/// Reads a partition frame by frame, some columns of it (all where `columns` is empty). In a folder the file is held against its checksum first, since
/// Parquet's pages carry none: a bit that has flipped would be a number that is wrong. Object stores check what they keep and send themselves.
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
    let key = layout::part(table, run, step);
    FileReader::open(table, open(lake, run, &key)?, &lake.show(&key), columns, Rows::all())
}

/// A run's file that is what its manifest says, as far as that can be told before it is read.
pub(crate) fn open(lake: &Lake, run: &str, key: &str) -> Result<Source, LakeError> {
    let path = lake.show(key);
    for look in 1.. {
        let entry = Manifest::load_for(lake, run, key)?.files.remove(key);
        let file = lake.store().open(key)?;
        let Some(wrong) = entry.map(|entry| difference(lake, &file, &entry)).transpose().map_err(LakeError::io(&path))?.flatten() else {
            return Ok(file);
        };
        if look == LOOKS {
            return Err(LakeError::damaged(&path, format!("{wrong}; {REMEDY}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    unreachable!("the loop ends with its last look")
}

/// What a file has that its manifest has not.
fn difference(lake: &Lake, file: &Source, entry: &Entry) -> std::io::Result<Option<String>> {
    let (found, expected) = (file.length(), entry.bytes);
    if found != expected {
        return Ok(Some(format!("has {found} bytes, where the manifest has {expected}: it is torn or altered")));
    }
    if lake.store().folder().is_none() {
        return Ok(None);
    }
    let (_, sha256) = manifest::digest(&mut file.reader())?;
    Ok((sha256 != entry.sha256).then(|| format!("is altered: its SHA-256 is {sha256}, where the manifest has {}", entry.sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Data;
    use crate::schema::{ACTIVITY, OCCUPANCY, RATEMAPS};
    use proptest::prelude::*;
    use std::fs;

    fn owner() -> Owner {
        Owner { run: "r".into(), fingerprint: "f".into() }
    }

    fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
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

    fn path(lake: &Lake) -> std::path::PathBuf {
        lake.show(&layout::part(&ACTIVITY, "r", 60))
    }

    fn staging(lake: &Lake) -> std::path::PathBuf {
        lake.show("runs/r/.staging")
    }

    fn bytes(lake: &Lake) -> Vec<u8> {
        fs::read(path(lake)).unwrap()
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
        assert!(!staging(&lake).exists());
        let manifest = Manifest::load(&lake, "r").unwrap();
        let entry = &manifest.files["tables/activity/run=r/step=60/part-0.parquet"];
        assert_eq!((entry.bytes, entry.rows), (first.len() as u64, Some(21_000)));
        let (_, sha256) = crate::manifest::digest(&mut lake.store().open(&layout::part(&ACTIVITY, "r", 60)).unwrap().reader()).unwrap();
        assert_eq!(sha256, entry.sha256);
    }

    #[test]
    fn tables_that_a_stage_no_longer_writes_go() {
        let (_folder, lake) = lake();
        write(&lake, 1, 10);
        assert!(exists(&lake, &ACTIVITY, "r", 60).unwrap() && !exists(&lake, &OCCUPANCY, "r", 60).unwrap());
        let frame = Frame::new(&OCCUPANCY, 1).with("arena", Data::repeat("a", 1)).with("box_m", vec![1.0]);
        let frame = ["bin_x", "bin_y", "visits"].iter().fold(frame, |frame, name| frame.with(name, vec![0_u32]));
        let frame = frame.with("x_m", vec![0.0]).with("y_m", vec![0.0]);
        // Another stage's and another step's tables stay.
        for (stage, step) in [("record", 61), ("other", 60)] {
            let mut publication = Publication::begin(&lake, owner(), stage, step).unwrap();
            publication.write(&frame).unwrap();
            publication.publish().unwrap();
            assert!(exists(&lake, &ACTIVITY, "r", 60).unwrap() && path(&lake).exists());
        }
        let mut publication = Publication::begin(&lake, owner(), "record", 60).unwrap();
        publication.write(&frame).unwrap();
        publication.publish().unwrap();
        assert!(!exists(&lake, &ACTIVITY, "r", 60).unwrap() && !path(&lake).exists());
        assert!(exists(&lake, &OCCUPANCY, "r", 60).unwrap());
    }

    #[test]
    fn what_is_dropped_leaves_what_was_there() {
        let (_folder, lake) = lake();
        write(&lake, 1, 10);
        let before = bytes(&lake);
        let mut publication = Publication::begin(&lake, owner(), "record", 60).unwrap();
        publication.write(activity(0, 20, 5)).unwrap();
        assert!(staging(&lake).exists());
        drop(publication);
        assert!(!staging(&lake).exists());
        assert!(bytes(&lake) == before);
    }

    #[test]
    fn torn_altered_and_foreign_files_are_named() {
        let (_folder, lake) = lake();
        write(&lake, 1, 1000);
        let path = path(&lake);
        let whole = fs::read(&path).unwrap();
        let opened = |columns: &[&str]| {
            read(&lake, &ACTIVITY, "r", 60, columns)
                .map(|frames| frames.map(|frame| frame.map(|frame| frame.rows())).collect::<Result<Vec<_>, _>>())
        };
        for length in [0, 10, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let error = opened(&[]).err().unwrap().to_string();
            assert!(error.contains("part-0.parquet") && error.contains("torn") && error.contains("remove it"), "{error}");
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
        let file = fs::File::open(path(&lake)).unwrap();
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
                .with("x_m", values.clone()).with("y_m", values.clone()).with("visits", vec![visits; rows])
                .with("arena_shape", Data::repeat("square", rows)).with("width_m", values.clone()).with("height_m", values.clone());
            let mut publication = Publication::begin(&lake, owner(), "record", 1).unwrap();
            publication.write(&frame).unwrap();
            publication.publish().unwrap();
            let back: Vec<Frame> = read(&lake, &OCCUPANCY, "r", 1, &[]).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(&back[0], &frame);
        }
    }
}

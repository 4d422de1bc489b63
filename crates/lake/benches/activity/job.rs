//! The jobs that are timed, and their check.

use crate::owner;
use crate::synthetic::{STEPS, UNITS};
use bytes::Bytes;
use gridlake_lake::Frame;
use gridlake_lake::frame::to_float16_and_back;
use gridlake_lake::parquet_file::{FileReader, FileWriter, Layout, Rows};
use gridlake_lake::schema::{ACTIVITY, Precision};
use gridlake_lake::store::Source;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a job took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// By the clock.
    pub(crate) seconds: f64,
    /// Of all processors.
    pub(crate) cpu_seconds: f64,
}

impl Took {
    fn time(job: impl FnOnce()) -> Self {
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        job();
        Self { seconds: begin.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu }
    }

    /// Medians.
    pub(crate) fn median(all: &[Self]) -> Self {
        let median = |value: fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self { seconds: median(|took| took.seconds), cpu_seconds: median(|took| took.cpu_seconds) }
    }
}

/// Processor time of this process so far, in steps of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
}

/// Writes a file; what it took, and its bytes.
pub(crate) fn write(path: &Path, frames: Vec<Frame>, layout: Layout) -> (Took, u64) {
    let mut bytes = 0;
    let took = Took::time(|| {
        let mut writer = FileWriter::start(File::create(path).expect("a file"), &ACTIVITY, owner(), path, layout);
        for frame in frames {
            writer.write(frame).expect("rows");
        }
        bytes = writer.finish().expect("a file").1.bytes;
    });
    (took, bytes)
}

fn open(path: &Path) -> impl Iterator<Item = Frame> {
    let file = Source::open_path(path).expect("the file");
    FileReader::open(&ACTIVITY, file, path, &[], Rows::all()).expect("the file").map(|frame| frame.expect("rows"))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Took {
    Took::time(|| assert!(open(path).map(|frame| frame.rows()).sum::<usize>() > 0))
}

/// A file that counts the bytes read of it.
struct Counting<'b> {
    file: Source,
    read: &'b AtomicU64,
}

impl Length for Counting<'_> {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Counting<'_> {
    type T = <Source as ChunkReader>::T;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        self.file.get_bytes(start, length)
    }
}

/// Reads one trajectory; seconds (median of several times), and bytes.
pub(crate) fn one_trajectory(path: &Path, number: u32) -> (f64, u64) {
    static READ: AtomicU64 = AtomicU64::new(0);
    let took: Vec<Took> = (0..9)
        .map(|_| {
            READ.store(0, Ordering::Relaxed);
            Took::time(|| {
                let file = Counting { file: Source::open_path(path).expect("the file"), read: &READ };
                let rows = Rows::of_trajectory("square-2m", number);
                let frames = FileReader::open(&ACTIVITY, file, path, &[], rows).expect("the file").map(|frame| frame.expect("rows"));
                assert_eq!(frames.map(|frame| frame.rows()).sum::<usize>(), STEPS);
            })
        })
        .collect();
    (Took::median(&took).seconds, READ.load(Ordering::Relaxed))
}

/// Stops unless the file holds the frames' rows.
pub(crate) fn validate(path: &Path, frames: &[Frame], precision: Precision) {
    let mut states: Vec<f32> = frames.iter().flat_map(|frame| frame.floats("g").1).copied().collect();
    if precision == Precision::Float16 {
        to_float16_and_back(&mut states);
    }
    let mut keys = frames.iter().flat_map(|frame| frame.uint32("trajectory").iter().zip(frame.uint32("t")).zip(frame.float64("x_m")));
    let mut row = 0;
    for found in open(path) {
        let rows = found.rows();
        assert!(states[row * UNITS..][..rows * UNITS] == *found.floats("g").1, "{}: states after row {row} are others", path.display());
        for key in found.uint32("trajectory").iter().zip(found.uint32("t")).zip(found.float64("x_m")) {
            assert_eq!(keys.next(), Some(key), "{}", path.display());
        }
        row += rows;
    }
    assert!(keys.next().is_none(), "{}: rows are missing", path.display());
}

//! How fast `activity` is written and read, against pyarrow, and how encodings compare: `cargo bench --workspace --bench activity`.
//!
//! `GRIDLAKE_PYTHON` names a Python with `requirements.txt`; without it, pyarrow's columns are left out. `-- --rows N` for another number of rows;
//! `-- --alternatives` for all encodings; `-- --memory` for peak memory. Everything is checked before it is timed.

mod memory;
mod pyarrow;
mod synthetic;

use gridlake_lake::Frame;
use gridlake_lake::parquet_file::{FileReader, FileWriter, FloatEncoding, Layout, LocalFile, Owner, Rows};
use gridlake_lake::schema::{ACTIVITY, Precision};
use parquet::basic::{Compression, ZstdLevel};
use pyarrow::PyArrow;
use std::fs::File;
use std::path::Path;
use std::time::Instant;
use synthetic::{STEPS, UNITS, recording};

/// Rounds of the comparison; medians are told.
const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--memory-write", path, rows] => memory::write(Path::new(path), rows.parse().expect("a number")),
        ["--memory-read", path, rows] => memory::read(Path::new(path), rows.parse().expect("a number")),
        ["--memory"] => memory::report(),
        ["--alternatives"] => alternatives(200_000),
        ["--rows", rows] => compare(rows.parse().expect("a number")),
        [] => {
            compare(1_000_000);
            alternatives(200_000);
        }
        other => panic!("unknown arguments {other:?}"),
    }
}

fn owner() -> Owner {
    Owner { run: "bench".to_owned(), fingerprint: String::new() }
}

/// Writes a file; seconds and bytes.
fn write(path: &Path, frames: Vec<Frame>, layout: Layout) -> (f64, u64) {
    let begin = Instant::now();
    let mut writer = FileWriter::start(File::create(path).expect("a file"), &ACTIVITY, owner(), path, layout);
    for frame in frames {
        writer.write(frame).expect("rows");
    }
    let (_, written) = writer.finish().expect("a file");
    (begin.elapsed().as_secs_f64(), written.bytes)
}

/// Reads a file; seconds.
fn read(path: &Path) -> f64 {
    let begin = Instant::now();
    let file = LocalFile::open(path).expect("the file");
    let frames = FileReader::open(&ACTIVITY, file, path, &[], Rows::all()).expect("the file");
    let rows: usize = frames.map(|frame| frame.expect("rows").rows()).sum();
    assert!(rows > 0);
    begin.elapsed().as_secs_f64()
}

/// Stops unless the file holds the frames' rows.
fn validate(path: &Path, frames: &[Frame], precision: Precision) {
    let mut expected = frames.iter().flat_map(|frame| {
        let mut states = frame.floats("g").1.to_vec();
        if precision == Precision::Float16 {
            gridlake_lake::frame::to_float16_and_back(&mut states);
        }
        let columns = (frame.uint32("trajectory").to_vec(), frame.uint32("t").to_vec(), frame.float64("x_m").to_vec());
        states
            .chunks(UNITS)
            .map(<[f32]>::to_vec)
            .zip(0..)
            .map(move |(state, row)| (state, columns.0[row], columns.1[row], columns.2[row]))
            .collect::<Vec<_>>()
    });
    let file = LocalFile::open(path).expect("the file");
    for frame in FileReader::open(&ACTIVITY, file, path, &[], Rows::all()).expect("the file") {
        let frame = frame.expect("rows");
        for row in 0..frame.rows() {
            let state = frame.floats("g").1[row * UNITS..][..UNITS].to_vec();
            let found = (state, frame.uint32("trajectory")[row], frame.uint32("t")[row], frame.float64("x_m")[row]);
            assert!(expected.next() == Some(found), "{}: row {row} of a frame is another", path.display());
        }
    }
    assert!(expected.next().is_none(), "{}: rows are missing", path.display());
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Writing and reading by the default layout, in turns with pyarrow.
fn compare(rows: usize) {
    let frames = recording((rows / STEPS) as u32);
    let (rows, raw_mb) = (frames.len() * STEPS, (frames.len() * STEPS * UNITS * 4) as f64 / 1e6);
    let zeros = frames.iter().flat_map(|frame| frame.floats("g").1).filter(|value| **value == 0.0).count();
    say(&format!("\n{rows} rows of {UNITS} units, {raw_mb:.0} MB of states, {:.0} % zero.", 100.0 * zeros as f64 / (rows * UNITS) as f64));
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (folder.path().join("gridlake.parquet"), folder.path().join("pyarrow.parquet"));
    let mut pyarrow = PyArrow::start().map_err(|error| say(&error)).ok();
    let mut table = String::from(
        "\n| States as | Job | gridlake (s) | rows/s | MB/s | pyarrow (s) | rows/s | MB/s | pyarrow / gridlake |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for precision in [Precision::Float32, Precision::Float16] {
        let layout = Layout::of(precision);
        let level = if let Compression::ZSTD(level) = layout.compression { level.compression_level().to_string() } else { "-".to_owned() };
        let (_, bytes) = write(&own, frames.clone(), layout);
        validate(&own, &frames, precision);
        if precision == Precision::Float32
            && let Some(pyarrow) = &mut pyarrow
        {
            let loaded = pyarrow.ask(&["load", text(&own)]).expect("rows");
            say(&format!("pyarrow: {}; {loaded}", pyarrow.hello));
        }
        let name = if precision == Precision::Float16 { "float16" } else { "float32" };
        let command = ["write", text(&other), "zstd", &level, "split", name];
        let mut times: [Vec<f64>; 4] = Default::default();
        for round in 0..ROUNDS {
            times[0].push(write(&own, frames.clone(), layout).0);
            times[1].push(read(&own));
            if let Some(pyarrow) = &mut pyarrow {
                times[2].push(pyarrow.time(&command).expect("written"));
                if round == 0 {
                    // Each reads its own file; that ours can read the other's rows is no part of the job.
                    let iterated = pyarrow.ask(&["iterate", text(&own)]).expect("ours is read by pyarrow");
                    assert_eq!(iterated["rows"], rows, "pyarrow reads all rows of ours");
                }
                let (iterate, at_once) = (pyarrow.time(&["iterate", text(&other)]), pyarrow.time(&["table", text(&other)]));
                times[3].push(iterate.expect("rows").min(at_once.expect("rows")));
            }
        }
        say(&format!(
            "{name}: gridlake {:.1} MB, pyarrow {:.1} MB",
            bytes as f64 / 1e6,
            std::fs::metadata(&other).map_or(0, |file| file.len()) as f64 / 1e6
        ));
        for (job, own, other) in [("write", 0, 2), ("read", 1, 3)] {
            let own = median(times[own].clone());
            table += &format!("| {name} | {job} | {own:.2} | {:.0} | {:.0} ", rows as f64 / own, raw_mb / own);
            if pyarrow.is_some() {
                let other = median(times[other].clone());
                table += &format!("| {other:.2} | {:.0} | {:.0} | **{:.2}** |\n", rows as f64 / other, raw_mb / other, other / own);
            } else {
                table += "| | | | |\n";
            }
        }
    }
    say(&table);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Every encoding and compression: sizes and rates.
fn alternatives(rows: usize) {
    let frames = recording((rows / STEPS) as u32);
    let raw_mb = (frames.len() * STEPS * UNITS * 4) as f64 / 1e6;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("activity.parquet");
    say(&format!(
        "\n{} rows.\n\n| States as | Floats | Compression | Size (MB) | Bytes/value | Write (MB/s) | Read (MB/s) |\n|---|---|---|---|---|---|---|",
        frames.len() * STEPS
    ));
    let zstd = |level| Compression::ZSTD(ZstdLevel::try_new(level).expect("a level"));
    for precision in [Precision::Float32, Precision::Float16] {
        for floats in [FloatEncoding::Plain, FloatEncoding::Dictionary, FloatEncoding::ByteStreamSplit] {
            for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, zstd(1), zstd(3), zstd(6), zstd(9)] {
                let layout = Layout { precision, floats, compression };
                let (mut writing, mut reading, mut size) = (Vec::new(), Vec::new(), 0);
                for round in 0..3 {
                    let (seconds, bytes) = write(&path, frames.clone(), layout);
                    if round == 0 {
                        validate(&path, &frames, precision);
                    }
                    writing.push(seconds);
                    reading.push(read(&path));
                    size = bytes;
                }
                let mb = size as f64 / 1e6;
                let (writing, reading) = (raw_mb / median(writing), raw_mb / median(reading));
                let each = size as f64 / (frames.len() * STEPS * UNITS) as f64;
                say(&format!("| {precision:?} | {floats:?} | {compression} | {mb:.1} | {each:.2} | {writing:.0} | {reading:.0} |"));
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
fn say(line: &str) {
    println!("{line}");
}

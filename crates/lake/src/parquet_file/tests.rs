//! Laws of whole files: what goes in comes out, in any number of threads, also where only some rows are asked for, and across versions.

use super::*;
use crate::frame::{Data, Frame, to_float16_and_back};
use crate::schema::{ACTIVITY, Column, Kind, Partitions, Precision, Table};
use parquet::file::reader::{ChunkReader, Length};
use proptest::prelude::*;
use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NAME: &str = "tables/activity/part-0.parquet";

fn owner() -> Owner {
    Owner { run: "r".into(), fingerprint: "f".into() }
}

/// Positions, velocities and states of a trajectory; the first velocity is unknown.
fn walk(table: &'static Table, arena: &str, trajectory: u32, rows: usize, units: usize) -> Frame {
    let wave = |scale: f64| move |row: usize| (row as f64 * scale + f64::from(trajectory)).sin();
    let velocity = |row: usize| if row == 0 { f64::NAN } else { wave(0.3)(row) };
    let state = |place: usize| if place.is_multiple_of(2) { 0.0 } else { wave(0.01)(place) as f32 };
    Frame::new(table, rows)
        .with("arena", Data::repeat(arena, rows))
        .with("box_m", vec![2.0; rows])
        .with("trajectory", vec![trajectory; rows])
        .with("t", (1..=rows as u32).collect::<Vec<_>>())
        .with("x_m", (0..rows).map(wave(0.1)).collect::<Vec<_>>())
        .with("y_m", (0..rows).map(wave(0.2)).collect::<Vec<_>>())
        .with("vx_m", (0..rows).map(velocity).collect::<Vec<_>>())
        .with("vy_m", (0..rows).map(velocity).collect::<Vec<_>>())
        .with("g", Data::Floats { length: units, values: (0..rows * units).map(state).collect() })
}

fn write(table: &'static Table, frames: impl IntoIterator<Item = Frame>, layout: Layout) -> Vec<u8> {
    let mut writer = FileWriter::start(Vec::new(), table, owner(), Path::new(NAME), layout);
    frames.into_iter().for_each(|frame| writer.write(frame).unwrap());
    let (bytes, written) = writer.finish().unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    assert_eq!(written.sha256, hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
    bytes
}

/// All activity of some trajectories of 2,000 moments in two arenas.
fn recording(trajectories: u32, units: usize) -> Vec<Frame> {
    let arenas = ["square-2m", "square-1.5m"];
    arenas.iter().flat_map(|arena| (0..trajectories).map(move |number| walk(&ACTIVITY, arena, number, 2000, units))).collect()
}

fn read(bytes: &[u8], columns: &[&str], rows: Rows) -> Vec<Frame> {
    FileReader::open(&ACTIVITY, bytes::Bytes::copy_from_slice(bytes), Path::new(NAME), columns, rows).unwrap().map(Result::unwrap).collect()
}

/// A row of `activity`: arena, trajectory and t, bits of the other numbers, bits of the state.
type Row = (String, [u32; 2], [u64; 6], Vec<u32>);

/// Everything that frames of `activity` hold.
fn rows_of(frames: &[Frame]) -> Vec<Row> {
    let mut rows = Vec::new();
    for frame in frames {
        let (length, states) = frame.floats("g");
        for row in 0..frame.rows() {
            let numbers = ["box_m", "x_m", "y_m", "vx_m", "vy_m", "time_s"].map(|name| frame.float64(name)[row].to_bits());
            let state = states[row * length..][..length].iter().map(|value| value.to_bits()).collect();
            let arena = frame.text("arena")[row].as_deref().unwrap().to_owned();
            rows.push((arena, [frame.uint32("trajectory")[row], frame.uint32("t")[row]], numbers, state));
        }
    }
    rows
}

fn with_time(frame: &Frame) -> Frame {
    frame.clone().with("time_s", vec![f64::NAN; frame.rows()])
}

#[test]
fn many_row_groups_come_back_in_order_and_alike_on_any_number_of_threads() {
    let frames = recording(20, 100);
    let mut files = Vec::new();
    for threads in [1, 3, 8] {
        limit_threads(threads);
        files.push(write(&ACTIVITY, frames.clone(), Layout::default()));
        let back = read(&files[0], &[], Rows::all());
        assert!(back.len() > 5, "streamed");
        assert!(rows_of(&back) == rows_of(&frames.iter().map(with_time).collect::<Vec<_>>()));
    }
    limit_threads(8);
    assert!(files[1] == files[0] && files[2] == files[0]);
    let reader = parquet::file::reader::SerializedFileReader::new(bytes::Bytes::from(files.remove(0))).unwrap();
    assert!(parquet::file::reader::FileReader::metadata(&reader).num_row_groups() > 1);
}

/// Bytes that were read of a file, and in how many requests.
#[derive(Clone)]
struct Counting {
    bytes: bytes::Bytes,
    read: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
}

impl Length for Counting {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl ChunkReader for Counting {
    type T = <bytes::Bytes as ChunkReader>::T;

    fn get_read(&self, _start: u64) -> Result<Self::T, ParquetError> {
        Err(ParquetError::General("reads without an end cannot be counted".into()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes.get_bytes(start, length)
    }
}

#[test]
fn one_trajectory_of_many_is_read_from_few_pages() {
    let frames = recording(40, 64);
    let bytes = write(&ACTIVITY, frames.clone(), Layout::default());
    let length = bytes.len() as u64;
    let file = Counting { bytes: bytes.into(), read: Arc::default(), requests: Arc::default() };
    let reader = FileReader::open(&ACTIVITY, file.clone(), Path::new(NAME), &[], Rows::of_trajectory("square-1.5m", 17)).unwrap();
    let back: Vec<Frame> = reader.map(Result::unwrap).collect();
    assert!(rows_of(&back) == rows_of(&[with_time(&frames[57])]));
    let (read, requests) = (file.read.load(Ordering::Relaxed), file.requests.load(Ordering::Relaxed));
    assert!(read * 15 < length, "{read} of {length} bytes");
    assert!(requests < 40, "{requests} requests");
    // The whole file: the footer's two requests, and one for each row group.
    file.requests.store(0, Ordering::Relaxed);
    let groups = FileReader::open(&ACTIVITY, file.clone(), Path::new(NAME), &[], Rows::all()).unwrap().map(Result::unwrap).count();
    assert!(groups > 4 && file.requests.load(Ordering::Relaxed) <= 2 + groups as u64);
}

#[test]
fn pages_that_cannot_hold_a_row_are_not_even_looked_through() {
    let place = |row: usize| row as f64 + (row as f64).sin() / 2.0;
    let frame = walk(&ACTIVITY, "a", 0, 100_000, 1).without("x_m").with("x_m", (0..100_000).map(place).collect::<Vec<_>>());
    let file = Counting { bytes: write(&ACTIVITY, [frame], Layout::default()).into(), read: Arc::default(), requests: Arc::default() };
    let rows = Rows::all().float("x_m", 70_000.0..=70_010.0);
    let reader = FileReader::open(&ACTIVITY, file.clone(), Path::new(NAME), &["x_m"], rows).unwrap();
    let found: Vec<f64> = reader.flat_map(|frame| frame.unwrap().float64("x_m").to_vec()).collect();
    assert_eq!(found, (69_999..70_012).map(place).filter(|x| (70_000.0..=70_010.0).contains(x)).collect::<Vec<_>>());
    // The footer, and twice a page of 2048 numbers; the column has 800 kB.
    let read = file.read.load(Ordering::Relaxed);
    assert!(read < (64 << 10) + 2 * 2 * 2048 * 8, "{read}");
}

/// What Arrow's own reader finds in the column of lists, in float32.
fn lists_by_arrow(bytes: &[u8]) -> Vec<u32> {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let frames = reader.map(|batch| Frame::from_batch(&ACTIVITY, batch.unwrap(), Path::new(NAME)).unwrap());
    frames.flat_map(|frame| frame.floats("g").1.iter().map(|value| value.to_bits()).collect::<Vec<_>>()).collect()
}

#[test]
fn any_reader_finds_the_lists_and_any_writers_lists_are_found() {
    let encodings = [FloatEncoding::ByteStreamSplit, FloatEncoding::Plain, FloatEncoding::Dictionary];
    for units in [1, 2, 7, 8, 130, 300_000] {
        let rows = if units > 1000 { 3 } else { 5001 };
        for (precision, floats) in
            [Precision::Float32, Precision::Float16].into_iter().flat_map(|precision| encodings.map(|floats| (precision, floats)))
        {
            let frames = [walk(&ACTIVITY, "a", 0, rows - 2, units), walk(&ACTIVITY, "a", 1, 2, units)];
            let bytes = write(&ACTIVITY, frames.clone(), Layout { floats, ..Layout::of(precision) });
            let mut states: Vec<f32> = frames.iter().flat_map(|frame| frame.floats("g").1.to_vec()).collect();
            if precision == Precision::Float16 {
                to_float16_and_back(&mut states);
            }
            let expected: Vec<u32> = states.iter().map(|value| value.to_bits()).collect();
            assert!(lists_by_arrow(&bytes) == expected, "{units} {precision:?} {floats:?}");
            let own = read(&bytes, &["g"], Rows::all());
            assert!(
                own.iter().flat_map(|frame| frame.floats("g").1).map(|value| value.to_bits()).eq(expected),
                "{units} {precision:?} {floats:?}"
            );
            let last = read(&bytes, &["g"], Rows::all().integer("trajectory", 1..=1).integer("t", 2..=9));
            assert_eq!(last[0].floats("g"), (units, &states[(rows - 1) * units..]));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_that_are_asked_for_are_those_of_a_full_read(
        lengths in prop::collection::vec(1_usize..3000, 1..12), arena in 0..3_usize, first in 0..6_u32, more in 0..3_u32, x in -1.2..1.2_f64, t in 0..3000_u32
    ) {
        let arenas = ["a", "b", "absent"];
        let frames: Vec<Frame> = lengths.iter().enumerate()
            .map(|(number, rows)| walk(&ACTIVITY, arenas[number % 2], number as u32 / 2, *rows, 3)).collect();
        let bytes = write(&ACTIVITY, frames, Layout::default());
        let all = read(&bytes, &[], Rows::all());
        let asked = [
            Rows::all().text("arena", arenas[arena]),
            Rows::all().integer("trajectory", first..=first + more).text("arena", arenas[arena]),
            Rows::all().float("x_m", x..=x + 0.3).integer("t", t..=u32::MAX),
            Rows::all().float("vx_m", -2.0..=2.0),
            Rows::all().float("time_s", f64::NEG_INFINITY..=f64::INFINITY),
        ];
        for rows in asked {
            let kept: Vec<Frame> = all.iter().map(|frame| frame.filter(|row| rows.wants(frame, row))).collect();
            prop_assert!(rows_of(&read(&bytes, &[], rows.clone())) == rows_of(&kept), "{:?}", rows);
            let few = read(&bytes, &["t", "g"], rows);
            prop_assert_eq!(few.iter().map(Frame::rows).sum::<usize>(), kept.iter().map(Frame::rows).sum::<usize>());
        }
    }
}

#[test]
fn conditions_that_no_column_can_meet_are_refused() {
    let bytes = bytes::Bytes::from(write(&ACTIVITY, recording(1, 2), Layout::default()));
    let open = |rows| FileReader::open(&ACTIVITY, bytes.clone(), Path::new(NAME), &[], rows).err().unwrap().to_string();
    assert!(open(Rows::all().text("trajectory", "1")).contains("column trajectory: rows are asked for by Text"), "names the column");
    assert!(open(Rows::all().integer("nothing", 1..=2)).contains("absent"));
}

/// A sink that takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_named() {
    let frames = recording(20, 100);
    let whole = write(&ACTIVITY, frames.clone(), Layout::default()).len();
    for room in [0, 1000, whole / 2, whole - 1] {
        let mut writer = FileWriter::start(Full(room), &ACTIVITY, owner(), Path::new(NAME), Layout::default());
        let written = frames.iter().try_for_each(|frame| writer.write(frame));
        let error = written.and_then(|()| writer.finish().map(|_| ())).unwrap_err();
        assert!(
            matches!(&error, LakeError::Io { path, source } if path == Path::new(NAME) && source.kind() == ErrorKind::StorageFull),
            "{error}"
        );
    }
}

#[test]
fn states_in_float16_come_back_as_they_were_rounded() {
    let mut states: Vec<f32> = (0..6000).map(|place| (place as f32).sin().max(0.0)).collect();
    states[0] = 65_504.0;
    let frame = |states: &[f32]| {
        let rows = states.len() / 6;
        let walk = walk(&ACTIVITY, "a", 0, rows, 6).without("g");
        walk.with("g", Data::Floats { length: 6, values: states.to_vec() })
    };
    let bytes = write(&ACTIVITY, [frame(&states)], Layout::of(Precision::Float16));
    let back = read(&bytes, &["g"], Rows::all());
    let wide = write(&ACTIVITY, [frame(&states)], Layout::default());
    assert!(bytes.len() < wide.len());
    to_float16_and_back(&mut states);
    assert_eq!(back[0].floats("g"), (6, states.as_slice()));
    states[8] = 70_000.0;
    let mut writer = FileWriter::start(Vec::new(), &ACTIVITY, owner(), Path::new(NAME), Layout::of(Precision::Float16));
    let error = writer.write(frame(&states)).unwrap_err().to_string();
    assert!(error.contains("column g: element 2 of row 1 is 70000, beyond float16's range") && error.contains("float32"), "{error}");
}

#[test]
fn lists_of_another_length_are_refused() {
    let mut writer = FileWriter::start(Vec::new(), &ACTIVITY, owner(), Path::new(NAME), Layout::default());
    writer.write(walk(&ACTIVITY, "a", 0, 3, 5)).unwrap();
    let error = writer.write(walk(&ACTIVITY, "a", 1, 3, 6)).unwrap_err().to_string();
    assert!(error.contains("column g") && error.contains("6 elements") && error.contains('5'), "{error}");
    assert_eq!(writer.finish().unwrap().1.lists["g"].length, 5);
}

const SUMS: Table = Table {
    name: "sums",
    row: "unit",
    partitions: Partitions::RunStep,
    columns: &[Column { name: "sum", kind: Kind::Doubles, unit: "1", nullable: false, description: "Sums" }],
};

#[test]
fn lists_of_float64_survive() {
    let values: Vec<f64> = (0..3000).map(|place| f64::from(place).exp().sqrt().min(f64::MAX)).collect();
    let frame = Frame::new(&SUMS, 1000).with("sum", Data::Doubles { length: 3, values: values.clone() });
    let bytes = write(&SUMS, [frame], Layout::default());
    let back: Vec<Frame> =
        FileReader::open(&SUMS, bytes::Bytes::from(bytes), Path::new(NAME), &[], Rows::all()).unwrap().map(Result::unwrap).collect();
    assert_eq!(back[0].doubles("sum"), (3, values.as_slice()));
    let wrong = Frame::new(&SUMS, 1).with("sum", Data::Doubles { length: 2, values: vec![0.0, f64::NAN] });
    let mut writer = FileWriter::start(Vec::new(), &SUMS, owner(), Path::new(NAME), Layout::default());
    assert!(writer.write(wrong).unwrap_err().to_string().contains("element 1 of row 0 is NaN"));
}

#[test]
fn a_column_of_the_future_is_left_out_and_a_version_of_the_future_refused() {
    let mut columns = ACTIVITY.columns.to_vec();
    columns.push(Column { name: "head_rad", kind: Kind::Float64, unit: "rad", nullable: true, description: "Direction of the head" });
    let future: &'static Table = Box::leak(Box::new(Table { columns: Box::leak(columns.into_boxed_slice()), ..ACTIVITY }));
    let frame = walk(future, "a", 3, 100, 4).with("head_rad", vec![0.5; 100]);
    let mut bytes = write(future, [frame], Layout::default());
    assert!(rows_of(&read(&bytes, &[], Rows::all())) == rows_of(&[with_time(&walk(&ACTIVITY, "a", 3, 100, 4))]));
    let key = b"gridlake.schema_version";
    let place = bytes.windows(key.len()).rposition(|window| window == key).unwrap() + key.len();
    let digit = bytes[place..place + 4].iter().position(u8::is_ascii_digit).unwrap();
    bytes[place + digit] = b'9';
    let error = FileReader::open(&ACTIVITY, bytes::Bytes::from(bytes), Path::new(NAME), &[], Rows::all()).err().unwrap();
    assert!(matches!(error, LakeError::Version { found: 9, .. }), "{error}");
}

#[test]
fn states_that_are_not_finite_are_refused_when_read() {
    let columns =
        ACTIVITY.columns.iter().map(|column| Column { kind: if column.name == "g" { Kind::FloatsOrNan } else { column.kind }, ..*column });
    let lax: &'static Table = Box::leak(Box::new(Table { columns: Box::leak(columns.collect()), ..ACTIVITY }));
    for layout in [Layout::default(), Layout::of(Precision::Float16), Layout { floats: FloatEncoding::Plain, ..Layout::default() }] {
        let frame = walk(lax, "a", 0, 2, 2).without("g").with("g", Data::Floats { length: 2, values: vec![0.0, f32::NAN, 0.0, 0.0] });
        let bytes = bytes::Bytes::from(write(lax, [frame], layout));
        let error = FileReader::open(&ACTIVITY, bytes, Path::new(NAME), &[], Rows::all()).unwrap().next().unwrap().unwrap_err().to_string();
        assert!(error.contains(NAME) && error.contains("column g") && error.contains("not finite"), "{error}");
    }
}

#[test]
fn a_file_of_version_1_is_read_and_what_it_lacks_is_null() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/reference/lake-v1/lake/tables");
    let mut tables = 0;
    for table in crate::schema::TABLES {
        let path = root.join(table.name).join("run=fixture-s7-30dbfc08");
        let part = if table.partitions == Partitions::Run { "part-000000001.parquet" } else { "step=40/part-0.parquet" };
        let path = path.join(part);
        if !path.exists() {
            continue;
        }
        let frames = FileReader::open(table, crate::store::Source::open_path(&path).unwrap(), &path, &[], Rows::all()).unwrap();
        let rows: usize = frames.map(|frame| frame.unwrap().rows()).sum();
        assert!(rows > 0, "{}", table.name);
        tables += 1;
        if table.name == ACTIVITY.name {
            let only = Rows::of_trajectory("square-1m", 5);
            let frame = FileReader::open(table, crate::store::Source::open_path(&path).unwrap(), &path, &[], only)
                .unwrap()
                .next()
                .unwrap()
                .unwrap();
            assert_eq!((rows, frame.rows(), frame.floats("g").0), (480, 60, 6));
            assert!(
                frame.float64("time_s").iter().all(|time| time.is_nan()) && frame.float64("vx_m").iter().all(|speed| speed.is_finite())
            );
        }
    }
    assert_eq!(tables, 7);
}

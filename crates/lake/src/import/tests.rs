//! Readers against files that were altered at random: an error that names the file, or moments that hold what they promise; never a panic.

use super::{BinnedReader, ImportError, Mapping, MomentReader, Moments, Source, SpikeTrains, survey};
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Float64Array, Int32Array, ListArray, RecordBatch};
use arrow::datatypes::Float32Type;
use proptest::prelude::*;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, LazyLock};

const ROWS: usize = 60;
const UNITS: usize = 3;

pub(super) fn mapping(change: &str) -> Mapping {
    let mut table: toml_like::Table = toml_like::parse(include_str!("../../../cli/mapping.toml"));
    toml_like::set(&mut table, change);
    serde_json::from_value(serde_json::Value::Object(table)).unwrap()
}

/// Enough of TOML for `mapping.toml`: tables of scalars and empty lists.
mod toml_like {
    pub(super) type Table = serde_json::Map<String, serde_json::Value>;

    pub(super) fn parse(text: &str) -> Table {
        let (mut all, mut table) = (Table::new(), String::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                name.clone_into(&mut table);
            } else {
                set(&mut all, &format!("{table}.{line}"));
            }
        }
        all
    }

    /// `table.key = value`; nothing where empty.
    pub(super) fn set(all: &mut Table, change: &str) {
        for change in change.lines() {
            let (key, value) = change.split_once('=').unwrap();
            let (table, key) = key.trim().split_once('.').unwrap();
            let inner = all.entry(table).or_insert_with(|| Table::new().into()).as_object_mut().unwrap();
            inner.insert(key.to_owned(), serde_json::from_str(value.trim()).unwrap());
        }
    }
}

fn place(row: usize) -> [f64; 2] {
    [(row as f64 * 0.37).sin() * 0.5, (row as f64 * 0.23).cos() * 0.5]
}

fn rate(row: usize, unit: usize) -> f32 {
    (row * UNITS + unit) as f32 / 7.0
}

fn csv() -> Vec<u8> {
    let line = |row: usize| {
        let ([x, y], [a, b, c]) = (place(row), [0, 1, 2].map(|unit| rate(row, unit)));
        format!("{},{},{x},{y},{a},{b},{c}\n", row / 20, row as f64 / 10.0)
    };
    let head = "trajectory,time_s,x,y,unit_0,unit_1,unit_2\n".to_owned();
    (0..ROWS).map(line).fold(head, |text, line| text + &line).into_bytes()
}

fn parquet(compression: Compression, dictionary: bool) -> Vec<u8> {
    let lists = (0..ROWS).map(|row| Some((0..UNITS).map(move |unit| Some(rate(row, unit)))));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("trajectory", Arc::new(Int32Array::from_iter_values((0..ROWS).map(|row| row as i32 / 20)))),
        ("time_s", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| row as f64 / 10.0)))),
        ("x", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| place(row)[0])))),
        ("y", Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| place(row)[1])))),
        ("g", Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(dictionary)
        .set_max_row_group_row_count(Some(25))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)], compressed: bool) -> Vec<u8> {
    let method = if compressed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn doubles(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(f64::to_le_bytes).collect()
}

/// Two axes in C's and Fortran's order, or three axes.
fn arrays(kind: usize, compressed: bool) -> Vec<u8> {
    let g = |order: &dyn Fn(usize) -> (usize, usize)| -> Vec<u8> {
        (0..ROWS * UNITS).map(order).flat_map(|(row, unit)| rate(row, unit).to_be_bytes()).collect()
    };
    let (c, f) = (|at: usize| (at / UNITS, at % UNITS), |at: usize| (at % ROWS, at / ROWS));
    let time = doubles((0..ROWS).map(|row| row as f64 / 10.0));
    let c_places = doubles((0..ROWS).flat_map(place));
    let f_places = doubles((0..2).flat_map(|axis| (0..ROWS).map(move |row| place(row)[axis])));
    let trajectory = (0..ROWS).map(|row| (row / 20) as u8).collect::<Vec<u8>>();
    let (own, places, rates) = match kind {
        0 => (npy("|u1", false, "(60,)", &trajectory), npy("<f8", false, "(60, 2)", &c_places), npy(">f4", false, "(60, 3)", &g(&c))),
        1 => (npy("|u1", false, "(60,)", &trajectory), npy("<f8", true, "(60, 2)", &f_places), npy(">f4", true, "(60, 3)", &g(&f))),
        2 => (npy("|u1", false, "(60,)", &trajectory), npy("<f8", false, "(2, 60)", &f_places), npy(">f4", false, "(3, 60)", &g(&f))),
        _ => (npy("|u1", false, "(3,)", &[0, 1, 2]), npy("<f8", false, "(3, 20, 2)", &c_places), npy(">f4", false, "(3, 20, 3)", &g(&c))),
    };
    let time = npy("<f8", false, if kind == 3 { "(3, 20)" } else { "(60,)" }, &time);
    npz(&[("trajectory", own), ("time_s", time), ("pos", places), ("rates", rates)], compressed)
}

/// Valid files that hold the same moments.
static FILES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    vec![
        ("a.csv", csv()),
        ("a.parquet", parquet(Compression::UNCOMPRESSED, true)),
        ("a.parquet", parquet(Compression::SNAPPY, false)),
        ("a.parquet", parquet(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()), true)),
        ("a.parquet", parquet(Compression::GZIP(GzipLevel::try_new(6).unwrap()), false)),
        ("a.parquet", parquet(Compression::BROTLI(BrotliLevel::try_new(5).unwrap()), true)),
        ("a.parquet", parquet(Compression::LZ4_RAW, false)),
        ("a.npz", arrays(0, false)),
        ("a.npz", arrays(0, true)),
        ("a.npz", arrays(1, false)),
        ("a.npz", arrays(2, true)),
        ("a.npz", arrays(3, true)),
    ]
});

/// Spikes as rows of text, as arrays with a unit each, and as two flat arrays.
static SPIKES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let times = || doubles((0..40).map(|spike| f64::from(spike) * 0.143));
    let text = (0..40).fold("unit,time\n".to_owned(), |text, spike| text + &format!("{},{}\n", spike % 3, f64::from(spike) * 0.143));
    let ids: Vec<u8> = (0..40).map(|spike| spike % 3).collect();
    vec![
        ("s.csv", text.into_bytes()),
        ("s.npz", npz(&[("u1", npy("<f8", false, "(40,)", &times())), ("u2", npy("<f8", false, "(40,)", &times()))], true)),
        ("s.npz", npz(&[("unit", npy("|u1", false, "(40,)", &ids)), ("time", npy("<f8", false, "(40,)", &times()))], false)),
    ]
});

fn read(path: &Path, mapping: &Mapping) -> Result<Vec<Moments>, ImportError> {
    let sources = [Source::open(path, mapping, true)?];
    survey(&sources, mapping, |_| ControlFlow::Continue(()))?;
    MomentReader::new(&sources[0], mapping, true)?.collect()
}

fn read_spikes(path: &Path, spikes: &Path, mapping: &Mapping) -> Result<Vec<Moments>, ImportError> {
    let source = Source::open(path, mapping, false)?;
    let trains = SpikeTrains::read(spikes, mapping)?;
    BinnedReader::new(&source, &trains, mapping)?.collect()
}

/// What every reader promises of its moments.
fn hold(moments: &[Moments]) {
    for moments in moments {
        let count = moments.len();
        let lengths = [moments.path.len(), moments.time_s.len(), moments.position_m.len(), moments.velocity_m.len(), moments.arena.len()];
        assert_eq!(lengths, [count; 5]);
        assert_eq!(moments.g.len(), count * moments.units);
        assert!(moments.g.iter().all(|value| value.is_finite()) && moments.position_m.as_flattened().iter().all(|place| place.is_finite()));
        assert!(moments.velocity_m.as_flattened().iter().all(|velocity| !velocity.is_infinite()));
    }
}

fn joined(all: Vec<Moments>) -> Moments {
    all.into_iter().fold(Moments::default(), |mut sum, part| {
        sum.units = part.units;
        sum.path.extend(part.path);
        sum.t.extend(part.t);
        sum.time_s.extend(part.time_s);
        sum.position_m.extend(part.position_m);
        sum.velocity_m.extend(part.velocity_m);
        sum.arena.extend(part.arena);
        sum.g.extend(part.g);
        sum
    })
}

#[test]
fn every_layout_holds_the_same_moments() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (name, bytes)) in FILES.iter().enumerate() {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let moments = joined(read(&path, &mapping("units.layout = \"auto\"")).unwrap_or_else(|error| panic!("{number}: {error}")));
        assert_eq!((moments.len(), moments.units), (ROWS, UNITS), "{number}");
        assert_eq!((moments.path[19], moments.path[20], moments.t[20], moments.t[39]), (0, 1, 1, 20), "{number}");
        for row in 0..ROWS {
            assert_eq!(moments.position_m[row], place(row), "{number}");
            assert_eq!(moments.time_s[row], row as f64 / 10.0, "{number}");
            assert_eq!(moments.g[row * UNITS..][..UNITS], [0, 1, 2].map(|unit| rate(row, unit)), "{number}");
        }
        assert!(moments.velocity_m[20][0].is_nan() && moments.velocity_m[21][0] == place(21)[0] - place(20)[0]);
    }
}

#[test]
fn every_layout_of_spikes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, csv()).unwrap();
    for (name, bytes) in SPIKES.iter() {
        let spikes = folder.path().join(name);
        std::fs::write(&spikes, bytes).unwrap();
        for bin in ["0.0", "0.25"] {
            let moments = joined(read_spikes(&path, &spikes, &mapping(&format!("spikes.bin_s = {bin}"))).unwrap());
            assert_eq!(moments.len(), if bin == "0.0" { ROWS } else { 24 }, "{name}, {bin}");
            let rates: f32 = moments.g.iter().sum();
            assert!(rates > 0.0);
        }
    }
}

#[test]
fn times_and_velocities_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "time_ms,x_cm,y_cm,u,v,cell1\n0,0,100,1,2,0\n500,10,100,3,4,1\n1500,20,90,5,6,2\n").unwrap();
    let moments = joined(read(&path, &mapping("velocity.columns = [\"u\", \"v\"]")).unwrap());
    assert_eq!((moments.time_s.clone(), moments.position_m[1]), (vec![0.0, 0.5, 1.5], [0.1, 1.0]));
    assert!(moments.velocity_m[0][0].is_nan(), "the time of the first step is not known");
    assert_eq!(moments.velocity_m[2], [5.0 * 0.01 * 1.0, 6.0 * 0.01 * 1.0]);
    let moments = joined(
        read(&path, &mapping("velocity.columns = [\"u\", \"v\"]\nvelocity.per = \"step\"\ntime.column = \"none\"\ntime.sampling_hz = 4.0"))
            .unwrap(),
    );
    assert_eq!((moments.velocity_m[0], moments.time_s[1]), ([0.01, 0.02], 0.25));
}

/// How a file is altered.
#[derive(Clone, Debug)]
enum Change {
    /// A bit is flipped.
    Flip(prop::sample::Index, u8),
    /// A byte is another.
    Byte(prop::sample::Index, u8),
    /// The end is missing.
    Cut(prop::sample::Index),
    /// A part is missing.
    Remove(prop::sample::Index, u8),
    /// Something was put in.
    Insert(prop::sample::Index, Vec<u8>),
    /// Four bytes are a large or small number, as lengths and counts are.
    Number(prop::sample::Index, i32),
}

fn change() -> impl Strategy<Value = Change> {
    let at = || any::<prop::sample::Index>();
    prop_oneof![
        4 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), prop_oneof![Just(i32::MAX), Just(-1), Just(0), any::<i32>()]).prop_map(|(at, number)| Change::Number(at, number)),
    ]
}

fn altered(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match change {
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Byte(at, byte) => bytes[at.index(length)] = *byte,
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Remove(at, count) => {
                let from = at.index(length);
                bytes.drain(from..length.min(from + usize::from(*count)));
            }
            Change::Insert(at, more) => {
                let from = at.index(length);
                bytes.splice(from..from, more.iter().copied());
            }
            Change::Number(at, number) => {
                let from = at.index(length);
                for (place, byte) in number.to_le_bytes().into_iter().enumerate().filter(|(place, _)| from + place < length) {
                    bytes[from + place] = byte;
                }
            }
        }
    }
    bytes
}

/// Reads a file, and holds what comes of it to be an error that names the file, or good moments.
fn judged(outcome: Result<Vec<Moments>, ImportError>, name: &str) {
    match outcome {
        Ok(moments) => hold(&moments),
        Err(error) => assert!(error.to_string().contains(name), "{error}"),
    }
}

proptest! {
    // PROPTEST_CASES sets another number.
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn altered_files_are_refused_or_read(file in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6)) {
        let (name, bytes) = file.get(&FILES);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, altered(bytes, &changes)).unwrap();
        judged(read(&path, &mapping("position.missing = \"drop\"")), name);
    }

    #[test]
    fn altered_spikes_are_refused_or_read(file in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..6), path_too in any::<bool>()) {
        let (name, bytes) = file.get(&SPIKES);
        let folder = tempfile::tempdir().unwrap();
        let (path, spikes) = (folder.path().join("a.csv"), folder.path().join(name));
        std::fs::write(&path, if path_too { altered(&csv(), &changes) } else { csv() }).unwrap();
        std::fs::write(&spikes, altered(bytes, &changes)).unwrap();
        judged(read_spikes(&path, &spikes, &mapping("position.missing = \"drop\"\nspikes.bin_s = 0.3")), "");
    }

    #[test]
    fn any_bytes_are_refused_or_read(name in prop::sample::select(&["r.csv", "r.tsv", "r.parquet", "r.npz"][..]), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        judged(read(&path, &mapping("position.missing = \"drop\"")), name);
        // The same behind the signature that the format begins with.
        let begin: &[u8] = if name.ends_with("npz") { b"PK\x03\x04" } else { b"PAR1" };
        std::fs::write(&path, [begin, &bytes, b"PAR1"].concat()).unwrap();
        judged(read(&path, &mapping("position.missing = \"drop\"")), name);
    }
}

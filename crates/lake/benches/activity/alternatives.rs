//! Every encoding and compression: sizes and rates.

use crate::job::{Took, read, validate, write};
use crate::say;
use crate::synthetic::{STEPS, UNITS, recording};
use gridlake_lake::parquet_file::{FloatEncoding, Layout};
use gridlake_lake::schema::Precision;
use parquet::basic::{Compression, ZstdLevel};

/// Rounds; medians are told.
const ROUNDS: usize = 3;

/// Measures them in turns over so many rows.
pub(crate) fn report(rows: usize) {
    let frames = recording((rows / STEPS) as u32);
    let values = (frames.len() * STEPS * UNITS) as f64;
    let raw_mb = values * 4.0 / 1e6;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("activity.parquet");
    say(&format!("\n{} rows, {raw_mb:.0} MB of states.\n", frames.len() * STEPS));
    say("| States as | Floats | Compression | Size (MB) | Bytes/value | Write (MB/s) | Read (MB/s) |\n|---|---|---|---|---|---|---|");
    let zstd = |level| Compression::ZSTD(ZstdLevel::try_new(level).expect("a level"));
    for precision in [Precision::Float32, Precision::Float16] {
        for floats in [FloatEncoding::Plain, FloatEncoding::Dictionary, FloatEncoding::ByteStreamSplit] {
            for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, zstd(1), zstd(3), zstd(6), zstd(9)] {
                let layout = Layout { precision, floats, compression };
                let (mut writing, mut reading, mut size) = (Vec::new(), Vec::new(), 0);
                for round in 0..ROUNDS {
                    let (took, bytes) = write(&path, frames.clone(), layout);
                    if round == 0 {
                        validate(&path, &frames, precision);
                    }
                    writing.push(took);
                    reading.push(read(&path));
                    size = bytes;
                }
                let (mb, each) = (size as f64 / 1e6, size as f64 / values);
                let (writing, reading) = (raw_mb / Took::median(&writing).seconds, raw_mb / Took::median(&reading).seconds);
                let packed = match compression {
                    Compression::ZSTD(level) => format!("zstd {}", level.compression_level()),
                    other => other.to_string().to_lowercase(),
                };
                say(&format!("| {precision:?} | {floats:?} | {packed} | {mb:.1} | {each:.2} | {writing:.0} | {reading:.0} |"));
            }
        }
    }
}

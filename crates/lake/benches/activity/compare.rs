//! Writing and reading by the default layout, in turns with pyarrow.

use crate::job::{Took, one_trajectory, read, validate, write};
use crate::pyarrow::PyArrow;
use crate::say;
use crate::synthetic::{STEPS, UNITS, recording};
use gridlake_lake::parquet_file::Layout;
use gridlake_lake::schema::Precision;
use parquet::basic::Compression;
use std::fmt::Write as _;
use std::path::Path;

/// Rounds; medians are told.
const ROUNDS: usize = 7;

/// Compares over so many rows.
pub(crate) fn report(rows: usize) {
    let frames = recording((rows / STEPS) as u32);
    let rows = frames.len() * STEPS;
    let raw_mb = (rows * UNITS * 4) as f64 / 1e6;
    let zeros = frames.iter().flat_map(|frame| frame.floats("g").1).filter(|value| **value == 0.0).count();
    say(&format!("\n{rows} rows of {UNITS} units, {raw_mb:.0} MB of states, {:.0} % zero.", 100.0 * zeros as f64 / (rows * UNITS) as f64));
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (folder.path().join("gridlake.parquet"), folder.path().join("pyarrow.parquet"));
    let mut pyarrow = PyArrow::start().map_err(|error| say(&error)).ok();
    let mut table = String::from(
        "\n| States as | Job | gridlake (s) | of processors (s) | rows/s | MB/s | pyarrow (s) | of processors (s) | rows/s | MB/s | pyarrow / gridlake | of processors |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (precision, name, encoding) in [(Precision::Float32, "float32", "split"), (Precision::Float16, "float16", "plain")] {
        let layout = Layout::of(precision);
        let level = if let Compression::ZSTD(level) = layout.compression { level.compression_level().to_string() } else { "-".to_owned() };
        let (_, bytes) = write(&own, frames.clone(), layout);
        validate(&own, &frames, precision);
        if precision == Precision::Float32
            && let Some(pyarrow) = &mut pyarrow
        {
            let loaded = pyarrow.ask(&["load", text(&own)]).expect("rows");
            let bits: u64 = frames.iter().flat_map(|frame| frame.floats("g").1).map(|value| u64::from(value.to_bits())).sum();
            assert!(loaded["rows"] == rows && loaded["bits"] == bits, "pyarrow reads what we wrote: {loaded}");
            say(&format!("pyarrow: {}; {loaded}", pyarrow.hello));
        }
        let mut times: [Vec<Took>; 4] = Default::default();
        for _ in 0..ROUNDS {
            times[0].push(write(&own, frames.clone(), layout).0);
            times[1].push(read(&own));
            if let Some(pyarrow) = &mut pyarrow {
                times[2].push(pyarrow.time(&["write", text(&other), "zstd", &level, encoding, name]).expect("written"));
                // The faster of its two ways to read, each reading the file that it wrote.
                let ways = ["iterate", "table"].map(|verb| pyarrow.time(&[verb, text(&other)]).expect("rows"));
                times[3].push(if ways[0].seconds < ways[1].seconds { ways[0] } else { ways[1] });
            }
        }
        if precision == Precision::Float32 {
            let number = (rows / STEPS / 2) as u32;
            let (took, read) = one_trajectory(&own, number);
            let share = 100.0 * read as f64 / bytes as f64;
            say(&format!(
                "trajectory {number} of {}: {:.1} ms, {:.2} MB read, {share:.2} % of the file",
                rows / STEPS,
                took * 1e3,
                read as f64 / 1e6
            ));
        }
        let others = std::fs::metadata(&other).map_or(0, |file| file.len());
        say(&format!("{name}: gridlake {:.1} MB, pyarrow {:.1} MB", bytes as f64 / 1e6, others as f64 / 1e6));
        let cell = |took: Took| {
            let (seconds, cpu) = (took.seconds, took.cpu_seconds);
            format!("{seconds:.2} | {cpu:.2} | {:.0} | {:.0}", rows as f64 / seconds, raw_mb / seconds)
        };
        for (job, own, other) in [("write", 0, 2), ("read", 1, 3)] {
            let own = Took::median(&times[own]);
            // Writing to a String cannot fail.
            let _ = write!(table, "| {name} | {job} | {} ", cell(own));
            if pyarrow.is_some() {
                let other = Took::median(&times[other]);
                let ratios = (other.seconds / own.seconds, other.cpu_seconds / own.cpu_seconds);
                let _ = writeln!(table, "| {} | **{:.2}** | {:.2} |", cell(other), ratios.0, ratios.1);
            } else {
                table += "| | | | | | |\n";
            }
        }
    }
    say(&table);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

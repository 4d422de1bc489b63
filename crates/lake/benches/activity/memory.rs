//! Peak memory of writing and of reading, each in a process of its own.

use crate::synthetic::{Moments, STEPS};
use crate::{owner, say};
use gridlake_lake::parquet_file::{FileReader, FileWriter, Layout, Rows};
use gridlake_lake::schema::ACTIVITY;
use gridlake_lake::store::Source;
use std::fs::File;
use std::path::Path;
use std::process::Command;

/// Trajectories that are made; they are written again and again, under new numbers.
const DIFFERENT: u32 = 20;

/// Writes and reads 10⁵, 10⁶ and 10⁷ rows.
pub(crate) fn report() {
    say("| Rows | File (MB) | Peak memory of writing (MB) | of reading (MB) |\n|---|---|---|---|");
    let folder = tempfile::tempdir().expect("a folder");
    for rows in [100_000_u64, 1_000_000, 10_000_000] {
        let path = folder.path().join("activity.parquet");
        let peak = |verb: &str| {
            let own = std::env::current_exe().expect("its own path");
            let output = Command::new(own).arg(verb).arg(&path).arg(rows.to_string()).output().expect("a process");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let (writing, reading) = (peak("--memory-write"), peak("--memory-read"));
        let bytes = std::fs::metadata(&path).expect("the file").len();
        say(&format!("| {rows} | {:.0} | {writing} | {reading} |", bytes as f64 / 1e6));
    }
}

/// Writes the rows, and says the peak.
pub(crate) fn write(path: &Path, rows: u64) {
    let moments: Vec<Moments> = (0..DIFFERENT).map(Moments::draw).collect();
    let mut writer = FileWriter::start(File::create(path).expect("a file"), &ACTIVITY, owner(), path, Layout::default());
    for number in 0..(rows / STEPS as u64) as u32 {
        writer.write(moments[(number % DIFFERENT) as usize].frame(number)).expect("written");
    }
    assert_eq!(writer.finish().expect("written").1.rows, rows);
    say(&peak_mb());
}

/// Reads all rows, and says the peak.
pub(crate) fn read(path: &Path, rows: u64) {
    let file = Source::open_path(path).expect("the file");
    let frames = FileReader::open(&ACTIVITY, file, path, &[], Rows::all()).expect("the file");
    let found: usize = frames.map(|frame| frame.expect("rows").rows()).sum();
    assert_eq!(found as u64, rows);
    say(&peak_mb());
}

/// The most that this process ever held, MB.
fn peak_mb() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    format!("{:.0}", kib * 1024.0 / 1e6)
}

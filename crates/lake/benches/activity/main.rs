//! How fast `activity` is written and read, against pyarrow, and how encodings compare: `cargo bench -p gridlake-lake --bench activity`.
//!
//! `GRIDLAKE_PYTHON` names a Python with `requirements.txt`; without it, pyarrow's columns are left out. `-- --rows N` compares with pyarrow at another
//! number of rows; `-- --alternatives` measures all encodings; `-- --memory` peak memory. Everything is checked before it is timed.

mod alternatives;
mod compare;
mod job;
mod memory;
mod pyarrow;
mod synthetic;

use gridlake_lake::parquet_file::Owner;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--memory-write", path, rows] => memory::write(Path::new(path), rows.parse().expect("a number")),
        ["--memory-read", path, rows] => memory::read(Path::new(path), rows.parse().expect("a number")),
        ["--memory"] => memory::report(),
        ["--alternatives"] => alternatives::report(200_000),
        ["--rows", rows] => compare::report(rows.parse().expect("a number")),
        [] => {
            compare::report(1_000_000);
            alternatives::report(200_000);
        }
        other => panic!("unknown arguments {other:?}"),
    }
}

fn owner() -> Owner {
    Owner { run: "bench".to_owned(), fingerprint: String::new() }
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it found")]
fn say(line: &str) {
    println!("{line}");
}

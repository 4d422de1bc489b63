//! A lake of format version 1, which every later gridlake reads.

use crate::common::{Outcome, gridlake, snapshot};
use std::fs;
use std::path::{Path, PathBuf};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reference/lake-v1");

/// A copy that may be written to.
fn copy() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in snapshot(Path::new(FIXTURE)) {
        let to = folder.path().join(path.strip_prefix(FIXTURE).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let lake = folder.path().join("lake");
    (folder, lake)
}

fn about(verb: &str, lake: &Path) -> Outcome {
    Outcome::of(gridlake().arg(verb).arg(lake))
}

#[test]
fn a_lake_of_version_1_is_whole_fresh_and_readable() {
    let (folder, lake) = copy();
    let verified = about("verify", &lake);
    assert!(verified.code == 0 && verified.stdout.contains("all are there, whole and unaltered"), "{verified:?}");
    let status = about("status", &lake);
    assert!(status.code == 0 && status.stdout.contains("fixture-s7-30dbfc08") && status.stdout.contains("40/40"), "{status:?}");
    let run = |verb: &str, more: &[&str]| {
        Outcome::of(gridlake().arg(verb).arg(folder.path().join("fixture.toml")).arg("--lake").arg(&lake).args(more))
    };
    for stage in ["train", "record"] {
        let again = run(stage, &[]);
        assert!(
            again.code == 0 && again.stderr.contains("everything is there already"),
            "{stage}: the same settings have the same fingerprint: {again:?}"
        );
    }
    // Analyses find more by now, so those of then are stale, and say why; their tables can be read all the same.
    let planned = run("plan", &[]);
    assert!(planned.code == 0 && planned.stdout.contains("a gridlake made it that computed other numbers"), "{planned:?}");
    for (table, rows) in [("activity", 480), ("units", 6), ("ratemaps", 6), ("metrics", 5), ("nulls", 24), ("occupancy", 64)] {
        let query = format!("SELECT COUNT(*) AS n FROM {table} WHERE run = 'fixture-s7-30dbfc08'");
        let counted = Outcome::of(gridlake().args(["sql", &query, "--format", "csv", "--lake"]).arg(&lake));
        assert_eq!((counted.code, counted.stdout.as_str()), (0, format!("n\n{rows}\n").as_str()), "{table}: {counted:?}");
    }
    for stage in ["analyze", "draw", "record", "run"] {
        let outcome = run(stage, &["--force"]);
        assert_eq!(outcome.code, 0, "{stage}: {outcome:?}");
    }
    let verified = about("verify", &lake);
    assert!(verified.code == 0, "{verified:?}");
}

//! `compare`: runs beside each other.

use crate::common::{Bench, Outcome, TINY, gridlake};

fn compare(bench: &Bench, more: &[&str]) -> Outcome {
    Outcome::of(gridlake().arg("compare").arg(&bench.lake).args(more))
}

#[test]
fn every_run_and_arena_has_a_row_that_counts_what_its_tables_have() {
    let bench = Bench::with(&(TINY.replace("boxes_m = [1.0]", "boxes_m = [1.0, 1.5]") + "\n[sweep]\nseeds = [0, 1]\n"));
    bench.done("run", &[]);
    let asked = compare(&bench, &["--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap_or_else(|error| panic!("{error}: {asked:?}"));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 4, "{asked:?}");
    for row in rows {
        let count = |condition: &str| {
            let (run, arena) = (row["run"].as_str().unwrap(), row["arena"].as_str().unwrap());
            let query = format!("SELECT COUNT(*) AS n FROM units WHERE run = '{run}' AND arena = '{arena}' AND {condition}");
            let found = Outcome::of(gridlake().args(["sql", &query, "--format", "csv", "--lake"]).arg(&bench.lake));
            found.stdout.lines().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or_else(|| panic!("{found:?}"))
        };
        assert_eq!(row["active"], count("active"), "{row}");
        let classes = [
            ("grid", "grid"),
            ("band", "band"),
            ("border", "border"),
            ("place_like", "place-like"),
            ("untuned", "untuned"),
            ("dead", "dead"),
        ];
        let counts = classes.map(|(column, class)| {
            assert_eq!(row[column], count(&format!("class = '{class}'")), "{row}");
            row[column].as_u64().unwrap()
        });
        assert_eq!(counts.iter().sum::<u64>(), 12, "every unit is of one class: {row}");
        // What is to be judged has its chance beside it; JSON and CSV are read with the rounding of their readers.
        let near = |found: &serde_json::Value, expected: f64| (found.as_f64().unwrap() / expected - 1.0).abs() < 1e-12;
        let median = |table: &str, column: &str, condition: &str| {
            let (run, arena) = (row["run"].as_str().unwrap(), row["arena"].as_str().unwrap());
            let query = format!("SELECT MEDIAN({column}) AS n FROM {table} WHERE run = '{run}' AND arena = '{arena}' AND {condition}");
            let found = Outcome::of(gridlake().args(["sql", &query, "--format", "csv", "--lake"]).arg(&bench.lake));
            found.stdout.lines().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or_else(|| panic!("{found:?}"))
        };
        for column in ["spatial_coherence", "spatial_coherence_corrected", "spatial_coherence_chance"] {
            assert!(near(&row[column], median("generalization", column, "module IS NULL")), "{column}: {row}");
        }
        for column in ["decode_error_m", "shuffled_error_m"] {
            assert!(near(&row[column], median("path_integration", column, "TRUE")), "{column}: {row}");
        }
    }
    let one = compare(&bench, &["--only", "*-s1-*", "--format", "csv"]);
    assert!(one.stdout.lines().count() == 3 && one.stdout.contains("-s1-") && !one.stdout.contains("-s0-"), "{one:?}");
    compare(&bench, &["--only", "a' OR 'a' = 'a"]).fails(2, &["no run matches", "gridlake status"]);
    compare(&bench, &["--only", "[1"]).fails(2, &["--only [1"]);
    // The lake is an argument, or --lake as elsewhere, and not both.
    let named = Outcome::of(gridlake().args(["compare", "--format", "json", "--lake"]).arg(&bench.lake));
    assert_eq!(named.stdout, asked.stdout, "{named:?}");
    for verb in ["status", "verify"] {
        let named = Outcome::of(gridlake().args([verb, "--lake"]).arg(&bench.lake));
        assert_eq!((named.code, &named.stdout), (0, &Outcome::of(gridlake().arg(verb).arg(&bench.lake)).stdout), "{named:?}");
        Outcome::of(gridlake().arg(verb).arg(&bench.lake).arg("--lake").arg(&bench.lake)).fails(2, &["cannot be used with"]);
    }
    // What it asks can be asked.
    let query = compare(&bench, &["--query"]).stdout;
    let again = Outcome::of(gridlake().args(["sql", &query, "--format", "json", "--lake"]).arg(&bench.lake));
    assert_eq!(again.stdout, asked.stdout, "{again:?}");
}

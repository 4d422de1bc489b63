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
    }
    let one = compare(&bench, &["--only", "*-s1-*", "--format", "csv"]);
    assert!(one.stdout.lines().count() == 3 && one.stdout.contains("-s1-") && !one.stdout.contains("-s0-"), "{one:?}");
    compare(&bench, &["--only", "a' OR 'a' = 'a"]).fails(2, &["no run matches", "gridlake status"]);
    compare(&bench, &["--only", "[1"]).fails(2, &["--only [1"]);
    // What it asks can be asked.
    let query = compare(&bench, &["--query"]).stdout;
    let again = Outcome::of(gridlake().args(["sql", &query, "--format", "json", "--lake"]).arg(&bench.lake));
    assert_eq!(again.stdout, asked.stdout, "{again:?}");
}

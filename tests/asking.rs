//! `sql`, `verify` and `export` of a real lake.

use crate::common::{Bench, Outcome, TINY, gridlake, moments, snapshot, visible, wait_for};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Instant;

/// Two runs of 12 units in two boxes, and one of 10 units.
fn lake() -> Bench {
    let bench = Bench::with(&(TINY.replace("boxes_m = [1.0]", "boxes_m = [1.0, 1.5]") + "\n[sweep]\nseeds = [0, 1]\n"));
    bench.done("run", &[]);
    bench.done("run", &["--seed", "2", "--set", "train.model.units=10", "--set", "name=other"]);
    bench
}

fn sql(bench: &Bench, query: &str, more: &[&str]) -> Outcome {
    Outcome::of(gridlake().args(["sql", query, "--lake"]).arg(&bench.lake).args(more))
}

#[test]
fn all_runs_are_one_table_whatever_their_size() {
    let bench = lake();
    let asked = sql(&bench, "SELECT run, step, COUNT(*) AS n FROM units GROUP BY run, step ORDER BY run", &["--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&asked.stdout).unwrap_or_else(|error| panic!("{error}: {asked:?}"));
    let counts: Vec<u64> = rows.as_array().unwrap().iter().map(|row| row["n"].as_u64().unwrap()).collect();
    assert_eq!(counts, [20, 24, 24], "{rows}");
    assert!(rows.as_array().unwrap().iter().all(|row| row["step"] == 60), "{rows}");
    let ordered = sql(&bench, "SELECT SUM(unit) AS z, COUNT(*) AS a FROM units", &["--format", "json"]);
    assert!(ordered.stdout.find("\"z\"") < ordered.stdout.find("\"a\""), "in the order that was asked for: {ordered:?}");
    // Runs of different sizes are files of different types.
    let counted = sql(&bench, "SELECT COUNT(*) AS n FROM activity", &["--format", "csv"]);
    assert_eq!((counted.code, counted.stdout.as_str()), (0, "n\n19200\n"), "{counted:?}");
    let brief = sql(&bench, "SELECT g FROM activity", &["--rows", "1"]);
    assert!(brief.stdout.contains("… 1") && brief.stdout.lines().all(|line| line.len() < 120), "{brief:?}");
    let none = sql(&bench, "SELECT unit FROM units WHERE unit = 99", &[]);
    assert!(none.code == 0 && none.stderr.contains("no rows"), "{none:?}");
    let lists = sql(&bench, "SELECT run, MAX(ARRAY_LENGTH(g)) AS n FROM activity GROUP BY run ORDER BY n", &["--format", "csv"]);
    assert!(lists.code == 0 && lists.stdout.lines().nth(1).is_some_and(|line| line.ends_with(",10")), "{lists:?}");
    let table = sql(&bench, "SELECT arena, unit FROM units ORDER BY run, arena, unit", &["--rows", "3"]);
    assert_eq!(table.stdout, "arena        unit\nsquare-1.5m  0\nsquare-1.5m  1\nsquare-1.5m  2\n", "{table:?}");
    assert!(table.stderr.contains("only the first 3 rows are shown"), "{table:?}");
    let joined = sql(
        &bench,
        "SELECT COUNT(*) AS n FROM units JOIN ratemaps ON units.run = ratemaps.run AND units.arena = ratemaps.arena AND units.unit = ratemaps.unit",
        &["--format", "csv"],
    );
    assert_eq!((joined.code, joined.stdout.as_str()), (0, "n\n68\n"), "{joined:?}");
    let whole = sql(&bench, "-- all of them\n/* both */ SELECT COUNT(*) AS n FROM units", &[]);
    assert_eq!((whole.code, whole.stdout.as_str(), whole.stderr.as_str()), (0, "n\n68\n", ""), "{whole:?}");
    let tables = sql(&bench, "SHOW TABLES", &["--format", "csv"]);
    assert!(tables.stdout.contains("activity") && tables.stdout.contains("units"), "{tables:?}");
}

#[test]
fn a_lake_below_a_folder_that_looks_like_a_partition_is_asked_as_any_other() {
    let bench = lake();
    let odd = bench.folder().join("run=a/step=7");
    std::fs::create_dir_all(&odd).unwrap();
    let query = "SELECT run, step, COUNT(*) AS n FROM units WHERE step = 60 GROUP BY run, step ORDER BY run";
    let ask = |lake: &std::path::Path, query: &str| Outcome::of(gridlake().args(["sql", query, "--format", "csv", "--lake"]).arg(lake));
    let plain = ask(&bench.lake, query);
    assert!(plain.code == 0 && plain.stdout.lines().count() == 4, "{plain:?}");
    std::fs::rename(&bench.lake, odd.join("lake")).unwrap();
    assert_eq!(ask(&odd.join("lake"), query).stdout, plain.stdout);
    let none = ask(&odd.join("lake"), "SELECT COUNT(*) AS n FROM units WHERE step = 61");
    assert_eq!(none.stdout, "n\n0\n", "{none:?}");
}

#[test]
fn an_answer_can_be_kept_as_parquet_and_read_again() {
    let bench = lake();
    let file = bench.folder().join("answer.parquet");
    let kept = sql(&bench, "SELECT * FROM activity WHERE trajectory = 3", &["--format", "parquet", "--output", file.to_str().unwrap()]);
    assert_eq!(kept.code, 0, "{kept:?}");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
    assert!(reader.schema().field_with_name("g").is_ok() && reader.schema().field_with_name("run").is_ok());
    // 80 moments of two boxes of three runs.
    assert_eq!(reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 480);
    let missing = sql(&bench, "SELECT 1", &["--format", "csv", "--output", "/no/such/folder/x.csv"]);
    missing.fails(1, &["/no/such/folder/x.csv: No such file"]);
    let csv = bench.folder().join("answer.csv");
    let kept = sql(&bench, "SELECT unit FROM units WHERE unit = 3", &["--output", csv.to_str().unwrap()]);
    assert_eq!(kept.code, 0, "the name's ending says the format: {kept:?}");
    assert!(std::fs::read_to_string(&csv).unwrap().starts_with("unit\n3\n"));
    // A reader that goes away is no failure, whatever the format.
    for format in ["parquet", "csv", "json"] {
        let shell = format!(
            "{} sql 'SELECT * FROM activity' --lake {} --format {format} | head -c 4 > /dev/null; echo ${{PIPESTATUS[0]}}",
            env!("CARGO_BIN_EXE_gridlake"),
            bench.lake.display()
        );
        let gone = Outcome::of(std::process::Command::new("bash").args(["-c", &shell]));
        assert_eq!((gone.stdout.as_str(), gone.stderr.as_str()), ("0\n", ""), "{format}");
    }
}

#[test]
fn questions_that_are_wrong_or_would_change_something_are_refused() {
    let bench = lake();
    let before = snapshot(&bench.lake);
    for (query, words) in [
        ("SELECT * FROM nothing", "the tables are metrics, activity"),
        ("SELECT * FROM unit", "the nearest is units;"),
        ("SELECT nothing FROM units", "nothing"),
        ("SELECT grid_scor_p FROM units", "\"grid_scor_p\"; the nearest is grid_score_p; the tables"),
        ("SELECT * FROM read_csv('/etc/passwd')", "only the lake's tables"),
        ("SELECT * FROM Read_Parquet ('x.parquet')", "only the lake's tables"),
        ("SELEC 1", "is no question"),
        ("SELECT * FROM units WHERE", "sql"),
        ("DROP TABLE units", "read-only"),
        ("DELETE FROM units", "read-only"),
        ("CREATE TABLE x AS SELECT 1", "read-only"),
        ("TRUNCATE TABLE units", "read-only"),
        ("; DROP TABLE units", "read-only"),
        ("", "read-only"),
    ] {
        sql(&bench, query, &[]).fails(2, &[words]);
    }
    // What cannot be done with these rows is the question's mistake, not the files'.
    for query in [
        "SELECT unit FROM units WHERE run = 5",
        "SELECT date(period_m) FROM units",
        "SELECT run, MIN(period_m), MAX(period_m) FROM units GROUP BY run",
    ] {
        let wrong = sql(&bench, query, &[]);
        assert!(wrong.code == 2 && !wrong.stderr.contains("verify"), "{query}: {wrong:?}");
    }
    sql(&bench, "SELECT run, MIN(period_m), MAX(period_m) FROM units GROUP BY run", &[]).fails(2, &["a name of its own with AS"]);
    sql(&bench, "DESCRIBE nothing", &[]).fails(2, &["there is no table nothing", "units"]);
    let described = sql(&bench, "describe table units;", &["--format", "csv"]);
    assert!(described.code == 0 && described.stdout.starts_with("column,type,unit,null,meaning\narena,text,"), "{described:?}");
    let two = sql(&bench, "SELECT 1; DROP TABLE units", &[]);
    assert_eq!(two.code, 2, "{two:?}");
    assert!(snapshot(&bench.lake) == before, "asking changes nothing");
    Outcome::of(gridlake().args(["sql", "SELECT 1 FROM units", "--lake", "no/such/lake"])).fails(2, &["no/such/lake", "hint:"]);
}

#[test]
fn a_torn_file_fails_the_question_that_reads_it_and_no_other() {
    let bench = lake();
    let torn = bench
        .tables()
        .into_iter()
        .map(|(path, _)| bench.lake.join(path))
        .find(|path| path.to_string_lossy().contains("tables/ratemaps"))
        .unwrap();
    let bytes = std::fs::read(&torn).unwrap();
    std::fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    sql(&bench, "SELECT SUM(mean_rate) FROM ratemaps", &[]).fails(3, &["gridlake verify"]);
    assert_eq!(sql(&bench, "SELECT COUNT(*) FROM units", &[]).code, 0);
    let other: String = torn.to_string_lossy().split("run=").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let pruned = sql(&bench, &format!("SELECT SUM(mean_rate) FROM ratemaps WHERE run <> '{other}'"), &[]);
    assert_eq!(pruned.code, 0, "a run that is not asked for is not read: {pruned:?}");
}

#[test]
fn an_exported_run_is_a_lake_of_its_own() {
    let bench = lake();
    let to = bench.folder().join("out/copy");
    let export = |run: &str| Outcome::of(gridlake().args(["export", run, "--to"]).arg(&to).arg("--lake").arg(&bench.lake));
    export("tiny").fails(2, &["may be any of several runs", "tiny-s0-"]);
    export("absent").fails(2, &["there is no run absent", "tiny-s0-"]);
    export("../other").fails(2, &["there is no run"]);
    let done = export("other");
    assert_eq!(done.code, 0, "{done:?}");
    let checkpoints = |lake: &Path| {
        let mut runs = std::fs::read_dir(lake.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        visible(&runs.find(|run| run.to_string_lossy().contains("other-")).unwrap().join("checkpoints")).len()
    };
    let (had, has) = (checkpoints(&bench.lake), checkpoints(&to));
    assert!(had > 1 && has == 1, "{had}, {has}");
    let left =
        if had == 2 { "without 1 older checkpoint of it".to_owned() } else { format!("without {} older checkpoints of it", had - 1) };
    assert!(done.stdout.contains(&left), "{done:?}");
    let verified = Outcome::of(gridlake().arg("verify").arg(&to));
    assert!(verified.code == 0 && verified.stdout.contains("of 1 run,") && verified.stdout.lines().count() == 1, "{verified:?}");
    let counted = Outcome::of(gridlake().args(["sql", "SELECT COUNT(*) AS n FROM units", "--format", "csv", "--lake"]).arg(&to));
    assert_eq!(counted.stdout, "n\n20\n", "{counted:?}");
    let again = Outcome::of(gridlake().arg("run").arg(&bench.pipeline).arg("--lake").arg(&to).args([
        "--seed",
        "2",
        "--set",
        "train.model.units=10",
        "--set",
        "name=other",
    ]));
    assert!(again.code == 0 && again.stderr.contains("everything is there already"), "{again:?}");
    export("other").fails(2, &["is there already and not empty"]);
    let torn = bench.tables().into_iter().map(|(path, _)| path).find(|path| path.to_string_lossy().contains("activity/run=other")).unwrap();
    std::fs::write(bench.lake.join(torn), "PAR1").unwrap();
    std::fs::remove_dir_all(&to).unwrap();
    export("other").fails(3, &["torn or altered"]);
    assert!(!to.exists(), "whole or not at all");
    assert_eq!(std::fs::read_dir(bench.folder().join("out")).unwrap().count(), 0, "nothing is left beside it");
}

#[test]
fn an_export_can_go_where_one_is_in_an_empty_folder_or_one_that_a_link_names() {
    let bench = lake();
    let (here, there) = (bench.folder().join("here"), bench.folder().join("there"));
    std::fs::create_dir(&here).unwrap();
    std::fs::create_dir(&there).unwrap();
    std::os::unix::fs::symlink(&there, bench.folder().join("link")).unwrap();
    let lake = std::fs::canonicalize(&bench.lake).unwrap();
    for (from, to, at) in [(&here, ".", &here), (&here, "../link", &there)] {
        let mut command = gridlake();
        let done = Outcome::of(command.current_dir(from).args(["export", "other", "--to", to, "--lake"]).arg(&lake));
        assert_eq!(done.code, 0, "{to}: {done:?}");
        let verified = Outcome::of(gridlake().arg("verify").arg(at));
        assert!(verified.code == 0 && verified.stdout.contains("whole and unaltered"), "{to}: {verified:?}");
    }
    assert!(bench.folder().join("link").is_symlink());
}

#[test]
fn a_killed_export_leaves_nothing_that_the_next_one_does_not_remove() {
    let bench = lake();
    let out = bench.folder().join("out");
    std::fs::create_dir(&out).unwrap();
    let command = || {
        let mut command = gridlake();
        command.args(["export", "other", "--quiet", "--to"]).arg(out.join("copy")).arg("--lake").arg(&bench.lake);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let started = Instant::now();
    assert!(command().status().unwrap().success());
    let whole = started.elapsed();
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut left = 0;
    for moment in moments().take(20) {
        let _ = std::fs::remove_dir_all(out.join("copy"));
        let mut child = command().spawn().unwrap();
        sleep(whole.mul_f64(moment));
        let _ = child.kill();
        child.wait().unwrap();
        let found = names();
        assert!(found.len() <= 1 && found.iter().all(|name| name == "copy" || name == ".tmp-export-copy"), "{found:?}");
        left += usize::from(found == [".tmp-export-copy"]);
    }
    assert!(left > 0, "no kill came in time to show anything");
    let _ = std::fs::remove_dir_all(out.join("copy"));
    assert!(command().status().unwrap().success());
    assert_eq!(names(), ["copy"]);
    let verified = Outcome::of(gridlake().arg("verify").arg(out.join("copy")));
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn a_run_that_is_at_work_can_be_exported() {
    let bench = Bench::with(&TINY.replace("steps = 60\n", "steps = 1000000\n").replace("every = 20", "every = 20\nkeep = 1"));
    let mut child = bench.start("train", &[]);
    wait_for(&mut child, || !bench.runs().is_empty() && bench.checkpoints().len() == 1);
    for number in 0..8 {
        let to = bench.folder().join(format!("copy-{number}"));
        let done = Outcome::of(gridlake().args(["export", "tiny", "--to"]).arg(&to).arg("--lake").arg(&bench.lake));
        assert_eq!(done.code, 0, "{done:?}");
        let verified = Outcome::of(gridlake().arg("verify").arg(&to));
        assert!(verified.code == 0 && verified.stdout.contains("whole and unaltered"), "{verified:?}");
    }
    assert!(child.try_wait().unwrap().is_none(), "it was at work all the time");
    child.kill().unwrap();
    child.wait().unwrap();
}

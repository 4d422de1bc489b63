//! How the code develops over training: checkpoints before the last, recorded and analyzed too.

use crate::common::{Bench, Outcome, TINY, snapshot};
use std::fs;

/// Checkpoints of steps 20, 40 and 60, all of which stay.
fn developing() -> Bench {
    Bench::with(&format!("{}\n[development]\nevery = 1\n", TINY.replace("every = 20", "every = 20\nkeep = 0")))
}

fn steps_of(bench: &Bench, table: &str) -> Vec<String> {
    let run = bench.run().file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<String> = fs::read_dir(bench.lake.join(format!("tables/{table}/run={run}")))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

#[test]
fn units_added_on_the_way_are_there_from_the_next_checkpoint_on() {
    let tiny = TINY.replace("every = 20", "every = 20\nkeep = 0");
    let bench = Bench::with(&format!("{tiny}\n[[train.curriculum]]\nuntil = 40\nmodel.units = 5\n\n[development]\nevery = 1\n"));
    bench.done("run", &[]);
    let units = |table: &str| -> Vec<usize> {
        let query = format!("SELECT step, COUNT(DISTINCT unit) AS units FROM {table} GROUP BY step ORDER BY step");
        let told = Outcome::of(crate::common::gridlake().args(["sql", &query, "--format", "csv", "--lake"]).arg(&bench.lake));
        told.stdout.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect()
    };
    // The checkpoint of step 40 is that of five units; the others come with the step after it.
    for table in ["units", "ratemaps"] {
        assert_eq!(units(table), [5, 5, 12], "{table}");
    }
    let figures = bench.lake.join("figures").join(bench.run().file_name().unwrap());
    assert!(fs::read_to_string(figures.join("training.svg")).unwrap().contains("step 40: N = 12"));
    assert_eq!(Outcome::of(crate::common::gridlake().arg("verify").arg(&bench.lake)).code, 0);
    let refused = bench.verb("train", &["--set", "train.model.units=4"]);
    refused.fails(2, &["train.curriculum.0.model.units is 5", "to 4, train.model.units"]);
}

#[test]
fn every_checkpoint_is_recorded_analyzed_and_drawn() {
    let bench = developing();
    let plan = bench.done("plan", &[]);
    for stage in ["train", "record", "record@20", "analyze@40", "draw"] {
        assert!(plan.stdout.contains(&format!(" {stage} ")), "{stage} is not in: {}", plan.stdout);
    }
    let outcome = bench.done("run", &[]);
    assert!(outcome.stderr.contains("analyze step 20 done"), "{}", outcome.stderr);
    for table in ["units", "ratemaps", "activity"] {
        assert_eq!(steps_of(&bench, table), ["step=20", "step=40", "step=60"], "{table}");
    }
    let figure = fs::read_to_string(bench.lake.join("figures").join(bench.run().file_name().unwrap()).join("development.svg")).unwrap();
    for words in ["Grid cells", "Error of the nearest state", "Checkpoints"] {
        assert!(figure.contains(words), "{words} is not in the figure");
    }
    let compared = Outcome::of(crate::common::gridlake().args(["compare", "--format", "csv"]).arg(&bench.lake));
    assert_eq!(compared.stdout.lines().count(), 4, "a row for each checkpoint: {}", compared.stdout);
    assert_eq!(Outcome::of(crate::common::gridlake().arg("verify").arg(&bench.lake)).code, 0);
    let record = bench.record();
    let stages: Vec<&String> = record["stages"].as_object().unwrap().keys().collect();
    assert_eq!(stages, ["analyze", "draw", "record", "train"], "each step has a record of its own");
    let of_step = fs::read_to_string(bench.run().join("stages/step-000000040.json")).unwrap();
    assert!(of_step.contains("\"analyze\"") && of_step.contains("\"record\""), "{of_step}");
    let copy = bench.folder().join("copy");
    let exported = Outcome::of(crate::common::gridlake().args(["export", "tiny", "--to"]).arg(&copy).arg("--lake").arg(&bench.lake));
    assert_eq!(exported.code, 0, "{exported:?}");
    assert_eq!(Outcome::of(crate::common::gridlake().arg("verify").arg(&copy)).code, 0);
    assert!(copy.join("runs").join(bench.run().file_name().unwrap()).join("stages/step-000000040.json").exists());

    // What is there stays, to the byte, and a last checkpoint's results are those of a run without earlier ones.
    let before = snapshot(&bench.lake);
    assert!(bench.done("run", &[]).stderr.contains("everything is there already"));
    assert!(snapshot(&bench.lake) == before);
    let alone = Bench::new();
    alone.done("run", &[]);
    let last =
        |bench: &Bench| -> Vec<_> { bench.tables().into_iter().filter(|(path, _)| path.to_string_lossy().contains("step=60")).collect() };
    assert!(last(&alone).len() > 5 && last(&alone) == last(&bench));
    // The weights do not depend on which checkpoints stay, so neither does the run's name: the figure alone is drawn anew.
    let fewer = bench.done("plan", &["--set", "development.every=2"]);
    assert_eq!(
        (fewer.stdout.matches(" stale ").count(), fewer.stdout.matches("other checkpoints were analyzed since").count()),
        (1, 1),
        "{}",
        fewer.stdout
    );
}

#[test]
fn a_checkpoint_that_fails_stops_no_other() {
    let bench = developing();
    bench.done("train", &[]);
    let broken = bench.run().join("checkpoints/step-000000020.safetensors");
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let outcome = bench.verb("run", &[]);
    outcome.fails(3, &["1 of 2 checkpoints before the last failed", "step 20", "step-000000020.safetensors"]);
    assert_eq!(steps_of(&bench, "units"), ["step=40", "step=60"]);
    assert!(bench.record()["stages"]["draw"]["notes"]["checkpoints"] == serde_json::json!([40]), "{}", bench.record());
    fs::write(&broken, &whole).unwrap();
    bench.done("run", &[]);
    assert_eq!(steps_of(&bench, "units"), ["step=20", "step=40", "step=60"]);
    assert!(bench.record()["stages"]["draw"]["notes"]["checkpoints"] == serde_json::json!([20, 40]));
}

#[test]
fn checkpoints_that_were_not_kept_are_missed_and_refused_beforehand() {
    let bench = developing();
    bench.verb("run", &["--set", "train.checkpoints.keep=2"]).fails(2, &["development.every is 1", "train.checkpoints.keep = 0"]);
    bench.done("train", &["--set", "train.checkpoints.keep=1", "--set", "development.every=0"]);
    bench.verb("run", &[]).fails(1, &["2 of 2 checkpoints before the last failed", "there is no checkpoint of step 20"]);
    bench.done("run", &["--force"]);
}

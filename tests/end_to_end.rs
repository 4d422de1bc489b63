//! From a pipeline file to figures, and what is done again when something changes.

use crate::common::{Bench, Outcome, gridlake, snapshot};
use std::time::{Duration, Instant};

/// Stages that a run says it is doing, in order.
fn stages_done(outcome: &Outcome) -> Vec<&'static str> {
    let done = |stage: &&str| outcome.stderr.lines().any(|line| line.contains(&format!(": {stage} done")));
    ["train", "record", "analyze", "draw"].into_iter().filter(done).collect()
}

#[test]
fn a_run_makes_everything_and_a_second_one_ends_at_once() {
    let bench = Bench::new();
    let first = bench.done("run", &[]);
    assert_eq!(stages_done(&first), ["train", "record", "analyze", "draw"], "{}", first.stderr);
    for word in ["tiny-s0-", "active", "figures"] {
        assert!(first.stdout.contains(word), "{word}: {}", first.stdout);
    }
    for table in ["metrics", "activity", "occupancy", "ratemaps", "autocorrelograms", "units"] {
        let files = bench.tables();
        let of_table: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(format!("tables/{table}"))).collect();
        assert!(!of_table.is_empty(), "no file of {table}");
        for (path, bytes) in of_table {
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{}", path.display());
        }
    }
    let figures = snapshot(&bench.lake.join("figures"));
    assert!(figures.iter().any(|(path, bytes)| path.extension().is_some_and(|end| end == "png") && bytes.starts_with(b"\x89PNG")));
    assert!(figures.iter().any(|(path, bytes)| path.extension().is_some_and(|end| end == "svg") && bytes.starts_with(b"<")));
    let record = bench.record();
    assert_eq!(record["seed"], 0);
    assert_eq!(record["config"]["train"]["model"]["units"], 12);

    let before = snapshot(&bench.lake);
    let started = Instant::now();
    let second = bench.done("run", &[]);
    let took = started.elapsed();
    assert_eq!(stages_done(&second), Vec::<&str>::new(), "{}", second.stderr);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(snapshot(&bench.lake) == before, "a second run changes nothing");
    assert!(second.stdout.contains("active"), "the summary is there again: {}", second.stdout);
}

#[test]
fn one_changed_key_redoes_what_depends_on_it() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let trained = bench.final_checkpoint();
    assert_eq!(stages_done(&bench.done("run", &["--set", "analyze.nulls.count=29"])), ["analyze", "draw"]);
    assert_eq!(stages_done(&bench.done("run", &["--set", "analyze.nulls.count=29"])), Vec::<&str>::new());
    assert_eq!(stages_done(&bench.done("run", &["--set", "draw.max_units=5"])), ["analyze", "draw"], "analyzed as before the change");
    assert_eq!(stages_done(&bench.done("run", &["--set", "record.steps=60"])), ["record", "analyze", "draw"]);
    assert_eq!(bench.final_checkpoint(), trained);
    assert_eq!(bench.runs().len(), 1, "the same network throughout");
    bench.done("run", &["--set", "train.loss.lambda_cap=0.5"]);
    assert_eq!(bench.runs().len(), 2, "another network is another run");
    bench.done("run", &["--seed", "7"]);
    assert!(bench.runs().iter().any(|run| run.to_string_lossy().contains("tiny-s7-")), "{:?}", bench.runs());
}

#[test]
fn a_stage_without_its_input_leaves_nothing() {
    let bench = Bench::new();
    for stage in ["record", "analyze", "draw"] {
        bench.verb(stage, &[]).fails(1, &["needs the result of", "gridlake run"]);
        assert!(!bench.lake.exists(), "{stage} makes no lake");
    }
    bench.done("train", &["--seed", "5"]);
    let before = snapshot(&bench.lake);
    bench.verb("analyze", &[]).fails(1, &["needs the result of record"]);
    assert!(snapshot(&bench.lake) == before && bench.runs().len() == 1);
}

#[test]
fn a_stage_whose_input_was_lost_says_so() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let nulls =
        bench.tables().into_iter().map(|(path, _)| bench.lake.join(path)).find(|path| path.to_string_lossy().contains("nulls")).unwrap();
    std::fs::remove_file(nulls).unwrap();
    let drawn = bench.done("draw", &[]);
    assert!(drawn.stderr.contains("everything is there already") && drawn.stderr.contains("but analyze"), "{drawn:?}");
    assert!(bench.done("run", &[]).stderr.contains("analyze done"));
}

#[test]
fn an_untrained_network_is_a_run_like_any_other() {
    let bench = Bench::new();
    // Enough units that some are silent, without scores.
    let outcome = bench.done("run", &["--set", "train.steps=0", "--set", "train.model.units=60"]);
    assert!(outcome.stdout.contains("of 60 units"), "{}", outcome.stdout);
    assert!(bench.checkpoints()[0].ends_with("step-000000000.safetensors"));
    assert!(!bench.lake.join("tables/metrics").exists());
    let figures = snapshot(&bench.lake.join("figures"));
    assert_eq!(figures.iter().filter(|(path, _)| path.to_string_lossy().contains("ratemaps")).count(), 2);
    assert_eq!(stages_done(&bench.done("run", &["--set", "train.steps=0", "--set", "train.model.units=60"])), Vec::<&str>::new());
}

#[test]
fn a_lost_figure_is_drawn_again() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let png = snapshot(&bench.lake.join("figures")).into_iter().find(|(path, _)| path.extension().is_some_and(|end| end == "png")).unwrap();
    std::fs::remove_file(&png.0).unwrap();
    assert_eq!(stages_done(&bench.done("run", &[])), ["draw"]);
    assert_eq!(std::fs::read(&png.0).unwrap(), png.1, "to the same bytes");
}

#[test]
fn a_torn_table_is_named_and_made_anew() {
    let bench = Bench::new();
    bench.done("run", &[]);
    let before = bench.tables();
    let (path, bytes) = before.iter().find(|(path, _)| path.starts_with("tables/activity")).unwrap();
    std::fs::write(bench.lake.join(path), &bytes[..bytes.len() / 2]).unwrap();
    bench
        .verb("analyze", &["--force"])
        .fails(1, &["analyze needs the result of record", path.to_str().unwrap(), "missing or altered", "hint:"]);
    let plan = bench.done("plan", &[]);
    assert!(plan.stdout.contains(path.to_str().unwrap()), "{}", plan.stdout);
    assert_eq!(stages_done(&bench.done("run", &[])), ["record"], "what was made from it is as good as before");
    assert!(bench.tables() == before, "to the same bytes");
}

#[test]
fn plan_says_why_and_changes_nothing() {
    let bench = Bench::new();
    let plan = bench.done("plan", &[]);
    assert!(!bench.lake.exists(), "plan makes no lake");
    assert_eq!(plan.stdout.matches("stale").count(), 4, "{}", plan.stdout);
    bench.done("run", &[]);
    let before = snapshot(&bench.lake);
    let plan = bench.done("plan", &[]);
    assert_eq!(plan.stdout.matches("fresh").count(), 4, "{}", plan.stdout);
    let plan = bench.done("plan", &["--set", "analyze.nulls.count=29"]);
    assert_eq!((plan.stdout.matches("fresh").count(), plan.stdout.matches("stale").count()), (2, 2), "{}", plan.stdout);
    assert!(snapshot(&bench.lake) == before);
}

#[test]
fn status_tells_what_there_is() {
    let bench = Bench::new();
    bench.done("train", &[]);
    let before = snapshot(&bench.lake);
    let status = Outcome::of(gridlake().arg("status").arg(&bench.lake));
    assert_eq!(status.code, 0, "{status:?}");
    let line = status.stdout.lines().find(|line| line.contains("tiny-s0-")).unwrap();
    assert!(line.contains("done") && line.contains("60/60"), "{line}");
    assert!(snapshot(&bench.lake) == before, "status changes nothing");
    Outcome::of(gridlake().args(["status", "no/such/lake"])).fails(2, &["no/such/lake"]);
}

#[test]
fn stdout_is_data_and_stderr_is_progress() {
    let bench = Bench::new();
    let loud = bench.done("run", &[]);
    assert!(!loud.stdout.contains("done in") && !loud.stdout.contains("steps/s"), "{}", loud.stdout);
    assert!(loud.stderr.contains("train done"), "{}", loud.stderr);
    let quiet = bench.done("run", &["--quiet", "--force"]);
    assert_eq!(quiet.stderr, "", "quiet is quiet");
    assert!(quiet.stdout.contains("active"), "but the summary is data: {}", quiet.stdout);
    let json = bench.done("run", &["--log-format", "json", "--force"]);
    assert!(json.stderr.lines().count() > 3);
    for line in json.stderr.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (one, two) = (Bench::new(), Bench::new());
    one.done("run", &["--threads", "1"]);
    two.done("run", &["--threads", "2"]);
    assert!(one.final_checkpoint() == two.final_checkpoint(), "weights");
    let but_metrics =
        |bench: &Bench| -> Vec<_> { bench.tables().into_iter().filter(|(path, _)| !path.starts_with("tables/metrics")).collect() };
    let (one, two) = (but_metrics(&one), but_metrics(&two));
    assert!(one.len() >= 5 && one == two, "tables");
}

//! Kills and interrupts at any moment: nothing torn, and the same bits in the end.

use crate::common::{Bench, TINY, moments, signal, wait_for};
use std::thread::sleep;
use std::time::{Duration, Instant};

const STEPS: u64 = 3000;

/// A training of some seconds with many checkpoints, which adds units on its way.
fn long() -> Bench {
    let many = TINY.replace("steps = 60\n", &format!("steps = {STEPS}\n")).replace("every = 20", "every = 50");
    Bench::with(&format!("{many}\n[[train.curriculum]]\nuntil = {}\nmodel.units = 7\n", STEPS / 2))
}

#[test]
fn ten_kills_change_no_bit_of_the_weights() {
    let undisturbed = long();
    let started = Instant::now();
    undisturbed.done("train", &[]);
    let whole = started.elapsed();

    let bench = long();
    let mut killed = 0;
    for moment in moments().take(10) {
        // Spread over twice the average tenth, so that progress is made between kills and the last kill still hits.
        let mut child = bench.start("run", &[]);
        sleep(whole.mul_f64(0.02 + 0.12 * moment));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
    }
    assert!(killed >= 8, "only {killed} kills hit a running process");
    bench.done("run", &[]);
    assert!(bench.final_checkpoint() == undisturbed.final_checkpoint(), "weights, optimizer and streams are the same");
    let leftovers: Vec<_> = std::fs::read_dir(bench.run().join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(leftovers.is_empty(), "what the kills left behind is cleaned up: {leftovers:?}");
    assert_eq!(metrics_steps(&bench), metrics_steps(&undisturbed), "each step's row once");
}

/// Steps of the metrics table, as `status` and `draw` would read them.
fn metrics_steps(bench: &Bench) -> String {
    let status = crate::common::Outcome::of(crate::common::gridlake().arg("status").arg(&bench.lake));
    assert_eq!(status.code, 0, "{status:?}");
    let line = status.stdout.lines().find(|line| line.contains("tiny-s0-")).unwrap_or_default().to_string();
    line.split_whitespace().find(|word| word.contains('/')).unwrap_or_default().to_string()
}

#[test]
fn a_kill_while_tables_are_written_leaves_no_half_file() {
    let undisturbed = Bench::new();
    undisturbed.done("train", &[]);
    let started = Instant::now();
    undisturbed.done("run", &[]);
    let whole = started.elapsed();

    let bench = Bench::new();
    bench.done("train", &[]);
    for moment in moments().take(10) {
        let mut child = bench.start("run", &["--force", "--set", "train.steps=60"][1..]);
        sleep(whole.mul_f64(moment));
        // It may have ended already, which is a moment too.
        let _ = child.kill();
        child.wait().unwrap();
        for (path, bytes) in bench.tables() {
            assert!(bytes.len() > 12 && bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} is torn", path.display());
        }
    }
    bench.done("run", &[]);
    let but_metrics =
        |bench: &Bench| -> Vec<_> { bench.tables().into_iter().filter(|(path, _)| !path.starts_with("tables/metrics")).collect() };
    let (expected, found) = (but_metrics(&undisturbed), but_metrics(&bench));
    assert!(expected.len() >= 5 && expected == found, "the tables of an undisturbed run");
}

#[test]
fn one_interrupt_checkpoints_and_the_next_run_goes_on() {
    let undisturbed = long();
    undisturbed.done("train", &[]);

    let bench = long();
    let mut child = bench.start("run", &[]);
    wait_for(&mut child, || bench.lake.join("runs").exists() && !bench.runs().is_empty() && !bench.checkpoints().is_empty());
    signal(&child, "-INT");
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let newest = bench.checkpoints().pop().unwrap();
    let step: u64 = newest.file_stem().unwrap().to_str().unwrap().trim_start_matches("step-").parse().unwrap();
    assert!(step < STEPS, "interrupted at {step}");
    let resumed = bench.done("train", &[]);
    assert!(resumed.stderr.contains(&format!("step {step}")), "goes on from the checkpoint of the interrupt: {}", resumed.stderr);
    assert!(bench.final_checkpoint() == undisturbed.final_checkpoint());
}

#[test]
fn an_interrupted_recording_leaves_nothing_half_done() {
    let bench = Bench::new();
    bench.done("train", &[]);
    let large = ["--set", "record.trajectories=200000"];
    let mut child = bench.start("record", &large);
    wait_for(&mut child, || bench.run().join(".staging/tables/activity").exists());
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!bench.tables().iter().any(|(path, _)| path.starts_with("tables/activity")), "no part of an unfinished recording is visible");
    bench.done("run", &[]);
}

#[test]
fn an_interrupted_analysis_stops_soon_and_leaves_nothing_half_done() {
    let bench = Bench::new();
    bench.done("train", &[]);
    bench.done("record", &[]);
    // Minutes of surrogates.
    let mut child = bench.start("analyze", &["--set", "analyze.nulls.count=20000"]);
    wait_for(&mut child, || {
        std::fs::read_to_string(bench.run().join("run.json")).is_ok_and(|record| record.contains("\"analyze\": {\n      \"fingerprint\""))
    });
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!bench.tables().iter().any(|(path, _)| path.starts_with("tables/units")), "no part of an unfinished analysis is visible");
    bench.done("run", &[]);
}

#[test]
fn two_interrupts_stop_at_once() {
    let bench = Bench::new();
    bench.done("train", &[]);
    // One chunk of long trajectories takes longer than the test waits.
    let mut child = bench.start("record", &["--set", "record.steps=1000000", "--set", "record.trajectories=200"]);
    sleep(Duration::from_millis(500));
    signal(&child, "-INT");
    sleep(Duration::from_millis(100));
    if child.try_wait().unwrap().is_none() {
        signal(&child, "-INT");
    }
    let started = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn two_processes_do_not_work_on_one_run() {
    let bench = Bench::with(&TINY.replace("steps = 60\n", "steps = 1000000\n").replace("every = 20", "every = 1000"));
    let mut child = bench.start("train", &[]);
    wait_for(&mut child, || bench.lake.join("runs").exists() && !bench.runs().is_empty() && !bench.checkpoints().is_empty());
    let second = bench.verb("train", &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains("another"), "{second:?}");
}

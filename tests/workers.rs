//! Runs of a sweep at work at once, each in a process of its own.

use crate::common::{Bench, Outcome, TINY, moments, signal, visible, wait_for};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Five runs of some seconds together.
fn sweep(steps: u64) -> Bench {
    let tiny = TINY.replace("steps = 60\n", &format!("steps = {steps}\n")).replace("every = 20", "every = 50");
    Bench::with(&format!("{tiny}\n[sweep]\nseeds = [1, 2, 3, 4, 5]\n"))
}

/// Everything whose bytes say what was computed: tables but the one with rates and times, figures, and the last checkpoints.
fn results(bench: &Bench) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = bench.tables().into_iter().filter(|(path, _)| !path.starts_with("tables/metrics")).collect();
    for run in bench.runs() {
        let (name, last) = (run.file_name().unwrap(), visible(&run.join("checkpoints")).pop().unwrap());
        for path in visible(&bench.lake.join("figures").join(name)).into_iter().chain([last]) {
            found.push((path.strip_prefix(&bench.lake).unwrap().to_path_buf(), fs::read(&path).unwrap()));
        }
    }
    found
}

/// Processes whose parent is `parent`.
fn workers(parent: u32) -> BTreeSet<u32> {
    let of = |process: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|process| of(*process) == Some(parent)).collect()
}

fn kill(process: u32) {
    // It may have ended already.
    let _ = Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status().unwrap();
}

fn is_there(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

#[test]
fn runs_at_once_give_the_bytes_of_runs_after_each_other() {
    let (alone, together) = (sweep(120), sweep(120));
    alone.done("run", &["--set", "executor.at_once=1"]);
    let outcome = together.done("run", &["--threads", "3"]);
    let (expected, found) = (results(&alone), results(&together));
    assert!(expected.len() > 5 * 20 && expected == found, "{} and {} files", expected.len(), found.len());
    for run in together.runs() {
        let name = run.file_name().unwrap().to_string_lossy().into_owned();
        assert!(outcome.stdout.contains(&format!("{name}\n")) && outcome.stderr.contains(&format!("{name}: train done")), "{name}");
        let record: serde_json::Value = serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
        assert_eq!(record["stages"]["train"]["threads"], 1, "three threads for three at once");
    }
    assert!(outcome.stdout.contains("tiny: 5 runs beside each other"), "{}", outcome.stdout);
    let again = together.done("run", &[]);
    assert_eq!(again.stderr.matches("everything is there already").count(), 5, "{}", again.stderr);
}

#[test]
fn kills_of_the_parent_and_of_workers_change_no_bit() {
    let undisturbed = sweep(900);
    let started = Instant::now();
    undisturbed.done("run", &["--threads", "2"]);
    let whole = started.elapsed();

    let bench = sweep(900);
    let (mut of_parents, mut of_workers) = (0, 0);
    for (number, moment) in moments().take(12).enumerate() {
        let mut parent = bench.start("run", &["--threads", "2"]);
        while workers(parent.id()).is_empty() && parent.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(2));
        }
        sleep(whole.mul_f64(0.06 * moment));
        let known = workers(parent.id());
        if parent.try_wait().unwrap().is_some() {
            continue;
        }
        // By turns the parent alone, and before it one worker, in whose place it begins the next run.
        if let Some(worker) = known.iter().next().filter(|_| number % 2 == 1) {
            of_workers += 1;
            kill(*worker);
            sleep(whole.mul_f64(0.02));
        }
        let known = &known | &workers(parent.id());
        of_parents += 1;
        parent.kill().unwrap();
        parent.wait().unwrap();
        let ending = Instant::now();
        while known.iter().any(|worker| is_there(*worker)) {
            assert!(ending.elapsed() < Duration::from_secs(10), "a worker outlives its parent");
            sleep(Duration::from_millis(5));
        }
    }
    assert!(of_parents >= 6 && of_workers >= 3, "only {of_parents} kills of parents and {of_workers} of workers hit");
    bench.done("run", &["--threads", "2"]);
    let (expected, found) = (results(&undisturbed), results(&bench));
    assert!(expected.len() > 5 * 20 && expected == found, "{} and {} files", expected.len(), found.len());
}

#[test]
fn a_killed_worker_stops_no_other_run_and_is_told() {
    let bench = sweep(400);
    let mut command = bench.command("train");
    let mut parent: Child = command.args(["--threads", "2"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let number = parent.id();
    wait_for(&mut parent, || workers(number).len() == 2);
    let worker = *workers(parent.id()).iter().next().unwrap();
    kill(worker);
    let output = parent.wait_with_output().unwrap();
    let outcome = Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert_eq!(outcome.code, 1, "{outcome:?}");
    for words in ["its worker process was ended (signal: 9", "want of memory", "1 of 5 runs failed", "go on"] {
        assert!(outcome.stderr.contains(words), "{words:?} is not in: {}", outcome.stderr);
    }
    let ended = bench.runs().iter().filter(|run| run.join("checkpoints/step-000000400.safetensors").exists()).count();
    assert_eq!(ended, 4, "{}", outcome.stderr);
}

#[test]
fn one_interrupt_ends_all_workers_in_order_and_the_next_run_goes_on() {
    let bench = sweep(200_000);
    let mut parent = bench.start("train", &["--threads", "2"]);
    let begun =
        || bench.lake.join("runs").exists() && bench.runs().iter().filter(|run| !visible(&run.join("checkpoints")).is_empty()).count() == 2;
    wait_for(&mut parent, begun);
    let known = workers(parent.id());
    signal(&parent, "-INT");
    assert_eq!(parent.wait().unwrap().code(), Some(130));
    assert!(known.len() == 2 && known.iter().all(|worker| !is_there(*worker)), "{known:?}");
    let status = Outcome::of(crate::common::gridlake().arg("status").arg(&bench.lake));
    assert_eq!(status.stdout.matches(" interrupted ").count(), 2, "{}", status.stdout);
    assert_eq!(bench.runs().len(), 2, "no further run is begun");
}

#[test]
fn plan_shows_the_schedule_and_learns_from_what_was_done() {
    let bench = sweep(60);
    let before = bench.done("plan", &["--threads", "2"]);
    assert!(before.stdout.contains(": 5 runs, 2 at once on 2 threads; by general rates"), "{}", before.stdout);
    assert_eq!(before.stdout.lines().filter(|line| line.contains(" train ") && line.contains(" +0.0 s ")).count(), 2, "{}", before.stdout);
    bench.done("run", &["--only", "*-s3-*"]);
    let after = bench.done("plan", &["--threads", "2"]);
    assert!(after.stdout.contains(": 4 runs, 2 at once on 2 threads; by what 1 run of them in the lake took"), "{}", after.stdout);
    bench.done("run", &[]);
    assert!(bench.done("plan", &[]).stdout.ends_with("everything is there already\n"));
    let other = bench.done("plan", &["--threads", "2", "--set", "name=other"]);
    assert!(other.stdout.contains("; by what 5 other runs in the lake took of a comparable size, scaled"), "{}", other.stdout);
}

#[test]
fn a_worker_is_no_verb_for_users() {
    let help = Outcome::of(crate::common::gridlake().arg("--help"));
    assert!(!help.stdout.contains("worker"), "{}", help.stdout);
    Outcome::of(crate::common::gridlake().arg("worker")).fails(2, &["gridlake run"]);
}

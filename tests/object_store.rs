//! A lake in a bucket: all stages, kills, a server that misbehaves.

use crate::common::{Bench, Outcome, TINY, gridlake, moments, signal, wait_for};
use crate::s3_server::{BUCKET, Server};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PREFIX: &str = "lab/lake";

/// A pipeline whose lake is in a bucket.
pub(crate) struct Remote {
    pub(crate) bench: Bench,
    pub(crate) server: Server,
}

impl Remote {
    pub(crate) fn new(pipeline: &str) -> Self {
        Self { bench: Bench::with(pipeline), server: Server::start() }
    }

    pub(crate) fn address() -> String {
        format!("s3://{BUCKET}/{PREFIX}")
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = gridlake();
        command.arg(verb).arg(&self.bench.pipeline).args(["--lake", &Self::address()]);
        self.server.for_command(&mut command);
        command
    }

    fn verb(&self, verb: &str, more: &[&str]) -> Outcome {
        Outcome::of(self.command(verb).args(more))
    }

    pub(crate) fn done(&self, verb: &str, more: &[&str]) -> Outcome {
        let outcome = self.verb(verb, more);
        assert_eq!(outcome.code, 0, "{verb} {more:?}: {}", outcome.stderr);
        outcome
    }

    fn start(&self, verb: &str, more: &[&str]) -> Child {
        self.command(verb).args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A verb about a whole lake.
    pub(crate) fn about(&self, arguments: &[&str]) -> Outcome {
        let mut command = gridlake();
        self.server.for_command(command.args(arguments));
        Outcome::of(&mut command)
    }

    fn verified(&self) {
        let verified = self.about(&["verify", &Self::address()]);
        assert!(verified.code == 0 && verified.stdout.contains("whole and unaltered"), "{verified:?}");
    }

    /// Names of checkpoints, while a process may be at work on them.
    fn checkpoints(&self) -> Vec<String> {
        let runs = std::fs::read_dir(self.server.objects().join(PREFIX).join("runs")).into_iter().flatten().flatten();
        let files = runs.flat_map(|run| std::fs::read_dir(run.path().join("checkpoints")).into_iter().flatten().flatten());
        let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.starts_with("step-"));
        names.sort();
        names
    }

    /// Tables and checkpoints, by their keys.
    fn objects(&self) -> Vec<(PathBuf, Vec<u8>)> {
        content(&self.server.objects().join(PREFIX))
    }
}

/// Tables and checkpoints below a folder, but for metrics, which hold times.
fn content(root: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = crate::common::snapshot(root).into_iter().map(|(path, bytes)| (path.strip_prefix(root).unwrap().to_owned(), bytes));
    let ends = |path: &PathBuf| path.extension().is_some_and(|end| end == "parquet" || end == "safetensors");
    files.filter(|(path, _)| ends(path) && !path.starts_with("tables/metrics")).collect()
}

#[test]
fn every_stage_leaves_the_same_bytes_in_a_bucket_as_in_a_folder() {
    let local = Bench::new();
    local.done("run", &[]);
    let remote = Remote::new(TINY);
    let planned = remote.done("plan", &[]);
    assert!(planned.stdout.contains("stale"), "{planned:?}");
    assert!(remote.objects().is_empty(), "a plan changes nothing");
    let first = remote.done("run", &[]);
    assert!(first.stdout.contains(&format!("{}/figures/tiny-s0-", Remote::address())), "{first:?}");
    let (here, there) = (content(&local.lake), remote.objects());
    assert!(here.len() >= 7 && here == there, "the same tables and checkpoints");
    let again = remote.done("run", &[]);
    assert!(again.stderr.contains("everything is there already"), "{again:?}");
    let status = remote.about(&["status", &Remote::address()]);
    assert!(status.code == 0 && status.stdout.contains("60/60"), "{status:?}");
    remote.verified();

    let asked = remote.about(&[
        "sql",
        "SELECT COUNT(*) AS n FROM units WHERE run LIKE 'tiny-s0-%' AND step = 60",
        "--format",
        "csv",
        "--lake",
        &Remote::address(),
    ]);
    assert_eq!((asked.code, asked.stdout.as_str()), (0, "n\n12\n"), "{asked:?}");

    let copy = remote.bench.folder().join("copy");
    let exported = remote.about(&["export", "tiny", "--to", copy.to_str().unwrap(), "--lake", &Remote::address()]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let copied = Outcome::of(gridlake().arg("verify").arg(&copy));
    assert!(copied.code == 0 && copied.stdout.contains("whole and unaltered"), "{copied:?}");
    assert!(copied.stdout.lines().count() == 1, "no notes: {copied:?}");
}

#[test]
fn what_is_imported_into_a_bucket_is_analyzed_there() {
    let remote = Remote::new(TINY);
    let file = remote.bench.folder().join("walk.csv");
    let row = |t: u32| {
        let angle = f64::from(t) * 0.037;
        format!("{t},{:.5},{:.5},{:.5}\n", 0.8 * angle.cos(), 0.8 * (1.7 * angle).sin(), angle.sin().abs())
    };
    std::fs::write(&file, "t,x_m,y_m,unit_0\n".to_owned() + &(0..3000).map(row).collect::<Vec<_>>().concat()).unwrap();
    let import = || remote.about(&["import", file.to_str().unwrap(), "--as", "walk", "--lake", &Remote::address()]);
    let imported = import();
    assert!(imported.code == 0 && imported.stdout.contains("moments   3000"), "{imported:?}");
    assert!(import().stderr.contains("everything is there already"));
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/imported.toml");
    let run = ["run", pipeline, "--set", "import.run=walk", "--set", "analyze.nulls.count=19", "--lake", &Remote::address()];
    let analyzed = remote.about(&run);
    assert_eq!(analyzed.code, 0, "{analyzed:?}");
    remote.verified();
}

#[test]
fn a_question_about_one_trajectory_fetches_little() {
    let pipeline =
        TINY.replace("steps = 60\n", "steps = 0\n").replace("units = 12", "units = 96").replace("trajectories = 40", "trajectories = 2000");
    let remote = Remote::new(&pipeline);
    remote.done("train", &[]);
    remote.done("record", &[]);
    let fetched = |query: &str, rows: u64| {
        let before = remote.server.faults.sent.load(Ordering::SeqCst);
        let asked = remote.about(&["sql", query, "--format", "csv", "--lake", &Remote::address()]);
        assert_eq!(asked.code, 0, "{asked:?}");
        assert_eq!(asked.stdout.lines().count() as u64, rows + 1, "{}", asked.stdout);
        remote.server.faults.sent.load(Ordering::SeqCst) - before
    };
    let all = fetched("SELECT SUM(ARRAY_LENGTH(g)) AS n FROM activity", 1);
    let one = fetched("SELECT t, g FROM activity WHERE trajectory = 1234", 80);
    let column = fetched("SELECT AVG(x_m) AS x FROM activity", 1);
    let other = fetched("SELECT t, g FROM activity WHERE run = 'other'", 0);
    assert!(
        one * 3 < all && column * 5 < all && other * 20 < all,
        "all {all}, one trajectory {one}, one column {column}, another run {other} bytes"
    );
}

#[test]
fn a_kill_leaves_a_bucket_as_whole_as_a_folder() {
    let pipeline = TINY.replace("steps = 60\n", "steps = 600\n").replace("every = 20", "every = 50");
    let undisturbed = Remote::new(&pipeline);
    let started = Instant::now();
    undisturbed.done("run", &[]);
    let whole = started.elapsed();
    let remote = Remote::new(&pipeline);
    for moment in moments().take(6) {
        let mut child = remote.start("run", &[]);
        sleep(whole.mul_f64(0.05 + 0.6 * moment));
        let _ = child.kill();
        child.wait().unwrap();
        let verified = remote.about(&["verify", &Remote::address()]);
        assert!(verified.code == 0 || verified.stderr.contains("is not a lake"), "nothing that was published is lost: {verified:?}");
    }
    remote.done("run", &[]);
    remote.verified();
    assert!(remote.objects() == undisturbed.objects(), "the same bytes in the end");
}

#[test]
fn a_process_that_slept_over_its_lease_publishes_nothing_more() {
    let remote = Remote::new(&TINY.replace("steps = 60\n", "steps = 1000000\n").replace("every = 20", "every = 1000"));
    let mut sleeper = remote.command("train").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut sleeper, || !remote.checkpoints().is_empty());
    signal(&sleeper, "-STOP");
    // Half a minute of silence later the lease is another's.
    let before = remote.checkpoints();
    let mut taker = remote.start("train", &[]);
    wait_for(&mut taker, || remote.checkpoints() != before);
    signal(&sleeper, "-CONT");
    let ended = sleeper.wait_with_output().unwrap();
    taker.kill().unwrap();
    taker.wait().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    // Or the request that it slept over broke off.
    let words = ["another gridlake process is working on run", "HTTP error"];
    assert!(words.iter().any(|words| said.contains(words)), "{said}");
    remote.verified();
}

#[test]
fn a_server_that_fails_now_and_then_is_asked_again() {
    let undisturbed = Remote::new(TINY);
    undisturbed.done("run", &[]);
    let remote = Remote::new(TINY);
    remote.server.faults.refuse_every.store(5, Ordering::SeqCst);
    remote.server.faults.drop_every.store(7, Ordering::SeqCst);
    remote.done("run", &[]);
    remote.server.faults.refuse_every.store(0, Ordering::SeqCst);
    remote.server.faults.drop_every.store(0, Ordering::SeqCst);
    remote.verified();
    assert!(remote.objects() == undisturbed.objects());
}

#[test]
fn a_server_that_always_fails_is_one_clear_error() {
    let remote = Remote::new(TINY);
    remote.done("train", &[]);
    let before = remote.objects();
    remote.server.faults.refuse_every.store(1, Ordering::SeqCst);
    remote.verb("record", &[]).fails(1, &["s3://bucket/lab/lake/", "500"]);
    remote.server.faults.refuse_every.store(0, Ordering::SeqCst);
    assert!(remote.objects() == before, "nothing that was there is lost");
    remote.done("run", &[]);
    remote.verified();
}

#[test]
fn credentials_that_are_refused_are_named() {
    let remote = Remote::new(TINY);
    let mut command = remote.command("run");
    Outcome::of(command.env("AWS_SECRET_ACCESS_KEY", "wrong")).fails(1, &["AWS_SECRET_ACCESS_KEY"]);
    Outcome::of(remote.command("run").env("AWS_ENDPOINT_URL", "no address")).fails(1, &["s3://bucket", "AWS_ENDPOINT_URL"]);
}

#[test]
fn two_processes_do_not_work_on_one_run_of_a_bucket() {
    let remote = Remote::new(&TINY.replace("steps = 60\n", "steps = 1000000\n").replace("every = 20", "every = 1000"));
    let mut child = remote.start("train", &[]);
    wait_for(&mut child, || !remote.checkpoints().is_empty());
    let second = remote.verb("train", &[]);
    let started = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    second.fails(1, &["another gridlake process is working on run tiny-s0-"]);
    // The lock of a process of this machine that was killed is nobody's at once.
    let mut third = remote.start("train", &[]);
    let before = remote.checkpoints();
    wait_for(&mut third, || remote.checkpoints() != before || started.elapsed() > Duration::from_secs(50));
    third.kill().unwrap();
    third.wait().unwrap();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

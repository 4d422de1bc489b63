//! The binary, a lake of its own for each test, and a pipeline that takes a moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A network that trains in well under a second, with every stage small.
pub(crate) const TINY: &str = r#"
name = "tiny"

[train]
steps = 60
log_every = 10

[train.data]
batch = 6
length = 6

[train.model]
units = 12
mlp_hidden = [8]

[train.loss]
lambda_cap = 0.0

[train.optimizer]
learning_rate = 3e-4
accumulate = 1

[train.scheduler]
kind = "constant"

[train.checkpoints]
every = 20

[record]
boxes_m = [1.0]
trajectories = 40
steps = 80
occupancy_bins = 12

[analyze.ratemap]
bins = 16

[analyze.nulls]
count = 19

[analyze.classes]
alpha = 0.05
"#;

/// A pipeline file and a lake in a folder that goes away with the test.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) pipeline: PathBuf,
    pub(crate) lake: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(TINY)
    }

    pub(crate) fn with(pipeline: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.toml");
        fs::write(&path, pipeline).unwrap();
        Self { pipeline: path, lake: folder.path().join("lake"), folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `gridlake VERB PIPELINE --lake LAKE`.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = gridlake();
        command.arg(verb).arg(&self.pipeline).arg("--lake").arg(&self.lake);
        command
    }

    /// Runs a verb with more arguments to its end.
    pub(crate) fn verb(&self, verb: &str, more: &[&str]) -> Outcome {
        Outcome::of(self.command(verb).args(more))
    }

    /// Runs a verb that must succeed.
    pub(crate) fn done(&self, verb: &str, more: &[&str]) -> Outcome {
        let outcome = self.verb(verb, more);
        assert_eq!(outcome.code, 0, "{verb} {more:?}: {}", outcome.stderr);
        outcome
    }

    /// Starts a verb and leaves it running.
    pub(crate) fn start(&self, verb: &str, more: &[&str]) -> Child {
        self.command(verb).args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The folders of all runs, sorted.
    pub(crate) fn runs(&self) -> Vec<PathBuf> {
        folders(&self.lake.join("runs"))
    }

    /// The folder of the only run.
    pub(crate) fn run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// `run.json` of the only run.
    pub(crate) fn record(&self) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.run().join("run.json")).unwrap()).unwrap()
    }

    /// Checkpoints of the only run, oldest first.
    pub(crate) fn checkpoints(&self) -> Vec<PathBuf> {
        visible(&self.run().join("checkpoints"))
    }

    /// Bytes of the newest checkpoint.
    pub(crate) fn final_checkpoint(&self) -> Vec<u8> {
        fs::read(self.checkpoints().last().unwrap()).unwrap()
    }

    /// Every Parquet file that a reader of the tables would find, with its bytes, by its path in the lake.
    pub(crate) fn tables(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        walk(&self.lake.join("tables"), &mut found);
        let relative = |path: &PathBuf| path.strip_prefix(&self.lake).unwrap().to_path_buf();
        found
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
            .map(|path| (relative(path), fs::read(path).unwrap()))
            .collect()
    }
}

/// What a run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Holds the outcome to one clear error: this exit code, one `error:` line, and each of these words in stderr.
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1, "one error: {}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// The binary under test, away from this process's settings.
pub(crate) fn gridlake() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gridlake"));
    command.env_remove("GRIDLAKE_LOG").stdin(Stdio::null());
    command
}

/// Files of a folder whose name does not start with `.` or `_`, sorted.
pub(crate) fn visible(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    found.retain(|path| path.is_file() && !hidden(path));
    found.sort();
    found
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default();
    found.retain(|path| path.is_dir() && !hidden(path));
    found.sort();
    found
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    found.extend(visible(folder));
    for inner in folders(folder) {
        walk(&inner, found);
    }
}

/// Everything below a folder with its bytes: to hold a command to changing nothing.
pub(crate) fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// A copy of a shipped sample (data/reference), as a lake that may be written to.
pub(crate) fn sample_lake(name: &str) -> (tempfile::TempDir, PathBuf) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/reference").join(name);
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    for (path, bytes) in snapshot(&from) {
        let to = lake.join(path.strip_prefix(&from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    (folder, lake)
}

/// Moments spread over (0, 1) without a pattern that checkpoints could have: the golden ratio's multiples.
pub(crate) fn moments() -> impl Iterator<Item = f64> {
    (1..).map(|number| (f64::from(number) * 0.618_033_988_749_895).fract())
}

/// Sends a signal by its name, such as `-INT`.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "kill {name}");
}

/// Waits until something has happened that a running process makes happen.
pub(crate) fn wait_for(child: &mut Child, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(child.try_wait().unwrap().is_none(), "the process ended before");
        assert!(started.elapsed() < Duration::from_mins(1), "nothing happened in a minute");
        sleep(Duration::from_millis(2));
    }
}

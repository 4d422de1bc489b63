//! The parent's side.

use super::protocol::{Line, STOP, Task};
use crate::args::{CommonArguments, LogFormat};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::{self, Bars};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Between two looks whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Has a worker do `task` with so many threads. Returns whether there was anything to do.
///
/// # Errors
/// What the worker fails with; one that cannot be started, or that is killed.
pub(crate) fn perform(task: &Task, threads: usize, common: &CommonArguments) -> Result<bool, Failure> {
    let (mut worker, input) = start(task, threads, common)?;
    let (ended, end) = mpsc::channel::<()>();
    let log = worker.stderr.take();
    std::thread::scope(|scope| {
        scope.spawn(move || ask_to_stop(input, &end));
        // Lines of several workers come whole, and beside the bars.
        scope.spawn(move || {
            for line in log.into_iter().flat_map(|log| BufReader::new(log).split(b'\n')).map_while(Result::ok) {
                let _ = progress::beside_bars(|| std::io::stderr().lock().write_all(&[&line, b"\n".as_slice()].concat()));
            }
        });
        let outcome = hear(&mut worker);
        // Its input ends only now, so that it is never stopped by that.
        let status = worker.wait();
        drop(ended);
        outcome.unwrap_or_else(|| Err(gone(status)))
    })
}

fn start(task: &Task, threads: usize, common: &CommonArguments) -> Result<(Child, ChildStdin), Failure> {
    let refuse = |error: &dyn std::fmt::Display| {
        Failure::work(format!("cannot start a worker process: {error}"))
            .hint("run with --set executor.at_once=1 to work in this process alone")
    };
    let mut command = Command::new(image());
    command.arg("worker").args(["--threads", &threads.to_string()]);
    if common.quiet {
        command.arg("--quiet");
    }
    if common.log_format == LogFormat::Json {
        command.args(["--log-format", "json"]);
    }
    let mut worker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| refuse(&error))?;
    let mut input = worker.stdin.take().ok_or_else(|| refuse(&"it has no input"))?;
    let text = serde_json::to_string(task).map_err(|error| refuse(&error))?;
    // One that cannot read it has ended, and says why.
    let _ = input.write_all((text + "\n").as_bytes());
    Ok((worker, input))
}

/// This very program, even where its file has been replaced since.
fn image() -> OsString {
    let own = "/proc/self/exe";
    if std::fs::exists(own).unwrap_or(false) { own.into() } else { std::env::current_exe().map_or_else(|_| "gridlake".into(), Into::into) }
}

/// Hands on that the user wants to stop, and holds the worker's input open until it has ended.
fn ask_to_stop(mut input: ChildStdin, end: &mpsc::Receiver<()>) {
    let mut asked = false;
    while end.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        if interrupt::requested() && !asked {
            asked = true;
            let _ = writeln!(input, "{STOP}");
        }
    }
}

/// Shows how far the worker is, until it says how it ended; `None` where it ends without a word.
fn hear(worker: &mut Child) -> Option<Result<bool, Failure>> {
    let mut bars = Bars::default();
    let mut outcome = None;
    for line in worker.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()).map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Line::Progress(event)) => bars.show(event),
            Ok(Line::Done(worked)) => outcome = Some(Ok(worked)),
            Ok(Line::Failed(failure)) => outcome = Some(Err(failure)),
            Err(_) => tracing::warn!("a worker says what is no line of its own: {line}"),
        }
    }
    outcome
}

/// What became of a worker that ended without a word.
fn gone(status: std::io::Result<ExitStatus>) -> Failure {
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    Failure::work(format!("its worker process was ended ({how}), by another process or for want of memory"))
        .hint("run the same command again to go on; executor.at_once sets how many runs are at work at once")
}

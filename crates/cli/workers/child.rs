//! The worker's side.

use super::protocol::{Line, STOP, Task};
use crate::failure::{Class, Failure};
use crate::interrupt;
use crate::progress::{self, Mode};
use std::io::Write;

/// Works on the run that the parent names, and tells it how that ended. `mode` is what the arguments say of progress.
///
/// # Errors
/// A parent that says nothing. A run that fails is told to the parent and is no error here.
pub(crate) fn work(mode: Mode, one: impl FnOnce(&Task, Mode) -> Result<bool, Failure>) -> Result<(), Failure> {
    // Its image may have been replaced since its parent began, so it was started under another name than its own.
    let _ = std::fs::write("/proc/self/comm", "gridlake");
    let mut first = String::new();
    if !std::io::stdin().read_line(&mut first).is_ok_and(|length| length > 0) {
        return Err(Failure::config("a worker is started by `gridlake run`, not by hand"));
    }
    let task: Task = serde_json::from_str(&first).map_err(|error| Failure::config(format!("no task for a worker: {error}")))?;
    std::thread::spawn(|| {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line == STOP {
                interrupt::request();
            }
        }
        // Nobody is left to hear how it ends. Files appear whole or not at all.
        std::process::exit(Class::Interrupted as i32);
    });
    if task.bars {
        progress::relay(|event| tell(&Line::Progress(event)));
    }
    let last = match one(&task, if task.bars { Mode::Relay } else { mode }) {
        Ok(worked) => Line::Done(worked),
        Err(failure) => Line::Failed(failure),
    };
    tell(&last);
    Ok(())
}

fn tell(line: &Line) {
    let Ok(text) = serde_json::to_string(line) else { return };
    // A parent that is gone ends this process by the end of its input.
    let _ = std::io::stdout().lock().write_all((text + "\n").as_bytes());
}

//! The same job in pyarrow, `pyarrow_side.py`, in a process of its own.

use crate::job::Took;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process; what it has to complain about goes to standard error.
pub(crate) struct PyArrow {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Its version and threads.
    pub(crate) hello: String,
}

impl PyArrow {
    /// Starts it by the Python that `GRIDLAKE_PYTHON` names.
    ///
    /// # Errors
    /// When none is named, or it does not start.
    pub(crate) fn start() -> Result<Self, String> {
        let python = std::env::var_os("GRIDLAKE_PYTHON").ok_or("GRIDLAKE_PYTHON names no Python: only gridlake is timed")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/activity/pyarrow_side.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("GRIDLAKE_PYTHON does not start: {error}"))?;
        let (to, from) = (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut this = Self { child, to, from, hello: String::new() };
        this.hello = this.answer()?.to_string();
        Ok(this)
    }

    /// Does one command.
    ///
    /// # Errors
    /// When the process ends.
    pub(crate) fn ask(&mut self, words: &[&str]) -> Result<Value, String> {
        writeln!(self.to, "{}", words.join("\t")).map_err(|_| "pyarrow has ended")?;
        self.answer()
    }

    /// What a command took.
    ///
    /// # Errors
    /// When the process ends.
    pub(crate) fn time(&mut self, words: &[&str]) -> Result<Took, String> {
        let answer = self.ask(words)?;
        let number = |key: &str| answer[key].as_f64().ok_or_else(|| format!("pyarrow's answer lacks {key}: {answer}"));
        Ok(Took { seconds: number("seconds")?, cpu_seconds: number("cpu_seconds")? })
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|_| "pyarrow has ended; its errors are above".to_owned())
    }
}

impl Drop for PyArrow {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The same step in plain PyTorch, `benches/pytorch/step.py`, in a process of its own.

use super::Size;
use candle_core::Tensor;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process; what it has to complain about goes to standard error.
pub(crate) struct PyTorch {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

/// Steps that were taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// Of each.
    pub(crate) seconds: f64,
    /// Sep, Inv, Cap, ConIso and the gradient's norm, of the last.
    pub(crate) found: [f64; 5],
    pub(crate) peak_bytes: f64,
}

impl PyTorch {
    /// Starts it by the Python that `GRIDLAKE_PYTORCH` names.
    ///
    /// # Errors
    /// When none is named, or it does not start.
    pub(crate) fn start(script: &Path, arguments: &[&str]) -> Result<Self, String> {
        let python = std::env::var_os("GRIDLAKE_PYTORCH").ok_or("GRIDLAKE_PYTORCH names no Python")?;
        let mut child = Command::new(python)
            .arg(script)
            .args(arguments.iter().map(OsStr::new))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("GRIDLAKE_PYTORCH does not start: {error}"))?;
        let (to, from) = (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut this = Self { child, to, from, folder: tempfile::tempdir().map_err(|error| error.to_string())? };
        let version = this.answer()?;
        say(&format!("PyTorch: {version}"));
        Ok(this)
    }

    /// Hands over the problem; each step takes the same batch `accumulate` times.
    ///
    /// # Errors
    /// When the process ends.
    pub(crate) fn take(&mut self, size: Size, learning_rate: f64, accumulate: usize) -> Result<(), String> {
        let (loss, parameters, batch) = (size.loss(), size.parameters(), size.draw());
        let settings = json!({
            "layers": parameters.layers.len(), "sigma_x_m": loss.sigma_x_m, "sigma_g": loss.sigma_g, "lambda_sep": loss.lambda_sep,
            "lambda_inv": loss.lambda_inv, "lambda_cap": loss.lambda_cap, "lambda_coniso": loss.lambda_coniso,
            "learning_rate": learning_rate, "clip_norm": super::optimizer().clip_norm, "accumulate": accumulate,
        });
        let mut tensors: HashMap<String, Tensor> =
            parameters.named().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect();
        let device = candle_core::Device::Cpu;
        let flat: Vec<f32> = batch.velocities_m.iter().flatten().map(|v| *v as f32).collect();
        tensors.insert("velocities".into(), Tensor::from_vec(flat, (size.length, 2), &device).expect("velocities"));
        tensors.insert("index".into(), Tensor::from_slice(&batch.index, (size.batch, size.length), &device).expect("index"));
        let path = self.folder.path().join("problem.safetensors");
        let metadata = HashMap::from([("settings".to_owned(), settings.to_string())]);
        safetensors::serialize_to_file(&tensors, Some(metadata), &path).map_err(|error| error.to_string())?;
        self.ask(&format!("step {}", path.display()))?;
        Ok(())
    }

    /// Takes steps in a row.
    ///
    /// # Errors
    /// When the process ends.
    pub(crate) fn go(&mut self, count: usize) -> Result<Steps, String> {
        let answer = self.ask(&format!("go {count}"))?;
        let number = |value: &Value| value.as_f64().ok_or_else(|| format!("PyTorch's answer lacks a number: {answer}"));
        let losses = &answer["losses"];
        Ok(Steps {
            seconds: number(&answer["seconds"])?,
            found: [number(&losses[0])?, number(&losses[1])?, number(&losses[2])?, number(&losses[3])?, number(&answer["grad_norm"])?],
            peak_bytes: number(&answer["peak_bytes"])?,
        })
    }

    fn ask(&mut self, question: &str) -> Result<Value, String> {
        writeln!(self.to, "{question}").map_err(|_| "PyTorch has ended")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|_| "PyTorch has ended; its errors are above".to_owned())
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stderr, reason = "a benchmark says what it is at")]
fn say(line: &str) {
    eprintln!("{line}");
}

//! What goes wrong, as users see it: one message, one hint, one exit code.

use gridlake_figures::FigureError;
use gridlake_lake::LakeError;
use gridlake_model::ModelError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Process exit codes, as documented in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Class {
    /// The work failed: a run, a stage, a full disk.
    Work = 1,
    /// Bad arguments or configuration.
    Config = 2,
    /// Bad data: a torn, altered or foreign file.
    Data = 3,
    /// Stopped by the user.
    Interrupted = 130,
}

/// A message for the user with its class and, where there is one, the remedy.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    class: Class,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure of any class.
    pub(crate) fn of(class: Class, message: impl fmt::Display) -> Self {
        Self { class, message: message.to_string(), hint: None }
    }

    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self::of(Class::Work, message)
    }

    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::of(Class::Config, message)
    }

    pub(crate) fn data(message: impl fmt::Display) -> Self {
        Self::of(Class::Data, message)
    }

    pub(crate) fn interrupted(message: impl fmt::Display) -> Self {
        Self::of(Class::Interrupted, message)
    }

    /// Says what the message is about, such as the run.
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        if error.is_io() { Self::work(error) } else { Self::data(error) }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match &error {
            ModelError::NonFinite { .. }
            | ModelError::Io { .. }
            | ModelError::Gpu { .. }
            | ModelError::GpuMemory { .. }
            | ModelError::Candle(_) => Self::work(error),
            ModelError::Checkpoint { .. } => {
                Self::data(error).hint("remove the file to go on from the checkpoint before it, or train from the beginning with --force")
            }
            ModelError::CheckpointFingerprint { .. } => Self::data(error).hint("remove the file, or train from the beginning with --force"),
            ModelError::Device { .. } => Self::config(error),
        }
    }
}

impl From<FigureError> for Failure {
    fn from(error: FigureError) -> Self {
        Self::work(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// "error: …" and, where the failure knows a remedy, "hint: …", for stderr.
pub(crate) fn render(failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
    format!("error: {failure}{hint}")
}

//! What goes wrong, as users see it: one message, one hint, one exit code.

use std::fmt;

/// Process exit codes, as documented in `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    message: String,
    hint: Option<String>,
}

impl Failure {
    fn new(class: Class, message: impl fmt::Display) -> Self {
        Self { class, message: message.to_string(), hint: None }
    }

    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self::new(Class::Work, message)
    }

    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Class::Config, message)
    }

    pub(crate) fn data(message: impl fmt::Display) -> Self {
        Self::new(Class::Data, message)
    }

    pub(crate) fn interrupted(message: impl fmt::Display) -> Self {
        Self::new(Class::Interrupted, message)
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The failure's exit code, from the error that caused it.
pub(crate) fn class(error: &anyhow::Error) -> Class {
    error.downcast_ref::<Failure>().map_or(Class::Work, |failure| failure.class)
}

/// "error: …" and, where the failure knows a remedy, "hint: …", for stderr.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error:#}");
    if let Some(hint) = error.downcast_ref::<Failure>().and_then(|failure| failure.hint.as_ref()) {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    text
}

//! Ctrl-C: once asks for an orderly stop, twice stops at once. Files appear whole or not at all, so neither tears anything.

use crate::failure::{Class, Failure};
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts listening for SIGINT and SIGTERM.
///
/// # Errors
/// When the system refuses a handler.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            std::process::exit(Class::Interrupted as i32);
        }
        tracing::warn!("interrupted: finishing the step; once more stops at once");
    })
    .map_err(|error| Failure::work(format!("cannot listen for Ctrl-C: {error}")))
}

/// Asks for an orderly stop on behalf of the user.
pub(crate) fn request() {
    REQUESTED.store(true, Ordering::SeqCst);
}

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Ends a stage that has nothing worth keeping halfway.
///
/// # Errors
/// Class interrupted, once the user asked to stop.
pub(crate) fn check(stage: &str) -> Result<(), Failure> {
    if requested() { Err(stopped(stage)) } else { Ok(()) }
}

/// What a stage that was stopped fails with.
pub(crate) fn stopped(stage: &str) -> Failure {
    Failure::interrupted(format!("interrupted in {stage}")).hint("run the same command again to go on")
}

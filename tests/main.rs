//! End to end: every test here drives the real `gridlake` binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod checkpoints;
mod common;
mod documentation;
mod end_to_end;
mod full_lake;
mod kills;
mod sweeps;

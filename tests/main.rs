//! End to end: every test here drives the real `gridlake` binary.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it skips")]

mod arenas;
mod asking;
mod bad_input;
mod captions;
mod checkpoints;
mod common;
mod comparing;
mod development;
mod documentation;
mod end_to_end;
mod faults;
mod full_lake;
mod generalization;
mod gpu;
mod import;
mod import_files;
mod kills;
mod object_store;
mod played_slurm;
mod recording;
mod requests;
mod s3_server;
mod samples;
mod slurm;
mod state_space;
mod sweeps;
mod versions;
mod workers;

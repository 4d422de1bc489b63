//! The GPU: finding one, its memory and launches, and whole training steps on it.
//!
//! Each kernel's arguments and launches stand beside its source in [`crate::ops`]; `assemble.py` turns the sources into the PTX that is embedded here. Without a
//! GPU, the same sources run in the emulator of `emulator/` (tests).
#![expect(unsafe_code, reason = "memory and launches of a GPU are beyond the compiler's sight")]

pub(crate) mod driver;
pub(crate) mod engine;
mod modules;
pub(crate) mod parameters;
pub mod profile;
pub(crate) mod queue;
pub(crate) mod recorder;
pub(crate) mod sizes;
pub(crate) mod step;
pub(crate) mod training;

pub(crate) use driver::Gpu;
pub(crate) use queue::{Buffer, Queue};

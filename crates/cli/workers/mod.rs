//! Several runs at work at once on one machine, each in a process of its own.
//!
//! A run that is killed, or for which memory does not suffice, takes no other with it. A worker gets its run whole by its standard input, and tells by its standard output how far it
//! is and how it ended; it stops when its parent asks it to, and ends with it.

mod child;
mod cores;
mod parent;
mod protocol;

pub(crate) use child::work;
pub(crate) use cores::{Cores, at_once};
pub(crate) use parent::perform;
pub(crate) use protocol::Task;

//! Batches made on a GPU, the same to the bit as [`crate::batch::Batch::redraw`] makes them.
//!
//! The host hands over a key per step (the digest that names the step's random stream); the device runs the stream's ChaCha8, picks each trajectory's order and sums up its
//! positions. All draws of a batch are addressed, so trajectories go in parallel; where a choice is rejected (once in 10¹⁵ steps) or an
//! order is too long for shared memory, they are drawn one after the other.

mod cuda;

pub(crate) use cuda::{BatchBuffers, Progress, StepInput, velocities};

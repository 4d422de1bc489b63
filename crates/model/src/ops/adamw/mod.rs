//! The end of a step on a GPU, in two launches. The CPU's form is [`crate::optimizer`].

mod cuda;

pub(crate) use cuda::{AdamWBuffers, PlateauState, StepEnd, StepOutput};

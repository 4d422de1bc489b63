//! Capacity (eq. 6), conformal isometry (eq. 7) and ∂L/∂g of every state, on a GPU. The CPU's forms are
//! [`super::capacity`] and [`super::conformal_isometry`].

mod cuda;

pub(crate) use cuda::{CAPACITY_STATES, Conformal, StateBuffers, StateInputs, Summary};

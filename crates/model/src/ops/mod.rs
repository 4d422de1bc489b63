//! The kernels, each a folder: what it computes (`mod.rs`), a slow reference, the CPU form, and the tests that compare them.
//!
//! All CPU kernels share one rule that makes training reproducible: **every output element is one fixed chain of fused
//! multiply-adds**, whatever the vector width and the number of threads. Vectors run over *outputs*, never over the terms of a
//! sum; where a sum must be vectorized (a norm, a loss), it always runs in 16 lanes that are folded in one fixed order.
//!
//! A kernel keeps its buffers from call to call, so that a step of training allocates nothing.

pub(crate) mod adamw;
pub(crate) mod capacity;
pub(crate) mod conformal_isometry;
pub(crate) mod draw;
pub(crate) mod matmul;
pub mod mlp;
pub mod pair_losses;
pub mod rollout;
pub mod simd;
pub(crate) mod state_losses;

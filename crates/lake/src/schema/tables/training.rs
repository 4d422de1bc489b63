//! What training leaves.

use super::super::Kind::{Float64, UInt64};
use super::super::{Partitions, Table};
use super::c;

/// Training, step by step.
pub const METRICS: Table = Table {
    name: "metrics",
    row: "logged training step; losses and counts are means over the step's accumulated batches, before the update",
    partitions: Partitions::Run,
    columns: &[
        c("step", UInt64, "1", "Optimizer steps done, this one included"),
        c("loss_total", Float64, "1", "Weighted total, eq. 8"),
        c("loss_separation", Float64, "1", "Separation, eq. 4, unweighted"),
        c("loss_invariance", Float64, "1", "Invariance, eq. 5, unweighted"),
        c("loss_capacity", Float64, "1", "Capacity, eq. 6, unweighted"),
        c("loss_conformal", Float64, "1/m²", "Conformal isometry, eq. 7, unweighted"),
        c("grad_norm", Float64, "1", "Global gradient norm before clipping"),
        c("learning_rate", Float64, "1", "Learning rate of the step"),
        c("separation_pairs", Float64, "1", "Ordered pairs of states farther apart than sigma_x_m"),
        c("invariance_pairs", Float64, "1", "Ordered pairs of states nearer than sigma_x_m"),
        c("conformal_steps", Float64, "1", "Steps slow enough for the conformal loss"),
        c("zero_state_fraction", Float64, "1", "Share of states that are zero everywhere"),
        c("steps_per_s", Float64, "1/s", "Optimizer steps per second since the row before"),
        c("wall_s", Float64, "s", "Time spent training, over all sessions of the run"),
    ],
};

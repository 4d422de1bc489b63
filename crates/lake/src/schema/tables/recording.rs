//! What the network does in the arenas.

use super::super::Kind::{Doubles, Float64, Floats, Text, UInt32};
use super::super::{Column, Partitions, Table};
use super::{ARENA, BOX_M, c};

/// What the network does.
pub const ACTIVITY: Table = Table {
    name: "activity",
    row: "moment of an evaluation trajectory that is kept (record.keep), in the order of arena, trajectory, t",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        c("trajectory", UInt32, "1", "Index of the trajectory in its arena, from 0"),
        c("t", UInt32, "steps", "Time; the first state after the initial one is t = 1"),
        c("x_m", Float64, "m", "Position from the box's centre, along x"),
        c("y_m", Float64, "m", "Position from the box's centre, along y"),
        c(
            "vx_m",
            Float64,
            "m/step",
            "Velocity of the step that led here, along x; null where not known, as at the first moment of an imported path",
        )
        .nullable(),
        c(
            "vy_m",
            Float64,
            "m/step",
            "Velocity of the step that led here, along y; null where not known, as at the first moment of an imported path",
        )
        .nullable(),
        c("g", Floats, "1", "State of all N units; its Euclidean norm is 1 (or 0)"),
        c("time_s", Float64, "s", "Time of the moment; null for trained networks").nullable(),
    ],
};

/// Where the trajectories went.
pub const OCCUPANCY: Table = Table {
    name: "occupancy",
    row: "bin of an arena",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        c("bin_x", UInt32, "1", "Column of the bin, from the least x"),
        c("bin_y", UInt32, "1", "Row of the bin, from the least y"),
        c("x_m", Float64, "m", "Centre of the bin along x"),
        c("y_m", Float64, "m", "Centre of the bin along y"),
        c("visits", UInt32, "moments", "Moments spent in the bin"),
        c("arena_shape", Text, "", "square, rectangle or circle; null where an older gridlake recorded it: square").nullable(),
        c("width_m", Float64, "m", "Extent of the arena along x; null where box_m says it").nullable(),
        c("height_m", Float64, "m", "Extent of the arena along y; null where box_m says it").nullable(),
    ],
};

/// What ratemaps are made from where not all activity is kept.
pub const RATEMAP_SUMS: Table = Table {
    name: "ratemap_sums",
    row: "bin of an arena, over all its trajectories; there is none where all activity is kept (record.keep = \"all\")",
    partitions: Partitions::RunStep,
    columns: SUMS,
};

/// The same of half of the recording, for stability.
pub const FIRST_HALF_SUMS: Table = Table {
    name: "ratemap_sums_first_half",
    row: "bin of an arena, over the first half of its moments in the order of trajectory, t; there is none where all activity is kept",
    partitions: Partitions::RunStep,
    columns: SUMS,
};

const SUMS: &[Column] = &[
    ARENA,
    BOX_M,
    c("bins", UInt32, "1", "Bins along each side: analyze.ratemap.bins when it was recorded"),
    c("bin_x", UInt32, "1", "Column of the bin, from the least x"),
    c("bin_y", UInt32, "1", "Row of the bin, from the least y"),
    c("visits", UInt32, "moments", "Moments spent in the bin"),
    c("sums", Doubles, "1", "Each unit's activity, added up over those moments in the order of trajectory, t"),
];

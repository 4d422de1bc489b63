//! Every table with its columns.

use super::Kind::{Boolean, Doubles, Float64, Floats, FloatsOrNan, Int32, Text, UInt32, UInt64};
use super::{Column, Partitions, Table};

const fn c(name: &'static str, kind: super::Kind, unit: &'static str, description: &'static str) -> Column {
    Column::new(name, kind, unit, description)
}

/// All tables.
pub const TABLES: &[&Table] = &[&METRICS, &ACTIVITY, &OCCUPANCY, &RATEMAP_SUMS, &RATEMAPS, &AUTOCORRELOGRAMS, &UNITS, &NULLS];

const ARENA: Column = c("arena", Text, "", "Label of the arena, such as square-2m");
const BOX_M: Column = c("box_m", Float64, "m", "Side of the square box");
const UNIT: Column = c("unit", UInt32, "1", "Index of the unit, from 0");

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
    ],
};

/// What ratemaps are made from where not all activity is kept.
pub const RATEMAP_SUMS: Table = Table {
    name: "ratemap_sums",
    row: "bin of an arena, over all its trajectories; there is none where all activity is kept (record.keep = \"all\")",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        c("bins", UInt32, "1", "Bins along each side: analyze.ratemap.bins when it was recorded"),
        c("bin_x", UInt32, "1", "Column of the bin, from the least x"),
        c("bin_y", UInt32, "1", "Row of the bin, from the least y"),
        c("visits", UInt32, "moments", "Moments spent in the bin"),
        c("sums", Doubles, "1", "Each unit's activity, added up over those moments in the order of trajectory, t"),
    ],
};

/// Where units fire.
pub const RATEMAPS: Table = Table {
    name: "ratemaps",
    row: "unit × arena",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        UNIT,
        c("bins", UInt32, "1", "Bins along each side"),
        c("rate", FloatsOrNan, "1", "Mean activity per bin, row-major from the least y, rows of increasing x; NaN = unvisited"),
        c("peak_rate", Float64, "1", "Largest rate of a visited bin; null if none was visited").nullable(),
        c("mean_rate", Float64, "1", "Mean rate of the visited bins, each counted once; null if none was visited").nullable(),
        c("bin_m", Float64, "m", "Side of a bin"),
    ],
};

/// How ratemaps repeat.
pub const AUTOCORRELOGRAMS: Table = Table {
    name: "autocorrelograms",
    row: "unit × arena",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        UNIT,
        c("lags", UInt32, "1", "Lags along each side, 2 bins - 1; zero lag is in the middle"),
        c("bin_m", Float64, "m", "Distance of two lags"),
        c("r", FloatsOrNan, "1", "Pearson's r of the map with itself at each lag, row-major as the ratemap; NaN = undefined"),
        BOX_M,
    ],
};

/// What units are.
pub const UNITS: Table = Table {
    name: "units",
    row: "unit × arena",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        UNIT,
        c("class", Text, "", "grid, band, border, place-like, untuned or dead, by the null tests"),
        c("class_reason", Text, "", "Why it has that class"),
        c("module", Int32, "1", "Label of its module, the same in every arena; -1 = unassigned, null = not yet analyzed").nullable(),
        c("grid_score_sargolini", Float64, "1", "60° score, annuli from the central peak's edge outwards; null where undefined").nullable(),
        c("grid_score_banino", Float64, "1", "60° score, fixed masks on 20 bins; null where undefined").nullable(),
        c("square_score", Float64, "1", "90° score, annuli as for grid_score_sargolini; null where undefined").nullable(),
        c("grid_score_p", Float64, "1", "p-value of grid_score_sargolini against the unit's own surrogate maps").nullable(),
        c("period_m", Float64, "m", "Spacing of the hexagonal lattice with the same density of fields; for a band, its wavelength")
            .nullable(),
        c("spacing_m", Float64, "m", "2/√3 · wavelength_m: the spacing, if the lattice is hexagonal").nullable(),
        c("wavelength_m", Float64, "m", "1 / mean length of the wave vectors; for a band, of its one").nullable(),
        c("orientation_rad", Float64, "rad", "Angle of the lattice's axes, modulo 60°").nullable(),
        c("kx1", Float64, "cycles/m", "First wave vector along x").nullable(),
        c("ky1", Float64, "cycles/m", "First wave vector along y").nullable(),
        c("kx2", Float64, "cycles/m", "Second wave vector along x; null for a band").nullable(),
        c("ky2", Float64, "cycles/m", "Second wave vector along y; null for a band").nullable(),
        c("kx3", Float64, "cycles/m", "Third wave vector along x, minus the other two; null for a band").nullable(),
        c("ky3", Float64, "cycles/m", "Third wave vector along y, minus the other two; null for a band").nullable(),
        c("sac_spacing_m", Float64, "m", "Spacing from the autocorrelogram's six nearest peaks; null = not yet analyzed").nullable(),
        c("sac_orientation_rad", Float64, "rad", "Orientation from the autocorrelogram; null = not yet analyzed").nullable(),
        c("ellipse_ratio", Float64, "1", "Axes' ratio of the ellipse through the six peaks; null = not yet analyzed").nullable(),
        c("ellipse_tilt_rad", Float64, "rad", "Tilt of that ellipse; null = not yet analyzed").nullable(),
        c("spatial_information_bits", Float64, "bit", "Spatial information; null = not yet analyzed").nullable(),
        c("coherence", Float64, "1", "Spatial coherence of the map; null = not yet analyzed").nullable(),
        c("stability", Float64, "1", "Correlation of the maps of two halves; null = not yet analyzed").nullable(),
        c("border_score", Float64, "1", "Border score; null = not yet analyzed").nullable(),
        c("phase1", Float64, "rad", "Phase along the module's first wave vector; null = not yet analyzed").nullable(),
        c("phase2", Float64, "rad", "Phase along the module's second wave vector; null = not yet analyzed").nullable(),
        c("phase3", Float64, "rad", "Phase along the module's third wave vector; null = not yet analyzed").nullable(),
        c("active", Boolean, "", "Whether it fires in more than analyze.classes.dead_share of the visited bins"),
        c("peak_rate", Float64, "1", "Largest rate of a visited bin").nullable(),
        c("mean_rate", Float64, "1", "Mean rate of the visited bins").nullable(),
        c("score_reason", Text, "", "Why grid_score_sargolini or its p-value is null").nullable(),
        c("grid_score_null_p99", Float64, "1", "99 % quantile of grid_score_sargolini over the unit's surrogate maps").nullable(),
        c("above_null", Boolean, "", "Whether grid_score_sargolini is defined and grid_score_p is at most 0.01"),
        c("grid_score_banino_p", Float64, "1", "p-value of grid_score_banino").nullable(),
        c("grid_score_banino_null_p99", Float64, "1", "99 % quantile of grid_score_banino over the surrogate maps").nullable(),
        c("square_score_p", Float64, "1", "p-value of square_score").nullable(),
        c("square_score_null_p99", Float64, "1", "99 % quantile of square_score over the surrogate maps").nullable(),
        c("periodicity", Float64, "1", "Share of the map's power in its strongest wave").nullable(),
        c("periodicity_p", Float64, "1", "p-value of periodicity").nullable(),
        c("period_reason", Text, "", "Why there are no wave vectors").nullable(),
        c("lattice_shape", Text, "", "hexagonal, square, rhombic, rectangular, oblique or band").nullable(),
        c("lattice_angle_rad", Float64, "rad", "Angle between the reduced basis' vectors, 60° to 90°").nullable(),
        c("length_ratio", Float64, "1", "Ratio (≥ 1) of the reduced basis' vectors").nullable(),
        c("explained", Float64, "1", "Share of the map's variance that its three waves explain").nullable(),
        c("shares_lattice", Boolean, "", "Whether it is active and has the wave vectors that most active units of the arena have"),
    ],
};

/// What scores are held against.
pub const NULLS: Table = Table {
    name: "nulls",
    row: "unit × arena × score, of active units: the null distribution behind each p-value",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        UNIT,
        c("score", Text, "", "sargolini, banino, square or periodicity"),
        c("null", FloatsOrNan, "1", "The score of each surrogate map, ascending; NaN = undefined, at the end"),
    ],
};

//! Every table with its columns.

use super::Kind::{Boolean, Doubles, Float64, Floats, FloatsOrNan, Int32, Text, UInt32, UInt64};
use super::{Column, Partitions, Table};

const fn c(name: &'static str, kind: super::Kind, unit: &'static str, description: &'static str) -> Column {
    Column::new(name, kind, unit, description)
}

/// All tables.
pub const TABLES: &[&Table] = &[
    &METRICS,
    &ACTIVITY,
    &OCCUPANCY,
    &RATEMAP_SUMS,
    &FIRST_HALF_SUMS,
    &RATEMAPS,
    &AUTOCORRELOGRAMS,
    &UNITS,
    &CLASSES,
    &NULLS,
    &MODULES,
    &SPECTRA,
    &UNIT_SPECTRA,
    &EMBEDDING,
    &LAPLACIAN,
    &BARCODES,
    &TORUS,
    &TORUS_MAPS,
    &DISTANCES,
    &GENERALIZATION,
    &PATH_INTEGRATION,
];

/// Tables that have their columns, and that no stage writes yet.
pub(super) const RESERVED: &[&Table] = &[&DISTANCES, &GENERALIZATION, &PATH_INTEGRATION];

const ARENA: Column = c("arena", Text, "", "Label of the arena, such as square-2m");
const BOX_M: Column = c("box_m", Float64, "m", "Side of the square box; of other arenas the longer side");
const UNIT: Column = c("unit", UInt32, "1", "Index of the unit, from 0");
const MODULE: Column = c("module", Int32, "1", "Label of the module, the same in every arena of a run; 0 has the smallest period");

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
        c("bin_m", Float64, "m", "Side of a bin, along x"),
        c("bin_y_m", Float64, "m", "Side of a bin along y; null where it is bin_m").nullable(),
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
        c("bin_m", Float64, "m", "Distance of two lags, along x"),
        c("r", FloatsOrNan, "1", "Pearson's r of the map with itself at each lag, row-major as the ratemap; NaN = undefined"),
        BOX_M,
        c("bin_y_m", Float64, "m", "Distance of two lags along y; null where it is bin_m").nullable(),
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
        c(
            "module",
            Int32,
            "1",
            "Label of its module, the same in every arena; -1 = unassigned, null = neither grid nor band in most arenas",
        )
        .nullable(),
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
        c("sac_spacing_m", Float64, "m", "Spacing from the autocorrelogram's six nearest peaks; null: see sac_reason").nullable(),
        c("sac_orientation_rad", Float64, "rad", "Orientation from the autocorrelogram, modulo 60°; null for bands, or see sac_reason")
            .nullable(),
        c("ellipse_ratio", Float64, "1", "Axes' ratio (≥ 1) of the ellipse through the six peaks; null for bands, or see sac_reason")
            .nullable(),
        c("ellipse_tilt_rad", Float64, "rad", "Angle of that ellipse's longer axis, 0 to π; null for bands, or see sac_reason").nullable(),
        c(
            "spatial_information_bits",
            Float64,
            "bit",
            "Spatial information per event (Skaggs 1993), weighted by occupancy; null: see measures_reason",
        )
        .nullable(),
        c(
            "coherence",
            Float64,
            "1",
            "Pearson's r of each bin with the mean of its neighbours (Muller & Kubie 1987); null: see measures_reason",
        )
        .nullable(),
        c("stability", Float64, "1", "Pearson's r of the maps of the recording's two halves; null: see measures_reason").nullable(),
        c("border_score", Float64, "1", "Border score (Solstad et al. 2008); null: see measures_reason").nullable(),
        c("phase1", Float64, "rad", "Phase along the module's first wave vector in this arena, 0 to 2π; null outside modules").nullable(),
        c(
            "phase2",
            Float64,
            "rad",
            "Phase along the module's second wave vector in this arena, 0 to 2π; null outside modules, and for bands",
        )
        .nullable(),
        c(
            "phase3",
            Float64,
            "rad",
            "Phase along the module's third wave vector in this arena, 0 to 2π; null outside modules, and for bands",
        )
        .nullable(),
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
        c("sparsity", Float64, "1", "Sparsity (Skaggs 1996), 0 to 1: small is sparse; null: see measures_reason").nullable(),
        c("border_score_p", Float64, "1", "p-value of border_score, one-sided").nullable(),
        c(
            "grid_score_q",
            Float64,
            "1",
            "Least share of false discoveries among the arena's active units at which grid_score_sargolini counts (Benjamini & Hochberg)",
        )
        .nullable(),
        c("periodicity_q", Float64, "1", "The same of periodicity").nullable(),
        c("measures_reason", Text, "", "Why one of the measures is null").nullable(),
        c("sac_period_m", Float64, "m", "As period_m, from the autocorrelogram").nullable(),
        c("sac_lattice_shape", Text, "", "As lattice_shape, from the autocorrelogram").nullable(),
        c("sac_reason", Text, "", "Why the autocorrelogram has no such peaks").nullable(),
        c("sac_agrees", Text, "", "agrees, or where spectrum and autocorrelogram do not tell the same lattice").nullable(),
        c("period_se_m", Float64, "m", "Standard error of period_m").nullable(),
        c("orientation_se_rad", Float64, "rad", "Standard error of orientation_rad").nullable(),
        c("k_se", Float64, "cycles/m", "Root mean square of the standard errors of the wave vectors' components").nullable(),
        c("module_reason", Text, "", "Why it is in its module, or in none").nullable(),
        c("phase1_se_rad", Float64, "rad", "Standard error of phase1").nullable(),
        c("phase2_se_rad", Float64, "rad", "Standard error of phase2").nullable(),
        c("phase3_se_rad", Float64, "rad", "Standard error of phase3").nullable(),
        c(
            "phase_identity_rad",
            Float64,
            "rad",
            "phase1 + phase2 + phase3, -π to π: 0 where the three waves peak at one point; null for bands",
        )
        .nullable(),
        c("cell1", Float64, "1", "Place in the module's unit cell: share of the first direct vector; for bands of the wavelength")
            .nullable(),
        c("cell2", Float64, "1", "Place in the module's unit cell: share of the second direct vector; null for bands").nullable(),
    ],
};

/// How many units there are of each kind.
pub const CLASSES: Table = Table {
    name: "classes",
    row: "class × arena; all classes, also those without a unit",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        c("class", Text, "", "grid, band, border, place-like, untuned or dead, as in units"),
        c("units", UInt32, "1", "Units of the class"),
        c("share", Float64, "1", "Their share of all units"),
        c("above_null", UInt32, "1", "Those of them whose grid_score_sargolini is above its own 99 % null (grid_score_p ≤ 0.01)"),
        c(
            "discovered",
            UInt32,
            "1",
            "Those of them that count at 5 % false discoveries among the arena's active units (grid_score_q ≤ 0.05)",
        ),
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

/// Units that share a lattice.
pub const MODULES: Table = Table {
    name: "modules",
    row: "module × arena; there is none where no module was found",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        MODULE,
        c("units", UInt32, "1", "Units of the module"),
        c(
            "period_m",
            Float64,
            "m",
            "Spacing of the hexagonal lattice with as many fields as the joint wave vectors; for bands the wavelength; null: see reason",
        )
        .nullable(),
        c("period_sd_m", Float64, "m", "Standard deviation of its units' periods; null with fewer than two").nullable(),
        c("spacing_m", Float64, "m", "2/√3 over the mean length of the joint wave vectors: the spacing, if the lattice is hexagonal")
            .nullable(),
        c("orientation_rad", Float64, "rad", "Angle of the lattice's axes, modulo 60°; null for bands").nullable(),
        c(
            "orientation_sd_rad",
            Float64,
            "rad",
            "Standard deviation of its units' rotations against the module's lattice; null with fewer than two",
        )
        .nullable(),
        c("kx1", Float64, "cycles/m", "First joint wave vector along x").nullable(),
        c("ky1", Float64, "cycles/m", "First joint wave vector along y").nullable(),
        c("kx2", Float64, "cycles/m", "Second joint wave vector along x; null for bands").nullable(),
        c("ky2", Float64, "cycles/m", "Second joint wave vector along y; null for bands").nullable(),
        c("kx3", Float64, "cycles/m", "Third joint wave vector along x, minus the other two; null for bands").nullable(),
        c("ky3", Float64, "cycles/m", "Third joint wave vector along y, minus the other two; null for bands").nullable(),
        c("lattice_angle_rad", Float64, "rad", "Angle between the reduced basis' vectors, 60° to 90°; null for bands").nullable(),
        c("ellipse_ratio", Float64, "1", "Axes' ratio (≥ 1) of the ellipse through the lattice's six nearest points; null for bands")
            .nullable(),
        c(
            "phase_uniformity_p",
            Float64,
            "1",
            "p-value of the test that its units' phases are uniform on the torus: small where they cluster; null: see reason",
        )
        .nullable(),
        c("ratio_to_next", Float64, "1", "Period of the next larger module over this one's; null for the largest").nullable(),
        c(
            "bic",
            Float64,
            "1",
            "Bayesian information criterion of the Gaussian mixture that the module is a component of; smaller is better",
        )
        .nullable(),
        BOX_M,
        c("lattice_shape", Text, "", "hexagonal, square, rhombic, rectangular, oblique or band; null: see reason").nullable(),
        c("units_here", UInt32, "1", "Units that have the module's lattice in this arena: what this row is made from"),
        c(
            "stability",
            Float64,
            "1",
            "Mean over subsamples of units of the Jaccard index with the module found there; above 0.75 is stable",
        )
        .nullable(),
        c("chance", Float64, "1", "Expected number of modules as large if orientations were independent, up to 1: small is a finding")
            .nullable(),
        c("period_se_m", Float64, "m", "Standard error of period_m, from the joint fit").nullable(),
        c("kx1_se", Float64, "cycles/m", "Standard error of kx1").nullable(),
        c("ky1_se", Float64, "cycles/m", "Standard error of ky1").nullable(),
        c("kx2_se", Float64, "cycles/m", "Standard error of kx2").nullable(),
        c("ky2_se", Float64, "cycles/m", "Standard error of ky2").nullable(),
        c("kx3_se", Float64, "cycles/m", "Standard error of kx3").nullable(),
        c("ky3_se", Float64, "cycles/m", "Standard error of ky3").nullable(),
        c(
            "explained",
            Float64,
            "1",
            "Share of its units' variance that the joint wave vectors and their harmonics explain, mean over units",
        )
        .nullable(),
        c("phase_statistic", Float64, "1", "Statistic of the test behind phase_uniformity_p; about 18 for uniform phases").nullable(),
        c("phase_evenness_p", Float64, "1", "p-value from the other tail: small where phases are more even than chance").nullable(),
        c("autocorrelogram_r_within", Float64, "1", "Mean Pearson's r of the autocorrelograms of two of its units").nullable(),
        c("autocorrelogram_r_next", Float64, "1", "The largest mean r with the units of another module; null with one module").nullable(),
        c(
            "autocorrelogram_p",
            Float64,
            "1",
            "p-value of all modules together: r within less r between, against permuted labels; null with one module",
        )
        .nullable(),
        c("reason", Text, "", "Why numbers are null").nullable(),
    ],
};

/// Power spectra of modules.
pub const SPECTRA: Table = Table {
    name: "spectra",
    row: "module × arena: the mean power spectrum of its units' ratemaps, each over its sum",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        MODULE,
        c("lags", UInt32, "1", "Frequencies along each side, up to what the bins hold; zero frequency is in the middle"),
        c("df_cycles_per_m", Float64, "cycles/m", "Distance of two frequencies, along x"),
        c(
            "power",
            FloatsOrNan,
            "1",
            "Mean power, row-major from the least frequency along y, rows of increasing frequency along x; NaN = undefined",
        ),
        BOX_M,
        c("df_y_cycles_per_m", Float64, "cycles/m", "Distance of two frequencies along y; null where it is df_cycles_per_m").nullable(),
    ],
};

/// Spectra of units.
pub const UNIT_SPECTRA: Table = Table {
    name: "unit_spectra",
    row: "unit × arena: the power spectrum of its ratemap, over its sum over all frequencies; as large as `autocorrelograms`, 41 kB before compression at 50 bins",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        UNIT,
        c("lags", UInt32, "1", "Frequencies along each side, of periods of four bins or more; zero frequency is in the middle"),
        c("df_cycles_per_m", Float64, "cycles/m", "Distance of two frequencies, along x"),
        c(
            "power",
            FloatsOrNan,
            "1",
            "Power, row-major from the least frequency along y, rows of increasing frequency along x; NaN throughout where the map is constant",
        ),
        BOX_M,
        c("df_y_cycles_per_m", Float64, "cycles/m", "Distance of two frequencies, along y"),
    ],
};

/// The states of a module as points.
pub const EMBEDDING: Table = Table {
    name: "embedding",
    row: "sampled moment × module",
    partitions: Partitions::RunStep,
    columns: &[
        MODULE,
        ARENA,
        c("trajectory", UInt32, "1", "Index of the trajectory in its arena, from 0"),
        c("t", UInt32, "steps", "Time; the first state after the initial one is t = 1"),
        c("x_m", Float64, "m", "Position from the arena's centre, along x"),
        c("y_m", Float64, "m", "Position from the arena's centre, along y"),
        c("pc1", Float64, "1", "First principal component of the module's activity").nullable(),
        c("pc2", Float64, "1", "Second principal component; null where there are fewer").nullable(),
        c("pc3", Float64, "1", "Third principal component; null where there are fewer").nullable(),
        c("pc4", Float64, "1", "Fourth principal component; null where there are fewer").nullable(),
        c("pc5", Float64, "1", "Fifth principal component; null where there are fewer").nullable(),
        c("pc6", Float64, "1", "Sixth principal component; null where there are fewer").nullable(),
        c("e1", Float64, "1", "First axis of the spectral embedding; null where there is none").nullable(),
        c("e2", Float64, "1", "Second axis of the spectral embedding; null where there is none").nullable(),
        c("e3", Float64, "1", "Third axis of the spectral embedding; null where there is none").nullable(),
        c("ring1_re", Float64, "1", "Σ g cos φ¹ over the module's units").nullable(),
        c("ring1_im", Float64, "1", "Σ g sin φ¹ over the module's units").nullable(),
        c("ring2_re", Float64, "1", "Σ g cos φ² over the module's units; null for bands").nullable(),
        c("ring2_im", Float64, "1", "Σ g sin φ² over the module's units; null for bands").nullable(),
        c("ring3_re", Float64, "1", "Σ g cos φ³ over the module's units; null for bands").nullable(),
        c("ring3_im", Float64, "1", "Σ g sin φ³ over the module's units; null for bands").nullable(),
        c("theta1", Float64, "rad", "First toroidal coordinate, from cohomology, 0 to 2π; null where there is no torus").nullable(),
        c("theta2", Float64, "rad", "Second toroidal coordinate, from cohomology, 0 to 2π; null where there is no torus").nullable(),
    ],
};

/// The lowest eigenvalues of a module's graph.
pub const LAPLACIAN: Table = Table {
    name: "laplacian",
    row: "eigenvalue × module, of the normalized Laplacian of the graph of nearest neighbours",
    partitions: Partitions::RunStep,
    columns: &[
        MODULE,
        c("index", UInt32, "1", "Place of the eigenvalue, ascending; 0 is that of the constant vector"),
        c("eigenvalue", Float64, "1", "The eigenvalue, 0 to 2"),
    ],
};

/// Persistent cohomology of a module's states.
pub const BARCODES: Table = Table {
    name: "barcodes",
    row: "bar × module",
    partitions: Partitions::RunStep,
    columns: &[
        MODULE,
        c("source", Text, "", "data, or null: a surrogate that went the same way"),
        c("repeat", UInt32, "1", "Number of the surrogate, from 0; 0 for data"),
        c("dimension", UInt32, "1", "0: components, 1: loops, 2: voids"),
        c("birth", Float64, "1", "Distance at which it appears"),
        c("death", Float64, "1", "Distance at which it goes; null where it never does").nullable(),
    ],
};

/// Whether a module's states form a torus.
pub const TORUS: Table = Table {
    name: "torus",
    row: "module",
    partitions: Partitions::RunStep,
    columns: &[
        MODULE,
        c("points", UInt32, "1", "Points that the cohomology was taken of"),
        c("betti0", Int32, "1", "Components; null where it was not decided").nullable(),
        c("betti1", Int32, "1", "Loops; null where it was not decided").nullable(),
        c("betti2", Int32, "1", "Voids; null where it was not decided").nullable(),
        c("h1_first", Float64, "1", "Length of the longest bar of dimension 1").nullable(),
        c("h1_second", Float64, "1", "Length of the second longest bar of dimension 1").nullable(),
        c("h1_third", Float64, "1", "Length of the third longest bar of dimension 1").nullable(),
        c("h2_first", Float64, "1", "Length of the longest bar of dimension 2").nullable(),
        c("p_h1_first", Float64, "1", "p-value of h1_first against the surrogates").nullable(),
        c("p_h1_second", Float64, "1", "p-value of h1_second against the surrogates").nullable(),
        c("p_h2", Float64, "1", "p-value of h2_first against the surrogates").nullable(),
        c("is_torus", Boolean, "", "The verdict; null where it was not decided").nullable(),
        c("reason", Text, "", "Why, with numbers"),
        c("arena", Text, "", "Label of the arena whose states were used: that in which most of the module's units have its lattice"),
        c("units", UInt32, "1", "Units whose states were used: those of the module that have its lattice in this arena"),
        c("moments", UInt32, "1", "Moments that were drawn from the arena's recording"),
        c("surrogates", UInt32, "1", "Surrogates with bars"),
        c("p_h1_third", Float64, "1", "p-value of h1_third against the surrogates: a torus has a short third bar").nullable(),
        c("h2_second", Float64, "1", "Length of the second longest bar of dimension 2").nullable(),
        c("h0_null", Float64, "1", "Length that a bar of dimension 0 must exceed to be significant, from the surrogates' longest ones; null without surrogates, or with too few for the level").nullable(),
        c("h1_null", Float64, "1", "The same of dimension 1").nullable(),
        c("h2_null", Float64, "1", "The same of dimension 2").nullable(),
        c("scale_max", Float64, "1", "Largest distance that the cohomology looked at").nullable(),
        c("explained", Float64, "1", "Share of the units' variance in the principal components that the points are made of").nullable(),
        c("torus_angle_rad", Float64, "rad", "Angle between the directions in which θ₁ and θ₂ change, from the cohomology alone: π/3 for a hexagonal torus, π/2 for a square one; null where there is no torus").nullable(),
        c("torus_length_ratio", Float64, "1", "Longer over shorter (≥ 1) of the mean changes of θ₁ and θ₂ between neighbouring points; null where there is no torus").nullable(),
        c("theta1_kx", Float64, "cycles/m", "Wave vector along x of the plane wave nearest to θ₁ over the arena; null where there is no torus").nullable(),
        c("theta1_ky", Float64, "cycles/m", "The same, along y").nullable(),
        c("theta2_kx", Float64, "cycles/m", "Wave vector along x of the plane wave nearest to θ₂ over the arena; null where there is no torus").nullable(),
        c("theta2_ky", Float64, "cycles/m", "The same, along y").nullable(),
        c("theta1_resultant", Float64, "1", "Length of the mean of exp i(θ₁ - 2π k·x), 1 where θ₁ is that plane wave").nullable(),
        c("theta2_resultant", Float64, "1", "The same of θ₂").nullable(),
        c("theta_lattice_angle_rad", Float64, "rad", "Angle of the lattice of these two wave vectors, 60° (hexagonal) to 90° (square)").nullable(),
        c("theta_lattice_ratio", Float64, "1", "Ratio (≥ 1) of that lattice's two shortest wave vectors").nullable(),
        c("same_lattice", Boolean, "", "Whether these wave vectors and the module's own are bases of one lattice; null where there is no torus").nullable(),
        c("wave_misfit", Float64, "1", "Largest distance of the two from whole combinations of the module's own, over the shortest of these").nullable(),
        c("phase_resultant1", Float64, "1", "Length of the mean of exp i(ψ₁ - Φ₁) over units: ψ₁ the place on the torus where a unit is active, Φ₁ its phases in units in the torus's basis; 1: the two analyses agree").nullable(),
        c("phase_resultant2", Float64, "1", "The same of the second coordinate").nullable(),
        c("phase_p", Float64, "1", "p-value of that agreement against permuted units, 999 permutations").nullable(),
        c("ring1_mean", Float64, "1", "Mean modulus of z₁, in activity's unit; null where no unit has a first phase").nullable(),
        c("ring2_mean", Float64, "1", "The same of z₂; null for bands").nullable(),
        c("ring3_mean", Float64, "1", "The same of z₃; null for bands").nullable(),
        c("ring1_variation", Float64, "1", "Standard deviation of z₁'s modulus over its mean: 0 for a perfect ring, 0.52 for circular Gaussian noise").nullable(),
        c("ring2_variation", Float64, "1", "The same of z₂; null for bands").nullable(),
        c("ring3_variation", Float64, "1", "The same of z₃; null for bands").nullable(),
        c("ring1_hole", Float64, "1", "5 % quantile of z₁'s modulus over its mean: 1 for a perfect ring, 0.26 for circular Gaussian noise").nullable(),
        c("ring2_hole", Float64, "1", "The same of z₂; null for bands").nullable(),
        c("ring3_hole", Float64, "1", "The same of z₃; null for bands").nullable(),
        c("ring1_coverage", Float64, "1", "Share of 36 sectors around 0 in which z₁ was").nullable(),
        c("ring2_coverage", Float64, "1", "The same of z₂; null for bands").nullable(),
        c("ring3_coverage", Float64, "1", "The same of z₃; null for bands").nullable(),
        c("embedding_method", Text, "", "spectral or isomap: how e1 to e3 of the table embedding were made; null where they were not").nullable(),
        c("embedding_note", Text, "", "What is to be known of e1 to e3: points without them, no convergence; null where nothing is").nullable(),
    ],
};

/// What units do on a module's torus.
pub const TORUS_MAPS: Table = Table {
    name: "torus_maps",
    row: "unit × module that is a torus",
    partitions: Partitions::RunStep,
    columns: &[
        MODULE,
        UNIT,
        c("bins", UInt32, "1", "Bins along each toroidal coordinate"),
        c("rate", FloatsOrNan, "1", "Mean activity, row-major: rows along theta2, columns along theta1, from 0 to 2π; NaN where no moment was"),
        c("psi1", Float64, "rad", "Place of the unit's activity along theta1, 0 to 2π; null for a constant map").nullable(),
        c("psi2", Float64, "rad", "Place of the unit's activity along theta2, 0 to 2π; null for a constant map").nullable(),
        c("fourier1", Float64, "rad", "Where along theta1 the unit's Fourier phases say that it is active, 0 to 2π; null where the two analyses found different lattices").nullable(),
        c("fourier2", Float64, "rad", "The same along theta2").nullable(),
    ],
};

/// How far states are from each other.
pub const DISTANCES: Table = Table {
    name: "distances",
    row: "bin of a histogram in two dimensions, or of the training's distances",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        c(
            "kind",
            Text,
            "",
            "space: neural distance at each spatial one; space_time: at each spatial and temporal one; training_cdf: distances in training",
        ),
        c("spatial_m", Float64, "m", "Distance in space: the bin's centre"),
        c("temporal_steps", Float64, "steps", "Distance in time: the bin's centre; null where times are pooled").nullable(),
        c("neural_distance", Float64, "1", "‖g - g'‖: the bin's centre for space, the mean for space_time; null for training_cdf")
            .nullable(),
        c("count", UInt64, "1", "Pairs of states in the bin"),
        c("density", Float64, "1", "Share of the pairs of this spatial distance; for training_cdf the cumulative share").nullable(),
    ],
};

/// What larger boxes change.
pub const GENERALIZATION: Table = Table {
    name: "generalization",
    row: "arena × module",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        MODULE,
        c("period_m", Float64, "m", "Period of the module in this arena").nullable(),
        c("period_change_vs_smallest", Float64, "1", "Period over that in the smallest arena, minus 1").nullable(),
        c("chance_distance", Float64, "1", "Neural distance of unrelated states, √(2 - 2 ‖mean g‖²)").nullable(),
        c("half_rise_m", Float64, "m", "Distance in space at which the neural one is half of chance").nullable(),
        c(
            "spatial_coherence",
            Float64,
            "1",
            "Mean over visited bins of the norm of the mean state in the bin; 1 = perfect path integration",
        )
        .nullable(),
    ],
};

/// How position stays known.
pub const PATH_INTEGRATION: Table = Table {
    name: "path_integration",
    row: "arena × time since the start",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        c("t", UInt32, "steps", "Time since the start"),
        c("decode_error_m", Float64, "m", "Distance of the decoded position from the true one, median over trajectories").nullable(),
        c("decode_error_q25_m", Float64, "m", "The same, lower quartile").nullable(),
        c("decode_error_q75_m", Float64, "m", "The same, upper quartile").nullable(),
        c("coherence", Float64, "1", "Spatial coherence of the states of this time").nullable(),
        BOX_M,
    ],
};

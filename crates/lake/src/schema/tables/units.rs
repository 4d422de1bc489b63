//! What each unit does.

use super::super::Kind::{Boolean, Float64, FloatsOrNan, Int32, Text, UInt32};
use super::super::{Partitions, Table};
use super::{ARENA, BOX_M, UNIT, c};

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
            "Label of its module, the same in every arena; -1 = unassigned, null = neither grid nor band in most arenas, and in no module by agreement with its units",
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
        c(
            "orientation_rad",
            Float64,
            "rad",
            "Angle of the lattice's axes, modulo 60°; by lattice_shape: square modulo 90°, rectangular (its shorter side) modulo 180°",
        )
        .nullable(),
        c("kx1", Float64, "cycles/m", "First wave vector along x").nullable(),
        c("ky1", Float64, "cycles/m", "First wave vector along y").nullable(),
        c("kx2", Float64, "cycles/m", "Second wave vector along x; null for a band").nullable(),
        c("ky2", Float64, "cycles/m", "Second wave vector along y; null for a band").nullable(),
        c("kx3", Float64, "cycles/m", "Third wave vector along x, minus the other two; null for a band").nullable(),
        c("ky3", Float64, "cycles/m", "Third wave vector along y, minus the other two; null for a band").nullable(),
        c("sac_spacing_m", Float64, "m", "Spacing from the autocorrelogram's six nearest peaks; null: see sac_reason").nullable(),
        c(
            "sac_orientation_rad",
            Float64,
            "rad",
            "Orientation from the autocorrelogram, as orientation_rad by sac_lattice_shape; null for bands, or see sac_reason",
        )
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
        c("periodicity", Float64, "1", "How unevenly the power of the map's waves is spread over directions: its sum of squares over what it would be, were waves of one length equal: 1 where they are; how much noise has depends on the map, and its null tells").nullable(),
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
            "wall_score",
            Float64,
            "1",
            "border_score, or (1 + w)/2 if that is larger, a field covers a whole wall and fields are narrow (in the mean within a tenth of the shorter side of a wall), with the largest mean rate w along a wall over the peak rate: 1 where a field is at its peak all along the wall; null: see measures_reason",
        )
        .nullable(),
        c("wall_score_p", Float64, "1", "p-value of wall_score, one-sided").nullable(),
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
        c("module_reason", Text, "", "Why it is in its module, and whether by agreement with its units; or why in none").nullable(),
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

//! What modules share.

use super::super::Kind::{Float64, FloatsOrNan, Text, UInt32};
use super::super::{Partitions, Table};
use super::{ARENA, BOX_M, MODULE, c};

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
        c("orientation_rad", Float64, "rad", "Angle of the lattice's axes, modulo 60°; by lattice_shape: square modulo 90°, rectangular (its shorter side) modulo 180°; null for bands")
            .nullable(),
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

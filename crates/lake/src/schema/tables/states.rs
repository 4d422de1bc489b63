//! What a module's states look like.

use super::super::Kind::{Boolean, Float64, FloatsOrNan, Int32, Text, UInt32};
use super::super::{Partitions, Table};
use super::{ARENA, MODULE, UNIT, c};

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

//! What larger boxes and longer walks change, and how training and evaluation walk.

use super::super::Kind::{Float64, Int32, Text, UInt32, UInt64};
use super::super::{Partitions, Table};
use super::{ARENA, BOX_M, c};

/// How far states are from each other.
pub const DISTANCES: Table = Table {
    name: "distances",
    row: "bin of neural distance × separation (kind space), or bin of separation (the other kinds)",
    partitions: Partitions::RunStep,
    columns: &[
        c("arena", Text, "", "Label of the arena; null for training_cdf, which has none").nullable(),
        c(
            "kind",
            Text,
            "",
            "space: pairs by separation and neural distance; mean: by separation; mean_in_training: the same of moments up to the length of the training's last phase; space_time: pairs within trajectories, by separation in space and time; same_place: the same at separation 0 in space, which is the error of path integration; training_cdf: separations within training batches",
        ),
        c("spatial_m", Float64, "m", "Separation in space: the bin's centre; 0 for same_place"),
        c("temporal_steps", Float64, "steps", "Separation in time: the bin's centre; null where times are pooled").nullable(),
        c(
            "neural_distance",
            Float64,
            "1",
            "‖g - g'‖: the bin's centre for space; the mean for mean, mean_in_training and space_time; for same_place √e² of the line ‖g - g'‖² = e² + c² s² over the first bin's pairs; null without pairs, and for training_cdf",
        )
        .nullable(),
        c("count", UInt64, "1", "Pairs of moments in the bin"),
        c(
            "density",
            Float64,
            "1",
            "space: kernel density of neural distance among pairs of this separation, per unit of distance; training_cdf: share of all pairs up to the bin's upper edge, spatial_m + spatial_bin_m / 2; null for the others, and where a separation has no pairs",
        )
        .nullable(),
        c("neural_distance_se", Float64, "1", "Standard error of neural_distance of mean, mean_in_training and same_place, from the bootstrap over trajectories; null elsewhere, and with fewer than two trajectories").nullable(),
        c("spatial_bin_m", Float64, "m", "Width of the bin of separation in space"),
        c("temporal_bin_steps", Float64, "steps", "Width of the bin of separation in time; null where times are pooled").nullable(),
        c("neural_bin", Float64, "1", "Width of the bin of neural distance; null for all kinds but space").nullable(),
    ],
};

/// What larger boxes change.
pub const GENERALIZATION: Table = Table {
    name: "generalization",
    row: "arena × module, and arena × all units together",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        BOX_M,
        c("module", Int32, "1", "Label of the module, the same in every arena of a run; null: all units together").nullable(),
        c("period_m", Float64, "m", "Period of the module in this arena; null for all units, and where no unit has the module's lattice here").nullable(),
        c("period_change_vs_smallest", Float64, "1", "Period over that in the smallest arena, minus 1; 0 in the smallest itself; null: see period_reason").nullable(),
        c(
            "chance_distance",
            Float64,
            "1",
            "Neural distance of unrelated states of these units, as a root mean square: √(2 mean ‖g‖² - 2 ‖mean g‖²), which is √(2 - 2 ‖mean g‖²) for states of norm 1; null where no activity was kept",
        )
        .nullable(),
        c("half_rise_m", Float64, "m", "Separation in space at which the mean neural distance is half of chance; null: see half_rise_reason").nullable(),
        c(
            "spatial_coherence",
            Float64,
            "1",
            "Mean over visited bins of the norm of the mean state in the bin, over the states' root mean square norm; 1 = perfect path integration; inflated in bins of few visits",
        )
        .nullable(),
        c("units", UInt32, "1", "Units of the module, whether or not they have its lattice here; of null, all units"),
        c("period_se_m", Float64, "m", "Standard error of period_m").nullable(),
        c("period_change_se", Float64, "1", "Standard error of period_change_vs_smallest, as of independent errors; 0 in the smallest itself").nullable(),
        c("period_reason", Text, "", "Why there is no change; null where there is one").nullable(),
        c("chance_distance_se", Float64, "1", "Standard error of chance_distance, from the bootstrap over trajectories").nullable(),
        c("half_rise_se_m", Float64, "m", "Standard error of half_rise_m, from the bootstrap over trajectories; null where fewer than half of the repeats have one").nullable(),
        c("half_rise_reason", Text, "", "Why there is no half rise; null where there is one").nullable(),
        c("sigma_x_m", Float64, "m", "σ_x of the training's last phase, to be held beside half_rise_m; null for imported activity").nullable(),
        c(
            "spatial_coherence_corrected",
            Float64,
            "1",
            "The same from pairs of states of different trajectories in a bin: not inflated by few visits; null: see coherence_reason",
        )
        .nullable(),
        c("spatial_coherence_se", Float64, "1", "Standard error of spatial_coherence_corrected, from the jackknife over trajectories").nullable(),
        c("spatial_coherence_chance", Float64, "1", "spatial_coherence_corrected of states without a place").nullable(),
        c("coherence_reason", Text, "", "Why there is no corrected coherence; null where there is one").nullable(),
        c("moments", UInt32, "moments", "Recorded moments that coherence and decoding were computed from (analyze.generalization.points); 0: none were kept"),
        c("trajectories", UInt32, "1", "Trajectories that they are of"),
        c("decode_reason", Text, "", "Why the table path_integration has no rows of this arena; null where it has, and for modules").nullable(),
        c(
            "half_rise_in_training_m",
            Float64,
            "m",
            "half_rise_m of all units at times up to the length of the training's last phase, before drift blurs places; null for modules and imported activity, else see half_rise_in_training_reason",
        )
        .nullable(),
        c("half_rise_in_training_se_m", Float64, "m", "Standard error of half_rise_in_training_m, from the bootstrap over trajectories").nullable(),
        c("half_rise_in_training_reason", Text, "", "Why all units have no such half rise; null where they have one, and for modules").nullable(),
    ],
};

/// How position stays known.
pub const PATH_INTEGRATION: Table = Table {
    name: "path_integration",
    row: "arena × time since the start (bins of analyze.path_integration.time_bin_steps)",
    partitions: Partitions::RunStep,
    columns: &[
        ARENA,
        c("t", UInt32, "steps", "Time since the start: the middle of the bin, rounded down"),
        c(
            "decode_error_m",
            Float64,
            "m",
            "Distance of the nearest ratemap state's position from the true one, median over trajectories; decoders are fitted to the other half of the trajectories",
        )
        .nullable(),
        c("decode_error_q25_m", Float64, "m", "The same, lower quartile").nullable(),
        c("decode_error_q75_m", Float64, "m", "The same, upper quartile").nullable(),
        c("coherence", Float64, "1", "Spatial coherence of the states of this time among themselves, inflated in bins of few visits; 1 = one state to a place").nullable(),
        BOX_M,
        c("from_step", UInt32, "steps", "First time of the bin"),
        c("to_step", UInt32, "steps", "Last time of the bin"),
        c("training_lengths", Float64, "1", "t over the length of the trajectories of the training's last phase; null for imported activity").nullable(),
        c("trajectories", UInt32, "1", "Trajectories that the quartiles are over"),
        c("linear_error_m", Float64, "m", "Distance of a linear read-out's position (ridge regression) from the true one, median over trajectories").nullable(),
        c("linear_error_q25_m", Float64, "m", "The same, lower quartile").nullable(),
        c("linear_error_q75_m", Float64, "m", "The same, upper quartile").nullable(),
        c("constant_error_m", Float64, "m", "Chance of a decoder that knows the time alone: the distance to the mean position of the other half's trajectories then; median").nullable(),
        c("constant_error_q25_m", Float64, "m", "The same, lower quartile").nullable(),
        c("constant_error_q75_m", Float64, "m", "The same, upper quartile").nullable(),
        c("shuffled_error_m", Float64, "m", "Chance of a decoder that takes another trajectory's state: the nearest state's positions against the true ones of other trajectories at the same time; median").nullable(),
        c("shuffled_error_q25_m", Float64, "m", "The same, lower quartile").nullable(),
        c("shuffled_error_q75_m", Float64, "m", "The same, upper quartile").nullable(),
        c("coherence_corrected", Float64, "1", "The coherence from pairs of states of different trajectories in a bin: not inflated; null: see coherence_reason").nullable(),
        c("coherence_se", Float64, "1", "Standard error of coherence_corrected, from the jackknife over trajectories").nullable(),
        c("coherence_chance", Float64, "1", "coherence_corrected of states without a place").nullable(),
        c("coherence_reason", Text, "", "Why there is no corrected coherence; null where there is one").nullable(),
        c("map_similarity", Float64, "1", "Mean cosine between a state and the mean state of its bin in the other half of the trajectories").nullable(),
        c("map_similarity_chance", Float64, "1", "The same with the bins of other trajectories at the same time").nullable(),
    ],
};

/// How training and evaluation walk.
pub const TRAJECTORIES: Table = Table {
    name: "trajectories",
    row: "set of trajectories: the training's, drawn anew from its settings, and those of each arena",
    partitions: Partitions::RunStep,
    columns: &[
        c("source", Text, "", "training or evaluation"),
        c("arena", Text, "", "Label of the arena; null for training, which has none").nullable(),
        c("trajectories", UInt32, "1", "Trajectories that were looked at"),
        c("steps", UInt64, "1", "Steps of all of them"),
        c("length_steps", UInt32, "steps", "Steps of the longest one; of training, T of its last phase"),
        c("mean_speed_m", Float64, "m/step", "Mean speed"),
        c("speed_q25_m", Float64, "m/step", "Lower quartile of the speed"),
        c("speed_median_m", Float64, "m/step", "Median of the speed"),
        c("speed_q75_m", Float64, "m/step", "Upper quartile of the speed"),
        c("max_component_m", Float64, "m/step", "Largest component of a velocity: above the training's limit means outside of what it saw"),
        c(
            "mean_turn_rad",
            Float64,
            "rad",
            "Mean change of heading from a step to the next, without sign, 0 to π; π/2 for independent directions",
        )
        .nullable(),
        c(
            "velocity_correlation",
            Float64,
            "1",
            "Σ v_t·v_{t+1} / Σ (‖v_t‖² + ‖v_{t+1}‖²)/2: 0 for independent velocities, near 1 for smooth paths",
        )
        .nullable(),
        c("median_extent_m", Float64, "m", "Median over trajectories of the largest distance from the start"),
        c("distance_q95_m", Float64, "m", "95 % quantile over all moments of the distance from the start"),
        c("extent_m", Float64, "m", "The largest distance from the start"),
        c("largest_separation_m", Float64, "m", "The largest separation of two positions of a training batch; null for evaluation")
            .nullable(),
        c("velocity_limit_m", Float64, "m/step", "Limit of the velocities' components; null for imported activity").nullable(),
        c("sigma_x_m", Float64, "m", "σ_x of the training's last phase; null for evaluation").nullable(),
        c("batches", UInt32, "1", "Training batches that were drawn (analyze.generalization.training_batches); 0 for evaluation"),
    ],
};

/// With which velocities they walk.
pub const VELOCITIES: Table = Table {
    name: "velocities",
    row: "bin of velocity × set of trajectories",
    partitions: Partitions::RunStep,
    columns: &[
        c("source", Text, "", "training or evaluation"),
        c("arena", Text, "", "Label of the arena; null for training, which has none").nullable(),
        c("vx_m", Float64, "m/step", "Velocity along x: the bin's centre"),
        c("vy_m", Float64, "m/step", "Velocity along y: the bin's centre"),
        c("bin_m", Float64, "m/step", "Width of the bin along x and along y"),
        c("count", UInt64, "1", "Steps in the bin"),
        c("share", Float64, "1", "Share of the set's steps"),
    ],
};

//! Every table with its columns, by the stage or the question that it belongs to.

mod generalization;
mod modules;
mod recording;
mod states;
mod training;
mod units;

pub use generalization::{DISTANCES, GENERALIZATION, PATH_INTEGRATION, TRAJECTORIES, VELOCITIES};
pub use modules::{MODULES, SPECTRA};
pub use recording::{ACTIVITY, FIRST_HALF_SUMS, OCCUPANCY, RATEMAP_SUMS};
pub use states::{BARCODES, EMBEDDING, LAPLACIAN, TORUS, TORUS_MAPS};
pub use training::METRICS;
pub use units::{AUTOCORRELOGRAMS, CLASSES, NULLS, RATEMAPS, UNIT_SPECTRA, UNITS};

use super::Kind::{Float64, Int32, Text, UInt32};
use super::{Column, Table};

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
    &TRAJECTORIES,
    &VELOCITIES,
];

const ARENA: Column = c("arena", Text, "", "Label of the arena, such as square-2m");
const BOX_M: Column = c("box_m", Float64, "m", "Side of the square box; of other arenas the longer side");
const UNIT: Column = c("unit", UInt32, "1", "Index of the unit, from 0");
const MODULE: Column = c("module", Int32, "1", "Label of the module, the same in every arena of a run; 0 has the smallest period");

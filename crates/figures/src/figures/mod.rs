//! Whole figures.

pub(crate) mod arena_maps;
pub(crate) mod barcodes;
mod blocks;
pub(crate) mod cost_curves;
pub(crate) mod development;
pub(crate) mod distances;
pub(crate) mod generalization;
pub(crate) mod generalization_sheet;
mod heading;
pub(crate) mod module_phases;
pub(crate) mod module_scatter;
pub(crate) mod module_spectra;
pub(crate) mod module_units;
mod module_units_layout;
pub(crate) mod null_distributions;
pub(crate) mod path_integration;
pub(crate) mod sheet;
pub(crate) mod sheet_layout;
pub(crate) mod space_time;
pub(crate) mod state_rings;
pub(crate) mod state_space;
pub(crate) mod swept_keys;
pub(crate) mod torus_maps;
pub(crate) mod training_curves;
pub(crate) mod unit_sheets;
pub(crate) mod variants;
pub(crate) mod velocities;

//! Grid-cell analysis: from activity at positions to scores, periods, nulls and unit classes.
//!
//! An index by question:
//!
//! | Question | Module |
//! |---|---|
//! | Where does a unit fire? | [`ratemap`] |
//! | How does its map repeat? | [`autocorrelogram`] |
//! | Is the repetition six-fold (or four-fold)? | [`grid_score`] |
//! | Would a map without a lattice score as high? | [`nulls`] |
//! | With which period and orientation? | [`spectrum`], [`lattice`] |
//! | What kind of unit is it? | [`classes`] |
//! | Do the units share one lattice? | [`lattice_consensus`] |
//! | Which units form modules, and how are modules related? | [`modules`] |
//! | Which waves does a module share, and how does its spectrum look? | [`module_spectrum`] |
//! | How does one unit's spectrum look? | [`unit_spectra`] |
//! | Where in the cell does each unit fire, and are phases uniform? | [`phases`] |
//! | Which holes does a cloud of states have? | [`homology`] |
//! | What shape do the population's states make? | [`pca`], [`neighbors`], [`spectral_embedding`], [`isomap`] |
//! | Which states stand for all? | [`downsampling`] |
//! | Do a module's units turn around three rings? | [`rings`] |
//! | Do a module's states make a torus, and where on it do units fire? | [`torus`] |
//! | How far apart are states that are far apart in space or time? | [`distances`] |
//! | What changes in larger boxes? | [`generalization`] |
//! | How well, and for how long, do states tell the position? | [`path_integration`] |
//! | All of it, for every unit | [`units`] |
//! | With which settings? | [`config`] |
//!
//! Conventions: maps are `(row, column) = (y, x)`, unvisited bins are NaN and never zero, lengths are metres, wave vectors are
//! **cycles per metre**, angles are radians. Activity enters as `f32` and is `f64` from the ratemap on. Work is parallel over units
//! and never inside a reduction, so the same input gives the same bits on any number of threads.

pub mod autocorrelogram;
pub mod classes;
pub mod config;
pub mod distances;
pub mod downsampling;
mod fft;
pub mod generalization;
pub mod grid_score;
pub mod homology;
#[cfg(test)]
mod ideal;
pub mod isomap;
pub mod lattice;
pub mod lattice_consensus;
mod linear;
pub mod measures;
pub mod module_spectrum;
pub mod modules;
pub mod neighbors;
pub mod nulls;
pub mod path_integration;
pub mod pca;
mod periodicity;
pub mod phases;
pub mod ratemap;
mod rebin;
pub mod rings;
mod simd;
pub mod spectral_embedding;
pub mod spectrum;
pub mod torus;
pub mod unit_spectra;
pub mod units;

pub use config::{AnalyzeConfig, CheckedAnalyzeConfig, ConfigError};
pub use ratemap::{Accumulator, Ratemaps};
pub use units::{ArenaPlan, Beside, UnitAnalysis, UnitsAnalysis, analyze};

//! Distances in, bars and cocycles out.

use super::distances::DistanceMatrix;
use super::error::HomologyError;
use super::options::{Options, Watch};
use super::reference::reference_persistence;
use super::result::Persistence;

/// Bars and cocycles of a cloud's Vietoris-Rips complexes.
///
/// # Errors
/// Options out of range, too little memory, or an interruption by `watch`.
pub fn persistence(distances: &DistanceMatrix, options: &Options, _watch: Option<Watch<'_>>) -> Result<Persistence, HomologyError> {
    reference_persistence(distances, options)
}

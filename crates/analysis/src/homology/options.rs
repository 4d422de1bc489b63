//! What is asked for, and what is told meanwhile.

use super::error::HomologyError;
use super::field::is_prime;
use std::ops::ControlFlow;

/// The highest dimension that is offered.
pub(super) const MOST_DIMENSION: usize = 2;

/// What is to be computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Coefficients are integers modulo this prime (below 65536).
    pub prime: u16,
    /// Bars in dimensions 0 to this, at most 2.
    pub max_dimension: usize,
    /// Edges longer than this (same unit as distances) are left out, and what lives there never dies. `None`, or anything above the enclosing
    /// radius: that radius, beyond which there is no homology left.
    pub threshold: Option<f64>,
    /// Cocycles of so many of the longest bars of dimension 1.
    pub cocycles: usize,
    /// The most memory, beside the distances given.
    pub memory_limit_bytes: u64,
}

impl Default for Options {
    /// Z/47, dimensions 0 to 2, up to the enclosing radius, two cocycles, 4 GiB.
    fn default() -> Self {
        Self { prime: 47, max_dimension: 2, threshold: None, cocycles: 2, memory_limit_bytes: 4 << 30 }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), HomologyError> {
        if !is_prime(self.prime) {
            return Err(HomologyError::NotPrime(self.prime));
        }
        if self.max_dimension > MOST_DIMENSION {
            return Err(HomologyError::Dimension { found: self.max_dimension, most: MOST_DIMENSION });
        }
        match self.threshold {
            Some(threshold) if threshold.is_nan() || threshold < 0.0 => Err(HomologyError::Threshold(threshold)),
            _ => Ok(()),
        }
    }
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Dimension of the columns.
    pub dimension: usize,
    /// Columns reduced.
    pub done: usize,
    /// Columns of this dimension.
    pub total: usize,
}

/// Is told the progress now and then, from one thread at a time, and can stop the work by `Break`.
pub type Watch<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

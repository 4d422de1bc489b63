//! Memory: estimated before the start, counted while tables grow.

use super::distances::pairs;
use super::error::HomologyError;
use super::filtration::stride;
use super::options::Options;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what the large tables hold.
pub(super) struct Budget {
    points: usize,
    dimension: usize,
    limit_bytes: u64,
    held: AtomicU64,
    peak: AtomicU64,
}

/// Bytes that the homology of `points` points with `edges` edges takes, beside the distances: ranks of all pairs (4 n², rows padded to 64), and the most of
///
/// - 40 per edge while edges are sorted,
/// - 24 per edge while lower links are looked at, and per thread a bit for each pair,
/// - 20 per edge and 2 n² while cocycles are carried on.
///
/// The cocycles themselves depend on the cloud, not on its size alone, and are counted as they grow.
pub fn estimate_bytes(points: usize, edges: usize, threads: usize) -> u64 {
    let (edges, square) = (edges as u64, (points * points) as u64);
    let padded = (points * stride(points)) as u64;
    4 * padded + (40 * edges).max(24 * edges + threads as u64 * padded / 8).max(20 * edges + 2 * square)
}

impl Budget {
    /// Refuses at once what is estimated to be above the limit.
    pub(super) fn new(points: usize, edges: usize, options: &Options) -> Result<Self, HomologyError> {
        let (dimension, limit_bytes) = (options.max_dimension, options.memory_limit_bytes);
        let bytes = estimate_bytes(points, edges.min(pairs(points)), rayon::current_num_threads());
        if bytes > limit_bytes {
            return Err(HomologyError::Memory { points, dimension, bytes, limit_bytes, begun: false });
        }
        Ok(Self { points, dimension, limit_bytes, held: AtomicU64::new(0), peak: AtomicU64::new(0) })
    }

    /// Before a table grows by so many bytes.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), HomologyError> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held > self.limit_bytes {
            let Self { points, dimension, limit_bytes, .. } = *self;
            return Err(HomologyError::Memory { points, dimension, bytes: held, limit_bytes, begun: true });
        }
        self.peak.fetch_max(held, Ordering::Relaxed);
        Ok(())
    }

    /// After a table is gone.
    pub(super) fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

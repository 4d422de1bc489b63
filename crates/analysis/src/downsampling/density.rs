//! Density-aware sampling, as in Gardner et al. 2022 ("Toroidal topology of population activity in grid cells", Methods).

use super::farthest::first_largest;
use super::membership::{Metric, reference_membership, strengths};
use super::{DownsamplingError, check_count};
use ndarray::ArrayView2;

/// Settings; the defaults are the paper's.
#[derive(Debug, Clone, PartialEq)]
pub struct DensityConfig {
    /// Points to keep. Default 1200.
    pub count: usize,
    /// k: neighbours that memberships are over, the point itself among them. Default 1000; capped at the number of points.
    pub neighbors: usize,
    /// How much of a chosen point's membership in others is taken off them: 0 takes the densest points, 1 (default) spreads.
    pub overlap: f64,
    /// Default: Euclidean (the paper: cosine, on uncentred projections).
    pub metric: Metric,
}

impl Default for DensityConfig {
    fn default() -> Self {
        Self { count: 1200, neighbors: 1000, overlap: 1.0, metric: Metric::Euclidean }
    }
}

/// A density-aware sample.
#[derive(Debug, Clone, PartialEq)]
pub struct DensitySample {
    /// In the order chosen.
    pub indices: Vec<usize>,
    /// F of each when it was chosen: what was left of its summed memberships. Falling; where it nears 0 or below, the sample covers the points.
    pub remaining: Vec<f64>,
}

/// Keeps points that many others are close to, and spreads them.
///
/// With the symmetrized memberships W (`membership`), `F_i = Σ_j W_ij` is the local density on the manifold. The point of largest F is taken, `F_j -= overlap · W_ij` for all j, and so on; ties
/// go to the lower index. Noise far from everything has small F and is left.
/// Memberships are relative to each point's own neighbourhood, so regions keep their shares of the sample; a pick takes at most `overlap` off F, which starts near 2 log₂ k, so near copies
/// thin out and do not vanish.
///
/// * `points`: n × d, finite (the paper: 6 principal components of up to 15,000 states).
///
/// Memory about 48 n k bytes; refused above 6·10⁷ neighbours in all. Same input, same bits.
///
/// # Errors
/// [`DownsamplingError`] for bad coordinates, counts or settings.
pub fn density(points: ArrayView2<'_, f64>, config: &DensityConfig) -> Result<DensitySample, DownsamplingError> {
    check(points, config)?;
    let graph = strengths(points, config.neighbors.min(points.nrows()), config.metric)?;
    let mut left: Vec<f64> = (0..graph.nodes()).map(|i| graph.edges(i).map(|(_, w)| w).sum()).collect();
    Ok(take(&mut left, config.count, |taken, left| graph.edges(taken).for_each(|(j, w)| left[j] -= config.overlap * w)))
}

/// What [`density`] gives, with dense matrices and all pairs: O(n²) memory.
///
/// # Errors
/// As [`density`].
pub fn reference_density(points: ArrayView2<'_, f64>, config: &DensityConfig) -> Result<DensitySample, DownsamplingError> {
    check(points, config)?;
    let dense = reference_membership(points, config.neighbors.min(points.nrows()), config.metric)?;
    let mut left: Vec<f64> = dense.rows().into_iter().map(|row| row.iter().sum()).collect();
    Ok(take(&mut left, config.count, |taken, left| left.iter_mut().zip(dense.row(taken)).for_each(|(left, w)| *left -= config.overlap * w)))
}

fn check(points: ArrayView2<'_, f64>, config: &DensityConfig) -> Result<(), DownsamplingError> {
    check_count(config.count, points.nrows())?;
    if !(config.overlap >= 0.0 && config.overlap.is_finite()) {
        return Err(DownsamplingError::Overlap(config.overlap));
    }
    Ok(())
}

/// Takes the largest that is not taken, `count` times. `suppress(taken, left)` lowers the others.
fn take(left: &mut [f64], count: usize, suppress: impl Fn(usize, &mut [f64])) -> DensitySample {
    let mut sample = DensitySample { indices: Vec::with_capacity(count), remaining: Vec::with_capacity(count) };
    while sample.indices.len() < count {
        let (next, most) = first_largest(left);
        sample.indices.push(next);
        sample.remaining.push(most);
        suppress(next, left);
        // Never again, whatever is taken off it.
        left[next] = f64::NEG_INFINITY;
    }
    sample
}

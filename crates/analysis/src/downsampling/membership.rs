//! Fuzzy memberships among nearest neighbours (McInnes et al. 2018, UMAP), as Gardner et al. 2022 use them.
//!
//! Each point's neighbours, at distances d_ij, get strengths that add up to the same number everywhere, so that sparse regions count as much as dense ones:
//!
//! ```text
//! w_ij = exp(-d_ij / s_i),   Σ_j w_ij = log₂ k  fixes s_i,      W = w + wᵀ - w ∘ wᵀ
//! ```
//!
//! k counts the point itself, whose own strength is 0 and not in the sum. Two departures of UMAP's own choice: ρ (the distance at which strength is full) is 0, as in
//! Gardner et al.; and s_i is bisected to double precision rather than to 1e-5. As in UMAP s_i is at least 1e-3 of the mean distance of all neighbours, and copies of a point
//! have strength 1.

use super::DownsamplingError;
use crate::neighbors::{Graph, Neighbors, nearest, reference_nearest};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

/// Least s_i over the mean distance of all neighbours.
const LEAST: f64 = 1e-3;
/// Most directed edges: about 3 GB on the way.
const MOST_EDGES: usize = 60_000_000;

/// How far apart points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// √Σ (x - y)².
    #[default]
    Euclidean,
    /// `1 - x·y/(‖x‖ ‖y‖)`, in [0, 2]: Gardner et al.'s, on points that are not centred.
    Cosine,
}

/// What the homology gets from a symmetrized strength W.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dissimilarity {
    /// `-ln W`: Gardner et al.'s; infinite between points that are no neighbours.
    #[default]
    NegativeLog,
    /// `1 - W`, in [0, 1].
    Complement,
}

/// Each point's `neighbors - 1` others under the metric; the sets are those of unit vectors for the cosine.
fn neighbors_under(points: ArrayView2<'_, f64>, neighbors: usize, metric: Metric, reference: bool) -> Result<Neighbors, DownsamplingError> {
    crate::neighbors::check_coordinates(points)?;
    if points.nrows().saturating_mul(neighbors) > MOST_EDGES {
        return Err(DownsamplingError::TooLarge { points: points.nrows(), neighbors, most: MOST_EDGES });
    }
    let search = if reference { reference_nearest } else { nearest };
    let others = neighbors.saturating_sub(1);
    match metric {
        Metric::Euclidean => Ok(search(points, others)?),
        Metric::Cosine => {
            let mut unit = points.to_owned();
            for (point, mut row) in unit.axis_iter_mut(Axis(0)).enumerate() {
                let most = row.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                if most == 0.0 {
                    return Err(DownsamplingError::Origin { point });
                }
                row.mapv_inplace(|x| x / most);
                let length = row.dot(&row).sqrt();
                row.mapv_inplace(|x| x / length);
            }
            let mut found = search(unit.view(), others)?;
            // ‖x - y‖² = 2 (1 - x·y) for unit vectors.
            found.distances.mapv_inplace(|d| 0.5 * d * d);
            Ok(found)
        }
    }
}

/// W over the `neighbors` nearest (the point itself among them).
pub(super) fn strengths(points: ArrayView2<'_, f64>, neighbors: usize, metric: Metric) -> Result<Graph, DownsamplingError> {
    let found = neighbors_under(points, neighbors, metric, false)?;
    let scales = scales(&found);
    Ok(Graph::symmetric(&found, |i, place| strength(found.distances[(i, place)], scales[i]), |a, b| a + b - a * b))
}

/// W as a dense matrix, neighbours by all pairs: O(n²) memory.
///
/// # Errors
/// As [`membership_distances`].
pub fn reference_membership(points: ArrayView2<'_, f64>, neighbors: usize, metric: Metric) -> Result<Array2<f64>, DownsamplingError> {
    let found = neighbors_under(points, neighbors, metric, true)?;
    let scales = scales(&found);
    let mut directed = Array2::<f64>::zeros((points.nrows(), points.nrows()));
    for ((i, place), &j) in found.indices.indexed_iter() {
        directed[(i, j as usize)] = strength(found.distances[(i, place)], scales[i]);
    }
    Ok(&directed + &directed.t() - &directed * &directed.t())
}

fn strength(distance: f64, scale: f64) -> f64 {
    if distance <= 0.0 || scale <= 0.0 { 1.0 } else { (-distance / scale).exp() }
}

/// s_i per point.
fn scales(neighbors: &Neighbors) -> Vec<f64> {
    let (n, k) = neighbors.distances.dim();
    // UMAP's mean counts the point's own 0.
    let least = LEAST * neighbors.distances.sum() / (n * (k + 1)) as f64;
    let target = ((k + 1) as f64).log2();
    neighbors.distances.axis_iter(Axis(0)).into_par_iter().map(|row| scale(row, target).max(least)).collect()
}

/// The s at which `Σ exp(-d/s) = target`; 0 where copies alone exceed it. Infinity where all strengths together stay below: k = 1 and 2 only.
fn scale(distances: ArrayView1<'_, f64>, target: f64) -> f64 {
    let sum = |s: f64| distances.iter().map(|d| strength(*d, s)).sum::<f64>();
    if distances.iter().filter(|d| **d <= 0.0).count() as f64 >= target {
        return 0.0;
    }
    let most = distances.iter().copied().fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, most);
    while sum(high) < target {
        if high > most * 1e6 {
            return high;
        }
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if sum(middle) < target { low = middle } else { high = middle }
    }
    high
}

/// Distances among points by their memberships: the upper triangle by rows, (0,1), (0,2), …, n(n-1)/2 numbers.
///
/// * `points`: n × d, usually the sample that [`super::density`] chose; `neighbors`: k, 2 to n (Gardner et al.: 800 of 1200).
///
/// Not a metric: the triangle inequality need not hold, which Vietoris-Rips does not ask for.
///
/// # Errors
/// [`DownsamplingError`] for bad coordinates or counts.
pub fn membership_distances(
    points: ArrayView2<'_, f64>,
    neighbors: usize,
    metric: Metric,
    dissimilarity: Dissimilarity,
) -> Result<Vec<f64>, DownsamplingError> {
    let graph = strengths(points, neighbors, metric)?;
    let n = graph.nodes();
    let of = |w: f64| match dissimilarity {
        // Sums of rounded terms may pass 1 by an ε.
        Dissimilarity::NegativeLog => (-w.ln()).max(0.0),
        Dissimilarity::Complement => (1.0 - w).max(0.0),
    };
    let mut condensed = vec![of(0.0); n * (n - 1) / 2];
    for i in 0..n {
        // Pair (i, j) stands at (row i's start) + j - i - 1.
        let start = i * n - i * (i + 1) / 2;
        graph.edges(i).filter(|(j, _)| *j > i).for_each(|(j, w)| condensed[start + j - i - 1] = of(w));
    }
    Ok(condensed)
}

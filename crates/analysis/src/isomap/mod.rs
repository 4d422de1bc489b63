//! Isomap: coordinates that keep distances along the points' manifold.
//!
//! Tenenbaum, de Silva & Langford 2000: geodesics are shortest paths δ through the graph of nearest neighbours, coordinates their classical scaling
//!
//! ```text
//! B = -½ H δ² H,   H = I - 11ᵀ/m,    B u_a = μ_a u_a,    x_ia = √μ_a u_ia
//! ```
//!
//! and with m landmarks among n points (de Silva & Tenenbaum 2004) every point is placed by its squared geodesics to them, `x_a = u_aᵀ (δ̄² - δ²_x) / (2 √μ_a)`, which for a
//! landmark is the same number. Up to `landmarks` points all are landmarks, and the result is Isomap proper; beyond, landmarks are the farthest-point sample.
//! Of each coordinate the entry of largest magnitude is positive, as for principal components.

mod geodesics;

pub use geodesics::geodesics;

use crate::downsampling;
use crate::neighbors::{Graph, NeighborsError, nearest};
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;

/// Settings.
#[derive(Debug, Clone, PartialEq)]
pub struct IsomapConfig {
    /// k: nearest neighbours of a point, itself among them, 2 to n (scikit-learn's Isomap does not count the point: its k is one less). Default 15.
    pub neighbors: usize,
    /// Coordinates, at least 1. Default 3.
    pub dimensions: usize,
    /// Most landmarks, more than `dimensions`. Default 400. Time n log n for each, and m³.
    pub landmarks: usize,
}

impl Default for IsomapConfig {
    fn default() -> Self {
        Self { neighbors: 15, dimensions: 3, landmarks: 400 }
    }
}

/// Coordinates and how well they keep geodesics.
#[derive(Debug, Clone, PartialEq)]
pub struct Isomap {
    /// The embedded points' indices, rising: the largest connected component.
    pub members: Vec<usize>,
    /// Members × dimensions, in the points' unit.
    pub coordinates: Array2<f64>,
    /// μ of the coordinates, falling, in the points' unit squared, times landmarks.
    pub eigenvalues: Vec<f64>,
    /// Residual variance `1 - r²`, r being Pearson's correlation of geodesics and distances among coordinates over all pairs of a landmark and another member (0 is perfect).
    pub residual_variance: f64,
    /// The landmarks' indices, in the order chosen; all members where there are few enough.
    pub landmarks: Vec<usize>,
    /// Sizes of the graph's connected components, falling.
    pub components: Vec<usize>,
    /// Why there are fewer dimensions than asked for.
    pub reason: Option<String>,
}

/// Why there is no embedding.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IsomapError {
    /// The neighbours.
    #[error(transparent)]
    Neighbors(#[from] NeighborsError),
    /// Too few landmarks or points, or nothing asked for.
    #[error(
        "{dimensions} dimensions from {landmarks} landmarks among {points} connected points: ask for at least 1 dimension, with more landmarks and points than that"
    )]
    TooFew {
        /// Asked for.
        dimensions: usize,
        /// Allowed.
        landmarks: usize,
        /// In the largest component.
        points: usize,
    },
    /// The library's dense eigensolver gave up.
    #[error("the dense eigensolver failed on {landmarks} landmarks: {message}")]
    Eigensolver {
        /// Rows of the matrix.
        landmarks: usize,
        /// The library's words.
        message: String,
    },
}

impl Isomap {
    /// A point's coordinates, by its index among all points; `None` outside the largest component.
    pub fn point(&self, index: usize) -> Option<ArrayView1<'_, f64>> {
        self.members.binary_search(&index).ok().map(|row| self.coordinates.row(row))
    }
}

/// Embeds points by their geodesics.
///
/// * `points`: n × d, finite.
///
/// Directions in which geodesics have no extent (μ ≤ 1e-12 of the largest) are left out, with a reason. Memory n × landmarks numbers; the same bits on any number of threads.
///
/// # Errors
/// [`IsomapError`] for bad coordinates and settings without an answer.
#[expect(clippy::missing_panics_doc, reason = "members and landmarks were checked")]
pub fn embed(points: ArrayView2<'_, f64>, config: &IsomapConfig) -> Result<Isomap, IsomapError> {
    let whole = Graph::distances(&nearest(points, config.neighbors.saturating_sub(1))?);
    let components = whole.components();
    let sizes: Vec<usize> = components.iter().map(Vec::len).collect();
    let members = components.into_iter().next().unwrap_or_default();
    let count = config.landmarks.min(members.len());
    if config.dimensions == 0 || count <= config.dimensions {
        return Err(IsomapError::TooFew { dimensions: config.dimensions, landmarks: config.landmarks, points: members.len() });
    }
    let graph = whole.subgraph(&members);
    let landmarks: Vec<usize> = if count == members.len() {
        (0..count).collect()
    } else {
        downsampling::farthest(points.select(Axis(0), &members).view(), count).expect("checked points and count").indices
    };
    let squares = geodesics(&graph, &landmarks).mapv_into(|d| d * d);
    let means = squares.select(Axis(1), &landmarks).mean_axis(Axis(0)).expect("landmarks");
    let (values, vectors) = scaling(&squares.select(Axis(1), &landmarks))?;
    let kept = (0..config.dimensions).take_while(|&a| values[a] > 1e-12 * values[0] && values[a] > 0.0).count();
    let mut coordinates = Array2::zeros((members.len(), kept));
    for (a, mut column) in coordinates.columns_mut().into_iter().enumerate() {
        let scale = 0.5 / values[a].sqrt();
        for (x, squares) in column.iter_mut().zip(squares.columns()) {
            *x = (0..count).map(|l| vectors[(l, a)] * (means[l] - squares[l])).sum::<f64>() * scale;
        }
        let sign = crate::pca::leading_sign(column.view());
        column.mapv_inplace(|x| sign * x);
    }
    Ok(Isomap {
        residual_variance: residual_variance(&squares, &coordinates, &landmarks),
        eigenvalues: values[..kept].to_vec(),
        landmarks: landmarks.iter().map(|&l| members[l]).collect(),
        components: sizes,
        reason: (kept < config.dimensions).then(|| format!("geodesics extend in {kept} directions, {} were asked for", config.dimensions)),
        members,
        coordinates,
    })
}

/// Eigenpairs of `-½ H δ² H`, falling.
fn scaling(squares: &Array2<f64>) -> Result<(Vec<f64>, Array2<f64>), IsomapError> {
    let landmarks = squares.nrows();
    let rows = squares.mean_axis(Axis(1)).expect("landmarks");
    let all = rows.mean().expect("landmarks");
    let centred = Array2::from_shape_fn((landmarks, landmarks), |(i, j)| {
        // Shortest paths sum the same edges in another order: symmetric to rounding only.
        -0.25 * (squares[(i, j)] + squares[(j, i)]) + 0.5 * (rows[i] + rows[j] - all)
    });
    let failed = |error: linfa_linalg::LinalgError| IsomapError::Eigensolver { landmarks, message: error.to_string() };
    let (values, vectors) = centred.eigh_into().map_err(failed)?.sort_eig(Order::Largest);
    Ok((values.to_vec(), vectors))
}

/// `1 - r²` between geodesics and distances of coordinates; NaN where either does not vary.
fn residual_variance(squares: &Array2<f64>, coordinates: &Array2<f64>, landmarks: &[usize]) -> f64 {
    let sums: Vec<[f64; 6]> = landmarks
        .par_iter()
        .zip(squares.axis_iter(Axis(0)))
        .map(|(&landmark, squares)| {
            let from = coordinates.row(landmark);
            let mut sums = [0.0; 6];
            for (_, (square, to)) in squares.iter().zip(coordinates.rows()).enumerate().filter(|(i, _)| *i != landmark) {
                let (g, d) = (square.sqrt(), from.iter().zip(to).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt());
                [1.0, g, d, g * g, d * d, g * d].iter().zip(&mut sums).for_each(|(term, sum)| *sum += term);
            }
            sums
        })
        .collect();
    let total = |which: usize| sums.iter().map(|sums| sums[which]).sum::<f64>();
    let [n, g, d, gg, dd, gd] = std::array::from_fn(total);
    let (vg, vd, c) = (gg - g * g / n, dd - d * d / n, gd - g * d / n);
    1.0 - c * c / (vg * vd)
}

#[cfg(test)]
mod tests;

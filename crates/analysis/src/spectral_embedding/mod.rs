//! Spectral embedding (Laplacian eigenmaps): coordinates along the slowest modes of a nearest-neighbour graph, and its spectrum.
//!
//! Belkin & Niyogi 2003 with the symmetric normalized Laplacian (Ng, Jordan & Weiss 2001; von Luxburg 2007):
//!
//! ```text
//! A = ½ (N + Nᵀ),  N_ij = 1 where j is among i's k nearest;    D_ii = Σ_{j≠i} A_ij;    L = I - D^-½ A D^-½,    L v_m = λ_m v_m,  0 = λ_0 < λ_1 ≤ … ≤ 2
//! ```
//!
//! The constant mode `v_0 = D^½ 1` is dropped; coordinate m of point i is `v_m,i / √D_ii` with ‖v_m‖ = 1, and of each coordinate the entry of largest magnitude (the
//! first of equals) is positive. All of that is scikit-learn's convention, so that the two can be compared on the same graph; its k counts the point itself, and so
//! does `neighbors` here.
//!
//! **The spectrum matters more than three axes.** A hexagonal torus has a six-fold λ_1, a square one a four-fold: any three coordinates are a slice of that space, turned by
//! whatever breaks the symmetry. `eigenvalues` keeps twelve.
//!
//! **Solver.** Chebyshev polynomials of the graph's operator (Zhou & Saad 2007) lift the wanted end of the spectrum out of the rest, and block Lanczos with full
//! reorthogonalization (Golub & Underwood 1977) finds it in the polynomial's images. Both are written here (`filter`, `basis`, `krylov`, `solver`) around linfa-linalg's dense
//! eigensolver: its LOBPCG (Knyazev 2001), on the same polynomials, took 979 products of the sparse matrix with eight vectors where this takes 380 (10⁴ states of a module
//! with noise), and it works on one thread. A block has more columns than eigenvalues are kept, so multiplicities up to that come out whole; directions that a block loses are
//! filled in at random, so greater ones do as well. The start is a named random stream. Residuals ‖L v - λ v‖ are checked on L itself, by code that shares nothing with the
//! filter. Small graphs are solved densely, which is also the reference.

mod basis;
mod dense;
mod filter;
mod krylov;
mod solver;
mod tall;

pub use dense::reference_spectrum;

use crate::neighbors::{Graph, NeighborsError, nearest};
use gridlake_space::seed::Seed;
use ndarray::{Array2, ArrayView1, ArrayView2};
use solver::Eigen;

/// Settings.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralEmbeddingConfig {
    /// k: nearest neighbours of a point, itself among them, 2 to n. Default 15. On 10⁴ states of a module with noise of 0.05, k = 8 to 30 give one component and the same
    /// levels (1 to 1.2, then 3.06); 15 leaves room for uneven samples, and fewer take longer to solve.
    pub neighbors: usize,
    /// Coordinates, 1 to `eigenvalues`. Default 3.
    pub dimensions: usize,
    /// Eigenvalues kept beyond λ_0, up to the number of points less one. Default 12: a hexagonal torus's six-fold λ_1 and the six-fold level after it.
    pub eigenvalues: usize,
    /// Largest allowed residual ‖L v - λ v‖. Default 1e-9: coordinates are right to about that over the distance to the next eigenvalue.
    pub tolerance: f64,
    /// Most filters of a block before the result is handed back as not converged. Default 40; 9 were needed on 10⁴ states, 10 on 10⁵.
    pub rounds: usize,
}

impl Default for SpectralEmbeddingConfig {
    fn default() -> Self {
        Self { neighbors: 15, dimensions: 3, eigenvalues: 12, tolerance: 1e-9, rounds: 40 }
    }
}

/// Coordinates and spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectralEmbedding {
    /// The embedded points' indices, rising: the largest connected component.
    pub members: Vec<usize>,
    /// Members × dimensions; no unit.
    pub coordinates: Array2<f64>,
    /// λ_1, λ_2, …, rising, in (0, 2]: as many as asked for, or as the component has.
    pub eigenvalues: Vec<f64>,
    /// ‖L v - λ v‖ of each.
    pub residuals: Vec<f64>,
    /// Sizes of the graph's connected components, falling: more than one means that points outside `members` have no coordinates.
    pub components: Vec<usize>,
    /// Whether the residuals are small enough.
    pub convergence: Convergence,
    /// Which solver ran.
    pub solver: Solver,
}

/// Whether an iteration arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Convergence {
    /// Every kept residual is within the tolerance.
    Converged,
    /// Some are not: coordinates and eigenvalues are the best found.
    NotConverged {
        /// The largest kept residual.
        residual: f64,
        /// What was asked for.
        tolerance: f64,
    },
}

/// How the eigenproblem was solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// All eigenpairs of the dense matrix.
    Dense,
    /// Block Lanczos on Chebyshev polynomials.
    Filtered {
        /// Filters of a block that it took.
        rounds: usize,
        /// Products of the sparse matrix with eight vectors.
        products: usize,
    },
}

/// Why there is no embedding.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpectralEmbeddingError {
    /// The neighbours.
    #[error(transparent)]
    Neighbors(#[from] NeighborsError),
    /// Settings out of range.
    #[error("{name} = {value}: {range}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// The largest component is too small.
    #[error("the largest of {components} components has {points} points, {dimensions} dimensions need at least {}: raise `neighbors`, or give more points", dimensions + 1)]
    TooFew {
        /// Its points.
        points: usize,
        /// How many components there are.
        components: usize,
        /// What was asked for.
        dimensions: usize,
    },
    /// A weight that no Laplacian takes.
    #[error("node {node} has an edge of weight {weight}: weights must be finite and positive")]
    Weight {
        /// Its row.
        node: usize,
        /// The weight.
        weight: f64,
    },
    /// The library's dense eigensolver gave up.
    #[error("the dense eigensolver failed on a matrix of {size} rows: {message}")]
    Dense {
        /// Rows.
        size: usize,
        /// The library's words.
        message: String,
    },
}

impl SpectralEmbedding {
    /// A point's coordinates, by its index among all points; `None` outside the largest component.
    pub fn point(&self, index: usize) -> Option<ArrayView1<'_, f64>> {
        self.members.binary_search(&index).ok().map(|row| self.coordinates.row(row))
    }
}

/// Embeds points by their k-nearest-neighbour graph.
///
/// * `points`: n × d, finite: usually the first six principal components of a population's states.
/// * `seed`: stream `analysis/spectral_embedding` starts the solver.
///
/// Time about n k √(n/k) (the spectrum's lower end is that dense on a surface), memory n (3 k + 230) numbers by counting the arrays (10⁵ points with 15 neighbours: the process
/// took 274 MiB at its peak); the same bits on any number of threads.
///
/// # Errors
/// [`SpectralEmbeddingError`] for bad settings, coordinates or too few points. No convergence is no error: see [`SpectralEmbedding::convergence`].
pub fn embed(
    points: ArrayView2<'_, f64>,
    config: &SpectralEmbeddingConfig,
    seed: Seed,
) -> Result<SpectralEmbedding, SpectralEmbeddingError> {
    let others = config.neighbors.saturating_sub(1);
    embed_graph(&Graph::connectivity(&nearest(points, others)?), config, seed)
}

/// Embeds the nodes of a graph with positive weights; `config.neighbors` is not read.
///
/// # Errors
/// As [`embed`].
pub fn embed_graph(graph: &Graph, config: &SpectralEmbeddingConfig, seed: Seed) -> Result<SpectralEmbedding, SpectralEmbeddingError> {
    check(graph, config)?;
    let components = graph.components();
    let sizes: Vec<usize> = components.iter().map(Vec::len).collect();
    let members = components.into_iter().next().unwrap_or_default();
    if members.len() <= config.dimensions {
        return Err(SpectralEmbeddingError::TooFew { points: members.len(), components: sizes.len(), dimensions: config.dimensions });
    }
    let part;
    let graph = if sizes.len() == 1 {
        graph
    } else {
        part = graph.subgraph(&members);
        &part
    };
    let degrees: Vec<f64> = (0..graph.nodes()).map(|i| graph.edges(i).map(|(_, w)| w).sum()).collect();
    let (Eigen { values, vectors, residuals }, solver) = solver::lowest(graph, &degrees, config, seed)?;
    let mut coordinates = Array2::zeros((members.len(), config.dimensions));
    for (axis, mut column) in coordinates.columns_mut().into_iter().enumerate() {
        column.iter_mut().zip(&degrees).enumerate().for_each(|(i, (x, degree))| *x = vectors[(i, axis)] / degree.sqrt());
        let sign = crate::pca::leading_sign(column.view());
        column.mapv_inplace(|x| sign * x);
    }
    let residual = residuals.iter().copied().fold(0.0, f64::max);
    let convergence = if residual <= config.tolerance {
        Convergence::Converged
    } else {
        Convergence::NotConverged { residual, tolerance: config.tolerance }
    };
    Ok(SpectralEmbedding { members, coordinates, eigenvalues: values, residuals, components: sizes, convergence, solver })
}

fn check(graph: &Graph, config: &SpectralEmbeddingConfig) -> Result<(), SpectralEmbeddingError> {
    let refuse = |name, value, range| Err(SpectralEmbeddingError::Setting { name, value, range });
    if config.dimensions == 0 || config.dimensions > config.eigenvalues {
        return refuse("dimensions", config.dimensions as f64, "at least 1 and at most `eigenvalues`");
    }
    if !(config.tolerance > 0.0 && config.tolerance < 1.0) {
        return refuse(
            "tolerance",
            config.tolerance,
            "between 0 and 1; 1e-9 is about as small as double precision allows with room to spare",
        );
    }
    for node in 0..graph.nodes() {
        if let Some((_, weight)) = graph.edges(node).find(|(_, weight)| !(weight.is_finite() && *weight > 0.0)) {
            return Err(SpectralEmbeddingError::Weight { node, weight });
        }
    }
    Ok(())
}

#[cfg(test)]
mod shapes_tests;
#[cfg(test)]
mod tests;

//! The lowest eigenpairs of the Laplacian.
//!
//! Rounds of: choose the filter's bound from the block's Ritz values (every Ritz value of the block bounds its eigenvalue from above, so the bound falls towards the first
//! eigenvalue beyond the block); LOBPCG steps on the filtered operator, from the block so far; Rayleigh-Ritz on L; residuals.

use super::filter::{LANES, Operator};
use super::{Solver, SpectralEmbeddingConfig, SpectralEmbeddingError, dense};
use crate::neighbors::Graph;
use gridlake_space::seed::Seed;
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use linfa_linalg::lobpcg::lobpcg;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use std::cell::Cell;

/// Up to so many nodes, all eigenpairs of a dense matrix are as fast.
const DENSE: usize = 400;
/// Block columns beyond those kept, at least: they keep the filter's bound away from the last kept value, and a level of up to as many equal eigenvalues whole.
const GUARD: usize = 4;
/// First bound on λ.
const START: f64 = 0.4;
/// Gain of the filter at λ = 0 over its bound.
const GAIN: f64 = 1e4;
/// The bound has settled where a round leaves more of it.
const SETTLED: f64 = 0.7;
/// Largest degree of a filter.
const DEGREE: f64 = 600.0;
/// LOBPCG steps in a round, and its tolerance on the filtered operator (whose largest eigenvalue is below 1).
const STEPS: usize = 5;
const INNER: f32 = 1e-12;

/// Eigenpairs: values rising, vectors in columns of length 1.
pub(super) struct Eigen {
    pub(super) values: Vec<f64>,
    pub(super) vectors: Array2<f64>,
    pub(super) residuals: Vec<f64>,
}

/// The `config.eigenvalues` lowest beyond the constant, or all there are, of a connected graph.
pub(super) fn lowest(
    graph: &Graph,
    degrees: &[f64],
    config: &SpectralEmbeddingConfig,
    seed: Seed,
) -> Result<(Eigen, Solver), SpectralEmbeddingError> {
    let width = (config.eigenvalues + GUARD).next_multiple_of(LANES);
    // LOBPCG's three blocks must fit with room.
    if graph.nodes() <= DENSE.max(6 * width) {
        let (values, vectors) = dense::lowest(graph, config.eigenvalues)?;
        return Ok((Eigen::measured(graph, degrees, values, vectors), Solver::Dense));
    }
    Ok(filtered(graph, degrees, config, width, seed))
}

fn filtered(graph: &Graph, degrees: &[f64], config: &SpectralEmbeddingConfig, width: usize, seed: Seed) -> (Eigen, Solver) {
    let operator = Operator::new(graph, degrees);
    let mut stream = seed.stream("analysis/spectral_embedding", 0);
    let total: f64 = degrees.iter().sum();
    let constant: Array1<f64> = degrees.iter().map(|d| (d / total).sqrt()).collect();
    let without_constant = |mut x: Array2<f64>| {
        let along = constant.dot(&x);
        for (mut row, c) in x.rows_mut().into_iter().zip(&constant) {
            row.scaled_add(-c, &along);
        }
        x
    };
    let mut block = without_constant(Array2::from_shape_fn((operator.nodes(), width), |_| stream.normal()));
    let products = Cell::new(0);
    let mut bound = START;
    let mut best: Option<(f64, Eigen)> = None;
    let mut rounds = 0;
    let mut settled = false;
    while rounds < config.rounds {
        rounds += 1;
        // T_m at t(λ = 0) = 1 + 2 bound/(2 - bound).
        let degree = (GAIN.acosh() / (1.0 + 2.0 * bound / (2.0 - bound)).acosh()).ceil().clamp(2.0, DEGREE) as usize;
        let filter = |x: ArrayView2<'_, f64>| {
            let (out, panels) = operator.filter(x, 1.0 - bound, degree);
            products.set(products.get() + panels * degree);
            without_constant(out)
        };
        let refined = if settled { refine(filter, block.clone()) } else { filter(block.view()) };
        let Some((Eigen { values, vectors, residuals }, panels)) = rayleigh_ritz(&operator, &without_constant(refined)) else { break };
        products.set(products.get() + panels);
        let next = values[width - 1].clamp(1e-9, START);
        settled = next > SETTLED * bound;
        bound = next;
        block = vectors;
        let worst = residuals[..config.eigenvalues].iter().copied().fold(0.0, f64::max);
        if best.as_ref().is_none_or(|(least, _)| worst < *least) {
            let kept = block.slice(s![.., ..config.eigenvalues]).to_owned();
            best = Some((
                worst,
                Eigen { values: values[..config.eigenvalues].to_vec(), vectors: kept, residuals: residuals[..config.eigenvalues].to_vec() },
            ));
        }
        if worst <= config.tolerance {
            break;
        }
    }
    let eigen = match best {
        // Measured again, without the filter's operator.
        Some((_, found)) => Eigen::measured(graph, degrees, found.values, found.vectors),
        None => Eigen::measured(graph, degrees, vec![0.0; config.eigenvalues], block.slice_move(s![.., ..config.eigenvalues])),
    };
    (eigen, Solver::Filtered { rounds, products: products.get() })
}

/// LOBPCG's steps on the filtered operator, from an orthonormal start.
///
/// It keeps its block of least residual, and a block that hardly overlaps with the wanted end has a small one, since the filter makes all of it small: so it is
/// called once the bound has settled, on a block that has been filtered.
fn refine(filter: impl Fn(ArrayView2<'_, f64>) -> Array2<f64>, start: Array2<f64>) -> Array2<f64> {
    match lobpcg(filter, start.clone(), |_| {}, None, INNER, STEPS, Order::Largest) {
        Ok(found) | Err((_, Some(found))) => found.eigvecs,
        Err((_, None)) => start,
    }
}

/// Ritz values (rising) and vectors of L in the block's span, residuals, and panels multiplied; `None` where the block has lost its rank.
fn rayleigh_ritz(operator: &Operator, block: &Array2<f64>) -> Option<(Eigen, usize)> {
    let norms = block.map_axis(Axis(0), |column| column.dot(&column).sqrt());
    if norms.iter().any(|norm| !(*norm > 0.0 && norm.is_finite())) {
        return None;
    }
    // Orthonormal by the Gram matrix's eigenvectors: the block comes out of LOBPCG orthonormal to rounding.
    let (weights, axes) = block.t().dot(block).eigh_into().ok()?.sort_eig(Order::Largest);
    if weights[weights.len() - 1] < 1e-8 * weights[0] {
        return None;
    }
    let block = block.dot(&(axes / weights.mapv(f64::sqrt)));
    let (image, panels) = operator.apply(block.view());
    let projected = block.t().dot(&image);
    let projected = (&projected + &projected.t()) * 0.5;
    let (values, turn) = projected.eigh_into().ok()?.sort_eig(Order::Largest);
    let (vectors, image) = (block.dot(&turn), image.dot(&turn));
    let residuals = (&image - &(&vectors * &values)).map_axis(Axis(0), |column| column.dot(&column).sqrt()).to_vec();
    Some((Eigen { values: values.iter().map(|value| 1.0 - value).collect(), vectors, residuals }, panels))
}

//! Principal components of points: the directions of largest variance.
//!
//! ```text
//! C = Σ_i (x_i - x̄)(x_i - x̄)ᵀ / (n - 1),    C w_m = σ²_m w_m,    ratio_m = σ²_m / tr C,    score_im = w_m · (x_i - x̄)
//! ```
//!
//! Variances divide by n-1 and ratios by the *total* variance (scikit-learn's conventions; linfa's own accessors do neither, so both are computed here).
//! Of each component the loading of largest magnitude is positive; of several within a relative 1e-9, the first.
//!
//! **Solver.** `linfa_reduction::Pca` finds the components where they are at most a third of the columns. It is given the 2d rows `±Rᵀ` of C's Cholesky factor: these have
//! mean 0 and C's principal axes, so its cost does not grow with n and its absolute tolerance means something. It reports no failure, so its answer is checked: residual
//! ‖C w - σ² w‖, orthonormality, and that nothing in the rest of C exceeds the last kept variance (a Cholesky factor of the difference exists). Where any of these fails,
//! or C has no factor, or more is kept, linfa-linalg's dense eigensolver runs. [`Pca::solver`] says which it was.

use crate::neighbors::{NeighborsError, check_coordinates};
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linalg::Order;
use linfa_linalg::cholesky::Cholesky;
use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip, concatenate, s};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Largest residual, and departure from orthonormality, of an iterative answer, over the largest variance.
const RESIDUAL: f64 = 1e-12;
/// What the rest may exceed the last kept variance by, over the largest variance: ties.
const EXCESS: f64 = 1e-10;
/// The iteration's tolerance is 1e-10 absolute: scaled to this trace, that is near what double precision allows.
const TRACE: f64 = 1e4;

/// Principal components of a set of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// x̄: d numbers, in the points' unit.
    pub mean: Array1<f64>,
    /// k × d: unit vectors, by falling variance.
    pub components: Array2<f64>,
    /// n × k, in the points' unit.
    pub scores: Array2<f64>,
    /// σ²: k numbers, falling, in the points' unit squared.
    pub variances: Vec<f64>,
    /// σ² over the total variance, in (0, 1].
    pub ratios: Vec<f64>,
    /// tr C: what all components together have.
    pub total_variance: f64,
    /// How the components were found.
    pub solver: PcaSolver,
    /// Why there are fewer components than asked for; `None` where there are not.
    pub reason: Option<String>,
}

/// How components were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PcaSolver {
    /// `linfa_reduction::Pca`, its answer checked.
    Linfa,
    /// The dense eigensolver, because many components are kept or the covariance is singular.
    Dense,
    /// The dense eigensolver, because linfa's answer did not pass the check.
    DenseAfterCheck,
}

/// Why there are no components.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PcaError {
    /// A coordinate is NaN, infinite or huge.
    #[error(transparent)]
    Coordinate(NeighborsError),
    /// No components asked for.
    #[error("0 components asked for: ask for at least 1")]
    NoComponents,
    /// No points or no columns.
    #[error("{points} points of {columns} columns have no mean: give at least one of each")]
    Empty {
        /// Rows.
        points: usize,
        /// Columns.
        columns: usize,
    },
    /// The library's dense eigensolver gave up.
    #[error("the eigensolver failed on a covariance of {columns} columns: {message}")]
    Eigensolver {
        /// Rows of the matrix.
        columns: usize,
        /// The library's words.
        message: String,
    },
}

/// The first `components` principal components.
///
/// * `points`: n × d, `f32` or `f64`, finite, |x| ≤ 1e150.
/// * `components`: at least 1. As many come out as the points have: constant columns, few points or dependent columns leave fewer, and [`Pca::reason`] says so.
///
/// Variance below `4 d ε` of the largest is rounding and no component. Time O(n d² + d³), memory n d + 3 d² numbers; the same bits on any number of threads.
///
/// # Errors
/// [`PcaError`] for bad coordinates, nothing given or nothing asked for.
pub fn pca<A: Copy + Into<f64>>(points: ArrayView2<'_, A>, components: usize) -> Result<Pca, PcaError> {
    let (n, d) = points.dim();
    if n == 0 || d == 0 {
        return Err(PcaError::Empty { points: n, columns: d });
    }
    if components == 0 {
        return Err(PcaError::NoComponents);
    }
    let mut centred = points.mapv(Into::into);
    check_coordinates(centred.view()).map_err(PcaError::Coordinate)?;
    let mean = centre(&mut centred);
    // Squares neither overflow nor vanish.
    let unit = centred.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    if unit == 0.0 {
        let reason = if n == 1 { "one point has no variance".to_owned() } else { format!("all {n} points are equal") };
        let (components, scores) = (Array2::zeros((0, d)), Array2::zeros((n, 0)));
        return Ok(Pca {
            mean,
            components,
            scores,
            variances: vec![],
            ratios: vec![],
            total_variance: 0.0,
            solver: PcaSolver::Dense,
            reason: Some(reason),
        });
    }
    centred.mapv_inplace(|x| x / unit);
    let covariance = centred.t().dot(&centred) / (n as f64 - 1.0);
    let covariance = (&covariance + &covariance.t()) * 0.5;
    let total = covariance.diag().sum();
    let (mut found, solver) = principal_axes(&covariance, components.min(d))?;
    let image = found.dot(&covariance);
    let variances: Vec<f64> = found.rows().into_iter().zip(image.rows()).map(|(w, cw)| w.dot(&cw)).collect();
    let floor = variances[0] * 4.0 * d as f64 * f64::EPSILON;
    let rank = variances.iter().take_while(|variance| **variance > floor).count().min(n - 1);
    let reason =
        (rank < components).then(|| format!("{n} points of {d} columns have variance in {rank} directions, {components} were asked for"));
    found.slice_axis_inplace(Axis(0), (..rank).into());
    found.rows_mut().into_iter().for_each(|mut w| {
        let sign = leading_sign(w.view());
        w.mapv_inplace(|x| sign * x);
    });
    Ok(Pca {
        mean,
        scores: centred.dot(&found.t()) * unit,
        ratios: variances[..rank].iter().map(|variance| variance / total).collect(),
        variances: variances[..rank].iter().map(|variance| variance * unit * unit).collect(),
        total_variance: total * unit * unit,
        components: found,
        solver,
        reason,
    })
}

/// Subtracts the mean of each column; a constant column is exactly 0 after.
fn centre(points: &mut Array2<f64>) -> Array1<f64> {
    let first = points.row(0).to_owned();
    *points -= &first;
    let shift = points.sum_axis(Axis(0)) / points.nrows() as f64;
    *points -= &shift;
    first + shift
}

/// +1 or -1: the sign of the entry of largest magnitude, of several within a relative 1e-9 the first. 1 where all are 0.
pub(crate) fn leading_sign(values: ArrayView1<'_, f64>) -> f64 {
    let most = values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    values.iter().find(|x| x.abs() >= most * (1.0 - 1e-9)).map_or(1.0, |x| if *x < 0.0 { -1.0 } else { 1.0 })
}

/// The `count` leading eigenvectors as rows, by falling eigenvalue.
fn principal_axes(covariance: &Array2<f64>, count: usize) -> Result<(Array2<f64>, PcaSolver), PcaError> {
    let mut solver = PcaSolver::Dense;
    if 3 * count <= covariance.nrows()
        && let Ok(factor) = covariance.cholesky()
    {
        solver = PcaSolver::DenseAfterCheck;
        if let Some(found) = iterative(covariance, &factor, count).filter(|found| leads(covariance, found)) {
            return Ok((found, PcaSolver::Linfa));
        }
    }
    Ok((dense(covariance, count)?, solver))
}

thread_local! {
    static ASKING_LINFA: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside linfa's solver, which panics where its iteration breaks down (some one call in hundreds). That is caught and the dense solver runs, so a panic
/// hook should say nothing about it.
pub fn asks_linfa() -> bool {
    ASKING_LINFA.get()
}

fn iterative(covariance: &Array2<f64>, factor: &Array2<f64>, count: usize) -> Option<Array2<f64>> {
    let rows = factor.t().to_owned() * (TRACE / (2.0 * covariance.diag().sum())).sqrt();
    let points = concatenate(Axis(0), &[rows.view(), (-&rows).view()]).ok()?;
    ASKING_LINFA.set(true);
    let fitted = catch_unwind(AssertUnwindSafe(|| linfa_reduction::Pca::params(count).fit(&DatasetBase::from(points))));
    ASKING_LINFA.set(false);
    let fitted = fitted.ok()?.ok()?;
    (fitted.components().nrows() == count).then(|| fitted.components().clone())
}

fn dense(covariance: &Array2<f64>, count: usize) -> Result<Array2<f64>, PcaError> {
    let failed = |error: linfa_linalg::LinalgError| PcaError::Eigensolver { columns: covariance.nrows(), message: error.to_string() };
    let (_, vectors) = covariance.eigh().map_err(failed)?.sort_eig(Order::Largest);
    Ok(vectors.slice(s![.., ..count]).t().as_standard_layout().into_owned())
}

/// Whether these rows are eigenvectors, orthonormal, and none that leads was left out.
fn leads(covariance: &Array2<f64>, found: &Array2<f64>) -> bool {
    let image = found.dot(covariance);
    let variances: Array1<f64> = Zip::from(found.rows()).and(image.rows()).map_collect(|w, cw| w.dot(&cw));
    let falling = variances.windows(2).into_iter().all(|pair| pair[0] >= pair[1]);
    let largest = variances[0];
    let residual = &image - &(found * &variances.view().insert_axis(Axis(1)));
    let gram = found.dot(&found.t()) - Array2::<f64>::eye(found.nrows());
    let within = |matrix: &Array2<f64>, limit: f64| matrix.iter().all(|x| x.abs() <= limit);
    if !(largest > 0.0 && falling && within(&residual, RESIDUAL * largest) && within(&gram, RESIDUAL)) {
        return false;
    }
    // Positive definite where every eigenvalue of the rest is below the last kept one.
    let rest = covariance - &found.t().dot(&(found * &variances.view().insert_axis(Axis(1))));
    let last = variances[variances.len() - 1] + EXCESS * largest;
    let margin = Array2::<f64>::eye(covariance.nrows()) * last - rest;
    margin.cholesky().is_ok()
}

#[cfg(test)]
mod tests;

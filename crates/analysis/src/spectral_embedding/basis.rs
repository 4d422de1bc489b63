//! Orthonormal blocks of long columns: projections and products, by threads over spans of rows whose sums are added in the rows' order.

use gridlake_space::seed::Stream;
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Axis, concatenate, s};

/// Rows that one task goes through.
const ROWS: usize = 512;
/// A column of this length beside columns of 1 is rounding.
const NOTHING: f64 = 1e-13;
/// Most passes of projecting and scaling; two are enough where nothing is filled in.
const PASSES: usize = 8;

/// Aᵀ B.
pub(super) fn product(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let spans = a.axis_chunks_iter(Axis(0), ROWS).into_par_iter().zip(b.axis_chunks_iter(Axis(0), ROWS));
    let parts: Vec<Array2<f64>> = spans.map(|(a, b)| a.t().dot(&b)).collect();
    parts.into_iter().fold(Array2::zeros((a.ncols(), b.ncols())), |sum, part| sum + part)
}

/// Columns by several blocks: Σ_i `blocks_i` `weights_i`, where the weights' rows go through the blocks' columns.
pub(super) fn combine(blocks: &[Array2<f64>], weights: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros((blocks[0].nrows(), weights.ncols()));
    add(&mut out, blocks, weights, 1.0);
    out
}

/// into += factor Σ_i `blocks_i` `weights_i`.
fn add(into: &mut Array2<f64>, blocks: &[Array2<f64>], weights: &Array2<f64>, factor: f64) {
    into.axis_chunks_iter_mut(Axis(0), ROWS).into_par_iter().enumerate().for_each(|(span, mut into)| {
        let rows = span * ROWS..span * ROWS + into.nrows();
        let mut first = 0;
        for block in blocks {
            let last = first + block.ncols();
            general_mat_mul(factor, &block.slice(s![rows.clone(), ..]), &weights.slice(s![first..last, ..]), 1.0, &mut into);
            first = last;
        }
    });
}

/// Takes out of `x` what lies along orthonormal blocks, and gives how much that was: the blocks' columns × x's columns.
fn project(blocks: &[Array2<f64>], x: &mut Array2<f64>) -> Array2<f64> {
    let parts: Vec<Array2<f64>> = blocks.iter().map(|block| product(block, x)).collect();
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    let along = concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, x.ncols())));
    add(x, blocks, &along, -1.0);
    along
}

/// What was found of a block on its way to orthonormal columns.
pub(super) struct Extension {
    /// Orthonormal, and orthogonal to all blocks.
    pub(super) block: Array2<f64>,
    /// The given columns along the blocks.
    pub(super) along: Array2<f64>,
    /// Products of the given columns with each other, without what lies along the blocks.
    pub(super) rest: Array2<f64>,
}

/// Makes columns orthonormal, and orthogonal to orthonormal blocks. Directions that the columns do not have are filled in from the stream.
///
/// `None` where the columns are not finite.
pub(super) fn extend(blocks: &[Array2<f64>], mut x: Array2<f64>, stream: &mut Stream) -> Option<Extension> {
    let mut first = None;
    let mut clean = 0;
    for pass in 0..PASSES {
        let along = project(blocks, &mut x);
        let gram = product(&x, &x);
        if gram.iter().any(|value| !value.is_finite()) {
            return None;
        }
        if pass == 0 {
            first = Some((along, gram.clone()));
        }
        let (_, axes) = gram.eigh_into().ok()?.sort_eig(Order::Largest);
        x = combine(&[x], &axes);
        let mut filled = false;
        for mut column in x.columns_mut() {
            // Lengths are measured: the matrix of products knows none below 1e-8 of the largest.
            let length = column.dot(&column).sqrt();
            if length > NOTHING {
                column /= length;
            } else {
                filled = true;
                column.mapv_inplace(|_| stream.normal());
                let length = column.dot(&column).sqrt();
                column /= length;
            }
        }
        clean = if filled { 0 } else { clean + 1 };
        if clean == 2 {
            break;
        }
    }
    let (along, rest) = first?;
    Some(Extension { block: x, along, rest })
}

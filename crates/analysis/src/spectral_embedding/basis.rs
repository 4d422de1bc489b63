//! Orthonormal blocks of long columns: projections and products, by threads over spans of rows whose sums are added in the rows' order.

use super::tall::{Add, Product, Squares};
use crate::simd::widest;
use gridlake_space::seed::Stream;
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array2, Axis, concatenate};
use rayon::prelude::*;
use std::borrow::Cow;

/// Rows that one task goes through.
const ROWS: usize = 512;
/// A column of this length beside columns of 1 is rounding.
const NOTHING: f64 = 1e-13;
/// Most passes of projecting and scaling; two are enough where nothing is filled in.
const PASSES: usize = 8;

/// Spans of rows of a row-major matrix.
fn spans(x: &[f64], columns: usize) -> rayon::slice::Chunks<'_, f64> {
    x.par_chunks(ROWS * columns.max(1))
}

/// Row-major numbers; copied where they lie otherwise.
fn flat(x: &Array2<f64>) -> Cow<'_, [f64]> {
    x.as_slice().map_or_else(|| Cow::Owned(x.iter().copied().collect()), Cow::Borrowed)
}

/// Sums of what `part` puts into a matrix of `shape` for each span.
fn sum_of(shape: (usize, usize), parts: impl IndexedParallelIterator<Item = Vec<f64>>) -> Array2<f64> {
    let parts: Vec<Vec<f64>> = parts.collect();
    let mut sum = Array2::zeros(shape);
    for part in &parts {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    sum
}

/// Aᵀ B.
pub(super) fn product(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let (p, q) = (a.ncols(), b.ncols());
    let (a, b) = (flat(a), flat(b));
    let part = |(a, b): (&[f64], &[f64])| {
        let mut out = vec![0.0; p * q];
        widest(Product { a, p, b, q, out: &mut out });
        out
    };
    sum_of((p, q), spans(&a, p).zip(spans(&b, q)).map(part))
}

/// Columns by several blocks: Σ_i `blocks_i` `weights_i`, where the weights' rows go through the blocks' columns.
pub(super) fn combine(blocks: &[Array2<f64>], weights: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros((blocks[0].nrows(), weights.ncols()));
    add(&mut out, blocks, weights, 1.0);
    out
}

/// into += factor Σ_i `blocks_i` `weights_i`; `into` is row-major.
fn add(into: &mut Array2<f64>, blocks: &[Array2<f64>], weights: &Array2<f64>, factor: f64) {
    let q = into.ncols();
    let blocks: Vec<(usize, Cow<'_, [f64]>)> = blocks.iter().map(|block| (block.ncols(), flat(block))).collect();
    let weights = flat(weights);
    let Some(into) = into.as_slice_mut() else { return };
    into.par_chunks_mut(ROWS * q.max(1)).enumerate().for_each(|(span, into)| {
        let (first, rows) = (span * ROWS, into.len() / q.max(1));
        let mut before = 0;
        for (p, block) in &blocks {
            let (block, weights) = (&block[first * p..(first + rows) * p], &weights[before * q..(before + p) * q]);
            widest(Add { into, q, block, p: *p, weights, factor });
            before += p;
        }
    });
}

/// Scales columns (row-major) to length 1, and gives the lengths that they had. Columns of [`NOTHING`] stay.
fn scale(x: &mut Array2<f64>) -> Vec<f64> {
    let q = x.ncols();
    let Some(x) = x.as_slice_mut() else { return Vec::new() };
    let part = |x: &[f64]| {
        let mut out = vec![0.0; q];
        widest(Squares { x, q, out: &mut out });
        out
    };
    let lengths: Vec<f64> = sum_of((1, q), spans(x, q).map(part)).iter().map(|square| square.sqrt()).collect();
    x.par_chunks_mut(ROWS * q.max(1)).for_each(|span| {
        for row in span.chunks_exact_mut(q) {
            for (x, length) in row.iter_mut().zip(&lengths) {
                *x = if *length > NOTHING { *x / length } else { *x };
            }
        }
    });
    lengths
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
        // Lengths are measured: the matrix of products knows none below 1e-8 of the largest.
        let mut filled = false;
        let lengths = scale(&mut x);
        for (mut column, length) in x.columns_mut().into_iter().zip(lengths) {
            if length <= NOTHING {
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

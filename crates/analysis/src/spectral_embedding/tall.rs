//! Products of tall, narrow matrices, row-major: what blocks of long columns are projected, combined and measured by.
//!
//! A general matrix product packs both operands first, which for a few columns takes about as long as the product itself. Here rows are read once, where they
//! lie; sums go through the rows in order, so the bits are the same on every processor.

use crate::simd::Kernel;

/// Columns that are treated at once.
const LANES: usize = 8;
/// Rows of a block that are treated at once.
const HIGH: usize = 4;

/// out = Aᵀ B, of `p` and `q` columns, row-major; A's rows and B's are as many.
pub(super) struct Product<'a> {
    pub(super) a: &'a [f64],
    pub(super) p: usize,
    pub(super) b: &'a [f64],
    pub(super) q: usize,
    pub(super) out: &'a mut [f64],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { a, p, b, q, out } = self;
        let whole = q / LANES * LANES;
        for j in (0..whole).step_by(LANES) {
            let eights = p / LANES * LANES;
            for i in (0..eights).step_by(LANES) {
                products::<LANES>((a, p, i), (b, q, j), out);
            }
            for i in eights..p {
                products::<1>((a, p, i), (b, q, j), out);
            }
        }
        for i in 0..p {
            for j in whole..q {
                let mut sum = 0.0;
                for (a, b) in a.chunks_exact(p).zip(b.chunks_exact(q)) {
                    sum += a[i] * b[j];
                }
                out[i * q + j] = sum;
            }
        }
    }
}

/// `P` columns of A from `i` on with [`LANES`] of B from `j` on.
#[inline(always)]
fn products<const P: usize>((a, p, i): (&[f64], usize, usize), (b, q, j): (&[f64], usize, usize), out: &mut [f64]) {
    let mut sums = [[0.0; LANES]; P];
    for (a, b) in a.chunks_exact(p).zip(b.chunks_exact(q)) {
        let (Some(a), Some(b)) = (a[i..].first_chunk::<P>(), b[j..].first_chunk::<LANES>()) else { return };
        for row in 0..P {
            for lane in 0..LANES {
                sums[row][lane] += a[row] * b[lane];
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        out[(i + row) * q + j..][..LANES].copy_from_slice(sums);
    }
}

/// into += factor · block · weights; `into` has `q` columns, the block `p`.
pub(super) struct Add<'a> {
    pub(super) into: &'a mut [f64],
    pub(super) q: usize,
    pub(super) block: &'a [f64],
    pub(super) p: usize,
    pub(super) weights: &'a [f64],
    pub(super) factor: f64,
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { into, q, block, p, weights, factor } = self;
        let whole = q / LANES * LANES;
        let (mut intos, mut blocks) = (into.chunks_exact_mut(HIGH * q), block.chunks_exact(HIGH * p));
        for (into, block) in intos.by_ref().zip(blocks.by_ref()) {
            for j in (0..whole).step_by(LANES) {
                combined::<HIGH>((into, q, j), (block, p), weights, factor);
            }
        }
        for (into, block) in intos.into_remainder().chunks_exact_mut(q).zip(blocks.remainder().chunks_exact(p)) {
            for j in (0..whole).step_by(LANES) {
                combined::<1>((into, q, j), (block, p), weights, factor);
            }
        }
        for (into, block) in into.chunks_exact_mut(q).zip(block.chunks_exact(p)) {
            for j in whole..q {
                let mut sum = 0.0;
                for (x, weights) in block.iter().zip(weights.chunks_exact(q)) {
                    sum += x * weights[j];
                }
                into[j] += factor * sum;
            }
        }
    }
}

/// `R` rows, [`LANES`] columns from `j` on.
#[inline(always)]
fn combined<const R: usize>((into, q, j): (&mut [f64], usize, usize), (block, p): (&[f64], usize), weights: &[f64], factor: f64) {
    let mut sums = [[0.0; LANES]; R];
    let rows: [&[f64]; R] = std::array::from_fn(|row| &block[row * p..(row + 1) * p]);
    for (column, weights) in weights.chunks_exact(q).enumerate() {
        let Some(weights) = weights[j..].first_chunk::<LANES>() else { return };
        for row in 0..R {
            for lane in 0..LANES {
                sums[row][lane] += rows[row][column] * weights[lane];
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (into, sum) in into[row * q + j..].iter_mut().zip(sums) {
            *into += factor * sum;
        }
    }
}

/// out = the sum of squares of each of `q` columns.
pub(super) struct Squares<'a> {
    pub(super) x: &'a [f64],
    pub(super) q: usize,
    pub(super) out: &'a mut [f64],
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.out.fill(0.0);
        for row in self.x.chunks_exact(self.q) {
            for (sum, x) in self.out.iter_mut().zip(row) {
                *sum += x * x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::widest;
    use gridlake_space::seed::Seed;
    use ndarray::{Array2, Axis};

    /// Against the library's products: columns in whole blocks of lanes, and not.
    #[test]
    fn they_are_the_products() {
        let mut stream = Seed(2).stream("tall", 0);
        for (n, p, q) in [(1, 1, 8), (7, 8, 8), (37, 1, 16), (64, 24, 16), (37, 11, 13), (5, 3, 3)] {
            let mut random = |rows: usize, cols: usize| Array2::from_shape_fn((rows, cols), |_| stream.normal());
            let (a, b, weights, start) = (random(n, p), random(n, q), random(p, q), random(n, q));
            let flat = |of: &Array2<f64>| of.iter().copied().collect::<Vec<f64>>();
            let close = |found: &[f64], expected: &Array2<f64>| {
                assert_eq!(found.len(), expected.len());
                found
                    .iter()
                    .zip(expected)
                    .for_each(|(found, expected)| assert!((found - expected).abs() < 1e-12, "{n} x {p}, {q}: {found} {expected}"));
            };
            let mut out = vec![f64::NAN; p * q];
            widest(Product { a: &flat(&a), p, b: &flat(&b), q, out: &mut out });
            close(&out, &a.t().dot(&b));
            let mut into = flat(&start);
            widest(Add { into: &mut into, q, block: &flat(&a), p, weights: &flat(&weights), factor: -0.5 });
            close(&into, &(&start - &(a.dot(&weights) * 0.5)));
            let mut out = vec![f64::NAN; q];
            widest(Squares { x: &flat(&b), q, out: &mut out });
            close(&out, &b.map_axis(Axis(0), |column| column.dot(&column)).insert_axis(Axis(0)));
        }
    }
}

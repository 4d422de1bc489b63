//! Rows of lags of the form in single precision: sums over overlaps, and Pearson's r from them.

use super::{Autocorrelator, CONSTANT};
use crate::simd::Kernel;
use std::ops::Range;

/// Lags that are treated at once.
pub(super) const WIDTH: usize = 16;

/// What the mask says about the lags of the half plane `dy ≥ 0`; rows are filled up to whole blocks.
#[derive(Clone)]
pub(super) struct Lags {
    /// From a row to the next.
    pub(super) stride: usize,
    /// First block of each row with a lag that counts, and the end of these blocks.
    pub(super) blocks: Vec<Range<usize>>,
    /// One over the overlap.
    pub(super) share: Vec<f64>,
    /// Squared deviations at or below which a side is constant.
    pub(super) constant: Vec<f32>,
    /// NaN where too few bins overlap, else 0.
    pub(super) hidden: Vec<f32>,
    /// Infinite where the overlap's flatness does not count, else 0.
    pub(super) ignored: Vec<f32>,
}

impl Lags {
    pub(super) fn new(double: &Autocorrelator, largest: [f64; 2]) -> Self {
        let reach = double.reach;
        let (rows, width) = (reach[0] + 1, 2 * reach[1] + 1);
        let stride = width.next_multiple_of(WIDTH);
        let n = rows * stride;
        let blocks = (0..rows).map(|row| {
            // Lags at least as far out as the largest, rounded up to whole blocks.
            let half = (1.0 - (row as f64 / largest[0]).powi(2)).max(0.0).sqrt() * largest[1];
            let half = (half.ceil() as usize).min(reach[1]);
            (reach[1] - half) / WIDTH..(reach[1] + half + 1).div_ceil(WIDTH)
        });
        let mut made = Self {
            stride,
            blocks: blocks.collect(),
            share: vec![0.0; n],
            constant: vec![0.0; n],
            hidden: vec![f32::NAN; n],
            ignored: vec![f32::INFINITY; n],
        };
        // The half plane begins with the last row but `reach` of the whole plane's.
        for (index, &overlap) in double.overlap[reach[0] * width..].iter().enumerate() {
            let (row, col) = (index / width, index % width);
            let at = row * stride + col;
            made.share[at] = 1.0 / overlap.max(1.0);
            made.constant[at] = (CONSTANT * overlap) as f32;
            if overlap >= double.min_overlap.max(1.0) {
                let far = (row as f64 / largest[0]).hypot((col as f64 - reach[1] as f64) / largest[1]) > 1.0;
                made.hidden[at] = 0.0;
                made.ignored[at] = if far { f32::INFINITY } else { 0.0 };
            }
        }
        made
    }
}

/// Sums and squares over the overlap at a row of lags and at their opposites, where every bin was visited: over rectangles.
pub(super) struct Rectangles<'a> {
    /// Running sums of the map and of its squares.
    pub(super) running: &'a [Vec<f64>; 2],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) reach: usize,
    pub(super) dy: usize,
    pub(super) line: &'a mut [Vec<f64>; 4],
}

impl Kernel for Rectangles<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (cols, reach, width) = (self.cols, self.reach, self.cols + 1);
        for (kind, running) in self.running.iter().enumerate() {
            // Rows from 0 to rows - dy, and rows from dy on; columns likewise.
            let upper = &running[(self.rows - self.dy) * width..][..width];
            let (skipped, whole) = (&running[self.dy * width..][..width], &running[self.rows * width..][..width]);
            let (here, there) = self.line.split_at_mut(2 * kind + 1);
            let (here, there) = (&mut here[2 * kind], &mut there[0]);
            let (left, right) = here[..=2 * reach].split_at_mut(reach);
            for (here, sum) in right.iter_mut().zip(upper.iter().rev()) {
                *here = *sum;
            }
            let all = upper[cols];
            for (here, sum) in left.iter_mut().rev().zip(&upper[1..]) {
                *here = all - sum;
            }
            let (left, right) = there[..=2 * reach].split_at_mut(reach);
            let all = whole[cols] - skipped[cols];
            for (there, (whole, skipped)) in right.iter_mut().zip(whole.iter().zip(skipped)) {
                *there = all - (whole - skipped);
            }
            let kept = cols - reach..cols;
            for (there, (whole, skipped)) in left.iter_mut().zip(whole[kept.clone()].iter().zip(&skipped[kept])) {
                *there = whole - skipped;
            }
        }
    }
}

/// Pearson's r along one row of lags; returns the flattest overlap's sum of squared deviations.
pub(super) struct Row<'a> {
    /// Sums at `l` and `-l`, squares at `l` and `-l`.
    pub(super) line: &'a [Vec<f64>; 4],
    pub(super) products: &'a [f32],
    pub(super) lags: &'a Lags,
    pub(super) dy: usize,
    pub(super) out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn call(self) -> f32 {
        let mut flattest = [f32::INFINITY; WIDTH];
        let lags = self.dy * self.lags.stride..(self.dy + 1) * self.lags.stride;
        let (share, _) = self.lags.share[lags.clone()].as_chunks::<WIDTH>();
        let [constant, hidden, ignored] =
            [&self.lags.constant, &self.lags.hidden, &self.lags.ignored].map(|of| of[lags.clone()].as_chunks::<WIDTH>().0);
        let [sums, minus_sums, squares, minus_squares] = self.line.each_ref().map(|line| line.as_chunks::<WIDTH>().0);
        let (products, _) = self.products.as_chunks::<WIDTH>();
        let (out, _) = self.out.as_chunks_mut::<WIDTH>();
        for block in self.lags.blocks[self.dy].clone() {
            let out = &mut out[block];
            let (mut cross, mut var_a, mut var_b) = ([0.0_f32; WIDTH], [0.0_f32; WIDTH], [0.0_f32; WIDTH]);
            let (share, products) = (&share[block], &products[block]);
            let [sums, minus_sums, squares, minus_squares] = [sums, minus_sums, squares, minus_squares].map(|line| &line[block]);
            for i in 0..WIDTH {
                var_a[i] = (squares[i] - sums[i] * sums[i] * share[i]) as f32;
            }
            for i in 0..WIDTH {
                var_b[i] = (minus_squares[i] - minus_sums[i] * minus_sums[i] * share[i]) as f32;
            }
            for i in 0..WIDTH {
                cross[i] = (f64::from(products[i]) - sums[i] * minus_sums[i] * share[i]) as f32;
            }
            let (constant, hidden, ignored) = (&constant[block], &hidden[block], &ignored[block]);
            for i in 0..WIDTH {
                // Comparisons written out: what `min` and `max` say of NaN does not matter here, and costs more.
                let (a, b) = (var_a[i], var_b[i]);
                let (a_side, b_side) = (if a > 0.0 { a } else { 0.0 }, if b > 0.0 { b } else { 0.0 });
                let flat = (a_side * b_side).sqrt();
                let r = cross[i] / flat;
                let r = if r > 1.0 { 1.0 } else { r };
                let r = if r < -1.0 { -1.0 } else { r };
                let least = if a < b { a } else { b };
                out[i] = r + if least > constant[i] { hidden[i] } else { f32::NAN };
                let flat = flat + ignored[i];
                flattest[i] = if flat < flattest[i] { flat } else { flattest[i] };
            }
        }
        flattest.into_iter().fold(f32::INFINITY, f32::min)
    }
}

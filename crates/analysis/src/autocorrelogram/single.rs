//! The form for surrogates: single precision, half the lags, and as few transforms as symmetry allows. Legend as in the double-precision form.
//!
//! Two real maps share one complex transform. Both products' transforms are real and even, so `|A|² + i|B|²` is even: half of its columns tell the
//! other half, and half of the rows hold all lags. Where every bin was visited, sums and squares over an overlap are sums over a rectangle, taken from
//! running sums; else they are two more transforms each way.
//!
//! An entry's error is about 3·10⁻⁷ of the products at lag zero. A pair with an overlap that varies so little that this would matter
//! ([`TOO_FLAT`]) is refused, and left to the double-precision form.

use super::{Autocorrelator, CONSTANT};
use crate::fft::{Fft2, Fft2Scratch};
use crate::simd::{Kernel, widest};
use rustfft::num_complex::Complex32;
use std::ops::Range;

/// Least root of the two sides' sums of squared deviations over an overlap, as a share of the map's.
const TOO_FLAT: f32 = 0.005;

/// Autocorrelograms of pairs of maps that share their visited bins.
#[derive(Clone)]
pub(crate) struct SingleAutocorrelator {
    rows: usize,
    cols: usize,
    reach: [usize; 2],
    /// Places of visited bins in a map.
    bins: Vec<usize>,
    lags: Lags,
    plan: Fft2<f32>,
    /// As the double-precision form's; `None` where every bin was visited.
    mask_conjugate: Option<Vec<Complex32>>,
    /// How often each frequency of half of the columns counts as a wave: 0, 1 or 2 (with its opposite).
    waves: Vec<f32>,
}

/// What the mask says about the lags of the half plane `dy ≥ 0`; rows are filled up to whole blocks.
#[derive(Clone)]
struct Lags {
    /// From a row to the next.
    stride: usize,
    /// First block of each row with a lag that counts, and the end of these blocks.
    blocks: Vec<Range<usize>>,
    /// One over the overlap.
    share: Vec<f64>,
    /// Squared deviations at or below which a side is constant.
    constant: Vec<f32>,
    /// NaN where too few bins overlap, else 0.
    hidden: Vec<f32>,
    /// Infinite where the overlap's flatness does not count, else 0.
    ignored: Vec<f32>,
}

impl Lags {
    fn new(double: &Autocorrelator, largest: [f64; 2]) -> Self {
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

/// Buffers of one thread.
pub(crate) struct SingleWorkspace {
    first: Vec<Complex32>,
    turned: Vec<Complex32>,
    half: Vec<Complex32>,
    sums: Vec<Complex32>,
    squares: Vec<Complex32>,
    scratch: Fft2Scratch<f32>,
    running: [[Vec<f64>; 2]; 2],
    /// Sums at a row's lags and at their opposites, squares at both.
    line: [Vec<f64>; 4],
    products: [Vec<f32>; 2],
    correlations: Vec<f32>,
    /// The last pair's autocorrelograms: lags of the half plane `dy ≥ 0`, `(reach_y + 1) x (2 reach_x + 1)`, NaN = undefined.
    pub(crate) result: [Vec<f32>; 2],
    /// The last pair's largest power of a wave, and the power of all waves.
    pub(crate) waves: [(f32, f32); 2],
}

impl SingleAutocorrelator {
    /// As a plan in double precision. Only lags within `largest` bins of zero need be right; others may be left undefined.
    /// `is_wave` tells which frequencies (transposed layout) count as waves.
    pub(crate) fn new(double: &Autocorrelator, largest: [f64; 2], is_wave: &[bool]) -> Self {
        let (plan, reach) = (Fft2::new(double.plan.rows, double.plan.cols), double.reach);
        let full = double.visited == double.mask.len();
        let waves = (0..(plan.cols / 2 + 1) * plan.rows)
            .map(|index| {
                let column = index / plan.rows;
                let itself = column == 0 || 2 * column == plan.cols;
                if !is_wave.get(index).copied().unwrap_or(false) {
                    0.0
                } else if itself {
                    1.0
                } else {
                    2.0
                }
            })
            .collect();
        Self {
            rows: double.rows,
            cols: double.cols,
            reach,
            bins: double.mask.iter().enumerate().filter(|(_, seen)| **seen).map(|(bin, _)| bin).collect(),
            lags: Lags::new(double, largest),
            plan,
            mask_conjugate: (!full).then(|| double.mask_conjugate.iter().map(|v| Complex32::new(v.re as f32, v.im as f32)).collect()),
            waves,
        }
    }

    /// Rows and columns of a result.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.reach[0] + 1, 2 * self.reach[1] + 1)
    }

    pub(crate) fn workspace(&self) -> SingleWorkspace {
        let zeros = |n: usize| vec![Complex32::default(); n];
        let (rows, cols) = self.shape();
        let all = if self.mask_conjugate.is_some() { self.plan.len() } else { 0 };
        let running = || [vec![0.0; (self.rows + 1) * (self.cols + 1)], vec![0.0; (self.rows + 1) * (self.cols + 1)]];
        SingleWorkspace {
            first: zeros(self.plan.cols * self.rows.max(rows)),
            turned: zeros(self.plan.len()),
            half: zeros((self.plan.cols / 2 + 1) * self.plan.rows),
            sums: zeros(all),
            squares: zeros(all),
            scratch: self.plan.scratch(),
            running: [running(), running()],
            line: std::array::from_fn(|_| vec![0.0; self.lags.stride]),
            products: [vec![0.0; self.lags.stride], vec![0.0; self.lags.stride]],
            correlations: vec![0.0; self.lags.stride],
            result: [vec![f32::NAN; rows * cols], vec![f32::NAN; rows * cols]],
            waves: [(0.0, 0.0); 2],
        }
    }

    /// Two autocorrelograms at once, of maps of mean 0 and variance 1 over visited bins; the rest is not read. Returns whether they are right: whether
    /// no overlap within the largest radius is too flat for single precision.
    pub(crate) fn pair(&self, a: &[f32], b: &[f32], workspace: &mut SingleWorkspace) -> bool {
        let (wide, tall) = (self.plan.cols, self.plan.rows);
        let place = |bin: usize| bin / self.cols * wide + bin % self.cols;
        workspace.first[..self.rows * wide].fill(Complex32::default());
        for &bin in &self.bins {
            workspace.first[place(bin)] = Complex32::new(a[bin], b[bin]);
        }
        let SingleWorkspace { first, turned, half, sums, squares, scratch, running, .. } = workspace;
        self.plan.forward_into(first, self.rows, turned, scratch);
        if let Some(mask) = &self.mask_conjugate {
            for (sum, (value, mask)) in sums.iter_mut().zip(turned.iter().zip(mask)) {
                *sum = value * mask;
            }
            self.plan.inverse(sums, tall, scratch);
            squares.fill(Complex32::default());
            for &bin in &self.bins {
                squares[place(bin)] = Complex32::new(a[bin] * a[bin], b[bin] * b[bin]);
            }
            self.plan.forward(squares, self.rows, scratch);
            for (square, mask) in squares.iter_mut().zip(mask) {
                *square *= mask;
            }
            self.plan.inverse(squares, tall, scratch);
        } else {
            self.run(a, &mut running[0]);
            self.run(b, &mut running[1]);
        }
        workspace.waves = widest(Power { turned, tall, wide, waves: &self.waves, half });
        self.plan.columns_inverse(half, scratch);
        let rows = self.reach[0] + 1;
        // The spectrum is even: row y of column -k is row -y of column k.
        for (column, values) in half.chunks_exact(tall).enumerate() {
            let mirrored = (wide - column) % wide;
            if mirrored == column {
                for y in 0..rows {
                    first[y * wide + column] = values[y];
                }
            } else {
                for y in 0..rows {
                    first[y * wide + column] = values[y];
                    first[y * wide + mirrored] = values[if y == 0 { 0 } else { tall - y }];
                }
            }
        }
        self.plan.rows_inverse(&mut first[..rows * wide], scratch);
        let mut right = true;
        for dy in 0..rows {
            let SingleWorkspace { first, products, .. } = workspace;
            let (line, reach) = (&first[dy * wide..][..wide], self.reach[1]);
            let in_order = line[wide - reach..].iter().chain(&line[..=reach]);
            let [a, b] = products;
            for ((a, b), value) in a.iter_mut().zip(b).zip(in_order) {
                (*a, *b) = (value.re, value.im);
            }
            right &= self.row(dy, 0, workspace) & self.row(dy, 1, workspace);
        }
        right
    }

    /// Running sums of a map and its squares: entry `(row, col)` holds the sum over all rows below `row` and columns below `col`.
    fn run(&self, map: &[f32], running: &mut [Vec<f64>; 2]) {
        let width = self.cols + 1;
        for (row, line) in map.chunks_exact(self.cols).enumerate() {
            let (mut sum, mut square) = (0.0, 0.0);
            for (col, &value) in line.iter().enumerate() {
                let value = f64::from(value);
                sum += value;
                square += value * value;
                let at = (row + 1) * width + col + 1;
                running[0][at] = running[0][at - width] + sum;
                running[1][at] = running[1][at - width] + square;
            }
        }
    }

    /// One row of lags of one of the two maps.
    fn row(&self, dy: usize, which: usize, workspace: &mut SingleWorkspace) -> bool {
        let cols = 2 * self.reach[1] + 1;
        let SingleWorkspace { sums, squares, running, line, products, correlations, result, .. } = workspace;
        let reach = self.reach[1];
        if self.mask_conjugate.is_some() {
            let (wide, tall) = (self.plan.cols, self.plan.rows);
            let pick = |value: Complex32| f64::from(if which == 0 { value.re } else { value.im });
            let [plus_sums, minus_sums, plus_squares, minus_squares] = line;
            for (at, dx) in (-(reach as isize)..=reach as isize).enumerate() {
                let plus = dy * wide + wrap(dx, wide);
                let minus = (tall - dy) % tall * wide + wrap(-dx, wide);
                plus_sums[at] = pick(sums[plus]);
                minus_sums[at] = pick(sums[minus]);
                plus_squares[at] = pick(squares[plus]);
                minus_squares[at] = pick(squares[minus]);
            }
        } else {
            let width = self.cols + 1;
            for (kind, running) in running[which].iter().enumerate() {
                // Rows from 0 to rows - dy, and rows from dy on; columns likewise.
                let upper = &running[(self.rows - dy) * width..][..width];
                let (skipped, whole) = (&running[dy * width..][..width], &running[self.rows * width..][..width]);
                let (here, there) = line.split_at_mut(2 * kind + 1);
                let (here, there) = (&mut here[2 * kind], &mut there[0]);
                let (left, right) = here[..=2 * reach].split_at_mut(reach);
                right.iter_mut().zip(upper.iter().rev()).for_each(|(here, sum)| *here = *sum);
                left.iter_mut().rev().zip(&upper[1..]).for_each(|(here, sum)| *here = upper[self.cols] - sum);
                let (left, right) = there[..=2 * reach].split_at_mut(reach);
                let all = whole[self.cols] - skipped[self.cols];
                right.iter_mut().zip(whole.iter().zip(skipped)).for_each(|(there, (whole, skipped))| *there = all - (whole - skipped));
                let kept = self.cols - reach..self.cols;
                left.iter_mut()
                    .zip(whole[kept.clone()].iter().zip(&skipped[kept]))
                    .for_each(|(there, (whole, skipped))| *there = whole - skipped);
            }
        }
        let flattest = widest(Row { line, products: &products[which], lags: &self.lags, dy, out: correlations });
        let known = &self.lags.blocks[dy];
        let known = known.start * WIDTH..(known.end * WIDTH).min(cols);
        let out = &mut result[which][dy * cols..][..cols];
        out[known.clone()].copy_from_slice(&correlations[known]);
        flattest >= TOO_FLAT * self.bins.len() as f32
    }
}

fn wrap(lag: isize, n: usize) -> usize {
    if lag < 0 { n - lag.unsigned_abs() } else { lag as usize }
}

/// Separates `A + iB` into `|A|² + i|B|²` for half of the columns, and measures the waves.
struct Power<'a> {
    turned: &'a [Complex32],
    tall: usize,
    wide: usize,
    waves: &'a [f32],
    half: &'a mut [Complex32],
}

impl Kernel for Power<'_> {
    type Output = [(f32, f32); 2];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let tall = self.tall;
        // A quarter for the means of the two symmetric parts, and the inverse's normalisation.
        let norm = 0.25 / (tall * self.wide) as f32;
        let mut found = [(0.0_f32, 0.0_f32); 2];
        for (column, (out, waves)) in self.half.chunks_exact_mut(tall).zip(self.waves.chunks_exact(tall)).enumerate() {
            let here = &self.turned[column * tall..][..tall];
            let there = &self.turned[(self.wide - column) % self.wide * tall..][..tall];
            let (mut largest, mut sums) = ([[0.0_f32; 8]; 2], [[0.0_f32; 8]; 2]);
            for row in 0..tall {
                let (p, q) = (here[row], there[if row == 0 { 0 } else { tall - row }]);
                let (a_re, a_im) = (p.re + q.re, p.im - q.im);
                let (b_re, b_im) = (p.re - q.re, p.im + q.im);
                let (a, b) = ((a_re * a_re + a_im * a_im) * norm, (b_re * b_re + b_im * b_im) * norm);
                out[row] = Complex32::new(a, b);
            }
            for (values, waves) in out.chunks(8).zip(waves.chunks(8)) {
                for (lane, (value, &times)) in values.iter().zip(waves).enumerate() {
                    let counts = if times > 0.0 { 1.0 } else { 0.0 };
                    largest[0][lane] = largest[0][lane].max(value.re * counts);
                    largest[1][lane] = largest[1][lane].max(value.im * counts);
                    sums[0][lane] += value.re * times;
                    sums[1][lane] += value.im * times;
                }
            }
            for which in 0..2 {
                found[which].0 = largest[which].iter().fold(found[which].0, |m, v| m.max(*v));
                found[which].1 += sums[which].iter().sum::<f32>();
            }
        }
        found
    }
}

/// Pearson's r along one row of lags; returns the flattest overlap's sum of squared deviations.
struct Row<'a> {
    /// Sums at `l` and `-l`, squares at `l` and `-l`.
    line: &'a [Vec<f64>; 4],
    products: &'a [f32],
    lags: &'a Lags,
    dy: usize,
    out: &'a mut [f32],
}

/// Lags that are treated at once.
const WIDTH: usize = 16;

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

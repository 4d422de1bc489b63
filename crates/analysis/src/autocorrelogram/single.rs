//! The form for surrogates: single precision, half the lags, and as few transforms as symmetry allows. Legend as in the double-precision form.
//!
//! Two real maps share one complex transform. Both products' transforms are real and even, so `|A|² + i|B|²` is even: half of its columns tell the
//! other half, and half of the rows hold all lags. Where every bin was visited, sums and squares over an overlap are sums over a rectangle, taken from
//! running sums; else they are two more transforms each way.
//!
//! An entry's error is about 3·10⁻⁷ of the products at lag zero. Lags whose overlap varies so little that this would matter
//! ([`TOO_FLAT`]) are summed directly in double precision ([`FlatLags`]); a pair with too many of them is refused, and left to the double-precision form.

use super::Autocorrelator;
use super::flat::FlatLags;
use super::rows::{Lags, Rectangles, Row, WIDTH};
use crate::fft::{Fft2, Fft2Scratch};
use crate::periodicity::HalfWaves;
use crate::simd::{Kernel, widest};
use rustfft::num_complex::Complex32;

/// Least root of the two sides' sums of squared deviations over an overlap, as a share of the map's.
const TOO_FLAT: f32 = 0.005;

/// Autocorrelograms of pairs of maps that share their visited bins.
#[derive(Clone)]
pub(crate) struct SingleAutocorrelator {
    rows: usize,
    cols: usize,
    reach: [usize; 2],
    /// Visited bins: places in a map, and in a padded one. Empty where all were.
    bins: Vec<(u32, u32)>,
    /// How many were visited.
    visited: usize,
    /// Which bins were visited.
    mask: Vec<bool>,
    lags: Lags,
    plan: Fft2<f32>,
    /// As the double-precision form's; `None` where every bin was visited.
    mask_conjugate: Option<Vec<Complex32>>,
    waves: HalfWaves,
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
    flat: FlatLags,
    /// The last pair's autocorrelograms: lags of the half plane `dy ≥ 0`, `(reach_y + 1) x (2 reach_x + 1)`, NaN = undefined.
    pub(crate) result: [Vec<f32>; 2],
    /// Sums of power over rings.
    rings: Vec<[f32; 2]>,
    /// The last pair's scores of the waves, NaN where undefined.
    pub(crate) periodicity: [f64; 2],
}

impl SingleAutocorrelator {
    /// As a plan in double precision. Only lags within `largest` bins of zero need be right; others may be left undefined.
    /// `waves` are of the same plan, or none.
    pub(crate) fn new(double: &Autocorrelator, largest: [f64; 2], waves: HalfWaves) -> Self {
        let (plan, reach) = (Fft2::new(double.plan.rows, double.plan.cols), double.reach);
        let full = double.visited == double.mask.len();
        let seen = double.mask.iter().enumerate().filter(|(_, seen)| **seen);
        let bins = seen.map(|(bin, _)| (bin as u32, (bin / double.cols * plan.cols + bin % double.cols) as u32)).collect();
        Self {
            rows: double.rows,
            cols: double.cols,
            reach,
            bins: if full { Vec::new() } else { bins },
            visited: double.visited,
            mask: double.mask.clone(),
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
            flat: FlatLags::default(),
            result: [vec![f32::NAN; rows * cols], vec![f32::NAN; rows * cols]],
            rings: vec![[0.0; 2]; self.waves.rings()],
            periodicity: [f64::NAN; 2],
        }
    }

    /// Two autocorrelograms at once, of maps of mean 0 and variance 1 over visited bins; the rest is not read. Returns whether they are right: whether
    /// no overlap within the largest radius is too flat for single precision.
    pub(crate) fn pair(&self, a: &[f32], b: &[f32], workspace: &mut SingleWorkspace) -> bool {
        let (wide, tall) = (self.plan.cols, self.plan.rows);
        self.pad(&mut workspace.first, a, b);
        let SingleWorkspace { first, turned, half, sums, squares, scratch, running, rings, .. } = workspace;
        self.plan.forward_into(first, self.rows, turned, scratch);
        if let Some(mask) = &self.mask_conjugate {
            for (sum, (value, mask)) in sums.iter_mut().zip(turned.iter().zip(mask)) {
                *sum = value * mask;
            }
            self.plan.inverse(sums, tall, scratch);
            squares.fill(Complex32::default());
            for &(bin, place) in &self.bins {
                let (a, b) = (a[bin as usize], b[bin as usize]);
                squares[place as usize] = Complex32::new(a * a, b * b);
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
        widest(Power { turned, tall, wide, half });
        if self.waves.rings() > 0 {
            rings.fill([0.0; 2]);
            let squares = widest(Unevenness { half, tall, waves: &self.waves, rings });
            workspace.periodicity = self.waves.scores(rings, squares);
        }
        self.plan.columns_inverse(half, scratch);
        let rows = self.reach[0] + 1;
        // The spectrum is even: row y of column -k is row -y of column k. Some columns at a time, whose rows share lines of the cache.
        for columns in (0..=wide / 2).step_by(TILE) {
            let columns = columns..(columns + TILE).min(wide / 2 + 1);
            for (y, line) in first.chunks_exact_mut(wide).enumerate().take(rows) {
                let opposite = if y == 0 { 0 } else { tall - y };
                for column in columns.clone() {
                    line[column] = half[column * tall + y];
                    if column > 0 {
                        line[wide - column] = half[column * tall + opposite];
                    }
                }
            }
        }
        self.plan.rows_inverse(&mut first[..rows * wide], scratch);
        workspace.flat.clear();
        for dy in 0..rows {
            let SingleWorkspace { first, products, .. } = workspace;
            let (line, reach) = (&first[dy * wide..][..wide], self.reach[1]);
            let in_order = line[wide - reach..].iter().chain(&line[..=reach]);
            let [a, b] = products;
            for ((a, b), value) in a.iter_mut().zip(b).zip(in_order) {
                (*a, *b) = (value.re, value.im);
            }
            self.row(dy, 0, workspace);
            self.row(dy, 1, workspace);
        }
        if workspace.flat.too_many(self.mask.len()) {
            return false;
        }
        let mask = self.mask_conjugate.is_some().then_some(self.mask.as_slice());
        workspace.flat.sum([a, b], self.cols, mask, &mut workspace.result);
        true
    }

    /// Two maps' visited bins in rows of the transform's length, zero elsewhere.
    fn pad(&self, rows: &mut [Complex32], a: &[f32], b: &[f32]) {
        let wide = self.plan.cols;
        if self.mask_conjugate.is_some() {
            rows[..self.rows * wide].fill(Complex32::default());
            for &(bin, place) in &self.bins {
                rows[place as usize] = Complex32::new(a[bin as usize], b[bin as usize]);
            }
            return;
        }
        for ((row, a), b) in rows.chunks_exact_mut(wide).zip(a.chunks_exact(self.cols)).zip(b.chunks_exact(self.cols)) {
            let (seen, rest) = row.split_at_mut(self.cols);
            for ((value, a), b) in seen.iter_mut().zip(a).zip(b) {
                *value = Complex32::new(*a, *b);
            }
            rest.fill(Complex32::default());
        }
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
    fn row(&self, dy: usize, which: usize, workspace: &mut SingleWorkspace) {
        let cols = 2 * self.reach[1] + 1;
        let SingleWorkspace { sums, squares, running, line, products, correlations, flat, result, .. } = workspace;
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
            widest(Rectangles { running: &running[which], rows: self.rows, cols: self.cols, reach, dy, line });
        }
        let flattest = widest(Row { line, products: &products[which], lags: &self.lags, dy, out: correlations });
        let known = &self.lags.blocks[dy];
        let known = known.start * WIDTH..(known.end * WIDTH).min(cols);
        let out = &mut result[which][dy * cols..][..cols];
        out[known.clone()].copy_from_slice(&correlations[known.clone()]);
        let least = TOO_FLAT * self.visited as f32;
        if flattest < least {
            for at in known {
                let lag = dy * self.lags.stride + at;
                let side = |squares: f64, sum: f64| (squares - sum * sum * self.lags.share[lag]).max(0.0) as f32;
                let varies = (side(line[2][at], line[0][at]) * side(line[3][at], line[1][at])).sqrt() + self.lags.ignored[lag];
                if varies < least && self.lags.hidden[lag] == 0.0 {
                    flat.push(which, [dy as isize, at as isize - reach as isize], dy * cols + at, 1.0 / self.lags.share[lag]);
                }
            }
        }
    }
}

/// Columns that are taken along at once.
const TILE: usize = 8;

fn wrap(lag: isize, n: usize) -> usize {
    if lag < 0 { n - lag.unsigned_abs() } else { lag as usize }
}

/// Separates `A + iB` into `|A|² + i|B|²` for half of the columns.
struct Power<'a> {
    turned: &'a [Complex32],
    tall: usize,
    wide: usize,
    half: &'a mut [Complex32],
}

impl Kernel for Power<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let tall = self.tall;
        // A quarter for the means of the two symmetric parts, and the inverse's normalisation.
        let norm = 0.25 / (tall * self.wide) as f32;
        for (column, out) in self.half.chunks_exact_mut(tall).enumerate() {
            let here = &self.turned[column * tall..][..tall];
            let there = &self.turned[(self.wide - column) % self.wide * tall..][..tall];
            for row in 0..tall {
                let (p, q) = (here[row], there[if row == 0 { 0 } else { tall - row }]);
                let (a_re, a_im) = (p.re + q.re, p.im - q.im);
                let (b_re, b_im) = (p.re - q.re, p.im + q.im);
                let (a, b) = ((a_re * a_re + a_im * a_im) * norm, (b_re * b_re + b_im * b_im) * norm);
                out[row] = Complex32::new(a, b);
            }
        }
    }
}

/// Adds both maps' power to their rings' sums, and gives the sums of its squares.
struct Unevenness<'a> {
    half: &'a [Complex32],
    tall: usize,
    waves: &'a HalfWaves,
    rings: &'a mut [[f32; 2]],
}

impl Kernel for Unevenness<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn call(self) -> [f32; 2] {
        let tall = self.tall;
        let HalfWaves { ring, times, .. } = self.waves;
        let mut squares = [[0.0_f32; 8]; 2];
        for ((column, times), ring) in self.half.chunks_exact(tall).zip(times.chunks_exact(tall)).zip(ring.chunks_exact(tall)) {
            for (values, times) in column.chunks(8).zip(times.chunks(8)) {
                for (lane, (value, times)) in values.iter().zip(times).enumerate() {
                    squares[0][lane] += times * value.re * value.re;
                    squares[1][lane] += times * value.im * value.im;
                }
            }
            // Rows y and -y lie in the same ring, and count as often.
            let mut add = |row: usize, re: f32, im: f32| {
                let sums = &mut self.rings[ring[row] as usize];
                *sums = [sums[0] + times[row] * re, sums[1] + times[row] * im];
            };
            add(0, column[0].re, column[0].im);
            for (row, (up, down)) in column[1..].iter().zip(column[1..].iter().rev()).take(tall.div_ceil(2) - 1).enumerate() {
                add(row + 1, up.re + down.re, up.im + down.im);
            }
            // Of an even number of rows one more is its own opposite.
            if tall.is_multiple_of(2) {
                add(tall / 2, column[tall / 2].re, column[tall / 2].im);
            }
        }
        squares.map(|lanes| lanes.iter().sum())
    }
}

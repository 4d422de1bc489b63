//! Sums over the visited bins from which plane waves are fitted without their columns.
//!
//! Least squares on waves `e^{iθ_j}`, `θ_j = 2π k_j · x`, needs products of columns only, and a product of two waves is a wave: of the sum or the difference of
//! their wave vectors. So with `m` the visited mask and `y` the map, all that is needed are
//!
//! ```text
//! W(k) = Σ_x m(x) w(x) e^{2πi k·x},   Y(k) = Σ_x y(x) w(x) e^{2πi k·x},   w ∈ {1, x, y, x², xy, y²}
//! ```
//!
//! at the few points `p k₁ + q k₂` that the orders' sums and differences reach. Waves factor, `e^{2πi k·x} = e^{2πi k_x x} e^{2πi k_y y}`, so `Y` is a product of the
//! map with one short table per axis, and `W` is two sums over one axis each where every bin was visited. A step of the fit then takes some tens of operations a bin
//! instead of some thousand. The columns themselves, which this is tested against, are in [`super::fit`].

use super::fit::Grid;
use crate::lattice::Wave;
use crate::linear::dot;
use crate::simd::{Kernel, widest};
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Weights 1, x, y, x², xy, y², as powers of x and y. The first needs degree 0, the first three degree 1.
const WEIGHTS: [(usize, usize); 6] = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)];
/// Which of them are x times x, x times y and so on.
pub(super) const SQUARES: [[usize; 2]; 2] = [[3, 4], [4, 5]];

/// How many weights are of at most this degree.
fn weights(degree: usize) -> usize {
    [1, 3, 6][degree]
}

/// Sums of a wave, by weight; the first [`weights`] count.
type Sums = [Complex64; 6];

/// Powers of the two waves' factors along one axis, at its bins.
struct Axis {
    /// `(exponent, bin)`: exponents 0 … of k₁, then of k₂.
    first: Vec<Vec<Complex64>>,
    second: Vec<Vec<Complex64>>,
}

impl Axis {
    fn new(k: [f64; 2], at: &[f64], points: &[(i8, i8)]) -> Self {
        let powers = |k: f64, most: usize| {
            let mut one = vec![Complex64::default(); at.len()];
            for (index, x) in at.iter().enumerate().rev() {
                // Bins lie evenly about zero.
                let mirrored = at.len() - 1 - index;
                one[index] = if mirrored > index && at[mirrored] == -x { one[mirrored].conj() } else { Complex64::cis(TAU * k * x) };
            }
            let mut all = vec![vec![Complex64::new(1.0, 0.0); at.len()]];
            for exponent in 0..most {
                all.push(all[exponent].iter().zip(&one).map(|(power, one)| power * one).collect());
            }
            all
        };
        let most = |of: &dyn Fn(&(i8, i8)) -> i8| points.iter().map(|point| usize::from(of(point).unsigned_abs())).max().unwrap_or(0);
        Self { first: powers(k[0], most(&|point| point.0)), second: powers(k[1], most(&|point| point.1)) }
    }

    /// The wave's factor at every bin.
    fn wave(&self, (p, q): (i8, i8)) -> impl Iterator<Item = Complex64> + '_ {
        let (first, second) = (&self.first[usize::from(p.unsigned_abs())], &self.second[usize::from(q.unsigned_abs())]);
        first.iter().zip(second).map(move |(a, b)| (if p < 0 { a.conj() } else { *a }) * (if q < 0 { b.conj() } else { *b }))
    }
}

/// Sums of a flat map (row-major, zero where unvisited) at `points`.
fn sums_of_map(grid: &Grid, map: &[f64], k: [Wave; 2], points: &[(i8, i8)], degree: usize) -> Vec<Sums> {
    let [x, y] = axes(grid, k, points);
    let (rows, cols) = (grid.y_m.len(), grid.x_m.len());
    // Per bin of a row and point: real and imaginary part, times each power of x.
    let powers = degree + 1;
    let width = (2 * powers * points.len()).next_multiple_of(LANES);
    let mut table = vec![0.0; cols * width];
    for (point, &order) in points.iter().enumerate() {
        for (col, wave) in x.wave(order).enumerate() {
            let mut weight = 1.0;
            for power in 0..powers {
                let at = col * width + 2 * (point * powers + power);
                (table[at], table[at + 1]) = (weight * wave.re, weight * wave.im);
                weight *= grid.x_m[col];
            }
        }
    }
    let mut along_rows = vec![0.0; rows * width];
    widest(Project { map, cols, table: &table, width, out: &mut along_rows });
    let mut found = vec![[Complex64::default(); 6]; points.len()];
    for (point, (sums, &order)) in found.iter_mut().zip(points).enumerate() {
        for (row, wave) in y.wave(order).enumerate() {
            let of_row = &along_rows[row * width + 2 * point * powers..][..2 * powers];
            let y_m = grid.y_m[row];
            let factors = [wave, wave * y_m, wave * y_m * y_m];
            for (sum, (px, py)) in sums.iter_mut().zip(WEIGHTS).take(weights(degree)) {
                *sum += factors[py] * Complex64::new(of_row[2 * px], of_row[2 * px + 1]);
            }
        }
    }
    found
}

/// Sums of a mask that has every bin: products of one sum along each axis. Those are real for even powers and imaginary for odd ones, as positions are centred.
fn sums_of_rectangle(grid: &Grid, k: [Wave; 2], points: &[(i8, i8)], degree: usize) -> Vec<Sums> {
    let [x, y] = axes(grid, k, points);
    let along = |axis: &Axis, at: &[f64], order: (i8, i8)| -> [Complex64; 3] {
        let mut sums = [0.0; 3];
        for (wave, at) in axis.wave(order).zip(at) {
            sums[0] += wave.re;
            sums[1] += wave.im * at;
            sums[2] += wave.re * at * at;
        }
        [Complex64::new(sums[0], 0.0), Complex64::new(0.0, sums[1]), Complex64::new(sums[2], 0.0)]
    };
    let of_point = |&order: &(i8, i8)| {
        let (x, y) = (along(&x, &grid.x_m, order), along(&y, &grid.y_m, order));
        let mut sums = [Complex64::default(); 6];
        for (sum, (px, py)) in sums.iter_mut().zip(WEIGHTS).take(weights(degree)) {
            *sum = x[px] * y[py];
        }
        sums
    };
    points.iter().map(of_point).collect()
}

fn axes(grid: &Grid, k: [Wave; 2], points: &[(i8, i8)]) -> [Axis; 2] {
    [Axis::new([k[0][0], k[1][0]], &grid.x_m, points), Axis::new([k[0][1], k[1][1]], &grid.y_m, points)]
}

/// Numbers that are summed at once.
const LANES: usize = 16;

/// Every row of a map times a table of `cols x width`.
struct Project<'a> {
    map: &'a [f64],
    cols: usize,
    table: &'a [f64],
    width: usize,
    out: &'a mut [f64],
}

impl Kernel for Project<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (line, out) in self.map.chunks_exact(self.cols).zip(self.out.chunks_exact_mut(self.width)) {
            for (block, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let mut sums = [0.0; LANES];
                for (value, table) in line.iter().zip(self.table.chunks_exact(self.width)) {
                    let table = &table.as_chunks::<LANES>().0[block];
                    for lane in 0..LANES {
                        sums[lane] += value * table[lane];
                    }
                }
                *out = sums;
            }
        }
    }
}

/// Where the sums and differences of the orders lie among the points that are summed at.
pub(super) struct Points {
    orders: Vec<(i8, i8)>,
    summed: Vec<(i8, i8)>,
    /// Per pair `i ≥ j` of orders, 0 standing for the constant: the point of their difference and of their sum, and whether each is the opposite one.
    pairs: Vec<[(usize, bool); 2]>,
}

impl Points {
    pub(super) fn new(orders: &[(i8, i8)]) -> Self {
        let with_constant: Vec<(i8, i8)> = std::iter::once((0, 0)).chain(orders.iter().copied()).collect();
        let mut points: Vec<(i8, i8)> = Vec::new();
        let mut place = |point: (i8, i8)| {
            let opposite = point < (0, 0);
            let point = if opposite { (-point.0, -point.1) } else { point };
            let at = points.iter().position(|other| *other == point).unwrap_or_else(|| {
                points.push(point);
                points.len() - 1
            });
            (at, opposite)
        };
        let mut pairs = Vec::new();
        for (i, a) in with_constant.iter().enumerate() {
            for b in &with_constant[..=i] {
                pairs.push([place((a.0 - b.0, a.1 - b.1)), place((a.0 + b.0, a.1 + b.1))]);
            }
        }
        Self { orders: orders.to_vec(), summed: points, pairs }
    }
}

/// The map that waves are fitted to.
pub(super) struct Moments<'a> {
    grid: &'a Grid,
    /// Flat map with zeros where unvisited.
    map: Vec<f64>,
    /// Sum of squares.
    pub(super) square: f64,
}

/// All sums at one pair of waves. Columns are the constant, then cosine and sine of every order's wave.
pub(super) struct Products<'a> {
    points: &'a Points,
    mask: Vec<Sums>,
    map: Vec<Sums>,
    constant: Sums,
}

impl<'a> Moments<'a> {
    /// Of one value per visited bin.
    pub(super) fn new(grid: &'a Grid, values: &[f64]) -> Self {
        let mut map = vec![0.0; grid.x_m.len() * grid.y_m.len()];
        for (&(index, _, _), &value) in grid.bins.iter().zip(values) {
            map[index] = value;
        }
        Self { grid, map, square: dot(values, values) }
    }

    pub(super) fn grid(&self) -> &Grid {
        self.grid
    }

    /// Sums at these waves: with the derivatives by k (`slopes`), or without.
    pub(super) fn products<'p>(&self, k: [Wave; 2], points: &'p Points, slopes: bool) -> Products<'p> {
        let [of_mask, of_map] = if slopes { [2, 1] } else { [0, 0] };
        let mask = match &self.grid.mask {
            None => sums_of_rectangle(self.grid, k, &points.summed, of_mask),
            Some(mask) => sums_of_map(self.grid, mask, k, &points.summed, of_mask),
        };
        let constant: &[(i8, i8)] = &[(0, 0)];
        let wanted: Vec<(i8, i8)> = constant.iter().chain(&points.orders).copied().collect();
        let mut map = sums_of_map(self.grid, &self.map, k, &wanted, of_map);
        let constant = map.remove(0);
        Products { points, mask, map, constant }
    }
}

impl Products<'_> {
    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        1 + 2 * self.points.orders.len()
    }

    /// Products of all columns with each other and weight number `weight`, row-major.
    pub(super) fn gram(&self, weight: usize) -> Vec<f64> {
        let n = self.columns();
        let mut matrix = vec![0.0; n * n];
        let read = |(point, opposite): (usize, bool)| {
            let sum = self.mask[point][weight];
            if opposite { sum.conj() } else { sum }
        };
        let mut pairs = self.points.pairs.iter();
        for i in 0..=self.points.orders.len() {
            for (j, &[difference, sum]) in pairs.by_ref().take(i + 1).enumerate() {
                let (d, s) = (read(difference), read(sum));
                // The constant has a cosine only.
                let (cos_i, cos_j) = (if i == 0 { 0 } else { 2 * i - 1 }, if j == 0 { 0 } else { 2 * j - 1 });
                let mut put = |row: usize, col: usize, value: f64| {
                    matrix[row * n + col] = value;
                    matrix[col * n + row] = value;
                };
                put(cos_i, cos_j, 0.5 * (d.re + s.re));
                if i > 0 {
                    put(cos_i + 1, cos_j, 0.5 * (s.im + d.im));
                }
                if j > 0 {
                    put(cos_i, cos_j + 1, 0.5 * (s.im - d.im));
                    put(cos_i + 1, cos_j + 1, 0.5 * (d.re - s.re));
                }
            }
        }
        matrix
    }

    /// Products of all columns with the map and weight number `weight`.
    pub(super) fn right(&self, weight: usize) -> Vec<f64> {
        let waves = self.map.iter().flat_map(|sums| [sums[weight].re, sums[weight].im]);
        std::iter::once(self.constant[weight].re).chain(waves).collect()
    }

    /// Coefficients, over the columns, of the fitted map's derivative by the phases of k₁ or k₂ (`which`): a slope is that times x or y.
    pub(super) fn slope(&self, coefficients: &[f64], which: usize) -> Vec<f64> {
        let mut slope = vec![0.0; self.columns()];
        for (index, &(m, n)) in self.points.orders.iter().enumerate() {
            let factor = TAU * f64::from([m, n][which]);
            slope[1 + 2 * index] = factor * coefficients[2 + 2 * index];
            slope[2 + 2 * index] = -factor * coefficients[1 + 2 * index];
        }
        slope
    }
}

/// `matrix * vector`.
pub(super) fn times(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(vector.len().max(1)).map(|row| dot(row, vector)).collect()
}

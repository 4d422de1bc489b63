//! The FFT form. Legend: `m` visited mask, `a` map with zeros where unvisited, capitals their transforms, `l` lag.
//!
//! With `c[f, g](l) = Σ_x f(x) g(x + l)`: overlap `c[m, m]`, products `c[a, a]`, sums `c[a, m]` and `c[m, a](l) = c[a, m](-l)`, squares
//! `c[a², m]` and its mirror. All are real, so two maps share every complex transform: five 2-D FFTs per two maps.

use super::{CONSTANT, ROUNDING};
use crate::fft::{Fft2, Fft2Scratch, fast_size};
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;

/// The autocorrelogram of maps that share their visited bins; see the module for the definition.
#[derive(Clone)]
pub struct Autocorrelator {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) reach: [usize; 2],
    pub(super) mask: Vec<bool>,
    pub(super) visited: usize,
    pub(super) plan: Fft2,
    /// Conjugate transform of the mask over the plan's length (the inverse's normalisation included).
    pub(super) mask_conjugate: Vec<Complex64>,
    /// Overlap per lag, in the layout of the result.
    pub(super) overlap: Vec<f64>,
    pub(super) min_overlap: f64,
}

/// Buffers of one thread.
pub(crate) struct Workspace {
    first: Vec<Complex64>,
    second: Vec<Complex64>,
    third: Vec<Complex64>,
    scratch: Fft2Scratch,
    /// `|A|²` of the last pair's two maps, each standardised, in the plan's transposed layout.
    pub(crate) power: [Vec<f64>; 2],
    /// Autocorrelograms of the last pair.
    pub(crate) result: [Vec<f64>; 2],
}

impl Autocorrelator {
    /// Plans for maps of `visited`'s shape, `(ny, nx)`; lags need `min_overlap` bins.
    pub fn new(visited: &Array2<bool>, min_overlap: usize) -> Self {
        let (rows, cols) = visited.dim();
        Self::within(visited, min_overlap, [rows.saturating_sub(1), cols.saturating_sub(1)])
    }

    /// As [`Self::new`], with lags only up to `reach` bins along (y, x).
    pub(crate) fn within(visited: &Array2<bool>, min_overlap: usize, reach: [usize; 2]) -> Self {
        let (rows, cols) = visited.dim();
        let reach = [reach[0].min(rows.saturating_sub(1)), reach[1].min(cols.saturating_sub(1))];
        let plan = Fft2::new(fast_size(rows + reach[0]), fast_size(cols + reach[1]));
        let mask: Vec<bool> = visited.iter().copied().collect();
        let mut transform = vec![Complex64::default(); plan.len()];
        for (index, &seen) in mask.iter().enumerate() {
            if seen {
                transform[index / cols * plan.cols + index % cols] = Complex64::new(1.0, 0.0);
            }
        }
        let mut scratch = plan.scratch();
        plan.forward(&mut transform, rows, &mut scratch);
        let norm = 1.0 / plan.len() as f64;
        let mut counts: Vec<Complex64> = transform.iter().map(|v| Complex64::new(v.norm_sqr() * norm, 0.0)).collect();
        plan.inverse(&mut counts, plan.rows, &mut scratch);
        let mask_conjugate = transform.iter().map(|v| v.conj() * norm).collect();
        let mut made = Self {
            rows,
            cols,
            reach,
            visited: mask.iter().filter(|&&seen| seen).count(),
            mask,
            plan,
            mask_conjugate,
            overlap: Vec::new(),
            min_overlap: min_overlap as f64,
        };
        made.overlap = made.lags().map(|(plus, _)| counts[plus].re.round()).collect();
        made
    }

    /// Lags per axis of a result, `(2 reach_y + 1, 2 reach_x + 1)`.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (2 * self.reach[0] + 1, 2 * self.reach[1] + 1)
    }

    /// The transform's size, `(rows, columns)`.
    pub(crate) fn padded(&self) -> &Fft2 {
        &self.plan
    }

    pub(crate) fn workspace(&self) -> Workspace {
        let zeros = || vec![Complex64::default(); self.plan.len()];
        let lags = self.shape().0 * self.shape().1;
        Workspace {
            first: zeros(),
            second: zeros(),
            third: zeros(),
            scratch: self.plan.scratch(),
            power: [vec![0.0; self.plan.len()], vec![0.0; self.plan.len()]],
            result: [vec![f64::NAN; lags], vec![f64::NAN; lags]],
        }
    }

    /// The autocorrelogram of one map. Bins outside the visited mask are not read.
    ///
    /// # Panics
    /// Where `map` has another shape than the mask.
    pub fn map(&self, map: ArrayView2<'_, f64>) -> Array2<f64> {
        assert_eq!(map.dim(), (self.rows, self.cols), "the map has the mask's shape");
        let flat: Vec<f64> = map.iter().copied().collect();
        let mut workspace = self.workspace();
        self.pair(&flat, &flat, &mut workspace);
        let [result, _] = workspace.result;
        let shape = self.shape();
        Array2::from_shape_fn(shape, |(i, j)| result[i * shape.1 + j])
    }

    /// Two autocorrelograms at once, left in `workspace.result` together with the maps' power spectra.
    pub(crate) fn pair(&self, a: &[f64], b: &[f64], workspace: &mut Workspace) {
        let Workspace { first, second, third, scratch, power, result } = workspace;
        let (a_stats, b_stats) = (self.standard(a), self.standard(b));
        first.fill(Complex64::default());
        second.fill(Complex64::default());
        for (index, _) in self.mask.iter().enumerate().filter(|(_, seen)| **seen) {
            let value = Complex64::new(a_stats.apply(a[index]), b_stats.apply(b[index]));
            let at = index / self.cols * self.plan.cols + index % self.cols;
            first[at] = value;
            second[at] = Complex64::new(value.re * value.re, value.im * value.im);
        }
        self.plan.forward(first, self.rows, scratch);
        self.plan.forward(second, self.rows, scratch);
        // first = A + iB. Products need |A|² and |B|², which the symmetry of real signals separates.
        let norm = 1.0 / self.plan.len() as f64;
        for index in 0..first.len() {
            let (here, there) = (first[index], first[self.plan.opposite(index)].conj());
            let (of_a, of_b) = ((here + there) * 0.5, (here - there) * 0.5);
            power[0][index] = of_a.norm_sqr();
            power[1][index] = of_b.norm_sqr();
            third[index] = Complex64::new(power[0][index] * norm, power[1][index] * norm);
        }
        for ((sum, square), mask) in first.iter_mut().zip(second.iter_mut()).zip(&self.mask_conjugate) {
            *sum *= mask;
            *square *= mask;
        }
        for buffer in [&mut *first, &mut *second, &mut *third] {
            self.plan.inverse(buffer, self.plan.rows, scratch);
        }
        for (lag, (plus, minus)) in self.lags().enumerate() {
            let n = self.overlap[lag];
            let pick = |buffer: &[Complex64]| [(buffer[plus].re, buffer[minus].re), (buffer[plus].im, buffer[minus].im)];
            let (products, sums, squares) = (pick(third), pick(first), pick(second));
            for which in 0..2 {
                let stats = if which == 0 { &a_stats } else { &b_stats };
                result[which][lag] = if n < self.min_overlap || n < 1.0 || !stats.varies {
                    f64::NAN
                } else {
                    pearson(n, products[which].0, sums[which], squares[which])
                };
            }
        }
    }

    /// Where each lag of the result, and its opposite, lie in the plan's buffer.
    ///
    /// The inverse of `F · conj(G)` holds `Σ_x f(x + l) g(x)` at `l`, which is `c[g, f](l)`.
    fn lags(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let wrap = |lag: isize, n: usize| if lag < 0 { n - lag.unsigned_abs() } else { lag as usize };
        let (ry, rx) = (self.reach[0] as isize, self.reach[1] as isize);
        (-ry..=ry).flat_map(move |dy| {
            (-rx..=rx).map(move |dx| {
                let at = |dy, dx| wrap(dy, self.plan.rows) * self.plan.cols + wrap(dx, self.plan.cols);
                (at(dy, dx), at(-dy, -dx))
            })
        })
    }

    /// Mean and spread over visited bins, so that sums of squares neither cancel nor overflow.
    fn standard(&self, map: &[f64]) -> Standard {
        let values = || map.iter().zip(&self.mask).filter(|(_, seen)| **seen).map(|(value, _)| *value);
        let largest = values().fold(0.0_f64, |m, v| m.max(v.abs()));
        if self.visited == 0 || largest == 0.0 || !largest.is_finite() {
            return Standard { largest: 1.0, mean: 0.0, deviation: 1.0, varies: false };
        }
        let mean = values().map(|v| v / largest).sum::<f64>() / self.visited as f64;
        let variance = values().map(|v| (v / largest - mean).powi(2)).sum::<f64>() / self.visited as f64;
        let varies = variance > ROUNDING;
        Standard { largest, mean, deviation: if varies { variance.sqrt() } else { 1.0 }, varies }
    }
}

struct Standard {
    largest: f64,
    mean: f64,
    deviation: f64,
    varies: bool,
}

impl Standard {
    fn apply(&self, value: f64) -> f64 {
        if self.varies { (value / self.largest - self.mean) / self.deviation } else { 0.0 }
    }
}

/// Pearson's r from sums over the overlap of a map of unit variance; NaN where one side is constant.
pub(super) fn pearson(n: f64, products: f64, sums: (f64, f64), squares: (f64, f64)) -> f64 {
    let (mean_a, mean_b) = (sums.0 / n, sums.1 / n);
    let var_a = squares.0 / n - mean_a * mean_a;
    let var_b = squares.1 / n - mean_b * mean_b;
    if var_a <= CONSTANT || var_b <= CONSTANT {
        return f64::NAN;
    }
    ((products / n - mean_a * mean_b) / (var_a * var_b).sqrt()).clamp(-1.0, 1.0)
}

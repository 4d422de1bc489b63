//! Phases of a module's units: where in the unit cell each fires.
//!
//! **Definition.** The paper's (§6.3) is `φᵃ = arg Σ_x e^{i kᵃ·x} r(x)`, a = 1, 2, 3, for the module's waves kᵃ (here cycles per metre: `e^{2πi kᵃ·x}`). For
//! `r = A cos(2π k·x - φ)` on a whole number of waves that is φ. On a box that holds no whole number of waves, and where bins are missing, the sum mixes the
//! waves, the mean, and each wave with its own mirror image. So phases are the *least-squares* ones over visited bins of
//!
//! ```text
//! r(x) = c + Σ_a A_a cos(2π kᵃ·x - φᵃ) + harmonics,    A_a ≥ 0
//! ```
//!
//! with the waves' combinations of order √3 and 2 (k₁-k₂, …, 2k₁, …) as far as the bins resolve them, because narrow fields have strong harmonics and these leak as
//! well. On whole waves without holes both definitions are the same number ([`paper_sum`] is the sum, tests hold them together).
//! Origin: the middle of the box. Order: k₁, k₂, k₃ of the module.
//!
//! **The identity.** `φ¹ + φ² + φ³ = 0 mod 2π` is *not* true of every map: k₁ + k₂ + k₃ = 0 makes the sum independent of where the map lies (the phase of its
//! bispectrum), and it is 0 exactly if the three waves peak together at one point: translates of maps whose three Fourier coefficients are
//! positive. Peaks on a hexagonal lattice have that; holes on one have π; a lattice with two unlike fields per cell has anything; a square
//! lattice has no third wave to speak of, and an uncertain φ³. `identity_error_rad` is the sum in (-π, π], beside the phases' standard errors.
//!
//! **Position.** Phases adjusted by the least weighted change that makes the identity hold (weights A²) belong to one point of the unit cell:
//! `x₀ = (φ¹ a₁ + φ² a₂)/2π` with the direct vectors `aᵢ·kⱼ = δᵢⱼ`.

pub mod uniformity;

use crate::lattice::{Wave, cross};
use crate::linear::{dot, gram, solve_symmetric};
use crate::spectrum::fit::{Grid, SINGLE_WITH_HARMONICS, WITH_HARMONICS};
use ndarray::{Array2, ArrayView2};
use rustfft::num_complex::Complex64;
use std::f64::consts::{PI, TAU};

pub use uniformity::{Uniformity, uniformity};

/// Relative ridge of the normal equations, as in the spectrum's fit.
const RIDGE: f64 = 1e-9;

/// One unit's phases.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitPhases {
    /// φ¹, φ², φ³ in [0, 2π); a band has NaN beyond φ¹.
    pub phases_rad: [f64; 3],
    /// Their standard errors for residuals that are independent between bins (a lower bound), rad.
    pub se_rad: [f64; 3],
    /// Amplitudes A of the three waves, in the map's unit.
    pub amplitudes: [f64; 3],
    /// φ¹ + φ² + φ³ in (-π, π]; NaN for a band.
    pub identity_error_rad: f64,
    /// Place in the unit cell: shares of the direct vectors a₁, a₂, in [0, 1); a band's: share of its wavelength, and NaN.
    pub cell: [f64; 2],
    /// Of the points of the lattice `x₀`, the one nearest the middle of the box, metres; a band's: along its wave, nearest the middle.
    pub position_m: [f64; 2],
    /// Share of the map's variance that the fit explains (0 to 1).
    pub explained: f64,
    /// Why all of the above is NaN; `None` where it is not.
    pub reason: Option<&'static str>,
}

impl UnitPhases {
    fn undefined(reason: &'static str) -> Self {
        Self {
            phases_rad: [f64::NAN; 3],
            se_rad: [f64::NAN; 3],
            amplitudes: [f64::NAN; 3],
            identity_error_rad: f64::NAN,
            cell: [f64::NAN; 2],
            position_m: [f64::NAN; 2],
            explained: f64::NAN,
            reason: Some(reason),
        }
    }
}

/// The fit for all units of one module in one arena.
pub struct PhasePlan {
    grid: Grid,
    shape: (usize, usize),
    waves: [Wave; 3],
    band: bool,
    columns: Vec<Vec<f64>>,
    gram: Vec<f64>,
    /// Per wave: variance of the cosine's and the sine's amplitude and their covariance, over the residual's variance.
    variances: Vec<[f64; 3]>,
}

impl PhasePlan {
    /// For maps with these visited bins, `(ny, nx)`, of a box of `width_m` by `height_m` metres, and the module's waves (NaN beyond the first: a band).
    ///
    /// # Errors
    /// Why there are no phases with these waves.
    pub fn new(visited: &Array2<bool>, width_m: f64, height_m: f64, waves: &[Wave; 3]) -> Result<Self, &'static str> {
        let band = !waves[1][0].is_finite();
        if !waves[0].iter().all(|k| k.is_finite()) {
            return Err("the module has no waves in this arena");
        }
        let grid = Grid::new(visited, width_m, height_m);
        let k = if band { [waves[0], [0.0; 2]] } else { [waves[0], waves[1]] };
        let orders = grid.resolvable(k, if band { &SINGLE_WITH_HARMONICS } else { &WITH_HARMONICS });
        let main = if band { 1 } else { 3 };
        if orders.len() < main || (!band && orders[..3] != WITH_HARMONICS[..3]) {
            return Err("the bins do not resolve the waves");
        }
        let columns = grid.design(k, &orders);
        if grid.bins.len() < 2 * columns.len() {
            return Err("too few bins were visited to fit waves");
        }
        let gram = gram(&columns);
        let n = columns.len();
        let unit = |i: usize| {
            let right: Vec<f64> = (0..n).map(|j| f64::from(u8::from(i == j))).collect();
            solve_symmetric(&gram, &right, RIDGE).ok_or("the visited bins do not tell the waves apart")
        };
        let mut variances = Vec::with_capacity(main);
        for wave in 0..main {
            let (cosine, sine) = (unit(1 + 2 * wave)?, unit(2 + 2 * wave)?);
            variances.push([cosine[1 + 2 * wave], sine[2 + 2 * wave], cosine[2 + 2 * wave]]);
        }
        Ok(Self { grid, shape: visited.dim(), waves: *waves, band, columns, gram, variances })
    }

    /// One unit's phases; unvisited bins are not read.
    ///
    /// # Panics
    /// Where `map` has another shape than the mask.
    pub fn unit(&self, map: ArrayView2<'_, f64>) -> UnitPhases {
        assert_eq!(map.dim(), self.shape, "the map has the mask's shape");
        let mut values: Vec<f64> = self.grid.bins.iter().map(|&(_, row, col)| map[[row, col]]).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        if !mean.is_finite() {
            return UnitPhases::undefined("the map holds values that are not finite");
        }
        for v in &mut values {
            *v -= mean;
        }
        let total = dot(&values, &values);
        if total <= 1e-24 * mean * mean * count {
            return UnitPhases::undefined("the map is constant");
        }
        let right: Vec<f64> = self.columns.iter().map(|column| dot(column, &values)).collect();
        let Some(c) = solve_symmetric(&self.gram, &right, RIDGE) else {
            return UnitPhases::undefined("the visited bins do not tell the waves apart");
        };
        let rss = (total - dot(&c, &right)).max(0.0);
        let noise = rss / (count - self.columns.len() as f64);
        let mut found = UnitPhases { explained: 1.0 - rss / total, reason: None, ..UnitPhases::undefined("") };
        for (wave, [aa, bb, ab]) in self.variances.iter().enumerate() {
            let (a, b) = (c[1 + 2 * wave], c[2 + 2 * wave]);
            let square = a * a + b * b;
            found.amplitudes[wave] = square.sqrt();
            found.phases_rad[wave] = turn(b.atan2(a));
            found.se_rad[wave] = (noise * (b * b * aa + a * a * bb - 2.0 * a * b * ab).max(0.0)).sqrt() / square;
        }
        self.place(&mut found);
        found
    }

    fn place(&self, found: &mut UnitPhases) {
        let k1 = self.waves[0];
        if self.band {
            let share = found.phases_rad[0] / TAU;
            let near = share - share.round();
            found.cell = [share, f64::NAN];
            let square = k1[0] * k1[0] + k1[1] * k1[1];
            found.position_m = [near * k1[0] / square, near * k1[1] / square];
            return;
        }
        let error = PI - (PI - found.phases_rad.iter().sum::<f64>()).rem_euclid(TAU);
        found.identity_error_rad = error;
        let doubt = found.amplitudes.map(|a| 1.0 / (a * a).max(f64::MIN_POSITIVE));
        let all: f64 = doubt.iter().sum();
        let adjusted = |wave: usize| turn(found.phases_rad[wave] - error * (doubt[wave] / all)) / TAU;
        let (u, v) = (adjusted(0), adjusted(1));
        found.cell = [u, v];
        let k2 = self.waves[1];
        let area = cross(k1, k2);
        let (a1, a2) = ([k2[1] / area, -k2[0] / area], [-k1[1] / area, k1[0] / area]);
        let mut least = f64::INFINITY;
        for m in -2..=1 {
            for n in -2..=1 {
                let (s, t) = (u + f64::from(m), v + f64::from(n));
                let point = [s * a1[0] + t * a2[0], s * a1[1] + t * a2[1]];
                let away = point[0].hypot(point[1]);
                if away < least {
                    (least, found.position_m) = (away, point);
                }
            }
        }
    }
}

/// An angle in [0, 2π).
fn turn(angle: f64) -> f64 {
    let angle = angle.rem_euclid(TAU);
    if angle >= TAU { 0.0 } else { angle }
}

/// The paper's sum: `arg Σ e^{2πi k·x} (r(x) - mean r)` over visited (not NaN) bins, in [0, 2π); biased where the bins hold no whole number of waves.
pub fn paper_sum(map: ArrayView2<'_, f64>, width_m: f64, height_m: f64, k: Wave) -> f64 {
    let (rows, cols) = map.dim();
    let seen = || map.indexed_iter().filter(|(_, rate)| !rate.is_nan());
    let (sum, count) = seen().fold((0.0, 0.0), |(sum, n), (_, rate)| (sum + rate, n + 1.0));
    let centred = |i: usize, n: usize, side: f64| ((i as f64 + 0.5) / n as f64 - 0.5) * side;
    let total: Complex64 = seen()
        .map(|((row, col), rate)| {
            Complex64::cis(TAU * (k[0] * centred(col, cols, width_m) + k[1] * centred(row, rows, height_m))) * (rate - sum / count)
        })
        .sum();
    turn(total.arg())
}

#[cfg(test)]
mod tests;

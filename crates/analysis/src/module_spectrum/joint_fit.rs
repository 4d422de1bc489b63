//! Wave vectors of a module: one pair (k₁, k₂) for all its maps, amplitudes for each unit.
//!
//! ```text
//! minimise Σ_i ‖r_i - X(k) c_i‖² / ‖r_i‖²     over k = (k₁, k₂) and every c_i;   k₃ = -k₁ - k₂
//! ```
//!
//! X: a constant, cosines and sines of the three waves and of their combinations of order √3 and 2 (a band: one wave, and of order 2 and 3), over the
//! visited bins, as in [`crate::spectrum`]. Every unit has variance 1, so rates do not weigh. Amplitudes are eliminated (variable projection, Golub &
//! Pereyra 1973; Kaufman's form): with J_i the map's derivative by k, and M = 1 - X X⁺,
//!
//! ```text
//! step = H⁻¹ g,    H = Σ_i J_iᵀ M J_i,    g = Σ_i J_iᵀ e_i,    e_i = M r_i
//! ```
//!
//! so a pass over the maps is a Gauss-Newton step, and no map is kept. The mean of the units' own fits starts it a percent away; three passes are usual.
//!
//! **Standard errors.** Residuals of neighbouring bins are alike (harmonics beyond order 2, smooth noise), those of different units are independent given the
//! lattice: `Cov = n/(n-1) H⁻¹ (Σ_i g_i g_iᵀ) H⁻¹`, with units as the clusters (Liang & Zeger 1986), and at least `σ² H⁻¹`, which supposes
//! independent bins and alone stands for a single unit. It includes how much units' own lattices differ.

use crate::lattice::{Wave, cross, dot as wave_dot, norm, superbase};
use crate::linear::{dot, gram, solve_symmetric};
use crate::spectrum::fit::{Grid, SINGLE_WITH_HARMONICS, WITH_HARMONICS};
use ndarray::{Array2, ArrayView2};

const RIDGE: f64 = 1e-9;
/// Passes over the maps, at most.
const PASSES: usize = 8;
/// A step this share of the box's resolution ends the fit.
const CLOSE: f64 = 1e-5;

/// The waves that a module's maps share.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedWaves {
    /// k₁, k₂, k₃ in cycles per metre, in [`superbase`]'s order; a band has NaN beyond k₁.
    pub waves: [Wave; 3],
    /// Standard errors of their components, cycles per metre.
    pub se: [Wave; 3],
    /// Standard error of the period, metres.
    pub period_se_m: f64,
    /// Share of the maps' variance explained, mean over units (0 to 1).
    pub explained: f64,
    /// Units fitted.
    pub units: usize,
    /// Units whose map is constant or not finite.
    pub left_out: usize,
    /// Passes over the maps.
    pub passes: usize,
    /// Whether the last step was below 10⁻⁵ of the box's resolution.
    pub converged: bool,
}

/// What reads a module's maps: calls what it is given with every member's map, in the same order each time.
pub type EachMap<'a> = &'a mut dyn FnMut(&mut dyn FnMut(ArrayView2<'_, f64>));

/// Why there are no shared waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoJointFit {
    /// The start has no waves.
    #[error("the module has no waves in this arena")]
    NoStart,
    /// Too few bins, or a mask with which the waves cannot be told apart.
    #[error("the visited bins do not tell the waves apart")]
    Bins,
    /// No map varies.
    #[error("no unit of the module varies in this arena")]
    NoUnits,
}

/// The joint fit for maps that share their visited bins.
pub struct JointFit {
    grid: Grid,
    shape: (usize, usize),
    side_m: f64,
}

/// What a pass over the maps adds up.
struct Pass {
    free: usize,
    normal: Vec<f64>,
    gradient: Vec<f64>,
    outer: Vec<f64>,
    rss: f64,
    units: usize,
    left_out: usize,
}

impl JointFit {
    /// For maps with these visited bins, `(ny, nx)`, of a box of `width_m` by `height_m` metres.
    pub fn new(visited: &Array2<bool>, width_m: f64, height_m: f64) -> Self {
        Self { grid: Grid::new(visited, width_m, height_m), shape: visited.dim(), side_m: width_m.max(height_m) }
    }

    /// Refines `start` (a band: NaN beyond k₁). `each_map` is called once per pass and calls what it is given with every member's map, in the same order each time:
    /// read them in portions of any size.
    ///
    /// # Errors
    /// [`NoJointFit`].
    ///
    /// # Panics
    /// Where a map has another shape than the mask.
    pub fn refine(&self, start: &[Wave; 3], each_map: EachMap<'_>) -> Result<SharedWaves, NoJointFit> {
        let band = !start[1][0].is_finite();
        if !start[0].iter().all(|v| v.is_finite()) {
            return Err(NoJointFit::NoStart);
        }
        let mut k = if band { [start[0], [0.0; 2]] } else { [start[0], start[1]] };
        let orders = self.grid.resolvable(k, if band { &SINGLE_WITH_HARMONICS } else { &WITH_HARMONICS });
        if self.grid.bins.len() < 2 * (2 * orders.len() + 5) {
            return Err(NoJointFit::Bins);
        }
        let free = if band { 2 } else { 4 };
        // The best so far, with what belongs to it.
        let mut best: Option<([Wave; 2], Pass)> = None;
        let (mut passes, mut converged) = (0, false);
        while passes < PASSES {
            let pass = self.pass(k, &orders, free, each_map)?;
            passes += 1;
            if pass.units == 0 {
                return Err(NoJointFit::NoUnits);
            }
            if let Some((kept, before)) = &best
                && pass.rss >= before.rss
            {
                let moved = (0..2).map(|i| norm([k[i][0] - kept[i][0], k[i][1] - kept[i][1]])).fold(0.0, f64::max);
                if moved * self.side_m < CLOSE {
                    converged = true;
                    break;
                }
                for (now, then) in k.iter_mut().zip(kept) {
                    *now = [f64::midpoint(now[0], then[0]), f64::midpoint(now[1], then[1])];
                }
                continue;
            }
            let step = solve_symmetric(&pass.normal, &pass.gradient, RIDGE).ok_or(NoJointFit::Bins)?;
            best = Some((k, pass));
            let length = step.iter().map(|s| s * s).sum::<f64>().sqrt();
            if length * self.side_m < CLOSE {
                converged = true;
                break;
            }
            // Never further at once than a quarter of the box's resolution.
            let scale = (0.25 / (self.side_m * length)).min(1.0);
            for (i, s) in step.iter().enumerate() {
                k[i / 2][i % 2] += scale * s;
            }
        }
        let Some((k, pass)) = best else { return Err(NoJointFit::NoUnits) };
        let covariance = self.covariance(&pass, orders.len()).ok_or(NoJointFit::Bins)?;
        let waves = if band { start_half_plane(k[0]) } else { superbase(k[0], k[1]).ok_or(NoJointFit::Bins)? };
        Ok(SharedWaves {
            waves,
            se: standard_errors(&waves, k, &covariance, band),
            period_se_m: period_error(k, &covariance, band),
            explained: 1.0 - pass.rss / pass.units as f64,
            units: pass.units,
            left_out: pass.left_out,
            passes,
            converged,
        })
    }

    /// Sums over all maps at these waves.
    fn pass(&self, k: [Wave; 2], orders: &[(i8, i8)], free: usize, each_map: EachMap<'_>) -> Result<Pass, NoJointFit> {
        let columns = self.grid.design(k, orders);
        let gram = gram(&columns);
        let mut pass = Pass {
            free,
            normal: vec![0.0; free * free],
            gradient: vec![0.0; free],
            outer: vec![0.0; free * free],
            rss: 0.0,
            units: 0,
            left_out: 0,
        };
        let mut failed = false;
        each_map(&mut |map| {
            assert_eq!(map.dim(), self.shape, "the map has the mask's shape");
            match self.standardised(map) {
                Some(values) => failed |= self.add(&mut pass, &columns, &gram, orders, &values).is_none(),
                None => pass.left_out += 1,
            }
        });
        if failed { Err(NoJointFit::Bins) } else { Ok(pass) }
    }

    /// Visited bins' rates with mean 0 and sum of squares 1.
    fn standardised(&self, map: ArrayView2<'_, f64>) -> Option<Vec<f64>> {
        let mut values: Vec<f64> = self.grid.bins.iter().map(|&(_, row, col)| map[[row, col]]).collect();
        let largest = values.iter().fold(0.0_f64, |m, v| if v.is_finite() { m.max(v.abs()) } else { f64::INFINITY });
        if largest == 0.0 || !largest.is_finite() {
            return None;
        }
        for v in &mut values {
            *v /= largest;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for v in &mut values {
            *v -= mean;
        }
        let size = dot(&values, &values).sqrt();
        for v in &mut values {
            *v /= size;
        }
        (size * size > 1e-24 * values.len() as f64).then_some(values)
    }

    fn add(&self, pass: &mut Pass, columns: &[Vec<f64>], gram: &[f64], orders: &[(i8, i8)], values: &[f64]) -> Option<()> {
        let right: Vec<f64> = columns.iter().map(|column| dot(column, values)).collect();
        let c = solve_symmetric(gram, &right, RIDGE)?;
        let mut residual = values.to_vec();
        for (column, &c) in columns.iter().zip(&c) {
            residual.iter_mut().zip(column).for_each(|(r, x)| *r -= c * x);
        }
        let slopes = self.grid.slopes(orders, columns, &c, pass.free);
        // Jᵀ M J = Jᵀ J - (Jᵀ X) (Xᵀ X)⁻¹ (Xᵀ J)
        let across: Vec<Vec<f64>> = slopes.iter().map(|slope| columns.iter().map(|column| dot(slope, column)).collect()).collect();
        let solved: Vec<Vec<f64>> = across.iter().map(|a| solve_symmetric(gram, a, RIDGE)).collect::<Option<_>>()?;
        let gradient: Vec<f64> = slopes.iter().map(|slope| dot(slope, &residual)).collect();
        let free = pass.free;
        for i in 0..free {
            for j in 0..free {
                pass.normal[i * free + j] += dot(&slopes[i], &slopes[j]) - dot(&across[i], &solved[j]);
                pass.outer[i * free + j] += gradient[i] * gradient[j];
            }
            pass.gradient[i] += gradient[i];
        }
        pass.rss += dot(&residual, &residual);
        pass.units += 1;
        Some(())
    }

    /// Covariance of k₁ₓ, k₁ᵧ, k₂ₓ, k₂ᵧ (row-major).
    fn covariance(&self, pass: &Pass, orders: usize) -> Option<Vec<f64>> {
        let free = pass.free;
        let inverse: Vec<Vec<f64>> = (0..free)
            .map(|i| solve_symmetric(&pass.normal, &(0..free).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>(), 0.0))
            .collect::<Option<_>>()?;
        let unknowns = (1 + 2 * orders) * pass.units + free;
        let noise = pass.rss / (self.grid.bins.len() * pass.units).saturating_sub(unknowns).max(1) as f64;
        let n = pass.units as f64;
        let clustered = |i: usize, j: usize| -> f64 {
            let inner = |a: usize| (0..free).map(|b| pass.outer[a * free + b] * inverse[b][j]).sum::<f64>();
            n / (n - 1.0) * (0..free).map(|a| inverse[i][a] * inner(a)).sum::<f64>()
        };
        let trace = |of: &dyn Fn(usize, usize) -> f64| (0..free).map(|i| of(i, i)).sum::<f64>();
        let independent = |i: usize, j: usize| noise * inverse[i][j];
        // One or the other as a whole, so that it stays a covariance.
        let by_units = pass.units > 1 && trace(&clustered) > trace(&independent);
        Some(
            (0..free * free).map(|at| if by_units { clustered(at / free, at % free) } else { independent(at / free, at % free) }).collect(),
        )
    }
}

fn start_half_plane(k: Wave) -> [Wave; 3] {
    let k = if k[1] < 0.0 || (k[1] == 0.0 && k[0] < 0.0) { [-k[0], -k[1]] } else { k };
    [k, [f64::NAN; 2], [f64::NAN; 2]]
}

/// Of every wave `m k₁ + n k₂`.
fn standard_errors(waves: &[Wave; 3], k: [Wave; 2], covariance: &[f64], band: bool) -> [Wave; 3] {
    if band {
        return [[covariance[0].max(0.0).sqrt(), covariance[3].max(0.0).sqrt()], [f64::NAN; 2], [f64::NAN; 2]];
    }
    let area = cross(k[0], k[1]);
    waves.map(|wave| {
        let (m, n) = ((cross(wave, k[1]) / area).round(), (cross(k[0], wave) / area).round());
        [0, 1].map(|axis| {
            let of = |a: usize, b: usize| covariance[(2 * a + axis) * 4 + 2 * b + axis];
            (m * m * of(0, 0) + 2.0 * m * n * of(0, 1) + n * n * of(1, 1)).max(0.0).sqrt()
        })
    })
}

/// By the delta method: the period is `c |k₁ × k₂|^(-1/2)`, of a band `1/|k₁|`.
fn period_error(k: [Wave; 2], covariance: &[f64], band: bool) -> f64 {
    let (period, slope) = if band {
        let square = wave_dot(k[0], k[0]);
        (1.0 / square.sqrt(), vec![-k[0][0] / square, -k[0][1] / square])
    } else {
        let area = cross(k[0], k[1]);
        let by = [k[1][1], -k[1][0], -k[0][1], k[0][0]];
        ((2.0 / (3.0_f64.sqrt() * area.abs())).sqrt(), by.iter().map(|v| -0.5 * v / area).collect())
    };
    let free = slope.len();
    let variance: f64 = (0..free * free).map(|at| slope[at / free] * covariance[at] * slope[at % free]).sum();
    period * variance.max(0.0).sqrt()
}

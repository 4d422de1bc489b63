//! Standard errors of a map's waves, period and orientation.
//!
//! The fit is `y = X β + g(k) + ε` with linear amplitudes β and the wave vectors' components k (k₁, k₂; a band only k₁). With `J` the derivatives of the
//! fitted map by k, cleared of what `X` explains (Frisch & Waugh 1933), `M = JᵀJ`, and noise of autocovariance `γ(l)` that depends on
//! the lag only,
//!
//! ```text
//! cov k = M⁻¹ Ω M⁻¹,    Ω = Σ_l γ(l) Σ_x J(x) J(x+l)ᵀ
//! ```
//!
//! which is `σ² M⁻¹` for independent noise. `γ` is the residual's, over the lags up to where its mean over directions falls to 0.05 of the variance (at most a
//! quarter of the map's shorter side), beyond which it is taken as 0, times `N/(N - pτ)`: `p` fitted numbers took from `N` bins what they would have from
//! `N/τ` independent ones, `τ = Σ_l γ(l)/γ(0)`. Period, spacing and orientation follow by linear propagation.
//!
//! What is covered is noise. Curvature of the walls, a lattice that bends, or a fit that took the wrong lattice are not: look at `explained`. Measured on
//! 400 synthetic grids each: 92 to 96 % lie within two standard errors under white noise, 98 to 99 % under noise smoothed by 1.5 bins, where errors are
//! a quarter too large: `τ` weighs the noise at zero frequency, and smooth noise is weaker at the waves' own.

use super::moments::Moments;
use super::noise::{Noise, NoisePlan};
use crate::lattice::{self, Wave, cross, norm};
use crate::linear::{dot, solve_symmetric};

/// Largest share of the bins' information that the fitted numbers may have taken: beyond, the residual tells nothing.
const TAKEN_AT_MOST: f64 = 0.75;

/// Standard errors of a [`super::UnitSpectrum`]: one standard deviation each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectrumErrors {
    /// Of the components of k₁, k₂, k₃, cycles per metre; NaN for a band's k₂ and k₃.
    pub waves: [Wave; 3],
    /// Of `wavelength_m`, m.
    pub wavelength_m: f64,
    /// Of `spacing_m`, m.
    pub spacing_m: f64,
    /// Of `period_m`, m.
    pub period_m: f64,
    /// Of `orientation_rad`, rad; NaN for a band.
    pub orientation_rad: f64,
    /// How many independent bins would tell k as well as the visited ones do, whose noise is correlated.
    pub effective_bins: f64,
}

impl SpectrumErrors {
    /// Root mean square of the errors of the waves' components, cycles per metre; NaN components, a band's, are left out.
    pub fn component(&self) -> f64 {
        let known: Vec<f64> = self.waves.iter().flatten().copied().filter(|error| error.is_finite()).collect();
        (known.iter().map(|error| error * error).sum::<f64>() / known.len() as f64).sqrt()
    }
}

/// Covariance of the free components of k, row-major, and what it was made of.
struct Covariance {
    free: usize,
    matrix: Vec<f64>,
    effective_bins: f64,
}

impl Covariance {
    /// Standard deviation of a quantity with this gradient.
    fn error(&self, gradient: &[f64]) -> f64 {
        let mut variance = 0.0;
        for (i, a) in gradient.iter().enumerate() {
            for (j, b) in gradient.iter().enumerate() {
                variance += a * b * self.matrix[i * self.free + j];
            }
        }
        variance.max(0.0).sqrt()
    }
}

/// Errors of the triad that the fitted `k` span. `None` where the derivatives do not tell k's components apart.
pub(super) fn of_lattice(
    (moments, plan): (&Moments<'_>, &NoisePlan),
    k: [Wave; 2],
    triad: &[Wave; 3],
    orders: &[(i8, i8)],
    values: &[f64],
) -> Option<SpectrumErrors> {
    let covariance = covariance(moments, plan, k, orders, true, values)?;
    let area = cross(k[0], k[1]);
    let whole = triad.map(|v| [(cross(v, k[1]) / area).round(), (cross(k[0], v) / area).round()]);
    let triad_of = |k: [f64; 4]| whole.map(|[m, n]| [m * k[0] + n * k[2], m * k[1] + n * k[3]]);
    let at = [k[0][0], k[0][1], k[1][0], k[1][1]];
    let step = 1e-5 * norm(k[0]);
    let error = |quantity: &dyn Fn(&[Wave; 3]) -> f64, turn: Option<f64>| {
        let gradient: [f64; 4] = std::array::from_fn(|i| {
            let moved = |by: f64| {
                let mut k = at;
                k[i] += by;
                quantity(&triad_of(k))
            };
            let difference = moved(step) - moved(-step);
            // An angle may pass from its period's end to its beginning.
            turn.map_or(difference, |turn| difference - turn * (difference / turn).round()) / (2.0 * step)
        });
        covariance.error(&gradient)
    };
    let wave = |i: usize| [0, 1].map(|axis| error(&|triad| triad[i][axis], None));
    let wavelength_m = error(&lattice::wavelength_m, None);
    Some(SpectrumErrors {
        waves: [wave(0), wave(1), wave(2)],
        wavelength_m,
        spacing_m: wavelength_m * 2.0 / 3.0_f64.sqrt(),
        period_m: error(&lattice::period_m, None),
        orientation_rad: error(&lattice::orientation_rad, Some(lattice::turn_rad(lattice::shape(triad)))),
        effective_bins: covariance.effective_bins,
    })
}

/// Errors of a band's one wave.
pub(super) fn of_band((moments, plan): (&Moments<'_>, &NoisePlan), k: Wave, orders: &[(i8, i8)], values: &[f64]) -> Option<SpectrumErrors> {
    let covariance = covariance(moments, plan, [k, [0.0; 2]], orders, false, values)?;
    let length = norm(k);
    // d(1/|k|) = -k · dk / |k|³
    let wavelength_m = covariance.error(&k.map(|component| component / length.powi(3)));
    Some(SpectrumErrors {
        waves: [[covariance.error(&[1.0, 0.0]), covariance.error(&[0.0, 1.0])], [f64::NAN; 2], [f64::NAN; 2]],
        wavelength_m,
        spacing_m: wavelength_m * 2.0 / 3.0_f64.sqrt(),
        period_m: wavelength_m,
        orientation_rad: f64::NAN,
        effective_bins: covariance.effective_bins,
    })
}

fn covariance(
    moments: &Moments<'_>,
    plan: &NoisePlan,
    k: [Wave; 2],
    orders: &[(i8, i8)],
    both: bool,
    values: &[f64],
) -> Option<Covariance> {
    let (slopes, residual, fitted) = moments.cleared_slopes(k, orders, both, values)?;
    let grid = moments.grid();
    let free = slopes.len();
    let bins = residual.len() as f64;
    let noise = Noise::new(plan, grid, &residual);
    let taken = (fitted as f64 * noise.tau / bins).clamp(0.0, TAKEN_AT_MOST);
    let lost = 1.0 / (1.0 - taken);
    let m: Vec<f64> = slopes.iter().flat_map(|a| slopes.iter().map(|b| dot(a, b))).collect();
    let column = |i: usize| {
        let mut unit = vec![0.0; free];
        unit[i] = 1.0;
        solve_symmetric(&m, &unit, 1e-12)
    };
    let inverse: Vec<f64> = (0..free).map(column).collect::<Option<Vec<_>>>()?.concat();
    let omega = noise.omega(plan, grid, &slopes);
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> {
        (0..free * free).map(|at| (0..free).map(|l| a[at / free * free + l] * b[l * free + at % free]).sum()).collect()
    };
    let independent: Vec<f64> = inverse.iter().map(|v| v * noise.variance * lost).collect();
    let correlated: Vec<f64> = product(&product(&inverse, &omega), &inverse).into_iter().map(|v| v * lost).collect();
    let diagonal = |i: usize| correlated[i * free + i] / independent[i * free + i];
    // The estimated autocovariance may be that of no noise at all: then there is little of it.
    if (0..free).any(|i| diagonal(i).is_nan() || diagonal(i) <= 0.0) {
        return independent.iter().all(|v| v.is_finite()).then_some(Covariance { free, matrix: independent, effective_bins: bins });
    }
    let inflation = (0..free).map(diagonal).sum::<f64>() / free as f64;
    Some(Covariance { free, matrix: correlated, effective_bins: bins / inflation })
}

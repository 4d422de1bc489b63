//! Rings: a module's activity as three points that turn while the animal walks (the paper's Fig. 6d).
//!
//! ```text
//! z_a(t) = Σ_i g_i(t) e^{iφᵃ_i},   a = 1, 2, 3
//! ```
//!
//! over the units i of a module, with their phases φᵃ. Where phases are even, `g_i = r(k_a·x - φᵃ_i)` makes z_a turn once per wave at constant magnitude: a ring around an
//! empty middle. A population without the module's structure passes through the middle.
//!
//! Nothing is centred: phases that are uneven shift a ring by `Σ_i ḡ_i e^{iφᵃ_i}`, and its statistics tell of that too.

use crate::generalization::quantile;
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Sectors that angles are counted in.
pub const SECTORS: usize = 36;
/// The quantile of |z| that counts as the hole's edge.
pub const HOLE_QUANTILE: f64 = 0.05;

/// The rings of a module.
#[derive(Debug, Clone, PartialEq)]
pub struct Rings {
    /// z: samples × 3, in activity's unit.
    pub z: Array2<Complex64>,
    /// One per wave; a band has only the first.
    pub rings: [Ring; 3],
    /// How many units had phases, per wave.
    pub units: [usize; 3],
}

/// One ring's statistics over samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// Mean |z|, in activity's unit.
    pub mean_magnitude: f64,
    /// Standard deviation (over n) of |z| by its mean: 0 for a perfect ring, 0.52 for circular Gaussian noise.
    pub variation: f64,
    /// The 5 % quantile of |z| by its mean, 0 to 1: 1 for a perfect ring, 0.26 for circular Gaussian noise.
    pub hole: f64,
    /// Share of 36 equal sectors around 0 that hold a sample, 0 to 1. As many samples as sectors are needed for 1.
    pub coverage: f64,
    /// Rayleigh's mean resultant `|⟨z/|z|⟩|`, 0 (angles even) to 1 (all equal). No p-value goes with it: successive samples are not independent.
    pub resultant: f64,
    /// Why all of the above is NaN; `None` where it is not.
    pub reason: Option<&'static str>,
}

impl Ring {
    fn undefined(reason: &'static str) -> Self {
        Self {
            mean_magnitude: f64::NAN,
            variation: f64::NAN,
            hole: f64::NAN,
            coverage: f64::NAN,
            resultant: f64::NAN,
            reason: Some(reason),
        }
    }
}

/// Why there are no rings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RingsError {
    /// Shapes disagree.
    #[error("{phases} units' phases for the activity of {units} units: give one triple per column")]
    Units {
        /// Columns of activity.
        units: usize,
        /// Triples.
        phases: usize,
    },
    /// Activity is no number.
    #[error("the activity of unit {unit} at sample {sample} is {value}: drop the sample or the unit")]
    Activity {
        /// Row.
        sample: usize,
        /// Column.
        unit: usize,
        /// What stands there.
        value: f64,
    },
}

/// The rings of a module's activity.
///
/// * `activity`: samples × units, `f32` or `f64`, finite.
/// * `phases_rad`: φ¹, φ², φ³ per unit, any range; units whose φᵃ is NaN take no part in ring a (a band's, beyond the first).
///
/// A ring without samples, without units, or at 0 all the time is NaN with a reason. Parallel over samples, the same bits on any number of threads.
///
/// # Errors
/// [`RingsError`] for shapes that disagree and activity that is not finite.
pub fn rings<A: Copy + Into<f64> + Sync>(activity: ArrayView2<'_, A>, phases_rad: &[[f64; 3]]) -> Result<Rings, RingsError> {
    let (samples, units) = activity.dim();
    if phases_rad.len() != units {
        return Err(RingsError::Units { units, phases: phases_rad.len() });
    }
    if let Some(((sample, unit), value)) =
        activity.indexed_iter().map(|(at, value)| (at, (*value).into())).find(|(_, value)| !f64::is_finite(*value))
    {
        return Err(RingsError::Activity { sample, unit, value });
    }
    let turns: Vec<[Complex64; 3]> = phases_rad
        .iter()
        .map(|phases| phases.map(|phase| if phase.is_finite() { Complex64::cis(phase) } else { Complex64::ZERO }))
        .collect();
    let counts = std::array::from_fn(|a| phases_rad.iter().filter(|phases| phases[a].is_finite()).count());
    let mut z = Array2::zeros((samples, 3));
    z.axis_iter_mut(Axis(0)).into_par_iter().zip(activity.axis_iter(Axis(0))).for_each(|(mut z, activity)| {
        for (rate, turns) in activity.iter().zip(&turns) {
            let rate: f64 = (*rate).into();
            z.iter_mut().zip(turns).for_each(|(z, turn)| *z += turn * rate);
        }
    });
    let rings =
        std::array::from_fn(|a| if counts[a] == 0 { Ring::undefined("no unit has this phase") } else { ring(&z.column(a).to_vec()) });
    Ok(Rings { z, rings, units: counts })
}

/// The statistics of one ring's samples, all finite.
pub fn ring(z: &[Complex64]) -> Ring {
    let mut magnitudes: Vec<f64> = z.iter().map(|z| z.norm()).collect();
    let n = magnitudes.len() as f64;
    let mean = magnitudes.iter().sum::<f64>() / n;
    if magnitudes.is_empty() {
        return Ring::undefined("there are no samples");
    }
    if mean <= 0.0 {
        return Ring::undefined("z is 0 in all samples");
    }
    let deviation = (magnitudes.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / n).sqrt();
    let mut visited = [false; SECTORS];
    let mut turned = Complex64::ZERO;
    for z in z.iter().filter(|z| z.norm() > 0.0) {
        visited[((z.arg().rem_euclid(TAU) / TAU * SECTORS as f64) as usize).min(SECTORS - 1)] = true;
        turned += z / z.norm();
    }
    magnitudes.sort_unstable_by(f64::total_cmp);
    Ring {
        mean_magnitude: mean,
        variation: deviation / mean,
        hole: quantile(&magnitudes, HOLE_QUANTILE) / mean,
        coverage: visited.iter().filter(|visited| **visited).count() as f64 / SECTORS as f64,
        resultant: turned.norm() / n,
        reason: None,
    }
}

#[cfg(test)]
mod tests;

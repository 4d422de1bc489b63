//! Do the units' places on the torus agree with their phases in the arena?
//!
//! Homology knows no positions, the Fourier analysis no population: where both are right, a unit's place on the torus is its phase in the lattice's cell, but for where the angles begin and which
//! basis they are of. With the angles' waves `q_a = Σ_b M_ab k_b` ([`super::WaveMatch`]),
//!
//! ```text
//! R_a = |mean over units e^{i(ψ_a - Σ_b M_ab φ_b)}|
//! ```
//!
//! is 1 where they agree and about 1/√units by chance. p: the smaller of R₁, R₂ against those of permuted units.

use super::waves::WaveMatch;
use gridlake_space::seed::Seed;
use ndarray::ArrayView2;
use rustfft::num_complex::Complex64;

/// The stream of permutations.
const STREAM: &str = "analysis/torus/agreement";
/// Permutations of units; the least p-value is 0.001.
pub const PERMUTATIONS: usize = 999;
/// Fewest units with both phases.
const FEWEST: usize = 4;

/// How well two sets of phases agree.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseAgreement {
    /// Units with both.
    pub units: usize,
    /// R₁, R₂ in [0, 1].
    pub resultants: [f64; 2],
    /// p-value against permuted units.
    pub p: f64,
}

/// Of phases on the torus (units × 2) and Fourier phases (φ₁, φ₂; NaN: left out). `None` for fewer than four units with both.
pub(super) fn agreement(torus_rad: ArrayView2<'_, f64>, fourier_rad: &[[f64; 2]], waves: &WaveMatch, seed: Seed) -> Option<PhaseAgreement> {
    let both: Vec<([f64; 2], [f64; 2])> = torus_rad
        .rows()
        .into_iter()
        .zip(fourier_rad)
        .map(|(psi, phi)| {
            let expected = waves.change.map(|[m, n]| m as f64 * phi[0] + n as f64 * phi[1]);
            ([psi[0], psi[1]], expected)
        })
        .filter(|(psi, expected)| psi.iter().chain(expected).all(|angle| angle.is_finite()))
        .collect();
    if both.len() < FEWEST {
        return None;
    }
    let resultants = |order: &dyn Fn(usize) -> usize| -> [f64; 2] {
        std::array::from_fn(|axis| {
            let sum: Complex64 = (0..both.len()).map(|unit| Complex64::cis(both[unit].0[axis] - both[order(unit)].1[axis])).sum();
            sum.norm() / both.len() as f64
        })
    };
    let found = resultants(&|unit| unit);
    let mut stream = seed.stream(STREAM, 0);
    let as_good = (0..PERMUTATIONS)
        .filter(|_| {
            let permuted = stream.permutation(both.len());
            let [first, second] = resultants(&|unit| permuted[unit] as usize);
            first.min(second) >= found[0].min(found[1])
        })
        .count();
    Some(PhaseAgreement { units: both.len(), resultants: found, p: (1 + as_good) as f64 / (1 + PERMUTATIONS) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use std::f64::consts::TAU;

    #[test]
    fn phases_agree_up_to_basis_and_origin_and_not_by_chance() {
        let waves = WaveMatch { change: [[1, 1], [0, -1]], misfit: 0.0, same_lattice: true };
        let mut stream = Seed(8).stream("phases", 0);
        let mut fourier: Vec<[f64; 2]> = (0..30).map(|_| [stream.uniform_in(0.0, TAU), stream.uniform_in(0.0, TAU)]).collect();
        let mut torus = Array2::zeros((30, 2));
        for (unit, phi) in fourier.iter().enumerate() {
            torus[(unit, 0)] = (phi[0] + phi[1] + 2.0 + 0.1 * stream.normal()).rem_euclid(TAU);
            torus[(unit, 1)] = (-phi[1] - 1.0 + 0.1 * stream.normal()).rem_euclid(TAU);
        }
        fourier[7] = [f64::NAN; 2];
        let found = agreement(torus.view(), &fourier, &waves, Seed(1)).expect("enough units");
        assert!(found.units == 29 && found.resultants.iter().all(|r| *r > 0.98) && found.p == 0.001, "{found:?}");
        let turned: Vec<[f64; 2]> = (0..30).map(|unit| fourier[(unit + 11) % 30]).collect();
        let chance = agreement(torus.view(), &turned, &waves, Seed(1)).expect("enough units");
        assert!(chance.resultants[0].min(chance.resultants[1]) < 0.4 && chance.p > 0.01, "{chance:?}");
        assert_eq!(agreement(torus.view(), &fourier[..3], &waves, Seed(1)), None);
    }
}

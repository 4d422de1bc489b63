//! Whether a finer module's lattice is a commensurate refinement of a coarser one's.
//!
//! Every period of the coarser lattice is a period of the finer one exactly if the finer's waves are integer combinations of the coarser's,
//! `K_fine = K_coarse M`; the *index* `|det M|` is then the number of the finer's fields per field of the coarser, `(period ratio)²` (2 and 45° for nested
//! squares, 3 and 30° or 4 and 0° for hexagons). Such a pair codes no more places than the coarser module alone.
//!
//! Measured waves never fit exactly, and the finer the grid of combinations the easier it is to be near one: `misfit` is how far the finer's two
//! shortest waves are from the nearest combinations, over their own length, and `chance` the probability that two arbitrary waves would be as near,
//! `(π δ²/cell)` for each, at most 1. Only a small misfit *with* a small chance is a finding.

use super::find::Module;
use super::strain::{Triad, is_band};
use crate::lattice::{EQUAL_LENGTHS, by_length, cross, norm};
use std::f64::consts::{FRAC_PI_2, PI};

/// Chance up to which a small misfit counts.
const LUCK: f64 = 0.01;

/// How a finer module's lattice is related to a coarser one's.
#[derive(Debug, Clone, PartialEq)]
pub struct Refinement {
    /// Label of the coarser module.
    pub coarse: usize,
    /// Label of the finer module.
    pub fine: usize,
    /// Coarser period over finer (≥ 1).
    pub ratio: f64,
    /// Smallest angle between a shortest wave of one and of the other (all that are within 15 % of the shortest count), 0 to π/2 rad.
    pub rotation_rad: f64,
    /// The nearest integer matrix: the finer's two shortest waves as combinations `(m, n)` of the coarser's.
    pub combination: [[i64; 2]; 2],
    /// `|det|` of `combination`; 0 where it is singular.
    pub index: i64,
    /// Largest distance of the finer's two shortest waves from their combinations, as a share of the shortest.
    pub misfit: f64,
    /// Probability that two waves anywhere would be as near (0 to 1).
    pub chance: f64,
    /// Whether the misfit is within the tolerance, the index at least 1, and the chance at most 1 %.
    pub commensurate: bool,
}

/// The relation of two lattices of `modules`; `None` where one is a band.
pub fn refinement(modules: &[Module], coarse: usize, fine: usize, tolerance: f64) -> Option<Refinement> {
    let (large, small) = (&modules[coarse], &modules[fine]);
    if is_band(&large.waves) || is_band(&small.waves) {
        return None;
    }
    let [a, b, _] = by_length(&large.waves);
    let [p, q, _] = by_length(&small.waves);
    let cell = cross(a, b);
    let mut misfit = 0.0_f64;
    let mut chance = 1.0_f64;
    let combination = [p, q].map(|k| {
        let (m, n) = ((cross(k, b) / cell).round(), (cross(a, k) / cell).round());
        let away = norm([k[0] - m * a[0] - n * b[0], k[1] - m * a[1] - n * b[1]]);
        misfit = misfit.max(away / norm(p));
        chance *= (PI * away * away / cell.abs()).min(1.0);
        [m as i64, n as i64]
    });
    let index = (combination[0][0] * combination[1][1] - combination[0][1] * combination[1][0]).abs();
    Some(Refinement {
        coarse,
        fine,
        ratio: large.period_m / small.period_m,
        rotation_rad: rotation(&large.waves, &small.waves),
        combination,
        index,
        misfit,
        chance,
        commensurate: misfit <= tolerance && index >= 1 && chance <= LUCK,
    })
}

fn rotation(coarse: &Triad, fine: &Triad) -> f64 {
    let short = |waves: &Triad| {
        let sorted = by_length(waves);
        sorted.into_iter().filter(move |&k| norm(k) <= EQUAL_LENGTHS * norm(sorted[0]))
    };
    let angles = short(coarse).flat_map(|a| {
        short(fine).map(move |b| {
            let turn = (b[1].atan2(b[0]) - a[1].atan2(a[0])).rem_euclid(PI);
            turn.min(PI - turn)
        })
    });
    angles.fold(FRAC_PI_2, f64::min)
}

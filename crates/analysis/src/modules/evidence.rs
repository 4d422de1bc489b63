//! What is known of a unit's lattice: one estimate per arena, and what they say together.

use super::strain::{Triad, aligned, basis, distance, is_band, shortest};
use crate::classes::UnitClass;
use crate::config::ModulesConfig;
use crate::lattice::{Wave, superbase};
use crate::spectrum::SpectrumErrors;
use crate::units::UnitAnalysis;

/// A unit's lattice in one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct ArenaLattice {
    /// Wave vectors in cycles per metre, as in [`crate::spectrum::UnitSpectrum::waves`]: k₁ + k₂ + k₃ = 0; a band has NaN beyond k₁.
    pub waves: [Wave; 3],
    /// Standard error of a wave vector's component in cycles per metre; NaN where unknown (the configured floor then stands alone).
    pub se: f64,
    /// p-value of the map's own test, where that does not show the lattice by itself; `None` where it does (class grid or band).
    pub weak_p: Option<f64>,
}

/// Largest p-value of a map that still says something about its lattice.
const WEAKEST_P: f64 = 0.2;

impl ArenaLattice {
    /// From a unit's analysis, where its waves are known and its class is grid or band; or, as weak evidence, where the autocorrelogram has the same lattice
    /// ([`UnitAnalysis::lattice_confirmed`]) and the periodicity's p-value is at most 0.2.
    pub fn of(unit: &UnitAnalysis) -> Option<Self> {
        let waves = unit.spectrum.as_ref()?.waves;
        let se = unit.spectrum_errors.as_ref().map_or(f64::NAN, SpectrumErrors::component);
        let p = unit.periodicity.p;
        match unit.class {
            UnitClass::Grid | UnitClass::Band => Some(Self { waves, se, weak_p: None }),
            UnitClass::Untuned | UnitClass::PlaceLike if unit.lattice_confirmed && p <= WEAKEST_P => {
                Some(Self { waves, se, weak_p: Some(p) })
            }
            _ => None,
        }
    }

    fn is_defined(&self) -> bool {
        self.waves[0].iter().all(|k| k.is_finite()) && (is_band(&self.waves) || superbase(self.waves[0], self.waves[1]).is_some())
    }

    /// Variance of a component with the floor, (cycles/m)².
    fn variance(&self, floor: f64) -> f64 {
        let se = if self.se.is_finite() { self.se } else { 0.0 };
        se * se + (floor * shortest(&self.waves)).powi(2)
    }
}

/// A unit's lattices over the arenas of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitLattices {
    /// Index of the unit.
    pub unit: usize,
    /// One per arena of the run, in the same order for all units; `None` where the unit has no lattice there (another class, dead, or no waves).
    pub arenas: Vec<Option<ArenaLattice>>,
}

/// One lattice for all arenas.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Combined {
    pub(super) waves: Triad,
    /// Standard error of a component, cycles per metre, floor included.
    pub(super) se: f64,
    /// As of [`ArenaLattice::weak_p`]: the least over arenas, times their number.
    pub(super) weak_p: Option<f64>,
    /// Arenas with this lattice.
    pub(super) arenas: Vec<usize>,
    /// Arenas whose map shows another one.
    pub(super) differing: Vec<usize>,
}

/// What the arenas say together: the lattice that most arenas agree on (ties: the surest), averaged over them with weights 1/(se² + floor²). Arenas with weak
/// evidence have a say where those that show a lattice by themselves are too few.
///
/// # Errors
/// The reason why the unit takes no part.
pub(super) fn combine(unit: &UnitLattices, config: &ModulesConfig) -> Result<Combined, String> {
    let defined: Vec<(usize, &ArenaLattice)> = unit
        .arenas
        .iter()
        .enumerate()
        .filter_map(|(arena, lattice)| Some((arena, lattice.as_ref().filter(|lattice| lattice.is_defined())?)))
        .collect();
    let total = unit.arenas.len();
    let shown: Vec<(usize, &ArenaLattice)> = defined.iter().copied().filter(|(_, lattice)| lattice.weak_p.is_none()).collect();
    let weak = 2 * shown.len() < total;
    let voters = if weak { &defined } else { &shown };
    if shown.is_empty() && (config.agreement_alpha == 0.0 || voters.is_empty()) {
        return Err("neither grid nor band in any arena".to_owned());
    }
    if weak && (config.agreement_alpha == 0.0 || 2 * voters.len() < total) {
        return Err(format!("grid or band in only {} of {total} arenas", shown.len()));
    }
    let agree = |a: &ArenaLattice, b: &ArenaLattice| {
        let sure = 3.0 * (a.variance(0.0) + b.variance(0.0)).sqrt() / shortest(&a.waves);
        distance(&a.waves, &b.waves) <= config.arena_tolerance.max(sure.min(0.3))
    };
    let mut best: Option<(usize, f64, &ArenaLattice)> = None;
    for &(_, seat) in voters {
        let votes = voters.iter().filter(|(_, other)| agree(seat, other)).count();
        let doubt = seat.variance(config.noise_floor);
        if best.is_none_or(|(most, least, _)| votes > most || (votes == most && doubt < least)) {
            best = Some((votes, doubt, seat));
        }
    }
    let Some((votes, _, seat)) = best else { return Err("neither grid nor band in any arena".to_owned()) };
    if weak && 2 * votes < total {
        return Err(format!("grid or band in only {} of {total} arenas, and another lattice in the others", shown.len()));
    }
    let (mut sums, mut weight) = ([[0.0; 2]; 2], 0.0);
    let (mut arenas, mut differing, mut least_p) = (Vec::new(), Vec::new(), f64::INFINITY);
    for &(arena, lattice) in &defined {
        match aligned(&seat.waves, &lattice.waves).filter(|_| agree(seat, lattice)) {
            Some(vectors) => {
                let w = 1.0 / lattice.variance(config.noise_floor);
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = [sum[0] + w * vector[0], sum[1] + w * vector[1]];
                }
                weight += w;
                arenas.push(arena);
                least_p = lattice.weak_p.map_or(least_p, |p| least_p.min(p));
            }
            None if lattice.weak_p.is_none() => differing.push(arena),
            None => {}
        }
    }
    let [p, q] = sums.map(|sum| [sum[0] / weight, sum[1] / weight]);
    let waves = if is_band(&seat.waves) { [p, [f64::NAN; 2], [f64::NAN; 2]] } else { superbase(p, q).unwrap_or(seat.waves) };
    let weak_p = weak.then(|| (least_p * total as f64).min(1.0));
    Ok(Combined { waves, se: (1.0 / weight).sqrt(), weak_p, arenas, differing })
}

/// The mean lattice of some that lie near `seat`, weighted by 1/se²; `seat` itself where there are none.
pub(super) fn mean(seat: &Triad, members: &[&Combined]) -> Triad {
    let (mut sums, mut weight) = ([[0.0; 2]; 2], 0.0);
    for member in members {
        let Some(vectors) = aligned(seat, &member.waves) else { continue };
        let w = 1.0 / (member.se * member.se);
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = [sum[0] + w * vector[0], sum[1] + w * vector[1]];
        }
        weight += w;
    }
    let [p, q] = if weight > 0.0 { sums.map(|sum| [sum[0] / weight, sum[1] / weight]) } else { basis(seat) };
    if is_band(seat) { [p, [f64::NAN; 2], [f64::NAN; 2]] } else { superbase(p, q).unwrap_or(*seat) }
}

//! What a population of units agrees on: one lattice, how many share it, its shape, how much periods differ.
//!
//! The lattice is voted for: the unit whose wave vectors match most other active units' (ties: the closest) is the seat of the largest
//! cluster, and the consensus is the median of the cluster's wave vectors, component by component, after each unit's lattice vectors have been
//! brought to the seat's signs and order. Unlike a mean spectrum, that is blind to units of other modules.

use crate::config::LatticeConsensusConfig;
use crate::lattice::{self, LatticeShape, Wave, nearest, norm, reduced_ratio_and_angle, same_lattice, superbase};
use crate::spectrum::UnitSpectrum;

/// The population's lattice.
#[derive(Debug, Clone, PartialEq)]
pub struct LatticeConsensus {
    /// k₁, k₂, k₃ in cycles per metre, as in [`UnitSpectrum::waves`]; NaN where there is no active unit with a spectrum.
    pub waves: [Wave; 3],
    /// Active units.
    pub active: usize,
    /// Indices of the active units whose own lattice matches within `tolerance`.
    pub members: Vec<usize>,
    /// `members` over `active` (NaN without active units).
    pub share: f64,
    /// Largest distance of matching wave vectors, as a share of the consensus' shortest one.
    pub tolerance: f64,
    /// The consensus lattice's shape; `None` without one.
    pub shape: Option<LatticeShape>,
    /// Ratio (≥ 1) of the reduced basis' two vectors.
    pub length_ratio: f64,
    /// Angle between them in radians (π/3 … π/2).
    pub lattice_angle_rad: f64,
    /// Median period of the members, in metres.
    pub period_m: f64,
    /// Spread of the members' periods: 1.4826 times the median absolute deviation, over the median.
    pub period_spread: f64,
    /// The same over all active units with a period.
    pub period_spread_all: f64,
    /// Orientation of the consensus lattice's axes, see [`crate::lattice::orientation_rad`].
    pub orientation_rad: f64,
}

/// The consensus of `units`: index and spectrum of every *active* unit (`None`: no spectrum).
pub fn consensus(units: &[(usize, Option<&UnitSpectrum>)], config: &LatticeConsensusConfig) -> LatticeConsensus {
    let tolerance = config.tolerance;
    let with_spectrum: Vec<(usize, &UnitSpectrum)> = units.iter().filter_map(|&(unit, spectrum)| Some((unit, spectrum?))).collect();
    let mut found = LatticeConsensus {
        waves: [[f64::NAN; 2]; 3],
        active: units.len(),
        members: Vec::new(),
        share: if units.is_empty() { f64::NAN } else { 0.0 },
        tolerance,
        shape: None,
        length_ratio: f64::NAN,
        lattice_angle_rad: f64::NAN,
        period_m: f64::NAN,
        period_spread: f64::NAN,
        period_spread_all: spread(&with_spectrum.iter().map(|(_, spectrum)| spectrum.period_m).collect::<Vec<_>>()).1,
        orientation_rad: f64::NAN,
    };
    let Some(seat) = seat(&with_spectrum, tolerance) else { return found };
    found.waves = median_waves(&seat.waves, &with_spectrum, tolerance);
    let consensus = UnitSpectrum { waves: found.waves, ..seat.clone() };
    let members: Vec<&(usize, &UnitSpectrum)> =
        with_spectrum.iter().filter(|(_, spectrum)| matches(&consensus, spectrum, tolerance)).collect();
    found.members = members.iter().map(|(unit, _)| *unit).collect();
    found.share = members.len() as f64 / units.len() as f64;
    (found.period_m, found.period_spread) = spread(&members.iter().map(|(_, spectrum)| spectrum.period_m).collect::<Vec<_>>());
    if seat.shape == LatticeShape::Band {
        found.shape = Some(LatticeShape::Band);
        return found;
    }
    found.shape = Some(lattice::shape(&found.waves));
    (found.length_ratio, found.lattice_angle_rad) = reduced_ratio_and_angle(&found.waves);
    found.orientation_rad = lattice::orientation_rad(&found.waves);
    found
}

fn matches(a: &UnitSpectrum, b: &UnitSpectrum, tolerance: f64) -> bool {
    match (a.shape == LatticeShape::Band, b.shape == LatticeShape::Band) {
        (false, false) => same_lattice(&a.waves, &b.waves, tolerance),
        (true, true) => aligned(a.waves[0], b.waves[0]).1 <= tolerance * norm(a.waves[0]),
        _ => false,
    }
}

/// `k` or its opposite, whichever is nearer to `reference`, and the distance.
fn aligned(reference: Wave, k: Wave) -> (Wave, f64) {
    let distance = |k: Wave| norm([k[0] - reference[0], k[1] - reference[1]]);
    let opposite = [-k[0], -k[1]];
    if distance(k) <= distance(opposite) { (k, distance(k)) } else { (opposite, distance(opposite)) }
}

/// How far `other` is from `seat`, over the length of the seat's shortest wave.
fn distance(seat: &UnitSpectrum, other: &UnitSpectrum) -> f64 {
    if seat.shape == LatticeShape::Band {
        return aligned(seat.waves[0], other.waves[0]).1 / norm(seat.waves[0]);
    }
    let [a, b, _] = lattice::by_length(&seat.waves);
    nearest(a, &other.waves).1.max(nearest(b, &other.waves).1) / norm(a)
}

fn seat<'a>(units: &[(usize, &'a UnitSpectrum)], tolerance: f64) -> Option<&'a UnitSpectrum> {
    let mut best: Option<(usize, f64, &UnitSpectrum)> = None;
    for &(_, candidate) in units {
        let matching = units.iter().filter(|(_, other)| matches(candidate, other, tolerance));
        let (votes, total) = matching.fold((0, 0.0), |(n, sum), (_, other)| (n + 1, sum + distance(candidate, other)));
        if best.is_none_or(|(most, closest, _)| votes > most || (votes == most && total < closest)) {
            best = Some((votes, total, candidate));
        }
    }
    best.filter(|(votes, _, _)| *votes > 0).map(|(_, _, seat)| seat)
}

fn median_waves(seat: &[Wave; 3], units: &[(usize, &UnitSpectrum)], tolerance: f64) -> [Wave; 3] {
    let median_of = |pick: &dyn Fn(&UnitSpectrum) -> Option<Wave>| -> Wave {
        let waves: Vec<Wave> = units.iter().filter_map(|(_, spectrum)| pick(spectrum)).collect();
        [0, 1].map(|axis| median(waves.iter().map(|k| k[axis]).collect()))
    };
    if seat[1][0].is_nan() {
        let near = |spectrum: &UnitSpectrum| {
            let (k, away) = aligned(seat[0], spectrum.waves[0]);
            (spectrum.shape == LatticeShape::Band && away <= tolerance * norm(seat[0])).then_some(k)
        };
        return [median_of(&near), [f64::NAN; 2], [f64::NAN; 2]];
    }
    let of = |reference: Wave| {
        median_of(&|spectrum| {
            let member = spectrum.shape != LatticeShape::Band && same_lattice(seat, &spectrum.waves, tolerance);
            member.then(|| nearest(reference, &spectrum.waves).0)
        })
    };
    let [a, b, _] = lattice::by_length(seat);
    superbase(of(a), of(b)).unwrap_or(*seat)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return f64::NAN;
    }
    f64::midpoint(values[(n - 1) / 2], values[n / 2])
}

/// Median, and 1.4826 · median absolute deviation over the median.
fn spread(values: &[f64]) -> (f64, f64) {
    let middle = median(values.to_vec());
    (middle, 1.4826 * median(values.iter().map(|v| (v - middle).abs()).collect()) / middle)
}

//! Whether as many units would have met by chance.
//!
//! Null: every unit keeps its lattice's period and shape, but its orientation is its own, uniform in 180°. Of the units that are in no *other* module, unit i is
//! then within `link_radius` of the module's lattice with a probability q_i, the share of all turns at which it is. Around a given unit, the number of the others
//! is a sum of such independent events (Poisson binomial), so the expected number of units with at least m - 1 others around them is at most
//!
//! ```text
//! chance = n P(Σ q_i ≥ m - 1),    n units in no other module, m units in this one
//! ```
//!
//! reported up to 1. A dozen units are beyond chance; three are not, where a lattice of six-fold symmetry is near itself at a fifth of all turns, and among a
//! hundred strays three or four will meet. It asks only about orientations: that periods agree is not counted as evidence.

use super::evidence::Combined;
use super::strain::{Triad, distance, is_band, period_m};
use std::f64::consts::PI;

/// Turns tried, over 180°: steps of 1°, a sixth of a link of 10 %.
const TURNS: usize = 180;

/// The expected number (up to 1) of modules of `size` units near `lattice` out of `candidates`, which include the module's own units.
pub(super) fn chance(lattice: &Triad, size: usize, candidates: &[&Combined], link_radius: f64) -> f64 {
    let needed = size.saturating_sub(1);
    // Probability of 0, 1, … others; the last entry: of `needed` or more.
    let mut counts = vec![0.0; needed + 1];
    counts[0] = 1.0;
    let mut left_out = false;
    for candidate in candidates {
        let q = near(lattice, &candidate.waves, link_radius);
        // One of the module's own is the seat, not one of the others.
        if !left_out && distance(lattice, &candidate.waves) <= link_radius {
            left_out = true;
            continue;
        }
        if q == 0.0 {
            continue;
        }
        let all = counts[needed];
        for count in (1..=needed).rev() {
            counts[count] = counts[count] * (1.0 - q) + counts[count - 1] * q;
        }
        counts[0] *= 1.0 - q;
        if needed > 0 {
            counts[needed] += all * q;
        }
    }
    (candidates.len() as f64 * counts[needed]).min(1.0)
}

/// Share of all turns at which `other` is near `lattice`, at least one of those tried: how likely a unit of that period and shape has this lattice by chance.
pub(super) fn near_by_chance(lattice: &Triad, other: &Triad, radius: f64) -> f64 {
    near(lattice, other, radius).max(1.0 / TURNS as f64)
}

/// Share of all turns at which `other` is near `lattice`.
fn near(lattice: &Triad, other: &Triad, link_radius: f64) -> f64 {
    if is_band(lattice) != is_band(other) || (period_m(lattice) / period_m(other)).ln().abs() > 4.0 * link_radius {
        return 0.0;
    }
    let hits = (0..TURNS).filter(|step| {
        let (sine, cosine) = ((*step as f64 + 0.5) * PI / TURNS as f64).sin_cos();
        let turned = other.map(|k| [cosine * k[0] - sine * k[1], sine * k[0] + cosine * k[1]]);
        distance(lattice, &turned) <= link_radius
    });
    hits.count() as f64 / TURNS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::superbase;
    use gridlake_space::lattice::Lattice;

    fn combined(lattice: &Lattice) -> Combined {
        let waves = superbase(lattice.waves()[0], lattice.waves()[1]).expect("two directions");
        Combined { waves, se: 0.01, ..Combined::default() }
    }

    #[test]
    fn few_hexagons_may_meet_and_many_may_not() {
        let unit = combined(&Lattice::hexagonal(0.5, 0.2));
        let of = |size: usize, strays: usize| chance(&unit.waves, size, &vec![&unit; size + strays], 0.1);
        // A hexagon is within 10 % of itself up to 5.7° off, of 60°: q = 0.19.
        let q = near(&unit.waves, &unit.waves, 0.1);
        assert!((q - 2.0 * 0.1 / (PI / 3.0)).abs() < 0.02, "{q}");
        assert!((of(3, 0) - 3.0 * q * q).abs() < 1e-12 && of(12, 0) < 1e-5 && of(3, 30) == 1.0);
        let far = combined(&Lattice::hexagonal(0.9, 0.2));
        assert_eq!(near(&unit.waves, &far.waves, 0.1), 0.0);
    }
}

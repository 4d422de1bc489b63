//! Are phases uniform on the torus?
//!
//! ```text
//! S = 2/n Σ_(m,n) |Σ_i e^{i(m φ¹_i + n φ²_i)}|²
//! ```
//!
//! over the nine lowest modes of the torus up to sign: k₁, k₂, k₃ and their combinations of order √3 and 2, `(m, n)` = (1,0) (0,1) (1,1) (1,-1) (1,2) (2,1)
//! (2,0) (0,2) (2,2): Rayleigh's test's relative on the torus (a Sobolev test, Giné 1975). Each term alone is about χ² with two degrees of
//! freedom. This set, unlike all `|m|, |n| ≤ 2`, is the same whichever two of the three waves are called 1 and 2 and whatever their signs, so the p-value does not
//! depend on a label. Of a band: `e^{iφ}` and `e^{2iφ}`.
//!
//! The null is uniform phases of as many units, drawn by Monte Carlo, so the level is exact for any n: `p = (1 + #(null ≥ S))/(1 + draws)`. Small p: phases
//! cluster. `p_even`, from the other tail: phases are spread more evenly than independent ones, which tiling would do. It does not see structure finer than half a cell.

use gridlake_space::seed::Seed;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Fewest units for a test.
pub const FEWEST_UNITS: usize = 3;

/// A test of uniform phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Uniformity {
    /// Units with phases.
    pub units: usize,
    /// S; about 18 (nine terms of mean 2) for uniform phases, at most 18 n.
    pub statistic: f64,
    /// p-value against clustering; NaN with a reason for fewer than three units.
    pub p: f64,
    /// p-value against spacing that is more even than chance.
    pub p_even: f64,
    /// Why there is no p-value.
    pub reason: Option<String>,
}

/// Tests `cells`, each unit's place in the unit cell (shares of a₁, a₂; second NaN: bands), with `draws` Monte Carlo samples from the stream
/// `analysis/phases/uniformity` number `stream`. Units with undefined phases are left out.
pub fn uniformity(cells: &[[f64; 2]], draws: usize, seed: Seed, stream: u64) -> Uniformity {
    let band = cells.iter().any(|cell| cell[0].is_finite()) && cells.iter().all(|cell| cell[1].is_nan());
    let phases: Vec<[f64; 2]> = cells
        .iter()
        .map(|cell| if band { [cell[0], 0.0] } else { *cell })
        .filter(|cell| cell.iter().all(|share| share.is_finite()))
        .map(|cell| cell.map(|share| TAU * share))
        .collect();
    let units = phases.len();
    if units < FEWEST_UNITS {
        let reason = Some(format!("{units} units with phases; the test needs {FEWEST_UNITS}"));
        return Uniformity { units, statistic: f64::NAN, p: f64::NAN, p_even: f64::NAN, reason };
    }
    let observed = statistic(phases.iter().copied(), band);
    let mut random = seed.stream("analysis/phases/uniformity", stream);
    let (mut above, mut below) = (0, 0);
    for _ in 0..draws {
        let null = statistic((0..units).map(|_| [random.uniform_in(0.0, TAU), random.uniform_in(0.0, TAU)]), band);
        above += usize::from(null >= observed);
        below += usize::from(null <= observed);
    }
    let share = |count: usize| (1 + count) as f64 / (1 + draws) as f64;
    Uniformity { units, statistic: observed, p: share(above), p_even: share(below), reason: None }
}

fn statistic(phases: impl Iterator<Item = [f64; 2]>, band: bool) -> f64 {
    let mut sums = [Complex64::default(); 9];
    let mut count = 0.0;
    for [first, second] in phases {
        let (p, q) = (Complex64::cis(first), Complex64::cis(second));
        let modes = if band {
            let mut modes = [Complex64::default(); 9];
            (modes[0], modes[1]) = (p, p * p);
            modes
        } else {
            [p, q, p * q, p * q.conj(), p * q * q, p * p * q, p * p, q * q, p * p * q * q]
        };
        sums.iter_mut().zip(modes).for_each(|(sum, mode)| *sum += mode);
        count += 1.0;
    }
    2.0 / count * sums.iter().map(Complex64::norm_sqr).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rejections at 5 % of `samples` samples of `n` places.
    fn rejected(samples: u64, n: usize, draw: &dyn Fn(&mut gridlake_space::seed::Stream) -> [f64; 2]) -> (f64, f64) {
        let (mut clustered, mut even) = (0.0, 0.0);
        for sample in 0..samples {
            let mut stream = Seed(11).stream("places", sample);
            let cells: Vec<[f64; 2]> = (0..n).map(|_| draw(&mut stream)).collect();
            let found = uniformity(&cells, 199, Seed(12), sample);
            clustered += f64::from(u8::from(found.p <= 0.05)) / samples as f64;
            even += f64::from(u8::from(found.p_even <= 0.05)) / samples as f64;
        }
        (clustered, even)
    }

    #[test]
    fn the_level_is_nominal_for_few_and_many_units() {
        for (n, samples) in [(3, 1000), (5, 1000), (10, 1000), (30, 600), (100, 300)] {
            let (clustered, even) = rejected(samples, n, &|stream| [stream.uniform(), stream.uniform()]);
            // Four standard errors of a rate of 5 %.
            let slack = 4.0 * (0.05 * 0.95 / samples as f64).sqrt();
            assert!((clustered - 0.05).abs() < slack && (even - 0.05).abs() < slack, "{n} units: {clustered}, {even}");
        }
    }

    #[test]
    fn clusters_are_seen() {
        let near = |spread: f64| {
            move |stream: &mut gridlake_space::seed::Stream| {
                [(spread * stream.normal()).rem_euclid(1.0), (spread * stream.normal()).rem_euclid(1.0)]
            }
        };
        assert!(rejected(100, 5, &near(0.1)).0 > 0.9);
        assert!(rejected(100, 30, &near(0.2)).0 > 0.95);
        // Two places half a cell apart, and four: no mode of order one sees the four.
        let places = |stream: &mut gridlake_space::seed::Stream| {
            [0.5 * stream.below(2) as f64 + 0.05 * stream.normal(), 0.5 * stream.below(2) as f64 + 0.05 * stream.normal()]
                .map(|v| v.rem_euclid(1.0))
        };
        assert!(rejected(100, 20, &places).0 > 0.95);
    }

    #[test]
    fn a_tiling_is_more_even_than_chance() {
        let cells: Vec<[f64; 2]> = (0..25).map(|i| [f64::from(i % 5) / 5.0, f64::from(i / 5) / 5.0]).collect();
        let found = uniformity(&cells, 999, Seed(1), 0);
        assert!(found.p == 1.0 && found.p_even == 0.001, "{found:?}");
    }

    #[test]
    fn labels_and_signs_of_the_waves_do_not_matter() {
        let mut stream = Seed(3).stream("cells", 0);
        let cells: Vec<[f64; 2]> = (0..12).map(|_| [stream.uniform(), stream.uniform()]).collect();
        let s = |map: &dyn Fn([f64; 2]) -> [f64; 2]| statistic(cells.iter().map(|c| map(c.map(|v| TAU * v))), false);
        let plain = s(&|c| c);
        for other in [s(&|[a, b]| [b, a]), s(&|[a, b]| [b, -a - b]), s(&|[a, b]| [-a, -b])] {
            assert!((other - plain).abs() < 1e-9);
        }
    }

    #[test]
    fn too_few_units_have_a_reason_and_bands_a_circle() {
        let found = uniformity(&[[0.1, 0.2], [f64::NAN, f64::NAN], [0.3, 0.3]], 99, Seed(1), 0);
        assert!(found.p.is_nan() && found.reason.is_some() && found.units == 2);
        let bands: Vec<[f64; 2]> = (0..12).map(|i| [0.01 * f64::from(i), f64::NAN]).collect();
        assert!(uniformity(&bands, 999, Seed(1), 0).p < 0.01);
    }
}

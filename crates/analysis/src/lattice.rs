//! Two-dimensional lattices from wave vectors: reduction, cell, orientation, shape.
//!
//! Wave vectors are in cycles per metre. For a hexagonal lattice of spacing `λ`, `|k| = 2/(√3 λ)`, and every wave vector is 30° away from a
//! lattice axis. The direct lattice is the reciprocal one turned by 90° and scaled, so both have the same shape.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, FRAC_PI_6, PI, TAU};

/// A wave vector (x, y) in cycles per metre.
pub type Wave = [f64; 2];

/// Ratio of the lattice's two shortest vectors up to which they count as equal.
pub const EQUAL_LENGTHS: f64 = 1.15;
/// Angle in degrees between the two shortest vectors up to which two equal ones make a hexagonal lattice (exact: 60°).
pub const HEXAGONAL_UP_TO_DEG: f64 = 67.5;
/// Angle in degrees from which a lattice is right-angled (exact: 90°).
pub const RIGHT_FROM_DEG: f64 = 82.5;
/// Ratio of the second and third shortest vectors up to which a lattice of unequal shortest vectors is centred, hence rhombic.
pub const CENTRED: f64 = 1.075;

/// The shape of a lattice, from its reduced basis: `ρ` = ratio of the two shortest vectors (≥ 1), `γ` = angle between them (60° … 90°).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LatticeShape {
    /// `ρ ≤ 1.15`, `γ ≤ 67.5°`.
    Hexagonal,
    /// `ρ ≤ 1.15`, `γ ≥ 82.5°`.
    Square,
    /// `ρ ≤ 1.15`, `γ` between; or `ρ > 1.15` and the second and third shortest vectors equal within 7.5 % (centred rectangular).
    Rhombic,
    /// `ρ > 1.15`, `γ ≥ 82.5°`.
    Rectangular,
    /// Any other.
    Oblique,
    /// One wave vector only.
    Band,
}

impl LatticeShape {
    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hexagonal => "hexagonal",
            Self::Square => "square",
            Self::Rhombic => "rhombic",
            Self::Rectangular => "rectangular",
            Self::Oblique => "oblique",
            Self::Band => "band",
        }
    }
}

impl std::fmt::Display for LatticeShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(crate) fn dot(a: Wave, b: Wave) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub(crate) fn cross(a: Wave, b: Wave) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

pub(crate) fn norm(a: Wave) -> f64 {
    a[0].hypot(a[1])
}

pub(crate) fn combine(m: f64, a: Wave, n: f64, b: Wave) -> Wave {
    [m * a[0] + n * b[0], m * a[1] + n * b[1]]
}

/// The obtuse superbase (Selling 1874) of the lattice that `a` and `b` span: three vectors that sum to zero, no two at an acute angle.
/// It holds the lattice's shortest vectors. `None` where `a` and `b` are (nearly) collinear or not finite.
///
/// Order: of the six vectors ±k, the one with the smallest angle in [0, 2π) comes first, then counter-clockwise.
pub fn superbase(a: Wave, b: Wave) -> Option<[Wave; 3]> {
    if cross(a, b).is_nan() || cross(a, b).abs() <= 1e-6 * norm(a) * norm(b) {
        return None;
    }
    let mut base = [a, b, combine(-1.0, a, -1.0, b)];
    // Each step shortens the sum of squares by 4 (a·b) > 0; the collinearity bound keeps the number of steps small.
    for _ in 0..10_000 {
        let scale = dot(base[0], base[0]) + dot(base[1], base[1]);
        let acute = [(0, 1), (0, 2), (1, 2)].into_iter().find(|&(i, j)| dot(base[i], base[j]) > 1e-12 * scale);
        let Some((i, j)) = acute else { return Some(ordered(base)) };
        let (p, q) = (base[i], base[j]);
        base = [combine(-1.0, p, 0.0, q), q, combine(1.0, p, -1.0, q)];
    }
    None
}

fn ordered(base: [Wave; 3]) -> [Wave; 3] {
    let angle = |k: Wave| k[1].atan2(k[0]).rem_euclid(TAU);
    let negated = base.map(|k| [-k[0], -k[1]]);
    let least = |triad: &[Wave; 3]| triad.iter().map(|&k| angle(k)).fold(f64::INFINITY, f64::min);
    let mut triad = if least(&base) <= least(&negated) { base } else { negated };
    triad.sort_by(|&p, &q| angle(p).total_cmp(&angle(q)));
    triad
}

/// Mean wavelength of a triad in metres: one over the mean length of the three wave vectors.
pub fn wavelength_m(triad: &[Wave; 3]) -> f64 {
    3.0 / triad.iter().map(|&k| norm(k)).sum::<f64>()
}

/// Spacing in metres of the hexagonal lattice with the same density of fields: `√(2A/√3)` with the cell's area `A = 1/|k₁ × k₂|`.
pub fn period_m(triad: &[Wave; 3]) -> f64 {
    (2.0 / (3.0_f64.sqrt() * cross(triad[0], triad[1]).abs())).sqrt()
}

/// Orientation of the lattice's axes, by its [`shape`]:
///
/// * square: in [0, π/2), the 90°-periodic mean of the two shortest wave vectors' angles;
/// * rectangular: in [0, π), the angle of the longer wave vector of the two, along which the lattice's shorter side lies;
/// * any other: in [0, π/3), the 60°-periodic mean of all three wave vectors' angles, less 30°.
///
/// Exact for hexagonal, square and rectangular lattices, the best hexagonal fit for the others, and so not continuous where a shape passes into another. NaN
/// where the angles cancel. Right-angled lattices have no 60°-periodic orientation: their third wave is one of two equal diagonals.
pub fn orientation_rad(triad: &[Wave; 3]) -> f64 {
    let sorted = by_length(triad);
    match shape(triad) {
        LatticeShape::Square => axes(&sorted[..2], FRAC_PI_2, 0.0),
        LatticeShape::Rectangular => axes(&sorted[1..2], PI, 0.0),
        _ => axes(triad, FRAC_PI_3, FRAC_PI_6),
    }
}

/// After which turn a lattice of this shape has the same orientation, in radians.
pub fn turn_rad(shape: LatticeShape) -> f64 {
    match shape {
        LatticeShape::Square => FRAC_PI_2,
        LatticeShape::Rectangular => PI,
        _ => FRAC_PI_3,
    }
}

/// Mean angle of waves in [0, `period`), less `offset`; NaN where they cancel.
fn axes(waves: &[Wave], period: f64, offset: f64) -> f64 {
    let times = TAU / period;
    let (mut re, mut im) = (0.0, 0.0);
    for k in waves {
        let turned = times * (k[1].atan2(k[0]) - offset);
        re += turned.cos();
        im += turned.sin();
    }
    if re.hypot(im) < 1e-9 {
        return f64::NAN;
    }
    let angle = (im.atan2(re) / times).rem_euclid(period);
    if angle >= period { 0.0 } else { angle }
}

/// Ratio (≥ 1) of the two shortest vectors of a superbase and the angle between them in radians (π/3 … π/2).
pub fn reduced_ratio_and_angle(triad: &[Wave; 3]) -> (f64, f64) {
    let [a, b, _] = by_length(triad);
    let cosine = (dot(a, b).abs() / (norm(a) * norm(b))).min(1.0);
    (norm(b) / norm(a), cosine.acos())
}

/// The shape of the lattice that a superbase spans.
pub fn shape(triad: &[Wave; 3]) -> LatticeShape {
    let (ratio, angle) = reduced_ratio_and_angle(triad);
    let degrees = angle * 180.0 / PI;
    let [_, b, c] = by_length(triad);
    if ratio <= EQUAL_LENGTHS {
        if degrees <= HEXAGONAL_UP_TO_DEG {
            LatticeShape::Hexagonal
        } else if degrees >= RIGHT_FROM_DEG {
            LatticeShape::Square
        } else {
            LatticeShape::Rhombic
        }
    } else if degrees >= RIGHT_FROM_DEG {
        LatticeShape::Rectangular
    } else if norm(c) <= CENTRED * norm(b) {
        LatticeShape::Rhombic
    } else {
        LatticeShape::Oblique
    }
}

/// The superbase's vectors, shortest first.
pub(crate) fn by_length(triad: &[Wave; 3]) -> [Wave; 3] {
    let mut sorted = *triad;
    sorted.sort_by(|&p, &q| norm(p).total_cmp(&norm(q)));
    sorted
}

/// Whether two lattices agree: each one's two shortest vectors lie within `tolerance` times the first one's shortest vector of some vector of
/// the other. Signs and the choice of basis do not matter.
pub fn same_lattice(first: &[Wave; 3], second: &[Wave; 3], tolerance: f64) -> bool {
    let limit = tolerance * norm(by_length(first)[0]);
    let found = |from: &[Wave; 3], among: &[Wave; 3]| by_length(from)[..2].iter().all(|&k| nearest(k, among).1 <= limit);
    found(first, second) && found(second, first)
}

/// The vector of the lattice nearest to `k` (never zero), and its distance.
pub(crate) fn nearest(k: Wave, triad: &[Wave; 3]) -> (Wave, f64) {
    let [a, b, _] = by_length(triad);
    let mut best = ([f64::NAN; 2], f64::INFINITY);
    for m in -2_i8..=2 {
        for n in -2_i8..=2 {
            if (m, n) == (0, 0) {
                continue;
            }
            let vector = combine(f64::from(m), a, f64::from(n), b);
            let off = [vector[0] - k[0], vector[1] - k[1]];
            let square = off[0] * off[0] + off[1] * off[1];
            if square < best.1 {
                best = (vector, square);
            }
        }
    }
    (best.0, best.1.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hexagonal(spacing_m: f64, axis_rad: f64) -> [Wave; 3] {
        let length = 2.0 / (3.0_f64.sqrt() * spacing_m);
        let wave = |degrees: f64| {
            let angle = axis_rad + degrees.to_radians();
            [length * angle.cos(), length * angle.sin()]
        };
        superbase(wave(30.0), wave(90.0)).expect("two directions")
    }

    proptest! {
        #[test]
        fn a_hexagonal_lattice_has_its_spacing_and_orientation(spacing in 0.1_f64..2.0, axis in 0.0_f64..1.04) {
            let triad = hexagonal(spacing, axis);
            prop_assert!((period_m(&triad) - spacing).abs() < 1e-9);
            prop_assert!((wavelength_m(&triad) * 2.0 / 3.0_f64.sqrt() - spacing).abs() < 1e-9);
            let difference = (orientation_rad(&triad) - axis).rem_euclid(FRAC_PI_3);
            prop_assert!(difference.min(FRAC_PI_3 - difference) < 1e-9);
            prop_assert_eq!(shape(&triad), LatticeShape::Hexagonal);
        }

        #[test]
        fn any_basis_of_a_lattice_reduces_to_the_same_triad(m in -4_i32..5, n in -4_i32..5, angle in 0.0_f64..6.3, ratio in 1.0_f64..2.0, between in 1.1_f64..1.5) {
            let (a, b) = ([angle.cos(), angle.sin()], [ratio * (angle + between).cos(), ratio * (angle + between).sin()]);
            let expected = superbase(a, b).expect("two directions");
            let sheared = combine(1.0, a, f64::from(m), b);
            let other = combine(1.0, b, f64::from(n), sheared);
            let found = superbase(sheared, other).expect("two directions");
            prop_assert!(same_lattice(&expected, &found, 1e-6));
            prop_assert!((period_m(&expected) - period_m(&found)).abs() < 1e-9);
            for (i, j) in [(0, 1), (0, 2), (1, 2)] {
                prop_assert!(dot(found[i], found[j]) < 1e-9);
            }
            let sum = combine(1.0, combine(1.0, found[0], 1.0, found[1]), 1.0, found[2]);
            prop_assert!(norm(sum) < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn a_right_angled_lattice_has_its_orientation_whichever_diagonal_it_is_given_with(axis in 0.0_f64..3.1, between in 1.45_f64..1.69, ratio in 1.0_f64..1.6) {
            let (a, b) = ([ratio * axis.cos(), ratio * axis.sin()], [(axis + between).cos(), (axis + between).sin()]);
            prop_assume!((ratio - EQUAL_LENGTHS).abs() > 0.01);
            let (turn, truth) = if ratio < EQUAL_LENGTHS { (FRAC_PI_2, axis + (between - FRAC_PI_2) / 2.0) } else { (PI, axis) };
            for triad in [[a, b, combine(-1.0, a, -1.0, b)], [a, combine(-1.0, b, 0.0, b), combine(-1.0, a, 1.0, b)]] {
                let difference = (orientation_rad(&triad) - truth).rem_euclid(turn);
                prop_assert!(difference.min(turn - difference) < 1e-9 && turn_rad(shape(&triad)) == turn, "{difference}");
            }
        }
    }

    #[test]
    fn shapes_have_their_names() {
        let of = |a, b| shape(&superbase(a, b).expect("two directions"));
        assert_eq!(of([1.0, 0.0], [0.0, 1.0]), LatticeShape::Square);
        assert_eq!(of([1.0, 0.0], [0.0, 1.6]), LatticeShape::Rectangular);
        assert_eq!(of([1.0, 0.0], [0.25, 0.968]), LatticeShape::Rhombic);
        assert_eq!(of([1.0, 0.0], [0.5, 1.5]), LatticeShape::Rhombic);
        assert_eq!(of([1.0, 0.0], [0.3, 1.4]), LatticeShape::Oblique);
    }

    #[test]
    fn collinear_and_undefined_vectors_span_nothing() {
        assert_eq!(superbase([1.0, 2.0], [2.0, 4.0]), None);
        assert_eq!(superbase([0.0, 0.0], [2.0, 4.0]), None);
        assert_eq!(superbase([f64::NAN, 0.0], [2.0, 4.0]), None);
    }

    #[test]
    fn a_sublattice_is_another_lattice() {
        let whole = hexagonal(0.5, 0.2);
        let coarse = superbase(combine(1.0, whole[0], -1.0, whole[1]), combine(1.0, whole[1], -1.0, whole[2])).expect("two directions");
        assert!(!same_lattice(&whole, &coarse, 0.1) && !same_lattice(&coarse, &whole, 0.1));
    }
}

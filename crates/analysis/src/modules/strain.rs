//! How far one lattice is from another, and its coordinates near it.
//!
//! Legend: `a, b` the reference's two shortest waves, `p, q` the other lattice's vectors nearest to them, `F` the linear map with `F a = p`, `F b = q`.

use crate::lattice::{Wave, by_length, cross, dot, nearest, norm};

/// A lattice of waves (NaN beyond the first: a band) in cycles per metre.
pub(super) type Triad = [Wave; 3];

pub(super) fn is_band(waves: &Triad) -> bool {
    !waves[1][0].is_finite()
}

/// Length of the shortest wave.
pub(super) fn shortest(waves: &Triad) -> f64 {
    if is_band(waves) { norm(waves[0]) } else { norm(by_length(waves)[0]) }
}

/// Period in metres: of a lattice the spacing of the hexagonal lattice of the same density, of a band the wavelength.
pub(super) fn period_m(waves: &Triad) -> f64 {
    if is_band(waves) { 1.0 / norm(waves[0]) } else { crate::lattice::period_m(waves) }
}

/// The vectors of `other` that correspond to the reference's basis: `[p, q]`, or `[p, NaN]` for bands. `None` where they are no basis of `other` (the lattices
/// are too different), or one is a band and the other is not.
pub(super) fn aligned(reference: &Triad, other: &Triad) -> Option<[Wave; 2]> {
    match (is_band(reference), is_band(other)) {
        (true, true) => {
            let (r, k) = (reference[0], other[0]);
            Some([if dot(r, k) < 0.0 { [-k[0], -k[1]] } else { k }, [f64::NAN; 2]])
        }
        (false, false) => {
            let [a, b, _] = by_length(reference);
            let (p, q) = (nearest(a, other).0, nearest(b, other).0);
            let (cell, found) = (cross(other[0], other[1]).abs(), cross(p, q) * cross(a, b).signum());
            (found > 0.5 * cell && found < 1.5 * cell).then_some([p, q])
        }
        _ => None,
    }
}

/// The reference's basis, as [`aligned`] gives the other's.
pub(super) fn basis(reference: &Triad) -> [Wave; 2] {
    if is_band(reference) {
        return [reference[0], [f64::NAN; 2]];
    }
    let [a, b, _] = by_length(reference);
    [a, b]
}

/// Distance of two lattices as a share of the wave vectors' length (see [`super`]); infinite between a band and a lattice.
pub(super) fn distance(first: &Triad, second: &Triad) -> f64 {
    match (is_band(first), is_band(second)) {
        (true, true) => {
            let Some([k, _]) = aligned(first, second) else { return f64::INFINITY };
            norm([k[0] - first[0][0], k[1] - first[0][1]]) / norm(first[0]).min(norm(k))
        }
        (false, false) => {
            let one_way = |from: &Triad, to: &Triad| {
                let [a, b, _] = by_length(from);
                nearest(a, to).1.max(nearest(b, to).1) / norm(a)
            };
            one_way(first, second).max(one_way(second, first))
        }
        _ => f64::INFINITY,
    }
}

/// Coordinates of `other` near `reference`: log period ratio, rotation (rad, counter-clockwise), two shears; of a band the first two.
pub(super) fn coordinates(reference: &Triad, other: &Triad) -> Option<Vec<f64>> {
    let [p, q] = aligned(reference, other)?;
    let [a, b] = basis(reference);
    if is_band(reference) {
        return Some(vec![(norm(a) / norm(p)).ln(), cross(a, p).atan2(dot(a, p))]);
    }
    let area = cross(a, b);
    // F = [p q] [a b]^-1
    let f = [
        [(p[0] * b[1] - q[0] * a[1]) / area, (q[0] * a[0] - p[0] * b[0]) / area],
        [(p[1] * b[1] - q[1] * a[1]) / area, (q[1] * a[0] - p[1] * b[0]) / area],
    ];
    let scale = (f[0][0] * f[1][1] - f[0][1] * f[1][0]).sqrt();
    let turn = (f[1][0] - f[0][1]).atan2(f[0][0] + f[1][1]);
    let (sine, cosine) = turn.sin_cos();
    // U = R(-turn) F, symmetric by the choice of the turn.
    let u = [
        [cosine * f[0][0] + sine * f[1][0], cosine * f[0][1] + sine * f[1][1]],
        [cosine * f[1][0] - sine * f[0][0], cosine * f[1][1] - sine * f[0][1]],
    ];
    let found = vec![-scale.ln(), turn, (u[0][0] - u[1][1]) / (2.0 * scale), (u[0][1] + u[1][0]) / (2.0 * scale)];
    found.iter().all(|v| v.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::superbase;
    use proptest::prelude::*;

    fn moved(waves: &Triad, period: f64, turn: f64, shear: f64) -> Triad {
        let map = |k: Wave| {
            let k = [k[0] * (1.0 + shear), k[1] / (1.0 + shear)];
            [(k[0] * turn.cos() - k[1] * turn.sin()) / period, (k[0] * turn.sin() + k[1] * turn.cos()) / period]
        };
        superbase(map(waves[0]), map(waves[1])).expect("two directions")
    }

    proptest! {
        #[test]
        fn coordinates_are_what_was_done_to_the_lattice(angle in 0.0_f64..6.3, ratio in 1.0_f64..1.8, between in 1.05_f64..1.57, period in 0.92_f64..1.08, turn in -0.08_f64..0.08, shear in -0.04_f64..0.04) {
            let whole = superbase([angle.cos(), angle.sin()], [ratio * (angle + between).cos(), ratio * (angle + between).sin()]).expect("two directions");
            let found = coordinates(&whole, &moved(&whole, period, turn, shear)).expect("near");
            prop_assert!((found[0] - period.ln()).abs() < 1e-9, "{found:?}");
            // The rotation comes after the shear: exact to second order.
            prop_assert!((found[1] - turn).abs() < 1e-9 && (found[2] - shear).abs() < 2e-3 && found[3].abs() < 1e-9, "{found:?}");
        }

        #[test]
        fn distance_is_symmetric_and_zero_for_the_same(angle in 0.0_f64..6.3, ratio in 1.0_f64..1.8, between in 1.05_f64..1.57, m in -3_i32..4) {
            let (a, b) = ([angle.cos(), angle.sin()], [ratio * (angle + between).cos(), ratio * (angle + between).sin()]);
            let first = superbase(a, b).expect("two directions");
            let other = superbase(a, [b[0] + f64::from(m) * a[0], b[1] + f64::from(m) * a[1]]).expect("two directions");
            prop_assert!(distance(&first, &other) < 1e-9);
            let far = moved(&first, 1.2, 0.1, 0.05);
            prop_assert_eq!(distance(&first, &far), distance(&far, &first));
            prop_assert!(distance(&first, &far) > 0.1);
        }
    }

    #[test]
    fn bands_have_two_coordinates_up_to_sign() {
        let band = |k: Wave| [k, [f64::NAN; 2], [f64::NAN; 2]];
        let found = coordinates(&band([2.0, 0.0]), &band([-1.9, -0.1])).expect("bands");
        assert!(
            found.len() == 2
                && (found[0] - (2.0 / 1.9_f64.hypot(0.1)).ln()).abs() < 1e-12
                && (found[1] - (0.1_f64 / 1.9).atan()).abs() < 1e-12
        );
        let lattice = superbase([1.0, 0.0], [0.0, 1.0]).expect("two directions");
        assert!(distance(&band([1.0, 0.0]), &lattice).is_infinite() && coordinates(&lattice, &band([1.0, 0.0])).is_none());
    }
}

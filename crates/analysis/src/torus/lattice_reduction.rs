//! Short bases of a lattice of two dimensions, from the inner products of any basis alone (Lagrange 1773, Gauss 1801).

/// Inner products of two vectors: `[[a·a, a·b], [a·b, b·b]]`.
pub type Gram = [[f64; 2]; 2];

/// A change of basis with whole numbers: row `i` has the new vector `i` in terms of the old ones; determinant 1 or -1.
pub type Unimodular = [[i64; 2]; 2];

/// A short basis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reduced {
    /// How the new vectors are made of the old ones.
    pub change: Unimodular,
    /// The new vectors' inner products.
    pub gram: Gram,
}

impl Reduced {
    /// Length of the second (longer) vector over that of the first, at least 1.
    pub fn ratio(&self) -> f64 {
        (self.gram[1][1] / self.gram[0][0]).sqrt()
    }

    /// Acute angle between the two vectors' lines, π/3 (hexagonal) to π/2 (square or rectangular).
    pub fn angle_rad(&self) -> f64 {
        (self.gram[0][1].abs() / (self.gram[0][0] * self.gram[1][1]).sqrt()).min(1.0).acos()
    }
}

/// The two shortest independent vectors, shortest first, at an angle of at least 90° (so that the third of a hexagonal lattice's waves is minus their sum).
///
/// `None` where `gram` is not that of two independent vectors: not finite, or its determinant is below 1e-12 of what right angles would give.
pub fn reduce(gram: Gram) -> Option<Reduced> {
    let [[aa, ab], [_, bb]] = gram;
    let determinant = aa * bb - ab * ab;
    if !(determinant.is_finite() && aa > 0.0 && bb > 0.0 && determinant > 1e-12 * aa * bb) {
        return None;
    }
    let (mut first, mut second) = ([1_i64, 0], [0_i64, 1]);
    let inner = |u: [i64; 2], v: [i64; 2]| {
        let [u, v] = [u, v].map(|w| w.map(|x| x as f64));
        u[0] * v[0] * aa + (u[0] * v[1] + u[1] * v[0]) * ab + u[1] * v[1] * bb
    };
    // Each round shortens the longer vector by a factor; the bound on the determinant keeps the rounds few.
    for _ in 0..100 {
        if inner(first, first) > inner(second, second) {
            std::mem::swap(&mut first, &mut second);
        }
        let times = (inner(first, second) / inner(first, first)).round() as i64;
        if times == 0 {
            break;
        }
        second = [second[0] - times * first[0], second[1] - times * first[1]];
    }
    if inner(first, second) > 0.0 {
        second = second.map(|x| -x);
    }
    let across = inner(first, second);
    Some(Reduced { change: [first, second], gram: [[inner(first, first), across], [across, inner(second, second)]] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_3};

    fn gram(a: [f64; 2], b: [f64; 2]) -> Gram {
        let dot = |u: [f64; 2], v: [f64; 2]| u[0] * v[0] + u[1] * v[1];
        [[dot(a, a), dot(a, b)], [dot(a, b), dot(b, b)]]
    }

    proptest! {
        #[test]
        fn the_new_basis_is_short_and_spans_the_same(a in prop::array::uniform2(-3.0_f64..3.0), b in prop::array::uniform2(-3.0_f64..3.0)) {
            prop_assume!((a[0] * b[1] - a[1] * b[0]).abs() > 1e-3);
            let found = reduce(gram(a, b)).expect("independent");
            let [[p, q], [r, s]] = found.change;
            prop_assert_eq!((p * s - q * r).abs(), 1);
            // Brute force: nothing in reach is shorter.
            let mut lengths: Vec<f64> = Vec::new();
            let vectors = (-60..=60).flat_map(|m| (-60..=60).map(move |n| (m, n)));
            for (m, n) in vectors.filter(|&v| v != (0, 0)) {
                let v = [f64::from(m) * a[0] + f64::from(n) * b[0], f64::from(m) * a[1] + f64::from(n) * b[1]];
                lengths.push(v[0].hypot(v[1]));
            }
            lengths.sort_by(f64::total_cmp);
            prop_assert!(found.gram[0][0].sqrt() <= lengths[0] * (1.0 + 1e-9));
            prop_assert!(found.gram[0][1] <= 0.0 && -2.0 * found.gram[0][1] <= found.gram[0][0] * (1.0 + 1e-9));
            prop_assert!(found.ratio() >= 1.0 - 1e-9);
        }
    }

    #[test]
    fn a_skewed_basis_of_a_hexagonal_and_a_square_lattice_shows_their_angles() {
        let (h, v) = (3.0_f64.sqrt() / 2.0, 0.5);
        let hexagonal = reduce(gram([5.0 + 3.0 * v, 3.0 * h], [3.0 + 2.0 * v, 2.0 * h])).expect("independent");
        assert!((hexagonal.angle_rad() - FRAC_PI_3).abs() < 1e-9 && (hexagonal.ratio() - 1.0).abs() < 1e-9);
        let square = reduce(gram([7.0, 4.0], [5.0, 3.0])).expect("independent");
        assert!((square.angle_rad() - FRAC_PI_2).abs() < 1e-9 && (square.ratio() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn dependent_or_undefined_vectors_have_no_basis() {
        assert_eq!(reduce(gram([1.0, 2.0], [2.0, 4.0])), None);
        assert_eq!(reduce(gram([0.0, 0.0], [2.0, 4.0])), None);
        assert_eq!(reduce([[f64::NAN, 0.0], [0.0, 1.0]]), None);
    }
}

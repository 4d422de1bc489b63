//! The ellipse around the origin that points lie on, by least squares.
//!
//! `A x² + B x y + C y² = 1`, with the sum of squared differences from 1 as small as possible: exact for three points in three directions (a point and
//! its opposite are one). The semi-axes are one over the roots of the eigenvalues of `[[A, B/2], [B/2, C]]`.
//!
//! The six neighbours of a lattice always lie on an ellipse: they are a regular hexagon, stretched. For a hexagonal lattice it is a circle; for a square
//! one, whose six neighbours are four sides and two of four equal diagonals, its ratio is √3 and its tilt 45° or 135°, as the tie falls.

use crate::linear::solve_symmetric;
use std::f64::consts::{FRAC_PI_2, PI};

/// An ellipse around the origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ellipse {
    /// Longer semi-axis, m.
    pub major_m: f64,
    /// Shorter semi-axis, m.
    pub minor_m: f64,
    /// Angle of the longer axis in [0, π); of no meaning where both axes are equal.
    pub tilt_rad: f64,
}

impl Ellipse {
    /// The ellipse of these points (x, y), m. `None` where they lie on none: fewer than three directions, or on a hyperbola.
    pub fn fit(points: &[[f64; 2]]) -> Option<Self> {
        let scale = points.iter().map(|p| p[0].hypot(p[1])).sum::<f64>() / points.len().max(1) as f64;
        let (mut normal, mut right) = ([0.0; 9], [0.0; 3]);
        for [x, y] in points.iter().map(|p| [p[0] / scale, p[1] / scale]) {
            let terms = [x * x, x * y, y * y];
            for i in 0..3 {
                right[i] += terms[i];
                for j in 0..3 {
                    normal[3 * i + j] += terms[i] * terms[j];
                }
            }
        }
        let solved = solve_symmetric(&normal, &right, 1e-13)?;
        let [a, b, c] = [solved[0], solved[1], solved[2]];
        let (middle, spread) = (f64::midpoint(a, c), ((a - c) / 2.0).hypot(b / 2.0));
        let (least, most) = (middle - spread, middle + spread);
        if least.is_nan() || least <= 1e-6 * most {
            return None;
        }
        // The eigenvector of the larger eigenvalue is the shorter axis.
        let tilt_rad = (b.atan2(a - c) / 2.0 + FRAC_PI_2).rem_euclid(PI);
        Some(Self { major_m: scale / least.sqrt(), minor_m: scale / most.sqrt(), tilt_rad: if tilt_rad >= PI { 0.0 } else { tilt_rad } })
    }

    /// Longer over shorter axis, at least 1.
    pub fn ratio(&self) -> f64 {
        self.major_m / self.minor_m
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::FRAC_PI_3;

    fn stretched_hexagon(start: f64, ratio: f64, tilt: f64, size: f64) -> Vec<[f64; 2]> {
        let corner = |i: usize| {
            let angle = start + FRAC_PI_3 * i as f64;
            let (along, across) = (size * ratio * angle.cos(), size * angle.sin());
            [along * tilt.cos() - across * tilt.sin(), along * tilt.sin() + across * tilt.cos()]
        };
        (0..6).map(corner).collect()
    }

    proptest! {
        #[test]
        fn a_stretched_hexagon_tells_its_stretch(start in 0.0_f64..6.3, ratio in 1.01_f64..4.0, tilt in 0.0_f64..PI, size in 1e-3_f64..1e3) {
            let points = stretched_hexagon(start, ratio, tilt, size);
            for points in [&points[..], &points[..3]] {
                let found = Ellipse::fit(points).expect("an ellipse");
                prop_assert!((found.ratio() / ratio - 1.0).abs() < 1e-6 && (found.minor_m / size - 1.0).abs() < 1e-6, "{found:?}");
                let away = (found.tilt_rad - tilt).rem_euclid(PI);
                prop_assert!(away.min(PI - away) < 1e-5, "{found:?} for {tilt}");
            }
        }

        #[test]
        fn noise_on_six_points_moves_the_ellipse_little(start in 0.0_f64..6.3, dx in -0.01_f64..0.01, dy in -0.01_f64..0.01) {
            let mut points = stretched_hexagon(start, 1.0, 0.0, 1.0);
            points[2][0] += dx;
            points[2][1] += dy;
            prop_assert!(Ellipse::fit(&points).expect("an ellipse").ratio() < 1.02);
        }
    }

    #[test]
    fn too_few_directions_and_hyperbolas_are_none() {
        assert_eq!(Ellipse::fit(&[]), None);
        assert_eq!(Ellipse::fit(&[[0.0, 0.0]; 6]), None);
        assert_eq!(Ellipse::fit(&[[f64::NAN, 1.0]; 6]), None);
        assert_eq!(Ellipse::fit(&[[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]]), None);
        assert_eq!(Ellipse::fit(&[[1.0, 0.0], [2.0, 1.0], [2.0, -1.0]]), None, "x² - 3y² = 1");
    }
}

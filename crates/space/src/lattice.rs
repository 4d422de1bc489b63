//! Ideal cells of known truth: what the analyses must recover.
//!
//! A lattice is a set of wave vectors (cycles per metre); a cell is the lattice shifted by its phase. The profile is the sum of the waves' cosines,
//! scaled to [0, 1], or an exponential of it with narrower fields.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, FRAC_PI_6, TAU};

/// A wave vector (x, y) in cycles per metre.
pub type Wave = [f64; 2];

/// A lattice (or a band) of firing fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Lattice {
    waves: Vec<Wave>,
}

impl Lattice {
    /// Hexagonal: fields `spacing_m` apart, one axis at `orientation_rad` from x. Three waves of |k| = 2/(√3 spacing), 30° off the axes.
    pub fn hexagonal(spacing_m: f64, orientation_rad: f64) -> Self {
        let length = 2.0 / (3.0_f64.sqrt() * spacing_m);
        Self { waves: (0..3).map(|i| polar(length, orientation_rad + FRAC_PI_6 + 2.0 * FRAC_PI_3 * f64::from(i))).collect() }
    }

    /// Square: fields `spacing_m` apart, one axis at `orientation_rad` from x. Two waves of |k| = 1/spacing, along the axes.
    pub fn square(spacing_m: f64, orientation_rad: f64) -> Self {
        Self { waves: vec![polar(1.0 / spacing_m, orientation_rad), polar(1.0 / spacing_m, orientation_rad + FRAC_PI_2)] }
    }

    /// Any lattice: waves `k1`, `k2` and -(`k1` + `k2`).
    pub fn from_waves(k1: Wave, k2: Wave) -> Self {
        Self { waves: vec![k1, k2, [-k1[0] - k2[0], -k1[1] - k2[1]]] }
    }

    /// Bands `wavelength_m` apart; the wave points along `direction_rad`.
    pub fn band(wavelength_m: f64, direction_rad: f64) -> Self {
        Self { waves: vec![polar(1.0 / wavelength_m, direction_rad)] }
    }

    /// Its wave vectors, cycles per metre.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }

    /// Rate in [0, 1] at a position, for the cell with a field centre at `offset_m`: cosine profile.
    pub fn rate(&self, x_m: f64, y_m: f64, offset_m: [f64; 2]) -> f64 {
        let sum: f64 = self.waves.iter().map(|k| (TAU * (k[0] * (x_m - offset_m[0]) + k[1] * (y_m - offset_m[1]))).cos()).sum();
        let count = self.waves.len() as f64;
        // Three phases that add up to zero cannot all be opposite: their cosines' sum is at least -3/2.
        let least = if self.waves.len() == 3 { -1.5 } else { -count };
        (sum - least) / (count - least)
    }

    /// Rate in (0, 1]: `exp(κ (rate - 1))`, fields narrower the larger `kappa` is (0 is flat, 3 to 8 look like grid cells).
    pub fn rate_sharp(&self, x_m: f64, y_m: f64, offset_m: [f64; 2], kappa: f64) -> f64 {
        (kappa * (self.rate(x_m, y_m, offset_m) - 1.0)).exp()
    }
}

fn polar(length: f64, angle: f64) -> Wave {
    [length * angle.cos(), length * angle.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn hexagonal_fields_are_a_spacing_away_in_six_directions(spacing in 0.2_f64..2.0, orientation in 0.0_f64..FRAC_PI_3, x in -1.0_f64..1.0, y in -1.0_f64..1.0) {
            let lattice = Lattice::hexagonal(spacing, orientation);
            prop_assert!((lattice.rate(x, y, [x, y]) - 1.0).abs() < 1e-12);
            for i in 0..6 {
                let axis = polar(spacing, orientation + FRAC_PI_3 * f64::from(i));
                prop_assert!((lattice.rate(x + axis[0], y + axis[1], [x, y]) - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn square_fields_are_a_spacing_away_in_four_directions(spacing in 0.2_f64..2.0, orientation in 0.0_f64..FRAC_PI_2) {
            let lattice = Lattice::square(spacing, orientation);
            for i in 0..4 {
                let axis = polar(spacing, orientation + FRAC_PI_2 * f64::from(i));
                prop_assert!((lattice.rate(axis[0], axis[1], [0.0, 0.0]) - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn rates_are_in_range(k in prop::array::uniform4(-3.0_f64..3.0), x in -2.0_f64..2.0, y in -2.0_f64..2.0, kappa in 0.0_f64..10.0) {
            for lattice in [Lattice::from_waves([k[0], k[1]], [k[2], k[3]]), Lattice::square(0.5, k[0]), Lattice::band(0.4, k[1])] {
                let rate = lattice.rate(x, y, [0.1, 0.2]);
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&rate));
                let sharp = lattice.rate_sharp(x, y, [0.1, 0.2], kappa);
                prop_assert!(sharp > 0.0 && sharp <= rate.max(sharp) && sharp <= 1.0 + 1e-9);
            }
        }
    }

    #[test]
    fn the_least_rate_of_a_hexagonal_lattice_is_zero() {
        let lattice = Lattice::hexagonal(1.0, 0.0);
        // The centre of a triangle of fields.
        let rate = lattice.rate(0.5, 0.5 / 3.0_f64.sqrt(), [0.0, 0.0]);
        assert!(rate.abs() < 1e-12, "{rate}");
    }
}

//! For tests: the states of an ideal module at random places.

use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::f64::consts::TAU;

/// A module's activity and what it was made with.
pub(crate) struct Module {
    /// Samples × units.
    pub(crate) activity: Array2<f64>,
    /// φ¹, φ², φ³; a square module's third is that of no wave: NaN.
    pub(crate) phases_rad: Vec<[f64; 3]>,
}

/// Cosine cells of spacing 0.5 m (hexagonal or square) whose phases fill the unit cell evenly (a low-discrepancy sequence, shifted at random), at uniform places in a box of
/// 20 m, with Gaussian noise of `noise_sd` (rates are within [0, 1]).
pub(crate) fn module(units: usize, samples: usize, noise_sd: f64, square: bool, seed: u64) -> Module {
    let (orientation, between) = (0.2, if square { TAU / 4.0 } else { TAU / 6.0 });
    let lattice = if square { Lattice::square(0.5, orientation) } else { Lattice::hexagonal(0.5, orientation) };
    let mut shift = Seed(seed).stream("cells", 0);
    let shift = [shift.uniform(), shift.uniform()];
    // Roberts' R₂: powers of the inverse of the root of x³ = x + 1.
    let step = [0.754_877_666_246_693, 0.569_840_290_998_053];
    let offset = |i: usize| {
        let [u, v]: [f64; 2] = std::array::from_fn(|c| (shift[c] + i as f64 * step[c]).fract());
        [0, 1].map(|c| {
            let along = |angle: f64| if c == 0 { angle.cos() } else { angle.sin() };
            0.5 * (u * along(orientation) + v * along(orientation + between))
        })
    };
    let offsets: Vec<[f64; 2]> = (0..units).map(offset).collect();
    let mut walk = Seed(seed).stream("walk", 0);
    let places: Vec<[f64; 2]> = (0..samples).map(|_| [walk.uniform_in(0.0, 20.0), walk.uniform_in(0.0, 20.0)]).collect();
    let mut noise = Seed(seed).stream("noise", 0);
    let activity =
        Array2::from_shape_fn((samples, units), |(t, i)| lattice.rate(places[t][0], places[t][1], offsets[i]) + noise_sd * noise.normal());
    let phase = |offset: &[f64; 2], a: usize| lattice.waves().get(a).map_or(f64::NAN, |k| TAU * (k[0] * offset[0] + k[1] * offset[1]));
    let phases_rad = offsets.iter().map(|offset| std::array::from_fn(|a| phase(offset, a))).collect();
    Module { activity, phases_rad }
}

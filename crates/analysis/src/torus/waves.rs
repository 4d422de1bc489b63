//! How an angle on the torus turns across the arena: a plane wave.
//!
//! ```text
//! θ(x) ≈ 2π q·x + c,    q, c = argmax |mean e^{i(θ - 2π q·x)}|
//! ```
//!
//! A search over a grid of q (positions in bins, a separable transform), then Fisher scoring on the moments themselves: a step solves
//! `R Σ z zᵀ d = Σ sin(θ - 2π q·x - c) z` with `z = (1, x, y)` and the resultant R.

use crate::lattice::{Wave, norm};
use crate::linear::solve_symmetric;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Bins along each side in the search: waves of up to half as many periods are found.
const BINS: usize = 64;
/// Candidates per 1/side.
const PER_SIDE: usize = 2;

/// A plane wave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneWave {
    /// q in cycles per metre.
    pub wave: Wave,
    /// c in (-π, π]: the angle in the arena's middle.
    pub offset_rad: f64,
    /// |mean e^{i(θ - 2π q·x)}|, 0 to 1.
    pub resultant: f64,
}

/// The wave that fits the `angles` (rad) at these positions best. Moments with an angle that is NaN or a position outside the arena are left out; without any, all is NaN.
pub(super) fn plane_wave(angles: impl Iterator<Item = f64>, positions_m: &[[f64; 2]], arena: Arena) -> PlaneWave {
    let moments: Vec<(f64, [f64; 2])> =
        angles.zip(positions_m.iter().copied()).filter(|(angle, [x, y])| angle.is_finite() && arena.contains(*x, *y)).collect();
    if moments.is_empty() {
        return PlaneWave { wave: [f64::NAN; 2], offset_rad: f64::NAN, resultant: f64::NAN };
    }
    let mean = |wave: Wave| {
        let sum: Complex64 = moments.iter().map(|(angle, [x, y])| Complex64::cis(angle - TAU * (wave[0] * x + wave[1] * y))).sum();
        sum / moments.len() as f64
    };
    let mut wave = search(&moments, arena);
    let mut now = mean(wave);
    for _ in 0..50 {
        let (mut right, mut matrix) = ([0.0; 3], [0.0; 9]);
        for (angle, [x, y]) in &moments {
            let z = [1.0, x / arena.width_m, y / arena.height_m];
            let sine = (angle - TAU * (wave[0] * x + wave[1] * y) - now.arg()).sin();
            for (i, along) in z.iter().enumerate() {
                right[i] += sine * along;
                for (j, across) in z.iter().enumerate() {
                    matrix[3 * i + j] += now.norm() * along * across;
                }
            }
        }
        let Some(step) = solve_symmetric(&matrix, &right, 1e-12) else { break };
        let next = [wave[0] + step[1] / (TAU * arena.width_m), wave[1] + step[2] / (TAU * arena.height_m)];
        let value = mean(next);
        // At the top steps are of rounding's size, and no longer lead up.
        if value.norm() <= now.norm() {
            break;
        }
        (wave, now) = (next, value);
    }
    PlaneWave { wave, offset_rad: now.arg(), resultant: now.norm() }
}

/// The best wave of a grid.
fn search(moments: &[(f64, [f64; 2])], arena: Arena) -> Wave {
    let bins = Bins::square(arena, BINS);
    let mut sums = vec![Complex64::ZERO; bins.len()];
    for (angle, [x, y]) in moments {
        if let Some(bin) = bins.index(*x, *y) {
            sums[bin] += Complex64::cis(*angle);
        }
    }
    let steps = BINS * PER_SIDE;
    // Row `q` has e^{-2πi q x} at the bins' middles, q in steps of 1/(PER_SIDE · side) from -BINS/2 per side.
    let cycles = |q: usize| (q as f64 - steps as f64 / 2.0) / PER_SIDE as f64;
    let turns: Vec<Vec<Complex64>> = (0..=steps)
        .map(|q| (0..BINS).map(|bin| Complex64::cis(-TAU * cycles(q) * ((bin as f64 + 0.5) / BINS as f64 - 0.5))).collect())
        .collect();
    let mut best = (-1.0, [0.0; 2]);
    for (qx, along_x) in turns.iter().enumerate() {
        let rows: Vec<Complex64> = sums.chunks(BINS).map(|row| row.iter().zip(along_x).map(|(sum, turn)| sum * turn).sum()).collect();
        for (qy, along_y) in turns.iter().enumerate() {
            let power = rows.iter().zip(along_y).map(|(row, turn)| row * turn).sum::<Complex64>().norm_sqr();
            if power > best.0 {
                best = (power, [cycles(qx) / arena.width_m, cycles(qy) / arena.height_m]);
            }
        }
    }
    best.1
}

/// How two waves are made of a module's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaveMatch {
    /// Row a: q_a ≈ m k₁ + n k₂.
    pub change: [[i64; 2]; 2],
    /// Largest |q_a - (m k₁ + n k₂)| over the shorter of k₁, k₂.
    pub misfit: f64,
    /// Whether the two angles and the module's two waves are bases of one lattice: determinant 1 or -1.
    pub same_lattice: bool,
}

/// The nearest combinations of the module's waves `k` with whole numbers; `None` where any is undefined or the waves are collinear.
pub(super) fn match_waves(q: [Wave; 2], k: [Wave; 2]) -> Option<WaveMatch> {
    let area = k[0][0] * k[1][1] - k[0][1] * k[1][0];
    let shortest = norm(k[0]).min(norm(k[1]));
    if !(area.abs() > 1e-9 * shortest * shortest && q.iter().flatten().all(|x| x.is_finite())) {
        return None;
    }
    let change = q.map(|q| [(q[0] * k[1][1] - q[1] * k[1][0]) / area, (k[0][0] * q[1] - k[0][1] * q[0]) / area].map(|x| x.round() as i64));
    let off = |a: usize| {
        let [m, n] = change[a].map(|x| x as f64);
        norm([q[a][0] - m * k[0][0] - n * k[1][0], q[a][1] - m * k[0][1] - n * k[1][1]])
    };
    let determinant = change[0][0] * change[1][1] - change[0][1] * change[1][0];
    Some(WaveMatch { change, misfit: off(0).max(off(1)) / shortest, same_lattice: determinant.abs() == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    #[test]
    fn a_plane_wave_with_noise_is_found() {
        for (number, arena) in [Arena::square(2.0), Arena::rectangle(3.0, 1.2), Arena::circle(1.5)].into_iter().enumerate() {
            for (trial, wave) in [[2.31, -1.17], [0.2, 0.1], [-6.1, 5.3], [0.0, 0.0]].into_iter().enumerate() {
                let mut stream = Seed(4).stream("wave", (number * 10 + trial) as u64);
                let positions_m: Vec<[f64; 2]> = (0..4000)
                    .map(|_| [stream.uniform_in(-0.5, 0.5) * arena.width_m, stream.uniform_in(-0.5, 0.5) * arena.height_m])
                    .collect();
                let angles: Vec<f64> =
                    positions_m.iter().map(|[x, y]| turn_of(TAU * (wave[0] * x + wave[1] * y) + 1.3 + 0.4 * stream.normal())).collect();
                let found = plane_wave(angles.iter().copied(), &positions_m, arena);
                // Five standard errors: 0.4 rad / (2π · 0.29 · side · √n).
                let error = 5.0 * 0.4 / (TAU * 0.25 * 1.2 * 3000.0_f64.sqrt());
                assert!(norm([found.wave[0] - wave[0], found.wave[1] - wave[1]]) < error, "{found:?} {wave:?}");
                assert!((found.resultant - (-0.08_f64).exp()).abs() < 0.02 && (found.offset_rad - 1.3).abs() < 0.05, "{found:?}");
            }
        }
    }

    fn turn_of(angle: f64) -> f64 {
        angle.rem_euclid(TAU)
    }

    #[test]
    fn random_angles_fit_no_wave() {
        let mut stream = Seed(4).stream("none", 0);
        let positions_m: Vec<[f64; 2]> = (0..4000).map(|_| [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)]).collect();
        let angles: Vec<f64> = (0..4000).map(|_| stream.uniform_in(0.0, TAU)).collect();
        assert!(plane_wave(angles.iter().copied(), &positions_m, Arena::square(2.0)).resultant < 0.1);
        assert!(plane_wave(std::iter::repeat(f64::NAN), &positions_m, Arena::square(2.0)).resultant.is_nan());
    }

    #[test]
    fn waves_are_told_in_terms_of_others() {
        let k = [[1.0, 0.2], [-0.3, 1.1]];
        let q = [[2.0 * 1.0 - 0.3, 0.4 + 1.1], [-1.0 + 0.01, -0.2]];
        let found = match_waves(q, k).expect("two directions");
        assert_eq!((found.change, found.same_lattice), ([[2, 1], [-1, 0]], true));
        assert!((found.misfit - 0.01 / 1.0_f64.hypot(0.2)).abs() < 1e-9);
        assert!(!match_waves([[2.0, 0.4], k[1]], k).expect("two directions").same_lattice, "index 2");
        assert_eq!(match_waves(q, [[1.0, 0.2], [2.0, 0.4]]), None);
        assert_eq!(match_waves([[f64::NAN, 0.0], [1.0, 0.0]], k), None);
    }
}

//! Known lattices are read from their autocorrelograms, few fields or many; what has no peaks says why.

use super::{Autocorrelator, AutocorrelogramPeaks, NoPeaks, peaks};
use crate::lattice::LatticeShape;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use proptest::prelude::*;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, PI};

fn map(bins: &Bins, rate: impl Fn(f64, f64) -> f64) -> Array2<f64> {
    Array2::from_shape_fn((bins.ny, bins.nx), |(row, col)| {
        let index = row * bins.nx + col;
        let (x, y) = bins.centre(index);
        if bins.reachable(index) { rate(x, y) } else { f64::NAN }
    })
}

fn noisy(mut map: Array2<f64>, sd: f64, seed: u64) -> Array2<f64> {
    let mut stream = Seed(seed).stream("noise", 0);
    map.mapv_inplace(|rate| rate + sd * stream.normal());
    map
}

fn find(map: &Array2<f64>, bins: &Bins) -> Result<AutocorrelogramPeaks, NoPeaks> {
    peaks(Autocorrelator::new(&map.mapv(|rate| !rate.is_nan()), 20).map(map.view()).view(), bins)
}

/// Distance of two angles that mean the same every `period`.
fn apart(a: f64, b: f64, period: f64) -> f64 {
    let d = (a - b).rem_euclid(period);
    d.min(period - d)
}

#[test]
fn spacings_from_a_tenth_to_half_of_the_box_are_read() {
    for (side, n, spacings) in [(2.0, 50, &[0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 0.9, 1.0, 1.2][..]), (4.0, 80, &[0.2, 0.3, 0.45, 0.8, 1.2][..])]
    {
        let bins = Bins::square(Arena::square(side), n);
        for &spacing in spacings {
            let (mut off, mut turned, mut worst, mut found, count) = (0.0_f64, 0.0_f64, 0.0_f64, 0, 20);
            for seed in 0..count {
                let mut stream = Seed(seed).stream("cell", 0);
                let orientation = stream.uniform_in(0.0, FRAC_PI_3);
                let offset = [stream.uniform_in(-0.5, 0.5), stream.uniform_in(-0.5, 0.5)];
                let lattice = Lattice::hexagonal(spacing, orientation);
                let cell = noisy(map(&bins, |x, y| lattice.rate_sharp(x, y, offset, 2.0)), 0.15, seed);
                if let Ok(peaks) = find(&cell, &bins) {
                    found += 1;
                    let error = peaks.spacing_m / spacing - 1.0;
                    off += error.powi(2);
                    worst = worst.max(error.abs());
                    turned += apart(peaks.orientation_rad, orientation, FRAC_PI_3).powi(2);
                    assert!(peaks.peaks_m.len() == 6 && peaks.ellipse_ratio >= 1.0);
                }
            }
            let (off, turned) = ((off / f64::from(found)).sqrt(), (turned / f64::from(found)).sqrt().to_degrees());
            eprintln!(
                "{side} m, {n} bins, spacing {spacing} m: {found}/{count}, spacing rms {:.2} % worst {:.2} %, orientation rms {turned:.2}°",
                100.0 * off,
                100.0 * worst
            );
            assert!(found as u64 == count && worst < 0.06 && turned < 3.0);
        }
    }
}

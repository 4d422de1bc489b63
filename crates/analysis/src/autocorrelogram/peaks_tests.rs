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

/// Root mean squares of the relative error of the spacing and of the error of the orientation in degrees, the largest error of the spacing, and how many of
/// `count` hexagonal cells had peaks.
fn errors(bins: &Bins, spacing: f64, noise: f64, count: u64) -> (f64, f64, f64, u64) {
    let (mut off, mut turned, mut worst, mut found) = (0.0_f64, 0.0_f64, 0.0_f64, 0);
    for seed in 0..count {
        let mut stream = Seed(seed).stream("cell", 0);
        let orientation = stream.uniform_in(0.0, FRAC_PI_3);
        let offset = [stream.uniform_in(-0.5, 0.5), stream.uniform_in(-0.5, 0.5)];
        let lattice = Lattice::hexagonal(spacing, orientation);
        let cell = noisy(map(bins, |x, y| lattice.rate_sharp(x, y, offset, 2.0)), noise, seed);
        if let Ok(peaks) = find(&cell, bins) {
            found += 1;
            let error = peaks.spacing_m / spacing - 1.0;
            off += error.powi(2);
            worst = worst.max(error.abs());
            turned += apart(peaks.orientation_rad, orientation, FRAC_PI_3).powi(2);
            assert!(peaks.peaks_m.len() == 6 && peaks.ellipse_ratio >= 1.0);
        }
    }
    let mean = |sum: f64| (sum / found as f64).sqrt();
    (mean(off), mean(turned).to_degrees(), worst, found)
}

#[test]
#[expect(clippy::print_stderr, reason = "measured errors are for people")]
fn spacings_from_a_tenth_to_half_of_the_box_are_read() {
    // With GRIDLAKE_BLESS=1 more cells, and noise up to the peak's own height.
    let large = std::env::var_os("GRIDLAKE_BLESS").is_some();
    let (count, noises) = if large { (30, &[0.15, 0.3, 0.6][..]) } else { (5, &[0.15][..]) };
    for (side, n, spacings) in [(2.0, 50, &[0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 0.9, 1.0, 1.2][..]), (4.0, 80, &[0.2, 0.3, 0.45, 0.8, 1.2][..])]
    {
        let bins = Bins::square(Arena::square(side), n);
        for &noise in noises {
            for &spacing in spacings {
                let (off, turned, worst, found) = errors(&bins, spacing, noise, count);
                eprintln!(
                    "{side} m, {n} bins, noise {noise}, spacing {spacing} m: {found}/{count}, spacing rms {:.2} % worst {:.2} %, orientation rms {turned:.2}°",
                    100.0 * off,
                    100.0 * worst
                );
                assert!(noise > 0.15 || (found == count && worst < 0.04 && turned < 0.75));
            }
        }
    }
}

/// The lattice vectors that two wave vectors imply.
fn direct(waves: &[[f64; 2]]) -> [[f64; 2]; 3] {
    let area = waves[0][0] * waves[1][1] - waves[0][1] * waves[1][0];
    let turned = |k: [f64; 2]| [-k[1] / area, k[0] / area];
    crate::lattice::superbase(turned(waves[0]), turned(waves[1])).expect("two directions")
}

#[test]
fn sheared_lattices_have_their_shape_angle_and_ellipse() {
    let bins = Bins::square(Arena::square(2.0), 50);
    for (k1, k2, shape) in [
        ([2.5, 0.0], [1.25, 2.165], LatticeShape::Hexagonal),
        ([2.3, 0.4], [-0.4, 2.3], LatticeShape::Square),
        ([2.0, 0.0], [-0.6, 1.9], LatticeShape::Rhombic),
        ([1.8, 0.3], [-0.45, 2.7], LatticeShape::Rectangular),
        ([2.0, 0.0], [-0.6, 2.7], LatticeShape::Oblique),
    ] {
        let lattice = Lattice::from_waves(k1, k2);
        // Two waves of equal weight, and a weak third, so that no side is privileged.
        let cell = noisy(map(&bins, |x, y| lattice.rate_sharp(x, y, [0.1, 0.05], 3.0)), 0.1, 3);
        let found = find(&cell, &bins).expect("peaks");
        let truth = direct(&[k1, k2]);
        let ellipse = super::Ellipse::fit(&truth).expect("an ellipse");
        let (ratio, angle) = crate::lattice::reduced_ratio_and_angle(&truth);
        assert_eq!(found.shape, shape, "{found:?}");
        assert!(
            (found.length_ratio / ratio - 1.0).abs() < 0.04 && (found.lattice_angle_rad - angle).abs() < 0.04,
            "{shape}: {ratio} {angle} {found:?}"
        );
        if shape != LatticeShape::Square && shape != LatticeShape::Rectangular {
            assert!((found.ellipse_ratio / ellipse.ratio() - 1.0).abs() < 0.06, "{shape}: {ellipse:?} {found:?}");
        }
        if shape != LatticeShape::Hexagonal && shape != LatticeShape::Square && shape != LatticeShape::Rectangular {
            assert!(apart(found.ellipse_tilt_rad, ellipse.tilt_rad, PI) < 0.06, "{shape}: {ellipse:?} {found:?}");
        }
    }
}

#[test]
fn bands_have_ridges() {
    let bins = Bins::square(Arena::square(2.0), 50);
    for (wavelength, direction) in [(0.3, 0.3), (0.5, 0.0), (0.5, 1.2), (0.8, FRAC_PI_2), (0.8, 2.6)] {
        let band = Lattice::band(wavelength, direction);
        let found = find(&noisy(map(&bins, |x, y| band.rate(x, y, [0.1, 0.0])), 0.2, 5), &bins).expect("ridges");
        assert!(found.shape == LatticeShape::Band && found.peaks_m.len() == 2 && found.orientation_rad.is_nan(), "{found:?}");
        assert!((found.spacing_m / wavelength - 1.0).abs() < 0.03, "{wavelength}: {found:?}");
        let [x, y] = found.vectors_m[0];
        assert!(apart(y.atan2(x), direction, PI) < 0.05, "{direction}: {found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rectangles_circles_and_unequal_bins_read_the_same(spacing in 0.3_f64..0.6, orientation in 0.0_f64..FRAC_PI_3, px in -0.3_f64..0.3, py in -0.3_f64..0.3, seed in 0_u64..1000) {
        let lattice = Lattice::hexagonal(spacing, orientation);
        let arenas = [
            Bins::new(Arena::rectangle(2.0, 1.4), 50, 35),
            Bins::new(Arena::rectangle(2.0, 1.4), 50, 50),
            Bins::new(Arena::rectangle(1.4, 2.0), 56, 40),
            Bins::square(Arena::circle(2.0), 50),
        ];
        for bins in arenas {
            let cell = noisy(map(&bins, |x, y| lattice.rate_sharp(x, y, [px, py], 2.0)), 0.1, seed);
            let found = find(&cell, &bins).expect("peaks");
            prop_assert!((found.spacing_m / spacing - 1.0).abs() < 0.03, "{} {}x{}: {found:?}", bins.arena.label(), bins.nx, bins.ny);
            prop_assert!(apart(found.orientation_rad, orientation, FRAC_PI_3) < 0.03, "{} {found:?}", bins.arena.label());
            prop_assert_eq!(found.shape, LatticeShape::Hexagonal);
            prop_assert!(found.ellipse_ratio < 1.08);
        }
    }

    #[test]
    fn turning_the_map_turns_the_peaks(spacing in 0.3_f64..0.9, orientation in 0.0_f64..FRAC_PI_3, seed in 0_u64..1000) {
        let bins = Bins::square(Arena::square(2.0), 50);
        let lattice = Lattice::hexagonal(spacing, orientation);
        let still = noisy(map(&bins, |x, y| lattice.rate(x, y, [0.1, 0.0])), 0.1, seed);
        let turned = Array2::from_shape_fn((50, 50), |(row, col)| still[(col, 49 - row)]);
        let (a, b) = (find(&still, &bins).expect("peaks"), find(&turned, &bins).expect("peaks"));
        prop_assert!((a.spacing_m - b.spacing_m).abs() < 1e-6 && (a.ellipse_ratio - b.ellipse_ratio).abs() < 1e-6);
        prop_assert!(apart(a.orientation_rad + FRAC_PI_2, b.orientation_rad, FRAC_PI_3) < 1e-6);
    }

    #[test]
    fn nothing_panics_and_peaks_are_whole(rows in 1_usize..16, cols in 1_usize..16, seed in any::<u64>(), hole in 0.0_f64..1.0) {
        let bins = Bins::new(Arena::rectangle(1.0, 2.0), cols, rows);
        let mut stream = Seed(seed).stream("any", 0);
        let any = Array2::from_shape_fn((rows, cols), |_| if stream.uniform() < hole { f64::NAN } else { stream.normal() });
        if let Ok(found) = find(&any, &bins) {
            prop_assert!(found.spacing_m > 0.0 && found.peaks_m.iter().flatten().all(|v| v.is_finite()));
            prop_assert!(found.shape == LatticeShape::Band || (found.ellipse_ratio >= 1.0 && found.peaks_m.len() == 6 && found.found >= 2));
        }
    }
}

#[test]
fn maps_without_peaks_say_why() {
    let bins = Bins::square(Arena::square(2.0), 30);
    let of = |rate: &dyn Fn(f64, f64) -> f64| find(&map(&bins, rate), &bins).map(|found| found.peaks_m.len());
    assert_eq!(of(&|_, _| 0.3), Err(NoPeaks::NoAutocorrelogram));
    assert_eq!(of(&|_, _| f64::NAN), Err(NoPeaks::NoAutocorrelogram));
    assert!(
        matches!(of(&|x, y| (-(x * x + y * y) / 0.02).exp()), Err(NoPeaks::TooFew(_))),
        "{:?}",
        of(&|x, y| (-(x * x + y * y) / 0.02).exp())
    );
    let white = find(&noisy(map(&bins, |_, _| 0.0), 1.0, 3), &bins);
    assert_eq!(white, Err(NoPeaks::Unresolved));
    assert_eq!(peaks(Array2::zeros((3, 3)).view(), &bins), Err(NoPeaks::Shape));
    let one_row = map(&bins, |x, y| if (0.0..0.05).contains(&y) { x } else { f64::NAN });
    assert!(find(&one_row, &bins).is_err());
}

/// The peaks of a smooth function of the lag as anyone would find them: highest lags of the whole half plane, nearest first, and a fine grid around each.
fn reference(r: &dyn Fn(f64, f64) -> f64, reach: isize, step: f64) -> Vec<[f64; 2]> {
    let at = |x: isize, y: isize| r(x as f64 * step, y as f64 * step);
    let mut found = Vec::new();
    for y in 0..=reach {
        for x in -reach..=reach {
            let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [dx, dy])).filter(|d| *d != [0, 0]);
            if (y > 0 || x > 0) && around.into_iter().all(|[dx, dy]| at(x + dx, y + dy) < at(x, y)) {
                let fine = (-40..=40).flat_map(|v| (-40..=40).map(move |u| [f64::from(u) / 40.0, f64::from(v) / 40.0]));
                let places = fine.map(|[u, v]| [(x as f64 + u) * step, (y as f64 + v) * step]);
                found.push(places.max_by(|a, b| r(a[0], a[1]).total_cmp(&r(b[0], b[1]))).expect("places"));
            }
        }
    }
    found.sort_by(|a, b| a[0].hypot(a[1]).total_cmp(&b[0].hypot(b[1])));
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn peaks_of_a_known_function_lie_where_a_search_finds_them(spacing in 0.25_f64..0.9, orientation in 0.0_f64..FRAC_PI_3, shear in -0.15_f64..0.15) {
        let bins = Bins::square(Arena::square(2.0), 40);
        let hexagonal = Lattice::hexagonal(spacing, orientation);
        let bent = |k: [f64; 2]| [k[0] + shear * k[1], k[1]];
        let lattice = Lattice::from_waves(bent(hexagonal.waves()[0]), bent(hexagonal.waves()[1]));
        let r = |x: f64, y: f64| (lattice.rate(x, y, [0.0; 2]) - 1.0 / 3.0) * 1.5;
        let step = 2.0 / 40.0;
        let sampled = Array2::from_shape_fn((79, 79), |(row, col)| r((col as f64 - 39.0) * step, (row as f64 - 39.0) * step));
        let found = peaks(sampled.view(), &bins).expect("peaks");
        prop_assert_eq!(found.found, 3);
        let nearest = reference(&r, 38, step);
        for expected in &nearest[..3] {
            let off = found.peaks_m.iter().map(|p| (p[0] - expected[0]).hypot(p[1] - expected[1])).fold(f64::INFINITY, f64::min);
            // The reference's grid is 1/40 of a bin.
            prop_assert!(off < 0.05 * step, "{off} m off at {expected:?}: {found:?}");
        }
    }
}

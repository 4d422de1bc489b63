use super::*;
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;

fn map(side: f64, bins: usize, rate: impl Fn(f64, f64) -> f64) -> Array2<f64> {
    let at = |i: usize| ((i as f64 + 0.5) / bins as f64 - 0.5) * side;
    Array2::from_shape_fn((bins, bins), |(row, col)| rate(at(col), at(row)))
}

fn triad(lattice: &Lattice) -> [Wave; 3] {
    crate::lattice::superbase(lattice.waves()[0], lattice.waves()[1]).expect("two directions")
}

fn apart(a: f64, b: f64) -> f64 {
    (PI - (PI - (a - b)).rem_euclid(TAU)).abs()
}

#[test]
fn a_translate_of_peaks_has_the_identity_and_its_offset() {
    for (number, kappa) in [(0, 0.5), (1, 3.0), (2, 8.0)] {
        let mut stream = Seed(4).stream("offsets", number);
        let lattice = Lattice::hexagonal(0.43, 0.2);
        let waves = triad(&lattice);
        let mut visited = Array2::from_elem((40, 40), true);
        visited.slice_mut(ndarray::s![0..9, 20..33]).fill(false);
        let plan = PhasePlan::new(&visited, 2.0, 2.0, &waves).expect("waves");
        for _ in 0..5 {
            let offset = [stream.uniform_in(-1.0, 1.0), stream.uniform_in(-1.0, 1.0)];
            let found = plan.unit(map(2.0, 40, |x, y| lattice.rate_sharp(x, y, offset, kappa)).view());
            for (phase, k) in found.phases_rad.iter().zip(waves) {
                assert!(apart(*phase, TAU * (k[0] * offset[0] + k[1] * offset[1])) < 0.02, "{found:?}");
            }
            assert!(found.identity_error_rad.abs() < 0.03, "{found:?}");
            // The position is the offset up to a period: the rate there is the peak.
            let [x, y] = found.position_m;
            assert!(lattice.rate(x, y, offset) > 0.999 && x.hypot(y) < 0.43 / 3.0_f64.sqrt() + 1e-3, "{found:?}");
        }
    }
}

#[test]
fn holes_and_unlike_fields_break_the_identity() {
    let lattice = Lattice::hexagonal(0.5, 0.1);
    let plan = PhasePlan::new(&Array2::from_elem((40, 40), true), 2.0, 2.0, &triad(&lattice)).expect("waves");
    let holes = plan.unit(map(2.0, 40, |x, y| 1.0 - lattice.rate(x, y, [0.1, 0.2])).view());
    assert!(apart(holes.identity_error_rad, PI) < 1e-6, "{holes:?}");
    let centre = [0.5 * (0.1_f64 + PI / 6.0).cos() / 3.0_f64.sqrt(), 0.5 * (0.1_f64 + PI / 6.0).sin() / 3.0_f64.sqrt()];
    let two = plan.unit(map(2.0, 40, |x, y| lattice.rate(x, y, [0.0; 2]) + 0.6 * lattice.rate(x, y, centre)).view());
    assert!(two.identity_error_rad.abs() > 0.3 && two.identity_error_rad.abs() < 2.9, "{two:?}");
}

#[test]
fn on_whole_waves_it_is_the_papers_sum_and_elsewhere_better() {
    // Waves (2, 1), (-1, 2), (-1, -3) per side: whole numbers, no hole.
    let lattice = Lattice::from_waves([1.0, 0.5], [-0.5, 1.0]);
    let waves = [lattice.waves()[0], lattice.waves()[1], lattice.waves()[2]];
    let plan = PhasePlan::new(&Array2::from_elem((40, 40), true), 2.0, 2.0, &waves).expect("waves");
    let whole = map(2.0, 40, |x, y| lattice.rate_sharp(x, y, [0.13, -0.3], 2.0));
    let found = plan.unit(whole.view());
    for (phase, k) in found.phases_rad.iter().zip(waves) {
        assert!(apart(*phase, paper_sum(whole.view(), 2.0, 2.0, k)) < 1e-6);
    }
    // A hole and a period that does not fit the box.
    let lattice = Lattice::hexagonal(0.8, 0.4);
    let waves = triad(&lattice);
    let mut holed = map(2.0, 40, |x, y| lattice.rate_sharp(x, y, [0.13, -0.3], 2.0));
    holed.slice_mut(ndarray::s![5..25, 25..40]).fill(f64::NAN);
    let plan = PhasePlan::new(&holed.mapv(|r| !r.is_nan()), 2.0, 2.0, &waves).expect("waves");
    let found = plan.unit(holed.view());
    let truth = waves.map(|k| TAU * (k[0] * 0.13 - k[1] * 0.3));
    let (mut fitted, mut summed) = (0.0_f64, 0.0_f64);
    for wave in 0..3 {
        fitted = fitted.max(apart(found.phases_rad[wave], truth[wave]));
        summed = summed.max(apart(paper_sum(holed.view(), 2.0, 2.0, waves[wave]), truth[wave]));
    }
    assert!(fitted < 0.01 && summed > 0.1, "{fitted}, {summed}");
}

#[test]
fn standard_errors_are_those_of_white_noise() {
    let lattice = Lattice::hexagonal(0.5, 0.3);
    let waves = triad(&lattice);
    let plan = PhasePlan::new(&Array2::from_elem((30, 30), true), 2.0, 2.0, &waves).expect("waves");
    let truth = TAU * (waves[0][0] * 0.1 + waves[0][1] * 0.2);
    let mut z = Vec::new();
    for number in 0..400 {
        let mut stream = Seed(6).stream("noise", number);
        let noisy = map(2.0, 30, |x, y| lattice.rate(x, y, [0.1, 0.2])).mapv(|r| r + 0.5 * stream.normal());
        let found = plan.unit(noisy.view());
        z.push((PI - (PI - (found.phases_rad[0] - truth)).rem_euclid(TAU)) / found.se_rad[0]);
    }
    let sd = (z.iter().map(|v| v * v).sum::<f64>() / z.len() as f64).sqrt();
    // Five standard errors of a standard deviation of 400.
    assert!((sd - 1.0).abs() < 0.18, "{sd}");
}

#[test]
fn bands_have_one_phase_and_bad_maps_a_reason() {
    let band = Lattice::band(0.4, 0.5);
    let waves = [band.waves()[0], [f64::NAN; 2], [f64::NAN; 2]];
    let plan = PhasePlan::new(&Array2::from_elem((30, 30), true), 2.0, 2.0, &waves).expect("waves");
    let found = plan.unit(map(2.0, 30, |x, y| band.rate(x, y, [0.1, 0.0])).view());
    assert!(apart(found.phases_rad[0], TAU * 0.1 * waves[0][0]) < 1e-6 && found.phases_rad[1].is_nan() && found.reason.is_none());
    for (bad, rate) in [("constant", 0.3), ("finite", f64::NAN)] {
        let found = plan.unit(Array2::from_elem((30, 30), rate).view());
        assert!(found.phases_rad[0].is_nan() && found.reason.is_some_and(|reason| reason.contains(bad)), "{found:?}");
    }
    assert!(PhasePlan::new(&Array2::from_elem((30, 30), true), 2.0, 2.0, &[[30.0, 0.0], [0.0, 30.0], [-30.0, -30.0]]).is_err());
}

use super::*;
use crate::lattice::{Wave, norm, superbase};
use gridlake_space::lattice::Lattice;
use gridlake_space::seed::Seed;

/// Maps of a module with white noise, rates of very different sizes, and a hole in the box.
fn maps(lattice: &Lattice, units: u64, noise: f64, name: &str) -> (Vec<Array2<f64>>, Array2<bool>) {
    let at = |i: usize| ((i as f64 + 0.5) / 40.0 - 0.5) * 2.0;
    let made = (0..units).map(|unit| {
        let mut stream = Seed(8).stream(name, unit);
        let offset = [stream.uniform_in(-0.5, 0.5), stream.uniform_in(-0.5, 0.5)];
        let size = (4.0 * stream.uniform()).exp();
        let mut map = Array2::from_shape_fn((40, 40), |(row, col)| {
            size * (lattice.rate_sharp(at(col), at(row), offset, 2.0) + noise * stream.normal())
        });
        map.slice_mut(ndarray::s![30..40, 0..8]).fill(f64::NAN);
        map
    });
    let made: Vec<_> = made.collect();
    let visited = made[0].mapv(|r| !r.is_nan());
    (made, visited)
}

fn triad(lattice: &Lattice) -> [Wave; 3] {
    superbase(lattice.waves()[0], lattice.waves()[1]).expect("two directions")
}

fn fitted(maps: &[Array2<f64>], visited: &Array2<bool>, start: &[Wave; 3]) -> SharedWaves {
    JointFit::new(visited, 2.0, 2.0).refine(start, &mut |add| maps.iter().for_each(|map| add(map.view()))).expect("a fit")
}

#[test]
fn shared_waves_are_found_and_better_than_one_units() {
    let lattice = Lattice::hexagonal(0.52, 0.3);
    let truth = triad(&lattice);
    let start = truth.map(|k| [1.02 * k[0] + 0.01, 1.02 * k[1]]);
    let (made, visited) = maps(&lattice, 16, 0.4, "shared");
    let all = fitted(&made, &visited, &start);
    let away =
        |found: &SharedWaves| (0..3).map(|i| norm([found.waves[i][0] - truth[i][0], found.waves[i][1] - truth[i][1]])).fold(0.0, f64::max);
    assert!(all.converged && all.units == 16 && away(&all) < 0.01, "{all:?}");
    let alone: f64 = made.iter().map(|map| away(&fitted(std::slice::from_ref(map), &visited, &start))).sum::<f64>() / 16.0;
    assert!(away(&all) < 0.6 * alone, "{} against {alone}", away(&all));
    assert!((crate::lattice::period_m(&all.waves) - 0.52).abs() < 5.0 * all.period_se_m && all.period_se_m < 0.002, "{all:?}");
}

#[test]
fn standard_errors_cover_the_truth() {
    let lattice = Lattice::from_waves([1.9, 0.4], [-0.6, 1.8]);
    let truth = triad(&lattice);
    for (units, least, most) in [(1, 0.7, 1.3), (12, 0.7, 1.35)] {
        let mut squares = Vec::new();
        for sample in 0..30 {
            let (made, visited) = maps(&lattice, units, 0.4, &format!("errors {units} {sample}"));
            let found = fitted(&made, &visited, &truth);
            for ((wave, se), truth) in found.waves.iter().zip(found.se).zip(truth) {
                squares.extend((0..2).map(|axis| ((wave[axis] - truth[axis]) / se[axis]).powi(2)));
            }
        }
        let ratio = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        assert!((least..most).contains(&ratio), "{units} units: errors are {ratio} standard errors");
    }
}

#[test]
fn the_spectrum_has_its_peaks_at_the_waves_and_sums_to_one() {
    let lattice = Lattice::hexagonal(0.4, 0.2);
    let (made, visited) = maps(&lattice, 6, 0.2, "peaks");
    let mut sum = SpectrumSum::new(&visited, 2.0, 2.0, 4);
    for map in &made {
        sum.add(map.view());
    }
    sum.add(Array2::from_elem((40, 40), 0.3).view());
    let whole = sum.finish(f64::INFINITY);
    assert!((whole.units, whole.left_out) == (6, 1));
    // All but the one row and column of the highest frequency.
    assert!((whole.power.sum() - 1.0).abs() < 0.01, "{}", whole.power.sum());
    let part = sum.finish(6.0);
    assert_eq!(part.power.dim(), (2 * 48 + 1, 2 * 48 + 1));
    assert_eq!(part.df_cycles_per_m, [0.125; 2]);
    let (rows, cols) = part.power.dim();
    for ((row, col), power) in part.power.indexed_iter() {
        assert!((power - part.power[[rows - 1 - row, cols - 1 - col]]).abs() < 1e-12, "point symmetry");
    }
    let peak = part.power.indexed_iter().fold(((0, 0), 0.0), |best, (at, power)| if *power > best.1 { (at, *power) } else { best }).0;
    let k = [(peak.1 as f64 - 48.0) * 0.125, (peak.0 as f64 - 48.0) * 0.125];
    let away =
        triad(&lattice).iter().flat_map(|w| [norm([w[0] - k[0], w[1] - k[1]]), norm([w[0] + k[0], w[1] + k[1]])]).fold(9.0, f64::min);
    assert!(away < 0.13, "{k:?}");
}

#[test]
fn bands_fit_and_bad_input_is_an_error() {
    let band = Lattice::band(0.37, 1.0);
    let (made, visited) = maps(&band, 5, 0.3, "band");
    let k = band.waves()[0];
    let start = [[1.01 * k[0], 0.99 * k[1]], [f64::NAN; 2], [f64::NAN; 2]];
    let found = fitted(&made, &visited, &start);
    assert!(norm([found.waves[0][0] - k[0], found.waves[0][1] - k[1]]) < 0.01 && found.waves[1][0].is_nan(), "{found:?}");
    let fit = JointFit::new(&visited, 2.0, 2.0);
    let constant = Array2::from_elem((40, 40), 0.1);
    assert_eq!(fit.refine(&start, &mut |add| add(constant.view())), Err(NoJointFit::NoUnits));
    assert_eq!(fit.refine(&[[f64::NAN; 2]; 3], &mut |add| add(constant.view())), Err(NoJointFit::NoStart));
}

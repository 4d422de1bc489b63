use super::*;
use crate::distances::Moments;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::Array2;

/// Trajectories of independent places in a box of 1 m; the state is `shared` times a random pattern of its bin and the rest noise, times a norm.
fn recording(trajectories: usize, steps: usize, units: usize, shared: f64, seed: u64) -> (Array2<f32>, Vec<[f64; 2]>, Vec<u32>) {
    let bins = Bins::square(Arena::square(1.0), 4);
    let mut stream = Seed(seed).stream("test", 0);
    let patterns = Array2::from_shape_fn((bins.len(), units), |_| stream.normal());
    let count = trajectories * steps;
    let positions: Vec<[f64; 2]> = (0..count).map(|_| [stream.uniform() - 0.5, stream.uniform() - 0.5]).collect();
    let mut activity = Array2::zeros((count, units));
    for (mut state, x) in activity.rows_mut().into_iter().zip(&positions) {
        let pattern = patterns.row(bins.index(x[0], x[1]).expect("inside"));
        let weights = (shared.sqrt(), (1.0 - shared).sqrt());
        state.iter_mut().zip(pattern).for_each(|(g, p)| *g = (weights.0 * p + weights.1 * stream.normal()) as f32);
    }
    (activity, positions, (0..count).map(|at| (at / steps) as u32).collect())
}

#[test]
fn the_corrected_form_is_that_of_all_pairs() {
    for (trajectories, steps, seed) in [(2, 30, 1), (9, 12, 2), (60, 2, 3), (3, 1, 4)] {
        let (activity, positions, labels) = recording(trajectories, steps, 6, 0.4, seed);
        let times = vec![0; labels.len()];
        let moments = Moments::new(activity.view(), &positions, &labels, &times).expect("moments");
        let bins = Bins::square(Arena::square(0.9), 4);
        let (found, direct) = (coherence(&moments, &bins), reference_coherence(&moments, &bins));
        if direct.is_nan() {
            assert!(found.corrected.is_nan() && found.reason.is_some());
        } else {
            assert!((found.corrected - direct).abs() < 1e-9, "{found:?} {direct}");
        }
        assert!(found.outside > 0 || labels.len() < 10);
    }
}

#[test]
fn the_correction_takes_the_inflation_away() {
    for shared in [0.0_f64, 0.25, 0.81] {
        let found: Vec<Coherence> = (0..30)
            .map(|seed| {
                let (activity, positions, labels) = recording(40, 3, 64, shared, 100 + seed);
                let times = vec![0; labels.len()];
                let moments = Moments::new(activity.view(), &positions, &labels, &times).expect("moments");
                coherence(&moments, &Bins::square(Arena::square(1.0), 4))
            })
            .collect();
        let mean = |value: fn(&Coherence) -> f64| found.iter().map(value).sum::<f64>() / 30.0;
        let square = mean(|one| one.corrected.powi(2));
        assert!((square - shared).abs() < 0.02 + 0.01 * f64::from(shared == 0.0), "{square} for {shared}");
        // About 7.5 visits leave a seventh of what is not shared.
        assert!((mean(|one| one.raw) - (shared + (1.0 - shared) / 7.5).sqrt()).abs() < 0.03 && mean(|one| one.raw) > shared.sqrt());
        assert!(mean(|one| one.chance) < 0.3 && found.iter().all(|one| one.visited_bins >= 14));
        if shared > 0.0 {
            let root = mean(|one| one.corrected);
            let spread = (found.iter().map(|one| (one.corrected - root).powi(2)).sum::<f64>() / 29.0).sqrt();
            let ratio = mean(|one| one.corrected_se) / spread;
            // Thirty recordings tell a spread to 13 %.
            assert!((0.6..1.7).contains(&ratio), "the jackknife's error is {ratio} of the spread");
        }
    }
}

#[test]
fn moments_of_one_pass_are_no_independent_visits() {
    // Every trajectory stays in one place with a state of its own: no coherence, however many moments.
    let mut stream = Seed(5).stream("test", 0);
    let states: Vec<Vec<f32>> = (0..50).map(|_| (0..32).map(|_| stream.normal() as f32).collect()).collect();
    let activity = Array2::from_shape_fn((500, 32), |(row, unit)| states[row / 10][unit]);
    let labels: Vec<u32> = (0..500).map(|row| row / 10).collect();
    let positions: Vec<[f64; 2]> = labels.iter().map(|of| [f64::from(of % 5) * 0.2 - 0.4, 0.0]).collect();
    let times = vec![0; 500];
    let moments = Moments::new(activity.view(), &positions, &labels, &times).expect("moments");
    let found = coherence(&moments, &Bins::square(Arena::square(1.0), 5));
    assert!(found.raw > 0.25 && found.corrected < 0.12, "{found:?}");
}

#[test]
fn degenerate_states_have_reasons() {
    let bins = Bins::square(Arena::square(1.0), 2);
    let one = |value: f32, places: &[[f64; 2]], labels: &[u32]| {
        let activity = Array2::from_elem((places.len(), 3), value);
        let times = vec![0; places.len()];
        coherence(&Moments::new(activity.view(), places, labels, &times).expect("moments"), &bins)
    };
    let same = one(0.5, &[[0.1, 0.1], [0.2, 0.2]], &[0, 1]);
    assert!((same.raw - 1.0).abs() < 1e-12 && (same.corrected - 1.0).abs() < 1e-12 && (same.chance - 1.0).abs() < 1e-12);
    assert!(same.corrected_se.is_nan(), "two trajectories have no jackknife");
    let apart = one(0.5, &[[0.1, 0.1], [-0.2, 0.2]], &[0, 1]);
    assert!(apart.corrected.is_nan() && apart.reason.is_some() && apart.shared_bins == 0);
    let zero = one(0.0, &[[0.1, 0.1], [0.2, 0.2]], &[0, 1]);
    assert!(zero.raw.is_nan() && zero.corrected.is_nan() && zero.reason == Some("all states are zero"));
    let outside = one(0.5, &[[9.0, 0.1], [0.2, 7.0]], &[0, 1]);
    assert!(outside.raw.is_nan() && outside.corrected.is_nan() && outside.outside == 2);
}

#[test]
fn changes_are_against_the_smallest_arena() {
    let period = |arena, area_m2, module, period_m, period_se_m| Period { arena, area_m2, module, period_m, period_se_m };
    let found = period_changes(&[
        period(0, 16.0, 0, 0.55, 0.011),
        period(1, 4.0, 0, 0.5, 0.005),
        period(1, 4.0, 1, f64::NAN, f64::NAN),
        period(0, 16.0, 1, 0.8, 0.01),
        period(2, 9.0, 0, f64::NAN, 0.1),
        period(2, 9.0, 2, 0.3, f64::NAN),
    ]);
    assert!((found[0].change - 0.1).abs() < 1e-12);
    assert!((found[0].change_se - 1.1 * (0.02_f64.powi(2) + 0.01_f64.powi(2)).sqrt()).abs() < 1e-12);
    assert_eq!((found[1].change, found[1].change_se, found[1].reason), (0.0, 0.0, None));
    assert!(found[2..].iter().all(|change| change.change.is_nan() && change.reason.is_some()), "{found:?}");
    assert!(period_changes(&[]).is_empty());
}

#[test]
fn paths_tell_how_they_move() {
    let straight = [[0.1, 0.0]; 5];
    let found = path_statistics(&[&straight]).expect("steps");
    assert!((found.extent_m - 0.5).abs() < 1e-12 && (found.mean_speed_m - 0.1).abs() < 1e-12);
    assert!(found.mean_turn_rad == 0.0 && (found.velocity_correlation - 1.0).abs() < 1e-12 && found.max_component_m == 0.1);
    let back = [[0.1, 0.0], [-0.1, 0.0]];
    let found = path_statistics(&[&back, &[]]).expect("steps");
    assert!((found.mean_turn_rad - std::f64::consts::PI).abs() < 1e-12 && (found.velocity_correlation + 1.0).abs() < 1e-12);
    let mut stream = Seed(7).stream("test", 0);
    let random: Vec<[f64; 2]> = (0..20_000).map(|_| [stream.uniform_in(-0.15, 0.15), stream.uniform_in(-0.15, 0.15)]).collect();
    let found = path_statistics(&[&random]).expect("steps");
    // Five standard errors.
    assert!((found.mean_turn_rad - std::f64::consts::FRAC_PI_2).abs() < 0.033 && found.velocity_correlation.abs() < 0.04);
    assert!(found.speed_m.q25 < found.speed_m.median && found.speed_m.median < found.speed_m.q75);
    let still = path_statistics(&[&[[0.0; 2]; 3]]).expect("steps");
    assert!(still.mean_turn_rad.is_nan() && still.velocity_correlation.is_nan() && still.extent_m == 0.0);
    assert!(path_statistics(&[]).is_err() && path_statistics(&[&[[f64::NAN, 0.0]]]).is_err());
}

#[test]
fn quartiles_interpolate() {
    let found = Quartiles::of([4.0, 1.0, f64::NAN, 3.0, 2.0].into_iter());
    assert_eq!((found.q25, found.median, found.q75, found.count), (1.75, 2.5, 3.25, 4));
    assert!(Quartiles::of(std::iter::empty()).median.is_nan());
}

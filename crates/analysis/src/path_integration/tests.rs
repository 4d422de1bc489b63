use super::*;
use crate::distances::Moments;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use proptest::prelude::*;

/// The fast decoder's bin scores as high as the reference's, up to the precision of `f32` products; where no other comes near, it is the same bin.
fn compare_with_reference(count: usize, units: usize, bins: &Bins, seed: u64, positive: bool) {
    let mut stream = Seed(seed).stream("test", 0);
    let activity = Array2::from_shape_fn((count, units), |_| {
        let g = stream.normal();
        (if positive { g.max(0.0) } else { g }) as f32
    });
    let positions: Vec<[f64; 2]> = (0..count).map(|_| [stream.uniform() - 0.5, stream.uniform() - 0.5]).collect();
    let (trajectories, times) = (vec![0; count], vec![0; count]);
    let moments = Moments::new(activity.view(), &positions, &trajectories, &times).expect("moments");
    let rows: Vec<usize> = (0..count).collect();
    let Some(nearest) = NearestState::fit(&moments, &rows, bins, false) else {
        assert!(activity.iter().all(|g| *g == 0.0));
        return;
    };
    let (fast, slow) = (nearest.decode(&moments, &rows), nearest.reference_decode(&moments, &rows));
    let mut same = 0;
    for (row, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
        if slow[0].is_nan() {
            assert!(fast[0].is_nan() && activity.row(row).iter().all(|g| *g == 0.0));
            same += 1;
            continue;
        }
        let similarity = |x: &[f64; 2]| nearest.similarity(&moments, row, bins.index(x[0], x[1]).expect("a centre")).expect("known");
        assert!(similarity(fast) >= similarity(slow) - f64::from(f32::EPSILON) * (units as f64 + 8.0));
        same += usize::from(fast == slow);
    }
    // States of few units are often as near to another bin, up to that precision, as to the reference's.
    assert!(units < 8 || same * 100 >= 99 * count, "{same} of {count} alike");
}

#[test]
fn fast_decoding_is_the_references() {
    for (count, units, side) in [(1, 1, 1), (15, 3, 2), (257, 8, 5), (600, 130, 20), (300, 16, 64)] {
        compare_with_reference(count, units, &Bins::square(Arena::square(1.0), side), 1, false);
        compare_with_reference(count, units, &Bins::square(Arena::square(1.0), side), 2, true);
    }
    compare_with_reference(200, 5, &Bins::square(Arena::circle(1.5), 9), 3, true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn fast_decoding_is_the_references_at_random(count in 1_usize..400, units in 1_usize..50, nx in 1_usize..25, ny in 1_usize..25, seed in 0_u64..1000) {
        compare_with_reference(count, units, &Bins::new(Arena::rectangle(1.0, 1.2), nx, ny), seed, seed % 2 == 0);
    }
}

#[test]
fn refinement_stays_within_the_bin_and_agrees_with_the_reference() {
    let bins = Bins::square(Arena::square(1.0), 10);
    let mut stream = Seed(4).stream("test", 0);
    let centres: Vec<[f64; 2]> = (0..40).map(|_| [stream.uniform() - 0.5, stream.uniform() - 0.5]).collect();
    let positions: Vec<[f64; 2]> = (0..2000).map(|_| [stream.uniform() - 0.5, stream.uniform() - 0.5]).collect();
    let bump = |x: &[f64; 2], c: &[f64; 2]| (-((x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2)) / 0.05).exp() as f32;
    let activity = Array2::from_shape_fn((2000, 40), |(row, unit)| bump(&positions[row], &centres[unit]));
    let (trajectories, times) = (vec![0; 2000], vec![0; 2000]);
    let moments = Moments::new(activity.view(), &positions, &trajectories, &times).expect("moments");
    let rows: Vec<usize> = (0..2000).collect();
    let error = |refine: bool| {
        let nearest = NearestState::fit(&moments, &rows, &bins, refine).expect("bins");
        assert_eq!(nearest.known_bins(), 100);
        let (fast, slow) = (nearest.decode(&moments, &rows), nearest.reference_decode(&moments, &rows));
        assert!(fast.iter().zip(&slow).filter(|(a, b)| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() > 1e-3).count() <= 2);
        fast.iter().zip(&positions).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).sum::<f64>() / 2000.0
    };
    // A bin's centre is off by 0.383 bins on average. Twenty visits leave a bin's mean state beside its centre's, so refinement cannot take all of it away.
    let (coarse, fine) = (error(false), error(true));
    assert!((coarse - 0.0383).abs() < 0.006 && fine < 0.65 * coarse, "{coarse} {fine}");
}

#[test]
fn settings_and_recordings_that_do_not_do_are_refused() {
    let good = PathIntegrationConfig::default();
    let wrong = [
        PathIntegrationConfig { time_bin_steps: 0, ..good.clone() },
        PathIntegrationConfig { held_out: 1.0, ..good.clone() },
        PathIntegrationConfig { held_out: f64::NAN, ..good.clone() },
        PathIntegrationConfig { shuffles: 0, ..good.clone() },
        PathIntegrationConfig { ridges: vec![], ..good.clone() },
        PathIntegrationConfig { ridges: vec![1.0, -1.0], ..good.clone() },
    ];
    assert!(wrong.into_iter().all(|config| config.check().is_err()));
    let bins = Bins::square(Arena::square(1.0), 3);
    let run = |value: f32, trajectories: [u32; 8], at: f64, until: u32| {
        let activity = Array2::from_elem((8, 2), value);
        let times = [1, 2, 1, 2, 1, 2, 5, 6];
        let positions = [[at, 0.0]; 8];
        let moments = Moments::new(activity.view(), &positions, &trajectories, &times).expect("moments");
        let config = PathIntegrationConfig { fit_until_steps: until, ..PathIntegrationConfig::default() }.check().expect("settings");
        path_integration(&moments, &bins, &config, Seed(1))
    };
    let four = [0, 0, 1, 1, 2, 2, 3, 3];
    // Times 1, 2 and 5, 6 in bins of 5 steps: 5 to 9 is not filled, and joins 0 to 4.
    let ends = |found: &PathIntegration| found.times.iter().map(|one| (one.from_step, one.to_step, one.t())).collect::<Vec<_>>();
    assert_eq!(ends(&run(0.5, four, 0.0, 0).expect("decoded")), [(0, 6, 3)]);
    assert!(run(0.5, four, 0.0, 0).is_ok());
    assert_eq!(run(0.5, [0, 0, 1, 1, 2, 2, 2, 2], 0.0, 0).err(), Some(PathIntegrationError::Trajectories { found: 3 }));
    assert_eq!(run(0.5, four, 0.0, 2).err(), Some(PathIntegrationError::Trajectories { found: 3 }));
    assert_eq!(run(0.5, four, 9.0, 0).err(), Some(PathIntegrationError::Trajectories { found: 0 }));
    assert_eq!(run(0.0, four, 0.0, 0).err(), Some(PathIntegrationError::Zero { trajectories: 4 }));
}

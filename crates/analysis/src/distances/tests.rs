use super::pairs::{Block, Tile};
use super::*;
use gridlake_space::seed::{Seed, Stream};
use ndarray::Array2;
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

/// Moments that own their arrays.
struct Owned {
    activity: Array2<f32>,
    positions_m: Vec<[f64; 2]>,
    trajectories: Vec<u32>,
    times: Vec<u32>,
}

impl Owned {
    fn view(&self) -> Moments<'_> {
        Moments::new(self.activity.view(), &self.positions_m, &self.trajectories, &self.times).expect("moments")
    }

    /// Trajectories of `steps` moments each, at random places of a box of 1 m, with states of `units` by `draw`.
    fn random(trajectories: usize, steps: usize, units: usize, seed: u64, mut draw: impl FnMut(&mut Stream) -> f64) -> Self {
        let mut stream = Seed(seed).stream("test", 0);
        let count = trajectories * steps;
        Self {
            activity: Array2::from_shape_fn((count, units), |_| draw(&mut stream) as f32),
            positions_m: (0..count).map(|_| [stream.uniform() - 0.5, stream.uniform() - 0.5]).collect(),
            trajectories: (0..count).map(|at| (at / steps) as u32).collect(),
            times: (0..count).map(|at| (at % steps) as u32 + 1).collect(),
        }
    }

    fn normalized(mut self) -> Self {
        for mut state in self.activity.rows_mut() {
            let norm = state.iter().map(|g| g * g).sum::<f32>().sqrt();
            state.mapv_inplace(|g| if norm > 0.0 { g / norm } else { 0.0 });
        }
        self
    }
}

fn config() -> DistancesConfig {
    DistancesConfig { spatial_bin_m: 0.05, spatial_max_m: 1.0, neural_bins: 40, temporal_bin_steps: 2, ..DistancesConfig::default() }
}

/// Squared distances agree to what `f32` products of so many units leave: a few units in the last place of the norms' squares per term.
fn compare_with_reference(owned: &Owned) {
    let moments = owned.view();
    let rows: Vec<usize> = (0..moments.count()).collect();
    let block = Block::new(&moments, &rows);
    let norm = owned.activity.rows().into_iter().map(|g| g.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>()).fold(0.0, f64::max);
    let tolerance = norm * f64::from(f32::EPSILON) * (moments.units() as f64 + 8.0);
    let mut fast = std::collections::BTreeMap::new();
    Tile::new().within(&block, |i, j, separation, distance| assert!(fast.insert((i, j), (separation, distance)).is_none(), "twice"));
    let mut pairs = 0;
    reference_pairs(&moments, &rows, |i, j, separation, distance| {
        let (found_separation, found) = fast[&(i, j)];
        assert_eq!(found_separation, separation);
        assert!((f64::from(found).powi(2) - distance * distance).abs() <= tolerance, "{found} {distance} within {tolerance}");
        pairs += 1;
    });
    assert_eq!(fast.len(), pairs);
    // Between two parts: the pairs that are left.
    let split = rows.len() / 3;
    let (a, b) = (Block::new(&moments, &rows[..split]), Block::new(&moments, &rows[split..]));
    let mut between = 0;
    Tile::new().between(&a, &b, |i, j, separation, distance| {
        let (whole_separation, whole) = fast[&(i, split + j)];
        assert_eq!(separation, whole_separation);
        assert!((f64::from(distance).powi(2) - f64::from(whole).powi(2)).abs() <= tolerance);
        between += 1;
    });
    assert_eq!(between, split * (rows.len() - split));
}

#[test]
fn fast_pairs_are_those_of_the_reference() {
    // Around the tiles' edges, 128 and 256.
    for (count, units) in [(1, 3), (2, 1), (127, 5), (128, 4), (129, 130), (257, 16), (390, 7)] {
        compare_with_reference(&Owned::random(1, count, units, 1, Stream::uniform).normalized());
    }
    compare_with_reference(&Owned::random(1, 200, 30, 2, |stream| 1e6 * stream.normal()));
    compare_with_reference(&Owned::random(1, 60, 8, 3, |stream| 1e-12 * stream.normal()));
    compare_with_reference(&Owned::random(1, 60, 8, 4, |_| 0.0));
    compare_with_reference(&Owned::random(1, 60, 8, 5, |_| 0.25));
    compare_with_reference(&Owned::random(1, 140, 8, 6, |stream| if stream.uniform() < 0.2 { stream.normal() } else { 0.0 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn fast_pairs_are_those_of_the_reference_at_random(count in 1_usize..300, units in 1_usize..40, seed in 0_u64..1000, scale in -3_i32..4) {
        compare_with_reference(&Owned::random(1, count, units, seed, |stream| 10.0_f64.powi(scale) * stream.normal()));
    }
}

#[test]
fn columns_hold_what_all_pairs_hold() {
    let owned = Owned::random(7, 40, 20, 8, Stream::uniform).normalized();
    let moments = owned.view();
    let checked = DistancesConfig { bootstrap_groups: 3, ..config() }.check().expect("settings");
    let found = space(&moments, &checked, Seed(1));
    let rows: Vec<usize> = (0..moments.count()).collect();
    let (mut pairs, mut sums, mut beyond) = (vec![0_u64; 20], vec![0.0; 20], 0);
    reference_pairs(&moments, &rows, |_, _, separation, distance| {
        let column = (separation * (1.0 / 0.05)) as usize;
        if column < 20 {
            pairs[column] += 1;
            sums[column] += distance;
        } else {
            beyond += 1;
        }
    });
    assert_eq!((found.beyond, found.moments, found.groups), (beyond, 280, 3));
    assert!(beyond > 0);
    for column in 0..20 {
        assert_eq!(found.counts.row(column).sum(), pairs[column]);
        assert!((found.mean[column] - sums[column] / pairs[column] as f64).abs() < 1e-5);
        assert!((found.share.row(column).sum() - 1.0).abs() < 1e-12);
        assert!((found.separation_m[column] - found.centre_m(column)).abs() < 0.025);
    }
    assert!((found.mean_square_norm - 1.0).abs() < 1e-6 && (found.neural_top - 2.0_f64.sqrt()).abs() < 1e-6);
    // Chance, from the definition.
    let mean = owned.activity.mapv(f64::from).mean_axis(ndarray::Axis(0)).expect("states");
    assert!((found.chance_distance - (2.0 - 2.0 * mean.dot(&mean)).sqrt()).abs() < 1e-6);
    assert!((found.chance_distance - moments.summary().chance_distance()).abs() < 1e-12);
}

#[test]
fn density_is_that_of_the_distances_and_integrates_to_one() {
    let owned = Owned::random(4, 60, 3, 9, Stream::uniform).normalized();
    let moments = owned.view();
    let checked = DistancesConfig { neural_bins: 200, kde_bandwidth: 0.05, spatial_bin_m: 0.25, ..config() }.check().expect("settings");
    let found = space(&moments, &checked, Seed(1));
    let rows: Vec<usize> = (0..moments.count()).collect();
    let mut columns = vec![Vec::new(); 4];
    reference_pairs(&moments, &rows, |_, _, separation, distance| {
        if let Some(column) = columns.get_mut((separation / 0.25) as usize) {
            column.push(distance);
        }
    });
    for (column, distances) in columns.iter().enumerate() {
        let density = found.density.row(column);
        let highest = density.iter().copied().fold(0.0, f64::max);
        assert!((density.sum() * found.neural_top / 200.0 - 1.0).abs() < 1e-9);
        for level in 0..200 {
            let direct = reference_density(distances, found.level(level), 0.05, found.neural_top);
            assert!((density[level] - direct).abs() < 0.01 * highest, "column {column}, level {level}: {} {direct}", density[level]);
        }
    }
    let empty = density(&Array2::zeros((1, 5)), 1.0, 0.1);
    assert!(empty.iter().all(|x| x.is_nan()), "no pairs have no density");
    let narrow = density(&Array2::from_shape_vec((1, 3), vec![0, 4, 0]).expect("shape"), 1.0, 1e-6);
    assert!(narrow[[0, 0]] == 0.0 && (narrow[[0, 1]] - 3.0).abs() < 1e-12, "a kernel within a level is the histogram: {narrow}");
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let owned = Owned::random(23, 30, 17, 10, Stream::uniform).normalized();
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let checked = DistancesConfig { bootstraps: 20, max_moments: 500, bootstrap_groups: 9, max_pairs_within: 4000, ..config() };
        let checked = checked.check().expect("settings");
        pool.install(|| (space(&owned.view(), &checked, Seed(3)), space_time(&owned.view(), &checked, Seed(3))))
    };
    let ((space_1, time_1), (space_5, time_5)) = (on(1), on(5));
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(space_1.counts, space_5.counts);
    assert_eq!(bits(&space_1.mean), bits(&space_5.mean));
    assert_eq!(bits(&space_1.mean_se), bits(&space_5.mean_se));
    assert_eq!(space_1.half_rise_m.to_bits(), space_5.half_rise_m.to_bits());
    assert_eq!(space_1.moments, 500);
    assert_eq!(time_1.counts, time_5.counts);
    assert_eq!(bits(&time_1.mean.iter().copied().collect::<Vec<_>>()), bits(&time_5.mean.iter().copied().collect::<Vec<_>>()));
    let zeros = |found: &SpaceTimeDistances| {
        bits(&found.same_place.iter().flat_map(|p| [p.mean, p.mean_se, p.at_zero, p.at_zero_se]).collect::<Vec<_>>())
    };
    assert_eq!(zeros(&time_1), zeros(&time_5));
}

#[test]
fn time_bins_hold_pairs_of_one_trajectory() {
    let owned = Owned::random(5, 21, 6, 11, Stream::uniform);
    let found = space_time(&owned.view(), &config().check().expect("settings"), Seed(1));
    // 21 times are up to 20 steps apart: bins 0-1, 2-3, …, 20-21.
    assert_eq!((found.counts.nrows(), found.trajectories, found.moments_each), (11, 5, 21));
    assert_eq!((found.temporal_steps(0), found.temporal_steps(10)), (0.5, 20.5));
    let rows: Vec<usize> = (0..105).collect();
    let (mut pairs, mut sums) = (Array2::<u64>::zeros(found.counts.dim()), Array2::<f64>::zeros(found.counts.dim()));
    reference_pairs(&owned.view(), &rows, |i, j, separation, distance| {
        let at = [(owned.times[i].abs_diff(owned.times[j]) / 2) as usize, (separation * (1.0 / 0.02)) as usize];
        if owned.trajectories[i] == owned.trajectories[j] && at[1] < found.counts.ncols() {
            pairs[at] += 1;
            sums[at] += distance;
        }
    });
    assert_eq!(found.counts, pairs);
    for (at, &count) in pairs.indexed_iter() {
        assert!(if count == 0 { found.mean[at].is_nan() } else { (found.mean[at] - sums[at] / count as f64).abs() < 1e-5 });
    }
    assert!(found.same_place[10].at_zero.is_nan() && found.same_place[10].reason.is_some(), "a pair is no line");
}

#[test]
fn errors_are_the_spread_between_recordings() {
    // Each trajectory has a level of its own: moments within one are far from independent.
    let recording = |seed: u64| {
        let mut owned = Owned::random(24, 12, 5, seed, Stream::normal);
        for trajectory in 0..24 {
            let level = Seed(seed).stream("level", trajectory).normal() as f32;
            owned
                .activity
                .slice_mut(ndarray::s![trajectory as usize * 12..(trajectory as usize + 1) * 12, 0])
                .mapv_inplace(|g| g + 4.0 * level);
        }
        let checked = DistancesConfig { spatial_bin_m: 0.5, bootstraps: 100, ..config() }.check().expect("settings");
        space(&owned.view(), &checked, Seed(seed))
    };
    let all: Vec<SpaceDistances> = (0..60).map(recording).collect();
    let spread = |value: fn(&SpaceDistances) -> f64| {
        let mean = all.iter().map(value).sum::<f64>() / 60.0;
        (all.iter().map(|one| (value(one) - mean).powi(2)).sum::<f64>() / 59.0).sqrt()
    };
    let mean_se = |value: fn(&SpaceDistances) -> f64| all.iter().map(value).sum::<f64>() / 60.0;
    for (name, value, se) in [
        ("mean", (|one| one.mean[0]) as fn(&SpaceDistances) -> f64, (|one| one.mean_se[0]) as fn(&SpaceDistances) -> f64),
        ("chance", |one| one.chance_distance, |one| one.chance_se),
    ] {
        let ratio = mean_se(se) / spread(value);
        // 60 recordings tell a spread to 9 %; a bootstrap over moments would be off by a factor of about 3.
        assert!((0.7..1.4).contains(&ratio), "{name}: errors are {ratio} of the spread");
    }
}

#[test]
fn training_saw_what_it_saw() {
    let mut stream = Seed(6).stream("test", 0);
    let positions: Vec<[f64; 2]> = (0..150).map(|_| [0.5 * stream.normal(), 0.5 * stream.normal()]).collect();
    let found = training_cdf(&[&positions], &config().check().expect("settings")).expect("positions");
    let mut separations = Vec::new();
    for (at, a) in positions.iter().enumerate() {
        separations.extend(positions[at + 1..].iter().map(|b| (a[0] - b[0]).hypot(a[1] - b[1])));
    }
    for (bin, share) in found.cumulative.iter().enumerate() {
        let below = separations.iter().filter(|s| ((**s * 20.0) as usize) <= bin).count() as f64 / separations.len() as f64;
        assert!((share - below).abs() < 1e-12);
    }
    assert_eq!(found.counts.iter().sum::<u64>() + found.beyond, separations.len() as u64);
    assert!(found.beyond > 0 && found.cumulative.last().is_some_and(|share| *share < 1.0));
    let near = training_cdf(&[&[[0.0; 2], [0.12, 0.0]]], &config().check().expect("settings")).expect("positions");
    assert_eq!((near.cumulative, near.beyond, near.largest_m, near.extent_m), (vec![0.0, 0.0, 1.0], 0, 0.12, 0.12));
    assert!(training_cdf(&[&[[0.0; 2]]], &config().check().expect("settings")).is_err());
    assert!(training_cdf(&[], &config().check().expect("settings")).is_err());
    // Pairs within batches alone: the far batch adds its own, and none between the two.
    let far = positions.iter().map(|[x, y]| [x + 9.0, y + 9.0]).collect::<Vec<_>>();
    let both = training_cdf(&[&positions, &far], &config().check().expect("settings")).expect("positions");
    assert_eq!(both.counts.iter().sum::<u64>() + both.beyond, 2 * separations.len() as u64);
    assert!(both.extent_m > found.extent_m + 9.0 && (both.largest_m - found.largest_m).abs() < 1e-9);
    let infinite = training_cdf(&[&[[0.0; 2], [f64::INFINITY, 0.0]]], &config().check().expect("settings"));
    assert!(matches!(infinite, Err(MomentsError::NotFinite { moment: 1, .. })));
}

#[test]
fn chance_is_that_of_any_norm() {
    // Independent states of norms 1 and 3: the mean square distance of pairs of different trajectories is chance's square.
    let mut owned = Owned::random(1, 900, 6, 12, |stream| stream.normal().abs()).normalized();
    owned.activity.rows_mut().into_iter().step_by(2).for_each(|mut state| state.mapv_inplace(|g| 3.0 * g));
    let moments = owned.view();
    let (mut sum, mut pairs) = (0.0, 0.0);
    reference_pairs(&moments, &(0..900).collect::<Vec<_>>(), |_, _, _, distance| {
        sum += distance * distance;
        pairs += 1.0;
    });
    let chance = moments.summary().chance_distance();
    // All ordered pairs with the self-pairs average exactly to its square.
    assert!((sum / pairs * 899.0 / 900.0 - chance * chance).abs() < 1e-9, "{} {chance}", (sum / pairs).sqrt());
}

#[test]
fn bad_input_is_an_error_with_numbers() {
    let (activity, positions) = (Array2::<f32>::zeros((3, 2)), [[0.0; 2]; 3]);
    let error = Moments::new(activity.view(), &positions[..2], &[0; 3], &[0; 3]).expect_err("too few positions");
    assert_eq!(error.to_string(), "positions holds 2 entries, but there are 3 moments; pass one for each row of the activity");
    assert!(matches!(Moments::new(Array2::zeros((0, 2)).view(), &[], &[], &[]), Err(MomentsError::Empty { moments: 0, units: 2 })));
    let mut broken = activity.clone();
    broken[[1, 1]] = f32::NAN;
    assert!(matches!(Moments::new(broken.view(), &positions, &[0; 3], &[0; 3]), Err(MomentsError::NotFinite { moment: 1, .. })));
    let far = [[0.0; 2], [0.0, 1e300], [0.0; 2]];
    assert!(matches!(Moments::new(activity.view(), &far, &[0; 3], &[0; 3]), Err(MomentsError::NotFinite { what: "position", .. })));
    let wrong = [
        DistancesConfig { spatial_bin_m: 0.0, ..config() },
        DistancesConfig { spatial_bin_m: f64::NAN, ..config() },
        DistancesConfig { spatial_bin_m: 1e-9, ..config() },
        DistancesConfig { spatial_max_m: f64::INFINITY, ..config() },
        DistancesConfig { neural_bins: 0, ..config() },
        DistancesConfig { kde_bandwidth: -1.0, ..config() },
        DistancesConfig { max_moments: 1, ..config() },
        DistancesConfig { temporal_bin_steps: 0, ..config() },
        DistancesConfig { bootstrap_groups: 1, ..config() },
        DistancesConfig { spatial_bin_m: 1e-4, neural_bins: 1000, spatial_max_m: 2.0, ..config() },
        DistancesConfig { spatial_bin_m: 1e-3, bootstrap_groups: 1000, ..config() },
        DistancesConfig { temporal_bins: 100_000, ..config() },
    ];
    assert!(wrong.into_iter().all(|config| config.check().is_err()));
    assert!(DistancesConfig::default().check().is_ok());
}

#[test]
fn degenerate_recordings_give_reasons() {
    let checked = config().check().expect("settings");
    let still = Owned { positions_m: vec![[0.1, 0.2]; 40], ..Owned::random(2, 20, 3, 13, |_| 0.5) };
    let found = space(&still.view(), &checked, Seed(1));
    assert!(found.half_rise_m.is_nan() && found.half_rise_reason.is_some_and(|reason| reason.contains("same")));
    assert_eq!((found.chance_distance, found.mean[0]), (0.0, 0.0));
    let time = space_time(&still.view(), &checked, Seed(1));
    assert_eq!((time.same_place[0].at_zero, time.same_place[0].reason), (0.0, None));
    let one = Owned::random(1, 1, 3, 14, |_| 0.0);
    let found = space(&one.view(), &checked, Seed(1));
    assert!(found.counts.sum() == 0 && found.mean[0].is_nan() && found.mean_se[0].is_nan());
    let time = space_time(&one.view(), &checked, Seed(1));
    assert_eq!((time.trajectories, time.counts.sum()), (0, 0));
}

use super::*;
use crate::neighbors::squared_distance;
use ndarray::{Array2, Axis};
use proptest::prelude::*;

fn points(n: usize, d: usize, levels: usize, seed: u64) -> Array2<f64> {
    let mut stream = Seed(seed).stream("points", 0);
    Array2::from_shape_fn((n, d), |_| if levels == 0 { stream.normal() } else { 1.0 + stream.below(levels) as f64 })
}

fn distance(points: &Array2<f64>, i: usize, j: usize) -> f64 {
    squared_distance(&points.row(i).to_vec(), &points.row(j).to_vec()).sqrt()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_uniform_sample_is_a_set(points in 1_usize..200, share in 0.0_f64..1.0, seed in 0_u64..1000) {
        let count = ((points as f64 * share) as usize).max(1);
        let found = uniform(points, count, Seed(seed)).expect("enough");
        prop_assert!(found.len() == count && found.windows(2).all(|pair| pair[0] < pair[1]) && found[count - 1] < points);
    }

    #[test]
    fn a_farthest_sample_spreads_as_far_as_it_covers(n in 1_usize..80, count in 1_usize..20, levels in 0_usize..4, seed in 0_u64..1000) {
        let (points, count) = (points(n, 2, levels, seed), count.min(n));
        let found = farthest(points.view(), count).expect("good points");
        let mut sorted = found.indices.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted.len(), count);
        // Every point is within the radius of a sample, and samples are at least the radius apart.
        let away = |i: usize| found.indices.iter().map(|&s| distance(&points, i, s)).fold(f64::INFINITY, f64::min);
        let radius = (0..n).map(away).fold(0.0, f64::max);
        prop_assert_eq!(radius, found.radius);
        for (place, &i) in found.indices.iter().enumerate() {
            prop_assert!(found.indices[..place].iter().all(|&j| distance(&points, i, j) >= radius));
        }
    }

    #[test]
    fn density_sampling_equals_the_dense_reference(n in 4_usize..90, k in 3_usize..30, levels in 0_usize..4, overlap in 0.0_f64..1.5, cosine: bool, seed in 0_u64..1000) {
        let points = points(n, 3, levels, seed);
        let metric = if cosine { Metric::Cosine } else { Metric::Euclidean };
        let config = DensityConfig { count: n.div_ceil(3), neighbors: k, overlap, metric };
        let (fast, slow) = (density(points.view(), &config).expect("good"), reference_density(points.view(), &config).expect("good"));
        prop_assert_eq!(&fast, &slow);
        let mut seen = fast.indices.clone();
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len(), config.count);
    }

    #[test]
    fn memberships_are_the_references_and_add_up(n in 4_usize..60, k in 3_usize..20, levels in 0_usize..3, seed in 0_u64..1000) {
        let (points, k) = (points(n, 2, levels, seed), k.min(n));
        let dense = reference_membership(points.view(), k, Metric::Euclidean).expect("good");
        prop_assert!(dense.iter().all(|w| (0.0..=1.0 + 1e-15).contains(w)) && dense.diag().iter().all(|w| *w == 0.0));
        for (kind, of) in [(Dissimilarity::NegativeLog, (|w: f64| (-w.ln()).max(0.0)) as fn(f64) -> f64), (Dissimilarity::Complement, |w| (1.0 - w).max(0.0))] {
            let condensed = membership_distances(points.view(), k, Metric::Euclidean, kind).expect("good");
            let expected: Vec<f64> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).map(|at| of(dense[at])).collect();
            prop_assert_eq!(condensed, expected);
        }
    }
}

#[test]
fn uniform_samples_are_uniform() {
    let mut counts = [0_u32; 10];
    (0..4000).for_each(|seed| uniform(10, 3, Seed(seed)).expect("enough").iter().for_each(|&i| counts[i] += 1));
    // Binomial(4000, 0.3): sd 29; five of them.
    assert!(counts.iter().all(|count| count.abs_diff(1200) < 145), "{counts:?}");
}

#[test]
fn strengths_out_of_a_point_add_up_to_log2_k() {
    let (n, k) = (150, 32);
    let points = points(n, 3, 0, 4);
    let found = crate::neighbors::nearest(points.view(), k - 1).expect("good points");
    let mut directed = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        let sum = |s: f64| found.distances.row(i).iter().map(|d| (-d / s).exp()).sum::<f64>();
        let (mut low, mut high) = (0.0, 100.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if sum(middle) < 5.0 { low = middle } else { high = middle }
        }
        found.indices.row(i).iter().zip(found.distances.row(i)).for_each(|(&j, d)| directed[(i, j as usize)] = (-d / high).exp());
    }
    let union = &directed + &directed.t() - &directed * &directed.t();
    let reference = reference_membership(points.view(), k, Metric::Euclidean).expect("good points");
    assert!((union - reference).iter().all(|x| x.abs() < 1e-12));
}

#[test]
fn density_sampling_leaves_outliers_and_spreads_and_farthest_takes_outliers() {
    // A ring, and scattered noise in a wide square around.
    let mut stream = Seed(8).stream("ring", 0);
    let mut points = Array2::zeros((1100, 2));
    for (i, mut row) in points.axis_iter_mut(Axis(0)).enumerate() {
        let angle = std::f64::consts::TAU * stream.uniform();
        if i >= 1000 {
            row.assign(&ndarray::array![stream.uniform_in(-5.0, 5.0), stream.uniform_in(-5.0, 5.0)]);
        } else {
            row.assign(&ndarray::array![angle.cos(), angle.sin()]);
        }
    }
    let outliers = |indices: &[usize]| indices.iter().filter(|i| **i >= 1000).count();
    let sample = density(points.view(), &DensityConfig { count: 60, neighbors: 50, ..DensityConfig::default() }).expect("good");
    assert!(outliers(&sample.indices) <= 2, "{:?}", sample.indices);
    assert!(sample.remaining.windows(2).all(|pair| pair[0] >= pair[1]));
    // Largest distance of a point of the ring to the sample: suppression spreads.
    let gap = |indices: &[usize]| {
        (0..1000).map(|i| indices.iter().map(|&j| distance(&points, i, j)).fold(f64::INFINITY, f64::min)).fold(0.0, f64::max)
    };
    let without =
        density(points.view(), &DensityConfig { count: 60, neighbors: 50, overlap: 0.0, ..DensityConfig::default() }).expect("good");
    assert!(gap(&sample.indices) < 0.5 * gap(&without.indices), "{} {}", gap(&sample.indices), gap(&without.indices));
    let spread = farthest(points.view(), 60).expect("good");
    assert!(outliers(&spread.indices) > 40);
}

#[test]
fn copies_and_bad_input() {
    let copies = Array2::from_elem((40, 3), 2.0);
    assert_eq!(farthest(copies.view(), 5).expect("good"), FarthestSample { indices: vec![0, 1, 2, 3, 4], radius: 0.0 });
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let config = DensityConfig { count: 7, neighbors: 10, metric, ..DensityConfig::default() };
        let found = density(copies.view(), &config).expect("good");
        assert_eq!(found, reference_density(copies.view(), &config).expect("good"));
        assert!(found.remaining.iter().all(|f| f.is_finite()));
    }
    assert_eq!(uniform(3, 4, Seed(0)), Err(DownsamplingError::Count { count: 4, points: 3 }));
    assert_eq!(farthest(copies.view(), 0), Err(DownsamplingError::Count { count: 0, points: 40 }));
    let refused = |config: DensityConfig, points: &Array2<f64>| density(points.view(), &config).expect_err("no answer");
    assert_eq!(refused(DensityConfig::default(), &copies), DownsamplingError::Count { count: 1200, points: 40 });
    let small = DensityConfig { count: 5, neighbors: 10, ..DensityConfig::default() };
    assert!(matches!(refused(DensityConfig { overlap: f64::NAN, ..small.clone() }, &copies), DownsamplingError::Overlap(_)));
    let mut origin = copies.clone();
    origin.row_mut(6).fill(0.0);
    assert_eq!(refused(DensityConfig { metric: Metric::Cosine, ..small.clone() }, &origin), DownsamplingError::Origin { point: 6 });
    let many = Array2::zeros((70_000, 1));
    assert!(matches!(refused(DensityConfig::default(), &many), DownsamplingError::TooLarge { points: 70_000, neighbors: 1000, .. }));
    origin[(3, 1)] = f64::NAN;
    assert!(matches!(refused(small, &origin), DownsamplingError::Neighbors(_)) && farthest(origin.view(), 2).is_err());
}

#[test]
fn threads_change_nothing() {
    let points = points(400, 4, 0, 1);
    let config = DensityConfig { count: 50, neighbors: 40, ..DensityConfig::default() };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            (
                farthest(points.view(), 50),
                density(points.view(), &config),
                membership_distances(points.view(), 40, Metric::Cosine, Dissimilarity::default()),
            )
        })
    };
    assert_eq!(on(1), on(3));
}

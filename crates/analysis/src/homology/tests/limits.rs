//! Bad input, too little memory, interruptions.

use super::super::budget::{Budget, estimate_bytes};
use super::super::distances::pairs;
use super::super::{DistanceMatrix, HomologyError, Options, Progress, persistence};
use super::shapes::{distances, euclidean, noise};
use ndarray::{Array2, array};
use std::ops::ControlFlow;
use std::sync::Mutex;

fn refused(options: &Options) -> HomologyError {
    persistence(&euclidean(&noise(20, 2, 1)), options, None).expect_err("is refused")
}

#[test]
fn options_out_of_range_are_refused() {
    for prime in [0, 1, 4, 49, 65535] {
        assert_eq!(refused(&Options { prime, ..Options::default() }), HomologyError::NotPrime(prime));
    }
    assert_eq!(refused(&Options { max_dimension: 3, ..Options::default() }), HomologyError::Dimension { found: 3, most: 2 });
    assert_eq!(refused(&Options { threshold: Some(-1.0), ..Options::default() }), HomologyError::Threshold(-1.0));
    assert!(matches!(refused(&Options { threshold: Some(f64::NAN), ..Options::default() }), HomologyError::Threshold(t) if t.is_nan()));
}

#[test]
fn distances_are_checked() {
    let error = |found: Result<DistanceMatrix, HomologyError>| found.expect_err("is refused").to_string();
    let coordinate = error(DistanceMatrix::euclidean(array![[0.0, 1.0], [2.0, f64::NAN]].view()));
    assert_eq!(coordinate, "coordinate 1 of point 1 is NaN; coordinates must be finite: leave the point out");
    let overflow = error(DistanceMatrix::euclidean(array![[1e300], [-1e300]].view()));
    assert!(overflow.contains("points 1 and 0 is inf"), "{overflow}");
    let square = |there: f64, back: f64, own: f64| error(DistanceMatrix::from_square(array![[0.0, back], [there, own]].view()));
    assert!(square(1.0, 2.0, 0.0).contains("from point 1 to 0 is 1 and back 2"));
    assert!(square(1.0, 1.0, 0.5).contains("from point 1 to 1 is 0.5"));
    assert!(square(-1.0, -1.0, 0.0).contains("points 1 and 0 is -1"));
    assert!(square(f64::INFINITY, f64::INFINITY, 0.0).contains("above the threshold"));
    assert!(error(DistanceMatrix::from_square(Array2::zeros((2, 3)).view())).contains("2 × 3"));
    assert!(error(DistanceMatrix::from_condensed(4, vec![1.0; 5])).contains("4 points have 6 distances, 5 were given"));
}

#[test]
fn square_and_condensed_and_points_are_the_same_distances() {
    let points = noise(9, 3, 4);
    let distances = euclidean(&points);
    let square = Array2::from_shape_fn((9, 9), |(i, j)| distances.get(i, j));
    assert_eq!(DistanceMatrix::from_square(square.view()).expect("symmetric"), distances);
    assert_eq!(DistanceMatrix::from_condensed(9, distances.condensed().to_vec()).expect("finite"), distances);
    let direct = (0..3).map(|axis| (points[[7, axis]] - points[[2, axis]]).powi(2)).sum::<f64>().sqrt();
    assert!((distances.get(2, 7) - direct).abs() < 1e-15 && distances.get(7, 2) == distances.get(2, 7));
}

#[test]
fn what_is_estimated_above_the_limit_is_refused_before_it_starts() {
    let needed = estimate_bytes(20, pairs(20), rayon::current_num_threads());
    let error = refused(&Options { memory_limit_bytes: needed - 1, ..Options::default() });
    assert_eq!(error, HomologyError::Memory { points: 20, dimension: 2, bytes: needed, limit_bytes: needed - 1, begun: false });
    assert!(error.to_string().contains("fewer points, a threshold, or a higher limit"), "{error}");
}

#[test]
fn what_grows_beyond_the_limit_stops() {
    let options = Options { memory_limit_bytes: 1 << 20, ..Options::default() };
    let budget = Budget::new(100, pairs(100), &options).expect("estimated to be enough");
    budget.hold(1 << 19).expect("within the limit");
    let error = budget.hold(1 << 20).expect_err("beyond the limit");
    assert_eq!(error, HomologyError::Memory { points: 100, dimension: 2, bytes: 3 << 19, limit_bytes: 1 << 20, begun: true });
    assert!(error.to_string().contains("more than estimated, about 2 MiB, 1 MiB are allowed"), "{error}");
    assert_eq!(budget.peak_bytes(), 1 << 19);
}

/// Parts of `size` points: at distance 1 from all other parts', at 2 from their own. At scale 1 they are a bouquet of (size - 1)^parts spheres of dimension
/// parts - 1, each with a cocycle: far more than is estimated for so few points.
fn bouquet(parts: usize, size: usize) -> DistanceMatrix {
    distances(parts * size, |i, j| if i % parts == j % parts { 2.0 } else { 1.0 })
}

#[test]
fn cocycles_beyond_the_limit_stop_the_work_under_way() {
    for (parts, size, spheres) in [(2, 24, 23 * 23), (3, 11, 1000)] {
        let dimension = parts - 1;
        let cloud = bouquet(parts, size);
        let options = |max_dimension, memory_limit_bytes| Options { max_dimension, memory_limit_bytes, ..Options::default() };
        let whole = persistence(&cloud, &options(dimension, 1 << 30), None).expect("enough memory");
        assert_eq!(whole.bars[dimension].len(), spheres);
        // Enough for what is estimated, and for all dimensions below.
        let below = persistence(&cloud, &options(dimension - 1, 1 << 30), None).expect("enough memory").peak_bytes;
        let limit = estimate_bytes(parts * size, pairs(parts * size), rayon::current_num_threads()).max(below);
        assert!(limit < whole.peak_bytes, "{limit} of {}", whole.peak_bytes);
        let heard = Mutex::new(Vec::new());
        let watch = |progress: Progress| {
            heard.lock().expect("one at a time").push(progress);
            ControlFlow::Continue(())
        };
        let error = persistence(&cloud, &options(dimension, limit), Some(&watch)).expect_err("too little memory");
        let HomologyError::Memory { points, bytes, limit_bytes, begun, .. } = error else { panic!("{error}") };
        assert!((points, limit_bytes, begun) == (parts * size, limit, true) && bytes > limit, "{error}");
        assert!(error.to_string().contains("needs more than estimated, about"), "{error}");
        // It was at work on the spheres, and not done.
        let heard = heard.into_inner().expect("one at a time");
        assert!(
            heard.last().is_some_and(|last| last.dimension == dimension && 0 < last.done && last.done < last.total),
            "{:?}",
            heard.last()
        );
        // One byte less than it takes is too little, and no more is needed.
        assert_eq!(persistence(&cloud, &options(dimension, whole.peak_bytes), None).expect("just enough").bars, whole.bars);
        assert!(persistence(&cloud, &options(dimension, whole.peak_bytes - 1), None).is_err());
    }
}

#[test]
fn the_estimate_is_near_what_is_held() {
    for (points, dimension) in [(120, 2), (120, 6), (300, 3)] {
        let cloud = euclidean(&noise(points, dimension, 1));
        let edges = cloud.condensed().iter().filter(|&&length| length <= cloud.enclosing_radius()).count();
        let held = persistence(&cloud, &Options::default(), None).expect("in range").peak_bytes;
        let estimate = estimate_bytes(points, edges, rayon::current_num_threads());
        assert!(held.abs_diff(estimate) * 5 < estimate, "{held} bytes held, {estimate} estimated");
    }
}

#[test]
fn a_watch_hears_all_columns_and_can_stop() {
    let cloud = euclidean(&noise(60, 3, 1));
    let heard = Mutex::new(Vec::new());
    let watch = |progress: Progress| {
        heard.lock().expect("one at a time").push(progress);
        ControlFlow::Continue(())
    };
    persistence(&cloud, &Options::default(), Some(&watch)).expect("in range");
    let heard = heard.into_inner().expect("one at a time");
    for dimension in [1, 2] {
        let own: Vec<&Progress> = heard.iter().filter(|progress| progress.dimension == dimension).collect();
        assert!(own.windows(2).all(|pair| pair[0].done <= pair[1].done) && own[own.len() - 1].done == own[0].total);
    }
    for dimension in [1, 2] {
        let stop = |progress: Progress| if progress.dimension == dimension { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let error = persistence(&cloud, &Options::default(), Some(&stop)).expect_err("is stopped");
        assert_eq!(error, HomologyError::Interrupted { dimension });
    }
}

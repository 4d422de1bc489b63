//! The fast form has the textbook's bars, to the bit.

use super::super::reference::reference_persistence;
use super::super::{Bar, DistanceMatrix, Options, persistence};
use super::cocycles::check;
use super::shapes::{circle, distances, euclidean, noise, sphere, whole};
use ndarray::{Array2, array};

fn agree(distances: &DistanceMatrix, options: &Options) {
    let slow = reference_persistence(distances, options).expect("in range");
    let fast = persistence(distances, options, None).expect("in range");
    assert_eq!(fast.bars, slow.bars, "{options:?}");
    assert_eq!(fast.threshold, slow.threshold);
    let wanted = if options.max_dimension == 0 { 0 } else { options.cocycles.min(fast.bars[1].len()) };
    for found in [&fast, &slow] {
        assert_eq!(found.cocycles.len(), wanted);
        for (cocycle, bar) in found.cocycles.iter().zip(found.bars.get(1).into_iter().flatten()) {
            assert_eq!(cocycle.bar, *bar);
            check(cocycle, distances, found.threshold);
        }
    }
}

fn everywhere(distances: &DistanceMatrix) {
    for prime in [2, 3, 47, 65521] {
        agree(distances, &Options { prime, cocycles: 3, ..Options::default() });
    }
    let radius = distances.enclosing_radius();
    for (share, max_dimension) in [(0.0, 2), (0.4, 2), (0.7, 1), (0.9, 2), (1.0, 0), (f64::INFINITY, 2)] {
        let threshold = Some(if radius > 0.0 { share * radius } else { share });
        agree(distances, &Options { max_dimension, threshold: threshold.filter(|t| !t.is_nan()), ..Options::default() });
    }
}

#[test]
fn on_random_clouds() {
    for index in 0..12 {
        everywhere(&euclidean(&noise(9 + index as usize % 5, 2 + index as usize % 3, index)));
    }
    everywhere(&euclidean(&circle(16, 0.1)));
    everywhere(&euclidean(&sphere(14)));
}

#[test]
fn on_whole_numbers_with_many_ties() {
    for index in 0..40 {
        everywhere(&whole(6 + index as usize % 7, 2 + index as usize % 4, index));
    }
    // A cube of points, a grid of points: equal distances and symmetries.
    everywhere(&euclidean(&Array2::from_shape_fn((8, 3), |(i, axis)| (i >> axis & 1) as f64)));
    everywhere(&euclidean(&Array2::from_shape_fn((16, 2), |(i, axis)| if axis == 0 { i / 4 } else { i % 4 } as f64)));
}

#[test]
fn on_sparse_graphs_with_loops_in_lower_links() {
    // Neighbours on the cross polytope (a sphere of dimension 3) and on its suspensions: voids that die and that do not.
    for points in [6, 8, 10] {
        everywhere(&distances(points, |i, j| if i / 2 == j / 2 { 2.0 } else { 1.0 }));
        everywhere(&distances(points, |i, j| if i / 2 == j / 2 { 2.0 } else { 1.0 + (i * 7 + j * 3) as f64 % 11.0 / 20.0 }));
    }
}

#[test]
fn where_points_coincide_or_lie_on_a_line() {
    let some = noise(7, 2, 99);
    everywhere(&euclidean(&Array2::from_shape_fn((14, 2), |(i, axis)| some[[i / 2, axis]])));
    everywhere(&euclidean(&Array2::from_shape_fn((11, 2), |(i, axis)| if axis == 0 { (i * i) as f64 } else { 0.0 })));
    everywhere(&distances(10, |_, _| 1.0));
    everywhere(&distances(10, |_, _| 0.0));
    everywhere(&distances(9, |i, j| if (i + j) % 3 == 0 { -0.0 } else { 0.0 }));
}

#[test]
fn of_few_points_and_none() {
    for points in 0..4 {
        everywhere(&euclidean(&noise(points, 2, 5)));
    }
    let none = persistence(&euclidean(&Array2::zeros((0, 3))), &Options::default(), None).expect("in range");
    assert_eq!(none.bars, [vec![], vec![], vec![]]);
    let one = persistence(&euclidean(&Array2::zeros((1, 3))), &Options::default(), None).expect("in range");
    assert_eq!(one.bars[0], [Bar { birth: 0.0, death: f64::INFINITY }]);
}

#[test]
fn a_square_is_a_loop_from_its_side_to_its_diagonal() {
    let square = euclidean(&array![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
    for found in [reference_persistence(&square, &Options::default()), persistence(&square, &Options::default(), None)] {
        let found = found.expect("in range");
        let side = Bar { birth: 0.0, death: 1.0 };
        assert_eq!(found.bars[0], [Bar { birth: 0.0, death: f64::INFINITY }, side, side, side]);
        assert_eq!(found.bars[1], [Bar { birth: 1.0, death: 2.0_f64.sqrt() }]);
        assert_eq!(found.bars[2], []);
        assert_eq!(found.cocycles.len(), 1);
    }
}

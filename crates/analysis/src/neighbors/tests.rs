use super::*;
use gridlake_space::seed::Seed;
use proptest::prelude::*;

/// Points on a coarse lattice (many ties and copies) or anywhere.
fn points(n: usize, d: usize, levels: Option<usize>, seed: u64) -> Array2<f64> {
    let mut stream = Seed(seed).stream("neighbors", 0);
    Array2::from_shape_fn((n, d), |_| match levels {
        Some(levels) => stream.below(levels) as f64 * 0.1 - 0.3,
        None => stream.normal(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn the_tree_equals_all_pairs(n in 2_usize..150, d in 1_usize..10, levels in prop::option::of(1_usize..5), count in 1_usize..30, seed in 0_u64..1000) {
        let points = points(n, d, levels, seed);
        let count = count.min(n - 1);
        let fast = nearest(points.view(), count).expect("good points");
        prop_assert_eq!(&fast, &reference_nearest(points.view(), count).expect("good points"));
        for (i, row) in fast.indices.outer_iter().enumerate() {
            prop_assert!(row.iter().all(|&j| j as usize != i));
        }
    }

    #[test]
    fn a_graph_is_symmetric_and_has_both_ends(n in 2_usize..80, count in 1_usize..8, seed in 0_u64..100) {
        let points = points(n, 2, Some(5), seed);
        let neighbors = nearest(points.view(), count.min(n - 1)).expect("good points");
        let graph = Graph::connectivity(&neighbors);
        let mut dense = Array2::<f64>::zeros((n, n));
        neighbors.indices.indexed_iter().for_each(|((i, _), &j)| dense[(i, j as usize)] += 1.0);
        let expected = (&dense + &dense.t()) * 0.5;
        let mut found = Array2::<f64>::zeros((n, n));
        (0..n).for_each(|i| graph.edges(i).for_each(|(j, w)| found[(i, j)] = w));
        prop_assert_eq!(found, expected);
        let distances = Graph::distances(&neighbors);
        for i in 0..n {
            for (j, w) in distances.edges(i) {
                prop_assert_eq!(w, squared_distance(points.row(i).as_slice().expect("rows"), points.row(j).as_slice().expect("rows")).sqrt());
            }
        }
    }
}

#[test]
fn a_large_sample_equals_all_pairs() {
    let points = points(3000, 6, None, 1);
    assert_eq!(nearest(points.view(), 15), reference_nearest(points.view(), 15));
}

#[test]
fn ten_thousand_copies_are_each_others_neighbours_by_index() {
    let mut points = Array2::from_elem((10_000, 6), 0.25);
    let found = nearest(points.view(), 15).expect("good points");
    assert!(found.distances.iter().all(|d| *d == 0.0));
    assert_eq!(found.indices.row(7).to_vec(), (0..16).filter(|i| *i != 7).collect::<Vec<u32>>());
    // One column that varies in one point only, and -0 beside 0.
    points[(9_999, 2)] = 1.25;
    points.row_mut(5).fill(-0.0);
    points.row_mut(6).fill(0.0);
    let found = nearest(points.view(), 3).expect("good points");
    assert_eq!((found.indices.row(9_999).to_vec(), found.distances.row(9_999).to_vec()), (vec![0, 1, 2], vec![1.0; 3]));
    assert_eq!((found.indices[(5, 0)], found.distances[(5, 0)]), (6, 0.0));
    assert_eq!(found.indices[(5, 1)], 0);
}

#[test]
fn columns_of_few_values_and_extreme_scales_equal_all_pairs() {
    let mut stream = Seed(4).stream("columns", 0);
    let flat =
        Array2::from_shape_fn((2000, 3), |(_, c)| if c == 1 { f64::from(u8::from(stream.uniform() < 0.01)) } else { stream.normal() });
    assert_eq!(nearest(flat.view(), 9), reference_nearest(flat.view(), 9));
    for scale in [1e-200, 1e-160, 1e149] {
        let scaled = flat.mapv(|x| x * scale * 0.1);
        assert_eq!(nearest(scaled.view(), 9), reference_nearest(scaled.view(), 9), "{scale:e}");
    }
}

#[test]
fn bad_input_is_refused() {
    let mut points = points(10, 3, None, 2);
    assert_eq!(nearest(points.view(), 0), Err(NeighborsError::Count { points: 10, neighbors: 0 }));
    assert_eq!(nearest(points.view(), 10), Err(NeighborsError::Count { points: 10, neighbors: 10 }));
    points[(4, 1)] = f64::INFINITY;
    assert_eq!(nearest(points.view(), 3), Err(NeighborsError::Coordinate { point: 4, column: 1, value: f64::INFINITY }));
    assert!(nearest(Array2::zeros((0, 3)).view(), 1).is_err() && nearest(Array2::zeros((1, 3)).view(), 1).is_err());
    // Without columns all points are one.
    assert_eq!(nearest(Array2::zeros((4, 0)).view(), 2).expect("points").indices.row(3).to_vec(), [0, 1]);
}

#[test]
fn components_are_by_size() {
    let points = Array2::from_shape_fn((12, 1), |(i, _)| if i < 3 { i as f64 } else { 100.0 + i as f64 });
    let graph = Graph::connectivity(&nearest(points.view(), 2).expect("good points"));
    let components = graph.components();
    assert_eq!(components, [(3..12).collect::<Vec<_>>(), vec![0, 1, 2]]);
    let sub = graph.subgraph(&components[0]);
    assert_eq!((sub.nodes(), sub.components().len()), (9, 1));
    assert_eq!(sub.edges(0).map(|e| e.0 + 3).collect::<Vec<_>>(), graph.edges(3).map(|e| e.0).collect::<Vec<_>>());
}

#[test]
fn threads_change_nothing() {
    let points = points(500, 6, Some(3), 9);
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| nearest(points.view(), 12));
    assert_eq!(on(1), on(3));
}

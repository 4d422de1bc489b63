use super::*;
use gridlake_space::seed::Seed;
use proptest::prelude::*;

/// All shortest paths by relaxing over every middle node.
fn reference(graph: &Graph) -> Array2<f64> {
    let n = graph.nodes();
    let mut d = Array2::from_elem((n, n), f64::INFINITY);
    for i in 0..n {
        d[(i, i)] = 0.0;
        graph.edges(i).for_each(|(j, w)| d[(i, j)] = w);
    }
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                d[(i, j)] = d[(i, j)].min(d[(i, k)] + d[(k, j)]);
            }
        }
    }
    d
}

fn sheet(n: usize, seed: u64) -> (Array2<f64>, Array2<f64>) {
    // A flat strip rolled up: u along, v across.
    let mut stream = Seed(seed).stream("roll", 0);
    let flat = Array2::from_shape_fn((n, 2), |(_, c)| if c == 0 { stream.uniform_in(0.0, 8.0) } else { stream.uniform_in(0.0, 2.0) });
    // An involute-like spiral of unit speed: radius 1 turned through u.
    let rolled = Array2::from_shape_fn((n, 3), |(i, c)| {
        let t = (1.0 + 2.0 * 0.15 * flat[(i, 0)]).sqrt();
        let angle = (t - 1.0) / 0.15;
        [t * angle.cos(), t * angle.sin(), flat[(i, 1)]][c]
    });
    (flat, rolled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn shortest_paths_are_the_references(n in 3_usize..40, k in 1_usize..5, seed in 0_u64..1000, levels in 2_usize..50) {
        let mut stream = Seed(seed).stream("paths", 0);
        let points = Array2::from_shape_fn((n, 2), |_| stream.below(levels) as f64);
        let graph = Graph::distances(&nearest(points.view(), k.min(n - 1)).expect("good points"));
        let all: Vec<usize> = (0..n).collect();
        for (a, b) in geodesics(&graph, &all).iter().zip(&reference(&graph)) {
            prop_assert!(a == b || (a - b).abs() < 1e-12 * b);
        }
    }
}

#[test]
fn a_rolled_sheet_comes_out_flat() {
    let (flat, rolled) = sheet(900, 1);
    for landmarks in [60, 900] {
        let found = embed(rolled.view(), &IsomapConfig { neighbors: 9, dimensions: 2, landmarks }).expect("connected");
        assert_eq!((found.members.len(), found.landmarks.len(), found.reason.clone()), (900, landmarks, None));
        // Paths through a graph are longer than straight ones, by a few per cent at this density.
        assert!(found.residual_variance < 0.01, "{landmarks}: {}", found.residual_variance);
        let (x, u) = (found.coordinates.column(0), flat.column(0));
        let n = 900.0;
        let (mx, mu) = (x.sum() / n, u.sum() / n);
        let c = x.iter().zip(u).map(|(x, u)| (x - mx) * (u - mu)).sum::<f64>();
        let r = c / (x.iter().map(|x| (x - mx).powi(2)).sum::<f64>() * u.iter().map(|u| (u - mu).powi(2)).sum::<f64>()).sqrt();
        assert!(r.abs() > 0.99, "{landmarks}: {r}");
        assert_eq!(crate::pca::leading_sign(x), 1.0);
    }
}

#[test]
fn with_all_points_and_straight_paths_it_is_classical_scaling() {
    // All points are neighbours of all: geodesics are distances, and coordinates the principal components' scores.
    let mut stream = Seed(3).stream("points", 0);
    let points = Array2::from_shape_fn((60, 4), |(_, c)| stream.normal() * [4.0, 2.0, 1.0, 0.5][c]);
    let found = embed(points.view(), &IsomapConfig { neighbors: 60, dimensions: 3, landmarks: 60 }).expect("connected");
    let scores = crate::pca::pca(points.view(), 3).expect("good points").scores;
    for a in 0..3 {
        let sign = crate::pca::leading_sign(scores.column(a));
        assert!((&found.coordinates.column(a) - &(&scores.column(a) * sign)).iter().all(|x| x.abs() < 1e-9), "{a}");
    }
    // Few landmarks that span the space give the same distances.
    let few = embed(points.view(), &IsomapConfig { neighbors: 60, dimensions: 4, landmarks: 12 }).expect("connected");
    assert!(few.residual_variance < 1e-9, "{}", few.residual_variance);
}

#[test]
fn apart_degenerate_and_bad_input() {
    let points = Array2::from_shape_fn((30, 2), |(i, c)| if c == 0 { i as f64 + if i < 10 { 0.0 } else { 100.0 } } else { 0.0 });
    let found = embed(points.view(), &IsomapConfig { neighbors: 3, dimensions: 2, landmarks: 20 }).expect("enough");
    assert_eq!((found.members.clone(), found.components.clone(), found.coordinates.ncols()), ((10..30).collect(), vec![20, 10], 1));
    assert!(found.reason.is_some() && found.point(3).is_none() && found.point(12).is_some());
    let copies = Array2::from_elem((50, 3), 1.0);
    let found = embed(copies.view(), &IsomapConfig { neighbors: 50, dimensions: 2, landmarks: 50 }).expect("connected");
    assert_eq!(found.coordinates.ncols(), 0);
    assert!(found.residual_variance.is_nan());
    let refused =
        |neighbors, dimensions, landmarks| embed(points.view(), &IsomapConfig { neighbors, dimensions, landmarks }).expect_err("no answer");
    assert_eq!(refused(3, 0, 20), IsomapError::TooFew { dimensions: 0, landmarks: 20, points: 20 });
    assert_eq!(refused(3, 5, 5), IsomapError::TooFew { dimensions: 5, landmarks: 5, points: 20 });
    assert!(matches!(refused(1, 2, 20), IsomapError::Neighbors(_)) && matches!(refused(31, 2, 20), IsomapError::Neighbors(_)));
}

#[test]
fn threads_change_nothing() {
    let (_, rolled) = sheet(300, 2);
    let config = IsomapConfig { neighbors: 10, dimensions: 2, landmarks: 40 };
    let on =
        |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| embed(rolled.view(), &config));
    assert_eq!(on(1), on(3));
}

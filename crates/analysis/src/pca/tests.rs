use super::*;
use gridlake_space::seed::Seed;
use proptest::prelude::*;

/// Normal points with standard deviations `falloff^column`, turned by a random rotation's worth of mixing.
fn points(n: usize, d: usize, falloff: f64, seed: u64) -> Array2<f64> {
    let mut stream = Seed(seed).stream("pca", 0);
    let mix = Array2::from_shape_fn((d, d), |_| stream.normal());
    Array2::from_shape_fn((n, d), |(_, c)| stream.normal() * falloff.powi(c as i32)).dot(&mix) + 3.0
}

fn covariance(points: &Array2<f64>) -> Array2<f64> {
    let centred = points - &points.mean_axis(Axis(0)).expect("points");
    centred.t().dot(&centred) / (points.nrows() as f64 - 1.0)
}

/// Power iteration with deflation: slow, and shares no code with either solver.
fn reference(points: &Array2<f64>, count: usize) -> Vec<(f64, Array1<f64>)> {
    let mut rest = covariance(points);
    let mut stream = Seed(0).stream("power", 0);
    (0..count)
        .map(|_| {
            let mut w: Array1<f64> = (0..rest.nrows()).map(|_| stream.normal()).collect();
            for _ in 0..20_000 {
                w = rest.dot(&w);
                w /= w.dot(&w).sqrt();
            }
            let value = w.dot(&rest.dot(&w));
            rest = &rest - &(&w.view().insert_axis(Axis(1)).dot(&w.view().insert_axis(Axis(0))) * value);
            let sign = leading_sign(w.view());
            (value, w * sign)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn laws(n in 2_usize..80, d in 1_usize..24, k in 1_usize..8, seed in 0_u64..1000) {
        let points = points(n, d, 0.8, seed);
        let found = pca(points.view(), k).expect("good points");
        let count = found.variances.len();
        prop_assert_eq!(count, k.min(d).min(n - 1));
        prop_assert_eq!(found.reason.is_some(), count < k);
        let gram = found.components.dot(&found.components.t());
        prop_assert!((gram - Array2::<f64>::eye(count)).iter().all(|x| x.abs() < 1e-11));
        // Scores are uncorrelated, of the variances told, and mean 0.
        let of_scores = covariance(&found.scores);
        let largest = found.variances[0];
        for ((i, j), c) in of_scores.indexed_iter() {
            let expected = if i == j { found.variances[i] } else { 0.0 };
            prop_assert!((c - expected).abs() < 1e-11 * largest);
        }
        prop_assert!((covariance(&points).diag().sum() / found.total_variance - 1.0).abs() < 1e-12);
        for i in 0..count {
            prop_assert!((found.ratios[i] - found.variances[i] / found.total_variance).abs() < 1e-12);
            prop_assert_eq!(leading_sign(found.components.row(i)), 1.0);
        }
        prop_assert!(found.variances.windows(2).all(|pair| pair[0] >= pair[1] - 1e-12 * largest));
        if k >= d && n > d {
            prop_assert!((found.ratios.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let back = found.scores.dot(&found.components) + &found.mean;
            prop_assert!((back - &points).iter().all(|x| x.abs() < 1e-10));
        }
    }
}

#[test]
fn both_solvers_give_the_references_components() {
    for (d, k) in [(8, 2), (16, 3), (32, 6), (16, 5), (12, 6), (5, 2)] {
        let points = points(200, d, 0.7, d as u64);
        let found = pca(points.view(), k).expect("good points");
        // linfa's answer need not pass its check; what is told is right either way.
        assert_eq!(found.solver == PcaSolver::Dense, 3 * k > d, "{d} {k}: {:?}", found.solver);
        for (i, (value, w)) in reference(&points, k).into_iter().enumerate() {
            assert!((found.variances[i] / value - 1.0).abs() < 1e-10, "{d} {k} {i}");
            assert!((&found.components.row(i) - &w).iter().all(|x| x.abs() < 1e-8), "{d} {k} {i}");
        }
    }
}

#[test]
fn linfas_answer_stands_for_a_module_with_noise() {
    let activity = crate::ideal::module(40, 900, 0.3, false, 2).activity;
    assert_eq!(pca(activity.view(), 6).expect("good points").solver, PcaSolver::Linfa);
}

#[test]
fn a_wrong_answer_does_not_pass_the_check() {
    let points = points(300, 9, 0.7, 5);
    let c = covariance(&points);
    let right = dense(&c, 9).expect("solved");
    let rows = |which: &[usize]| right.select(Axis(0), which);
    assert!(leads(&c, &rows(&[0, 1, 2])));
    assert!(!leads(&c, &rows(&[0, 1, 3])), "the third was left out");
    assert!(!leads(&c, &rows(&[1, 0, 2])), "out of order");
    assert!(!leads(&c, &rows(&[0, 0, 1])), "twice the same");
    let mut tilted = rows(&[0, 1, 2]);
    tilted[(1, 4)] += 1e-6;
    assert!(!leads(&c, &tilted));
}

#[test]
fn what_has_no_variance_gives_fewer_components_and_says_so() {
    let mut points = points(50, 6, 0.9, 1);
    points.column_mut(2).fill(0.1);
    points.column_mut(4).fill(0.7);
    let found = pca(points.view(), 6).expect("good points");
    assert_eq!((found.variances.len(), found.mean[2]), (4, 0.1));
    assert!(found.components.column(2).iter().all(|w| w.abs() < 1e-14));
    assert!(found.reason.expect("fewer").contains("4 directions, 6 were asked for"));

    let line = Array2::from_shape_fn((30, 5), |(i, c)| i as f64 * (c as f64 + 1.0));
    let found = pca(line.view(), 3).expect("good points");
    assert_eq!((found.variances.len(), found.ratios[0] > 1.0 - 1e-12), (1, true));

    for n in [1, 7] {
        let found = pca(Array2::from_elem((n, 4), 0.3).view(), 2).expect("good points");
        assert_eq!((found.variances.len(), found.scores.dim(), found.total_variance), (0, (n, 0), 0.0));
        assert!(found.reason.is_some() && found.mean.iter().all(|x| *x == 0.3));
    }
    let found = pca(points.slice(s![..3, ..]), 5).expect("good points");
    assert_eq!(found.variances.len(), 2);
}

#[test]
fn scale_and_precision_of_input_do_not_matter() {
    let points = points(100, 7, 0.8, 3);
    let base = pca(points.view(), 2).expect("good points");
    for scale in [1e-140, 1e140] {
        let scaled = pca(points.mapv(|x| x * scale).view(), 2).expect("good points");
        assert!((&scaled.components - &base.components).iter().all(|x| x.abs() < 1e-9), "{scale:e}");
        assert!((scaled.variances[0] / scale / scale / base.variances[0] - 1.0).abs() < 1e-9);
    }
    let single = points.mapv(|x| x as f32);
    assert_eq!(pca(single.view(), 2).expect("good points"), pca(single.mapv(f64::from).view(), 2).expect("good points"));
}

#[test]
fn bad_input_is_refused() {
    let mut points = points(10, 3, 1.0, 2);
    assert_eq!(pca(points.view(), 0), Err(PcaError::NoComponents));
    assert_eq!(pca(Array2::<f64>::zeros((0, 3)).view(), 1), Err(PcaError::Empty { points: 0, columns: 3 }));
    assert_eq!(pca(Array2::<f32>::zeros((3, 0)).view(), 1), Err(PcaError::Empty { points: 3, columns: 0 }));
    points[(4, 1)] = f64::NAN;
    assert!(matches!(pca(points.view(), 2), Err(PcaError::Coordinate(NeighborsError::Coordinate { point: 4, column: 1, .. }))));
}

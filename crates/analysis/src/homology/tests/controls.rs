//! Betti numbers of spaces that have known ones, and what leaves bars alike.

use super::super::{Bar, DistanceMatrix, Options, Persistence, persistence};
use super::shapes::{Surface, beside, circle, distances, euclidean, noise, sphere, stream, surface};

fn found(distances: &DistanceMatrix, prime: u16) -> Persistence {
    persistence(distances, &Options { prime, ..Options::default() }, None).expect("in range")
}

/// How many bars of each dimension hold this scale.
fn betti(distances: &DistanceMatrix, prime: u16, scale: f64) -> Vec<usize> {
    let alive = |bars: &Vec<Bar>| bars.iter().filter(|bar| bar.birth <= scale && scale < bar.death).count();
    found(distances, prime).bars.iter().map(alive).collect()
}

#[test]
fn circles_and_spheres_have_their_betti_numbers() {
    assert_eq!(betti(&euclidean(&circle(100, 0.02)), 47, 0.7), [1, 1, 0]);
    assert_eq!(betti(&euclidean(&sphere(150)), 47, 0.8), [1, 0, 1]);
}

#[test]
fn flat_surfaces_have_their_betti_numbers() {
    assert_eq!(betti(&surface(Surface::Plane, 14, 0.4), 47, 0.25), [1, 0, 0]);
    assert_eq!(betti(&surface(Surface::SquareTorus, 14, 0.4), 47, 0.25), [1, 2, 1]);
    assert_eq!(betti(&surface(Surface::HexagonalTorus, 14, 0.4), 47, 0.25), [1, 2, 1]);
}

#[test]
fn a_klein_bottle_has_other_betti_numbers_modulo_2() {
    let bottle = surface(Surface::Klein, 14, 0.4);
    assert_eq!(betti(&bottle, 2, 0.25), [1, 2, 1]);
    assert_eq!(betti(&bottle, 47, 0.25), [1, 1, 0]);
}

#[test]
fn two_tori_have_twice_the_betti_numbers() {
    let torus = surface(Surface::HexagonalTorus, 12, 0.4);
    assert_eq!(betti(&beside(&torus, &surface(Surface::SquareTorus, 13, 0.4)), 47, 0.25), [2, 4, 2]);
}

#[test]
fn noise_has_no_long_bars() {
    let bars = found(&euclidean(&noise(150, 6, 3)), 47).bars;
    let radius = euclidean(&noise(150, 6, 3)).enclosing_radius();
    assert!(!bars[1].is_empty() && bars[1][0].length() < 0.2 * radius, "{:?} of {radius}", bars[1].first());
    assert!(bars[2].first().is_none_or(|bar| bar.length() < 0.2 * radius), "{:?} of {radius}", bars[2].first());
}

#[test]
fn the_order_of_points_does_not_matter() {
    for (index, cloud) in [euclidean(&noise(60, 3, 1)), surface(Surface::SquareTorus, 8, 0.0)].iter().enumerate() {
        let mut order: Vec<usize> = (0..cloud.points()).collect();
        let mut stream = stream("order", index as u64);
        for i in (1..order.len()).rev() {
            order.swap(i, stream.below(i + 1));
        }
        let permuted = distances(cloud.points(), |i, j| cloud.get(order[i], order[j]));
        assert_eq!(found(cloud, 47).bars, found(&permuted, 47).bars);
    }
}

#[test]
fn bars_scale_with_distances() {
    let cloud = euclidean(&noise(60, 3, 2));
    let larger = distances(60, |i, j| 4.0 * cloud.get(i, j));
    let scaled = |bars: &Vec<Bar>| bars.iter().map(|bar| Bar { birth: 4.0 * bar.birth, death: 4.0 * bar.death }).collect::<Vec<_>>();
    assert_eq!(found(&cloud, 47).bars.iter().map(scaled).collect::<Vec<_>>(), found(&larger, 47).bars);
}

#[test]
fn a_threshold_leaves_shorter_bars_and_cuts_longer_ones() {
    let cloud = euclidean(&sphere(80));
    let (whole, threshold) = (found(&cloud, 47), 1.0);
    let cut = persistence(&cloud, &Options { threshold: Some(threshold), ..Options::default() }, None).expect("in range");
    for (whole, cut) in whole.bars.iter().zip(&cut.bars) {
        let born = whole.iter().filter(|bar| bar.birth <= threshold);
        let mut expected: Vec<Bar> =
            born.map(|bar| Bar { birth: bar.birth, death: if bar.death <= threshold { bar.death } else { f64::INFINITY } }).collect();
        expected.sort_by(Bar::longest_first);
        assert_eq!(*cut, expected);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let torus = surface(Surface::HexagonalTorus, 14, 0.8);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let Persistence { bars, cocycles, .. } = pool.install(|| found(&torus, 47));
        (bars, cocycles)
    };
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(7));
}

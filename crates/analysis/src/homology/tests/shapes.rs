//! Clouds of known topology, and of none.

use super::super::DistanceMatrix;
use gridlake_space::seed::{Seed, Stream};
use ndarray::Array2;
use std::f64::consts::{PI, TAU};

pub(super) fn stream(name: &str, index: u64) -> Stream {
    Seed(11).stream(name, index)
}

/// Normally distributed points.
pub(super) fn noise(points: usize, dimension: usize, index: u64) -> Array2<f64> {
    let mut stream = stream("noise", index);
    Array2::from_shape_fn((points, dimension), |_| stream.normal())
}

pub(super) fn euclidean(points: &Array2<f64>) -> DistanceMatrix {
    DistanceMatrix::euclidean(points.view()).expect("finite")
}

/// From a function of two points' numbers.
pub(super) fn distances(points: usize, mut distance: impl FnMut(usize, usize) -> f64) -> DistanceMatrix {
    let pairs = (0..points).flat_map(|i| (0..i).map(move |j| (i, j)));
    DistanceMatrix::from_condensed(points, pairs.map(|(i, j)| distance(i, j)).collect()).expect("finite")
}

/// Whole numbers 1 to `most`, no metric.
pub(super) fn whole(points: usize, most: usize, index: u64) -> DistanceMatrix {
    let mut stream = stream("whole", index);
    distances(points, |_, _| 1.0 + stream.below(most) as f64)
}

pub(super) fn circle(points: usize, noise: f64) -> Array2<f64> {
    let mut stream = stream("circle", points as u64);
    let angles: Vec<f64> = (0..points).map(|_| stream.uniform_in(0.0, TAU)).collect();
    Array2::from_shape_fn((points, 2), |(i, axis)| (angles[i] - axis as f64 * PI / 2.0).cos() + noise * stream.normal())
}

/// Evenly spread (Fibonacci's lattice).
pub(super) fn sphere(points: usize) -> Array2<f64> {
    Array2::from_shape_fn((points, 3), |(i, axis)| {
        let z = 1.0 - (2.0 * i as f64 + 1.0) / points as f64;
        let (radius, angle) = ((1.0 - z * z).sqrt(), PI * (3.0 - 5.0_f64.sqrt()) * i as f64);
        [radius * angle.cos(), radius * angle.sin(), z][axis]
    })
}

/// How the opposite sides of a unit cell are joined.
#[derive(Clone, Copy)]
pub(super) enum Surface {
    Plane,
    SquareTorus,
    HexagonalTorus,
    Klein,
}

/// Distances on a flat surface of unit cells, of `side`² points near a grid.
pub(super) fn surface(kind: Surface, side: usize, jitter: f64) -> DistanceMatrix {
    let mut stream = stream("surface", side as u64);
    let mut off = || (stream.uniform() - 0.5) * jitter / side as f64;
    let points: Vec<[f64; 2]> =
        (0..side * side).map(|i| [(i % side) as f64 / side as f64 + off(), (i / side) as f64 / side as f64 + off()]).collect();
    let cells: &[f64] = if matches!(kind, Surface::Plane) { &[0.0] } else { &[-2.0, -1.0, 0.0, 1.0, 2.0] };
    distances(points.len(), |i, j| {
        let mut least = f64::INFINITY;
        for &m in cells {
            for &n in cells {
                let [x, y] = points[j];
                let x = if matches!(kind, Surface::Klein) && n % 2.0 != 0.0 { 1.0 - x } else { x };
                let (u, v) = (x + m - points[i][0], y + n - points[i][1]);
                let (u, v) = if matches!(kind, Surface::HexagonalTorus) { (u + v / 2.0, v * 0.75_f64.sqrt()) } else { (u, v) };
                least = least.min(u.hypot(v));
            }
        }
        least
    })
}

/// Both clouds, far from each other.
pub(super) fn beside(first: &DistanceMatrix, second: &DistanceMatrix) -> DistanceMatrix {
    let n = first.points();
    distances(n + second.points(), |i, j| match (i < n, j < n) {
        (true, true) => first.get(i, j),
        (false, false) => second.get(i - n, j - n),
        _ => 9.0,
    })
}

//! The smoothest of all cocycles of a class: least squares on a graph.
//!
//! ```text
//! h = z - δf,    f = argmin Σ_edges (z(i,j) - (f_j - f_i))²,    L f = δᵀ z
//! ```
//!
//! with the graph's Laplacian L, solved by conjugate gradients (de Silva, Morozov, Vejdemo-Johansson 2011, section 2.5; all edges weigh the same, as in Gardner et al. 2022). As z is
//! whole, `2π f mod 2π` is an angle, and h tells by how much of a turn it changes along each edge (with the sign turned).

use crate::homology::DistanceMatrix;
use crate::linear::dot;

/// Residual of the conjugate gradients over the right-hand side.
const TOLERANCE: f64 = 1e-10;

/// The edges no longer than a scale, of the largest connected piece.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    points: usize,
    /// (i, j) with i < j.
    edges: Vec<(usize, usize)>,
    /// Edges at each point; 0 outside the piece.
    degrees: Vec<f64>,
}

impl Graph {
    /// The largest piece; of equally large ones that of the first point.
    pub(super) fn within(distances: &DistanceMatrix, scale: f64) -> Self {
        let points = distances.points();
        let mut piece = vec![usize::MAX; points];
        let mut largest = (0, 0);
        for start in 0..points {
            if piece[start] != usize::MAX {
                continue;
            }
            piece[start] = start;
            let (mut waiting, mut size) = (vec![start], 0);
            while let Some(point) = waiting.pop() {
                size += 1;
                for (other, of) in piece.iter_mut().enumerate() {
                    if *of == usize::MAX && distances.get(point, other) <= scale {
                        *of = start;
                        waiting.push(other);
                    }
                }
            }
            if size > largest.1 {
                largest = (start, size);
            }
        }
        let mut graph = Self { points, edges: Vec::new(), degrees: vec![0.0; points] };
        for j in 1..points {
            for i in (0..j).filter(|&i| piece[i] == largest.0 && piece[j] == largest.0 && distances.get(i, j) <= scale) {
                graph.edges.push((i, j));
                graph.degrees[i] += 1.0;
                graph.degrees[j] += 1.0;
            }
        }
        graph
    }

    /// (i, j) with i < j.
    pub(super) fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// Whether a point has edges of the piece.
    pub(super) fn holds(&self, point: usize) -> bool {
        self.degrees[point] > 0.0
    }

    /// f for the values `z` on the edges, from i to j; mean 0 over the piece and 0 outside. `None` where the iteration does not converge.
    pub(super) fn potential(&self, z: &[f64]) -> Option<Vec<f64>> {
        let mut residual = vec![0.0; self.points];
        for (&(i, j), z) in self.edges.iter().zip(z) {
            residual[j] += z;
            residual[i] -= z;
        }
        let goal = TOLERANCE * TOLERANCE * dot(&residual, &residual);
        let mut f = vec![0.0; self.points];
        let precondition =
            |r: &[f64]| -> Vec<f64> { r.iter().zip(&self.degrees).map(|(r, d)| if *d > 0.0 { r / d } else { 0.0 }).collect() };
        let mut scaled = precondition(&residual);
        let mut direction = scaled.clone();
        let mut product = dot(&residual, &scaled);
        for _ in 0..10 * self.points + 100 {
            if dot(&residual, &residual) <= goal {
                let piece = self.degrees.iter().filter(|degree| **degree > 0.0).count().max(1);
                let mean = (0..self.points).filter(|&i| self.holds(i)).map(|i| f[i]).sum::<f64>() / piece as f64;
                return Some((0..self.points).map(|i| if self.holds(i) { f[i] - mean } else { 0.0 }).collect());
            }
            let image = self.laplacian(&direction);
            let step = product / dot(&direction, &image);
            if !step.is_finite() {
                return None;
            }
            f.iter_mut().zip(&direction).for_each(|(f, d)| *f += step * d);
            residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
            scaled = precondition(&residual);
            let next = dot(&residual, &scaled);
            for (d, s) in direction.iter_mut().zip(&scaled) {
                *d = s + next / product * *d;
            }
            product = next;
        }
        None
    }

    fn laplacian(&self, f: &[f64]) -> Vec<f64> {
        let mut image: Vec<f64> = f.iter().zip(&self.degrees).map(|(f, d)| f * d).collect();
        for &(i, j) in &self.edges {
            image[i] -= f[j];
            image[j] -= f[i];
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::solve_symmetric;
    use gridlake_space::seed::Seed;
    use ndarray::Array2;

    fn cloud(points: usize, dimensions: usize, index: u64) -> DistanceMatrix {
        let mut stream = Seed(9).stream("cloud", index);
        DistanceMatrix::euclidean(Array2::from_shape_fn((points, dimensions), |_| stream.uniform()).view()).expect("finite")
    }

    #[test]
    fn conjugate_gradients_solve_what_elimination_solves() {
        for (index, (points, scale)) in [(40, 0.6), (40, 0.25), (5, 2.0), (2, 2.0)].into_iter().enumerate() {
            let graph = Graph::within(&cloud(points, 2, index as u64), scale);
            let mut stream = Seed(9).stream("values", index as u64);
            let z: Vec<f64> = graph.edges().iter().map(|_| stream.uniform_in(-1.0, 1.0)).collect();
            let found = graph.potential(&z).expect("converges");
            // The reference: the Laplacian as a matrix, with a one added where points are not in the piece, and J/n, which puts the mean to 0.
            let held: Vec<usize> = (0..points).filter(|&i| graph.holds(i)).collect();
            let n = held.len();
            let mut matrix = vec![1.0 / n as f64; n * n];
            let mut right = vec![0.0; n];
            for (&(i, j), z) in graph.edges().iter().zip(&z) {
                let at = |point: usize| held.iter().position(|&h| h == point).expect("in the piece");
                let (i, j) = (at(i), at(j));
                matrix[i * n + i] += 1.0;
                matrix[j * n + j] += 1.0;
                matrix[i * n + j] -= 1.0;
                matrix[j * n + i] -= 1.0;
                right[j] += z;
                right[i] -= z;
            }
            let expected = solve_symmetric(&matrix, &right, 0.0).expect("positive definite");
            for (place, &point) in held.iter().enumerate() {
                assert!((found[point] - expected[place]).abs() < 1e-8, "{} {}", found[point], expected[place]);
            }
        }
    }

    #[test]
    fn a_difference_of_heights_is_found_again() {
        let graph = Graph::within(&cloud(30, 3, 7), 0.8);
        let mut stream = Seed(9).stream("heights", 0);
        let heights: Vec<f64> = (0..30).map(|_| stream.normal()).collect();
        let z: Vec<f64> = graph.edges().iter().map(|&(i, j)| heights[j] - heights[i]).collect();
        let found = graph.potential(&z).expect("converges");
        assert!(graph.edges().iter().all(|&(i, j)| (found[j] - found[i] - heights[j] + heights[i]).abs() < 1e-8));
    }

    #[test]
    fn points_that_are_not_connected_are_left_out() {
        let line = DistanceMatrix::euclidean(ndarray::array![[0.0], [1.0], [2.0], [9.0], [10.0], [50.0]].view()).expect("finite");
        let graph = Graph::within(&line, 1.5);
        assert_eq!(graph.edges(), [(0, 1), (1, 2)]);
        assert_eq!((0..6).map(|i| graph.holds(i)).collect::<Vec<_>>(), [true, true, true, false, false, false]);
        assert_eq!(Graph::within(&line, 0.5).potential(&[]), Some(vec![0.0; 6]));
    }
}

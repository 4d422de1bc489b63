//! Cocycles modulo a prime to cocycles over the integers.
//!
//! Homology is computed modulo a prime; an angle needs whole numbers of turns. Each coefficient c becomes its residue of least magnitude, c or c - p. Nearly always that is a cocycle
//! over the integers as well (de Silva, Morozov, Vejdemo-Johansson 2011, section 2.4: for p large, all triangles add up to less than p in magnitude and hence to 0). Where it
//! is not, no coordinate is made up: another prime gives another representative.

use crate::homology::{Cocycle, DistanceMatrix};

/// Whole numbers on the edges of the complex at one scale, condensed: z(i, j), i < j, at `j (j - 1) / 2 + i`; the edge from j to i has -z.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntegerCocycle {
    values: Vec<i32>,
}

impl IntegerCocycle {
    /// z on the edge from `i` to `j`.
    pub(super) fn get(&self, i: usize, j: usize) -> i32 {
        if i < j { self.values[place(i, j)] } else { -self.values[place(j, i)] }
    }
}

fn place(i: usize, j: usize) -> usize {
    j * (j - 1) / 2 + i
}

/// The cocycle restricted to edges no longer than `scale`, in whole numbers.
///
/// # Errors
/// Why it is none: a triangle on which the numbers do not cancel.
pub(super) fn lift(cocycle: &Cocycle, distances: &DistanceMatrix, scale: f64) -> Result<IntegerCocycle, String> {
    let n = distances.points();
    let prime = i32::from(cocycle.prime);
    let mut lifted = IntegerCocycle { values: vec![0; n * n.saturating_sub(1) / 2] };
    let edges: Vec<(usize, usize)> = cocycle
        .at_scale(scale, distances)
        .into_iter()
        .map(|(i, j, c)| {
            let c = i32::from(c);
            lifted.values[place(i as usize, j as usize)] = if 2 * c > prime { c - prime } else { c };
            (i as usize, j as usize)
        })
        .collect();
    // A triangle without any of these edges adds up to 0.
    for &(i, j) in &edges {
        for k in (0..n).filter(|&k| k != i && k != j && distances.get(i, k) <= scale && distances.get(j, k) <= scale) {
            let sum = lifted.get(i, j) + lifted.get(j, k) + lifted.get(k, i);
            if sum != 0 {
                return Err(format!(
                    "the cocycle modulo {prime} is none over the integers: it adds up to {sum} around points {i}, {j}, {k}; try another prime"
                ));
            }
        }
    }
    Ok(lifted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homology::{Bar, Options, persistence};
    use ndarray::Array2;
    use std::f64::consts::TAU;

    pub(super) fn circle(points: usize) -> DistanceMatrix {
        let at =
            |i: usize, axis: usize| if axis == 0 { (TAU * i as f64 / points as f64).cos() } else { (TAU * i as f64 / points as f64).sin() };
        DistanceMatrix::euclidean(Array2::from_shape_fn((points, 2), |(i, axis)| at(i, axis)).view()).expect("finite")
    }

    #[test]
    fn a_circle_winds_once_whatever_the_prime() {
        let distances = circle(16);
        for prime in [3, 5, 47] {
            let found = persistence(&distances, &Options { prime, ..Options::default() }, None).expect("in range");
            let lifted = lift(&found.cocycles[0], &distances, 0.5).expect("whole numbers");
            let turns: i32 = (0..16).map(|i| lifted.get(i, (i + 1) % 16)).sum();
            assert_eq!(turns.abs(), 1, "modulo {prime}");
        }
    }

    #[test]
    fn numbers_that_do_not_cancel_are_told() {
        let distances = DistanceMatrix::from_condensed(3, vec![1.0; 3]).expect("finite");
        // 2 + 2 = -1 modulo 5, where the least residue of 4 is -1; over the integers 2 + 2 - (-1) = 5.
        let cocycle = Cocycle { bar: Bar { birth: 1.0, death: 2.0 }, prime: 5, edges: vec![(0, 1, 2), (1, 2, 2), (0, 2, 4)] };
        let told = lift(&cocycle, &distances, 1.5).expect_err("5");
        assert!(told.contains("modulo 5") && told.contains("another prime"), "{told}");
        assert_eq!(lift(&cocycle, &distances, 0.5).expect("no edges").get(0, 1), 0);
    }
}

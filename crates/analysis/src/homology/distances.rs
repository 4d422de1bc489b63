//! Distances between points.

use super::error::HomologyError;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Distances of all pairs of points.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceMatrix {
    points: usize,
    /// d(i, j) with i > j at i (i - 1) / 2 + j.
    condensed: Vec<f64>,
}

impl DistanceMatrix {
    /// Euclidean distances of `points`, one a row (n × d), in their unit.
    ///
    /// # Errors
    /// A coordinate that is not finite, or a distance that overflows.
    pub fn euclidean(points: ArrayView2<'_, f64>) -> Result<Self, HomologyError> {
        if let Some(((point, axis), &value)) = points.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(HomologyError::Coordinate { point, axis, value });
        }
        let rows: Vec<Vec<f64>> = points.outer_iter().map(|row| row.to_vec()).collect();
        let mut condensed = vec![0.0; pairs(rows.len())];
        triangle_rows(&mut condensed, rows.len()).into_par_iter().for_each(|(i, distances)| {
            for (distance, other) in distances.iter_mut().zip(&rows) {
                *distance = rows[i].iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
            }
        });
        Self::from_condensed(rows.len(), condensed)
    }

    /// From a square matrix: finite, at least 0, symmetric, with zeros on the diagonal.
    ///
    /// # Errors
    /// Whichever of these it is not, and where.
    pub fn from_square(square: ArrayView2<'_, f64>) -> Result<Self, HomologyError> {
        let (rows, columns) = square.dim();
        if rows != columns {
            return Err(HomologyError::NotSquare { rows, columns });
        }
        let mut condensed = Vec::with_capacity(pairs(rows));
        for i in 0..rows {
            for j in 0..=i {
                let (there, back) = (square[[i, j]], square[[j, i]]);
                if !(there.is_finite() && there >= 0.0) {
                    return Err(HomologyError::Distance { i, j, value: there });
                }
                if there != back || (i == j && there != 0.0) {
                    return Err(HomologyError::Asymmetric { i, j, there, back });
                }
                if i != j {
                    condensed.push(there);
                }
            }
        }
        Self::from_condensed(rows, condensed)
    }

    /// From the lower triangle row by row: d(1,0), d(2,0), d(2,1), d(3,0), …
    ///
    /// # Errors
    /// Another number of distances than n (n - 1) / 2, or one that is negative or not finite.
    pub fn from_condensed(points: usize, mut condensed: Vec<f64>) -> Result<Self, HomologyError> {
        let expected = pairs(points);
        if condensed.len() != expected {
            return Err(HomologyError::Length { points, expected, found: condensed.len() });
        }
        // -0 would sort before 0.
        for distance in &mut condensed {
            *distance += 0.0;
        }
        let checked = Self { points, condensed };
        let wrong = checked.edges().find(|(_, _, distance)| !(distance.is_finite() && *distance >= 0.0));
        match wrong {
            Some((i, j, value)) => Err(HomologyError::Distance { i, j, value }),
            None => Ok(checked),
        }
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Distance of points `i` and `j`.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        assert!(i < self.points && j < self.points, "points {i} and {j} of {}", self.points);
        match i.cmp(&j) {
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => self.condensed[pairs(i) + j],
            std::cmp::Ordering::Less => self.condensed[pairs(j) + i],
        }
    }

    /// The lower triangle row by row, as [`Self::from_condensed`] takes it.
    pub fn condensed(&self) -> &[f64] {
        &self.condensed
    }

    /// The least distance within which some point has all others: there the complex is a cone, and has no homology but one piece. 0 for no points.
    pub fn enclosing_radius(&self) -> f64 {
        let mut furthest = vec![0.0_f64; self.points];
        for (i, j, distance) in self.edges() {
            furthest[i] = furthest[i].max(distance);
            furthest[j] = furthest[j].max(distance);
        }
        furthest.into_iter().min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// (i, j, distance) with i > j, in the order of the lower triangle.
    pub(super) fn edges(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let ends = (1..self.points).flat_map(|i| (0..i).map(move |j| (i, j)));
        ends.zip(&self.condensed).map(|((i, j), &distance)| (i, j, distance))
    }
}

/// Number of pairs of `n` points.
pub(super) fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

/// The rows of a lower triangle, with their numbers.
fn triangle_rows(mut condensed: &mut [f64], points: usize) -> Vec<(usize, &mut [f64])> {
    (1..points)
        .map(|i| {
            let (row, rest) = std::mem::take(&mut condensed).split_at_mut(i);
            condensed = rest;
            (i, row)
        })
        .collect()
}

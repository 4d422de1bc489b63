//! Small dense linear algebra: dot products and symmetric systems of a few dozen unknowns.

use crate::simd::{Kernel, widest};

/// Dot product in eight running sums: a fixed order that the compiler can vectorise.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    widest(Dot(a, b))
}

struct Dot<'a>(&'a [f64], &'a [f64]);

impl Kernel for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut sums = [0.0_f64; 8];
        let (a_chunks, a_rest) = self.0.as_chunks::<8>();
        let (b_chunks, b_rest) = self.1.as_chunks::<8>();
        let rest: f64 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
        for (x, y) in a_chunks.iter().zip(b_chunks) {
            for lane in 0..8 {
                sums[lane] += x[lane] * y[lane];
            }
        }
        ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest
    }
}

/// Dot products of all pairs of equally long columns, `n * n`: summed a stretch at a time, so that a stretch of all columns stays in the first-level
/// cache, in an order that depends on nothing but the length.
pub(crate) fn gram(columns: &[Vec<f64>]) -> Vec<f64> {
    widest(Gram(columns))
}

/// Elements of a stretch.
const STRETCH: usize = 128;

struct Gram<'a>(&'a [Vec<f64>]);

impl Kernel for Gram<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn call(self) -> Vec<f64> {
        let n = self.0.len();
        let length = self.0.first().map_or(0, Vec::len);
        let mut matrix = vec![0.0; n * n];
        for from in (0..length).step_by(STRETCH) {
            let stretch = |column: usize| &self.0[column][from..(from + STRETCH).min(length)];
            for i in 0..n {
                for j in 0..=i {
                    matrix[i * n + j] += Dot(stretch(i), stretch(j)).call();
                }
            }
        }
        for i in 0..n {
            for j in 0..i {
                matrix[j * n + i] = matrix[i * n + j];
            }
        }
        matrix
    }
}

/// Solves `matrix x = right` for a symmetric positive semi-definite `matrix` (`n * n`, row-major) with `ridge` times its mean diagonal
/// added to the diagonal. `None` where even that is singular or not finite.
pub(crate) fn solve_symmetric(matrix: &[f64], right: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let n = right.len();
    let added = ridge * (0..n).map(|i| matrix[i * n + i]).sum::<f64>() / n as f64;
    let mut lower = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = matrix[i * n + j] - dot(&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
            if i == j {
                sum += added;
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                lower[i * n + i] = sum.sqrt();
            } else {
                lower[i * n + j] = sum / lower[j * n + j];
            }
        }
    }
    let mut solution = right.to_vec();
    for i in 0..n {
        solution[i] = (solution[i] - dot(&lower[i * n..i * n + i], &solution[..i])) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let below: f64 = (i + 1..n).map(|j| lower[j * n + i] * solution[j]).sum();
        solution[i] = (solution[i] - below) / lower[i * n + i];
    }
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_it_is_given() {
        let matrix = [4.0, 1.0, 0.5, 1.0, 3.0, -1.0, 0.5, -1.0, 5.0];
        let x = [1.0, -2.0, 3.0];
        let right: Vec<f64> = (0..3).map(|i| dot(&matrix[i * 3..i * 3 + 3], &x)).collect();
        let solved = solve_symmetric(&matrix, &right, 0.0).expect("positive definite");
        assert!(solved.iter().zip(x).all(|(a, b)| (a - b).abs() < 1e-14));
    }

    #[test]
    fn a_singular_system_is_none_and_a_ridge_mends_it() {
        let matrix = [1.0, 1.0, 1.0, 1.0];
        assert_eq!(solve_symmetric(&matrix, &[1.0, 1.0], 0.0), None);
        let mended = solve_symmetric(&matrix, &[1.0, 1.0], 1e-9).expect("ridge");
        assert!((mended[0] + mended[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn gram_is_all_dot_products() {
        for length in [0, 1, 127, 128, 1000] {
            let columns: Vec<Vec<f64>> = (0..5).map(|c| (0..length).map(|i| f64::from(i * (c + 3) % 17) - 8.0).collect()).collect();
            let matrix = gram(&columns);
            for i in 0..5 {
                for j in 0..5 {
                    assert_eq!(matrix[i * 5 + j], dot(&columns[i], &columns[j]), "whole numbers are summed exactly");
                }
            }
        }
    }

    #[test]
    fn dot_counts_every_element() {
        let a: Vec<f64> = (1..=19).map(f64::from).collect();
        assert_eq!(dot(&a, &[1.0; 19]), 190.0);
    }
}

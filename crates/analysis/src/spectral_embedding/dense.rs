//! All eigenpairs of the dense Laplacian: small graphs, and the reference.

use super::SpectralEmbeddingError;
use super::solver::Eigen;
use crate::neighbors::Graph;
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array2, s};

/// The whole spectrum of `L = I - D^-½ A D^-½`, rising, and the eigenvectors as columns, written out with a dense matrix: O(n³). A node without edges counts as its own
/// component, with the eigenvalue 0.
///
/// # Errors
/// [`SpectralEmbeddingError::Dense`] where the library's eigensolver does not converge.
pub fn reference_spectrum(graph: &Graph) -> Result<(Vec<f64>, Array2<f64>), SpectralEmbeddingError> {
    let size = graph.nodes();
    let degrees: Vec<f64> = (0..size).map(|i| graph.edges(i).map(|(_, w)| w).sum()).collect();
    let mut laplacian = Array2::zeros((size, size));
    for i in 0..size {
        laplacian[(i, i)] = f64::from(u8::from(degrees[i] > 0.0));
        graph.edges(i).for_each(|(j, w)| laplacian[(i, j)] = -w / (degrees[i].sqrt() * degrees[j].sqrt()));
    }
    let failed = |error: linfa_linalg::LinalgError| SpectralEmbeddingError::Dense { size, message: error.to_string() };
    let (values, vectors) = laplacian.eigh_into().map_err(failed)?.sort_eig(Order::Smallest);
    Ok((values.to_vec(), vectors))
}

/// The `count` lowest eigenpairs beyond the constant of a connected graph.
pub(super) fn lowest(graph: &Graph, count: usize) -> Result<(Vec<f64>, Array2<f64>), SpectralEmbeddingError> {
    let (values, vectors) = reference_spectrum(graph)?;
    let last = (count + 1).min(values.len());
    Ok((values[1..last].to_vec(), vectors.slice(s![.., 1..last]).to_owned()))
}

/// ‖L v - λ v‖ per eigenpair, from the graph itself.
pub(super) fn residuals(graph: &Graph, degrees: &[f64], values: &[f64], vectors: &Array2<f64>) -> Vec<f64> {
    let mut sums = vec![0.0; values.len()];
    for i in 0..graph.nodes() {
        let mut row: Vec<f64> = values.iter().enumerate().map(|(m, value)| (1.0 - value) * vectors[(i, m)]).collect();
        for (j, w) in graph.edges(i) {
            let share = w / (degrees[i] * degrees[j]).sqrt();
            row.iter_mut().enumerate().for_each(|(m, r)| *r -= share * vectors[(j, m)]);
        }
        sums.iter_mut().zip(row).for_each(|(sum, r)| *sum += r * r);
    }
    sums.into_iter().map(f64::sqrt).collect()
}

impl Eigen {
    /// With residuals measured on the graph.
    pub(super) fn measured(graph: &Graph, degrees: &[f64], values: Vec<f64>, vectors: Array2<f64>) -> Self {
        let residuals = residuals(graph, degrees, &values, &vectors);
        Self { values, vectors, residuals }
    }
}

//! The rollout, slow and obvious, in `f64`: dense products, nothing skipped, scatter-add of outer products.

use super::{NORM_EPSILON, Steps};

/// States (S, N), then the loss gradient's way back.
#[derive(Debug)]
pub(crate) struct Reference {
    /// (S, N).
    pub(crate) g: Vec<f64>,
    /// (N).
    pub(crate) initial: Vec<f64>,
}

fn norm_relu(z: &[f64]) -> Vec<f64> {
    let y: Vec<f64> = z.iter().map(|z| z.max(0.0)).collect();
    let norm = y.iter().map(|y| y * y).sum::<f64>().sqrt();
    y.iter().map(|y| y / (norm + f64::from(NORM_EPSILON))).collect()
}

/// See [`super::forward`].
pub(crate) fn forward(steps: Steps<'_>, w: &[f64], initial_raw: &[f64]) -> Reference {
    let n = steps.units;
    let initial = norm_relu(initial_raw);
    let mut g = Vec::with_capacity(steps.states() * n);
    for trajectory in steps.index.chunks_exact(steps.length) {
        let mut state = initial.clone();
        for k in trajectory {
            let w = &w[*k as usize * n * n..][..n * n];
            let z: Vec<f64> = w.chunks_exact(n).map(|row| row.iter().zip(&state).map(|(w, g)| w * g).sum()).collect();
            state = norm_relu(&z);
            g.extend_from_slice(&state);
        }
    }
    Reference { g, initial }
}

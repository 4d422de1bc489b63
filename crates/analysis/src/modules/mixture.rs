//! Gaussian mixtures by linfa, with the number of components by BIC.
//!
//! `BIC = p ln n - 2 ln L`, `p = K - 1 + K d + c`; smaller is better; K grows only as long as BIC falls by more than the margin. `c` counts the covariances'
//! parameters: K d (d + 1)/2 for one each, d (d + 1)/2 for a shared one, 1 for a shared sphere; of the three, which share the means and weights that linfa
//! found, each K is given the one of least BIC (as in mclust, Fraley & Raftery 2002). A dozen units cannot pay for twenty numbers of covariance.
//!
//! What linfa-clustering 0.8.1 leaves to the caller, each read in its source:
//! * `n_runs` goes on from the run before, so it is one start however many are asked for: here every start has its own generator, and the most likely wins;
//! * the k-means that starts it is k-means++, whose draws are in order (its k-means|| draws per thread and is never used);
//! * likelihoods are summed without scaling: a point some 38 standard deviations from every component makes all of them NaN, `fit` then reports that it
//!   did not converge, and `predict` would panic. A fit that fails counts as no solution for that K, and densities are computed here, scaled;
//! * its covariance has one number added to the diagonal: coordinates are scaled before, so that this number, 1, is the noise in every one of them.

use super::strain::Triad;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::GaussianMixtureModel;
use ndarray::{Array2, ArrayView2};
use rand_xoshiro::Xoshiro256Plus;
use rand_xoshiro::rand_core::SeedableRng;
use std::f64::consts::TAU;

/// The chosen mixture.
pub(super) struct Mixture {
    /// Component of each point.
    pub(super) labels: Vec<usize>,
    /// BIC of 1, 2, … components as far as tried; NaN where no fit succeeded.
    pub(super) bic: Vec<f64>,
    /// Components, from 1.
    pub(super) components: usize,
}

/// A Gaussian: mean and the Cholesky factor of its covariance.
#[derive(Clone)]
pub(super) struct Gaussian {
    mean: Vec<f64>,
    covariance: Vec<f64>,
    lower: Vec<f64>,
}

impl Gaussian {
    /// `None` where the covariance is not positive.
    pub(super) fn new(mean: Vec<f64>, covariance: Vec<f64>) -> Option<Self> {
        let d = mean.len();
        let mut lower = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..=i {
                let sum = covariance[i * d + j] - (0..j).map(|k| lower[i * d + k] * lower[j * d + k]).sum::<f64>();
                if i == j && (sum.is_nan() || sum <= 0.0) {
                    return None;
                }
                lower[i * d + j] = if i == j { sum.sqrt() } else { sum / lower[j * d + j] };
            }
        }
        Some(Self { mean, covariance, lower })
    }

    /// Mean and covariance (over n) of some points, plus `floor` on the diagonal.
    pub(super) fn of(points: &[&[f64]], floor: f64) -> Option<Self> {
        let d = points.first()?.len();
        let n = points.len() as f64;
        let mean: Vec<f64> = (0..d).map(|i| points.iter().map(|p| p[i]).sum::<f64>() / n).collect();
        let covariance = (0..d * d)
            .map(|at| {
                let (i, j) = (at / d, at % d);
                points.iter().map(|p| (p[i] - mean[i]) * (p[j] - mean[j])).sum::<f64>() / n + if i == j { floor } else { 0.0 }
            })
            .collect();
        Self::new(mean, covariance)
    }

    /// Squared Mahalanobis distance.
    pub(super) fn squared_distance(&self, point: &[f64]) -> f64 {
        let d = self.mean.len();
        let mut solved = vec![0.0; d];
        for i in 0..d {
            let below: f64 = (0..i).map(|j| self.lower[i * d + j] * solved[j]).sum();
            solved[i] = (point[i] - self.mean[i] - below) / self.lower[i * d + i];
        }
        solved.iter().map(|z| z * z).sum()
    }

    fn log_density(&self, point: &[f64]) -> f64 {
        let d = self.mean.len();
        let log_root: f64 = (0..d).map(|i| self.lower[i * d + i].ln()).sum();
        -0.5 * (self.squared_distance(point) + d as f64 * TAU.ln()) - log_root
    }

    /// Distance of two means over the root mean square of the two standard deviations along the line between them (Ashman's D).
    fn separation(&self, other: &Self) -> f64 {
        let d = self.mean.len();
        let along: Vec<f64> = self.mean.iter().zip(&other.mean).map(|(a, b)| b - a).collect();
        let length = along.iter().map(|v| v * v).sum::<f64>();
        let spread = |covariance: &[f64]| (0..d * d).map(|at| along[at / d] * covariance[at] * along[at % d]).sum::<f64>();
        let pooled = f64::midpoint(spread(&self.covariance), spread(&other.covariance));
        if pooled > 0.0 { length / pooled.sqrt() } else { 0.0 }
    }
}

/// How components' covariances are related, from most parameters to fewest.
#[derive(Clone, Copy)]
enum Covariances {
    /// Each its own.
    Own,
    /// One for all.
    Shared,
    /// One for all, the same in every direction.
    Sphere,
}

impl Covariances {
    /// Parameters of K components' covariances in d dimensions.
    fn parameters(self, components: usize, d: usize) -> usize {
        match self {
            Self::Own => components * d * (d + 1) / 2,
            Self::Shared => d * (d + 1) / 2,
            Self::Sphere => 1,
        }
    }

    /// The Gaussians with covariances related so: averages over components by weight.
    fn relate(self, gaussians: &[Gaussian], weights: &[f64]) -> Option<Vec<Gaussian>> {
        let d = gaussians.first()?.mean.len();
        let mut shared: Vec<f64> =
            (0..d * d).map(|at| gaussians.iter().zip(weights).map(|(gaussian, w)| w * gaussian.covariance[at]).sum()).collect();
        match self {
            Self::Own => return Some(gaussians.to_vec()),
            Self::Shared => {}
            Self::Sphere => {
                let variance = (0..d).map(|i| shared[i * d + i]).sum::<f64>() / d as f64;
                shared = (0..d * d).map(|at| if at / d == at % d { variance } else { 0.0 }).collect();
            }
        }
        gaussians.iter().map(|gaussian| Gaussian::new(gaussian.mean.clone(), shared.clone())).collect()
    }
}

/// The mixture of `points` (in units in which the noise has variance 1) with the least BIC, up to `most` components, from `starts` seeds each.
pub(super) fn fit(points: &[Vec<f64>], most: usize, starts: &[u64], margin: f64, separation: f64) -> Mixture {
    let n = points.len();
    let d = points.first().map_or(0, Vec::len);
    let data = Array2::from_shape_fn((n, d), |(i, j)| points[i][j]);
    let mut chosen = Mixture { labels: vec![0; n], bic: Vec::new(), components: 1 };
    let mut best = f64::INFINITY;
    let mut gaussians: Vec<Gaussian> = Vec::new();
    for components in 1..=most.max(1) {
        // One component has one solution.
        let tried = if components == 1 { &starts[..starts.len().min(1)] } else { starts };
        let mut least: Option<Solution> = None;
        for &start in tried {
            for solution in solve(data.view(), points, components, start) {
                if least.as_ref().is_none_or(|least| solution.bic < least.bic) {
                    least = Some(solution);
                }
            }
        }
        let Some(solution) = least else {
            chosen.bic.push(f64::NAN);
            continue;
        };
        chosen.bic.push(solution.bic);
        if solution.bic < best - if best.is_finite() { margin } else { 0.0 } {
            best = solution.bic;
            chosen.components = components;
            chosen.labels = solution.labels;
            gaussians = solution.gaussians;
        } else if components > chosen.components + 1 {
            break;
        }
    }
    merge(&mut chosen.labels, &gaussians, separation);
    chosen
}

struct Solution {
    bic: f64,
    labels: Vec<usize>,
    gaussians: Vec<Gaussian>,
}

/// linfa's solution from one start, with its covariances related in each way.
fn solve(data: ArrayView2<'_, f64>, points: &[Vec<f64>], components: usize, start: u64) -> Vec<Solution> {
    let dataset = DatasetBase::from(data.to_owned());
    let fitted = GaussianMixtureModel::params_with_rng(components, Xoshiro256Plus::seed_from_u64(start))
        .reg_covariance(1.0)
        .tolerance(1e-4)
        .max_n_iterations(300)
        .fit(&dataset);
    let Ok(model) = fitted else { return Vec::new() };
    let own: Option<Vec<Gaussian>> = (0..components)
        .map(|k| {
            let covariance = model.covariances().index_axis(ndarray::Axis(0), k).iter().copied().collect();
            Gaussian::new(model.means().row(k).to_vec(), covariance)
        })
        .collect();
    let Some(own) = own else { return Vec::new() };
    let weights = model.weights().to_vec();
    let kinds = [Covariances::Sphere, Covariances::Shared, Covariances::Own];
    kinds.into_iter().filter_map(|kind| evaluate(points, kind.relate(&own, &weights)?, &weights, kind)).collect()
}

/// Labels and BIC; `None` where the likelihood is not finite.
fn evaluate(points: &[Vec<f64>], gaussians: Vec<Gaussian>, weights: &[f64], kind: Covariances) -> Option<Solution> {
    let mut log_likelihood = 0.0;
    let mut labels = Vec::with_capacity(points.len());
    for point in points {
        let logs: Vec<f64> = gaussians.iter().zip(weights).map(|(gaussian, w)| w.ln() + gaussian.log_density(point)).collect();
        let (label, largest) =
            logs.iter().enumerate().fold((0, f64::NEG_INFINITY), |best, (k, &log)| if log > best.1 { (k, log) } else { best });
        labels.push(label);
        log_likelihood += largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln();
    }
    let (components, d) = (gaussians.len(), points.first().map_or(0, Vec::len));
    let parameters = (components - 1 + components * d + kind.parameters(components, d)) as f64;
    let bic = parameters * (points.len() as f64).ln() - 2.0 * log_likelihood;
    bic.is_finite().then_some(Solution { bic, labels, gaussians })
}

/// Components that are not `separation` apart get one label (the least).
fn merge(labels: &mut [usize], gaussians: &[Gaussian], separation: f64) {
    let mut root: Vec<usize> = (0..gaussians.len()).collect();
    for i in 0..gaussians.len() {
        for j in i + 1..gaussians.len() {
            if gaussians[i].separation(&gaussians[j]) < separation {
                let (low, high) = (root[i].min(root[j]), root[i].max(root[j]));
                root.iter_mut().filter(|r| **r == high).for_each(|r| *r = low);
            }
        }
    }
    for label in labels {
        *label = root.get(*label).copied().unwrap_or(0);
    }
}

/// Scale of the noise in a group's coordinates: the square root of the median of the estimates' variances (relative to the waves' length), or of the squared
/// distance to the nearest point per coordinate, whichever is larger.
pub(super) fn noise_scale(points: &[Vec<f64>], relative_se: &[f64]) -> f64 {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let nearest = |i: usize| {
        let apart = |other: &Vec<f64>| points[i].iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / points[i].len() as f64;
        (0..points.len()).filter(|j| *j != i).map(|j| apart(&points[j])).fold(f64::INFINITY, f64::min)
    };
    // A few hundred points tell the median.
    let step = points.len().div_ceil(300).max(1);
    let apart = median((0..points.len()).step_by(step).map(nearest).filter(|v| v.is_finite()).collect());
    median(relative_se.iter().map(|se| se * se).collect()).max(apart).sqrt()
}

/// Waves' lengths make standard errors relative.
pub(super) fn relative(se: f64, waves: &Triad) -> f64 {
    se / super::strain::shortest(waves)
}

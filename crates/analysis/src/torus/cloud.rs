//! From activity to a cloud of landmarks with distances. Data and surrogates go through this one function.
//!
//! | Step | `network` | `gardner` |
//! |---|---|---|
//! | units | z-scored, those without variance left out | the same |
//! | moments | all of the sample | all of the sample (paper: the 15,000 most active) |
//! | components | 6 | 6 |
//! | landmarks | 400 by farthest points | 1,200 by density, k = 1,000, cosine |
//! | distances | Euclidean | -log of the fuzzy union of memberships, k = 2/3 of the landmarks, cosine |
//!
//! What Gardner et al. (2022) do to spikes before (smoothing over time, the square root, moments of running alone) belongs to whoever made the activity; a network's is smooth as it is.
//! They call points without a common neighbour infinitely far apart; here these are twice as far as the furthest others, and no scale beyond the furthest is looked at, which is the same.

use super::config::{CheckedTorusConfig, Preset};
use super::error::TorusError;
use crate::downsampling::{DensityConfig, Dissimilarity, Metric, density, farthest, membership_distances};
use crate::homology::DistanceMatrix;
use crate::pca::pca;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

/// The paper's neighbours when it chooses landmarks.
const DENSITY_NEIGHBORS: usize = 1000;

/// Landmarks and where they came from.
#[derive(Debug, Clone)]
pub(super) struct Cloud {
    /// Moments × components.
    pub(super) scores: Array2<f64>,
    /// Share of the units' variance in the components.
    pub(super) explained: f64,
    /// Which moments are landmarks, in the order chosen.
    pub(super) landmarks: Vec<usize>,
    pub(super) distances: DistanceMatrix,
    /// The largest scale to look at, if any.
    pub(super) threshold: Option<f64>,
}

/// Units whose activity varies, in rows.
pub(super) fn varying_units(by_unit: ArrayView2<'_, f32>) -> Vec<usize> {
    (0..by_unit.nrows()).filter(|&unit| spread(by_unit.row(unit)).1 > 0.0).collect()
}

/// Mean and standard deviation; 0 where it is rounding.
fn spread(activity: ArrayView1<'_, f32>) -> (f64, f64) {
    let n = activity.len().max(1) as f64;
    let mean = activity.iter().map(|&value| f64::from(value)).sum::<f64>() / n;
    let sd = (activity.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if sd > 1e-7 * mean.abs() { sd } else { 0.0 })
}

/// The cloud of `by_unit`, units × moments, all finite; or why there is none.
///
/// # Errors
/// What the steps refuse.
pub(super) fn cloud(by_unit: ArrayView2<'_, f32>, config: &CheckedTorusConfig) -> Result<Result<Cloud, String>, TorusError> {
    let (moments, points) = (by_unit.ncols(), config.landmarks());
    if moments < points {
        return Ok(Err(format!("too few points: {moments} moments, and {points} landmarks are asked for")));
    }
    let kept = varying_units(by_unit);
    if kept.is_empty() {
        return Ok(Err("constant activity: no unit varies".to_owned()));
    }
    let mut scored = Array2::<f64>::zeros((kept.len(), moments));
    for (&unit, mut row) in kept.iter().zip(scored.axis_iter_mut(Axis(0))) {
        let (mean, sd) = spread(by_unit.row(unit));
        row.zip_mut_with(&by_unit.row(unit), |score, &value| *score = (f64::from(value) - mean) / sd);
    }
    let (scores, explained) = components(scored.t(), config.kept_components().min(kept.len()))?;
    let (landmarks, distances, threshold) = match config.preset {
        Preset::Network => {
            let landmarks = farthest(scores.view(), points)?.indices;
            let distances = DistanceMatrix::euclidean(scores.select(Axis(0), &landmarks).view())?;
            (landmarks, distances, None)
        }
        Preset::Gardner => {
            let settings = DensityConfig { count: points, neighbors: DENSITY_NEIGHBORS, overlap: 1.0, metric: Metric::Cosine };
            let landmarks = density(scores.view(), &settings)?.indices;
            let chosen = scores.select(Axis(0), &landmarks);
            let upper = membership_distances(chosen.view(), (2 * points / 3).max(2), Metric::Cosine, Dissimilarity::NegativeLog)?;
            let (distances, furthest) = finite_lower(&upper, points)?;
            (landmarks, distances, Some(furthest))
        }
    };
    Ok(Ok(Cloud { scores, explained, landmarks, distances, threshold }))
}

/// Scores on the first `count` components and their share of the variance.
///
/// More than a third of the columns is asked for: there `pca` takes the dense eigensolver, whereas linfa's iteration, of some surrogates, panics on NaN of its own.
fn components(scored: ArrayView2<'_, f64>, count: usize) -> Result<(Array2<f64>, f64), TorusError> {
    let found = pca(scored, count.max(scored.ncols() / 3 + 1))?;
    let count = count.min(found.ratios.len());
    Ok((found.scores.slice(s![.., ..count]).as_standard_layout().into_owned(), found.ratios[..count].iter().sum()))
}

/// From an upper triangle by rows that may hold infinities: the distances, and the largest finite one.
fn finite_lower(upper: &[f64], points: usize) -> Result<(DistanceMatrix, f64), TorusError> {
    let furthest = upper.iter().copied().filter(|distance| distance.is_finite()).fold(0.0, f64::max);
    let at = |i: usize, j: usize| upper[i * points - i * (i + 1) / 2 + j - i - 1];
    let finite = |distance: f64| if distance.is_finite() { distance } else { 2.0 * furthest + 1.0 };
    let lower = (1..points).flat_map(|j| (0..j).map(move |i| finite(at(i, j)))).collect();
    Ok((DistanceMatrix::from_condensed(points, lower)?, furthest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torus::config::TorusConfig;
    use gridlake_space::seed::Seed;

    fn checked(points: usize, preset: Preset) -> CheckedTorusConfig {
        TorusConfig { preset, points, ..TorusConfig::default() }.check().expect("in range")
    }

    #[test]
    fn units_without_variance_are_left_out_and_scale_does_not_matter() {
        let mut stream = Seed(1).stream("activity", 0);
        let activity = Array2::from_shape_fn((9, 200), |(unit, _)| if unit == 4 { 0.1 } else { stream.uniform() as f32 });
        let rescaled = Array2::from_shape_fn((9, 200), |at| activity[at] * (1 << at.0) as f32);
        assert_eq!(varying_units(activity.view()), [0, 1, 2, 3, 5, 6, 7, 8]);
        for preset in [Preset::Network, Preset::Gardner] {
            let [a, b] =
                [&activity, &rescaled].map(|activity| cloud(activity.view(), &checked(40, preset)).expect("no error").expect("a cloud"));
            assert_eq!(a.landmarks, b.landmarks);
            assert!(a.distances.condensed().iter().zip(b.distances.condensed()).all(|(a, b)| (a - b).abs() < 1e-6 * (1.0 + a)));
            assert_eq!((a.landmarks.len(), a.scores.dim()), (40, (200, 6)));
            assert!(a.explained > 6.0 / 8.0 && a.explained < 1.0);
        }
    }

    #[test]
    fn what_has_no_cloud_says_why() {
        let none = |activity: Array2<f32>| cloud(activity.view(), &checked(40, Preset::Network)).expect("no error").expect_err("no cloud");
        assert!(none(Array2::zeros((5, 39))).contains("39 moments"));
        assert!(none(Array2::ones((5, 50))).contains("constant"));
        assert!(none(Array2::zeros((0, 50))).contains("constant"));
    }

    #[test]
    fn infinities_become_the_furthest_and_the_triangle_is_turned() {
        let (distances, furthest) = finite_lower(&[1.0, 2.0, f64::INFINITY, 3.0, 4.0, 5.0], 4).expect("finite");
        assert_eq!((distances.get(0, 1), distances.get(0, 2), distances.get(1, 2), distances.get(2, 3)), (1.0, 2.0, 3.0, 5.0));
        assert_eq!((furthest, distances.get(0, 3)), (5.0, 11.0));
    }
}

//! Whether modules come back when some units are left out.
//!
//! `resamples` subsamples of 80 % of the participants without replacement (Hennig 2007, *Computational Statistics & Data Analysis* 52:258; with replacement,
//! copies of one stray unit would make a module). In each, clustering runs anew, with the least number of units scaled to the sample (at least 2).
//! * Per module: the mean over subsamples of the largest Jaccard index `|A ∩ B| / |A ∪ B|` between its units in the subsample and a module found there.
//! * Overall: the mean over subsamples of the agreement about pairs, `2 |P ∩ Q| / (|P| + |Q|)` with P, Q the pairs of units that share a module in the whole and in the
//!   subsample's grouping; and of the adjusted Rand index (Hubert & Arabie 1985), unassigned as singletons. The latter has no meaning where one module
//!   holds (nearly) everybody: leaving out a single unit then gives 0; so it is NaN where there is one module.
//!
//! NaN where there is no module or `resamples` is 0.

use super::find::{Clusters, Place, Population};
use gridlake_space::seed::Seed;
use rayon::prelude::*;

/// Share of the participants in a subsample.
const SHARE: f64 = 0.8;

/// Agreement of labels over subsamples.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    /// Mean agreement about pairs, 0 to 1 (always the same).
    pub pair_agreement: f64,
    /// Its least over the subsamples.
    pub least: f64,
    /// Mean adjusted Rand index (1: always the same; 0: as by chance); NaN where there is one module.
    pub adjusted_rand_index: f64,
    /// Subsamples.
    pub resamples: usize,
}

pub(super) struct Shares {
    /// Per cluster.
    pub(super) jaccard: Vec<f64>,
    pub(super) summary: Stability,
}

pub(super) fn stability(population: &Population<'_>, whole: &Clusters, seed: Seed) -> Shares {
    let (resamples, n) = (population.config().resamples, population.units.len());
    let undefined = Stability { pair_agreement: f64::NAN, least: f64::NAN, adjusted_rand_index: f64::NAN, resamples };
    if resamples == 0 || whole.found.is_empty() {
        return Shares { jaccard: vec![f64::NAN; whole.found.len()], summary: undefined };
    }
    let take = ((SHARE * n as f64).round() as usize).clamp(1, n);
    let least_units = ((SHARE * population.config().min_units as f64).round() as usize).max(2);
    let each: Vec<(Vec<f64>, [f64; 2])> = (0..resamples)
        .into_par_iter()
        .map(|number| {
            let mut stream = seed.stream("analysis/modules/resamples", number as u64);
            let mut sample: Vec<usize> = stream.permutation(n).into_iter().take(take).map(|m| m as usize).collect();
            sample.sort_unstable();
            let again = population.cluster(&sample, least_units, population.config().starts.min(2), seed);
            let mut inside = vec![false; n];
            for &m in &sample {
                inside[m] = true;
            }
            let jaccard = whole
                .found
                .iter()
                .map(|cluster| {
                    let members: Vec<usize> = cluster.members.iter().copied().filter(|&m| inside[m]).collect();
                    if members.is_empty() {
                        return f64::NAN;
                    }
                    let of = |other: &[usize]| {
                        let shared = members.iter().filter(|m| other.binary_search(m).is_ok()).count();
                        shared as f64 / (members.len() + other.len() - shared) as f64
                    };
                    again.found.iter().map(|other| of(&other.members)).fold(0.0, f64::max)
                })
                .collect();
            let labels = |clusters: &Clusters| -> Vec<i64> { sample.iter().map(|&m| label(&clusters.places[m])).collect() };
            let (before, after) = (labels(whole), labels(&again));
            (jaccard, [pair_agreement(&before, &after), adjusted_rand_index(&before, &after)])
        })
        .collect();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let defined = |cluster: usize| each.iter().map(|(jaccard, _)| jaccard[cluster]).filter(|j| !j.is_nan()).collect();
    let of = |which: usize| each.iter().map(|(_, indices)| indices[which]).collect::<Vec<f64>>();
    let summary = Stability {
        pair_agreement: mean(of(0)),
        least: of(0).into_iter().fold(f64::INFINITY, f64::min),
        adjusted_rand_index: if whole.found.len() > 1 { mean(of(1)) } else { f64::NAN },
        resamples,
    };
    Shares { jaccard: (0..whole.found.len()).map(|cluster| mean(defined(cluster))).collect(), summary }
}

fn label(place: &Place) -> i64 {
    match place {
        Place::Cluster(number) => *number as i64,
        Place::Outside(_) => -1,
    }
}

/// Adjusted Rand index of two labellings of the same things (Hubert & Arabie 1985): 1 for the same partition, 0 on average by chance. Negative labels are
/// unassigned: each its own singleton. 1 where both have only singletons, or both only one group.
///
/// # Panics
/// Where the two have different lengths.
pub fn adjusted_rand_index(first: &[i64], second: &[i64]) -> f64 {
    assert_eq!(first.len(), second.len(), "two labels of each thing");
    let (both, one, other) = shared_pairs(first, second);
    let all = pairs(first.len() as f64);
    let expected = if all > 0.0 { one * other / all } else { 0.0 };
    let most = f64::midpoint(one, other);
    if most - expected == 0.0 { 1.0 } else { (both - expected) / (most - expected) }
}

/// Agreement of two labellings about which pairs belong together: `2 |P ∩ Q| / (|P| + |Q|)`, 0 to 1. Negative labels are unassigned and make no pairs. 1 where
/// neither has a pair.
///
/// # Panics
/// Where the two have different lengths.
pub fn pair_agreement(first: &[i64], second: &[i64]) -> f64 {
    assert_eq!(first.len(), second.len(), "two labels of each thing");
    let (both, one, other) = shared_pairs(first, second);
    if one + other > 0.0 { 2.0 * both / (one + other) } else { 1.0 }
}

fn pairs(n: f64) -> f64 {
    n * (n - 1.0) / 2.0
}

/// Pairs that are together in both, in the first, and in the second.
fn shared_pairs(first: &[i64], second: &[i64]) -> (f64, f64, f64) {
    let sizes = |mut labels: Vec<(i64, i64)>| {
        labels.sort_unstable();
        labels.chunk_by(|a, b| a == b).map(|run| pairs(run.len() as f64)).sum::<f64>()
    };
    let alone = |labels: &[i64]| sizes(labels.iter().filter(|label| **label >= 0).map(|label| (*label, 0)).collect());
    let both = first.iter().zip(second).filter(|(a, b)| **a >= 0 && **b >= 0).map(|(a, b)| (*a, *b)).collect();
    (sizes(both), alone(first), alone(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_one_for_the_same_and_near_zero_by_chance() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1, 2], &[5, 5, 3, 3, 0]), 1.0);
        // Hubert & Arabie's correction by hand: 2 pairs shared of 6 and 3 in 15.
        let found = adjusted_rand_index(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2]);
        assert!((found - (2.0 - 6.0 * 3.0 / 15.0) / (4.5 - 1.2)).abs() < 1e-12, "{found}");
        assert_eq!(adjusted_rand_index(&[-1, -1], &[-1, -1]), 1.0);
        assert_eq!(adjusted_rand_index(&[0, 0, 0], &[-1, -1, -1]), 0.0);
        assert_eq!(pair_agreement(&[0, 0, 0, 1], &[2, 2, -1, -1]), 0.5);
        let mut stream = Seed(2).stream("labels", 0);
        let (a, b): (Vec<i64>, Vec<i64>) = (0..3000).map(|_| (stream.below(4) as i64, stream.below(3) as i64)).unzip();
        assert!(adjusted_rand_index(&a, &b).abs() < 0.01);
    }
}

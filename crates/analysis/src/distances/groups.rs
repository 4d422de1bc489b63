//! Whole trajectories in groups, and draws of groups with replacement.
//!
//! Moments of one trajectory are not independent; trajectories are. So errors come from a bootstrap over trajectories: groups of them are drawn with
//! replacement, and a pair of moments counts as often as both its trajectories were drawn, `w_a w_b`; a pair within one group as often as that group,
//! `w_a`, since a state is not compared with the copy of itself. Up to the largest number of groups, every trajectory is a group of its own.

use super::moments::Moments;
use gridlake_space::seed::Seed;
use std::ops::Range;

/// Moments of a sample by group.
pub(super) struct Groups {
    /// Per group the rows of its moments, ascending.
    pub(super) rows: Vec<Vec<usize>>,
}

impl Groups {
    /// Puts the trajectories of the rows, ascending, in at most `most` groups of neighbours, as even in number as can be.
    pub(super) fn new(moments: &Moments<'_>, rows: &[usize], most: usize) -> Self {
        let mut distinct: Vec<u32> = rows.iter().map(|&row| moments.trajectories()[row]).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let count = distinct.len().min(most);
        let mut grouped = vec![Vec::new(); count];
        for &row in rows {
            let place = distinct.partition_point(|&other| other < moments.trajectories()[row]);
            grouped[place * count / distinct.len()].push(row);
        }
        Self { rows: grouped }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// How often each of `count` groups was drawn, for every repeat.
pub(super) fn weights(count: usize, repeats: usize, seed: Seed, stream: &str) -> Vec<Vec<f64>> {
    let draw = |repeat: usize| {
        let mut stream = seed.stream(stream, repeat as u64);
        let mut weights = vec![0.0; count];
        (0..count).for_each(|_| weights[stream.below(count)] += 1.0);
        weights
    };
    (0..if count < 2 { 0 } else { repeats }).map(draw).collect()
}

/// Standard deviation of the repeats that are finite; NaN where fewer than half are, or fewer than two.
pub(super) fn standard_error(repeats: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = repeats.collect();
    let finite: Vec<f64> = all.iter().copied().filter(|x| x.is_finite()).collect();
    if finite.len() < 2 || 2 * finite.len() < all.len() {
        return f64::NAN;
    }
    let mean = finite.iter().sum::<f64>() / finite.len() as f64;
    (finite.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (finite.len() - 1) as f64).sqrt()
}

/// The pairs of groups (a, b), a ≤ b, in a fixed order.
pub(super) fn pairs_of(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|a| (a..count).map(move |b| (a, b))).collect()
}

/// Ranges of `length` of at most `at_once`.
pub(super) fn turns(length: usize, at_once: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(at_once).map(move |from| from..(from + at_once).min(length))
}

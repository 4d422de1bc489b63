//! Spatial coherence: whether a place keeps its state.
//!
//! **Definition**: mean over visited bins of ‖mean g in the bin‖, over the states' root mean square norm (1 for states of norm 1). 1 means perfect path
//! integration at the bin's scale.
//!
//! **Bias.** The mean of few states is long whatever they are: in a bin that was visited once its norm is 1, and even `n` unrelated visits leave about `1/√n`.
//! So there is a corrected form, from pairs of states of *different trajectories* in the bin (moments of one pass share their drift, and are no independent
//! visits):
//!
//! ```text
//! c²(bin) = (‖Σ g‖² - Σ_k ‖Σ_{i∈k} g‖²) / (n² - Σ_k n_k²)       k: trajectories
//! corrected = √(mean over bins of c²) / √(mean ‖g‖²)
//! ```
//!
//! whose square has no bias for independent trajectories. Bins that fewer than two trajectories visited are left out.
//!
//! **Chance** is the same of all states as if in one bin: what shuffling positions between trajectories gives on average. Non-negative states share much of their mean, so it is far above 0; the
//! corrected form compares with it, the raw one does not.

use crate::distances::Moments;
use gridlake_space::bins::Bins;

/// Spatial coherence of states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coherence {
    /// The definition, 0 to 1; inflated in bins of few visits. NaN without visited bins.
    pub raw: f64,
    /// The corrected form, 0 to about 1 (0 where the mean of the squares came out negative). NaN: see the reason.
    pub corrected: f64,
    /// Its standard error, from the jackknife over trajectories; NaN with fewer than three that share bins.
    pub corrected_se: f64,
    /// The corrected form of states without a place.
    pub chance: f64,
    /// Visited bins: what `raw` is a mean of.
    pub visited_bins: usize,
    /// Bins that two trajectories visited: what `corrected` is a mean of.
    pub shared_bins: usize,
    /// Moments outside the arena, which have no bin.
    pub outside: usize,
    /// Why `corrected` is NaN.
    pub reason: Option<&'static str>,
}

/// One trajectory in one bin.
struct Visit {
    trajectory: u32,
    count: f64,
    /// ‖its sum‖².
    own: f64,
    /// ‖the bin's sum without its‖².
    others: f64,
}

/// One bin's visits, with ‖sum‖².
struct Visited {
    sum_square: f64,
    visits: Vec<Visit>,
}

impl Visited {
    /// c² of the bin, without the `left_out`-th visit.
    fn square(&self, left_out: Option<usize>) -> Option<f64> {
        let kept = |at: usize| Some(at) != left_out;
        let over =
            |f: &dyn Fn(&Visit) -> f64| self.visits.iter().enumerate().filter(|(at, _)| kept(*at)).map(|(_, visit)| f(visit)).sum::<f64>();
        let square = left_out.map_or(self.sum_square, |at| self.visits[at].others);
        let (count, own) = (over(&|visit| visit.count), over(&|visit| visit.own));
        let pairs = count * count - over(&|visit| visit.count * visit.count);
        (pairs > 0.0).then(|| (square - own) / pairs)
    }
}

/// Spatial coherence of all moments that have a bin.
pub fn coherence(moments: &Moments<'_>, bins: &Bins) -> Coherence {
    coherence_of(moments, &(0..moments.count()).collect::<Vec<_>>(), bins)
}

/// Spatial coherence of some of the moments.
pub(crate) fn coherence_of(moments: &Moments<'_>, rows: &[usize], bins: &Bins) -> Coherence {
    let mut placed: Vec<(usize, u32, usize)> = rows
        .iter()
        .filter_map(|&row| {
            let [x, y] = moments.positions_m()[row];
            Some((bins.index(x, y)?, moments.trajectories()[row], row))
        })
        .collect();
    placed.sort_unstable();
    let outside = rows.len() - placed.len();
    let squares: f64 = placed.iter().map(|(_, _, row)| square(&state(moments, *row))).sum();
    let scale = if placed.is_empty() { f64::NAN } else { squares / placed.len() as f64 };
    let mut raw = 0.0;
    let mut visited: Vec<Visited> = Vec::new();
    for of_bin in placed.chunk_by(|a, b| a.0 == b.0) {
        let bin = visited_bin(moments, of_bin);
        raw += bin.sum_square.sqrt() / of_bin.len() as f64;
        visited.push(bin);
    }
    let mut pooled = placed.clone();
    pooled.sort_unstable_by_key(|&(_, trajectory, row)| (trajectory, row));
    let chance = visited_bin(moments, &pooled).square(None);

    let shared: Vec<(&Visited, f64)> = visited.iter().filter_map(|bin| Some((bin, bin.square(None)?))).collect();
    let total: f64 = shared.iter().map(|(_, square)| square).sum();
    let root = |sum: f64, bins: f64| root(sum / bins / scale);
    let reason = if shared.is_empty() {
        Some("no bin was visited by two trajectories: use larger bins or more trajectories")
    } else if scale == 0.0 {
        Some("all states are zero")
    } else {
        None
    };
    Coherence {
        raw: if scale > 0.0 { raw / visited.len() as f64 / scale.sqrt() } else { f64::NAN },
        corrected: if reason.is_none() { root(total, shared.len() as f64) } else { f64::NAN },
        corrected_se: if reason.is_none() { jackknife(&shared, total, root) } else { f64::NAN },
        chance: chance.map_or(f64::NAN, |square| root(square, 1.0)),
        visited_bins: visited.len(),
        shared_bins: shared.len(),
        outside,
        reason,
    }
}

/// Standard error from leaving out each trajectory in turn.
fn jackknife(shared: &[(&Visited, f64)], total: f64, root: impl Fn(f64, f64) -> f64) -> f64 {
    // Per visit: trajectory, and what the bin's square changes by (and whether the bin is then no longer shared).
    let mut changes: Vec<(u32, f64, f64)> = shared
        .iter()
        .flat_map(|(bin, square)| {
            bin.visits.iter().enumerate().map(move |(at, visit)| match bin.square(Some(at)) {
                Some(without) => (visit.trajectory, without - square, 0.0),
                None => (visit.trajectory, -square, 1.0),
            })
        })
        .collect();
    changes.sort_by_key(|(trajectory, _, _)| *trajectory);
    let without: Vec<f64> = changes
        .chunk_by(|a, b| a.0 == b.0)
        .map(|of| {
            let (change, lost) = of.iter().fold((0.0, 0.0), |(change, lost), (_, c, l)| (change + c, lost + l));
            root(total + change, shared.len() as f64 - lost)
        })
        .filter(|x| x.is_finite())
        .collect();
    let count = without.len() as f64;
    if without.len() < 3 {
        return f64::NAN;
    }
    let mean = without.iter().sum::<f64>() / count;
    ((count - 1.0) / count * without.iter().map(|x| (x - mean).powi(2)).sum::<f64>()).sqrt()
}

/// Root of an estimated square, which may be negative; NaN stays NaN.
fn root(square: f64) -> f64 {
    if square < 0.0 { 0.0 } else { square.sqrt() }
}

fn state(moments: &Moments<'_>, row: usize) -> Vec<f64> {
    moments.activity().row(row).iter().map(|g| f64::from(*g)).collect()
}

fn square(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum()
}

/// The visits of one bin from its moments (bin, trajectory, row), sorted by trajectory.
fn visited_bin(moments: &Moments<'_>, of_bin: &[(usize, u32, usize)]) -> Visited {
    let mut sum = vec![0.0; moments.units()];
    let mut parts: Vec<(u32, f64, Vec<f64>)> = Vec::new();
    for of_trajectory in of_bin.chunk_by(|a, b| a.1 == b.1) {
        let mut part = vec![0.0; moments.units()];
        for (_, _, row) in of_trajectory {
            part.iter_mut().zip(moments.activity().row(*row)).for_each(|(sum, g)| *sum += f64::from(*g));
        }
        sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        parts.push((of_trajectory[0].1, of_trajectory.len() as f64, part));
    }
    let visits = parts
        .into_iter()
        .map(|(trajectory, count, part)| Visit {
            trajectory,
            count,
            own: square(&part),
            others: sum.iter().zip(&part).map(|(sum, part)| (sum - part).powi(2)).sum(),
        })
        .collect();
    Visited { sum_square: square(&sum), visits }
}

/// The slow twin of the corrected form: every pair of moments of different trajectories in one bin, by itself. NaN without any.
pub fn reference_coherence(moments: &Moments<'_>, bins: &Bins) -> f64 {
    let place = |row: usize| {
        let [x, y] = moments.positions_m()[row];
        bins.index(x, y)
    };
    let rows: Vec<(usize, usize)> = (0..moments.count()).filter_map(|row| Some((row, place(row)?))).collect();
    let mut products = vec![(0.0, 0_usize); bins.len()];
    for &(i, bin) in &rows {
        for &(j, _) in rows.iter().filter(|(j, other)| *other == bin && moments.trajectories()[*j] != moments.trajectories()[i]) {
            let dot: f64 = state(moments, i).iter().zip(state(moments, j)).map(|(a, b)| a * b).sum();
            products[bin] = (products[bin].0 + dot, products[bin].1 + 1);
        }
    }
    let means: Vec<f64> = products.iter().filter(|(_, pairs)| *pairs > 0).map(|(sum, pairs)| sum / *pairs as f64).collect();
    let scale = rows.iter().map(|(row, _)| square(&state(moments, *row))).sum::<f64>() / rows.len() as f64;
    root(means.iter().sum::<f64>() / means.len() as f64 / scale)
}

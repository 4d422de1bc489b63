//! Null distributions: what a unit's scores would be without a lattice.
//!
//! No score has a shared threshold (perfect grids and smoothed noise overlap, and the range depends on variant and spacing), so each unit is
//! compared with surrogate maps made from *its own* map, on its own visited bins, scored by the same code:
//! `p = (1 + #{surrogates with at least its score}) / (1 + surrogates)`. Surrogates are scored in single precision, sixteen at a time, the unit's own map in
//! double precision; scores closer than that precision count as ties.
//!
//! | Kind | A surrogate keeps | It loses |
//! |---|---|---|
//! | [`NullKind::Isotropic`] (default) | the map's radial power, ring by ring (spatial scale, smoothness), the distribution of rates | directions and phases |
//! | [`NullKind::Phase`] | the whole two-dimensional amplitude spectrum | phases |
//! | [`NullKind::Shuffle`] | the distribution of rates | everything else |
//! | [`NullKind::TrajectoryShift`] | the unit's activity in time, the paths, the visits | which activity belongs to which place |
//!
//! The choice matters. Shuffled bins are white noise, which any smooth map beats far above the nominal rate. Phase randomization is a little liberal,
//! and keeps the amplitude spectrum, and with it much of the autocorrelation: it has less power against lattices than the isotropic null, and for the
//! unevenness of waves ([`Statistic::Periodicity`]), which it keeps, it gives no p-value; nor for the border
//! scores ([`Statistic::Border`], [`Statistic::WallScore`]), whose surrogates need rates.
//! Under the isotropic null that unevenness has no p-value either where a map has too few fields (`analyze.nulls.min_fields`).
//! Measured levels and powers of all three are in `docs/validation.md`.

mod battery;
pub mod discovery;
mod isotropic;
mod normals;
mod phase;
mod quantiles;
mod ranks;
mod reference;
mod rings;
mod scale;
pub mod shift;
mod sparse;

pub(crate) use battery::BatteryWorkspace;
pub use battery::{Battery, Statistic};
pub use reference::reference_nulls;

use crate::config::NullsConfig;
use crate::grid_score::LANES;
use crate::ratemap::Ratemaps;
use gridlake_space::seed::Stream;
use scale::Scale;
use serde::{Deserialize, Serialize};

/// Which surrogate maps; see the module for what each keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NullKind {
    /// Same radial power spectrum and rates, random directions and phases.
    #[default]
    Isotropic,
    /// Same amplitude spectrum, random phases.
    Phase,
    /// Same rates, bins permuted.
    Shuffle,
    /// The recording, with activity shifted in time against positions: see [`shift`]. Made from activity, not from maps.
    #[serde(rename = "trajectory-shift")]
    TrajectoryShift,
}

/// A score, its null distribution and its p-value.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreWithNull {
    /// The unit's score; NaN where undefined.
    pub value: f64,
    /// `(1 + #{null ≥ value - precision}) / (1 + #null)`, in (0, 1]; NaN where undefined.
    pub p: f64,
    /// The surrogates' scores, ascending. Surrogates without a score are left out.
    pub null: Vec<f64>,
    /// Why `value` or `p` is NaN.
    pub reason: Option<String>,
}

impl ScoreWithNull {
    /// `tie`: scores no further apart count as equal.
    pub(crate) fn new(value: f64, reason: Option<String>, mut null: Vec<f64>, drawn: usize, tie: f64) -> Self {
        null.retain(|score| !score.is_nan());
        null.sort_by(f64::total_cmp);
        if value.is_nan() {
            return Self { value, p: f64::NAN, null, reason: reason.or_else(|| Some("undefined".to_owned())) };
        }
        if null.is_empty() || 2 * null.len() < drawn {
            let reason = format!("only {} of {drawn} surrogate maps have a score", null.len());
            return Self { value, p: f64::NAN, null, reason: Some(reason) };
        }
        let at_least = null.len() - null.partition_point(|&score| score < value - tie);
        let p = (1 + at_least) as f64 / (1 + null.len()) as f64;
        Self { value, p, null, reason: None }
    }

    pub(crate) fn undefined(reason: &str) -> Self {
        Self { value: f64::NAN, p: f64::NAN, null: Vec::new(), reason: Some(reason.to_owned()) }
    }

    /// Whether the score lies above its own null at level `alpha`.
    pub fn significant(&self, alpha: f64) -> bool {
        self.p <= alpha
    }

    /// Quantile `q` in [0, 1] of the null (linear between order statistics); NaN where there is no null.
    pub fn null_quantile(&self, q: f64) -> f64 {
        let Some(last) = self.null.len().checked_sub(1) else { return f64::NAN };
        let at = q.clamp(0.0, 1.0) * last as f64;
        let below = at.floor() as usize;
        let above = (below + 1).min(last);
        self.null[below] + (at - below as f64) * (self.null[above] - self.null[below])
    }
}

/// Makes surrogates of one map of mean 0 and variance 1, two at a time.
pub(crate) trait Surrogates {
    /// Fills the visited bins of `first` and `second` (flat, row-major; the rest is not touched).
    fn pair(&mut self, stream: &mut Stream, first: &mut [f32], second: &mut [f32]);
}

/// Bins permuted.
struct Shuffle {
    values: Vec<f32>,
    bins: Vec<usize>,
}

impl Surrogates for Shuffle {
    fn pair(&mut self, stream: &mut Stream, first: &mut [f32], second: &mut [f32]) {
        for out in [first, second] {
            stream.shuffle(&mut self.values);
            for (&bin, &value) in self.bins.iter().zip(&self.values) {
                out[bin] = value;
            }
        }
    }
}

impl Battery {
    /// Every statistic of one map (flat, row-major, finite on visited bins) with its null; surrogates are drawn from `stream`.
    pub fn nulls(&self, map: &[f64], config: &NullsConfig, stream: &mut Stream) -> Vec<(Statistic, ScoreWithNull)> {
        with_nulls(self, map, config, stream, &mut self.workspace())
    }

    /// Every statistic of one map (flat, row-major, finite on visited bins) with the null that these surrogate maps make, in the place of a unit each; they have the
    /// plan's bins and visits.
    ///
    /// # Panics
    /// Where the surrogates have other bins.
    pub fn against(&self, map: &[f64], surrogates: &Ratemaps) -> Vec<(Statistic, ScoreWithNull)> {
        assert_eq!((surrogates.rates.dim().1, surrogates.rates.dim().2), self.shape(), "surrogates of the plan's bins");
        let mut workspace = self.workspace();
        let count = surrogates.units();
        let observed = self.score(map, &mut workspace);
        let mut nulls: Vec<Vec<f64>> = vec![Vec::with_capacity(count); observed.len()];
        for from in (0..count).step_by(LANES) {
            let (maps, scales): (Vec<Vec<f32>>, Vec<Scale>) = (from..(from + LANES).min(count))
                .map(|surrogate| {
                    let flat: Vec<f64> = surrogates.map(surrogate).iter().copied().collect();
                    let scale = Scale::of(&flat, self.bins());
                    (scale.standardised(&flat), scale)
                })
                .unzip();
            for scores in self.score_batch(&maps, &scales, &mut workspace) {
                for (null, score) in nulls.iter_mut().zip(scores) {
                    null.push(score);
                }
            }
        }
        let found = Statistic::ALL.into_iter().zip(observed).zip(nulls);
        found
            .map(|((statistic, (value, reason)), null)| (statistic, ScoreWithNull::new(value, reason, null, count, statistic.precision())))
            .collect()
    }

    /// Surrogates of one map (flat, row-major, finite on visited bins), of this kind; empty where the map is constant, and for the kind that is
    /// not made from maps.
    pub fn surrogates(&self, map: &[f64], kind: NullKind, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let scale = Scale::of(map, self.bins());
        if !scale.varies {
            return Vec::new();
        }
        let standard: Vec<f64> = map.iter().map(|&rate| scale.standard(rate)).collect();
        let Some(mut source) = surrogates(self, &standard, kind, stream) else { return Vec::new() };
        let mut pair = [vec![f32::NAN; map.len()], vec![f32::NAN; map.len()]];
        let mut made = Vec::with_capacity(count + 1);
        while made.len() < count {
            let [first, second] = &mut pair;
            source.pair(stream, first, second);
            made.extend(pair.iter().map(|map| map.iter().map(|&value| scale.rate(f64::from(value))).collect()));
        }
        made.truncate(count);
        made
    }
}

/// All of one unit's statistics with their nulls. `map` is flat, row-major, and finite on visited bins.
pub(crate) fn with_nulls(
    battery: &Battery,
    map: &[f64],
    config: &NullsConfig,
    stream: &mut Stream,
    workspace: &mut BatteryWorkspace,
) -> Vec<(Statistic, ScoreWithNull)> {
    let scale = Scale::of(map, battery.bins());
    let standard: Vec<f64> = map.iter().map(|&rate| scale.standard(rate)).collect();
    let Some(mut surrogates) = surrogates(battery, &standard, config.kind, stream) else {
        return without_nulls(battery, map, workspace);
    };
    let observed = battery.score(map, workspace);
    let sparse = (config.kind == NullKind::Isotropic && scale.varies)
        .then(|| sparse::too_sparse(map, battery.shape().1, battery.bins(), config.min_fields))
        .flatten();
    let nulls = if scale.varies {
        let draw = |maps: &mut [Vec<f32>]| {
            for pair in maps.chunks_mut(2) {
                if let [first, second] = pair {
                    surrogates.pair(stream, first, second);
                }
            }
        };
        null_scores(battery, config.count, map.len(), draw, scale, workspace)
    } else {
        // Surrogates of a constant map are constant.
        vec![vec![f64::NAN; config.count]; observed.len()]
    };
    Statistic::ALL
        .into_iter()
        .zip(observed)
        .zip(nulls)
        .map(|((statistic, (value, reason)), null)| {
            if statistic == Statistic::Periodicity && config.kind == NullKind::Phase {
                let reason = reason.or_else(|| Some("phase randomization keeps every wave, and is no null for it".to_owned()));
                return (statistic, ScoreWithNull { value, p: f64::NAN, null: Vec::new(), reason });
            }
            if matches!(statistic, Statistic::Border | Statistic::WallScore) && config.kind == NullKind::Phase {
                let reason = reason
                    .or_else(|| Some("phase randomization keeps no rates, and is no null for fields of a share of the peak".to_owned()));
                return (statistic, ScoreWithNull { value, p: f64::NAN, null: Vec::new(), reason });
            }
            if let (Statistic::Periodicity, Some(sparse)) = (statistic, &sparse) {
                let reason = reason.or_else(|| Some(sparse.clone()));
                return (statistic, ScoreWithNull { value, p: f64::NAN, null: Vec::new(), reason });
            }
            (statistic, ScoreWithNull::new(value, reason, null, config.count, statistic.precision()))
        })
        .collect()
}

/// What a map alone has under a null that is made from activity: scores without p-values.
fn without_nulls(battery: &Battery, map: &[f64], workspace: &mut BatteryWorkspace) -> Vec<(Statistic, ScoreWithNull)> {
    let reason = "the trajectory-shift null is made from recorded activity, which is not at hand";
    let scores = Statistic::ALL.into_iter().zip(battery.score(map, workspace));
    scores
        .map(|(statistic, (value, undefined))| {
            let reason = undefined.or_else(|| Some(reason.to_owned()));
            (statistic, ScoreWithNull { value, p: f64::NAN, null: Vec::new(), reason })
        })
        .collect()
}

/// Where surrogates of a map come from; `None` for those that are not made from maps.
fn surrogates<'a>(battery: &'a Battery, standard: &[f64], kind: NullKind, stream: &mut Stream) -> Option<Box<dyn Surrogates + 'a>> {
    Some(match kind {
        NullKind::TrajectoryShift => return None,
        NullKind::Isotropic => Box::new(isotropic::Isotropic::new(battery.isotropic(), standard, stream)),
        NullKind::Phase => Box::new(phase::Phase::new(battery.shape(), battery.bins(), standard)),
        NullKind::Shuffle => {
            Box::new(Shuffle { values: battery.bins().iter().map(|&bin| standard[bin] as f32).collect(), bins: battery.bins().to_vec() })
        }
    })
}

/// Scores of `count` surrogates, per statistic; `draw` fills some (an even number) at a time.
fn null_scores(
    battery: &Battery,
    count: usize,
    bins: usize,
    mut draw: impl FnMut(&mut [Vec<f32>]),
    scale: Scale,
    workspace: &mut BatteryWorkspace,
) -> Vec<Vec<f64>> {
    let mut nulls: Vec<Vec<f64>> = Statistic::ALL.into_iter().map(|_| Vec::with_capacity(count)).collect();
    let mut maps = vec![vec![0.0; bins]; LANES];
    for from in (0..count).step_by(LANES) {
        let some = (count - from).min(LANES);
        let maps = &mut maps[..some.next_multiple_of(2)];
        draw(maps);
        for scores in battery.score_batch(&maps[..some], &[scale; LANES], workspace) {
            for (null, score) in nulls.iter_mut().zip(scores) {
                null.push(score);
            }
        }
    }
    nulls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_counts_ties_and_itself() {
        let score = ScoreWithNull::new(2.0, None, vec![1.0, 2.0, 3.0, f64::NAN], 4, 0.0);
        assert_eq!(score.p, 3.0 / 4.0);
        assert_eq!(score.null, [1.0, 2.0, 3.0]);
        assert_eq!(score.null_quantile(0.5), 2.0);
        assert_eq!(score.null_quantile(0.75), 2.5);
        assert!(!score.significant(0.5) && score.significant(0.75));
    }

    #[test]
    fn without_a_score_or_a_null_there_is_a_reason_and_no_p() {
        let no_score = ScoreWithNull::new(f64::NAN, Some("why".to_owned()), vec![1.0; 9], 9, 0.0);
        assert!(no_score.p.is_nan() && no_score.reason.as_deref() == Some("why") && !no_score.significant(0.9));
        let no_null = ScoreWithNull::new(1.0, None, vec![f64::NAN; 9], 9, 0.0);
        assert_eq!(no_null.reason.as_deref(), Some("only 0 of 9 surrogate maps have a score"));
        assert!(no_null.p.is_nan() && no_null.null_quantile(0.99).is_nan());
    }
}

//! From bars to Betti numbers and the answer: is it a torus?
//!
//! A bar's length is death - birth; one that lives beyond the scales looked at is as long as it was seen. In each dimension the bar of rank k is held against the *longest* bar
//! of every surrogate:
//!
//! ```text
//! p_k = (1 + #{surrogates whose longest bar is at least as long}) / (1 + surrogates)
//! ```
//!
//! which is the stricter, the larger k. A noise-free cloud has short bars that beat its null all the same: they come from how landmarks lie, of which a null of another shape
//! knows nothing. So significance alone does not count. Of the `s` bars with p ≤ alpha and at least 1/[`FAINT`] of the longest, those count that stand before the largest drop:
//! the k ≤ s for which length k over length k + 1 is largest, if that is at least [`DROP`]; all s where there is no such drop.
//!
//! - β₁ and β₂ are these numbers. β₀ is one more than the count of dimension 0, where a drop is asked for: the lengths there are those of the gaps between neighbours, and without a
//!   drop they tell how landmarks are spread and not into how many pieces.
//! - A torus has β = (1, 2, 1), and its third loop and second void are short: no more than 1/[`DROP`] of the ones before.

use crate::homology::Bar;

/// A bar is short against another that is this many times longer.
pub const DROP: f64 = 2.0;
/// A bar does not count where the longest of its dimension is this many times longer.
pub const FAINT: f64 = 3.0;
/// Lengths and p-values are kept of so many bars per dimension.
pub const RANKS: usize = 4;

/// Lengths of a dimension's bars, the longest first, without the one bar of the whole cloud in dimension 0. `threshold`: the largest scale looked at.
pub fn lengths(bars: &[Bar], dimension: usize, threshold: f64) -> Vec<f64> {
    let mut lengths: Vec<f64> = bars.iter().map(|bar| bar.death.min(threshold) - bar.birth).collect();
    lengths.sort_by(|a, b| b.total_cmp(a));
    if dimension == 0 && !lengths.is_empty() {
        lengths.remove(0);
    }
    lengths
}

/// How the bars of one dimension compare with those of the surrogates.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Lengths of up to [`RANKS`] bars, the longest first (dimension 0: without the whole cloud's).
    pub lengths: Vec<f64>,
    /// Their p-values; empty without surrogates.
    pub p: Vec<f64>,
    /// Bars that count.
    pub count: usize,
}

impl Ranked {
    /// Length of rank `k` from 0; 0 where there is no such bar.
    pub fn length(&self, k: usize) -> f64 {
        self.lengths.get(k).copied().unwrap_or(0.0)
    }

    /// p-value of rank `k` from 0; NaN without surrogates, 1 where there is no such bar.
    pub fn p(&self, k: usize) -> f64 {
        match self.p.get(k) {
            Some(&p) => p,
            None if self.p.is_empty() && !self.lengths.is_empty() => f64::NAN,
            None => 1.0,
        }
    }

    /// `all`: lengths, the longest first; `null`: the longest of each surrogate, none of them left out.
    fn new(all: &[f64], null: &[f64], alpha: f64) -> Self {
        let p_of = |length: f64| (1 + null.iter().filter(|&&other| other >= length).count()) as f64 / (1 + null.len()) as f64;
        let p: Vec<f64> = if null.is_empty() { Vec::new() } else { all.iter().map(|&length| p_of(length)).collect() };
        let significant = p.iter().zip(all).take_while(|(p, length)| **p <= alpha && FAINT * **length >= all[0]).count();
        let count = largest_drop(all, significant).map_or(significant, |(k, _)| k);
        Self { lengths: all.iter().copied().take(RANKS).collect(), p: p.into_iter().take(RANKS).collect(), count }
    }

    /// Whether the bar of rank `k` (from 0) is short against the one before.
    fn drops_at(&self, k: usize) -> bool {
        self.length(k) * DROP <= self.length(k - 1)
    }
}

/// The `k` from 1 to `most` with the largest ratio of length k to length k + 1, and that ratio, if it is at least [`DROP`].
fn largest_drop(lengths: &[f64], most: usize) -> Option<(usize, f64)> {
    let ratio = |k: usize| lengths[k - 1] / lengths.get(k).copied().unwrap_or(0.0);
    let (k, drop) = (1..=most).map(|k| (k, ratio(k))).reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    (drop >= DROP).then_some((k, drop))
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Per dimension 0 to 2; `None` where no bars were computed.
    pub ranked: Option<[Ranked; 3]>,
    /// β₀, β₁, β₂; `None` where the test could not be made.
    pub betti: Option<[usize; 3]>,
    /// Whether it is a torus; `None` where the test could not be made.
    pub is_torus: Option<bool>,
    /// In one sentence, with numbers.
    pub reason: String,
}

impl Verdict {
    /// No test, and why.
    pub(super) fn none(reason: String) -> Self {
        Self { ranked: None, betti: None, is_torus: None, reason }
    }

    /// Takes an answer back that cannot be given, and says why.
    pub(super) fn withdraw(&mut self, why: &str) {
        (self.betti, self.is_torus) = (None, None);
        self.reason = format!("{why}; against its surrogates {}", self.reason);
    }

    /// From lengths per dimension, of the data and the longest of each surrogate.
    pub(super) fn new(data: &[Vec<f64>; 3], null: &[Vec<f64>; 3], alpha: f64) -> Self {
        let ranked: [Ranked; 3] = std::array::from_fn(|dimension| Ranked::new(&data[dimension], &null[dimension], alpha));
        let [pieces, loops, voids] = &ranked;
        let surrogates = null[0].len();
        if surrogates == 0 {
            let reason = format!(
                "no surrogates, hence no verdict: loops of {}, {}, {}, voids of {}, {}",
                short(loops.length(0)),
                short(loops.length(1)),
                short(loops.length(2)),
                short(voids.length(0)),
                short(voids.length(1))
            );
            return Self { ranked: Some(ranked), betti: None, is_torus: None, reason };
        }
        if 1.0 / (surrogates + 1) as f64 > alpha {
            let reason = format!(
                "{surrogates} surrogates give no p-value below {:.3}, and the level is {alpha}: at least {} are needed",
                1.0 / (surrogates + 1) as f64,
                (1.0 / alpha - 1e-9).ceil() as usize - 1
            );
            return Self { ranked: Some(ranked), betti: None, is_torus: None, reason };
        }
        let apart = if pieces.count > 0 && largest_drop(&data[0], pieces.count).is_some() { pieces.count } else { 0 };
        let betti = [1 + apart, loops.count, voids.count];
        let third_short = loops.drops_at(2) && voids.drops_at(1);
        let is_torus = betti == [1, 2, 1] && third_short;
        let reason = sentence(betti, loops, voids, third_short);
        Self { ranked: Some(ranked), betti: Some(betti), is_torus: Some(is_torus), reason }
    }
}

fn sentence([pieces, one, two]: [usize; 3], loops: &Ranked, voids: &Ranked, third_short: bool) -> String {
    let list = |ranked: &Ranked, count: usize| {
        let shown = count.min(RANKS);
        let join = |of: &dyn Fn(usize) -> String| (0..shown).map(of).collect::<Vec<_>>().join(", ");
        format!("{} (p = {})", join(&|k| short(ranked.length(k))), join(&|k| short(ranked.p(k))))
    };
    let next = |ranked: &Ranked, count: usize| {
        if count < ranked.lengths.len() {
            format!("the next {} (p = {})", short(ranked.length(count)), short(ranked.p(count)))
        } else {
            "no other".to_owned()
        }
    };
    let part = |name: &str, ranked: &Ranked, count: usize| match count {
        0 if ranked.lengths.is_empty() => format!("no {name} at all"),
        0 => format!("no {name} beyond chance, the longest {} (p = {})", short(ranked.length(0)), short(ranked.p(0))),
        1 => format!("one {name} of {}, {}", list(ranked, 1), next(ranked, 1)),
        n => format!("{n} {name}s of {}, {}", list(ranked, n), next(ranked, n)),
    };
    let apart = if pieces > 1 { format!("{pieces} pieces; ") } else { String::new() };
    let late = if (pieces, one, two) == (1, 2, 1) && !third_short {
        format!("; not a torus, as the next bars are not below 1/{DROP} of these")
    } else {
        String::new()
    };
    format!("β = ({pieces}, {one}, {two}): {apart}{}; {}{late}", part("loop", loops, one), part("void", voids, two))
}

/// Three digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

/// Betti numbers of a cloud of points for which there is no null, by lengths alone: in each dimension the bars before the largest drop count, among bars that die at a scale at least
/// `persistence` times that of their birth (2 is beyond what evenly spread landmarks of a disc, a sphere or a torus do by chance) and are at least a third of the longest such.
///
/// Of dimension 0, where all births are 0, those count that stand before a drop to a third.
pub fn betti_by_lengths(bars: &[Vec<Bar>], threshold: f64, persistence: f64) -> Vec<usize> {
    let of = |(dimension, bars): (usize, &Vec<Bar>)| {
        if dimension == 0 {
            let lengths = lengths(bars, 0, threshold);
            let drop = largest_drop(&lengths, lengths.len().saturating_sub(1).min(RANKS));
            return 1 + drop.filter(|(_, drop)| *drop >= 3.0).map_or(0, |(k, _)| k);
        }
        let long: Vec<f64> = bars
            .iter()
            .map(|bar| (bar.birth, bar.death.min(threshold)))
            .filter(|(birth, death)| *death >= persistence * birth)
            .map(|(b, d)| d - b)
            .collect();
        let most = long.iter().copied().fold(0.0, f64::max);
        long.iter().filter(|&&length| length >= most / 3.0).count()
    };
    bars.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(data: [&[f64]; 3], null: [f64; 3]) -> Verdict {
        // 99 surrogates whose longest bars go evenly from 0 to these.
        let null = null.map(|most| (1..=99).map(|i| most * f64::from(i) / 99.0).collect());
        Verdict::new(&data.map(<[f64]>::to_vec), &null, 0.01)
    }

    #[test]
    fn a_torus_is_one_and_its_reason_has_the_numbers() {
        let found = verdict([&[5.9, 5.7], &[9.1, 9.03, 2.77, 2.5], &[8.13, 0.92]], [6.5, 2.82, 1.62]);
        assert_eq!((found.betti, found.is_torus), (Some([1, 2, 1]), Some(true)));
        assert_eq!(
            found.reason,
            "β = (1, 2, 1): 2 loops of 9.10, 9.03 (p = 0.0100, 0.0100), the next 2.77 (p = 0.0300); one void of 8.13 (p = 0.0100), the next 0.920 (p = 0.440)"
        );
    }

    #[test]
    fn short_bars_that_beat_the_null_do_not_count() {
        let found = verdict([&[1.0], &[17.3, 16.3, 1.9, 1.5], &[9.0, 1.3]], [6.0, 1.0, 1.0]);
        assert_eq!((found.betti, found.is_torus), (Some([1, 2, 1]), Some(true)));
    }

    #[test]
    fn what_is_no_torus_is_not_called_one() {
        let betti = |data, null| verdict(data, null).betti;
        let null = [6.0, 2.0, 1.5];
        assert_eq!(betti([&[1.0], &[9.0, 1.0], &[1.0]], null), Some([1, 1, 0]), "a circle");
        assert_eq!(betti([&[1.0], &[1.8, 1.7], &[8.0, 0.4]], null), Some([1, 0, 1]), "a sphere");
        assert_eq!(betti([&[1.0], &[1.8, 1.7], &[0.8, 0.4]], null), Some([1, 0, 0]), "a sheet");
        assert_eq!(betti([&[1.0], &[9.0, 8.9, 8.8, 8.0, 1.0], &[8.0, 7.9, 0.4]], null), Some([1, 4, 2]), "a product of two");
        assert_eq!(betti([&[20.0, 1.0], &[9.0, 8.9, 8.8, 8.0, 1.0], &[8.0, 7.9, 0.4]], null), Some([2, 4, 2]), "two tori");
        let close = verdict([&[1.0], &[9.0, 2.2, 1.9], &[8.0, 0.4]], null);
        assert_eq!((close.betti, close.is_torus), (Some([1, 1, 1]), Some(false)));
        let third = verdict([&[1.0], &[3.5, 2.5, 1.9], &[8.0, 0.4]], null);
        assert_eq!((third.betti, third.is_torus), (Some([1, 2, 1]), Some(false)), "{}", third.reason);
        assert!(third.reason.contains("not a torus"), "{}", third.reason);
    }

    #[test]
    fn sparse_points_are_one_piece() {
        assert_eq!(verdict([&[8.0, 7.5, 7.0, 5.5], &[1.0], &[]], [6.0, 2.0, 1.0]).betti, Some([1, 0, 0]));
    }

    #[test]
    fn without_enough_surrogates_there_is_no_verdict() {
        let data = [vec![1.0], vec![9.0, 8.0], vec![7.0]];
        let none = Verdict::new(&data, &[vec![], vec![], vec![]], 0.01);
        assert!(
            none.is_torus.is_none()
                && none.reason.contains("no surrogates")
                && none.ranked.expect("bars").map(|r| r.p(0).is_nan()) == [true; 3]
        );
        let few = Verdict::new(&data, &[vec![1.0; 98], vec![1.0; 98], vec![1.0; 98]], 0.01);
        assert!(few.is_torus.is_none() && few.reason.contains("at least 99"), "{}", few.reason);
    }

    #[test]
    fn the_longest_of_the_null_counts_with_ties_and_itself() {
        let ranked = Ranked::new(&[3.0, 2.0], &[1.0, 2.0, 3.0], 0.5);
        assert_eq!(ranked.p, [0.5, 0.75]);
        assert_eq!((ranked.count, ranked.p(2), ranked.length(2)), (1, 1.0, 0.0));
    }

    #[test]
    fn bars_that_outlive_the_scales_are_as_long_as_seen() {
        let bars = [Bar { birth: 1.0, death: f64::INFINITY }, Bar { birth: 0.5, death: 2.0 }];
        assert_eq!(lengths(&bars, 1, 4.0), [3.0, 1.5]);
        assert_eq!(lengths(&[Bar { birth: 0.0, death: f64::INFINITY }, Bar { birth: 0.0, death: 1.0 }], 0, 4.0), [1.0]);
        assert_eq!(lengths(&[], 0, 4.0), [0.0_f64; 0]);
    }
}

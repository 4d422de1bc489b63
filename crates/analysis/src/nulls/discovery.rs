//! False discoveries among many units: q-values.
//!
//! A test at level 1 % calls one unit in a hundred a grid cell by chance, however few real ones there are. The q-value of a unit is the least share of
//! false discoveries, among all units called, at which it would still be called. For the ascending p-values `p₍₁₎ ≤ … ≤ p₍ₘ₎` of `m` units,
//!
//! ```text
//! q₍ᵢ₎ = min over j ≥ i of  min(1, c · m · p₍ⱼ₎ / j),      c = 1 (Benjamini & Hochberg 1995),   c = Σ 1/k, k = 1 … m (Benjamini & Yekutieli 2001)
//! ```
//!
//! Calling units with q ≤ α keeps the expected share of false ones at α: under independence or positive dependence (which units that share a trajectory
//! or a module have) in the first form, under any dependence in the second, which costs a factor of about ln m. Null p-values that are sometimes too large, as those of
//! counted surrogates are by their discreteness, keep it as well. The least p-value of n surrogates is 1/(n+1): among m units of which r are real, r ≥ m/(α (n+1)) is needed for any to be
//! called.

/// How units may depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dependence {
    /// Independent, or positively dependent (Benjamini and Hochberg).
    #[default]
    Positive,
    /// Any (Benjamini and Yekutieli).
    Any,
}

/// The q-values of one score over the active units of one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovery {
    /// In the order of the p-values; NaN where there is no p-value.
    pub q: Vec<f64>,
    /// How many units were tested.
    pub tested: usize,
    /// How many had no p-value: they are left out and do not count among those tested.
    pub excluded: usize,
}

impl Discovery {
    /// How many units are called with at most this expected share of false ones among them.
    pub fn called(&self, share: f64) -> usize {
        self.q.iter().filter(|&&q| q <= share).count()
    }
}

/// The q-values of these p-values, one per active unit; NaN = none.
///
/// O(m log m). Ties share a q-value; the order of units does not matter.
pub fn discovery(p: &[f64], dependence: Dependence) -> Discovery {
    let mut order: Vec<usize> = (0..p.len()).filter(|&unit| !p[unit].is_nan()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]).then(a.cmp(&b)));
    let tested = order.len();
    let factor = match dependence {
        Dependence::Positive => 1.0,
        Dependence::Any => (1..=tested).map(|k| 1.0 / k as f64).sum(),
    };
    let mut q = vec![f64::NAN; p.len()];
    let mut least = 1.0_f64;
    for (before, &unit) in order.iter().enumerate().rev() {
        least = least.min(factor * p[unit] * (tested as f64 / (before + 1) as f64));
        q[unit] = least;
    }
    Discovery { q, tested, excluded: p.len() - tested }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;
    use proptest::prelude::*;

    fn near(found: &[f64], expected: &[f64]) {
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12 || (a.is_nan() && b.is_nan())),
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn by_hand() {
        // m = 5: 5·0.01/1, 5·0.02/2, 5·0.03/3, 5·0.2/4 and 0.9; in another order, with a unit that has none.
        let found = discovery(&[0.03, 0.9, f64::NAN, 0.01, 0.2, 0.02], Dependence::Positive);
        near(&found.q, &[0.05, 0.9, f64::NAN, 0.05, 0.25, 0.05]);
        assert_eq!((found.tested, found.excluded, found.called(0.05 + 1e-12), found.called(0.3)), (5, 1, 3, 4));
        // c = 1 + 1/2 + 1/3 = 11/6; m p / j = 0.03, 0.06, 0.5; the last is cut at 1 where it must.
        let found = discovery(&[0.01, 0.04, 0.5], Dependence::Any);
        near(&found.q, &[0.055, 0.11, 0.5 * 11.0 / 6.0]);
        // A larger p-value with a better rank pulls those before it down.
        near(&discovery(&[0.04, 0.041, 0.042], Dependence::Positive).q, &[0.042; 3]);
    }

    #[test]
    fn none_one_and_nothing_but_nan() {
        assert_eq!(discovery(&[], Dependence::Any), Discovery { q: Vec::new(), tested: 0, excluded: 0 });
        near(&discovery(&[0.3], Dependence::Any).q, &[0.3]);
        let found = discovery(&[f64::NAN; 3], Dependence::Positive);
        assert!(found.q.iter().all(|q| q.is_nan()) && found.excluded == 3 && found.called(1.0) == 0);
    }

    #[test]
    fn false_discoveries_stay_below_the_nominal_share() {
        // 100 units, 30 of them real; p-values of 199 surrogates. Expected share of false ones among those called at 10 %: 7 %.
        for (dependence, least_power) in [(Dependence::Positive, 0.6), (Dependence::Any, 0.2)] {
            let mut stream = Seed(2).stream("discovery", 0);
            let (mut share, mut power) = (Vec::new(), 0.0);
            for _ in 0..2000 {
                // One common part, so that units depend on each other positively.
                let common = 0.5 * stream.normal();
                let p: Vec<f64> = (0..100)
                    .map(|unit| {
                        let z = common + 0.75_f64.sqrt() * stream.normal() + if unit < 30 { 3.5 } else { 0.0 };
                        let above = 0.5 * erfc(z / std::f64::consts::SQRT_2);
                        (1.0 + (above * 199.0).round()) / 200.0
                    })
                    .collect();
                let found = discovery(&p, dependence);
                let called: Vec<usize> = (0..100).filter(|&unit| found.q[unit] <= 0.1).collect();
                let wrong = called.iter().filter(|&&unit| unit >= 30).count();
                power += called.iter().filter(|&&unit| unit < 30).count() as f64 / 30.0 / 2000.0;
                share.push(wrong as f64 / called.len().max(1) as f64);
            }
            let mean = share.iter().sum::<f64>() / 2000.0;
            let error = (share.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 2000.0 / 2000.0).sqrt();
            assert!(mean <= 0.1 + 3.0 * error && power > least_power, "{dependence:?}: {mean} ± {error} false, {power} found");
        }
    }

    /// Complementary error function (Numerical Recipes' Chebyshev form, relative error below 1.2e-7).
    fn erfc(x: f64) -> f64 {
        let t = 1.0 / (1.0 + 0.5 * x.abs());
        let terms = [
            -1.265_512_23,
            1.000_023_68,
            0.374_091_96,
            0.096_784_18,
            -0.186_288_06,
            0.278_868_07,
            -1.135_203_98,
            1.488_515_87,
            -0.822_152_23,
            0.170_872_77,
        ];
        let value = t * (-x * x + terms.iter().rev().fold(0.0, |sum, term| sum * t + term)).exp();
        if x < 0.0 { 2.0 - value } else { value }
    }

    proptest! {
        #[test]
        fn q_ascends_with_p_and_is_never_less(p in proptest::collection::vec(0.0_f64..=1.0, 0..40), any in any::<bool>()) {
            let found = discovery(&p, if any { Dependence::Any } else { Dependence::Positive });
            for a in 0..p.len() {
                prop_assert!(found.q[a] >= p[a] && found.q[a] <= 1.0);
                prop_assert!((0..p.len()).all(|b| p[a] > p[b] || found.q[a] <= found.q[b] + 1e-15));
            }
        }
    }
}

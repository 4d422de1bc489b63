//! Periodicity: how unevenly a map's power is spread over the directions of its waves.
//!
//! `Σ P(k)² / Σ S_r² / n_r`, over the frequencies `k` of the padded map from some length on, which lie in rings `r` around 0, as wide as the nearest frequencies are
//! apart, of `n_r` frequencies and `S_r` power: the sum of squares over what it would be, were each ring even. 1 is an even ring. Noise of an
//! isotropic field has more, since its powers are random, and a lattice or a band, whose power lies in few directions, more than noise of its spectrum has.
//!
//! Not the strongest wave's share of the power, which is the more obvious score: that depends on how many rings share the power, and so on the spectrum, which an
//! isotropic null has to estimate; and it tells less, since a lattice has several waves and fields that are no sines have overtones (both in `docs/validation.md`).

use crate::fft::Fft2;
use crate::grid_score::{Score, Undefined};

/// Frequencies that count as waves, by ring.
#[derive(Clone)]
pub(crate) struct Waves {
    /// The ring of every frequency (transposed layout).
    ring: Vec<u32>,
    /// Whether it counts.
    counts: Vec<bool>,
    /// How many of each ring count.
    members: Vec<f64>,
}

/// The same for power over half of the columns, in single precision.
#[derive(Clone, Default)]
pub(crate) struct HalfWaves {
    pub(crate) ring: Vec<u32>,
    /// How often each frequency counts: 0, 1, or 2 where its opposite lies in the other half.
    pub(crate) times: Vec<f32>,
    members: Vec<f32>,
}

impl Waves {
    /// Of a padded map with bins of these sizes `(y, x)` in metres, from `lowest` cycles per metre on.
    pub(crate) fn new(plan: &Fft2, bin_m: (f64, f64), lowest: f64) -> Self {
        let lengths = plan.lengths(bin_m);
        let ring = plan.rings(&lengths, bin_m);
        let counts: Vec<bool> = lengths.iter().map(|k| *k >= lowest).collect();
        let mut members = vec![0.0; ring.iter().max().map_or(0, |last| *last as usize + 1)];
        for (&ring, _) in ring.iter().zip(&counts).filter(|(_, counts)| **counts) {
            members[ring as usize] += 1.0;
        }
        Self { ring, counts, members }
    }

    /// The score of a map with this power.
    pub(crate) fn score(&self, power: &[f64]) -> Score {
        let (mut sums, mut squares) = (vec![0.0; self.members.len()], 0.0);
        for ((&power, &ring), _) in power.iter().zip(&self.ring).zip(&self.counts).filter(|(_, counts)| **counts) {
            sums[ring as usize] += power;
            squares += power * power;
        }
        let even: f64 = sums.iter().zip(&self.members).filter(|(_, n)| **n > 0.0).map(|(sum, n)| sum * sum / n).sum();
        if even > 0.0 { Score::defined(squares / even) } else { Score::undefined(Undefined::NoAutocorrelogram) }
    }

    /// For power over the first half of the columns of the same plan.
    pub(crate) fn half(&self, plan: &Fft2) -> HalfWaves {
        let half = (plan.cols / 2 + 1) * plan.rows;
        let times = |index: usize| {
            let column = index / plan.rows;
            let itself = column == 0 || 2 * column == plan.cols;
            f32::from(u8::from(self.counts[index])) * if itself { 1.0 } else { 2.0 }
        };
        HalfWaves {
            ring: self.ring[..half].to_vec(),
            times: (0..half).map(times).collect(),
            members: self.members.iter().map(|n| *n as f32).collect(),
        }
    }
}

impl HalfWaves {
    pub(crate) fn rings(&self) -> usize {
        self.members.len()
    }

    /// Scores of two maps with these sums over rings, and sums of squares; NaN where undefined.
    pub(crate) fn scores(&self, sums: &[[f32; 2]], squares: [f32; 2]) -> [f64; 2] {
        let mut even = [0.0_f64; 2];
        for (sums, &n) in sums.iter().zip(&self.members).filter(|(_, n)| **n > 0.0) {
            for (even, &sum) in even.iter_mut().zip(sums) {
                *even += f64::from(sum) * f64::from(sum) / f64::from(n);
            }
        }
        [0, 1].map(|which| if even[which] > 0.0 { f64::from(squares[which]) / even[which] } else { f64::NAN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustfft::num_complex::Complex64;
    use std::f64::consts::TAU;

    const BINS: usize = 32;

    fn score(rate: impl Fn(f64, f64) -> f64) -> Score {
        let plan: Fft2 = Fft2::new(BINS, BINS);
        let rates: Vec<f64> = (0..BINS * BINS).map(|i| rate((i % BINS) as f64 / BINS as f64, (i / BINS) as f64 / BINS as f64)).collect();
        let mut data: Vec<Complex64> = rates.into_iter().map(Into::into).collect();
        plan.forward(&mut data, BINS, &mut plan.scratch());
        let power: Vec<f64> = data.iter().map(Complex64::norm_sqr).collect();
        Waves::new(&plan, (1.0 / BINS as f64, 1.0 / BINS as f64), 1.5).score(&power)
    }

    /// Frequencies of a length that rounds to `k`, by count.
    fn members(k: i32) -> f64 {
        let whole = -16..16_i32;
        whole
            .clone()
            .flat_map(|x| whole.clone().map(move |y| f64::from(x).hypot(f64::from(y)).round() as i32))
            .filter(|&ring| ring == k)
            .count() as f64
    }

    #[test]
    fn waves_of_equal_power_share_a_ring() {
        // Two of n frequencies have all power, then four.
        let band = score(|x, _| (TAU * 5.0 * x).cos());
        assert!((band.value - members(5) / 2.0).abs() < 1e-9, "{band:?}");
        let square = score(|x, y| (TAU * 5.0 * x).cos() + (TAU * 5.0 * y + 1.0).cos());
        assert!((square.value - members(5) / 4.0).abs() < 1e-9, "{square:?}");
        // Waves of other rings weigh by the square of their power: n₅, n₈ = ring sizes, powers 2 and 2/4.
        let unlike = score(|x, y| (TAU * 5.0 * x).cos() + 0.5 * (TAU * 8.0 * y).cos());
        let expected = (2.0 + 2.0 / 16.0) / (4.0 / members(5) + 4.0 / 16.0 / members(8));
        assert!((unlike.value - expected).abs() < 1e-9, "{unlike:?}, {expected}");
    }

    #[test]
    fn one_bin_is_even_and_slow_waves_do_not_count() {
        let bin = score(|x, y| f64::from(u8::from(x == 0.25 && y == 0.5)));
        assert!((bin.value - 1.0).abs() < 1e-9, "{bin:?}");
        assert!(score(|x, _| (TAU * x).cos() - (TAU * x).cos()).value.is_nan());
        let slow = score(|x, y| 100.0 * (TAU * x).cos() + (TAU * 5.0 * y).cos());
        assert!((slow.value - members(5) / 2.0).abs() < 1e-6, "{slow:?}");
    }
}

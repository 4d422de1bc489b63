//! Named random streams out of one seed: the only source of randomness in gridlake.
//!
//! A stream is addressed by (seed, name, index): ChaCha8 keyed by their SHA-256. Nothing needs to be saved to go on exactly, and drawing more from one
//! stream changes no other. Conversions to floats, ranges and permutations are written out here, so that the numbers
//! depend on no library's version.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

fn digest(seed: u64, name: &str, index: u64) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(index.to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.finalize().into()
}

impl Seed {
    /// The ChaCha8 key of a stream, as little-endian words: for those who run the stream elsewhere.
    pub fn key(self, name: &str, index: u64) -> [u32; 8] {
        let digest = digest(self.0, name, index);
        let (words, _) = digest.as_chunks::<4>();
        std::array::from_fn(|word| u32::from_le_bytes(words[word]))
    }

    /// The stream of this name and index.
    pub fn stream(self, name: &str, index: u64) -> Stream {
        Stream(ChaCha8Rng::from_seed(digest(self.0, name, index)))
    }

    /// A seed of its own for a part of the program.
    pub fn child(self, name: &str) -> Self {
        let bytes = digest(self.0, name, u64::MAX);
        Self(bytes[..8].iter().fold(0, |sum, b| sum << 8 | u64::from(*b)))
    }
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform among 0 … count-1, without bias (Lemire 2019).
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "a choice among none");
        let count = count as u64;
        let threshold = count.wrapping_neg() % count;
        loop {
            let product = u128::from(self.bits()) * u128::from(count);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// Standard normal (Box-Muller; `libm`, so that bits are the same everywhere).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Shuffles in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A uniform permutation of 0 … count-1.
    pub fn permutation(&mut self, count: usize) -> Vec<u32> {
        let mut items: Vec<u32> = (0..count as u32).collect();
        self.shuffle(&mut items);
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn streams_are_addressed_by_seed_name_and_index() {
        let first = |seed: u64, name: &str, index: u64| Seed(seed).stream(name, index).bits();
        assert_eq!(first(1, "a", 0), first(1, "a", 0));
        let all = [first(1, "a", 0), first(2, "a", 0), first(1, "b", 0), first(1, "a", 1), Seed(1).child("a").0];
        assert!((0..all.len()).all(|i| !all[..i].contains(&all[i])), "{all:?}");
    }

    #[test]
    fn the_numbers_are_the_same_forever() {
        // A run can be repeated only as long as these hold: whoever changes them changes every network that was ever trained.
        let mut stream = Seed(0).stream("golden", 0);
        assert_eq!([stream.bits(), stream.bits()], [15_954_603_737_284_788_199, 14_464_345_315_165_697_139]);
        assert_eq!((stream.uniform(), stream.below(1000), stream.normal()), (0.997_011_855_689_656_3, 812, -0.629_693_550_791_436_5));
    }

    #[test]
    fn moments_are_right() {
        let mut stream = Seed(3).stream("moments", 0);
        let n = 100_000;
        let normal: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = |values: &[f64], power: i32| values.iter().map(|v| v.powi(power)).sum::<f64>() / f64::from(n);
        // Five standard errors.
        assert!(mean(&normal, 1).abs() < 0.016 && (mean(&normal, 2) - 1.0).abs() < 0.023 && (mean(&normal, 4) - 3.0).abs() < 0.16);
        let uniform: Vec<f64> = (0..n).map(|_| stream.uniform()).collect();
        assert!((mean(&uniform, 1) - 0.5).abs() < 0.005 && (mean(&uniform, 2) - 1.0 / 3.0).abs() < 0.005);
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
        let chi_square: f64 = counts.iter().map(|c| (f64::from(*c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi_square < 27.9, "p = 1e-4 for six degrees of freedom: {chi_square}");
    }

    proptest! {
        #[test]
        fn a_permutation_holds_everything_once(seed in 0_u64..1000, count in 0_usize..200) {
            let mut items = Seed(seed).stream("permutation", 0).permutation(count);
            items.sort_unstable();
            prop_assert!(items.iter().enumerate().all(|(i, item)| i as u32 == *item) && items.len() == count);
        }
    }
}

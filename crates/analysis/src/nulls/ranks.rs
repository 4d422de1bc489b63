//! Which value goes to which bin when ranks are kept.

use crate::simd::{Kernel, whole_part, widest};

/// Bits of a value that decide its rank.
const BITS: u32 = 12;
const BUCKETS: usize = 1 << BITS;

/// Ranks by counting: linear in the number of values, with buffers that are kept.
#[derive(Clone, Default)]
pub(super) struct Ranks {
    keys: Vec<u16>,
    /// The rank of the next value of each key.
    next: Vec<u32>,
}

impl Ranks {
    /// Puts into each place of `out` the one of `ascending` that the rank of its value (finite) has. Values closer than 2⁻¹² of their range may count as tied, and ties go by place: for
    /// a Gaussian field that is noise of less than a millionth of its variance.
    pub(super) fn each(&mut self, values: &[f32], ascending: &[f32], out: &mut [f32]) {
        self.keys.resize(values.len(), 0);
        widest(Keys { values, keys: &mut self.keys });
        let ascending = &ascending[..values.len()];
        self.next.clear();
        self.next.resize(BUCKETS, 0);
        for &key in &self.keys {
            self.next[usize::from(key) % BUCKETS] += 1;
        }
        let mut start = 0;
        for next in &mut self.next {
            start += std::mem::replace(next, start);
        }
        for (out, &key) in out.iter_mut().zip(&self.keys) {
            let next = &mut self.next[usize::from(key) % BUCKETS];
            *out = ascending[*next as usize];
            *next += 1;
        }
    }
}

/// The bucket of every value, of equal widths from the least to the largest.
struct Keys<'a> {
    values: &'a [f32],
    keys: &'a mut [u16],
}

/// Values that are compared at once.
const LANES: usize = 16;

impl Kernel for Keys<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let (chunks, rest) = self.values.as_chunks::<LANES>();
        let mut last = [f32::NAN; LANES];
        last[..rest.len()].copy_from_slice(rest);
        for chunk in chunks.iter().chain([&last]) {
            for lane in 0..LANES {
                low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
                high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
            }
        }
        let (low, high) = (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max));
        let scale = if high > low { (BUCKETS - 1) as f32 / (high - low) } else { 0.0 };
        for (key, value) in self.keys.iter_mut().zip(self.values) {
            *key = whole_part((value - low) * scale, (BUCKETS - 1) as u16) as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The places by rank.
    fn order(values: &[f32]) -> Vec<usize> {
        let ranks: Vec<f32> = (0..values.len()).map(|rank| rank as f32).collect();
        let (mut order, mut found) = (vec![usize::MAX; values.len()], vec![f32::NAN; values.len()]);
        Ranks::default().each(values, &ranks, &mut found);
        found.iter().enumerate().for_each(|(place, rank)| order[*rank as usize] = place);
        order
    }

    fn check(values: &[f32]) {
        let order = order(values);
        let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
        let mut seen = order.clone();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..values.len()));
        let step = 1.01 * (high - low) / BUCKETS as f32;
        assert!(order.windows(2).all(|two| values[two[0]] <= values[two[1]] + step));
    }

    #[test]
    fn it_is_the_order_of_a_sort() {
        // Values further apart than a tie: exactly the sort's order.
        let values: Vec<f32> = (0..5000_u32).map(|i| (i * 2_654_435_761 % 2048) as f32).collect();
        let mut sorted: Vec<usize> = (0..values.len()).collect();
        sorted.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        assert!(order(&values).into_iter().eq(sorted));
        check(&[]);
        check(&[1.0; 9]);
        check(&[-0.0, 0.0, -1e30, 1e30, 1e-30]);
    }

    proptest! {
        #[test]
        fn every_place_comes_once_and_values_ascend(values in proptest::collection::vec(-1e6_f32..1e6, 0..400)) {
            check(&values);
        }
    }
}

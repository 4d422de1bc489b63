//! Which value goes to which bin when ranks are kept.

/// Bits of a value that decide its rank, in two passes of half as many.
const BITS: u32 = 22;
const BUCKETS: usize = 1 << (BITS / 2);

/// Sorts by counting: linear in the number of values, with buffers that are kept.
#[derive(Clone, Default)]
pub(super) struct Ranks {
    /// Key above, place below.
    items: Vec<u64>,
    spare: Vec<u64>,
}

impl Ranks {
    /// The places of `values` (finite) by ascending value. Values closer than 2⁻²² of their range may count as tied, and ties go by place.
    pub(super) fn order(&mut self, values: impl Iterator<Item = f32> + Clone) -> impl Iterator<Item = usize> {
        let (low, high) = values.clone().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let top = ((1_u32 << BITS) - 1) as f32;
        let scale = if high > low { top / (high - low) } else { 0.0 };
        let mut counts = [[0_u32; BUCKETS]; 2];
        self.items.clear();
        self.items.extend(values.enumerate().map(|(place, value)| {
            let key = u64::from((((value - low) * scale) as u32).min((1 << BITS) - 1));
            counts[0][key as usize % BUCKETS] += 1;
            counts[1][key as usize / BUCKETS] += 1;
            key << 32 | place as u64
        }));
        self.spare.resize(self.items.len(), 0);
        for (pass, counts) in counts.iter_mut().enumerate() {
            let mut start = 0;
            for count in counts.iter_mut() {
                start += std::mem::replace(count, start);
            }
            for &item in &self.items {
                let slot = &mut counts[(item >> (32 + pass as u32 * BITS / 2)) as usize % BUCKETS];
                self.spare[*slot as usize] = item;
                *slot += 1;
            }
            std::mem::swap(&mut self.items, &mut self.spare);
        }
        self.items.iter().map(|&item| (item & 0xffff_ffff) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f32]) {
        let order: Vec<usize> = Ranks::default().order(values.iter().copied()).collect();
        let (low, high) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
        let mut seen = order.clone();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..values.len()));
        let step = 1e-6 * (high - low);
        assert!(order.windows(2).all(|two| values[two[0]] <= values[two[1]] + step));
    }

    #[test]
    fn it_is_the_order_of_a_sort() {
        // Values further apart than a tie: exactly the sort's order.
        let values: Vec<f32> = (0..5000_u32).map(|i| (i * 2_654_435_761 % 65_536) as f32).collect();
        let mut sorted: Vec<usize> = (0..values.len()).collect();
        sorted.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        assert!(Ranks::default().order(values.iter().copied()).eq(sorted));
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

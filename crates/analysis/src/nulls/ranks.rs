//! Which value goes to which bin when ranks are kept.

/// Bits of a value that decide its rank.
const BITS: u32 = 13;
const BUCKETS: usize = 1 << BITS;

/// Ranks by counting: linear in the number of values, with buffers that are kept.
#[derive(Clone, Default)]
pub(super) struct Ranks {
    keys: Vec<u16>,
    /// The rank of the next value of each key.
    next: Vec<u32>,
}

impl Ranks {
    /// Calls `put` with each place of `values` (finite) and its rank, by place. Values closer than 2⁻¹³ of their range may count as tied, and ties go by place: that
    /// is a ten-thousandth of the field's variance at most, and a rank's neighbours are as close.
    pub(super) fn each(&mut self, values: &[f32], mut put: impl FnMut(usize, usize)) {
        let (low, high) = range(values);
        let top = (BUCKETS - 1) as f32;
        let scale = if high > low { top / (high - low) } else { 0.0 };
        self.keys.clear();
        self.keys.extend(values.iter().map(|value| ((value - low) * scale).min(top) as u16));
        self.next.clear();
        self.next.resize(BUCKETS, 0);
        for &key in &self.keys {
            self.next[usize::from(key) % BUCKETS] += 1;
        }
        let mut start = 0;
        for next in &mut self.next {
            start += std::mem::replace(next, start);
        }
        for (place, &key) in self.keys.iter().enumerate() {
            let next = &mut self.next[usize::from(key) % BUCKETS];
            put(place, *next as usize);
            *next += 1;
        }
    }
}

/// Least and largest value, in eight running pairs that the compiler can vectorise.
fn range(values: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([f32::INFINITY; 8], [f32::NEG_INFINITY; 8]);
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for lane in 0..8 {
            low[lane] = if chunk[lane] < low[lane] { chunk[lane] } else { low[lane] };
            high[lane] = if chunk[lane] > high[lane] { chunk[lane] } else { high[lane] };
        }
    }
    let ends = |(low, high): (f32, f32), value: &f32| (low.min(*value), high.max(*value));
    rest.iter().chain(&low).chain(&high).filter(|value| value.is_finite()).fold((f32::INFINITY, f32::NEG_INFINITY), ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The places by rank.
    fn order(values: &[f32]) -> Vec<usize> {
        let mut order = vec![usize::MAX; values.len()];
        Ranks::default().each(values, |place, rank| order[rank] = place);
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
        let values: Vec<f32> = (0..5000_u32).map(|i| (i * 2_654_435_761 % 4096) as f32).collect();
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

//! BYTE_STREAM_SPLIT: all first bytes, then all second bytes, and so on. And PLAIN: number by number.
//!
//! Written so that the compiler vectorizes: one stream at a time, over pieces that stay in the first-level cache.

use half::f16;

/// Numbers of a piece.
const PIECE: usize = 2048;

/// A number that can be split into its bytes.
pub(in crate::parquet_file) trait Number: Copy + Send + Sync + 'static {
    /// Its bytes.
    const BYTES: usize;

    /// The byte that the stream `stream` has of it; 0 is the least.
    fn byte(self, stream: usize) -> u8;

    /// Numbers from `Self::BYTES` streams, appended.
    fn join(streams: &[&[u8]], numbers: &mut Vec<Self>);

    /// All its bytes, the least first.
    fn store(self, bytes: &mut [u8]);

    /// Numbers from all their bytes, appended.
    fn load(bytes: &[u8], numbers: &mut Vec<Self>);
}

macro_rules! number {
    ($type:ty, $bits:ty, $($stream:literal)+) => {
        impl Number for $type {
            const BYTES: usize = size_of::<$type>();

            fn byte(self, stream: usize) -> u8 {
                (self.to_bits() >> (8 * stream)) as u8
            }

            fn join(streams: &[&[u8]], numbers: &mut Vec<Self>) {
                let count = streams[0].len();
                // Equal lengths, of which the compiler knows.
                let streams = [$(&streams[$stream][..count]),+];
                numbers.extend((0..count).map(|place| <$type>::from_bits($((<$bits>::from(streams[$stream][place]) << (8 * $stream)))|+)));
            }

            fn store(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }

            fn load(bytes: &[u8], numbers: &mut Vec<Self>) {
                let (bytes, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                numbers.extend(bytes.iter().map(|bytes| <$type>::from_le_bytes(*bytes)));
            }
        }
    };
}

number!(f16, u16, 0 1);
number!(f32, u32, 0 1 2 3);
number!(f64, u64, 0 1 2 3 4 5 6 7);

/// Splits numbers into a page of `count` numbers, of which the first is number `at`.
pub(super) fn split<T: Number>(numbers: &[T], page: &mut [u8], count: usize, at: usize) {
    for (piece, numbers) in numbers.chunks(PIECE).enumerate() {
        for stream in 0..T::BYTES {
            let from = stream * count + at + piece * PIECE;
            for (byte, number) in page[from..from + numbers.len()].iter_mut().zip(numbers) {
                *byte = number.byte(stream);
            }
        }
    }
}

/// Puts numbers into a plain page, of which the first is number `at`.
pub(super) fn store<T: Number>(numbers: &[T], page: &mut [u8], at: usize) {
    for (bytes, number) in page[at * T::BYTES..].chunks_exact_mut(T::BYTES).zip(numbers) {
        number.store(bytes);
    }
}

/// Appends the numbers `from..to` of a page that holds `count`.
pub(super) fn join<T: Number>(page: &[u8], count: usize, from: usize, to: usize, numbers: &mut Vec<T>) {
    let streams: Vec<&[u8]> = (0..T::BYTES).map(|stream| &page[stream * count + from..stream * count + to]).collect();
    T::join(&streams, numbers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_is_joined_again() {
        let numbers: Vec<f32> = (0..5000).map(|number| (number as f32).exp().recip()).collect();
        let mut page = vec![0; 5000 * 4];
        split(&numbers[..3000], &mut page, 5000, 0);
        split(&numbers[3000..], &mut page, 5000, 3000);
        assert_eq!(page[5000 + 7], numbers[7].to_le_bytes()[1]);
        assert_eq!(page[3 * 5000 + 4321], numbers[4321].to_le_bytes()[3]);
        let mut back = Vec::new();
        join::<f32>(&page, 5000, 0, 17, &mut back);
        join::<f32>(&page, 5000, 17, 5000, &mut back);
        assert_eq!(back, numbers);
        store(&numbers[..3000], &mut page, 0);
        store(&numbers[3000..], &mut page, 3000);
        assert_eq!(page[4 * 4321..][..4], numbers[4321].to_le_bytes());
        back.clear();
        f32::load(&page, &mut back);
        assert_eq!(back, numbers);
        let doubles = [1.0_f64, -0.0, f64::MIN_POSITIVE, f64::NAN];
        let mut page = vec![0; 32];
        split(&doubles, &mut page, 4, 0);
        let mut back = Vec::new();
        join::<f64>(&page, 4, 0, 4, &mut back);
        assert_eq!(back.map_bits(), doubles.to_vec().map_bits());
    }

    trait MapBits {
        fn map_bits(&self) -> Vec<u64>;
    }

    impl MapBits for Vec<f64> {
        fn map_bits(&self) -> Vec<u64> {
            self.iter().map(|number| number.to_bits()).collect()
        }
    }
}

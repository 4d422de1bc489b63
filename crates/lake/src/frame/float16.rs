//! float16: to the nearest, ties to even, by the processor's own instructions where it has them.

use half::f16;
use half::slice::HalfFloatSliceExt;

/// Values that are converted at once.
const AT_ONCE: usize = 1024;

/// Rounds values to what a table that is stored as [`Precision::Float16`](crate::schema::Precision::Float16) gives back: the nearest float16, ties to
/// even. NaN stays NaN; from ±65,520 on, values become infinite, which no table takes.
pub fn to_float16_and_back(values: &mut [f32]) {
    let mut halves = [f16::ZERO; AT_ONCE];
    for chunk in values.chunks_mut(AT_ONCE) {
        let halves = &mut halves[..chunk.len()];
        halves.convert_from_f32_slice(chunk);
        halves.convert_to_f32_slice(chunk);
    }
}

/// The nearest float16.
pub(super) fn narrow(values: &[f32]) -> Vec<f16> {
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(values);
    halves
}

/// The same numbers in 32 bits.
pub(crate) fn widen(halves: &[f16]) -> Vec<f32> {
    let mut values = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut values);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float16_stays_and_everything_else_goes_to_its_nearest() {
        let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        let mut values = widen(&all);
        let before = values.clone();
        to_float16_and_back(&mut values);
        assert!(before.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())));
        assert!(narrow(&before).iter().zip(&all).all(|(a, b)| a == b || (a.is_nan() && b.is_nan())));
        // Neighbours of 1 are 2^-10 apart above and 2^-11 below: halfway, the even one is taken.
        let half = 0.5_f32.powi(11);
        let mut ties = [1.0 + half, 1.0 + 3.0 * half, 1.0 - half / 2.0, 65_519.0, 65_520.0, -1e9];
        to_float16_and_back(&mut ties);
        assert_eq!(ties, [1.0, 1.0 + 4.0 * half, 1.0, 65_504.0, f32::INFINITY, f32::NEG_INFINITY]);
    }
}

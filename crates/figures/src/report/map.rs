//! A map in 8 bits.

use ndarray::ArrayView2;

use crate::colormap::{LEVELS, NO_DATA_LEVEL, level};
use crate::number::drawable;

/// A map of a unit as the report keeps it: 255 levels from `low` to `high` and one code for "no data".
///
/// A value is kept to within [`Map::precision`], half a level: 0.2 % of the map's range. Values outside of the range take
/// its nearest end; NaN, infinities and values beyond ±10¹⁰⁰ are "no data".
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: [f64; 2],
    pub(super) codes: Vec<u8>,
}

impl Map {
    /// A map between its own smallest and largest value.
    ///
    /// `values`: rows from the least y, columns from the least x. `step`: distance of neighbouring columns and rows, in
    /// metres, or cycles per metre for a spectrum. A map without any value has the range [0, 0].
    #[must_use]
    pub fn new(values: ArrayView2<'_, f64>, step: [f64; 2]) -> Self {
        let defined = || values.iter().copied().filter(|value| drawable(*value));
        let low = defined().fold(f64::INFINITY, f64::min);
        let high = defined().fold(f64::NEG_INFINITY, f64::max);
        Self::with_range(values, step, if low <= high { (low, high) } else { (0.0, 0.0) })
    }

    /// A map between given ends, such as -1 and 1 for correlations; otherwise as [`Map::new`].
    #[must_use]
    pub fn with_range(values: ArrayView2<'_, f64>, step: [f64; 2], (low, high): (f64, f64)) -> Self {
        let code = |value: &f64| if drawable(*value) { level(*value, low, high) } else { NO_DATA_LEVEL };
        Self { rows: values.nrows(), columns: values.ncols(), low, high, step, codes: values.iter().map(code).collect() }
    }

    /// The kept value of a bin: NaN where there is no data, `None` outside of the map.
    #[must_use]
    pub fn value(&self, row: usize, column: usize) -> Option<f64> {
        let inside = row < self.rows && column < self.columns;
        let code = inside.then(|| self.codes[row * self.columns + column])?;
        let value = self.low + f64::from(code) * (self.high - self.low) / f64::from(LEVELS - 1);
        Some(if code == NO_DATA_LEVEL { f64::NAN } else { value })
    }

    /// The largest error of a kept value within the range.
    #[must_use]
    pub fn precision(&self) -> f64 {
        (self.high - self.low) / (2.0 * f64::from(LEVELS - 1))
    }

    /// Whether a half turn leaves it as it is, as it does autocorrelograms and spectra.
    pub(super) fn is_point_symmetric(&self) -> bool {
        self.codes.iter().eq(self.codes.iter().rev())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn values_stay_within_half_a_level() {
        let values = Array2::from_shape_fn((7, 5), |(row, column)| (row as f64 * 1.7 + column as f64 * 0.9).sin() * 3.0);
        let map = Map::new(values.view(), [0.1, 0.1]);
        for ((row, column), value) in values.indexed_iter() {
            assert!(map.value(row, column).is_some_and(|kept| (kept - value).abs() <= map.precision() * (1.0 + 1e-12)));
        }
        assert!(map.precision() < 0.002 * (map.high - map.low));
    }

    #[test]
    fn missing_and_extreme_values_have_a_code_of_their_own() {
        let map = Map::new(array![[f64::NAN, f64::INFINITY], [1e300, 2.0]].view(), [1.0, 1.0]);
        assert_eq!(map.codes, [255, 255, 255, 0]);
        assert_eq!((map.low, map.high, map.value(1, 1)), (2.0, 2.0, Some(2.0)));
        assert!(map.value(0, 0).is_some_and(f64::is_nan) && map.value(0, 2).is_none());
        let empty = Map::new(array![[f64::NAN]].view(), [1.0, 1.0]);
        assert_eq!((empty.low, empty.high, empty.codes.as_slice()), (0.0, 0.0, [255].as_slice()));
        let clipped = Map::with_range(array![[-3.0, 3.0]].view(), [1.0, 1.0], (-1.0, 1.0));
        assert_eq!((clipped.value(0, 0), clipped.value(0, 1)), (Some(-1.0), Some(1.0)));
    }

    #[test]
    fn only_a_half_turn_counts_as_symmetry() {
        let map = |values: Array2<f64>| Map::new(values.view(), [1.0, 1.0]);
        assert!(map(array![[1.0, 2.0, 3.0], [4.0, 9.0, 4.0], [3.0, 2.0, 1.0]]).is_point_symmetric());
        assert!(!map(array![[1.0, 2.0, 1.0], [4.0, 9.0, 4.0], [3.0, 2.0, 3.0]]).is_point_symmetric());
    }
}

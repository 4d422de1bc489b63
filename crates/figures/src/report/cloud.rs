//! A cloud of points in three dimensions.

/// The most points of a cloud that a report keeps.
pub const MAX_CLOUD_POINTS: usize = 10_000;

/// Codes of a coordinate or colour: the last one stands for "no data".
const MISSING: u16 = u16::MAX;
const LAST_LEVEL: f64 = 65_534.0;

/// States of a module, embedded in three dimensions. All axes have one scale.
///
/// Each coordinate is kept in 16 bits, to within 1/131,068 of its range. Of more than [`MAX_CLOUD_POINTS`] points, evenly spaced ones are
/// kept, in their order; points without three finite coordinates are left out. The page tells both numbers.
#[derive(Debug, Clone, Default)]
pub struct Cloud {
    /// What it is, unique among the report's: "Module 0, square-2m: spectral embedding".
    pub label: String,
    /// The names of the axes.
    pub axes: [String; 3],
    /// The points.
    pub points: Vec<[f32; 3]>,
    /// What they can be coloured by, the first at the start: x, y, phases.
    pub colors: Vec<CloudColor>,
}

/// Something that colours points.
#[derive(Debug, Clone)]
pub struct CloudColor {
    /// Its name with its unit: "x (m)".
    pub label: String,
    /// Whether it is a length or an angle.
    pub scale: ColorScale,
    /// One value per point, radians for [`ColorScale::Turn`]; grey where NaN.
    pub values: Vec<f32>,
}

/// How a value becomes a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorScale {
    /// Viridis from the least value to the largest.
    Linear,
    /// A ring of colours; the values are radians, modulo 2π.
    Turn,
}

/// What of a cloud is written.
pub(super) struct Packed {
    /// Points kept, and points there were.
    pub(super) count: usize,
    pub(super) total: usize,
    /// Ends of the three coordinates and of each colour.
    pub(super) ranges: Vec<(f64, f64)>,
    /// Codes, little-endian: all of x, all of y, all of z, all of each colour.
    pub(super) bytes: Vec<u8>,
}

impl Cloud {
    /// Thins to at most `limit` points and quantizes.
    pub(super) fn pack(&self, limit: usize) -> Packed {
        let finite: Vec<usize> = (0..self.points.len()).filter(|&index| self.points[index].iter().all(|value| value.is_finite())).collect();
        let count = finite.len().min(limit);
        let kept: Vec<usize> = (0..count).map(|index| finite[index * finite.len() / count]).collect();
        let axes = (0..3).map(|axis| kept.iter().map(|&index| f64::from(self.points[index][axis])).collect::<Vec<_>>());
        let colors = self.colors.iter().map(|color| {
            let turn = |value: f64| if color.scale == ColorScale::Turn { value.rem_euclid(std::f64::consts::TAU) } else { value };
            kept.iter().map(|&index| turn(f64::from(color.values[index]))).collect()
        });
        let planes: Vec<Vec<f64>> = axes.chain(colors).collect();
        let ends = |plane: usize| {
            let turn = plane >= 3 && self.colors[plane - 3].scale == ColorScale::Turn;
            if turn { (0.0, std::f64::consts::TAU) } else { range(&planes[plane]) }
        };
        let ranges: Vec<(f64, f64)> = (0..planes.len()).map(ends).collect();
        let codes = planes.iter().zip(&ranges).flat_map(|(plane, &range)| plane.iter().map(move |&value| code(value, range)));
        Packed { count, total: self.points.len(), bytes: codes.flat_map(u16::to_le_bytes).collect(), ranges }
    }
}

fn range(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

fn code(value: f64, (low, high): (f64, f64)) -> u16 {
    if !value.is_finite() {
        return MISSING;
    }
    if high > low { ((value - low) / (high - low) * LAST_LEVEL).round() as u16 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(packed: &Packed, plane: usize, index: usize) -> f64 {
        let at = 2 * (plane * packed.count + index);
        let (low, high) = packed.ranges[plane];
        match u16::from_le_bytes([packed.bytes[at], packed.bytes[at + 1]]) {
            MISSING => f64::NAN,
            code => low + f64::from(code) / LAST_LEVEL * (high - low),
        }
    }

    #[test]
    fn coordinates_keep_16_bits_and_their_order() {
        let points: Vec<[f32; 3]> = (0..100_u8).map(|index| [f32::from(index), f32::from(index).sin(), -3.0]).collect();
        let values = (0..100_u8).map(|index| if index == 40 { f32::NAN } else { -f32::from(index) }).collect();
        let colors = vec![CloudColor { label: "phase".into(), scale: ColorScale::Turn, values }];
        let cloud = Cloud { points, colors, ..Cloud::default() };
        let packed = cloud.pack(50);
        assert_eq!((packed.count, packed.total, packed.bytes.len()), (50, 100, 50 * 4 * 2));
        for index in 0..50 {
            let [x, y, z] = cloud.points[2 * index].map(f64::from);
            assert!((decode(&packed, 0, index) - x).abs() <= 98.0 / 131_068.0 * 1.0001);
            assert!((decode(&packed, 1, index) - y).abs() <= 2.0 / 131_068.0 * 1.0001);
            assert_eq!(decode(&packed, 2, index), z);
            let turn = decode(&packed, 3, index);
            let expected = (-(2.0 * index as f64)).rem_euclid(std::f64::consts::TAU);
            assert!(if index == 20 { turn.is_nan() } else { (turn - expected).abs() < 1e-4 }, "{index}: {turn} for {expected}");
        }
    }

    #[test]
    fn points_that_are_nowhere_are_left_out() {
        let cloud = Cloud { points: vec![[f32::NAN, 0.0, 0.0], [1.0, f32::INFINITY, 0.0], [1.0, 2.0, 3.0]], ..Cloud::default() };
        let packed = cloud.pack(MAX_CLOUD_POINTS);
        assert_eq!((packed.count, packed.total, decode(&packed, 2, 0)), (1, 3, 3.0));
        assert_eq!(Cloud::default().pack(MAX_CLOUD_POINTS).bytes.len(), 0);
    }
}

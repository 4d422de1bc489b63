//! The power of two real maps in one complex transform, ring by ring, and scaling it.
//!
//! With `C = A + iB` of two real maps, `A(k)` and `iB(k)` are half of `C(k) ± C*(-k)`; so a column of frequencies is treated together with the opposite one, in
//! which row `-y` is the opposite of row `y`.

use crate::simd::Kernel;
use rustfft::num_complex::Complex32;

/// Frequencies that are treated at once.
const LANES: usize = 16;

/// Adds both maps' power along one column and its opposite to their rings' sums. Rows `y` and `-y` lie in the same ring, and are added together.
pub(super) struct Powers<'a> {
    pub(super) here: &'a [Complex32],
    pub(super) there: &'a [Complex32],
    pub(super) weight: f32,
    /// Each row's ring, which is that of the opposite row too.
    pub(super) class: &'a [u32],
    pub(super) sums: &'a mut [[f32; 2]],
}

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (tall, half) = (self.here.len(), self.here.len() / 2);
        for (first, class) in (0..=half).step_by(LANES).zip(self.class[..=half].chunks(LANES)) {
            let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
            if first > 0 && class.len() == LANES {
                let (c, d) = (along(self.here, first), along(self.there, first));
                let (c_back, d_back) = (against(self.here, first), against(self.there, first));
                for lane in 0..LANES {
                    let (up, down) = (powers(c[lane], d_back[lane]), powers(c_back[lane], d[lane]));
                    a[lane] = self.weight * (up.0 + down.0);
                    b[lane] = self.weight * (up.1 + down.1);
                }
            } else {
                for (lane, row) in (first..first + class.len()).enumerate() {
                    let back = if row == 0 { 0 } else { tall - row };
                    let (up, down) = (powers(self.here[row], self.there[back]), powers(self.here[back], self.there[row]));
                    // A row that is its own opposite comes once.
                    let weight = if row == back { 0.5 * self.weight } else { self.weight };
                    a[lane] = weight * (up.0 + down.0);
                    b[lane] = weight * (up.1 + down.1);
                }
            }
            for (&class, (a, b)) in class.iter().zip(a.iter().zip(&b)) {
                let sums = &mut self.sums[class as usize];
                *sums = [sums[0] + a, sums[1] + b];
            }
        }
    }
}

/// Rows from `first` on.
#[inline(always)]
fn along(column: &[Complex32], first: usize) -> [Complex32; LANES] {
    let mut rows = [Complex32::default(); LANES];
    rows.copy_from_slice(&column[first..first + LANES]);
    rows
}

/// The opposite rows of those from `first` (not 0) on.
#[inline(always)]
fn against(column: &[Complex32], first: usize) -> [Complex32; LANES] {
    let mut rows = [Complex32::default(); LANES];
    rows.copy_from_slice(&column[column.len() + 1 - first - LANES..][..LANES]);
    rows.reverse();
    rows
}

/// Four times the power of both maps at a frequency, from the values there and at the opposite one.
#[inline(always)]
fn powers(c: Complex32, d: Complex32) -> (f32, f32) {
    let both = c.re * c.re + c.im * c.im + (d.re * d.re + d.im * d.im);
    let cross = 2.0 * (c.re * d.re - c.im * d.im);
    (both + cross, both - cross)
}

/// Scales both maps along one column and its opposite: by the halved sum and the halved difference of their gains, as [`gains`] has them.
pub(super) struct Scale<'a> {
    pub(super) here: &'a mut [Complex32],
    pub(super) there: &'a mut [Complex32],
    pub(super) class: &'a [u32],
    pub(super) gains: &'a [Gains],
    pub(super) line: &'a mut ScaleLine,
}

/// Half the sum of both maps' gains, twice, then half the difference, and that with the other sign: what real and imaginary parts are multiplied by.
pub(super) type Gains = [f32; 4];

/// Of two maps' gains.
pub(super) fn gains(a: f32, b: f32) -> Gains {
    [0.5 * (a + b), 0.5 * (a + b), 0.5 * (a - b), -0.5 * (a - b)]
}

/// What [`Scale`] needs besides.
#[derive(Default)]
pub(super) struct ScaleLine {
    same: Vec<[f32; 2]>,
    other: Vec<[f32; 2]>,
    /// The column before it was scaled.
    here: Vec<Complex32>,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let tall = self.here.len();
        let ScaleLine { same, other, here } = self.line;
        same.resize(tall, [0.0; 2]);
        other.resize(tall, [0.0; 2]);
        for ((same, other), class) in same.iter_mut().zip(other.iter_mut()).zip(self.class) {
            let [a, b, c, d] = self.gains[*class as usize];
            (*same, *other) = ([a, b], [c, d]);
        }
        here.clear();
        here.extend_from_slice(self.here);
        scale_by(self.here, self.there, same, other);
        scale_by(self.there, here, same, other);
    }
}

/// A column by its own gain, and its opposite's conjugate by the other one.
#[inline(always)]
fn scale_by(column: &mut [Complex32], opposite: &[Complex32], same: &[[f32; 2]], other: &[[f32; 2]]) {
    let tall = column.len();
    let one = |c: &mut Complex32, d: Complex32, same: [f32; 2], other: [f32; 2]| {
        *c = Complex32::new(c.re * same[0] + d.re * other[0], c.im * same[1] + d.im * other[1]);
    };
    let blocks = (tall - 1) / LANES;
    for first in (1..=blocks * LANES).step_by(LANES) {
        let back = against(opposite, first);
        let rows = first..first + LANES;
        let (column, (same, other)) = (&mut column[rows.clone()], (&same[rows.clone()], &other[rows]));
        for lane in 0..LANES {
            one(&mut column[lane], back[lane], same[lane], other[lane]);
        }
    }
    for row in std::iter::once(0).chain(1 + blocks * LANES..tall) {
        one(&mut column[row], opposite[if row == 0 { 0 } else { tall - row }], same[row], other[row]);
    }
}

/// As [`Scale`], along a column that is its own opposite.
pub(super) fn scale_own(column: &mut [Complex32], class: &[u32], gains: &[Gains]) {
    let scaled = |c: Complex32, d: Complex32, [same, _, other, _]: Gains| {
        let new = |c: Complex32, d: Complex32| Complex32::new(c.re * same + d.re * other, c.im * same - d.im * other);
        (new(c, d), new(d, c))
    };
    let tall = column.len();
    for row in 0..=tall / 2 {
        let opposite = (tall - row) % tall;
        if opposite >= row || row == 0 {
            let gains = gains[class[row] as usize];
            let (new, new_opposite) = scaled(column[row], column[opposite], gains);
            column[row] = new;
            column[opposite] = if opposite == row { new } else { new_opposite };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fft::Fft2;
    use crate::simd::widest;
    use gridlake_space::seed::Seed;

    /// Two real maps, transformed together, against each transformed alone; even and odd sides.
    #[test]
    fn both_maps_powers_are_found_and_scaled_apart() {
        for (rows, cols) in [(32, 48), (40, 32), (7, 9), (33, 2), (1, 5)] {
            let plan = Fft2::<f32>::new(rows, cols);
            let (mut scratch, mut stream) = (plan.scratch(), Seed(3).stream("rings", rows as u64));
            let maps: Vec<[f32; 2]> = (0..rows * cols).map(|_| [stream.normal() as f32, 5.0 * stream.normal() as f32]).collect();
            let mut transform = |of: &dyn Fn(&[f32; 2]) -> Complex32| {
                let mut data: Vec<Complex32> = maps.iter().map(of).collect();
                plan.forward(&mut data, rows, &mut scratch);
                data
            };
            let (a, b) = (transform(&|map| map[0].into()), transform(&|map| map[1].into()));
            let mut both = transform(&|map| Complex32::new(map[0], map[1]));
            // As rings are: the same for y and -y.
            let fold = |index: usize, n: usize| index.min(n - index);
            let class: Vec<u32> =
                (0..rows * cols).map(|index| (2 * fold(index % rows, rows) + fold(index / rows, cols)) as u32 % 6).collect();
            let mut expected = [[0.0_f32; 2]; 6];
            for (index, class) in class.iter().enumerate() {
                expected[*class as usize][0] += a[index].norm_sqr();
                expected[*class as usize][1] += b[index].norm_sqr();
            }
            let mut sums = [[0.0; 2]; 6];
            for column in 0..=cols / 2 {
                let opposite = (cols - column) % cols;
                let weight = if column == opposite { 0.25 } else { 0.5 };
                let (here, there) = (&both[column * rows..][..rows], &both[opposite * rows..][..rows]);
                widest(Powers { here, there, weight, class: &class[column * rows..][..rows], sums: &mut sums });
            }
            for (found, expected) in sums.iter().flatten().zip(expected.iter().flatten()) {
                assert!((found - expected).abs() <= 1e-4 * expected, "{rows} x {cols}: {found} and {expected}");
            }
            let gains: [[f32; 2]; 6] = std::array::from_fn(|_| [stream.uniform() as f32, stream.uniform() as f32]);
            let halves = gains.map(|[a, b]| super::gains(a, b));
            for column in 0..=cols / 2 {
                let opposite = (cols - column) % cols;
                let class = &class[column * rows..][..rows];
                if column == opposite {
                    scale_own(&mut both[column * rows..][..rows], class, &halves);
                } else {
                    let (low, high) = both.split_at_mut(opposite * rows);
                    let (here, there) = (&mut low[column * rows..][..rows], &mut high[..rows]);
                    widest(Scale { here, there, class, gains: &halves, line: &mut ScaleLine::default() });
                }
            }
            for (index, found) in both.iter().enumerate() {
                let [gain_a, gain_b] = gains[class[index] as usize];
                let expected = a[index] * gain_a + Complex32::i() * b[index] * gain_b;
                assert!((found - expected).norm() < 1e-3, "{rows} x {cols}, frequency {index}: {found} and {expected}");
            }
        }
    }
}

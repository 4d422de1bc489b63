//! The power of two real maps in one complex transform, ring by ring, and scaling it.
//!
//! With `C = A + iB` of two real maps, `A(k)` and `iB(k)` are half of `C(k) ± C*(-k)`; so a column of frequencies is treated together with the opposite one, in
//! which row `-y` is the opposite of row `y`.

use crate::simd::Kernel;
use rustfft::num_complex::Complex32;

/// Frequencies that are treated at once.
const LANES: usize = 16;

/// Adds both maps' power along one column to their rings' sums.
pub(super) struct Powers<'a> {
    pub(super) here: &'a [Complex32],
    pub(super) there: &'a [Complex32],
    pub(super) weight: f32,
    /// Each row's ring.
    pub(super) class: &'a [u32],
    pub(super) sums: &'a mut [[f32; 2]],
}

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let tall = self.here.len();
        for (block, (here, class)) in self.here.chunks(LANES).zip(self.class.chunks(LANES)).enumerate() {
            let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
            let mut opposite = [Complex32::default(); LANES];
            let first = block * LANES;
            if first > 0 && here.len() == LANES {
                // Rows first … first + 15 are opposite to tall - first - 15 … tall - first.
                opposite.copy_from_slice(&self.there[tall + 1 - first - LANES..][..LANES]);
                opposite.reverse();
            } else {
                for (lane, opposite) in opposite.iter_mut().enumerate().take(here.len()) {
                    *opposite = self.there[(tall - first - lane) % tall];
                }
            }
            let mut own = [Complex32::default(); LANES];
            own[..here.len()].copy_from_slice(here);
            for lane in 0..LANES {
                let (c, d) = (own[lane], opposite[lane]);
                let both = c.re * c.re + c.im * c.im + (d.re * d.re + d.im * d.im);
                let cross = 2.0 * (c.re * d.re - c.im * d.im);
                a[lane] = self.weight * (both + cross);
                b[lane] = self.weight * (both - cross);
            }
            for (&class, (a, b)) in class.iter().zip(a.iter().zip(&b)) {
                let sums = &mut self.sums[class as usize];
                sums[0] += a;
                sums[1] += b;
            }
        }
    }
}

/// Scales both maps along one column and its opposite: by `gains` of the sum and the difference of their own gains.
pub(super) struct Scale<'a> {
    pub(super) here: &'a mut [Complex32],
    pub(super) there: &'a mut [Complex32],
    pub(super) class: &'a [u32],
    pub(super) gains: &'a [[f32; 2]],
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (Some((here_first, here)), Some((there_first, there))) = (self.here.split_first_mut(), self.there.split_first_mut()) else {
            return;
        };
        let Some((class_first, class)) = self.class.split_first() else { return };
        (*here_first, *there_first) = scaled(*here_first, *there_first, self.gains[*class_first as usize]);
        for ((c, d), class) in here.iter_mut().zip(there.iter_mut().rev()).zip(class) {
            (*c, *d) = scaled(*c, *d, self.gains[*class as usize]);
        }
    }
}

#[inline(always)]
fn scaled(c: Complex32, d: Complex32, [same, other]: [f32; 2]) -> (Complex32, Complex32) {
    let new = |c: Complex32, d: Complex32| Complex32::new(c.re * same + d.re * other, c.im * same - d.im * other);
    (new(c, d), new(d, c))
}

/// As [`Scale`], along a column that is its own opposite.
pub(super) fn scale_own(column: &mut [Complex32], class: &[u32], gains: &[[f32; 2]]) {
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
            let class: Vec<u32> = (0..rows * cols).map(|index| index.min(plan.opposite(index)) as u32 % 6).collect();
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
            let halves = gains.map(|[a, b]| [0.5 * (a + b), 0.5 * (a - b)]);
            for column in 0..=cols / 2 {
                let opposite = (cols - column) % cols;
                let class = &class[column * rows..][..rows];
                if column == opposite {
                    scale_own(&mut both[column * rows..][..rows], class, &halves);
                } else {
                    let (low, high) = both.split_at_mut(opposite * rows);
                    widest(Scale { here: &mut low[column * rows..][..rows], there: &mut high[..rows], class, gains: &halves });
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

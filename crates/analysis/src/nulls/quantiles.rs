//! Rates by the normal distribution's quantiles: what ranks give a Gaussian field of many independent values, without ranking it.

use crate::simd::{Kernel, whole_part, widest};
use rustfft::num_complex::Complex32;
use std::sync::LazyLock;

/// Steps of the table between the least and the largest value that it tells apart, ± [`REACH`] standard deviations.
const STEPS: usize = 2048;
/// Values further out have the least or the largest rate.
const REACH: f32 = 4.0;
/// Bins that are treated at once.
const LANES: usize = 16;

/// Share of a normal distribution below the middle of each step.
static BELOW: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let at = |step: usize| f64::from(REACH) * (2.0 * (step as f64 + 0.5) / STEPS as f64 - 1.0);
    (0..STEPS).map(|step| normal_below(at(step))).collect()
});

/// One map's rates by quantile, for two real fields that lie in one complex one.
pub(super) struct Quantiles {
    /// The rate of each step.
    table: Vec<f32>,
    shape: (usize, usize),
    /// From a row of the field to the next.
    stride: usize,
    /// 1 where a bin was visited, else 0; row-major over `shape`. Empty where all were.
    mask: Vec<f32>,
    visited: f32,
}

impl Quantiles {
    /// Of `rates` (ascending), for fields whose visited bins are at `places`.
    pub(super) fn new(rates: &[f32], shape: (usize, usize), stride: usize, places: &[u32]) -> Self {
        let last = rates.len().saturating_sub(1);
        let rate = |below: &f64| {
            // Rank k of n is the quantile (k + 1/2) / n.
            let rank = (below * rates.len() as f64 - 0.5).clamp(0.0, last as f64);
            let (low, part) = (rank.floor() as usize, rank.fract() as f32);
            rates.get(low).map_or(0.0, |&rate| rate + part * (rates[(low + 1).min(last)] - rate))
        };
        let mut mask = Vec::new();
        if places.len() < shape.0 * shape.1 {
            mask.resize(shape.0 * shape.1, 0.0);
            for &place in places {
                mask[place as usize / stride * shape.1 + place as usize % stride] = 1.0;
            }
        }
        Self { table: BELOW.iter().map(rate).collect(), shape, stride, mask, visited: places.len() as f32 }
    }

    /// Replaces both fields' values at visited bins by the rates of their quantiles, each field by its own mean and standard deviation; zero elsewhere.
    pub(super) fn assign(&self, field: &mut [Complex32]) {
        let mut moments = [0.0_f32; 4];
        for row in 0..self.shape.0 {
            let (line, mask) = (&field[row * self.stride..][..self.shape.1], self.mask_of(row));
            let sums = widest(Moments { line, mask });
            moments.iter_mut().zip(sums).for_each(|(moment, sum)| *moment += sum);
        }
        let steps = [0, 1].map(|part| {
            let mean = moments[part] / self.visited;
            let variance = (moments[2 + part] / self.visited - mean * mean).max(0.0);
            let scale = if variance > 0.0 { STEPS as f32 / (2.0 * REACH) / variance.sqrt() } else { 0.0 };
            (scale, STEPS as f32 / 2.0 - mean * scale)
        });
        for row in 0..self.shape.0 {
            let whole = &mut field[row * self.stride..][..self.stride];
            let (line, rest) = whole.split_at_mut(self.shape.1);
            widest(Assign { line, mask: self.mask_of(row), table: &self.table, steps });
            rest.fill(Complex32::default());
        }
    }

    fn mask_of(&self, row: usize) -> &[f32] {
        if self.mask.is_empty() { &[] } else { &self.mask[row * self.shape.1..][..self.shape.1] }
    }
}

/// Share of a standard normal distribution below `x`.
pub(super) fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Sums of both parts and of their squares over visited bins.
struct Moments<'a> {
    line: &'a [Complex32],
    mask: &'a [f32],
}

impl Kernel for Moments<'_> {
    type Output = [f32; 4];

    #[inline(always)]
    fn call(self) -> [f32; 4] {
        let (mut re, mut im, mut re_re, mut im_im) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
        let (chunks, rest) = self.line.as_chunks::<LANES>();
        let (mut last, mut last_counts) = ([Complex32::default(); LANES], [1.0; LANES]);
        last[..rest.len()].copy_from_slice(rest);
        if let Some(mask) = self.mask.get(chunks.len() * LANES..).filter(|mask| !mask.is_empty()) {
            last_counts[..rest.len()].copy_from_slice(mask);
        }
        for (chunk, values) in chunks.iter().chain([&last]).enumerate() {
            let counts = if chunk == chunks.len() {
                &last_counts
            } else {
                self.mask.get(chunk * LANES..).and_then(|mask| mask.first_chunk()).unwrap_or(&[1.0; LANES])
            };
            for lane in 0..LANES {
                let (a, b) = (values[lane].re * counts[lane], values[lane].im * counts[lane]);
                re[lane] += a;
                im[lane] += b;
                re_re[lane] += a * a;
                im_im[lane] += b * b;
            }
        }
        [re, im, re_re, im_im].map(|lanes| lanes.iter().sum())
    }
}

struct Assign<'a> {
    line: &'a mut [Complex32],
    mask: &'a [f32],
    table: &'a [f32],
    /// Scale and offset from values to steps.
    steps: [(f32, f32); 2],
}

impl Kernel for Assign<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [(scale_re, offset_re), (scale_im, offset_im)] = self.steps;
        let Some(table) = self.table.first_chunk::<STEPS>() else { return };
        let step = |value: f32| whole_part(value, (STEPS - 1) as u16) % STEPS;
        for (at, value) in self.line.iter_mut().enumerate() {
            let rate = Complex32::new(table[step(value.re * scale_re + offset_re)], table[step(value.im * scale_im + offset_im)]);
            *value = if self.mask.is_empty() { rate } else { rate * self.mask[at] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    /// Against ranks: independent normal values of any mean and scale, on all bins and on some.
    #[test]
    fn it_is_what_ranks_give_but_for_chance() {
        let (shape, stride) = ((37, 41), 64);
        for holes in [false, true] {
            let mut stream = Seed(6).stream("quantiles", u64::from(holes));
            let places: Vec<u32> = (0..shape.0 * shape.1)
                .filter(|bin| !(holes && bin % 5 == 0))
                .map(|bin| (bin / shape.1 * stride + bin % shape.1) as u32)
                .collect();
            let mut rates: Vec<f32> = places.iter().map(|_| stream.uniform().powi(3) as f32).collect();
            rates.sort_by(f32::total_cmp);
            let values: Vec<Complex32> =
                (0..shape.0 * stride).map(|_| Complex32::new(3.0 + 7.0 * stream.normal() as f32, 1e-3 * stream.normal() as f32)).collect();
            let mut field = values.clone();
            Quantiles::new(&rates, shape, stride, &places).assign(&mut field);
            for part in [|value: Complex32| value.re, |value: Complex32| value.im] {
                let mut order: Vec<u32> = places.clone();
                order.sort_by(|&a, &b| part(values[a as usize]).total_cmp(&part(values[b as usize])));
                let squares = order.iter().zip(&rates).map(|(&place, rate)| (part(field[place as usize]) - rate).powi(2));
                // The error of a sample's quantiles, some 1/(2 √n) of the rates' range.
                let off = (squares.sum::<f32>() / rates.len() as f32).sqrt();
                assert!(off < 0.02, "{off}");
                let increasing = order.windows(2).all(|two| part(field[two[0] as usize]) <= part(field[two[1] as usize]));
                assert!(increasing, "a larger value has no smaller rate");
            }
            let seen: std::collections::HashSet<u32> = places.iter().copied().collect();
            assert!((0..field.len()).all(|place| seen.contains(&(place as u32)) || field[place] == Complex32::default()));
        }
    }

    #[test]
    fn constant_fields_and_no_bins_are_no_matter() {
        let mut field = vec![Complex32::new(2.0, 0.0); 4];
        Quantiles::new(&[0.0, 1.0, 2.0, 3.0], (2, 2), 2, &[0, 1, 2, 3]).assign(&mut field);
        assert!(field.iter().all(|value| (1.4..1.6).contains(&value.re) && (1.4..1.6).contains(&value.im)), "{field:?}");
        Quantiles::new(&[], (2, 2), 2, &[]).assign(&mut field);
        assert!(field.iter().all(|value| *value == Complex32::default()));
    }
}

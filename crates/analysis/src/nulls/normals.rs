//! Complex normal numbers, sixteen at a time.
//!
//! Sixteen generators side by side (xoshiro128++, Blackman & Vigna 2021), each with its own state from a named stream, so that the compiler can
//! vectorise every step; Box-Muller in single precision, whose logarithm, sine and cosine are polynomials right to a few units in the last place
//! (Cephes). Real and imaginary part of a number are independent, each of variance 1/2; no number is beyond 4.2 in size (24 bits of probability).

use crate::simd::{Kernel, widest};
use gridlake_space::seed::Stream;
use rustfft::num_complex::Complex32;

/// Numbers made at once.
const LANES: usize = 16;

/// Sixteen generators.
#[derive(Clone)]
pub(super) struct Normals {
    state: [[u32; LANES]; 4],
}

impl Normals {
    /// Generators whose states are drawn from `stream`.
    pub(super) fn new(stream: &mut Stream) -> Self {
        let mut state = [[0; LANES]; 4];
        for lane in 0..LANES {
            let (low, high) = (stream.bits(), stream.bits());
            let words = [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32 | 1];
            for (lanes, word) in state.iter_mut().zip(words) {
                lanes[lane] = word;
            }
        }
        Self { state }
    }

    /// Fills `out` with complex normal numbers, each times its amplitude.
    pub(super) fn fill(&mut self, amplitude: &[f32], out: &mut [Complex32]) {
        widest(Fill { state: &mut self.state, amplitude, out });
    }
}

struct Fill<'a> {
    state: &'a mut [[u32; LANES]; 4],
    amplitude: &'a [f32],
    out: &'a mut [Complex32],
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut state = *self.state;
        let (amplitudes, amplitudes_rest) = self.amplitude.as_chunks();
        let (outs, outs_rest) = self.out.as_chunks_mut();
        for (amplitude, out) in amplitudes.iter().zip(outs) {
            fill(&mut state, amplitude, out);
        }
        if !outs_rest.is_empty() {
            let (mut amplitude, mut out) = ([0.0; LANES], [Complex32::default(); LANES]);
            amplitude[..amplitudes_rest.len()].copy_from_slice(amplitudes_rest);
            fill(&mut state, &amplitude, &mut out);
            outs_rest.copy_from_slice(&out[..outs_rest.len()]);
        }
        *self.state = state;
    }
}

/// Sixteen numbers. A function, as what is not written into the kernel is not compiled for its vectors.
#[inline(always)]
fn fill(state: &mut [[u32; LANES]; 4], amplitude: &[f32; LANES], out: &mut [Complex32; LANES]) {
    let (first, second) = (next(state), next(state));
    let (mut re, mut im) = ([0.0; LANES], [0.0; LANES]);
    for lane in 0..LANES {
        (re[lane], im[lane]) = normal(first[lane], second[lane]);
    }
    for lane in 0..LANES {
        out[lane] = Complex32::new(re[lane] * amplitude[lane], im[lane] * amplitude[lane]);
    }
}

/// One step of all generators.
#[inline(always)]
fn next(state: &mut [[u32; LANES]; 4]) -> [u32; LANES] {
    let mut out = [0; LANES];
    let [a, b, c, d] = state;
    for lane in 0..LANES {
        out[lane] = a[lane].wrapping_add(d[lane]).rotate_left(7).wrapping_add(a[lane]);
        let shifted = b[lane] << 9;
        c[lane] ^= a[lane];
        d[lane] ^= b[lane];
        b[lane] ^= c[lane];
        a[lane] ^= d[lane];
        c[lane] ^= shifted;
        d[lane] = d[lane].rotate_left(11);
    }
    out
}

/// A complex normal number of variance 1 from 64 random bits.
#[inline(always)]
fn normal(first: u32, second: u32) -> (f32, f32) {
    // Uniform in (0, 1), and an eighth of a turn to both sides of a quadrant's axis.
    let uniform = ((first >> 8) as i32 as f32 + 0.5) * (1.0 / 16_777_216.0);
    let radius = (-ln(uniform)).sqrt();
    let eighth = ((second >> 8) as i32 as f32 + 0.5) * (0.25 / 16_777_216.0) - 0.125;
    let (sin, cos) = sin_cos(eighth * std::f32::consts::TAU);
    let (x, y) = if second & 1 == 0 { (cos, sin) } else { (-sin, cos) };
    let (x, y) = if second & 2 == 0 { (x, y) } else { (-x, -y) };
    (radius * x, radius * y)
}

/// Natural logarithm of a normal number in (0, 1).
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    // The mantissa in [√½, √2).
    let shifted = bits.wrapping_add(0x3f80_0000 - 0x3f35_04f3);
    let exponent = (shifted >> 23) as i32 - 127;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let f = mantissa - 1.0;
    let square = f * f;
    let mut sum = 7.037_683_6e-2_f32;
    for coefficient in
        [-1.151_461e-1, 1.167_699_9e-1, -1.242_014_1e-1, 1.424_932_3e-1, -1.666_805_7e-1, 2.000_071_5e-1, -2.499_999_4e-1, 3.333_333e-1]
    {
        sum = sum * f + coefficient;
    }
    let low = exponent as f32 * -2.121_944_4e-4 + (sum * f * square - 0.5 * square);
    exponent as f32 * 0.693_359_4 + (f + low)
}

/// Sine and cosine within an eighth of a turn of zero.
#[inline(always)]
fn sin_cos(x: f32) -> (f32, f32) {
    let s = x * x;
    let sin = ((-1.951_529_6e-4 * s + 8.332_161e-3) * s - 1.666_665_5e-1) * s * x + x;
    let cos = ((2.443_315_7e-5 * s - 1.388_731_6e-3) * s + 4.166_664_6e-2) * s * s - 0.5 * s + 1.0;
    (sin, cos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    #[test]
    fn the_fast_form_is_box_and_mullers() {
        let mut stream = Seed(4).stream("normals", 0);
        let extremes = [(0, 0), (u32::MAX, u32::MAX), (0x8000_0000, 0x8000_0000), (0, 3)];
        for (first, second) in extremes.into_iter().chain((0..100_000).map(|_| (stream.bits() as u32, stream.bits() as u32))) {
            let uniform = (f64::from(first >> 8) + 0.5) / f64::from(1 << 24);
            // What single precision makes of the uniform number, which is exact but for the last step below 1.
            let radius = (-f64::from(uniform as f32).ln()).sqrt();
            let turn = (f64::from(second >> 8) + 0.5) / f64::from(1 << 26) - 0.125
                + 0.25 * f64::from(second & 1)
                + 0.5 * f64::from(second >> 1 & 1);
            let angle = turn * std::f64::consts::TAU;
            let (x, y) = normal(first, second);
            if uniform < 0.999_999 {
                assert!((f64::from(x) - radius * angle.cos()).abs() < 2e-6, "{first:#x} {second:#x}: {x}");
                assert!((f64::from(y) - radius * angle.sin()).abs() < 2e-6, "{first:#x} {second:#x}: {y}");
            } else {
                assert!(x.abs() < 2e-3 && y.abs() < 2e-3);
            }
        }
    }

    #[test]
    fn moments_are_right_and_any_length_is_filled() {
        let n = 400_003;
        let mut out = vec![Complex32::default(); n];
        Normals::new(&mut Seed(5).stream("normals", 1)).fill(&vec![1.0; n], &mut out);
        let mean = |of: &dyn Fn(&Complex32) -> f64| out.iter().map(of).sum::<f64>() / n as f64;
        let (re, im) = (|z: &Complex32| f64::from(z.re), |z: &Complex32| f64::from(z.im));
        // Five standard errors.
        let bound = 5.0 / (n as f64).sqrt();
        assert!(mean(&re).abs() < bound && mean(&im).abs() < bound && mean(&|z| re(z) * im(z)).abs() < bound);
        assert!((mean(&|z| re(z).powi(2)) - 0.5).abs() < bound && (mean(&|z| im(z).powi(2)) - 0.5).abs() < bound);
        assert!((mean(&|z| re(z).powi(4)) - 0.75).abs() < 3.0 * bound);
        let neighbours = out.windows(2).map(|two| re(&two[0]) * re(&two[1])).sum::<f64>() / n as f64;
        assert!(neighbours.abs() < bound);
    }
}

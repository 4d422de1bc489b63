//! The lanes as a plain array: the slow reference of the other forms.
#![expect(unsafe_code, reason = "implements the unsafe interface of `Pack`; reads and writes lanes through pointers")]

use super::{LANES, Pack};

/// Sixteen lanes in an array.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|l| f(self.0[l], b.0[l])))
    }
}

// SAFETY (whole impl): no special instructions; pointers are read and written for sixteen elements, as the trait demands.
impl Pack for Portable {
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|l| self.0[l].mul_add(b.0[l], c.0[l])))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        self.zip(b, |x, y| x + y)
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        self.zip(b, |x, y| x - y)
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        self.zip(b, |x, y| x * y)
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        // As the x86 instruction: the second operand where the comparison is false (NaN).
        self.zip(b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    unsafe fn exp2_integral(self) -> Self {
        Self(self.0.map(|n| f32::from_bits((((n as i32) + 127) << 23) as u32)))
    }
    #[inline(always)]
    unsafe fn nonzero(self) -> u16 {
        self.0.iter().enumerate().fold(0, |mask, (l, x)| mask | u16::from(*x != 0.0) << l)
    }
    #[inline(always)]
    unsafe fn less(self, b: Self) -> u16 {
        self.0.iter().zip(b.0).enumerate().fold(0, |mask, (l, (x, y))| mask | u16::from(*x < y) << l)
    }
    #[inline(always)]
    unsafe fn keep(self, mask: u16) -> Self {
        Self(std::array::from_fn(|l| if mask >> l & 1 == 1 { self.0[l] } else { 0.0 }))
    }
    #[inline(always)]
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16) {
        let (mut far, mut near) = (0, 0);
        for l in 0..LANES {
            let (dx, dy) = unsafe { (x - *xs.add(l), y - *ys.add(l)) };
            let squared = dx * dx + dy * dy;
            far |= u16::from(squared > above) << l;
            near |= u16::from(squared < below) << l;
        }
        (far, near)
    }
}

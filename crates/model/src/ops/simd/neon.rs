//! The NEON form of [`Pack`]: four 128-bit registers. NEON belongs to every 64-bit Arm processor.
#![expect(unsafe_code, reason = "vector instructions and the pointers that they load from")]

#[expect(clippy::wildcard_imports, reason = "dozens of intrinsics, all with their own prefix")]
use std::arch::aarch64::*;

use super::{LANES, Pack};

/// Lanes of one register.
const QUARTER: usize = LANES / 4;

/// Four 128-bit registers.
#[derive(Clone, Copy)]
pub(super) struct Neon([float32x4_t; 4]);

impl Neon {
    #[inline(always)]
    fn each(quarter: impl Fn(usize) -> float32x4_t) -> Self {
        Self([quarter(0), quarter(1), quarter(2), quarter(3)])
    }

    /// One bit per lane of four registers that are all ones or all zeros, lane by lane.
    #[inline(always)]
    unsafe fn bits(quarters: [uint32x4_t; 4]) -> u16 {
        const BIT: [u32; QUARTER] = [1, 2, 4, 8];
        unsafe {
            let bit = vld1q_u32(BIT.as_ptr());
            quarters
                .into_iter()
                .enumerate()
                .fold(0, |mask, (q, quarter)| mask | (vaddvq_u32(vandq_u32(quarter, bit)) as u16) << (QUARTER * q))
        }
    }
}

// SAFETY (whole impl): every 64-bit Arm processor has NEON; pointers are good for sixteen elements, as the trait demands.
impl Pack for Neon {
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([unsafe { vdupq_n_f32(value) }; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self::each(|q| unsafe { vld1q_f32(from.add(QUARTER * q)) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (q, quarter) in self.0.into_iter().enumerate() {
            unsafe { vst1q_f32(to.add(QUARTER * q), quarter) };
        }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Self::each(|q| unsafe { vfmaq_f32(c.0[q], self.0[q], b.0[q]) })
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self::each(|q| unsafe { vaddq_f32(self.0[q], b.0[q]) })
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self::each(|q| unsafe { vsubq_f32(self.0[q], b.0[q]) })
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self::each(|q| unsafe { vmulq_f32(self.0[q], b.0[q]) })
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        // As the x86 instruction: the second operand where the comparison is false (NaN).
        Self::each(|q| unsafe { vbslq_f32(vcgtq_f32(self.0[q], b.0[q]), self.0[q], b.0[q]) })
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self::each(|q| unsafe { vrndnq_f32(self.0[q]) })
    }
    #[inline(always)]
    unsafe fn exp2_integral(self) -> Self {
        Self::each(|q| unsafe {
            let n = vcvtq_s32_f32(self.0[q]);
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127))))
        })
    }
    #[inline(always)]
    unsafe fn nonzero(self) -> u16 {
        unsafe { Self::bits(self.0.map(|quarter| vmvnq_u32(vceqzq_f32(quarter)))) }
    }
    #[inline(always)]
    unsafe fn less(self, b: Self) -> u16 {
        let quarter = |q: usize| unsafe { vcltq_f32(self.0[q], b.0[q]) };
        unsafe { Self::bits([quarter(0), quarter(1), quarter(2), quarter(3)]) }
    }
    #[inline(always)]
    unsafe fn keep(self, mask: u16) -> Self {
        const BIT: [u32; QUARTER] = [1, 2, 4, 8];
        Self::each(|q| unsafe {
            let selected = vtstq_u32(vdupq_n_u32(u32::from(mask) >> (QUARTER * q)), vld1q_u32(BIT.as_ptr()));
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0[q]), selected))
        })
    }
    #[inline(always)]
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16) {
        let (mut far, mut near) = (0u16, 0u16);
        for pair in 0..LANES / 2 {
            unsafe {
                let dx = vsubq_f64(vdupq_n_f64(x), vld1q_f64(xs.add(2 * pair)));
                let dy = vsubq_f64(vdupq_n_f64(y), vld1q_f64(ys.add(2 * pair)));
                let squared = vaddq_f64(vmulq_f64(dx, dx), vmulq_f64(dy, dy));
                let two = |lanes: uint64x2_t| (vgetq_lane_u64::<0>(lanes) & 1) as u16 | (vgetq_lane_u64::<1>(lanes) & 2) as u16;
                far |= two(vcgtq_f64(squared, vdupq_n_f64(above))) << (2 * pair);
                near |= two(vcltq_f64(squared, vdupq_n_f64(below))) << (2 * pair);
            }
        }
        (far, near)
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut columns = rows;
        // Sixteen squares of four by four; square (a, b) of the rows is square (b, a) of the columns.
        for a in 0..4 {
            for b in 0..4 {
                let row = |i: usize| rows[4 * a + i].0[b];
                unsafe {
                    let (low, high) = (vtrnq_f32(row(0), row(1)), vtrnq_f32(row(2), row(3)));
                    let pair = |x: float32x4_t, y: float32x4_t| {
                        let (x, y) = (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
                        (vreinterpretq_f32_f64(vtrn1q_f64(x, y)), vreinterpretq_f32_f64(vtrn2q_f64(x, y)))
                    };
                    let ((c0, c2), (c1, c3)) = (pair(low.0, high.0), pair(low.1, high.1));
                    for (i, column) in [c0, c1, c2, c3].into_iter().enumerate() {
                        columns[4 * b + i].0[a] = column;
                    }
                }
            }
        }
        columns
    }
}

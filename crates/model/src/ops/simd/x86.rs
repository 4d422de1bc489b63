//! AVX-512 and AVX2 forms of [`Pack`].
#![expect(unsafe_code, reason = "vector instructions and the pointers that they load from")]

#[cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "dozens of intrinsics, all with their own prefix"))]
use std::arch::x86_64::*;

use super::{Kernel, LANES, Pack};

/// # Safety
/// The processor has AVX-512 F and DQ, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function enables the instructions of `Avx512`.
    unsafe { kernel.call::<Avx512>() }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function enables the instructions of `Avx2`.
    unsafe { kernel.call::<Avx2>() }
}

/// One 512-bit register.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY (whole impl): called within `run_avx512` only; pointers are good for sixteen elements, as the trait demands.
impl Pack for Avx512 {
    const WIDE: bool = true;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        Self(unsafe { _mm512_max_ps(self.0, b.0) })
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    unsafe fn exp2_integral(self) -> Self {
        unsafe {
            let n = _mm512_cvtps_epi32(self.0);
            let bits = _mm512_slli_epi32::<23>(_mm512_add_epi32(n, _mm512_set1_epi32(127)));
            Self(_mm512_castsi512_ps(bits))
        }
    }
    #[inline(always)]
    unsafe fn nonzero(self) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self.0, _mm512_setzero_ps()) }
    }
    #[inline(always)]
    unsafe fn less(self, b: Self) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, b.0) }
    }
    #[inline(always)]
    unsafe fn keep(self, mask: u16) -> Self {
        Self(unsafe { _mm512_maskz_mov_ps(mask, self.0) })
    }
    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        const EVEN: i32 = 0b10_00_10_00;
        const ODD: i32 = 0b11_01_11_01;
        unsafe {
            let zero = _mm512_setzero_ps();
            // Pairs, then fours: after this, quarter `q` of `fours[4g+c]` is column 4q+c of rows 4g … 4g+3.
            let mut fours = [zero; LANES];
            for g in (0..LANES).step_by(4) {
                let pair = |i: usize| (_mm512_unpacklo_ps(rows[i].0, rows[i + 1].0), _mm512_unpackhi_ps(rows[i].0, rows[i + 1].0));
                let ((a, b), (c, d)) = (pair(g), pair(g + 2));
                let [a, b, c, d] = [a, b, c, d].map(|x| _mm512_castps_pd(x));
                fours[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
                fours[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
                fours[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
                fours[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
            }
            let mut columns = [Self(zero); LANES];
            for c in 0..4 {
                let even = [0, 8].map(|g| _mm512_shuffle_f32x4::<EVEN>(fours[g + c], fours[g + 4 + c]));
                let odd = [0, 8].map(|g| _mm512_shuffle_f32x4::<ODD>(fours[g + c], fours[g + 4 + c]));
                columns[c] = Self(_mm512_shuffle_f32x4::<EVEN>(even[0], even[1]));
                columns[8 + c] = Self(_mm512_shuffle_f32x4::<ODD>(even[0], even[1]));
                columns[4 + c] = Self(_mm512_shuffle_f32x4::<EVEN>(odd[0], odd[1]));
                columns[12 + c] = Self(_mm512_shuffle_f32x4::<ODD>(odd[0], odd[1]));
            }
            columns
        }
    }
    #[inline(always)]
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16) {
        let (mut far, mut near) = (0u16, 0u16);
        for half in 0..2 {
            unsafe {
                let dx = _mm512_sub_pd(_mm512_set1_pd(x), _mm512_loadu_pd(xs.add(8 * half)));
                let dy = _mm512_sub_pd(_mm512_set1_pd(y), _mm512_loadu_pd(ys.add(8 * half)));
                let squared = _mm512_add_pd(_mm512_mul_pd(dx, dx), _mm512_mul_pd(dy, dy));
                far |= u16::from(_mm512_cmp_pd_mask::<_CMP_GT_OQ>(squared, _mm512_set1_pd(above))) << (8 * half);
                near |= u16::from(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(squared, _mm512_set1_pd(below))) << (8 * half);
            }
        }
        (far, near)
    }
}

/// Two 256-bit registers.
#[derive(Clone, Copy)]
pub(super) struct Avx2([__m256; 2]);

// SAFETY (whole impl): called within `run_avx2` only; pointers are good for sixteen elements, as the trait demands.
impl Pack for Avx2 {
    const WIDE: bool = false;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([unsafe { _mm256_set1_ps(value) }; 2])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(LANES / 2))] })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe {
            _mm256_storeu_ps(to, self.0[0]);
            _mm256_storeu_ps(to.add(LANES / 2), self.0[1]);
        }
    }
    #[inline(always)]
    unsafe fn fma(self, b: Self, c: Self) -> Self {
        unsafe { Self([_mm256_fmadd_ps(self.0[0], b.0[0], c.0[0]), _mm256_fmadd_ps(self.0[1], b.0[1], c.0[1])]) }
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        unsafe { Self([_mm256_add_ps(self.0[0], b.0[0]), _mm256_add_ps(self.0[1], b.0[1])]) }
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        unsafe { Self([_mm256_sub_ps(self.0[0], b.0[0]), _mm256_sub_ps(self.0[1], b.0[1])]) }
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        unsafe { Self([_mm256_mul_ps(self.0[0], b.0[0]), _mm256_mul_ps(self.0[1], b.0[1])]) }
    }
    #[inline(always)]
    unsafe fn max(self, b: Self) -> Self {
        unsafe { Self([_mm256_max_ps(self.0[0], b.0[0]), _mm256_max_ps(self.0[1], b.0[1])]) }
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        unsafe { Self([_mm256_round_ps::<NEAREST>(self.0[0]), _mm256_round_ps::<NEAREST>(self.0[1])]) }
    }
    #[inline(always)]
    unsafe fn exp2_integral(self) -> Self {
        Self(self.0.map(|half| unsafe {
            let n = _mm256_cvtps_epi32(half);
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127))))
        }))
    }
    #[inline(always)]
    unsafe fn nonzero(self) -> u16 {
        let half = |x| unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(x, _mm256_setzero_ps())) as u16 };
        half(self.0[0]) | half(self.0[1]) << 8
    }
    #[inline(always)]
    unsafe fn less(self, b: Self) -> u16 {
        let half = |x, y| unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(x, y)) as u16 };
        half(self.0[0], b.0[0]) | half(self.0[1], b.0[1]) << 8
    }
    #[inline(always)]
    unsafe fn keep(self, mask: u16) -> Self {
        unsafe {
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let select = |half: __m256, byte: i32| {
                let set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(byte), bits), bits);
                _mm256_and_ps(half, _mm256_castsi256_ps(set))
            };
            Self([select(self.0[0], i32::from(mask & 255)), select(self.0[1], i32::from(mask >> 8))])
        }
    }
    #[inline(always)]
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16) {
        let (mut far, mut near) = (0u16, 0u16);
        for quarter in 0..4 {
            unsafe {
                let dx = _mm256_sub_pd(_mm256_set1_pd(x), _mm256_loadu_pd(xs.add(4 * quarter)));
                let dy = _mm256_sub_pd(_mm256_set1_pd(y), _mm256_loadu_pd(ys.add(4 * quarter)));
                let squared = _mm256_add_pd(_mm256_mul_pd(dx, dx), _mm256_mul_pd(dy, dy));
                far |= (_mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(squared, _mm256_set1_pd(above))) as u16) << (4 * quarter);
                near |= (_mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(squared, _mm256_set1_pd(below))) as u16) << (4 * quarter);
            }
        }
        (far, near)
    }
}

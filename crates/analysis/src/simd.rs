//! Plain loops, compiled for wider vectors where the processor has them.
//!
//! A [`Kernel`] is ordinary safe Rust over fixed-width arrays that the compiler vectorises; [`widest`] runs the copy that was compiled for AVX-512 or AVX2 where the
//! processor has it. No operation is reordered or fused, so all copies give the same bits.

#![expect(unsafe_code, reason = "entering functions whose instructions the processor was checked for, and casts of values in range")]

/// Work that is compiled once per instruction set. Implementations are `#[inline(always)]`.
pub(crate) trait Kernel {
    type Output;
    fn call(self) -> Self::Output;
}

/// Runs a kernel with the widest vectors there are.
pub(crate) fn widest<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vl") {
        // SAFETY: the processor has what the function was compiled for.
        return unsafe { avx512(kernel) };
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function was compiled for.
        return unsafe { avx2(kernel) };
    }
    kernel.call()
}

/// The whole part of a value, at least 0 (which NaN is too) and at most `last`; as a vector instruction, which a cast that checks for NaN is not.
#[inline(always)]
pub(crate) fn whole_part(value: f32, last: u16) -> usize {
    let last = f32::from(last);
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < last { value } else { last };
    // SAFETY: within 0 … 65,535.
    (unsafe { value.to_int_unchecked::<i32>() }) as usize
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.call()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.call()
}

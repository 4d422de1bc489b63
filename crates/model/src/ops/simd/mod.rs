//! Sixteen float lanes, the same bits on every processor.
//!
//! [`Pack`] is sixteen `f32` lanes: one AVX-512 register, two AVX2 registers, or a plain array that the compiler vectorizes
//! (NEON has fused multiply-add everywhere). Every operation is correctly rounded per lane, so the three forms give identical
//! bits. A [`Kernel`] is written once, generic over `Pack`, and [`run`] picks the widest form that the processor has.

#![expect(unsafe_code, reason = "the interface to vector instructions, and entering functions whose instructions were checked for")]

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;

/// Lanes of a [`Pack`].
pub(crate) const LANES: usize = 16;

/// Sixteen `f32` lanes; see the module's page.
///
/// # Safety
/// The methods may use instructions that not every processor has: they are called only from within [`run`], which has checked.
/// `load`/`store` and `distance_masks` read and write sixteen consecutive elements at the pointer.
pub(crate) trait Pack: Copy {
    /// Enough registers for the large tiles of a matrix product (32 instead of 16 vector registers, one per pack).
    const WIDE: bool;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self · b + c`, rounded once.
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn max(self, b: Self) -> Self;
    /// Nearest integer, ties to even.
    unsafe fn round(self) -> Self;
    /// `2^self` for integral lanes in [-126, 127].
    unsafe fn exp2_integral(self) -> Self;
    /// Bit `l` is set where lane `l` is not 0 (NaN counts as not 0).
    unsafe fn nonzero(self) -> u16;
    /// Lane `l` where bit `l` of `mask` is set, else 0.
    unsafe fn keep(self, mask: u16) -> Self;
    /// Bits of (distance² > above, distance² < below) between one point and sixteen, in `f64` without contraction.
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16);

    /// The lanes' sum, folded 16 → 8 → 4 → 2 → 1 in `f64`.
    #[inline(always)]
    unsafe fn sum(self) -> f64 {
        let mut lanes = [0f32; LANES];
        // SAFETY: `lanes` holds sixteen floats.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut folded = [0f64; LANES];
        for (f, l) in folded.iter_mut().zip(lanes) {
            *f = f64::from(l);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for l in 0..width {
                folded[l] += folded[l + width];
            }
            width /= 2;
        }
        folded[0]
    }
}

/// Work that is written once for every instruction set.
pub(crate) trait Kernel {
    type Output;
    /// # Safety
    /// Called by [`run`] only, within a function that enables the instructions of `P`. Implementations are `#[inline(always)]`.
    unsafe fn call<P: Pack>(self) -> Self::Output;
}

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors.
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// Whatever the target has; exact everywhere, fast where the target has fused multiply-add (Arm).
    Portable,
}

/// The widest instruction set of this processor; `GRIDLAKE_SIMD=avx512|avx2|portable` narrows it (results do not change).
pub fn instruction_set() -> InstructionSet {
    static FOUND: std::sync::OnceLock<InstructionSet> = std::sync::OnceLock::new();
    *FOUND.get_or_init(|| {
        let wanted = std::env::var("GRIDLAKE_SIMD").unwrap_or_default();
        available()
            .into_iter()
            .find(|set| wanted.is_empty() || format!("{set:?}").eq_ignore_ascii_case(&wanted))
            .unwrap_or(InstructionSet::Portable)
    })
}

/// What this processor can run, widest first.
pub(crate) fn available() -> Vec<InstructionSet> {
    let mut sets = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("fma") {
            sets.push(InstructionSet::Avx512);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(InstructionSet::Avx2);
        }
    }
    sets.push(InstructionSet::Portable);
    sets
}

/// Runs a kernel on this processor's widest vectors.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    run_on(instruction_set(), kernel)
}

/// Runs a kernel on the given instruction set, which must be one of [`available`].
pub(crate) fn run_on<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    match set {
        // SAFETY: `available` lists a set only if the processor has it.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { x86::run_avx2(kernel) },
        // SAFETY: plain Rust.
        _ => unsafe { kernel.call::<Portable>() },
    }
}

/// `exp` of sixteen lanes, about 1 unit in the last place on [-87, 88]; clamped outside.
///
/// Range reduction by ln 2 in two parts, then a degree-6 polynomial (the minimax one of Cephes' `expf`, S. Moshier).
#[inline(always)]
pub(crate) unsafe fn exp<P: Pack>(x: P) -> P {
    // SAFETY: the caller is within `run`.
    unsafe {
        let x = x.max(P::splat(-87.0));
        let n = x.mul(P::splat(std::f32::consts::LOG2_E)).round();
        let r = n.fma(P::splat(-0.693_359_4), x);
        let r = n.fma(P::splat(2.121_944_4e-4), r);
        let mut p = P::splat(1.987_569_2e-4);
        for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
            p = p.fma(r, P::splat(c));
        }
        let p = p.fma(r.mul(r), r).add(P::splat(1.0));
        p.mul(n.exp2_integral())
    }
}

#[cfg(test)]
mod tests;

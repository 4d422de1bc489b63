//! Sixteen float lanes, the same bits on every processor.
//!
//! [`Pack`] is sixteen `f32` lanes: one AVX-512 register, two AVX2 registers, four NEON registers, or a plain array, the slow reference that runs
//! everywhere. Every operation is correctly rounded per lane, so all forms give identical bits. A [`Kernel`] is written once, generic over `Pack`, and [`run`] picks the widest form that the processor has.

#![expect(unsafe_code, reason = "the interface to vector instructions, and entering functions whose instructions were checked for")]

#[cfg(target_arch = "aarch64")]
mod neon;
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
    /// Bit `l` is set where lane `l` is below `b`'s.
    unsafe fn less(self, b: Self) -> u16;
    /// Lane `l` where bit `l` of `mask` is set, else 0.
    unsafe fn keep(self, mask: u16) -> Self;
    /// Bits of (distance² > above, distance² < below) between one point and sixteen, in `f64` without contraction.
    unsafe fn distance_masks(x: f64, y: f64, xs: *const f64, ys: *const f64, above: f64, below: f64) -> (u16, u16);

    /// Sixteen packs as the rows of a square, turned into its columns.
    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let (mut from, mut to) = ([[0f32; LANES]; LANES], [[0f32; LANES]; LANES]);
        // SAFETY: rows of sixteen floats.
        unsafe {
            for (row, pack) in from.iter_mut().zip(rows) {
                pack.store(row.as_mut_ptr());
            }
            for (i, row) in from.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    to[j][i] = *value;
                }
            }
            to.map(|row| Self::load(row.as_ptr()))
        }
    }

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
    /// 128-bit vectors of 64-bit Arm.
    Neon,
    /// Whatever the compiler makes of plain Rust: exact everywhere, fast nowhere.
    Portable,
}

/// The widest instruction set of this processor; `GRIDLAKE_SIMD=avx512|avx2|neon|portable` narrows it (results do not change).
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
    #[cfg(target_arch = "aarch64")]
    sets.push(InstructionSet::Neon);
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
        // SAFETY: every 64-bit Arm processor has NEON.
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon => unsafe { kernel.call::<neon::Neon>() },
        // SAFETY: plain Rust.
        _ => unsafe { kernel.call::<Portable>() },
    }
}

/// `2^x` of sixteen lanes, about 1 unit in the last place on [-126, 127]; at most 2⁻¹²⁶ below.
///
/// x = n + f with |f| ≤ ½; 2^f by the Taylor series of e^(f·ln 2) to the 7th power, whose remainder is below 2⁻²⁷.
#[inline(always)]
pub(crate) unsafe fn exp2<P: Pack>(x: P) -> P {
    // SAFETY: the caller is within `run`.
    unsafe {
        let x = x.max(P::splat(-126.0));
        let n = x.round();
        let f = x.sub(n);
        let mut p = P::splat(1.525_273_4e-5);
        for c in [1.540_353e-4, 1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0] {
            p = p.fma(f, P::splat(c));
        }
        p.mul(n.exp2_integral())
    }
}

/// `rows × columns` floats turned: `to[c·to_row + r] = from[r·from_row + c]`, sixteen by sixteen where they fill a square.
///
/// # Safety
/// All those elements lie within their allocations, which do not overlap; called within [`run`].
#[inline(always)]
pub(crate) unsafe fn transpose<P: Pack>((rows, columns): (usize, usize), from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
    let (whole_rows, whole_columns) = (rows / LANES * LANES, columns / LANES * LANES);
    // SAFETY: whole squares lie below `rows` and `columns`, and so do the single elements after them.
    unsafe {
        for r in (0..whole_rows).step_by(LANES) {
            for c in (0..whole_columns).step_by(LANES) {
                let mut square = [P::splat(0.0); LANES];
                for (i, pack) in square.iter_mut().enumerate() {
                    *pack = P::load(from.add((r + i) * from_row + c));
                }
                for (i, pack) in P::transpose(square).into_iter().enumerate() {
                    pack.store(to.add((c + i) * to_row + r));
                }
            }
        }
        for r in 0..rows {
            for c in if r < whole_rows { whole_columns } else { 0 }..columns {
                *to.add(c * to_row + r) = *from.add(r * from_row + c);
            }
        }
    }
}

#[cfg(test)]
mod tests;

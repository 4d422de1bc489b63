//! The matrix product under all kernels: `C = A·B` or `C += A·B`, every element of `C` one chain of fused multiply-adds over the inner index.
//!
//! Tiles of `C` stay in registers (8 rows × 3 packs with 32 registers, 4 × 1 with 16) while the inner index runs. `A` is read one broadcast element at a time
//! and may have any strides; rows of `B` and `C` are contiguous. Nothing is packed here: callers hand over operands
//! that fit the caches. Splitting the inner index over several calls gives the same bits as one call.
#![expect(unsafe_code, reason = "register tiles over raw pointers; bounds are the caller's, checked there")]

use super::simd::{LANES, Pack};

/// A read-only operand with any strides.
#[derive(Clone, Copy)]
pub(crate) struct Strided {
    pub(crate) data: *const f32,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// `C[m×n] = A[m×k]·B[k×n]`, or `C += A·B` with `ADD`; rows of `b` are `b_row` apart, rows of `c` `c_row`.
///
/// # Safety
/// Every element named by the shapes lies within its allocation; `c` overlaps neither operand; called within [`super::simd::run`].
#[inline(always)]
pub(crate) unsafe fn multiply<P: Pack, const ADD: bool>(
    (m, n, k): (usize, usize, usize),
    a: Strided,
    b: *const f32,
    b_row: usize,
    c: *mut f32,
    c_row: usize,
) {
    let packs = n / LANES;
    let mut pack = 0;
    // SAFETY: `pack·LANES + width ≤ n` in every call; rows are split below `m`.
    unsafe {
        while pack < packs {
            let (b, c) = (b.add(pack * LANES), c.add(pack * LANES));
            match (P::WIDE, packs - pack) {
                // Four are two strips of two: a strip of one would read `A` once per multiply-add.
                (true, 3 | 5..) => {
                    rows::<P, ADD, 8, 3>(m, k, a, b, b_row, c, c_row);
                    pack += 3;
                }
                (true, 2 | 4) => {
                    rows::<P, ADD, 8, 2>(m, k, a, b, b_row, c, c_row);
                    pack += 2;
                }
                (true, _) => {
                    rows::<P, ADD, 8, 1>(m, k, a, b, b_row, c, c_row);
                    pack += 1;
                }
                (false, _) => {
                    rows::<P, ADD, 4, 1>(m, k, a, b, b_row, c, c_row);
                    pack += 1;
                }
            }
        }
        for column in packs * LANES..n {
            for row in 0..m {
                let to = c.add(row * c_row + column);
                let mut sum = if ADD { *to } else { 0.0 };
                for p in 0..k {
                    sum = (*a.data.add(row * a.row + p * a.column)).mul_add(*b.add(p * b_row + column), sum);
                }
                *to = sum;
            }
        }
    }
}

/// All rows of one strip of `NP` packs: `MR` at a time, the rest one by one.
#[inline(always)]
unsafe fn rows<P: Pack, const ADD: bool, const MR: usize, const NP: usize>(
    m: usize,
    k: usize,
    a: Strided,
    b: *const f32,
    b_row: usize,
    c: *mut f32,
    c_row: usize,
) {
    let mut row = 0;
    // SAFETY: `row + MR ≤ m`, then `row + 1 ≤ m`.
    unsafe {
        while row + MR <= m {
            tile::<P, ADD, MR, NP>(k, a.at_row(row), b, b_row, c.add(row * c_row), c_row);
            row += MR;
        }
        while row < m {
            tile::<P, ADD, 1, NP>(k, a.at_row(row), b, b_row, c.add(row * c_row), c_row);
            row += 1;
        }
    }
}

impl Strided {
    #[inline(always)]
    unsafe fn at_row(self, row: usize) -> Self {
        // SAFETY: the caller's row is one of the operand's.
        Self { data: unsafe { self.data.add(row * self.row) }, ..self }
    }
}

#[inline(always)]
unsafe fn tile<P: Pack, const ADD: bool, const MR: usize, const NP: usize>(
    k: usize,
    a: Strided,
    b: *const f32,
    b_row: usize,
    c: *mut f32,
    c_row: usize,
) {
    // SAFETY: the caller's bounds: MR rows, NP packs, k inner elements.
    unsafe {
        let mut sums = [[P::splat(0.0); NP]; MR];
        if ADD {
            for (i, sums) in sums.iter_mut().enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = P::load(c.add(i * c_row + j * LANES));
                }
            }
        }
        for p in 0..k {
            let mut columns = [P::splat(0.0); NP];
            for (j, column) in columns.iter_mut().enumerate() {
                *column = P::load(b.add(p * b_row + j * LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let factor = P::splat(*a.data.add(i * a.row + p * a.column));
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = factor.fma(column, *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                sum.store(c.add(i * c_row + j * LANES));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::simd::{Kernel, available, run_on};

    struct Product<'a> {
        shape: (usize, usize, usize),
        a: &'a [f32],
        transposed: bool,
        add: bool,
        b: &'a [f32],
        c: &'a mut [f32],
    }

    impl Kernel for Product<'_> {
        type Output = ();
        #[inline(always)]
        unsafe fn call<P: Pack>(self) {
            let (m, n, k) = self.shape;
            let (row, column) = if self.transposed { (1, m) } else { (k, 1) };
            let a = Strided { data: self.a.as_ptr(), row, column };
            // SAFETY: slices of m·k, k·n and m·n elements.
            unsafe {
                if self.add {
                    multiply::<P, true>(self.shape, a, self.b.as_ptr(), n, self.c.as_mut_ptr(), n);
                } else {
                    multiply::<P, false>(self.shape, a, self.b.as_ptr(), n, self.c.as_mut_ptr(), n);
                }
            }
        }
    }

    #[test]
    fn is_the_chain_of_fused_multiply_adds_on_every_instruction_set() {
        let mut stream = gridlake_space::seed::Seed(3).stream("matmul", 0);
        for (m, n, k) in [(1, 1, 1), (3, 16, 5), (8, 48, 7), (9, 50, 64), (17, 96, 30), (24, 15, 2), (5, 130, 9), (4, 64, 0)] {
            let mut draw = |len: usize| (0..len).map(|_| stream.uniform_in(-1.0, 1.0) as f32).collect::<Vec<_>>();
            let (a, b, start) = (draw(m * k), draw(k * n), draw(m * n));
            for (transposed, add) in [(false, true), (true, true), (false, false), (true, false)] {
                let mut expected = if add { start.clone() } else { vec![0.0; m * n] };
                for i in 0..m {
                    for j in 0..n {
                        for p in 0..k {
                            let factor = if transposed { a[p * m + i] } else { a[i * k + p] };
                            expected[i * n + j] = factor.mul_add(b[p * n + j], expected[i * n + j]);
                        }
                    }
                }
                for set in available() {
                    let mut c = start.clone();
                    run_on(set, Product { shape: (m, n, k), a: &a, transposed, add, b: &b, c: &mut c });
                    assert_eq!(c, expected, "{set:?} {m}×{n}×{k} transposed {transposed} add {add}");
                }
            }
        }
    }
}

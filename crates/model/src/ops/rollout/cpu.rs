//! The rollout on the CPU: trajectories in parallel, each step one sparse combination of matrix columns held in registers.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::{NORM_EPSILON, States, Steps};
use crate::ops::linear::Shared;
use crate::ops::matmul::{Strided, accumulate};
use crate::ops::simd::{Kernel, LANES, Pack, run};
use rayon::prelude::*;

/// Rolls out all trajectories. `w` (K, N, N) row-major, `initial_raw` (N).
pub(crate) fn forward(steps: Steps<'_>, w: &[f32], initial_raw: &[f32]) -> States {
    let n = steps.units;
    assert_eq!(w.len(), steps.velocities * n * n);
    assert_eq!((initial_raw.len(), steps.index.len()), (n, steps.states()));
    assert!(steps.index.iter().all(|k| (*k as usize) < steps.velocities));
    let (initial, initial_norm) = norm_relu(initial_raw);
    let (g, norm) = continue_from(steps, w, &initial);
    let zero_states = norm.iter().filter(|n| **n == 0.0).count();
    States { g, norm, initial, initial_norm, zero_states }
}

/// NormReLU of raw values (N): the state (stride) and ‖ReLU(raw)‖.
pub(crate) fn norm_relu(raw: &[f32]) -> (Vec<f32>, f32) {
    let mut state = raw.to_vec();
    state.resize(raw.len().next_multiple_of(LANES), 0.0);
    let norm = run(NormRelu { z: &mut state });
    (state, norm)
}

/// The same from a state g (stride) that needs no normalization: states (S, stride) and norms (S).
pub(crate) fn continue_from(steps: Steps<'_>, w: &[f32], initial: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (n, stride) = (steps.units, steps.stride());
    assert_eq!(initial.len(), stride);
    let columns = padded(w, n, stride, true);
    let (mut g, mut norm) = (vec![0f32; steps.states() * stride], vec![0f32; steps.states()]);
    g.par_chunks_mut(steps.length * stride)
        .zip(norm.par_chunks_mut(steps.length))
        .zip(steps.index.par_chunks(steps.length))
        .for_each(|((g, norm), index)| run(Trajectory { n, stride, columns: &columns, initial, g, norm, index }));
    (g, norm)
}

/// Back through time. `dg` (S, stride) holds each state's own gradient on entry and ∂L/∂z on return; `dg_initial` (stride) likewise that of g₀,
/// from terms that see it directly. Returns ∂L/∂W (K, N, N) and ∂L/∂raw (N).
pub(crate) fn backward(steps: Steps<'_>, w: &[f32], states: &States, dg: &mut [f32], dg_initial: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (n, stride) = (steps.units, steps.stride());
    assert_eq!(dg.len(), states.g.len());
    let rows_storage = if n == stride { None } else { Some(padded(w, n, stride, false)) };
    let rows = rows_storage.as_deref().unwrap_or(w);
    let carried: Vec<Vec<f32>> = dg
        .par_chunks_mut(steps.length * stride)
        .enumerate()
        .map(|(b, dg)| {
            let own = b * steps.length..(b + 1) * steps.length;
            run(BackThroughTime {
                stride,
                rows,
                row_count: n,
                g: &states.g[own.start * stride..own.end * stride],
                norm: &states.norm[own.clone()],
                index: &steps.index[own],
                dg,
            })
        })
        .collect();
    let mut initial = dg_initial.to_vec();
    for carried in carried {
        for (sum, value) in initial.iter_mut().zip(carried) {
            *sum += value;
        }
    }
    run(NormReluBackward { g: &states.initial, norm: states.initial_norm, dg: &mut initial });
    initial.truncate(n);
    (weight_gradient(steps, states, dg), initial)
}

/// ∂L/∂W(v_k) = Δ_kᵀ·G_k: rows gathered by velocity, one product each.
fn weight_gradient(steps: Steps<'_>, states: &States, dz: &[f32]) -> Vec<f32> {
    let (n, stride) = (steps.units, steps.stride());
    let mut dw = vec![0f32; steps.velocities * n * n];
    dw.par_chunks_mut(n * n).zip(steps.uses()).for_each(|(dw, uses)| {
        let (mut delta, mut before) = (Vec::with_capacity(uses.len() * stride), Vec::with_capacity(uses.len() * stride));
        for state in uses.iter().map(|s| *s as usize) {
            delta.extend_from_slice(&dz[state * stride..(state + 1) * stride]);
            before.extend_from_slice(match state % steps.length {
                0 => &states.initial,
                _ => &states.g[(state - 1) * stride..state * stride],
            });
        }
        run(OuterProducts { uses: uses.len(), n, stride, delta: &delta, before: &before, dw });
    });
    dw
}

/// The K matrices with rows padded to `stride` (zeros), transposed or not.
fn padded(w: &[f32], n: usize, stride: usize, transposed: bool) -> Vec<f32> {
    let mut out = vec![0f32; w.len() / n * stride];
    out.par_chunks_mut(n * stride).zip(w.par_chunks(n * n)).for_each(|(out, w)| {
        if transposed {
            // Blocks of one cache line keep both sides' lines in the first-level cache.
            for i0 in (0..n).step_by(LANES) {
                for (j, out) in out.chunks_exact_mut(stride).enumerate() {
                    for (i, to) in out[i0..n.min(i0 + LANES)].iter_mut().enumerate() {
                        *to = w[(i0 + i) * n + j];
                    }
                }
            }
        } else {
            for (out, w) in out.chunks_exact_mut(stride).zip(w.chunks_exact(n)) {
                out[..n].copy_from_slice(w);
            }
        }
    });
    out
}

/// `out = Σ coefficient·matrix[row]` over the listed rows, all of `out` in registers, block by block.
#[inline(always)]
unsafe fn combine<P: Pack>(terms: &[(u32, f32)], matrix: *const f32, stride: usize, out: *mut f32) {
    let limit = if P::WIDE { 8 } else { 6 };
    let (mut first, packs) = (0, stride / LANES);
    while first < packs {
        let count = limit.min(packs - first);
        // SAFETY: rows of `stride` floats at every listed index; `count` packs from `first` end within the row.
        unsafe {
            let (matrix, out) = (matrix.add(first * LANES), out.add(first * LANES));
            match count {
                1 => block::<P, 1>(terms, matrix, stride, out),
                2 => block::<P, 2>(terms, matrix, stride, out),
                3 => block::<P, 3>(terms, matrix, stride, out),
                4 => block::<P, 4>(terms, matrix, stride, out),
                5 => block::<P, 5>(terms, matrix, stride, out),
                6 => block::<P, 6>(terms, matrix, stride, out),
                7 => block::<P, 7>(terms, matrix, stride, out),
                _ => block::<P, 8>(terms, matrix, stride, out),
            }
        }
        first += count;
    }
}

#[inline(always)]
unsafe fn block<P: Pack, const NB: usize>(terms: &[(u32, f32)], matrix: *const f32, stride: usize, out: *mut f32) {
    // SAFETY: the caller's bounds.
    unsafe {
        let mut sums = [P::splat(0.0); NB];
        for (row, coefficient) in terms {
            let (row, coefficient) = (matrix.add(*row as usize * stride), P::splat(*coefficient));
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum = coefficient.fma(P::load(row.add(j * LANES)), *sum);
            }
        }
        for (j, sum) in sums.iter().enumerate() {
            sum.store(out.add(j * LANES));
        }
    }
}

/// The non-zero elements of a padded vector with their places.
#[inline(always)]
unsafe fn nonzero<P: Pack>(values: &[f32], terms: &mut Vec<(u32, f32)>) {
    terms.clear();
    terms.reserve(values.len());
    for at in (0..values.len()).step_by(LANES) {
        // SAFETY: a multiple of the lanes.
        let mut left = unsafe { P::load(values.as_ptr().add(at)).nonzero() };
        while left != 0 {
            let place = at + left.trailing_zeros() as usize;
            terms.push((place as u32, values[place]));
            left &= left - 1;
        }
    }
}

/// Σ a·b over a padded vector, in sixteen lanes folded in order.
#[inline(always)]
unsafe fn dot<P: Pack>(a: &[f32], b: &[f32]) -> f64 {
    // SAFETY: lengths are equal multiples of the lanes.
    unsafe {
        let mut sum = P::splat(0.0);
        for at in (0..a.len()).step_by(LANES) {
            sum = P::load(a.as_ptr().add(at)).fma(P::load(b.as_ptr().add(at)), sum);
        }
        sum.sum()
    }
}

/// Rectifies and normalizes in place; returns the norm.
#[inline(always)]
unsafe fn rectify_and_normalize<P: Pack>(z: &mut [f32]) -> f32 {
    // SAFETY: a multiple of the lanes.
    unsafe {
        let zero = P::splat(0.0);
        for at in (0..z.len()).step_by(LANES) {
            let p = z.as_mut_ptr().add(at);
            P::load(p).max(zero).store(p);
        }
        let norm = dot::<P>(z, z).sqrt() as f32;
        let scale = P::splat(1.0 / (norm + NORM_EPSILON));
        for at in (0..z.len()).step_by(LANES) {
            let p = z.as_mut_ptr().add(at);
            P::load(p).mul(scale).store(p);
        }
        norm
    }
}

/// ∂L/∂z from ∂L/∂g in place: (dg - g·(g·dg)·(n+ε)/n)/(n+ε) where g > 0, else 0.
#[inline(always)]
unsafe fn norm_relu_backward<P: Pack>(g: &[f32], norm: f32, dg: &mut [f32]) {
    if norm == 0.0 {
        dg.fill(0.0);
        return;
    }
    // SAFETY: equal lengths, multiples of the lanes.
    unsafe {
        let scale = 1.0 / (norm + NORM_EPSILON);
        let along = -(dot::<P>(g, dg) as f32) * ((norm + NORM_EPSILON) / norm);
        let (scale, along) = (P::splat(scale), P::splat(along));
        for at in (0..g.len()).step_by(LANES) {
            let (g, to) = (P::load(g.as_ptr().add(at)), dg.as_mut_ptr().add(at));
            // g ≥ 0, so "not 0" is "active".
            g.fma(along, P::load(to)).mul(scale).keep(g.nonzero()).store(to);
        }
    }
}

struct NormRelu<'a> {
    z: &'a mut [f32],
}

impl Kernel for NormRelu<'_> {
    type Output = f32;
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> f32 {
        // SAFETY: within `run`; padded.
        unsafe { rectify_and_normalize::<P>(self.z) }
    }
}

struct NormReluBackward<'a> {
    g: &'a [f32],
    norm: f32,
    dg: &'a mut [f32],
}

impl Kernel for NormReluBackward<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        // SAFETY: within `run`; padded.
        unsafe { norm_relu_backward::<P>(self.g, self.norm, self.dg) }
    }
}

struct Trajectory<'a> {
    n: usize,
    stride: usize,
    columns: &'a [f32],
    initial: &'a [f32],
    g: &'a mut [f32],
    norm: &'a mut [f32],
    index: &'a [u32],
}

impl Kernel for Trajectory<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let (n, stride) = (self.n, self.stride);
        let mut terms = Vec::with_capacity(n);
        for (t, k) in self.index.iter().enumerate() {
            let (done, rest) = self.g.split_at_mut(t * stride);
            let before = if t == 0 { self.initial } else { &done[(t - 1) * stride..] };
            let z = &mut rest[..stride];
            let matrix = &self.columns[*k as usize * n * stride..][..n * stride];
            // SAFETY: indices below n into n rows of `stride`; z is one row.
            unsafe {
                nonzero::<P>(before, &mut terms);
                combine::<P>(&terms, matrix.as_ptr(), stride, z.as_mut_ptr());
                self.norm[t] = rectify_and_normalize::<P>(z);
            }
        }
    }
}

struct BackThroughTime<'a> {
    stride: usize,
    rows: &'a [f32],
    row_count: usize,
    g: &'a [f32],
    norm: &'a [f32],
    index: &'a [u32],
    dg: &'a mut [f32],
}

impl Kernel for BackThroughTime<'_> {
    /// What reaches g₀.
    type Output = Vec<f32>;
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Vec<f32> {
        let (n, stride) = (self.row_count, self.stride);
        let mut carried = vec![0f32; stride];
        let mut terms = Vec::with_capacity(n);
        for t in (0..self.index.len()).rev() {
            let dg = &mut self.dg[t * stride..(t + 1) * stride];
            for (d, c) in dg.iter_mut().zip(&carried) {
                *d += c;
            }
            let matrix = &self.rows[self.index[t] as usize * n * stride..][..n * stride];
            // SAFETY: indices below n into n rows of `stride`; `carried` is one row.
            unsafe {
                norm_relu_backward::<P>(&self.g[t * stride..(t + 1) * stride], self.norm[t], dg);
                nonzero::<P>(dg, &mut terms);
                combine::<P>(&terms, matrix.as_ptr(), stride, carried.as_mut_ptr());
            }
        }
        carried
    }
}

struct OuterProducts<'a> {
    uses: usize,
    n: usize,
    stride: usize,
    delta: &'a [f32],
    before: &'a [f32],
    dw: &'a mut [f32],
}

impl Kernel for OuterProducts<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let dw = Shared(self.dw.as_mut_ptr());
        let delta = Strided { data: self.delta.as_ptr(), row: 1, column: self.stride };
        // SAFETY: `uses` rows of `stride ≥ n` in both operands, n×n results.
        unsafe { accumulate::<P>((self.n, self.n, self.uses), delta, self.before.as_ptr(), self.stride, dw.0, self.n) }
    }
}

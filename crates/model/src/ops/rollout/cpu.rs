//! The rollout on the CPU: trajectories in parallel, each step one sparse combination of matrix columns held in registers.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::{NORM_EPSILON, Steps};
use crate::ops::matmul::{Strided, multiply};
use crate::ops::simd::{Kernel, LANES, Pack, run, transpose};
use rayon::prelude::*;

/// The states of a batch and their way back, with buffers that are made once.
#[derive(Debug, Default)]
pub struct Rollout {
    /// (S, stride): g_1 … g_T of every trajectory; padding is zero.
    pub g: Vec<f32>,
    /// (S): ‖ReLU(z)‖ before normalization.
    pub norm: Vec<f32>,
    /// (stride): g₀ = NormReLU(raw); or (B, stride), where each trajectory goes on from a state of its own.
    pub initial: Vec<f32>,
    /// ‖ReLU(raw)‖.
    pub initial_norm: f32,
    /// (K, N, stride): the matrices turned: row j is what unit j adds to all units.
    columns: Vec<f32>,
    /// (K, N, stride): the matrices with padded rows, where N is no multiple of the lanes.
    rows: Vec<f32>,
    /// (B, stride): the non-zero elements of a trajectory's present state.
    terms: Vec<(u32, f32)>,
    /// (B, stride): what reaches g₀ through each trajectory.
    carried: Vec<f32>,
    /// (S, stride) each: ∂L/∂z and the states before, in the order of the velocities.
    delta: Vec<f32>,
    before: Vec<f32>,
    /// (S): states by velocity, and (K + 1) where each velocity's begin.
    uses: Vec<u32>,
    starts: Vec<usize>,
}

impl Rollout {
    /// Rolls out all trajectories. `w` (K, N, N) row-major, `initial_raw` (N).
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn forward(&mut self, steps: Steps<'_>, w: &[f32], initial_raw: &[f32]) {
        let (n, stride) = (steps.units, steps.stride());
        assert_eq!(initial_raw.len(), n);
        self.initial.clear();
        self.initial.extend_from_slice(initial_raw);
        self.initial.resize(stride, 0.0);
        self.initial_norm = run(NormRelu { z: &mut self.initial });
        self.roll(steps, w);
    }

    /// The same from a state of each trajectory (B, stride) that needs no normalization; there is no way back from here.
    pub(crate) fn continue_from(&mut self, steps: Steps<'_>, w: &[f32], states: &[f32]) {
        assert_eq!(states.len(), steps.batch * steps.stride());
        self.initial.clear();
        self.initial.extend_from_slice(states);
        self.roll(steps, w);
    }

    fn roll(&mut self, steps: Steps<'_>, w: &[f32]) {
        let (n, stride) = (steps.units, steps.stride());
        assert_eq!((w.len(), steps.index.len()), (steps.velocities * n * n, steps.states()));
        assert!(steps.index.iter().all(|k| (*k as usize) < steps.velocities));
        pad(&mut self.columns, w, n, stride, true);
        self.g.resize(steps.states() * stride, 0.0);
        self.norm.resize(steps.states(), 0.0);
        self.terms.resize(steps.batch * stride, (0, 0.0));
        let (initial, columns) = (&self.initial, &self.columns);
        // From one state that all share, or from one each.
        let apart = if initial.len() == stride { 0 } else { stride };
        let states = self.g.par_chunks_mut(steps.length * stride).zip(self.norm.par_chunks_mut(steps.length));
        let trajectories = states.zip(steps.index.par_chunks(steps.length)).zip(self.terms.par_chunks_mut(stride));
        trajectories.enumerate().for_each(|(number, (((g, norm), index), terms))| {
            let initial = &initial[number * apart..][..stride];
            run(Trajectory { n, stride, columns, initial, g, norm, index, terms });
        });
    }

    /// States whose rectified activity is zero everywhere.
    pub fn zero_states(&self) -> usize {
        self.norm.iter().filter(|n| **n == 0.0).count()
    }

    /// Back through time, after [`Self::forward`] with the same arguments. `dg` (S, stride) holds each state's own gradient on entry and ∂L/∂z on
    /// return; `d_initial` (stride) that of g₀ from terms that see it directly, and ∂L/∂raw on return. Writes ∂L/∂W into `dw` (K, N, N).
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn backward(&mut self, steps: Steps<'_>, w: &[f32], dg: &mut [f32], d_initial: &mut [f32], dw: &mut [f32]) {
        let (n, stride) = (steps.units, steps.stride());
        assert_eq!((dg.len(), d_initial.len(), dw.len(), w.len()), (self.g.len(), stride, w.len(), steps.velocities * n * n));
        if n != stride {
            pad(&mut self.rows, w, n, stride, false);
        }
        let rows = if n == stride { w } else { self.rows.as_slice() };
        self.carried.resize(steps.batch * stride, 0.0);
        let trajectories = dg.par_chunks_mut(steps.length * stride).zip(self.g.par_chunks(steps.length * stride));
        let trajectories = trajectories.zip(self.norm.par_chunks(steps.length)).zip(steps.index.par_chunks(steps.length));
        trajectories.zip(self.terms.par_chunks_mut(stride)).zip(self.carried.par_chunks_mut(stride)).for_each(
            |(((((dg, g), norm), index), terms), carried)| run(BackThroughTime { n, stride, rows, g, norm, index, dg, terms, carried }),
        );
        for carried in self.carried.chunks_exact(stride) {
            for (sum, value) in d_initial.iter_mut().zip(carried) {
                *sum += value;
            }
        }
        run(NormReluBackward { g: &self.initial, norm: self.initial_norm, dg: d_initial });
        self.weight_gradient(steps, dg, dw);
    }

    /// ∂L/∂W(v_k) = Δ_kᵀ·G_k: rows gathered by velocity, one product each.
    fn weight_gradient(&mut self, steps: Steps<'_>, dz: &[f32], dw: &mut [f32]) {
        let (n, stride) = (steps.units, steps.stride());
        steps.uses(&mut self.uses, &mut self.starts);
        self.delta.resize(steps.states() * stride, 0.0);
        self.before.resize(steps.states() * stride, 0.0);
        let (g, initial) = (&self.g, &self.initial);
        // With permuted velocities all have B uses; without, one each: runs of equal length either way.
        let (mut delta, mut before) = (self.delta.as_mut_slice(), self.before.as_mut_slice());
        let uniform = self.starts.windows(2).all(|w| w[1] - w[0] == steps.states() / steps.velocities);
        let one = |delta: &mut [f32], before: &mut [f32], uses: &[u32], dw: &mut [f32]| {
            for ((delta, before), state) in delta.chunks_exact_mut(stride).zip(before.chunks_exact_mut(stride)).zip(uses) {
                let state = *state as usize;
                delta.copy_from_slice(&dz[state * stride..(state + 1) * stride]);
                before.copy_from_slice(if state.is_multiple_of(steps.length) { initial } else { &g[(state - 1) * stride..state * stride] });
            }
            run(OuterProducts { uses: uses.len(), n, stride, delta, before, dw });
        };
        if uniform {
            let count = steps.states() / steps.velocities;
            let gathered = delta.par_chunks_mut(count * stride).zip(before.par_chunks_mut(count * stride));
            gathered.zip(self.uses.par_chunks(count)).zip(dw.par_chunks_mut(n * n)).for_each(|(((d, b), uses), dw)| one(d, b, uses, dw));
        } else {
            for (dw, range) in dw.chunks_exact_mut(n * n).zip(self.starts.windows(2)) {
                let uses = &self.uses[range[0]..range[1]];
                let (own_delta, own_before);
                (own_delta, delta) = delta.split_at_mut(uses.len() * stride);
                (own_before, before) = before.split_at_mut(uses.len() * stride);
                one(own_delta, own_before, uses, dw);
            }
        }
    }
}

/// NormReLU of raw values (N): the state (stride) and ‖ReLU(raw)‖.
pub(crate) fn norm_relu(raw: &[f32]) -> (Vec<f32>, f32) {
    let mut state = raw.to_vec();
    state.resize(raw.len().next_multiple_of(LANES), 0.0);
    let norm = run(NormRelu { z: &mut state });
    (state, norm)
}

/// The K matrices with rows padded to `stride` (zeros), turned or not, into `out`.
fn pad(out: &mut Vec<f32>, w: &[f32], n: usize, stride: usize, turned: bool) {
    let size = w.len() / n * stride;
    if out.len() != size {
        // Other sizes before: padding must be zero.
        out.clear();
        out.resize(size, 0.0);
    }
    out.par_chunks_mut(n * stride).zip(w.par_chunks(n * n)).for_each(|(out, w)| {
        if turned {
            run(TurnMatrix { n, stride, w, out });
        } else {
            for (out, w) in out.chunks_exact_mut(stride).zip(w.chunks_exact(n)) {
                out[..n].copy_from_slice(w);
            }
        }
    });
}

struct TurnMatrix<'a> {
    n: usize,
    stride: usize,
    w: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for TurnMatrix<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        assert!(self.w.len() == self.n * self.n && self.out.len() == self.n * self.stride);
        // SAFETY: the shapes were just checked.
        unsafe { transpose::<P>((self.n, self.n), self.w.as_ptr(), self.n, self.out.as_mut_ptr(), self.stride) };
    }
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

/// The non-zero elements of a padded vector with their places, into the first of `terms`; returns how many.
#[inline(always)]
unsafe fn nonzero<P: Pack>(values: &[f32], terms: &mut [(u32, f32)]) -> usize {
    debug_assert_eq!(values.len(), terms.len());
    let mut count = 0;
    for at in (0..values.len()).step_by(LANES) {
        // SAFETY: a multiple of the lanes; at most one term per value.
        unsafe {
            let mut left = P::load(values.as_ptr().add(at)).nonzero();
            while left != 0 {
                let place = at + left.trailing_zeros() as usize;
                *terms.get_unchecked_mut(count) = (place as u32, *values.get_unchecked(place));
                count += 1;
                left &= left - 1;
            }
        }
    }
    count
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
        // A norm that has overflowed would make all states zero, and a diverged network look well.
        let scale = P::splat(if norm.is_finite() { 1.0 / (norm + NORM_EPSILON) } else { f32::NAN });
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
    terms: &'a mut [(u32, f32)],
}

impl Kernel for Trajectory<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let (n, stride) = (self.n, self.stride);
        for (t, k) in self.index.iter().enumerate() {
            let (done, rest) = self.g.split_at_mut(t * stride);
            let before = if t == 0 { self.initial } else { &done[(t - 1) * stride..] };
            let z = &mut rest[..stride];
            let matrix = &self.columns[*k as usize * n * stride..][..n * stride];
            // SAFETY: indices below n into n rows of `stride`; z is one row.
            unsafe {
                let count = nonzero::<P>(before, self.terms);
                combine::<P>(&self.terms[..count], matrix.as_ptr(), stride, z.as_mut_ptr());
                self.norm[t] = rectify_and_normalize::<P>(z);
            }
        }
    }
}

struct BackThroughTime<'a> {
    n: usize,
    stride: usize,
    rows: &'a [f32],
    g: &'a [f32],
    norm: &'a [f32],
    index: &'a [u32],
    dg: &'a mut [f32],
    terms: &'a mut [(u32, f32)],
    /// What reaches g₀.
    carried: &'a mut [f32],
}

impl Kernel for BackThroughTime<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let (n, stride) = (self.n, self.stride);
        self.carried.fill(0.0);
        for t in (0..self.index.len()).rev() {
            let dg = &mut self.dg[t * stride..(t + 1) * stride];
            for (d, c) in dg.iter_mut().zip(&*self.carried) {
                *d += c;
            }
            let matrix = &self.rows[self.index[t] as usize * n * stride..][..n * stride];
            // SAFETY: indices below n into n rows of `stride`; `carried` is one row.
            unsafe {
                norm_relu_backward::<P>(&self.g[t * stride..(t + 1) * stride], self.norm[t], dg);
                let count = nonzero::<P>(dg, self.terms);
                combine::<P>(&self.terms[..count], matrix.as_ptr(), stride, self.carried.as_mut_ptr());
            }
        }
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
        let (n, stride, uses) = (self.n, self.stride, self.uses);
        assert!(self.delta.len() == uses * stride && self.before.len() == uses * stride && self.dw.len() == n * n);
        let delta = Strided { data: self.delta.as_ptr(), row: 1, column: stride };
        // SAFETY: the shapes were just checked, and n ≤ stride.
        unsafe { multiply::<P, false>((n, n, uses), delta, self.before.as_ptr(), stride, self.dw.as_mut_ptr(), n) }
    }
}

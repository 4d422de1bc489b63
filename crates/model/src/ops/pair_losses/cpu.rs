//! Tiles of pairs on the CPU.
//!
//! One tile: (1) Gram products g·g' of 48 × 48 pairs; (2) in place, from them, ‖g-g'‖² = ‖g‖²+‖g'‖²-2g·g', the exponential, both masks,
//! and the slope c = ∂L/∂‖g-g'‖²; (3) Σ_j c·g_j for the rows and, off the diagonal, Σ_i c·g_i for the columns. As both orders of a pair count,
//! ∂L/∂g_i = 4·(g_i·Σ_j c_ij - Σ_j c_ij g_j). For pairs whose states are close, whose Gram form
//! would cancel, Inv is summed from the differences g-g' themselves.
//!
//! **Who adds to what, when.** A tile adds to the gradients of its rows and of its columns, so tiles are grouped into pairs of blocks of states, and pairs of blocks into
//! rounds in which every block occurs once (the circle method of round-robin tournaments). Within a round all pairs run in parallel, on rows of their own; rounds follow each
//! other. So every sum has one order, whatever the number of threads, and there are no partial gradients to add up.
//!
//! **Precision.** Positions, counts and sums over tiles are `f64`; within a tile sums run in `f32` (144 terms a lane). The Gram form of ‖g-g'‖² is off by less than
//! 4·10⁻⁷, so that no near pair's share of Inv is off by more than 7·10⁻⁶ of itself.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::{PairLosses, PairSettings};
use crate::ops::matmul::{Strided, multiply};
use crate::ops::simd::{Kernel, LANES, Pack, exp2, run, transpose};
use rayon::prelude::*;

/// States along one side of a tile: three packs.
const TILE: usize = 3 * LANES;

/// Fewest and most tiles along one side of a block.
const BLOCK_TILES: (usize, usize) = (3, 4);

/// Blocks that the states are divided into before blocks grow.
const BLOCKS: usize = 24;

/// ‖g-g'‖² below which near pairs are computed from differences.
const CLOSE: f32 = 1.0 / 16.0;

/// The sweep over pairs, with buffers that are made once.
#[derive(Debug, Default)]
pub struct PairSweep {
    stride: usize,
    /// The states rounded to TF32, where that is asked for.
    rounded: Vec<f32>,
    /// States, rounded up to whole packs; padding has zeros as states and NaN as positions, so that no mask selects it.
    padded: usize,
    /// Per tile: (stride, states of the tile), the states turned.
    turned: Vec<f32>,
    /// ‖g‖².
    squared_norm: Vec<f32>,
    /// (S, lanes): Σ_j c_ij from rows of tiles, by lane of j.
    row_slopes: Vec<f32>,
    /// (S): Σ_i c_ij from columns of tiles.
    column_slopes: Vec<f32>,
    x: Vec<f64>,
    y: Vec<f64>,
    sums: Vec<Sums>,
}

/// What one pair of blocks adds to the losses and counts.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    separation: f64,
    invariance: f64,
    far: u64,
    near: u64,
}

impl PairSweep {
    /// Losses of the states `g` (S, stride), zero-padded, at `x_m` (S), and their weighted gradient into `dg` (S, stride).
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn evaluate(&mut self, g: &[f32], stride: usize, x_m: &[[f64; 2]], settings: &PairSettings, dg: &mut [f32]) -> PairLosses {
        if !settings.tf32 {
            return self.sweep(g, stride, x_m, settings, dg);
        }
        let mut rounded = std::mem::take(&mut self.rounded);
        rounded.clear();
        rounded.extend(g.iter().map(|g| to_tf32(*g)));
        let losses = self.sweep(&rounded, stride, x_m, settings, dg);
        self.rounded = rounded;
        losses
    }

    fn sweep(&mut self, g: &[f32], stride: usize, x_m: &[[f64; 2]], settings: &PairSettings, dg: &mut [f32]) -> PairLosses {
        let states = x_m.len();
        assert!(stride.is_multiple_of(LANES) && g.len() == states * stride && dg.len() == g.len());
        self.take_in(g, stride, x_m);
        let rounds = Rounds::new(self.padded);
        self.sums.clear();
        self.sums.resize(rounds.most_pairs(), Sums::default());
        let mut sums = std::mem::take(&mut self.sums);
        let (above, below) = squared_limits(settings.sigma_x_m);
        let limits = Limits { above, below };

        // Counts are written nowhere, so all rounds' pairs run at once.
        let this = &*self;
        let count = |(round, k): (usize, usize)| run(Count { states: this, limits, blocks: rounds.pair(round, k) });
        let add = |a: Sums, b: Sums| Sums { far: a.far + b.far, near: a.near + b.near, ..a };
        let pairs = (0..rounds.count()).into_par_iter().flat_map(|round| (0..rounds.pairs(round)).into_par_iter().map(move |k| (round, k)));
        let mut counts = pairs.map(count).reduce(Sums::default, add);

        let sep_scale = 1.0 / settings.reduction.divisor(counts.far, states);
        let inv_scale = 1.0 / settings.reduction.divisor(counts.near, states);
        let inverse_width = 1.0 / (2.0 * settings.sigma_g * settings.sigma_g);
        let slopes = Slopes {
            exponent: (-inverse_width * std::f64::consts::LOG2_E) as f32,
            far: (-settings.lambda_sep * sep_scale * inverse_width) as f32,
            near: (settings.lambda_inv * inv_scale) as f32,
            tf32: settings.tf32,
        };
        dg.fill(0.0);
        let outputs = Outputs {
            gradient: dg.as_mut_ptr(),
            states,
            row_slopes: self.row_slopes.as_mut_ptr(),
            column_slopes: self.column_slopes.as_mut_ptr(),
        };
        for round in 0..rounds.count() {
            let this = &*self;
            let pairs = rounds.pairs(round);
            sums[..pairs].par_iter_mut().enumerate().for_each(|(k, sums)| {
                *sums = run(Sweep { states: this, g, limits, slopes, blocks: rounds.pair(round, k), outputs });
            });
            for sums in &sums[..pairs] {
                counts.separation += sums.separation;
                counts.invariance += sums.invariance;
            }
        }
        self.sums = sums;
        let tasks = dg.par_chunks_mut(TILE * stride).zip(g.par_chunks(TILE * stride));
        let slopes = self.row_slopes.par_chunks(TILE * LANES).zip(self.column_slopes.par_chunks(TILE));
        tasks.zip(slopes).for_each(|((dg, g), (row_slopes, column_slopes))| run(Finish { stride, g, row_slopes, column_slopes, dg }));
        PairLosses {
            separation: counts.separation * sep_scale,
            invariance: counts.invariance * inv_scale,
            separation_pairs: counts.far,
            invariance_pairs: counts.near,
        }
    }

    /// Prepares the states: turned, with their norms, padded.
    fn take_in(&mut self, g: &[f32], stride: usize, x_m: &[[f64; 2]]) {
        let padded = x_m.len().next_multiple_of(LANES);
        (self.stride, self.padded) = (stride, padded);
        self.turned.resize(padded * stride, 0.0);
        self.squared_norm.resize(padded, 0.0);
        self.row_slopes.clear();
        self.row_slopes.resize(padded * LANES, 0.0);
        self.column_slopes.clear();
        self.column_slopes.resize(padded, 0.0);
        for (axis, to) in [&mut self.x, &mut self.y].into_iter().enumerate() {
            to.clear();
            to.extend(x_m.iter().map(|x| x[axis]));
            to.resize(padded, f64::NAN);
        }
        let tiles = self.turned.par_chunks_mut(TILE * stride).zip(self.squared_norm.par_chunks_mut(TILE)).zip(g.par_chunks(TILE * stride));
        tiles.for_each(|((turned, norms), g)| run(TakeIn { stride, g, turned, norms }));
    }

    /// (far, near) masks of state `i` against the sixteen from `j` on.
    #[inline(always)]
    unsafe fn masks<P: Pack>(&self, i: usize, j: usize, limits: Limits) -> (u16, u16) {
        // SAFETY: `i` and `j + 15` are padded states.
        unsafe {
            let (x, y) = (*self.x.get_unchecked(i), *self.y.get_unchecked(i));
            P::distance_masks(x, y, self.x.as_ptr().add(j), self.y.as_ptr().add(j), limits.above, limits.below)
        }
    }
}

struct TakeIn<'a> {
    stride: usize,
    g: &'a [f32],
    turned: &'a mut [f32],
    norms: &'a mut [f32],
}

impl Kernel for TakeIn<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let (states, columns) = (self.g.len() / self.stride, self.norms.len());
        assert!(states <= columns && columns.is_multiple_of(LANES) && self.turned.len() == columns * self.stride);
        // SAFETY: the shapes were just checked.
        unsafe {
            transpose::<P>((states, self.stride), self.g.as_ptr(), self.stride, self.turned.as_mut_ptr(), columns);
            if states < columns {
                for row in self.turned.chunks_exact_mut(columns) {
                    row[states..].fill(0.0);
                }
            }
            for at in (0..columns).step_by(LANES) {
                let mut sum = P::splat(0.0);
                for row in self.turned.chunks_exact(columns) {
                    let g = P::load(row.as_ptr().add(at));
                    sum = g.fma(g, sum);
                }
                sum.store(self.norms.as_mut_ptr().add(at));
            }
        }
    }
}

/// Limits on squared distances; see [`squared_limits`].
#[derive(Clone, Copy)]
struct Limits {
    above: f64,
    below: f64,
}

/// Limits on squared distances that decide as the distance itself would: `sqrt(q) > sigma` iff `q > above`, `sqrt(q) < sigma` iff `q < below`.
/// (`sqrt` rounds and is monotone, so several `q` share a root; squaring σ alone would misplace pairs at exactly σ.)
pub(super) fn squared_limits(sigma: f64) -> (f64, f64) {
    let (mut above, mut below) = (sigma * sigma, sigma * sigma);
    while above.sqrt() <= sigma {
        above = above.next_up();
    }
    while above.sqrt() > sigma {
        above = above.next_down();
    }
    while below.sqrt() >= sigma {
        below = below.next_down();
    }
    while below.sqrt() < sigma {
        below = below.next_up();
    }
    (above, below)
}

/// Pairs of blocks in rounds: every two blocks meet once, and so does each with itself; no block is in two pairs of a round.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    /// States.
    padded: usize,
    /// States of a block, a multiple of [`TILE`]; the last has what is left.
    block: usize,
    blocks: usize,
}

impl Rounds {
    fn new(padded: usize) -> Self {
        let tiles = padded.div_ceil(TILE);
        let block = tiles.div_ceil(BLOCKS).clamp(BLOCK_TILES.0, BLOCK_TILES.1) * TILE;
        Self { padded, block, blocks: padded.div_ceil(block) }
    }

    /// Blocks with the one that makes their number even, if need be.
    fn players(self) -> usize {
        self.blocks.next_multiple_of(2)
    }

    /// The first round is every block with itself.
    fn count(self) -> usize {
        self.players()
    }

    fn pairs(self, round: usize) -> usize {
        if round == 0 { self.blocks } else { self.players() / 2 }
    }

    fn most_pairs(self) -> usize {
        self.blocks
    }

    /// A pair of ranges of states, the first before or equal to the second; empty where one sits out.
    fn pair(self, round: usize, k: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let range = |b: usize| b * self.block..self.padded.min((b + 1) * self.block);
        if round == 0 {
            return (range(k), range(k));
        }
        // One player stays, the others sit on a circle that turns by one a round.
        let circle = self.players() - 1;
        let a = if k == 0 { circle } else { (round + k) % circle };
        let b = (round + circle - k) % circle;
        let (low, high) = (a.min(b), a.max(b));
        if high >= self.blocks { (0..0, 0..0) } else { (range(low), range(high)) }
    }
}

/// The tiles of a pair of blocks: (rows, columns) as ranges of states; of a block with itself, the upper triangle.
fn tiles(
    (a, b): (std::ops::Range<usize>, std::ops::Range<usize>),
) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>)> {
    let own = a == b;
    let tile = |first: usize, end: usize| first..end.min(first + TILE);
    a.clone().step_by(TILE).flat_map(move |i| {
        let from = if own { i } else { b.start };
        (from..b.end).step_by(TILE).map({
            let (a_end, b_end) = (a.end, b.end);
            move |j| (tile(i, a_end), tile(j, b_end))
        })
    })
}

struct Count<'a> {
    states: &'a PairSweep,
    limits: Limits,
    blocks: (std::ops::Range<usize>, std::ops::Range<usize>),
}

impl Kernel for Count<'_> {
    /// Ordered pairs (far, near).
    type Output = Sums;
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Sums {
        let mut sums = Sums::default();
        for (rows, columns) in tiles(self.blocks) {
            let orders = if rows == columns { 1 } else { 2 };
            for i in rows {
                for j in columns.clone().step_by(LANES) {
                    // SAFETY: within the padded states.
                    let (f, n) = unsafe { self.states.masks::<P>(i, j, self.limits) };
                    sums.far += orders * u64::from(f.count_ones());
                    sums.near += orders * u64::from(n.count_ones());
                }
            }
        }
        sums
    }
}

#[derive(Clone, Copy)]
struct Slopes {
    /// log₂ e · -1/2σ_g².
    exponent: f32,
    far: f32,
    near: f32,
    /// Whether slopes are rounded to TF32.
    tf32: bool,
}

/// c = 8193·x, then c - (c - x) is x rounded to 11 significant bits (Dekker 1971).
const TF32_SPLIT: f32 = 8193.0;

/// The nearest number of 11 significant bits, ties away from zero.
fn to_tf32(x: f32) -> f32 {
    f32::from_bits((x.to_bits() + 0x1000) & 0xffff_e000)
}

/// Where a round's pairs of blocks write, each to its own states.
#[derive(Clone, Copy)]
struct Outputs {
    /// Σ_j c_ij g_j, (states, stride).
    gradient: *mut f32,
    /// Without padding.
    states: usize,
    row_slopes: *mut f32,
    column_slopes: *mut f32,
}
// SAFETY: the pairs of a round share no block, and each writes to the states of its blocks only.
unsafe impl Send for Outputs {}
// SAFETY: as above.
unsafe impl Sync for Outputs {}

struct Sweep<'a> {
    states: &'a PairSweep,
    g: &'a [f32],
    limits: Limits,
    slopes: Slopes,
    blocks: (std::ops::Range<usize>, std::ops::Range<usize>),
    outputs: Outputs,
}

impl Kernel for Sweep<'_> {
    type Output = Sums;
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Sums {
        let Self { states: sweep, g, limits, slopes, blocks, outputs } = self;
        let stride = sweep.stride;
        let mut sums = Sums::default();
        let mut tile = [0f32; TILE * TILE];
        for (rows, columns) in tiles(blocks) {
            // Padding has no row in `g` and `dg`, and needs none.
            let height = rows.len().min(outputs.states - rows.start);
            let own_columns = columns.len().min(outputs.states - columns.start);
            let (g_rows, g_columns) = (g[rows.start * stride..].as_ptr(), g[columns.start * stride..].as_ptr());
            let turned = sweep.turned[columns.start * stride..].as_ptr();
            let both = rows != columns;
            // SAFETY: `height` and `own_columns` states of `stride` floats from `rows` and `columns` on; a turned tile as wide as `columns`;
            // this pair of blocks alone writes to its states in this round.
            unsafe {
                let a = Strided { data: g_rows, row: stride, column: 1 };
                multiply::<P, false>((height, columns.len(), stride), a, turned, columns.len(), tile.as_mut_ptr(), TILE);
                let (rows_at, columns_at) = ((rows.start, height), (columns.start, columns.len()));
                // Called by name, so that it is compiled for the instructions of `P`.
                let (separation, invariance) = if slopes.tf32 {
                    weigh::<P, true>(sweep, g.as_ptr(), rows_at, columns_at, limits, slopes, &mut tile, outputs, both)
                } else {
                    weigh::<P, false>(sweep, g.as_ptr(), rows_at, columns_at, limits, slopes, &mut tile, outputs, both)
                };
                let orders = if both { 2.0 } else { 1.0 };
                sums.separation += orders * separation;
                sums.invariance += orders * invariance;
                let c = Strided { data: tile.as_ptr(), row: TILE, column: 1 };
                let to = outputs.gradient.add(rows.start * stride);
                multiply::<P, true>((height, stride, own_columns), c, g_columns, stride, to, stride);
                if both {
                    let c = Strided { data: tile.as_ptr(), row: 1, column: TILE };
                    let to = outputs.gradient.add(columns.start * stride);
                    multiply::<P, true>((own_columns, stride, height), c, g_rows, stride, to, stride);
                }
            }
        }
        sums
    }
}

/// Turns a tile of Gram products into slopes; adds the slopes up per row and, if `both`, per column; returns the tile's sums (Sep, Inv).
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one tile's place, settings and destinations")]
unsafe fn weigh<P: Pack, const TF32: bool>(
    sweep: &PairSweep,
    g: *const f32,
    (first_row, height): (usize, usize),
    (first_column, width): (usize, usize),
    limits: Limits,
    slopes: Slopes,
    tile: &mut [f32; TILE * TILE],
    outputs: Outputs,
    both: bool,
) -> (f64, f64) {
    // SAFETY: as in the caller.
    unsafe {
        let (exponent, far_slope, near_slope) = (P::splat(slopes.exponent), P::splat(slopes.far), P::splat(slopes.near));
        let (minus_two, splitter, stride) = (P::splat(-2.0), P::splat(TF32_SPLIT), sweep.stride);
        let (mut separation, mut invariance) = (P::splat(0.0), P::splat(0.0));
        let mut column_sums = [P::splat(0.0); TILE / LANES];
        for i in 0..height {
            let norm = P::splat(*sweep.squared_norm.get_unchecked(first_row + i));
            let state = g.add((first_row + i) * stride);
            let (mut row_sum, mut row_invariance) = (P::splat(0.0), P::splat(0.0));
            for (pack, column_sum) in column_sums.iter_mut().enumerate().take(width / LANES) {
                let at = tile.as_mut_ptr().add(i * TILE + pack * LANES);
                let j = first_column + pack * LANES;
                let (far, near) = sweep.masks::<P>(first_row + i, j, limits);
                let squared = minus_two.fma(P::load(at), norm.add(P::load(sweep.squared_norm.as_ptr().add(j))));
                let e = exp2(squared.mul(exponent)).keep(far);
                separation = separation.add(e);
                let close = near & squared.less(P::splat(CLOSE));
                invariance = invariance.add(squared.keep(near & !close));
                let mut left = close;
                while left != 0 {
                    let other = j + left.trailing_zeros() as usize;
                    row_invariance = squared_difference::<P>(state, g.add(other * stride), stride, row_invariance);
                    left &= left - 1;
                }
                let slope = far_slope.fma(e, near_slope.keep(near));
                let slope = if TF32 {
                    let split = slope.mul(splitter);
                    split.sub(split.sub(slope))
                } else {
                    slope
                };
                slope.store(at);
                row_sum = row_sum.add(slope);
                *column_sum = column_sum.add(slope);
            }
            invariance = invariance.add(row_invariance);
            let to = outputs.row_slopes.add((first_row + i) * LANES);
            P::load(to).add(row_sum).store(to);
        }
        if both {
            for (pack, sum) in column_sums.iter().enumerate().take(width / LANES) {
                let to = outputs.column_slopes.add(first_column + pack * LANES);
                P::load(to).add(*sum).store(to);
            }
        }
        (separation.sum(), invariance.sum())
    }
}

/// Σ (a-b)², by lane, on top of `sum`.
#[inline(always)]
unsafe fn squared_difference<P: Pack>(a: *const f32, b: *const f32, stride: usize, mut sum: P) -> P {
    for at in (0..stride).step_by(LANES) {
        // SAFETY: the caller's states have `stride` floats.
        unsafe {
            let difference = P::load(a.add(at)).sub(P::load(b.add(at)));
            sum = difference.fma(difference, sum);
        }
    }
    sum
}

/// dg = 4·(g·Σc - Σ c g').
struct Finish<'a> {
    stride: usize,
    g: &'a [f32],
    row_slopes: &'a [f32],
    column_slopes: &'a [f32],
    dg: &'a mut [f32],
}

impl Kernel for Finish<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let rows = self.dg.chunks_exact_mut(self.stride).zip(self.g.chunks_exact(self.stride));
        for ((dg, g), (lanes, column)) in rows.zip(self.row_slopes.chunks_exact(LANES).zip(self.column_slopes)) {
            // SAFETY: rows are whole packs.
            unsafe {
                let slope = P::splat((P::load(lanes.as_ptr()).sum() + f64::from(*column)) as f32);
                let four = P::splat(4.0);
                for at in (0..self.stride).step_by(LANES) {
                    let to = dg.as_mut_ptr().add(at);
                    // Not fused: a self-pair's two terms are then the same rounded product and cancel exactly.
                    four.mul(P::load(g.as_ptr().add(at)).mul(slope).sub(P::load(to))).store(to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_two_tiles_meet_once_and_no_block_is_in_two_pairs_of_a_round() {
        for padded in [16, 48, 64, 96, 112, 240, 720, 2_000, 7_808, 20_016] {
            let rounds = Rounds::new(padded);
            let side = padded.div_ceil(TILE);
            let mut met = vec![0u8; side * side];
            for round in 0..rounds.count() {
                let mut busy = vec![false; rounds.blocks];
                for k in 0..rounds.pairs(round) {
                    let (a, b) = rounds.pair(round, k);
                    if a.is_empty() {
                        continue;
                    }
                    let blocks = if a == b { vec![a.start] } else { vec![a.start, b.start] };
                    for first in blocks {
                        assert!(!std::mem::replace(&mut busy[first / rounds.block], true), "{padded}: round {round}");
                    }
                    for (rows, columns) in tiles((a, b)) {
                        assert!(rows.end <= padded && columns.end <= padded && rows.start <= columns.start);
                        met[rows.start / TILE * side + columns.start / TILE] += 1;
                    }
                }
            }
            assert!((0..side * side).all(|at| met[at] == u8::from(at / side <= at % side)), "{padded}");
        }
    }

    #[test]
    fn squared_limits_decide_as_the_distance_does() {
        for sigma in [0.05, 0.1, 0.07, 1e-9, 10.0, 1.0 / 3.0] {
            let (above, below) = squared_limits(sigma);
            for q in [above, above.next_up(), below, below.next_down(), sigma * sigma] {
                assert_eq!((q > above, q < below), (q.sqrt() > sigma, q.sqrt() < sigma), "σ {sigma}, q {q}");
            }
        }
    }
}

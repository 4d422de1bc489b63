//! Tiles of pairs on the CPU.
//!
//! One tile: (1) Gram products g·g' of 48 × 48 pairs; (2) in place, from them, ‖g-g'‖² = ‖g‖²+‖g'‖²-2g·g', the exponential, both masks,
//! and the slope c = ∂L/∂‖g-g'‖²; (3) Σ_j c·g_j for the rows and, off the diagonal, Σ_i c·g_i for the columns. As both orders of a pair count,
//! ∂L/∂g_i = 4·(g_i·Σ_j c_ij - Σ_j c_ij g_j). Near pairs are few and their distances small: these are summed from the differences g-g' themselves,
//! as the Gram form would cancel.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::{GROUPS, PairLosses, PairSettings};
use crate::ops::matmul::{Strided, accumulate};
use crate::ops::simd::{Kernel, LANES, Pack, exp, run};
use rayon::prelude::*;

/// States along one side of a tile: three packs.
const TILE: usize = 3 * LANES;

/// `g` (S, stride) with zero padding, `x_m` (S): the losses, and their weighted gradient (S, stride).
pub(crate) fn pair_losses(g: &[f32], stride: usize, x_m: &[[f64; 2]], settings: &PairSettings) -> (PairLosses, Vec<f32>) {
    let states = x_m.len();
    assert_eq!(g.len(), states * stride);
    let inputs = Inputs::new(g, stride, x_m, settings.sigma_x_m);
    let tiles: Vec<(usize, usize)> = (0..inputs.blocks).flat_map(|i| (i..inputs.blocks).map(move |j| (i, j))).collect();
    let groups: Vec<&[(usize, usize)]> = (0..GROUPS).map(|k| &tiles[k * tiles.len() / GROUPS..(k + 1) * tiles.len() / GROUPS]).collect();

    let counts: Vec<(u64, u64)> = groups.par_iter().map(|tiles| run(Count { inputs: &inputs, tiles })).collect();
    let (far, near) = counts.iter().fold((0, 0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
    let sep_scale = 1.0 / settings.reduction.divisor(far, states);
    let inv_scale = 1.0 / settings.reduction.divisor(near, states);
    let inverse_width = 1.0 / (2.0 * settings.sigma_g * settings.sigma_g);
    let slopes = Slopes {
        exponent: -inverse_width as f32,
        far: (-settings.lambda_sep * sep_scale * inverse_width) as f32,
        near: (settings.lambda_inv * inv_scale) as f32,
    };
    let mut parts: Vec<Part> = groups.par_iter().map(|tiles| run(Sweep { inputs: &inputs, tiles, slopes })).collect();

    let losses = PairLosses {
        separation: parts.iter().map(|p| p.separation).sum::<f64>() * sep_scale,
        invariance: parts.iter().map(|p| p.invariance).sum::<f64>() * inv_scale,
        separation_pairs: far,
        invariance_pairs: near,
    };
    let mut gradient = std::mem::take(&mut parts[0].gradient);
    let mut slope_sums = std::mem::take(&mut parts[0].slope_sums);
    for part in &parts[1..] {
        for (sum, value) in slope_sums.iter_mut().zip(&part.slope_sums) {
            *sum += value;
        }
    }
    let rows = |data: &'_ [f32]| data.len() / stride;
    debug_assert_eq!(rows(&gradient), inputs.blocks * TILE);
    gradient.par_chunks_mut(stride).zip(&slope_sums).enumerate().for_each(|(row, (d, slope))| {
        for part in &parts[1..] {
            for (sum, value) in d.iter_mut().zip(&part.gradient[row * stride..]) {
                *sum += value;
            }
        }
        for (d, g) in d.iter_mut().zip(&inputs.g[row * stride..]) {
            // Not fused: a self-pair's two terms are then the same rounded product and cancel exactly.
            *d = 4.0 * (g * slope - *d);
        }
    });
    gradient.truncate(states * stride);
    (losses, gradient)
}

/// The states, padded to whole tiles: rows of zeros whose positions are NaN, so that no mask selects them.
struct Inputs {
    g: Vec<f32>,
    /// Per block: (stride, TILE), the transposed states.
    transposed: Vec<f32>,
    squared_norm: Vec<f32>,
    x: Vec<f64>,
    y: Vec<f64>,
    stride: usize,
    blocks: usize,
    above: f64,
    below: f64,
}

impl Inputs {
    fn new(g: &[f32], stride: usize, x_m: &[[f64; 2]], sigma_x_m: f64) -> Self {
        let blocks = x_m.len().div_ceil(TILE);
        let padded = blocks * TILE;
        let mut own = Vec::with_capacity(padded * stride);
        own.extend_from_slice(g);
        own.resize(padded * stride, 0.0);
        let mut transposed = vec![0f32; padded * stride];
        transposed.par_chunks_mut(TILE * stride).zip(own.par_chunks(TILE * stride)).for_each(|(to, from)| {
            for (column, row) in from.chunks_exact(stride).enumerate() {
                for (k, value) in row.iter().enumerate() {
                    to[k * TILE + column] = *value;
                }
            }
        });
        let mut squared_norm = vec![0f32; padded];
        squared_norm.par_chunks_mut(TILE).zip(transposed.par_chunks(TILE * stride)).for_each(|(norms, transposed)| {
            run(SquaredNorms { transposed, norms });
        });
        let coordinate = |axis: usize| x_m.iter().map(|x| x[axis]).chain(std::iter::repeat(f64::NAN)).take(padded).collect();
        let (above, below) = squared_limits(sigma_x_m);
        Self { g: own, transposed, squared_norm, x: coordinate(0), y: coordinate(1), stride, blocks, above, below }
    }

    /// ‖g_i - g_j‖² from the differences.
    #[inline(always)]
    unsafe fn squared_distance<P: Pack>(&self, i: usize, j: usize) -> f64 {
        // SAFETY: `i` and `j` are padded states.
        unsafe {
            let (a, b) = (self.g.as_ptr().add(i * self.stride), self.g.as_ptr().add(j * self.stride));
            let mut sum = P::splat(0.0);
            for at in (0..self.stride).step_by(LANES) {
                let difference = P::load(a.add(at)).sub(P::load(b.add(at)));
                sum = difference.fma(difference, sum);
            }
            sum.sum()
        }
    }

    /// (far, near) masks of state `i` against the sixteen from `j` on.
    #[inline(always)]
    unsafe fn masks<P: Pack>(&self, i: usize, j: usize) -> (u16, u16) {
        // SAFETY: `i` and `j + 15` are padded states.
        unsafe {
            P::distance_masks(
                *self.x.get_unchecked(i),
                *self.y.get_unchecked(i),
                self.x.as_ptr().add(j),
                self.y.as_ptr().add(j),
                self.above,
                self.below,
            )
        }
    }
}

/// Limits on squared distances that decide as the distance itself would: `sqrt(q) > sigma` iff `q > above`, `sqrt(q) < sigma` iff `q < below`.
/// (`sqrt` rounds and is monotone, so several `q` share a root; squaring σ alone would misplace pairs at exactly σ.)
fn squared_limits(sigma: f64) -> (f64, f64) {
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

struct SquaredNorms<'a> {
    transposed: &'a [f32],
    norms: &'a mut [f32],
}

impl Kernel for SquaredNorms<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        for at in (0..TILE).step_by(LANES) {
            // SAFETY: rows of TILE floats.
            unsafe {
                let mut sum = P::splat(0.0);
                for row in self.transposed.chunks_exact(TILE) {
                    let g = P::load(row.as_ptr().add(at));
                    sum = g.fma(g, sum);
                }
                sum.store(self.norms.as_mut_ptr().add(at));
            }
        }
    }
}

struct Count<'a> {
    inputs: &'a Inputs,
    tiles: &'a [(usize, usize)],
}

impl Kernel for Count<'_> {
    /// Ordered pairs (far, near).
    type Output = (u64, u64);
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> (u64, u64) {
        let (mut far, mut near) = (0u64, 0u64);
        for (bi, bj) in self.tiles {
            let orders = if bi == bj { 1 } else { 2 };
            for i in bi * TILE..(bi + 1) * TILE {
                for j in (bj * TILE..(bj + 1) * TILE).step_by(LANES) {
                    // SAFETY: within the padded states.
                    let (f, n) = unsafe { self.inputs.masks::<P>(i, j) };
                    far += orders * u64::from(f.count_ones());
                    near += orders * u64::from(n.count_ones());
                }
            }
        }
        (far, near)
    }
}

#[derive(Clone, Copy)]
struct Slopes {
    exponent: f32,
    far: f32,
    near: f32,
}

/// One group's share of everything.
struct Part {
    separation: f64,
    invariance: f64,
    /// Σ_j c_ij g_j, (padded states, stride).
    gradient: Vec<f32>,
    /// Σ_j c_ij.
    slope_sums: Vec<f32>,
}

struct Sweep<'a> {
    inputs: &'a Inputs,
    tiles: &'a [(usize, usize)],
    slopes: Slopes,
}

impl Kernel for Sweep<'_> {
    type Output = Part;
    #[inline(always)]
    unsafe fn call<P: Pack>(self) -> Part {
        let Self { inputs, tiles, slopes } = self;
        let stride = inputs.stride;
        let mut part = Part {
            separation: 0.0,
            invariance: 0.0,
            gradient: vec![0.0; inputs.g.len()],
            slope_sums: vec![0.0; inputs.squared_norm.len()],
        };
        let mut tile = [0f32; TILE * TILE];
        for (bi, bj) in tiles {
            let (rows, columns) = (bi * TILE, bj * TILE);
            let (g_rows, g_columns) = (inputs.g[rows * stride..].as_ptr(), inputs.g[columns * stride..].as_ptr());
            tile.fill(0.0);
            // SAFETY: all blocks are whole: TILE padded states of `stride` floats, a TILE × TILE tile.
            unsafe {
                let a = Strided { data: g_rows, row: stride, column: 1 };
                accumulate::<P>((TILE, TILE, stride), a, inputs.transposed[columns * stride..].as_ptr(), TILE, tile.as_mut_ptr(), TILE);
                let both = bi != bj;
                let (separation, invariance) = weigh::<P>(inputs, rows, columns, slopes, &mut tile, &mut part.slope_sums, both);
                let orders = if both { 2.0 } else { 1.0 };
                part.separation += orders * separation;
                part.invariance += orders * invariance;
                let c = Strided { data: tile.as_ptr(), row: TILE, column: 1 };
                accumulate::<P>((TILE, stride, TILE), c, g_columns, stride, part.gradient[rows * stride..].as_mut_ptr(), stride);
                if both {
                    let c = Strided { data: tile.as_ptr(), row: 1, column: TILE };
                    accumulate::<P>((TILE, stride, TILE), c, g_rows, stride, part.gradient[columns * stride..].as_mut_ptr(), stride);
                }
            }
        }
        part
    }
}

/// Turns a tile of Gram products into slopes; adds the slopes up per row and, if `both`, per column; returns the tile's sums (Sep, Inv).
#[inline(always)]
unsafe fn weigh<P: Pack>(
    inputs: &Inputs,
    rows: usize,
    columns: usize,
    slopes: Slopes,
    tile: &mut [f32; TILE * TILE],
    slope_sums: &mut [f32],
    both: bool,
) -> (f64, f64) {
    // SAFETY: as in the caller.
    unsafe {
        let (exponent, far_slope, near_slope) = (P::splat(slopes.exponent), P::splat(slopes.far), P::splat(slopes.near));
        let minus_two = P::splat(-2.0);
        let (mut separation, mut invariance) = (0.0, 0.0);
        let mut column_sums = [P::splat(0.0); TILE / LANES];
        for i in 0..TILE {
            let norm = P::splat(*inputs.squared_norm.get_unchecked(rows + i));
            let (mut row_sum, mut sep) = (P::splat(0.0), P::splat(0.0));
            for (pack, column_sum) in column_sums.iter_mut().enumerate() {
                let at = tile.as_mut_ptr().add(i * TILE + pack * LANES);
                let j = columns + pack * LANES;
                let (far, near) = inputs.masks::<P>(rows + i, j);
                let squared = minus_two.fma(P::load(at), norm.add(P::load(inputs.squared_norm.as_ptr().add(j))));
                let e = exp(squared.mul(exponent)).keep(far);
                sep = sep.add(e);
                let mut left = near;
                while left != 0 {
                    invariance += inputs.squared_distance::<P>(rows + i, j + left.trailing_zeros() as usize);
                    left &= left - 1;
                }
                let slope = far_slope.fma(e, near_slope.keep(near));
                slope.store(at);
                row_sum = row_sum.add(slope);
                *column_sum = column_sum.add(slope);
            }
            separation += sep.sum();
            slope_sums[rows + i] += row_sum.sum() as f32;
        }
        if both {
            for (pack, sum) in column_sums.iter().enumerate() {
                let to = slope_sums.as_mut_ptr().add(columns + pack * LANES);
                P::load(to).add(*sum).store(to);
            }
        }
        (separation, invariance)
    }
}

//! All pairs of two blocks of states: dot products by matrix multiplication, tile by tile, distances from them.
//!
//! `‖g - g'‖² = ‖g‖² + ‖g'‖² - 2 g·g'`, in `f32`: near zero, where the terms cancel, a distance is off by up to about 1e-3 of the norm (√ε), elsewhere by some
//! 1e-7; states of norms under 1e-18 count as zero. Spatial separations are `f64`. The tiles' order depends on nothing but the blocks' sizes.

use super::moments::{Moments, square_norm};
use crate::simd::{Kernel, widest};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, s};

/// Rows and columns of a tile: 128 KiB of dot products, which stay in the second-level cache.
const TILE: (usize, usize) = (128, 256);

/// Some of the moments, ready for pairs.
pub(super) struct Block {
    states: Array2<f32>,
    square_norms: Vec<f32>,
    x_m: Vec<f64>,
    y_m: Vec<f64>,
    pub(super) times: Vec<u32>,
}

impl Block {
    pub(super) fn new(moments: &Moments<'_>, rows: &[usize]) -> Self {
        let states = moments.activity().select(Axis(0), rows);
        let square_norms = states.rows().into_iter().map(|state| square_norm(state.iter().copied()) as f32).collect();
        let along = |axis: usize| rows.iter().map(|&row| moments.positions_m()[row][axis]).collect();
        Self { states, square_norms, x_m: along(0), y_m: along(1), times: rows.iter().map(|&row| moments.times()[row]).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.x_m.len()
    }
}

/// Scratch space of one thread.
pub(super) struct Tile {
    dots: Array2<f32>,
    distances: Vec<f32>,
    separations_m: Vec<f64>,
}

impl Tile {
    pub(super) fn new() -> Self {
        Self { dots: Array2::zeros(TILE), distances: vec![0.0; TILE.1], separations_m: vec![0.0; TILE.1] }
    }

    /// Calls `visit(row of a, row of b, separation in metres, neural distance)` for every pair of a state of `a` and one of `b`.
    pub(super) fn between(&mut self, a: &Block, b: &Block, visit: impl FnMut(usize, usize, f64, f32)) {
        self.pairs(a, b, false, visit);
    }

    /// The same for every unordered pair of two different states of `a`.
    pub(super) fn within(&mut self, a: &Block, visit: impl FnMut(usize, usize, f64, f32)) {
        self.pairs(a, a, true, visit);
    }

    fn pairs(&mut self, a: &Block, b: &Block, same: bool, mut visit: impl FnMut(usize, usize, f64, f32)) {
        for top in (0..a.len()).step_by(TILE.0) {
            let bottom = (top + TILE.0).min(a.len());
            for left in (0..b.len()).step_by(TILE.1) {
                let right = (left + TILE.1).min(b.len());
                if same && right <= top + 1 {
                    continue;
                }
                let mut dots = self.dots.slice_mut(s![..bottom - top, ..right - left]);
                general_mat_mul(1.0, &a.states.slice(s![top..bottom, ..]), &b.states.slice(s![left..right, ..]).t(), 0.0, &mut dots);
                for i in top..bottom {
                    let from = if same { left.max(i + 1) } else { left };
                    if from >= right {
                        continue;
                    }
                    let count = right - from;
                    let dots = self.dots.row(i - top);
                    widest(Row {
                        dots: &dots.as_slice().expect("rows of a fresh array are contiguous")[from - left..right - left],
                        square_norms: &b.square_norms[from..right],
                        x_m: &b.x_m[from..right],
                        y_m: &b.y_m[from..right],
                        at: (a.square_norms[i], a.x_m[i], a.y_m[i]),
                        distances: &mut self.distances[..count],
                        separations_m: &mut self.separations_m[..count],
                    });
                    for (j, (&separation, &distance)) in self.separations_m[..count].iter().zip(&self.distances).enumerate() {
                        visit(i, from + j, separation, distance);
                    }
                }
            }
        }
    }
}

/// One state against a stretch of others.
struct Row<'a> {
    dots: &'a [f32],
    square_norms: &'a [f32],
    x_m: &'a [f64],
    y_m: &'a [f64],
    at: (f32, f64, f64),
    distances: &'a mut [f32],
    separations_m: &'a mut [f64],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (square_norm, x, y) = self.at;
        for ((distance, dot), other) in self.distances.iter_mut().zip(self.dots).zip(self.square_norms) {
            *distance = (square_norm + other - 2.0 * dot).max(0.0).sqrt();
        }
        for ((separation, other_x), other_y) in self.separations_m.iter_mut().zip(self.x_m).zip(self.y_m) {
            let (dx, dy) = (x - other_x, y - other_y);
            *separation = (dx * dx + dy * dy).sqrt();
        }
    }
}

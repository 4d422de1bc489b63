//! The MLP on the CPU, layer by layer, in buffers that are made once.
#![expect(unsafe_code, reason = "register tiles over raw pointers within checked slices")]

use super::{activate, derivative};
use crate::config::Activation;
use crate::ops::matmul::{Strided, multiply};
use crate::ops::simd::{Kernel, LANES, Pack, run, transpose};
use rayon::prelude::*;

/// Outputs per parallel task; the sum over outputs in the backward pass is formed in pieces of as many, added up in order.
const OUTPUTS: usize = 512;

/// Outputs of a task that go through the whole backward pass together, while they are in the first-level cache.
const GROUP: usize = 128;

/// Outputs that are computed together before they are turned.
const STRIP: usize = LANES;

/// Activities of the last forward pass and room for the backward one.
#[derive(Debug)]
pub struct Mlp {
    activation: Activation,
    velocities: usize,
    padded: usize,
    layers: Vec<LayerBuffers>,
}

#[derive(Debug, Default)]
struct LayerBuffers {
    /// (in, padded): the layer's input.
    input: Vec<f32>,
    /// (K, in): the same, turned, for the weights' gradient.
    turned: Vec<f32>,
    /// (out, padded): its output forward, before the non-linearity; then ∂L/∂ of it.
    output: Vec<f32>,
    /// (tasks, strip, padded): strips of the last layer's output on their way to W.
    strips: Vec<f32>,
    /// (tasks, in, padded): pieces of ∂L/∂input.
    pieces: Vec<f32>,
}

/// Where a layer's gradient goes.
#[derive(Debug)]
pub struct LayerGradient<'a> {
    /// (out, in).
    pub weight: &'a mut [f32],
    /// (out).
    pub bias: &'a mut [f32],
    /// Whether it is added to what is there.
    pub add: bool,
}

impl Mlp {
    /// For a network of this non-linearity.
    pub fn new(activation: Activation) -> Self {
        Self { activation, velocities: 0, padded: 0, layers: Vec::new() }
    }

    /// Takes in the velocities (K, m per step) of a batch, for a network of `layers` layers.
    ///
    /// # Panics
    /// If there are no layers.
    pub fn start(&mut self, velocities_m: &[[f64; 2]], layers: usize) {
        let count = velocities_m.len();
        if count != self.velocities || layers != self.layers.len() {
            // Padding must be zero; `resize` refills buffers as the layers come.
            (self.velocities, self.padded) = (count, count.next_multiple_of(LANES));
            self.layers = (0..layers).map(|_| LayerBuffers::default()).collect();
        }
        let input = &mut self.layers[0].input;
        input.resize(2 * self.padded, 0.0);
        for (k, v) in velocities_m.iter().enumerate() {
            (input[k], input[self.padded + k]) = (v[0] as f32, v[1] as f32);
        }
    }

    /// Runs a layer that is not the last: weights (out, in), bias (out).
    ///
    /// # Panics
    /// If their lengths do not fit the layer before.
    pub fn forward_hidden(&mut self, number: usize, weight: &[f32], bias: &[f32]) {
        let (padded, outputs) = (self.padded, bias.len());
        let (before, after) = self.layers.split_at_mut(number + 1);
        let layer = &mut before[number];
        assert_eq!(weight.len() * padded, outputs * layer.input.len(), "layer {number}: weights do not fit");
        layer.output.resize(outputs * padded, 0.0);
        run(Strip { weight, bias, input: &layer.input, padded, output: &mut layer.output });
        let next = &mut after[0].input;
        next.resize(outputs * padded, 0.0);
        for (next, y) in next.chunks_exact_mut(padded).zip(layer.output.chunks_exact(padded)) {
            for (x, y) in next.iter_mut().zip(y).take(self.velocities) {
                *x = activate(self.activation, *y);
            }
        }
    }

    /// Runs the last layer: W (K, out).
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn forward_last(&mut self, weight: &[f32], bias: &[f32], w: &mut [f32]) {
        let (velocities, padded, outputs) = (self.velocities, self.padded, bias.len());
        let Some(layer) = self.layers.last_mut() else { return };
        let inputs = layer.input.len() / padded;
        assert_eq!((weight.len(), w.len()), (outputs * inputs, velocities * outputs), "the last layer's weights or W do not fit");
        layer.output.resize(outputs * padded, 0.0);
        layer.strips.resize(outputs.div_ceil(OUTPUTS) * STRIP * padded, 0.0);
        let (input, w) = (&layer.input, Shared(w.as_mut_ptr()));
        let tasks = layer.strips.par_chunks_mut(STRIP * padded).zip(weight.par_chunks(OUTPUTS * inputs)).zip(bias.par_chunks(OUTPUTS));
        tasks.enumerate().for_each(|(task, ((strip, weight), bias))| {
            run(TurnedStrips { weight, bias, input, padded, strip, w: w.at(task * OUTPUTS), outputs, velocities });
        });
    }

    /// The last layer back: from ∂L/∂W (K, out).
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn backward_last(&mut self, dw: &[f32], weight: &[f32], gradient: LayerGradient<'_>) {
        let number = self.layers.len() - 1;
        assert_eq!(dw.len(), self.velocities * gradient.bias.len(), "∂L/∂W does not fit");
        self.backward(number, Some(dw), weight, gradient);
    }

    /// Another layer back; those after it came first.
    ///
    /// # Panics
    /// If the lengths do not fit each other.
    pub fn backward_hidden(&mut self, number: usize, weight: &[f32], gradient: LayerGradient<'_>) {
        self.backward(number, None, weight, gradient);
    }

    fn backward(
        &mut self,
        number: usize,
        dw: Option<&[f32]>,
        weight: &[f32],
        LayerGradient { weight: to_weight, bias: to_bias, add }: LayerGradient<'_>,
    ) {
        let (velocities, padded, activation) = (self.velocities, self.padded, self.activation);
        let (before, rest) = self.layers.split_at_mut(number);
        let layer = &mut rest[0];
        let inputs = layer.input.len() / padded;
        let outputs = layer.output.len() / padded;
        assert_eq!((weight.len(), to_weight.len(), to_bias.len()), (outputs * inputs, outputs * inputs, outputs));
        layer.turned.resize(velocities * inputs, 0.0);
        run(Turn { shape: (inputs, velocities), from: &layer.input, from_row: padded, to: &mut layer.turned, to_row: inputs });
        layer.pieces.resize(outputs.div_ceil(OUTPUTS) * inputs * padded, 0.0);
        let turned = &layer.turned;
        layer
            .output
            .par_chunks_mut(OUTPUTS * padded)
            .zip(layer.pieces.par_chunks_mut(inputs * padded))
            .zip(weight.par_chunks(OUTPUTS * inputs))
            .zip(to_weight.par_chunks_mut(OUTPUTS * inputs))
            .zip(to_bias.par_chunks_mut(OUTPUTS))
            .enumerate()
            .for_each(|(task, ((((dy, piece), weight), weight_gradient), bias_gradient))| {
                let dw = dw.map(|dw| &dw[task * OUTPUTS..]);
                let piece = (number > 0).then_some(piece);
                run(Back { velocities, padded, inputs, outputs, dw, dy, turned, weight, weight_gradient, bias_gradient, add, piece });
            });
        if let Some(previous) = before.last_mut() {
            let (sum, rest) = layer.pieces.split_at_mut(inputs * padded);
            for piece in rest.chunks_exact(inputs * padded) {
                for (sum, value) in sum.iter_mut().zip(piece) {
                    *sum += value;
                }
            }
            // ∂L/∂y of the layer before takes the place of its y.
            for (y, sum) in previous.output.chunks_exact_mut(padded).zip(sum.chunks_exact(padded)) {
                let (own, padding) = y.split_at_mut(velocities);
                for (y, sum) in own.iter_mut().zip(sum) {
                    *y = sum * derivative(activation, *y);
                }
                padding.fill(0.0);
            }
        }
    }
}

/// A pointer that parallel tasks write disjoint parts through.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: every task that gets one writes its own elements only; each use says which.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The same, `offset` elements on.
    fn at(self, offset: usize) -> Self {
        Self(self.0.wrapping_add(offset))
    }
}

/// `output = weight·input + bias`, (out, padded).
struct Strip<'a> {
    weight: &'a [f32],
    bias: &'a [f32],
    input: &'a [f32],
    padded: usize,
    output: &'a mut [f32],
}

impl Kernel for Strip<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let Self { weight, bias, input, padded, output } = self;
        let inputs = input.len() / padded;
        assert!(weight.len() == bias.len() * inputs && output.len() == bias.len() * padded);
        for (row, b) in output.chunks_exact_mut(padded).zip(bias) {
            row.fill(*b);
        }
        let a = Strided { data: weight.as_ptr(), row: inputs, column: 1 };
        // SAFETY: the shapes were just checked.
        unsafe { multiply::<P, true>((bias.len(), padded, inputs), a, input.as_ptr(), padded, output.as_mut_ptr(), padded) };
    }
}

/// The same, strip by strip, each turned into columns of `w` (K, outputs).
struct TurnedStrips<'a> {
    weight: &'a [f32],
    bias: &'a [f32],
    input: &'a [f32],
    padded: usize,
    /// One strip, whose few lines stay in the first-level cache.
    strip: &'a mut [f32],
    w: Shared,
    outputs: usize,
    velocities: usize,
}

impl Kernel for TurnedStrips<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let inputs = self.input.len() / self.padded;
        for (s, (weight, bias)) in self.weight.chunks(STRIP * inputs).zip(self.bias.chunks(STRIP)).enumerate() {
            let output = &mut self.strip[..bias.len() * self.padded];
            // SAFETY: within `run`; this task's columns of `w` are its own, and lie within its K rows.
            unsafe {
                Strip { weight, bias, input: self.input, padded: self.padded, output: &mut *output }.call::<P>();
                let columns = self.w.0.add(s * STRIP);
                transpose_from_lanes::<P>((bias.len(), self.velocities), output, self.padded, columns, self.outputs);
            }
        }
    }
}

/// Turns a strip (rows, padded) into columns of a matrix with `velocities` rows; whole squares of lanes also where the padding is part of them.
#[inline(always)]
unsafe fn transpose_from_lanes<P: Pack>((rows, velocities): (usize, usize), strip: &[f32], padded: usize, to: *mut f32, to_row: usize) {
    // SAFETY: as the caller's; the padding's columns are computed and not stored.
    unsafe {
        if rows == LANES {
            for first in (0..velocities).step_by(LANES) {
                let mut square = [P::splat(0.0); LANES];
                for (i, pack) in square.iter_mut().enumerate() {
                    *pack = P::load(strip.as_ptr().add(i * padded + first));
                }
                for (i, pack) in P::transpose(square).into_iter().enumerate().take(velocities - first) {
                    pack.store(to.add((first + i) * to_row));
                }
            }
        } else {
            transpose::<P>((rows, velocities), strip.as_ptr(), padded, to, to_row);
        }
    }
}

struct Turn<'a> {
    shape: (usize, usize),
    from: &'a [f32],
    from_row: usize,
    to: &'a mut [f32],
    to_row: usize,
}

impl Kernel for Turn<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let (rows, columns) = self.shape;
        assert!(columns <= self.from_row && rows <= self.to_row);
        assert!(self.from.len() >= rows * self.from_row && self.to.len() >= columns * self.to_row);
        // SAFETY: the shapes were just checked.
        unsafe { transpose::<P>(self.shape, self.from.as_ptr(), self.from_row, self.to.as_mut_ptr(), self.to_row) };
    }
}

/// One task's outputs of a layer, backward.
struct Back<'a> {
    velocities: usize,
    padded: usize,
    inputs: usize,
    outputs: usize,
    /// ∂L/∂y as (K, outputs) from this task's first output on; none if `dy` holds it already.
    dw: Option<&'a [f32]>,
    /// (own outputs, padded).
    dy: &'a mut [f32],
    /// (K, in).
    turned: &'a [f32],
    /// (own outputs, in).
    weight: &'a [f32],
    weight_gradient: &'a mut [f32],
    bias_gradient: &'a mut [f32],
    add: bool,
    /// (in, padded).
    piece: Option<&'a mut [f32]>,
}

impl Kernel for Back<'_> {
    type Output = ();
    #[inline(always)]
    unsafe fn call<P: Pack>(self) {
        let Self { velocities, padded, inputs, outputs, dw, dy, turned, weight, weight_gradient, bias_gradient, add, piece } = self;
        let own = bias_gradient.len();
        assert!(dy.len() == own * padded && weight.len() == own * inputs && weight_gradient.len() == own * inputs);
        assert!(turned.len() == velocities * inputs);
        assert!(dw.is_none_or(|dw| dw.len() >= (velocities - 1) * outputs + own));
        assert!(piece.as_ref().is_none_or(|piece| piece.len() == inputs * padded));
        let mut piece = piece.map(|piece| {
            piece.fill(0.0);
            piece.as_mut_ptr()
        });
        for first in (0..own).step_by(GROUP) {
            let group = first..own.min(first + GROUP);
            let dy = &mut dy[first * padded..group.end * padded];
            let (to, weight) = (weight_gradient[first * inputs..].as_mut_ptr(), weight[first * inputs..].as_ptr());
            // SAFETY: the shapes were checked above; the group's outputs are this task's.
            unsafe {
                if let Some(dw) = dw {
                    transpose::<P>((velocities, group.len()), dw.as_ptr().add(first), outputs, dy.as_mut_ptr(), padded);
                }
                for (sum, row) in bias_gradient[group.clone()].iter_mut().zip(dy.chunks_exact(padded)) {
                    let mut lanes = P::load(row.as_ptr());
                    for at in (LANES..padded).step_by(LANES) {
                        lanes = lanes.add(P::load(row.as_ptr().add(at)));
                    }
                    let value = lanes.sum() as f32;
                    *sum = if add { *sum + value } else { value };
                }
                let (shape, a) = ((group.len(), inputs, velocities), Strided { data: dy.as_ptr(), row: padded, column: 1 });
                if add {
                    multiply::<P, true>(shape, a, turned.as_ptr(), inputs, to, inputs);
                } else {
                    multiply::<P, false>(shape, a, turned.as_ptr(), inputs, to, inputs);
                }
                if let Some(piece) = &mut piece {
                    let a = Strided { data: weight, row: 1, column: inputs };
                    multiply::<P, true>((inputs, padded, group.len()), a, dy.as_ptr(), padded, *piece, padded);
                }
            }
        }
    }
}

//! The MLP on a GPU: arguments and launches of kernel.cu.

use crate::config::Activation;
use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;

const THREADS: usize = 256;

/// Side of a tile of products.
const TILE_SIDE: usize = 64;

/// Most pieces of the sum over the last layer's outputs.
const MOST_PIECES: usize = 128;

/// `HiddenArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct HiddenArguments {
    input: Address,
    weight: Address,
    bias: Address,
    output: Address,
    active: Address,
    velocities: u32,
    inputs: u32,
    outputs: u32,
    activation: u32,
}
const _: () = assert!(size_of::<HiddenArguments>() == 56);
// SAFETY: the fields of `HiddenArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for HiddenArguments {}

/// `HiddenBackwardArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct HiddenBackwardArguments {
    gradient: Address,
    input: Address,
    weight: Address,
    output_before: Address,
    gradient_before: Address,
    weight_gradient: Address,
    bias_gradient: Address,
    velocities: u32,
    inputs: u32,
    outputs: u32,
    activation: u32,
    add: u32,
}
const _: () = assert!(size_of::<HiddenBackwardArguments>() == 80);
// SAFETY: the fields of `HiddenBackwardArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for HiddenBackwardArguments {}

/// `LastArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct LastArguments {
    input: Address,
    weight: Address,
    bias: Address,
    w: Address,
    dw: Address,
    weight_gradient: Address,
    bias_gradient: Address,
    pieces: Address,
    output_before: Address,
    gradient_before: Address,
    velocities: u32,
    hidden: u32,
    units: u32,
    w_stride: u32,
    activation: u32,
    add: u32,
    columns: u32,
    parts: u32,
}
const _: () = assert!(size_of::<LastArguments>() == 112);
// SAFETY: the fields of `LastArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for LastArguments {}

/// Addresses of one layer's values or gradients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    /// (out, in).
    pub(crate) weight: Address,
    /// (out).
    pub(crate) bias: Address,
}

/// Activities of the last forward pass and room for the backward one, for up to V velocities.
#[derive(Debug)]
pub(crate) struct MlpBuffers {
    activation: Activation,
    units: usize,
    /// Widths: inputs of every layer.
    widths: Vec<usize>,
    /// Of each hidden layer: (V, out) before the non-linearity, after it, and ∂L/∂ before it.
    outputs: Vec<Buffer<f32>>,
    active: Vec<Buffer<f32>>,
    gradients: Vec<Buffer<f32>>,
    /// (parts, V, H).
    pieces: Option<Buffer<f32>>,
}

fn activation_number(activation: Activation) -> u32 {
    match activation {
        Activation::Relu => 0,
        Activation::Tanh => 1,
        Activation::Silu => 2,
        Activation::Gelu => 3,
    }
}

impl MlpBuffers {
    /// For a network of these hidden widths; `backward` makes room for that, too.
    pub(crate) fn new(
        queue: &Queue,
        hidden: &[usize],
        activation: Activation,
        units: usize,
        velocities: usize,
        backward: bool,
    ) -> Result<Self, ModelError> {
        let room = |wanted: bool| -> Result<Vec<Buffer<f32>>, ModelError> {
            hidden.iter().filter(|_| wanted).map(|width| queue.zeros(velocities * width)).collect()
        };
        let pieces = hidden.last().filter(|_| backward).map(|width| queue.zeros(parts(units) * velocities * width)).transpose()?;
        Ok(Self {
            activation,
            units,
            widths: std::iter::once(2).chain(hidden.iter().copied()).collect(),
            outputs: room(true)?,
            active: room(true)?,
            gradients: room(backward)?,
            pieces,
        })
    }

    /// Input of a layer.
    fn input(&self, number: usize, velocities: Address) -> Address {
        number.checked_sub(1).map_or(velocities, |before| self.active[before].address())
    }

    /// W of all velocities (V, 2), turned (see kernel.cu).
    pub(crate) fn forward(&self, queue: &Queue, layers: &[Layer], velocities: Address, count: usize, w: Address) -> Result<(), ModelError> {
        let hidden = layers.len() - 1;
        for (number, layer) in layers.iter().enumerate().take(hidden) {
            let outputs = self.widths[number + 1];
            let arguments = HiddenArguments {
                input: self.input(number, velocities),
                weight: layer.weight,
                bias: layer.bias,
                output: self.outputs[number].address(),
                active: self.active[number].address(),
                velocities: count as u32,
                inputs: self.widths[number] as u32,
                outputs: outputs as u32,
                activation: activation_number(self.activation),
            };
            queue.launch("mlp_hidden_forward", Launch::over(count * outputs, THREADS), &arguments)?;
        }
        let arguments = LastArguments { w, ..self.last(layers, None, velocities, count, false) };
        let grid = (self.units.div_ceil(TILE_SIDE), self.units, count.div_ceil(TILE_SIDE));
        queue.launch("mlp_last_forward", Launch { grid, threads: THREADS, shared: 0 }, &arguments)
    }

    /// The gradients of all layers from ∂L/∂W, after [`Self::forward`] with the same arguments.
    pub(crate) fn backward(
        &self,
        queue: &Queue,
        layers: &[Layer],
        to: &[Layer],
        (velocities, count): (Address, usize),
        dw: Address,
        add: bool,
    ) -> Result<(), ModelError> {
        let hidden = layers.len() - 1;
        let width = self.widths[hidden];
        let arguments = LastArguments { dw, ..self.last(layers, Some(to), velocities, count, add) };
        let grid = (self.units.div_ceil(TILE_SIDE), self.units, width.div_ceil(TILE_SIDE));
        let weights = queue.beside(|| queue.launch("mlp_last_weights", Launch { grid, threads: THREADS, shared: 0 }, &arguments))?;
        if hidden == 0 {
            return queue.join(&weights);
        }
        let grid = (count.div_ceil(TILE_SIDE), width.div_ceil(TILE_SIDE), parts(self.units));
        queue.launch("mlp_last_inputs", Launch { grid, threads: THREADS, shared: 0 }, &arguments)?;
        queue.launch("mlp_last_inputs_sum", Launch::over(count * width, THREADS), &arguments)?;
        for number in (0..hidden).rev() {
            let (inputs, outputs) = (self.widths[number], self.widths[number + 1]);
            let before = number.checked_sub(1);
            let arguments = HiddenBackwardArguments {
                gradient: self.gradients[number].address(),
                input: self.input(number, velocities),
                weight: layers[number].weight,
                output_before: before.map(|before| self.outputs[before].address()).unwrap_or_default(),
                gradient_before: before.map(|before| self.gradients[before].address()).unwrap_or_default(),
                weight_gradient: to[number].weight,
                bias_gradient: to[number].bias,
                velocities: count as u32,
                inputs: inputs as u32,
                outputs: outputs as u32,
                activation: activation_number(self.activation),
                add: u32::from(add),
            };
            queue.launch("mlp_hidden_weights", Launch::over(outputs * inputs + outputs, THREADS), &arguments)?;
            if before.is_some() {
                queue.launch("mlp_hidden_inputs", Launch::over(count * inputs, THREADS), &arguments)?;
            }
        }
        queue.join(&weights)
    }

    fn last(&self, layers: &[Layer], to: Option<&[Layer]>, velocities: Address, count: usize, add: bool) -> LastArguments {
        let number = layers.len() - 1;
        let before = number.checked_sub(1).filter(|_| to.is_some());
        LastArguments {
            input: self.input(number, velocities),
            weight: layers[number].weight,
            bias: layers[number].bias,
            w: Address::default(),
            dw: Address::default(),
            weight_gradient: to.map(|to| to[number].weight).unwrap_or_default(),
            bias_gradient: to.map(|to| to[number].bias).unwrap_or_default(),
            pieces: self.pieces.as_ref().map(Buffer::address).unwrap_or_default(),
            output_before: before.map(|before| self.outputs[before].address()).unwrap_or_default(),
            gradient_before: before.map(|before| self.gradients[before].address()).unwrap_or_default(),
            velocities: count as u32,
            hidden: self.widths[number] as u32,
            units: self.units as u32,
            w_stride: self.units.next_multiple_of(4) as u32,
            activation: activation_number(self.activation),
            add: u32::from(add),
            columns: columns(self.units) as u32,
            parts: parts(self.units) as u32,
        }
    }
}

/// Columns of W that one piece of the sum over outputs takes.
fn columns(units: usize) -> usize {
    units.div_ceil(MOST_PIECES)
}

/// Pieces of the sum over outputs.
fn parts(units: usize) -> usize {
    units.div_ceil(columns(units))
}

//! The rollout on a GPU: arguments and launches of kernel.cu and weight_gradient.cu.

use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::sizes::Sizes;
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;
use crate::ops::state_losses::Conformal;

const THREADS: usize = 256;

/// Side of a tile of products.
const TILE_SIDE: usize = 64;

/// `RolloutArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct RolloutArguments {
    w: Address,
    index: Address,
    initial: Address,
    g: Address,
    norm: Address,
    dg: Address,
    carried: Address,
    conformal: Conformal,
    initial_stride: u32,
    batch: u32,
    length: u32,
    units: u32,
    stride: u32,
    w_stride: u32,
    velocities: u32,
    states_padded: u32,
}
const _: () = assert!(size_of::<RolloutArguments>() == 120);
// SAFETY: the fields of `RolloutArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for RolloutArguments {}

/// `InitialArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct InitialArguments {
    raw: Address,
    initial: Address,
    norm: Address,
    counts: Address,
    carried: Address,
    gradient: Address,
    units: u32,
    stride: u32,
    batches: u32,
    trajectories: u32,
    add: u32,
}
const _: () = assert!(size_of::<InitialArguments>() == 72);
// SAFETY: the fields of `InitialArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for InitialArguments {}

/// `WeightGradientArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct WeightGradientArguments {
    dz: Address,
    g: Address,
    initial: Address,
    uses: Address,
    dw: Address,
    count: u32,
    length: u32,
    units: u32,
    stride: u32,
    w_stride: u32,
    velocities: u32,
    states_padded: u32,
}
const _: () = assert!(size_of::<WeightGradientArguments>() == 72);
// SAFETY: the fields of `WeightGradientArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for WeightGradientArguments {}

/// States and their way back.
#[derive(Debug)]
pub(crate) struct RolloutBuffers {
    /// (A, states_padded, stride); padding is zero.
    pub(crate) g: Buffer<f32>,
    /// (A, states_padded).
    pub(crate) norm: Buffer<f32>,
    /// (stride): g₀.
    pub(crate) initial: Buffer<f32>,
    initial_norm: Buffer<f32>,
    /// Like `g`: ∂L/∂g, then ∂L/∂z.
    pub(crate) dg: Buffer<f32>,
    /// (A·B, stride).
    carried: Buffer<f32>,
}

/// Where trajectories start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) states: Address,
    /// Floats from one trajectory's state to the next; 0 where they share it.
    pub(crate) apart: usize,
}

impl RolloutBuffers {
    pub(crate) fn new(queue: &Queue, sizes: &Sizes) -> Result<Self, ModelError> {
        Ok(Self {
            dg: queue.zeros(sizes.g_len())?,
            carried: queue.zeros(sizes.batches * sizes.batch * sizes.stride())?,
            ..Self::forward_only(queue, sizes)?
        })
    }

    /// Without room for the way back.
    pub(crate) fn forward_only(queue: &Queue, sizes: &Sizes) -> Result<Self, ModelError> {
        Ok(Self {
            g: queue.zeros(sizes.g_len())?,
            norm: queue.zeros(sizes.batches * sizes.states_padded())?,
            initial: queue.zeros(sizes.stride())?,
            initial_norm: queue.zeros(1)?,
            dg: queue.zeros(0)?,
            carried: queue.zeros(0)?,
        })
    }

    /// g₀ from its raw values; sets the counts of pairs to 0.
    pub(crate) fn start(&self, queue: &Queue, sizes: &Sizes, raw: Address, counts: Address) -> Result<(), ModelError> {
        let arguments = self.initial_arguments(sizes, raw, counts, Address::default(), false);
        queue.launch("initial_state", Launch { grid: (1, 1, 1), threads: THREADS, shared: 0 }, &arguments)
    }

    /// All states.
    pub(crate) fn forward(&self, queue: &Queue, sizes: &Sizes, w: Address, index: Address) -> Result<(), ModelError> {
        let start = Start { states: self.initial.address(), apart: 0 };
        forward(queue, sizes, w, index, start, self.g.address(), self.norm.address())
    }

    /// ∂L/∂z of all states, and what reaches g₀.
    pub(crate) fn backward(
        &self,
        queue: &Queue,
        sizes: &Sizes,
        w: Address,
        index: Address,
        conformal: Conformal,
    ) -> Result<(), ModelError> {
        let start = Start { states: self.initial.address(), apart: 0 };
        let arguments = RolloutArguments {
            dg: self.dg.address(),
            carried: self.carried.address(),
            conformal,
            ..arguments(sizes, w, index, start, self.g.address(), self.norm.address())
        };
        // Places, values, carried slopes and ∂L/∂z.
        let shared = 4 * 4 * sizes.units.next_multiple_of(THREADS);
        queue.launch("rollout_backward", Launch { grid: (sizes.batch, sizes.batches, 1), threads: THREADS, shared }, &arguments)
    }

    /// The gradient of g₀'s raw values.
    pub(crate) fn initial_gradient(
        &self,
        queue: &Queue,
        sizes: &Sizes,
        raw: Address,
        gradient: Address,
        add: bool,
    ) -> Result<(), ModelError> {
        let arguments = self.initial_arguments(sizes, raw, Address::default(), gradient, add);
        queue.launch("initial_gradient", Launch { grid: (1, 1, 1), threads: THREADS, shared: 4 * sizes.units }, &arguments)
    }

    /// ∂L/∂W of all velocities.
    pub(crate) fn weight_gradient(&self, queue: &Queue, sizes: &Sizes, uses: Address, dw: Address) -> Result<(), ModelError> {
        let arguments = WeightGradientArguments {
            dz: self.dg.address(),
            g: self.g.address(),
            initial: self.initial.address(),
            uses,
            dw,
            count: sizes.uses() as u32,
            length: sizes.length as u32,
            units: sizes.units as u32,
            stride: sizes.stride() as u32,
            w_stride: sizes.w_stride() as u32,
            velocities: sizes.velocities as u32,
            states_padded: sizes.states_padded() as u32,
        };
        let tiles = sizes.units.div_ceil(TILE_SIDE);
        let launch = Launch { grid: (sizes.batches * sizes.velocities, tiles, tiles), threads: THREADS, shared: 0 };
        queue.launch("weight_gradient", launch, &arguments)
    }

    fn initial_arguments(&self, sizes: &Sizes, raw: Address, counts: Address, gradient: Address, add: bool) -> InitialArguments {
        InitialArguments {
            raw,
            initial: self.initial.address(),
            norm: self.initial_norm.address(),
            counts,
            carried: self.carried.address(),
            gradient,
            units: sizes.units as u32,
            stride: sizes.stride() as u32,
            batches: sizes.batches as u32,
            trajectories: (sizes.batches * sizes.batch) as u32,
            add: u32::from(add),
        }
    }
}

/// Rolls trajectories out from given states, without a way back.
pub(crate) fn forward(
    queue: &Queue,
    sizes: &Sizes,
    w: Address,
    index: Address,
    start: Start,
    g: Address,
    norm: Address,
) -> Result<(), ModelError> {
    let padded = sizes.units.next_multiple_of(THREADS);
    let quads = sizes.w_stride() / 4;
    let together = THREADS / quads.next_power_of_two().clamp(32, THREADS);
    // Places, values, the rectified state, and sums over columns.
    let shared = 4 * (3 * padded + together * sizes.w_stride());
    let launch = Launch { grid: (sizes.batch, sizes.batches, 1), threads: THREADS, shared };
    queue.launch("rollout_forward", launch, &arguments(sizes, w, index, start, g, norm))
}

fn arguments(sizes: &Sizes, w: Address, index: Address, start: Start, g: Address, norm: Address) -> RolloutArguments {
    RolloutArguments {
        w,
        index,
        initial: start.states,
        g,
        norm,
        dg: Address::default(),
        carried: Address::default(),
        conformal: Conformal::default(),
        initial_stride: start.apart as u32,
        batch: sizes.batch as u32,
        length: sizes.length as u32,
        units: sizes.units as u32,
        stride: sizes.stride() as u32,
        w_stride: sizes.w_stride() as u32,
        velocities: sizes.velocities as u32,
        states_padded: sizes.states_padded() as u32,
    }
}

//! The losses of states: arguments and launches of kernel.cu.

use crate::config::LossConfig;
use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::sizes::Sizes;
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;
use crate::losses::{LossStatistics, Losses};
use crate::ops::pair_losses::{PairBuffers, reduction_number};
use crate::ops::rollout::RolloutBuffers;
use cudarc::driver::{DeviceRepr, ValidAsZeroBits};

const THREADS: usize = 256;
const WARPS: usize = THREADS / 32;
const SUMMARY_THREADS: usize = 1024;

/// States of one partial sum of the capacity loss.
pub(crate) const CAPACITY_STATES: usize = 64;

/// `Conformal`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conformal {
    ratio: Address,
    speeds: Address,
    summaries: Address,
    lambda: f64,
}

/// `Summary`: what a batch came to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    separation: f64,
    invariance: f64,
    capacity: f64,
    conformal: f64,
    conformal_mean: f64,
    far: u64,
    near: u64,
    slow: u64,
    zero: u64,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for Summary {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for Summary {}

impl Summary {
    pub(crate) fn losses(&self) -> Losses {
        Losses { separation: self.separation, invariance: self.invariance, capacity: self.capacity, conformal: self.conformal }
    }

    pub(crate) fn statistics(&self, states: usize) -> LossStatistics {
        LossStatistics {
            separation_pairs: self.far,
            invariance_pairs: self.near,
            conformal_steps: self.slow,
            zero_state_fraction: self.zero as f64 / states as f64,
        }
    }
}

/// `StatesArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct StatesArguments {
    g: Address,
    rounded: Address,
    initial: Address,
    norm: Address,
    squared_norm: Address,
    speeds: Address,
    ratio: Address,
    capacity_sums: Address,
    capacity_slope: Address,
    counts: Address,
    pair_losses: Address,
    partials: Address,
    slope_partials: Address,
    summaries: Address,
    dg: Address,
    sigma_x: f64,
    lambda_cap: f64,
    lambda_coniso: f64,
    states: u32,
    states_padded: u32,
    length: u32,
    stride: u32,
    capacity_parts: u32,
    groups: u32,
    group_rows: u32,
    reduction: u32,
}
const _: () = assert!(size_of::<StatesArguments>() == 176);
// SAFETY: the fields of `StatesArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for StatesArguments {}

/// What is known of states beside themselves.
#[derive(Debug)]
pub(crate) struct StateBuffers {
    /// (A, states_padded, stride): the states rounded to TF32, where the pair losses work on those.
    rounded: Option<Buffer<f32>>,
    squared_norm: Buffer<f32>,
    ratio: Buffer<f64>,
    capacity_sums: Buffer<f32>,
    capacity_slope: Buffer<f32>,
}

/// What all launches here see.
#[derive(Clone, Copy)]
pub(crate) struct StateInputs<'a> {
    pub(crate) rollout: &'a RolloutBuffers,
    pub(crate) pairs: &'a PairBuffers,
    pub(crate) speeds: Address,
    pub(crate) counts: Address,
    /// (A).
    pub(crate) summaries: Address,
    pub(crate) loss: &'a LossConfig,
}

impl StateBuffers {
    pub(crate) fn new(queue: &Queue, sizes: &Sizes, rounded: bool) -> Result<Self, ModelError> {
        let states = sizes.batches * sizes.states_padded();
        Ok(Self {
            rounded: rounded.then(|| queue.zeros(sizes.g_len())).transpose()?,
            squared_norm: queue.zeros(states)?,
            ratio: queue.zeros(states)?,
            capacity_sums: queue.zeros(sizes.batches * sizes.capacity_parts() * sizes.stride())?,
            capacity_slope: queue.zeros(sizes.batches * sizes.stride())?,
        })
    }

    /// The states that the pair losses work on.
    pub(crate) fn paired(&self, rollout: &RolloutBuffers) -> Address {
        self.rounded.as_ref().unwrap_or(&rollout.g).address()
    }

    pub(crate) fn squared_norm(&self) -> Address {
        self.squared_norm.address()
    }

    pub(crate) fn conformal(&self, inputs: StateInputs<'_>) -> Conformal {
        Conformal { ratio: self.ratio.address(), speeds: inputs.speeds, summaries: inputs.summaries, lambda: inputs.loss.lambda_coniso }
    }

    /// Norms, rounded states, sums for the capacity loss, changes of slow steps.
    pub(crate) fn statistics(&self, queue: &Queue, sizes: &Sizes, inputs: StateInputs<'_>) -> Result<(), ModelError> {
        let arguments = self.arguments(sizes, inputs);
        let launch = Launch { grid: (sizes.states().div_ceil(WARPS), sizes.batches, 1), threads: THREADS, shared: 0 };
        queue.launch("state_statistics", launch, &arguments)?;
        let launch = Launch { grid: (sizes.stride().div_ceil(128), sizes.capacity_parts(), sizes.batches), threads: 128, shared: 0 };
        queue.launch("capacity_sums", launch, &arguments)
    }

    /// The losses of each batch, after the sweep over pairs.
    pub(crate) fn summarize(&self, queue: &Queue, sizes: &Sizes, inputs: StateInputs<'_>) -> Result<(), ModelError> {
        let launch = Launch { grid: (sizes.batches, 1, 1), threads: SUMMARY_THREADS, shared: 0 };
        queue.launch("summarize", launch, &self.arguments(sizes, inputs))
    }

    /// ∂L/∂g of every state from all four losses.
    pub(crate) fn gradient(&self, queue: &Queue, sizes: &Sizes, inputs: StateInputs<'_>) -> Result<(), ModelError> {
        let launch = Launch { grid: (sizes.states().div_ceil(WARPS), sizes.batches, 1), threads: THREADS, shared: 0 };
        queue.launch("state_gradient", launch, &self.arguments(sizes, inputs))
    }

    fn arguments(&self, sizes: &Sizes, inputs: StateInputs<'_>) -> StatesArguments {
        let StateInputs { rollout, pairs, speeds, counts, summaries, loss } = inputs;
        StatesArguments {
            g: rollout.g.address(),
            rounded: self.rounded.as_ref().map(Buffer::address).unwrap_or_default(),
            initial: rollout.initial.address(),
            norm: rollout.norm.address(),
            squared_norm: self.squared_norm.address(),
            speeds,
            ratio: self.ratio.address(),
            capacity_sums: self.capacity_sums.address(),
            capacity_slope: self.capacity_slope.address(),
            counts,
            pair_losses: pairs.losses.address(),
            partials: pairs.partials.address(),
            slope_partials: pairs.slope_partials.address(),
            summaries,
            dg: rollout.dg.address(),
            sigma_x: loss.sigma_x_m,
            lambda_cap: loss.lambda_cap,
            lambda_coniso: loss.lambda_coniso,
            states: sizes.states() as u32,
            states_padded: sizes.states_padded() as u32,
            length: sizes.length as u32,
            stride: sizes.stride() as u32,
            capacity_parts: sizes.capacity_parts() as u32,
            groups: sizes.pairs.groups as u32,
            group_rows: sizes.pairs.group_rows() as u32,
            reduction: reduction_number(loss.reduction),
        }
    }
}

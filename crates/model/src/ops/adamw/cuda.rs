//! The end of a step: arguments and launches of kernel.cu.

use crate::config::{LossConfig, OptimizerConfig, SchedulerConfig, SchedulerKind};
use crate::cuda::parameters::{FlatLayout, FlatParameters};
use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;
use crate::losses::Losses;
use crate::ops::draw::StepInput;
use crate::train::StepMetrics;
use cudarc::driver::{DeviceRepr, ValidAsZeroBits};

const THREADS: usize = 256;

/// Elements of one partial sum of the norm.
const PIECE: usize = 4096;

/// `PlateauState`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PlateauState {
    pub(crate) factor: f64,
    pub(crate) best: f64,
    pub(crate) sum: f64,
    pub(crate) filled: u64,
    pub(crate) bad_windows: u64,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for PlateauState {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for PlateauState {}

/// `StepOutput`: one step's row of metrics.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepOutput {
    total: f64,
    separation: f64,
    invariance: f64,
    capacity: f64,
    conformal: f64,
    pub(crate) grad_norm: f64,
    rate: f64,
    far: f64,
    near: f64,
    slow: f64,
    zero: f64,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for StepOutput {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for StepOutput {}

impl StepOutput {
    pub(crate) fn losses(&self) -> Losses {
        Losses { separation: self.separation, invariance: self.invariance, capacity: self.capacity, conformal: self.conformal }
    }

    pub(crate) fn metrics(&self, step: u64) -> StepMetrics {
        StepMetrics {
            step,
            loss_total: self.total,
            loss_separation: self.separation,
            loss_invariance: self.invariance,
            loss_capacity: self.capacity,
            loss_conformal: self.conformal,
            grad_norm: self.grad_norm,
            learning_rate: self.rate,
            separation_pairs: self.far,
            invariance_pairs: self.near,
            conformal_steps: self.slow,
            zero_state_fraction: self.zero,
        }
    }
}

/// `Decision`, which only kernels look at.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Decision {
    _scale: f32,
    _keep: f32,
    _rate: f32,
    _root: f32,
    _apply: u32,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for Decision {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for Decision {}

/// `AdamWArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct AdamWArguments {
    parameters: Address,
    gradient: Address,
    first: Address,
    second: Address,
    offsets: Address,
    squares: Address,
    summaries: Address,
    inputs: Address,
    outputs: Address,
    progress: Address,
    plateau: Address,
    decision: Address,
    lambda_sep: f64,
    lambda_inv: f64,
    lambda_cap: f64,
    lambda_coniso: f64,
    clip_norm: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    plateau_threshold: f64,
    plateau_factor: f64,
    plateau_least: f64,
    rate_base: f64,
    plateau_window: u64,
    plateau_patience: u64,
    from: u32,
    count: u32,
    parameter_count: u32,
    pieces: u32,
    batches: u32,
    states: u32,
    on_plateau: u32,
}
const _: () = assert!(size_of::<AdamWArguments>() == 248);
// SAFETY: the fields of `AdamWArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for AdamWArguments {}

/// Moments, and room for the norm.
#[derive(Debug)]
pub(crate) struct AdamWBuffers {
    pub(crate) first: Buffer<f32>,
    pub(crate) second: Buffer<f32>,
    offsets: Buffer<u32>,
    squares: Buffer<f64>,
    decision: Buffer<Decision>,
}

/// What the end of a step sees of the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepEnd<'a> {
    /// (batches).
    pub(crate) summaries: Address,
    pub(crate) batches: usize,
    /// States of a batch.
    pub(crate) states: usize,
    pub(crate) inputs: &'a Buffer<StepInput>,
    pub(crate) outputs: Address,
    pub(crate) progress: Address,
    pub(crate) plateau: Address,
    pub(crate) loss: &'a LossConfig,
    pub(crate) optimizer: &'a OptimizerConfig,
    pub(crate) scheduler: &'a SchedulerConfig,
}

impl AdamWBuffers {
    pub(crate) fn new(queue: &Queue, layout: &FlatLayout) -> Result<Self, ModelError> {
        let mut offsets = queue.zeros(layout.offsets().len())?;
        let from: Vec<u32> = layout.offsets().iter().map(|offset| *offset as u32).collect();
        queue.upload(&mut offsets, &from)?;
        Ok(Self {
            first: queue.zeros(layout.len())?,
            second: queue.zeros(layout.len())?,
            offsets,
            squares: queue.zeros(layout.len().div_ceil(PIECE))?,
            decision: queue.zeros(1)?,
        })
    }

    /// Norm, metrics, learning rate, clipping, update.
    pub(crate) fn finish(
        &self,
        queue: &Queue,
        parameters: &FlatParameters,
        gradient: &Buffer<f32>,
        end: StepEnd<'_>,
    ) -> Result<(), ModelError> {
        let layout = &parameters.layout;
        let (from, count) = (layout.trained_from(), layout.len());
        let pieces = (count - from).div_ceil(PIECE);
        let StepEnd { loss, optimizer, scheduler, .. } = end;
        let arguments = AdamWArguments {
            parameters: parameters.values.address(),
            gradient: gradient.address(),
            first: self.first.address(),
            second: self.second.address(),
            offsets: self.offsets.address(),
            squares: self.squares.address(),
            summaries: end.summaries,
            inputs: end.inputs.address(),
            outputs: end.outputs,
            progress: end.progress,
            plateau: end.plateau,
            decision: self.decision.address(),
            lambda_sep: loss.lambda_sep,
            lambda_inv: loss.lambda_inv,
            lambda_cap: loss.lambda_cap,
            lambda_coniso: loss.lambda_coniso,
            clip_norm: optimizer.clip_norm,
            beta1: optimizer.beta1,
            beta2: optimizer.beta2,
            epsilon: optimizer.epsilon,
            weight_decay: optimizer.weight_decay,
            plateau_threshold: scheduler.threshold,
            plateau_factor: scheduler.factor,
            plateau_least: scheduler.min_learning_rate,
            rate_base: optimizer.learning_rate,
            plateau_window: scheduler.window,
            plateau_patience: scheduler.patience,
            from: from as u32,
            count: count as u32,
            parameter_count: (layout.offsets().len() - 1) as u32,
            pieces: pieces as u32,
            batches: end.batches as u32,
            states: end.states as u32,
            on_plateau: u32::from(scheduler.kind == SchedulerKind::Plateau),
        };
        queue.launch("gradient_norm", Launch { grid: (pieces, 1, 1), threads: THREADS, shared: 0 }, &arguments)?;
        queue.launch("adamw_update", Launch::over(count - from, THREADS), &arguments)
    }
}

//! Drawing batches: arguments and launches of kernel.cu.

use crate::batch::Batch;
use crate::config::{Augmentation, DataConfig, VelocityDistribution};
use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;
use cudarc::driver::{DeviceRepr, ValidAsZeroBits};

const THREADS: usize = 256;
const WARPS: usize = THREADS / 32;

/// Bytes of shared memory that the orders of a block's trajectories share, if one order does not need more.
const SHARED: usize = 32 << 10;

/// `StepInput`: what the host hands over for each step.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepInput {
    pub(crate) key: [u32; 8],
    pub(crate) rate: f64,
    pub(crate) first_correction: f64,
    pub(crate) second_root: f64,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for StepInput {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for StepInput {}

/// `Progress`: how far the device is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) slot: u32,
    pub(crate) failed: u32,
    pub(crate) arrived: u32,
    pub(crate) bad_parameter: u32,
}
// SAFETY: plain numbers, for which zero bits are 0.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl DeviceRepr for Progress {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a promise about plain numbers")]
unsafe impl ValidAsZeroBits for Progress {}

/// `DrawArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct DrawArguments {
    inputs: Address,
    progress: Address,
    offsets: Address,
    rejected: Address,
    velocities: Address,
    velocities_single: Address,
    index: Address,
    uses: Address,
    positions: Address,
    speeds: Address,
    limit: f64,
    batches: u32,
    batch: u32,
    length: u32,
    velocities_count: u32,
    states_padded: u32,
    permuted: u32,
    disc: u32,
    serial: u32,
}
const _: () = assert!(size_of::<DrawArguments>() == 120);
// SAFETY: the fields of `DrawArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for DrawArguments {}

/// The batches of a step.
#[derive(Debug)]
pub(crate) struct BatchBuffers {
    /// Batches.
    pub(crate) batches: usize,
    states_padded: usize,
    offsets: Buffer<u64>,
    rejected: Buffer<u32>,
    velocities: Buffer<f64>,
    /// (batches, K, 2), m per step.
    pub(crate) velocities_single: Buffer<f32>,
    /// (batches, B, T).
    pub(crate) index: Buffer<u32>,
    /// (batches, K, U).
    pub(crate) uses: Buffer<u32>,
    /// (batches, states_padded, 2), m.
    pub(crate) positions: Buffer<f64>,
    /// (batches, states_padded), m.
    pub(crate) speeds: Buffer<f64>,
}

/// Distinct velocities of a batch, K.
pub(crate) fn velocities(data: &DataConfig) -> usize {
    match data.augmentation {
        Augmentation::Permutation => data.length,
        Augmentation::None => data.batch * data.length,
    }
}

impl BatchBuffers {
    pub(crate) fn new(queue: &Queue, data: &DataConfig, batches: usize, states_padded: usize) -> Result<Self, ModelError> {
        let (distinct, states) = (velocities(data), data.batch * data.length);
        Ok(Self {
            batches,
            states_padded,
            offsets: queue.zeros(batches)?,
            rejected: queue.zeros(1)?,
            velocities: queue.zeros(2 * batches * distinct)?,
            velocities_single: queue.zeros(2 * batches * distinct)?,
            index: queue.zeros(batches * states)?,
            uses: queue.zeros(batches * states)?,
            positions: queue.zeros(2 * batches * states_padded)?,
            speeds: queue.zeros(batches * states_padded)?,
        })
    }

    /// Draws the batches of the step that `progress` says. `serially` draws all one after the other, as is done anyway where that is needed.
    pub(crate) fn draw(
        &self,
        queue: &Queue,
        data: &DataConfig,
        inputs: Address,
        progress: Address,
        serially: bool,
    ) -> Result<(), ModelError> {
        let permuted = data.augmentation == Augmentation::Permutation;
        // Two lists of a trajectory's length.
        let each = 8 * data.length;
        let (warps, shared) = ((SHARED / each).clamp(1, WARPS), each * (SHARED / each).clamp(1, WARPS));
        let serial = serially || permuted && shared > queue.gpu.shared_bytes;
        let arguments = DrawArguments {
            inputs,
            progress,
            offsets: self.offsets.address(),
            rejected: self.rejected.address(),
            velocities: self.velocities.address(),
            velocities_single: self.velocities_single.address(),
            index: self.index.address(),
            uses: self.uses.address(),
            positions: self.positions.address(),
            speeds: self.speeds.address(),
            limit: data.velocity_limit_m,
            batches: self.batches as u32,
            batch: data.batch as u32,
            length: data.length as u32,
            velocities_count: velocities(data) as u32,
            states_padded: self.states_padded as u32,
            permuted: u32::from(permuted),
            disc: u32::from(data.velocity_distribution == VelocityDistribution::Disc),
            serial: u32::from(serial),
        };
        let threads = if arguments.disc == 1 { 1 } else { (self.batches * velocities(data)).min(1 << 20) };
        queue.launch("draw_velocities", Launch::over(threads, THREADS), &arguments)?;
        if !serial {
            let launch = Launch { grid: (data.batch.div_ceil(warps), self.batches, 1), threads: 32 * warps, shared };
            queue.launch("draw_orders", launch, &arguments)?;
        }
        queue.launch("draw_serially", Launch { grid: (1, 1, 1), threads: 32, shared: 0 }, &arguments)
    }

    /// One batch that was made on the host.
    ///
    /// # Panics
    /// If its trajectories neither share all velocities nor have one for each step.
    pub(crate) fn of(queue: &Queue, batch: &Batch, data: &DataConfig, states_padded: usize) -> Result<Self, ModelError> {
        let distinct = batch.velocities_m.len();
        let (states, uses) = (batch.index.len(), batch.uses());
        assert!(uses.iter().all(|uses| uses.len() == states / distinct), "every velocity is used equally often");
        let mut new = Self::new(queue, data, 1, states_padded)?;
        let velocities: Vec<f64> = batch.velocities_m.iter().flatten().copied().collect();
        queue.upload(&mut new.velocities_single, &velocities.iter().map(|v| *v as f32).collect::<Vec<_>>())?;
        queue.upload(&mut new.velocities, &velocities)?;
        queue.upload(&mut new.index, &batch.index)?;
        queue.upload(&mut new.uses, &uses.concat())?;
        queue.upload(&mut new.positions, &batch.positions_m().iter().flatten().copied().collect::<Vec<_>>())?;
        queue.upload(&mut new.speeds, batch.speeds_m())?;
        Ok(new)
    }

    /// The batches as the host has them.
    ///
    /// # Panics
    /// If the device's positions, speeds or lists of uses are not those of its velocities and orders.
    pub(crate) fn download(&self, queue: &Queue, data: &DataConfig) -> Result<Vec<Batch>, ModelError> {
        let (distinct, states) = (velocities(data), data.batch * data.length);
        let all = queue.download(&self.velocities, self.velocities.len())?;
        let index = queue.download(&self.index, self.index.len())?;
        let single = queue.download(&self.velocities_single, self.velocities_single.len())?;
        assert!(single.iter().zip(&all).all(|(single, v)| *single == *v as f32), "velocities in single precision");
        let batches: Vec<Batch> = all
            .chunks_exact(2 * distinct)
            .zip(index.chunks_exact(states))
            .map(|(v, index)| Batch::new(data.batch, data.length, v.as_chunks().0.to_vec(), index.to_vec()))
            .collect();
        let positions = queue.download(&self.positions, self.positions.len())?;
        let speeds = queue.download(&self.speeds, self.speeds.len())?;
        let uses = queue.download(&self.uses, self.uses.len())?;
        for (number, batch) in batches.iter().enumerate() {
            let positions = &positions[2 * number * self.states_padded..][..2 * states];
            assert!(positions.iter().eq(batch.positions_m().iter().flatten()), "positions of batch {number}");
            assert!(speeds[number * self.states_padded..][..states] == *batch.speeds_m(), "speeds of batch {number}");
            assert!(uses[number * states..][..states] == batch.uses().concat(), "uses of batch {number}");
        }
        Ok(batches)
    }
}

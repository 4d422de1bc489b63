//! One group of batches through the GPU: forward, losses, backward, in buffers that are made once.

use super::parameters::FlatParameters;
use super::sizes::{Sizes, stride};
use super::{Buffer, Queue};
use crate::config::{Activation, DataConfig, LossConfig};
use crate::error::ModelError;
use crate::ops::draw::{BatchBuffers, velocities};
use crate::ops::mlp::MlpBuffers;
use crate::ops::pair_losses::{PairBuffers, PairInputs, PairPlan, PairSettings};
use crate::ops::rollout::RolloutBuffers;
use crate::ops::state_losses::{StateBuffers, StateInputs, Summary};
use crate::parameters::Parameters;

/// Most bytes of a group's buffers: beyond, a step's batches go through in several groups.
const MOST_BYTES: usize = 2 << 30;

/// Most batches of a group, by the limit on a grid's second side.
const MOST_BATCHES: usize = 1024;

/// What makes up the network beside its numbers.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) units: usize,
    pub(crate) hidden: Vec<usize>,
    pub(crate) activation: Activation,
}

impl Network {
    /// The network that has these parameters.
    pub(crate) fn of(parameters: &Parameters, activation: Activation) -> Self {
        let outputs = parameters.layers.iter().map(|(weight, _)| weight.dims()[0]);
        Self { units: parameters.units(), hidden: outputs.take(parameters.layers.len() - 1).collect(), activation }
    }
}

/// Buffers for groups of batches of one size.
#[derive(Debug)]
pub(crate) struct StepBuffers {
    pub(crate) sizes: Sizes,
    mlp: MlpBuffers,
    rollout: RolloutBuffers,
    pairs: PairBuffers,
    states: StateBuffers,
    w: Buffer<f32>,
    dw: Buffer<f32>,
    /// Of all batches of a step: (far, near) and sums.
    counts: Buffer<u64>,
    pub(crate) summaries: Buffer<Summary>,
    tf32: bool,
    reach_m: f64,
}

/// Refuses what is too large for kernels that count in 32 bits, of so many velocities and states at once.
pub(crate) fn check_size(network: &Network, velocities: usize, states: usize) -> Result<(), ModelError> {
    let outputs = network.units * network.units;
    let widths: Vec<usize> = std::iter::once(2).chain(network.hidden.iter().copied()).chain([outputs]).collect();
    let parameters: usize = widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
    let widest = network.hidden.iter().copied().max().unwrap_or(2);
    let counts = [("parameters", parameters), ("activities of a hidden layer", velocities * widest), ("states", states)];
    match counts.into_iter().find(|(_, count)| *count > 1 << 30) {
        None => Ok(()),
        Some((what, count)) => Err(ModelError::Gpu {
            doing: "planning a step",
            reason: format!(
                "{count} {what} are more than the 2³⁰ that its kernels can count; use a smaller network or batch, or --device cpu"
            ),
        }),
    }
}

impl StepBuffers {
    /// For steps of `accumulate` batches.
    pub(crate) fn new(queue: &Queue, network: &Network, data: &DataConfig, accumulate: usize, tf32: bool) -> Result<Self, ModelError> {
        let (states, units, distinct) = (data.batch * data.length, network.units, velocities(data));
        check_size(network, accumulate.min(MOST_BATCHES) * velocities(data), accumulate * data.batch * data.length)?;
        let each = 4 * (2 * distinct * units * units.next_multiple_of(4) + 4 * states * stride(units));
        let batches = (MOST_BYTES / each.max(1)).clamp(1, accumulate.clamp(1, MOST_BATCHES));
        let pairs = PairPlan::new(batches, states, stride(units), queue.gpu.multiprocessors, queue.gpu.shared_bytes)?;
        let sizes = Sizes { batches, batch: data.batch, length: data.length, velocities: distinct, units, pairs };
        Ok(Self {
            mlp: MlpBuffers::new(queue, &network.hidden, network.activation, units, batches * distinct, true)?,
            rollout: RolloutBuffers::new(queue, &sizes)?,
            pairs: PairBuffers::new(queue, &sizes)?,
            states: StateBuffers::new(queue, &sizes, tf32)?,
            w: queue.zeros(sizes.w_len())?,
            dw: queue.zeros(sizes.w_len())?,
            counts: queue.zeros(2 * accumulate)?,
            summaries: queue.zeros(accumulate)?,
            tf32,
            reach_m: data.length as f64 * data.velocity_limit_m,
            sizes,
        })
    }

    /// States of a batch, rounded up: the room that batches need.
    pub(crate) fn states_padded(&self) -> usize {
        self.sizes.states_padded()
    }

    /// Losses of all batches into `summaries`, and the sum of their gradients into `gradient`.
    pub(crate) fn evaluate(
        &self,
        queue: &Queue,
        parameters: &FlatParameters,
        batches: &BatchBuffers,
        loss: &LossConfig,
        gradient: &Buffer<f32>,
    ) -> Result<(), ModelError> {
        for first in (0..batches.batches).step_by(self.sizes.batches) {
            let count = self.sizes.batches.min(batches.batches - first);
            self.group(queue, parameters, batches, (first, count), loss, gradient)?;
        }
        Ok(())
    }

    fn group(
        &self,
        queue: &Queue,
        parameters: &FlatParameters,
        batches: &BatchBuffers,
        (first, count): (usize, usize),
        loss: &LossConfig,
        gradient: &Buffer<f32>,
    ) -> Result<(), ModelError> {
        let sizes = Sizes { batches: count, ..self.sizes };
        let (states, padded, distinct) = (sizes.states(), sizes.states_padded(), sizes.velocities);
        let (w, index, counts) = (self.w.address(), batches.index.at(first * states), self.counts.at(2 * first));
        let raw = parameters.values.address();
        let (layers, to) = (parameters.layers(), parameters.layout.layers(gradient));
        let velocities = (batches.velocities_single.at(2 * first * distinct), count * distinct);
        let add = first > 0;
        let settings = PairSettings::of(loss, self.tf32);
        let pairs = PairInputs {
            g: self.states.paired(&self.rollout),
            squared_norm: self.states.squared_norm(),
            positions: batches.positions.at(2 * first * padded),
            counts,
        };
        let states = StateInputs {
            rollout: &self.rollout,
            pairs: &self.pairs,
            speeds: batches.speeds.at(first * padded),
            counts,
            summaries: self.summaries.at(first),
            loss,
        };

        self.rollout.start(queue, &sizes, raw, counts)?;
        let counting = queue.beside(|| self.pairs.count(queue, &sizes, pairs, &settings, self.reach_m))?;
        self.mlp.forward(queue, &layers, velocities.0, velocities.1, w)?;
        self.rollout.forward(queue, &sizes, w, index)?;

        self.states.statistics(queue, &sizes, states)?;
        queue.join(&counting)?;
        self.pairs.sweep(queue, &sizes, pairs, &settings, self.reach_m)?;
        self.states.summarize(queue, &sizes, states)?;
        self.states.gradient(queue, &sizes, states)?;

        self.rollout.backward(queue, &sizes, w, index, self.states.conformal(states))?;
        let initial = queue.beside(|| self.rollout.initial_gradient(queue, &sizes, raw, gradient.address(), add))?;
        self.rollout.weight_gradient(queue, &sizes, batches.uses.at(first * sizes.states()), self.dw.address())?;
        self.mlp.backward(queue, &layers, &to, velocities, self.dw.address(), add)?;
        queue.join(&initial)
    }
}

//! A trained network at work on a GPU: many trajectories side by side, some steps at a time.

use super::parameters::FlatParameters;
use super::queue::Address;
use super::sizes::{Sizes, stride};
use super::step::{Network, check_size};
use super::{Gpu, Queue};
use crate::config::Activation;
use crate::error::ModelError;
use crate::ops::mlp::MlpBuffers;
use crate::ops::pair_losses::PairPlan;
use crate::ops::rollout::{RolloutBuffers, Start, forward};
use crate::parameters::Parameters;
use std::sync::Arc;

/// Most bytes of matrices that are held at once.
const MOST_BYTES: usize = 1 << 30;

/// Most velocities at once, by the limit on a grid's third side.
const MOST_VELOCITIES: usize = 1 << 21;

/// A network on a GPU that is no longer trained.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: Queue,
    parameters: FlatParameters,
    network: Network,
}

impl Recorder {
    pub(crate) fn new(gpu: Arc<Gpu>, parameters: &Parameters, activation: Activation) -> Result<Self, ModelError> {
        let queue = Queue::new(gpu)?;
        let network = Network::of(parameters, activation);
        // Activities and states are bounded by MOST_BYTES.
        check_size(&network, 0, 0)?;
        Ok(Self { parameters: FlatParameters::new(&queue, parameters)?, network, queue })
    }

    /// The next states (T × N) along each trajectory of T velocities (m per step), from states (B × N) or from g₀.
    ///
    /// # Panics
    /// If the trajectories differ in length.
    pub(crate) fn advance(&self, from: Option<&[f32]>, trajectories: &[&[[f64; 2]]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let (count, length, n) = (trajectories.len(), trajectories.first().map_or(0, |t| t.len()), self.network.units);
        assert!(trajectories.iter().all(|t| t.len() == length), "trajectories of one length");
        let mut states: Vec<Vec<f32>> = (0..count).map(|_| Vec::with_capacity(length * n)).collect();
        if count * length == 0 {
            return Ok(states);
        }
        self.queue.bind()?;
        let stride = stride(n);
        // Matrices, both turns' states, and the MLP's activities.
        let each = n * n.next_multiple_of(4) + 2 * stride + 2 * self.network.hidden.iter().sum::<usize>();
        let at_once = (MOST_BYTES / (4 * count * each)).min(MOST_VELOCITIES / count).clamp(1, length);
        let sizes = |steps: usize| Sizes {
            batches: 1,
            batch: count,
            length: steps,
            velocities: count * steps,
            units: n,
            // Only its padding matters here.
            pairs: PairPlan::with(count * steps, stride, 64, 1),
        };
        let most = sizes(at_once);
        let mlp = MlpBuffers::new(&self.queue, &self.network.hidden, self.network.activation, n, most.velocities, false)?;
        let w = self.queue.zeros::<f32>(most.w_len())?;
        let mut velocities = self.queue.zeros(2 * most.velocities)?;
        // Each turn starts from where the other's states end.
        let turns = [RolloutBuffers::forward_only(&self.queue, &most)?, RolloutBuffers::forward_only(&self.queue, &most)?];
        // Held to the end: copying may take until the first download.
        let mut padded = vec![0.0; count * stride];
        let mut own = self.queue.zeros(count * stride)?;
        let counts = self.queue.zeros::<u64>(2)?;
        let mut start = if let Some(from) = from {
            padded.chunks_exact_mut(stride).zip(from.chunks_exact(n)).for_each(|(state, from)| state[..n].copy_from_slice(from));
            self.queue.upload(&mut own, &padded)?;
            Start { states: own.address(), apart: stride }
        } else {
            turns[0].start(&self.queue, &most, self.parameters.values.address(), counts.address())?;
            Start { states: turns[0].initial.address(), apart: 0 }
        };
        for (turn, first) in (0..length).step_by(at_once).enumerate() {
            let steps = at_once.min(length - first);
            let now = sizes(steps);
            let flat: Vec<f32> = trajectories.iter().flat_map(|t| t[first..first + steps].iter().flatten().map(|v| *v as f32)).collect();
            self.queue.upload(&mut velocities, &flat)?;
            mlp.forward(&self.queue, &self.parameters.layers(), velocities.address(), now.velocities, w.address())?;
            let to = &turns[turn % 2];
            forward(&self.queue, &now, w.address(), Address::default(), start, to.g.address(), to.norm.address())?;
            let g = self.queue.download(&to.g, count * steps * stride)?;
            for (states, rows) in states.iter_mut().zip(g.chunks_exact(steps * stride)) {
                states.extend(rows.chunks_exact(stride).flat_map(|row| &row[..n]));
            }
            start = Start { states: to.g.at((steps - 1) * stride), apart: steps * stride };
        }
        Ok(states)
    }
}

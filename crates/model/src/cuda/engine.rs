//! The GPU's kernels behind the interface of all engines: one batch from the host, losses and gradients back. Training does not go this way; see [`super::training`].

use super::parameters::FlatParameters;
use super::step::{Network, StepBuffers};
use super::{Gpu, Queue};
use crate::batch::Batch;
use crate::config::{Activation, Augmentation, DataConfig, LossConfig, VelocityDistribution};
use crate::engine::{Engine, Evaluation};
use crate::error::ModelError;
use crate::gradients::Gradients;
use crate::ops::draw::BatchBuffers;
use crate::parameters::Parameters;
use std::sync::Arc;

/// See the module's page.
#[derive(Debug)]
pub(crate) struct CudaEngine {
    queue: Queue,
    activation: Activation,
    tf32: bool,
}

impl CudaEngine {
    pub(crate) fn new(gpu: Arc<Gpu>, activation: Activation, tf32: bool) -> Result<Self, ModelError> {
        Ok(Self { queue: Queue::new(gpu)?, activation, tf32 })
    }
}

impl Engine for CudaEngine {
    fn evaluate(
        &mut self,
        parameters: &Parameters,
        batch: &Batch,
        loss: &LossConfig,
        gradients: &mut Gradients,
    ) -> Result<Evaluation, ModelError> {
        let queue = &self.queue;
        let (states, distinct) = (batch.batch * batch.length, batch.velocities_m.len());
        // The velocities that happened bound the positions.
        let limit = batch.velocities_m.iter().flatten().fold(0f64, |most, v| most.max(v.abs()));
        let data = DataConfig {
            batch: batch.batch,
            length: batch.length,
            velocity_limit_m: limit,
            velocity_distribution: VelocityDistribution::Square,
            augmentation: if distinct == states { Augmentation::None } else { Augmentation::Permutation },
        };
        let network = Network::of(parameters, self.activation);
        let buffers = StepBuffers::new(queue, &network, &data, 1, self.tf32)?;
        let batches = BatchBuffers::of(queue, batch, &data, buffers.states_padded())?;
        let flat = FlatParameters::new(queue, parameters)?;
        let gradient = queue.zeros(flat.layout.len())?;
        buffers.evaluate(queue, &flat, &batches, loss, &gradient)?;

        let gradient = queue.download(&gradient, flat.layout.len())?;
        let (to, add) = gradients.single()?;
        for (to, from) in to.iter_mut().zip(flat.layout.scatter(&gradient)) {
            for (sum, value) in to.iter_mut().zip(from) {
                *sum = if add { *sum + value } else { *value };
            }
        }
        let summary = queue.download(&buffers.summaries, 1)?[0];
        Ok(Evaluation { losses: summary.losses(), statistics: summary.statistics(states) })
    }
}

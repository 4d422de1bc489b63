//! Training on a GPU: each optimizer step is one launch of a recorded graph, and the host only looks in now and then.
//!
//! The host prepares up to a thousand steps at a time (each one's random key, learning rate and bias corrections), launches the graph as often, and waits. The device keeps the
//! rest: batches, losses, the plateau's state, and which step was not finite, after which nothing changes any more.

use super::parameters::FlatParameters;
use super::queue::{PutDown, gpu_error};
use super::sizes::Sizes;
use super::step::{Network, StepBuffers};
use super::{Buffer, Gpu, Queue};
use crate::config::{CheckedTrainConfig, PhaseSettings, Precision, SchedulerKind};
use crate::error::ModelError;
use crate::ops::adamw::{AdamWBuffers, PlateauState, StepEnd, StepOutput};
use crate::ops::draw::{BatchBuffers, Progress, StepInput};
use crate::optimizer::{AdamW, Moments};
use crate::parameters::Parameters;
use crate::schedule::{Plateau, learning_rate, warmup};
use crate::train::{BATCH_STREAM, StepMetrics};
use cudarc::driver::CudaGraph;
use gridlake_space::seed::Seed;
use std::ops::Range;
use std::sync::Arc;

/// Most steps between two looks of the host.
const STEPS_AT_ONCE: u64 = 1024;

/// A network in training on a GPU.
pub(crate) struct CudaTraining {
    // Dropped in this order: the graph before what it refers to.
    phase: Option<Phase>,
    parameters: FlatParameters,
    gradient: Buffer<f32>,
    adamw: AdamWBuffers,
    inputs: Buffer<StepInput>,
    outputs: Buffer<StepOutput>,
    progress: Buffer<Progress>,
    plateau: Buffer<PlateauState>,
    network: Network,
    tf32: bool,
    pub(crate) queue: Queue,
}

/// What is made anew where batches or losses change. Units change with the whole of it: a network of more is another one here.
struct Phase {
    settings: PhaseSettings,
    graph: SendGraph,
    // Kept alive for the graph.
    step: StepBuffers,
    batches: BatchBuffers,
}

/// A graph that moves between threads with its trainer.
struct SendGraph(CudaGraph);
// SAFETY: a graph may be used from any thread, by one at a time; its only owner is a trainer, which threads do not share.
unsafe impl Send for SendGraph {}

impl Drop for CudaTraining {
    fn drop(&mut self) {
        // Memory is given back on the thread's own device; where that fails, the device is lost and its memory with it.
        let _ = self.queue.bind();
    }
}

impl CudaTraining {
    pub(crate) fn new(gpu: Arc<Gpu>, config: &CheckedTrainConfig, parameters: &Parameters, optimizer: &AdamW) -> Result<Self, ModelError> {
        let queue = Queue::new(gpu)?;
        let network = Network::of(parameters, config.model.activation);
        let parameters = FlatParameters::new(&queue, parameters)?;
        let layout = &parameters.layout;
        let mut adamw = AdamWBuffers::new(&queue, layout)?;
        let single = |pick: for<'a> fn(&'a [f32], &'a [f32]) -> &'a [f32]| {
            let lists = optimizer.moments.iter().map(|moments| match moments {
                Moments::F32 { first, second } => pick(first, second),
                Moments::F64 { .. } => unreachable!("the fused engine has single precision only"),
            });
            layout.gather(lists)
        };
        queue.upload(&mut adamw.first, &single(|first, _| first))?;
        queue.upload(&mut adamw.second, &single(|_, second| second))?;
        Ok(Self {
            phase: None,
            gradient: queue.zeros(layout.len())?,
            adamw,
            inputs: queue.zeros(STEPS_AT_ONCE as usize)?,
            outputs: queue.zeros(STEPS_AT_ONCE as usize)?,
            progress: queue.zeros(1)?,
            plateau: queue.zeros(1)?,
            network,
            tf32: config.precision == Precision::Tf32,
            parameters,
            queue,
        })
    }

    /// The parameters as they are.
    pub(crate) fn parameters(&self) -> Result<Parameters, ModelError> {
        self.queue.bind()?;
        self.parameters.download(&self.queue)
    }

    /// The optimizer's state as it is.
    pub(crate) fn optimizer(&self) -> Result<AdamW, ModelError> {
        let layout = &self.parameters.layout;
        let first = self.queue.download(&self.adamw.first, layout.len())?;
        let second = self.queue.download(&self.adamw.second, layout.len())?;
        let lists = layout.scatter(&first).zip(layout.scatter(&second));
        Ok(AdamW { moments: lists.map(|(first, second)| Moments::F32 { first: first.to_vec(), second: second.to_vec() }).collect() })
    }

    /// Takes the steps after the first `steps.start` up to `steps.end`, all of one phase; returns the last one's metrics.
    ///
    /// # Errors
    /// A step that is not finite; a GPU that fails.
    pub(crate) fn advance(
        &mut self,
        config: &CheckedTrainConfig,
        seed: Seed,
        steps: Range<u64>,
        plateau: &mut Plateau,
    ) -> Result<StepMetrics, ModelError> {
        self.queue.bind()?;
        let settings = config.settings(config.phase_of(steps.start));
        if self.phase.as_ref().is_none_or(|phase| phase.settings != settings) {
            // The old phase's memory is free before the new one's is asked for.
            self.phase = None;
            self.phase = Some(self.record(config, &settings)?);
        }
        self.queue.upload(&mut self.plateau, &[plateau.to_device()])?;
        let mut from = steps.start;
        loop {
            let until = steps.end.min(from + STEPS_AT_ONCE);
            let output = self.chunk(config, &settings, seed, from..until);
            if until == steps.end || output.is_err() {
                *plateau = Plateau::from_device(self.queue.download(&self.plateau, 1)?[0]);
            }
            let output = output?;
            if until == steps.end {
                return Ok(output.metrics(until));
            }
            from = until;
        }
    }

    /// Some steps, and a look at how they went.
    fn chunk(
        &mut self,
        config: &CheckedTrainConfig,
        settings: &PhaseSettings,
        seed: Seed,
        steps: Range<u64>,
    ) -> Result<StepOutput, ModelError> {
        let count = (steps.end - steps.start) as usize;
        let inputs: Vec<StepInput> = steps.clone().map(|step| input(config, settings, seed, step)).collect();
        self.queue.upload(&mut self.inputs, &inputs)?;
        self.rewind(false)?;
        for _ in 0..count {
            self.launch_step()?;
        }
        let progress = self.queue.download(&self.progress, 1)?[0];
        let outputs = self.queue.download(&self.outputs, count)?;
        if progress.failed > 0 {
            let slot = progress.failed as usize - 1;
            let step = steps.start + slot as u64 + 1;
            return Err(ModelError::NonFinite { step, term: self.not_finite(&outputs[slot], progress) });
        }
        Ok(outputs[count - 1])
    }

    /// The recorded step of the phase under way; nothing before there is one.
    pub(crate) fn launch_step(&self) -> Result<(), ModelError> {
        let Some(phase) = &self.phase else { return Ok(()) };
        phase.graph.0.launch().map_err(gpu_error("launching a step"))
    }

    /// What of a step was not finite.
    fn not_finite(&self, output: &StepOutput, progress: Progress) -> String {
        if let Some(term) = output.losses().non_finite() {
            return format!("{term} loss");
        }
        let names = self.parameters.layout.names();
        match names.get(progress.bad_parameter as usize) {
            Some(name) => format!("gradient of {name}"),
            None => "gradient's norm".to_owned(),
        }
    }

    /// What one step of the phase under way launches, and the sizes behind it, for [`super::profile`]; none before the first step. The step is taken, with the
    /// first of the last inputs.
    pub(crate) fn launches(&mut self, config: &CheckedTrainConfig) -> Result<Option<(Vec<PutDown>, Sizes)>, ModelError> {
        self.rewind(false)?;
        let Some(Phase { settings, step, batches, .. }) = &self.phase else { return Ok(None) };
        let launches = self.queue.put_down(|| self.enqueue(config, settings, step, batches))?;
        Ok(Some((launches, Sizes { batches: settings.optimizer.accumulate, ..step.sizes })))
    }

    /// Goes back to the first of the last inputs; `halted` as if a step had failed, so that no end of a step goes on to the next.
    pub(crate) fn rewind(&mut self, halted: bool) -> Result<(), ModelError> {
        let progress = Progress { bad_parameter: u32::MAX, failed: u32::from(halted), ..Progress::default() };
        self.queue.upload(&mut self.progress, &[progress])
    }

    /// Makes the buffers of a phase and records its step.
    fn record(&self, config: &CheckedTrainConfig, settings: &PhaseSettings) -> Result<Phase, ModelError> {
        let accumulate = settings.optimizer.accumulate;
        let step = StepBuffers::new(&self.queue, &self.network, &settings.data, accumulate, self.tf32)?;
        let batches = BatchBuffers::new(&self.queue, &settings.data, accumulate, step.states_padded())?;
        let once = || self.enqueue(config, settings, &step, &batches);
        // Kernels are loaded when first launched, which must not happen while recording. Nothing is trained: `failed` is set.
        let mut progress = self.queue.zeros(1)?;
        self.queue.upload(&mut progress, &[Progress { failed: 1, ..Progress::default() }])?;
        self.enqueue_into(config, settings, &step, &batches, &progress)?;
        self.queue.wait()?;
        let graph = self.queue.capture(once)?;
        Ok(Phase { settings: settings.clone(), graph: SendGraph(graph), step, batches })
    }

    fn enqueue(
        &self,
        config: &CheckedTrainConfig,
        settings: &PhaseSettings,
        step: &StepBuffers,
        batches: &BatchBuffers,
    ) -> Result<(), ModelError> {
        self.enqueue_into(config, settings, step, batches, &self.progress)
    }

    /// One step, from its batches to the update.
    fn enqueue_into(
        &self,
        config: &CheckedTrainConfig,
        settings: &PhaseSettings,
        step: &StepBuffers,
        batches: &BatchBuffers,
        progress: &Buffer<Progress>,
    ) -> Result<(), ModelError> {
        batches.draw(&self.queue, &settings.data, self.inputs.address(), progress.address(), false)?;
        step.evaluate(&self.queue, &self.parameters, batches, &settings.loss, &self.gradient)?;
        let end = StepEnd {
            summaries: step.summaries.address(),
            batches: settings.optimizer.accumulate,
            states: settings.data.batch * settings.data.length,
            inputs: &self.inputs,
            outputs: self.outputs.address(),
            progress: progress.address(),
            plateau: self.plateau.address(),
            loss: &settings.loss,
            optimizer: &settings.optimizer,
            scheduler: &config.scheduler,
        };
        self.adamw.finish(&self.queue, &self.parameters, &self.gradient, end)
    }
}

/// What the device needs to know of the step after `done` steps.
fn input(config: &CheckedTrainConfig, settings: &PhaseSettings, seed: Seed, done: u64) -> StepInput {
    let optimizer = &settings.optimizer;
    StepInput {
        key: seed.key(BATCH_STREAM, done),
        rate: match config.scheduler.kind {
            // The device, which has the plateau's state, does the rest.
            SchedulerKind::Plateau => warmup(&config.scheduler, done),
            SchedulerKind::Constant | SchedulerKind::Cosine => {
                learning_rate(&config.scheduler, &Plateau::default(), optimizer.learning_rate, done, config.steps)
            }
        },
        first_correction: 1.0 - libm::pow(optimizer.beta1, (done + 1) as f64),
        second_root: 1.0 / (1.0 - libm::pow(optimizer.beta2, (done + 1) as f64)).sqrt(),
    }
}

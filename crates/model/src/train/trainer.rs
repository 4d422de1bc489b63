//! A network in training, whoever takes its steps.

use super::host::HostTraining;
use crate::checkpoint::{self, CHECKPOINT_VERSION, Header};
use crate::config::{CheckedTrainConfig, SchedulerKind};
use crate::cuda::training::CudaTraining;
use crate::device::{Placement, place};
use crate::error::ModelError;
use crate::growth::grown;
use crate::optimizer::AdamW;
use crate::parameters::Parameters;
use crate::schedule::Plateau;
use gridlake_space::seed::Seed;
use std::path::Path;

/// Name of the random stream that batches come from; its index is the step.
pub(crate) const BATCH_STREAM: &str = "train-batch";

/// A network in training.
pub struct Trainer {
    config: CheckedTrainConfig,
    seed: Seed,
    fingerprint: String,
    placement: Placement,
    worker: Worker,
    /// Units that the worker's network has.
    units: usize,
    plateau: Plateau,
    step: u64,
}

/// Who takes the steps.
enum Worker {
    Host(Box<HostTraining>),
    Cuda(Box<CudaTraining>),
}

impl Worker {
    fn new(placement: &Placement, config: &CheckedTrainConfig, parameters: Parameters, optimizer: AdamW) -> Result<Self, ModelError> {
        Ok(match placement {
            Placement::Gpu(gpu) => Self::Cuda(Box::new(CudaTraining::new(gpu.clone(), config, &parameters, &optimizer)?)),
            Placement::Cpu | Placement::Candle(..) => Self::Host(Box::new(HostTraining::new(config, parameters, optimizer))),
        })
    }
}

/// What one optimizer step did; losses and counts are means over its accumulated batches, before the update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepMetrics {
    /// Optimizer steps done, this one included.
    pub step: u64,
    /// Weighted total, eq. 8.
    pub loss_total: f64,
    /// Sep, eq. 4.
    pub loss_separation: f64,
    /// Inv, eq. 5.
    pub loss_invariance: f64,
    /// Cap, eq. 6.
    pub loss_capacity: f64,
    /// `ConIso`, eq. 7.
    pub loss_conformal: f64,
    /// Global gradient norm before clipping.
    pub grad_norm: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Ordered pairs farther apart than σ_x.
    pub separation_pairs: f64,
    /// Ordered pairs nearer than σ_x.
    pub invariance_pairs: f64,
    /// Steps slow enough for the conformal loss.
    pub conformal_steps: f64,
    /// Share of states that are zero everywhere.
    pub zero_state_fraction: f64,
}

impl Trainer {
    /// A network before its first step, on the configured device.
    ///
    /// # Errors
    /// When the device is not there or memory runs out.
    pub fn new(config: &CheckedTrainConfig, seed: Seed, fingerprint: &str) -> Result<Self, ModelError> {
        let placement = place(&config.device, config.engine)?;
        let parameters = Parameters::draw(&config.model_after(0), config.precision, &placement.candle(), seed)?;
        let optimizer = AdamW::new(&parameters);
        Self::start(config, seed, fingerprint, placement, parameters, optimizer)
    }

    /// Goes on from a checkpoint, whatever device wrote it; on the same device bit for bit.
    ///
    /// # Errors
    /// When the file is damaged or belongs to another configuration, or the device is not there.
    pub fn resume(config: &CheckedTrainConfig, seed: Seed, fingerprint: &str, path: &Path) -> Result<Self, ModelError> {
        let placement = place(&config.device, config.engine)?;
        let found = checkpoint::load(path)?;
        if found.header.fingerprint != fingerprint || found.header.seed != seed.0 {
            return Err(ModelError::CheckpointFingerprint {
                path: path.to_owned(),
                found: found.header.fingerprint,
                expected: fingerprint.to_owned(),
            });
        }
        let parameters = found.parameters.on(&placement.candle())?;
        let new = Self::start(config, seed, fingerprint, placement, parameters, found.optimizer)?;
        Ok(Self { plateau: found.header.plateau, step: found.header.step, ..new })
    }

    fn start(
        config: &CheckedTrainConfig,
        seed: Seed,
        fingerprint: &str,
        placement: Placement,
        parameters: Parameters,
        optimizer: AdamW,
    ) -> Result<Self, ModelError> {
        let units = parameters.units();
        let worker = Worker::new(&placement, config, parameters, optimizer)?;
        let fingerprint = fingerprint.to_owned();
        Ok(Self { config: config.clone(), seed, fingerprint, placement, worker, units, plateau: Plateau::default(), step: 0 })
    }

    /// Optimizer steps done.
    pub fn step_index(&self) -> u64 {
        self.step
    }

    /// Where the steps are taken: `cpu`, or `cuda:<number>` and the GPU's name (or that it is candle's device).
    pub fn device(&self) -> String {
        self.placement.describe()
    }

    /// The parameters as they are.
    ///
    /// # Errors
    /// When they cannot be fetched from a GPU.
    pub fn parameters(&self) -> Result<Parameters, ModelError> {
        match &self.worker {
            Worker::Host(host) => Ok(host.parameters.clone()),
            Worker::Cuda(cuda) => cuda.parameters(),
        }
    }

    /// Adds the units that the next step's phase has and the network has not.
    fn grow(&mut self) -> Result<(), ModelError> {
        let units = self.config.settings(self.config.phase_of(self.step)).units;
        if units > self.units {
            let (parameters, optimizer) = match &self.worker {
                Worker::Host(host) => grown(&host.parameters, &host.optimizer, units, self.seed)?,
                Worker::Cuda(cuda) => grown(&cuda.parameters()?, &cuda.optimizer()?, units, self.seed)?,
            };
            self.worker = Worker::new(&self.placement, &self.config, parameters, optimizer)?;
            self.units = units;
        }
        Ok(())
    }

    /// One optimizer step.
    ///
    /// # Errors
    /// As [`Self::advance`].
    pub fn step(&mut self) -> Result<StepMetrics, ModelError> {
        self.advance(self.step + 1)
    }

    /// Optimizer steps until `until` are done, at least one; returns the last one's metrics. On a GPU the host waits for nothing between them.
    ///
    /// # Errors
    /// [`ModelError::NonFinite`] if a loss or the gradient is not finite; the parameters are then as before that step. A GPU that fails.
    pub fn advance(&mut self, until: u64) -> Result<StepMetrics, ModelError> {
        loop {
            let phase = self.config.phase_of(self.step);
            self.grow()?;
            let phase_ends = self.config.curriculum.get(phase).map_or(u64::MAX, |phase| phase.until);
            let metrics = match &mut self.worker {
                Worker::Host(host) => {
                    let metrics = host.step(&self.config, self.seed, self.step, &self.plateau)?;
                    if self.config.scheduler.kind == SchedulerKind::Plateau {
                        self.plateau.observe(&self.config.scheduler, metrics.loss_total);
                    }
                    metrics
                }
                Worker::Cuda(cuda) => {
                    let until = until.min(phase_ends).max(self.step + 1);
                    let advanced = cuda.advance(&self.config, self.seed, self.step..until, &mut self.plateau);
                    if let Err(ModelError::NonFinite { step, .. }) = &advanced {
                        // The steps before it were taken.
                        self.step = step - 1;
                    }
                    advanced?
                }
            };
            self.step = metrics.step;
            if self.config.phase_of(self.step) != phase {
                self.plateau.new_phase();
            }
            if self.step >= until {
                return Ok(metrics);
            }
        }
    }

    /// Writes a checkpoint, whole or not at all; the same file whatever the device.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let header = Header {
            format: CHECKPOINT_VERSION,
            step: self.step,
            fingerprint: self.fingerprint.clone(),
            seed: self.seed.0,
            stream: (BATCH_STREAM.to_owned(), self.step),
            config: (*self.config).clone(),
            plateau: self.plateau.clone(),
            checksum: String::new(),
        };
        match &self.worker {
            Worker::Host(host) => checkpoint::save(path, header, &host.parameters, &host.optimizer),
            Worker::Cuda(cuda) => checkpoint::save(path, header, &cuda.parameters()?, &cuda.optimizer()?),
        }
    }
}

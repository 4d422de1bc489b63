//! The training loop's one step, and how it starts, stops and goes on.

use crate::batch::Batch;
use crate::checkpoint::{self, CHECKPOINT_VERSION, Header};
use crate::config::{CheckedTrainConfig, SchedulerKind};
use crate::device::cpu_device;
use crate::engine::{Engine, Evaluation, engine};
use crate::error::ModelError;
use crate::gradients::Gradients;
use crate::losses::{LossStatistics, Losses};
use crate::optimizer::AdamW;
use crate::parameters::Parameters;
use crate::schedule::{Plateau, learning_rate};
use gridlake_space::seed::Seed;
use std::path::Path;

/// Name of the random stream that batches come from; its index is the step.
const BATCH_STREAM: &str = "train-batch";

/// A network in training.
pub struct Trainer {
    config: CheckedTrainConfig,
    seed: Seed,
    fingerprint: String,
    engine: Box<dyn Engine>,
    parameters: Parameters,
    gradients: Gradients,
    optimizer: AdamW,
    plateau: Plateau,
    step: u64,
    /// The batches of a step, and those of the next, which are drawn meanwhile.
    batches: Prefetched,
    evaluations: Vec<Evaluation>,
}

/// Batches drawn ahead of time.
#[derive(Default)]
struct Prefetched {
    /// The step that `next` is for, counted from 0; none before the first.
    step: Option<u64>,
    now: Vec<Batch>,
    next: Vec<Batch>,
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
    /// A network before its first step.
    ///
    /// # Errors
    /// When the device is not there or memory runs out.
    pub fn new(config: &CheckedTrainConfig, seed: Seed, fingerprint: &str) -> Result<Self, ModelError> {
        let device = cpu_device(&config.device)?;
        let parameters = Parameters::draw(&config.model, config.precision, &device, seed)?;
        let optimizer = AdamW::new(&parameters);
        Ok(Self {
            engine: engine(config.engine, config.model.activation),
            config: config.clone(),
            seed,
            fingerprint: fingerprint.to_owned(),
            gradients: Gradients::new(&parameters),
            parameters,
            optimizer,
            plateau: Plateau::default(),
            step: 0,
            batches: Prefetched::default(),
            evaluations: Vec::new(),
        })
    }

    /// Goes on from a checkpoint, bit for bit.
    ///
    /// # Errors
    /// When the file is damaged or belongs to another configuration.
    pub fn resume(config: &CheckedTrainConfig, seed: Seed, fingerprint: &str, path: &Path) -> Result<Self, ModelError> {
        cpu_device(&config.device)?;
        let found = checkpoint::load(path)?;
        if found.header.fingerprint != fingerprint || found.header.seed != seed.0 {
            return Err(ModelError::CheckpointFingerprint {
                path: path.to_owned(),
                found: found.header.fingerprint,
                expected: fingerprint.to_owned(),
            });
        }
        Ok(Self {
            engine: engine(config.engine, config.model.activation),
            config: config.clone(),
            seed,
            fingerprint: fingerprint.to_owned(),
            gradients: Gradients::new(&found.parameters),
            parameters: found.parameters,
            optimizer: found.optimizer,
            plateau: found.header.plateau,
            step: found.header.step,
            batches: Prefetched::default(),
            evaluations: Vec::new(),
        })
    }

    /// Optimizer steps done.
    pub fn step_index(&self) -> u64 {
        self.step
    }

    /// The parameters as they are.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// One optimizer step: `accumulate` batches, their mean gradient clipped, one `AdamW` update.
    ///
    /// # Errors
    /// [`ModelError::NonFinite`] if a loss or the gradient is not finite; the parameters are then as before the step.
    pub fn step(&mut self) -> Result<StepMetrics, ModelError> {
        let number = self.step + 1;
        let settings = self.config.settings(self.config.phase_of(self.step));
        if self.batches.step != Some(self.step) {
            draw(&self.config, self.seed, self.step, &mut self.batches.next);
        }
        std::mem::swap(&mut self.batches.now, &mut self.batches.next);
        let (now, next) = (&self.batches.now, &mut self.batches.next);
        let (engine, parameters, gradients, evaluations) = (&mut self.engine, &self.parameters, &mut self.gradients, &mut self.evaluations);
        gradients.clear();
        evaluations.clear();
        let evaluate = || -> Result<(), ModelError> {
            for batch in now {
                let evaluation = engine.evaluate(parameters, batch, &settings.loss, gradients)?;
                if let Some(term) = evaluation.losses.non_finite() {
                    return Err(ModelError::NonFinite { step: number, term: format!("{term} loss") });
                }
                evaluations.push(evaluation);
            }
            Ok(())
        };
        // Any thread that has nothing else to do draws the next step's batches.
        let (evaluated, ()) = rayon::join(evaluate, || draw(&self.config, self.seed, number, next));
        self.batches.step = Some(number);
        evaluated?;
        let count = self.evaluations.len() as f64;
        let (losses, statistics) = means(&self.evaluations);
        let first = usize::from(!self.config.model.trainable_initial_state);
        let grad_norm = self.gradients.norm(first) / count;
        if !grad_norm.is_finite() {
            let term = match self.gradients.non_finite(first) {
                Some(parameter) => format!("gradient of {}", self.parameters.named()[parameter].0),
                None => "gradient's norm".to_owned(),
            };
            return Err(ModelError::NonFinite { step: number, term });
        }
        let clip = settings.optimizer.clip_norm;
        // As common frameworks do, 1e-6 keeps the quotient defined.
        let clip_factor = if clip > 0.0 { (clip / (grad_norm + 1e-6)).min(1.0) } else { 1.0 };
        let rate = learning_rate(&self.config.scheduler, &self.plateau, settings.optimizer.learning_rate, self.step, self.config.steps);
        self.optimizer.step(&self.parameters, &self.gradients, &settings.optimizer, rate, clip_factor / count, number)?;
        let loss_total = losses.total(&settings.loss);
        if self.config.scheduler.kind == SchedulerKind::Plateau {
            self.plateau.observe(&self.config.scheduler, loss_total);
        }
        self.step = number;
        if self.config.phase_of(number) != settings.phase {
            self.plateau.new_phase();
        }
        Ok(StepMetrics {
            step: number,
            loss_total,
            loss_separation: losses.separation,
            loss_invariance: losses.invariance,
            loss_capacity: losses.capacity,
            loss_conformal: losses.conformal,
            grad_norm,
            learning_rate: rate,
            separation_pairs: statistics.separation_pairs as f64,
            invariance_pairs: statistics.invariance_pairs as f64,
            conformal_steps: statistics.conformal_steps as f64,
            zero_state_fraction: statistics.zero_state_fraction,
        })
    }

    /// Writes a checkpoint, whole or not at all.
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
        checkpoint::save(path, header, &self.parameters, &self.optimizer)
    }
}

/// Draws the batches of a step, counted from 0; each step has a stream of its own.
fn draw(config: &CheckedTrainConfig, seed: Seed, step: u64, batches: &mut Vec<Batch>) {
    let settings = config.settings(config.phase_of(step));
    let mut stream = seed.stream(BATCH_STREAM, step);
    batches.resize_with(settings.optimizer.accumulate, Batch::default);
    for batch in batches {
        batch.redraw(&settings.data, &mut stream);
    }
}

/// Means over the accumulated batches.
fn means(evaluations: &[Evaluation]) -> (Losses, LossStatistics) {
    let mean = |pick: &dyn Fn(&Evaluation) -> f64| evaluations.iter().map(pick).sum::<f64>() / evaluations.len() as f64;
    let losses = Losses {
        separation: mean(&|e| e.losses.separation),
        invariance: mean(&|e| e.losses.invariance),
        capacity: mean(&|e| e.losses.capacity),
        conformal: mean(&|e| e.losses.conformal),
    };
    let statistics = LossStatistics {
        separation_pairs: mean(&|e| e.statistics.separation_pairs as f64) as u64,
        invariance_pairs: mean(&|e| e.statistics.invariance_pairs as f64) as u64,
        conformal_steps: mean(&|e| e.statistics.conformal_steps as f64) as u64,
        zero_state_fraction: mean(&|e| e.statistics.zero_state_fraction),
    };
    (losses, statistics)
}

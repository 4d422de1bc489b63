//! Optimizer steps on the host's side: an engine, and AdamW on candle's variables.

use super::trainer::{BATCH_STREAM, StepMetrics};
use crate::batch::Batch;
use crate::config::CheckedTrainConfig;
use crate::engine::{Engine, Evaluation, engine};
use crate::error::ModelError;
use crate::gradients::Gradients;
use crate::losses::{LossStatistics, Losses};
use crate::optimizer::AdamW;
use crate::parameters::Parameters;
use crate::schedule::{Plateau, learning_rate};
use gridlake_space::seed::Seed;

/// A network in training by an [`Engine`].
pub(super) struct HostTraining {
    engine: Box<dyn Engine>,
    pub(super) parameters: Parameters,
    gradients: Gradients,
    pub(super) optimizer: AdamW,
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

impl HostTraining {
    pub(super) fn new(config: &CheckedTrainConfig, parameters: Parameters, optimizer: AdamW) -> Self {
        Self {
            engine: engine(config.engine, config.model.activation, config.precision),
            gradients: Gradients::new(&parameters),
            parameters,
            optimizer,
            batches: Prefetched::default(),
            evaluations: Vec::new(),
        }
    }

    /// The step after `done` steps: `accumulate` batches, their mean gradient clipped, one `AdamW` update.
    ///
    /// # Errors
    /// [`ModelError::NonFinite`] if a loss or the gradient is not finite; the parameters are then as before the step.
    pub(super) fn step(
        &mut self,
        config: &CheckedTrainConfig,
        seed: Seed,
        done: u64,
        plateau: &Plateau,
    ) -> Result<StepMetrics, ModelError> {
        let number = done + 1;
        let settings = config.settings(config.phase_of(done));
        if self.batches.step != Some(done) {
            draw(config, seed, done, &mut self.batches.next);
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
        let (evaluated, ()) = rayon::join(evaluate, || draw(config, seed, number, next));
        self.batches.step = Some(number);
        evaluated?;
        let count = self.evaluations.len() as f64;
        let (losses, statistics) = means(&self.evaluations);
        let first = usize::from(!config.model.trainable_initial_state);
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
        let rate = learning_rate(&config.scheduler, plateau, settings.optimizer.learning_rate, done, config.steps);
        self.optimizer.step(&self.parameters, &self.gradients, &settings.optimizer, rate, clip_factor / count, number)?;
        Ok(StepMetrics {
            step: number,
            loss_total: losses.total(&settings.loss),
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

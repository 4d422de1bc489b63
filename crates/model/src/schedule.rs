//! The learning rate over training: warm-up times constant, cosine or reduce-on-plateau.

use crate::config::{SchedulerConfig, SchedulerKind};
use crate::ops::adamw::PlateauState;
use serde::{Deserialize, Serialize};

/// State of reduce-on-plateau; the other shapes need none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plateau {
    /// Bits of the `f64` factor on the rate so far (bits, so that text keeps it exactly).
    factor: u64,
    best: u64,
    sum: u64,
    /// Steps in the current window.
    filled: u64,
    bad_windows: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 1f64.to_bits(), best: f64::INFINITY.to_bits(), sum: 0f64.to_bits(), filled: 0, bad_windows: 0 }
    }
}

impl Plateau {
    /// Takes in the total loss of a step. Windows of `window` steps are averaged; after more than `patience` of them without an improvement by
    /// `threshold` the factor falls.
    pub(crate) fn observe(&mut self, config: &SchedulerConfig, total: f64) {
        self.sum = (f64::from_bits(self.sum) + total).to_bits();
        self.filled += 1;
        if self.filled < config.window {
            return;
        }
        let mean = f64::from_bits(self.sum) / self.filled as f64;
        (self.sum, self.filled) = (0f64.to_bits(), 0);
        if mean < f64::from_bits(self.best) - config.threshold {
            (self.best, self.bad_windows) = (mean.to_bits(), 0);
            return;
        }
        self.bad_windows += 1;
        if self.bad_windows > config.patience {
            self.factor = (f64::from_bits(self.factor) * config.factor).to_bits();
            self.bad_windows = 0;
        }
    }

    /// The same state as numbers, for a GPU.
    pub(crate) fn to_device(&self) -> PlateauState {
        PlateauState {
            factor: f64::from_bits(self.factor),
            best: f64::from_bits(self.best),
            sum: f64::from_bits(self.sum),
            filled: self.filled,
            bad_windows: self.bad_windows,
        }
    }

    /// The reverse of [`Self::to_device`].
    pub(crate) fn from_device(state: PlateauState) -> Self {
        Self {
            factor: state.factor.to_bits(),
            best: state.best.to_bits(),
            sum: state.sum.to_bits(),
            filled: state.filled,
            bad_windows: state.bad_windows,
        }
    }

    /// Forgets the best loss: a new phase has another scale of losses. The factor stays.
    pub(crate) fn new_phase(&mut self) {
        *self = Self { factor: self.factor, ..Self::default() };
    }
}

/// The warm-up's factor on the learning rate of `step` (from 0).
pub(crate) fn warmup(config: &SchedulerConfig, step: u64) -> f64 {
    if step < config.warmup_steps { (step + 1) as f64 / config.warmup_steps as f64 } else { 1.0 }
}

/// The learning rate of `step` (from 0) out of `steps`, given the base rate of its phase.
pub(crate) fn learning_rate(config: &SchedulerConfig, plateau: &Plateau, base: f64, step: u64, steps: u64) -> f64 {
    let warmup = warmup(config, step);
    let shaped = match config.kind {
        SchedulerKind::Constant => base,
        SchedulerKind::Cosine => {
            // `libm`, as the system's cosine may differ in its last bit from machine to machine.
            let half = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * step as f64 / steps as f64));
            base * (config.final_fraction + (1.0 - config.final_fraction) * half)
        }
        SchedulerKind::Plateau => (base * f64::from_bits(plateau.factor)).max(config.min_learning_rate.min(base)),
    };
    warmup * shaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: SchedulerKind) -> SchedulerConfig {
        SchedulerConfig {
            kind,
            warmup_steps: 10,
            final_fraction: 0.1,
            window: 5,
            patience: 1,
            threshold: 0.01,
            factor: 0.5,
            min_learning_rate: 1e-4,
        }
    }

    #[test]
    fn warmup_rises_linearly_and_cosine_ends_at_its_fraction() {
        let rate = |step| learning_rate(&config(SchedulerKind::Cosine), &Plateau::default(), 1.0, step, 1000);
        assert!((rate(0) - 0.1).abs() < 1e-4 && (rate(4) - 0.5).abs() < 1e-3);
        assert!((rate(500) - 0.55).abs() < 1e-12 && (rate(1000) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate(&config(SchedulerKind::Constant), &Plateau::default(), 0.3, 10, 20), 0.3);
    }

    #[test]
    fn a_plateau_halves_the_rate_after_the_patience_and_an_improvement_resets_it() {
        let c = config(SchedulerKind::Plateau);
        let mut plateau = Plateau::default();
        let rate = |p: &Plateau| learning_rate(&c, p, 1e-3, 100, 1000);
        let feed = |p: &mut Plateau, loss: f64| (0..5).for_each(|_| p.observe(&c, loss));
        feed(&mut plateau, 1.0);
        feed(&mut plateau, 0.995);
        assert_eq!(rate(&plateau), 1e-3, "one bad window is borne");
        feed(&mut plateau, 0.5);
        feed(&mut plateau, 0.5);
        assert_eq!(rate(&plateau), 1e-3, "the improvement reset the count");
        feed(&mut plateau, 0.5);
        assert_eq!(rate(&plateau), 5e-4);
        for _ in 0..40 {
            feed(&mut plateau, 0.5);
        }
        assert_eq!(rate(&plateau), 1e-4, "never below the least rate");
        plateau.new_phase();
        feed(&mut plateau, 7.0);
        feed(&mut plateau, 7.0);
        assert_eq!(rate(&plateau), 1e-4, "the factor outlives a phase");
    }
}

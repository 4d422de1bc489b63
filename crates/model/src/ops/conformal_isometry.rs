//! Conformal isometry (eq. 7), linear in the number of states; few steps are slow enough for it.

use super::rollout::{Rollout, Steps};
use crate::config::LossConfig;

/// The conformal loss, with a buffer that is made once.
#[derive(Debug, Default)]
pub(crate) struct ConformalIsometry {
    slow: Vec<SlowStep>,
}

#[derive(Debug)]
struct SlowStep {
    state: usize,
    /// ‖g_t - g_{t-1}‖.
    distance: f64,
    /// ‖g_t - g_{t-1}‖/‖v_t‖, m⁻¹.
    ratio: f64,
}

impl ConformalIsometry {
    /// (`ConIso`, its number of steps): Var ‖g_t - g_{t-1}‖/‖v_t‖ over steps with 0 < ‖v_t‖ < σ_x (biased; 0 if fewer than two). Adds its weighted
    /// gradient to `dg` and, for first steps, to `d_initial`. Where two states coincide the distance has no direction: its gradient is taken as 0. Sums are `f64`.
    pub(crate) fn evaluate(
        &mut self,
        steps: Steps<'_>,
        states: &Rollout,
        speeds_m: &[f64],
        loss: &LossConfig,
        dg: &mut [f32],
        d_initial: &mut [f32],
    ) -> (f64, u64) {
        let stride = steps.stride();
        let row = |state: usize| &states.g[state * stride..(state + 1) * stride];
        let before = |state: usize| if state.is_multiple_of(steps.length) { states.initial.as_slice() } else { row(state - 1) };
        let slow = (0..steps.states()).filter(|s| speeds_m[*s] > 0.0 && speeds_m[*s] < loss.sigma_x_m);
        self.slow.clear();
        self.slow.extend(slow.map(|state| {
            let squared: f64 = row(state).iter().zip(before(state)).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            SlowStep { state, distance: squared.sqrt(), ratio: squared.sqrt() / speeds_m[state] }
        }));
        let count = self.slow.len() as f64;
        if self.slow.len() < 2 {
            return (0.0, self.slow.len() as u64);
        }
        let mean = self.slow.iter().map(|s| s.ratio).sum::<f64>() / count;
        let variance = self.slow.iter().map(|s| (s.ratio - mean).powi(2)).sum::<f64>() / count;
        if loss.lambda_coniso != 0.0 {
            for SlowStep { state, distance, ratio } in self.slow.iter().filter(|s| s.distance > 0.0) {
                let slope = (loss.lambda_coniso * 2.0 * (ratio - mean) / (count * speeds_m[*state] * distance)) as f32;
                let (to, rest) = dg[..(state + 1) * stride].split_at_mut(state * stride);
                let to = if state.is_multiple_of(steps.length) { &mut *d_initial } else { &mut to[(state - 1) * stride..] };
                for (((from, to), g), g_before) in rest.iter_mut().zip(to).zip(row(*state)).zip(before(*state)) {
                    let d = slope * (g - g_before);
                    *from += d;
                    *to -= d;
                }
            }
        }
        (variance, self.slow.len() as u64)
    }
}

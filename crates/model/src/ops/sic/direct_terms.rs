//! The two losses that are linear in the number of states: capacity (eq. 6) and conformal isometry (eq. 7).

use crate::config::LossConfig;
use crate::ops::rollout::{States, Steps};

/// Cap = -‖mean g‖²; adds its weighted gradient, -2λ·mean/S, to every state of `dg`. The mean is summed in `f64`.
pub(super) fn capacity(g: &[f32], stride: usize, lambda_cap: f64, dg: &mut [f32]) -> f64 {
    let states = (g.len() / stride) as f64;
    let mut mean = vec![0f64; stride];
    for row in g.chunks_exact(stride) {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    for m in &mut mean {
        *m /= states;
    }
    if lambda_cap != 0.0 {
        let slope: Vec<f32> = mean.iter().map(|m| (-2.0 * lambda_cap * m / states) as f32).collect();
        for row in dg.chunks_exact_mut(stride) {
            for (d, s) in row.iter_mut().zip(&slope) {
                *d += s;
            }
        }
    }
    -mean.iter().map(|m| m * m).sum::<f64>()
}

/// The conformal loss and how many steps it rests on.
pub(super) struct Conformal {
    pub(super) variance: f64,
    pub(super) steps: u64,
}

/// ConIso = Var ‖g_t - g_{t-1}‖/‖v_t‖ over steps with 0 < ‖v_t‖ < σ_x (biased; 0 if fewer than two). Adds its weighted gradient to `dg` and, for
/// first steps, to `dg_initial`. Where two states coincide the distance has no direction: its gradient is taken as 0.
pub(super) fn conformal_isometry(
    steps: Steps<'_>,
    states: &States,
    speeds_m: &[f64],
    loss: &LossConfig,
    dg: &mut [f32],
    dg_initial: &mut [f32],
) -> Conformal {
    let stride = steps.stride();
    let row = |state: usize| &states.g[state * stride..(state + 1) * stride];
    let before = |state: usize| if state.is_multiple_of(steps.length) { states.initial.as_slice() } else { row(state - 1) };
    let slow: Vec<(usize, f64, f64)> = (0..steps.states())
        .filter(|s| speeds_m[*s] > 0.0 && speeds_m[*s] < loss.sigma_x_m)
        .map(|s| {
            let squared: f64 = row(s).iter().zip(before(s)).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            (s, squared.sqrt(), squared.sqrt() / speeds_m[s])
        })
        .collect();
    let count = slow.len() as f64;
    if slow.len() < 2 {
        return Conformal { variance: 0.0, steps: slow.len() as u64 };
    }
    let mean = slow.iter().map(|(_, _, ratio)| ratio).sum::<f64>() / count;
    let variance = slow.iter().map(|(_, _, ratio)| (ratio - mean).powi(2)).sum::<f64>() / count;
    if loss.lambda_coniso != 0.0 {
        for (s, distance, ratio) in slow.iter().filter(|(_, distance, _)| *distance > 0.0) {
            let slope = (loss.lambda_coniso * 2.0 * (ratio - mean) / (count * speeds_m[*s] * distance)) as f32;
            for u in 0..stride {
                let d = slope * (row(*s)[u] - before(*s)[u]);
                dg[s * stride + u] += d;
                match s % steps.length {
                    0 => dg_initial[u] -= d,
                    _ => dg[(s - 1) * stride + u] -= d,
                }
            }
        }
    }
    Conformal { variance, steps: slow.len() as u64 }
}

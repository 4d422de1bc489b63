//! The fast rollout against the slow one, its gradient against finite differences of the slow one.

use super::{Rollout, Steps, reference};
use gridlake_space::seed::{Seed, Stream};

/// A rollout that was used on another problem before, as in training; what that left behind must not matter.
fn forward(steps: Steps<'_>, w: &[f32], raw: &[f32]) -> Rollout {
    let mut rollout = Rollout::default();
    let index = [0, 1, 1, 0, 1, 0, 0];
    let other = Steps { batch: 1, length: 7, units: 21, velocities: 2, index: &index };
    let w_other: Vec<f32> = (0..2 * 21 * 21).map(|i| (i as f32).sin()).collect();
    rollout.forward(other, &w_other, &[1.0; 21]);
    let (mut dg, mut d_initial) = (vec![1.0; 7 * other.stride()], vec![1.0; other.stride()]);
    rollout.backward(other, &w_other, &mut dg, &mut d_initial, &mut vec![3.0; w_other.len()]);
    rollout.forward(steps, w, raw);
    rollout
}

/// ∂L/∂W and ∂L/∂raw.
fn backward(steps: Steps<'_>, w: &[f32], rollout: &mut Rollout, dg: &mut [f32], dg_initial: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut dw, mut d_initial) = (vec![7.0; w.len()], dg_initial.to_vec());
    rollout.backward(steps, w, dg, &mut d_initial, &mut dw);
    assert!(d_initial[steps.units..].iter().all(|p| *p == 0.0), "padding stays zero");
    d_initial.truncate(steps.units);
    (dw, d_initial)
}

fn draw(stream: &mut Stream, len: usize, scale: f64) -> Vec<f32> {
    (0..len).map(|_| (stream.uniform_in(-1.0, 1.0) * scale) as f32).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

struct Case {
    batch: usize,
    length: usize,
    units: usize,
    velocities: usize,
}

const CASES: [Case; 5] = [
    Case { batch: 1, length: 1, units: 1, velocities: 1 },
    Case { batch: 3, length: 5, units: 12, velocities: 5 },
    Case { batch: 4, length: 6, units: 16, velocities: 24 },
    Case { batch: 2, length: 9, units: 33, velocities: 9 },
    Case { batch: 3, length: 4, units: 150, velocities: 2 },
];

#[test]
fn states_agree_with_the_reference() {
    for (number, case) in CASES.iter().enumerate() {
        for scale in [1.0, 1e-6, 1e6] {
            let mut stream = Seed(11).stream("rollout", number as u64);
            let n = case.units;
            let index: Vec<u32> = (0..case.batch * case.length).map(|_| stream.below(case.velocities) as u32).collect();
            let steps = Steps { batch: case.batch, length: case.length, units: n, velocities: case.velocities, index: &index };
            let w = draw(&mut stream, case.velocities * n * n, scale);
            let raw = draw(&mut stream, n, 1.0);
            let fast = forward(steps, &w, &raw);
            let slow = reference::forward(steps, &wide(&w), &wide(&raw));
            for (state, expected) in fast.g.chunks_exact(steps.stride()).zip(slow.g.chunks_exact(n)) {
                assert!(state[n..].iter().all(|p| *p == 0.0), "padding stays zero");
                for (a, b) in state.iter().zip(expected) {
                    assert!((f64::from(*a) - b).abs() < 2e-4, "case {number} scale {scale}: {a} against {b}");
                }
            }
        }
    }
}

#[test]
fn a_state_that_dies_stays_zero_and_has_no_gradient() {
    let index = [0, 0];
    let steps = Steps { batch: 1, length: 2, units: 2, velocities: 1, index: &index };
    let mut states = forward(steps, &[-1.0; 4], &[1.0, 1.0]);
    assert_eq!(states.zero_states(), 2);
    let mut dg = vec![1f32; 2 * steps.stride()];
    let (dw, dg0) = backward(steps, &[-1.0; 4], &mut states, &mut dg, &vec![0.0; steps.stride()]);
    assert!(states.g.iter().chain(&dw).chain(&dg0).all(|x| *x == 0.0));
}

#[test]
fn gradients_agree_with_finite_differences_of_the_reference() {
    for (number, case) in CASES.iter().enumerate().take(4) {
        let mut stream = Seed(12).stream("rollout-gradient", number as u64);
        let n = case.units;
        let index: Vec<u32> = (0..case.batch * case.length).map(|_| stream.below(case.velocities) as u32).collect();
        let steps = Steps { batch: case.batch, length: case.length, units: n, velocities: case.velocities, index: &index };
        let (w, raw) = (draw(&mut stream, case.velocities * n * n, 1.0), draw(&mut stream, n, 1.0));
        // L = Σ c·g with random c, on every state and on g₀.
        let (c, c0) = (draw(&mut stream, steps.states() * n, 1.0), draw(&mut stream, n, 1.0));
        let loss = |w: &[f64], raw: &[f64]| -> f64 {
            let r = reference::forward(steps, w, raw);
            let weighted = |g: &[f64], c: &[f32]| g.iter().zip(c).map(|(g, c)| g * f64::from(*c)).sum::<f64>();
            weighted(&r.g, &c) + weighted(&r.initial, &c0)
        };
        let mut states = forward(steps, &w, &raw);
        let stride = steps.stride();
        let pad = |values: &[f32]| -> Vec<f32> {
            values.chunks_exact(n).flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, stride - n))).collect()
        };
        let (dw, dg0) = backward(steps, &w, &mut states, &mut pad(&c), &pad(&c0));
        let (w, raw) = (wide(&w), wide(&raw));
        let step = 1e-6;
        let check = |name: &str, analytic: f32, plus: f64, minus: f64| {
            let numeric = (plus - minus) / (2.0 * step);
            assert!(
                (f64::from(analytic) - numeric).abs() < 1e-3 * (1.0 + numeric.abs()),
                "case {number} d{name}: {analytic} against {numeric}"
            );
        };
        for _ in 0..40 {
            let at = stream.below(w.len());
            let at_step = |delta: f64| {
                let mut w = w.clone();
                w[at] += delta;
                loss(&w, &raw)
            };
            check("W", dw[at], at_step(step), at_step(-step));
        }
        for at in 0..n {
            let at_step = |delta: f64| {
                let mut raw = raw.clone();
                raw[at] += delta;
                loss(&w, &raw)
            };
            check("g0", dg0[at], at_step(step), at_step(-step));
        }
    }
}

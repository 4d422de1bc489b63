//! The tiled sweep against the double loop.

use super::{PairLosses, PairSettings, PairSweep, Reduction, reference};
use crate::ops::simd::LANES;
use gridlake_space::seed::Seed;

const SETTINGS: PairSettings =
    PairSettings { sigma_x_m: 0.05, sigma_g: 0.4, lambda_sep: 1.0, lambda_inv: 0.1, reduction: Reduction::MeanSelected, tf32: false };

fn pair_losses(g: &[f32], stride: usize, x_m: &[[f64; 2]], settings: &PairSettings) -> (PairLosses, Vec<f32>) {
    // Used before on another problem, as in training; what that left behind must not matter.
    let mut sweep = PairSweep::default();
    let other: Vec<f32> = (0..130 * 16).map(|i| (i as f32).sin()).collect();
    sweep.evaluate(&other, 16, &[[0.1, 0.2]; 130], settings, &mut vec![1.0; 130 * 16]);
    let mut gradient = vec![7.0; g.len()];
    let losses = sweep.evaluate(g, stride, x_m, settings, &mut gradient);
    (losses, gradient)
}

fn compare(g: &[f32], units: usize, x_m: &[[f64; 2]], settings: &PairSettings, what: &str) {
    let stride = units.next_multiple_of(LANES);
    let padded: Vec<f32> =
        g.chunks_exact(units).flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, stride - units))).collect();
    let (fast, gradient) = pair_losses(&padded, stride, x_m, settings);
    let (slow, expected) = reference::pair_losses(&g.iter().map(|g| f64::from(*g)).collect::<Vec<_>>(), units, x_m, settings);
    assert_eq!((fast.separation_pairs, fast.invariance_pairs), (slow.separation_pairs, slow.invariance_pairs), "{what}");
    for (a, b) in [(fast.separation, slow.separation), (fast.invariance, slow.invariance)] {
        assert!((a - b).abs() <= 1e-5 * b.abs() + 1e-7 * x_m.len() as f64, "{what}: {a} against {b}");
    }
    let scale = expected.iter().fold(0f64, |m, d| m.max(d.abs()));
    // ∂L/∂g_i is a difference of two sums of up to S slopes: where they cancel, the rounding of those sums is what is left.
    let far = settings.lambda_sep / settings.reduction.divisor(slow.separation_pairs, x_m.len()) / (2.0 * settings.sigma_g.powi(2));
    let near = settings.lambda_inv / settings.reduction.divisor(slow.invariance_pairs, x_m.len());
    let rounding = 4.0 * x_m.len() as f64 * far.max(near) * f64::from(f32::EPSILON);
    for (row, expected) in gradient.chunks_exact(stride).zip(expected.chunks_exact(units)) {
        assert!(row[units..].iter().all(|p| *p == 0.0), "{what}: padding stays zero");
        for (a, b) in row.iter().zip(expected) {
            assert!((f64::from(*a) - b).abs() <= 1e-5 * scale + rounding, "{what}: {a} against {b} of {scale}");
        }
    }
}

#[test]
fn agrees_with_the_double_loop_on_random_input() {
    for (number, (states, units)) in [(1, 1), (2, 3), (47, 16), (48, 17), (49, 32), (130, 96), (200, 5)].into_iter().enumerate() {
        let mut stream = Seed(21).stream("pairs", number as u64);
        let g: Vec<f32> = (0..states * units).map(|_| stream.uniform_in(-0.3, 1.0).max(0.0) as f32).collect();
        let x: Vec<[f64; 2]> = (0..states).map(|_| [stream.uniform_in(-0.1, 0.1), stream.uniform_in(-0.1, 0.1)]).collect();
        for reduction in [Reduction::MeanSelected, Reduction::MeanAll, Reduction::Sum] {
            for sigma_x_m in [0.05, 1e-9, 10.0] {
                compare(
                    &g,
                    units,
                    &x,
                    &PairSettings { sigma_x_m, reduction, ..SETTINGS },
                    &format!("{states}×{units} {reduction:?} σ_x {sigma_x_m}"),
                );
            }
        }
    }
}

#[test]
fn agrees_on_fixed_and_extreme_input() {
    let (states, units) = (100, 20);
    let same: Vec<[f64; 2]> = vec![[0.3, -0.2]; states];
    compare(&vec![0.0; states * units], units, &same, &SETTINGS, "all zero");
    let one_hot: Vec<f32> = (0..states * units).map(|i| f32::from(u8::from(i % units == (i / units) % units))).collect();
    compare(&one_hot, units, &same, &SETTINGS, "one-hot in one place");
    let line: Vec<[f64; 2]> = (0..states).map(|i| [i as f64 * 0.05, 0.0]).collect();
    compare(&one_hot, units, &line, &SETTINGS, "spacings of exactly σ_x");
    compare(&one_hot, units, &line, &PairSettings { sigma_g: 0.01, ..SETTINGS }, "narrow σ_g");
}

#[test]
fn tf32_is_the_loss_of_rounded_states_with_rounded_slopes() {
    let (states, units) = (150, 32);
    let mut stream = Seed(22).stream("pairs", 0);
    let g: Vec<f32> = (0..states * units).map(|_| stream.uniform_in(-0.3, 1.0).max(0.0) as f32).collect();
    let x: Vec<[f64; 2]> = (0..states).map(|_| [stream.uniform_in(-0.1, 0.1), stream.uniform_in(-0.1, 0.1)]).collect();
    // Eleven significant bits, by division and rounding.
    let rounded: Vec<f32> = g
        .iter()
        .map(|g| {
            let unit = 2f64.powi(f64::from(*g).log2().floor() as i32 - 10);
            if *g == 0.0 { 0.0 } else { ((f64::from(*g) / unit).round() * unit) as f32 }
        })
        .collect();
    let (found, gradient) = pair_losses(&g, units, &x, &PairSettings { tf32: true, ..SETTINGS });
    let (of_rounded, expected) = pair_losses(&rounded, units, &x, &SETTINGS);
    assert_eq!(found, of_rounded, "the same losses to the bit");
    let (exact, _) = pair_losses(&g, units, &x, &SETTINGS);
    assert_ne!(found, exact);
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let off = norm(&mut gradient.iter().zip(&expected).map(|(a, b)| f64::from(a - b)));
    let scale = norm(&mut expected.iter().map(|x| f64::from(*x)));
    // Slopes are rounded by up to 2⁻¹¹ each.
    assert!(off > 1e-7 * scale && off < 2f64.powi(-11) * scale, "{off:e} of {scale:e}");
}

#[test]
fn a_self_pair_has_no_distance() {
    let g: Vec<f32> = (0..32).map(|i| (i as f32 * 0.37).sin().abs()).collect();
    let (losses, gradient) = pair_losses(&g, 32, &[[0.0, 0.0]], &SETTINGS);
    assert_eq!((losses.invariance, losses.invariance_pairs, losses.separation_pairs), (0.0, 1, 0));
    assert!(gradient.iter().all(|d| *d == 0.0));
}

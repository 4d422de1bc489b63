//! The pair losses, slow and obvious: a double loop in `f64`.

use super::{PairLosses, PairSettings};

/// `g` (S, N), `x_m` (S). Returns the losses and ∂(λ_sep·Sep + λ_inv·Inv)/∂g (S, N).
pub(crate) fn pair_losses(g: &[f64], units: usize, x_m: &[[f64; 2]], settings: &PairSettings) -> (PairLosses, Vec<f64>) {
    let states = x_m.len();
    let distance = |i: usize, j: usize| ((x_m[i][0] - x_m[j][0]).powi(2) + (x_m[i][1] - x_m[j][1]).powi(2)).sqrt();
    let row = |i: usize| &g[i * units..(i + 1) * units];
    let mut losses = PairLosses::default();
    let pairs = || (0..states).flat_map(|i| (0..states).map(move |j| (i, j)));
    for (i, j) in pairs() {
        losses.separation_pairs += u64::from(distance(i, j) > settings.sigma_x_m);
        losses.invariance_pairs += u64::from(distance(i, j) < settings.sigma_x_m);
    }
    let sep_scale = 1.0 / settings.reduction.divisor(losses.separation_pairs, states);
    let inv_scale = 1.0 / settings.reduction.divisor(losses.invariance_pairs, states);
    let mut dg = vec![0.0; g.len()];
    for (i, j) in pairs() {
        let squared: f64 = row(i).iter().zip(row(j)).map(|(a, b)| (a - b).powi(2)).sum();
        let mut slope = 0.0;
        if distance(i, j) > settings.sigma_x_m {
            let e = (-squared / (2.0 * settings.sigma_g.powi(2))).exp();
            losses.separation += sep_scale * e;
            slope -= settings.lambda_sep * sep_scale * e / (2.0 * settings.sigma_g.powi(2));
        } else if distance(i, j) < settings.sigma_x_m {
            losses.invariance += inv_scale * squared;
            slope += settings.lambda_inv * inv_scale;
        }
        for u in 0..units {
            let d = 2.0 * slope * (g[i * units + u] - g[j * units + u]);
            dg[i * units + u] += d;
            dg[j * units + u] -= d;
        }
    }
    (losses, dg)
}

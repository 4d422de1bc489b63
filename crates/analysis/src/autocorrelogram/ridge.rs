//! Whether the central peak is a ridge across the whole autocorrelogram, as a band makes it, and how far the next ridge is.

use super::lags::{Lag, Lags};
use std::collections::BTreeSet;

/// Level of the ridge, as a share of the height beside the zero lag. A second wave of 0.2 of the first one's power lowers the ridge to
/// (1 - 0.2)/(1 + 0.2) = 2/3 of it in places: the limit up to which a spectrum counts as a band's by default.
const LEVEL: f64 = 2.0 / 3.0;
/// How far the ridge must reach from the zero lag, as a share of the arena's shorter side.
const REACH: f64 = 0.6;

/// The unit vector across the ridge through the zero lag, if there is one. `smooth`: smoothed lags.
pub(super) fn across(smooth: &Lags) -> Option<Lag> {
    let beside = smooth.beside_zero();
    if beside.is_nan() || beside <= 0.0 {
        return None;
    }
    let far = REACH * smooth.shorter_side_m();
    let mut seen = BTreeSet::from([[0, 0]]);
    let mut open = vec![[0_isize, 0_isize]];
    let (mut xx, mut xy, mut yy, mut longest) = (0.0, 0.0, 0.0, 0.0_f64);
    while let Some([x, y]) = open.pop() {
        let [mx, my] = smooth.metres([x, y]);
        // Within a circle, so that the corners do not turn the ridge.
        let radius = mx.hypot(my);
        longest = longest.max(radius);
        (xx, xy, yy) = (xx + mx * mx, xy + mx * my, yy + my * my);
        for next in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| [x + dx, y + dy])) {
            let [nx, ny] = smooth.metres(next);
            if smooth.at(next[0], next[1]) >= LEVEL * beside && nx.hypot(ny) <= far && seen.insert(next) {
                open.push(next);
            }
        }
    }
    // Direction of the largest second moment; and it must be a ridge, not a disc as wide as the arena.
    let (middle, spread) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
    if longest < far - 1.5 * smooth.coarse_m() || (middle - spread) > 0.25 * (middle + spread) {
        return None;
    }
    let along = xy.atan2((xx - yy) / 2.0) / 2.0;
    Some([-along.sin(), along.cos()])
}

/// Distance in metres from the zero lag to the next ridge along `across`; `None` where there is none of at least `least` height.
pub(super) fn next_ridge_m(lags: &Lags, across: Lag, central_radius_m: f64, least: f64) -> Option<f64> {
    let step = 0.1 * central_radius_m;
    let along = [-across[1], across[0]];
    // Means along the ridge, over four radii of the central peak.
    let height = |t: f64| {
        let at = |s: f64| lags.between([t * across[0] + s * along[0], t * across[1] + s * along[1]]);
        let defined: Vec<f64> = (-10..=10).map(|i| at(0.2 * f64::from(i) * central_radius_m)).filter(|r| !r.is_nan()).collect();
        if defined.len() < 5 { f64::NAN } else { defined.iter().sum::<f64>() / defined.len() as f64 }
    };
    let furthest = (lags.diagonal_m() / step) as usize;
    let profile: Vec<f64> = (0..=furthest).map(|i| height(i as f64 * step)).collect();
    let wide = 5;
    let peak = (10..profile.len().saturating_sub(wide)).find(|&i| {
        let around = &profile[i - wide..=i + wide];
        profile[i] >= least && around.iter().all(|h| *h <= profile[i])
    })?;
    // Vertex of the parabola through the peak and a third of a central radius to either side.
    let [before, here, after] = [profile[peak - 3], profile[peak], profile[peak + 3]];
    let bend = before - 2.0 * here + after;
    let shift = if bend < 0.0 { 3.0 * (before - after) / (2.0 * bend) } else { 0.0 };
    Some((peak as f64 + shift.clamp(-3.0, 3.0)) * step)
}

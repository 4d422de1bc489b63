//! The null of the isotropic kind as it is defined, in double precision and one map after another: what the fast form is tested and timed against.

use super::isotropic::{ROUNDS, STEP};
use super::quantiles::normal_below;
use super::{Battery, ScoreWithNull, Statistic};
use crate::fft::Fft2;
use gridlake_space::seed::Stream;
use rustfft::num_complex::Complex64;
use std::f64::consts::TAU;

/// Every statistic of `map` (flat, row-major, finite and not constant on visited bins) with its null of `count` isotropic surrogates.
///
/// The surrogates come from another use of the stream than the fast form's: nulls agree in distribution, not one by one.
pub fn reference_nulls(battery: &Battery, map: &[f64], count: usize, stream: &mut Stream) -> Vec<(Statistic, ScoreWithNull)> {
    let mut workspace = battery.workspace();
    let observed = battery.score(map, &mut workspace);
    let bins = battery.bins();
    let mean = bins.iter().map(|&bin| map[bin]).sum::<f64>() / bins.len() as f64;
    let centred: Vec<f64> = map.iter().map(|rate| rate - mean).collect();
    let (amplitude, power) = battery.isotropic().spectrum(&centred);
    let plan = battery.isotropic().plan();
    let mut rates: Vec<f64> = bins.iter().map(|&bin| map[bin]).collect();
    rates.sort_by(f64::total_cmp);
    let mut field = vec![Complex64::default(); plan.len()];
    let mut scratch = plan.scratch();
    let mut maps = [map.to_vec(), map.to_vec()];
    let mut nulls: Vec<Vec<f64>> = vec![Vec::new(); observed.len()];
    for _ in 0..count.div_ceil(2) {
        for (coefficient, amplitude) in field.iter_mut().zip(&amplitude) {
            let radius = (-(1.0 - stream.uniform()).ln()).sqrt() * amplitude;
            *coefficient = Complex64::from_polar(radius, TAU * stream.uniform());
        }
        plan.inverse(&mut field, plan.rows, &mut scratch);
        for (which, out) in maps.iter_mut().enumerate() {
            let mut field: Vec<Complex64> = field.iter().map(|value| if which == 0 { *value } else { Complex64::from(value.im) }).collect();
            for _ in 0..ROUNDS {
                by_quantile(&field, plan, battery, &rates, out);
                field = matched(battery, out, mean, &power);
            }
            by_rank(&field, plan, battery, &rates, out);
        }
        let [first, second] = &maps;
        for (scores, map) in battery.score_pair(first, second, &mut workspace).iter().zip([first, second]) {
            let border = battery.border(map).unwrap_or(f64::NAN);
            for (null, score) in nulls.iter_mut().zip(scores.iter().map(|score| score.value).chain([border])) {
                null.push(score);
            }
        }
    }
    let found = Statistic::ALL.into_iter().zip(observed).zip(nulls);
    found
        .map(|((statistic, (value, reason)), mut null)| {
            null.truncate(count);
            (statistic, ScoreWithNull::new(value, reason, null, count, 0.0))
        })
        .collect()
}

/// One map, of this mean, as a padded field whose rings are scaled towards this power.
fn matched(battery: &Battery, map: &[f64], mean: f64, power: &[f64]) -> Vec<Complex64> {
    let (plan, class, cols) = (battery.isotropic().plan(), battery.isotropic().class(), battery.shape().1);
    let mut scratch = plan.scratch();
    let mut field = vec![Complex64::default(); plan.len()];
    for &bin in battery.bins() {
        field[bin / cols * plan.cols + bin % cols] = Complex64::new(map[bin] - mean, 0.0);
    }
    plan.forward(&mut field, plan.rows, &mut scratch);
    let mut own = vec![0.0; power.len()];
    for (value, &class) in field.iter().zip(class) {
        own[class as usize] += value.norm_sqr();
    }
    for (value, &class) in field.iter_mut().zip(class) {
        let own = own[class as usize];
        *value *= if own > 0.0 { (power[class as usize] / own).powf(STEP) } else { 0.0 };
    }
    plan.inverse(&mut field, plan.rows, &mut scratch);
    field
}

/// The field (its real part) at the visited bins.
fn seen<'a>(field: &'a [Complex64], plan: &Fft2, battery: &'a Battery) -> impl Iterator<Item = (f64, usize)> + 'a {
    let (cols, wide) = (battery.shape().1, plan.cols);
    battery.bins().iter().map(move |&bin| (field[bin / cols * wide + bin % cols].re, bin))
}

/// The map's rates by the field's ranks.
fn by_rank(field: &[Complex64], plan: &Fft2, battery: &Battery, rates: &[f64], out: &mut [f64]) {
    let mut order: Vec<(f64, usize)> = seen(field, plan, battery).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (&(_, bin), &rate) in order.iter().zip(rates) {
        out[bin] = rate;
    }
}

/// The map's rates by the quantiles that the field's values have in a normal distribution of its mean and variance.
fn by_quantile(field: &[Complex64], plan: &Fft2, battery: &Battery, rates: &[f64], out: &mut [f64]) {
    let n = rates.len() as f64;
    let mean = seen(field, plan, battery).map(|(value, _)| value).sum::<f64>() / n;
    let deviation = (seen(field, plan, battery).map(|(value, _)| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    for (value, bin) in seen(field, plan, battery) {
        let rank = (normal_below((value - mean) / deviation) * n - 0.5).clamp(0.0, n - 1.0);
        let (low, part) = (rank.floor() as usize, rank.fract());
        out[bin] = rates[low] + part * (rates[(low + 1).min(rates.len() - 1)] - rates[low]);
    }
}

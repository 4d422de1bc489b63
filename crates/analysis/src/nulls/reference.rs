//! The null of the isotropic kind as it is defined, in double precision and one map after another: what the fast form is tested and timed against.

use super::isotropic::{ROUNDS, STEP};
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
            assign(&field, plan, battery, &rates, which, out);
            for _ in 0..ROUNDS {
                let matched = matched(battery, out, mean, &power);
                assign(&matched, plan, battery, &rates, 0, out);
            }
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

/// The map's rates by the ranks of one of the field's two parts.
fn assign(field: &[Complex64], plan: &Fft2, battery: &Battery, rates: &[f64], which: usize, out: &mut [f64]) {
    let cols = battery.shape().1;
    let part = |bin: usize| {
        let value = field[bin / cols * plan.cols + bin % cols];
        if which == 0 { value.re } else { value.im }
    };
    let mut order: Vec<(f64, usize)> = battery.bins().iter().map(|&bin| (part(bin), bin)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (&(_, bin), &rate) in order.iter().zip(rates) {
        out[bin] = rate;
    }
}

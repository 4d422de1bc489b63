//! The null of the isotropic kind as it is defined, in double precision and one map after another: what the fast form is tested and timed against.

use super::isotropic::STEP;
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
    let (plane, padded) = (battery.isotropic().plane(), battery.isotropic().padded());
    let mut rates: Vec<f64> = bins.iter().map(|&bin| map[bin]).collect();
    rates.sort_by(f64::total_cmp);
    let mut field = vec![Complex64::default(); plane.len()];
    let mut scratch = plane.scratch();
    let mut maps = [map.to_vec(), map.to_vec()];
    let mut nulls: Vec<Vec<f64>> = vec![Vec::new(); observed.len()];
    for _ in 0..count.div_ceil(2) {
        for (coefficient, amplitude) in field.iter_mut().zip(&amplitude) {
            let radius = (-(1.0 - stream.uniform()).ln()).sqrt() * amplitude;
            *coefficient = Complex64::from_polar(radius, TAU * stream.uniform());
        }
        plane.inverse(&mut field, plane.rows, &mut scratch);
        for (which, out) in maps.iter_mut().enumerate() {
            let part = |value: &Complex64| if which == 0 { value.re } else { value.im };
            // The first bin's row and column are the window's; half of what is around the map comes from before them.
            let place = |at: usize, own: usize, side: usize, whole: usize| if at < own + (side - own) / 2 { at } else { at + whole - side };
            let (rows, cols) = battery.shape();
            let around: Vec<Complex64> = (0..padded.len())
                .map(|index| {
                    let row = place(index / padded.cols, rows, padded.rows, plane.rows);
                    let col = place(index % padded.cols, cols, padded.cols, plane.cols);
                    Complex64::from(part(&field[row * plane.cols + col]))
                })
                .collect();
            by_quantile(&around, padded, battery, &rates, out);
            let scaled = matched(battery, around, out, mean, &power);
            by_quantile(&scaled, padded, battery, &rates, out);
            let alone = alone(battery, out, mean);
            let scaled = matched(battery, alone, out, mean, &power);
            by_rank(&scaled, padded, battery, &rates, out);
        }
        let [first, second] = &maps;
        for (scores, map) in battery.score_pair(first, second, &mut workspace).iter().zip([first, second]) {
            let of_border = battery.border(map).unwrap_or([f64::NAN; 2]);
            for (null, score) in nulls.iter_mut().zip(scores.iter().map(|score| score.value).chain(of_border)) {
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

/// One map, of this mean, with nothing around it.
fn alone(battery: &Battery, map: &[f64], mean: f64) -> Vec<Complex64> {
    let (padded, cols) = (battery.isotropic().padded(), battery.shape().1);
    let mut field = vec![Complex64::default(); padded.len()];
    for &bin in battery.bins() {
        field[bin / cols * padded.cols + bin % cols] = Complex64::new(map[bin] - mean, 0.0);
    }
    field
}

/// A padded field with its rings scaled as this map's, of this mean, have to be to come near this power.
fn matched(battery: &Battery, mut field: Vec<Complex64>, map: &[f64], mean: f64, power: &[f64]) -> Vec<Complex64> {
    let (padded, class) = (battery.isotropic().padded(), battery.isotropic().class());
    let mut scratch = padded.scratch();
    let mut seen = alone(battery, map, mean);
    padded.forward(&mut seen, padded.rows, &mut scratch);
    let mut own = vec![0.0; power.len()];
    for (value, &class) in seen.iter().zip(class) {
        own[class as usize] += value.norm_sqr();
    }
    padded.forward(&mut field, padded.rows, &mut scratch);
    for (value, &class) in field.iter_mut().zip(class) {
        let own = own[class as usize];
        *value *= if own > 0.0 { (power[class as usize] / own).powf(STEP) } else { 0.0 };
    }
    padded.inverse(&mut field, padded.rows, &mut scratch);
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

//! Where ticks stand and what they say.

use crate::canvas::Run;
use crate::number::signed;

/// A tick: its value and its label, written `base` with `exponent` raised.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) base: String,
    pub(crate) exponent: String,
}

impl Tick {
    pub(crate) fn plain(value: f64, base: String) -> Self {
        Self { value, base, exponent: String::new() }
    }

    /// What stands at the tick.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs = vec![Run::plain(self.base.clone())];
        if !self.exponent.is_empty() {
            runs.push(Run::raised(self.exponent.clone()));
        }
        runs
    }
}

/// More characters than this make a label too wide beside an axis.
const MAX_CHARACTERS: usize = 5;

/// Ticks of a linear axis, at most `count + 1`, and the power of ten that their labels share: 0 unless plain numbers
/// would be long. `low < high`, and the span is no tiny part of the larger end.
pub(crate) fn linear(low: f64, high: f64, count: usize) -> (Vec<Tick>, i32) {
    let largest = low.abs().max(high.abs());
    let plain = linear_in(low, high, count, 0);
    if largest >= 0.01 && plain.iter().all(|tick| tick.base.chars().count() <= MAX_CHARACTERS) {
        return (plain, 0);
    }
    let exponent = largest.log10().floor() as i32;
    (linear_in(low, high, count, exponent), exponent)
}

/// The distance of 1, 2 or 5 times a power of ten that gives at most `count` intervals.
pub(crate) fn nice_step(span: f64, count: usize) -> f64 {
    let raw = span / count.max(1) as f64;
    let decade = 10.0_f64.powi(raw.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * decade).find(|&step| step >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * decade)
}

/// As [`linear`], with labels divided by 10 to the power `exponent`.
pub(crate) fn linear_in(low: f64, high: f64, count: usize, exponent: i32) -> Vec<Tick> {
    let step = nice_step(high - low, count);
    let unit = 10.0_f64.powi(exponent);
    let decimals = (-(step / unit).log10().floor()).clamp(0.0, 9.0) as usize;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last)
        .map(|index| {
            let value = index as f64 * step;
            Tick::plain(value, signed(value / unit, decimals))
        })
        .collect()
}

/// Powers of ten that are shorter written out; an axis writes all its ticks in one way.
const PLAIN_DECADES: std::ops::RangeInclusive<i32> = -3..=4;

/// Ticks of a logarithmic axis: decades, thinned to at most `count + 1`; with under two decades also 2 and 5, and
/// more where fewer than three of these are inside.
pub(crate) fn logarithmic(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let inside = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
    let decades: Vec<i32> = (first..=last).filter(|&decade| inside(10.0_f64.powi(decade))).collect();
    if decades.len() >= 3 {
        let every = decades.len().div_ceil(count.max(1) + 1) as i32;
        let plain = decades.iter().all(|decade| PLAIN_DECADES.contains(decade));
        return decades.into_iter().filter(|decade| decade.rem_euclid(every) == 0).map(|decade| log_tick(1, decade, plain)).collect();
    }
    let plain = PLAIN_DECADES.contains(&first) && PLAIN_DECADES.contains(&last);
    let of = |factors: &[i32]| -> Vec<Tick> {
        let all = (first..=last).flat_map(|decade| factors.iter().map(move |&factor| log_tick(factor, decade, plain)));
        all.filter(|tick| inside(tick.value)).collect()
    };
    let (few, more) = (of(&[1, 2, 5]), of(&[1, 2, 3, 4, 5, 7]));
    match (few.len(), more.len()) {
        (3.., _) => few,
        (_, 3..) => more,
        _ if plain && high > low => linear_in(low, high, count, 0),
        _ => few,
    }
}

/// Unlabelled ticks at 2 to 9 times every power of ten, where there are few decades.
pub(crate) fn logarithmic_minor(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    if last - first > 5 {
        return Vec::new();
    }
    (first..=last)
        .flat_map(|decade| (2..10).map(move |factor| f64::from(factor) * 10.0_f64.powi(decade)))
        .filter(|&value| value >= low && value <= high)
        .collect()
}

fn log_tick(factor: i32, decade: i32, plain: bool) -> Tick {
    let value = f64::from(factor) * 10.0_f64.powi(decade);
    if plain {
        return Tick::plain(value, signed(value, decade.min(0).unsigned_abs() as usize));
    }
    let base = if factor == 1 { "10".to_owned() } else { format!("{factor}·10") };
    Tick { value, base, exponent: signed(f64::from(decade), 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<String> {
        ticks
            .iter()
            .map(|tick| if tick.exponent.is_empty() { tick.base.clone() } else { format!("{}^{}", tick.base, tick.exponent) })
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers() {
        assert_eq!(labels(&linear_in(-0.93, 0.02, 4, 0)), ["−0.5", "0.0"]);
        assert_eq!(labels(&linear_in(-0.93, 0.02, 5, 0)), ["−0.8", "−0.6", "−0.4", "−0.2", "0.0"]);
        assert_eq!(labels(&linear_in(0.0, 20_000.0, 4, 3)), ["0", "5", "10", "15", "20"]);
    }

    #[test]
    fn logarithmic_ticks_are_decades_or_their_parts() {
        assert_eq!(labels(&logarithmic(0.5e-6, 2.0, 3)), ["10^−6", "10^−4", "10^−2", "10^0"]);
        assert_eq!(labels(&logarithmic(0.03, 0.9, 4)), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(&logarithmic(0.75, 0.95, 4)), ["0.75", "0.80", "0.85", "0.90", "0.95"]);
        assert_eq!(labels(&logarithmic(0.33, 1.4, 4)), ["0.4", "0.5", "0.7", "1"]);
        assert!(logarithmic_minor(0.03, 0.9).contains(&0.4));
    }

    #[test]
    fn long_labels_share_a_power_of_ten_instead() {
        let written = |low, high, count| {
            let (ticks, exponent) = linear(low, high, count);
            (labels(&ticks).join(" "), exponent)
        };
        assert_eq!(written(0.0, 3e-4, 3), ("0 1 2 3".to_owned(), -4));
        assert_eq!(written(0.0105, 0.0125, 4), ("1.05 1.10 1.15 1.20 1.25".to_owned(), -2));
        assert_eq!(written(0.0, 400_000.0, 4), ("0 1 2 3 4".to_owned(), 5));
        assert_eq!(written(-0.9, 0.0, 3), ("−0.5 0.0".to_owned(), 0));
    }
}

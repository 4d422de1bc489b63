//! Bars over bins of equal width.

use plotters::style::RGBColor;

use crate::FigureError;
use crate::axes::Axes;
use crate::canvas::{Canvas, RectMm, Surface};
use crate::ticks;

/// Edges of equal bins; the same for every series of a panel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    pub(crate) low: f64,
    pub(crate) width: f64,
    pub(crate) count: usize,
}

impl Bins {
    /// Bins of a round width, 20 to 50 of them, over all values, with edges at multiples of the width.
    pub(crate) fn cover(values: impl Iterator<Item = f64>) -> Self {
        Self::cover_finely(values, 45)
    }

    /// As [`Bins::cover`], with about `count` bins at most.
    pub(crate) fn cover_finely(values: impl Iterator<Item = f64>, count: usize) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let width = if high > low { ticks::nice_step(high - low, count) } else { 0.05 };
        let first = (low / width).floor();
        Self { low: first * width, width, count: ((high / width).floor() - first) as usize + 1 }
    }

    pub(crate) fn high(&self) -> f64 {
        self.low + self.width * self.count as f64
    }

    /// How many values fall into each bin; a value on an edge belongs to the bin above it.
    pub(crate) fn counts(&self, values: impl Iterator<Item = f64>) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        for value in values {
            let bin = ((value - self.low) / self.width).floor().clamp(0.0, (self.count - 1) as f64);
            counts[bin as usize] += 1;
        }
        counts
    }
}

/// Draws one bar per bin from `base` up by `heights`, each taking `share` of its bin's width.
pub(crate) fn draw_bars<S: Surface>(
    canvas: &mut Canvas<S>,
    axes: &Axes,
    bins: &Bins,
    base: &[f64],
    heights: &[f64],
    share: f64,
    color: RGBColor,
) -> Result<(), FigureError> {
    for (bin, (&base, &height)) in base.iter().zip(heights).enumerate() {
        if height <= 0.0 {
            continue;
        }
        let middle = bins.low + bins.width * (bin as f64 + 0.5);
        let half = bins.width * share / 2.0;
        let (left, right) = (axes.x_mm(middle - half), axes.x_mm(middle + half));
        let (top, bottom) = (axes.y_mm(base + height), axes.y_mm(base));
        canvas.fill(RectMm { x: left, y: top, width: right - left, height: bottom - top }, color)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_value_once() {
        let values = [-0.31, -0.1, 0.0, 0.05, 0.1, 1.29, 1.3];
        let bins = Bins::cover(values.iter().copied());
        assert!((20..=50).contains(&bins.count), "{bins:?}");
        assert!(bins.low <= -0.31 && bins.high() > 1.3);
        assert_eq!(bins.counts(values.iter().copied()).iter().sum::<usize>(), values.len());
    }

    #[test]
    fn equal_values_take_one_bin() {
        let bins = Bins::cover([0.4, 0.4].into_iter());
        assert_eq!(bins.counts([0.4, 0.4].into_iter()), [2]);
    }
}

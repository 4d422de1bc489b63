//! A frame with two axes: where values lie, and their ticks and labels.

use crate::FigureError;
use crate::canvas::{Anchor, Canvas, RectMm, Run, Surface, TextStyle};
use crate::style::{HAIRLINE_PT, INK, LABEL_PT, SMALL_PT};
use crate::ticks::{self, Tick};

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// One axis: what it spans and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) scale: Scale,
    pub(crate) label: String,
    pub(crate) ticks: Vec<Tick>,
    /// Labels are to be multiplied by this power of ten.
    pub(crate) exponent: i32,
}

impl Axis {
    /// A linear axis from `low` to `high` with about `count` intervals. An empty span becomes a fifth of the value (or of
    /// 1 for zero), a span below a hundredth of the values' size that hundredth: finer ticks would need long labels.
    pub(crate) fn linear(low: f64, high: f64, count: usize, label: &str) -> Self {
        let largest = low.abs().max(high.abs());
        let size = if largest < 1e-100 { 1.0 } else { largest };
        let smallest = if high > low { 0.01 * size } else { 0.2 * size };
        let (low, high) = if high - low < smallest {
            let middle = f64::midpoint(low, high);
            (middle - smallest / 2.0, middle + smallest / 2.0)
        } else {
            (low, high)
        };
        let (ticks, exponent) = ticks::linear(low, high, count);
        Self { low, high, scale: Scale::Linear, label: label.to_owned(), ticks, exponent }
    }

    /// An axis of counts from 0 to a little above `highest`, with ticks at whole numbers.
    pub(crate) fn counts(highest: f64, count: usize, label: &str) -> Self {
        let mut axis = Self::linear(0.0, highest.max(1.0) * 1.08, count, label);
        if axis.exponent == 0 {
            let step = ticks::nice_step(axis.high, count).max(1.0);
            axis.ticks =
                (0..=(axis.high / step) as u64).map(|index| Tick::plain(index as f64 * step, (index * step as u64).to_string())).collect();
        }
        axis
    }

    /// An axis with one place for each name, 0, 1, …; names that would meet are left out from the second on.
    pub(crate) fn categories(names: &[&str], width_mm: f64, label: &str) -> Self {
        let room = width_mm / names.len().max(1) as f64;
        let style = TextStyle::new(SMALL_PT, INK);
        let every = Self::every_category(room);
        let shown = |name: &str| style.shortened(name, (room * every as f64 - 1.0).max(4.0));
        let ticks = names.iter().enumerate().step_by(every).map(|(at, name)| Tick::plain(at as f64, shown(name))).collect();
        Self { ticks, exponent: 0, ..Self::linear(-0.5, names.len() as f64 - 0.5, 2, label) }
    }

    /// Every how many names of categories are written that are `room_mm` apart: they are at least 5 mm apart.
    pub(crate) fn every_category(room_mm: f64) -> usize {
        (5.0 / room_mm).ceil().max(1.0) as usize
    }

    /// A logarithmic axis; `0 < low < high`.
    pub(crate) fn logarithmic(low: f64, high: f64, count: usize, label: &str) -> Self {
        let ticks = ticks::logarithmic(low, high, count);
        Self { low, high, scale: Scale::Logarithmic, label: label.to_owned(), ticks, exponent: 0 }
    }

    /// The label, shortened to the axis's length, with the power of ten.
    fn title(&self, style: TextStyle, length_mm: f64) -> Vec<Run> {
        let power_mm = if self.exponent == 0 { 0.0 } else { style.width_mm(" (10−10)") };
        Run::with_power(&style.shortened(&self.label, length_mm - power_mm), self.exponent)
    }

    /// The share of the axis below a value; values outside the axis fall outside 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        }
    }
}

/// A plot's frame in millimetres with its axes.
pub(crate) struct Axes {
    pub(crate) frame: RectMm,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

const TICK_MM: f64 = 0.9;
const MINOR_TICK_MM: f64 = 0.5;
/// From the widest tick label to the baseline of the axis's label, which has descenders.
const LABEL_GAP_MM: f64 = 1.3;

/// What the axes need outside their frame, in millimetres: left of it, and below it.
pub(crate) const ROOM_LEFT_MM: f64 = 12.5;
/// See [`ROOM_LEFT_MM`].
pub(crate) const ROOM_BELOW_MM: f64 = 7.5;

impl Axes {
    pub(crate) fn x_mm(&self, value: f64) -> f64 {
        self.frame.x + self.frame.width * self.x.share(value)
    }

    pub(crate) fn y_mm(&self, value: f64) -> f64 {
        self.frame.bottom() - self.frame.height * self.y.share(value)
    }

    /// Draws the left and lower axes with ticks, labels and, if one is shared, the power of ten.
    pub(crate) fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let RectMm { x: left, y: top, .. } = self.frame;
        let (right, bottom) = (self.frame.right(), self.frame.bottom());
        canvas.line(&[(left, top), (left, bottom), (right, bottom)], HAIRLINE_PT, INK)?;
        let tick_style = TextStyle::new(SMALL_PT, INK);
        let label_style = TextStyle::new(LABEL_PT, INK).anchored(Anchor::Middle);
        for tick in &self.x.ticks {
            let x = self.x_mm(tick.value);
            canvas.line(&[(x, bottom), (x, bottom + TICK_MM)], HAIRLINE_PT, INK)?;
            let baseline = bottom + TICK_MM + 0.6 + tick_style.cap_mm();
            canvas.runs(x, baseline, &tick.runs(), tick_style.anchored(Anchor::Middle))?;
        }
        if self.x.scale == Scale::Logarithmic {
            for value in ticks::logarithmic_minor(self.x.low, self.x.high) {
                let x = self.x_mm(value);
                canvas.line(&[(x, bottom), (x, bottom + MINOR_TICK_MM)], HAIRLINE_PT, INK)?;
            }
        }
        if self.y.scale == Scale::Logarithmic {
            for value in ticks::logarithmic_minor(self.y.low, self.y.high) {
                let y = self.y_mm(value);
                canvas.line(&[(left - MINOR_TICK_MM, y), (left, y)], HAIRLINE_PT, INK)?;
            }
        }
        let mut widest: f64 = 0.0;
        for tick in &self.y.ticks {
            widest = widest.max(tick_style.width_mm(&tick.base) + tick_style.width_mm(&tick.exponent));
            let y = self.y_mm(tick.value);
            canvas.line(&[(left - TICK_MM, y), (left, y)], HAIRLINE_PT, INK)?;
            let baseline = y + tick_style.cap_mm() / 2.0;
            canvas.runs(left - TICK_MM - 0.5, baseline, &tick.runs(), tick_style.anchored(Anchor::End))?;
        }
        let below = self.x.title(label_style, self.frame.width);
        canvas.runs(f64::midpoint(left, right), bottom + ROOM_BELOW_MM - 0.8, &below, label_style)?;
        let beside = self.y.title(label_style, self.frame.height);
        let label_mm = (TICK_MM + 0.5 + widest + LABEL_GAP_MM).min(ROOM_LEFT_MM - label_style.cap_mm() - 0.3);
        canvas.runs(left - label_mm, f64::midpoint(top, bottom), &beside, label_style.upwards())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_run_from_zero_to_one_on_both_scales() {
        let linear = Axis::linear(-1.0, 3.0, 4, "");
        assert_eq!((linear.share(-1.0), linear.share(0.0), linear.share(3.0)), (0.0, 0.25, 1.0));
        let logarithmic = Axis::logarithmic(0.01, 100.0, 4, "");
        assert!((logarithmic.share(1.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_constant_gets_an_axis_around_it_on_which_it_can_be_read() {
        for value in [0.0, -0.25, 1e-9, 3e-4, 5e-324, 1e100] {
            let axis = Axis::linear(value, value, 4, "");
            assert!(axis.low < value && value < axis.high && axis.ticks.len() >= 2, "{axis:?}");
            assert!(value.abs() < 1e-100 || axis.high - axis.low < 0.3 * value.abs(), "{axis:?}");
        }
    }

    #[test]
    fn tick_labels_fit_between_the_axis_and_its_label() {
        let style = TextStyle::new(SMALL_PT, INK);
        let room = ROOM_LEFT_MM - TICK_MM - 0.5 - TextStyle::new(LABEL_PT, INK).cap_mm() - 0.6;
        let ends = [0.0, 1e-30, 2.5e-7, 3e-4, 0.0123, 0.5, 0.683_147, 1.0, 17.3, 999.0, 12_345.0, 99_999.0, 3e6, 1e38];
        for low in ends.into_iter().flat_map(|end| [-end, end]) {
            for high in ends.into_iter().flat_map(|end| [-end, end, low + 1e-9 * end]).filter(|&high| high >= low) {
                let axis = Axis::linear(low, high, 6, "");
                assert!((2..=7).contains(&axis.ticks.len()), "{low} to {high}: {:?}", axis.ticks);
                for tick in &axis.ticks {
                    assert!(style.width_mm(&tick.base) <= room, "{low} to {high}: {tick:?}");
                }
            }
        }
        for (low, high) in [(2e-10, 8e-9), (3e4, 9e7), (1e-30, 1e30), (0.002, 0.9)] {
            for tick in Axis::logarithmic(low, high, 4, "").ticks {
                let width = style.width_mm(&tick.base) + style.width_mm(&tick.exponent);
                assert!(width <= room, "{low} to {high}: {tick:?}");
            }
        }
    }
}

//! A quantity against the training step.

use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_LEFT_MM, Scale};
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::number::{self, drawable};
use crate::style::{BLUE, HAIRLINE_PT, INK, LABEL_PT, LINE_PT, MUTED, ORANGE, PALE_BLUE, TINY_PT, UNUSED, WHITE};

/// More points than this are summarized, since a column of a journal cannot show them.
pub(crate) const MAX_POINTS: usize = 300;

/// One curve with what its panel says.
pub(crate) struct Curve<'a> {
    pub(crate) letter: &'static str,
    pub(crate) title: &'static str,
    pub(crate) label: &'static str,
    pub(crate) values: &'a [f64],
    /// Where it does not count: after the first step of each pair, up to the second.
    pub(crate) unused: &'a [(u64, u64)],
    /// Whether it is a number of things.
    pub(crate) counts: bool,
}

impl Curve<'_> {
    /// Whether it does not count at a step.
    pub(crate) fn is_unused_at(&self, step: u64) -> bool {
        self.unused.iter().any(|(after, until)| (after + 1..=*until).contains(&step))
    }
}

/// Neighbouring points as one: where, the mean, and the range.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    step: f64,
    low: f64,
    mean: f64,
    high: f64,
}

/// What an axis can show: all finite values, or on a logarithmic axis the positive ones.
fn shown(value: f64, scale: Scale) -> bool {
    drawable(value) && (scale == Scale::Linear || value > 0.0)
}

/// Logarithmic where values are positive, apart from at most one zero in ten, and span more than a factor of 20.
fn scale_of(values: &[f64]) -> Scale {
    let finite = || values.iter().copied().filter(|value| drawable(*value));
    let zeros = finite().filter(|&value| value == 0.0).count();
    let low = finite().filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
    let high = finite().fold(0.0, f64::max);
    let positive = finite().all(|value| value >= 0.0);
    if positive && zeros * 10 <= values.len() && high > 20.0 * low { Scale::Logarithmic } else { Scale::Linear }
}

/// Whether the panel marks values that its axis cannot show.
pub(crate) fn has_marks(curve: &Curve<'_>) -> bool {
    let scale = if curve.counts { Scale::Linear } else { scale_of(curve.values) };
    curve.values.iter().any(|&value| !shown(value, scale))
}

fn axis_of(values: &[f64], label: &str) -> Axis {
    let scale = scale_of(values);
    let kept = || values.iter().copied().filter(|&value| shown(value, scale));
    let (low, high) = (kept().fold(f64::INFINITY, f64::min), kept().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return Axis::linear(0.0, 1.0, 4, label);
    }
    match scale {
        Scale::Logarithmic => Axis::logarithmic(low * 0.8, high * 1.25, 4, label),
        Scale::Linear => {
            let near_zero = low > 0.0 && low < 0.5 * high;
            let margin = 0.06 * (high - low);
            Axis::linear(if near_zero { 0.0 } else { low - margin }, high + margin, 6, label)
        }
    }
}

/// From 0 on, with whole numbers.
fn counts_axis(values: &[f64], label: &str) -> Axis {
    Axis::counts(values.iter().copied().filter(|value| drawable(*value)).fold(0.0, f64::max), 4, label)
}

/// Lines through what can be shown, interrupted where a value is missing; long records are summarized.
fn summarize(steps: &[u64], values: &[f64], scale: Scale) -> Vec<Vec<Point>> {
    let per_point = values.len().div_ceil(MAX_POINTS);
    let mut lines = vec![Vec::new()];
    for (steps, values) in steps.chunks(per_point).zip(values.chunks(per_point)) {
        let kept: Vec<f64> = values.iter().copied().filter(|&value| shown(value, scale)).collect();
        if kept.is_empty() {
            lines.push(Vec::new());
            continue;
        }
        let point = Point {
            step: steps.iter().map(|&step| step as f64).sum::<f64>() / steps.len() as f64,
            low: kept.iter().copied().fold(f64::INFINITY, f64::min),
            mean: kept.iter().sum::<f64>() / kept.len() as f64,
            high: kept.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        };
        if let Some(line) = lines.last_mut() {
            line.push(point);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Draws the panel into `frame`: phase boundaries, range and mean of the curve, axes, title above.
pub(crate) fn draw<S: Surface>(
    canvas: &mut Canvas<S>,
    frame: RectMm,
    curve: &Curve<'_>,
    steps: &[u64],
    x: &Axis,
    boundaries: &[u64],
) -> Result<(), FigureError> {
    let y = if curve.counts { counts_axis(curve.values, curve.label) } else { axis_of(curve.values, curve.label) };
    let scale = y.scale;
    let axes = Axes { frame, x: x.clone(), y };
    draw_unused(canvas, &axes, curve)?;
    draw_boundaries(canvas, &axes, boundaries)?;
    let place = |step: f64, value: f64| (axes.x_mm(step), axes.y_mm(value));
    for line in summarize(steps, curve.values, scale) {
        if curve.values.len() > MAX_POINTS {
            let lower = line.iter().map(|point| place(point.step, point.low));
            let upper = line.iter().rev().map(|point| place(point.step, point.high));
            canvas.polygon(&lower.chain(upper).collect::<Vec<_>>(), PALE_BLUE)?;
        }
        let mut mean: Vec<(f64, f64)> = line.iter().map(|point| place(point.step, point.mean)).collect();
        if let [(x, y)] = mean[..] {
            // A point alone shows as a short stroke.
            mean = vec![(x - 0.3, y), (x + 0.3, y)];
        }
        canvas.line(&mean, LINE_PT, BLUE)?;
    }
    let missing = mark_missing(canvas, &axes, steps, curve.values, scale)?;
    axes.draw(canvas)?;
    let title = TextStyle::new(LABEL_PT, INK);
    let baseline = frame.y - 1.6;
    // The letter stands left of the axis's label, whose upper end may come up to here.
    canvas.text(frame.x - ROOM_LEFT_MM + 0.5, baseline, curve.letter, title.bold())?;
    let never = !steps.is_empty() && steps.iter().all(|step| curve.is_unused_at(*step));
    let text = if never { format!("{} (weight 0)", curve.title) } else { curve.title.to_owned() };
    canvas.text(frame.x - ROOM_LEFT_MM + 3.5, baseline, &text, title)?;
    if missing.is_empty() {
        return Ok(());
    }
    let note = TextStyle::new(TINY_PT, MUTED).anchored(Anchor::End);
    let width = note.width_mm(&missing) + 0.8;
    canvas.fill(RectMm { x: frame.right() - width, y: frame.y, width, height: note.cap_mm() + 1.2 }, WHITE)?;
    canvas.text(frame.right(), frame.y + 0.6 + note.cap_mm(), &missing, note)
}

/// A ground behind steps at which the curve does not count.
fn draw_unused<S: Surface>(canvas: &mut Canvas<S>, axes: &Axes, curve: &Curve<'_>) -> Result<(), FigureError> {
    let frame = axes.frame;
    for (after, until) in curve.unused {
        let [left, right] = [after, until].map(|step| axes.x_mm(*step as f64).clamp(frame.x, frame.right()));
        if right > left {
            canvas.fill(RectMm { x: left, width: right - left, ..frame }, UNUSED)?;
        }
    }
    Ok(())
}

/// Thin vertical lines.
fn draw_boundaries<S: Surface>(canvas: &mut Canvas<S>, axes: &Axes, boundaries: &[u64]) -> Result<(), FigureError> {
    for &step in boundaries {
        let x = axes.x_mm(step as f64);
        canvas.dashes((x, axes.frame.y), (x, axes.frame.bottom()), 0.7, HAIRLINE_PT, MUTED)?;
    }
    Ok(())
}

/// Marks zeros of a logarithmic panel at its lower edge and values that are no numbers at its upper one; says how
/// many there are.
fn mark_missing<S: Surface>(
    canvas: &mut Canvas<S>,
    axes: &Axes,
    steps: &[u64],
    values: &[f64],
    scale: Scale,
) -> Result<String, FigureError> {
    let (mut zeros, mut undefined) = (0_u64, 0_u64);
    let (top, bottom) = (axes.frame.y, axes.frame.bottom());
    for (&step, &value) in steps.iter().zip(values) {
        let x = axes.x_mm(step as f64);
        if !drawable(value) {
            undefined += 1;
            canvas.line(&[(x, top), (x, top - 0.8)], LINE_PT, ORANGE)?;
        } else if !shown(value, scale) {
            zeros += 1;
            canvas.line(&[(x, bottom), (x, bottom - 0.8)], LINE_PT, ORANGE)?;
        }
    }
    let zeros = (zeros > 0).then(|| format!("{} at 0", number::grouped(zeros)));
    let undefined = (undefined > 0).then(|| format!("{} undefined", number::grouped(undefined)));
    Ok([zeros, undefined].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_follows_the_values() {
        assert_eq!(scale_of(&[1.0, 0.5, 0.01]), Scale::Logarithmic);
        assert_eq!(scale_of(&[1.0, 0.5, 0.4]), Scale::Linear, "less than a factor of 20");
        assert_eq!(scale_of(&[-0.9, -0.1, 5.0]), Scale::Linear, "negative values");
        assert_eq!(scale_of(&[0.0, 0.0, 1.0, 0.001]), Scale::Linear, "many zeros");
        let mut one_zero = vec![1.0; 20];
        (one_zero[0], one_zero[1]) = (0.0, 0.001);
        assert_eq!(scale_of(&one_zero), Scale::Logarithmic);
        assert_eq!(scale_of(&[f64::NAN]), Scale::Linear);
    }

    #[test]
    fn counts_have_whole_ticks_from_zero_on() {
        for values in [vec![9.0, 11.0, f64::NAN], vec![0.0, 0.0], vec![1.0], vec![f64::NAN], vec![3.0, 400.0]] {
            let axis = counts_axis(&values, "");
            assert!(axis.low == 0.0 && axis.ticks.len() >= 2, "{axis:?}");
            assert!(axis.ticks.iter().all(|tick| tick.value.fract() == 0.0 && tick.base.parse::<u64>().is_ok()), "{axis:?}");
            assert!(values.iter().filter(|value| value.is_finite()).all(|value| (0.0..=1.0).contains(&axis.share(*value))), "{axis:?}");
        }
    }

    #[test]
    fn every_axis_holds_its_values() {
        for values in [vec![0.0, 0.0], vec![-0.8, -0.2], vec![1e-9, 1.0], vec![f64::NAN, 3.0], vec![], vec![2e-5, 2e-5]] {
            let axis = axis_of(&values, "");
            for value in values.into_iter().filter(|value| drawable(*value)) {
                assert!((0.0..=1.0).contains(&axis.share(value)), "{value} in {axis:?}");
            }
        }
    }

    #[test]
    fn a_summary_keeps_extremes_and_breaks_at_gaps() {
        let steps: Vec<u64> = (0..10_000).collect();
        let mut values = vec![1.0; 10_000];
        values[1234] = 9.0;
        values[5000..5200].fill(f64::NAN);
        let lines = summarize(&steps, &values, Scale::Linear);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().map(Vec::len).sum::<usize>() <= MAX_POINTS);
        assert!(lines[0].iter().any(|point| point.high == 9.0 && point.low == 1.0));
        let short = summarize(&steps[..3], &[1.0, 2.0, 3.0], Scale::Linear);
        assert_eq!(short[0].iter().map(|point| point.mean).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
    }
}

//! Every score against its null: distributions, p-values, and how many units are beyond chance.

use std::path::{Path, PathBuf};

use super::blocks::Blocks;
use super::heading::Heading;
use super::heading::capitalized;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::number::{self, drawable, percent};
use crate::output::{self, Figure};
use crate::page::Page;
use crate::panels::histogram::{self, Bins};
use crate::panels::legend::{self, Key};
use crate::panels::note;
use crate::quantile::quantile;
use crate::style::{BLUE, INK, LINE_PT, MARGIN_MM, MUTED, NULL, SMALL_PT, TINY_PT};

/// One score of all units with its null.
#[derive(Debug, Clone, Copy)]
pub struct ScoreNull<'a> {
    /// What the score is called, such as "grid score (sargolini)"; the x axis says it.
    pub name: &'a str,
    /// Scores of the units; values that are not finite are left out.
    pub scores: &'a [f64],
    /// Null scores of all units together; values that are not finite are left out.
    pub null_scores: &'a [f64],
    /// p-values of the units; values outside 0 to 1 are left out.
    pub p_values: &'a [f64],
    /// How many units have p at or below [`NullDistributions::significance`].
    pub significant: usize,
    /// How many of them remain after false-discovery control.
    pub significant_controlled: usize,
}

/// All scores with their nulls.
#[derive(Debug, Clone, Copy)]
pub struct NullDistributions<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The scores, in the order in which they are drawn.
    pub scores: &'a [ScoreNull<'a>],
    /// How many units were tested.
    pub unit_count: usize,
    /// What these units are called, such as "active units".
    pub units_name: &'a str,
    /// The p-value up to which a unit alone counts as significant, in (0, 1), usually 0.01.
    pub significance: f64,
    /// The false-discovery rate that was controlled, in (0, 1), usually 0.05.
    pub false_discovery_rate: f64,
}

const FIGURE: &str = "figure of null distributions";
const TITLE_MM: f64 = 10.4;
const FRAME_MM: f64 = 24.0;
const BLOCK_MM: f64 = TITLE_MM + FRAME_MM + ROOM_BELOW_MM + 2.5;
/// The p-values' share of a block.
const P_SHARE: f64 = 0.42;
const P_BINS: usize = 20;
const LEVELS: [f64; 2] = [0.95, 0.99];

/// Draws a block per score, its units' distribution over the pooled null with the null's 95 and 99 % quantiles beside the
/// units' p-values, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// The dashed line among p-values is what chance alone gives. A score without values or without a null says so.
///
/// # Errors
///
/// [`FigureError`] if there are no scores, a level is out of range, or a file cannot be written.
pub fn draw_null_distributions(input: &NullDistributions<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.scores.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "scores", remedy: "pass at least one score" });
    }
    let levels = [("significance", input.significance), ("false_discovery_rate", input.false_discovery_rate)];
    if let Some((field, value)) = levels.into_iter().find(|(_, level)| !(*level > 0.0 && *level < 1.0)) {
        return Err(FigureError::Range { figure: FIGURE, field, value, allowed: "above 0 and below 1" });
    }
    output::write_figure(&Nulls::new(input), out_stem)
}

fn shares(counts: &[usize], total: usize) -> Vec<f64> {
    counts.iter().map(|&count| 100.0 * count as f64 / total.max(1) as f64).collect()
}

struct Nulls<'a> {
    heading: Heading,
    input: NullDistributions<'a>,
    blocks: Blocks,
    keys: Vec<(Key, String)>,
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| drawable(*value)).collect()
}

impl<'a> Nulls<'a> {
    fn new(input: &NullDistributions<'a>) -> Self {
        let blocks = Blocks::new(input.scores.len(), BLOCK_MM);
        let units = format!("{} {}", number::grouped(input.unit_count as u64), input.units_name);
        let text = format!("{}. Each is tested against its own null: one beyond it may lie within the pooled nulls", units.trim_end());
        let keys = vec![
            (Key::Fill(BLUE), "Units".to_owned()),
            (Key::Fill(NULL), "Nulls of all units, pooled".to_owned()),
            (Key::Dashes(INK), "Quantiles of the pooled nulls".to_owned()),
            (Key::Dashes(MUTED), "p-values by chance alone".to_owned()),
        ];
        Self { heading: Heading::new(input.title, &text, blocks.content_mm()), input: *input, blocks, keys }
    }

    fn verdict(&self, score: &ScoreNull<'_>) -> String {
        let count = |count: usize| number::grouped(count as u64);
        format!(
            "{} of {} with p ≤ {}; {} at a false-discovery rate of {}",
            count(score.significant),
            count(score.p_values.iter().filter(|p| !p.is_nan()).count()),
            self.input.significance,
            count(score.significant_controlled),
            percent(self.input.false_discovery_rate)
        )
    }

    fn draw_block<S: Surface>(&self, canvas: &mut Canvas<S>, (left, top): (f64, f64), score: &ScoreNull<'_>) -> Result<(), FigureError> {
        let width = self.blocks.width_mm();
        let bold = TextStyle::new(SMALL_PT, INK).bold();
        let plain = TextStyle::new(SMALL_PT, INK);
        canvas.text(left, top + bold.cap_mm(), &bold.shortened(&capitalized(score.name), width), bold)?;
        let verdict = plain.shortened(&self.verdict(score), width);
        canvas.text(left, top + 3.2 + plain.cap_mm(), &verdict, plain)?;
        let p_width = width * P_SHARE;
        let left_frame =
            RectMm { x: left + ROOM_LEFT_MM - 2.0, y: top + TITLE_MM, width: width - p_width - ROOM_LEFT_MM - 2.0, height: FRAME_MM };
        draw_scores(canvas, left_frame, score)?;
        let right_frame =
            RectMm { x: left + width - p_width + ROOM_LEFT_MM - 2.0, width: p_width - ROOM_LEFT_MM + 2.0 - 1.5, ..left_frame };
        draw_p_values(canvas, right_frame, score)
    }
}

fn draw_scores<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, score: &ScoreNull<'_>) -> Result<(), FigureError> {
    let (units, mut null) = (finite(score.scores), finite(score.null_scores));
    null.sort_by(f64::total_cmp);
    let name = capitalized(score.name);
    if units.is_empty() && null.is_empty() {
        return draw_empty(canvas, frame, &name, "Share (%)", "No scores");
    }
    let bins = Bins::cover(units.iter().chain(&null).copied());
    let null_shares = shares(&bins.counts(null.iter().copied()), null.len());
    let unit_shares = shares(&bins.counts(units.iter().copied()), units.len());
    let tallest = null_shares.iter().chain(&unit_shares).copied().fold(0.0, f64::max);
    let axes = Axes { frame, x: Axis::linear(bins.low, bins.high(), 4, &name), y: Axis::linear(0.0, tallest * 1.06, 4, "Share (%)") };
    let zeros = vec![0.0; bins.count];
    histogram::draw_bars(canvas, &axes, &bins, &zeros, &null_shares, 1.0, NULL)?;
    histogram::draw_bars(canvas, &axes, &bins, &zeros, &unit_shares, 0.6, BLUE)?;
    axes.draw(canvas)?;
    if null.is_empty() || units.is_empty() {
        let style = TextStyle::new(TINY_PT, MUTED);
        canvas.text(frame.x + 0.8, frame.y - 0.9, if null.is_empty() { "No null scores" } else { "No units' scores" }, style)?;
    }
    if null.is_empty() {
        return Ok(());
    }
    // The lower quantile's name ends at its line and the upper one's begins there, so they never meet.
    let style = TextStyle::new(TINY_PT, INK);
    for (level, anchor) in LEVELS.into_iter().zip([Anchor::End, Anchor::Start]) {
        let x = axes.x_mm(quantile(&null, level));
        canvas.dashes((x, frame.y), (x, frame.bottom()), 0.9, LINE_PT, INK)?;
        let shift = if anchor == Anchor::End { -0.4 } else { 0.4 };
        canvas.text(x + shift, frame.y - 0.9, &percent(level), style.anchored(anchor))?;
    }
    Ok(())
}

fn draw_p_values<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, score: &ScoreNull<'_>) -> Result<(), FigureError> {
    let p_values: Vec<f64> = score.p_values.iter().copied().filter(|p| (0.0..=1.0).contains(p)).collect();
    if p_values.is_empty() {
        return draw_empty(canvas, frame, "p-value", "Units", "No p-values");
    }
    let bins = Bins { low: 0.0, width: 1.0 / P_BINS as f64, count: P_BINS };
    let expected = p_values.len() as f64 / P_BINS as f64;
    let counts: Vec<f64> = bins.counts(p_values.iter().copied()).into_iter().map(|count| count as f64).collect();
    let tallest = counts.iter().copied().fold(expected, f64::max);
    let axes = Axes { frame, x: Axis::linear(0.0, 1.0, 2, "p-value"), y: Axis::counts(tallest, 4, "Units") };
    histogram::draw_bars(canvas, &axes, &bins, &[0.0; P_BINS], &counts, 0.9, BLUE)?;
    let y = axes.y_mm(expected);
    canvas.dashes((frame.x, y), (frame.right(), y), 0.9, LINE_PT, MUTED)?;
    axes.draw(canvas)
}

/// Axes without ticks around a message.
fn draw_empty<S: Surface>(canvas: &mut Canvas<S>, frame: RectMm, x: &str, y: &str, text: &str) -> Result<(), FigureError> {
    let axis = |label: &str| Axis { ticks: Vec::new(), ..Axis::linear(0.0, 1.0, 1, label) };
    Axes { frame, x: axis(x), y: axis(y) }.draw(canvas)?;
    note::message(canvas, frame, text)
}

impl Figure for Nulls<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.blocks.content_mm());
        Page::print(self.blocks.page_width_mm(), 2.0 * MARGIN_MM + self.heading.height_mm() + self.blocks.height_mm() + keys)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        for (index, score) in self.input.scores.iter().enumerate() {
            self.draw_block(canvas, self.blocks.corner(index, top), score)?;
        }
        legend::draw(canvas, MARGIN_MM, top + self.blocks.height_mm(), self.blocks.content_mm(), &self.keys)
    }
}

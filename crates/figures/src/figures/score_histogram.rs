//! Grid scores of all units beside the pooled null distribution.

use std::path::{Path, PathBuf};

use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::number::{self, drawable, percent};
use crate::output::{self, Figure};
use crate::page::{Page, SINGLE_COLUMN_MM};
use crate::panels::histogram::{self, Bins};
use crate::panels::legend::{self, Key};
use crate::style::{BLUE, INK, LINE_PT, MARGIN_MM, NULL, ORANGE, SMALL_PT, TITLE_PT};

/// One unit's score and verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredUnit {
    /// Its score, `None` (or not finite) where undefined.
    pub score: Option<f64>,
    /// Whether it is above the unit's own null at [`ScoreHistogram::null_level`].
    pub significant: bool,
}

/// Scores of units and of their nulls.
#[derive(Debug, Clone, Copy)]
pub struct ScoreHistogram<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What the score is called; the x axis says it.
    pub score_name: &'a str,
    /// The units that the text counts: usually the active ones.
    pub units: &'a [ScoredUnit],
    /// What these units are called in the text, such as "active units".
    pub units_name: &'a str,
    /// Null scores of all units together; values that are not finite are left out.
    pub null_scores: &'a [f64],
    /// The quantile that verdicts and the line use, in (0, 1), usually 0.99.
    pub null_level: f64,
}

const PLOT_MM: f64 = 34.0;
const HEADER_MM: f64 = 4.2;
const TEXT_MM: f64 = 4.0;

/// Draws units' scores over the pooled null to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// Bars are shares of their own series. The dashed line is the lowest null score that at least `null_level` of the
/// pooled null does not exceed. The text counts units by their verdicts; a unit without a score counts as not above.
///
/// # Errors
///
/// [`FigureError`] if there are no units or no finite null scores, the level is out of range, or a file cannot be
/// written.
pub fn draw_score_histogram(input: &ScoreHistogram<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    const FIGURE: &str = "score histogram";
    if input.units.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "units", remedy: "pass at least one unit" });
    }
    let mut null: Vec<f64> = input.null_scores.iter().copied().filter(|score| drawable(*score)).collect();
    if null.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "finite null scores", remedy: "run the null tests first" });
    }
    if !(input.null_level > 0.0 && input.null_level < 1.0) {
        return Err(FigureError::Range { figure: FIGURE, field: "null_level", value: input.null_level, allowed: "0 < null_level < 1" });
    }
    null.sort_by(f64::total_cmp);
    let line = quantile(&null, input.null_level);
    output::write_figure(&Histogram::new(input, &null, line), out_stem)
}

/// The lowest of the sorted values that at least the share `level` of them does not exceed.
pub(super) fn quantile(sorted: &[f64], level: f64) -> f64 {
    let rank = (level * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted[rank.min(sorted.len()) - 1]
}

struct Histogram {
    title: String,
    verdict: String,
    keys: Vec<(Key, String)>,
    axes: Axes,
    bins: Bins,
    null: Vec<f64>,
    significant: Vec<f64>,
    others: Vec<f64>,
    line: f64,
    height_mm: f64,
}

fn finite_scores(units: &[ScoredUnit], significant: bool) -> impl Iterator<Item = f64> + '_ {
    units.iter().filter(move |unit| unit.significant == significant).filter_map(|unit| unit.score).filter(|score| drawable(*score))
}

pub(super) fn shares(counts: &[usize], total: usize) -> Vec<f64> {
    counts.iter().map(|&count| 100.0 * count as f64 / total.max(1) as f64).collect()
}

impl Histogram {
    fn new(input: &ScoreHistogram<'_>, null: &[f64], line: f64) -> Self {
        let scores = || finite_scores(input.units, true).chain(finite_scores(input.units, false));
        let bins = Bins::cover(scores().chain(null.iter().copied()));
        let (unit_count, scored) = (input.units.len(), scores().count());
        let null_shares = shares(&bins.counts(null.iter().copied()), null.len());
        let significant = shares(&bins.counts(finite_scores(input.units, true)), scored);
        let others = shares(&bins.counts(finite_scores(input.units, false)), scored);
        let above = input.units.iter().filter(|unit| unit.significant && unit.score.is_some_and(drawable)).count();
        let level = percent(input.null_level);
        let verdict = format!(
            "{} of {} {} ({:.0} %) above their own {level} null",
            number::grouped(above as u64),
            number::grouped(unit_count as u64),
            input.units_name,
            100.0 * above as f64 / unit_count as f64
        );
        let keys = vec![
            (Key::Fill(BLUE), format!("Units above own {level} null")),
            (Key::Fill(ORANGE), "Other units".to_owned()),
            (Key::Fill(NULL), format!("Null, pooled ({} scores)", number::grouped(null.len() as u64))),
            (Key::Dashes(INK), format!("{level} quantile of the pooled null: {}", number::signed(line, 2))),
        ];
        let width = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let top = MARGIN_MM + HEADER_MM + legend::height_mm(&keys, width) + TEXT_MM;
        let tallest = (0..bins.count).map(|bin| null_shares[bin].max(significant[bin] + others[bin])).fold(0.0, f64::max);
        let frame = RectMm { x: MARGIN_MM + ROOM_LEFT_MM, y: top, width: width - ROOM_LEFT_MM - 1.5, height: PLOT_MM };
        let x = Axis::linear(bins.low, bins.high(), 7, &capitalized(input.score_name));
        let axes = Axes { frame, x, y: Axis::linear(0.0, tallest * 1.06, 5, "Share of scores (%)") };
        let height_mm = top + PLOT_MM + ROOM_BELOW_MM + MARGIN_MM;
        Self { title: input.title.to_owned(), verdict, keys, axes, bins, null: null_shares, significant, others, line, height_mm }
    }
}

/// Sentence case for a name that starts an axis label.
pub(super) fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

impl Figure for Histogram {
    fn page(&self) -> Page {
        Page::print(SINGLE_COLUMN_MM, self.height_mm)
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        let width = SINGLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let title = TextStyle::new(TITLE_PT, INK).bold();
        let text = TextStyle::new(SMALL_PT, INK).bold();
        canvas.text(MARGIN_MM, MARGIN_MM + title.cap_mm(), &title.shortened(&self.title, width), title)?;
        canvas.text(MARGIN_MM, MARGIN_MM + HEADER_MM + text.cap_mm(), &text.shortened(&self.verdict, width), text)?;
        legend::draw(canvas, MARGIN_MM, MARGIN_MM + HEADER_MM + TEXT_MM - 0.6, width, &self.keys)?;
        let zeros = vec![0.0; self.bins.count];
        histogram::draw_bars(canvas, &self.axes, &self.bins, &zeros, &self.null, 1.0, NULL)?;
        histogram::draw_bars(canvas, &self.axes, &self.bins, &zeros, &self.others, 0.6, ORANGE)?;
        histogram::draw_bars(canvas, &self.axes, &self.bins, &self.others, &self.significant, 0.6, BLUE)?;
        let x = self.axes.x_mm(self.line);
        canvas.dashes((x, self.axes.frame.y), (x, self.axes.frame.bottom()), 0.9, LINE_PT, INK)?;
        self.axes.draw(canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_a_value_that_the_share_does_not_exceed() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((quantile(&sorted, 0.99), quantile(&sorted, 0.5), quantile(&sorted, 0.995)), (99.0, 50.0, 100.0));
        assert_eq!(quantile(&[0.3], 0.99), 0.3);
    }

    #[test]
    fn the_text_counts_verdicts_and_units_without_a_score() {
        let units = [(Some(1.2), true), (Some(0.1), false), (None, false), (Some(0.9), true)]
            .map(|(score, significant)| ScoredUnit { score, significant });
        let input = ScoreHistogram {
            title: "",
            score_name: "grid score",
            units: &units,
            units_name: "active units",
            null_scores: &[0.0, 0.1],
            null_level: 0.99,
        };
        let histogram = Histogram::new(&input, &[0.0, 0.1], 0.1);
        assert_eq!(histogram.verdict, "2 of 4 active units (50 %) above their own 99 % null");
        let total: f64 = histogram.significant.iter().chain(&histogram.others).sum();
        assert!((total - 100.0).abs() < 1e-9);
    }
}

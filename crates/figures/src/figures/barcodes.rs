//! Persistent homology of a module's states: barcodes and lifetimes, each against its null (Gardner et al. 2022).

use std::path::{Path, PathBuf};

use super::heading::Heading;
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::number::{self, drawable, grouped};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page};
use crate::panels::legend::{self, Key};
use crate::panels::note;
use crate::style::{INK, LABEL_PT, LINE_PT, MARGIN_MM, MUTED, NULL, module_color};
use crate::ticks::Tick;

/// A class of homology: where it is born and dies, in the unit of distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Its birth, finite.
    pub birth: f64,
    /// Its death, at or after its birth; infinite if it never dies.
    pub death: f64,
    /// Whether it counts as a hole beyond chance.
    pub significant: bool,
}

/// The bars of one dimension with their null.
#[derive(Debug, Clone, Copy)]
pub struct BarcodeDimension<'a> {
    /// Bars in any order; those without a finite birth, or that die before it, are left out.
    pub bars: &'a [Bar],
    /// Up to which lifetime bars are chance, such as the longest bar among all null runs; `None` without a null.
    pub null_lifetime: Option<f64>,
    /// The shortest and the longest lifetime among null runs of the longest bar, the second longest, and so on; may be
    /// empty.
    pub null_by_rank: &'a [[f64; 2]],
    /// p-value of the longest finite bar; NaN if there is none.
    pub p_value: f64,
}

/// The barcodes of one module.
#[derive(Debug, Clone, Copy)]
pub struct Barcodes<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The module's number.
    pub module: usize,
    /// How many points the homology was computed from.
    pub point_count: usize,
    /// Dimensions 0, 1, 2, in this order: one to three of them.
    pub dimensions: &'a [BarcodeDimension<'a>],
    /// What the grey zone is, such as "longest bar of 100 shuffles".
    pub null_name: &'a str,
    /// The verdict with its p-value, such as "Betti numbers (1, 2, 1): a torus, p = 0.01".
    pub verdict: &'a str,
}

const FIGURE: &str = "figure of barcodes";
/// How many bars of each dimension are drawn, the longest ones.
const MAX_BARS: usize = 30;
const BAR_MM: f64 = 0.8;
/// Few bars take more room each.
const WIDEST_BAR_MM: f64 = 1.6;
const LOWEST_FRAME_MM: f64 = 16.0;
const TITLE_MM: f64 = 5.6;
const BELOW_MM: f64 = 2.2;
const BARS_SHARE: f64 = 0.64;
const DOT_MM: f64 = 0.55;

/// Draws each dimension's longest 30 bars over the lifetimes that chance gives, longest first, and beside them the
/// lifetimes in their order over the null's, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths.
///
/// As in Gardner et al. (2022, Fig. 2) the null zone starts at each bar's birth, so that what reaches out of it is
/// beyond chance; all dimensions share one axis of distances. An arrow ends a bar that never dies, and stands for its
/// lifetime.
///
/// # Errors
///
/// [`FigureError`] if there are no dimensions or more than three, or a file cannot be written.
pub fn draw_barcodes(input: &Barcodes<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    match input.dimensions.len() {
        0 => Err(FigureError::Empty { figure: FIGURE, what: "dimensions", remedy: "pass the bars of at least one dimension" }),
        1..=3 => output::write_figure(&Codes::new(input), out_stem),
        more => Err(FigureError::Range { figure: FIGURE, field: "dimensions", value: more as f64, allowed: "1 to 3" }),
    }
}

/// A dimension ready to be drawn.
struct Code {
    /// The longest first, those that never die before all.
    bars: Vec<Bar>,
    /// How many bars there are with those that are not drawn, and how many of them are significant.
    count: usize,
    significant: usize,
    /// How many more have no birth or die before it.
    undefined: usize,
    height_mm: f64,
}

struct Codes<'a> {
    heading: Heading,
    input: Barcodes<'a>,
    drawn: Vec<Code>,
    /// The end of the axis of distances.
    farthest: f64,
    keys: Vec<(Key, String)>,
}

fn lifetime(bar: &Bar) -> f64 {
    bar.death - bar.birth
}

fn is_endless(bar: &Bar) -> bool {
    bar.death == f64::INFINITY
}

/// An axis that says nothing.
fn unlabelled(low: f64, high: f64) -> Axis {
    Axis { ticks: Vec::new(), exponent: 0, ..Axis::linear(low, high, 1, "") }
}

impl Code {
    fn new(dimension: &BarcodeDimension<'_>) -> Self {
        let defined = |bar: &&Bar| drawable(bar.birth) && bar.death >= bar.birth && (drawable(bar.death) || is_endless(bar));
        let mut bars: Vec<Bar> = dimension.bars.iter().filter(defined).copied().collect();
        let undefined = dimension.bars.len() - bars.len();
        bars.sort_by(|one, two| lifetime(two).total_cmp(&lifetime(one)).then(one.birth.total_cmp(&two.birth)));
        let (count, significant) = (bars.len(), bars.iter().filter(|bar| bar.significant).count());
        bars.truncate(MAX_BARS);
        let height_mm = (bars.len() as f64 * BAR_MM).max(LOWEST_FRAME_MM);
        Self { bars, count, significant, undefined, height_mm }
    }
}

impl<'a> Codes<'a> {
    fn new(input: &Barcodes<'a>) -> Self {
        let codes: Vec<Code> = input.dimensions.iter().map(Code::new).collect();
        let ends = codes.iter().zip(input.dimensions).flat_map(|(code, given)| {
            let null = given.null_lifetime.filter(|null| drawable(*null)).unwrap_or(0.0);
            code.bars.iter().map(move |bar| (bar.birth + null).max(if is_endless(bar) { bar.birth } else { bar.death }))
        });
        let farthest = ends.fold(0.0, f64::max);
        let colon = if input.verdict.is_empty() { "" } else { ". " };
        let text = format!("Module {}: {} points{colon}{}", input.module, grouped(input.point_count as u64), input.verdict);
        let mut keys: Vec<(Key, String)> = (0..codes.len())
            .filter(|&dimension| codes[dimension].bars.iter().any(|bar| bar.significant))
            .map(|dimension| (Key::Fill(module_color(Some(dimension))), format!("H_{dimension} beyond the null")))
            .collect();
        keys.push((Key::Fill(MUTED), "Other bars".to_owned()));
        let any = |has: fn(&BarcodeDimension<'_>) -> bool| input.dimensions.iter().any(has);
        let (lifetimes, ranks) = (any(|given| given.null_lifetime.is_some()), any(|given| !given.null_by_rank.is_empty()));
        if lifetimes {
            let name = if input.null_name.is_empty() { "lifetimes by chance" } else { input.null_name };
            keys.push((Key::Dashes(MUTED), format!("Null: {name}")));
        }
        match (lifetimes, ranks) {
            (true, true) => keys.push((Key::Fill(NULL), "Null from each birth on (left), null's range at each rank (right)".to_owned())),
            (true, false) => keys.push((Key::Fill(NULL), "Null from each birth on".to_owned())),
            (false, true) => keys.push((Key::Fill(NULL), "Null's range at each rank".to_owned())),
            (false, false) => {}
        }
        Self {
            heading: Heading::new(input.title, &text, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM),
            input: *input,
            drawn: codes,
            farthest: if farthest > 0.0 { farthest } else { 1.0 },
            keys,
        }
    }

    /// What stands above a dimension's bars.
    fn summary(&self, dimension: usize) -> String {
        let (code, given) = (&self.drawn[dimension], &self.input.dimensions[dimension]);
        let many = if code.count > MAX_BARS { format!(", longest {MAX_BARS} drawn") } else { String::new() };
        let beyond = match given.null_lifetime {
            Some(_) => format!("; {} beyond the null", grouped(code.significant as u64)),
            None => "; no null".to_owned(),
        };
        let p = if given.p_value.is_finite() { format!("; longest finite bar: {}", number::p_value(given.p_value)) } else { String::new() };
        let undefined = if code.undefined > 0 { format!("; {} undefined left out", grouped(code.undefined as u64)) } else { String::new() };
        let bars = if code.count == 1 { "bar" } else { "bars" };
        format!("H_{dimension}: {} {bars}{many}{beyond}{p}{undefined}", grouped(code.count as u64))
    }

    fn color(dimension: usize, bar: &Bar) -> plotters::style::RGBColor {
        if bar.significant { module_color(Some(dimension)) } else { MUTED }
    }

    fn draw_bars<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, dimension: usize, axes: &Axes) -> Result<(), FigureError> {
        let code = &self.drawn[dimension];
        if code.bars.is_empty() {
            axes.draw(canvas)?;
            return note::message(canvas, frame, "No bars");
        }
        let row = (frame.height / code.bars.len() as f64).min(WIDEST_BAR_MM);
        let place = |distance: f64| axes.x_mm(distance).clamp(frame.x, frame.right());
        if let Some(null) = self.input.dimensions[dimension].null_lifetime.filter(|null| drawable(*null) && *null > 0.0) {
            for (index, bar) in code.bars.iter().enumerate() {
                let (from, to) = (place(bar.birth), place(bar.birth + null));
                canvas.fill(RectMm { x: from, y: frame.y + index as f64 * row, width: to - from, height: row }, NULL)?;
            }
        }
        for (index, bar) in code.bars.iter().enumerate() {
            let y = frame.y + index as f64 * row;
            let (from, to) = (place(bar.birth), if is_endless(bar) { frame.right() - 1.6 } else { place(bar.death) });
            let color = Self::color(dimension, bar);
            canvas.fill(RectMm { x: from, y: y + 0.2 * row, width: to - from, height: 0.6 * row }, color)?;
            if is_endless(bar) {
                let (middle, half) = (y + row / 2.0, 0.6);
                canvas.polygon(&[(to, middle - half), (frame.right(), middle), (to, middle + half)], color)?;
            }
        }
        axes.draw(canvas)
    }

    fn draw_lifetimes<S: Surface>(&self, canvas: &mut Canvas<S>, frame: RectMm, dimension: usize, last: bool) -> Result<(), FigureError> {
        let (code, given) = (&self.drawn[dimension], &self.input.dimensions[dimension]);
        let finite = || code.bars.iter().filter(|bar| !is_endless(bar)).map(lifetime);
        // Up to the first rank without a range.
        let null: Vec<[f64; 2]> = given
            .null_by_rank
            .iter()
            .take(MAX_BARS)
            .take_while(|[low, high]| drawable(*low) && drawable(*high) && *low >= 0.0 && low <= high)
            .copied()
            .collect();
        let highest = finite().chain(null.iter().map(|[_, high]| *high)).fold(0.0, f64::max);
        let ranks = code.bars.len().max(null.len());
        let ticks = [1, 10, 20, 30].map(|rank| Tick::plain(f64::from(rank), rank.to_string()));
        let x = Axis::linear(0.5, MAX_BARS as f64 + 0.5, 4, "Rank");
        let x = if last { Axis { ticks: ticks.to_vec(), ..x } } else { unlabelled(x.low, x.high) };
        let y = Axis::linear(0.0, if highest > 0.0 { 1.12 * highest } else { 1.0 }, 3, "Lifetime");
        if ranks == 0 {
            Axes { frame, x, y: Axis { ticks: Vec::new(), exponent: 0, ..y } }.draw(canvas)?;
            return note::message(canvas, frame, "No lifetimes");
        }
        let axes = Axes { frame, x, y };
        // One outline, since readers show seams between neighbouring rectangles.
        let edge = |(index, value): (usize, f64)| [0.5, 1.5].map(|side| (axes.x_mm(index as f64 + side), axes.y_mm(value)));
        let upper: Vec<(f64, f64)> = null.iter().map(|[_, high]| *high).enumerate().flat_map(edge).collect();
        let lower: Vec<(f64, f64)> = null.iter().map(|[low, _]| *low).enumerate().flat_map(edge).collect();
        canvas.polygon(&upper.into_iter().chain(lower.into_iter().rev()).collect::<Vec<_>>(), NULL)?;
        if let Some(null) = given.null_lifetime.filter(|null| drawable(*null) && *null > 0.0 && *null <= axes.y.high) {
            let y = axes.y_mm(null);
            canvas.dashes((frame.x, y), (frame.right(), y), 0.9, LINE_PT, MUTED)?;
        }
        for (index, bar) in code.bars.iter().enumerate() {
            let (x, color) = (axes.x_mm(index as f64 + 1.0), Self::color(dimension, bar));
            if is_endless(bar) {
                canvas.polygon(&[(x - 0.6, frame.y + 1.2), (x, frame.y), (x + 0.6, frame.y + 1.2)], color)?;
            } else {
                canvas.disc((x, axes.y_mm(lifetime(bar))), DOT_MM, color)?;
            }
        }
        axes.draw(canvas)
    }
}

impl Figure for Codes<'_> {
    fn page(&self) -> Page {
        let codes: f64 = self.drawn.iter().map(|code| TITLE_MM + code.height_mm + BELOW_MM).sum();
        let keys = legend::height_mm(&self.keys, DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM);
        Page::print(DOUBLE_COLUMN_MM, 2.0 * MARGIN_MM + self.heading.height_mm() + codes + ROOM_BELOW_MM + keys)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let content = DOUBLE_COLUMN_MM - 2.0 * MARGIN_MM;
        let mut y = MARGIN_MM + self.heading.height_mm();
        for (dimension, code) in self.drawn.iter().enumerate() {
            let last = dimension + 1 == self.drawn.len();
            y += TITLE_MM;
            let frame = RectMm { x: MARGIN_MM + 3.0, y, width: BARS_SHARE * content - 3.0, height: code.height_mm };
            canvas.text(MARGIN_MM, y - 1.6, ["a", "b", "c"][dimension], TextStyle::new(LABEL_PT, INK).bold())?;
            let style = TextStyle::new(LABEL_PT, INK);
            canvas.text(frame.x, y - 1.6, &style.shortened(&self.summary(dimension), content - 4.0), style)?;
            let bare = unlabelled(0.0, 1.0);
            let x = Axis::linear(0.0, 1.04 * self.farthest, 6, "Distance");
            // The lowest axis speaks for all.
            let x = if last { x } else { unlabelled(x.low, x.high) };
            self.draw_bars(canvas, frame, dimension, &Axes { frame, x, y: bare })?;
            let left = MARGIN_MM + BARS_SHARE * content + ROOM_LEFT_MM;
            let strip = RectMm { x: left, width: MARGIN_MM + content - left - 1.5, ..frame };
            self.draw_lifetimes(canvas, strip, dimension, last)?;
            y += code.height_mm + BELOW_MM;
        }
        legend::draw(canvas, MARGIN_MM, y - BELOW_MM + ROOM_BELOW_MM + 1.0, content, &self.keys)
    }
}

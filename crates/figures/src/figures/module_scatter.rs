//! Period against orientation of all units, with the modules they form.

use std::path::{Path, PathBuf};

use super::heading::{Heading, Place};
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM, ROOM_LEFT_MM};
use crate::canvas::{Anchor, Canvas, RectMm, Surface, TextStyle};
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::{DOUBLE_COLUMN_MM, Page, SINGLE_COLUMN_MM};
use crate::panels::legend::{self, Key};
use crate::panels::marker;
use crate::style::{HAIRLINE_PT, INK, LINE_PT, MARGIN_MM, MUTED, SMALL_PT, module_color};

/// One unit's lattice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScatterUnit {
    /// Its period in metres; units without one (not finite, or not above 0) are counted, not drawn.
    pub period_m: f64,
    /// Half the length of the period's error bar in metres; NaN draws none.
    pub period_error_m: f64,
    /// Its orientation (or another angle) in degrees, drawn modulo [`ModuleScatter::fold_deg`].
    pub angle_deg: f64,
    /// Half the length of the angle's error bar in degrees; NaN draws none.
    pub angle_error_deg: f64,
    /// Its module; `None` if it belongs to none.
    pub module: Option<usize>,
}

/// Where a module lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModuleCentre {
    /// The module's number, which gives its colour and marker.
    pub module: usize,
    /// Median of its units' periods in metres.
    pub period_m: f64,
    /// Median of its units' angles in degrees.
    pub angle_deg: f64,
}

/// Periods and angles of all units.
#[derive(Debug, Clone, Copy)]
pub struct ModuleScatter<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The units, in any order.
    pub units: &'a [ScatterUnit],
    /// The modules, in any order; those without a finite centre are listed, not marked.
    pub modules: &'a [ModuleCentre],
    /// What the angle is: "Orientation", or "Lattice angle" for lattices that are not hexagonal.
    pub angle_name: &'a str,
    /// Angles that differ by this many degrees are the same: 60 for hexagonal lattices.
    pub fold_deg: f64,
}

const FIGURE: &str = "scatter of modules";
const FRAME_MM: f64 = 48.0;
const LANE_MM: f64 = 3.4;
const RIGHT_MM: f64 = 3.0;
const DOT_MM: f64 = 0.65;
/// Arms of a median's cross, which end beyond its dots.
const ARM_MM: f64 = 2.6;
/// From this many modules on the figure takes two columns.
const WIDE_MODULES: usize = 5;

/// Draws one dot per unit, its period on a logarithmic axis, to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns
/// the two paths.
///
/// A cross marks a module's medians; ratios of successive periods stand above the frame.
///
/// # Errors
///
/// [`FigureError`] if no unit has a period and an angle, `fold_deg` is out of range, or a file cannot be written.
pub fn draw_module_scatter(input: &ModuleScatter<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure, alone or on a page, of input that can be drawn.
pub(super) fn checked<'a>(input: &ModuleScatter<'a>, place: Place) -> Result<Scatter<'a>, FigureError> {
    if !(input.fold_deg > 0.0 && input.fold_deg <= 360.0) {
        return Err(FigureError::Range { figure: FIGURE, field: "fold_deg", value: input.fold_deg, allowed: "0 < fold_deg <= 360" });
    }
    if !input.units.iter().any(is_shown) {
        return Err(FigureError::Empty { figure: FIGURE, what: "units with a period and an angle", remedy: "pass at least one" });
    }
    Ok(Scatter::new(input, place))
}

fn is_shown(unit: &ScatterUnit) -> bool {
    drawable(unit.period_m) && unit.period_m > 1e-100 && drawable(unit.angle_deg)
}

/// A ratio of two successive periods, from one to the other in millimetres, and how far above the frame it stands.
#[derive(Debug, Clone, PartialEq)]
struct Ratio {
    from: f64,
    to: f64,
    text: String,
    lane: usize,
}

pub(super) struct Scatter<'a> {
    heading: Heading,
    input: ModuleScatter<'a>,
    axes: Axes,
    /// Modules with a centre, by rising period.
    centres: Vec<ModuleCentre>,
    ratios: Vec<Ratio>,
    keys: Vec<(Key, String)>,
    page_width_mm: f64,
}

fn ratio_style() -> TextStyle {
    TextStyle::new(SMALL_PT, INK).anchored(Anchor::Middle)
}

/// Ratios of neighbours, in the lowest lane where they are free of others.
fn ratios(centres: &[ModuleCentre], x_mm: impl Fn(f64) -> f64) -> Vec<Ratio> {
    let mut ends: Vec<f64> = Vec::new();
    centres
        .windows(2)
        .map(|pair| {
            let (from, to) = (x_mm(pair[0].period_m), x_mm(pair[1].period_m));
            let text = format!("×{}", number::short(pair[1].period_m / pair[0].period_m));
            let half = ratio_style().width_mm(&text) / 2.0 + 0.6;
            let middle = f64::midpoint(from, to);
            let (start, end) = (from.min(middle - half), to.max(middle + half));
            let lane = ends.iter().position(|&taken| taken <= start).unwrap_or(ends.len());
            if lane == ends.len() {
                ends.push(end);
            } else {
                ends[lane] = end;
            }
            Ratio { from, to, text, lane }
        })
        .collect()
}

impl<'a> Scatter<'a> {
    fn new(input: &ModuleScatter<'a>, place: Place) -> Self {
        let shown = || input.units.iter().filter(|unit| is_shown(unit));
        let mut centres: Vec<ModuleCentre> = input
            .modules
            .iter()
            .copied()
            .filter(|centre| drawable(centre.period_m) && centre.period_m > 1e-100 && drawable(centre.angle_deg))
            .collect();
        centres.sort_by(|a, b| a.period_m.total_cmp(&b.period_m).then(a.module.cmp(&b.module)));
        let wide = place != Place::Alone || input.modules.len() >= WIDE_MODULES;
        let page_width_mm = if wide { DOUBLE_COLUMN_MM } else { SINGLE_COLUMN_MM };
        let content = page_width_mm - 2.0 * MARGIN_MM;
        let missing = input.units.len() - shown().count();
        let missing = if missing > 0 { format!("; {} without a lattice not drawn", number::units(missing)) } else { String::new() };
        let heading = place.heading(input.title, &format!("{}{missing}", number::units(shown().count())), content);

        let periods = shown().map(|unit| unit.period_m).chain(centres.iter().map(|centre| centre.period_m));
        let (low, high) = periods.fold((f64::INFINITY, 0.0_f64), |(low, high), period| (low.min(period), high.max(period)));
        let margin = (high / low).powf(0.06).max(1.05);
        let x = Axis::logarithmic(low / margin, high * margin, if page_width_mm > 100.0 { 8 } else { 5 }, "Period (m)");
        let name = if input.angle_name.is_empty() { "Angle" } else { input.angle_name };
        let y = Axis::linear(0.0, input.fold_deg, 6, &format!("{name} (°, modulo {})", number::degrees(input.fold_deg)));
        let frame = RectMm { x: MARGIN_MM + ROOM_LEFT_MM - 2.0, y: 0.0, width: content - ROOM_LEFT_MM + 2.0 - RIGHT_MM, height: FRAME_MM };
        let mut axes = Axes { frame, x, y };
        let ratios = ratios(&centres, |period| axes.x_mm(period));
        let lanes = ratios.iter().map(|ratio| ratio.lane + 1).max().unwrap_or(0);
        axes.frame.y = MARGIN_MM + heading.height_mm() + lanes as f64 * LANE_MM + 1.2;

        let of = |module: Option<usize>| shown().filter(|unit| unit.module == module).count();
        let drawn = |module: usize| match of(Some(module)) {
            0 => "no unit with a lattice".to_owned(),
            count => number::units(count),
        };
        let mut numbers: Vec<usize> =
            shown().filter_map(|unit| unit.module).chain(input.modules.iter().map(|centre| centre.module)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let period = |module: usize| {
            let centre = centres.iter().find(|centre| centre.module == module);
            centre.map_or_else(String::new, |centre| format!("median {}, ", number::metres((centre.period_m * 1e3).round() / 1e3)))
        };
        let mut keys: Vec<(Key, String)> = numbers
            .iter()
            .map(|&module| (Key::Module(Some(module)), format!("Module {module}: {}{}", period(module), drawn(module))))
            .collect();
        if of(None) > 0 {
            keys.push((Key::Module(None), format!("In no module: {}", number::units(of(None)))));
        }
        if !centres.is_empty() {
            keys.push((Key::Word("+"), "Medians of a module".to_owned()));
        }
        if centres.len() > 1 {
            keys.push((Key::Word("×"), "Above a bracket: ratio of successive periods".to_owned()));
        }
        if shown().any(|unit| drawable(unit.period_error_m) || drawable(unit.angle_error_deg)) {
            keys.push((Key::Line(MUTED), "Error bars".to_owned()));
        }
        Self { heading, input: *input, axes, centres, ratios, keys, page_width_mm }
    }

    fn y_mm(&self, angle: f64) -> f64 {
        self.axes.y_mm(angle.rem_euclid(self.input.fold_deg))
    }

    /// Thin lines through a unit's dot, cut at the frame.
    fn draw_errors<S: Surface>(&self, canvas: &mut Canvas<S>, unit: &ScatterUnit) -> Result<(), FigureError> {
        let (axes, color) = (&self.axes, module_color(unit.module));
        let angle = unit.angle_deg.rem_euclid(self.input.fold_deg);
        let (x, y) = (axes.x_mm(unit.period_m), axes.y_mm(angle));
        if drawable(unit.period_error_m) && unit.period_error_m > 0.0 {
            let low = axes.x_mm((unit.period_m - unit.period_error_m).max(axes.x.low));
            let high = axes.x_mm((unit.period_m + unit.period_error_m).min(axes.x.high));
            canvas.line(&[(low, y), (high, y)], HAIRLINE_PT, color)?;
        }
        if drawable(unit.angle_error_deg) && unit.angle_error_deg > 0.0 {
            let low = axes.y_mm((angle - unit.angle_error_deg).max(0.0));
            let high = axes.y_mm((angle + unit.angle_error_deg).min(self.input.fold_deg));
            canvas.line(&[(x, low), (x, high)], HAIRLINE_PT, color)?;
        }
        Ok(())
    }

    fn draw_centre<S: Surface>(&self, canvas: &mut Canvas<S>, centre: &ModuleCentre) -> Result<(), FigureError> {
        let (x, y) = (self.axes.x_mm(centre.period_m), self.y_mm(centre.angle_deg));
        canvas.line(&[(x - ARM_MM, y), (x + ARM_MM, y)], LINE_PT, INK)?;
        canvas.line(&[(x, y - ARM_MM), (x, y + ARM_MM)], LINE_PT, INK)
    }

    fn draw_ratio<S: Surface>(&self, canvas: &mut Canvas<S>, ratio: &Ratio) -> Result<(), FigureError> {
        let line = self.axes.frame.y - 1.2 - ratio.lane as f64 * LANE_MM;
        let (from, to) = (ratio.from + 0.25, (ratio.to - 0.25).max(ratio.from + 0.3));
        canvas.line(&[(from, line + 0.6), (from, line), (to, line), (to, line + 0.6)], HAIRLINE_PT, INK)?;
        canvas.text(f64::midpoint(ratio.from, ratio.to), line - 0.6, &ratio.text, ratio_style())
    }
}

impl Figure for Scatter<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.page_width_mm - 2.0 * MARGIN_MM);
        Page::print(self.page_width_mm, self.axes.frame.bottom() + ROOM_BELOW_MM + 1.5 + keys + MARGIN_MM)
    }

    fn title(&self) -> &str {
        self.input.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        for centre in &self.centres {
            let x = self.axes.x_mm(centre.period_m);
            canvas.dashes((x, self.axes.frame.y), (x, self.axes.frame.bottom()), 0.7, HAIRLINE_PT, module_color(Some(centre.module)))?;
        }
        let shown = || self.input.units.iter().filter(|unit| is_shown(unit));
        for unit in shown() {
            self.draw_errors(canvas, unit)?;
        }
        // Units without a module lie below the others.
        for unit in shown().filter(|unit| unit.module.is_none()).chain(shown().filter(|unit| unit.module.is_some())) {
            marker::draw(canvas, (self.axes.x_mm(unit.period_m), self.y_mm(unit.angle_deg)), DOT_MM, unit.module)?;
        }
        for centre in &self.centres {
            self.draw_centre(canvas, centre)?;
        }
        self.axes.draw(canvas)?;
        for ratio in &self.ratios {
            self.draw_ratio(canvas, ratio)?;
        }
        legend::draw(canvas, MARGIN_MM, self.axes.frame.bottom() + ROOM_BELOW_MM + 1.5, self.page_width_mm - 2.0 * MARGIN_MM, &self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_never_overlap() {
        let centres: Vec<ModuleCentre> =
            (0..10).map(|module| ModuleCentre { module, period_m: 0.4 * 1.03_f64.powi(module as i32), angle_deg: 3.0 }).collect();
        let placed = ratios(&centres, |period| 300.0 * period);
        assert_eq!(placed.len(), 9);
        assert!(placed.iter().all(|ratio| ratio.text == "×1.03"));
        for (index, one) in placed.iter().enumerate() {
            for other in placed[..index].iter().filter(|other| other.lane == one.lane) {
                let half = ratio_style().width_mm("×1.03");
                assert!(f64::midpoint(one.from, one.to) - f64::midpoint(other.from, other.to) > half, "{one:?} {other:?}");
                assert!(one.from >= other.to);
            }
        }
    }
}

//! Spectra, periods and orientations of modules (as the paper's Fig. 6a).

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::blocks::Blocks;
use super::heading::{Heading, Place};
use crate::FigureError;
use crate::axes::{Axes, Axis, ROOM_BELOW_MM};
use crate::canvas::{Canvas, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::Page;
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::histogram::{self, Bins};
use crate::panels::legend::{self, Key};
use crate::panels::spectrum::{self, Spectrum};
use crate::panels::{marker, note};
use crate::style::{INK, MARGIN_MM, SMALL_PT, module_color};

/// One module's spectrum and the tuning of its units.
#[derive(Debug, Clone)]
pub struct ModuleSpectrum<'a> {
    /// The module's number, which gives its colour; `None` for units without a module, which need no spectrum.
    pub module: Option<usize>,
    /// Mean power spectrum of its units, row = f_y rising, column = f_x rising, zero frequency at [rows / 2, columns / 2];
    /// empty if there is none.
    pub power: ArrayView2<'a, f64>,
    /// Distance of the spectrum's bins along x and y in cycles/m, > 0.
    pub frequency_step: [f64; 2],
    /// k₁, k₂, k₃ as [x, y] in cycles/m (not radians); NaN where there is none.
    pub wave_vectors: [[f64; 2]; 3],
    /// Periods of its units in metres; values that are not finite are left out.
    pub periods_m: &'a [f64],
    /// Orientations of its units in degrees, drawn modulo [`ModuleSpectra::fold_deg`].
    pub orientations_deg: &'a [f64],
    /// The module's own orientation in degrees, which lies in the middle of a bar; NaN if it is not known.
    pub orientation_deg: f64,
}

/// Spectra of all modules.
#[derive(Debug, Clone)]
pub struct ModuleSpectra<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// The modules in the order in which they are drawn, and units without one if wanted.
    pub modules: &'a [ModuleSpectrum<'a>],
    /// Orientations that differ by this many degrees are the same: 60 for hexagonal lattices, 90 for square ones.
    pub fold_deg: f64,
}

const FIGURE: &str = "figure of modules' spectra";
const TITLE_MM: f64 = 4.6;
const HISTOGRAM_MM: f64 = 10.5;
const BETWEEN_MM: f64 = 2.0;
const SPECTRUM_MM: f64 = 2.0 * HISTOGRAM_MM + ROOM_BELOW_MM + BETWEEN_MM;
const BLOCK_MM: f64 = TITLE_MM + SPECTRUM_MM + ROOM_BELOW_MM + 2.5;
/// Room for ticks and label left of a spectrum, left of a histogram, and for half a tick label right of it.
const FREQUENCIES_MM: f64 = 9.5;
/// See [`FREQUENCIES_MM`].
const COUNTS_MM: f64 = 8.5;
/// See [`FREQUENCIES_MM`].
const RIGHT_MM: f64 = 2.0;
const ORIENTATION_BINS: usize = 30;

/// Draws a block per module with its mean power spectrum and wave vectors and the histograms of its units' periods and
/// orientations, then, of several modules, both histograms of all units, to `<out_stem>.png` (600 dpi) and
/// `<out_stem>.svg`; returns the two paths.
///
/// A spectrum is shown around its wave vectors and coloured from 0 to its own highest power in view.
///
/// # Errors
///
/// [`FigureError`] if there are no modules, a frequency step or `fold_deg` is out of range, or a file cannot be written.
pub fn draw_module_spectra(input: &ModuleSpectra<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    output::write_figure(&checked(input, Place::Alone)?, out_stem)
}

/// The figure of input that can be drawn, alone or, of one module, as a panel across a page.
pub(super) fn checked<'a>(input: &ModuleSpectra<'a>, place: Place) -> Result<Spectra<'a>, FigureError> {
    if input.modules.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "modules", remedy: "pass at least one module" });
    }
    let step = |module: &ModuleSpectrum<'_>| if module.power.is_empty() { [1.0; 2] } else { module.frequency_step };
    if let Some(value) = input.modules.iter().flat_map(step).find(|step| !(step.is_finite() && *step > 0.0)) {
        return Err(FigureError::Range { figure: FIGURE, field: "frequency_step", value, allowed: "a finite frequency above 0 cycles/m" });
    }
    if !(input.fold_deg > 0.0 && input.fold_deg <= 360.0) {
        return Err(FigureError::Range { figure: FIGURE, field: "fold_deg", value: input.fold_deg, allowed: "0 < fold_deg <= 360" });
    }
    Ok(Spectra::new(input, place))
}

/// Values that can be drawn, of one module.
struct Tuning {
    module: Option<usize>,
    periods: Vec<f64>,
    orientations: Vec<f64>,
    orientation: f64,
}

pub(super) struct Spectra<'a> {
    heading: Heading,
    /// Histograms beside each other, not one below the other.
    beside: bool,
    title: &'a str,
    modules: &'a [ModuleSpectrum<'a>],
    tunings: Vec<Tuning>,
    fold_deg: f64,
    blocks: Blocks,
    keys: Vec<(Key, String)>,
}

/// What a module is called.
fn name(module: Option<usize>) -> String {
    module.map_or_else(|| "In no module".to_owned(), |module| format!("Module {module}"))
}

impl<'a> Spectra<'a> {
    fn new(input: &ModuleSpectra<'a>, place: Place) -> Self {
        let tunings: Vec<Tuning> = input
            .modules
            .iter()
            .map(|module| Tuning {
                module: module.module,
                periods: module.periods_m.iter().copied().filter(|period| drawable(*period)).collect(),
                orientations: module.orientations_deg.iter().filter(|angle| drawable(**angle)).copied().collect(),
                orientation: module.orientation_deg,
            })
            .collect();
        let several = input.modules.len() > 1;
        let shown = input.modules.iter().filter(|module| module.module.is_some()).count();
        let beside = place != Place::Alone && !several;
        let blocks = if beside { Blocks::stacked(1, BLOCK_MM) } else { Blocks::new(if several { shown + 1 } else { 1 }, BLOCK_MM) };
        let keys =
            if several { tunings.iter().map(|tuning| (Key::Module(tuning.module), name(tuning.module))).collect() } else { Vec::new() };
        let heading = place.heading(input.title, "", blocks.content_mm());
        Self { heading, beside, title: input.title, modules: input.modules, tunings, fold_deg: input.fold_deg, blocks, keys }
    }

    /// What the keys to the right of the colour bar may take.
    fn keys_mm(&self) -> f64 {
        self.blocks.content_mm() - FREQUENCIES_MM - SPECTRUM_MM - 6.0
    }

    /// The two histograms of `tunings` in the right part of a block.
    fn draw_histograms<S: Surface>(
        &self,
        canvas: &mut Canvas<S>,
        left: f64,
        top: f64,
        width: f64,
        tunings: &[Tuning],
    ) -> Result<(), FigureError> {
        let (half, height) = if self.beside { (width / 2.0, SPECTRUM_MM) } else { (width, HISTOGRAM_MM) };
        let frame = RectMm { x: left + COUNTS_MM, y: top, width: half - COUNTS_MM - RIGHT_MM, height };
        let all = || tunings.iter().flat_map(|tuning| tuning.periods.iter().copied());
        let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), period| (low.min(period), high.max(period)));
        // At least a tenth to each side, so that equal periods look equal.
        let ends = if low <= high { vec![0.9 * low, low, high, 1.1 * high] } else { vec![0.0, 1.0] };
        let bins = Bins::cover_finely(ends.into_iter(), if tunings.len() > 1 { 120 } else { 45 });
        let x = Axis::linear(bins.low, bins.high(), 5, "Period (m)");
        let periods: Vec<_> = tunings.iter().map(|tuning| (tuning.module, tuning.periods.as_slice())).collect();
        draw_stack(canvas, frame, x, &bins, &periods)?;
        let frame = if self.beside {
            RectMm { x: frame.x + half, ..frame }
        } else {
            RectMm { y: top + HISTOGRAM_MM + ROOM_BELOW_MM + BETWEEN_MM, ..frame }
        };
        let bins = orientation_bins(self.fold_deg, tunings.iter().map(|tuning| tuning.orientation));
        let x = Axis::linear(bins.low, bins.high(), 6, &format!("Orientation (°, mod {})", (self.fold_deg * 100.0).round() / 100.0));
        let within = |angle: &f64| bins.low + (angle - bins.low).rem_euclid(self.fold_deg);
        let folded: Vec<Vec<f64>> = tunings.iter().map(|tuning| tuning.orientations.iter().map(within).collect()).collect();
        let orientations: Vec<_> = tunings.iter().zip(&folded).map(|(tuning, angles)| (tuning.module, angles.as_slice())).collect();
        draw_stack(canvas, frame, x, &bins, &orientations)
    }
}

/// Bins once around, from less than a bin beside 0 on, whose edges are as far as can be from all modules' orientations: of one module it lies in the middle of a bin.
fn orientation_bins(fold_deg: f64, modules_deg: impl Iterator<Item = f64>) -> Bins {
    let modules: Vec<f64> = modules_deg.filter(|angle| drawable(*angle)).map(|angle| angle.rem_euclid(fold_deg)).collect();
    let width = fold_deg / ORIENTATION_BINS as f64;
    let mut places: Vec<f64> = modules.iter().map(|angle| angle.rem_euclid(width)).collect();
    places.sort_by(f64::total_cmp);
    let Some(&first) = places.first() else { return Bins { low: 0.0, width, count: ORIENTATION_BINS } };
    let next = places.iter().skip(1).copied().chain([first + width]);
    let gaps = places.iter().zip(next).map(|(&from, to)| (to - from, f64::midpoint(from, to)));
    let (_, edge) = gaps.max_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or((width, 0.0));
    let above = edge.rem_euclid(width);
    // The bin across 0 stands where the numbers of a module in it are.
    let ends = modules.iter().any(|angle| *angle >= fold_deg + above - width);
    Bins { low: if ends { above } else { above - width }, width, count: ORIENTATION_BINS }
}

/// The title of a block in bold.
fn draw_title<S: Surface>(canvas: &mut Canvas<S>, left: f64, top: f64, text: &str) -> Result<(), FigureError> {
    let style = TextStyle::new(SMALL_PT, INK).bold();
    canvas.text(left, top + 0.2 + style.cap_mm(), text, style)
}

/// Bars of several modules on each other, in their colours.
fn draw_stack<S: Surface>(
    canvas: &mut Canvas<S>,
    frame: RectMm,
    x: Axis,
    bins: &Bins,
    series: &[(Option<usize>, &[f64])],
) -> Result<(), FigureError> {
    let counts: Vec<Vec<f64>> =
        series.iter().map(|(_, values)| bins.counts(values.iter().copied()).into_iter().map(|count| count as f64).collect()).collect();
    let tallest = (0..bins.count).map(|bin| counts.iter().map(|counts| counts[bin]).sum::<f64>()).fold(0.0, f64::max);
    if tallest == 0.0 {
        // A word, and no empty frame.
        return note::message(canvas, frame, &format!("{}: no values", x.label));
    }
    let axes = Axes { frame, x, y: Axis::counts(tallest, 3, "Units") };
    let mut base = vec![0.0; bins.count];
    for ((module, _), heights) in series.iter().zip(&counts) {
        histogram::draw_bars(canvas, &axes, bins, &base, heights, 0.9, module_color(*module))?;
        base.iter_mut().zip(heights).for_each(|(base, height)| *base += height);
    }
    axes.draw(canvas)
}

impl Figure for Spectra<'_> {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.keys_mm());
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + self.blocks.height_mm() + color_bar::HEIGHT_MM.max(keys);
        Page::print(self.blocks.page_width_mm(), height)
    }

    fn title(&self) -> &str {
        self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        let width = self.blocks.width_mm();
        let left_part = FREQUENCIES_MM + SPECTRUM_MM + 2.5;
        let several = self.modules.len() > 1;
        let shown = self.modules.iter().zip(&self.tunings).filter(|(module, _)| module.module.is_some() || !several);
        let mut index = 0;
        for (module, tuning) in shown {
            let (x, y) = self.blocks.corner(index, top);
            index += 1;
            let units = number::units(module.periods_m.len().max(module.orientations_deg.len()));
            marker::draw(canvas, (x + 1.0, y + 0.2 + TextStyle::new(SMALL_PT, INK).cap_mm() / 2.0), 0.85, module.module)?;
            draw_title(canvas, x + 3.0, y, &format!("{}: {units}", name(module.module)))?;
            let frame = RectMm { x: x + FREQUENCIES_MM, y: y + TITLE_MM, width: SPECTRUM_MM, height: SPECTRUM_MM };
            let spectrum = Spectrum { power: module.power, step: module.frequency_step, wave_vectors: module.wave_vectors };
            spectrum::draw(canvas, frame, &spectrum)?;
            self.draw_histograms(canvas, x + left_part, y + TITLE_MM, width - left_part, std::slice::from_ref(tuning))?;
        }
        if several {
            let (x, y) = self.blocks.corner(index, top);
            let total: usize = self.modules.iter().map(|module| module.periods_m.len().max(module.orientations_deg.len())).sum();
            draw_title(canvas, x, y, &format!("All {}", number::units(total)))?;
            self.draw_histograms(canvas, x, y + TITLE_MM, self.blocks.width_of_mm(index), &self.tunings)?;
        }
        let footer = top + self.blocks.height_mm();
        let tick = |place, text: &str| (place, text.to_owned());
        let ticks = vec![tick(0.0, "0"), tick(0.5, "0.5"), tick(1.0, "1")];
        let bar = ColorBar { colormap: Colormap::Viridis, label: "Mean power / highest in view".to_owned(), ticks };
        // Below the spectra that it is of.
        let right = MARGIN_MM + FREQUENCIES_MM + SPECTRUM_MM;
        bar.draw(canvas, right, footer, SPECTRUM_MM)?;
        legend::draw(canvas, right + 6.0, footer, self.keys_mm(), &self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_edge_of_a_bin_falls_on_a_module() {
        for (modules, least) in [(&[4.0][..], 1.0), (&[59.5], 1.0), (&[0.0], 1.0), (&[7.3, 12.0, 31.0], 0.3), (&[f64::NAN], 0.0)] {
            let bins = orientation_bins(60.0, modules.iter().copied());
            assert!(bins.low.abs() < 2.0 + 1e-9 && (bins.high() - bins.low - 60.0).abs() < 1e-9, "{bins:?}");
            for module in modules.iter().filter(|module| module.is_finite()) {
                assert!(bins.low <= *module && *module < bins.high(), "{module} is drawn where its number is: {bins:?}");
                let within = (module - bins.low).rem_euclid(bins.width);
                assert!(within.min(bins.width - within) > least - 1e-9, "{module} in {bins:?}");
            }
        }
    }
}

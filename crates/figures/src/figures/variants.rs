//! Variants of a network side by side (as the paper's Fig. 7): example ratemaps of each, with what was counted.

use std::path::{Path, PathBuf};

use ndarray::ArrayView2;

use super::blocks::Blocks;
use super::heading::Heading;
use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface, TextStyle};
use crate::colormap::Colormap;
use crate::number::{self, drawable};
use crate::output::{self, Figure};
use crate::page::Page;
use crate::panels::color_bar::{self, ColorBar};
use crate::panels::heat_map;
use crate::panels::legend::{self, Key};
use crate::panels::scale_bar::ScaleBar;
use crate::style::{MARGIN_MM, MUTED, NO_DATA, SMALL_PT};

/// One variant of a network.
#[derive(Debug, Clone)]
pub struct Variant<'a> {
    /// Its name, such as "no-capacity".
    pub name: &'a str,
    /// What was counted, in a sentence or two; takes as many lines as it needs.
    pub note: &'a str,
    /// Example units' ratemaps, row = y (first row lowest), column = x; NaN where not visited. All of one size.
    pub ratemaps: &'a [ArrayView2<'a, f64>],
}

/// Variants that are compared.
#[derive(Debug, Clone)]
pub struct Variants<'a> {
    /// The figure's title, in sentence case.
    pub title: &'a str,
    /// What all have in common, below the title; empty for none.
    pub note: &'a str,
    /// The variants, in the order of the panels a, b, …; one alone has no letter.
    pub variants: &'a [Variant<'a>],
    /// Ratemaps in one row of a panel, 1 to 12.
    pub columns: usize,
    /// Width and height of a ratemap's bin in metres, > 0.
    pub bin_m: [f64; 2],
}

const FIGURE: &str = "figure of variants";
const GAP_MM: f64 = 1.0;
const BELOW_MM: f64 = 4.0;
const COLOR_BAR_MM: f64 = 24.0;

/// Draws variants to `<out_stem>.png` (600 dpi) and `<out_stem>.svg`; returns the two paths. Every map runs from 0 (or its lowest rate, if that is negative)
/// to its own peak.
///
/// # Errors
///
/// [`FigureError`] if there is no variant, maps differ in size or are empty, a length is out of range, or a file cannot be written.
pub fn draw_variants(input: &Variants<'_>, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    if input.variants.is_empty() {
        return Err(FigureError::Empty { figure: FIGURE, what: "variants", remedy: "pass at least one variant" });
    }
    if !(1..=12).contains(&input.columns) {
        return Err(FigureError::Range { figure: FIGURE, field: "columns", value: input.columns as f64, allowed: "1 to 12" });
    }
    if let Some(&value) = input.bin_m.iter().find(|&&bin| !(bin.is_finite() && bin > 0.0)) {
        return Err(FigureError::Range { figure: FIGURE, field: "bin_m", value, allowed: "a finite length above 0 m" });
    }
    let mut maps = input.variants.iter().flat_map(|variant| variant.ratemaps.iter().map(move |map| (variant.name, map)));
    let first = maps.next().map(|(_, map)| map.dim());
    let size = |(rows, columns): (usize, usize)| format!("{rows} x {columns}");
    if let (Some(first), Some((name, map))) = (first, maps.find(|(_, map)| Some(map.dim()) != first)) {
        let what = format!("a ratemap of {name}");
        return Err(FigureError::Shape { figure: FIGURE, what, got: size(map.dim()), expected: size(first) });
    }
    if first.is_some_and(|(rows, columns)| rows * columns == 0) {
        return Err(FigureError::Empty { figure: FIGURE, what: "bins", remedy: "pass maps with at least one bin" });
    }
    output::write_figure(&Comparison::new(input, first.unwrap_or((1, 1))), out_stem)
}

struct Panel {
    heading: Heading,
    maps: Vec<Cells>,
}

struct Comparison {
    title: String,
    heading: Heading,
    panels: Vec<Panel>,
    blocks: Blocks,
    columns: usize,
    /// Of the highest heading.
    heading_mm: f64,
    map_mm: (f64, f64),
    scale_bar: ScaleBar,
    keys: Vec<(Key, String)>,
}

impl Comparison {
    fn new(input: &Variants<'_>, (rows, columns): (usize, usize)) -> Self {
        let count = input.variants.len();
        let width = Blocks::new(count, 0.0).width_mm();
        let panels: Vec<Panel> = input
            .variants
            .iter()
            .enumerate()
            .map(|(index, variant)| Panel {
                // One alone needs no letter.
                heading: if count > 1 {
                    Heading::lettered(index, variant.name, variant.note, width)
                } else {
                    Heading::new(variant.name, variant.note, width)
                },
                maps: variant.ratemaps.iter().map(|map| cells(*map)).collect(),
            })
            .collect();
        let heading_mm = panels.iter().map(|panel| panel.heading.height_mm()).fold(0.0, f64::max);
        let (width_m, height_m) = (columns as f64 * input.bin_m[0], rows as f64 * input.bin_m[1]);
        let map_width = (width + GAP_MM) / input.columns as f64 - GAP_MM;
        let map_mm = (map_width, map_width * height_m / width_m);
        let rows_of_maps = panels.iter().map(|panel| panel.maps.len()).max().unwrap_or(0).div_ceil(input.columns);
        let height = heading_mm + rows_of_maps as f64 * (map_mm.1 + GAP_MM) + BELOW_MM;
        let blocks = Blocks::new(count, height);
        let note = format!("Ratemap: {} × {}", number::metres(width_m), number::metres(height_m));
        let mut maps = input.variants.iter().flat_map(|variant| variant.ratemaps);
        let unvisited = maps.any(|map| map.iter().any(|rate| !drawable(*rate)));
        Self {
            title: input.title.to_owned(),
            heading: Heading::new(input.title, input.note, blocks.content_mm()),
            panels,
            blocks,
            columns: input.columns,
            heading_mm,
            map_mm,
            scale_bar: ScaleBar::new(width_m, map_width, note),
            keys: if unvisited { vec![(Key::Fill(NO_DATA), "Not visited".to_owned())] } else { Vec::new() },
        }
    }
}

fn cells(map: ArrayView2<'_, f64>) -> Cells {
    let (low, high) = heat_map::rate_range(map);
    heat_map::cells(map, low, high, Colormap::Viridis)
}

impl Figure for Comparison {
    fn page(&self) -> Page {
        let keys = legend::height_mm(&self.keys, self.blocks.content_mm());
        let height = 2.0 * MARGIN_MM + self.heading.height_mm() + self.blocks.height_mm() + color_bar::HEIGHT_MM + keys;
        Page::print(self.blocks.page_width_mm(), height)
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn draw<S: Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError> {
        self.heading.draw(canvas)?;
        let top = MARGIN_MM + self.heading.height_mm();
        let note = TextStyle::new(SMALL_PT, MUTED);
        for (index, panel) in self.panels.iter().enumerate() {
            let (x, y) = self.blocks.corner(index, top);
            panel.heading.draw_at(canvas, x, y)?;
            let maps_top = y + self.heading_mm;
            if panel.maps.is_empty() {
                canvas.text(x, maps_top + note.cap_mm(), "No active units", note)?;
            }
            for (number, cells) in panel.maps.iter().enumerate() {
                let (row, column) = (number / self.columns, number % self.columns);
                let (width, height) = self.map_mm;
                let map = RectMm { x: x + column as f64 * (width + GAP_MM), y: maps_top + row as f64 * (height + GAP_MM), width, height };
                heat_map::draw_bare(canvas, map, cells)?;
            }
        }
        let footer = top + self.blocks.height_mm();
        self.scale_bar.draw(canvas, MARGIN_MM, footer)?;
        let tick = |place, text: &str| (place, text.to_owned());
        let bar =
            ColorBar { colormap: Colormap::Viridis, label: "Rate / own peak".to_owned(), ticks: vec![tick(0.0, "0"), tick(1.0, "peak")] };
        bar.draw(canvas, MARGIN_MM + self.blocks.content_mm() - 2.0, footer, COLOR_BAR_MM)?;
        legend::draw(canvas, MARGIN_MM, footer + color_bar::HEIGHT_MM, self.blocks.content_mm(), &self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn draw<'a>(variants: &'a [Variant<'a>], columns: usize) -> Result<String, FigureError> {
        let folder = tempfile::tempdir().expect("a folder");
        let input = Variants { title: "What each ingredient is good for", note: "", variants, columns, bin_m: [0.1, 0.1] };
        let made = draw_variants(&input, &folder.path().join("variants"))?;
        let svg = std::fs::read_to_string(&made[1]).expect("is there");
        assert!(variants.iter().all(|variant| svg.contains(variant.name)), "every variant's name is drawn");
        Ok(svg)
    }

    #[test]
    fn grey_bins_have_a_key() {
        let whole = Array2::from_shape_fn((20, 20), |(row, col)| (row * col) as f64);
        let mut round = whole.clone();
        round[[0, 0]] = f64::NAN;
        for (map, told) in [(whole, false), (round, true)] {
            let maps = [map.view()];
            let svg = draw(&[Variant { name: "full", note: "", ratemaps: &maps }], 2).expect("draws");
            assert_eq!(svg.contains("Not visited"), told);
        }
    }

    #[test]
    fn panels_are_lettered_and_a_dead_network_says_so() {
        let map = Array2::from_shape_fn((20, 20), |(row, col)| (row * col) as f64);
        let maps = [map.view(), map.view(), map.view()];
        let variant = |name, ratemaps| Variant { name, note: "Grid 3, dead 2. Coherence 0.95.", ratemaps };
        let three = [variant("full", &maps[..]), variant("no-capacity", &maps[..1]), variant("no-separation", &[])];
        draw(&three, 2).expect("draws");
        draw(&three[..1], 4).expect("one alone");
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let (map, other) = (Array2::<f64>::zeros((4, 4)), Array2::<f64>::zeros((4, 5)));
        let maps = [map.view(), other.view()];
        let variants = [Variant { name: "full", note: "", ratemaps: &maps }];
        assert!(matches!(draw(&variants, 2), Err(FigureError::Shape { .. })));
        assert!(matches!(draw(&variants[..0], 2), Err(FigureError::Empty { .. })));
        assert!(matches!(draw(&variants, 0), Err(FigureError::Range { .. })));
    }
}

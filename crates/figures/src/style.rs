//! One look for all figures: colours, text sizes, line widths.
//!
//! Categorical colours are of Okabe and Ito's colour-blind safe set; what a colour says is always said by a word, a
//! mark or a position too.

use plotters::style::RGBColor;

/// The page.
pub(crate) const WHITE: RGBColor = RGBColor(255, 255, 255);
/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(26, 26, 26);
/// Secondary text, still 7:1 against white.
pub(crate) const MUTED: RGBColor = RGBColor(84, 84, 84);
/// Thin frames around panels.
pub(crate) const FRAME: RGBColor = RGBColor(150, 150, 150);
/// Bins without data: neutral, and in neither colour map.
pub(crate) const NO_DATA: RGBColor = RGBColor(196, 196, 196);
/// Dead units, red as in the paper's Fig. 8.
pub(crate) const DEAD: RGBColor = RGBColor(198, 40, 40);
/// Data, first choice.
pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// A lighter tone of [`BLUE`], for ranges.
pub(crate) const PALE_BLUE: RGBColor = RGBColor(173, 211, 234);
/// Data, second choice.
pub(crate) const ORANGE: RGBColor = RGBColor(230, 159, 0);
/// Data, third choice.
pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
/// Units that belong to no module.
pub(crate) const UNASSIGNED: RGBColor = RGBColor(150, 150, 150);
/// Modules in the order of their periods, told apart by colour-blind readers too; further ones start again.
const MODULES: [RGBColor; 10] = [
    BLUE,
    ORANGE,
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(136, 34, 85),
    RGBColor(128, 128, 0),
    RGBColor(51, 34, 136),
    RGBColor(110, 70, 40),
];
/// The ground behind what does not count.
pub(crate) const UNUSED: RGBColor = RGBColor(226, 226, 226);
/// Null distributions.
pub(crate) const NULL: RGBColor = RGBColor(190, 190, 190);

/// The colour of a module in every figure; grey without one.
pub(crate) fn module_color(module: Option<usize>) -> RGBColor {
    module.map_or(UNASSIGNED, |module| MODULES[module % MODULES.len()])
}

/// Figure titles, in points.
pub(crate) const TITLE_PT: f64 = 8.0;
/// Axis labels and panel letters.
pub(crate) const LABEL_PT: f64 = 7.0;
/// Tick labels, legends and panel titles.
pub(crate) const SMALL_PT: f64 = 6.5;
/// The smallest text there is.
pub(crate) const TINY_PT: f64 = 6.0;

/// Axes and frames, in points.
pub(crate) const HAIRLINE_PT: f64 = 0.4;
/// Data lines.
pub(crate) const LINE_PT: f64 = 0.8;
/// Scale bars and frames that must be seen.
pub(crate) const STRONG_PT: f64 = 1.2;

/// The space around a figure, in millimetres.
pub(crate) const MARGIN_MM: f64 = 2.0;

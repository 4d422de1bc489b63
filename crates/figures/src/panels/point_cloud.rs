//! Many coloured dots as one picture: ten thousand circles would make an SVG of many megabytes that no editor likes.

use crate::FigureError;
use crate::canvas::{Canvas, Cells, RectMm, Surface};
use crate::colormap::{Colormap, LEVELS, NO_DATA_LEVEL};
use crate::number::drawable;

/// One dot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dot {
    /// Where on the page, in millimetres.
    pub(crate) at: (f64, f64),
    /// Where on the colour map, 0 to 1; the neutral colour where it is not finite.
    pub(crate) color: f64,
    /// 0 in front, 1 at the back, where dots are pale.
    pub(crate) depth: f64,
}

/// Colours of data; one more is the neutral one. With all tones and the page they fit into a palette of 256.
const COLORS: usize = 35;
const TONES: usize = 7;
/// How much of the page's white the dots at the back take.
const PALEST: f64 = 0.62;
/// The page, which is the picture's background.
const PAGE: u8 = 0;

fn palette(colormap: Colormap) -> Vec<[u8; 3]> {
    let all = colormap.palette();
    let level = |color: usize| match color {
        COLORS => usize::from(NO_DATA_LEVEL),
        _ => color * usize::from(LEVELS - 1) / (COLORS - 1),
    };
    let toned = |tone: usize, byte: u8| {
        let white = PALEST * tone as f64 / (TONES - 1) as f64;
        (f64::from(byte) + (255.0 - f64::from(byte)) * white).round() as u8
    };
    let tones = (0..TONES).flat_map(|tone| (0..=COLORS).map(move |color| (tone, color)));
    std::iter::once([255; 3]).chain(tones.map(|(tone, color)| all[level(color)].map(|byte| toned(tone, byte)))).collect()
}

/// The palette entry of a dot.
fn entry(dot: &Dot) -> u8 {
    let color = if dot.color.is_finite() { (dot.color.clamp(0.0, 1.0) * (COLORS - 1) as f64).round() as usize } else { COLORS };
    // A depth that is not a number is in front.
    let tone = (dot.depth.clamp(0.0, 1.0) * (TONES - 1) as f64).round() as usize;
    (1 + tone * (COLORS + 1) + color) as u8
}

/// A radius in millimetres that lets so many dots in a panel of about 30 mm be told apart.
pub(crate) fn radius_mm(count: usize) -> f64 {
    (18.0 / (count.max(1) as f64).sqrt()).clamp(0.12, 0.45)
}

/// Draws dots into a frame, later ones over earlier ones; what lies outside the frame is cut off.
pub(crate) fn draw<S: Surface>(
    canvas: &mut Canvas<S>,
    frame: RectMm,
    dots: &[Dot],
    radius_mm: f64,
    colormap: Colormap,
) -> Result<(), FigureError> {
    let (columns, rows) = canvas.dots_in(frame);
    let per_mm = columns as f64 / frame.width;
    let radius = (radius_mm * per_mm).max(0.5);
    let mut levels = vec![PAGE; rows * columns];
    for dot in dots.iter().filter(|dot| drawable(dot.at.0) && drawable(dot.at.1)) {
        let (x, y) = ((dot.at.0 - frame.x) * per_mm, (dot.at.1 - frame.y) * per_mm);
        let range = |centre: f64, end: usize| {
            let clamp = |place: f64| place.clamp(0.0, end as f64) as usize;
            clamp((centre - radius).floor())..clamp((centre + radius).ceil())
        };
        let entry = entry(dot);
        for row in range(y, rows) {
            for column in range(x, columns) {
                if (column as f64 + 0.5 - x).hypot(row as f64 + 0.5 - y) <= radius {
                    levels[row * columns + column] = entry;
                }
            }
        }
    }
    canvas.raster(frame, &Cells { rows, columns, levels, palette: palette(colormap) })
}

/// The smallest and the largest value that can be drawn; `None` where there is none.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| drawable(*value)).fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// Dots ordered from back to front, with depths from 1 to 0, by their distance towards the viewer.
pub(crate) fn sorted(dots: Vec<(Dot, f64)>) -> Vec<Dot> {
    let mut dots = dots;
    // Stable, so that equally far dots keep their order on every machine.
    dots.sort_by(|(_, one), (_, two)| one.total_cmp(two));
    let (far, near) = range(dots.iter().map(|(_, towards)| *towards)).unwrap_or((0.0, 0.0));
    let depth = |towards: f64| if near > far { (near - towards) / (near - far) } else { 0.0 };
    dots.into_iter().map(|(dot, towards)| Dot { depth: depth(towards), ..dot }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_colours_and_tones_fit_into_a_palette() {
        for map in [Colormap::Viridis, Colormap::PhaseRing] {
            let palette = palette(map);
            assert!(palette.len() <= 256);
            let dot = |color, depth| palette[usize::from(entry(&Dot { at: (0.0, 0.0), color, depth }))];
            assert_eq!((dot(0.0, 0.0), dot(1.0, 0.0)), (map.palette()[0], map.palette()[254]));
            assert_eq!(dot(f64::NAN, 0.0), map.palette()[255]);
            assert!(dot(0.5, 1.0).iter().zip(dot(0.5, 0.0)).all(|(pale, full)| *pale > full), "pale at the back");
        }
    }

    #[test]
    fn what_is_in_front_is_drawn_last_and_fullest() {
        let dot = |x| Dot { at: (x, 0.0), color: 0.5, depth: 0.0 };
        let order = sorted(vec![(dot(1.0), 3.0), (dot(2.0), -1.0), (dot(3.0), 1.0), (dot(4.0), 1.0)]);
        let seen: Vec<(f64, f64)> = order.iter().map(|dot| (dot.at.0, dot.depth)).collect();
        assert_eq!(seen, [(2.0, 1.0), (3.0, 0.5), (4.0, 0.5), (1.0, 0.0)]);
        assert!(sorted(vec![(dot(1.0), 2.0)])[0].depth == 0.0, "one dot alone is in front");
    }

    #[test]
    fn ranges_are_of_what_can_be_drawn() {
        assert_eq!(range([f64::NAN, 2.0, -1.0, f64::INFINITY].into_iter()), Some((-1.0, 2.0)));
        assert_eq!(range([f64::NAN].into_iter()), None);
    }
}

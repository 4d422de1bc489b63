//! Colour maps: perceptually uniform and safe for colour-blind readers.

mod blue_white_red;
mod viridis;

use crate::style::NO_DATA;

/// How many colours data can take; one more palette entry stands for "no data".
pub(crate) const LEVELS: u8 = 255;

/// The palette entry of bins without data.
pub(crate) const NO_DATA_LEVEL: u8 = 255;

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colormap {
    /// From low to high: rates.
    Viridis,
    /// From below zero to above: correlations.
    BlueWhiteRed,
}

impl Colormap {
    /// 255 colours from the low end to the high one, then the neutral colour of missing data.
    pub(crate) fn palette(self) -> Vec<[u8; 3]> {
        let last = usize::from(LEVELS) - 1;
        let color = |level: usize| match self {
            Self::Viridis => viridis::TABLE[(level * (viridis::TABLE.len() - 1) + last / 2) / last],
            Self::BlueWhiteRed => blue_white_red::TABLE[level],
        };
        let neutral = [NO_DATA.0, NO_DATA.1, NO_DATA.2];
        (0..=last).map(color).chain([neutral]).collect()
    }
}

/// The palette entry of a value between `low` and `high`; values outside take the nearest end, NaN and infinities the
/// entry of missing data. Where `low == high`, every value takes the low end.
pub(crate) fn level(value: f64, low: f64, high: f64) -> u8 {
    if !value.is_finite() {
        return NO_DATA_LEVEL;
    }
    if high <= low {
        return 0;
    }
    (((value - low) / (high - low)).clamp(0.0, 1.0) * f64::from(LEVELS - 1)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rec. 709 luma: good enough to tell an order.
    fn luma([red, green, blue]: [u8; 3]) -> f64 {
        0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
    }

    #[test]
    fn viridis_only_gets_lighter() {
        let palette = Colormap::Viridis.palette();
        assert_eq!(palette[0], [0x44, 0x01, 0x54]);
        assert_eq!(palette[254], [0xfd, 0xe7, 0x25]);
        for pair in palette[..255].windows(2) {
            assert!(luma(pair[1]) > luma(pair[0]) - 1.0, "{pair:?}");
        }
    }

    #[test]
    fn the_diverging_map_is_lightest_and_neutral_at_zero() {
        let palette = Colormap::BlueWhiteRed.palette();
        let middle = palette[usize::from(level(0.0, -1.0, 1.0))];
        assert!(middle.iter().max().zip(middle.iter().min()).is_some_and(|(high, low)| high - low <= 2), "{middle:?}");
        // Over four levels, since luma is only near to the lightness that falls evenly.
        for step in 4..=127 {
            assert!(luma(palette[127 + step]) < luma(palette[123 + step]), "red arm at {step}");
            assert!(luma(palette[127 - step]) < luma(palette[131 - step]), "blue arm at {step}");
        }
    }

    #[test]
    fn missing_data_has_a_colour_of_its_own() {
        for map in [Colormap::Viridis, Colormap::BlueWhiteRed] {
            let palette = map.palette();
            assert_eq!(palette.len(), 256);
            let neutral = palette[usize::from(NO_DATA_LEVEL)];
            for color in &palette[..255] {
                let distance: i32 = (0..3).map(|channel| (i32::from(color[channel]) - i32::from(neutral[channel])).abs()).sum();
                assert!(distance >= 24, "{color:?} is close to {neutral:?}");
            }
        }
    }

    #[test]
    fn values_take_their_level() {
        assert_eq!((level(0.0, 0.0, 2.0), level(1.0, 0.0, 2.0), level(2.0, 0.0, 2.0)), (0, 127, 254));
        assert_eq!((level(-9.0, 0.0, 2.0), level(9.0, 0.0, 2.0)), (0, 254));
        assert_eq!((level(f64::NAN, 0.0, 2.0), level(f64::INFINITY, 0.0, 2.0)), (NO_DATA_LEVEL, NO_DATA_LEVEL));
        assert_eq!(level(0.0, 0.0, 0.0), 0);
    }
}

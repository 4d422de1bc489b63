//! Colour maps: perceptually uniform and safe for colour-blind readers.

mod blue_white_red;
mod phase_ring;
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
    /// Around a turn: angles and phases; both ends are the same colour.
    PhaseRing,
}

impl Colormap {
    /// 255 colours from the low end to the high one, then the neutral colour of missing data.
    pub(crate) fn palette(self) -> Vec<[u8; 3]> {
        let last = usize::from(LEVELS) - 1;
        let color = |level: usize| match self {
            Self::Viridis => viridis::TABLE[(level * (viridis::TABLE.len() - 1) + last / 2) / last],
            Self::BlueWhiteRed => blue_white_red::TABLE[level],
            Self::PhaseRing => phase_ring::TABLE[level],
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

    /// sRGB to OKLab (Ottosson 2020).
    fn oklab(color: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = color.map(|byte| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_99 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_55 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_84 * g + 0.629_978_7 * b).cbrt();
        [
            0.210_454_26 * l + 0.793_617_79 * m - 0.004_072_05 * s,
            1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_71 * s,
            0.025_904_04 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        ]
    }

    #[test]
    fn the_phase_ring_closes_and_equal_angles_look_equally_far() {
        let palette = Colormap::PhaseRing.palette();
        assert_eq!(palette[0], palette[254]);
        let labs: Vec<[f64; 3]> = palette[..255].iter().map(|color| oklab(*color)).collect();
        let distance = |one: &[f64; 3], two: &[f64; 3]| one.iter().zip(two).map(|(one, two)| (one - two).powi(2)).sum::<f64>().sqrt();
        // Over ten levels, since rounding to bytes moves a colour by about half a level's step; it moves both ends of both steps.
        let rounding = |color: &[u8; 3]| 0.5 * distance(&oklab(*color), &oklab(color.map(|byte| byte.saturating_add(1))));
        let rounding = palette[..255].iter().map(rounding).fold(0.0, f64::max);
        let steps: Vec<f64> = (0..254).map(|level| distance(&labs[level], &labs[(level + 10) % 254])).collect();
        let (low, high) = (steps.iter().copied().fold(f64::INFINITY, f64::min), steps.iter().copied().fold(0.0, f64::max));
        assert!(low > 0.0 && high - low < 4.0 * rounding && rounding < 0.003, "{low} to {high}, rounding {rounding}");
        for level in 0..254 {
            assert!(distance(&labs[level], &labs[(level + 127) % 254]) > 0.2, "opposite angles differ most at {level}");
        }
    }

    #[test]
    fn missing_data_has_a_colour_of_its_own() {
        for map in [Colormap::Viridis, Colormap::BlueWhiteRed, Colormap::PhaseRing] {
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

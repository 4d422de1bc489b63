//! Whether a map's spectrum and its autocorrelogram tell the same lattice.
//!
//! Both read one map, by different means: least squares on the map, and peaks of its correlation. Where they disagree, one of them followed a harmonic, a
//! neighbouring peak, or noise, and neither should be used unseen. Compared are
//!
//! * **spacing**: the periods (hexagonal lattices of the same density, [`crate::lattice::period_m`]), because the mean of three spacings and the inverse of
//!   the mean of three wave lengths are different means of a lattice that is not hexagonal;
//! * **orientation**: the mean angle, over the two shortest lattice vectors that the waves imply (`k` turned by 90°, over `|k₁ × k₂|`), to the nearest
//!   vector of the autocorrelogram's lattice; not the difference of the two orientations, which mean little where the two shapes differ, or modulo 60° for a lattice that is nearly square, whose
//!   third axis is one of two equal diagonals. For a band: the angle between wave and step to the next ridge;
//! * **shape**: [`crate::lattice::shape`] of each.
//!
//! The limits are 5 % and 3°: peaks of synthetic grids with noise of 0.15 of their peak (tests) are at most 4 % off in spacing, and typically under 0.5° in
//! orientation, up to a spacing of 0.6 of the box.

use super::UnitSpectrum;
use crate::autocorrelogram::AutocorrelogramPeaks;
use crate::lattice::{LatticeShape, Wave, by_length, cross, dot, nearest, norm, superbase};

/// Largest relative difference of spacings that agree.
pub const SPACING_WITHIN: f64 = 0.05;
/// Largest difference of orientations that agree, degrees.
pub const ORIENTATION_WITHIN_DEG: f64 = 3.0;

/// How far spectrum and autocorrelogram are apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// `(period of the autocorrelogram - period of the spectrum) / period of the spectrum`.
    pub spacing_difference: f64,
    /// Angle between the lattices in [0, π/2] rad; NaN where only one of them is a band.
    pub orientation_difference_rad: f64,
    /// How far the two shortest lattice vectors that the waves imply are from vectors of the autocorrelogram's lattice, as a share of their own lengths, the larger of
    /// both; NaN where either is a band. Small also where the autocorrelogram follows a finer lattice that has the waves' lattice in it.
    pub misfit: f64,
    /// Whether both have the same shape.
    pub same_shape: bool,
    /// Whether spacing and orientation agree and the shapes are the same.
    pub agrees: bool,
    /// `agrees`, or where it does not, in one sentence.
    pub verdict: String,
}

/// Compares the two; see the module.
pub fn agreement(spectrum: &UnitSpectrum, peaks: &AutocorrelogramPeaks) -> Agreement {
    let spacing_difference = peaks.period_m / spectrum.period_m - 1.0;
    let orientation_difference_rad = turned(spectrum, peaks);
    let same_shape = spectrum.shape == peaks.shape;
    let mut differences = Vec::new();
    if spacing_difference.is_nan() || spacing_difference.abs() > SPACING_WITHIN {
        let (of_peaks, of_spectrum) = (peaks.period_m, spectrum.period_m);
        differences.push(format!("spacing: {of_peaks:.3} m from the autocorrelogram, {of_spectrum:.3} m from the spectrum"));
    }
    if orientation_difference_rad > ORIENTATION_WITHIN_DEG.to_radians() {
        differences.push(format!("orientation: {:.1}° apart", orientation_difference_rad.to_degrees()));
    }
    if !same_shape {
        differences.push(format!("shape: {} in the autocorrelogram, {} in the spectrum", peaks.shape, spectrum.shape));
    }
    let agrees = differences.is_empty();
    let verdict = if agrees { "agrees".to_owned() } else { differences.join("; ") };
    Agreement { spacing_difference, orientation_difference_rad, misfit: misfit(spectrum, peaks), same_shape, agrees, verdict }
}

/// The two shortest lattice vectors that two-dimensional waves imply.
fn direct(spectrum: &UnitSpectrum) -> [Wave; 2] {
    let area = cross(spectrum.waves[0], spectrum.waves[1]);
    let [p, q, _] = by_length(&spectrum.waves.map(|k| [-k[1] / area, k[0] / area]));
    [p, q]
}

fn misfit(spectrum: &UnitSpectrum, peaks: &AutocorrelogramPeaks) -> f64 {
    if spectrum.shape == LatticeShape::Band || peaks.shape == LatticeShape::Band {
        return f64::NAN;
    }
    let Some(other) = superbase(peaks.vectors_m[0], peaks.vectors_m[1]) else { return f64::NAN };
    direct(spectrum).into_iter().map(|vector| nearest(vector, &other).1 / norm(vector)).fold(0.0, f64::max)
}

fn turned(spectrum: &UnitSpectrum, peaks: &AutocorrelogramPeaks) -> f64 {
    let between = |a: Wave, b: Wave| cross(a, b).abs().atan2(dot(a, b).abs());
    match (spectrum.shape == LatticeShape::Band, peaks.shape == LatticeShape::Band) {
        (true, true) => between(spectrum.waves[0], peaks.vectors_m[0]),
        (false, false) => {
            let [p, q] = direct(spectrum);
            let Some(other) = superbase(peaks.vectors_m[0], peaks.vectors_m[1]) else { return f64::NAN };
            f64::midpoint(between(p, nearest(p, &other).0), between(q, nearest(q, &other).0))
        }
        _ => f64::NAN,
    }
}

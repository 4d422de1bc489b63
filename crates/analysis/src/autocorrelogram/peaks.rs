//! Spacing, orientation, ellipse and lattice from the autocorrelogram's six nearest peaks.
//!
//! 1. The **central peak's radius** `R` is where the mean of r over all directions falls to zero (a third of a hexagonal lattice's spacing). Every length
//!    below scales with it, so many fields and few are treated alike.
//! 2. **Candidates** are lags beyond `R` of r ≥ 0.1 (in noisy maps, whose peaks are all low, 0.3 of the height beside the zero lag) that are highest within
//!    0.6 `R`, after smoothing by a Gaussian of `R`/4; the 16 nearest of one half plane
//!    (the other is its mirror image).
//! 3. **Sub-bin positions**: the vertex of a quadratic surface fitted to the *unsmoothed* r with Gaussian weights of 0.4 `R`, at least 0.8 bins, moved to its
//!    vertex until it stays. Where the weights are centred on a symmetric peak its odd terms vanish, so bins as wide as a third of the peak bias it little.
//! 4. **The lattice**: a pair of candidates spans one; its contrast is the mean r at its nodes over that half way between them, weighted by overlap.
//!    A pair with a peak of noise has low nodes; a pair that skips every second peak has high half-way points; a pair that skips two of three
//!    (a hexagonal lattice √3 times as wide) has the contrast of the whole. So of all lattices with at least 0.7 of the largest contrast, the finest.
//! 5. The **six peaks** are the lattice's neighbours of the zero lag (its three shortest vectors that sum to zero, and their opposites), each where it
//!    was found. Where one of the three is not found, it is the sum of the other two, and `found` is 2. In lattices near hexagonal
//!    these are the six nearest peaks; where sides differ by more than a factor of two, a second peak in the same row may be nearer, which is no
//!    neighbour.
//!
//! A **band** has no peaks but ridges: where the central peak is a ridge across the arena, `peaks_m` are the two points of the next ridges that are nearest to
//! zero, `spacing_m` their distance, and what needs two directions is NaN because of `shape` = band.
//!
//! Departs from opexebo's `grid_score_stats`, which looks for maxima in whole bins, only between 1.5 central radii and 1.25 times the radius of the best grid
//! score, takes the six nearest after dropping the farther of two in similar directions, and has no numbers where there are fewer than six. Peaks that its
//! masks exclude stay in its list at the corner of the autocorrelogram (version 0.7.2), whose distance then counts as a spacing, 3 to 8 times too long;
//! where that does not happen, spacings agree within 5 % (`tests/oracles`). Its spacing is the mean over three of the six; its orientation, as here of hexagonal lattices, the mean
//! over the axes modulo 60°.

use super::ellipse::Ellipse;
use super::lags::{Lag, Lags};
use super::ridge;
use crate::lattice::{self, LatticeShape, by_length, combine, cross, norm, superbase};
use crate::linear::solve_symmetric;
use gridlake_space::bins::Bins;
use ndarray::ArrayView2;
use std::f64::consts::TAU;

/// Least r of a peak: this, or the share below of the height beside the zero lag, if that is lower.
const LEAST_HEIGHT: f64 = 0.1;
/// Noise lowers all peaks alike, the central one too but for the zero lag itself.
const LEAST_SHARE: f64 = 0.3;
/// Candidates of one half plane.
const CANDIDATES: usize = 16;
/// Least angle between two lattice vectors, degrees.
const LEAST_ANGLE_DEG: f64 = 15.0;
/// Contrast that a lattice must have, as a share of the largest one's.
const STANDS_OUT: f64 = 0.7;
/// How far from where the lattice says a peak may be found, as a share of its distance.
const NEAR: f64 = 0.2;

/// What the peaks around the zero lag tell.
#[derive(Debug, Clone, PartialEq)]
pub struct AutocorrelogramPeaks {
    /// The six neighbouring peaks (x, y) in metres, counter-clockwise by angle in [0, 2π); two for a band.
    pub peaks_m: Vec<[f64; 2]>,
    /// Independent peaks that were found, not concluded from the others: 3, 2, or 1 for a band.
    pub found: usize,
    /// Mean distance of the peaks, m.
    pub spacing_m: f64,
    /// Spacing of the hexagonal lattice with the same density of fields, m, as [`lattice::period_m`]; for a band, the spacing.
    pub period_m: f64,
    /// The axes' angle, see [`crate::lattice::orientation_rad`]; NaN for a band.
    pub orientation_rad: f64,
    /// Longer over shorter axis (≥ 1) of the ellipse through the peaks; NaN for a band.
    pub ellipse_ratio: f64,
    /// Angle of the ellipse's longer axis in [0, π), of no meaning at a ratio of 1; NaN for a band.
    pub ellipse_tilt_rad: f64,
    /// The lattice's shape, by [`lattice::shape`].
    pub shape: LatticeShape,
    /// Ratio (≥ 1) of the lattice's two shortest vectors; NaN for a band.
    pub length_ratio: f64,
    /// Angle between them in [π/3, π/2]; NaN for a band.
    pub lattice_angle_rad: f64,
    /// The lattice's vectors (x, y) in metres, as [`superbase`] orders them, by least squares from the peaks; for a band, the first is the step to the next
    /// ridge and the others are NaN.
    pub vectors_m: [[f64; 2]; 3],
}

/// Why an autocorrelogram has no such peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPeaks {
    /// No lag but zero is defined.
    #[error("the autocorrelogram is undefined: the map is constant or too few bins were visited")]
    NoAutocorrelogram,
    /// The array is not an autocorrelogram of these bins.
    #[error("the autocorrelogram has another shape than these bins'")]
    Shape,
    /// The mean over directions is at most zero one bin from zero.
    #[error("neighbouring bins are unrelated: fields are finer than the bins, or there are none")]
    Unresolved,
    /// The mean over directions never falls to zero.
    #[error("the central peak has no edge: the map varies on the scale of the arena")]
    NoCentralEdge,
    /// Too few peaks for a lattice.
    #[error("{0} independent peaks around the centre, a lattice needs two: fields do not repeat within the arena")]
    TooFew(usize),
}

/// The peaks of one autocorrelogram, `(2 ny - 1) x (2 nx - 1)` lags with NaN where undefined, of maps on these bins; see the module.
///
/// # Errors
/// [`NoPeaks`] says why there are none.
pub fn peaks(autocorrelogram: ArrayView2<'_, f64>, bins: &Bins) -> Result<AutocorrelogramPeaks, NoPeaks> {
    let lags = Lags::new(autocorrelogram, bins).ok_or(NoPeaks::Shape)?;
    if lags.all().all(|[x, y]| (x, y) == (0, 0) || lags.at(x, y).is_nan()) {
        return Err(NoPeaks::NoAutocorrelogram);
    }
    let radius = lags.central_radius_m().ok_or(NoPeaks::NoCentralEdge)?.map_err(|()| NoPeaks::Unresolved)?;
    let smooth = lags.smoothed(radius / 4.0);
    let least = LEAST_HEIGHT.min(LEAST_SHARE * smooth.beside_zero().max(0.0));
    if let Some(across) = ridge::across(&smooth) {
        let wavelength_m = ridge::next_ridge_m(&lags, across, radius, least).ok_or(NoPeaks::TooFew(0))?;
        return Ok(band(across, wavelength_m));
    }
    let refine = |start: Lag| vertex(&lags, start, (0.4 * radius).max(0.8 * lags.coarse_m()));
    let candidates: Vec<Lag> = candidates(&smooth, radius, least).into_iter().filter_map(refine).collect();
    let [a, b] = best_pair(&smooth, &candidates, radius).ok_or(NoPeaks::TooFew(usize::from(!candidates.is_empty())))?;
    let expected = superbase(a, b).ok_or(NoPeaks::TooFew(1))?;
    let near = |found: &Lag, expected: Lag| norm(combine(1.0, *found, -1.0, expected)) <= NEAR * norm(expected);
    let found = expected.map(|vector| {
        let known = candidates.iter().flat_map(|c| [*c, [-c[0], -c[1]]]).filter(|c| near(c, vector));
        let known = known.min_by(|p, q| norm(combine(1.0, *p, -1.0, vector)).total_cmp(&norm(combine(1.0, *q, -1.0, vector))));
        known.or_else(|| refine(vector).filter(|c| near(c, vector) && smooth.between(*c) >= least))
    });
    let count = found.iter().flatten().count();
    let neighbours = match found {
        [Some(p), Some(q), Some(r)] => [p, q, r],
        [Some(p), Some(q), None] => [p, q, combine(-1.0, p, -1.0, q)],
        [Some(p), None, Some(r)] => [p, combine(-1.0, p, -1.0, r), r],
        [None, Some(q), Some(r)] => [combine(-1.0, q, -1.0, r), q, r],
        _ => return Err(NoPeaks::TooFew(count)),
    };
    of_neighbours(neighbours, count).ok_or(NoPeaks::TooFew(count))
}

fn of_neighbours(neighbours: [Lag; 3], found: usize) -> Option<AutocorrelogramPeaks> {
    // The lattice whose three vectors, which sum to zero, are nearest to the peaks.
    let off = neighbours.iter().fold([0.0; 2], |sum, p| combine(1.0, sum, 1.0, *p));
    let closed = neighbours.map(|p| combine(1.0, p, -1.0 / 3.0, off));
    let vectors_m = superbase(closed[0], closed[1])?;
    let ellipse = Ellipse::fit(&neighbours)?;
    let mut peaks_m: Vec<[f64; 2]> = neighbours.iter().flat_map(|p| [*p, [-p[0], -p[1]]]).collect();
    peaks_m.sort_by(|p, q| p[1].atan2(p[0]).rem_euclid(TAU).total_cmp(&q[1].atan2(q[0]).rem_euclid(TAU)));
    let (length_ratio, lattice_angle_rad) = lattice::reduced_ratio_and_angle(&vectors_m);
    Some(AutocorrelogramPeaks {
        peaks_m,
        found,
        spacing_m: neighbours.iter().map(|p| norm(*p)).sum::<f64>() / 3.0,
        // The cell's area is |a × b|; the hexagonal lattice of that cell.
        period_m: (2.0 * cross(vectors_m[0], vectors_m[1]).abs() / 3.0_f64.sqrt()).sqrt(),
        // Wave vectors are the lattice's vectors turned by a right angle, the longer ones the shorter.
        orientation_rad: lattice::orientation_rad(&vectors_m.map(|v| [-v[1], v[0]])),
        ellipse_ratio: ellipse.ratio(),
        ellipse_tilt_rad: ellipse.tilt_rad,
        shape: lattice::shape(&vectors_m),
        length_ratio,
        lattice_angle_rad,
        vectors_m,
    })
}

fn band(across: Lag, wavelength_m: f64) -> AutocorrelogramPeaks {
    let side = if across[1] < 0.0 || (across[1] == 0.0 && across[0] < 0.0) { -1.0 } else { 1.0 };
    let step = across.map(|v| side * wavelength_m * v);
    AutocorrelogramPeaks {
        peaks_m: vec![step, [-step[0], -step[1]]],
        found: 1,
        spacing_m: wavelength_m,
        period_m: wavelength_m,
        orientation_rad: f64::NAN,
        ellipse_ratio: f64::NAN,
        ellipse_tilt_rad: f64::NAN,
        shape: LatticeShape::Band,
        length_ratio: f64::NAN,
        lattice_angle_rad: f64::NAN,
        vectors_m: [step, [f64::NAN; 2], [f64::NAN; 2]],
    }
}

/// Highest lags within 0.6 central radii, nearest first, of the half plane of angles [0, π).
fn candidates(smooth: &Lags, radius: f64, least: f64) -> Vec<Lag> {
    let alone = (0.6 * radius).max(1.5 * smooth.coarse_m());
    let reach = smooth.step.map(|step| (alone / step) as isize);
    let ring = |[x, y]: &[isize; 2]| x.abs() <= 1 && y.abs() <= 1;
    let mut around: Vec<[isize; 2]> = (-reach[1]..=reach[1]).flat_map(|y| (-reach[0]..=reach[0]).map(move |x| [x, y])).collect();
    around.retain(|step| *step != [0, 0] && (ring(step) || norm(smooth.metres(*step)) <= alone));
    // The nearest first: most lags are ruled out by a neighbour.
    around.sort_by_key(|step| !ring(step));
    let mut found: Vec<Lag> = smooth
        .all()
        .filter(|&[x, y]| y > 0 || (y == 0 && x > 0))
        .filter(|&[x, y]| {
            let height = smooth.at(x, y);
            let inside = height > 0.0 && height >= least && norm(smooth.metres([x, y])) > radius;
            inside
                && around.iter().all(|step| {
                    let other = smooth.at(x + step[0], y + step[1]);
                    // Of two equal lags, the first; at the edge of what is defined there are no peaks.
                    other < height || (other == height && (step[1] > 0 || (step[1] == 0 && step[0] > 0))) || (other.is_nan() && !ring(step))
                })
        })
        .map(|lag| smooth.metres(lag))
        .collect();
    found.sort_by(|p, q| norm(*p).total_cmp(&norm(*q)));
    found.truncate(CANDIDATES);
    found
}

/// The vertex of the quadratic surface with Gaussian weights of `sigma_m` around itself; `None` where it bends upwards, runs away, or too much around it
/// is undefined.
fn vertex(lags: &Lags, start: Lag, sigma_m: f64) -> Option<Lag> {
    let mut centre = start;
    for _ in 0..30 {
        let (mut normal, mut right) = ([0.0; 36], [0.0; 6]);
        let (mut defined, mut total) = (0.0, 0.0);
        let range = |axis: usize| {
            let ends = [-3.0, 3.0].map(|sigmas| (centre[axis] + sigmas * sigma_m) / lags.step[axis]);
            ends[0].ceil() as isize..=ends[1].floor() as isize
        };
        for y in range(1) {
            for x in range(0) {
                let [u, v] = combine(1.0 / sigma_m, lags.metres([x, y]), -1.0 / sigma_m, centre);
                let weight = (-0.5 * (u * u + v * v)).exp();
                let r = lags.at(x, y);
                total += weight;
                // The zero lag is 1 whatever the map's noise.
                if r.is_nan() || (x, y) == (0, 0) {
                    continue;
                }
                defined += weight;
                let terms = [1.0, u, v, u * u, u * v, v * v];
                for i in 0..6 {
                    right[i] += weight * terms[i] * r;
                    for j in 0..6 {
                        normal[6 * i + j] += weight * terms[i] * terms[j];
                    }
                }
            }
        }
        if defined < 0.8 * total {
            return None;
        }
        let c = solve_symmetric(&normal, &right, 1e-12)?;
        let bend = 4.0 * c[3] * c[5] - c[4] * c[4];
        if c[3] >= 0.0 || bend <= 0.0 {
            return None;
        }
        let step = [(c[4] * c[2] - 2.0 * c[5] * c[1]) / bend, (c[4] * c[1] - 2.0 * c[3] * c[2]) / bend];
        let length = norm(step);
        let scale = sigma_m * (0.5 / length).min(1.0);
        centre = combine(1.0, centre, scale, step);
        if norm(combine(1.0, centre, -1.0, start)) > 2.0 * sigma_m {
            return None;
        }
        if length < 1e-6 {
            break;
        }
    }
    Some(centre)
}

/// The two candidates that span the finest lattice among those that stand out well: mean of r at its nodes above the mean half way between them.
fn best_pair(smooth: &Lags, candidates: &[Lag], radius: f64) -> Option<[Lag; 2]> {
    let mut pairs: Vec<(f64, [Lag; 2])> = Vec::new();
    for (i, &a) in candidates.iter().enumerate() {
        for &b in &candidates[i + 1..] {
            if cross(a, b).abs() < LEAST_ANGLE_DEG.to_radians().sin() * norm(a) * norm(b) {
                continue;
            }
            let Some(triad) = superbase(a, b) else { continue };
            let [p, q, _] = by_length(&triad);
            // A neighbour inside the central peak is no peak.
            if norm(p) > radius {
                pairs.push((contrast(smooth, p, q, radius), [p, q]));
            }
        }
    }
    let most = pairs.iter().fold(f64::NAN, |most, pair| most.max(pair.0));
    let area = |pair: &[Lag; 2]| cross(pair[0], pair[1]).abs();
    let good = pairs.into_iter().filter(|(contrast, _)| *contrast > 0.0 && *contrast >= STANDS_OUT * most);
    good.min_by(|p, q| area(&p.1).total_cmp(&area(&q.1))).map(|(_, pair)| pair)
}

fn contrast(smooth: &Lags, p: Lag, q: Lag, radius: f64) -> f64 {
    let mean = |shift: [f64; 2]| {
        let (mut sum, mut total) = (0.0, 0.0);
        for m in -2..=2 {
            for n in -2..=2 {
                let lag = combine(f64::from(m) + shift[0], p, f64::from(n) + shift[1], q);
                let (r, weight) = (smooth.between(lag), smooth.overlap(lag));
                if !r.is_nan() && norm(lag) > 0.9 * radius {
                    sum += weight * r;
                    total += weight;
                }
            }
        }
        if total > 0.0 { sum / total } else { f64::NAN }
    };
    // The highest of the three kinds of half-way points: in a lattice twice as fine, it is a node.
    let between = [[0.5, 0.0], [0.0, 0.5], [0.5, 0.5]].map(mean).into_iter().fold(f64::NAN, f64::max);
    mean([0.0, 0.0]) - if between.is_nan() { 0.0 } else { between }
}

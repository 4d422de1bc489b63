//! First unit classes, from the null tests, each with its reason.
//!
//! In this order, the first that holds:
//!
//! 1. **dead**: fires in no more than `dead_share` of the visited bins.
//! 2. **grid**: fields repeat (more than one field is above a tenth of the peak), and the 60° score lies above its null; or the 90° score
//!    does; or the unevenness of waves over directions does, the fitted lattice has two dimensions (rhombic and oblique lattices), and the autocorrelogram's peaks
//!    have it as well.
//! 3. **band**: the unevenness of waves lies above its null, and the fit has one wave.
//! 4. **border**: the border score is at least 0.5 (as in Solstad et al. 2008), and it or the wall score lies above its null; see
//!    [`crate::measures::border_scores`]. A wall field that many a map of the same rates has in such an arena still tells itself by being as strong all along the
//!    wall.
//! 5. **place-like**: neighbouring bins are more alike than when bins are permuted, and one compact field holds most of the
//!    bins above half the peak.
//! 6. **untuned**: none of these; where a map has too few fields for a test of waves, the reason says so.
//!
//! Each test is at level `alpha` on its own, so a map without any structure is classed other than untuned or place-like with a chance of at
//! most five times `alpha`. A field along a wall that repeats elsewhere is judged as a lattice or band first.

use crate::config::ClassesConfig;
use crate::lattice::LatticeShape;
use crate::nulls::ScoreWithNull;
use crate::spectrum::{Agreement, UnitSpectrum};
use gridlake_space::seed::Stream;
use ndarray::ArrayView2;

/// From which border score on a map lies along a wall (Solstad et al. 2008): 0.5, which maps of a few bins have but for rounding.
const ALONG_A_WALL: f64 = 0.5 - 1e-6;

/// What kind of unit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitClass {
    /// Fields on a two-dimensional lattice.
    Grid,
    /// One wave.
    Band,
    /// A field along a wall.
    Border,
    /// One compact field.
    PlaceLike,
    /// Active, none of the others.
    Untuned,
    /// (Nearly) silent.
    Dead,
}

impl UnitClass {
    /// All classes, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Grid, Self::Band, Self::Border, Self::PlaceLike, Self::Untuned, Self::Dead];

    /// The name used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Band => "band",
            Self::Border => "border",
            Self::PlaceLike => "place-like",
            Self::Untuned => "untuned",
            Self::Dead => "dead",
        }
    }
}

impl std::fmt::Display for UnitClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Share of the bins above half the peak that a place-like unit's one field holds.
const ONE_FIELD: f64 = 0.8;
/// Level of the peak that a place-like unit's field is above.
const HALF: f64 = 0.5;
/// Level of the peak above which a field is the only one of a map in which nothing repeats.
const LONE_FIELD: f64 = 0.1;
/// Fewest bins of a field.
const FEWEST_FIELD_BINS: usize = 4;

/// Largest misfit at which the autocorrelogram confirms the spectrum's lattice: a tenth of its vectors, which is 6° where only directions differ.
const CONFIRMED: f64 = 0.1;

/// What the tests found about one active unit.
pub(crate) struct Evidence<'a> {
    pub(crate) sargolini: &'a ScoreWithNull,
    pub(crate) square: &'a ScoreWithNull,
    pub(crate) periodicity: &'a ScoreWithNull,
    pub(crate) border: &'a ScoreWithNull,
    pub(crate) wall_score: &'a ScoreWithNull,
    pub(crate) spectrum: Option<&'a UnitSpectrum>,
    /// Against the autocorrelogram; none where that has no peaks.
    pub(crate) agreement: Option<&'a Agreement>,
    /// As [`repeats`] says of the map.
    pub(crate) repeats: bool,
}

impl Evidence<'_> {
    /// Whether the autocorrelogram has the spectrum's lattice. A few spots lie on the crests of some wave, but hardly ever on two lattices that agree.
    fn lattice_confirmed(&self) -> bool {
        self.agreement.is_some_and(|found| found.misfit <= CONFIRMED)
    }

    /// Whether fields repeat and the autocorrelogram has the spectrum's lattice of two dimensions.
    pub(crate) fn repeating_lattice(&self) -> bool {
        self.repeats && self.spectrum.is_some_and(|spectrum| spectrum.shape != LatticeShape::Band) && self.lattice_confirmed()
    }
}

/// Whether there is more than one field: one lone spot beats surrogates, which spread its rates over many, in every score; but nothing repeats.
pub(crate) fn repeats(map: ArrayView2<'_, f64>) -> bool {
    one_field(map, LONE_FIELD).is_none()
}

/// Class and reason of an active unit. `map` is `(ny, nx)` with NaN for unvisited bins; `permutations` of its bins make the neighbour test.
pub(crate) fn classify(
    map: ArrayView2<'_, f64>,
    evidence: &Evidence<'_>,
    config: &ClassesConfig,
    permutations: usize,
    stream: &mut Stream,
) -> (UnitClass, String) {
    let (alpha, repeats) = (config.alpha, evidence.repeats);
    if repeats && evidence.sargolini.significant(alpha) {
        let (value, p) = (evidence.sargolini.value, evidence.sargolini.p);
        return (UnitClass::Grid, format!("60° score {value:.2} above its null (p = {p:.3})"));
    }
    if repeats && evidence.square.significant(alpha) {
        let (value, p) = (evidence.square.value, evidence.square.p);
        return (UnitClass::Grid, format!("90° score {value:.2} above its null (p = {p:.3}), 60° score not"));
    }
    if let (true, Some(spectrum)) = (repeats && evidence.periodicity.significant(alpha), evidence.spectrum) {
        let p = evidence.periodicity.p;
        if spectrum.shape == LatticeShape::Band {
            return (UnitClass::Band, format!("one wave of {:.2} m (p = {p:.3})", spectrum.period_m));
        }
        if evidence.lattice_confirmed() {
            let reason = format!(
                "{} lattice of period {:.2} m (p = {p:.3}), which the autocorrelogram has as well; neither 60° nor 90° score",
                spectrum.shape, spectrum.period_m
            );
            return (UnitClass::Grid, reason);
        }
    }
    if evidence.border.value >= ALONG_A_WALL && evidence.border.significant(alpha) {
        let (value, p) = (evidence.border.value, evidence.border.p);
        return (UnitClass::Border, format!("border score {value:.2} above its null (p = {p:.3}), no lattice and no wave"));
    }
    if evidence.wall_score.value >= ALONG_A_WALL && evidence.wall_score.significant(alpha) {
        let (score, rate, p) = (evidence.border.value, 2.0 * evidence.wall_score.value - 1.0, evidence.wall_score.p);
        let reason = format!(
            "border score {score:.2}, and a mean rate along the wall of {rate:.2} of the peak: wall score above its null (p = {p:.3}), no lattice and no wave"
        );
        return (UnitClass::Border, reason);
    }
    match one_field(map, HALF) {
        Some(share) if share <= config.place_share => {
            let p = neighbour_p(map, permutations, stream);
            if p <= alpha {
                return (UnitClass::PlaceLike, format!("one field over {:.0} % of the visited bins (p = {p:.3})", 100.0 * share));
            }
            (UnitClass::Untuned, "no lattice, no wave, not along a wall, and neighbouring bins are not alike".to_owned())
        }
        _ => {
            let sparse = evidence.periodicity.reason.as_deref().filter(|reason| reason.starts_with("too sparse"));
            let reason = sparse.unwrap_or("no lattice, no wave, not along a wall, no single compact field above its null");
            (UnitClass::Untuned, reason.to_owned())
        }
    }
}

/// Share of the visited bins that the peak's field covers, if it holds most of the bins above `level` of the peak.
///
/// The level is counted from the median rate, so that a constant background does not hide a field.
fn one_field(map: ArrayView2<'_, f64>, level: f64) -> Option<f64> {
    let mut visited: Vec<f64> = map.iter().copied().filter(|rate| !rate.is_nan()).collect();
    visited.sort_by(f64::total_cmp);
    let (median, peak) = (*visited.get(visited.len() / 2)?, *visited.last()?);
    let least = median + level * (peak - median);
    let above = map.mapv(|rate| rate >= least && peak > median);
    let start = map.indexed_iter().find(|(_, rate)| **rate == peak)?.0;
    let mut inside = above.mapv(|_| false);
    let mut open = vec![start];
    let mut field = 0_usize;
    while let Some((row, col)) = open.pop() {
        if !above[[row, col]] || std::mem::replace(&mut inside[[row, col]], true) {
            continue;
        }
        field += 1;
        for next_row in row.saturating_sub(1)..(row + 2).min(map.nrows()) {
            for next_col in col.saturating_sub(1)..(col + 2).min(map.ncols()) {
                open.push((next_row, next_col));
            }
        }
    }
    let total = above.iter().filter(|&&high| high).count();
    (field >= FEWEST_FIELD_BINS && field as f64 >= ONE_FIELD * total as f64).then(|| field as f64 / visited.len() as f64)
}

/// p-value of the products of neighbouring bins' deviations against permuted bins.
fn neighbour_p(map: ArrayView2<'_, f64>, permutations: usize, stream: &mut Stream) -> f64 {
    let bins: Vec<(usize, usize)> = map.indexed_iter().filter(|(_, rate)| !rate.is_nan()).map(|(at, _)| at).collect();
    let mean = bins.iter().map(|&at| map[at] / bins.len() as f64).sum::<f64>();
    let mut values: Vec<f64> = bins.iter().map(|&at| map[at] - mean).collect();
    let number = {
        let mut number = map.mapv(|_| None);
        for (i, &at) in bins.iter().enumerate() {
            number[at] = Some(i);
        }
        number
    };
    let mut neighbours = Vec::new();
    for (i, &(row, col)) in bins.iter().enumerate() {
        for at in [[row + 1, col], [row, col + 1]] {
            if let Some(Some(j)) = number.get(at) {
                neighbours.push((i, *j));
            }
        }
    }
    let alike = |values: &[f64]| neighbours.iter().map(|&(i, j)| values[i] * values[j]).sum::<f64>();
    let observed = alike(&values);
    let mut at_least = 0;
    for _ in 0..permutations {
        stream.shuffle(&mut values);
        at_least += usize::from(alike(&values) >= observed);
    }
    (1 + at_least) as f64 / (1 + permutations) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::SpectrumSearch;
    use gridlake_space::lattice::Lattice;
    use gridlake_space::seed::Seed;
    use ndarray::Array2;

    fn score(value: f64, p: f64) -> ScoreWithNull {
        ScoreWithNull { value, p, null: Vec::new(), reason: value.is_nan().then(|| "why".to_owned()) }
    }

    /// Class and reason of a map whose 60°, 90°, periodicity, border and wall scores have these values and p.
    fn class(map: &Array2<f64>, scores: [(f64, f64); 5]) -> (UnitClass, String) {
        let [sargolini, square, periodicity, border, wall_score] = scores.map(|(value, p)| score(value, p));
        let spectrum = SpectrumSearch::new(&map.mapv(|rate| !rate.is_nan()), 2.0, 2.0, &crate::config::SpectrumConfig::default());
        let spectrum = spectrum.find(map.view()).ok();
        let bins = gridlake_space::bins::Bins::square(gridlake_space::arena::Arena::square(2.0), 30);
        let lags = crate::autocorrelogram::Autocorrelator::new(&map.mapv(|rate| !rate.is_nan()), 20).map(map.view());
        let peaks = crate::autocorrelogram::peaks(lags.view(), &bins).ok();
        let agreement = spectrum.as_ref().zip(peaks.as_ref()).map(|(spectrum, peaks)| crate::spectrum::agreement(spectrum, peaks));
        let evidence = Evidence {
            sargolini: &sargolini,
            square: &square,
            periodicity: &periodicity,
            border: &border,
            wall_score: &wall_score,
            spectrum: spectrum.as_ref(),
            agreement: agreement.as_ref(),
            repeats: repeats(map.view()),
        };
        classify(map.view(), &evidence, &ClassesConfig::default(), 199, &mut Seed(1).stream("class", 0))
    }

    fn map(rate: impl Fn(f64, f64) -> f64) -> Array2<f64> {
        let at = |i: usize| (i as f64 + 0.5) / 15.0 - 1.0;
        Array2::from_shape_fn((30, 30), |(row, col)| rate(at(col), at(row)))
    }

    const NO: (f64, f64) = (0.2, 0.6);
    const YES: (f64, f64) = (0.9, 0.002);

    #[test]
    fn the_first_test_that_holds_names_the_class() {
        let sheared = Lattice::from_waves([2.6, 0.0], [-0.9, 1.9]);
        let grid = map(|x, y| sheared.rate(x, y, [0.1, 0.0]));
        assert_eq!(class(&grid, [YES; 5]), (UnitClass::Grid, "60° score 0.90 above its null (p = 0.002)".to_owned()));
        assert_eq!(
            class(&grid, [NO, YES, YES, YES, YES]),
            (UnitClass::Grid, "90° score 0.90 above its null (p = 0.002), 60° score not".to_owned())
        );
        let (kind, reason) = class(&grid, [NO, NO, YES, YES, YES]);
        assert!(
            kind == UnitClass::Grid && reason.ends_with("which the autocorrelogram has as well; neither 60° nor 90° score"),
            "a sheared grid: {reason}"
        );
        assert_eq!(class(&grid, [NO, NO, NO, YES, NO]).0, UnitClass::Border);
        assert_eq!(class(&grid, [NO; 5]).0, UnitClass::Untuned);
        let band = Lattice::band(0.5, 0.7);
        assert_eq!(class(&map(|x, y| band.rate(x, y, [0.0; 2])), [NO, NO, YES, YES, YES]).0, UnitClass::Band);
    }

    #[test]
    fn a_lone_field_is_along_a_wall_or_in_place_but_no_lattice() {
        let wall = map(|x, _| ((x - 1.0) / 0.1).exp());
        let (kind, reason) = class(&wall, [YES; 5]);
        assert_eq!((kind, reason.as_str()), (UnitClass::Border, "border score 0.90 above its null (p = 0.002), no lattice and no wave"));
        let (kind, reason) = class(&wall, [YES, YES, YES, (0.8, 0.03), (0.995, 0.002)]);
        let told = "border score 0.80, and a mean rate along the wall of 0.99 of the peak: wall score above its null (p = 0.002), no lattice and no wave";
        assert_eq!((kind, reason.as_str()), (UnitClass::Border, told));
        assert_eq!(class(&wall, [YES, YES, YES, (0.8, 0.03), (0.995, 0.02)]).0, UnitClass::PlaceLike, "neither above its null");
        assert_eq!(class(&wall, [YES, YES, YES, (0.45, 0.002), (0.45, 0.002)]).0, UnitClass::PlaceLike, "below the least border score");
        let place = map(|x, y| (-(x * x + y * y) / 0.05).exp());
        assert_eq!(class(&place, [YES, YES, YES, (-1.0, 1.0), (-1.0, 1.0)]).0, UnitClass::PlaceLike);
    }

    #[test]
    fn undefined_scores_make_no_class() {
        let undefined = [(f64::NAN, f64::NAN); 5];
        let (kind, reason) = class(&map(|_, _| 0.3), undefined);
        assert_eq!(
            (kind, reason.as_str()),
            (UnitClass::Untuned, "no lattice, no wave, not along a wall, no single compact field above its null")
        );
        for odd in [Array2::from_elem((30, 30), f64::NAN), Array2::zeros((0, 0))] {
            assert_eq!(class(&odd, undefined).0, UnitClass::Untuned);
        }
    }
}

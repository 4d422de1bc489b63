//! How far one can go before all modules repeat: the range without ambiguity.
//!
//! A displacement `d` is ambiguous where it leaves every module's phases as they were, up to a `tolerance` in cycles: `|k·d - nearest integer| ≤ tolerance` for
//! every wave `k` of every module. The range is the length of the shortest ambiguous `d` beyond the coarsest module's own field. One module repeats after its
//! shortest lattice vector; a commensurate refinement repeats with the coarser module and adds nothing; unrelated lattices together repeat far later than each
//! (Fiete, Burak & Brookings 2008, J. Neurosci. 28: 6858).
//!
//! Candidates are the lattice points of the module with the largest cell, in order of length; each is moved to where the phases of all modules agree best (least squares)
//! before it is judged. Beside the range stands its null: the same modules, all but the coarsest turned by random angles.

use super::strain::{Triad, is_band};
use crate::lattice::{Wave, by_length, cross, norm};
use gridlake_space::seed::Seed;
use std::f64::consts::TAU;

/// Phases within this many cycles are the same: a tenth of a period, about half the width of a field.
const TOLERANCE_CYCLES: f64 = 0.1;
/// Periods of the coarsest module as far as which is searched.
const FARTHEST: i64 = 60;
/// Turned copies behind the null.
const DRAWS: u64 = 99;
/// A point whose phases are farther off than this many tolerances moves to no agreement.
const HOPELESS: f64 = 3.0;

/// How far positions are told apart by all modules together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnambiguousRange {
    /// Length of the shortest displacement that all modules confuse with none, metres; infinite where none was found within `searched_m`.
    pub range_m: f64,
    /// Range of the coarsest module alone, metres: its shortest lattice vector.
    pub coarsest_m: f64,
    /// As far as the search went, metres.
    pub searched_m: f64,
    /// Median range of the same modules turned against each other at random, metres (may be infinite); NaN with one module.
    pub null_median_m: f64,
    /// `(1 + #{null ≤ range}) / (1 + #null)`: small where the modules repeat together sooner than unrelated ones. NaN with one module.
    pub p: f64,
    /// Phases that count as the same, cycles.
    pub tolerance_cycles: f64,
}

/// The range without ambiguity of modules, given as their waves k₁, k₂, k₃ (cycles per metre); `None` where none has a lattice. Bands (NaN beyond k₁) are left
/// out: one wave repeats along its crests at once.
pub fn unambiguous_range(modules: &[[Wave; 3]], seed: Seed) -> Option<UnambiguousRange> {
    let mut lattices: Vec<Triad> = modules.iter().copied().filter(|waves| !is_band(waves)).collect();
    let cell = |waves: &Triad| cross(waves[0], waves[1]).abs();
    lattices.sort_by(|a, b| cell(a).total_cmp(&cell(b)));
    let (coarsest, others) = lattices.split_first()?;
    let points = Points::of(coarsest);
    let coarsest_m = points.sorted.first().map_or(f64::NAN, |point| norm(*point));
    let range_m = points.first_ambiguous(coarsest, others);
    let (mut null_median_m, mut p) = (f64::NAN, f64::NAN);
    if !others.is_empty() {
        let mut null: Vec<f64> = (0..DRAWS)
            .map(|draw| {
                let mut stream = seed.stream("unambiguous-range", draw);
                let turned: Vec<Triad> = others
                    .iter()
                    .map(|waves| {
                        let (sin, cos) = (TAU * stream.uniform()).sin_cos();
                        waves.map(|k| [cos * k[0] - sin * k[1], sin * k[0] + cos * k[1]])
                    })
                    .collect();
                points.first_ambiguous(coarsest, &turned)
            })
            .collect();
        null.sort_by(f64::total_cmp);
        null_median_m = null[null.len() / 2];
        // Ranges of the same lattice point count as equal.
        let sooner = null.iter().filter(|other| **other <= range_m + 1e-9).count();
        p = (1 + sooner) as f64 / (1 + null.len()) as f64;
    }
    Some(UnambiguousRange { range_m, coarsest_m, searched_m: points.searched_m, null_median_m, p, tolerance_cycles: TOLERANCE_CYCLES })
}

/// Points of a direct lattice within a circle, one of each pair of opposites, by length.
struct Points {
    sorted: Vec<Wave>,
    searched_m: f64,
}

impl Points {
    fn of(waves: &Triad) -> Self {
        let [k, l, _] = by_length(waves);
        let area = cross(k, l);
        // k · a = 1 and l · a = 0, and the other way round for b.
        let (a, b) = ([l[1] / area, -l[0] / area], [-k[1] / area, k[0] / area]);
        // Every point within the circle has coordinates k · d and l · d of at most its radius times |l|.
        let searched_m = FARTHEST as f64 / norm(l);
        let mut sorted: Vec<Wave> = (0..=FARTHEST)
            .flat_map(|m| (-FARTHEST..=FARTHEST).map(move |n| (m, n)))
            .filter(|&(m, n)| m > 0 || n > 0)
            .map(|(m, n)| [m as f64 * a[0] + n as f64 * b[0], m as f64 * a[1] + n as f64 * b[1]])
            .filter(|point| norm(*point) <= searched_m)
            .collect();
        sorted.sort_by(|p, q| norm(*p).total_cmp(&norm(*q)));
        Self { sorted, searched_m }
    }

    fn first_ambiguous(&self, coarsest: &Triad, others: &[Triad]) -> f64 {
        let ambiguous = |point: &Wave| {
            let worst = |at: Wave| others.iter().flatten().map(|k| off(k, at).abs()).fold(0.0, f64::max);
            if worst(*point) > HOPELESS * TOLERANCE_CYCLES {
                return None;
            }
            let best = agree(*point, coarsest, others);
            let all = coarsest.iter().chain(others.iter().flatten()).map(|k| off(k, best).abs()).fold(0.0, f64::max);
            (all <= TOLERANCE_CYCLES).then(|| norm(best))
        };
        self.sorted.iter().find_map(ambiguous).unwrap_or(f64::INFINITY)
    }
}

/// Signed distance of `k·d` from the nearest integer, cycles.
fn off(k: &Wave, d: Wave) -> f64 {
    let cycles = k[0] * d[0] + k[1] * d[1];
    cycles - cycles.round()
}

/// The place near `start` at which all waves are nearest to whole cycles, by least squares: of fixed integers, so one step is exact.
fn agree(start: Wave, coarsest: &Triad, others: &[Triad]) -> Wave {
    let (mut xx, mut xy, mut yy, mut x, mut y) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for k in coarsest.iter().chain(others.iter().flatten()) {
        let away = off(k, start);
        xx += k[0] * k[0];
        xy += k[0] * k[1];
        yy += k[1] * k[1];
        x -= k[0] * away;
        y -= k[1] * away;
    }
    let det = xx * yy - xy * xy;
    [start[0] + (yy * x - xy * y) / det, start[1] + (xx * y - xy * x) / det]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::superbase;

    fn hexagon(spacing_m: f64, turn: f64) -> Triad {
        let k = 2.0 / (3.0_f64.sqrt() * spacing_m);
        let at = |angle: f64| [k * (angle + turn).cos(), k * (angle + turn).sin()];
        superbase(at(0.0), at(TAU / 3.0)).expect("two directions")
    }

    fn square(spacing_m: f64, turn: f64) -> Triad {
        let at = |angle: f64| [(angle + turn).cos() / spacing_m, (angle + turn).sin() / spacing_m];
        superbase(at(0.0), at(TAU / 4.0)).expect("two directions")
    }

    fn range(lattices: &[Triad]) -> UnambiguousRange {
        unambiguous_range(lattices, Seed(1)).expect("lattices")
    }

    #[test]
    fn one_module_repeats_after_its_spacing() {
        let found = range(&[hexagon(0.7, 0.3)]);
        assert!((found.range_m - 0.7).abs() < 1e-9 && (found.coarsest_m - 0.7).abs() < 1e-9, "{found:?}");
        assert!(found.p.is_nan() && found.null_median_m.is_nan());
    }

    #[test]
    fn a_commensurate_refinement_adds_nothing() {
        let root = 2.0_f64.sqrt();
        let found = range(&[square(1.0, 0.2), square(1.0 / root, 0.2 + TAU / 8.0)]);
        assert!((found.range_m - 1.0).abs() < 1e-9, "{found:?}");
        assert!(found.null_median_m > 1.5 && found.p < 0.2, "{found:?}");
    }

    #[test]
    fn a_period_of_both_is_found_by_brute_force_too() {
        // √2 apart and turned by 10°: no common period.
        let lattices = [hexagon(0.5, 0.0), hexagon(0.5 * 2.0_f64.sqrt(), 0.175)];
        let found = range(&lattices);
        assert!(found.range_m > 0.8 && found.range_m < found.searched_m, "{found:?}");
        // A fine grid holds no point within the range, but the first field, at which all phases are within the tolerance by a margin.
        let (step, mut nearest) = (0.004, f64::INFINITY);
        let reach = ((found.range_m + 0.1) / step) as i64;
        for row in 0..=reach {
            for column in -reach..=reach {
                let d = [column as f64 * step, row as f64 * step];
                let worst = lattices.iter().flatten().map(|k| off(k, d).abs()).fold(0.0, f64::max);
                if norm(d) > 0.25 && worst <= 0.8 * TOLERANCE_CYCLES {
                    nearest = nearest.min(norm(d));
                }
            }
        }
        assert!(nearest > found.range_m - 0.05, "{nearest} and {found:?}");
    }

    #[test]
    fn bands_have_no_range() {
        let band = [[1.0, 0.0], [f64::NAN; 2], [f64::NAN; 2]];
        assert!(unambiguous_range(&[band], Seed(1)).is_none());
        assert!(unambiguous_range(&[], Seed(1)).is_none());
    }
}

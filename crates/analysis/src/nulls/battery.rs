//! Every statistic of a map in one pass: what units and their surrogates share.

use super::isotropic::IsotropicPlan;
use super::scale::Scale;
use crate::autocorrelogram::{Autocorrelator, SingleAutocorrelator, SingleWorkspace, Workspace};
use crate::config::CheckedAnalyzeConfig;
use crate::grid_score::{Annuli, BatchWorkspace, LANES, Masks, Score};
use crate::measures::{self, BorderPlan, BorderWorkspace, border_scores};
use crate::periodicity::{HalfWaves, Waves};
use crate::ratemap::Ratemaps;
use crate::rebin::{Rebin, RebinWorkspace};
use gridlake_space::arena::Arena;
use ndarray::Array2;

/// A statistic that has a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// 60° score on growing annuli.
    Sargolini,
    /// 60° score on fixed masks.
    Banino,
    /// 90° score on growing annuli.
    Square90,
    /// How unevenly the power of waves is spread over directions ([`crate::periodicity`]).
    Periodicity,
    /// How far a field follows a wall ([`crate::measures::border_score`]).
    Border,
    /// The same, and of those that cover one how strong they are along it ([`crate::measures::border_scores`]).
    WallScore,
}

impl Statistic {
    /// All of them, in the order of scores.
    pub const ALL: [Self; 6] = [Self::Sargolini, Self::Banino, Self::Square90, Self::Periodicity, Self::Border, Self::WallScore];

    /// How far a surrogate's score may be off (it is made in single precision): scores closer than that count as tied.
    pub(super) fn precision(self) -> f64 {
        match self {
            Self::Sargolini | Self::Banino | Self::Square90 => 1e-4,
            Self::Periodicity | Self::Border | Self::WallScore => 1e-5,
        }
    }
}

/// How many statistics come from autocorrelograms and spectra.
const OF_LAGS: usize = 4;

/// Plans for all maps of one arena.
#[derive(Clone)]
pub struct Battery {
    shape: (usize, usize),
    bins: Vec<usize>,
    arena: Arena,
    fine: Autocorrelator,
    fine_single: SingleAutocorrelator,
    annuli: Annuli,
    rebin: Rebin,
    coarse: Autocorrelator,
    coarse_single: SingleAutocorrelator,
    coarse_bins: Vec<usize>,
    masks: Masks,
    /// Frequencies of the fine transform with enough cycles across the box.
    waves: Waves,
    isotropic: IsotropicPlan,
    border: BorderPlan,
}

/// Buffers of one thread.
pub(crate) struct BatteryWorkspace {
    fine: Workspace,
    fine_single: SingleWorkspace,
    coarse: Workspace,
    coarse_single: SingleWorkspace,
    batch: BatchWorkspace,
    fine_planes: Vec<Vec<f32>>,
    coarse_planes: Vec<Vec<f32>>,
    coarse_maps: [Vec<f32>; 2],
    rebin: RebinWorkspace,
    border: BorderWorkspace,
}

impl Battery {
    /// Plans for these maps' visited bins.
    pub fn new(ratemaps: &Ratemaps, config: &CheckedAnalyzeConfig) -> Self {
        let visited = ratemaps.visited();
        let (rows, cols) = visited.dim();
        let arena = &ratemaps.bins.arena;
        let bin_m = (arena.height_m / rows as f64, arena.width_m / cols as f64);
        let shorter = arena.width_m.min(arena.height_m);
        // Cubic convolution reads two bins beyond the largest radius.
        let largest = [bin_m.0, bin_m.1].map(|bin| config.grid_score.outer_fraction * shorter / bin);
        let reach = |largest: f64, n: usize| (largest.floor() as usize + 2).min(n - 1);
        let min_overlap = config.autocorrelogram.min_overlap;
        let fine = Autocorrelator::within(&visited, min_overlap, [reach(largest[0], rows), reach(largest[1], cols)]);
        let annuli = Annuli::new(fine.shape(), bin_m, shorter, &config.grid_score);
        let rebin = Rebin::new(&ratemaps.occupancy, Masks::BINS);
        let coarse = Autocorrelator::new(&rebin.visited(), min_overlap);
        let masks = Masks::new(coarse.shape(), (arena.height_m / rebin.rows as f64, arena.width_m / rebin.cols as f64));
        let waves = Waves::new(fine.padded(), bin_m, config.spectrum.min_cycles / shorter);
        let bins: Vec<usize> = visited.iter().enumerate().filter(|(_, seen)| **seen).map(|(bin, _)| bin).collect();
        let isotropic = IsotropicPlan::new((rows, cols), &bins, bin_m);
        let fine_single = SingleAutocorrelator::new(&fine, largest.map(|radius| radius + 2.0), waves.half(fine.padded()));
        let coarse_single = SingleAutocorrelator::new(&coarse, [rebin.rows as f64 + 2.0, rebin.cols as f64 + 2.0], HalfWaves::default());
        let coarse_bins = rebin.visited().iter().enumerate().filter(|(_, seen)| **seen).map(|(bin, _)| bin).collect();
        Self {
            shape: (rows, cols),
            bins,
            arena: *arena,
            fine,
            fine_single,
            annuli,
            rebin,
            coarse,
            coarse_single,
            coarse_bins,
            masks,
            waves,
            isotropic,
            border: BorderPlan::new(&visited, &ratemaps.bins),
        }
    }

    pub(crate) fn workspace(&self) -> BatteryWorkspace {
        let planes = |shape: (usize, usize)| vec![vec![f32::NAN; shape.0 * shape.1]; LANES];
        BatteryWorkspace {
            fine: self.fine.workspace(),
            fine_single: self.fine_single.workspace(),
            coarse: self.coarse.workspace(),
            coarse_single: self.coarse_single.workspace(),
            batch: BatchWorkspace::default(),
            fine_planes: planes(self.fine_single.shape()),
            coarse_planes: planes(self.coarse_single.shape()),
            coarse_maps: [Vec::new(), Vec::new()],
            rebin: RebinWorkspace::default(),
            border: BorderWorkspace::default(),
        }
    }

    pub(super) fn shape(&self) -> (usize, usize) {
        self.shape
    }

    pub(super) fn bins(&self) -> &[usize] {
        &self.bins
    }

    pub(super) fn isotropic(&self) -> &IsotropicPlan {
        &self.isotropic
    }

    /// One map's scores, in the order of [`Statistic::ALL`].
    pub(crate) fn score(&self, map: &[f64], workspace: &mut BatteryWorkspace) -> Vec<(f64, Option<String>)> {
        self.correlate(map, map, workspace);
        let of_lags = self.scores_of(0, workspace).map(|score| (score.value, score.reason.map(|reason| reason.to_string())));
        let of_border = match self.border(map) {
            Ok(scores) => scores.map(|score| (score, None)),
            Err(reason) => [(f64::NAN, Some(reason.to_string())), (f64::NAN, Some(reason.to_string()))],
        };
        of_lags.into_iter().chain(of_border).collect()
    }

    /// One map's border scores in double precision.
    pub(super) fn border(&self, map: &[f64]) -> Result<[f64; 2], measures::Undefined> {
        let mut seen = Array2::from_elem(self.shape, f64::NAN);
        for &bin in &self.bins {
            seen[[bin / self.shape.1, bin % self.shape.1]] = map[bin];
        }
        border_scores(seen.view(), &self.arena)
    }

    /// Two maps' scores in double precision: the reference for [`Self::score_batch`].
    pub(super) fn score_pair(&self, first: &[f64], second: &[f64], workspace: &mut BatteryWorkspace) -> [[Score; OF_LAGS]; 2] {
        self.correlate(first, second, workspace);
        [0, 1].map(|which| self.scores_of(which, workspace))
    }

    /// Autocorrelograms of two maps, on fine and on coarse bins.
    fn correlate(&self, first: &[f64], second: &[f64], workspace: &mut BatteryWorkspace) {
        self.fine.pair(first, second, &mut workspace.fine);
        self.coarse.pair(&self.rebin.apply(first), &self.rebin.apply(second), &mut workspace.coarse);
    }

    /// Scores of one of the two maps.
    fn scores_of(&self, which: usize, workspace: &BatteryWorkspace) -> [Score; OF_LAGS] {
        let [sargolini, square] = self.annuli.scores(&workspace.fine.result[which]);
        let banino = self.masks.banino(&workspace.coarse.result[which]);
        [sargolini, banino, square, self.waves.score(&workspace.fine.power[which])]
    }

    /// Scores of up to [`LANES`] maps of mean 0 and variance 1 over visited bins (the rest is not read); `scales` turn each map's values into rates.
    /// In single precision, with errors below each [`Statistic::precision`] but where a map is so flat that double precision takes over.
    pub(super) fn score_batch(&self, maps: &[Vec<f32>], scales: &[Scale], workspace: &mut BatteryWorkspace) -> Vec<Vec<f64>> {
        assert!(maps.len() <= LANES, "at most {LANES} maps at once");
        let mut periodicity = [f64::NAN; LANES];
        for (number, pair) in maps.chunks(2).enumerate() {
            let (a, b) = (&pair[0], pair.last().unwrap_or(&pair[0]));
            let lanes = 2 * number;
            let right = self.fine_single.pair(a, b, &mut workspace.fine_single);
            for (lane, score) in periodicity[lanes..].iter_mut().zip(workspace.fine_single.periodicity) {
                *lane = score;
            }
            if right {
                for (plane, result) in workspace.fine_planes[lanes..].iter_mut().zip(&mut workspace.fine_single.result) {
                    std::mem::swap(plane, result);
                }
            } else {
                self.fine.pair(&double(a), &double(b), &mut workspace.fine);
                take_half(&mut workspace.fine_planes[lanes..], &workspace.fine.result, self.fine.shape());
            }
            for (coarse, fine) in workspace.coarse_maps.iter_mut().zip([a, b]) {
                self.coarsen(fine, &mut workspace.rebin, coarse);
            }
            let [a, b] = &workspace.coarse_maps;
            if self.coarse_single.pair(a, b, &mut workspace.coarse_single) {
                for (plane, result) in workspace.coarse_planes[lanes..].iter_mut().zip(&mut workspace.coarse_single.result) {
                    std::mem::swap(plane, result);
                }
            } else {
                self.coarse.pair(&double(a), &double(b), &mut workspace.coarse);
                take_half(&mut workspace.coarse_planes[lanes..], &workspace.coarse.result, self.coarse.shape());
            }
        }
        let sixes = self.annuli.batch(&workspace.fine_planes[..maps.len()], &mut workspace.batch);
        let banino = self.masks.batch(&workspace.coarse_planes[..maps.len()], &mut workspace.batch);
        (0..maps.len())
            .map(|lane| {
                let [sargolini, square] = sixes[lane];
                let [border, wall_score] =
                    self.border.scores(&maps[lane], scales[lane].floor(), &mut workspace.border).unwrap_or([f64::NAN; 2]);
                vec![sargolini, banino[lane], square, periodicity[lane], border, wall_score]
            })
            .collect()
    }

    /// Scores of one map, in double precision: in the order of [`Statistic::ALL`], NaN where undefined.
    pub fn scores(&self, map: &[f64]) -> Vec<f64> {
        self.score(map, &mut self.workspace()).into_iter().map(|(value, _)| value).collect()
    }

    /// Scores of many maps as surrogates are scored: in single precision, some at a time.
    pub fn scores_in_single(&self, maps: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut workspace = self.workspace();
        let mut found = Vec::new();
        for map in maps {
            let scale = Scale::of(map, &self.bins);
            found.extend(self.score_batch(&[scale.standardised(map)], &[scale], &mut workspace));
        }
        found
    }

    /// The map on coarse bins, of mean 0 and variance 1 again.
    fn coarsen(&self, fine: &[f32], workspace: &mut RebinWorkspace, coarse: &mut Vec<f32>) {
        let map = self.rebin.apply_single(fine, workspace);
        let scale = Scale::of(map, &self.coarse_bins);
        coarse.clear();
        coarse.extend(map.iter().map(|&rate| if scale.varies { scale.standard(rate) as f32 } else { 0.0 }));
    }
}

fn double(map: &[f32]) -> Vec<f64> {
    map.iter().map(|&value| f64::from(value)).collect()
}

/// The half planes of whole autocorrelograms of `shape`.
fn take_half(planes: &mut [Vec<f32>], whole: &[Vec<f64>; 2], shape: (usize, usize)) {
    for (plane, whole) in planes.iter_mut().zip(whole) {
        for (half, &r) in plane.iter_mut().zip(&whole[shape.0 / 2 * shape.1..]) {
            *half = r as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AnalyzeConfig;
    use crate::nulls::NullKind;
    use gridlake_space::bins::Bins;
    use gridlake_space::lattice::Lattice;
    use gridlake_space::seed::Seed;
    use ndarray::Array3;

    fn battery(arena: Arena, nx: usize, ny: usize, unvisited: impl Fn(usize, usize) -> bool) -> Battery {
        let occupancy = Array2::from_shape_fn((ny, nx), |(row, col)| u32::from(!unvisited(row, col)) * (1 + (row + col) as u32 % 3));
        let maps = Ratemaps::from_maps(Bins::new(arena, nx, ny), occupancy, Array3::zeros((1, ny, nx))).expect("shapes agree");
        Battery::new(&maps, &AnalyzeConfig::default().check().expect("in range"))
    }

    /// Noise, lattices, spots, and surrogates of them; at any scale and offset.
    fn maps(battery: &Battery) -> Vec<Vec<f64>> {
        let (rows, cols) = battery.shape;
        let bin = battery.arena.width_m / cols as f64;
        let map = |rate: &mut dyn FnMut(f64, f64) -> f64| -> Vec<f64> {
            (0..rows * cols).map(|i| rate((i % cols) as f64 * bin - 1.0, (i / cols) as f64 * bin - 1.0)).collect()
        };
        let mut stream = Seed(8).stream("battery", 0);
        let white = map(&mut |_, _| stream.normal());
        let lattice = Lattice::hexagonal(0.5, 0.3);
        let cells = map(&mut |x, y| lattice.rate_sharp(x, y, [0.1, 0.2], 4.0) + 0.05 * stream.uniform());
        let spot = map(&mut |x, y| (-20.0 * (x * x + y * y)).exp() + 0.01 * stream.uniform());
        let slope = map(&mut |x, y| x + 0.3 * y * y + 0.01 * stream.normal());
        let few = map(&mut |_, _| if stream.uniform() < 0.02 { stream.uniform() } else { 0.0 });
        let sources = [white.clone(), cells.clone(), spot, slope, few];
        let mut all: Vec<Vec<f64>> = sources.to_vec();
        for source in &sources {
            for kind in [NullKind::Isotropic, NullKind::Phase, NullKind::Shuffle] {
                all.extend(battery.surrogates(source, kind, 5, &mut stream));
            }
        }
        all.push(white.iter().map(|rate| 1e30 * rate).collect());
        all.push(cells.iter().map(|rate| 1e-30 * rate).collect());
        all.push(white.iter().map(|rate| rate + 1e6).collect());
        all.push(vec![0.25; rows * cols]);
        all
    }

    fn compare(battery: &Battery, what: &str) {
        let maps = maps(battery);
        for (number, (map, single)) in maps.iter().zip(battery.scores_in_single(&maps)).enumerate() {
            for (statistic, (slow, fast)) in Statistic::ALL.into_iter().zip(battery.scores(map).into_iter().zip(single)) {
                assert_eq!(slow.is_nan(), fast.is_nan(), "{what}, map {number}, {statistic:?}: {slow} and {fast}");
                let near = slow.is_nan() || (slow - fast).abs() < statistic.precision();
                assert!(near, "{what}, map {number}, {statistic:?}: {slow} and {fast}");
            }
        }
    }

    #[test]
    fn single_precision_gives_the_scores_of_double_precision() {
        compare(&battery(Arena::square(2.0), 50, 50, |_, _| false), "all visited");
        compare(&battery(Arena::square(2.0), 40, 40, |row, col| row < 4 || (row * 7 + col * 3) % 11 == 0), "holes");
        compare(&battery(Arena::rectangle(2.0, 1.4), 31, 33, |_, _| false), "another shape");
        compare(&battery(Arena::rectangle(2.0, 1.4), 40, 28, |row, col| row + col < 5), "a rectangle without a corner");
        compare(&battery(Arena::square(1.0), 9, 9, |_, _| false), "a few bins");
        compare(&battery(Arena::square(1.0), 3, 3, |_, _| false), "hardly any bins");
    }

    #[test]
    fn sixteen_maps_score_as_they_do_alone_but_for_rounding() {
        let battery = battery(Arena::square(2.0), 40, 40, |_, _| false);
        let mut workspace = battery.workspace();
        let mut stream = Seed(9).stream("battery", 1);
        let maps: Vec<Vec<f64>> = (0..LANES).map(|_| (0..1600).map(|_| stream.normal().max(0.0)).collect()).collect();
        let standard: Vec<Vec<f32>> = maps.iter().map(|map| Scale::of(map, &battery.bins).standardised(map)).collect();
        let scales: Vec<Scale> = maps.iter().map(|map| Scale::of(map, &battery.bins)).collect();
        for count in [1, 2, 5, LANES] {
            let together = battery.score_batch(&standard[..count], &scales, &mut workspace);
            assert_eq!(together.len(), count);
            for (one, all) in battery.scores_in_single(&maps[..count]).iter().flatten().zip(together.iter().flatten()) {
                assert!((one - all).abs() < 1e-4 || (one.is_nan() && all.is_nan()), "{one} and {all}");
            }
        }
    }
}

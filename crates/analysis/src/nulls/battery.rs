//! Every statistic of a map in one pass: what units and their surrogates share.

use super::isotropic::IsotropicPlan;
use crate::autocorrelogram::{Autocorrelator, Workspace};
use crate::config::CheckedAnalyzeConfig;
use crate::fft::Fft2;
use crate::grid_score::{Annuli, Masks, Score, Undefined};
use crate::ratemap::Ratemaps;
use crate::rebin::Rebin;

/// A statistic that has a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// 60° score on growing annuli.
    Sargolini,
    /// 60° score on fixed masks.
    Banino,
    /// 90° score on growing annuli.
    Square90,
    /// Share of the power in the strongest wave.
    Periodicity,
}

impl Statistic {
    /// All of them, in the order of scores.
    pub const ALL: [Self; 4] = [Self::Sargolini, Self::Banino, Self::Square90, Self::Periodicity];
}

/// Plans for all maps of one arena.
#[derive(Clone)]
pub struct Battery {
    shape: (usize, usize),
    bins: Vec<usize>,
    fine: Autocorrelator,
    annuli: Annuli,
    rebin: Rebin,
    coarse: Autocorrelator,
    masks: Masks,
    /// Frequencies of the fine transform with enough cycles across the box.
    waves: Vec<usize>,
    isotropic: IsotropicPlan,
}

/// Buffers of one thread.
pub(crate) struct BatteryWorkspace {
    fine: Workspace,
    coarse: Workspace,
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
        let reach = |bin: f64, n: usize| ((config.grid_score.outer_fraction * shorter / bin).floor() as usize + 2).min(n - 1);
        let min_overlap = config.autocorrelogram.min_overlap;
        let fine = Autocorrelator::within(&visited, min_overlap, [reach(bin_m.0, rows), reach(bin_m.1, cols)]);
        let annuli = Annuli::new(fine.shape(), bin_m, shorter, &config.grid_score);
        let rebin = Rebin::new(&ratemaps.occupancy, Masks::BINS);
        let coarse = Autocorrelator::new(&rebin.visited(), min_overlap);
        let masks = Masks::new(coarse.shape(), (arena.height_m / rebin.rows as f64, arena.width_m / rebin.cols as f64));
        let waves = waves(fine.padded(), bin_m, config.spectrum.min_cycles / shorter);
        let bins: Vec<usize> = visited.iter().enumerate().filter(|(_, seen)| **seen).map(|(bin, _)| bin).collect();
        let isotropic = IsotropicPlan::new((rows, cols), &bins, bin_m);
        Self { shape: (rows, cols), bins, fine, annuli, rebin, coarse, masks, waves, isotropic }
    }

    pub(crate) fn workspace(&self) -> BatteryWorkspace {
        BatteryWorkspace { fine: self.fine.workspace(), coarse: self.coarse.workspace() }
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
    pub(crate) fn score(&self, map: &[f64], workspace: &mut BatteryWorkspace) -> [Score; 4] {
        self.score_pair(map, map, workspace)[0]
    }

    /// Two maps' scores.
    pub(crate) fn score_pair(&self, first: &[f64], second: &[f64], workspace: &mut BatteryWorkspace) -> [[Score; 4]; 2] {
        self.fine.pair(first, second, &mut workspace.fine);
        self.coarse.pair(&self.rebin.apply(first), &self.rebin.apply(second), &mut workspace.coarse);
        [0, 1].map(|which| {
            let [sargolini, square] = self.annuli.scores(&workspace.fine.result[which]);
            let banino = self.masks.banino(&workspace.coarse.result[which]);
            [sargolini, banino, square, self.periodicity(&workspace.fine.power[which])]
        })
    }

    /// Largest share of the power that one frequency holds.
    fn periodicity(&self, power: &[f64]) -> Score {
        let (mut largest, mut sum) = (0.0_f64, 0.0);
        for &wave in &self.waves {
            largest = largest.max(power[wave]);
            sum += power[wave];
        }
        if sum > 0.0 { Score::defined(largest / sum) } else { Score::undefined(Undefined::NoAutocorrelogram) }
    }
}

fn waves(plan: &Fft2, bin_m: (f64, f64), lowest: f64) -> Vec<usize> {
    (0..plan.len())
        .filter(|index| {
            let ky = Fft2::signed(index % plan.rows, plan.rows) / (plan.rows as f64 * bin_m.0);
            let kx = Fft2::signed(index / plan.rows, plan.cols) / (plan.cols as f64 * bin_m.1);
            kx.hypot(ky) >= lowest
        })
        .collect()
}

//! The search over candidate lattices.

use super::candidates::Padded;
use super::errors::{self, SpectrumErrors};
use super::fit::{Fit, Grid, SINGLE, SINGLE_WITH_HARMONICS, TRIAD, WITH_HARMONICS};
use super::moments::Moments;
use super::noise::NoisePlan;
use super::{NoSpectrum, UnitSpectrum};
use crate::config::SpectrumConfig;
use crate::lattice::{self, LatticeShape, Wave, norm, same_lattice, superbase};
use crate::linear::dot;
use ndarray::{Array2, ArrayView2};

/// Candidates refined with three waves, and of those with nine.
const REFINED: usize = 6;
const FINISHED: usize = 3;
/// Fewest visited bins: twice the unknowns of the largest fit.
const FEWEST_BINS: usize = 46;

/// The search for waves in maps that share their visited bins.
#[derive(Clone)]
pub struct SpectrumSearch {
    grid: Grid,
    padded: Padded,
    noise: NoisePlan,
    lowest: f64,
    band_power_ratio: f64,
}

struct Candidate {
    triad: [Wave; 3],
    three: f64,
    nine: Fit,
}

impl SpectrumSearch {
    /// For maps with these visited bins, `(ny, nx)`, of a box of `width_m` by `height_m` metres.
    pub fn new(visited: &Array2<bool>, width_m: f64, height_m: f64, config: &SpectrumConfig) -> Self {
        let (rows, cols) = visited.dim();
        let lowest = config.min_cycles / width_m.min(height_m);
        let grid = Grid::new(visited, width_m, height_m);
        Self {
            noise: NoisePlan::new(&grid),
            grid,
            padded: Padded::new(rows, cols, width_m, height_m, config.padding, lowest),
            lowest,
            band_power_ratio: config.band_power_ratio,
        }
    }

    /// The waves of one map, `(ny, nx)`; unvisited bins are not read.
    ///
    /// # Errors
    /// [`NoSpectrum`] says why there are none.
    ///
    /// # Panics
    /// Where `map` has another shape than the mask.
    pub fn find(&self, map: ArrayView2<'_, f64>) -> Result<UnitSpectrum, NoSpectrum> {
        self.find_with_errors(map).map(|(spectrum, _)| spectrum)
    }

    /// As [`Self::find`], with the standard errors; `None` for those where the map does not tell the waves' components apart.
    ///
    /// # Errors
    /// [`NoSpectrum`] says why there are no waves.
    ///
    /// # Panics
    /// Where `map` has another shape than the mask.
    pub fn find_with_errors(&self, map: ArrayView2<'_, f64>) -> Result<(UnitSpectrum, Option<SpectrumErrors>), NoSpectrum> {
        assert_eq!(map.dim(), self.padded.shape(), "the map has the mask's shape");
        let values = self.standardised(map)?;
        let (peaks, hexagonal) = self.padded.search(&self.grid, &values, &mut self.padded.scratch());
        let moments = Moments::new(&self.grid, &values);
        let single = self.best_single(&peaks, &moments);
        let lattice = self.best_lattice(&peaks, &hexagonal, &moments);
        match (single, lattice) {
            (None, None) => Err(NoSpectrum::NoWave),
            (Some(band), None) => Ok(self.band(&band, &moments, &values)),
            (Some(band), Some(found)) if found.three < (1.0 + self.band_power_ratio) * band.explained => {
                Ok(self.band(&band, &moments, &values))
            }
            (_, Some(found)) => {
                let errors = errors::of_lattice((&moments, &self.noise), found.nine.k, &found.triad, &WITH_HARMONICS, &values);
                Ok((of_lattice(&found), errors))
            }
        }
    }

    /// The visited bins' rates with mean 0 and variance 1.
    fn standardised(&self, map: ArrayView2<'_, f64>) -> Result<Vec<f64>, NoSpectrum> {
        let count = self.grid.bins.len();
        if count < FEWEST_BINS {
            return Err(NoSpectrum::TooFewBins);
        }
        let mut values: Vec<f64> = self.grid.bins.iter().map(|&(_, row, col)| map[[row, col]]).collect();
        let largest = values.iter().fold(0.0_f64, |m, v| if v.is_finite() { m.max(v.abs()) } else { f64::INFINITY });
        if !largest.is_finite() {
            return Err(NoSpectrum::NotFinite);
        }
        if largest == 0.0 {
            return Err(NoSpectrum::Constant);
        }
        for value in &mut values {
            *value /= largest;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        for value in &mut values {
            *value -= mean;
        }
        let variance = dot(&values, &values) / count as f64;
        if variance <= 1e-24 {
            return Err(NoSpectrum::Constant);
        }
        let deviation = variance.sqrt();
        for value in &mut values {
            *value /= deviation;
        }
        Ok(values)
    }

    fn best_single(&self, peaks: &[Wave], moments: &Moments<'_>) -> Option<Fit> {
        let mut starts: Vec<(f64, Wave)> = peaks.iter().filter_map(|&k| Some((moments.explained([k, [0.0; 2]], &SINGLE)?, k))).collect();
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let refined = starts.iter().take(2).filter_map(|&(_, k)| moments.refine([k, [0.0; 2]], &SINGLE, false));
        refined.filter(|fit| norm(fit.k[0]) >= self.lowest).max_by(|a, b| a.explained.total_cmp(&b.explained))
    }

    fn best_lattice(&self, peaks: &[Wave], hexagonal: &[[Wave; 2]], moments: &Moments<'_>) -> Option<Candidate> {
        let mut starts: Vec<[Wave; 3]> = Vec::new();
        let pairs = peaks.iter().enumerate().flat_map(|(i, &a)| peaks[i + 1..].iter().map(move |&b| [a, b]));
        for [a, b] in hexagonal.iter().copied().chain(pairs) {
            // Under 15° apart, two peaks are one blurred peak or a wave and its harmonic.
            if lattice::cross(a, b).abs() < 15.0_f64.to_radians().sin() * norm(a) * norm(b) {
                continue;
            }
            if let Some(triad) = superbase(a, b).filter(|triad| self.long_enough(triad))
                && !starts.iter().any(|other| same_lattice(other, &triad, 0.02))
            {
                starts.push(triad);
            }
        }
        let mut ranked: Vec<(f64, [Wave; 3])> =
            starts.into_iter().filter_map(|triad| Some((moments.explained([triad[0], triad[1]], &TRIAD)?, triad))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut refined: Vec<(f64, [Wave; 3])> = Vec::new();
        for (_, triad) in ranked.into_iter().take(REFINED) {
            let Some(fit) = moments.refine([triad[0], triad[1]], &TRIAD, true) else { continue };
            let Some(triad) = superbase(fit.k[0], fit.k[1]).filter(|triad| self.long_enough(triad)) else { continue };
            if !refined.iter().any(|(_, other)| same_lattice(other, &triad, 0.01)) {
                refined.push((fit.explained, triad));
            }
        }
        refined.sort_by(|a, b| b.0.total_cmp(&a.0));
        let finished = refined.into_iter().take(FINISHED).filter_map(|(three, triad)| {
            let nine = moments.refine([triad[0], triad[1]], &WITH_HARMONICS, true)?;
            let triad = superbase(nine.k[0], nine.k[1]).filter(|triad| self.long_enough(triad))?;
            Some(Candidate { triad, three, nine })
        });
        finished.max_by(|a, b| (a.three + a.nine.explained).total_cmp(&(b.three + b.nine.explained)))
    }

    fn long_enough(&self, triad: &[Wave; 3]) -> bool {
        triad.iter().all(|&k| norm(k) >= self.lowest)
    }

    fn band(&self, single: &Fit, moments: &Moments<'_>, values: &[f64]) -> (UnitSpectrum, Option<SpectrumErrors>) {
        let finished = moments.refine(single.k, &SINGLE_WITH_HARMONICS, false).unwrap_or_else(|| single.clone());
        let k = if finished.k[0][1] < 0.0 || (finished.k[0][1] == 0.0 && finished.k[0][0] < 0.0) {
            [-finished.k[0][0], -finished.k[0][1]]
        } else {
            finished.k[0]
        };
        let wavelength_m = 1.0 / norm(k);
        let spectrum = UnitSpectrum {
            waves: [k, [f64::NAN; 2], [f64::NAN; 2]],
            wavelength_m,
            spacing_m: wavelength_m * 2.0 / 3.0_f64.sqrt(),
            period_m: wavelength_m,
            orientation_rad: f64::NAN,
            shape: LatticeShape::Band,
            explained: single.explained,
            explained_with_harmonics: finished.explained,
        };
        (spectrum, errors::of_band((moments, &self.noise), k, &SINGLE_WITH_HARMONICS, values))
    }
}

fn of_lattice(found: &Candidate) -> UnitSpectrum {
    let wavelength_m = lattice::wavelength_m(&found.triad);
    UnitSpectrum {
        waves: found.triad,
        wavelength_m,
        spacing_m: wavelength_m * 2.0 / 3.0_f64.sqrt(),
        period_m: lattice::period_m(&found.triad),
        orientation_rad: lattice::orientation_rad(&found.triad),
        shape: lattice::shape(&found.triad),
        explained: found.three,
        explained_with_harmonics: found.nine.explained,
    }
}

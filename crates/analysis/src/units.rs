//! Every unit's analysis in one call.

use gridlake_space::seed::Seed;
use ndarray::Array2;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::autocorrelogram::{self, Autocorrelator, AutocorrelogramPeaks};
use crate::classes::{self, Evidence, UnitClass, classify};
use crate::config::CheckedAnalyzeConfig;
use crate::lattice_consensus::{self, LatticeConsensus};
use crate::measures::{self, Measured};
use crate::nulls::shift::ShiftedSums;
use crate::nulls::{Battery, BatteryWorkspace, NullKind, ScoreWithNull, Statistic, with_nulls};
use crate::ratemap::Ratemaps;
use crate::spectrum::{self, Agreement, SpectrumErrors, SpectrumSearch, UnitSpectrum};

/// One unit in one arena: scores with their nulls, wave vectors, class.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitAnalysis {
    /// Index of the unit, from 0.
    pub unit: usize,
    /// Whether the unit fires in more than `classes.dead_share` of the visited bins.
    pub active: bool,
    /// Largest rate over visited bins (NaN: no bin visited).
    pub peak_rate: f64,
    /// Mean rate over visited bins, each bin counted once (NaN: no bin visited).
    pub mean_rate: f64,
    /// The unit's class.
    pub class: UnitClass,
    /// Why it has that class, in one sentence.
    pub class_reason: String,
    /// 60° score, annuli from the central peak's edge outwards.
    pub sargolini: ScoreWithNull,
    /// 60° score, fixed masks on 20 bins.
    pub banino: ScoreWithNull,
    /// 90° score, annuli as `sargolini`.
    pub square: ScoreWithNull,
    /// How unevenly the power of the map's waves is spread over directions (`Σ P² / Σ S² / n` over rings: 1 for even ones), and how often the
    /// null reaches it: the test for bands and other lattices.
    pub periodicity: ScoreWithNull,
    /// Wave vectors, period and orientation; `None` where there are none to fit.
    pub spectrum: Option<UnitSpectrum>,
    /// Why there is no spectrum.
    pub spectrum_reason: Option<String>,
    /// Standard errors of the spectrum; `None` without one, or where the map does not tell the waves' components apart.
    pub spectrum_errors: Option<SpectrumErrors>,
    /// Spacing, orientation, ellipse and lattice from the autocorrelogram's neighbouring peaks.
    pub peaks: Option<AutocorrelogramPeaks>,
    /// Why there are no peaks.
    pub peaks_reason: Option<String>,
    /// Whether spectrum and autocorrelogram tell the same lattice; `None` where either is missing, whose reason says why.
    pub agreement: Option<Agreement>,
    /// Whether fields repeat and the autocorrelogram has the spectrum's lattice of two dimensions, whatever the nulls say.
    pub lattice_confirmed: bool,
    /// Spatial information, bits per event.
    pub spatial_information_bits: Measured,
    /// Skaggs' sparsity, 0 to 1: small is sparse.
    pub sparsity: Measured,
    /// Pearson's r of each bin with the mean of its neighbours.
    pub coherence: Measured,
    /// Pearson's r of the two halves' maps; undefined without them.
    pub stability: Measured,
    /// Border score with its null, on the same surrogates.
    pub border_score: ScoreWithNull,
    /// Wall score (the border score, and of maps along a wall how strong they are there) with its null, on the same surrogates.
    pub wall_score: ScoreWithNull,
}

/// The analysis of all units of one arena.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitsAnalysis {
    /// One entry per unit, in order.
    pub units: Vec<UnitAnalysis>,
    /// One autocorrelogram per unit: `(2 ny - 1) x (2 nx - 1)` lags, zero lag in the middle, NaN = undefined.
    pub autocorrelograms: Vec<Array2<f64>>,
    /// What the population agrees on.
    pub consensus: LatticeConsensus,
}

/// What one arena's units share: its bins, how often each was visited, and all plans made from them. Units can then be analyzed some at a time.
pub struct ArenaPlan<'a> {
    config: &'a CheckedAnalyzeConfig,
    seed: Seed,
    occupancy: Array2<u32>,
    battery: Battery,
    spectra: SpectrumSearch,
    lags: Autocorrelator,
}

/// What units are held against besides their maps, each of the same units in the same order.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// Maps of the two halves of the recording, not smoothed, on the same bins, for stability alone; without them it is undefined.
    pub halves: Option<[&'a Ratemaps; 2]>,
    /// The same maps before they were smoothed, for coherence alone, which smoothing makes by itself; without them it is that of the maps.
    pub unsmoothed: Option<&'a Ratemaps>,
    /// Shifted activity, which makes the null where it is of the kind [`crate::nulls::NullKind::TrajectoryShift`]; without it there are no p-values then.
    pub shifted: Option<&'a ShiftedSums<'a>>,
}

/// What [`ArenaPlan::units`] calls after each unit, with the number of units done.
pub type Progress<'a> = &'a (dyn Fn(usize) -> ControlFlow<()> + Sync);

/// Analyzes every unit: autocorrelogram and its peaks, scores with nulls, wave vectors, measures, class; then the population's lattice. Without maps of the
/// recording's halves, stability is undefined; [`ArenaPlan::units`] takes them.
///
/// * `ratemaps`: the maps, as binned (and smoothed, if at all) by the caller.
/// * `seed`, `progress`: as for [`ArenaPlan`].
///
/// Returns `None` only where `progress` broke.
///
/// Silent, constant, hardly visited or non-finite maps are outcomes with a reason, never errors. Non-finite rates in visited bins leave a unit
/// without scores.
pub fn analyze(ratemaps: &Ratemaps, config: &CheckedAnalyzeConfig, seed: Seed, progress: Option<Progress<'_>>) -> Option<UnitsAnalysis> {
    let found = ArenaPlan::new(ratemaps, config, seed).units(ratemaps, 0, Beside::default(), progress)?;
    let (units, autocorrelograms): (Vec<UnitAnalysis>, Vec<Array2<f64>>) = found.into_iter().unzip();
    let active: Vec<_> = units.iter().filter(|unit| unit.active).map(|unit| (unit.unit, unit.spectrum.as_ref())).collect();
    let consensus = lattice_consensus::consensus(&active, &config.lattice_consensus);
    Some(UnitsAnalysis { units, autocorrelograms, consensus })
}

impl<'a> ArenaPlan<'a> {
    /// Plans for the arena of these maps, of whichever units.
    ///
    /// `seed`: the surrogates of unit `u` come from the stream `analysis/nulls` number `u`, so the result depends neither on the number of threads nor on
    /// the other units.
    pub fn new(ratemaps: &Ratemaps, config: &'a CheckedAnalyzeConfig, seed: Seed) -> Self {
        let visited = ratemaps.visited();
        let arena = &ratemaps.bins.arena;
        Self {
            config,
            seed,
            battery: Battery::new(ratemaps, config),
            spectra: SpectrumSearch::new(&visited, arena.width_m, arena.height_m, &config.spectrum),
            lags: Autocorrelator::new(&visited, config.autocorrelogram.min_overlap),
            occupancy: ratemaps.occupancy.clone(),
        }
    }

    /// Analyzes the units of these maps: unit `first` and those after it. Returns each one's analysis and autocorrelogram, as [`UnitsAnalysis`] has them; they
    /// are the same, to the bit, in whatever portions units come.
    ///
    /// `progress` is called after each unit with the number of units done so far, from any thread; where it breaks, no further unit is begun. Returns `None`
    /// only then.
    ///
    /// # Panics
    /// Where the maps have other bins than the plan, or other visits.
    pub fn units(
        &self,
        ratemaps: &Ratemaps,
        first: usize,
        beside: Beside<'_>,
        progress: Option<Progress<'_>>,
    ) -> Option<Vec<(UnitAnalysis, Array2<f64>)>> {
        assert!(self.occupancy == ratemaps.occupancy, "maps of the plan's arena");
        let (done, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        (0..ratemaps.units())
            .into_par_iter()
            .map_init(
                || self.battery.workspace(),
                |workspace, place| {
                    if stopped.load(Ordering::Relaxed) {
                        return None;
                    }
                    let mut result = self.unit(ratemaps, place, first + place, beside.shifted, workspace);
                    result.0.stability = stability(beside.halves, place).into();
                    if let Some(unsmoothed) = beside.unsmoothed {
                        result.0.coherence = measures::coherence(unsmoothed.map(place)).into();
                    }
                    if progress.is_some_and(|report| report(done.fetch_add(1, Ordering::Relaxed) + 1).is_break()) {
                        stopped.store(true, Ordering::Relaxed);
                        return None;
                    }
                    Some(result)
                },
            )
            .collect()
    }

    /// One unit, whose map is at `place`.
    fn unit(
        &self,
        ratemaps: &Ratemaps,
        place: usize,
        unit: usize,
        shifted: Option<&ShiftedSums<'_>>,
        workspace: &mut BatteryWorkspace,
    ) -> (UnitAnalysis, Array2<f64>) {
        let map = ratemaps.map(place);
        let autocorrelogram = self.lags.map(map);
        let mut result = UnitAnalysis {
            unit,
            active: false,
            peak_rate: ratemaps.peak_rate(place),
            mean_rate: ratemaps.mean_rate(place),
            class: UnitClass::Dead,
            class_reason: String::new(),
            sargolini: ScoreWithNull::undefined("dead"),
            banino: ScoreWithNull::undefined("dead"),
            square: ScoreWithNull::undefined("dead"),
            periodicity: ScoreWithNull::undefined("dead"),
            spectrum: None,
            spectrum_reason: Some("dead".to_owned()),
            spectrum_errors: None,
            peaks: None,
            peaks_reason: Some("dead".to_owned()),
            agreement: None,
            lattice_confirmed: false,
            spatial_information_bits: measures::spatial_information(map, &self.occupancy).into(),
            sparsity: measures::sparsity(map, &self.occupancy).into(),
            coherence: measures::coherence(map).into(),
            stability: Measured::undefined(&measures::Undefined::NoHalves),
            border_score: ScoreWithNull::undefined("dead"),
            wall_score: ScoreWithNull::undefined("dead"),
        };
        let visited = self.occupancy.iter().filter(|&&visits| visits > 0).count();
        let finite = self.occupancy.iter().zip(&map).all(|(&visits, rate)| visits == 0 || rate.is_finite());
        let firing = map.iter().filter(|rate| **rate > self.config.classes.silent_rate).count();
        if visited == 0 {
            "no bin was visited".clone_into(&mut result.class_reason);
            return (result, autocorrelogram);
        }
        if !finite {
            let reason = "the map holds rates that are not finite";
            result.active = true;
            result.class = UnitClass::Untuned;
            reason.clone_into(&mut result.class_reason);
            for score in [
                &mut result.sargolini,
                &mut result.banino,
                &mut result.square,
                &mut result.periodicity,
                &mut result.border_score,
                &mut result.wall_score,
            ] {
                *score = ScoreWithNull::undefined(reason);
            }
            result.spectrum_reason = Some(reason.to_owned());
            result.peaks_reason = Some(reason.to_owned());
            return (result, autocorrelogram);
        }
        if firing as f64 <= self.config.classes.dead_share * visited as f64 {
            result.class_reason = format!("fires in {firing} of {visited} visited bins");
            return (result, autocorrelogram);
        }
        result.active = true;
        let flat: Vec<f64> = map.iter().copied().collect();
        let mut stream = self.seed.stream("analysis/nulls", unit as u64);
        let scores = match shifted.filter(|_| self.config.nulls.kind == NullKind::TrajectoryShift) {
            Some(shifted) => self.battery.against(&flat, &shifted.ratemaps(place).smoothed(self.config.ratemap.smoothing_m)),
            None => with_nulls(&self.battery, &flat, &self.config.nulls, &mut stream, workspace),
        };
        for (statistic, score) in scores {
            match statistic {
                Statistic::Sargolini => result.sargolini = score,
                Statistic::Banino => result.banino = score,
                Statistic::Square90 => result.square = score,
                Statistic::Periodicity => result.periodicity = score,
                Statistic::Border => result.border_score = score,
                Statistic::WallScore => result.wall_score = score,
            }
        }
        match self.spectra.find_with_errors(map) {
            Ok((spectrum, errors)) => (result.spectrum, result.spectrum_errors, result.spectrum_reason) = (Some(spectrum), errors, None),
            Err(reason) => result.spectrum_reason = Some(reason.to_string()),
        }
        match autocorrelogram::peaks(autocorrelogram.view(), &ratemaps.bins) {
            Ok(peaks) => (result.peaks, result.peaks_reason) = (Some(peaks), None),
            Err(reason) => result.peaks_reason = Some(reason.to_string()),
        }
        if let (Some(spectrum), Some(peaks)) = (&result.spectrum, &result.peaks) {
            result.agreement = Some(spectrum::agreement(spectrum, peaks));
        }
        let evidence = Evidence {
            sargolini: &result.sargolini,
            square: &result.square,
            periodicity: &result.periodicity,
            border: &result.border_score,
            wall_score: &result.wall_score,
            spectrum: result.spectrum.as_ref(),
            agreement: result.agreement.as_ref(),
            repeats: classes::repeats(map),
        };
        result.lattice_confirmed = evidence.repeating_lattice();
        let mut stream = self.seed.stream("analysis/neighbours", unit as u64);
        let (class, reason) = classify(map, &evidence, &self.config.classes, self.config.nulls.count, &mut stream);
        (result.class, result.class_reason) = (class, reason);
        (result, autocorrelogram)
    }
}

fn stability(halves: Option<[&Ratemaps; 2]>, place: usize) -> Result<f64, measures::Undefined> {
    let [a, b] = halves.ok_or(measures::Undefined::NoHalves)?;
    if place >= a.units().min(b.units()) {
        return Err(measures::Undefined::Shapes);
    }
    measures::stability(a.map(place), b.map(place))
}

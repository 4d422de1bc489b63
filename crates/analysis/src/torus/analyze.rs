//! The test, from a module's activity to the verdict and what hangs on it.

use super::agreement::{PhaseAgreement, agreement};
use super::cloud::{Cloud, cloud, varying_units};
use super::config::CheckedTorusConfig;
use super::coordinates::{Coordinates, SHARE, angles, decode};
use super::error::TorusError;
use super::maps::{TorusMaps, torus_maps};
use super::nulls::{Surrogates, keeps_lattice};
use super::sample::TorusSample;
use super::verdict::{Verdict, lengths};
use super::waves::{PlaneWave, WaveMatch, match_waves, plane_wave};
use crate::homology::{Bar, HomologyError, Options, Persistence, Progress, estimate_bytes, persistence};
use crate::lattice::{LatticeShape, Wave, reduced_ratio_and_angle, shape, superbase};
use gridlake_space::seed::Seed;
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the Fourier analysis knows of the same units, to be held against the torus.
#[derive(Debug, Clone, Copy)]
pub struct FourierPhases<'a> {
    /// The module's first two waves, cycles per metre.
    pub waves: [Wave; 2],
    /// Per unit of the sample: φ₁, φ₂ of these waves, rad, origin in the arena's middle; NaN where unknown.
    pub phases_rad: &'a [[f64; 2]],
}

/// Fewest units at which a negative answer counts: the random phases of fewer leave a module's torus thin in places (of 16 units, one module in five is missed;
/// `docs/validation.md`). A positive answer of fewer stands, as its level does not depend on them.
const UNITS_FOR_NO: usize = 24;

/// Is told `(surrogates done, of how many)` now and then, and can stop the work by `Break`.
pub type TorusWatch<'a> = &'a (dyn Fn(usize, usize) -> ControlFlow<()> + Sync);

/// Bars of one surrogate.
#[derive(Debug, Clone, PartialEq)]
pub struct SurrogateBars {
    /// Its number, from 0.
    pub index: usize,
    /// Per dimension 0 to 2, the longest first.
    pub bars: Vec<Vec<Bar>>,
    /// The largest scale looked at.
    pub threshold: f64,
    /// Share of the variance in the components.
    pub explained: f64,
}

/// What was found of one module.
#[derive(Debug, Clone, PartialEq)]
pub struct TorusAnalysis {
    /// Units whose activity varies.
    pub units: usize,
    /// Moments of the sample.
    pub moments: usize,
    /// Landmarks that homology was computed of; 0 where it was not.
    pub points: usize,
    /// Share of the units' variance in the components, 0 to 1; NaN without a cloud.
    pub explained: f64,
    /// Per dimension 0 to 2, the longest first; empty without a cloud.
    pub bars: Vec<Vec<Bar>>,
    /// The largest scale looked at; NaN without a cloud.
    pub threshold: f64,
    /// The surrogates' bars.
    pub surrogates: Vec<SurrogateBars>,
    /// Betti numbers, p-values and the answer.
    pub verdict: Verdict,
    /// Of a torus: its coordinates, and what units do on it.
    pub torus: Option<OnTheTorus>,
    /// Why there are no coordinates.
    pub no_coordinates: Option<String>,
    /// Most memory that homology held for one cloud, bytes.
    pub peak_bytes: u64,
}

impl TorusAnalysis {
    /// The length that a bar of a dimension must exceed for a p-value of at most `alpha`; `None` with too few surrogates for that.
    pub fn null_level(&self, dimension: usize, alpha: f64) -> Option<f64> {
        let mut longest = longest(&self.surrogates, dimension);
        longest.sort_by(|a, b| b.total_cmp(a));
        // As many surrogates may reach a significant bar's length.
        let allowed = (alpha * (1 + longest.len()) as f64 + 1e-9).floor() as usize;
        allowed.checked_sub(1).map(|allowed| longest.get(allowed).copied().unwrap_or(0.0))
    }
}

/// Of each surrogate the length of its longest bar; 0 without any.
fn longest(surrogates: &[SurrogateBars], dimension: usize) -> Vec<f64> {
    surrogates.iter().map(|one| lengths(&one.bars[dimension], dimension, one.threshold).first().copied().unwrap_or(0.0)).collect()
}

/// Two angles, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct OnTheTorus {
    /// The angles.
    pub coordinates: Coordinates,
    /// How θ₁ and θ₂ turn across the arena.
    pub waves: [PlaneWave; 2],
    /// Ratio (≥ 1) and angle (π/3 to π/2, rad) of the lattice of these two waves, and its shape; `None` where they are collinear.
    pub lattice: Option<(f64, f64, LatticeShape)>,
    /// The waves in terms of the module's own; `None` where these were not given.
    pub matched: Option<WaveMatch>,
    /// Whether units' places on the torus are their phases; `None` where waves do not match or phases were not given.
    pub agreement: Option<PhaseAgreement>,
    /// Maps on the torus.
    pub maps: TorusMaps,
}

/// Tests whether the states of a module's units make a torus, and gives them coordinates if they do.
///
/// * `sample`: the units of one module, some thousand moments spread over the arena.
/// * `fourier`: the module's waves and phases, for the cross-check.
/// * `seed`: surrogates come from its streams `analysis/torus/surrogates`, number by number, permutations from `analysis/torus/agreement`; modules should have seeds of their own.
/// * `watch`: progress, and a way to stop.
///
/// Surrogates run in parallel, as many as the memory limit has room for; the same input has the same bits on any number of threads.
///
/// # Errors
/// [`TorusError`]: input that is not finite or does not fit together, homology beyond the memory limit, an interruption. Too few units or moments, constant activity and too few
/// surrogates are no errors but verdicts with `is_torus` `None` and the reason; so is a negative answer of fewer than 24 units, and where
/// surrogates have the module's lattice ([`super::nulls`]).
pub fn analyze_torus(
    sample: TorusSample<'_>,
    fourier: Option<FourierPhases<'_>>,
    config: &CheckedTorusConfig,
    seed: Seed,
    watch: Option<TorusWatch<'_>>,
) -> Result<TorusAnalysis, TorusError> {
    sample.check()?;
    if let Some(fourier) = fourier
        && fourier.phases_rad.len() != sample.activity.ncols()
    {
        return Err(TorusError::Phases { phases: fourier.phases_rad.len(), units: sample.activity.ncols() });
    }
    let by_unit = sample.activity.t().as_standard_layout().into_owned();
    let units = varying_units(by_unit.view()).len();
    let none = |reason: String| TorusAnalysis {
        units,
        moments: sample.activity.nrows(),
        points: 0,
        explained: f64::NAN,
        bars: Vec::new(),
        threshold: f64::NAN,
        surrogates: Vec::new(),
        no_coordinates: Some(reason.clone()),
        verdict: Verdict::none(reason),
        torus: None,
        peak_bytes: 0,
    };
    if units < config.min_units {
        let still = sample.activity.ncols() - units;
        let aside = if still > 0 { format!(" ({still} more are constant)") } else { String::new() };
        return Ok(none(format!("too few units: {units} of at least {}{aside}", config.min_units)));
    }
    let limit = config.memory_bytes();
    let progress = Counter { watch, done: AtomicUsize::new(0), total: config.surrogates };
    let (data, found) = match bars_of(by_unit.view(), config, 2, limit, &progress)? {
        Ok(both) => both,
        Err(reason) => return Ok(none(reason)),
    };
    let null = Surrogates::new(sample.positions_m, sample.arena, by_unit.view(), config.null, seed);
    let surrogates = all_surrogates(&null, found.peak_bytes, config, &progress)?;
    let own = [0, 1, 2].map(|dimension| lengths(&found.bars[dimension], dimension, found.threshold));
    let mut verdict = Verdict::new(&own, &[0, 1, 2].map(|dimension| longest(&surrogates, dimension)), config.alpha);
    if 2 * surrogates.len() < config.surrogates {
        (verdict.betti, verdict.is_torus) = (None, None);
        verdict.reason = format!("only {} of {} surrogates have a cloud", surrogates.len(), config.surrogates);
    }
    if verdict.is_torus == Some(false) {
        if units < UNITS_FOR_NO {
            verdict.withdraw(&format!("too few units to tell that it is none: {units} of at least {UNITS_FOR_NO}"));
        } else if fourier.is_some_and(|fourier| keeps_lattice(config.null, sample.arena, fourier.waves)) {
            let whole = "the arena holds whole numbers of periods, so displaced units have the lattice too, and surrogates may be tori: test in an arena of another size";
            verdict.withdraw(whole);
        }
    }
    let on_the_torus = if verdict.is_torus == Some(true) {
        on_the_torus(sample, fourier, &data, &found, config.map_bins, seed)
    } else {
        Err(format!("no torus, no coordinates: {}", verdict.reason))
    };
    let (torus, no_coordinates) = match on_the_torus {
        Ok(torus) => (Some(torus), None),
        Err(reason) => (None, Some(reason)),
    };
    Ok(TorusAnalysis {
        units,
        moments: sample.activity.nrows(),
        points: data.landmarks.len(),
        explained: data.explained,
        bars: found.bars,
        threshold: found.threshold,
        surrogates,
        verdict,
        torus,
        no_coordinates,
        peak_bytes: found.peak_bytes,
    })
}

/// Surrogates done, and whom to tell.
struct Counter<'a> {
    watch: Option<TorusWatch<'a>>,
    done: AtomicUsize,
    total: usize,
}

impl Counter<'_> {
    fn tell(&self) -> ControlFlow<()> {
        self.watch.map_or(ControlFlow::Continue(()), |watch| watch(self.done.load(Ordering::Relaxed), self.total))
    }

    fn stopped(&self) -> TorusError {
        TorusError::Interrupted { done: self.done.load(Ordering::Relaxed), total: self.total }
    }
}

/// The pipeline that data and surrogates go through: a cloud and its bars, or why there is none.
fn bars_of(
    by_unit: ArrayView2<'_, f32>,
    config: &CheckedTorusConfig,
    cocycles: usize,
    memory_limit_bytes: u64,
    progress: &Counter<'_>,
) -> Result<Result<(Cloud, Persistence), String>, TorusError> {
    let cloud = match cloud(by_unit, config)? {
        Ok(cloud) => cloud,
        Err(reason) => return Ok(Err(reason)),
    };
    let options = Options { prime: config.prime, max_dimension: 2, threshold: cloud.threshold, cocycles, memory_limit_bytes };
    let told = |_: Progress| progress.tell();
    match persistence(&cloud.distances, &options, Some(&told)) {
        Ok(found) => Ok(Ok((cloud, found))),
        Err(HomologyError::Interrupted { .. }) => Err(progress.stopped()),
        Err(error) => Err(error.into()),
    }
}

/// All surrogates through the pipeline, as many at once as have room by the estimate, or if each needs half as much again as the data; one that needs more gets all of it, alone.
fn all_surrogates(
    null: &Surrogates<'_>,
    data_bytes: u64,
    config: &CheckedTorusConfig,
    progress: &Counter<'_>,
) -> Result<Vec<SurrogateBars>, TorusError> {
    let (limit, points, threads) = (config.memory_bytes(), config.landmarks(), rayon::current_num_threads());
    let each = estimate_bytes(points, points * (points - 1) / 2, threads).max(data_bytes + data_bytes / 2).max(1);
    let at_once = usize::try_from((limit / each).max(1)).unwrap_or(usize::MAX).min(config.surrogates.max(1));
    let share = limit / at_once.min(threads) as u64;
    let one = |index: usize, memory: u64| -> Result<Option<SurrogateBars>, TorusError> {
        if progress.tell().is_break() {
            return Err(progress.stopped());
        }
        let found = bars_of(null.draw(index).view(), config, 0, memory, progress)?;
        progress.done.fetch_add(1, Ordering::Relaxed);
        Ok(found.ok().map(|(cloud, found)| SurrogateBars {
            index,
            bars: found.bars,
            threshold: found.threshold,
            explained: cloud.explained,
        }))
    };
    let mut all = Vec::with_capacity(config.surrogates);
    for from in (0..config.surrogates).step_by(at_once) {
        let some: Vec<_> =
            (from..(from + at_once).min(config.surrogates)).into_par_iter().map(|index| (index, one(index, share))).collect();
        for (index, found) in some {
            all.extend(match found {
                Err(TorusError::Homology(HomologyError::Memory { .. })) if share < limit => one(index, limit)?,
                other => other?,
            });
        }
    }
    Ok(all)
}

/// Coordinates, waves, maps and the cross-check.
fn on_the_torus(
    sample: TorusSample<'_>,
    fourier: Option<FourierPhases<'_>>,
    cloud: &Cloud,
    found: &Persistence,
    bins: usize,
    seed: Seed,
) -> Result<OnTheTorus, String> {
    let angles = angles(&found.cocycles, &cloud.distances, found.threshold, SHARE)?;
    let (moments_rad, decoded) = decode(cloud.scores.view(), &cloud.landmarks, angles.landmarks_rad.view())?;
    let waves = [0, 1].map(|axis| plane_wave(moments_rad.column(axis).into_iter().copied(), sample.positions_m, sample.arena));
    let lattice = superbase(waves[0].wave, waves[1].wave).map(|triad| {
        let (ratio, angle) = reduced_ratio_and_angle(&triad);
        (ratio, angle, shape(&triad))
    });
    let maps = torus_maps(sample.activity, moments_rad.view(), bins);
    let matched = fourier.and_then(|fourier| match_waves(waves.map(|wave| wave.wave), fourier.waves));
    let agreement =
        fourier.zip(matched.as_ref()).and_then(|(fourier, matched)| agreement(maps.phases_rad.view(), fourier.phases_rad, matched, seed));
    let coordinates = Coordinates {
        scale: angles.scale,
        ratio: angles.basis.ratio(),
        angle_rad: angles.basis.angle_rad(),
        landmarks_rad: angles.landmarks_rad,
        moments_rad,
        decoded,
    };
    Ok(OnTheTorus { coordinates, waves, lattice, matched, agreement, maps })
}

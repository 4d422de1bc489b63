//! Decoding errors and coherence by the time since the start.

use super::config::CheckedPathIntegrationConfig;
use super::linear_readout::LinearReadout;
use super::nearest::NearestState;
use crate::distances::Moments;
use crate::generalization::{Coherence, Quartiles, coherence_of};
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use rayon::prelude::*;

/// How well position is known, by time.
#[derive(Debug, Clone)]
pub struct PathIntegration {
    /// By time, rising; times without moments are not there.
    pub times: Vec<TimeErrors>,
    /// Ridge strengths of the two folds; NaN where units do not vary.
    pub ridges: [f64; 2],
    /// Bins that the nearest state could answer, in the two folds.
    pub known_bins: [usize; 2],
    /// Width and height of a bin, m: half the diagonal is the error of a perfect answer at its worst, without refinement.
    pub bin_m: (f64, f64),
    /// Trajectories with moments in the arena.
    pub trajectories: usize,
    /// Moments outside the arena, which were left out.
    pub outside: usize,
    /// Moments whose state is zero, which decode to nothing and are left out of the nearest state's errors.
    pub undecided: usize,
}

/// Errors of the moments of a few successive times: of as many steps as a bin has, and in the last one of up to twice as many less one. Quartiles are over trajectories; a trajectory's error is its mean over these moments.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeErrors {
    /// The first time, steps.
    pub from_step: u32,
    /// The last time, steps.
    pub to_step: u32,
    /// Distance of the nearest state's position from the true one, m.
    pub nearest_m: Quartiles,
    /// Distance of the linear read-out from the true position, m.
    pub linear_m: Quartiles,
    /// Chance 1: the best constant (in squares) of this very time, the mean position of the other half's trajectories then. All start at one place, so early on a constant is nearly right.
    pub constant_m: Quartiles,
    /// Chance 2: the nearest state's positions against the true ones of *other* trajectories at the same time.
    pub shuffled_m: Quartiles,
    /// Spatial coherence of the states of these times among themselves, with its chance.
    pub coherence: Coherence,
    /// Mean cosine between a state and the mean state of its bin in the other half of the trajectories (all times of the fit): how true the code stays to its map. NaN without known bins.
    pub map_similarity: f64,
    /// The same with the bins of other trajectories at the same time.
    pub map_similarity_chance: f64,
}

impl TimeErrors {
    /// The middle of its times, rounded down.
    pub fn t(&self) -> u32 {
        self.from_step + (self.to_step - self.from_step) / 2
    }
}

/// Why nothing was decoded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PathIntegrationError {
    /// Too few trajectories to fit on some and test on others.
    #[error(
        "{found} trajectories with moments in the arena up to the fit's last time; decoding fits on one half, with some held out, and tests on the other: record at least 4"
    )]
    Trajectories {
        /// How many there are.
        found: usize,
    },
    /// No state has a direction.
    #[error("all states of {trajectories} trajectories are zero: there is nothing to decode from; leave dead networks out")]
    Zero {
        /// How many trajectories there are.
        trajectories: usize,
    },
}

/// What decoding one moment gave.
#[derive(Clone, Copy)]
struct Tested {
    row: usize,
    nearest_m: f64,
    linear_m: f64,
    constant_m: f64,
    similarity: f64,
}

struct Fold {
    tested: Vec<Tested>,
    /// Per shuffle and moment: row, error, similarity.
    shuffled: Vec<(usize, f64, f64)>,
    ridge: f64,
    known_bins: usize,
}

/// Decodes position from every moment's state, by decoders that were fitted to *other* trajectories.
///
/// Trajectories are split in two halves by the stream `analysis/path_integration/split`; decoders fitted to either half are tested on the other, so every
/// trajectory is tested once, never on itself. Ridge strengths compete on the last `held_out` share of the fit's trajectories (in the split's order). Shuffles
/// are cyclic shifts among a half's trajectories, in the split's order, by the stream `analysis/path_integration/shuffle`.
///
/// * `moments`: of one arena, states and positions after `t` steps; moments outside the arena are left out.
/// * `bins`: of the arena; narrower bins are finer answers from fewer visits each.
///
/// The result's bits do not depend on the number of threads. Time: moments × visited bins × units.
///
/// # Errors
/// With fewer than four trajectories, or states that are all zero.
pub fn path_integration(
    moments: &Moments<'_>,
    bins: &Bins,
    config: &CheckedPathIntegrationConfig,
    seed: Seed,
) -> Result<PathIntegration, PathIntegrationError> {
    let place = |row: usize| bins.index(moments.positions_m()[row][0], moments.positions_m()[row][1]);
    let rows: Vec<usize> = (0..moments.count()).filter(|row| place(*row).is_some()).collect();
    let in_fit = |row: usize| config.in_fit(moments.times()[row]);
    let distinct = |keep: &dyn Fn(usize) -> bool| {
        let mut found: Vec<u32> = rows.iter().filter(|row| keep(**row)).map(|row| moments.trajectories()[*row]).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    // Trajectories that the fit has moments of, shuffled, then those that it has not: both halves have as many of either as can be.
    let fitted = distinct(&in_fit);
    if fitted.len() < 4 {
        return Err(PathIntegrationError::Trajectories { found: fitted.len() });
    }
    let mut order = fitted.clone();
    seed.stream("analysis/path_integration/split", 0).shuffle(&mut order);
    let all = distinct(&|_| true);
    order.extend(all.iter().filter(|trajectory| fitted.binary_search(trajectory).is_err()));
    let mut rank = vec![0; all.len()];
    for (at, trajectory) in order.iter().enumerate() {
        rank[all.partition_point(|other| other < trajectory)] = at;
    }
    let rank_of = |row: usize| rank[all.partition_point(|other| *other < moments.trajectories()[row])];

    let one = |fold: usize| -> Option<Fold> {
        let fit: Vec<usize> = rows.iter().copied().filter(|row| rank_of(*row) % 2 != fold && in_fit(*row)).collect();
        let test: Vec<usize> = rows.iter().copied().filter(|row| rank_of(*row) % 2 == fold).collect();
        let fitted_here = fitted.len().div_ceil(2) - usize::from(fold == 0 && fitted.len() % 2 == 1);
        let held = ((fitted_here as f64 * config.held_out).round() as usize).clamp(1, fitted_here - 1);
        let (held_out, inner): (Vec<usize>, Vec<usize>) = fit.iter().partition(|row| rank_of(**row) / 2 >= fitted_here - held);
        let nearest = NearestState::fit(moments, &fit, bins, config.refine)?;
        let linear = LinearReadout::fit(moments, &inner, &held_out, &config.ridges);
        let constants = Constants::new(moments, rows.iter().copied().filter(|row| rank_of(*row) % 2 != fold));
        let decoded = nearest.decode(moments, &test);
        let read = linear.decode(moments, &test);
        let tested = test
            .iter()
            .zip(decoded.iter().zip(&read))
            .map(|(&row, (decoded, read))| {
                let x = moments.positions_m()[row];
                Tested {
                    row,
                    nearest_m: apart(*decoded, x),
                    linear_m: apart(*read, x),
                    constant_m: apart(constants.at(moments.times()[row]), x),
                    similarity: place(row).and_then(|bin| nearest.similarity(moments, row, bin)).unwrap_or(f64::NAN),
                }
            })
            .collect();
        // Other trajectories at the same time.
        let mut by_time: Vec<usize> = (0..test.len()).collect();
        by_time.sort_by_key(|&at| (moments.times()[test[at]], rank_of(test[at]), at));
        let mut stream = seed.stream("analysis/path_integration/shuffle", fold as u64);
        let shifts: Vec<u64> = (0..config.shuffles).map(|_| stream.bits()).collect();
        let mut shuffled = Vec::new();
        for together in by_time.chunk_by(|a, b| moments.times()[test[*a]] == moments.times()[test[*b]]) {
            let count = together.len() as u64;
            for shift in shifts.iter().filter(|_| count > 1) {
                let shift = 1 + shift % (count - 1);
                for (at, &from) in together.iter().enumerate() {
                    let other = test[together[(at + shift as usize) % together.len()]];
                    let similarity = place(other).and_then(|bin| nearest.similarity(moments, test[from], bin)).unwrap_or(f64::NAN);
                    shuffled.push((test[from], apart(decoded[from], moments.positions_m()[other]), similarity));
                }
            }
        }
        Some(Fold { tested, shuffled, ridge: linear.ridge, known_bins: nearest.known_bins() })
    };
    let folds: Option<Vec<Fold>> = (0..2).into_par_iter().map(one).collect();
    let folds = folds.ok_or(PathIntegrationError::Zero { trajectories: all.len() })?;

    let last = rows.iter().map(|row| moments.times()[*row]).max().unwrap_or(0);
    let width = config.time_bin_steps;
    // A last bin that times do not fill would stand for fewer steps than all others: it is part of the one before, where there are such times.
    let incomplete = (last % width + 1 < width).then_some(last / width);
    let joined = incomplete.filter(|bin| *bin > 0 && rows.iter().any(|row| moments.times()[*row] / width == bin - 1));
    let bin_of = |row: usize| {
        let bin = moments.times()[row] / width;
        (if joined == Some(bin) { bin - 1 } else { bin }) as usize
    };
    let mut present: Vec<usize> = rows.iter().map(|row| bin_of(*row)).collect();
    present.sort_unstable();
    present.dedup();
    let at = |row: usize| present.partition_point(|bin| *bin < bin_of(row));
    let mut tested = vec![Vec::new(); present.len()];
    let mut shuffled = vec![Vec::new(); present.len()];
    for fold in &folds {
        fold.tested.iter().for_each(|one| tested[at(one.row)].push(*one));
        fold.shuffled.iter().for_each(|one| shuffled[at(one.0)].push((one.1, one.2)));
    }
    let undecided = folds.iter().flat_map(|fold| &fold.tested).filter(|one| one.nearest_m.is_nan()).count();
    let times = present
        .par_iter()
        .zip(tested.par_iter_mut())
        .zip(&shuffled)
        .map(|((&bin, tested), shuffled)| {
            tested.sort_by_key(|one| (moments.trajectories()[one.row], moments.times()[one.row], one.row));
            let of_bin: Vec<usize> = tested.iter().map(|one| one.row).collect();
            let quartiles = |value: fn(&Tested) -> f64| {
                Quartiles::of(
                    tested
                        .chunk_by(|a, b| moments.trajectories()[a.row] == moments.trajectories()[b.row])
                        .map(|moments| mean(moments.iter().map(value))),
                )
            };
            TimeErrors {
                from_step: bin as u32 * width,
                to_step: if joined == Some(bin as u32 + 1) { last } else { (bin as u32 * width).saturating_add(width - 1).min(last) },
                nearest_m: quartiles(|one| one.nearest_m),
                linear_m: quartiles(|one| one.linear_m),
                constant_m: quartiles(|one| one.constant_m),
                shuffled_m: Quartiles::of(shuffled.iter().map(|(error, _)| *error)),
                coherence: coherence_of(moments, &of_bin, bins),
                map_similarity: mean(tested.iter().map(|one| one.similarity)),
                map_similarity_chance: mean(shuffled.iter().map(|(_, similarity)| *similarity)),
            }
        })
        .collect();
    Ok(PathIntegration {
        times,
        ridges: [folds[0].ridge, folds[1].ridge],
        known_bins: [folds[0].known_bins, folds[1].known_bins],
        bin_m: bins.bin_m(),
        trajectories: all.len(),
        outside: moments.count() - rows.len(),
        undecided,
    })
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
    (dx * dx + dy * dy).sqrt()
}

/// Mean of the values that are finite; NaN without any.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.filter(|x| x.is_finite()).fold((0.0, 0_usize), |(sum, count), x| (sum + x, count + 1));
    sum / count as f64
}

/// Mean position by time.
struct Constants {
    /// (time, mean position), rising.
    by_time: Vec<(u32, [f64; 2])>,
    overall: [f64; 2],
}

impl Constants {
    fn new(moments: &Moments<'_>, rows: impl Iterator<Item = usize>) -> Self {
        let mut rows: Vec<usize> = rows.collect();
        rows.sort_by_key(|&row| (moments.times()[row], row));
        let mean = |rows: &[usize]| {
            let sum = rows.iter().map(|&row| moments.positions_m()[row]).fold([0.0; 2], |sum, x| [sum[0] + x[0], sum[1] + x[1]]);
            sum.map(|sum| sum / rows.len() as f64)
        };
        let by_time =
            rows.chunk_by(|a, b| moments.times()[*a] == moments.times()[*b]).map(|of| (moments.times()[of[0]], mean(of))).collect();
        Self { by_time, overall: mean(&rows) }
    }

    /// Of this time, or of all times where the half had no moment then.
    fn at(&self, time: u32) -> [f64; 2] {
        self.by_time.binary_search_by_key(&time, |(t, _)| *t).map_or(self.overall, |at| self.by_time[at].1)
    }
}

//! Mean neural distance against spatial and temporal separation, and what is left of it at the same place: the error of path integration.

use super::config::CheckedDistancesConfig;
use super::groups::{standard_error, turns, weights};
use super::moments::Moments;
use super::pairs::{Block, Tile};
use gridlake_space::seed::Seed;
use ndarray::Array2;
use rayon::prelude::*;

/// Mean neural distance in bins of temporal × spatial separation: Fig. 5a, right.
#[derive(Debug, Clone)]
pub struct SpaceTimeDistances {
    /// Width of a bin of spatial separation, m.
    pub spatial_bin_m: f64,
    /// Width of a bin of temporal separation, steps; bin k holds k·width to (k+1)·width - 1.
    pub temporal_bin_steps: u32,
    /// Pairs, temporal × spatial.
    pub counts: Array2<u64>,
    /// Mean ‖g - g'‖, temporal × spatial; NaN without pairs.
    pub mean: Array2<f64>,
    /// The first spatial bin, per temporal one.
    pub same_place: Vec<SamePlace>,
    /// Neural distance of unrelated states: what an error that has destroyed all memory of the place looks like.
    pub chance_distance: f64,
    /// Trajectories that had pairs to give.
    pub trajectories: usize,
    /// Most moments that one of them gave.
    pub moments_each: usize,
}

impl SpaceTimeDistances {
    /// Centre of a bin of spatial separation, m.
    pub fn spatial_m(&self, bin: usize) -> f64 {
        (bin as f64 + 0.5) * self.spatial_bin_m
    }

    /// Centre of a bin of temporal separation, steps.
    pub fn temporal_steps(&self, bin: usize) -> f64 {
        bin_centre(bin, self.temporal_bin_steps)
    }
}

fn bin_centre(bin: usize, width: u32) -> f64 {
    bin as f64 * f64::from(width) + f64::from(width - 1) / 2.0
}

/// Neural distance of two visits to one place, by the time between them.
#[derive(Debug, Clone, PartialEq)]
pub struct SamePlace {
    /// Centre of the bin of temporal separation, steps.
    pub temporal_steps: f64,
    /// Pairs within the first spatial bin.
    pub pairs: u64,
    /// Their mean neural distance; not 0 for a perfect integrator, since the bin is not a point. NaN without pairs.
    pub mean: f64,
    /// Its standard error, from the bootstrap over trajectories.
    pub mean_se: f64,
    /// Neural distance at separation 0: `√e²` of the line `‖g - g'‖² = e² + c² s²`, by least squares over the bin's pairs; 0 where e² came out negative. NaN:
    /// see the reason.
    pub at_zero: f64,
    /// Its standard error.
    pub at_zero_se: f64,
    /// Why `at_zero` is NaN.
    pub reason: Option<&'static str>,
}

/// Fewest pairs for a line.
const MIN_PAIRS: f64 = 20.0;

/// Of one trajectory's pairs at the same place, per temporal bin: n, Σd, Σs², Σs⁴, Σd², Σd²s² with s in spatial bins.
type Line = [f64; 6];

struct Sums {
    counts: Vec<u64>,
    distance: Vec<f64>,
    lines: Vec<Line>,
}

/// Pairs within trajectories: two moments of one trajectory, apart by |t - t'|.
///
/// Convention: pairs of *different* trajectories are not here, since their temporal separation is none of one path. Of each trajectory at most
/// `√(2 max_pairs_within / trajectories)` moments take part, drawn by the stream `analysis/distances/within`, indexed by the trajectory. Temporal bins go up to the
/// longest separation, at most `temporal_bins`. The result's bits do not depend on the number of threads.
pub fn space_time(moments: &Moments<'_>, config: &CheckedDistancesConfig, seed: Seed) -> SpaceTimeDistances {
    let trajectories = by_trajectory(moments);
    let most = ((2.0 * config.max_pairs_within as f64 / trajectories.len() as f64).sqrt() as usize).max(2);
    let width = config.temporal_bin_steps;
    let longest = trajectories.iter().map(|(_, rows)| span(moments, rows)).max().unwrap_or(0);
    let temporal = ((longest / width) as usize + 1).min(config.temporal_bins);
    let spatial = (config.spatial_max_m / config.space_time_bin_m).ceil() as usize;
    let per_m = 1.0 / config.space_time_bin_m;

    let (mut counts, mut distance) = (vec![0_u64; temporal * spatial], vec![0.0; temporal * spatial]);
    let mut lines: Vec<Vec<Line>> = Vec::with_capacity(trajectories.len());
    // A few trajectories at a time, so that few tables are held; their sums are added in order.
    for turn in turns(trajectories.len(), 64) {
        let found: Vec<Sums> = trajectories[turn]
            .par_iter()
            .map_init(Tile::new, |tile, (trajectory, rows)| {
                let block = Block::new(moments, &thinned(rows, most, *trajectory, seed));
                let mut sums =
                    Sums { counts: vec![0; temporal * spatial], distance: vec![0.0; temporal * spatial], lines: vec![[0.0; 6]; temporal] };
                tile.within(&block, |i, j, separation, distance| {
                    let (column, row) = ((separation * per_m) as usize, (block.times[i].abs_diff(block.times[j]) / width) as usize);
                    if column >= spatial || row >= temporal {
                        return;
                    }
                    sums.counts[row * spatial + column] += 1;
                    sums.distance[row * spatial + column] += f64::from(distance);
                    if column == 0 {
                        let (s2, d) = ((separation * per_m).powi(2), f64::from(distance));
                        let terms = [1.0, d, s2, s2 * s2, d * d, d * d * s2];
                        sums.lines[row].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                    }
                });
                sums
            })
            .collect();
        for sums in found {
            counts.iter_mut().zip(&sums.counts).for_each(|(to, from)| *to += from);
            distance.iter_mut().zip(&sums.distance).for_each(|(to, from)| *to += from);
            lines.push(sums.lines);
        }
    }
    let counts = Array2::from_shape_fn((temporal, spatial), |(row, column)| counts[row * spatial + column]);
    let mean = Array2::from_shape_fn((temporal, spatial), |(row, column)| match counts[[row, column]] {
        0 => f64::NAN,
        n => distance[row * spatial + column] / n as f64,
    });
    SpaceTimeDistances {
        spatial_bin_m: config.space_time_bin_m,
        temporal_bin_steps: width,
        same_place: same_place(&lines, width, config.bootstraps, seed),
        counts,
        mean,
        chance_distance: moments.summary().chance_distance(),
        trajectories: trajectories.iter().filter(|(_, rows)| rows.len() > 1).count(),
        moments_each: trajectories.iter().map(|(_, rows)| rows.len().min(most)).max().unwrap_or(0),
    }
}

/// Rows of each trajectory, by ascending trajectory.
fn by_trajectory(moments: &Moments<'_>) -> Vec<(u32, Vec<usize>)> {
    let distinct = moments.distinct_trajectories();
    let mut rows = vec![Vec::new(); distinct.len()];
    for (row, trajectory) in moments.trajectories().iter().enumerate() {
        rows[distinct.partition_point(|other| other < trajectory)].push(row);
    }
    distinct.into_iter().zip(rows).collect()
}

fn span(moments: &Moments<'_>, rows: &[usize]) -> u32 {
    let times = || rows.iter().map(|&row| moments.times()[row]);
    times().max().unwrap_or(0) - times().min().unwrap_or(0)
}

fn thinned(rows: &[usize], most: usize, trajectory: u32, seed: Seed) -> Vec<usize> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let mut order = rows.to_vec();
    seed.stream("analysis/distances/within", u64::from(trajectory)).shuffle(&mut order);
    order.truncate(most);
    order.sort_unstable();
    order
}

/// (mean distance, distance at zero) of one temporal bin.
fn values(line: &Line) -> (f64, Result<f64, &'static str>) {
    let [n, d, s2, s4, d2, d2s2] = *line;
    let mean = if n > 0.0 { d / n } else { f64::NAN };
    if n < MIN_PAIRS {
        return (mean, Err("fewer than 20 pairs at the same place"));
    }
    let spread = s4 - s2 * s2 / n;
    if spread <= 1e-12 * s4 {
        // All at one separation: that is 0 where nobody moves, and no line otherwise.
        return (mean, if s4 == 0.0 { Ok((d2 / n).sqrt()) } else { Err("all pairs have one separation") });
    }
    let slope = (d2s2 - d2 * s2 / n) / spread;
    (mean, Ok(((d2 - slope * s2) / n).max(0.0).sqrt()))
}

fn same_place(lines: &[Vec<Line>], width: u32, repeats: usize, seed: Seed) -> Vec<SamePlace> {
    let total = |bin: usize, weights: Option<&Vec<f64>>| {
        let mut sum = [0.0; 6];
        for (trajectory, line) in lines.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[trajectory]);
            sum.iter_mut().zip(line[bin]).for_each(|(sum, term)| *sum += weight * term);
        }
        sum
    };
    let weights = weights(lines.len(), repeats, seed, "analysis/distances/within-bootstrap");
    (0..lines.first().map_or(0, Vec::len))
        .into_par_iter()
        .map(|bin| {
            let line = total(bin, None);
            let (mean, at_zero) = values(&line);
            let drawn: Vec<(f64, f64)> = weights
                .iter()
                .map(|weights| {
                    let (mean, at_zero) = values(&total(bin, Some(weights)));
                    (mean, at_zero.unwrap_or(f64::NAN))
                })
                .collect();
            SamePlace {
                temporal_steps: bin_centre(bin, width),
                pairs: line[0] as u64,
                mean,
                mean_se: standard_error(drawn.iter().map(|(mean, _)| *mean)),
                at_zero: at_zero.unwrap_or(f64::NAN),
                at_zero_se: if at_zero.is_ok() { standard_error(drawn.iter().map(|(_, zero)| *zero)) } else { f64::NAN },
                reason: at_zero.err(),
            }
        })
        .collect()
}

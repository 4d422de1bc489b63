//! Neural distance against spatial separation.

use super::config::CheckedDistancesConfig;
use super::density::{density, shares};
use super::groups::{Groups, pairs_of, standard_error, weights};
use super::half_rise::half_rise_m;
use super::moments::Moments;
use super::pairs::{Block, Tile};
use gridlake_space::seed::Seed;
use ndarray::Array2;
use rayon::prelude::*;

/// Neural distances of pairs of states in columns of spatial separation: Fig. 5a, left.
#[derive(Debug, Clone)]
pub struct SpaceDistances {
    /// Width of a column, m; column i holds separations from i to i + 1 widths.
    pub bin_m: f64,
    /// The highest neural distance of the levels.
    pub neural_top: f64,
    /// Pairs, columns × levels. Levels part 0 to `neural_top` evenly.
    pub counts: Array2<u64>,
    /// Share of its column's pairs, columns × levels; NaN in columns without pairs.
    pub share: Array2<f64>,
    /// Kernel density of neural distance in each column, per unit of distance, at the levels' centres; NaN in columns without pairs.
    pub density: Array2<f64>,
    /// The kernel's standard deviation.
    pub kde_bandwidth: f64,
    /// Mean separation of a column's pairs, m; NaN without pairs.
    pub separation_m: Vec<f64>,
    /// Mean neural distance of a column's pairs; NaN without pairs.
    pub mean: Vec<f64>,
    /// Its standard error, from the bootstrap over trajectories; NaN with fewer than two.
    pub mean_se: Vec<f64>,
    /// Neural distance of unrelated states, see [`super::moments::StateSummary::chance_distance`].
    pub chance_distance: f64,
    /// Its standard error.
    pub chance_se: f64,
    /// Separation at which the mean reaches half of chance, m; NaN: see the reason.
    pub half_rise_m: f64,
    /// Its standard error; NaN where fewer than half of the repeats have one.
    pub half_rise_se_m: f64,
    /// Why there is no half rise.
    pub half_rise_reason: Option<&'static str>,
    /// mean ‖g‖²: 1 is what the paper's definitions suppose.
    pub mean_square_norm: f64,
    /// Moments of which all pairs were taken.
    pub moments: usize,
    /// Pairs further apart than the last column.
    pub beyond: u64,
    /// Groups of trajectories that the bootstrap drew from.
    pub groups: usize,
}

impl SpaceDistances {
    /// Centre of a column, m.
    pub fn centre_m(&self, column: usize) -> f64 {
        (column as f64 + 0.5) * self.bin_m
    }

    /// Centre of a level of neural distance.
    pub fn level(&self, level: usize) -> f64 {
        (level as f64 + 0.5) * self.neural_top / self.counts.ncols() as f64
    }
}

/// Per column: pairs, their distances, their separations.
#[derive(Clone)]
struct Sums {
    pairs: Vec<f64>,
    distance: Vec<f64>,
    separation_m: Vec<f64>,
}

impl Sums {
    fn new(columns: usize) -> Self {
        Self { pairs: vec![0.0; columns], distance: vec![0.0; columns], separation_m: vec![0.0; columns] }
    }

    fn add(&mut self, other: &Self, weight: f64) {
        let add = |to: &mut Vec<f64>, from: &Vec<f64>| to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
        add(&mut self.pairs, &other.pairs);
        add(&mut self.distance, &other.distance);
        add(&mut self.separation_m, &other.separation_m);
    }

    fn over_pairs(&self, sums: &[f64]) -> Vec<f64> {
        sums.iter().zip(&self.pairs).map(|(sum, pairs)| if *pairs > 0.0 { sum / pairs } else { f64::NAN }).collect()
    }

    fn half_rise_m(&self, chance: f64) -> Result<f64, &'static str> {
        half_rise_m(&self.over_pairs(&self.separation_m), &self.over_pairs(&self.distance), &self.pairs, chance)
    }
}

/// What pairs of groups add to.
struct Counted {
    counts: Vec<u64>,
    beyond: u64,
    sums: Vec<(usize, Sums)>,
}

/// All pairs of at most `max_moments` moments, drawn by the stream `analysis/distances/moments`; pairs of all trajectories and times together. All pairs fill
/// small separations too: among 10⁴ moments even in a box of 4 m about a thousand pairs are within 1 cm.
///
/// Time: quadratic in the moments, linear in the units. The result's bits do not depend on the number of threads.
pub fn space(moments: &Moments<'_>, config: &CheckedDistancesConfig, seed: Seed) -> SpaceDistances {
    let rows = moments.sample(config.max_moments, seed, "analysis/distances/moments");
    let groups = Groups::new(moments, &rows, config.bootstrap_groups);
    let blocks: Vec<Block> = groups.rows.iter().map(|rows| Block::new(moments, rows)).collect();
    let (columns, levels) = ((config.spatial_max_m / config.spatial_bin_m).ceil() as usize, config.neural_bins);
    let neural_top = neural_top(moments);
    let (per_m, per_distance) = (1.0 / config.spatial_bin_m, levels as f32 / neural_top as f32);
    let tasks = pairs_of(groups.len());
    let empty = || Counted { counts: vec![0; columns * levels], beyond: 0, sums: Vec::new() };
    let count = |(mut counted, mut tile): (Counted, Tile), (task, &(a, b)): (usize, &(usize, usize))| {
        let mut sums = Sums::new(columns);
        let visit = |_, _, separation: f64, distance: f32| {
            let column = (separation * per_m) as usize;
            if column >= columns {
                counted.beyond += 1;
                return;
            }
            let level = ((distance * per_distance) as usize).min(levels - 1);
            counted.counts[column * levels + level] += 1;
            sums.pairs[column] += 1.0;
            sums.distance[column] += f64::from(distance);
            sums.separation_m[column] += separation;
        };
        if a == b {
            tile.within(&blocks[a], visit);
        } else {
            tile.between(&blocks[a], &blocks[b], visit);
        }
        counted.sums.push((task, sums));
        (counted, tile)
    };
    // Counts are whole, so their order is nothing to the result; sums stay apart and are added in the order of the tasks.
    let mut counted =
        tasks.par_iter().enumerate().fold(|| (empty(), Tile::new()), count).map(|(counted, _)| counted).reduce(empty, |mut one, other| {
            one.counts.iter_mut().zip(&other.counts).for_each(|(to, from)| *to += from);
            one.beyond += other.beyond;
            one.sums.extend(other.sums);
            one
        });
    counted.sums.sort_by_key(|(task, _)| *task);
    let sums: Vec<Sums> = counted.sums.into_iter().map(|(_, sums)| sums).collect();
    let mut total = Sums::new(columns);
    for sums in &sums {
        total.add(sums, 1.0);
    }

    let levels_of = GroupLevels::new(moments, &groups);
    let ones = vec![1.0; groups.len()];
    let (chance_distance, mean_square_norm) = levels_of.chance(&ones);
    let repeats: Vec<(Vec<f64>, f64, f64)> = weights(groups.len(), config.bootstraps, seed, "analysis/distances/bootstrap")
        .par_iter()
        .map(|weights| {
            let mut drawn = Sums::new(columns);
            for (sums, &(a, b)) in sums.iter().zip(&tasks) {
                let weight = if a == b { weights[a] } else { weights[a] * weights[b] };
                if weight > 0.0 {
                    drawn.add(sums, weight);
                }
            }
            let (chance, _) = levels_of.chance(weights);
            (drawn.over_pairs(&drawn.distance), chance, drawn.half_rise_m(chance).unwrap_or(f64::NAN))
        })
        .collect();
    let half_rise = total.half_rise_m(chance_distance);
    let counts = Array2::from_shape_fn((columns, levels), |(column, level)| counted.counts[column * levels + level]);
    SpaceDistances {
        bin_m: config.spatial_bin_m,
        neural_top,
        share: shares(&counts),
        density: density(&counts, neural_top, config.kde_bandwidth),
        kde_bandwidth: config.kde_bandwidth,
        counts,
        separation_m: total.over_pairs(&total.separation_m),
        mean: total.over_pairs(&total.distance),
        mean_se: (0..columns).map(|column| standard_error(repeats.iter().map(|(mean, _, _)| mean[column]))).collect(),
        chance_distance,
        chance_se: standard_error(repeats.iter().map(|(_, chance, _)| *chance)),
        half_rise_m: half_rise.unwrap_or(f64::NAN),
        half_rise_se_m: if half_rise.is_ok() { standard_error(repeats.iter().map(|(_, _, at)| *at)) } else { f64::NAN },
        half_rise_reason: half_rise.err(),
        mean_square_norm,
        moments: rows.len(),
        beyond: counted.beyond,
        groups: groups.len(),
    }
}

/// The largest neural distance there can be: √2 norms where no activity is negative (the states of NormReLU: √2), two norms otherwise; 1 where all are 0.
fn neural_top(moments: &Moments<'_>) -> f64 {
    let norm = moments.activity().rows().into_iter().map(|g| super::moments::square_norm(g.iter().copied())).fold(0.0, f64::max).sqrt();
    let negative = moments.activity().iter().any(|g| *g < 0.0);
    if norm == 0.0 { 1.0 } else { norm * if negative { 2.0 } else { std::f64::consts::SQRT_2 } }
}

/// Sums of states, and of their squared norms, by group.
struct GroupLevels {
    states: Vec<Vec<f64>>,
    squares: Vec<f64>,
    counts: Vec<f64>,
}

impl GroupLevels {
    fn new(moments: &Moments<'_>, groups: &Groups) -> Self {
        let sum = |rows: &Vec<usize>| {
            let mut sum = vec![0.0; moments.units()];
            for &row in rows {
                sum.iter_mut().zip(moments.activity().row(row)).for_each(|(sum, g)| *sum += f64::from(*g));
            }
            sum
        };
        let squares = |rows: &Vec<usize>| {
            rows.iter().map(|&row| super::moments::square_norm(moments.activity().row(row).iter().copied())).sum::<f64>()
        };
        Self {
            states: groups.rows.iter().map(sum).collect(),
            squares: groups.rows.iter().map(squares).collect(),
            counts: groups.rows.iter().map(|rows| rows.len() as f64).collect(),
        }
    }

    /// Chance with these weights of the groups, and mean ‖g‖².
    fn chance(&self, weights: &[f64]) -> (f64, f64) {
        let weighted = |values: &[f64]| values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>();
        let count = weighted(&self.counts);
        let mut mean = vec![0.0; self.states[0].len()];
        for (state, weight) in self.states.iter().zip(weights) {
            mean.iter_mut().zip(state).for_each(|(mean, sum)| *mean += weight * sum / count);
        }
        let mean_norm = mean.iter().map(|m| m * m).sum::<f64>().sqrt();
        let mean_square_norm = weighted(&self.squares) / count;
        (super::moments::StateSummary { mean_norm, mean_square_norm }.chance_distance(), mean_square_norm)
    }
}

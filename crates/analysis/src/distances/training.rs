//! Which separations training saw.

use super::config::CheckedDistancesConfig;
use super::moments::MomentsError;
use rayon::prelude::*;

/// Separations of all pairs of positions within training batches: the black curve of Fig. 5a.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingCdf {
    /// Width of a bin, m; bin i holds separations from i to i + 1 widths.
    pub bin_m: f64,
    /// Pairs per bin, up to the bin of the largest separation, at most `spatial_max_m`.
    pub counts: Vec<u64>,
    /// Share of all pairs at or below the bin's upper edge, 0 to 1.
    pub cumulative: Vec<f64>,
    /// Pairs further apart than the last bin; without any, the last share is 1.
    pub beyond: u64,
    /// The largest separation of two positions, m.
    pub largest_m: f64,
    /// The largest distance of a position from the origin, where trajectories start, m: the training's extent.
    pub extent_m: f64,
}

/// Counts all unordered pairs of different moments within each batch (T·B positions, m), in the bins of [`super::space`]. Pairs of different batches never meet
/// in a loss. The paper shows one batch; a batch whose trajectories permute the same velocities depends much on them, so several are taken together.
///
/// Time: quadratic in a batch's positions, 3·10⁷ pairs for the paper's.
///
/// # Errors
/// Where a batch has fewer than two positions, or one that is not finite; without batches.
pub fn training_cdf(batches_m: &[&[[f64; 2]]], config: &CheckedDistancesConfig) -> Result<TrainingCdf, MomentsError> {
    let fewest = batches_m.iter().map(|positions_m| positions_m.len()).min().unwrap_or(0);
    if fewest < 2 {
        return Err(MomentsError::Empty { moments: fewest, units: 2 });
    }
    let all = || batches_m.iter().flat_map(|positions_m| positions_m.iter());
    for (moment, &value) in all().enumerate().flat_map(|(at, position)| position.iter().map(move |x| (at, x))) {
        if !value.is_finite() {
            return Err(MomentsError::NotFinite { what: "training position", moment, value });
        }
    }
    let bins = (config.spatial_max_m / config.spatial_bin_m).ceil() as usize;
    let per_m = 1.0 / config.spatial_bin_m;
    let empty = || (vec![0_u64; bins + 1], 0.0_f64);
    let places: Vec<(&[[f64; 2]], usize)> =
        batches_m.iter().flat_map(|positions_m| (0..positions_m.len()).map(move |at| (*positions_m, at))).collect();
    let (mut counts, largest_m) = places
        .par_iter()
        .fold(empty, |(mut counts, mut largest), &(positions_m, at)| {
            let [x, y] = positions_m[at];
            for [other_x, other_y] in &positions_m[at + 1..] {
                let (dx, dy) = (x - other_x, y - other_y);
                let separation = (dx * dx + dy * dy).sqrt();
                largest = largest.max(separation);
                counts[((separation * per_m) as usize).min(bins)] += 1;
            }
            (counts, largest)
        })
        .reduce(empty, |(mut one, largest), (other, other_largest)| {
            one.iter_mut().zip(&other).for_each(|(to, from)| *to += from);
            (one, largest.max(other_largest))
        });
    let beyond = counts.pop().unwrap_or(0);
    counts.truncate(((largest_m * per_m) as usize + 1).min(bins));
    let pairs = (counts.iter().sum::<u64>() + beyond) as f64;
    let mut so_far = 0;
    let cumulative = counts
        .iter()
        .map(|count| {
            so_far += count;
            so_far as f64 / pairs
        })
        .collect();
    let extent_m = all().map(|[x, y]| (x * x + y * y).sqrt()).fold(0.0, f64::max);
    Ok(TrainingCdf { bin_m: config.spatial_bin_m, counts, cumulative, beyond, largest_m, extent_m })
}

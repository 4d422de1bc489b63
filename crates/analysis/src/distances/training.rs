//! Which separations training saw.

use super::config::CheckedDistancesConfig;
use super::moments::MomentsError;
use rayon::prelude::*;

/// Separations of all pairs of positions of a training batch: the black curve of Fig. 5a.
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

/// Counts all unordered pairs of different moments of a batch (T·B positions, m), in the bins of [`super::space`].
///
/// Time: quadratic in the positions, 3·10⁷ pairs for the paper's batch.
///
/// # Errors
/// With fewer than two positions, or one that is not finite.
pub fn training_cdf(positions_m: &[[f64; 2]], config: &CheckedDistancesConfig) -> Result<TrainingCdf, MomentsError> {
    if positions_m.len() < 2 {
        return Err(MomentsError::Empty { moments: positions_m.len(), units: 2 });
    }
    for (moment, &value) in positions_m.iter().enumerate().flat_map(|(at, position)| position.iter().map(move |x| (at, x))) {
        if !value.is_finite() {
            return Err(MomentsError::NotFinite { what: "training position", moment, value });
        }
    }
    let bins = (config.spatial_max_m / config.spatial_bin_m).ceil() as usize;
    let per_m = 1.0 / config.spatial_bin_m;
    let empty = || (vec![0_u64; bins + 1], 0.0_f64);
    let (mut counts, largest_m) = (0..positions_m.len())
        .into_par_iter()
        .fold(empty, |(mut counts, mut largest), at| {
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
    let all = (counts.iter().sum::<u64>() + beyond) as f64;
    let mut so_far = 0;
    let cumulative = counts
        .iter()
        .map(|count| {
            so_far += count;
            so_far as f64 / all
        })
        .collect();
    let extent_m = positions_m.iter().map(|[x, y]| (x * x + y * y).sqrt()).fold(0.0, f64::max);
    Ok(TrainingCdf { bin_m: config.spatial_bin_m, counts, cumulative, beyond, largest_m, extent_m })
}

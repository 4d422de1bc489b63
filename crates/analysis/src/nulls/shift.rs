//! Surrogates from the recording itself: activity shifted in time against positions.
//!
//! Surrogate `s` pairs the activity of moment `t` with the position of moment `(t + d_s) mod M`, where the `M` moments run through all trajectories in order
//! and `d_s` is uniform from the least shift to `M` minus it. It keeps each unit's activity in time (its rates and how smooth it is along a path), the paths,
//! how often each bin was visited, and with all units shifted alike what they do together; it loses which activity belongs to which place. The
//! assumption is that activity without a spatial code would be as likely at any shift: a smooth stationary process, on trajectories much longer than the
//! least shift. As used for grid cells since Boccara et al. (2010) and Langston et al. (2010), where the least shift is 20 s: activity and
//! position closer in time than that may still know of each other, and a surrogate would keep part of the map.
//!
//! Where units do code for places, shifted maps are smooth along paths but not over the box, so this null tests *any* spatial tuning, and is less apt than
//! [`NullKind::Isotropic`](super::NullKind::Isotropic) to tell a lattice from other tuning.

use crate::ratemap::Ratemaps;
use gridlake_space::bins::Bins;
use gridlake_space::seed::Seed;
use ndarray::{Array2, Array3};
use rayon::prelude::*;

/// Stands for a moment outside the arena.
const NOWHERE: u32 = u32::MAX;
/// Moments that are kept before they are binned: neighbours in time are neighbours in space, so that a surrogate's bins stay in the cache.
const BLOCK: usize = 1024;

/// Recordings that cannot be shifted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShiftError {
    /// No shift is both long enough and not too long.
    #[error("{moments} recorded moments are too few for shifts of at least {min_shift}; record more than {}, or lower `analyze.nulls.min_shift_steps`", 2 * min_shift)]
    TooShort {
        /// Moments of the recording.
        moments: usize,
        /// The least shift.
        min_shift: usize,
    },
    /// More moments than can be numbered, or a bin that is none of the arena's.
    #[error("moment {moment} lies in bin {bin} of {bins}")]
    Bin {
        /// Which moment.
        moment: usize,
        /// Its bin.
        bin: usize,
        /// Number of bins.
        bins: usize,
    },
}

/// Where every moment of a recording lies, and by how much each surrogate is shifted.
#[derive(Debug, Clone)]
pub struct ShiftPlan {
    bins: Bins,
    /// Bin of every moment, `row * nx + column`.
    at: Vec<u32>,
    visits: Vec<u32>,
    shifts: Vec<usize>,
}

/// Shifted activity of some units, added up as it comes.
pub struct ShiftedSums<'a> {
    plan: &'a ShiftPlan,
    units: usize,
    /// Per surrogate: bin after bin, in each all units.
    sums: Vec<Vec<f32>>,
    /// Moments that wait to be binned, with their activity.
    waiting: Vec<usize>,
    activity: Vec<f32>,
}

impl ShiftPlan {
    /// For a recording whose moments lie in the bins `at` (`row * nx + column`, `None` outside the arena), trajectory after trajectory in the order of time.
    ///
    /// `min_shift` (moments, at least 1) is the least shift in either direction; `seed`: shifts come from its stream `analysis/shifts`, and are the same for all
    /// units. Memory: 4 bytes a moment.
    ///
    /// # Errors
    /// [`ShiftError`]: a recording of less than twice the least shift, or a bin that does not exist.
    pub fn new(
        bins: Bins,
        at: impl IntoIterator<Item = Option<usize>>,
        surrogates: usize,
        min_shift: usize,
        seed: Seed,
    ) -> Result<Self, ShiftError> {
        let count = bins.len();
        let mut visits = vec![0_u32; count];
        let mut found = Vec::new();
        for (moment, bin) in at.into_iter().enumerate() {
            found.push(match bin {
                None => NOWHERE,
                Some(bin) if bin < count && bin < NOWHERE as usize => {
                    visits[bin] = visits[bin].saturating_add(1);
                    bin as u32
                }
                Some(bin) => return Err(ShiftError::Bin { moment, bin, bins: count }),
            });
        }
        let (moments, min_shift) = (found.len(), min_shift.max(1));
        let Some(range) = moments.checked_sub(min_shift.saturating_mul(2)) else {
            return Err(ShiftError::TooShort { moments, min_shift });
        };
        let mut stream = seed.stream("analysis/shifts", 0);
        let shifts = (0..surrogates).map(|_| min_shift + stream.below(range + 1)).collect();
        Ok(Self { bins, at: found, visits, shifts })
    }

    /// Moments of the recording.
    pub fn moments(&self) -> usize {
        self.at.len()
    }

    /// By how many moments each surrogate's activity comes before its position.
    pub fn shifts(&self) -> &[usize] {
        &self.shifts
    }

    /// Bytes that the sums of so many units take: 4 per surrogate, bin and unit (500 surrogates of 50 x 50 bins: 5 MB a unit), and some moments' activity.
    pub fn bytes(&self, units: usize) -> usize {
        4 * units * (self.shifts.len() * self.bins.len() + BLOCK)
    }

    /// The most units whose sums fit into so many bytes: the portion to feed at once. At least one.
    pub fn units_within(&self, bytes: usize) -> usize {
        (bytes / self.bytes(1).max(1)).max(1)
    }

    /// Empty sums for a portion of `units` units.
    pub fn start(&self, units: usize) -> ShiftedSums<'_> {
        ShiftedSums {
            plan: self,
            units,
            sums: vec![vec![0.0; units * self.bins.len()]; self.shifts.len()],
            waiting: Vec::with_capacity(BLOCK),
            activity: Vec::with_capacity(BLOCK * units),
        }
    }
}

impl ShiftedSums<'_> {
    /// Adds the activity of one moment, one value per unit of the portion. Moments may come in any order, each once; the same order gives the same bits, on
    /// any number of threads.
    ///
    /// # Panics
    /// Where there is no such moment, or `activity` does not hold one value per unit.
    pub fn add(&mut self, moment: usize, activity: &[f32]) {
        assert!(moment < self.plan.at.len(), "moment {moment} of {}", self.plan.at.len());
        assert_eq!(activity.len(), self.units, "one activity per unit");
        self.waiting.push(moment);
        self.activity.extend_from_slice(activity);
        if self.waiting.len() == BLOCK {
            self.settle();
        }
    }

    /// Bins the moments that wait.
    fn settle(&mut self) {
        let Self { plan, units, sums, waiting, activity } = self;
        let (at, moments, units) = (&plan.at, plan.at.len(), *units);
        if units > 0 {
            sums.par_iter_mut().zip(&plan.shifts).for_each(|(sums, shift)| {
                for (&moment, values) in waiting.iter().zip(activity.chunks_exact(units)) {
                    let bin = at[(moment + shift) % moments];
                    if bin != NOWHERE {
                        let sums = &mut sums[bin as usize * units..][..units];
                        for (sum, &value) in sums.iter_mut().zip(values) {
                            *sum += value;
                        }
                    }
                }
            });
        }
        waiting.clear();
        activity.clear();
    }

    /// All moments are in: the maps can be read.
    pub fn finish(mut self) -> Self {
        self.settle();
        self
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Every surrogate's ratemap of one unit, in the place of a unit each: the visits are the recording's. Smooth them as the unit's own map was smoothed.
    ///
    /// # Panics
    /// Where the portion has no such unit.
    pub fn ratemaps(&self, unit: usize) -> Ratemaps {
        assert!(unit < self.units, "unit {unit} of {}", self.units);
        let (rows, cols) = (self.plan.bins.ny, self.plan.bins.nx);
        let rates = Array3::from_shape_fn((self.sums.len(), rows, cols), |(surrogate, row, col)| {
            let bin = row * cols + col;
            let visits = self.plan.visits[bin];
            if visits == 0 { f64::NAN } else { f64::from(self.sums[surrogate][bin * self.units + unit]) / f64::from(visits) }
        });
        let occupancy = Array2::from_shape_fn((rows, cols), |(row, col)| self.plan.visits[row * cols + col]);
        Ratemaps { bins: self.plan.bins.clone(), occupancy, rates }
    }
}

/// One surrogate's map as it is defined: activity by activity, in double precision. `activity` holds one unit's value per moment.
#[cfg(test)]
fn reference(bins: &Bins, at: &[Option<usize>], activity: &[f32], shift: usize) -> Vec<f64> {
    let (mut sums, mut visits) = (vec![0.0; bins.len()], vec![0.0; bins.len()]);
    for (moment, bin) in at.iter().enumerate() {
        if let Some(bin) = *bin {
            // The position of `moment` meets the activity of `moment - shift`.
            sums[bin] += f64::from(activity[(moment + at.len() - shift) % at.len()]);
            visits[bin] += 1.0;
        }
    }
    sums.iter().zip(&visits).map(|(sum, n)| if *n > 0.0 { sum / n } else { f64::NAN }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AnalyzeConfig;
    use crate::nulls::Battery;
    use gridlake_space::arena::Arena;

    /// A smooth walk in a box with reflecting walls, as bins; sometimes outside.
    fn walk(bins: &Bins, moments: usize, outside: bool, seed: u64) -> Vec<Option<usize>> {
        let mut stream = Seed(seed).stream("walk", 0);
        let (mut x, mut y, mut heading) = (0.0_f64, 0.0_f64, 0.0_f64);
        let half = 0.5 * bins.arena.width_m;
        (0..moments)
            .map(|_| {
                heading += 0.5 * stream.normal();
                (x, y) = (x + 0.08 * heading.cos(), y + 0.08 * heading.sin());
                if x.abs() > half || y.abs() > half {
                    (x, y) = (x.clamp(-half, half), y.clamp(-half, half));
                    heading = stream.uniform_in(0.0, std::f64::consts::TAU);
                }
                if outside && stream.uniform() < 0.1 { None } else { bins.index(x, y) }
            })
            .collect()
    }

    /// Activity that is smooth in time and knows nothing of place.
    fn drift(moments: usize, unit: u64, keep: f64) -> Vec<f32> {
        let mut stream = Seed(unit).stream("drift", unit);
        let mut value = stream.normal();
        (0..moments)
            .map(|_| {
                value = keep * value + (1.0 - keep * keep).sqrt() * stream.normal();
                value as f32
            })
            .collect()
    }

    #[test]
    fn streamed_sums_are_the_definition_in_any_portions() {
        let bins = Bins::square(Arena::square(1.0), 8);
        for (moments, outside) in [(2500, false), (2500, true), (50, true)] {
            let at = walk(&bins, moments, outside, 3);
            let plan = ShiftPlan::new(bins.clone(), at.iter().copied(), 7, 20, Seed(1)).expect("long enough");
            let units: Vec<Vec<f32>> = (0..3).map(|unit| drift(moments, unit, 0.9)).collect();
            let sums = |part: &[Vec<f32>]| {
                let mut sums = plan.start(part.len());
                for moment in 0..moments {
                    sums.add(moment, &part.iter().map(|unit| unit[moment]).collect::<Vec<f32>>());
                }
                sums.finish()
            };
            let whole = sums(&units);
            for (number, unit) in units.iter().enumerate() {
                let maps = whole.ratemaps(number);
                let alone = sums(std::slice::from_ref(unit)).ratemaps(0);
                for (surrogate, &shift) in plan.shifts().iter().enumerate() {
                    assert!(shift >= 20 && shift <= moments - 20);
                    for ((found, alone), expected) in
                        maps.map(surrogate).iter().zip(alone.map(surrogate)).zip(reference(&bins, &at, unit, shift))
                    {
                        assert!((found - expected).abs() < 1e-5 || (found.is_nan() && expected.is_nan()), "{found} and {expected}");
                        assert!(found.to_bits() == alone.to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_shifted_is_refused() {
        let bins = Bins::square(Arena::square(1.0), 4);
        let short = ShiftPlan::new(bins.clone(), vec![Some(1); 39], 5, 20, Seed(1)).map(|_| ());
        assert_eq!(short, Err(ShiftError::TooShort { moments: 39, min_shift: 20 }));
        let odd = ShiftPlan::new(bins.clone(), vec![Some(16); 90], 5, 20, Seed(1)).map(|_| ());
        assert_eq!(odd, Err(ShiftError::Bin { moment: 0, bin: 16, bins: 16 }));
        let none = ShiftPlan::new(bins.clone(), [], 5, 1, Seed(1)).map(|_| ());
        assert_eq!(none, Err(ShiftError::TooShort { moments: 0, min_shift: 1 }));
        // Nowhere at all: all maps are unvisited.
        let plan = ShiftPlan::new(bins, vec![None; 50], 5, 20, Seed(1)).expect("long enough");
        let mut sums = plan.start(1);
        sums.add(3, &[1.0]);
        assert!(sums.finish().ratemaps(0).rates.iter().all(|rate| rate.is_nan()));
        assert_eq!((plan.bytes(2), plan.units_within(plan.bytes(3) + 1)), (4 * 2 * (5 * 16 + BLOCK), 3));
    }

    #[test]
    fn noise_along_a_smooth_walk_is_rejected_at_the_nominal_rate() {
        let bins = Bins::square(Arena::square(1.0), 16);
        let (moments, surrogates, units) = (6000, 99, 150);
        let at = walk(&bins, moments, false, 5);
        let plan = ShiftPlan::new(bins, at.iter().copied(), surrogates, 40, Seed(2)).expect("long enough");
        // Correlated over some ten moments: shuffled bins would be no null for its maps.
        let activity: Vec<Vec<f32>> = (0..units).map(|unit| drift(moments, unit as u64, 0.9)).collect();
        let mut sums = plan.start(units);
        for moment in 0..moments {
            sums.add(moment, &activity.iter().map(|unit| unit[moment]).collect::<Vec<f32>>());
        }
        let sums = sums.finish();
        let battery = Battery::new(&sums.ratemaps(0), &AnalyzeConfig::default().check().expect("in range"));
        let mut below = [0; crate::nulls::Statistic::ALL.len()];
        let mut defined = [0; crate::nulls::Statistic::ALL.len()];
        for (unit, activity) in activity.iter().enumerate() {
            let own = reference(&plan.bins, &at, activity, 0);
            for (number, (_, score)) in battery.against(&own, &sums.ratemaps(unit)).into_iter().enumerate() {
                defined[number] += usize::from(!score.p.is_nan());
                below[number] += usize::from(score.significant(0.1));
            }
        }
        // All but the border scores, whose fields noise seldom has.
        for number in 0..4 {
            let (n, hits) = (f64::from(defined[number] as u32), f64::from(below[number] as u32));
            assert!(n >= 0.8 * units as f64 && (hits - 0.1 * n).abs() < 3.9 * (0.09 * n).sqrt() + 1.0, "{hits} of {n} at 10 %");
        }
    }
}

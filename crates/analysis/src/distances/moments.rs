//! Sampled moments: states with the places, trajectories and times that they belong to.

use gridlake_space::seed::Seed;
use ndarray::{ArrayView2, Axis};

/// Arrays that are no moments.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MomentsError {
    /// Two arrays differ in length.
    #[error("{what} holds {found} entries, but there are {moments} moments; pass one for each row of the activity")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Rows of the activity.
        moments: usize,
    },
    /// No moments, or no units.
    #[error("{moments} moments of {units} units; at least one of each is needed")]
    Empty {
        /// Rows of the activity.
        moments: usize,
        /// Columns of the activity.
        units: usize,
    },
    /// A value that is no number.
    #[error("{what} of moment {moment} is {value}; leave moments out whose values are not finite (and below 1e15)")]
    NotFinite {
        /// Which array.
        what: &'static str,
        /// Row of the activity.
        moment: usize,
        /// The value.
        value: f64,
    },
}

/// From here on sums of squares could overflow in `f32`.
const LARGEST: f64 = 1e15;

/// Checked moments of one arena, in any order.
#[derive(Debug, Clone, Copy)]
pub struct Moments<'a> {
    activity: ArrayView2<'a, f32>,
    positions_m: &'a [[f64; 2]],
    trajectories: &'a [u32],
    times: &'a [u32],
}

impl<'a> Moments<'a> {
    /// * `activity`: states g, moments × units, finite. In the paper of norm 1; other norms are allowed, see each analysis.
    /// * `positions_m`: (x, y) of each moment, metres from the arena's centre.
    /// * `trajectories`: which trajectory each moment belongs to, any numbers.
    /// * `times`: steps since the trajectory's start.
    ///
    /// # Errors
    /// Where lengths differ, nothing is there, or a value is not finite.
    pub fn new(
        activity: ArrayView2<'a, f32>,
        positions_m: &'a [[f64; 2]],
        trajectories: &'a [u32],
        times: &'a [u32],
    ) -> Result<Self, MomentsError> {
        let (moments, units) = activity.dim();
        if moments == 0 || units == 0 {
            return Err(MomentsError::Empty { moments, units });
        }
        for (what, found) in [("positions", positions_m.len()), ("trajectories", trajectories.len()), ("times", times.len())] {
            if found != moments {
                return Err(MomentsError::Length { what, found, moments });
            }
        }
        let bad = |value: f64| value.is_nan() || value.abs() >= LARGEST;
        for (moment, (state, position)) in activity.axis_iter(Axis(0)).zip(positions_m).enumerate() {
            if let Some(&value) = state.iter().find(|g| bad(f64::from(**g))) {
                return Err(MomentsError::NotFinite { what: "activity", moment, value: f64::from(value) });
            }
            if let Some(&value) = position.iter().find(|x| bad(**x)) {
                return Err(MomentsError::NotFinite { what: "position", moment, value });
            }
        }
        Ok(Self { activity, positions_m, trajectories, times })
    }

    /// Number of moments.
    pub fn count(&self) -> usize {
        self.positions_m.len()
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.activity.ncols()
    }

    /// States, moments × units.
    pub fn activity(&self) -> ArrayView2<'a, f32> {
        self.activity
    }

    /// (x, y) of each moment, metres.
    pub fn positions_m(&self) -> &'a [[f64; 2]] {
        self.positions_m
    }

    /// The trajectory of each moment.
    pub fn trajectories(&self) -> &'a [u32] {
        self.trajectories
    }

    /// Steps since the start of each moment.
    pub fn times(&self) -> &'a [u32] {
        self.times
    }

    /// Their trajectories, ascending, each once.
    pub fn distinct_trajectories(&self) -> Vec<u32> {
        let mut distinct = self.trajectories.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        distinct
    }

    /// What all states have in common.
    pub fn summary(&self) -> StateSummary {
        let mut mean = vec![0.0; self.units()];
        let mut squares = 0.0;
        for state in self.activity.rows() {
            for (mean, &g) in mean.iter_mut().zip(state) {
                *mean += f64::from(g);
            }
            squares += square_norm(state.iter().copied());
        }
        let count = self.count() as f64;
        let mean_norm = mean.iter().map(|sum| (sum / count).powi(2)).sum::<f64>().sqrt();
        StateSummary { mean_norm, mean_square_norm: squares / count }
    }

    /// At most `most` moments, uniformly without replacement by a stream, in ascending order; all of them where there are no more.
    pub(crate) fn sample(&self, most: usize, seed: Seed, stream: &str) -> Vec<usize> {
        if self.count() <= most {
            return (0..self.count()).collect();
        }
        let mut stream = seed.stream(stream, 0);
        // The first `most` draws of a Fisher-Yates shuffle.
        let mut order: Vec<usize> = (0..self.count()).collect();
        for at in 0..most {
            order.swap(at, at + stream.below(self.count() - at));
        }
        order.truncate(most);
        order.sort_unstable();
        order
    }
}

pub(crate) fn square_norm(state: impl Iterator<Item = f32>) -> f64 {
    state.map(|g| f64::from(g).powi(2)).sum()
}

/// Relative rounding of sums of states.
const ROUNDING: f64 = 1e-13;

/// What all states have in common: the level of chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateSummary {
    /// ‖mean g‖, over all states.
    pub mean_norm: f64,
    /// mean ‖g‖²; 1 for states of norm 1.
    pub mean_square_norm: f64,
}

impl StateSummary {
    /// Neural distance of unrelated states, as a root mean square: `√(2 mean‖g‖² - 2 ‖mean g‖²)`.
    ///
    /// With states of norm 1 that is the paper's `√(2 - 2 ‖mean g‖²)`; with others it still is the root mean square distance of two states drawn
    /// independently, which the paper's form is not. The *mean* distance of unrelated states lies a little below it (Jensen).
    ///
    /// A difference within the rounding of the sums counts as none: states that are all the same have chance 0.
    pub fn chance_distance(&self) -> f64 {
        let variance = self.mean_square_norm - self.mean_norm * self.mean_norm;
        if variance <= ROUNDING * self.mean_square_norm { 0.0 } else { (2.0 * variance).sqrt() }
    }
}

//! One number per ratemap: how much it says about place, how sparse, smooth, repeatable and tied to the walls it is.
//!
//! | Measure | Question | Range |
//! |---|---|---|
//! | [`spatial_information`] | how many bits does one event tell about where the animal is? | 0 … log₂(bins visited) |
//! | [`sparsity`] | over which share of the time does the unit fire, if it fired evenly there? | 0 … 1 |
//! | [`coherence`] | does a bin predict its neighbours? | -1 … 1 |
//! | [`border_scores`] | does a field follow a wall, and how strong is one that covers it? | -1 … 1 |
//! | [`stability`] | are the maps of two halves alike? | -1 … 1 |
//!
//! Maps are `(row, column) = (y, x)` with NaN for unvisited bins; occupancy counts visits. Every measure is blind to the rates' scale. A number that does
//! not exist is an [`Undefined`], which says why.

mod border;
mod border_plan;
mod coherence;
mod information;
mod sparsity;
mod stability;
#[cfg(test)]
mod tests;

pub use border::{border_score, border_scores};
pub(crate) use border_plan::{BorderPlan, BorderWorkspace};
pub use coherence::coherence;
pub use information::spatial_information;
pub use sparsity::sparsity;
pub use stability::stability;

use ndarray::{Array2, ArrayView2};

/// Fewest pairs of bins for a correlation over bins.
pub const FEWEST_BINS: usize = 20;
/// Variance, over the largest value squared, at or below which values count as constant: the rounding of sums.
const ROUNDING: f64 = 1e-24;

/// Why a measure is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// Every bin is NaN, or none has an occupancy.
    #[error("no bin was visited")]
    NothingVisited,
    /// A visited bin holds an infinite rate, or one that is NaN although the occupancy counts visits.
    #[error("a visited bin holds a rate that is not finite")]
    NotFinite,
    /// A measure of rates as frequencies met a rate below zero.
    #[error("a rate is negative, so rates are no frequencies of events")]
    Negative,
    /// The mean rate is zero.
    #[error("the unit is silent")]
    Silent,
    /// Nothing to correlate.
    #[error("the map is constant")]
    Constant,
    /// A correlation over too few pairs of bins.
    #[error("{found} bins can be compared, {least} are needed")]
    TooFewBins {
        /// Bins that can be compared.
        found: usize,
        /// Fewest that make a correlation.
        least: usize,
    },
    /// Two arrays that should cover the same bins do not.
    #[error("the arrays have different numbers of bins")]
    Shapes,
    /// No connected field of at least 200 cm².
    #[error("no field is as large as 200 cm²")]
    NoField,
    /// The animal kept away from every wall.
    #[error("no wall was visited along at least half of its length")]
    NoWall,
    /// The caller has no maps of the two halves.
    #[error("no maps of the two halves of the recording")]
    NoHalves,
    /// A side of the arena is zero or not finite.
    #[error("the arena has no area")]
    NoArea,
}

/// A measure of one unit: its value, or NaN with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The value; NaN where undefined.
    pub value: f64,
    /// Why it is NaN, in one sentence.
    pub reason: Option<String>,
}

impl Measured {
    /// NaN, with a reason.
    pub fn undefined(reason: &impl ToString) -> Self {
        Self { value: f64::NAN, reason: Some(reason.to_string()) }
    }
}

impl<E: ToString> From<Result<f64, E>> for Measured {
    fn from(result: Result<f64, E>) -> Self {
        match result {
            Ok(value) => Self { value, reason: None },
            Err(reason) => Self::undefined(&reason),
        }
    }
}

/// Probability of each visited bin and its rate over the largest rate: `(p, λ)`, in row-major order.
fn frequencies(map: ArrayView2<'_, f64>, occupancy: &Array2<u32>) -> Result<Vec<(f64, f64)>, Undefined> {
    if map.dim() != occupancy.dim() {
        return Err(Undefined::Shapes);
    }
    let visited = || map.iter().zip(occupancy).filter(|(_, visits)| **visits > 0);
    if visited().next().is_none() {
        return Err(Undefined::NothingVisited);
    }
    if visited().any(|(rate, _)| !rate.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    if visited().any(|(rate, _)| *rate < 0.0) {
        return Err(Undefined::Negative);
    }
    let largest = visited().fold(0.0_f64, |most, (rate, _)| most.max(*rate));
    if largest == 0.0 {
        return Err(Undefined::Silent);
    }
    let total: f64 = visited().map(|(_, visits)| f64::from(*visits)).sum();
    Ok(visited().map(|(rate, visits)| (f64::from(*visits) / total, rate / largest)).collect())
}

/// Pearson's r of at least [`FEWEST_BINS`] pairs of finite values.
fn pearson(pairs: &[(f64, f64)]) -> Result<f64, Undefined> {
    if pairs.len() < FEWEST_BINS {
        return Err(Undefined::TooFewBins { found: pairs.len(), least: FEWEST_BINS });
    }
    if pairs.iter().any(|(a, b)| !a.is_finite() || !b.is_finite()) {
        return Err(Undefined::NotFinite);
    }
    let (a, b) = (standard(pairs.iter().map(|pair| pair.0))?, standard(pairs.iter().map(|pair| pair.1))?);
    let products: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
    Ok((products / pairs.len() as f64).clamp(-1.0, 1.0))
}

/// The values with mean 0 and variance 1.
fn standard(values: impl Iterator<Item = f64> + Clone) -> Result<Vec<f64>, Undefined> {
    let largest = values.clone().fold(0.0_f64, |most, value| most.max(value.abs()));
    let scaled: Vec<f64> = values.map(|value| if largest > 0.0 { value / largest } else { 0.0 }).collect();
    let n = scaled.len() as f64;
    let mean = scaled.iter().sum::<f64>() / n;
    let variance = scaled.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    if variance <= ROUNDING {
        return Err(Undefined::Constant);
    }
    Ok(scaled.iter().map(|value| (value - mean) / variance.sqrt()).collect())
}

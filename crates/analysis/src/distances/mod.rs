//! How far apart states are: neural distance ‖g - g'‖ against separation in space and in time (Fig. 5a).
//!
//! | Question | Function |
//! |---|---|
//! | How fast do states decorrelate with distance, and where is half of chance reached? | [`space()`] |
//! | Does the state of a place stay the same over time (path integration)? | [`space_time()`] |
//! | Which separations did training see? | [`training_cdf()`] |
//!
//! **Chance.** Two independent states of norm 1 are `√(2 - 2 ‖mean g‖²)` apart, as a root mean square ([`StateSummary::chance_distance`] has the form for any norm).
//!
//! **Errors** are from a bootstrap over whole trajectories, since moments of one are not independent. It takes the network and the arena as given.
//!
//! Source: Schaeffer et al. 2023, Fig. 5a. Departures: the paper shows a two-dimensional kernel density of random pairs; here all pairs of the sampled moments are counted,
//! and the density is one of neural distance *given* the separation, of one stated bandwidth, so that columns with few and many pairs compare. The paper does not say
//! which pairs its panel against time holds; here they are of the same trajectory.

mod config;
mod density;
mod groups;
mod half_rise;
mod moments;
mod pairs;
mod reference;
mod space;
mod space_time;
#[cfg(test)]
mod tests;
mod training;

pub use config::{CheckedDistancesConfig, DistancesConfig};
pub use density::density;
pub use half_rise::{MIN_PAIRS, half_rise_m};
pub use moments::{Moments, MomentsError, StateSummary};
pub use reference::{reference_density, reference_pairs};
pub use space::{SpaceDistances, space};
pub use space_time::{SamePlace, SpaceTimeDistances, space_time};
pub use training::{TrainingCdf, training_cdf};

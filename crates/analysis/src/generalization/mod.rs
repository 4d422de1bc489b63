//! What larger boxes change: periods, spatial coherence, the reach of the code, and how evaluation walks differ from training (Fig. 5).
//!
//! | Question | Function |
//! |---|---|
//! | All of it, per arena and module | [`generalization()`], [`generalization_in`] |
//! | Do periods stay the same in larger boxes? | [`period_changes`] |
//! | Does a place keep its state? | [`coherence()`] |
//! | How do training and evaluation walk, and how far? | [`path_statistics`], [`velocity_histogram`] |
//!
//! A network that generalizes keeps its periods (change 0 within the error), its half-rise distance, and its coherence far above chance, in boxes that training never filled. Chance rises with
//! the size of the box where there is more to confuse: both are reported.

mod coherence;
mod config;
mod paths;
mod periods;
mod quantile;
mod table;
mod velocities;

pub(crate) use coherence::coherence_of;
pub use coherence::{Coherence, coherence, reference_coherence};
pub use config::GeneralizationConfig;
pub use paths::{PathStatistics, path_statistics};
pub use periods::{Period, PeriodChange, period_changes};
pub(crate) use quantile::quantile;

pub use quantile::Quartiles;
pub use table::{ArenaGeneralization, ArenaStates, GeneralizationError, GeneralizationRow, ModuleUnits, generalization, generalization_in};
pub use velocities::{VelocityHistogram, velocity_histogram};

#[cfg(test)]
mod tests;

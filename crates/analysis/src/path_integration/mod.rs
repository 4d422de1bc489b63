//! Path integration: how well, and for how long, states tell the position.
//!
//! | Decoder | Answers |
//! |---|---|
//! | [`NearestState`] | the bin whose mean state, scaled to norm 1, has the largest dot product with the state; refined within the bin if asked for |
//! | [`LinearReadout`] | an affine function of the state, by ridge regression |
//!
//! [`path_integration()`] fits both on one half of the trajectories and tests them on the other, either way round, and gives errors by time since the start, beside two
//! kinds of chance, with the spatial coherence of the states of each time.
//!
//! Where a code repeats within the arena (one module; two commensurate ones), the nearest state cannot tell places apart that share it: the error is then some
//! periods, and that is a property of the code, not of the decoder. A code that drifts blurs its own map, unless the fit is cut off at `fit_until_steps`.

mod by_time;
mod config;
mod linear_readout;
mod nearest;
#[cfg(test)]
mod tests;

pub use by_time::{PathIntegration, PathIntegrationError, TimeErrors, path_integration};
pub use config::{CheckedPathIntegrationConfig, PathIntegrationConfig};
pub use linear_readout::LinearReadout;
pub use nearest::NearestState;

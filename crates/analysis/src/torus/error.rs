//! What stops the test. A cloud that is no torus, or too small to tell, is no error: see [`super::Verdict`].

use crate::downsampling::DownsamplingError;
use crate::homology::HomologyError;
use crate::pca::PcaError;

/// Why there is no answer at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TorusError {
    /// Activity and positions are of different moments.
    #[error("activity of {moments} moments at {positions} positions; every moment has one")]
    Positions {
        /// Rows of the activity.
        moments: usize,
        /// Positions.
        positions: usize,
    },
    /// Activity is NaN or infinite.
    #[error("unit {unit} has the activity {value} at moment {moment}; leave such moments out")]
    Activity {
        /// Row.
        moment: usize,
        /// Column.
        unit: usize,
        /// What it is.
        value: f32,
    },
    /// A position is NaN or infinite.
    #[error("moment {moment} is at ({}, {}) m; leave moments without a position out", .position_m[0], .position_m[1])]
    Position {
        /// Which.
        moment: usize,
        /// Where it is said to be.
        position_m: [f64; 2],
    },
    /// Phases of the Fourier analysis are not those of these units.
    #[error("phases of {phases} units, activity of {units}; every unit has one pair, NaN where it is unknown")]
    Phases {
        /// Pairs of phases.
        phases: usize,
        /// Columns of the activity.
        units: usize,
    },
    /// The principal components failed.
    #[error("principal components of the module's activity: {0}")]
    Pca(#[from] PcaError),
    /// Downsampling or its metric failed.
    #[error("downsampling of the module's activity: {0}")]
    Downsampling(#[from] DownsamplingError),
    /// Homology failed, ran out of the memory allowed, or was interrupted.
    #[error("homology of the module's activity: {0}")]
    Homology(#[from] HomologyError),
    /// The caller said stop.
    #[error("interrupted after {done} of {total} surrogates")]
    Interrupted {
        /// Surrogates done.
        done: usize,
        /// Of how many.
        total: usize,
    },
}

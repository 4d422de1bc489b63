//! Sizes of a group of batches that go through the GPU together, and of what is padded.

use crate::ops::pair_losses::PairPlan;
use crate::ops::state_losses::CAPACITY_STATES;

/// A batches of B trajectories of T steps over K distinct velocities each, N units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sizes {
    /// A.
    pub(crate) batches: usize,
    /// B.
    pub(crate) batch: usize,
    /// T.
    pub(crate) length: usize,
    /// K.
    pub(crate) velocities: usize,
    /// N.
    pub(crate) units: usize,
    /// How the pairs of states are divided.
    pub(crate) pairs: PairPlan,
}

impl Sizes {
    /// S = B·T, the states of a batch.
    pub(crate) fn states(&self) -> usize {
        self.batch * self.length
    }

    /// S, rounded up to whole groups of the pair losses.
    pub(crate) fn states_padded(&self) -> usize {
        self.pairs.states_padded()
    }

    /// Floats from one state to the next.
    pub(crate) fn stride(&self) -> usize {
        stride(self.units)
    }

    /// Floats from one column of W to the next.
    pub(crate) fn w_stride(&self) -> usize {
        self.units.next_multiple_of(4)
    }

    /// Steps that use each velocity: B where trajectories share them, else 1.
    pub(crate) fn uses(&self) -> usize {
        self.states() / self.velocities
    }

    /// Partial sums of the capacity loss.
    pub(crate) fn capacity_parts(&self) -> usize {
        self.states().div_ceil(CAPACITY_STATES)
    }

    /// Floats of W for all velocities of all batches.
    pub(crate) fn w_len(&self) -> usize {
        self.batches * self.velocities * self.units * self.w_stride()
    }

    /// Floats of the states of all batches.
    pub(crate) fn g_len(&self) -> usize {
        self.batches * self.states_padded() * self.stride()
    }
}

/// N rounded up to what the pair losses take: 64, 96, or a multiple of 128.
pub(crate) fn stride(units: usize) -> usize {
    match units {
        ..=64 => 64,
        65..=96 => 96,
        _ => units.next_multiple_of(128),
    }
}

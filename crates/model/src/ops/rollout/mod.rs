//! The recurrence (eq. 2-3) over a whole batch, forward and backward through time.
//!
//! g_t = NormReLU(W(v_t)·g_{t-1}), NormReLU(z) = ReLU(z)/(‖ReLU(z)‖ + 1e-8). A batch holds K distinct velocities (T with permutation
//! augmentation), so W is given as K matrices and each step of each trajectory names one. States after the rectification are sparse, and products
//! skip their zeros; the gradient of W(v_k) is one product Δ_kᵀ·G_k over the steps that used it: no scatter and no copy of W per trajectory.
//!
//! Letters: B trajectories, T steps, N units, `stride` = N rounded up to whole packs, S = B·T states in trajectory order.

mod cpu;
mod cuda;
#[cfg(test)]
mod reference;

pub use cpu::Rollout;
pub(crate) use cpu::norm_relu;
pub(crate) use cuda::{RolloutBuffers, Start, forward};

use super::simd::LANES;

/// ε of NormReLU, as in the golden numbers.
pub const NORM_EPSILON: f32 = 1e-8;

/// Which velocity each step uses.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// Trajectories, B.
    pub batch: usize,
    /// Steps of each, T.
    pub length: usize,
    /// Units, N.
    pub units: usize,
    /// Distinct velocities, K.
    pub velocities: usize,
    /// (B, T): the velocity of each step, below K.
    pub index: &'a [u32],
}

impl Steps<'_> {
    /// Floats from one state to the next: N rounded up to whole packs.
    pub fn stride(&self) -> usize {
        self.units.next_multiple_of(LANES)
    }

    /// S = B·T.
    pub fn states(&self) -> usize {
        self.batch * self.length
    }

    /// The steps that use each velocity, as state numbers in order, velocity after velocity, and where (K + 1) each one's begin.
    fn uses(&self, uses: &mut Vec<u32>, starts: &mut Vec<usize>) {
        starts.clear();
        starts.resize(self.velocities + 1, 0);
        for k in self.index {
            starts[*k as usize + 1] += 1;
        }
        for k in 0..self.velocities {
            starts[k + 1] += starts[k];
        }
        uses.resize(self.index.len(), 0);
        for (state, k) in self.index.iter().enumerate() {
            uses[starts[*k as usize]] = state as u32;
            starts[*k as usize] += 1;
        }
        // Every start has moved to its end, which is the next one's start.
        starts.rotate_right(1);
        starts[0] = 0;
    }
}

#[cfg(test)]
mod tests;

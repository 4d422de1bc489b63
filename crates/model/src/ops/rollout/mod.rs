//! The recurrence (eq. 2-3) over a whole batch, forward and backward through time.
//!
//! g_t = NormReLU(W(v_t)·g_{t-1}), NormReLU(z) = ReLU(z)/(‖ReLU(z)‖ + 1e-8). A batch holds K distinct velocities (T with permutation
//! augmentation), so W is given as K matrices and each step of each trajectory names one. States after the rectification are sparse, and products
//! skip their zeros; the gradient of W(v_k) is one product Δ_kᵀ·G_k over the steps that used it: no scatter and no copy of W per trajectory.
//!
//! Letters: B trajectories, T steps, N units, `stride` = N rounded up to whole packs, S = B·T states in trajectory order.

mod cpu;
#[cfg(test)]
mod reference;

pub(crate) use cpu::{backward, continue_from, forward, norm_relu};

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

    /// The steps that use each velocity, as state numbers in order.
    fn uses(&self) -> Vec<Vec<u32>> {
        let mut uses = vec![Vec::with_capacity(self.batch); self.velocities];
        for (state, k) in self.index.iter().enumerate() {
            uses[*k as usize].push(state as u32);
        }
        uses
    }
}

/// What the forward pass leaves behind.
#[derive(Clone, Debug)]
pub struct States {
    /// (S, stride): g_1 … g_T of every trajectory; padding is zero.
    pub g: Vec<f32>,
    /// (S): ‖ReLU(z)‖ before normalization.
    pub norm: Vec<f32>,
    /// (stride): g₀ = NormReLU(raw).
    pub initial: Vec<f32>,
    /// ‖ReLU(raw)‖.
    pub initial_norm: f32,
    /// States whose rectified activity is zero everywhere.
    pub zero_states: usize,
}

#[cfg(test)]
mod tests;

//! The pair losses on a GPU: arguments and launches of kernel.cu.

use super::cpu::squared_limits;
use super::{PairSettings, Reduction};
use crate::cuda::queue::{Address, Arguments, Launch};
use crate::cuda::sizes::Sizes;
use crate::cuda::{Buffer, Queue};
use crate::error::ModelError;

/// Side of a tile of `count_pairs`.
const COUNT_TILE: usize = 128;

/// `PairLimits`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct PairLimits {
    above: f64,
    below: f64,
    limit: f32,
    tolerance: f32,
}

/// `PairArgs`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct PairArguments {
    g: Address,
    squared_norm: Address,
    positions: Address,
    counts: Address,
    partials: Address,
    slope_partials: Address,
    losses: Address,
    limits: PairLimits,
    inverse_width: f64,
    lambda_sep: f64,
    lambda_inv: f64,
    batches: u32,
    states: u32,
    states_padded: u32,
    stride: u32,
    groups: u32,
    panels: u32,
    reduction: u32,
}
const _: () = assert!(size_of::<PairArguments>() == 136);
// SAFETY: the fields of `PairArgs` in their order.
#[expect(unsafe_code, reason = "a promise about a kernel's arguments")]
unsafe impl Arguments for PairArguments {}

/// What the sweep leaves for the states' gradient.
#[derive(Debug)]
pub(crate) struct PairBuffers {
    pub(crate) partials: Buffer<f32>,
    pub(crate) slope_partials: Buffer<f32>,
    pub(crate) losses: Buffer<f64>,
}

/// The states that are swept over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairInputs {
    pub(crate) g: Address,
    pub(crate) squared_norm: Address,
    pub(crate) positions: Address,
    pub(crate) counts: Address,
}

/// The number of a reduction in limits.cuh.
pub(crate) fn reduction_number(reduction: Reduction) -> u32 {
    match reduction {
        Reduction::MeanSelected => 0,
        Reduction::MeanAll => 1,
        Reduction::Sum => 2,
    }
}

/// Limits for positions that are at most `reach_m` from the origin along either axis.
fn pair_limits(sigma_x_m: f64, reach_m: f64) -> PairLimits {
    let (above, below) = squared_limits(sigma_x_m);
    // Rounding both positions and their difference moves a coordinate's difference by 4·reach·2⁻²⁴ at most, the distance by √2 times that; squares and their sum
    // add 2⁻²² of themselves. Twice that, as a margin.
    let distance_error = 4.0 * std::f64::consts::SQRT_2 * reach_m * 2f64.powi(-24);
    let tolerance = 2.0 * (2.0 * sigma_x_m * distance_error + distance_error * distance_error + sigma_x_m * sigma_x_m * 2f64.powi(-22));
    PairLimits { above, below, limit: (sigma_x_m * sigma_x_m) as f32, tolerance: tolerance as f32 }
}

impl PairBuffers {
    pub(crate) fn new(queue: &Queue, sizes: &Sizes) -> Result<Self, ModelError> {
        let plan = &sizes.pairs;
        Ok(Self {
            partials: queue.zeros(plan.partials_len(sizes.batches, sizes.stride()))?,
            slope_partials: queue.zeros(plan.partials_len(sizes.batches, 1))?,
            losses: queue.zeros(2 * sizes.batches * plan.group_pairs())?,
        })
    }

    fn arguments(&self, sizes: &Sizes, inputs: PairInputs, settings: &PairSettings, reach_m: f64) -> PairArguments {
        PairArguments {
            g: inputs.g,
            squared_norm: inputs.squared_norm,
            positions: inputs.positions,
            counts: inputs.counts,
            partials: self.partials.address(),
            slope_partials: self.slope_partials.address(),
            losses: self.losses.address(),
            limits: pair_limits(settings.sigma_x_m, reach_m),
            inverse_width: 1.0 / (2.0 * settings.sigma_g * settings.sigma_g),
            lambda_sep: settings.lambda_sep,
            lambda_inv: settings.lambda_inv,
            batches: sizes.batches as u32,
            states: sizes.states() as u32,
            states_padded: sizes.states_padded() as u32,
            stride: sizes.stride() as u32,
            groups: sizes.pairs.groups as u32,
            panels: sizes.pairs.panels as u32,
            reduction: reduction_number(settings.reduction),
        }
    }

    /// Adds the numbers of far and near pairs to `counts`.
    pub(crate) fn count(
        &self,
        queue: &Queue,
        sizes: &Sizes,
        inputs: PairInputs,
        settings: &PairSettings,
        reach_m: f64,
    ) -> Result<(), ModelError> {
        let tiles = sizes.states().div_ceil(COUNT_TILE);
        let launch = Launch { grid: (tiles, tiles, sizes.batches), threads: 256, shared: 0 };
        queue.launch("count_pairs", launch, &self.arguments(sizes, inputs, settings, reach_m))
    }

    /// Losses and partial gradients, after the pairs were counted.
    pub(crate) fn sweep(
        &self,
        queue: &Queue,
        sizes: &Sizes,
        inputs: PairInputs,
        settings: &PairSettings,
        reach_m: f64,
    ) -> Result<(), ModelError> {
        let plan = &sizes.pairs;
        let precision = if settings.tf32 { "tf32" } else { "f32" };
        let kernel = format!("pair_sweep_{}_{}_{precision}", plan.rows, plan.units);
        let grid = (sizes.batches * plan.group_pairs(), plan.chunks, 1);
        let launch = Launch { grid, threads: plan.threads(), shared: plan.shared_bytes() };
        queue.launch(&kernel, launch, &self.arguments(sizes, inputs, settings, reach_m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    /// The decision of `distance_beyond` (limits.cuh), in its own arithmetic.
    fn kind(limits: &PairLimits, a: [f64; 2], b: [f64; 2]) -> Option<bool> {
        let (dx, dy) = (a[0] as f32 - b[0] as f32, a[1] as f32 - b[1] as f32);
        let beyond = dx.mul_add(dx, dy * dy) - limits.limit;
        (beyond.abs() > limits.tolerance).then_some(beyond > 0.0)
    }

    #[test]
    fn single_precision_decides_only_where_it_is_right() {
        let mut stream = Seed(3).stream("limits", 0);
        let mut undecided = 0;
        for sigma in [0.05, 1e-3, 0.3, 1e-9, 5.0] {
            for reach in [0.1, 2.0, 9.0] {
                let limits = pair_limits(sigma, reach);
                for _ in 0..20_000 {
                    let a = [stream.uniform_in(-reach, reach), stream.uniform_in(-reach, reach)];
                    // Half of the pairs within a millionth of the limit.
                    let angle = stream.uniform_in(0.0, std::f64::consts::TAU);
                    let distance = sigma * (1.0 + stream.uniform_in(-1e-6, 1e-6));
                    let near = [a[0] + distance * angle.cos(), a[1] + distance * angle.sin()];
                    let b = if stream.below(2) == 0 { near } else { [stream.uniform_in(-reach, reach), stream.uniform_in(-reach, reach)] };
                    if b[0].abs() > reach || b[1].abs() > reach {
                        continue;
                    }
                    let exact = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
                    match kind(&limits, a, b) {
                        Some(far) => assert_eq!(far, exact > sigma, "σ {sigma}, reach {reach}, distance {exact}"),
                        None => undecided += 1,
                    }
                }
            }
        }
        assert!(undecided > 10_000, "the close ones are left to double precision: {undecided}");
    }
}

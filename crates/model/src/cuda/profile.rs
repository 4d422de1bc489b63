//! For benchmarks: how long each kernel of a training step takes on a GPU, beside what it must at least compute and move.

use super::queue::gpu_error;
use super::sizes::Sizes;
use super::training::CudaTraining;
use super::{Buffer, Queue};
use crate::config::{CheckedTrainConfig, Precision};
use crate::device::gpu;
use crate::error::ModelError;
use crate::optimizer::AdamW;
use crate::parameters::Parameters;
use crate::schedule::Plateau;
use gridlake_space::seed::Seed;

/// Steps before anything is timed, so that kernels work on what they work on in training.
const WARM_UP_STEPS: u64 = 10;

/// Launches of a kernel in a row between two looks at the clock: a graph of them, as the host could not launch small ones as fast as they run.
const IN_A_ROW: usize = 20;

/// One kernel's launches of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// What it is called in the device code.
    pub name: String,
    /// Launches in a step; all else is for all of them together.
    pub launches: usize,
    /// Median time, by the GPU's clock, of launches in a row: what the gap between two kernels takes is in it.
    pub seconds: f64,
    /// The least work, where it is known.
    pub work: Option<Work>,
}

/// What a kernel must do at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating-point operations of the algorithm, a fused one as two; states as if dense.
    pub operations: f64,
    /// Products on tensor cores in TF32 that make one product here; 0 where they are not used.
    pub tensor_products: u32,
    /// Bytes, if each input is read once and each output written once.
    pub bytes: f64,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepProfile {
    /// Kernels in the order of their first launch.
    pub kernels: Vec<KernelTime>,
    /// Median time of a whole step by the GPU's clock, as training launches it; kernels that may run side by side do so there.
    pub step_seconds: f64,
}

/// What a device is called.
///
/// # Errors
/// When it is not there.
pub fn device_name(device: &str) -> Result<String, ModelError> {
    Ok(gpu(device)?.name.clone())
}

/// Profiles a step of the first phase of a configuration on its device. Kernels are timed one by one, each after those before it have run, `repetitions` times.
///
/// # Errors
/// When the device is not there, fails, or has too little memory; when the network's first steps are not finite.
pub fn profile_step(config: &CheckedTrainConfig, repetitions: usize) -> Result<StepProfile, ModelError> {
    let gpu = gpu(&config.device)?;
    let parameters = Parameters::draw(&config.model_after(0), config.precision, &candle_core::Device::Cpu, Seed(0))?;
    let mut training = CudaTraining::new(gpu, config, &parameters, &AdamW::new(&parameters))?;
    training.advance(config, Seed(0), 0..WARM_UP_STEPS, &mut Plateau::default())?;
    let Some((launches, sizes)) = training.launches(config)? else { unreachable!("steps were taken") };
    let step = Step {
        sizes,
        widths: std::iter::once(2).chain(config.model.mlp_hidden.iter().copied()).collect(),
        parameters: parameters.named().iter().map(|(_, var)| var.elem_count()).sum(),
        parts: launches.iter().find(|launch| launch.kernel == "mlp_last_inputs").map_or(0, |launch| launch.launch.grid.2),
        tf32: config.precision == Precision::Tf32,
    };
    let mut kernels: Vec<KernelTime> = Vec::new();
    for (number, launch) in launches.iter().enumerate() {
        training.rewind(false)?;
        launches[..number].iter().try_for_each(|before| training.queue.repeat(before))?;
        training.rewind(true)?;
        let graph = training.queue.capture(|| (0..IN_A_ROW).try_for_each(|_| training.queue.repeat(launch)))?;
        let in_a_row = || graph.launch().map_err(gpu_error("launching kernels"));
        let seconds = median(repetitions, || training.queue.seconds(in_a_row))? / IN_A_ROW as f64;
        match kernels.iter_mut().find(|kernel| kernel.name == launch.kernel) {
            Some(kernel) => (kernel.launches, kernel.seconds) = (kernel.launches + 1, kernel.seconds + seconds),
            None => kernels.push(KernelTime { name: launch.kernel.clone(), launches: 1, seconds, work: step.work(&launch.kernel) }),
        }
    }
    let step_seconds = median(repetitions, || {
        training.rewind(false)?;
        training.queue.seconds(|| training.launch_step())
    })?;
    Ok(StepProfile { kernels, step_seconds })
}

/// Bytes read and written per second by a copy of `bytes` within the device's memory, many times what its caches hold.
///
/// # Errors
/// When the device is not there, or has too little memory.
pub fn copy_rate(device: &str, bytes: usize, repetitions: usize) -> Result<f64, ModelError> {
    let queue = Queue::new(gpu(device)?)?;
    let from: Buffer<u8> = queue.zeros(bytes)?;
    let mut to: Buffer<u8> = queue.zeros(bytes)?;
    let seconds = median(repetitions, || queue.seconds(|| queue.copy(&mut to, &from)))?;
    Ok(2.0 * bytes as f64 / seconds)
}

/// The median of some measurements, after one that does not count.
fn median(repetitions: usize, mut measure: impl FnMut() -> Result<f64, ModelError>) -> Result<f64, ModelError> {
    measure()?;
    let mut times = (0..repetitions.max(1)).map(|_| measure()).collect::<Result<Vec<f64>, ModelError>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// What the work of a step depends on.
struct Step {
    /// With all batches of the step.
    sizes: Sizes,
    /// Inputs of every layer of the MLP.
    widths: Vec<usize>,
    /// Numbers that are trained.
    parameters: usize,
    /// Pieces of the sum over the last layer's outputs.
    parts: usize,
    tf32: bool,
}

impl Step {
    /// The least work of all of a step's launches of a kernel; nothing for one that is not known here.
    ///
    /// A batches of B trajectories of T steps, S = B·T; K distinct velocities each, V = A·K; N units; P parameters; the last layer has H inputs, the hidden layers
    /// together O outputs, X inputs and M weights. R is how many sums of the pairs' gradients there are of each state, C how many sums of states.
    fn work(&self, kernel: &str) -> Option<Work> {
        let float = |count: usize| count as f64;
        let (a, s, n) = (float(self.sizes.batches), float(self.sizes.batches * self.sizes.states()), float(self.sizes.units));
        let (v, trajectories) = (float(self.sizes.batches * self.sizes.velocities), float(self.sizes.batches * self.sizes.batch));
        let p = float(self.parameters);
        let hidden = self.widths.len() - 1;
        let (x, o) = (float(self.widths[..hidden].iter().sum()), float(self.widths[1..].iter().sum()));
        let products = |from: usize| -> f64 { self.widths[from..].windows(2).map(|w| float(w[0] * w[1])).sum() };
        let (h, m) = (float(self.widths[hidden]), products(0));
        let plan = &self.sizes.pairs;
        let (r, c) = (float(plan.groups), a * float(self.sizes.capacity_parts()));
        let (partial_sums, block_sums) = (a * r * float(plan.states_padded()), a * float(plan.group_pairs()));
        let parts = float(self.parts);
        // The matrices of all velocities, and the last layer's weights and biases.
        let (w, last) = (float(self.sizes.w_len()), n * n * (h + 1.0));
        let rounded = if self.tf32 { 1.0 } else { 0.0 };
        let pairs = s * float(self.sizes.states()) / 2.0;

        // (operations, numbers of 4 bytes, numbers of 8 bytes)
        let (operations, singles, doubles) = match kernel {
            // Integers, but for two products and sums.
            "draw_velocities" => (4.0 * v, 2.0 * v, 2.0 * v),
            "draw_orders" => (6.0 * s, 2.0 * s, 2.0 * v + 3.0 * s),
            // Looks whether there is anything to do.
            "draw_serially" => (0.0, 1.0, 0.0),
            "initial_state" => (3.0 * n, 2.0 * n, 2.0 * a),
            // Two differences, a product and a fused one; a difference, its magnitude and two comparisons.
            "count_pairs" => (9.0 * pairs, 0.0, 2.0 * s + 2.0 * a),
            "mlp_hidden_forward" => (2.0 * v * m, v * (x + 2.0 * o) + m + o, 0.0),
            "mlp_last_forward" => (2.0 * v * h * n * n, v * h + last + w, 0.0),
            "rollout_forward" => (2.0 * s * n * n, w + s * n + 2.0 * s, 0.0),
            "state_statistics" => (5.0 * s * n, s * n * (1.0 + rounded) + s, 2.0 * s),
            "capacity_sums" => (s * n, s * n + c * n, 0.0),
            // Gram product, and both products of slopes and states; for half of the square, as pairs are symmetric.
            _ if kernel.starts_with("pair_sweep") => {
                (6.0 * pairs * n, s * (n + 1.0) + partial_sums * (float(self.sizes.stride()) + 1.0), 2.0 * s + 2.0 * block_sums)
            }
            "summarize" => (c * n + 6.0 * s, c * n + s, s + 2.0 * block_sums + 9.0 * a),
            "state_gradient" => (s * n * (r + 8.0), s * (n + 1.0) * r + s * n * (2.0 + rounded), 2.0 * s),
            "rollout_backward" => (2.0 * s * n * n, w + 3.0 * s * n + 2.0 * s + trajectories * n, 2.0 * s),
            "initial_gradient" => (trajectories * n, trajectories * n + 3.0 * n, 0.0),
            "weight_gradient" => (2.0 * s * n * n, 2.0 * s * n + s + w, 0.0),
            "mlp_last_weights" => (2.0 * v * h * n * n, w + v * h + last, 0.0),
            "mlp_last_inputs" => (2.0 * v * h * n * n, w + n * n * h + parts * v * h, 0.0),
            "mlp_last_inputs_sum" => (parts * v * h, (parts + 2.0) * v * h, 0.0),
            "mlp_hidden_weights" => (2.0 * v * m, v * (x + o) + m + o, 0.0),
            // Not for the first layer, whose inputs are the velocities.
            "mlp_hidden_inputs" => (2.0 * v * products(1), v * (o - float(self.widths[1]) + 2.0 * (x - 2.0)) + products(1), 0.0),
            "gradient_norm" => (2.0 * p, p, p / 4096.0),
            // Four numbers read and three written.
            "adamw_update" => (13.0 * p, 7.0 * p, 0.0),
            _ => return None,
        };
        let tensor_products = match (kernel.starts_with("pair_sweep"), self.tf32) {
            (false, _) => 0,
            (true, true) => 1,
            // Operands in two parts, of which the product of the small ones is left out.
            (true, false) => 3,
        };
        Some(Work { operations, tensor_products, bytes: 4.0 * singles + 8.0 * doubles })
    }
}

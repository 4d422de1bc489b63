//! What all benchmarks share: problems of three sizes, interleaved timing, the sgemm and copy ceilings.
#![allow(dead_code, clippy::allow_attributes, reason = "each benchmark uses its part")]

pub(crate) mod pytorch;

use gridlake_model::batch::Batch;
use gridlake_model::config::{
    Activation, Augmentation, DataConfig, LossConfig, ModelConfig, OptimizerConfig, Precision, Reduction, VelocityDistribution,
};
use gridlake_model::parameters::Parameters;
use gridlake_space::seed::Seed;
use std::time::{Duration, Instant};

/// One size of the problem.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) name: &'static str,
    pub(crate) batch: usize,
    pub(crate) length: usize,
    pub(crate) units: usize,
    pub(crate) lambda_cap: f64,
    pub(crate) sigma_g: f64,
}

pub(crate) const QUICKSTART: Size = Size { name: "quickstart", batch: 24, length: 30, units: 96, lambda_cap: 0.0, sigma_g: 0.5 };
pub(crate) const MODULES: Size = Size { name: "modules", batch: 24, length: 30, units: 96, lambda_cap: 0.5, sigma_g: 0.4 };
pub(crate) const PAPER: Size = Size { name: "paper", batch: 130, length: 60, units: 128, lambda_cap: 0.5, sigma_g: 0.4 };

/// Widths of the hidden layers at every size.
pub(crate) const HIDDEN: [usize; 2] = [64, 64];

impl Size {
    pub(crate) fn states(self) -> usize {
        self.batch * self.length
    }

    pub(crate) fn draw(self) -> Batch {
        self.draw_by(1)
    }

    pub(crate) fn draw_by(self, seed: u64) -> Batch {
        let data = DataConfig {
            batch: self.batch,
            length: self.length,
            velocity_limit_m: 0.15,
            velocity_distribution: VelocityDistribution::Square,
            augmentation: Augmentation::Permutation,
        };
        Batch::draw(&data, &mut Seed(seed).stream("bench", 0))
    }

    pub(crate) fn parameters(self) -> Parameters {
        let model =
            ModelConfig { units: self.units, mlp_hidden: HIDDEN.to_vec(), activation: Activation::Relu, trainable_initial_state: true };
        Parameters::draw(&model, Precision::F32, &candle_core::Device::Cpu, Seed(1)).expect("parameters")
    }

    pub(crate) fn loss(self) -> LossConfig {
        LossConfig {
            sigma_x_m: 0.05,
            sigma_g: self.sigma_g,
            lambda_sep: 1.0,
            lambda_inv: 0.1,
            lambda_cap: self.lambda_cap,
            lambda_coniso: 1e-3,
            reduction: Reduction::MeanSelected,
        }
    }

    /// Floating-point operations of a whole step: MLP, rollout, pair losses, each forward and backward (the rollout as if dense).
    pub(crate) fn operations(self) -> f64 {
        self.mlp_operations() + self.rollout_operations() + self.pair_operations()
    }

    pub(crate) fn mlp_operations(self) -> f64 {
        let widths = [2, HIDDEN[0], HIDDEN[1], self.units * self.units];
        // Backward: the weights' gradient as dear as the product, the inputs' as well but for the first layer.
        let products: f64 = widths.windows(2).map(|w| (w[0] * w[1]) as f64).sum();
        2.0 * self.length as f64 * (3.0 * products - (widths[0] * widths[1]) as f64)
    }

    pub(crate) fn rollout_operations(self) -> f64 {
        6.0 * self.states() as f64 * (self.units as f64).powi(2)
    }

    pub(crate) fn pair_operations(self) -> f64 {
        3.0 * (self.states() as f64).powi(2) * self.units as f64
    }
}

/// What follows a flag on the command line.
pub(crate) fn argument(flag: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag);
    arguments.nth(1)
}

/// `--threads N`, or as many as the machine has.
pub(crate) fn threads() -> usize {
    let given = argument("--threads").and_then(|count| count.parse().ok());
    given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

pub(crate) fn optimizer() -> OptimizerConfig {
    OptimizerConfig { learning_rate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: 0.1, accumulate: 1 }
}

/// Median seconds of each contestant. They take turns in bursts of 0.2 s whose first run does not count, with a pause between, so that what else the machine
/// does hits all alike, and nobody finds the caches or the spinning threads of another.
pub(crate) fn medians(seconds: f64, contestants: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut times: Vec<Vec<f64>> = contestants.iter().map(|_| Vec::new()).collect();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs_f64(seconds) || times[0].len() < 5 {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            std::thread::sleep(Duration::from_millis(250));
            contestant();
            let burst = Instant::now();
            while burst.elapsed() < Duration::from_millis(200) {
                let at = Instant::now();
                contestant();
                times.push(at.elapsed().as_secs_f64());
            }
        }
    }
    times.into_iter().map(median).collect()
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds per operation of `gemm`'s product of two square matrices on as many threads as rayon has.
pub(crate) struct Sgemm {
    side: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Sgemm {
    /// Square matrices whose product takes about this many operations.
    pub(crate) fn of(operations: f64) -> Self {
        let side = (operations / 2.0).cbrt().round() as usize;
        Self { side, a: vec![0.5; side * side], b: vec![0.25; side * side], c: vec![0.0; side * side] }
    }

    pub(crate) fn operations(&self) -> f64 {
        2.0 * (self.side as f64).powi(3)
    }

    #[expect(unsafe_code, reason = "gemm's interface")]
    pub(crate) fn run(&mut self) {
        let (n, row) = (self.side, self.side as isize);
        let parallelism = match rayon::current_num_threads() {
            1 => gemm::Parallelism::None,
            threads => gemm::Parallelism::Rayon(threads),
        };
        // SAFETY: three matrices of n × n floats, rows one after the other.
        unsafe {
            gemm::gemm(
                n,
                n,
                n,
                self.c.as_mut_ptr(),
                1,
                row,
                false,
                self.a.as_ptr(),
                1,
                row,
                self.b.as_ptr(),
                1,
                row,
                0.0f32,
                1.0f32,
                false,
                false,
                false,
                parallelism,
            );
        }
        std::hint::black_box(&self.c);
    }
}

/// A copy between two buffers too large for the caches, in parallel.
pub(crate) struct Copy {
    from: Vec<f32>,
    to: Vec<f32>,
}

impl Copy {
    pub(crate) fn new() -> Self {
        Self { from: vec![1.0; 1 << 26], to: vec![0.0; 1 << 26] }
    }

    /// Bytes read and written.
    pub(crate) fn bytes(&self) -> f64 {
        (self.from.len() * 8) as f64
    }

    pub(crate) fn run(&mut self) {
        use rayon::prelude::*;
        self.to.par_chunks_mut(1 << 20).zip(self.from.par_chunks(1 << 20)).for_each(|(to, from)| to.copy_from_slice(from));
        std::hint::black_box(&self.to);
    }
}

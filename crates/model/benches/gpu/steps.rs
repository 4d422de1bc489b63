//! Whole trainings: one, beside plain PyTorch on the same device, and several that share the device.

use crate::problem::{Problem, name_of};
use crate::report::{Table, number, or_dash};
use crate::support::median;
use crate::support::pytorch::PyTorch;
use gridlake_model::config::{Activation, Precision};
use gridlake_model::engine::gpu_engine;
use gridlake_model::gradients::Gradients;
use gridlake_model::{ModelError, Trainer};
use gridlake_space::seed::Seed;
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

/// How long is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Of one burst of steps.
    burst_seconds: f64,
    most_steps: u64,
    bursts: usize,
}

impl Effort {
    pub(crate) fn of(quick: bool) -> Self {
        if quick {
            Self { burst_seconds: 0.0, most_steps: 2, bursts: 2 }
        } else {
            Self { burst_seconds: 1.0, most_steps: 20_000, bursts: 4 }
        }
    }

    /// Steps of a burst, of so many a second.
    fn steps(&self, rate: f64) -> u64 {
        ((self.burst_seconds * rate) as u64).clamp(2, self.most_steps)
    }
}

/// Rates of one training.
pub(crate) struct Rate {
    pub(crate) steps_per_s: f64,
    /// Seconds of PyTorch's step, or why there are none.
    pub(crate) pytorch_s: Result<f64, String>,
}

pub(crate) fn steps_table() -> Table {
    let mut table = Table::new(
        "Whole steps",
        &[
            "Size",
            "Batches a step",
            "Precision",
            "Steps/s",
            "Step, ms",
            "By the GPU's clock, ms",
            "PyTorch's step, ms",
            "PyTorch / step",
            "PyTorch's peak, GB",
        ],
    );
    table.note(
        "`Trainer::advance` as `gridlake train` calls it, batches drawn included. PyTorch: `benches/pytorch/step.py` on the same device in turns, as many batches a step, though one and the \
         same batch, which is not drawn anew; its products in the same precision.",
    );
    table
}

/// Times a training, and PyTorch in turns with it.
pub(crate) fn measure(
    problem: &Problem,
    device: &str,
    precision: Precision,
    effort: Effort,
    script: &Path,
    profiled_s: Option<f64>,
    table: &mut Table,
) -> Result<Rate, ModelError> {
    let mut trainer = Trainer::new(&problem.config(device, precision), Seed(0), "")?;
    // The first steps make buffers and load kernels.
    let mut count = 2;
    burst(&mut trainer, count)?;
    count = effort.steps(burst(&mut trainer, effort.steps(20.0))?);
    let mut theirs = pytorch(problem, device, precision, script);
    let (mut rates, mut times, mut peak) = (Vec::new(), Vec::new(), None);
    for _ in 0..effort.bursts {
        rates.push(burst(&mut trainer, count)?);
        theirs = theirs.and_then(|mut pytorch| {
            // As many as take about as long, by the last look.
            let steps = times.last().map_or(2, |seconds| (effort.burst_seconds / seconds) as usize).clamp(2, 200);
            let took = pytorch.go(steps)?;
            times.push(took.seconds);
            peak = Some(took.peak_bytes);
            Ok(pytorch)
        });
    }
    let steps_per_s = median(rates);
    // The first burst of PyTorch was its warm-up.
    let pytorch_s = theirs.map(|_| median(times.split_off(1)));
    let found = pytorch_s.as_ref().ok().copied();
    table.row([
        problem.size.name.to_owned(),
        problem.accumulate.to_string(),
        name_of(precision).to_owned(),
        number(steps_per_s),
        number(1e3 / steps_per_s),
        or_dash(profiled_s, |seconds| number(1e3 * seconds)),
        or_dash(found, |seconds| number(1e3 * seconds)),
        or_dash(found, |seconds| number(seconds * steps_per_s)),
        or_dash(peak, |bytes| number(bytes / 1e9)),
    ]);
    Ok(Rate { steps_per_s, pytorch_s })
}

/// Steps per second.
fn burst(trainer: &mut Trainer, steps: u64) -> Result<f64, ModelError> {
    let started = Instant::now();
    trainer.advance(trainer.step_index() + steps)?;
    Ok(steps as f64 / started.elapsed().as_secs_f64())
}

/// PyTorch at the same problem, once it has shown that it is the same: by losses and the gradient's norm in single precision.
fn pytorch(problem: &Problem, device: &str, precision: Precision, script: &Path) -> Result<PyTorch, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    // Beside an emulated device there is none for PyTorch.
    let torch_device = std::env::var("GRIDLAKE_PYTORCH_DEVICE").unwrap_or_else(|_| device.replace("auto", "cuda"));
    let mut arguments = vec!["--threads", &threads, "--device", &torch_device];
    if precision == Precision::Tf32 {
        arguments.push("--tf32");
    }
    let mut pytorch = PyTorch::start(script, &arguments)?;
    pytorch.take(problem.size, problem.learning_rate, problem.accumulate)?;
    let theirs = pytorch.go(1)?.found;
    if precision == Precision::F32 {
        let ours = evaluate(problem, device).map_err(|error| error.to_string())?;
        let on_norm = if problem.size.length > 30 { 1e-2 } else { 1e-3 };
        for ((name, bound), (a, b)) in [("Sep", 1e-4), ("Inv", 1e-4), ("Cap", 1e-4), ("ConIso", 1e-3), ("the gradient's norm", on_norm)]
            .iter()
            .zip(ours.iter().zip(&theirs))
        {
            // What is not a number is wrong.
            if a.is_nan() || (a - b).abs() > bound * b.abs().max(1e-2) {
                return Err(format!("{name} is {a} here and {b} in PyTorch"));
            }
        }
    }
    Ok(pytorch)
}

/// Losses and the gradient's norm of the batch and parameters that PyTorch was given.
fn evaluate(problem: &Problem, device: &str) -> Result<[f64; 5], ModelError> {
    let parameters = problem.size.parameters();
    let mut gradients = Gradients::new(&parameters);
    let mut engine = gpu_engine(device, Activation::Relu, Precision::F32)?;
    let l = engine.evaluate(&parameters, &problem.size.draw(), &problem.size.loss(), &mut gradients)?.losses;
    Ok([l.separation, l.invariance, l.capacity, l.conformal, gradients.norm(0)])
}

/// Several trainings at once, each on its own thread.
pub(crate) fn shared_table(
    problem: &Problem,
    device: &str,
    precision: Precision,
    effort: Effort,
    counts: &[usize],
) -> Result<Table, ModelError> {
    let title = format!("Several runs at once at the {} size, {}", problem.size.name, name_of(precision));
    let mut table = Table::new(title, &["Runs", "Steps/s in all", "Against one"]);
    let mut alone = None;
    for &count in counts {
        let rate = shared_rate(problem, device, precision, effort, count)?;
        table.row([count.to_string(), number(rate), number(rate / *alone.get_or_insert(rate))]);
    }
    Ok(table)
}

fn shared_rate(problem: &Problem, device: &str, precision: Precision, effort: Effort, count: usize) -> Result<f64, ModelError> {
    let config = problem.config(device, precision);
    let mut trainers = (0..count).map(|seed| Trainer::new(&config, Seed(seed as u64), "")).collect::<Result<Vec<_>, _>>()?;
    for trainer in &mut trainers {
        burst(trainer, 2)?;
    }
    // Long enough even where nobody waits for anybody.
    let steps = (2 * effort.steps(burst(&mut trainers[0], effort.steps(20.0))?)).div_ceil(count as u64);
    let start = Barrier::new(count);
    let rates = std::thread::scope(|scope| {
        let work: Vec<_> = trainers
            .iter_mut()
            .map(|trainer| {
                scope.spawn(|| {
                    start.wait();
                    burst(trainer, steps)
                })
            })
            .collect();
        work.into_iter().map(|thread| thread.join().expect("a thread ends")).collect::<Result<Vec<f64>, ModelError>>()
    })?;
    Ok(rates.iter().sum())
}

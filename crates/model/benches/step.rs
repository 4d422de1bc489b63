//! A whole training step at three sizes: checked against plain PyTorch's losses and gradient norm, then timed in turn with it and with an sgemm of as
//! many operations; then on one thread and more.
//!
//! `cargo bench -p gridlake-model --bench step [-- --threads N]`, with `GRIDLAKE_PYTORCH=PATH` naming a Python that has
//! `benches/pytorch/requirements.txt` installed; without it PyTorch is left out.

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod support;

use candle_core::Tensor;
use gridlake_model::batch::Batch;
use gridlake_model::config::{Activation, EngineKind, Precision};
use gridlake_model::engine::{Evaluation, engine};
use gridlake_model::gradients::Gradients;
use gridlake_model::optimizer::AdamW;
use gridlake_model::parameters::Parameters;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use support::{MODULES, PAPER, QUICKSTART, Sgemm, Size, medians, optimizer};

fn main() {
    let threads = support::threads();
    println!("{threads} threads, {:?}", gridlake_model::ops::simd::instruction_set());
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let mut pytorch = PyTorch::start(threads);
    for size in [QUICKSTART, MODULES, PAPER] {
        pool(threads).install(|| beside(size, pytorch.as_mut()));
    }
    println!("\n| size | threads | step, ms | speed-up |\n|---|---|---|---|");
    for size in [QUICKSTART, PAPER] {
        let counts: Vec<usize> = (0..usize::BITS).map(|p| 1 << p).take_while(|t| *t <= threads).collect();
        // Many steps a visit, as a training stays in its pool.
        let steps = if size.states() > 2_000 { 1u32 } else { 25 };
        let mut runs: Vec<_> = counts
            .iter()
            .map(|threads| {
                let (pool, mut ours) = (pool(*threads), Ours::new(size));
                move || pool.install(|| (0..steps).for_each(|_| ours.step()))
            })
            .collect();
        let mut contestants: Vec<&mut dyn FnMut()> = runs.iter_mut().map(|run| run as &mut dyn FnMut()).collect();
        let times = medians(if size.states() > 2_000 { 15.0 } else { 10.0 }, &mut contestants);
        for (threads, seconds) in counts.iter().zip(&times) {
            println!("| {} | {threads} | {:.2} | {:.2} |", size.name, seconds * 1e3 / f64::from(steps), times[0] / seconds);
        }
    }
}

/// Everything that a step needs, as `Trainer` has it.
struct Ours {
    batch: Batch,
    size: Size,
    parameters: Parameters,
    gradients: Gradients,
    engine: Box<dyn gridlake_model::engine::Engine>,
    adam: AdamW,
    last: Option<(Evaluation, f64)>,
}

impl Ours {
    fn new(size: Size) -> Self {
        let parameters = size.parameters();
        Self {
            batch: size.draw(),
            size,
            gradients: Gradients::new(&parameters),
            engine: engine(EngineKind::Fused, Activation::Relu, Precision::F32),
            adam: AdamW::new(&parameters),
            parameters,
            last: None,
        }
    }

    fn step(&mut self) {
        self.gradients.clear();
        let evaluation =
            self.engine.evaluate(&self.parameters, &self.batch, &self.size.loss(), &mut self.gradients).expect("an evaluation");
        let norm = self.gradients.norm(0);
        let settings = optimizer();
        let clip = (settings.clip_norm / (norm + 1e-6)).min(1.0);
        self.adam.step(&self.parameters, &self.gradients, &settings, settings.learning_rate, clip, 1).expect("an update");
        self.last = Some((evaluation, norm));
    }
}

fn beside(size: Size, pytorch: Option<&mut PyTorch>) {
    let mut ours = Ours::new(size);
    let mut sgemm = Sgemm::of(size.operations());
    let scale = size.operations() / sgemm.operations();
    println!(
        "\n{} size: B = {}, T = {}, N = {}; {:.3} GFLOP a step",
        size.name,
        size.batch,
        size.length,
        size.units,
        size.operations() / 1e9
    );
    let large = size.states() > 2_000;
    let Some(pytorch) = pytorch else {
        let times = medians(if large { 8.0 } else { 3.0 }, &mut [&mut || ours.step(), &mut || sgemm.run()]);
        println!(
            "step {:.2} ms; sgemm of as many operations {:.2} ms; ratio {:.2}",
            times[0] * 1e3,
            times[1] * scale * 1e3,
            times[0] / (times[1] * scale)
        );
        return;
    };
    pytorch.take(&ours);
    ours.step();
    let theirs = pytorch.go();
    let (evaluation, norm) = ours.last.expect("a step");
    let l = evaluation.losses;
    let found = [l.separation, l.invariance, l.capacity, l.conformal, norm];
    let expected: Vec<f64> =
        theirs["losses"].as_array().expect("losses").iter().chain([&theirs["grad_norm"]]).map(|v| v.as_f64().expect("a number")).collect();
    // A gradient through 60 steps of an untrained network has three digits in single precision, whoever computes it.
    let on_norm = if size.length > 30 { 1e-2 } else { 1e-3 };
    for ((name, a), b) in ["Sep", "Inv", "Cap", "ConIso", "gradient norm"].iter().zip(found).zip(&expected) {
        let bound = if name == &"gradient norm" { on_norm } else { 1e-4 };
        assert!((a - b).abs() <= bound * b.abs(), "{name}: {a} here, {b} in PyTorch");
    }
    println!("same losses and gradient norm: {found:.6?} here, {expected:.6?} in PyTorch");
    let mut peak = 0.0;
    let times = medians(
        if large { 60.0 } else { 8.0 },
        &mut [&mut || ours.step(), &mut || sgemm.run(), &mut || peak = pytorch.go()["peak_bytes"].as_f64().unwrap_or_default()],
    );
    let step = times[0];
    println!(
        "step {:.2} ms; sgemm of as many operations {:.2} ms, ratio {:.2}; PyTorch {:.1} ms (peak {:.2} GB), ratio {:.1}",
        step * 1e3,
        times[1] * scale * 1e3,
        step / (times[1] * scale),
        times[2] * 1e3,
        peak / 1e9,
        times[2] / step
    );
}

/// The baseline in its own process.
struct PyTorch {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl PyTorch {
    fn start(threads: usize) -> Option<Self> {
        let Ok(python) = std::env::var("GRIDLAKE_PYTORCH") else {
            println!("PyTorch: skipped, as GRIDLAKE_PYTORCH names no Python");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pytorch/step.py");
        let mut child = Command::new(python)
            .args([script, "--threads", &threads.to_string()])
            // Keep freed memory: without this the system clears half a gigabyte of pages anew at every step, and PyTorch takes twice as long.
            .envs([("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "-1"), ("MALLOC_TOP_PAD_", "536870912")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("GRIDLAKE_PYTORCH names a Python that starts");
        let (to, from) = (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut this = Self { child, to, from, folder: tempfile::tempdir().expect("a folder") };
        println!("PyTorch: {}", this.answer());
        Some(this)
    }

    /// Hands over the problem.
    fn take(&mut self, ours: &Ours) {
        let loss = ours.size.loss();
        let settings = serde_json::json!({
            "layers": ours.parameters.layers.len(), "sigma_x_m": loss.sigma_x_m, "sigma_g": loss.sigma_g, "lambda_sep": loss.lambda_sep,
            "lambda_inv": loss.lambda_inv, "lambda_cap": loss.lambda_cap, "lambda_coniso": loss.lambda_coniso,
            "learning_rate": optimizer().learning_rate, "clip_norm": optimizer().clip_norm,
        });
        let mut tensors: HashMap<String, Tensor> =
            ours.parameters.named().into_iter().map(|(name, var)| (name, var.as_tensor().clone())).collect();
        let device = candle_core::Device::Cpu;
        let flat: Vec<f32> = ours.batch.velocities_m.iter().flatten().map(|v| *v as f32).collect();
        tensors.insert("velocities".into(), Tensor::from_vec(flat, (ours.size.length, 2), &device).expect("velocities"));
        let index = Tensor::from_slice(&ours.batch.index, (ours.size.batch, ours.size.length), &device).expect("index");
        tensors.insert("index".into(), index);
        let path = self.folder.path().join("problem.safetensors");
        let metadata = HashMap::from([("settings".to_owned(), settings.to_string())]);
        safetensors::serialize_to_file(&tensors, Some(metadata), &path).expect("a file");
        writeln!(self.to, "step {}", path.display()).expect("a pipe");
        self.answer();
    }

    /// One step.
    fn go(&mut self) -> serde_json::Value {
        writeln!(self.to, "go").expect("a pipe");
        self.answer()
    }

    fn answer(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a pipe");
        serde_json::from_str(&line).expect("PyTorch answers in JSON; its errors are above")
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

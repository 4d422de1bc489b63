//! Training and recording on a GPU: which device it is, what can be wrong with it, and the same bits after any stop. The driver is the emulated one
//! (`crates/model/emulator`), which a machine with a C++ compiler can build.

#[path = "../crates/model/tests/support/emulator.rs"]
mod emulator;

use crate::common::{Bench, Outcome, TINY, moments, signal, snapshot, wait_for};
use gridlake_lake::{Lake, metrics};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const CUDA: [&str; 2] = ["--device", "cuda"];
const FAULT: &str = "GRIDLAKE_EMULATED_FAULT";
const TRACE: &str = "GRIDLAKE_EMULATED_TRACE";
const NAME: &str = "cuda:0 (Emulated SIMT device)";

/// What every error of a GPU at work says: the driver's words, and what to do.
const LOST: [&str; 5] = ["the GPU failed while", "unspecified launch failure", "CUDA_ERROR_LAUNCH_FAILED", "`nvidia-smi`", "--device cpu"];

/// A network that an emulated GPU trains in half a second, recorded in two portions.
fn small() -> Bench {
    let changes = [
        ("batch = 6", "batch = 3"),
        ("length = 6", "length = 4"),
        ("units = 12", "units = 8"),
        ("mlp_hidden = [8]", "mlp_hidden = [4]"),
        ("log_every = 10", "log_every = 4"),
        ("every = 20", "every = 5"),
        ("trajectories = 40\nsteps = 80", "trajectories = 70\nsteps = 30"),
    ];
    Bench::with(&changes.iter().fold(TINY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the pipeline");
        text.replace(from, to)
    }))
}

/// A machine as the program finds it: a driver, and what is special about it.
#[derive(Clone)]
struct Machine {
    /// `LD_LIBRARY_PATH`.
    libraries: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Machine {
    /// With an emulated GPU; `None`, and said, where it cannot be built.
    fn with_gpu() -> Option<Self> {
        let libraries = emulator::library_folder().inspect_err(|reason| eprintln!("gpu: skipped, {reason}")).ok()?;
        Some(Self { libraries, settings: Vec::new() })
    }

    /// With this file in place of the driver's library, wherever a real one may be.
    fn with_library(bench: &Bench, library: &[u8]) -> Self {
        let libraries = bench.folder().join("libraries");
        fs::create_dir_all(&libraries).unwrap();
        for name in ["libcuda.so", "libcuda.so.1"] {
            fs::write(libraries.join(name), library).unwrap();
        }
        Self { libraries, settings: Vec::new() }
    }

    fn set(&self, name: &'static str, value: &str) -> Self {
        let mut changed = self.clone();
        changed.settings.push((name, value.to_owned()));
        changed
    }

    fn command(&self, bench: &Bench, verb: &str, more: &[&str]) -> Command {
        let mut command = bench.command(verb);
        command.args(more).env("LD_LIBRARY_PATH", &self.libraries).envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a verb to its end.
    fn verb(&self, bench: &Bench, verb: &str, more: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(bench, verb, more))
    }

    /// Runs a verb that must succeed.
    fn done(&self, bench: &Bench, verb: &str, more: &[&str]) -> Outcome {
        let outcome = self.verb(bench, verb, more);
        assert_eq!(outcome.code, 0, "{verb} {more:?}: {outcome:?}");
        outcome
    }

    /// Starts a verb and returns when it has run so many kernels.
    fn start(&self, bench: &Bench, verb: &str, more: &[&str], kernels: usize) -> Child {
        let trace = bench.folder().join("trace");
        let _ = fs::remove_file(&trace);
        let mut command = self.set(TRACE, trace.to_str().unwrap()).command(bench, verb, more);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(&mut child, || lines(&trace) >= kernels);
        child
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// A run that nothing disturbs.
struct Undisturbed {
    final_checkpoint: Vec<u8>,
    tables: Vec<(PathBuf, Vec<u8>)>,
    /// Kernels that its training and its recording run.
    trained_in: usize,
    recorded_in: usize,
}

impl Undisturbed {
    fn of(machine: &Machine) -> &'static Self {
        static DONE: OnceLock<Undisturbed> = OnceLock::new();
        DONE.get_or_init(|| {
            let bench = small();
            let kernels = |verb: &str| {
                let trace = bench.folder().join(verb);
                machine.set(TRACE, trace.to_str().unwrap()).done(&bench, verb, &CUDA);
                lines(&trace)
            };
            let (trained_in, recorded_in) = (kernels("train"), kernels("run"));
            assert!(trained_in > 600 && recorded_in >= 6, "{trained_in} and {recorded_in} kernels");
            Self { final_checkpoint: bench.final_checkpoint(), tables: but_metrics(&bench), trained_in, recorded_in }
        })
    }

    /// Holds a finished run to the same bits.
    fn equals(&self, bench: &Bench) {
        assert!(bench.final_checkpoint() == self.final_checkpoint, "weights, optimizer and streams are the same");
        assert!(but_metrics(bench) == self.tables, "tables are the same");
        holds_all_steps(bench);
    }
}

/// The metrics have times in them.
fn but_metrics(bench: &Bench) -> Vec<(PathBuf, Vec<u8>)> {
    bench.tables().into_iter().filter(|(path, _)| !path.starts_with("tables/metrics")).collect()
}

/// Holds the metrics to each step's row once, and the newest checkpoint to the last step.
fn holds_all_steps(bench: &Bench) {
    let run = bench.run();
    let frames = metrics::read(
        &Lake::open(&bench.lake.to_str().unwrap().parse().unwrap()).unwrap(),
        run.file_name().unwrap().to_str().unwrap(),
        &["step"],
    )
    .unwrap();
    let steps: Vec<u64> = frames.iter().flat_map(|frame| frame.uint64("step").to_vec()).collect();
    let expected: Vec<u64> = std::iter::once(1).chain((4..=60).step_by(4)).collect();
    assert_eq!(steps, expected);
    assert!(bench.checkpoints().last().unwrap().ends_with("step-000000060.safetensors"), "{:?}", bench.checkpoints());
}

/// The trained numbers of a checkpoint, one after the other.
fn weights(checkpoint: &[u8]) -> Vec<f32> {
    let file = SafeTensors::deserialize(checkpoint).unwrap();
    let mut tensors = file.tensors();
    tensors.retain(|(name, _)| !name.starts_with("adamw."));
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    tensors.iter().flat_map(|(_, view)| view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))).collect()
}

/// Largest difference of any number.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

#[test]
fn without_a_driver_cuda_is_refused_and_auto_works_on_the_cpu() {
    let bench = small();
    // An empty file is what the loader refuses even where a real driver is installed.
    let machine = Machine::with_library(&bench, &[]);
    machine.verb(&bench, "run", &CUDA).fails(2, &["libcuda.so.1", "no NVIDIA driver", "LD_LIBRARY_PATH", "--device cpu"]);
    // A plan may be for another machine: told, and no failure.
    let planned = machine.done(&bench, "plan", &CUDA);
    assert!(planned.stderr.contains("`run` would be refused on this machine") && planned.stderr.contains("libcuda.so.1"), "{planned:?}");
    let outcome = machine.done(&bench, "run", &["--device", "auto"]);
    assert!(outcome.stderr.contains("train on cpu") && !outcome.stderr.contains("GPU"), "no word about what nobody asked for: {outcome:?}");
    assert_eq!(bench.record()["device"], "cpu");
    assert_eq!(bench.record()["stages"]["record"]["notes"]["device"], "cpu");
}

#[test]
fn a_library_that_is_no_driver_is_refused() {
    // Where there is no emulated driver there is no compiler, or no such way to find a library.
    let Some(_) = Machine::with_gpu() else { return };
    let bench = small();
    let (source, library) = (bench.folder().join("foreign.cpp"), bench.folder().join("foreign.so"));
    fs::write(&source, "extern \"C\" int nothing() { return 0; }").unwrap();
    emulator::run(emulator::compiler().unwrap().command().args(["-shared", "-fPIC"]).arg(&source).arg("-o").arg(&library));
    let machine = Machine::with_library(&bench, &fs::read(library).unwrap());
    let words = ["libcuda.so.1", "not an NVIDIA driver's", "LD_LIBRARY_PATH"];
    machine.verb(&bench, "train", &CUDA).fails(2, &words);
    let outcome = machine.done(&bench, "train", &[]);
    assert!(words.iter().all(|word| outcome.stderr.contains(word)), "{outcome:?}");
    assert_eq!(bench.record()["device"], "cpu");
}

#[test]
fn auto_takes_the_gpu_and_says_so() {
    let Some(machine) = Machine::with_gpu() else { return };
    let bench = small();
    let outcome = machine.done(&bench, "run", &[]);
    assert!(outcome.stderr.contains(&format!("train on {NAME}")), "{outcome:?}");
    assert_eq!(bench.record()["device"], NAME);
    assert_eq!(bench.record()["stages"]["record"]["notes"]["device"], NAME);
    holds_all_steps(&bench);
    let before = snapshot(&bench.lake);
    for machine in [&machine, &machine.set(FAULT, "no-device")] {
        let again = machine.done(&bench, "run", &CUDA);
        assert!(again.stderr.contains("everything is there already"), "{again:?}");
    }
    assert!(snapshot(&bench.lake) == before, "nothing is done, and no GPU asked for");
}

#[test]
fn one_of_several_gpus_is_taken_by_its_number() {
    let Some(machine) = Machine::with_gpu() else { return };
    let machine = machine.set("GRIDLAKE_EMULATED_DEVICES", "2");
    let bench = small();
    machine
        .verb(&bench, "train", &["--device", "cuda:2"])
        .fails(2, &["\"cuda:2\"", "there is no GPU 2", "lists 2, numbered from 0", "--device cpu"]);
    machine.done(&bench, "train", &["--device", "cuda:1"]);
    assert_eq!(bench.record()["device"], "cuda:1 (Emulated SIMT device)");
}

/// What can be wrong with a machine: a setting, the words that tell, and whether `auto` has to tell too.
const FAULTS: [(&str, &str, &[&str], bool); 4] = [
    (FAULT, "no-device", &["no GPU", "`nvidia-smi`", "CUDA_VISIBLE_DEVICES"], false),
    (FAULT, "driver-mismatch", &["of different versions", "restart the machine"], true),
    (FAULT, "old-driver", &["supports CUDA 11.4", "12.2 is needed", "update the driver to 535"], true),
    ("GRIDLAKE_EMULATED_CAPABILITY", "7.5", &["Emulated SIMT device has compute capability 7.5", "8.0 is needed"], true),
];

#[test]
fn a_gpu_that_cannot_be_used_is_refused_and_no_file_changes() {
    let Some(machine) = Machine::with_gpu() else { return };
    let bench = small();
    let half = Undisturbed::of(&machine).trained_in / 2;
    machine.set(FAULT, &format!("lost:{half}")).verb(&bench, "train", &CUDA).fails(1, &LOST);
    let refused = |machine: &Machine, more: &[&str], words: &[&str]| {
        let before = snapshot(&bench.lake);
        let outcome = machine.verb(&bench, "run", more);
        outcome.fails(2, words);
        outcome.fails(2, &["--device cpu", &format!("train.device = \"{}\"", more[1])]);
        assert!(snapshot(&bench.lake) == before, "{words:?} {more:?}: a file has changed");
    };
    for (name, value, words, _) in FAULTS {
        refused(&machine.set(name, value), &CUDA, words);
        refused(&machine.set(name, value), &["--device", "cuda:0", "--force"], words);
    }
    refused(&machine, &["--device", "cuda:3"], &["there is no GPU 3", "lists 1, numbered from 0"]);
    machine.done(&bench, "run", &CUDA);
    // A recording with other settings would need a GPU, and its refusal leaves this one as it is.
    refused(&machine.set(FAULT, "no-device"), &["--device", "cuda", "--set", "record.steps=31"], &["no GPU"]);
    let again = machine.done(&bench, "run", &CUDA);
    assert!(again.stderr.contains("everything is there already"), "{again:?}");
    Undisturbed::of(&machine).equals(&bench);
}

#[test]
fn auto_says_once_why_it_leaves_a_gpu_alone() {
    let Some(machine) = Machine::with_gpu() else { return };
    for (name, value, words, said) in FAULTS {
        let bench = small();
        let outcome = machine.set(name, value).done(&bench, "run", &["--device", "auto", "--quiet"]);
        let reasons: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("works on the CPU")).collect();
        assert_eq!(reasons.len(), usize::from(said), "{value}: {outcome:?}");
        assert!(reasons.iter().all(|reason| words.iter().all(|word| reason.contains(word))), "{value}: {outcome:?}");
        assert_eq!(bench.record()["device"], "cpu");
        holds_all_steps(&bench);
    }
}

#[test]
fn memory_that_does_not_suffice_is_one_clear_error_at_every_stage() {
    let Some(machine) = Machine::with_gpu() else { return };
    let undisturbed = Undisturbed::of(&machine);
    let bench = small();
    machine.set(FAULT, &format!("lost:{}", undisturbed.trained_in / 2)).verb(&bench, "train", &CUDA).fails(1, &LOST);
    let checkpoints = bench.run().join("checkpoints");
    let step = || bench.record()["stages"]["train"]["step"].as_u64().unwrap();
    let reached = step();
    assert!(reached > 0);
    // From too little for the weights to enough for everything.
    let mut failed = Vec::new();
    for kilobytes in std::iter::successors(Some(50), |kilobytes| Some(kilobytes * 5 / 4)) {
        assert!(kilobytes < 100_000, "100 MB do not suffice");
        let before = snapshot(&checkpoints);
        let outcome = machine.set("GRIDLAKE_EMULATED_MEMORY", &format!("{kilobytes}000")).verb(&bench, "run", &CUDA);
        if outcome.code == 0 {
            break;
        }
        outcome.fails(1, &["the GPU is out of memory", "MiB more were needed", "MiB are free", "`nvidia-smi`", "--device cpu"]);
        outcome.fails(1, &["train.data.batch", "train.data.length"]);
        let stage = if outcome.stderr.contains("train done") || failed.contains(&"record") {
            "record"
        } else if outcome.stderr.contains("train on cuda:0") {
            "first step"
        } else {
            "train"
        };
        assert!(stage == "record" || (snapshot(&checkpoints) == before && step() == reached), "a checkpoint has changed");
        failed.push(stage);
    }
    assert!(["train", "first step", "record"].iter().all(|stage| failed.contains(stage)), "{failed:?}");
    undisturbed.equals(&bench);
}

#[test]
fn a_gpu_that_is_lost_costs_no_checkpoint_and_no_bit() {
    let Some(machine) = Machine::with_gpu() else { return };
    let undisturbed = Undisturbed::of(&machine);
    let trained = undisturbed.trained_in;
    // While the first step is recorded, in the middle, at the last step, and in the second portion of the recording.
    for lost_at in [5, trained / 2, trained, trained + undisturbed.recorded_in - 1] {
        let bench = small();
        machine.set(FAULT, &format!("lost:{lost_at}")).verb(&bench, "run", &CUDA).fails(1, &LOST);
        let before = bench.checkpoints();
        assert_eq!(before.is_empty(), lost_at == 5, "{before:?}");
        for path in &before {
            assert!(!weights(&fs::read(path).unwrap()).is_empty(), "{}", path.display());
        }
        assert!(but_metrics(&bench).is_empty(), "no part of an unfinished recording is visible");
        let status = Outcome::of(crate::common::gridlake().arg("status").arg(&bench.lake));
        assert!(LOST.iter().all(|word| status.stdout.contains(word)), "{status:?}");
        let resumed = machine.done(&bench, "run", &CUDA);
        assert_eq!(resumed.stderr.contains("goes on from step"), (6..=trained).contains(&lost_at), "{resumed:?}");
        undisturbed.equals(&bench);
    }
}

#[test]
fn a_training_moves_between_cpu_and_gpu() {
    let Some(machine) = Machine::with_gpu() else { return };
    let undisturbed = Undisturbed::of(&machine);
    let moved = |bench: &Bench, to: &str, name: &str| {
        let newest = bench.checkpoints().pop().unwrap();
        let from: u64 = newest.file_stem().unwrap().to_str().unwrap().trim_start_matches("step-").parse().unwrap();
        let start = weights(&fs::read(newest).unwrap());
        // Checkpoints at other steps, so that the metrics of the steps that are taken again are in other files.
        let outcome = machine.done(bench, "run", &["--device", to, "--set", "train.checkpoints.every=10"]);
        assert!(outcome.stderr.contains(&format!("train on {name}")), "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("goes on from step {from}\n")), "{outcome:?}");
        assert_eq!(bench.record()["device"], name);
        holds_all_steps(bench);
        // Without the optimizer's state, or with other batches, the weights would be about as far from the undisturbed ones as training takes them.
        let (end, expected) = (weights(&bench.final_checkpoint()), weights(&undisturbed.final_checkpoint));
        let (off, way) = (apart(&end, &expected), apart(&start, &expected));
        assert!(off < way / 20.0, "{to}: {off} off after a way of {way}");
    };

    let to_gpu = small();
    to_gpu.done("train", &["--device", "cpu", "--set", "train.checkpoints.keep=0"]);
    for after in &to_gpu.checkpoints()[4..] {
        fs::remove_file(after).unwrap();
    }
    moved(&to_gpu, "cuda", NAME);

    let to_cpu = small();
    machine.set(FAULT, &format!("lost:{}", undisturbed.trained_in / 2)).verb(&to_cpu, "train", &CUDA).fails(1, &LOST);
    moved(&to_cpu, "cpu", "cpu");
}

#[test]
fn kills_and_interrupts_on_a_gpu_change_no_bit() {
    let Some(machine) = Machine::with_gpu() else { return };
    let undisturbed = Undisturbed::of(&machine);
    let bench = small();
    let mut child = machine.start(&bench, "run", &CUDA, undisturbed.trained_in / 20);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    for moment in moments().take(5) {
        let mut child = machine.start(&bench, "run", &CUDA, (0.3 * moment * undisturbed.trained_in as f64) as usize);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    machine.done(&bench, "run", &CUDA);
    undisturbed.equals(&bench);
}

/// Four runs, of which two diverge at once.
fn sweep() -> Bench {
    let bench = small();
    let variants = "\n[sweep]\nseeds = [1, 2]\n[sweep.variants.good]\ntrain.loss.lambda_cap = 0.1\n[sweep.variants.bad]\ntrain.loss.lambda_cap = 0.2\ntrain.optimizer.learning_rate = 10.0\ntrain.optimizer.weight_decay = 10.0\n";
    let text = fs::read_to_string(&bench.pipeline).unwrap();
    fs::write(&bench.pipeline, format!("{text}{variants}")).unwrap();
    bench
}

#[test]
fn runs_of_a_sweep_share_a_gpu_and_come_out_as_one_after_the_other() {
    let Some(machine) = Machine::with_gpu() else { return };
    let at_once = |number: &str, threads: &str| {
        let bench = sweep();
        let number = format!("train.runs_at_once={number}");
        let outcome = machine.verb(&bench, "run", &["--device", "cuda", "--threads", threads, "--set", &number]);
        assert_eq!(outcome.code, 1, "{outcome:?}");
        assert!(outcome.stderr.contains("2 of 4 runs failed") && outcome.stderr.contains("is not finite"), "{}", outcome.stderr);
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        let first_done = lines.iter().position(|line| line.contains("train done")).unwrap();
        let begun = lines[..first_done].iter().filter(|line| line.contains("train on cuda:0")).count();
        (but_metrics(&bench), begun)
    };
    let (alone, begun) = at_once("1", "2");
    assert!(begun <= 3 && !alone.is_empty(), "{begun} begun before the first was done");
    // One thread of the pool is enough: a run that waits for its GPU holds none.
    let (shared, begun) = at_once("4", "1");
    assert_eq!(begun, 4, "all begun before the first is done");
    assert!(alone == shared, "the tables are the same");
}

#[test]
fn an_interrupt_begins_no_further_run_of_a_sweep() {
    let Some(machine) = Machine::with_gpu() else { return };
    let bench = sweep();
    let mut child = machine.start(
        &bench,
        "train",
        &["--device", "cuda", "--only", "*good*", "--set", "sweep.seeds=[1, 2, 3, 4]", "--set", "train.runs_at_once=2"],
        200,
    );
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(bench.runs().len(), 2, "{:?}", bench.runs());
}

//! The tests themselves: what holds on any GPU.

use crate::{golden, small};
use candle_core::{DType, Device};
use gridlake_model::batch::{Batch, draw_on_gpu};
use gridlake_model::config::{
    Activation, Augmentation, DataConfig, EngineKind, LossConfig, ModelConfig, Precision, Reduction, VelocityDistribution,
};
use gridlake_model::engine::{Engine, Evaluation, engine, gpu_engine};
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use gridlake_model::{CheckedTrainConfig, ModelError, Network, StepMetrics, Trainer};
use gridlake_space::seed::Seed;

pub(crate) type Body = fn();

/// All, by name.
pub(crate) const ALL: &[(&str, Body)] = &[
    ("batches_are_those_of_the_cpu_to_the_bit", batches_are_those_of_the_cpu_to_the_bit),
    ("golden_numbers_within_1e_5_on_losses_and_1e_4_on_gradients", golden_numbers),
    ("agrees_with_the_reference_at_every_size", agrees_at_every_size),
    ("agrees_with_the_cpu_at_the_papers_size", agrees_at_the_papers_size),
    ("agrees_where_one_kind_of_pair_or_loss_is_absent", agrees_at_the_edges),
    ("tf32_is_within_its_stated_error", tf32_is_within_its_stated_error),
    ("every_activation_agrees", every_activation_agrees),
    ("a_dead_network_has_no_gradient_and_finite_losses", a_dead_network),
    ("an_overflow_shows_in_the_losses", an_overflow_shows),
    ("a_hundred_steps_go_as_on_the_cpu", a_hundred_steps),
    ("the_same_steps_give_the_same_bits", the_same_bits),
    ("checkpoints_go_from_device_to_device", checkpoints_go_from_device_to_device),
    ("several_steps_at_once_are_the_same_steps", several_steps_at_once),
    ("a_step_that_is_not_finite_is_told_and_changes_nothing", not_finite),
    ("many_batches_go_in_groups", many_batches),
    ("recordings_agree_with_the_cpu", recordings_agree),
];

const LOSS: LossConfig = LossConfig {
    sigma_x_m: 0.05,
    sigma_g: 0.4,
    lambda_sep: 1.0,
    lambda_inv: 0.1,
    lambda_cap: 0.5,
    lambda_coniso: 1e-3,
    reduction: Reduction::MeanSelected,
};

/// What ‖g-g'‖² = ‖g‖² + ‖g'‖² - 2·g·g' may be off by in single precision, a few units in the last place of 1. Inv is a mean of such; Sep of their exponentials.
const DISTANCE_ERROR: f64 = 1e-6;

fn data(batch: usize, length: usize) -> DataConfig {
    DataConfig {
        batch,
        length,
        velocity_limit_m: 0.15,
        velocity_distribution: VelocityDistribution::Square,
        augmentation: Augmentation::Permutation,
    }
}

fn drawn(batch: usize, length: usize) -> Batch {
    Batch::draw(&data(batch, length), &mut Seed(8).stream("batch", 0))
}

fn batches_are_those_of_the_cpu_to_the_bit() {
    for (batch, length) in [(1, 1), (3, 2), (13, 17), (9, 64), (2, 400)] {
        for velocity_distribution in [VelocityDistribution::Square, VelocityDistribution::Disc] {
            for augmentation in [Augmentation::Permutation, Augmentation::None] {
                let data = DataConfig { velocity_distribution, augmentation, ..data(batch, length) };
                let mut stream = Seed(5).stream("draw", 7);
                let expected: Vec<Batch> = (0..3).map(|_| Batch::draw(&data, &mut stream)).collect();
                for serially in [false, true] {
                    let found = draw_on_gpu("cuda", &data, (Seed(5), "draw", 7), 3, serially).expect("batches");
                    assert!(found == expected, "{data:?}, serially: {serially}");
                }
            }
        }
    }
}

fn golden_numbers() {
    let mut engine = gpu_engine("cuda", Activation::Relu, Precision::F32).expect("a GPU");
    golden::check(engine.as_mut(), DType::F32, (1e-5, DISTANCE_ERROR), 1e-4);
}

fn evaluate(
    engine: &mut dyn Engine,
    precision: Precision,
    batch: &Batch,
    model: &ModelConfig,
    loss: &LossConfig,
) -> (Evaluation, Vec<Vec<f64>>) {
    let parameters = Parameters::draw(model, precision, &Device::Cpu, Seed(4)).expect("parameters");
    let mut gradients = Gradients::new(&parameters);
    let evaluation = engine.evaluate(&parameters, batch, loss, &mut gradients).expect("an evaluation");
    (evaluation, (0..parameters.named().len()).map(|p| gradients.to_vec(p)).collect())
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// Bounds relative to each loss and to each gradient's norm; returns the largest deviation of a gradient.
fn compare(
    what: &str,
    batch: &Batch,
    model: &ModelConfig,
    loss: &LossConfig,
    precision: Precision,
    on_losses: f64,
    on_gradients: f64,
) -> f64 {
    let mut gpu = gpu_engine("cuda", model.activation, precision).expect("a GPU");
    let (fast, fast_gradients) = evaluate(gpu.as_mut(), Precision::F32, batch, model, loss);
    let mut reference = engine(EngineKind::Reference, model.activation, Precision::F64);
    let (slow, slow_gradients) = evaluate(reference.as_mut(), Precision::F64, batch, model, loss);
    let counts = |e: &Evaluation| (e.statistics.separation_pairs, e.statistics.invariance_pairs, e.statistics.conformal_steps);
    assert_eq!(counts(&fast), counts(&slow), "{what}");
    assert_eq!(fast.statistics.zero_state_fraction, slow.statistics.zero_state_fraction, "{what}");
    let losses = |e: &Evaluation| [e.losses.separation, e.losses.invariance, e.losses.capacity, e.losses.conformal];
    for (number, (a, b)) in losses(&fast).into_iter().zip(losses(&slow)).enumerate() {
        let exponent = if number == 0 { DISTANCE_ERROR / (2.0 * loss.sigma_g * loss.sigma_g) } else { 0.0 };
        let bound = (on_losses + exponent) * b.abs() + DISTANCE_ERROR;
        assert!((a - b).abs() <= bound, "{what}: {:?} against {:?}", fast.losses, slow.losses);
    }
    let mut largest = 0f64;
    for (number, (a, b)) in fast_gradients.iter().zip(&slow_gradients).enumerate() {
        let (off, scale) = (norm(a.iter().zip(b).map(|(a, b)| a - b)), norm(b.iter().copied()));
        // Slopes of far pairs are off as their exponentials are; where nothing depends on a parameter, rounding is left.
        let bound = on_gradients + DISTANCE_ERROR / (2.0 * loss.sigma_g * loss.sigma_g);
        assert!(off <= bound * scale + 1e-6, "{what}: gradient {number} is off by {off:e} of {scale:e}");
        largest = largest.max(if scale > 1e-4 { off / scale } else { 0.0 });
    }
    largest
}

fn model(units: usize) -> ModelConfig {
    ModelConfig { units, mlp_hidden: vec![24, 40], activation: Activation::Relu, trainable_initial_state: true }
}

fn agrees_at_every_size() {
    // (B, T, N, bound): the gradient's conditioning worsens with T.
    for (batch, length, units, bound) in [
        (1, 1, 1, 1e-4),
        (1, 7, 16, 1e-4),
        (6, 1, 20, 1e-4),
        (2, 5, 17, 1e-4),
        (17, 3, 31, 1e-4),
        (40, 16, 64, 2e-4),
        (13, 11, 70, 1e-4),
        (9, 30, 96, 2e-4),
        (12, 6, 128, 1e-4),
        (5, 4, 130, 1e-4),
        (4, 3, 257, 1e-4),
    ] {
        compare(&format!("B={batch} T={length} N={units}"), &drawn(batch, length), &model(units), &LOSS, Precision::F32, 2e-5, bound);
    }
}

fn agrees_at_the_papers_size() {
    let model = ModelConfig { mlp_hidden: vec![64, 64], ..model(128) };
    let batch = drawn(130, 60);
    for precision in [Precision::F32, Precision::Tf32] {
        let mut gpu = gpu_engine("cuda", model.activation, precision).expect("a GPU");
        let mut cpu = engine(EngineKind::Fused, model.activation, precision);
        let (found, gradients) = evaluate(gpu.as_mut(), Precision::F32, &batch, &model, &LOSS);
        let (expected, expected_gradients) = evaluate(cpu.as_mut(), Precision::F32, &batch, &model, &LOSS);
        assert_eq!(found.statistics, expected.statistics);
        let losses = |e: &Evaluation| [e.losses.separation, e.losses.invariance, e.losses.capacity, e.losses.conformal];
        for (a, b) in losses(&found).into_iter().zip(losses(&expected)) {
            assert!((a - b).abs() <= 1e-3 * b.abs() + DISTANCE_ERROR, "{precision:?}: {found:?} against {expected:?}");
        }
        for (number, (a, b)) in gradients.iter().zip(&expected_gradients).enumerate() {
            let (off, scale) = (norm(a.iter().zip(b).map(|(a, b)| a - b)), norm(b.iter().copied()));
            // An untrained network's gradient over 60 steps is off by 1e-3 in single precision, whoever computes it.
            assert!(off <= 1e-2 * scale, "{precision:?}: gradient {number} is off by {off:e} of {scale:e}");
        }
    }
}

fn agrees_at_the_edges() {
    let f32 = |what: &str, batch: &Batch, units: usize, loss: &LossConfig| {
        compare(what, batch, &model(units), loss, Precision::F32, 2e-5, 1e-4);
    };
    let still = Batch::new(5, 4, vec![[0.0, 0.0]; 4], (0..20).map(|i| i % 4).collect());
    f32("nobody moves", &still, 18, &LOSS);
    // Multiples of a power of two add up exactly, so that many pairs are exactly σ_x apart.
    let steps = vec![[0.0625, 0.0], [0.0, 0.0625], [-0.0625, 0.0], [0.125, 0.0]];
    let lattice = Batch::new(6, 4, steps, (0..24).map(|i| (i * 7 + i / 4) % 4).collect());
    f32("pairs at σ_x", &lattice, 33, &LossConfig { sigma_x_m: 0.0625, ..LOSS });
    let alone = DataConfig { augmentation: Augmentation::None, velocity_distribution: VelocityDistribution::Disc, ..data(7, 5) };
    let alone = Batch::draw(&alone, &mut Seed(2).stream("batch", 0));
    for reduction in [Reduction::MeanSelected, Reduction::MeanAll, Reduction::Sum] {
        f32(&format!("{reduction:?}"), &alone, 20, &LossConfig { reduction, ..LOSS });
    }
    f32("no far pair", &alone, 20, &LossConfig { sigma_x_m: 10.0, ..LOSS });
    f32("no near pair but self", &alone, 20, &LossConfig { sigma_x_m: 1e-9, ..LOSS });
    f32("no capacity, no conformal", &alone, 20, &LossConfig { lambda_cap: 0.0, lambda_coniso: 0.0, ..LOSS });
    f32("a narrow σ_g", &alone, 20, &LossConfig { sigma_g: 0.02, ..LOSS });
    let flat = ModelConfig { mlp_hidden: Vec::new(), ..model(20) };
    compare("no hidden layer", &alone, &flat, &LOSS, Precision::F32, 2e-5, 1e-4);
}

fn tf32_is_within_its_stated_error() {
    // Operands have 11 bits: 2⁻¹² each at most, 5·10⁻⁴ together; docs/cuda.md.
    for (batch, length, units) in [(12, 6, 20), (17, 10, 64), (9, 12, 96), (11, 13, 128)] {
        let what = format!("tf32, B={batch} T={length} N={units}");
        let off = compare(&what, &drawn(batch, length), &model(units), &LOSS, Precision::Tf32, 1e-3, 1e-2);
        assert!(off > 1e-6, "{what}: rounding to TF32 shows: {off:e}");
        // The CPU rounds alike, so that only the order of sums is left.
        let model = model(units);
        let mut gpu = gpu_engine("cuda", model.activation, Precision::Tf32).expect("a GPU");
        let mut cpu = engine(EngineKind::Fused, model.activation, Precision::Tf32);
        let (_, found) = evaluate(gpu.as_mut(), Precision::F32, &drawn(batch, length), &model, &LOSS);
        let (_, expected) = evaluate(cpu.as_mut(), Precision::F32, &drawn(batch, length), &model, &LOSS);
        for (number, (a, b)) in found.iter().zip(&expected).enumerate() {
            let (off, scale) = (norm(a.iter().zip(b).map(|(a, b)| a - b)), norm(b.iter().copied()));
            assert!(off <= 1e-4 * scale + 1e-6, "{what}: gradient {number} is off the CPU's by {off:e} of {scale:e}");
        }
    }
}

fn every_activation_agrees() {
    for activation in [Activation::Tanh, Activation::Silu, Activation::Gelu] {
        let model = ModelConfig { activation, ..model(20) };
        compare(&format!("{activation:?}"), &drawn(6, 5), &model, &LOSS, Precision::F32, 2e-5, 1e-4);
    }
}

fn a_dead_network() {
    let model = ModelConfig { units: 20, mlp_hidden: vec![8], activation: Activation::Relu, trainable_initial_state: true };
    let parameters = Parameters::draw(&model, Precision::F32, &Device::Cpu, Seed(4)).expect("parameters");
    for (weight, bias) in &parameters.layers {
        weight.set(&weight.zeros_like().expect("zeros")).expect("set");
        bias.set(&(bias.ones_like().expect("ones") * -1.0).expect("minus one")).expect("set");
    }
    let mut gradients = Gradients::new(&parameters);
    let mut engine = gpu_engine("cuda", Activation::Relu, Precision::F32).expect("a GPU");
    let evaluation = engine.evaluate(&parameters, &drawn(4, 6), &LOSS, &mut gradients).expect("an evaluation");
    assert_eq!(evaluation.statistics.zero_state_fraction, 1.0);
    assert_eq!((evaluation.losses.separation, evaluation.losses.invariance, evaluation.losses.capacity), (1.0, 0.0, 0.0));
    assert!(gradients.norm(1) == 0.0 && gradients.norm(0) < 1e-6, "{}", gradients.norm(0));
}

fn an_overflow_shows() {
    // W of 10²⁵: finite, but its squares are not. All states would come out as zero, with finite losses and no gradient.
    let model = model(20);
    let parameters = Parameters::draw(&model, Precision::F32, &Device::Cpu, Seed(4)).expect("parameters");
    let (_, bias) = &parameters.layers[2];
    bias.set(&(bias.ones_like().expect("ones") * 1e25).expect("large")).expect("set");
    let gpu = gpu_engine("cuda", Activation::Relu, Precision::F32).expect("a GPU");
    for mut engine in [gpu, engine(EngineKind::Fused, Activation::Relu, Precision::F32)] {
        let evaluation = engine.evaluate(&parameters, &drawn(4, 6), &LOSS, &mut Gradients::new(&parameters)).expect("an evaluation");
        assert!(!evaluation.losses.total(&LOSS).is_finite(), "{evaluation:?}");
    }
}

/// 100 steps.
fn config(device: &str, change: impl FnOnce(&mut serde_json::Value)) -> CheckedTrainConfig {
    small::config(device, |c| {
        c["steps"] = 100.into();
        change(c);
    })
}

fn trainer(config: &CheckedTrainConfig) -> Trainer {
    Trainer::new(config, Seed(3), "abc").expect("a trainer")
}

fn bits(trainer: &Trainer) -> Vec<Vec<f32>> {
    let parameters = trainer.parameters().expect("parameters");
    parameters.named().iter().map(|(_, var)| var.flatten_all().and_then(|v| v.to_vec1()).expect("values")).collect()
}

fn close(what: &str, a: &StepMetrics, b: &StepMetrics, bound: f64) {
    assert_eq!(
        (a.step, a.separation_pairs, a.invariance_pairs, a.conformal_steps),
        (b.step, b.separation_pairs, b.invariance_pairs, b.conformal_steps),
        "{what}"
    );
    assert!((a.learning_rate - b.learning_rate).abs() <= 1e-12 * b.learning_rate, "{what}: {a:?} against {b:?}");
    let terms = |m: &StepMetrics| [m.loss_total, m.loss_separation, m.loss_invariance, m.loss_capacity, m.loss_conformal, m.grad_norm];
    for (x, y) in terms(a).into_iter().zip(terms(b)) {
        assert!((x - y).abs() <= bound * y.abs() + DISTANCE_ERROR, "{what}: {a:?} against {b:?}");
    }
}

fn a_hundred_steps() {
    for (kind, steps) in [("plateau", 100), ("cosine", 15), ("constant", 15)] {
        let change = |c: &mut serde_json::Value| {
            c["scheduler"]["kind"] = kind.into();
            if kind == "constant" {
                small::growing(c);
            }
        };
        let (mut gpu, mut cpu) = (trainer(&config("cuda", change)), trainer(&config("cpu", change)));
        assert!(gpu.device().starts_with("cuda:0 (") && cpu.device() == "cpu");
        for step in 1..=steps {
            // Rounding grows along the way, as from one build of a CPU to another.
            let bound = if step <= 5 { 1e-4 } else { 1e-2 };
            close(&format!("{kind}, step {step}"), &gpu.step().expect("a step"), &cpu.step().expect("a step"), bound);
        }
    }
}

fn the_same_bits() {
    for precision in ["f32", "tf32"] {
        let config = config("cuda", |c| c["precision"] = precision.into());
        let run = || {
            let mut trainer = trainer(&config);
            trainer.advance(30).expect("steps");
            bits(&trainer)
        };
        assert!(run() == run(), "{precision}");
    }
}

fn several_steps_at_once() {
    let config = config("cuda", |_| {});
    let (mut one, mut many) = (trainer(&config), trainer(&config));
    for until in [1, 9, 30] {
        let last = many.advance(until).expect("steps");
        let mut single = one.step().expect("a step");
        while one.step_index() < until {
            single = one.step().expect("a step");
        }
        assert_eq!(last, single);
    }
    assert!(bits(&one) == bits(&many));
    // More than the host prepares at once.
    let tiny = self::config("cuda", |c| {
        c["steps"] = 1100.into();
        c["data"]["batch"] = 1.into();
        c["data"]["length"] = 2.into();
        c["model"] = serde_json::json!({"units": 3, "mlp_hidden": [2], "activation": "relu", "trainable_initial_state": true});
        c["optimizer"]["accumulate"] = 1.into();
        c["curriculum"] = serde_json::json!([]);
    });
    let (mut few, mut many) = (trainer(&tiny), trainer(&tiny));
    for until in [7, 500, 1030] {
        few.advance(until).expect("steps");
    }
    many.advance(1030).expect("steps");
    assert!(bits(&few) == bits(&many), "beyond a thousand steps");
}

fn checkpoints_go_from_device_to_device() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    // Units are added at both seams.
    let (on_gpu, on_cpu) = (config("cuda", small::growing), config("cpu", small::growing));
    let resumed = |config: &CheckedTrainConfig| Trainer::resume(config, Seed(3), "abc", &path).expect("resumes");
    // GPU to GPU: to the bit, within a window of the plateau and at the seams of phases.
    let mut undisturbed = trainer(&on_gpu);
    undisturbed.advance(30).expect("steps");
    for stop in [1, 11, 12, 26] {
        let mut first = trainer(&on_gpu);
        first.advance(stop).expect("steps");
        first.save(&path).expect("a checkpoint");
        let mut second = resumed(&on_gpu);
        assert_eq!(second.step_index(), stop);
        second.advance(30).expect("steps");
        assert!(bits(&second) == bits(&undisturbed), "stopped at {stop}");
    }
    // From either to the other: the state is the same to the bit, and training goes on alike.
    for (from, to) in [(&on_cpu, &on_gpu), (&on_gpu, &on_cpu)] {
        let mut first = trainer(from);
        first.advance(14).expect("steps");
        first.save(&path).expect("a checkpoint");
        let bytes = std::fs::read(&path).expect("bytes");
        let mut second = resumed(to);
        assert!(bits(&second) == bits(&first));
        close("handed over", &second.advance(15).expect("a step"), &first.advance(15).expect("a step"), 1e-4);
        resumed(from).save(&path).expect("a checkpoint");
        assert!(std::fs::read(&path).expect("bytes") == bytes, "saved again, the file is the same");
    }
}

fn not_finite() {
    let change = |c: &mut serde_json::Value| {
        c["optimizer"]["learning_rate"] = 10.0.into();
        c["optimizer"]["clip_norm"] = 0.0.into();
        c["optimizer"]["weight_decay"] = 10.0.into();
        c["curriculum"] = serde_json::json!([]);
        c["scheduler"]["kind"] = "constant".into();
        c["steps"] = 2000.into();
    };
    let config = config("cuda", change);
    let mut gpu = trainer(&config);
    let error = gpu.advance(2000).expect_err("diverges");
    let ModelError::NonFinite { step, .. } = error else { panic!("{error}") };
    // All the steps before it, and no more.
    let mut again = trainer(&config);
    again.advance(step - 1).expect("the steps before");
    assert!(bits(&again) == bits(&gpu), "step {step}");
    assert_eq!((gpu.step_index(), again.step_index()), (step - 1, step - 1), "the steps that were taken");
    assert!(matches!(again.step(), Err(ModelError::NonFinite { step: same, .. }) if same == step));
}

fn many_batches() {
    // More than go through at once: the second group adds to the first's gradient.
    let change = |accumulate: u64| {
        move |c: &mut serde_json::Value| {
            c["optimizer"]["accumulate"] = accumulate.into();
            c["data"] = serde_json::json!({"batch": 1, "length": 2, "velocity_limit_m": 0.15, "velocity_distribution": "square", "augmentation": "permutation"});
            c["model"]["units"] = 3.into();
            c["curriculum"] = serde_json::json!([]);
        }
    };
    let (mut gpu, mut cpu) = (trainer(&config("cuda", change(1030))), trainer(&config("cpu", change(1030))));
    close("1,030 batches", &gpu.step().expect("a step"), &cpu.step().expect("a step"), 1e-4);
    for (a, b) in bits(&gpu).iter().flatten().zip(bits(&cpu).iter().flatten()) {
        assert!((a - b).abs() < 1e-4, "{a} against {b}");
    }
}

fn recordings_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkpoint.safetensors");
    for units in [20, 130] {
        let config = config("cpu", |c| c["model"]["units"] = units.into());
        let mut trained = trainer(&config);
        trained.advance(3).expect("steps");
        trained.save(&path).expect("a checkpoint");
        let (gpu, cpu) = (Network::load(&path, "cuda").expect("a network"), Network::load(&path, "cpu").expect("a network"));
        assert!(gpu.device().starts_with("cuda:0 (") && cpu.device() == "cpu");
        let mut stream = Seed(1).stream("walk", 0);
        let walks: Vec<Vec<[f64; 2]>> =
            (0..3).map(|_| (0..41).map(|_| [stream.uniform_in(-0.1, 0.1), stream.uniform_in(-0.1, 0.1)]).collect()).collect();
        let views: Vec<&[[f64; 2]]> = walks.iter().map(Vec::as_slice).collect();
        let (found, expected) = (gpu.rollouts(&views).expect("states"), cpu.rollouts(&views).expect("states"));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.len(), 41 * units);
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-4, "{a} against {b}");
            }
        }
        // To the bit in any segments.
        let (mut walkers, mut first) = (gpu.walkers(3), 0);
        for steps in [1, 17, 0, 23] {
            let parts: Vec<&[[f64; 2]]> = views.iter().map(|walk| &walk[first..first + steps]).collect();
            for (next, whole) in gpu.advance(&mut walkers, &parts).expect("states").iter().zip(&found) {
                assert!(next[..] == whole[first * units..(first + steps) * units], "{units} units from step {first}");
            }
            first += steps;
        }
        assert!(gpu.rollouts(&[]).expect("nothing").is_empty());
    }
}

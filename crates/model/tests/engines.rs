//! The fused engine against the reference in `f64`, over sizes and edge cases.

use gridlake_model::batch::Batch;
use gridlake_model::config::{
    Activation, Augmentation, DataConfig, EngineKind, LossConfig, ModelConfig, Precision, Reduction, VelocityDistribution,
};
use gridlake_model::engine::{Evaluation, engine};
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use gridlake_space::seed::Seed;

const LOSS: LossConfig = LossConfig {
    sigma_x_m: 0.05,
    sigma_g: 0.4,
    lambda_sep: 1.0,
    lambda_inv: 0.1,
    lambda_cap: 0.5,
    lambda_coniso: 1e-3,
    reduction: Reduction::MeanSelected,
};

fn drawn(batch: usize, length: usize) -> Batch {
    let data = DataConfig {
        batch,
        length,
        velocity_limit_m: 0.15,
        velocity_distribution: VelocityDistribution::Square,
        augmentation: Augmentation::Permutation,
    };
    Batch::draw(&data, &mut Seed(8).stream("batch", 0))
}

fn evaluate(kind: EngineKind, precision: Precision, batch: &Batch, model: &ModelConfig, loss: &LossConfig) -> (Evaluation, Vec<Vec<f64>>) {
    let parameters = Parameters::draw(model, precision, &candle_core::Device::Cpu, Seed(4)).expect("parameters");
    let mut gradients = Gradients::new(&parameters);
    let evaluation = engine(kind, model.activation, precision).evaluate(&parameters, batch, loss, &mut gradients).expect("an evaluation");
    (evaluation, (0..parameters.named().len()).map(|p| gradients.to_vec(p)).collect())
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

/// `on_gradients` relative to each gradient's norm; single precision allows no more over many steps, as the reference in `f32` shows at the same sizes.
fn compare(what: &str, batch: &Batch, units: usize, loss: &LossConfig, on_gradients: f64) {
    let model = ModelConfig { units, mlp_hidden: vec![24, 40], activation: Activation::Relu, trainable_initial_state: true };
    let (fast, fast_gradients) = evaluate(EngineKind::Fused, Precision::F32, batch, &model, loss);
    let (slow, slow_gradients) = evaluate(EngineKind::Reference, Precision::F64, batch, &model, loss);
    let counts = |e: &Evaluation| (e.statistics.separation_pairs, e.statistics.invariance_pairs, e.statistics.conformal_steps);
    assert_eq!(counts(&fast), counts(&slow), "{what}");
    let losses = |e: &Evaluation| [e.losses.separation, e.losses.invariance, e.losses.capacity, e.losses.conformal];
    for (a, b) in losses(&fast).into_iter().zip(losses(&slow)) {
        assert!((a - b).abs() <= 2e-5 * b.abs() + 1e-9, "{what}: {:?} against {:?}", fast.losses, slow.losses);
    }
    // Where nothing depends on a parameter (a single unit's state is always 1), rounding is left.
    let rounding = 1e-6;
    for (number, (a, b)) in fast_gradients.iter().zip(&slow_gradients).enumerate() {
        let off = norm(a.iter().zip(b).map(|(a, b)| a - b));
        assert!(
            off <= on_gradients * norm(b.iter().copied()) + rounding,
            "{what}: gradient {number} is off by {off:e} of {:e}",
            norm(b.iter().copied())
        );
    }
}

#[test]
fn agree_at_every_size() {
    // (B, T, N, bound): the gradient's conditioning worsens with T.
    for (batch, length, units, bound) in [
        (1, 1, 1, 1e-4),
        (1, 7, 16, 1e-4),
        (6, 1, 20, 1e-4),
        (2, 5, 17, 1e-4),
        (17, 3, 31, 1e-4),
        (40, 16, 64, 2e-4),
        (24, 30, 96, 2e-4),
        (10, 60, 128, 1e-2),
    ] {
        compare(&format!("B={batch} T={length} N={units}"), &drawn(batch, length), units, &LOSS, bound);
    }
}

#[test]
fn agree_with_coincident_positions_and_pairs_exactly_at_sigma_x() {
    let still = Batch::new(5, 4, vec![[0.0, 0.0]; 4], (0..20).map(|i| i % 4).collect());
    compare("nobody moves", &still, 18, &LOSS, 1e-4);
    // Multiples of a power of two add up exactly, so that many pairs are exactly σ_x apart.
    let lattice =
        Batch::new(6, 4, vec![[0.0625, 0.0], [0.0, 0.0625], [-0.0625, 0.0], [0.125, 0.0]], (0..24).map(|i| (i * 7 + i / 4) % 4).collect());
    let loss = LossConfig { sigma_x_m: 0.0625, ..LOSS };
    compare("pairs at σ_x", &lattice, 33, &loss, 1e-4);
    let (evaluation, _) = evaluate(
        EngineKind::Fused,
        Precision::F32,
        &lattice,
        &ModelConfig { units: 33, mlp_hidden: vec![8], activation: Activation::Relu, trainable_initial_state: true },
        &loss,
    );
    let selected = evaluation.statistics.separation_pairs + evaluation.statistics.invariance_pairs;
    assert!(selected < 24 * 24, "pairs at σ_x belong to neither loss");
}

#[test]
fn agree_without_augmentation_and_where_one_kind_of_pair_or_loss_is_absent() {
    let data = DataConfig {
        batch: 7,
        length: 5,
        velocity_limit_m: 0.15,
        velocity_distribution: VelocityDistribution::Disc,
        augmentation: Augmentation::None,
    };
    let batch = Batch::draw(&data, &mut Seed(2).stream("batch", 0));
    for reduction in [Reduction::MeanSelected, Reduction::MeanAll, Reduction::Sum] {
        compare(&format!("{reduction:?}"), &batch, 20, &LossConfig { reduction, ..LOSS }, 1e-4);
    }
    compare("no far pair", &batch, 20, &LossConfig { sigma_x_m: 10.0, ..LOSS }, 1e-4);
    compare("no near pair but self", &batch, 20, &LossConfig { sigma_x_m: 1e-9, ..LOSS }, 1e-4);
    compare("no capacity, no conformal", &batch, 20, &LossConfig { lambda_cap: 0.0, lambda_coniso: 0.0, ..LOSS }, 1e-4);
}

#[test]
fn a_dead_network_has_no_gradient_and_finite_losses() {
    let model = ModelConfig { units: 20, mlp_hidden: vec![8], activation: Activation::Relu, trainable_initial_state: true };
    let parameters = Parameters::draw(&model, Precision::F32, &candle_core::Device::Cpu, Seed(4)).expect("parameters");
    // Weights of zero and biases below zero: every W is negative, and every state after g₀ dead.
    for (weight, bias) in &parameters.layers {
        weight.set(&weight.zeros_like().expect("zeros")).expect("set");
        bias.set(&(bias.ones_like().expect("ones") * -1.0).expect("minus one")).expect("set");
    }
    let batch = drawn(4, 6);
    let mut gradients = Gradients::new(&parameters);
    let mut engine = engine(EngineKind::Fused, Activation::Relu, Precision::F32);
    let evaluation = engine.evaluate(&parameters, &batch, &LOSS, &mut gradients).expect("an evaluation");
    assert_eq!(evaluation.statistics.zero_state_fraction, 1.0);
    assert_eq!((evaluation.losses.separation, evaluation.losses.invariance, evaluation.losses.capacity), (1.0, 0.0, 0.0));
    // Dead states pass nothing back; the first steps' distance still sees g₀, whose norm does not change with its raw values.
    assert!(gradients.norm(1) == 0.0 && gradients.norm(0) < 1e-6, "{}", gradients.norm(0));
}

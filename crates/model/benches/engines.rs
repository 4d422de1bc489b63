//! One training step's losses and gradients: the fused engine against the reference, checked against each other before they are timed.
//!
//! `cargo bench -p gridlake-model --bench engines`

use candle_core::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use gridlake_model::batch::Batch;
use gridlake_model::config::{
    Activation, Augmentation, DataConfig, EngineKind, LossConfig, ModelConfig, Precision, Reduction, VelocityDistribution,
};
use gridlake_model::engine::engine;
use gridlake_model::parameters::Parameters;
use gridlake_space::seed::Seed;
use std::sync::Arc;

fn squared_norm(t: &Tensor) -> f64 {
    t.sqr().and_then(|t| t.sum_all()?.to_scalar::<f32>()).map(f64::from).expect("a norm")
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("losses-and-gradients");
    group.sample_size(10);
    for (batch, length, units) in [(8, 10, 32), (24, 30, 96)] {
        let data = DataConfig {
            batch,
            length,
            velocity_limit_m: 0.15,
            velocity_distribution: VelocityDistribution::Square,
            augmentation: Augmentation::Permutation,
        };
        let model = ModelConfig { units, mlp_hidden: vec![64, 64], activation: Activation::Relu, trainable_initial_state: true };
        let loss = LossConfig {
            sigma_x_m: 0.05,
            sigma_g: 0.4,
            lambda_sep: 1.0,
            lambda_inv: 0.1,
            lambda_cap: 0.5,
            lambda_coniso: 1e-3,
            reduction: Reduction::MeanSelected,
        };
        let parameters = Parameters::draw(&model, Precision::F32, &Device::Cpu, Seed(1)).expect("parameters");
        let batch = Arc::new(Batch::draw(&data, &mut Seed(1).stream("bench", 0)));
        let evaluate = |kind| engine(kind, Activation::Relu).evaluate(&parameters, &batch, &loss).expect("an evaluation");
        let (fast, slow) = (evaluate(EngineKind::Fused), evaluate(EngineKind::Reference));
        assert!((fast.losses.total(&loss) - slow.losses.total(&loss)).abs() < 1e-4 * slow.losses.total(&loss).abs());
        for (a, b) in fast.gradients.iter().zip(&slow.gradients) {
            assert!(squared_norm(&(a - b).expect("a difference")) <= 1e-6 * squared_norm(b), "the engines disagree");
        }
        let name = format!("B{}-T{length}-N{units}", batch.batch);
        for kind in [EngineKind::Fused, EngineKind::Reference] {
            group.bench_function(BenchmarkId::new(format!("{kind:?}"), &name), |b| b.iter(|| evaluate(kind)));
        }
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);

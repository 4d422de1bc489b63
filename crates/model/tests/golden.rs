//! Both engines against `golden/`: losses, counts and gradients from PyTorch in float64 (`golden/make_golden.py`).
//!
//! The reference in f64 within 1e-10; the fused engine within 1e-5 relative on losses and 1e-4 on each gradient.

#[path = "support/golden.rs"]
mod golden;

use candle_core::DType;
use golden::{check, load};
use gridlake_model::config::Activation;
use gridlake_model::fused::Fused;
use gridlake_model::reference::Reference;

#[test]
fn the_reference_in_f64_is_within_1e_10() {
    check(&mut Reference { activation: Activation::Relu }, DType::F64, (1e-10, 0.0), 1e-10);
}

#[test]
fn the_fused_engine_is_within_1e_5_on_losses_and_1e_4_on_gradients() {
    check(&mut Fused::new(Activation::Relu, false), DType::F32, (1e-5, 0.0), 1e-4);
}

#[test]
fn the_references_gradient_is_that_of_finite_differences() {
    let mut engine = Reference { activation: Activation::Relu };
    for golden in ["tiny", "tiny_mean_all"].map(load) {
        let (_, analytic) = golden.evaluate(&mut engine, DType::F64);
        let mut stream = gridlake_space::seed::Seed(1).stream("finite-differences", 0);
        for (which, gradient) in analytic.iter().enumerate() {
            let scale = gradient.iter().fold(0f64, |m, x| m.max(x.abs()));
            for _ in 0..12 {
                let at = stream.below(gradient.len());
                let mut total = |delta: f64| {
                    let mut moved = load(golden.name);
                    moved.parameters[which].2[at] += delta;
                    moved.evaluate(&mut engine, DType::F64).0.losses.total(&golden.loss)
                };
                let step = 1e-6;
                let numeric = (total(step) - total(-step)) / (2.0 * step);
                assert!(
                    (numeric - gradient[at]).abs() < 1e-6 * scale.max(1.0) + 1e-4 * gradient[at].abs(),
                    "{} {}[{at}]: {numeric} against {}",
                    golden.name,
                    golden.parameters[which].0,
                    gradient[at]
                );
            }
        }
    }
}

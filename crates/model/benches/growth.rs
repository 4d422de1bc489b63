//! How the time of a training step grows with B, T and N, beside the number of its operations.
//!
//! `cargo bench -p gridlake-model --bench growth [-- --threads N] [-- --figure STEM]`: prints a table, and draws it to STEM.png and STEM.svg.

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod support;

use gridlake_figures::{CostCurve, draw_cost_curves};
use gridlake_model::config::{Activation, EngineKind, Precision};
use gridlake_model::engine::engine;
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use support::{QUICKSTART, Size, medians};

fn main() {
    let threads = support::threads();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(validate);
    println!("{threads} threads, {:?}; losses and gradients of one batch", gridlake_model::ops::simd::instruction_set());
    let vary = |change: fn(&mut Size, usize), sizes: &[usize]| -> Vec<(f64, f64, f64)> {
        sizes
            .iter()
            .map(|value| {
                let mut size = QUICKSTART;
                change(&mut size, *value);
                let seconds = pool.install(|| {
                    let (batch, parameters, loss) = (size.draw(), size.parameters(), size.loss());
                    let (mut engine, mut gradients) =
                        (engine(EngineKind::Fused, Activation::Relu, Precision::F32), Gradients::new(&parameters));
                    let mut run = || {
                        gradients.clear();
                        engine.evaluate(&parameters, &batch, &loss, &mut gradients).expect("an evaluation");
                    };
                    medians(1.5, &mut [&mut run])[0]
                });
                println!(
                    "| {} | {} | {} | {:.2} | {:.0} |",
                    size.batch,
                    size.length,
                    size.units,
                    seconds * 1e3,
                    size.operations() / seconds / 1e9
                );
                (*value as f64, seconds, size.operations())
            })
            .collect()
    };
    println!("| B | T | N | ms | GFLOP/s |\n|---|---|---|---|---|");
    let b = vary(|size, b| size.batch = b, &[6, 12, 24, 48, 96, 192]);
    let t = vary(|size, t| size.length = t, &[8, 15, 30, 60, 120, 240]);
    let n = vary(|size, n| size.units = n, &[24, 48, 96, 192, 384]);
    let Some(stem) = support::argument("--figure") else { return };
    let column = |rows: &[(f64, f64, f64)], pick: fn(&(f64, f64, f64)) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
    let parts: Vec<_> = [
        ("a  B grows: T = 30, N = 96", "Trajectories, B", b),
        ("b  T grows: B = 24, N = 96", "Steps, T", t),
        ("c  N grows: B = 24, T = 30", "Units, N", n),
    ]
    .into_iter()
    .map(|(title, label, rows)| (title, label, column(&rows, |r| r.0), column(&rows, |r| 1e3 * r.1), column(&rows, |r| r.2)))
    .collect();
    let curves: Vec<CostCurve<'_>> = parts
        .iter()
        .map(|(title, label, sizes, measured, expected)| CostCurve { title, label, sizes, cost: "Step (ms)", measured, expected })
        .collect();
    let title = "Time of one batch, forward and backward, beside its floating-point operations";
    for path in draw_cost_curves(title, &curves, std::path::Path::new(&stem)).expect("a figure") {
        println!("{}", path.display());
    }
}

/// The fused engine against the reference in `f64`, at a small size.
fn validate() {
    let size = Size { batch: 8, length: 10, units: 40, ..QUICKSTART };
    let (batch, loss, single) = (size.draw(), size.loss(), size.parameters());
    let wide = |var: &candle_core::Var| candle_core::Var::from_tensor(&var.to_dtype(candle_core::DType::F64)?);
    let double = || -> candle_core::Result<Parameters> {
        let layers = single.layers.iter().map(|(w, b)| Ok((wide(w)?, wide(b)?))).collect::<candle_core::Result<_>>()?;
        Ok(Parameters { initial_raw: wide(&single.initial_raw)?, layers, trainable_initial_state: true })
    };
    let evaluate = |kind, precision, parameters: &Parameters| {
        let mut gradients = Gradients::new(parameters);
        let found = engine(kind, Activation::Relu, precision).evaluate(parameters, &batch, &loss, &mut gradients).expect("an evaluation");
        (found.losses.total(&loss), gradients.norm(0))
    };
    let (fast, slow) =
        (evaluate(EngineKind::Fused, Precision::F32, &single), evaluate(EngineKind::Reference, Precision::F64, &double().expect("f64")));
    assert!(
        (fast.0 - slow.0).abs() < 1e-5 * slow.0.abs() && (fast.1 - slow.1).abs() < 1e-4 * slow.1,
        "{fast:?} against {slow:?} in {:?}",
        Precision::F64
    );
}

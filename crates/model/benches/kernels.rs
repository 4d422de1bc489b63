//! Each kernel alone: checked, then timed beside an sgemm and a copy in the same run.
//!
//! `cargo bench -p gridlake-model --bench kernels [-- --threads 1]`

#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

mod support;

use gridlake_model::gradients::Gradients;
use gridlake_model::ops::mlp::{LayerGradient, Mlp};
use gridlake_model::ops::pair_losses::{PairSettings, PairSweep};
use gridlake_model::ops::rollout::{Rollout, Steps};
use gridlake_model::optimizer::AdamW;
use support::{Copy, HIDDEN, PAPER, QUICKSTART, Sgemm, Size, medians, optimizer};

fn main() {
    let threads = support::threads();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(|| {
        println!("{threads} threads, {:?}", gridlake_model::ops::simd::instruction_set());
        for size in [QUICKSTART, PAPER] {
            kernels(size);
        }
    });
}

struct Row {
    name: &'static str,
    seconds: f64,
    operations: f64,
    /// Bytes that must be read or written at least once.
    bytes: f64,
}

fn kernels(size: Size) {
    let (batch, parameters, loss) = (size.draw(), size.parameters(), size.loss());
    let n = size.units;
    let steps = Steps { batch: size.batch, length: size.length, units: n, velocities: size.length, index: &batch.index };
    let stride = steps.stride();
    let layers: Vec<(Vec<f32>, Vec<f32>)> = parameters
        .layers
        .iter()
        .map(|(w, b)| (w.flatten_all().and_then(|w| w.to_vec1()).expect("weights"), b.to_vec1().expect("bias")))
        .collect();
    let raw: Vec<f32> = parameters.initial_raw.to_vec1().expect("g0");
    let (mut w, mut dw) = (vec![0f32; size.length * n * n], vec![0f32; size.length * n * n]);
    let mut to: Vec<(Vec<f32>, Vec<f32>)> = layers.iter().map(|(w, b)| (vec![0.0; w.len()], vec![0.0; b.len()])).collect();
    let mut mlp = Mlp::new(gridlake_model::config::Activation::Relu);
    let mut rollout = Rollout::default();
    let mut sweep = PairSweep::default();
    let (mut dg, mut d_initial) = (vec![0f32; size.states() * stride], vec![0f32; stride]);
    let settings = PairSettings::of(&loss, false);
    let forward = |mlp: &mut Mlp, w: &mut [f32]| {
        mlp.start(&batch.velocities_m, layers.len());
        for (number, (weight, bias)) in layers.iter().enumerate() {
            if number + 1 < layers.len() { mlp.forward_hidden(number, weight, bias) } else { mlp.forward_last(weight, bias, w) }
        }
    };
    forward(&mut mlp, &mut w);
    rollout.forward(steps, &w, &raw);
    check(&size, &layers, &batch, &w, &rollout, &mut sweep, &settings);

    let budget = if size.states() > 2_000 { 6.0 } else { 2.0 };
    let mut gradients = Gradients::new(&parameters);
    let zeros: Vec<_> = parameters.named().iter().map(|(_, var)| var.ones_like().expect("ones")).collect();
    gradients.add_tensors(&zeros).expect("gradients");
    let mut adam = AdamW::new(&parameters);
    let mut sgemm = Sgemm::of(size.pair_operations());
    let sgemm_operations = sgemm.operations();
    let mut copy = Copy::new();
    let copy_bytes = copy.bytes();
    let x = batch.positions_m();

    let [sgemm_s, copy_s] = medians(budget, &mut [&mut || sgemm.run(), &mut || copy.run()])[..] else { unreachable!("two contestants") };
    let [sgemm_again_s, pairs_s] = medians(
        budget,
        &mut [&mut || sgemm.run(), &mut || {
            sweep.evaluate(&rollout.g, stride, x, &settings, &mut dg);
        }],
    )[..] else {
        unreachable!("two contestants")
    };
    let mut rows = vec![Row {
        name: "pair losses, forward and backward",
        seconds: pairs_s,
        operations: size.pair_operations(),
        bytes: (3 * size.states() * stride * 4) as f64,
    }];
    let matrices = (size.length * n * n * 4) as f64;
    let states = (size.states() * stride * 4) as f64;
    let parameters_bytes = layers.iter().map(|(w, b)| (w.len() + b.len()) as f64 * 4.0).sum::<f64>();
    let mlp_forward_operations: f64 = 2.0 * size.length as f64 * (2 * HIDDEN[0] + HIDDEN[0] * HIDDEN[1] + HIDDEN[1] * n * n) as f64;
    let mut time = |name, operations, bytes, run: &mut dyn FnMut()| {
        let seconds = medians(budget / 4.0, &mut [run])[0];
        rows.push(Row { name, seconds, operations, bytes });
    };
    time("MLP forward", mlp_forward_operations, parameters_bytes + matrices, &mut || forward(&mut mlp, &mut w));
    let rollout_operations = size.rollout_operations();
    time("rollout forward (as if dense)", rollout_operations / 3.0, matrices + states, &mut || rollout.forward(steps, &w, &raw));
    let start = dg.clone();
    time("rollout backward with ∂L/∂W (as if dense)", rollout_operations * 2.0 / 3.0, 2.0 * matrices + 2.0 * states, &mut || {
        // Its input is used up; the copy is timed too.
        dg.copy_from_slice(&start);
        d_initial.fill(0.0);
        rollout.backward(steps, &w, &mut dg, &mut d_initial, &mut dw);
    });
    time("MLP backward", size.mlp_operations() - mlp_forward_operations, 2.0 * parameters_bytes + matrices, &mut || {
        // The hidden layers' pre-activations are used up; their forward pass is timed too.
        mlp.start(&batch.velocities_m, layers.len());
        for (number, (weight, bias)) in layers.iter().enumerate().take(layers.len() - 1) {
            mlp.forward_hidden(number, weight, bias);
        }
        for (number, ((weight, _), (dw_layer, db))) in layers.iter().zip(&mut to).enumerate().rev() {
            let gradient = LayerGradient { weight: dw_layer, bias: db, add: false };
            if number + 1 < layers.len() { mlp.backward_hidden(number, weight, gradient) } else { mlp.backward_last(&dw, weight, gradient) }
        }
    });
    time("gradient's norm", 0.0, parameters_bytes, &mut || {
        std::hint::black_box(gradients.norm(0));
    });
    time("AdamW", 0.0, 7.0 * parameters_bytes, &mut || adam.step(&parameters, &gradients, &optimizer(), 1e-6, 1.0, 10).expect("a step"));

    let (rate, bandwidth) = (sgemm_operations / sgemm_again_s, copy_bytes / copy_s);
    println!("\n{} size: B = {}, T = {}, N = {}", size.name, size.batch, size.length, size.units);
    println!(
        "sgemm of {:.2} GFLOP: {:.3} ms, {:.0} GFLOP/s; copy: {:.1} GB/s",
        sgemm_operations / 1e9,
        sgemm_again_s * 1e3,
        rate / 1e9,
        bandwidth / 1e9
    );
    println!("(sgemm beside the copy: {:.3} ms)", sgemm_s * 1e3);
    println!("| kernel | ms | GFLOP | GFLOP/s | share of sgemm's rate | MB | share of copy's bandwidth |\n|---|---|---|---|---|---|---|");
    let mut total = 0.0;
    for row in &rows {
        total += row.seconds;
        println!(
            "| {} | {:.3} | {:.4} | {:.0} | {:.0} % | {:.2} | {:.0} % |",
            row.name,
            row.seconds * 1e3,
            row.operations / 1e9,
            row.operations / row.seconds / 1e9,
            100.0 * row.operations / row.seconds / rate,
            row.bytes / 1e6,
            100.0 * row.bytes / row.seconds / bandwidth
        );
    }
    println!("| all | {:.3} | {:.4} | | | | |", total * 1e3, size.operations() / 1e9);
    println!("pair losses / sgemm of as many operations: {:.2}", pairs_s / (sgemm_again_s * size.pair_operations() / sgemm_operations));
}

/// Every kernel against plain loops in `f64`, on a sample where the whole would take too long.
fn check(
    size: &Size,
    layers: &[(Vec<f32>, Vec<f32>)],
    batch: &gridlake_model::batch::Batch,
    w: &[f32],
    rollout: &Rollout,
    sweep: &mut PairSweep,
    settings: &PairSettings,
) {
    let n = size.units;
    // W of the first velocity.
    let mut x: Vec<f64> = batch.velocities_m[0].iter().map(|v| f64::from(*v as f32)).collect();
    for (number, (weight, bias)) in layers.iter().enumerate() {
        if number > 0 {
            for x in &mut x {
                *x = x.max(0.0);
            }
        }
        x = bias
            .iter()
            .zip(weight.chunks(x.len()))
            .map(|(b, row)| f64::from(*b) + row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum::<f64>())
            .collect();
    }
    assert!(w[..n * n].iter().zip(&x).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5), "the MLP is wrong");
    // The first trajectory, step by step from each state that was found.
    let stride = n.next_multiple_of(16);
    for t in 0..size.length {
        let before = if t == 0 { &rollout.initial } else { &rollout.g[(t - 1) * stride..t * stride] };
        let matrix = &w[batch.index[t] as usize * n * n..][..n * n];
        let z: Vec<f64> =
            matrix.chunks(n).map(|row| row.iter().zip(before).map(|(w, g)| f64::from(*w) * f64::from(*g)).sum::<f64>().max(0.0)).collect();
        let norm = z.iter().map(|z| z * z).sum::<f64>().sqrt() + 1e-8;
        let state = &rollout.g[t * stride..];
        assert!(z.iter().zip(state).all(|(z, g)| (z / norm - f64::from(*g)).abs() < 1e-5), "the rollout is wrong at step {t}");
    }
    // Losses and counts in full; the gradient by the slope along itself.
    let positions = batch.positions_m();
    let mut dg = vec![0f32; rollout.g.len()];
    let found = sweep.evaluate(&rollout.g, stride, positions, settings, &mut dg);
    let (mut sep, mut inv, mut far, mut near) = (0.0, 0.0, 0u64, 0u64);
    for (i, a) in positions.iter().enumerate() {
        let (mut sep_row, mut inv_row) = (0f64, 0f64);
        for (j, b) in positions.iter().enumerate().skip(i) {
            let orders = if i == j { 1 } else { 2 };
            let distance = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
            let row = |s: usize| &rollout.g[s * stride..s * stride + n];
            let squared: f32 = row(i).iter().zip(row(j)).map(|(a, b)| (a - b) * (a - b)).sum();
            if distance > settings.sigma_x_m {
                far += orders;
                sep_row += orders as f64 * (-f64::from(squared) / (2.0 * settings.sigma_g.powi(2))).exp();
            } else if distance < settings.sigma_x_m {
                near += orders;
                inv_row += orders as f64 * f64::from(squared);
            }
        }
        sep += sep_row;
        inv += inv_row;
    }
    assert_eq!((found.separation_pairs, found.invariance_pairs), (far, near), "counts are wrong");
    assert!((found.separation - sep / far as f64).abs() < 1e-5 * sep / far as f64, "Sep is wrong");
    assert!((found.invariance - inv / near as f64).abs() < 1e-5 * inv / near as f64, "Inv is wrong");
    let total = |losses: gridlake_model::ops::pair_losses::PairLosses| {
        settings.lambda_sep * losses.separation + settings.lambda_inv * losses.invariance
    };
    let squares: f64 = dg.iter().map(|d| f64::from(*d).powi(2)).sum();
    let step = 1e-2 / squares.sqrt();
    let mut moved = |sign: f64| {
        let g: Vec<f32> = rollout.g.iter().zip(&dg).map(|(g, d)| (f64::from(*g) + sign * step * f64::from(*d)) as f32).collect();
        total(sweep.evaluate(&g, stride, positions, settings, &mut vec![0.0; g.len()]))
    };
    let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
    assert!((slope / squares - 1.0).abs() < 2e-2, "the gradient is wrong: slope {slope}, squares {squares}");
}

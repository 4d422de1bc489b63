//! The MLP against `candle_nn::Linear` in `f64`, forward and backward, over shapes on both sides of every tile edge.

use super::{LayerGradient, Mlp, activate, derivative};
use crate::config::Activation;
use crate::engine;
use candle_core::{DType, Device, Module, Result, Tensor, Var};
use gridlake_space::seed::Seed;

struct Case {
    velocities: usize,
    widths: &'static [usize],
    activation: Activation,
}

const CASES: [Case; 6] = [
    Case { velocities: 1, widths: &[1], activation: Activation::Relu },
    Case { velocities: 5, widths: &[16, 9], activation: Activation::Tanh },
    Case { velocities: 30, widths: &[64, 64, 1024], activation: Activation::Relu },
    Case { velocities: 16, widths: &[17, 33, 1030], activation: Activation::Gelu },
    Case { velocities: 60, widths: &[33, 513], activation: Activation::Silu },
    Case { velocities: 33, widths: &[20, 36], activation: Activation::Relu },
];

#[test]
fn agrees_with_candle_forward_and_backward_and_adds_where_told() -> Result<()> {
    for (number, case) in CASES.iter().enumerate() {
        let mut stream = Seed(5).stream("mlp", number as u64);
        let mut draw = |count: usize, bound: f64| -> Vec<f32> { (0..count).map(|_| stream.uniform_in(-bound, bound) as f32).collect() };
        let velocities: Vec<[f64; 2]> = draw(2 * case.velocities, 0.5).chunks(2).map(|v| [f64::from(v[0]), f64::from(v[1])]).collect();
        let inputs: Vec<usize> = std::iter::once(2).chain(case.widths.iter().copied()).collect();
        let layers: Vec<(Vec<f32>, Vec<f32>)> =
            inputs.windows(2).map(|w| (draw(w[0] * w[1], 1.0 / (w[0] as f64).sqrt()), draw(w[1], 1.0 / (w[0] as f64).sqrt()))).collect();
        let outputs = *case.widths.last().expect("a width");
        let upstream = draw(case.velocities * outputs, 1.0);

        let mut mlp = Mlp::new(case.activation);
        let mut w = vec![0f32; case.velocities * outputs];
        let last = layers.len() - 1;
        let mut gradients: Vec<(Vec<f32>, Vec<f32>)> = layers.iter().map(|(w, b)| (vec![7.0; w.len()], vec![7.0; b.len()])).collect();
        // The second pass adds to the first, so that both forms are seen; other velocities in between must leave no trace.
        for add in [false, true] {
            mlp.start(&[[0.3, -0.2]; 3], layers.len());
            mlp.start(&velocities, layers.len());
            for (number, (weight, bias)) in layers.iter().enumerate() {
                if number < last { mlp.forward_hidden(number, weight, bias) } else { mlp.forward_last(weight, bias, &mut w) }
            }
            for (number, ((weight, _), (dw, db))) in layers.iter().zip(&mut gradients).enumerate().rev() {
                let gradient = LayerGradient { weight: dw, bias: db, add };
                if number < last { mlp.backward_hidden(number, weight, gradient) } else { mlp.backward_last(&upstream, weight, gradient) }
            }
        }

        let var = |data: &[f32], shape: &[usize]| Var::from_tensor(&Tensor::from_slice(data, shape, &Device::Cpu)?.to_dtype(DType::F64)?);
        let vars: Vec<(Var, Var)> = layers
            .iter()
            .zip(inputs.windows(2))
            .map(|((weight, bias), w)| Ok((var(weight, &[w[1], w[0]])?, var(bias, &[w[1]])?)))
            .collect::<Result<_>>()?;
        let flat: Vec<f64> = velocities.iter().flatten().copied().collect();
        let mut x = Tensor::from_vec(flat, (case.velocities, 2), &Device::Cpu)?;
        for (number, (weight, bias)) in vars.iter().enumerate() {
            if number > 0 {
                x = engine::activate(&x, case.activation)?;
            }
            x = candle_nn::Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())).forward(&x)?;
        }
        let expected: Vec<f64> = x.flatten_all()?.to_vec1()?;
        for (a, b) in w.iter().zip(&expected) {
            assert!((f64::from(*a) - b).abs() < 1e-5, "case {number}: {a} against {b}");
        }
        let upstream = Tensor::from_slice(&upstream, (case.velocities, outputs), &Device::Cpu)?.to_dtype(DType::F64)?;
        let store = (x * upstream)?.sum_all()?.backward()?;
        for (layer, ((weight, bias), (dw, db))) in vars.iter().zip(&gradients).enumerate() {
            for (found, var) in [(dw, weight), (db, bias)] {
                let expected: Vec<f64> = store.get(var).expect("a gradient").flatten_all()?.to_vec1()?;
                let scale = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
                for (a, b) in found.iter().zip(expected) {
                    assert!((f64::from(*a) - 2.0 * b).abs() < 1e-5 * scale + 1e-6, "case {number} layer {layer}: {a} against {}", 2.0 * b);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn derivatives_are_those_of_finite_differences() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Silu, Activation::Gelu] {
        for y in [-3.0f32, -0.7, -0.1, 0.2, 1.3, 4.0] {
            let numeric = (activate(activation, y + 1e-2) - activate(activation, y - 1e-2)) / 2e-2;
            assert!((numeric - derivative(activation, y)).abs() < 1e-3, "{activation:?} at {y}");
        }
    }
    assert_eq!(derivative(Activation::Relu, 0.0), 0.0);
}

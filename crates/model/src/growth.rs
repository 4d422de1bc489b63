//! Units added to a network in training, where a phase of the curriculum has more than the one before (`model.units`).
//!
//! The paper trains all units from the first step on. Here a lattice that some units have formed can be kept while others, added later, find theirs: what the older units
//! do stays as it was but for the norm that all share, since weights from new units onto older ones begin at zero. What leads to the new ones is drawn as a new
//! network's weights are (uniform within ±1/√inputs), from a stream of its own for each number of older units, so that training on from any checkpoint draws the same. The
//! MLP's hidden layers are shared, and go on. The optimizer's moments of what is new are zero, and it corrects them by the step of the whole training: with β of 0.9 and 0.999
//! their first updates are up to 6.6 times the learning rate (`(1 - β₁ᵏ)/√(1 - β₂ᵏ)` after k steps, 3.2 times after 100 and 1.3 times after 1,000).

use crate::error::ModelError;
use crate::optimizer::{AdamW, Moments};
use crate::parameters::Parameters;
use candle_core::{DType, Tensor, Var};
use gridlake_space::seed::Seed;

/// Raw g₀ of a new unit over the largest of the older ones: small, and not zero, from where no gradient leads away.
const INITIAL: f64 = 0.1;

/// The network and its optimizer with `units` units, the first of which are the ones there are.
///
/// # Errors
/// When the tensors cannot be read or made on their device.
pub(crate) fn grown(parameters: &Parameters, optimizer: &AdamW, units: usize, seed: Seed) -> Result<(Parameters, AdamW), ModelError> {
    let old = parameters.units();
    let mut layers = parameters.layers.clone();
    if let Some((weight, bias)) = layers.last_mut() {
        let inputs = weight.dims().last().copied().unwrap_or(1);
        let bound = 1.0 / (inputs as f64).sqrt();
        let drawn = |var: &Var, name: &str, width: usize| {
            let mut stream = seed.stream(name, old as u64);
            replaced(var, |values| matrices(values, [old, units], width, || stream.uniform_in(-bound, bound)))
        };
        *weight = drawn(weight, "grown-mlp-weight", inputs)?;
        *bias = drawn(bias, "grown-mlp-bias", 1)?;
    }
    let initial_raw = replaced(&parameters.initial_raw, |values| {
        let largest = values.iter().copied().fold(0.0, f64::max);
        values.iter().copied().chain(std::iter::repeat_n(INITIAL * largest, units - old)).collect()
    })?;
    let grown = Parameters { initial_raw, layers, trainable_initial_state: parameters.trainable_initial_state };
    // Of the raw g₀, the last layer's weights and its biases: how many numbers each pair of units has; the hidden layers' moments stay.
    let mut moments = optimizer.moments.clone();
    let last = moments.len() - 2;
    if let Some(initial) = moments.first_mut() {
        *initial = lengthened(initial, units);
    }
    for (moments, var) in moments[last..].iter_mut().zip(grown.named()[last..].iter().map(|(_, var)| var)) {
        *moments = widened(moments, [old, units], var.elem_count() / (units * units));
    }
    Ok((grown, AdamW { moments }))
}

/// A variable of other values, of the same precision and on the same device; its leading dimension is theirs.
fn replaced(var: &Var, new: impl FnOnce(&[f64]) -> Vec<f64>) -> Result<Var, ModelError> {
    let values = new(&var.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?);
    let width: usize = var.dims()[1..].iter().product();
    let shape: Vec<usize> = std::iter::once(values.len() / width).chain(var.dims()[1..].iter().copied()).collect();
    let tensor = Tensor::from_vec(values, shape, &candle_core::Device::Cpu)?;
    Ok(Var::from_tensor(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?)
}

/// Square matrices of `width` numbers an entry, row-major, made larger: entries of new rows from `draw` (through `f32`, so that networks of either precision grow
/// alike), those of new columns in old rows zero.
fn matrices(values: &[f64], [old, new]: [usize; 2], width: usize, mut draw: impl FnMut() -> f64) -> Vec<f64> {
    let mut larger = Vec::with_capacity(new * new * width);
    for row in 0..new {
        if let Some(row) = (row < old).then(|| &values[row * old * width..][..old * width]) {
            larger.extend_from_slice(row);
            larger.resize(larger.len() + (new - old) * width, 0.0);
        } else {
            larger.extend((0..new * width).map(|_| f64::from(draw() as f32)));
        }
    }
    larger
}

/// Moments of g₀.
fn lengthened(moments: &Moments, units: usize) -> Moments {
    each(moments, |values| values.iter().copied().chain(std::iter::repeat(0.0)).take(units).collect())
}

/// Moments of square matrices.
fn widened(moments: &Moments, units: [usize; 2], width: usize) -> Moments {
    each(moments, |values| matrices(values, units, width, || 0.0))
}

/// Both moments, through double precision, which holds either.
fn each(moments: &Moments, change: impl Fn(&[f64]) -> Vec<f64>) -> Moments {
    let single = |values: &[f32]| -> Vec<f32> {
        let values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        change(&values).into_iter().map(|value| value as f32).collect()
    };
    match moments {
        Moments::F32 { first, second } => Moments::F32 { first: single(first), second: single(second) },
        Moments::F64 { first, second } => Moments::F64 { first: change(first), second: change(second) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Activation, ModelConfig, Precision};

    #[test]
    fn what_was_there_stays_where_it_was_and_nothing_new_leads_to_it() {
        for mlp_hidden in [vec![4, 5], Vec::new()] {
            grows(mlp_hidden);
        }
    }

    fn grows(mlp_hidden: Vec<usize>) {
        let (last, inputs) = (mlp_hidden.len(), mlp_hidden.last().copied().unwrap_or(2));
        let model = ModelConfig { units: 3, mlp_hidden, activation: Activation::Relu, trainable_initial_state: true };
        let values = |var: &Var| var.flatten_all().and_then(|var| var.to_dtype(DType::F64)?.to_vec1::<f64>()).expect("values");
        let grow = |precision| {
            let old = Parameters::draw(&model, precision, &candle_core::Device::Cpu, Seed(1)).expect("parameters");
            let mut optimizer = AdamW::new(&old);
            for (number, moments) in optimizer.moments.iter_mut().enumerate() {
                *moments = each(moments, |zeros| zeros.iter().map(|_| 1.0 + number as f64).collect());
            }
            let (new, grown) = grown(&old, &optimizer, 6, Seed(1)).expect("a larger network");
            (old, new, grown)
        };
        let (old, new, optimizer) = grow(Precision::F32);
        assert_eq!(new.units(), 6);
        for (number, ((name, old), (_, new))) in old.named().into_iter().zip(new.named()).enumerate() {
            let (was, is) = (values(old), values(new));
            let Moments::F32 { first, second } = &optimizer.moments[number] else { panic!("single precision") };
            assert!(first == second && first.len() == is.len(), "{name}");
            if !name.starts_with(&format!("mlp.{last}.")) {
                let moments = (0..is.len()).map(|at| if at < was.len() { 1.0 + number as f32 } else { 0.0 });
                assert!(first.iter().copied().eq(moments), "{name}: {first:?}");
                assert_eq!(was, is[..was.len()], "{name}");
                assert!(
                    is[was.len()..].iter().all(|initial| (initial - 0.1 * was.iter().copied().fold(0.0, f64::max)).abs() < 1e-7),
                    "{name}"
                );
                continue;
            }
            let width = is.len() / 36;
            for (at, (&value, moment)) in is.iter().zip(first).enumerate() {
                let (row, col, inner) = (at / width / 6, at / width % 6, at % width);
                let kept = row < 3 && col < 3;
                assert_eq!(*moment, if kept { 1.0 + number as f32 } else { 0.0 }, "{name}, moment {at}");
                if kept {
                    assert_eq!(value, was[(row * 3 + col) * width + inner], "{name} {at}");
                } else if row < 3 {
                    assert_eq!(value, 0.0, "{name} {at}");
                } else {
                    assert!(value != 0.0 && value.abs() <= 1.0 / (inputs as f64).sqrt(), "{name} {at}");
                }
            }
        }
        // The same in double precision, and each time; other weights with another seed.
        let (_, double, _) = grow(Precision::F64);
        for ((_, single), (_, double)) in new.named().into_iter().zip(double.named()) {
            assert!(values(single).iter().zip(values(double)).all(|(a, b)| (a - b).abs() < 1e-7));
        }
        assert_eq!(values(&grow(Precision::F32).1.layers[last].0), values(&new.layers[last].0));
        let (other, _) = grown(&old, &AdamW::new(&old), 6, Seed(2)).expect("a larger network");
        assert_ne!(values(&other.layers[last].0), values(&new.layers[last].0));
    }
}

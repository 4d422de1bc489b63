//! The golden numbers: losses, counts and gradients from PyTorch in float64 (`golden/make_golden.py`).

use candle_core::{DType, Device, Tensor, Var};
use gridlake_model::batch::Batch;
use gridlake_model::config::{LossConfig, Reduction};
use gridlake_model::engine::{Engine, Evaluation};
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use safetensors::SafeTensors;

const CASES: [&str; 5] = ["tiny", "tiny_sum", "tiny_mean_all", "no_conformal_steps", "small"];

/// The file of a case, embedded, so that the test program can be carried to a machine with a GPU.
fn file(name: &str) -> &'static [u8] {
    match name {
        "tiny" => include_bytes!("../golden/sic_tiny.safetensors"),
        "tiny_sum" => include_bytes!("../golden/sic_tiny_sum.safetensors"),
        "tiny_mean_all" => include_bytes!("../golden/sic_tiny_mean_all.safetensors"),
        "no_conformal_steps" => include_bytes!("../golden/sic_no_conformal_steps.safetensors"),
        "small" => include_bytes!("../golden/sic_small.safetensors"),
        other => panic!("no golden case {other}"),
    }
}

pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) parameters: Vec<(String, Vec<usize>, Vec<f64>)>,
    pub(crate) gradients: Vec<Vec<f64>>,
    pub(crate) batch: Batch,
    pub(crate) loss: LossConfig,
    pub(crate) losses: Vec<f64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) positions: Vec<f64>,
}

pub(crate) fn load(name: &'static str) -> Golden {
    let bytes = file(name);
    let file = SafeTensors::deserialize(bytes).expect("safetensors");
    let (_, metadata) = SafeTensors::read_metadata(bytes).expect("metadata");
    let case: serde_json::Value = serde_json::from_str(&metadata.metadata().as_ref().expect("metadata")["case"]).expect("JSON");
    let words = |name: &str| -> Vec<[u8; 8]> { file.tensor(name).expect(name).data().as_chunks().0.to_vec() };
    let floats = |name: &str| -> Vec<f64> { words(name).into_iter().map(f64::from_le_bytes).collect() };
    let integers = |name: &str| -> Vec<u64> { words(name).into_iter().map(u64::from_le_bytes).collect() };
    let number = |key: &str| case[key].as_f64().expect(key);
    let names = ["g0_raw", "mlp.0.weight", "mlp.0.bias", "mlp.1.weight", "mlp.1.bias", "mlp.2.weight", "mlp.2.bias"];
    Golden {
        name,
        parameters: names.iter().map(|n| ((*n).to_owned(), file.tensor(n).expect(n).shape().to_vec(), floats(n))).collect(),
        gradients: names.iter().map(|n| floats(&format!("grad.{n}"))).collect(),
        batch: Batch::new(
            number("B") as usize,
            number("T") as usize,
            floats("velocities").as_chunks().0.to_vec(),
            integers("permutations").into_iter().map(|k| k as u32).collect(),
        ),
        loss: LossConfig {
            sigma_x_m: number("sigma_x"),
            sigma_g: number("sigma_g"),
            lambda_sep: number("lambda_sep"),
            lambda_inv: number("lambda_inv"),
            lambda_cap: number("lambda_cap"),
            lambda_coniso: number("lambda_coniso"),
            reduction: serde_json::from_value::<Reduction>(case["reduction"].clone()).expect("a reduction"),
        },
        losses: floats("losses"),
        counts: integers("counts"),
        positions: floats("positions"),
    }
}

impl Golden {
    fn parameters(&self, dtype: DType) -> Parameters {
        let mut vars = self.parameters.iter().map(|(_, shape, data)| {
            Var::from_tensor(&Tensor::from_slice(data, shape.as_slice(), &Device::Cpu).and_then(|t| t.to_dtype(dtype)).expect("tensor"))
                .expect("variable")
        });
        let initial_raw = vars.next().expect("g0");
        let rest: Vec<Var> = vars.collect();
        Parameters { initial_raw, layers: rest.chunks(2).map(|l| (l[0].clone(), l[1].clone())).collect(), trainable_initial_state: true }
    }

    /// The evaluation, and the gradients by parameter.
    pub(crate) fn evaluate(&self, engine: &mut dyn Engine, dtype: DType) -> (Evaluation, Vec<Vec<f64>>) {
        let parameters = self.parameters(dtype);
        let mut gradients = Gradients::new(&parameters);
        let evaluation = engine.evaluate(&parameters, &self.batch, &self.loss, &mut gradients).expect("an evaluation");
        (evaluation, (0..self.gradients.len()).map(|parameter| gradients.to_vec(parameter)).collect())
    }
}

/// Largest deviation, relative to the largest expected magnitude.
pub(crate) fn deviation(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    // A maximum passes over what is not a number.
    assert!(found.iter().all(|x| x.is_finite()), "not finite");
    let scale = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
    let largest = found.iter().zip(expected).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
    if scale == 0.0 { largest } else { largest / scale }
}

/// Compares an engine with all golden numbers: losses within a relative bound and an absolute one on top, gradients within a relative one.
pub(crate) fn check(engine: &mut dyn Engine, dtype: DType, (on_losses, absolute): (f64, f64), on_gradients: f64) {
    for golden in CASES.map(load) {
        let x: Vec<f64> = golden.batch.positions_m().iter().flatten().copied().collect();
        assert!(deviation(&x, &golden.positions) < 1e-14, "{}: positions", golden.name);
        let (found, gradients) = golden.evaluate(engine, dtype);
        let l = found.losses;
        let losses = [l.separation, l.invariance, l.capacity, l.conformal, l.total(&golden.loss)];
        for (a, b) in losses.iter().zip(&golden.losses) {
            assert!((a - b).abs() <= on_losses * b.abs() + absolute, "{}: losses {losses:?}, should be {:?}", golden.name, golden.losses);
        }
        let s = found.statistics;
        assert_eq!(vec![s.separation_pairs, s.invariance_pairs, s.conformal_steps], golden.counts, "{}", golden.name);
        for (gradient, ((name, _, _), expected)) in gradients.iter().zip(golden.parameters.iter().zip(&golden.gradients)) {
            let off = deviation(gradient, expected);
            assert!(off <= on_gradients, "{}: gradient of {name} is off by {off:e}", golden.name);
        }
    }
}

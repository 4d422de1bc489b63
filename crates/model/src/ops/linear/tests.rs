//! The layer against `candle_nn::Linear`, forward and backward, over shapes on both sides of every tile edge.

use super::Linear;
use candle_core::{DType, Device, Module, Result, Tensor, Var};

fn random(stream: &mut gridlake_space::seed::Stream, shape: (usize, usize)) -> Result<Tensor> {
    let data: Vec<f32> = (0..shape.0 * shape.1).map(|_| stream.uniform_in(-1.0, 1.0) as f32).collect();
    Tensor::from_vec(data, shape, &Device::Cpu)
}

fn largest_difference(a: &Tensor, b: &Tensor) -> Result<f64> {
    (a.to_dtype(DType::F64)? - b.to_dtype(DType::F64)?)?.abs()?.flatten_all()?.max(0)?.to_scalar()
}

#[test]
fn agrees_with_candle_forward_and_backward() -> Result<()> {
    let mut stream = gridlake_space::seed::Seed(5).stream("linear", 0);
    for (rows, inputs, outputs) in [(1, 1, 1), (5, 2, 8), (30, 64, 96), (12, 17, 1030), (60, 33, 513)] {
        let x = Var::from_tensor(&random(&mut stream, (rows, inputs))?)?;
        let w = Var::from_tensor(&random(&mut stream, (outputs, inputs))?)?;
        let b = Var::from_tensor(&random(&mut stream, (1, outputs))?.squeeze(0)?)?;
        let upstream = random(&mut stream, (rows, outputs))?;
        let ours = x.apply_op3(&w, &b, Linear)?;
        let f64s = |t: &Var| Var::from_tensor(&t.to_dtype(DType::F64)?);
        let (x64, w64, b64) = (f64s(&x)?, f64s(&w)?, f64s(&b)?);
        let theirs = candle_nn::Linear::new(w64.as_tensor().clone(), Some(b64.as_tensor().clone())).forward(&x64)?;
        // A chain of n rounded operations on terms below 1 errs by less than n ulps of the largest partial sum.
        let bound = |terms: usize| 1.2e-7 * (terms + 1) as f64 * (terms as f64).sqrt().max(1.0);
        assert!(largest_difference(&ours, &theirs)? < bound(inputs), "forward {rows}×{inputs}×{outputs}");
        let ours = (ours * &upstream)?.sum_all()?.backward()?;
        let theirs = (theirs * upstream.to_dtype(DType::F64)?)?.sum_all()?.backward()?;
        for (name, a, b, terms) in [("x", &x, &x64, outputs), ("weight", &w, &w64, rows), ("bias", &b, &b64, rows)] {
            let (a, b) = (ours.get(a).expect("a gradient"), theirs.get(b).expect("a gradient"));
            assert!(largest_difference(a, b)? < bound(terms), "d{name} {rows}×{inputs}×{outputs}");
        }
    }
    Ok(())
}

#[test]
fn refuses_shapes_that_do_not_fit() -> Result<()> {
    let t = |shape: (usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu);
    let error = t((3, 4))?.apply_op3(&t((5, 6))?, &t((1, 5))?.squeeze(0)?, Linear).expect_err("inputs differ");
    assert!(error.to_string().contains("linear: x is [3, 4], weight [5, 6]"), "{error}");
    Ok(())
}

//! The MLP's non-linearity φ and its derivative, in `f32`. `libm`, so that bits are the same everywhere.

use crate::config::Activation;

/// y ← φ(y).
pub(crate) fn activate(activation: Activation, y: f32) -> f32 {
    match activation {
        Activation::Relu => y.max(0.0),
        Activation::Tanh => libm::tanhf(y),
        Activation::Silu => y * logistic(y),
        Activation::Gelu => y * normal_cdf(y),
    }
}

/// φ'(y); 0 at the kink of the ReLU.
pub(crate) fn derivative(activation: Activation, y: f32) -> f32 {
    match activation {
        Activation::Relu => f32::from(u8::from(y > 0.0)),
        Activation::Tanh => 1.0 - libm::tanhf(y).powi(2),
        Activation::Silu => {
            let s = logistic(y);
            s * (1.0 + y * (1.0 - s))
        }
        Activation::Gelu => {
            const INVERSE_ROOT_TWO_PI: f32 = 0.398_942_3;
            normal_cdf(y) + y * INVERSE_ROOT_TWO_PI * libm::expf(-0.5 * y * y)
        }
    }
}

fn logistic(y: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-y))
}

fn normal_cdf(y: f32) -> f32 {
    0.5 * (1.0 + libm::erff(y * std::f32::consts::FRAC_1_SQRT_2))
}

//! The MLP that makes W(v) (eq. 2), for the K distinct velocities of a batch at once, forward and backward.
//!
//! y_l = W_l·x_l + b_l, x_{l+1} = φ(y_l), x_0 = v, and the last y, without φ, is W(v), row-major. Weights are (out, in) as in `candle_nn::Linear`.
//!
//! Between the layers features are rows and velocities are the lanes: (width, `padded`), K rounded up to whole packs, so that no layer needs a transpose; the
//! last one is turned to (K, N²) as it is made. Floating-point operations: 2·K·Σ in·out forward, twice that backward.

mod activation;
mod cpu;
mod cuda;

pub(crate) use activation::{activate, derivative};
pub use cpu::{LayerGradient, Mlp};
pub(crate) use cuda::{Layer as DeviceLayer, MlpBuffers};

#[cfg(test)]
mod tests;

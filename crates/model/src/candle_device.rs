//! candle's own CUDA device, on which the reference engine can run; it is there only in a build with the feature `cuda`.

use crate::error::ModelError;
use candle_core::Device;

/// The CUDA device of this number, as candle sees it.
///
/// # Errors
/// When there is no such device or no driver for it, or when it cannot run candle's kernels.
#[cfg(feature = "cuda")]
pub(crate) fn candle_cuda(ordinal: usize) -> Result<Device, ModelError> {
    // Not `Device::new_cuda`, whose stream is another one in each thread: a step's work comes from several threads and has to stay in order.
    Device::new_cuda_with_stream(ordinal).and_then(|device| runs_kernels(&device).map(|()| device)).map_err(|error| {
        device_error(
            ordinal,
            &format!(
                "candle cannot use CUDA device {ordinal} ({error}); see what `nvidia-smi` lists: the driver must be as new as the CUDA toolkit of this build, and CUDA_COMPUTE_CAP at build time that of the GPU; or use engine = \"fused\", or --device cpu"
            ),
        )
    })
}

/// candle loads a kernel when it is first used, so that a build for another GPU or driver would fail only then: one is used here.
#[cfg(feature = "cuda")]
fn runs_kernels(device: &Device) -> candle_core::Result<()> {
    candle_core::Tensor::ones(1, candle_core::DType::F32, device)?.to_vec1::<f32>().map(|_| ())
}

/// The CUDA device of this number, as candle sees it.
///
/// # Errors
/// Always: this build is without candle's CUDA device.
#[cfg(not(feature = "cuda"))]
pub(crate) fn candle_cuda(ordinal: usize) -> Result<Device, ModelError> {
    Err(device_error(
        ordinal,
        "engine = \"reference\" runs on a GPU only in a build with `--features cuda`, which needs the CUDA toolkit; engine = \"fused\" needs neither; or use --device cpu",
    ))
}

fn device_error(ordinal: usize, reason: &str) -> ModelError {
    ModelError::Device { wanted: format!("cuda:{ordinal}"), reason: reason.to_owned() }
}

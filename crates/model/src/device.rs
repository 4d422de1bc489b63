//! Which device a configuration names.

use crate::error::ModelError;
use candle_core::Device;

/// The CPU for `auto` and `cpu`.
///
/// # Errors
/// For `cuda`: this build trains on the CPU.
pub(crate) fn cpu_device(wanted: &str) -> Result<Device, ModelError> {
    match wanted {
        "auto" | "cpu" => Ok(Device::Cpu),
        other => {
            Err(ModelError::Device { wanted: other.to_owned(), reason: "this version trains on the CPU only; use --device cpu".into() })
        }
    }
}

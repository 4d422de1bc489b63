//! Finds GPUs and says what is in the way where there is none.

use super::modules::Modules;
use cudarc::driver::sys::{CUdevice_attribute, CUresult, cuDriverGetVersion};
use cudarc::driver::{CudaContext, DriverError, result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Least version of CUDA that a driver must support: that of the embedded PTX.
const LEAST_CUDA: (i32, i32) = (12, 2);

/// Least compute capability: TF32 on tensor cores.
const LEAST_CAPABILITY: (i32, i32) = (8, 0);

/// A GPU that was found and can be used; shared by all that runs on it in this process.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub(crate) context: Arc<CudaContext>,
    /// What the driver calls it.
    pub(crate) name: String,
    pub(crate) ordinal: usize,
    pub(crate) multiprocessors: usize,
    /// Bytes of shared memory that one block can have.
    pub(crate) shared_bytes: usize,
    pub(crate) modules: Modules,
}

/// Why there is no GPU to use.
#[derive(Clone, Debug)]
pub(crate) enum Absent {
    /// This machine has none: nothing is wrong with it.
    None(String),
    /// There may be one, but it cannot be used; what is wrong and what to do.
    Unusable(String),
}

impl Absent {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::None(reason) | Self::Unusable(reason) => reason,
        }
    }
}

/// The GPU of this number.
///
/// # Errors
/// What is missing or wrong.
pub(crate) fn open(ordinal: usize) -> Result<Arc<Gpu>, Absent> {
    static OPEN: OnceLock<Mutex<BTreeMap<usize, Arc<Gpu>>>> = OnceLock::new();
    let mut open = OPEN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(gpu) = open.get(&ordinal) {
        return Ok(gpu.clone());
    }
    let gpu = Arc::new(find(ordinal)?);
    open.insert(ordinal, gpu.clone());
    Ok(gpu)
}

fn find(ordinal: usize) -> Result<Gpu, Absent> {
    find_library()?;
    result::init().map_err(not_started)?;
    let version = driver_version().map_err(|error| unusable("the driver does not say its version", error))?;
    if version < LEAST_CUDA {
        let ((major, minor), (least_major, least_minor)) = (version, LEAST_CUDA);
        return Err(Absent::Unusable(format!(
            "the NVIDIA driver supports CUDA {major}.{minor}, and {least_major}.{least_minor} is needed; update the driver to 535 or newer"
        )));
    }
    let count = CudaContext::device_count().map_err(|error| unusable("the driver lists no devices", error))?;
    if ordinal >= count as usize {
        return Err(match count {
            0 => Absent::None("the NVIDIA driver is there, but no GPU; see what `nvidia-smi` lists and CUDA_VISIBLE_DEVICES".into()),
            _ => Absent::Unusable(format!("there is no GPU {ordinal}; the driver lists {count}, numbered from 0")),
        });
    }
    let context = CudaContext::new(ordinal).map_err(|error| unusable(&format!("GPU {ordinal} cannot be opened"), error))?;
    let ask = |attribute: CUdevice_attribute| {
        context.attribute(attribute).map_err(|error| unusable(&format!("GPU {ordinal} does not say what it is"), error))
    };
    let capability = context.compute_capability().map_err(|error| unusable(&format!("GPU {ordinal} does not say what it is"), error))?;
    let name = context.name().unwrap_or_else(|_| format!("GPU {ordinal}"));
    if capability < LEAST_CAPABILITY {
        return Err(Absent::Unusable(format!(
            "{name} has compute capability {}.{}, and {}.{} is needed (Ampere, 2020, or newer)",
            capability.0, capability.1, LEAST_CAPABILITY.0, LEAST_CAPABILITY.1
        )));
    }
    let multiprocessors = ask(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    let shared_bytes = ask(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
    // SAFETY: every run orders its two streams by events of its own; more must not be in a captured graph.
    #[expect(unsafe_code, reason = "cudarc leaves ordering to its caller")]
    unsafe {
        context.disable_event_tracking();
    }
    Ok(Gpu {
        name,
        ordinal,
        multiprocessors: multiprocessors as usize,
        shared_bytes: shared_bytes as usize,
        modules: Modules::new(context.clone()),
        context,
    })
}

/// Looks for the driver's library, and whether it is one: to ask it for anything that it lacks would be a panic.
#[cfg(not(feature = "cuda"))]
#[expect(unsafe_code, reason = "loads a library")]
fn find_library() -> Result<(), Absent> {
    use cudarc::driver::sys::{culib, is_culib_present};
    // SAFETY: the NVIDIA driver's library runs nothing of ours when loaded.
    if !unsafe { is_culib_present() } {
        return Err(Absent::None("no NVIDIA driver was found (libcuda.so.1); install one, or set LD_LIBRARY_PATH to its folder".into()));
    }
    // SAFETY: it is looked for, not called.
    unsafe { culib().get::<unsafe extern "C" fn()>(b"cuInit\0") }.map(|_| ()).map_err(|_| {
        Absent::Unusable(
            "the library libcuda.so.1 that was found is not an NVIDIA driver's; see that LD_LIBRARY_PATH leads to the driver's folder first"
                .into(),
        )
    })
}

/// A build with the feature `cuda` is linked to the driver, and would not have started without.
#[cfg(feature = "cuda")]
#[expect(clippy::unnecessary_wraps, reason = "as in a build without")]
fn find_library() -> Result<(), Absent> {
    Ok(())
}

/// (major, minor) of the CUDA that the driver supports.
#[expect(unsafe_code, reason = "a foreign function that fills a number")]
fn driver_version() -> Result<(i32, i32), DriverError> {
    let mut version = 0;
    // SAFETY: a valid pointer to an integer.
    unsafe { cuDriverGetVersion(&raw mut version) }.result()?;
    Ok((version / 1000, version % 1000 / 10))
}

fn not_started(error: DriverError) -> Absent {
    match error.0 {
        CUresult::CUDA_ERROR_NO_DEVICE => {
            Absent::None("the NVIDIA driver is there, but no GPU; see what `nvidia-smi` lists and CUDA_VISIBLE_DEVICES".into())
        }
        CUresult::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH | CUresult::CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE => Absent::Unusable(
            "the driver's library (libcuda.so.1) and the kernel's NVIDIA module are of different versions; restart the machine, or reinstall the driver"
                .into(),
        ),
        _ => unusable("the NVIDIA driver does not start", error),
    }
}

fn unusable(what: &str, error: DriverError) -> Absent {
    Absent::Unusable(format!("{what}: {}; see whether `nvidia-smi` works", describe(error)))
}

/// The driver's own words for an error.
pub(crate) fn describe(error: DriverError) -> String {
    let name = format!("{:?}", error.0);
    match error.error_string() {
        Ok(text) => format!("{} ({name})", text.to_string_lossy()),
        Err(_) => name,
    }
}

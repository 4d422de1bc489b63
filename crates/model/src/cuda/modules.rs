//! The embedded device code, loaded module by module as kernels are asked for.

use super::queue::gpu_error;
use crate::error::ModelError;
use cudarc::driver::sys::CUfunction_attribute;
use cudarc::driver::{CudaContext, CudaFunction, CudaModule};
use cudarc::nvrtc::Ptx;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// (name, PTX) of each module, as `assemble.py` wrote them.
const PTX: [(&str, &str); 7] = [
    ("kernels", include_str!("ptx/kernels.ptx")),
    ("pair_sweep_64_64", include_str!("ptx/pair_sweep_64_64.ptx")),
    ("pair_sweep_64_96", include_str!("ptx/pair_sweep_64_96.ptx")),
    ("pair_sweep_64_128", include_str!("ptx/pair_sweep_64_128.ptx")),
    ("pair_sweep_128_64", include_str!("ptx/pair_sweep_128_64.ptx")),
    ("pair_sweep_128_96", include_str!("ptx/pair_sweep_128_96.ptx")),
    ("pair_sweep_128_128", include_str!("ptx/pair_sweep_128_128.ptx")),
];

/// A kernel is in the module of its own name but for the precision, or else in the first.
fn module_of(kernel: &str) -> (&'static str, &'static str) {
    let stem = kernel.rsplit_once('_').map_or(kernel, |(stem, _)| stem);
    PTX.into_iter().find(|(name, _)| *name == stem).unwrap_or(PTX[0])
}

/// Dynamic shared memory that any kernel may use: 48 KiB, less what kernels have of static.
const SHARED_FOR_ALL: usize = 32 << 10;

/// What has been loaded on one GPU.
#[derive(Debug)]
pub(crate) struct Modules {
    context: Arc<CudaContext>,
    loaded: Mutex<Loaded>,
}

#[derive(Debug, Default)]
struct Loaded {
    modules: BTreeMap<&'static str, Arc<CudaModule>>,
    /// With the dynamic shared memory that each may use.
    kernels: BTreeMap<String, (CudaFunction, usize)>,
}

impl Modules {
    pub(crate) fn new(context: Arc<CudaContext>) -> Self {
        Self { context, loaded: Mutex::default() }
    }

    /// The kernel of this name, which may use up to `shared` bytes of dynamic shared memory.
    ///
    /// # Errors
    /// When the driver does not take the module.
    pub(crate) fn kernel(&self, name: &str, shared: usize) -> Result<CudaFunction, ModelError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let (kernel, allowed) = if let Some(kernel) = loaded.kernels.get(name) {
            kernel.clone()
        } else {
            let (module_name, ptx) = module_of(name);
            let doing = "loading its kernels";
            let module = if let Some(module) = loaded.modules.get(module_name) {
                module.clone()
            } else {
                let module = self.context.load_module(Ptx::from_src(ptx)).map_err(gpu_error(doing))?;
                loaded.modules.insert(module_name, module.clone());
                module
            };
            let kernel = module.load_function(name).map_err(gpu_error(doing))?;
            loaded.kernels.insert(name.to_owned(), (kernel.clone(), SHARED_FOR_ALL));
            (kernel, SHARED_FOR_ALL)
        };
        if shared > allowed {
            let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            kernel.set_attribute(attribute, shared as i32).map_err(gpu_error("reserving shared memory"))?;
            loaded.kernels.insert(name.to_owned(), (kernel.clone(), shared));
        }
        Ok(kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_is_found_in_its_module() {
        assert_eq!(module_of("pair_sweep_128_96_tf32").0, "pair_sweep_128_96");
        assert_eq!(module_of("pair_sweep_64_64_f32").0, "pair_sweep_64_64");
        assert_eq!(module_of("rollout_forward").0, "kernels");
        for (name, ptx) in PTX {
            assert!(ptx.starts_with(".version 8.2\n.target sm_80\n"), "{name}");
        }
    }
}

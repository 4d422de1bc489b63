//! One stream of work on a GPU: memory, copies, launches.

use super::driver::{Gpu, describe};
use crate::error::ModelError;
use cudarc::driver::sys::{CUevent_flags, CUgraphInstantiate_flags, CUresult, CUstreamCaptureMode};
use cudarc::driver::{CudaEvent, CudaGraph, CudaSlice, CudaStream, DevicePtr, DeviceRepr, DriverError, ValidAsZeroBits, result};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A stream of a GPU. What is put into it happens in order, but for what is put beside it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) gpu: Arc<Gpu>,
    stream: Arc<CudaStream>,
    /// For work beside the rest, and whether launches go there now.
    side: Arc<CudaStream>,
    on_side: AtomicBool,
    /// Launches so far, where they are put down.
    put_down: Mutex<Option<Vec<PutDown>>>,
}

/// The end of work beside the rest, which has to be joined again.
#[must_use = "work beside the rest has to be joined"]
#[derive(Debug)]
pub(crate) struct Branch(CudaEvent);

/// A launch that can be repeated while what it refers to is there.
#[derive(Clone, Debug)]
pub(crate) struct PutDown {
    pub(crate) kernel: String,
    pub(crate) launch: Launch,
    /// The bytes of its arguments, padding included, aligned as any of them.
    arguments: Vec<MaybeUninit<u64>>,
}

impl PutDown {
    fn new<A: Arguments>(kernel: &str, launch: Launch, arguments: &A) -> Self {
        const { assert!(align_of::<A>() <= align_of::<u64>()) };
        let mut copy = vec![MaybeUninit::uninit(); size_of::<A>().div_ceil(size_of::<u64>())];
        // SAFETY: room for one `A`, aligned for it; an `A` is plain data (`Arguments: Copy`).
        unsafe { copy.as_mut_ptr().cast::<A>().write(*arguments) };
        Self { kernel: kernel.to_owned(), launch, arguments: copy }
    }
}

/// Device memory of some elements.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    slice: CudaSlice<T>,
    address: u64,
}

impl<T> Buffer<T> {
    /// Address of an element, as kernels take it.
    ///
    /// # Panics
    /// Past the end.
    pub(crate) fn at(&self, element: usize) -> Address {
        assert!(element <= self.slice.len(), "element {element} of {}", self.slice.len());
        Address(self.address + (element * size_of::<T>()) as u64)
    }

    /// Address of the first element.
    pub(crate) fn address(&self) -> Address {
        Address(self.address)
    }

    pub(crate) fn len(&self) -> usize {
        self.slice.len()
    }
}

/// An address in device memory; 0 where there is nothing.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address(u64);

/// How a kernel is launched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    pub(crate) grid: (usize, usize, usize),
    pub(crate) threads: usize,
    /// Bytes of dynamic shared memory.
    pub(crate) shared: usize,
}

impl Launch {
    /// As many blocks of `threads` as `count` threads need.
    pub(crate) fn over(count: usize, threads: usize) -> Self {
        Self { grid: (count.div_ceil(threads), 1, 1), threads, shared: 0 }
    }
}

/// What a kernel takes: a plain struct of the same layout as the kernel's.
///
/// # Safety
/// `repr(C)`, with the fields of the kernel's own struct in their order.
pub(crate) unsafe trait Arguments: Copy {}

impl Queue {
    /// A stream of its own.
    pub(crate) fn new(gpu: Arc<Gpu>) -> Result<Self, ModelError> {
        let stream = gpu.context.new_stream().map_err(gpu_error("making a stream"))?;
        let side = gpu.context.new_stream().map_err(gpu_error("making a stream"))?;
        Ok(Self { gpu, stream, side, on_side: AtomicBool::new(false), put_down: Mutex::default() })
    }

    /// Memory of zeros.
    pub(crate) fn zeros<T: DeviceRepr + ValidAsZeroBits>(&self, len: usize) -> Result<Buffer<T>, ModelError> {
        // Nothing is no allocation; one element is never used.
        let slice = self.stream.alloc_zeros::<T>(len.max(1)).map_err(|error| {
            let free = self.gpu.context.mem_get_info().ok().map(|(free, _)| free);
            out_of_memory(error, len * size_of::<T>(), free).unwrap_or_else(|| gpu_error("allocating memory")(error))
        })?;
        let address = slice.device_ptr(&self.stream).0;
        Ok(Buffer { slice, address })
    }

    /// Copies to the device; may return before it is there.
    pub(crate) fn upload<T: DeviceRepr>(&self, to: &mut Buffer<T>, from: &[T]) -> Result<(), ModelError> {
        self.stream.memcpy_htod(from, &mut to.slice).map_err(gpu_error("copying to it"))
    }

    /// Copies the first elements back, when all before is done.
    pub(crate) fn download<T: DeviceRepr + Clone + Default>(&self, from: &Buffer<T>, count: usize) -> Result<Vec<T>, ModelError> {
        let mut to = vec![T::default(); count];
        self.stream.memcpy_dtoh(&from.slice.slice(..count), to.as_mut_slice()).map_err(gpu_error("copying from it"))?;
        self.wait()?;
        Ok(to)
    }

    /// Waits until all is done.
    pub(crate) fn wait(&self) -> Result<(), ModelError> {
        self.stream.synchronize().map_err(gpu_error("computing"))
    }

    /// Launches a kernel; nothing where its grid is empty.
    pub(crate) fn launch<A: Arguments>(&self, kernel: &str, launch: Launch, arguments: &A) -> Result<(), ModelError> {
        let (x, y, z) = launch.grid;
        if x * y * z == 0 {
            return Ok(());
        }
        if let Some(launches) = self.put_down.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            launches.push(PutDown::new(kernel, launch, arguments));
        }
        self.launch_raw(kernel, launch, std::ptr::from_ref(arguments).cast_mut().cast())
    }

    /// Launches what `work` launches beside what comes after it, up to [`Self::join`].
    pub(crate) fn beside(&self, work: impl FnOnce() -> Result<(), ModelError>) -> Result<Branch, ModelError> {
        let failed = gpu_error("launching a kernel");
        let before = self.stream.record_event(None).map_err(&failed)?;
        self.side.wait(&before).map_err(&failed)?;
        self.on_side.store(true, Ordering::Relaxed);
        let done = work();
        self.on_side.store(false, Ordering::Relaxed);
        done?;
        Ok(Branch(self.side.record_event(None).map_err(&failed)?))
    }

    /// What comes after waits for the branch.
    pub(crate) fn join(&self, branch: &Branch) -> Result<(), ModelError> {
        self.stream.wait(&branch.0).map_err(gpu_error("launching a kernel"))
    }

    /// Launches what `work` launches, and puts it down.
    pub(crate) fn put_down(&self, work: impl FnOnce() -> Result<(), ModelError>) -> Result<Vec<PutDown>, ModelError> {
        let set = |to| std::mem::replace(&mut *self.put_down.lock().unwrap_or_else(PoisonError::into_inner), to);
        set(Some(Vec::new()));
        let done = work();
        let launches = set(None).unwrap_or_default();
        done.map(|()| launches)
    }

    /// Launches once more what was put down, whose buffers must still be there.
    pub(crate) fn repeat(&self, launch: &PutDown) -> Result<(), ModelError> {
        self.launch_raw(&launch.kernel, launch.launch, launch.arguments.as_ptr().cast_mut().cast())
    }

    /// `arguments` points at the struct that the kernel takes.
    fn launch_raw(&self, kernel: &str, launch: Launch, arguments: *mut c_void) -> Result<(), ModelError> {
        let function = self.gpu.modules.kernel(kernel, launch.shared)?;
        let (x, y, z) = launch.grid;
        let grid = (x as u32, y as u32, z as u32);
        let mut parameters = [arguments];
        // SAFETY: the kernel takes one struct of this layout (`Arguments`), which the driver copies; addresses in it are of live buffers of enough elements.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                grid,
                (launch.threads as u32, 1, 1),
                launch.shared as u32,
                if self.on_side.load(Ordering::Relaxed) { self.side.cu_stream() } else { self.stream.cu_stream() },
                &mut parameters,
            )
        }
        .map_err(gpu_error("launching a kernel"))
    }

    /// Seconds between the start and the end of `work` on the GPU, which are waited for.
    pub(crate) fn seconds(&self, work: impl FnOnce() -> Result<(), ModelError>) -> Result<f64, ModelError> {
        let failed = gpu_error("measuring time");
        let event = || self.gpu.context.new_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(&failed);
        let (start, end) = (event()?, event()?);
        start.record(&self.stream).map_err(&failed)?;
        work()?;
        end.record(&self.stream).map_err(&failed)?;
        Ok(f64::from(start.elapsed_ms(&end).map_err(&failed)?) / 1e3)
    }

    /// Copies within the device, as much as both hold.
    pub(crate) fn copy<T: DeviceRepr>(&self, to: &mut Buffer<T>, from: &Buffer<T>) -> Result<(), ModelError> {
        self.stream.memcpy_dtod(&from.slice, &mut to.slice).map_err(gpu_error("copying within it"))
    }

    /// Makes this thread's launches go to this queue's GPU.
    pub(crate) fn bind(&self) -> Result<(), ModelError> {
        self.gpu.context.bind_to_thread().map_err(gpu_error("selecting it"))
    }

    /// Records what `work` launches as a graph, which can then be launched as one.
    pub(crate) fn capture(&self, work: impl FnOnce() -> Result<(), ModelError>) -> Result<CudaGraph, ModelError> {
        let doing = "recording a step";
        self.stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).map_err(gpu_error(doing))?;
        let done = work();
        let flags = CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
        // An error of a buffer given back earlier can be reported here, before the recording has ended: once more ends it.
        let graph = self.stream.end_capture(flags).or_else(|_| self.stream.end_capture(flags)).map_err(gpu_error(doing));
        done?;
        graph?.ok_or_else(|| ModelError::Gpu { doing, reason: "nothing was recorded".into() })
    }
}

/// An error of the driver while doing something.
pub(crate) fn gpu_error(doing: &'static str) -> impl Fn(DriverError) -> ModelError {
    move |error| out_of_memory(error, 0, None).unwrap_or_else(|| ModelError::Gpu { doing, reason: describe(error) })
}

fn out_of_memory(error: DriverError, bytes: usize, free: Option<usize>) -> Option<ModelError> {
    let mebibytes = |bytes: usize| bytes.div_ceil(1 << 20);
    (error.0 == CUresult::CUDA_ERROR_OUT_OF_MEMORY).then(|| ModelError::GpuMemory {
        needed: match (bytes, free) {
            (0, _) => String::new(),
            (bytes, None) => format!(" ({} MiB more were needed)", mebibytes(bytes)),
            (bytes, Some(free)) => format!(" ({} MiB more were needed, {} MiB are free)", mebibytes(bytes), free >> 20),
        },
    })
}

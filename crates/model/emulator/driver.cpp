// The driver itself: initialization, devices and their contexts.
#include "driver.h"

#include <pthread.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "memory.h"
#include "settings.h"

namespace driver {

namespace {

std::mutex mutex;
bool initialized;
// Never resized once the driver is initialized: a context is the address of its device.
std::vector<Device> devices;

// The current context of each OS thread; not a thread_local, since that memory is the kernels' (see shared_memory.cpp).
pthread_key_t context_key() {
    static pthread_key_t key = [] {
        pthread_key_t made;
        pthread_key_create(&made, nullptr);
        return made;
    }();
    return key;
}

bool is_context(const void* context) {
    for (const Device& device : devices) {
        if (&device == context && device.retained > 0) return true;
    }
    return false;
}

}  // namespace

std::unique_lock<std::mutex> lock() { return std::unique_lock<std::mutex>(mutex); }

Device* find_device(CUdevice ordinal) {
    return ordinal >= 0 && static_cast<size_t>(ordinal) < devices.size() ? &devices[static_cast<size_t>(ordinal)] : nullptr;
}

bool is_initialized() { return initialized; }

Call::Call() : held(lock()), device(static_cast<Device*>(pthread_getspecific(context_key()))), problem(CUDA_SUCCESS) {
    if (!initialized) problem = CUDA_ERROR_NOT_INITIALIZED;
    else if (!is_context(device)) problem = CUDA_ERROR_INVALID_CONTEXT;
    else problem = device->sticky;
}

int shared_opt_in_bytes() {
    auto capability = settings::capability();
    if (capability.major == 9 && capability.minor == 0) return 232448;
    if (capability.major == 8 && capability.minor == 0) return 166912;
    return 101376;
}

int shared_multiprocessor_bytes() { return shared_opt_in_bytes() + BLOCK_RESERVED_BYTES; }

namespace {

CUresult attribute_value(int attribute, int& value) {
    switch (attribute) {
        case 1: value = 1024; break;                            // MAX_THREADS_PER_BLOCK
        case 2: case 3: value = 1024; break;                    // MAX_BLOCK_DIM_X, _Y
        case 4: value = 64; break;                              // MAX_BLOCK_DIM_Z
        case 5: value = 2147483647; break;                      // MAX_GRID_DIM_X
        case 6: case 7: value = 65535; break;                   // MAX_GRID_DIM_Y, _Z
        case 8: value = SHARED_DEFAULT_BYTES; break;            // MAX_SHARED_MEMORY_PER_BLOCK
        case 9: value = 65536; break;                           // TOTAL_CONSTANT_MEMORY
        case 10: value = 32; break;                             // WARP_SIZE
        case 12: case 82: value = REGISTERS_PER_MULTIPROCESSOR; break;  // MAX_REGISTERS_PER_BLOCK, _PER_MULTIPROCESSOR
        case 13: case 36: value = 1000000; break;               // CLOCK_RATE, MEMORY_CLOCK_RATE
        case 15: case 19: value = 1; break;                     // GPU_OVERLAP, CAN_MAP_HOST_MEMORY
        case 16: value = settings::multiprocessors(); break;    // MULTIPROCESSOR_COUNT
        case 17: case 18: case 20: case 32: value = 0; break;   // KERNEL_EXEC_TIMEOUT, INTEGRATED, COMPUTE_MODE, ECC_ENABLED
        case 31: case 41: value = 1; break;                     // CONCURRENT_KERNELS, UNIFIED_ADDRESSING
        case 33: case 34: case 50: value = 0; break;            // PCI_BUS_ID, PCI_DEVICE_ID, PCI_DOMAIN_ID
        case 37: value = 4096; break;                           // GLOBAL_MEMORY_BUS_WIDTH
        case 38: value = 52428800; break;                       // L2_CACHE_SIZE
        case 39: value = THREADS_PER_MULTIPROCESSOR; break;     // MAX_THREADS_PER_MULTIPROCESSOR
        case 40: value = 2; break;                              // ASYNC_ENGINE_COUNT
        case 75: value = settings::capability().major; break;   // COMPUTE_CAPABILITY_MAJOR
        case 76: value = settings::capability().minor; break;   // COMPUTE_CAPABILITY_MINOR
        case 78: value = 1; break;                              // STREAM_PRIORITIES_SUPPORTED
        case 81: value = shared_multiprocessor_bytes(); break;  // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        case 83: case 95: value = 0; break;                     // MANAGED_MEMORY, COOPERATIVE_LAUNCH
        case 97: value = shared_opt_in_bytes(); break;          // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        case 106: value = BLOCKS_PER_MULTIPROCESSOR; break;     // MAX_BLOCKS_PER_MULTIPROCESSOR
        case 111: value = BLOCK_RESERVED_BYTES; break;          // RESERVED_SHARED_MEMORY_PER_BLOCK
        case 115: value = 1; break;                             // MEMORY_POOLS_SUPPORTED
        default:
            fprintf(stderr, "emulated GPU: device attribute %d is not emulated\n", attribute);
            return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

}  // namespace

}  // namespace driver

using namespace driver;

API CUresult cuInit(unsigned flags) {
    auto held = lock();
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (settings::driver_mismatch()) return CUDA_ERROR_SYSTEM_DRIVER_MISMATCH;
    if (settings::no_device()) return CUDA_ERROR_NO_DEVICE;
    if (!initialized) {
        for (int ordinal = 0; ordinal < settings::devices(); ordinal++) devices.push_back({ordinal, 0, CUDA_SUCCESS});
    }
    initialized = true;
    return CUDA_SUCCESS;
}

API CUresult cuDriverGetVersion(int* version) {
    *version = settings::old_driver() ? 11040 : 13000;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetCount(int* count) {
    auto held = lock();
    if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
    *count = static_cast<int>(devices.size());
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    auto held = lock();
    if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
    if (!find_device(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    auto held = lock();
    if (!find_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(name, static_cast<size_t>(length), "Emulated SIMT device");
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid(unsigned char uuid[16], CUdevice device) {
    auto held = lock();
    if (!find_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    memset(uuid, 0, 16);
    uuid[15] = static_cast<unsigned char>(device + 1);
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid_v2(unsigned char uuid[16], CUdevice device) { return cuDeviceGetUuid(uuid, device); }

API CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    auto held = lock();
    if (!find_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = settings::memory_bytes();
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
    auto held = lock();
    if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
    if (!find_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    return attribute_value(attribute, *value);
}

API CUresult cuDevicePrimaryCtxRetain(CUhandle* context, CUdevice ordinal) {
    auto held = lock();
    Device* device = find_device(ordinal);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    if (device->sticky) return device->sticky;
    device->retained++;
    *context = device;
    return CUDA_SUCCESS;
}

API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) {
    auto held = lock();
    Device* device = find_device(ordinal);
    if (!device) return CUDA_ERROR_INVALID_DEVICE;
    if (device->retained == 0) {
        fprintf(stderr, "emulated GPU: the primary context of device %d was released more often than retained\n", ordinal);
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    // What a context has goes with it. An error stays: a process that met one must be started again.
    if (--device->retained == 0) release_all(ordinal);
    return CUDA_SUCCESS;
}

API CUresult cuCtxSetCurrent(CUhandle context) {
    auto held = lock();
    if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
    if (context && !is_context(context)) return CUDA_ERROR_INVALID_CONTEXT;
    pthread_setspecific(context_key(), context);
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetCurrent(CUhandle* context) {
    auto held = lock();
    if (!initialized) return CUDA_ERROR_NOT_INITIALIZED;
    *context = pthread_getspecific(context_key());
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetDevice(CUdevice* device) {
    Call call;
    if (call.problem) return call.problem;
    *device = call.device->ordinal;
    return CUDA_SUCCESS;
}

API CUresult cuCtxSetFlags(unsigned) {
    Call call;
    return call.problem;
}

API CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    Call call;
    if (call.problem) return call.problem;
    *least = 0;
    *greatest = -5;
    return CUDA_SUCCESS;
}

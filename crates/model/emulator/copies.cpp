// Calls that allocate, fill and copy memory.
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "memory.h"
#include "settings.h"
#include "stream.h"

namespace driver {

namespace {

// Attributes of memory pools.
constexpr int RELEASE_THRESHOLD = 4, RESERVED_MEM_CURRENT = 5, USED_MEM_CURRENT = 7;

std::set<void*> pinned;
unsigned long long release_threshold;

void* host(CUdeviceptr address) { return reinterpret_cast<void*>(static_cast<uintptr_t>(address)); }

Work fill(CUdeviceptr to, int byte, size_t count) {
    return [=] {
        if (!is_allocated("memset", to, count)) return CUDA_ERROR_INVALID_VALUE;
        memset(host(to), byte, count);
        return CUDA_SUCCESS;
    };
}

Work fill_words(CUdeviceptr to, unsigned word, size_t count) {
    return [=] {
        if (!is_allocated("memset", to, 4 * count)) return CUDA_ERROR_INVALID_VALUE;
        for (size_t at = 0; at < count; at++) static_cast<unsigned*>(host(to))[at] = word;
        return CUDA_SUCCESS;
    };
}

Work copy_in(CUdeviceptr to, const void* from, size_t bytes) {
    return [=] {
        if (!is_allocated("copy to the device", to, bytes)) return CUDA_ERROR_INVALID_VALUE;
        memcpy(host(to), from, bytes);
        return CUDA_SUCCESS;
    };
}

Work copy_out(void* to, CUdeviceptr from, size_t bytes) {
    return [=] {
        if (!is_allocated("copy from the device", from, bytes)) return CUDA_ERROR_INVALID_VALUE;
        memcpy(to, host(from), bytes);
        return CUDA_SUCCESS;
    };
}

Work copy_within(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return [=] {
        bool allocated = is_allocated("copy on the device, to", to, bytes) && is_allocated("copy on the device, from", from, bytes);
        if (!allocated) return CUDA_ERROR_INVALID_VALUE;
        memmove(host(to), host(from), bytes);
        return CUDA_SUCCESS;
    };
}

// A call that waits until the work is done.
CUresult do_now(const Work& work) {
    Call call;
    if (call.problem) return call.problem;
    CUresult forbidden = check_no_capture();
    return forbidden ? forbidden : work();
}

CUresult do_on(CUhandle stream, Work work) {
    Call call;
    if (call.problem) return call.problem;
    return enqueue(call, stream, std::move(work));
}

// Graphs that allocate are not emulated.
CUresult check_not_captured(const Call& call, CUhandle handle) {
    Stream* stream = find_stream(call, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!stream->capture) return CUDA_SUCCESS;
    fprintf(stderr, "emulated GPU: allocated or freed memory in a capture, which is not emulated\n");
    return CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace

}  // namespace driver

using namespace driver;

API CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
    Call call;
    if (call.problem) return call.problem;
    if (CUresult forbidden = check_no_capture()) return forbidden;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    return allocate(call.device->ordinal, bytes, *address);
}

API CUresult cuMemFree_v2(CUdeviceptr address) {
    return do_now([=] { return address ? release(address) : CUDA_SUCCESS; });
}

API CUresult cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUhandle stream) {
    Call call;
    if (call.problem) return call.problem;
    if (CUresult error = check_not_captured(call, stream)) return error;
    *address = 0;
    return bytes ? allocate(call.device->ordinal, bytes, *address) : CUDA_SUCCESS;
}

API CUresult cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUhandle, CUhandle stream) {
    return cuMemAllocAsync(address, bytes, stream);
}

API CUresult cuMemFreeAsync(CUdeviceptr address, CUhandle stream) {
    Call call;
    if (call.problem) return call.problem;
    if (CUresult error = check_not_captured(call, stream)) return error;
    return address ? release(address) : CUDA_SUCCESS;
}

API CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    Call call;
    if (call.problem) return call.problem;
    *total = settings::memory_bytes();
    *free = *total - used_bytes(call.device->ordinal);
    return CUDA_SUCCESS;
}

API CUresult cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
    Call call;
    if (call.problem) return call.problem;
    if (CUresult forbidden = check_no_capture()) return forbidden;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (posix_memalign(pointer, 4096, bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(*pointer, 0xff, bytes);
    pinned.insert(*pointer);
    return CUDA_SUCCESS;
}

API CUresult cuMemAllocHost_v2(void** pointer, size_t bytes) { return cuMemHostAlloc(pointer, bytes, 0); }

API CUresult cuMemFreeHost(void* pointer) {
    auto held = lock();
    if (!pinned.erase(pointer)) {
        fprintf(stderr, "emulated GPU: %p is no pinned memory of the host, or was freed before\n", pointer);
        return CUDA_ERROR_INVALID_VALUE;
    }
    free(pointer);
    return CUDA_SUCCESS;
}

API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char byte, size_t count) { return do_now(fill(to, byte, count)); }

API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char byte, size_t count, CUhandle stream) { return do_on(stream, fill(to, byte, count)); }

API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned word, size_t count) { return do_now(fill_words(to, word, count)); }

API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned word, size_t count, CUhandle stream) {
    return do_on(stream, fill_words(to, word, count));
}

API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) { return do_now(copy_in(to, from, bytes)); }

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUhandle stream) {
    return do_on(stream, copy_in(to, from, bytes));
}

API CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) { return do_now(copy_out(to, from, bytes)); }

API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUhandle stream) { return do_on(stream, copy_out(to, from, bytes)); }

API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) { return do_now(copy_within(to, from, bytes)); }

API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUhandle stream) {
    return do_on(stream, copy_within(to, from, bytes));
}

// A device has one pool, which is known by the device's address.
API CUresult cuDeviceGetDefaultMemPool(CUhandle* pool, CUdevice device) {
    auto held = lock();
    *pool = find_device(device);
    return *pool ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

API CUresult cuDeviceGetMemPool(CUhandle* pool, CUdevice device) { return cuDeviceGetDefaultMemPool(pool, device); }

API CUresult cuMemPoolTrimTo(CUhandle, size_t) {
    Call call;
    return call.problem;
}

API CUresult cuMemPoolSetAttribute(CUhandle, int attribute, void* value) {
    auto held = lock();
    if (attribute != RELEASE_THRESHOLD) return CUDA_ERROR_NOT_SUPPORTED;
    memcpy(&release_threshold, value, sizeof release_threshold);
    return CUDA_SUCCESS;
}

API CUresult cuMemPoolGetAttribute(CUhandle pool, int attribute, void* value) {
    auto held = lock();
    unsigned long long number = release_threshold;
    if (attribute == RESERVED_MEM_CURRENT || attribute == USED_MEM_CURRENT) number = used_bytes(static_cast<Device*>(pool)->ordinal);
    else if (attribute != RELEASE_THRESHOLD) return CUDA_ERROR_NOT_SUPPORTED;
    memcpy(value, &number, sizeof number);
    return CUDA_SUCCESS;
}

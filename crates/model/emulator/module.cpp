// Modules, functions and their launches. The PTX of a module is not read: its kernels are those that the library contains.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "driver.h"
#include "handles.h"
#include "runtime.h"
#include "settings.h"
#include "stream.h"

namespace driver {

namespace {

// CU_FUNC_ATTRIBUTE_ values.
constexpr int MAX_THREADS_PER_BLOCK = 0, SHARED_SIZE_BYTES = 1, CONST_SIZE_BYTES = 2, LOCAL_SIZE_BYTES = 3, NUM_REGS = 4, PTX_VERSION = 5,
              BINARY_VERSION = 6, MAX_DYNAMIC_SHARED_SIZE_BYTES = 8, PREFERRED_SHARED_MEMORY_CARVEOUT = 9;

struct Module {
    Device* device;
};

struct Function {
    CUhandle module;
    const simt::Kernel* kernel;
    int dynamic_max;
};

Handles<Module> modules("module");
Handles<Function> functions("function");

unsigned long long executions;

void trace(const simt::Launch& launch) {
    const char* path = settings::trace_file();
    if (!path) return;
    char line[256];
    int length = snprintf(line, sizeof line, "%s %u %u %u %u %zu\n", launch.kernel->name, launch.grid.x, launch.grid.y, launch.grid.z,
                          launch.threads, launch.dynamic_bytes);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0 || write(file, line, static_cast<size_t>(length)) != length) {
        fprintf(stderr, "emulated GPU: cannot write to '%s'\n", path);
    }
    if (file >= 0) close(file);
}

CUresult execute(Device& device, const simt::Launch& launch) {
    executions++;
    unsigned long long lost_at = settings::lost_at();
    if (lost_at && executions >= lost_at) return device.sticky = CUDA_ERROR_LAUNCH_FAILED;
    trace(launch);
    return device.sticky = static_cast<CUresult>(simt::launch(launch));
}

CUresult refuse(const simt::Kernel& kernel, CUresult error, const std::string& reason) {
    fprintf(stderr, "emulated GPU: cannot launch %s: %s\n", kernel.name, reason.c_str());
    return error;
}

CUresult check(const Function& function, const simt::Launch& launch, simt::Dim block) {
    const simt::Kernel& kernel = *function.kernel;
    if (block.y != 1 || block.z != 1) return refuse(kernel, CUDA_ERROR_NOT_SUPPORTED, "blocks have one dimension here");
    if (block.x == 0) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "its blocks have no threads");
    if (block.x > 1024) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, std::to_string(block.x) + " threads a block");
    if (block.x > kernel.threads) {
        return refuse(kernel, CUDA_ERROR_INVALID_VALUE,
                      std::to_string(block.x) + " threads a block, and it is bound to " + std::to_string(kernel.threads));
    }
    simt::Dim grid = launch.grid;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "its grid has no blocks");
    if (grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535) {
        return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "its grid exceeds 2147483647, 65535 or 65535 blocks");
    }
    if (launch.dynamic_bytes > static_cast<size_t>(function.dynamic_max)) {
        return refuse(kernel, CUDA_ERROR_INVALID_VALUE,
                      std::to_string(launch.dynamic_bytes) + " bytes of dynamic shared memory, and it may have " +
                          std::to_string(function.dynamic_max));
    }
    return CUDA_SUCCESS;
}

CUresult load(Device* device, CUhandle* module, bool is_empty) {
    if (settings::old_driver()) return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    if (is_empty) return CUDA_ERROR_INVALID_PTX;
    *module = modules.add({device});
    return CUDA_SUCCESS;
}

// Registers are not known; a compiler may use as many as the launch bounds leave.
int registers(const simt::Kernel& kernel) {
    return std::min(255, static_cast<int>(REGISTERS_PER_MULTIPROCESSOR / (kernel.threads * std::max(kernel.blocks, 1u)) / 8 * 8));
}

int blocks_per_multiprocessor(int threads, size_t dynamic_bytes) {
    int rounded = (threads + 31) / 32 * 32;
    int by_shared = static_cast<int>(static_cast<size_t>(shared_multiprocessor_bytes()) / (dynamic_bytes + BLOCK_RESERVED_BYTES));
    return std::min({BLOCKS_PER_MULTIPROCESSOR, THREADS_PER_MULTIPROCESSOR / rounded, by_shared});
}

}  // namespace

}  // namespace driver

using namespace driver;

API CUresult cuModuleLoadData(CUhandle* module, const void* image) {
    Call call;
    if (call.problem) return call.problem;
    if (!image) return CUDA_ERROR_INVALID_VALUE;
    return load(call.device, module, *static_cast<const char*>(image) == '\0');
}

API CUresult cuModuleLoadDataEx(CUhandle* module, const void* image, unsigned, int*, void**) { return cuModuleLoadData(module, image); }

API CUresult cuModuleLoad(CUhandle* module, const char* path) {
    Call call;
    if (call.problem) return call.problem;
    FILE* file = fopen(path, "rb");
    if (!file) return CUDA_ERROR_FILE_NOT_FOUND;
    bool is_empty = fgetc(file) == EOF;
    fclose(file);
    return load(call.device, module, is_empty);
}

API CUresult cuModuleUnload(CUhandle module) {
    auto held = lock();
    functions.remove_if([&](const Function& function) { return function.module == module; });
    return modules.remove(module);
}

API CUresult cuModuleGetFunction(CUhandle* function, CUhandle module, const char* name) {
    Call call;
    if (call.problem) return call.problem;
    if (!modules.find(module)) return CUDA_ERROR_INVALID_HANDLE;
    const simt::Kernel* kernel = simt::find_kernel(name);
    if (!kernel) return CUDA_ERROR_NOT_FOUND;
    *function = functions.find_if([&](const Function& known) { return known.module == module && known.kernel == kernel; });
    if (!*function) *function = functions.add({module, kernel, SHARED_DEFAULT_BYTES});
    return CUDA_SUCCESS;
}

API CUresult cuFuncGetAttribute(int* value, int attribute, CUhandle handle) {
    Call call;
    if (call.problem) return call.problem;
    Function* function = functions.find(handle);
    if (!function) return CUDA_ERROR_INVALID_HANDLE;
    auto capability = settings::capability();
    switch (attribute) {
        case MAX_THREADS_PER_BLOCK: *value = static_cast<int>(function->kernel->threads); break;
        // What a compiler would tell is not known here.
        case SHARED_SIZE_BYTES: case CONST_SIZE_BYTES: case LOCAL_SIZE_BYTES: *value = 0; break;
        case NUM_REGS: *value = registers(*function->kernel); break;
        case PTX_VERSION: case BINARY_VERSION: *value = capability.major * 10 + capability.minor; break;
        case MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = function->dynamic_max; break;
        case PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

API CUresult cuFuncSetAttribute(CUhandle handle, int attribute, int value) {
    Call call;
    if (call.problem) return call.problem;
    Function* function = functions.find(handle);
    if (!function) return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == PREFERRED_SHARED_MEMORY_CARVEOUT) return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    if (attribute != MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > shared_opt_in_bytes()) return CUDA_ERROR_INVALID_VALUE;
    function->dynamic_max = value;
    return CUDA_SUCCESS;
}

API CUresult cuFuncSetCacheConfig(CUhandle function, int) {
    Call call;
    if (call.problem) return call.problem;
    return functions.find(function) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUhandle function, int threads, size_t dynamic_bytes) {
    Call call;
    if (call.problem) return call.problem;
    Function* found = functions.find(function);
    if (!found) return CUDA_ERROR_INVALID_HANDLE;
    if (threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    bool fits = static_cast<unsigned>(threads) <= found->kernel->threads && dynamic_bytes <= static_cast<size_t>(found->dynamic_max);
    *blocks = fits ? blocks_per_multiprocessor(threads, dynamic_bytes) : 0;
    return CUDA_SUCCESS;
}

API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUhandle function, int threads, size_t dynamic_bytes, unsigned) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic_bytes);
}

API CUresult cuOccupancyMaxPotentialBlockSize(int* grid, int* threads, CUhandle function, size_t (*bytes_of_threads)(int), size_t dynamic_bytes,
                                              int limit) {
    Call call;
    if (call.problem) return call.problem;
    Function* found = functions.find(function);
    if (!found) return CUDA_ERROR_INVALID_HANDLE;
    int bound = static_cast<int>(found->kernel->threads);
    *threads = limit > 0 ? std::min(limit, bound) : bound;
    *grid = settings::multiprocessors() * blocks_per_multiprocessor(*threads, bytes_of_threads ? bytes_of_threads(*threads) : dynamic_bytes);
    return CUDA_SUCCESS;
}

API CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int* grid, int* threads, CUhandle function, size_t (*bytes_of_threads)(int),
                                                       size_t dynamic_bytes, int limit, unsigned) {
    return cuOccupancyMaxPotentialBlockSize(grid, threads, function, bytes_of_threads, dynamic_bytes, limit);
}

API CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, CUhandle function, int blocks, int) {
    Call call;
    if (call.problem) return call.problem;
    if (!functions.find(function)) return CUDA_ERROR_INVALID_HANDLE;
    if (blocks <= 0) return CUDA_ERROR_INVALID_VALUE;
    *bytes = static_cast<size_t>(std::min(shared_opt_in_bytes(), std::max(0, shared_multiprocessor_bytes() / blocks - BLOCK_RESERVED_BYTES)));
    return CUDA_SUCCESS;
}

API CUresult cuLaunchKernel(CUhandle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                            unsigned block_z, unsigned dynamic_bytes, CUhandle stream, void** parameters, void** extra) {
    Call call;
    if (call.problem) return call.problem;
    Function* found = functions.find(function);
    if (!found) return CUDA_ERROR_INVALID_HANDLE;
    const simt::Kernel& kernel = *found->kernel;
    simt::Launch launch{&kernel, {grid_x, grid_y, grid_z}, block_x, dynamic_bytes, nullptr};
    if (CUresult error = check(*found, launch, {block_x, block_y, block_z})) return error;
    if (extra || !parameters || !parameters[0]) return refuse(kernel, CUDA_ERROR_INVALID_VALUE, "its argument must be among kernelParams");
    // In units that are aligned as any argument may have to be.
    struct alignas(16) Unit {
        unsigned char bytes[16];
    };
    std::vector<Unit> arguments((kernel.argument_bytes + sizeof(Unit) - 1) / sizeof(Unit));
    memcpy(arguments.data(), parameters[0], kernel.argument_bytes);
    return enqueue(call, stream, [device = call.device, launch, arguments = std::move(arguments)]() mutable {
        launch.arguments = arguments.data();
        return execute(*device, launch);
    });
}

// What the files of the driver share: devices, the lock, and the check that begins a call.
#pragma once

#include <mutex>

#include "api.h"

namespace driver {

struct Device {
    int ordinal;
    unsigned retained;
    // An error of a kernel, which all later calls return.
    CUresult sticky;
};

// Held during every call; a callback of a stream may not call the driver.
std::unique_lock<std::mutex> lock();

// Null if there is no such device, or the driver was not initialized.
Device* find_device(CUdevice ordinal);

bool is_initialized();

// A call that needs the current context: holds the lock; `problem` is what the call must return at once, if not success.
struct Call {
    std::unique_lock<std::mutex> held;
    Device* device;
    CUresult problem;

    Call();
};

// Dynamic shared memory that a block may have at most.
int shared_opt_in_bytes();
// Shared memory of a multiprocessor; each block takes 1 KiB of it besides its own.
int shared_multiprocessor_bytes();

constexpr int SHARED_DEFAULT_BYTES = 49152;
constexpr int BLOCK_RESERVED_BYTES = 1024;
constexpr int THREADS_PER_MULTIPROCESSOR = 2048, BLOCKS_PER_MULTIPROCESSOR = 32, REGISTERS_PER_MULTIPROCESSOR = 65536;

}  // namespace driver

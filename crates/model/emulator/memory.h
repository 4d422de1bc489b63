// Device memory: each allocation ends at a page that traps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "api.h"

namespace driver {

// Fills it with NaNs; `address` is unchanged if there is no room.
CUresult allocate(int device, size_t bytes, CUdeviceptr& address);

// Unmaps it, so that later uses trap.
CUresult release(CUdeviceptr address);

// Releases all that a device has.
void release_all(int device);

// Bytes of a device that are in use.
size_t used_bytes(int device);

// Whether all of the bytes lie in one allocation; says so if not.
bool is_allocated(const char* use, CUdeviceptr address, size_t bytes);

// Where an address is, relative to the allocation next to it.
std::string describe_address(uintptr_t address);

}  // namespace driver

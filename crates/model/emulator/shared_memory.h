// Shared memory of the block that runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace simt {

// The most that any device has.
constexpr size_t DYNAMIC_BYTES_MAX = 232448;

// Finds the calling OS thread's shared variables, and places `dynamic_bytes` so that they end at a page that traps.
void place_shared_memory(size_t dynamic_bytes);

// Fills it with NaNs: a block begins with what others left there, which no kernel may read.
void poison_shared_memory();

// Where an address is relative to dynamic shared memory; empty if not near it.
std::string describe_shared(uintptr_t address);

}  // namespace simt

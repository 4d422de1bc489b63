// What the environment asks of the emulated device; read anew each time, so that a test can change it.
#pragma once

#include <cstddef>

namespace settings {

enum class Order { Forward, Reverse, Shuffle };

// GRIDLAKE_EMULATED_ORDER: in which order threads run between barriers, blocks of a grid, and independent nodes of a graph.
Order order();

// GRIDLAKE_EMULATED_CAPABILITY: major and minor number.
struct Capability {
    int major, minor;
};
Capability capability();

// GRIDLAKE_EMULATED_MULTIPROCESSORS, GRIDLAKE_EMULATED_MEMORY (bytes of each device) and GRIDLAKE_EMULATED_DEVICES.
int multiprocessors();
size_t memory_bytes();
int devices();

// GRIDLAKE_EMULATED_FAULT.
bool no_device();
bool driver_mismatch();
bool old_driver();
// The kernel execution, counted from 1, at which the device is lost; 0 for never.
unsigned long long lost_at();

// GRIDLAKE_EMULATED_TRACE: the file that lists kernel executions; null if none does.
const char* trace_file();

}  // namespace settings

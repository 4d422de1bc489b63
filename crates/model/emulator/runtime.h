// What kernels ask of the scheduler (see simt.cpp), and what it asks of them.
#pragma once

#include <cstddef>
#include <vector>

#include "fiber.h"

namespace simt {

struct Dim {
    unsigned x, y, z;
};

// A line of a kernel's source.
struct Place {
    const char* file;
    int line;
};

// A kernel that the library contains; kernels register themselves when it is loaded.
struct Kernel {
    const char* name;
    size_t argument_bytes;
    void (*run)(const void* arguments);
    // Launch bounds.
    unsigned threads, blocks;
    const Kernel* next;

    Kernel(const char* name, size_t argument_bytes, void (*run)(const void*), unsigned threads, unsigned blocks);
};

const Kernel* find_kernel(const char* name);

// A kind of operation that lanes of a warp do together.
struct Collective {
    const char* name;
    // Does it, for all of `lanes`; `operands` has what each of them came with.
    void (*complete)(void* const operands[32], unsigned lanes);
};

// 16 bytes on their way from global to shared memory.
struct PendingCopy {
    unsigned char* to;
    unsigned char bytes[16];
    unsigned group;
};

enum class State { Ready, Barrier, Collective, Exited };

struct Thread {
    Dim index;
    State state;
    // Where it waits, for what, and for whom.
    Place place;
    const Collective* kind;
    unsigned mask;
    void* operands;
    // Copies not yet waited for, oldest first, and how many groups of them were committed.
    std::vector<PendingCopy> copies;
    unsigned groups;
    Context context;
};

// The thread that runs now; null within the scheduler.
extern Thread* current;
extern Dim block_index, block_size, grid_size;
// Dynamic shared memory of the block that runs now.
extern unsigned char* dynamic_memory;

// Waits for all threads of the block that have not exited.
void barrier(Place place);

// Waits for all lanes of `mask` that have not exited; the last to come completes the operation for all.
void collective(const Collective& kind, unsigned mask, void* operands, Place place);

// Whether the bytes lie in the shared memory of the running block.
bool is_shared(const void* pointer, size_t bytes);

// Ends the launch with the driver's error, and says why, and which thread it was.
[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(int error, const char* format, ...);

struct Launch {
    const Kernel* kernel;
    Dim grid;
    unsigned threads;
    size_t dynamic_bytes;
    const void* arguments;
};

// Runs all blocks of a grid on the calling OS thread; the driver's error. Only one may run at a time.
int launch(const Launch& launch);

}  // namespace simt

// Runs the blocks of a launch, one after the other, and the threads of a block in turns.
#include <sys/mman.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "api.h"
#include "faults.h"
#include "memory.h"
#include "order.h"
#include "runtime.h"
#include "shared_memory.h"

namespace simt {

Thread* current;
Dim block_index, block_size, grid_size;

namespace {

constexpr unsigned THREADS_MAX = 1024;
// A guard must be larger than a frame, which may skip what it does not touch.
constexpr size_t STACK_BYTES = 131072, GUARD_BYTES = 16384;

// Lanes by bit: those that have not exited, those that can go on, and those that wait at a collective.
struct Warp {
    unsigned alive, ready, waiting;
};

Thread threads[THREADS_MAX];
Warp warps[THREADS_MAX / 32];
unsigned char* stacks;
Context scheduler;

const Kernel* first_kernel;
const Launch* running;
// Threads that have not exited, and those of them that wait at the barrier; where the first of these came to it.
unsigned alive, at_barrier;
Place barrier_place;
int failure;

Warp& warp_of(const Thread& thread) { return warps[thread.index.x / 32]; }

void leave() {
    Thread& me = *current;
    switch_context(me.context, scheduler);
}

bool is_same(Place a, Place b) { return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0); }

std::string where(Place place) {
    const char* name = strrchr(place.file, '/');
    return std::string(name ? name + 1 : place.file) + ":" + std::to_string(place.line);
}

void print_block() {
    fprintf(stderr, "emulated GPU: kernel %s, block (%u, %u, %u)", running->kernel->name, block_index.x, block_index.y, block_index.z);
}

// Does what the lanes of `lanes` wait for; all are at the collective where the first of them is.
void complete(Warp& warp, Thread* lanes_of_warp, unsigned lanes) {
    void* operands[32] = {};
    const Thread& first = lanes_of_warp[__builtin_ctz(lanes)];
    for (unsigned rest = lanes; rest; rest &= rest - 1) {
        unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
        Thread& thread = lanes_of_warp[lane];
        if (thread.kind != first.kind || thread.mask != first.mask || !is_same(thread.place, first.place)) {
            fail(CUDA_ERROR_LAUNCH_FAILED, "lanes of a warp meet at %s of mask 0x%08x (%s) and at %s of mask 0x%08x (%s)", first.kind->name,
                 first.mask, where(first.place).c_str(), thread.kind->name, thread.mask, where(thread.place).c_str());
        }
        operands[lane] = thread.operands;
        thread.state = State::Ready;
    }
    warp.waiting &= ~lanes;
    warp.ready |= lanes;
    first.kind->complete(operands, lanes);
}

// A lane that exits is no longer waited for.
void exit_thread() {
    Thread& me = *current;
    Warp& warp = warp_of(me);
    me.state = State::Exited;
    alive--;
    warp.alive &= ~(1u << me.index.x % 32);
    Thread* lanes_of_warp = &threads[me.index.x / 32 * 32];
    for (unsigned rest = warp.waiting; rest; rest &= rest - 1) {
        unsigned needed = lanes_of_warp[__builtin_ctz(rest)].mask & warp.alive;
        if (warp.waiting >> __builtin_ctz(rest) & 1 && (warp.waiting & needed) == needed) complete(warp, lanes_of_warp, needed);
    }
    leave();
}

void run_thread() {
    running->kernel->run(running->arguments);
    exit_thread();
}

void on_fault(const Fault& fault) {
    auto address = reinterpret_cast<uintptr_t>(fault.address);
    if (fault.signal == SIGFPE) fail(CUDA_ERROR_LAUNCH_FAILED, "divided an integer by zero");
    if (!fault.has_address) fail(CUDA_ERROR_MISALIGNED_ADDRESS, "used a vector that is not aligned, or a wild address");
    auto stack = reinterpret_cast<uintptr_t>(stacks);
    if (address >= stack && address < stack + THREADS_MAX * STACK_BYTES) {
        fail(CUDA_ERROR_LAUNCH_FAILED, "overflowed its stack of %zu bytes", STACK_BYTES - GUARD_BYTES);
    }
    std::string place = describe_shared(address);
    if (place.empty()) place = driver::describe_address(address);
    fail(CUDA_ERROR_ILLEGAL_ADDRESS, "touched address 0x%zx, %s", static_cast<size_t>(address), place.c_str());
}

void make_stacks() {
    void* room = mmap(nullptr, THREADS_MAX * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) abort();
    stacks = static_cast<unsigned char*>(room);
    for (unsigned thread = 0; thread < THREADS_MAX; thread++) mprotect(stacks + thread * STACK_BYTES, GUARD_BYTES, PROT_NONE);
}

void start_block() {
    poison_shared_memory();
    at_barrier = 0;
    alive = running->threads;
    for (unsigned i = 0; i < running->threads; i++) {
        Thread& thread = threads[i];
        thread.index = {i, 0, 0};
        thread.state = State::Ready;
        thread.copies.clear();
        thread.groups = 0;
        // Tops of stacks a power of two apart would all be in the same few lines of the cache.
        size_t shift = i * 320 % 8192;
        prepare_context(thread.context, stacks + i * STACK_BYTES + GUARD_BYTES, STACK_BYTES - GUARD_BYTES - shift, run_thread);
        if (i % 32 == 0) warps[i / 32] = {0, 0, 0};
        warps[i / 32].alive |= 1u << i % 32;
    }
    for (unsigned warp = 0; warp * 32 < running->threads; warp++) warps[warp].ready = warps[warp].alive;
}

// Runs a warp until no lane can go on; false if the launch has failed.
bool run_warp(unsigned index, Sequence& lanes) {
    Warp& warp = warps[index];
    while (warp.ready) {
        lanes.again();
        for (unsigned lane : lanes) {
            if (!(warp.ready >> lane & 1)) continue;
            warp.ready &= ~(1u << lane);
            current = &threads[index * 32 + lane];
            switch_context(scheduler, current->context);
            current = nullptr;
            if (failure) return false;
        }
    }
    return true;
}

std::string ranges(const std::vector<unsigned>& numbers) {
    std::string text;
    for (size_t first = 0; first < numbers.size();) {
        size_t last = first;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) last++;
        text += (text.empty() ? "" : ", ") + std::to_string(numbers[first]);
        if (last > first) text += "-" + std::to_string(numbers[last]);
        first = last + 1;
    }
    return text;
}

// Nobody can go on: says what each thread waits for.
void report_deadlock() {
    std::map<std::string, std::vector<unsigned>> groups;
    for (unsigned i = 0; i < running->threads; i++) {
        const Thread& thread = threads[i];
        std::string what = "have exited";
        if (thread.state == State::Barrier) what = "wait at __syncthreads, " + where(thread.place);
        if (thread.state == State::Collective) {
            char mask[16];
            snprintf(mask, sizeof mask, "0x%08x", thread.mask);
            what = std::string("wait at ") + thread.kind->name + " of mask " + mask + ", " + where(thread.place);
        }
        groups[what].push_back(i);
    }
    print_block();
    fprintf(stderr, at_barrier == alive ? ": threads wait at different barriers\n" : ": threads wait for each other for ever\n");
    for (const auto& group : groups) fprintf(stderr, "  threads %s %s\n", ranges(group.second).c_str(), group.first.c_str());
    failure = CUDA_ERROR_LAUNCH_FAILED;
}

// Lets all threads pass the barrier that all of them have reached; false if not all have, or not the same.
bool release_barrier() {
    bool together = at_barrier == alive;
    for (unsigned i = 0; together && i < running->threads; i++) {
        if (threads[i].state != State::Exited && !is_same(threads[i].place, barrier_place)) together = false;
    }
    if (!together) {
        report_deadlock();
        return false;
    }
    at_barrier = 0;
    for (unsigned warp = 0; warp * 32 < running->threads; warp++) warps[warp].ready = warps[warp].alive;
    return true;
}

bool run_block(Sequence& warp_order, Sequence& lane_order) {
    start_block();
    while (true) {
        warp_order.again();
        for (unsigned warp : warp_order) {
            if (!run_warp(warp, lane_order)) return false;
        }
        if (alive == 0) return true;
        if (!release_barrier()) return false;
    }
}

}  // namespace

Kernel::Kernel(const char* name, size_t argument_bytes, void (*run)(const void*), unsigned threads, unsigned blocks)
    : name(name), argument_bytes(argument_bytes), run(run), threads(threads), blocks(blocks), next(first_kernel) {
    first_kernel = this;
}

const Kernel* find_kernel(const char* name) {
    const Kernel* kernel = first_kernel;
    while (kernel && strcmp(kernel->name, name) != 0) kernel = kernel->next;
    return kernel;
}

void barrier(Place place) {
    Thread& me = *current;
    me.state = State::Barrier;
    me.place = place;
    if (at_barrier++ == 0) barrier_place = place;
    leave();
    me.state = State::Ready;
}

void collective(const Collective& kind, unsigned mask, void* operands, Place place) {
    Thread& me = *current;
    unsigned lane = me.index.x % 32;
    if (!(mask >> lane & 1)) {
        fail(CUDA_ERROR_LAUNCH_FAILED, "is not in the mask 0x%08x of its own %s, %s", mask, kind.name, where(place).c_str());
    }
    Warp& warp = warp_of(me);
    me.state = State::Collective;
    me.place = place;
    me.kind = &kind;
    me.mask = mask;
    me.operands = operands;
    warp.waiting |= 1u << lane;
    unsigned needed = mask & warp.alive;
    if ((warp.waiting & needed) != needed) {
        leave();
        return;
    }
    complete(warp, &threads[me.index.x / 32 * 32], needed);
    // The last to come goes on at once.
    warp.ready &= ~(1u << lane);
}

void fail(int error, const char* format, ...) {
    print_block();
    fprintf(stderr, ", thread %u: ", current->index.x);
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    failure = error;
    leave();
    abort();
}

int launch(const Launch& launch) {
    if (!stacks) make_stacks();
    running = &launch;
    failure = 0;
    grid_size = launch.grid;
    block_size = {launch.threads, 1, 1};
    place_shared_memory(launch.dynamic_bytes);
    settings::Order order = settings::order();
    Sequence blocks, warp_order, lane_order;
    blocks.reset(order, launch.grid.x * launch.grid.y * launch.grid.z);
    warp_order.reset(order, (launch.threads + 31) / 32);
    lane_order.reset(order, 32);
    FaultGuard guard(on_fault);
    for (unsigned block : blocks) {
        block_index = {block % launch.grid.x, block / launch.grid.x % launch.grid.y, block / launch.grid.x / launch.grid.y};
        if (!run_block(warp_order, lane_order)) break;
    }
    return failure;
}

}  // namespace simt

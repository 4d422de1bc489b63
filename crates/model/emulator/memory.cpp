#include "memory.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <map>

#include "settings.h"

namespace driver {

namespace {

// A multiple of the host's page, whatever that is; and what an allocation takes of the device.
constexpr size_t GUARD_BYTES = 65536, GRANULE_BYTES = 512;

struct Allocation {
    int device;
    size_t bytes;
    unsigned char* room;
    size_t room_bytes;
};

// By address.
std::map<uintptr_t, Allocation> allocations;
std::map<int, size_t> used;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// The allocation that begins at or before `address`; the end if there is none.
std::map<uintptr_t, Allocation>::iterator before(uintptr_t address) {
    auto next = allocations.upper_bound(address);
    return next == allocations.begin() ? allocations.end() : --next;
}

void unmap(const Allocation& allocation) {
    munmap(allocation.room, allocation.room_bytes);
    used[allocation.device] -= round_up(allocation.bytes, GRANULE_BYTES);
}

}  // namespace

CUresult allocate(int device, size_t bytes, CUdeviceptr& address) {
    size_t total = settings::memory_bytes(), taken = used[device];
    if (bytes > total || taken > total || round_up(bytes, GRANULE_BYTES) > total - taken) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t body = round_up(bytes, GUARD_BYTES), room_bytes = body + 2 * GUARD_BYTES;
    void* room = mmap(nullptr, room_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    auto* first = static_cast<unsigned char*>(room) + GUARD_BYTES;
    mprotect(first, body, PROT_READ | PROT_WRITE);
    unsigned char* data = first + body - round_up(bytes, 16);
    memset(data, 0xff, round_up(bytes, 16));
    used[device] += round_up(bytes, GRANULE_BYTES);
    address = reinterpret_cast<uintptr_t>(data);
    allocations[address] = {device, bytes, static_cast<unsigned char*>(room), room_bytes};
    return CUDA_SUCCESS;
}

CUresult release(CUdeviceptr address) {
    auto found = allocations.find(address);
    if (found == allocations.end()) {
        fprintf(stderr, "emulated GPU: freed 0x%llx, which is no allocation, or was freed before\n", address);
        return CUDA_ERROR_INVALID_VALUE;
    }
    unmap(found->second);
    allocations.erase(found);
    return CUDA_SUCCESS;
}

void release_all(int device) {
    for (auto at = allocations.begin(); at != allocations.end();) {
        if (at->second.device != device) {
            ++at;
            continue;
        }
        unmap(at->second);
        at = allocations.erase(at);
    }
}

size_t used_bytes(int device) { return used[device]; }

bool is_allocated(const char* use, CUdeviceptr address, size_t bytes) {
    auto found = before(address);
    if (bytes == 0) return true;
    if (found != allocations.end() && bytes <= found->second.bytes && address - found->first <= found->second.bytes - bytes) return true;
    fprintf(stderr, "emulated GPU: %s of %zu bytes at 0x%llx, whose last byte is %s\n", use, bytes, address,
            describe_address(address + bytes - 1).c_str());
    return false;
}

std::string describe_address(uintptr_t address) {
    char text[160];
    auto found = before(address);
    if (found != allocations.end() && address < reinterpret_cast<uintptr_t>(found->second.room) + found->second.room_bytes) {
        size_t offset = address - found->first, bytes = found->second.bytes;
        const char* side = offset < bytes ? "within" : "past";
        snprintf(text, sizeof text, "%zu bytes %s the allocation of %zu bytes at 0x%zx", offset < bytes ? offset : offset - bytes, side, bytes,
                 static_cast<size_t>(found->first));
        return text;
    }
    auto next = allocations.upper_bound(address);
    if (next != allocations.end() && address >= reinterpret_cast<uintptr_t>(next->second.room)) {
        snprintf(text, sizeof text, "%zu bytes before the allocation of %zu bytes at 0x%zx", static_cast<size_t>(next->first - address),
                 next->second.bytes, static_cast<size_t>(next->first));
        return text;
    }
    return "outside every allocation";
}

}  // namespace driver

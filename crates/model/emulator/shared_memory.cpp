#include "shared_memory.h"

#include <link.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime.h"

namespace simt {

unsigned char* dynamic_memory;

namespace {

constexpr size_t PAGE_BYTES = 65536;
constexpr size_t ROOM_BYTES = (DYNAMIC_BYTES_MAX + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;

unsigned char* dynamic_room;
size_t dynamic_bytes_now;

// Thread-local memory of this library: kernels' shared variables, and this one, whose use makes a thread have it.
thread_local volatile unsigned char anchor;

struct Span {
    unsigned char* begin;
    size_t bytes;
} static_shared;

int find_static_shared(dl_phdr_info* info, size_t, void*) {
    bool here = false;
    size_t bytes = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const auto& header = info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header.p_vaddr, code = reinterpret_cast<uintptr_t>(&find_static_shared);
        if (header.p_type == PT_LOAD && code >= begin && code < begin + header.p_memsz) here = true;
        if (header.p_type == PT_TLS) bytes = header.p_memsz;
    }
    if (here) static_shared = {static_cast<unsigned char*>(info->dlpi_tls_data), bytes};
    return here;
}

}  // namespace

void place_shared_memory(size_t dynamic_bytes) {
    if (!dynamic_room) {
        void* room = mmap(nullptr, ROOM_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room == MAP_FAILED) abort();
        dynamic_room = static_cast<unsigned char*>(room);
        mprotect(dynamic_room + ROOM_BYTES, PAGE_BYTES, PROT_NONE);
    }
    dynamic_bytes_now = dynamic_bytes;
    dynamic_memory = dynamic_room + ROOM_BYTES - (dynamic_bytes + 15) / 16 * 16;
    anchor = 0;
    dl_iterate_phdr(find_static_shared, nullptr);
}

void poison_shared_memory() {
    memset(dynamic_memory, 0xff, static_cast<size_t>(dynamic_room + ROOM_BYTES - dynamic_memory));
    memset(static_shared.begin, 0xff, static_shared.bytes);
}

bool is_shared(const void* pointer, size_t bytes) {
    auto* at = static_cast<const unsigned char*>(pointer);
    return (at >= dynamic_memory && at + bytes <= dynamic_room + ROOM_BYTES) ||
           (at >= static_shared.begin && at + bytes <= static_shared.begin + static_shared.bytes);
}

std::string describe_shared(uintptr_t address) {
    auto end = reinterpret_cast<uintptr_t>(dynamic_memory) + dynamic_bytes_now;
    auto guard = reinterpret_cast<uintptr_t>(dynamic_room) + ROOM_BYTES;
    if (address < guard || address >= guard + PAGE_BYTES) return {};
    char text[160];
    snprintf(text, sizeof text, "%zu bytes past the block's %zu bytes of dynamic shared memory", static_cast<size_t>(address - end),
             dynamic_bytes_now);
    return text;
}

}  // namespace simt

// What threads of a block do together. Each function knows the line it was called from: threads that meet must have come from the same.
#pragma once

#include "runtime.h"

#define GRIDLAKE_HERE ::simt::Place place = {__builtin_FILE(), __builtin_LINE()}

namespace simt {

constexpr unsigned WHOLE_WARP = 0xffffffffu;

inline unsigned lane() { return current->index.x % 32; }

template <typename T>
struct Exchange {
    T value;
    unsigned source;
    T result;
};

// A lane reads from another that takes no part in the shuffle.
[[noreturn]] void fail_to_read(unsigned lane, unsigned source);

template <typename T>
void exchange(void* const operands[32], unsigned lanes) {
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!(lanes >> lane & 1)) continue;
        auto* mine = static_cast<Exchange<T>*>(operands[lane]);
        if (!(lanes >> mine->source & 1)) fail_to_read(lane, mine->source);
        mine->result = static_cast<Exchange<T>*>(operands[mine->source])->value;
    }
}

template <typename T>
T shuffle(const Collective& kind, unsigned mask, T value, unsigned source, Place place) {
    Exchange<T> operands{value, source, value};
    collective(kind, mask, &operands, place);
    return operands.result;
}

struct Vote {
    bool mine;
    unsigned all;
};

void count_votes(void* const operands[32], unsigned lanes);
void meet(void* const operands[32], unsigned lanes);
void multiply_tf32(void* const operands[32], unsigned lanes);

struct Product {
    float* d;
    const unsigned* a;
    const unsigned* b;
};

void copy_wait(unsigned pending_groups);

}  // namespace simt

inline void __syncthreads(GRIDLAKE_HERE) { simt::barrier(place); }

inline void __syncwarp(unsigned mask = simt::WHOLE_WARP, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__syncwarp", simt::meet};
    simt::collective(kind, mask, nullptr, place);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__shfl_sync", simt::exchange<T>};
    return simt::shuffle(kind, mask, value, static_cast<unsigned>(source) % 32, place);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__shfl_xor_sync", simt::exchange<T>};
    unsigned source = simt::lane() ^ static_cast<unsigned>(bits);
    return simt::shuffle(kind, mask, value, source < 32 ? source : simt::lane(), place);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__shfl_up_sync", simt::exchange<T>};
    return simt::shuffle(kind, mask, value, distance <= simt::lane() ? simt::lane() - distance : simt::lane(), place);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__shfl_down_sync", simt::exchange<T>};
    return simt::shuffle(kind, mask, value, distance < 32 - simt::lane() ? simt::lane() + distance : simt::lane(), place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__ballot_sync", simt::count_votes};
    simt::Vote vote{predicate != 0, 0};
    simt::collective(kind, mask, &vote, place);
    return vote.all;
}

inline int __any_sync(unsigned mask, int predicate, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__any_sync", simt::count_votes};
    simt::Vote vote{predicate != 0, 0};
    simt::collective(kind, mask, &vote, place);
    return vote.all != 0;
}

inline int __all_sync(unsigned mask, int predicate, GRIDLAKE_HERE) {
    static const simt::Collective kind{"__all_sync", simt::count_votes};
    simt::Vote vote{predicate == 0, 0};
    simt::collective(kind, mask, &vote, place);
    return vote.all == 0;
}

// d += a·b by mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32.
inline void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], GRIDLAKE_HERE) {
    static const simt::Collective kind{"mma_tf32", simt::multiply_tf32};
    simt::Product product{d, a, b};
    simt::collective(kind, simt::WHOLE_WARP, &product, place);
}

// cp.async of 16 bytes: read now, but written to shared memory no sooner than a wait asks for it.
void copy_async_16(void* shared, const void* global);

inline void copy_async_commit() { simt::current->groups++; }

template <int N>
inline void copy_async_wait() {
    simt::copy_wait(N);
}

#undef GRIDLAKE_HERE

// The language of the kernels, for a host's compiler; comes before their source (see kernels.cpp).
#pragma once

#ifndef GRIDLAKE_EMULATED
#define GRIDLAKE_EMULATED
#endif

#include "arithmetic.h"
#include "collectives.h"
#include "runtime.h"
#include "vectors.h"

#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))

// All shared variables of the library are one block of thread-local memory, which the scheduler can find and poison.
#define __shared__ static thread_local
#define DYNAMIC_SHARED(name) unsigned char* const name = ::simt::dynamic_memory

#define threadIdx (::simt::current->index)
#define blockIdx (::simt::block_index)
#define blockDim (::simt::block_size)
#define gridDim (::simt::grid_size)

// The 4 KiB are what every GPU and driver takes.
#define KERNEL(name, Args, threads, min_blocks)                                                            \
    static_assert(sizeof(Args) <= 4096, #Args " is too large for an argument");                            \
    static void name(const Args a);                                                                        \
    static const ::simt::Kernel name##_registration{                                                       \
        #name, sizeof(Args), [](const void* arguments) { name(*static_cast<const Args*>(arguments)); },    \
        threads, min_blocks};                                                                              \
    static void name(const Args a)

// What kernels use beyond C++: how they are declared, and the few instructions that have no name in the language.
//
// The same sources are compiled twice: for GPUs, and (GRIDLAKE_EMULATED) for the emulator in `emulator/`, which brings its own form of all this.
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE __device__ __forceinline__

#ifndef GRIDLAKE_EMULATED

// A kernel takes one plain struct by value; `blocks` is how many of its blocks should fit on a multiprocessor.
#define KERNEL(name, Args, threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ Args a)

// The block's dynamic shared memory.
#define DYNAMIC_SHARED(name) extern __shared__ __align__(16) unsigned char name[]

// Nearest TF32 (10 bits of mantissa), ties away from zero.
DEVICE u32 to_tf32(float x) {
    u32 rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
    return rounded;
}

// d += a·b: 16 × 8 times 8 × 8, operands in TF32, sums in single precision; one warp together. With row = lane / 4 and at = lane % 4 a thread holds
// a: (row, at), (row + 8, at), (row, at + 4), (row + 8, at + 4); b: (at, row), (at + 4, row); d: (row, 2·at), (row, 2·at + 1), (row + 8, …), (row + 8, …).
DEVICE void mma_tf32(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Sixteen bytes from global to shared memory, under way until waited for.
DEVICE void copy_async_16(void* shared, const void* global) {
    u32 to = static_cast<u32>(__cvta_generic_to_shared(shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
}

// Closes the group of copies begun so far.
DEVICE void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most N of this thread's groups are under way.
template <int N>
DEVICE void copy_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// 2ˣ within 2⁻²² of itself; 0 below 2⁻¹²⁶.
DEVICE float exp2_approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#else

DEVICE float exp2_approx(float x) { return exp2f(x); }

#endif

// Every lane of a warp.
#define ALL_LANES 0xffffffffu

DEVICE u32 lane_index() { return threadIdx.x & 31; }
DEVICE u32 warp_index() { return threadIdx.x >> 5; }

DEVICE bool is_finite(double x) { return (__double_as_longlong(x) & 0x7ff0000000000000LL) != 0x7ff0000000000000LL; }
DEVICE bool is_finite(float x) { return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u; }

// How many of the elements from `at` on lie below `end`.
DEVICE u32 left(u32 at, u32 end) { return at < end ? end - at : 0; }

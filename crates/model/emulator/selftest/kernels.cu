// Kernels that use each feature of the emulator, and kernels that are wrong, each in one way.
#include "arguments.h"

#define TILE 256

// The sum of each tile, by shuffles and shared memory.
KERNEL(sum_tiles, Numbers, TILE, 2) {
    __shared__ float sums[TILE / 32];
    unsigned at = blockIdx.x * TILE + threadIdx.x;
    float sum = at < a.count ? a.in[at] : 0.0f;
    for (int bits = 16; bits; bits /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bits);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    if (threadIdx.x >= 32) return;
    sum = threadIdx.x < TILE / 32 ? sums[threadIdx.x] : 0.0f;
    for (unsigned distance = 4; distance; distance /= 2) sum += __shfl_down_sync(0xffffffffu, sum, distance);
    if (threadIdx.x == 0) a.out[blockIdx.x] = sum;
}

// Reverses each tile within dynamic shared memory.
KERNEL(reverse_tiles, Numbers, 1024, 1) {
    DYNAMIC_SHARED(room);
    float* tile = reinterpret_cast<float*>(room);
    unsigned first = blockIdx.x * blockDim.x;
    tile[threadIdx.x] = a.in[first + threadIdx.x];
    __syncthreads();
    a.out[first + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

template <int ROWS>
__device__ __forceinline__ void load_rows(float (*tile)[32], const float* from) {
    for (int row = threadIdx.x / 8; row < ROWS; row += 4) copy_async_16(&tile[row][4 * (threadIdx.x % 8)], from + 32 * row + 4 * (threadIdx.x % 8));
    copy_async_commit();
}

// Sums of columns of 8 x 32 tiles, one tile under way while another is added up.
KERNEL(sum_columns, Numbers, 32, 1) {
    __shared__ __align__(16) float tiles[2][8][32];
    unsigned count = a.count / 256;
    load_rows<8>(tiles[0], a.in);
    float sum = 0.0f;
    for (unsigned tile = 0; tile < count; tile++) {
        if (tile + 1 < count) load_rows<8>(tiles[(tile + 1) % 2], a.in + 256 * (tile + 1));
        else copy_async_commit();
        copy_async_wait<1>();
        __syncwarp();
        for (int row = 0; row < 8; row++) sum += tiles[tile % 2][row][threadIdx.x];
        __syncwarp();
    }
    a.out[threadIdx.x] = sum;
}

// The same with no wait: what it adds up has not arrived.
KERNEL(sum_columns_early, Numbers, 32, 1) {
    __shared__ __align__(16) float tile[8][32];
    load_rows<8>(tile, a.in);
    __syncwarp();
    a.out[threadIdx.x] = tile[0][threadIdx.x];
}

KERNEL(multiply, Product16, 32, 1) {
    unsigned row = threadIdx.x / 4, place = threadIdx.x % 4;
    float d[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (unsigned k = 0; k < a.depth; k += 8) {
        unsigned x[4] = {to_tf32(a.a[row * a.depth + k + place]), to_tf32(a.a[(row + 8) * a.depth + k + place]),
                         to_tf32(a.a[row * a.depth + k + place + 4]), to_tf32(a.a[(row + 8) * a.depth + k + place + 4])};
        unsigned y[2] = {to_tf32(a.b[(k + place) * 8 + row]), to_tf32(a.b[(k + place + 4) * 8 + row])};
        mma_tf32(d, x, y);
    }
    for (unsigned i = 0; i < 4; i++) a.out[(row + i / 2 * 8) * 8 + 2 * place + i % 2] = d[i];
}

KERNEL(count, Counters, 96, 1) {
    unsigned lane = threadIdx.x % 32;
    atomicAdd(a.total, threadIdx.x);
    atomicAdd(a.wide, 1ull << 33);
    atomicMin(a.least, 100 + threadIdx.x);
    atomicMax(a.most, 100 + threadIdx.x);
    unsigned odd = __ballot_sync(0xffffffffu, lane % 2);
    bool some = __any_sync(0xffffffffu, lane == 7), every = __all_sync(0xffffffffu, lane < 32), none = __all_sync(0xffffffffu, lane);
    // Half a warp on its own.
    unsigned low = lane < 16 ? __ballot_sync(0x0000ffffu, lane < 3) : __ballot_sync(0xffff0000u, lane < 19);
    double prefix = threadIdx.x;
    for (unsigned distance = 1; distance < 32; distance *= 2) {
        double before = __shfl_up_sync(0xffffffffu, prefix, distance);
        if (lane >= distance) prefix += before;
    }
    unsigned long long last = __shfl_sync(0xffffffffu, static_cast<unsigned long long>(threadIdx.x) << 32, 31);
    if (lane == 0) {
        a.ballots[threadIdx.x / 32] = odd ^ low ^ (some && every && !none ? 0u : 1u);
        atomicAdd(a.total, static_cast<unsigned>(last >> 32));
    }
    if (lane == 31) a.sums[threadIdx.x / 32] = prefix;
}

// Wrong: reads what its neighbour may not have written yet.
KERNEL(rotate_without_barrier, Numbers, TILE, 1) {
    __shared__ float tile[TILE];
    tile[threadIdx.x] = a.in[threadIdx.x];
    a.out[threadIdx.x] = tile[(threadIdx.x + 1) % TILE];
}

// Wrong: each block adds to what another left.
KERNEL(chain_of_blocks, Numbers, 32, 1) {
    if (threadIdx.x == 0) a.out[blockIdx.x] = (blockIdx.x ? a.out[blockIdx.x - 1] : 0.0f) + 1.0f;
}

// Wrong: writes one number too many.
KERNEL(write_past, Numbers, 32, 1) {
    if (threadIdx.x <= a.count) a.out[threadIdx.x] = 1.0f;
}

// Wrong: the dynamic shared memory is shorter by one.
KERNEL(share_past, Numbers, 32, 1) {
    DYNAMIC_SHARED(room);
    reinterpret_cast<float*>(room)[4 * threadIdx.x] = 1.0f;
    __syncthreads();
    a.out[threadIdx.x] = reinterpret_cast<float*>(room)[0];
}

// Wrong: half of the block waits for the other.
KERNEL(wait_by_half, Numbers, 64, 1) {
    if (threadIdx.x < 32) {
        __syncthreads();
        a.out[threadIdx.x] = 1.0f;
    } else {
        __syncwarp();
        __syncthreads();
    }
}

// Wrong: the odd lanes go elsewhere, and the mask says that they come.
KERNEL(shuffle_by_half, Numbers, 32, 1) {
    if (threadIdx.x % 2) __syncthreads();
    else a.out[threadIdx.x] = __shfl_sync(0xffffffffu, a.in[threadIdx.x], 0);
}

// Wrong: lanes meet that do different things.
KERNEL(shuffle_or_vote, Numbers, 32, 1) {
    if (threadIdx.x % 2) a.out[threadIdx.x] = static_cast<float>(__ballot_sync(0xffffffffu, 1));
    else a.out[threadIdx.x] = __shfl_sync(0xffffffffu, a.in[threadIdx.x], 0);
}

// Wrong: reads a vector from between two.
KERNEL(copy_unaligned, Numbers, 32, 1) {
    __shared__ __align__(16) float tile[128];
    copy_async_16(tile + 4 * threadIdx.x, a.in + 1);
}

// Goes on for ever on its stack.
__device__ int descend(volatile int depth) {
    volatile char room[4096];
    room[depth % 4096] = static_cast<char>(depth);
    return depth < 0 ? 0 : descend(depth + 1) + room[depth % 4096];
}

KERNEL(overflow_stack, Numbers, 32, 1) { a.out[threadIdx.x] = static_cast<float>(descend(static_cast<int>(threadIdx.x))); }

KERNEL(add_one, Numbers, 32, 1) {
    unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < a.count) a.out[at] = a.in[at] + 1.0f;
}

KERNEL(twice, Numbers, 32, 1) {
    unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < a.count) a.out[at] = 2.0f * a.in[at];
}

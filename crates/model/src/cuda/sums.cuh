// Sums over the threads of a warp or block, each in one fixed order.
#pragma once
#include "device.cuh"

// Σ over the warp's lanes, in every lane.
template <typename T>
DEVICE T warp_sum(T x) {
    for (u32 step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}

// Σ over the block's threads, in every thread; `room` holds one value per warp in shared memory. Starts and ends with a barrier.
template <typename T>
DEVICE T block_sum(T x, T* room) {
    x = warp_sum(x);
    __syncthreads();
    if (lane_index() == 0) room[warp_index()] = x;
    __syncthreads();
    T sum = room[0];
    for (u32 warp = 1; warp < blockDim.x / 32; warp++) sum += room[warp];
    __syncthreads();
    return sum;
}

// Products of matrices in single precision whose operands are gathered: tiles of 64 × 64, sums in one fixed order.
//
// c(m, n) = Σ_k a(k, m)·b(k, n). An operand is a struct with
//   ALONG_K            whether its four consecutive values run along k (else along m or n),
//   float4 four(k, m)  those from (k, m) on, zeros outside.
#pragma once
#include "../cuda/device.cuh"

#define TILE_SIDE 64
#define TILE_DEPTH 16
#define PRODUCT_THREADS 256

// A block's tile of both operands, 16 deep, k by k.
struct ProductTiles {
    __align__(16) float a[TILE_DEPTH][TILE_SIDE + 4];
    __align__(16) float b[TILE_DEPTH][TILE_SIDE + 4];
};

template <typename Operand>
DEVICE void load_tile(const Operand& operand, u32 k0, u32 m0, float (&tile)[TILE_DEPTH][TILE_SIDE + 4]) {
    if (Operand::ALONG_K) {
        u32 k = threadIdx.x % 4 * 4, m = threadIdx.x / 4;
        float4 x = operand.four(k0 + k, m0 + m);
        tile[k][m] = x.x;
        tile[k + 1][m] = x.y;
        tile[k + 2][m] = x.z;
        tile[k + 3][m] = x.w;
    } else {
        u32 m = threadIdx.x % 16 * 4, k = threadIdx.x / 16;
        *reinterpret_cast<float4*>(&tile[k][m]) = operand.four(k0 + k, m0 + m);
    }
}

// The block's tile from (m0, n0) on: thread (threadIdx / 16, threadIdx % 16) gets c(m0 + 4·(its first) + i, n0 + 4·(its second) + j). `each(tiles)` is
// called for every 16 of the depth while they are in shared memory.
template <typename A, typename B, typename Each>
DEVICE void tile_product(const A& a, const B& b, u32 m0, u32 n0, u32 depth, ProductTiles& tiles, float (&c)[4][4], Each each) {
    u32 row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
    for (u32 i = 0; i < 4; i++) {
        for (u32 j = 0; j < 4; j++) c[i][j] = 0.0f;
    }
    for (u32 k0 = 0; k0 < depth; k0 += TILE_DEPTH) {
        load_tile(a, k0, m0, tiles.a);
        load_tile(b, k0, n0, tiles.b);
        __syncthreads();
        each(tiles);
#pragma unroll
        for (u32 k = 0; k < TILE_DEPTH; k++) {
            float4 x = *reinterpret_cast<const float4*>(&tiles.a[k][row]);
            float4 y = *reinterpret_cast<const float4*>(&tiles.b[k][column]);
            float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
            for (u32 i = 0; i < 4; i++) {
#pragma unroll
                for (u32 j = 0; j < 4; j++) c[i][j] = fmaf(xs[i], ys[j], c[i][j]);
            }
        }
        __syncthreads();
    }
}

// Up to four values from `from` on, of which `count` exist; aligned as `whole` says.
DEVICE float4 some(const float* from, u32 count, bool whole) {
    if (count >= 4 && whole) return *reinterpret_cast<const float4*>(from);
    float4 x = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    if (count > 0) x.x = from[0];
    if (count > 1) x.y = from[1];
    if (count > 2) x.z = from[2];
    if (count > 3) x.w = from[3];
    return x;
}

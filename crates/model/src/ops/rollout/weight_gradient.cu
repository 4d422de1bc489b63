// ∂L/∂W(v_k) = Δ_kᵀ·G_k over the U steps that use each velocity, gathered by `uses`: one product per velocity, batched over velocities and batches.
#include "../product.cuh"

struct WeightGradientArgs {
    // (A, states_padded, stride): ∂L/∂z and g; (stride): g₀.
    const float* dz;
    const float* g;
    const float* initial;
    // (A, K, U): states.
    const u32* uses;
    // (A, K, N, w_stride), turned as W is.
    float* dw;
    u32 count, length, units, stride, w_stride, velocities, states_padded;
};
static_assert(sizeof(WeightGradientArgs) == 72, "as in Rust");

// The state before each use; units j along m, uses along k.
struct StatesBefore {
    static constexpr bool ALONG_K = false;
    const WeightGradientArgs& a;
    const u32* uses;
    u64 first;
    DEVICE float4 four(u32 use, u32 j) const {
        if (use >= a.count || j >= a.stride) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        u32 state = uses[use];
        const float* row = state % a.length == 0 ? a.initial : a.g + (first + state - 1) * a.stride;
        return *reinterpret_cast<const float4*>(row + j);
    }
};

// ∂L/∂z at each use; units i along n, uses along k.
struct SlopesAtUse {
    static constexpr bool ALONG_K = false;
    const WeightGradientArgs& a;
    const u32* uses;
    u64 first;
    DEVICE float4 four(u32 use, u32 i) const {
        if (use >= a.count || i >= a.stride) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        return *reinterpret_cast<const float4*>(a.dz + (first + uses[use]) * a.stride + i);
    }
};

// Grid: velocities of all batches, tiles of i, tiles of j.
KERNEL(weight_gradient, WeightGradientArgs, PRODUCT_THREADS, 2) {
    __shared__ ProductTiles tiles;
    u32 i0 = blockIdx.y * TILE_SIDE, j0 = blockIdx.z * TILE_SIDE, velocity = blockIdx.x;
    const u32* uses = a.uses + static_cast<u64>(velocity) * a.count;
    u64 first = static_cast<u64>(velocity / a.velocities) * a.states_padded;
    float c[4][4];
    tile_product(StatesBefore{a, uses, first}, SlopesAtUse{a, uses, first}, j0, i0, a.count, tiles, c, [](const ProductTiles&) {});
    u32 j = j0 + threadIdx.x / 16 * 4, i = i0 + threadIdx.x % 16 * 4;
#pragma unroll
    for (u32 r = 0; r < 4; r++) {
        if (j + r >= a.units || i >= a.w_stride) continue;
        // Past N up to w_stride there is nothing but zeros.
        float4 four = make_float4(c[r][0], c[r][1], c[r][2], c[r][3]);
        *reinterpret_cast<float4*>(a.dw + (static_cast<u64>(velocity) * a.units + j + r) * a.w_stride + i) = four;
    }
}

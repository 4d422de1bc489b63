// The MLP that makes W(v), forward and backward, over all velocities of a group of batches at once (V of them).
//
// W is kept turned, column by column: w(v, j, i) = W(v)_ij at v·N·w_stride + j·w_stride + i; that is how the rollout reads it. The last layer's output i·N + j is
// W_ij, so tiles of it run over i at one j.
#include "../product.cuh"
#include "activation.cuh"

struct HiddenArgs {
    // (V, in), (out, in), (out).
    const float* input;
    const float* weight;
    const float* bias;
    // (V, out): before and after the non-linearity.
    float* output;
    float* active;
    u32 velocities, inputs, outputs, activation;
};
static_assert(sizeof(HiddenArgs) == 56, "as in Rust");

#define MLP_THREADS 256

KERNEL(mlp_hidden_forward, HiddenArgs, MLP_THREADS, 1) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= a.velocities * a.outputs) return;
    u32 v = at / a.outputs, o = at % a.outputs;
    float sum = a.bias[o];
    for (u32 i = 0; i < a.inputs; i++) sum = fmaf(a.weight[o * a.inputs + i], a.input[v * a.inputs + i], sum);
    a.output[at] = sum;
    a.active[at] = activate(a.activation, sum);
}

struct HiddenBackwardArgs {
    // (V, out): ∂L/∂y of this layer; (V, in): its input; (out, in).
    const float* gradient;
    const float* input;
    const float* weight;
    // (V, in): y of the layer before and ∂L/∂ of it; null at the first layer.
    const float* output_before;
    float* gradient_before;
    // (out, in), (out).
    float* weight_gradient;
    float* bias_gradient;
    u32 velocities, inputs, outputs, activation;
    // Whether gradients are added to what is there.
    u32 add;
};
static_assert(sizeof(HiddenBackwardArgs) == 80, "as in Rust");

KERNEL(mlp_hidden_weights, HiddenBackwardArgs, MLP_THREADS, 1) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    u32 count = a.outputs * a.inputs;
    if (at >= count + a.outputs) return;
    bool bias = at >= count;
    u32 o = bias ? at - count : at / a.inputs, i = bias ? 0 : at % a.inputs;
    float sum = 0.0f;
#pragma unroll 8
    for (u32 v = 0; v < a.velocities; v++) {
        float d = a.gradient[v * a.outputs + o];
        sum = bias ? sum + d : fmaf(d, a.input[v * a.inputs + i], sum);
    }
    float* to = bias ? a.bias_gradient + o : a.weight_gradient + at;
    *to = a.add ? *to + sum : sum;
}

KERNEL(mlp_hidden_inputs, HiddenBackwardArgs, MLP_THREADS, 1) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= a.velocities * a.inputs) return;
    u32 v = at / a.inputs, i = at % a.inputs;
    float sum = 0.0f;
    for (u32 o = 0; o < a.outputs; o++) sum = fmaf(a.gradient[v * a.outputs + o], a.weight[o * a.inputs + i], sum);
    a.gradient_before[at] = sum * derivative(a.activation, a.output_before[at]);
}

struct LastArgs {
    // (V, H), (N², H), (N²).
    const float* input;
    const float* weight;
    const float* bias;
    // (V, N, w_stride), turned.
    float* w;
    const float* dw;
    float* weight_gradient;
    float* bias_gradient;
    // (parts, V, H): pieces of ∂L/∂input; (V, H): y of the layer before, and where ∂L/∂ of it goes.
    float* pieces;
    const float* output_before;
    float* gradient_before;
    u32 velocities, hidden, units, w_stride, activation, add;
    // Columns j that one piece sums over, and pieces.
    u32 columns, parts;
};
static_assert(sizeof(LastArgs) == 112, "as in Rust");

// x(v, h) with h along k.
struct InputsAlongDepth {
    static constexpr bool ALONG_K = true;
    const LastArgs& a;
    DEVICE float4 four(u32 h, u32 v) const {
        return some(a.input + static_cast<u64>(v) * a.hidden + h, v < a.velocities ? left(h, a.hidden) : 0, a.hidden % 4 == 0);
    }
};

// weight(i·N + j, h) at one j, with h along k.
struct WeightsAlongDepth {
    static constexpr bool ALONG_K = true;
    const LastArgs& a;
    u32 j;
    DEVICE float4 four(u32 h, u32 i) const {
        return some(a.weight + (static_cast<u64>(i) * a.units + j) * a.hidden + h, i < a.units ? left(h, a.hidden) : 0, a.hidden % 4 == 0);
    }
};

// W of all velocities. Grid: tiles of i, j, tiles of v.
KERNEL(mlp_last_forward, LastArgs, PRODUCT_THREADS, 2) {
    __shared__ ProductTiles tiles;
    u32 i0 = blockIdx.x * TILE_SIDE, j = blockIdx.y, v0 = blockIdx.z * TILE_SIDE;
    float c[4][4];
    tile_product(InputsAlongDepth{a}, WeightsAlongDepth{a, j}, v0, i0, a.hidden, tiles, c, [](const ProductTiles&) {});
    u32 v = v0 + threadIdx.x / 16 * 4, i = i0 + threadIdx.x % 16 * 4;
    float bias[4];
#pragma unroll
    for (u32 s = 0; s < 4; s++) bias[s] = i + s < a.units ? a.bias[(i + s) * a.units + j] : 0.0f;
#pragma unroll
    for (u32 r = 0; r < 4; r++) {
        if (v + r >= a.velocities || i >= a.w_stride) continue;
        // Zeros from N up to w_stride, as the weights are there.
        float4 four = make_float4(c[r][0] + bias[0], c[r][1] + bias[1], c[r][2] + bias[2], c[r][3] + bias[3]);
        *reinterpret_cast<float4*>(a.w + (static_cast<u64>(v + r) * a.units + j) * a.w_stride + i) = four;
    }
}

// ∂L/∂W(v) at one j, with i along m and v along k.
struct SlopesByVelocity {
    static constexpr bool ALONG_K = false;
    const LastArgs& a;
    u32 j;
    DEVICE float4 four(u32 v, u32 i) const {
        return some(a.dw + (static_cast<u64>(v) * a.units + j) * a.w_stride + i, v < a.velocities ? left(i, a.units) : 0, true);
    }
};

// x(v, h) with h along n and v along k.
struct InputsByVelocity {
    static constexpr bool ALONG_K = false;
    const LastArgs& a;
    DEVICE float4 four(u32 v, u32 h) const {
        return some(a.input + static_cast<u64>(v) * a.hidden + h, v < a.velocities ? left(h, a.hidden) : 0, a.hidden % 4 == 0);
    }
};

// The last layer's gradient. Grid: tiles of i, j, tiles of h; the first tile of h also does the bias.
KERNEL(mlp_last_weights, LastArgs, PRODUCT_THREADS, 2) {
    __shared__ ProductTiles tiles;
    u32 i0 = blockIdx.x * TILE_SIDE, j = blockIdx.y, h0 = blockIdx.z * TILE_SIDE;
    float c[4][4], bias = 0.0f;
    bool does_bias = blockIdx.z == 0 && threadIdx.x < TILE_SIDE;
    auto add_bias = [&](const ProductTiles& tiles) {
        if (does_bias) {
            for (u32 k = 0; k < TILE_DEPTH; k++) bias += tiles.a[k][threadIdx.x];
        }
    };
    tile_product(SlopesByVelocity{a, j}, InputsByVelocity{a}, i0, h0, a.velocities, tiles, c, add_bias);
    if (does_bias && i0 + threadIdx.x < a.units) {
        float* to = a.bias_gradient + (i0 + threadIdx.x) * a.units + j;
        *to = a.add ? *to + bias : bias;
    }
    u32 i = i0 + threadIdx.x / 16 * 4, h = h0 + threadIdx.x % 16 * 4;
#pragma unroll
    for (u32 r = 0; r < 4; r++) {
#pragma unroll
        for (u32 s = 0; s < 4; s++) {
            if (i + r < a.units && h + s < a.hidden) {
                float* to = a.weight_gradient + (static_cast<u64>(i + r) * a.units + j) * a.hidden + h + s;
                *to = a.add ? *to + c[r][s] : c[r][s];
            }
        }
    }
}

// ∂L/∂W(v) over the outputs of some columns j, outputs along k: k = (j - first)·padded + i, where padded is N rounded up to four.
struct SlopesAlongOutputs {
    static constexpr bool ALONG_K = true;
    const LastArgs& a;
    u32 first, end;
    DEVICE float4 four(u32 k, u32 v) const {
        u32 j = first + k / a.w_stride, i = k % a.w_stride;
        bool there = v < a.velocities && j < end;
        return some(a.dw + (static_cast<u64>(v) * a.units + j) * a.w_stride + i, there ? left(i, a.units) : 0, true);
    }
};

// weight over the same outputs, with h along n.
struct WeightsByOutput {
    static constexpr bool ALONG_K = false;
    const LastArgs& a;
    u32 first, end;
    DEVICE float4 four(u32 k, u32 h) const {
        u32 j = first + k / a.w_stride, i = k % a.w_stride;
        bool there = j < end && i < a.units;
        return some(a.weight + (static_cast<u64>(i) * a.units + j) * a.hidden + h, there ? left(h, a.hidden) : 0, a.hidden % 4 == 0);
    }
};

// Pieces of ∂L/∂input. Grid: tiles of v, tiles of h, pieces.
KERNEL(mlp_last_inputs, LastArgs, PRODUCT_THREADS, 2) {
    __shared__ ProductTiles tiles;
    u32 v0 = blockIdx.x * TILE_SIDE, h0 = blockIdx.y * TILE_SIDE, first = blockIdx.z * a.columns;
    u32 end = min(first + a.columns, a.units);
    float c[4][4];
    u32 depth = (end - first) * a.w_stride;
    tile_product(SlopesAlongOutputs{a, first, end}, WeightsByOutput{a, first, end}, v0, h0, depth, tiles, c, [](const ProductTiles&) {});
    u32 v = v0 + threadIdx.x / 16 * 4, h = h0 + threadIdx.x % 16 * 4;
#pragma unroll
    for (u32 r = 0; r < 4; r++) {
#pragma unroll
        for (u32 s = 0; s < 4; s++) {
            if (v + r < a.velocities && h + s < a.hidden) {
                a.pieces[(static_cast<u64>(blockIdx.z) * a.velocities + v + r) * a.hidden + h + s] = c[r][s];
            }
        }
    }
}

// Adds the pieces up, and goes back through the non-linearity.
KERNEL(mlp_last_inputs_sum, LastArgs, MLP_THREADS, 1) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= a.velocities * a.hidden) return;
    float sum = 0.0f;
#pragma unroll 8
    for (u32 part = 0; part < a.parts; part++) sum += a.pieces[static_cast<u64>(part) * a.velocities * a.hidden + at];
    a.gradient_before[at] = sum * derivative(a.activation, a.output_before[at]);
}

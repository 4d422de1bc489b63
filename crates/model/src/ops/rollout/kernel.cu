// The recurrence over whole trajectories, forward and backward through time: one launch, a block per trajectory.
//
// A step is one sparse combination of columns of W(v_t), which stay in the second-level cache: forward z = Σ_j g_j·column_j over the active units j of the state
// before; backward ∂L/∂g_j = column_j·∂L/∂z for the same units only, since where g_j = 0 the rectification stops the gradient.
#include "../../cuda/sums.cuh"
#include "../state_losses/conformal.cuh"
#include "norm_relu.cuh"

struct RolloutArgs {
    // (A, K, N, w_stride): column j of W(v) after column j - 1.
    const float* w;
    // (A, B, T): the velocity of each step; null where step t of trajectory b has velocity b·T + t.
    const u32* index;
    // (initial_stride · A·B + stride): where each trajectory starts.
    const float* initial;
    // (A, states_padded, stride): states, and (A, states_padded): ‖ReLU(z)‖.
    float* g;
    float* norm;
    // Like g: ∂L/∂g on entry, ∂L/∂z on return; and (A·B, stride): what reaches g₀.
    float* dg;
    float* carried;
    // For the first steps' share in the conformal loss, which sees g₀ directly.
    Conformal conformal;
    // Floats from one trajectory's initial state to the next; 0 where they share it.
    u32 initial_stride;
    u32 batch, length, units, stride, w_stride, velocities, states_padded;
};
static_assert(sizeof(RolloutArgs) == 120, "as in Rust");

#define ROLLOUT_THREADS 256
#define ROLLOUT_WARPS (ROLLOUT_THREADS / 32)
// Most units, in pieces of a block's threads.
#define ROLLOUT_PIECES 16

// The active elements of a state, in order.
struct ActiveUnits {
    u32* place;
    float* value;
    u32 count;
};

// Shared memory of both directions.
struct RolloutRoom {
    u32 counts[ROLLOUT_PIECES][ROLLOUT_WARPS];
    float sums[ROLLOUT_WARPS];
};

// Where this thread's element of a piece goes in the list of active units: Σ of the counts before it.
DEVICE u32 place_in_list(const RolloutRoom& room, u32 piece, u32 active_lanes, u32& before) {
    u32 place = before + __popc(active_lanes & ((1u << lane_index()) - 1));
    for (u32 warp = 0; warp < ROLLOUT_WARPS; warp++) {
        u32 count = room.counts[piece][warp];
        place += warp < warp_index() ? count : 0;
        before += count;
    }
    return place;
}

// Lists the active elements of a state that is in memory; starts at no particular point and ends with a barrier.
DEVICE void list_active(const float* state, u32 units, u32 pieces, RolloutRoom& room, ActiveUnits& active) {
    for (u32 piece = 0; piece < pieces; piece++) {
        u32 unit = piece * ROLLOUT_THREADS + threadIdx.x;
        u32 lanes = __ballot_sync(ALL_LANES, unit < units && state[unit] != 0.0f);
        if (lane_index() == 0) room.counts[piece][warp_index()] = __popc(lanes);
    }
    __syncthreads();
    u32 before = 0;
    for (u32 piece = 0; piece < pieces; piece++) {
        u32 unit = piece * ROLLOUT_THREADS + threadIdx.x;
        float value = unit < units ? state[unit] : 0.0f;
        u32 lanes = __ballot_sync(ALL_LANES, value != 0.0f);
        u32 place = place_in_list(room, piece, lanes, before);
        if (value != 0.0f) {
            active.place[place] = unit;
            active.value[place] = value;
        }
    }
    active.count = before;
    __syncthreads();
}

DEVICE u32 matrix_of(const RolloutArgs& a, u32 batch, u32 trajectory, u32 t) {
    u32 k = a.index ? a.index[(static_cast<u64>(batch) * a.batch + trajectory) * a.length + t] : trajectory * a.length + t;
    return batch * a.velocities + k;
}

KERNEL(rollout_forward, RolloutArgs, ROLLOUT_THREADS, 2) {
    DYNAMIC_SHARED(dynamic);
    __shared__ RolloutRoom room;
    u32 trajectory = blockIdx.x, batch = blockIdx.y;
    u32 pieces = (a.units + ROLLOUT_THREADS - 1) / ROLLOUT_THREADS, padded = pieces * ROLLOUT_THREADS;
    // Threads side by side on one column, and columns that are taken at once.
    u32 quads = a.w_stride / 4, width = quads <= 32 ? 32 : quads <= 64 ? 64 : quads <= 128 ? 128 : 256;
    u32 together = ROLLOUT_THREADS / width, which = threadIdx.x / width;
    ActiveUnits active = {reinterpret_cast<u32*>(dynamic), reinterpret_cast<float*>(dynamic) + padded, 0};
    float* rectified = active.value + padded;
    // (together, w_stride).
    float* sums = rectified + padded;

    u64 first = static_cast<u64>(batch) * a.states_padded + static_cast<u64>(trajectory) * a.length;
    const float* initial = a.initial + (static_cast<u64>(batch) * a.batch + trajectory) * a.initial_stride;
    list_active(initial, a.units, pieces, room, active);
    u32 next = matrix_of(a, batch, trajectory, 0);
    for (u32 t = 0; t < a.length; t++) {
        const float* w = a.w + static_cast<u64>(next) * a.units * a.w_stride;
        // Asked for a step ahead: nothing else of the next step is known.
        if (t + 1 < a.length) next = matrix_of(a, batch, trajectory, t + 1);
        for (u32 quad = threadIdx.x % width; quad < quads; quad += width) {
            float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll 4
            for (u32 n = which; n < active.count; n += together) {
                float value = active.value[n];
                float4 column = *reinterpret_cast<const float4*>(w + static_cast<u64>(active.place[n]) * a.w_stride + 4 * quad);
                sum.x = fmaf(value, column.x, sum.x);
                sum.y = fmaf(value, column.y, sum.y);
                sum.z = fmaf(value, column.z, sum.z);
                sum.w = fmaf(value, column.w, sum.w);
            }
            *reinterpret_cast<float4*>(sums + which * a.w_stride + 4 * quad) = sum;
        }
        __syncthreads();
        float squares = 0.0f;
        for (u32 piece = 0; piece < pieces; piece++) {
            u32 unit = piece * ROLLOUT_THREADS + threadIdx.x;
            float y = 0.0f;
            if (unit < a.units) {
                for (u32 n = 0; n < together; n++) y += sums[n * a.w_stride + unit];
                y = rectify(y);
            }
            rectified[unit] = y;
            squares = fmaf(y, y, squares);
            u32 lanes = __ballot_sync(ALL_LANES, y != 0.0f);
            if (lane_index() == 0) room.counts[piece][warp_index()] = __popc(lanes);
        }
        squares = warp_sum(squares);
        if (lane_index() == 0) room.sums[warp_index()] = squares;
        __syncthreads();
        float norm = 0.0f;
        for (u32 warp = 0; warp < ROLLOUT_WARPS; warp++) norm += room.sums[warp];
        norm = sqrtf(norm);
        float scale = norm_scale(norm);
        u32 before = 0;
        for (u32 piece = 0; piece < pieces; piece++) {
            u32 unit = piece * ROLLOUT_THREADS + threadIdx.x;
            float y = rectified[unit];
            u32 lanes = __ballot_sync(ALL_LANES, y != 0.0f);
            u32 place = place_in_list(room, piece, lanes, before);
            if (y != 0.0f) {
                active.place[place] = unit;
                active.value[place] = y * scale;
            }
            if (unit < a.units) a.g[(first + t) * a.stride + unit] = y * scale;
        }
        active.count = before;
        if (threadIdx.x == 0) a.norm[first + t] = norm;
        __syncthreads();
    }
}

// Columns whose products with ∂L/∂z a warp forms at once.
#define COLUMNS_AT_ONCE 4

KERNEL(rollout_backward, RolloutArgs, ROLLOUT_THREADS, 3) {
    DYNAMIC_SHARED(dynamic);
    __shared__ RolloutRoom room;
    u32 trajectory = blockIdx.x, batch = blockIdx.y;
    u32 pieces = (a.units + ROLLOUT_THREADS - 1) / ROLLOUT_THREADS, padded = pieces * ROLLOUT_THREADS;
    u32 quads = a.w_stride / 4;
    ActiveUnits active = {reinterpret_cast<u32*>(dynamic), reinterpret_cast<float*>(dynamic) + padded, 0};
    float* carried = active.value + padded;
    float* dz = carried + padded;

    u64 first = static_cast<u64>(batch) * a.states_padded + static_cast<u64>(trajectory) * a.length;
    u64 row = static_cast<u64>(batch) * a.batch + trajectory;
    const float* initial = a.initial + row * a.initial_stride;
    for (u32 unit = threadIdx.x; unit < padded; unit += ROLLOUT_THREADS) carried[unit] = dz[unit] = 0.0f;
    u32 next = matrix_of(a, batch, trajectory, a.length - 1);
    float next_norm = a.norm[first + a.length - 1];
    for (u32 t = a.length; t-- > 0;) {
        const float* w = a.w + static_cast<u64>(next) * a.units * a.w_stride;
        float norm = next_norm;
        if (t > 0) {
            next = matrix_of(a, batch, trajectory, t - 1);
            next_norm = a.norm[first + t - 1];
        }
        const float* g = a.g + (first + t) * a.stride;
        float* dg = a.dg + (first + t) * a.stride;
        float dot = 0.0f;
        for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
            float d = dg[unit] + carried[unit];
            carried[unit] = d;
            dot = fmaf(g[unit], d, dot);
        }
        dot = warp_sum(dot);
        if (lane_index() == 0) room.sums[warp_index()] = dot;
        __syncthreads();
        dot = 0.0f;
        for (u32 warp = 0; warp < ROLLOUT_WARPS; warp++) dot += room.sums[warp];
        for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
            float d = norm_relu_backward(g[unit], norm, dot, carried[unit]);
            dz[unit] = d;
            dg[unit] = d;
            carried[unit] = 0.0f;
        }
        // Its barriers also make dz and the cleared sums visible.
        list_active(t == 0 ? initial : g - a.stride, a.units, pieces, room, active);
        for (u32 n = warp_index(); n < active.count; n += ROLLOUT_WARPS * COLUMNS_AT_ONCE) {
            float sums[COLUMNS_AT_ONCE];
            const float* columns[COLUMNS_AT_ONCE];
#pragma unroll
            for (u32 c = 0; c < COLUMNS_AT_ONCE; c++) {
                sums[c] = 0.0f;
                // Past the end, the last column once more.
                u32 at = min(n + c * ROLLOUT_WARPS, active.count - 1);
                columns[c] = w + static_cast<u64>(active.place[at]) * a.w_stride;
            }
            for (u32 quad = lane_index(); quad < quads; quad += 32) {
                float4 d = *reinterpret_cast<const float4*>(dz + 4 * quad);
#pragma unroll
                for (u32 c = 0; c < COLUMNS_AT_ONCE; c++) {
                    float4 column = *reinterpret_cast<const float4*>(columns[c] + 4 * quad);
                    sums[c] = fmaf(column.x, d.x, sums[c]);
                    sums[c] = fmaf(column.y, d.y, sums[c]);
                    sums[c] = fmaf(column.z, d.z, sums[c]);
                    sums[c] = fmaf(column.w, d.w, sums[c]);
                }
            }
#pragma unroll
            for (u32 c = 0; c < COLUMNS_AT_ONCE; c++) {
                float sum = warp_sum(sums[c]);
                u32 at = n + c * ROLLOUT_WARPS;
                if (lane_index() == 0 && at < active.count) carried[active.place[at]] = sum;
            }
        }
        __syncthreads();
    }
    // The first step's change g₁ - g₀ is in the conformal loss.
    float slope = conformal_slope(a.conformal, batch, first);
    for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
        a.carried[row * a.stride + unit] = carried[unit] - slope * (a.g[first * a.stride + unit] - initial[unit]);
    }
}

struct InitialArgs {
    // (N): g₀ before NormReLU; (stride): g₀; (1): ‖ReLU(raw)‖.
    const float* raw;
    float* initial;
    float* norm;
    // (2·A): counts of pairs, set to 0.
    u64* counts;
    // (trajectories, stride): what reached g₀; (N): the gradient of raw.
    const float* carried;
    float* gradient;
    u32 units, stride, batches, trajectories, add;
};
static_assert(sizeof(InitialArgs) == 72, "as in Rust");

// g₀ = NormReLU(raw); one block. The counts that others add to start here as well.
KERNEL(initial_state, InitialArgs, ROLLOUT_THREADS, 1) {
    __shared__ float room[ROLLOUT_WARPS];
    float squares = 0.0f;
    for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
        float y = rectify(a.raw[unit]);
        squares = fmaf(y, y, squares);
    }
    float norm = sqrtf(block_sum(squares, room));
    float scale = norm_scale(norm);
    for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) a.initial[unit] = rectify(a.raw[unit]) * scale;
    for (u32 at = threadIdx.x; at < 2 * a.batches; at += ROLLOUT_THREADS) a.counts[at] = 0;
    if (threadIdx.x == 0) *a.norm = norm;
}

// What all trajectories carry back to g₀, trajectory after trajectory, and through NormReLU; one block.
KERNEL(initial_gradient, InitialArgs, ROLLOUT_THREADS, 1) {
    DYNAMIC_SHARED(dynamic);
    __shared__ float room[ROLLOUT_WARPS];
    float* sums = reinterpret_cast<float*>(dynamic);
    float dot = 0.0f;
    for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
        float sum = 0.0f;
#pragma unroll 8
        for (u32 trajectory = 0; trajectory < a.trajectories; trajectory++) sum += a.carried[static_cast<u64>(trajectory) * a.stride + unit];
        sums[unit] = sum;
        dot = fmaf(a.initial[unit], sum, dot);
    }
    dot = block_sum(dot, room);
    for (u32 unit = threadIdx.x; unit < a.units; unit += ROLLOUT_THREADS) {
        float d = norm_relu_backward(a.initial[unit], *a.norm, dot, sums[unit]);
        a.gradient[unit] = a.add ? a.gradient[unit] + d : d;
    }
}

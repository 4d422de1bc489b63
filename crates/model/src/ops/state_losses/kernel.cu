// What states add up to: capacity and conformal isometry, the sums of a batch, and ∂L/∂g of every state from all four losses.
#include "../../cuda/sums.cuh"
#include "../pair_losses/limits.cuh"
#include "conformal.cuh"

struct StatesArgs {
    // (A, states_padded, stride): states; and the same rounded to TF32, where the pair losses work on those (else null).
    const float* g;
    float* rounded;
    // (stride): g₀; (A, states_padded): ‖ReLU(z)‖.
    const float* initial;
    const float* norm;
    // (A, states_padded): ‖g‖² (of the rounded states, where there are any), ‖v‖ in m, ‖Δg‖/‖v‖ in m⁻¹.
    float* squared_norm;
    const double* speeds;
    double* ratio;
    // (A, capacity_parts, stride): sums of states; (A, stride): the slope of the capacity loss.
    float* capacity_sums;
    float* capacity_slope;
    // See `PairArgs`.
    const u64* counts;
    const double* pair_losses;
    const float* partials;
    const float* slope_partials;
    // (A).
    Summary* summaries;
    // (A, states_padded, stride): ∂L/∂g.
    float* dg;
    double sigma_x, lambda_cap, lambda_coniso;
    u32 states, states_padded, length, stride, capacity_parts, groups, group_rows, reduction;
};
static_assert(sizeof(StatesArgs) == 176, "as in Rust");

#define STATES_THREADS 256
#define STATES_WARPS (STATES_THREADS / 32)

// States of one partial sum.
#define CAPACITY_STATES 64

DEVICE float4 four_of(const float* from) { return *reinterpret_cast<const float4*>(from); }

DEVICE const float* state_before(const StatesArgs& a, const float* g, u32 state) {
    return state % a.length == 0 ? a.initial : g + static_cast<u64>(state - 1) * a.stride;
}

// ‖g‖², rounded states, and the change of slow steps: a warp per state. Grid: states, batches.
KERNEL(state_statistics, StatesArgs, STATES_THREADS, 4) {
    u32 state = blockIdx.x * STATES_WARPS + warp_index(), batch = blockIdx.y;
    if (state >= a.states) return;
    u64 at = static_cast<u64>(batch) * a.states_padded + state;
    const float* g = a.g + static_cast<u64>(batch) * a.states_padded * a.stride;
    const float* own = g + static_cast<u64>(state) * a.stride;
    const float* before = state_before(a, g, state);
    float squares = 0.0f, changes = 0.0f;
    for (u32 unit = lane_index(); unit < a.stride; unit += 32) {
        float change = own[unit] - before[unit];
        changes = fmaf(change, change, changes);
        float value = own[unit];
        if (a.rounded) {
            value = __uint_as_float(to_tf32(value));
            a.rounded[at * a.stride + unit] = value;
        }
        squares = fmaf(value, value, squares);
    }
    squares = warp_sum(squares);
    changes = warp_sum(changes);
    if (lane_index() == 0) {
        double speed = a.speeds[at];
        a.squared_norm[at] = squares;
        a.ratio[at] = speed > 0.0 && speed < a.sigma_x ? sqrt(static_cast<double>(changes)) / speed : -1.0;
    }
}

// Σ g over `CAPACITY_STATES` states. Grid: units, parts, batches.
KERNEL(capacity_sums, StatesArgs, 128, 8) {
    u32 unit = blockIdx.x * blockDim.x + threadIdx.x, part = blockIdx.y, batch = blockIdx.z;
    if (unit >= a.stride) return;
    u32 first = part * CAPACITY_STATES, end = min(first + CAPACITY_STATES, a.states);
    const float* g = a.g + static_cast<u64>(batch) * a.states_padded * a.stride + unit;
    float sum = 0.0f;
#pragma unroll 8
    for (u32 state = first; state < end; state++) sum += g[static_cast<u64>(state) * a.stride];
    a.capacity_sums[(static_cast<u64>(batch) * a.capacity_parts + part) * a.stride + unit] = sum;
}

#define SUMMARY_THREADS 1024

// The losses of each batch: a block each.
KERNEL(summarize, StatesArgs, SUMMARY_THREADS, 1) {
    __shared__ double room[(SUMMARY_THREADS / 32)];
    u32 batch = blockIdx.x;
    Summary summary;

    double squares = 0.0;
    for (u32 unit = threadIdx.x; unit < a.stride; unit += SUMMARY_THREADS) {
        const float* sums = a.capacity_sums + static_cast<u64>(batch) * a.capacity_parts * a.stride + unit;
        double mean = 0.0;
#pragma unroll 8
        for (u32 part = 0; part < a.capacity_parts; part++) mean += static_cast<double>(sums[static_cast<u64>(part) * a.stride]);
        mean /= static_cast<double>(a.states);
        squares += mean * mean;
        a.capacity_slope[static_cast<u64>(batch) * a.stride + unit] = static_cast<float>(-2.0 * a.lambda_cap * mean / static_cast<double>(a.states));
    }
    summary.capacity = -block_sum(squares, room);

    const double* ratio = a.ratio + static_cast<u64>(batch) * a.states_padded;
    const float* norm = a.norm + static_cast<u64>(batch) * a.states_padded;
    double sum = 0.0, slow = 0.0, zero = 0.0;
    for (u32 state = threadIdx.x; state < a.states; state += SUMMARY_THREADS) {
        // Not `>= 0`: what is not a number is counted, and makes the loss one.
        if (!(ratio[state] < 0.0)) {
            sum += ratio[state];
            slow += 1.0;
        }
        zero += norm[state] == 0.0f ? 1.0 : 0.0;
    }
    sum = block_sum(sum, room);
    slow = block_sum(slow, room);
    summary.zero = static_cast<u64>(block_sum(zero, room));
    summary.slow = static_cast<u64>(slow);
    summary.conformal_mean = slow > 0.0 ? sum / slow : 0.0;
    double variance = 0.0;
    for (u32 state = threadIdx.x; state < a.states; state += SUMMARY_THREADS) {
        double deviation = ratio[state] - summary.conformal_mean;
        variance += !(ratio[state] < 0.0) ? deviation * deviation : 0.0;
    }
    variance = block_sum(variance, room);
    summary.conformal = slow < 2.0 ? 0.0 : variance / slow;

    u32 pairs = a.groups * (a.groups + 1) / 2;
    double separation = 0.0, invariance = 0.0;
    for (u32 pair = threadIdx.x; pair < pairs; pair += SUMMARY_THREADS) {
        separation += a.pair_losses[2 * (static_cast<u64>(batch) * pairs + pair)];
        invariance += a.pair_losses[2 * (static_cast<u64>(batch) * pairs + pair) + 1];
    }
    summary.far = a.counts[2 * batch];
    summary.near = a.counts[2 * batch + 1];
    // Every pair in both orders.
    summary.separation = 2.0 * block_sum(separation, room) * reduction_scale(a.reduction, summary.far, a.states);
    summary.invariance = 2.0 * block_sum(invariance, room) * reduction_scale(a.reduction, summary.near, a.states);
    if (threadIdx.x == 0) a.summaries[batch] = summary;
}

// ∂L/∂g = 4·(g·Σc - Σ c·g') from the pairs, the capacity's slope, and both steps that the state is an end of. A warp per state. Grid: states, batches.
KERNEL(state_gradient, StatesArgs, STATES_THREADS, 4) {
    u32 state = blockIdx.x * STATES_WARPS + warp_index(), batch = blockIdx.y;
    if (state >= a.states) return;
    u64 at = static_cast<u64>(batch) * a.states_padded + state;
    u32 group = state / a.group_rows, row = state % a.group_rows;
    u64 first = (static_cast<u64>(batch) * a.groups + group) * a.groups;
    float slopes = 0.0f;
    for (u32 slot = 0; slot < a.groups; slot++) slopes += a.slope_partials[(first + slot) * a.group_rows + row];

    Conformal conformal = {a.ratio, a.speeds, a.summaries, a.lambda_coniso};
    float here = conformal_slope(conformal, batch, at);
    float next = (state + 1) % a.length == 0 ? 0.0f : conformal_slope(conformal, batch, at + 1);
    const float* g = a.g + static_cast<u64>(batch) * a.states_padded * a.stride;
    const float* own = g + static_cast<u64>(state) * a.stride;
    const float* before = state_before(a, g, state);
    const float* paired = a.rounded ? a.rounded + at * a.stride : own;
    for (u32 unit = 4 * lane_index(); unit < a.stride; unit += 128) {
        float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll 8
        for (u32 slot = 0; slot < a.groups; slot++) {
            float4 more = four_of(a.partials + ((first + slot) * a.group_rows + row) * a.stride + unit);
            sum = make_float4(sum.x + more.x, sum.y + more.y, sum.z + more.z, sum.w + more.w);
        }
        float sums[4] = {sum.x, sum.y, sum.z, sum.w}, d[4];
#pragma unroll
        for (u32 n = 0; n < 4; n++) {
            d[n] = 4.0f * (paired[unit + n] * slopes - sums[n]);
            d[n] += a.capacity_slope[static_cast<u64>(batch) * a.stride + unit + n];
            d[n] += here * (own[unit + n] - before[unit + n]);
            if (next != 0.0f) d[n] -= next * (own[a.stride + unit + n] - own[unit + n]);
        }
        *reinterpret_cast<float4*>(a.dg + at * a.stride + unit) = make_float4(d[0], d[1], d[2], d[3]);
    }
}

// Separation and invariance over all pairs of states, on tensor cores: tiles of the upper triangle, each used in both directions, never in memory.
//
// A tile is `ROWS` rows × 64 columns of pairs (i, j), of which those with i < j count, twice. From g·g' on the tensor cores come ‖g-g'‖², the masks, the
// exponential and the slope c = ∂L/∂‖g-g'‖², in registers; the slopes then go through shared memory into Σ_j c·g_j for the rows and Σ_i c·g_i for the columns.
//
// **Who adds to what.** States are divided into groups of some panels of `ROWS`; a block takes one pair of groups (p ≤ q) of one batch and all its tiles. Rows' sums
// stay in registers over a panel, columns' sums are added up in the block's own part of `partials`: slot (p, q) for the rows of p, slot (q, p) for the columns of q, slot
// (p, p) for both. No two blocks write to the same place, so nothing is atomic and sums have one order; `state_gradient` adds the slots up.
//
// **Precision.** PARTS = 1: operands are rounded to TF32, states once and for all before (`state_statistics`), so that the result is the exact loss of the rounded states but for
// the rounding of slopes. PARTS = 2: each operand is split into a TF32 number and the rest, and three products make one of nearly single precision.
#include "../../cuda/sums.cuh"
#include "limits.cuh"

struct PairArgs {
    // (A, states_padded, stride): states, zero beyond N and beyond S; (A, states_padded): ‖g‖².
    const float* g;
    const float* squared_norm;
    // (A, states_padded, 2), m.
    const double* positions;
    // (A, 2): ordered pairs that are far and near, self-pairs included.
    u64* counts;
    // (A, groups, groups, group_rows, stride) and the same without units: see above.
    float* partials;
    float* slope_partials;
    // (A, pairs of groups, 2): Σ of both losses over pairs i < j, not reduced.
    double* losses;
    PairLimits limits;
    // 1/2σ_g² and the weights.
    double inverse_width, lambda_sep, lambda_inv;
    u32 batches, states, states_padded, stride, groups, panels, reduction;
};
static_assert(sizeof(PairArgs) == 136, "as in Rust");

#define COUNT_TILE 128
#define COUNT_THREADS 256
// Pairs that are counted in single precision before a look whether all were certain.
#define COUNT_RUN 8

#ifndef PAIR_ROWS
// Counts ordered pairs by position: a tile on the diagonal as it is, any other twice. Grid: tiles of the upper triangle as (column, row), those below idle; batches.
KERNEL(count_pairs, PairArgs, COUNT_THREADS, 4) {
    __shared__ float2 columns[COUNT_TILE];
    __shared__ u64 room[COUNT_THREADS / 32];
    u32 row0 = blockIdx.y * COUNT_TILE, column0 = blockIdx.x * COUNT_TILE;
    if (column0 < row0) return;
    const double* positions = a.positions + 2ull * blockIdx.z * a.states_padded;
    for (u32 at = threadIdx.x; at < COUNT_TILE; at += COUNT_THREADS) columns[at] = single_position(positions, min(column0 + at, a.states - 1));
    __syncthreads();
    u32 i = row0 + threadIdx.x % COUNT_TILE, half = threadIdx.x / COUNT_TILE * (COUNT_TILE / 2);
    u32 far = 0, near = 0;
    if (i < a.states) {
        float2 own = single_position(positions, i);
        u32 end = min(COUNT_TILE / 2, left(column0 + half, a.states));
        for (u32 first = 0; first < end; first += COUNT_RUN) {
            u32 run_far = 0, run_near = 0;
#pragma unroll
            for (u32 at = 0; at < COUNT_RUN; at++) {
                float beyond = distance_beyond(a.limits, own, columns[half + first + at]);
                run_far += first + at < end && beyond > a.limits.tolerance ? 1 : 0;
                run_near += first + at < end && beyond < -a.limits.tolerance ? 1 : 0;
            }
            if (run_far + run_near < min(COUNT_RUN, end - first)) {
                run_far = run_near = 0;
                for (u32 at = first; at < min(first + COUNT_RUN, end); at++) {
                    u32 kind = exact_kind(a.limits, positions, i, column0 + half + at);
                    run_far += kind == FAR ? 1 : 0;
                    run_near += kind == NEAR ? 1 : 0;
                }
            }
            far += run_far;
            near += run_near;
        }
    }
    u64 both = block_sum(static_cast<u64>(far) << 32 | near, room);
    if (threadIdx.x == 0) {
        u64 orders = row0 == column0 ? 1 : 2;
        // Integers: the order does not matter.
        atomicAdd(a.counts + 2 * blockIdx.z, orders * (both >> 32));
        atomicAdd(a.counts + 2 * blockIdx.z + 1, orders * (both & 0xffffffffull));
    }
}
#endif

#define TILE_COLUMNS 64

// A row's places in shared memory are exchanged in groups of four, by eight rows' numbers, so that neither reading rows nor reading columns meets a bank twice.
DEVICE u32 exchange(u32 row) { return (row & 3) << 3 | (row & 4); }
DEVICE u32 place(u32 row, u32 column, u32 width) { return row * width + (column ^ exchange(row)); }

// One operand's value as PARTS numbers in TF32 whose sum it is, but for 2⁻²³ of it.
template <u32 PARTS>
struct Operand {
    u32 part[PARTS];
    DEVICE void set(float x) {
        part[0] = __float_as_uint(x);
        if constexpr (PARTS == 2) {
            // Rounded, so that what is left out has either sign.
            part[0] = (part[0] + 0x1000u) & 0xffffe000u;
            part[1] = __float_as_uint(x - __uint_as_float(part[0]));
        }
    }
};

// Σ over 8 terms, on top of d.
template <u32 PARTS>
DEVICE void add_products(float (&d)[4], const Operand<PARTS> (&a)[4], const Operand<PARTS> (&b)[2]) {
    u32 a0[4] = {a[0].part[0], a[1].part[0], a[2].part[0], a[3].part[0]};
    u32 b0[2] = {b[0].part[0], b[1].part[0]};
    if constexpr (PARTS == 2) {
        u32 a1[4] = {a[0].part[1], a[1].part[1], a[2].part[1], a[3].part[1]};
        u32 b1[2] = {b[0].part[1], b[1].part[1]};
        mma_tf32(d, a1, b0);
        mma_tf32(d, a0, b1);
    }
    mma_tf32(d, a0, b0);
}

// d += a·b over 8 terms, or in two parts over 16. Tensor cores cut what they add up, always downwards in magnitude; in two parts the sum of 16 terms is therefore formed
// by itself and added by the rounding adder, so that errors do not add up to a bias.
template <u32 PARTS>
DEVICE void multiply(float (&d)[4], const Operand<PARTS> (&a)[PARTS][4], const Operand<PARTS> (&b)[PARTS][2]) {
    if constexpr (PARTS == 1) {
        add_products<PARTS>(d, a[0], b[0]);
    } else {
        float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        add_products<PARTS>(sum, a[0], b[0]);
        add_products<PARTS>(sum, a[1], b[1]);
#pragma unroll
        for (u32 e = 0; e < 4; e++) d[e] += sum[e];
    }
}

template <u32 ROWS, u32 UNITS>
struct SweepRoom {
    float rows[ROWS * UNITS];
    float columns[TILE_COLUMNS * UNITS];
    float slopes[ROWS * TILE_COLUMNS];
    float2 row_positions[ROWS];
    float2 column_positions[TILE_COLUMNS];
    float row_norms[ROWS];
    float column_norms[TILE_COLUMNS];
    // From each half of the columns, and from each 32 rows.
    float row_slopes[2][ROWS];
    float column_slopes[ROWS / 32][TILE_COLUMNS];
    double sums[ROWS / 16];
    static constexpr u32 FLOATS = (ROWS + TILE_COLUMNS) * UNITS + ROWS * TILE_COLUMNS + 3 * (ROWS + TILE_COLUMNS) + 2 * ROWS + ROWS / 32 * TILE_COLUMNS;
};

// Begins to bring `COUNT` states from `first` on into shared memory.
template <u32 COUNT, u32 UNITS, u32 THREADS>
DEVICE void fetch_states(float* to, const float* from, u32 stride) {
#pragma unroll 4
    for (u32 at = threadIdx.x; at < COUNT * (UNITS / 4); at += THREADS) {
        u32 row = at / (UNITS / 4), column = at % (UNITS / 4) * 4;
        copy_async_16(to + place(row, column, UNITS), from + static_cast<u64>(row) * stride + column);
    }
    copy_async_commit();
}

// The pair of groups that a block takes: those of different groups first, as they are twice the work.
DEVICE void group_pair(u32 at, u32 batches, u32 groups, u32& batch, u32& p, u32& q) {
    u32 different = groups * (groups - 1) / 2;
    if (at >= batches * different) {
        at -= batches * different;
        batch = at / groups;
        p = q = at % groups;
        return;
    }
    batch = at / different;
    at %= different;
    for (p = 0; at >= groups - 1 - p; p++) at -= groups - 1 - p;
    q = p + 1 + at;
}

// Adds to (or, where there is nothing yet, writes) pairs of units: all are read before any is written, so that the reads wait together.
template <u32 COUNT>
DEVICE void put_pairs(float* const (&to)[COUNT], float2 (&sums)[COUNT], bool fresh) {
    if (!fresh) {
        float2 before[COUNT];
#pragma unroll
        for (u32 n = 0; n < COUNT; n++) before[n] = *reinterpret_cast<const float2*>(to[n]);
#pragma unroll
        for (u32 n = 0; n < COUNT; n++) sums[n] = make_float2(before[n].x + sums[n].x, before[n].y + sums[n].y);
    }
#pragma unroll
    for (u32 n = 0; n < COUNT; n++) *reinterpret_cast<float2*>(to[n]) = sums[n];
}

template <u32 ROWS, u32 UNITS, u32 PARTS>
DEVICE void pair_sweep(const PairArgs& a) {
    constexpr u32 THREADS = ROWS * 2;
    // As many terms at once in either precision.
    constexpr u32 UNROLL = 2 / PARTS;
    // Tiles of 8 units that a warp sums: for rows, half of the units; for columns, a share.
    constexpr u32 ROW_TILES = UNITS / 16, COLUMN_SHARE = UNITS / (ROWS / 32), COLUMN_TILES = COLUMN_SHARE / 8;
    static_assert(sizeof(SweepRoom<ROWS, UNITS>) == 4 * SweepRoom<ROWS, UNITS>::FLOATS + 8 * (ROWS / 16), "as in Rust");
    DYNAMIC_SHARED(dynamic);
    SweepRoom<ROWS, UNITS>& room = *reinterpret_cast<SweepRoom<ROWS, UNITS>*>(dynamic);
    u32 batch, p, q;
    group_pair(blockIdx.x, a.batches, a.groups, batch, p, q);
    u32 chunk = blockIdx.y, chunks = gridDim.y;
    // Signed, so that the compiler may fold constants into addresses.
    const int lane = lane_index(), row = lane / 4, at = lane % 4, warp = warp_index();
    const int warp_rows = warp / 2 * 32, warp_columns = warp % 2 * 32, warp_units = warp % 2 * (UNITS / 2);
    const int share_columns = warp % 2 * 32, share_units = warp / 2 * COLUMN_SHARE;
    // What `exchange` makes of a place, in a row of this thread's number and in a row `at` (4 rows on, places differ in bit 2 alone).
    const int by_row = exchange(row), by_at = at << 3;

    const float* g = a.g + static_cast<u64>(batch) * a.states_padded * a.stride;
    const float* squared_norm = a.squared_norm + static_cast<u64>(batch) * a.states_padded;
    const double* positions = a.positions + 2ull * batch * a.states_padded;
    u32 group_rows = a.panels * ROWS;
    u64 slot_rows = (static_cast<u64>(batch) * a.groups + p) * a.groups + q, slot_columns = (static_cast<u64>(batch) * a.groups + q) * a.groups + p;
    float* to_rows = a.partials + slot_rows * group_rows * a.stride + chunk * UNITS;
    float* to_columns = a.partials + slot_columns * group_rows * a.stride + chunk * UNITS;
    float* slopes_to_rows = a.slope_partials + slot_rows * group_rows;
    float* slopes_to_columns = a.slope_partials + slot_columns * group_rows;

    float exponent = static_cast<float>(-a.inverse_width * 1.4426950408889634);
    float far_slope = static_cast<float>(-a.lambda_sep * reduction_scale(a.reduction, a.counts[2 * batch], a.states) * a.inverse_width);
    float near_slope = static_cast<float>(a.lambda_inv * reduction_scale(a.reduction, a.counts[2 * batch + 1], a.states));

    if (p == q) {
        // Rows and columns add to the same slot, which starts at 0.
        for (u32 n = threadIdx.x; n < group_rows * (UNITS / 4); n += THREADS) {
            float* to = to_rows + static_cast<u64>(n / (UNITS / 4)) * a.stride + n % (UNITS / 4) * 4;
            *reinterpret_cast<float4*>(to) = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        }
        for (u32 r = threadIdx.x; chunk == 0 && r < group_rows; r += THREADS) slopes_to_rows[r] = 0.0f;
    }

    double separation = 0.0, invariance = 0.0;
    for (u32 panel = 0; panel < a.panels; panel++) {
        u32 row0 = p * group_rows + panel * ROWS;
        u32 first = p == q ? row0 : q * group_rows;
        u32 end = min((q + 1) * group_rows, a.states);
        if (row0 >= a.states || first >= end) continue;
        // Of different groups, every panel has rows of its own, and the first one meets all columns.
        bool fresh_rows = p != q, fresh_columns = p != q && panel == 0;
        __syncthreads();
        if (chunks == 1) fetch_states<ROWS, UNITS, THREADS>(room.rows, g + static_cast<u64>(row0) * a.stride, a.stride);
        for (u32 r = threadIdx.x; r < ROWS; r += THREADS) {
            room.row_positions[r] = single_position(positions, min(row0 + r, a.states - 1));
            room.row_norms[r] = squared_norm[row0 + r];
        }
        float row_sums[2][ROW_TILES][4] = {};
        float row_slopes[2][2] = {};
        if (chunks == 1) fetch_states<TILE_COLUMNS, UNITS, THREADS>(room.columns, g + static_cast<u64>(first) * a.stride, a.stride);
        for (u32 column0 = first; column0 < end; column0 += TILE_COLUMNS) {
            if (threadIdx.x < TILE_COLUMNS) {
                room.column_positions[threadIdx.x] = single_position(positions, min(column0 + threadIdx.x, a.states - 1));
                room.column_norms[threadIdx.x] = squared_norm[column0 + threadIdx.x];
            }
            __syncthreads();

            // Which of the thread's 32 pairs are far and near, while the states are on their way. Bit 16·m + 8·h + 2·n + s is row 16·m + 8·h, column 8·n + s.
            u32 far = 0, near = 0;
#pragma unroll
            for (int m = 0; m < 2; m++) {
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    float2 position = room.row_positions[warp_rows + 16 * m + 8 * h + row];
#pragma unroll
                    for (int n = 0; n < 8; n++) {
                        float2 other = room.column_positions[warp_columns + 8 * (n / 2) + 2 * at + n % 2];
                        float beyond = distance_beyond(a.limits, position, other);
                        far |= beyond > a.limits.tolerance ? 1u << (16 * m + 8 * h + n) : 0u;
                        near |= beyond < -a.limits.tolerance ? 1u << (16 * m + 8 * h + n) : 0u;
                    }
                }
            }
            // The few that single precision cannot decide, and tiles on the diagonal or at the end, of which only pairs i < j < S count.
            u32 look = ~(far | near);
            if (column0 < row0 + ROWS || column0 + TILE_COLUMNS > a.states) look = ~0u;
#pragma unroll 1
            for (; look; look &= look - 1) {
                u32 bit = __ffs(look) - 1, mask = 1u << bit;
                u32 i = row0 + warp_rows + bit / 8 * 8 + row, j = column0 + warp_columns + bit % 8 / 2 * 8 + 2 * at + bit % 2;
                if (i >= j || j >= a.states) {
                    far &= ~mask;
                    near &= ~mask;
                } else if (!((far | near) & mask)) {
                    u32 kind = exact_kind(a.limits, positions, i, j);
                    far |= kind == FAR ? mask : 0;
                    near |= kind == NEAR ? mask : 0;
                }
            }

            // g·g', over all units; the block's own chunk of them comes last and stays.
            float products[2][4][4] = {};
            for (u32 n = 1; n <= chunks; n++) {
                if (chunks > 1) {
                    u32 unit0 = (chunk + n) % chunks * UNITS;
                    __syncthreads();
                    fetch_states<ROWS, UNITS, THREADS>(room.rows, g + static_cast<u64>(row0) * a.stride + unit0, a.stride);
                    fetch_states<TILE_COLUMNS, UNITS, THREADS>(room.columns, g + static_cast<u64>(column0) * a.stride + unit0, a.stride);
                }
                copy_async_wait<0>();
                __syncthreads();
                const float* own_row = room.rows + (warp_rows + row) * static_cast<int>(UNITS);
                const float* other_row = room.columns + (warp_columns + row) * static_cast<int>(UNITS);
#pragma unroll UNROLL
                for (int k0 = 0; k0 < static_cast<int>(UNITS); k0 += 8 * static_cast<int>(PARTS)) {
                    Operand<PARTS> own[2][PARTS][4];
#pragma unroll
                    for (int step = 0; step < static_cast<int>(PARTS); step++) {
                        int k = (k0 + 8 * step + at) ^ by_row;
#pragma unroll
                        for (int m = 0; m < 2; m++) {
                            const float* from = own_row + 16 * m * static_cast<int>(UNITS);
                            own[m][step][0].set(from[k]);
                            own[m][step][1].set(from[k + 8 * static_cast<int>(UNITS)]);
                            own[m][step][2].set(from[k ^ 4]);
                            own[m][step][3].set(from[(k ^ 4) + 8 * static_cast<int>(UNITS)]);
                        }
                    }
#pragma unroll
                    for (int n = 0; n < 4; n++) {
                        Operand<PARTS> other[PARTS][2];
#pragma unroll
                        for (int step = 0; step < static_cast<int>(PARTS); step++) {
                            int k = (k0 + 8 * step + at) ^ by_row;
                            other[step][0].set(other_row[k + 8 * n * static_cast<int>(UNITS)]);
                            other[step][1].set(other_row[(k ^ 4) + 8 * n * static_cast<int>(UNITS)]);
                        }
#pragma unroll
                        for (int m = 0; m < 2; m++) multiply<PARTS>(products[m][n], own[m], other);
                    }
                }
            }

            // Slopes and losses.
            float tile_separation = 0.0f, tile_invariance = 0.0f;
            float column_slopes[4][2] = {};
#pragma unroll
            for (int m = 0; m < 2; m++) {
#pragma unroll
                for (int h = 0; h < 2; h++) {
                    int r = warp_rows + 16 * m + 8 * h + row;
                    float norm = room.row_norms[r];
                    float* to = room.slopes + r * TILE_COLUMNS;
#pragma unroll
                    for (int n = 0; n < 4; n++) {
                        float pair[2];
#pragma unroll
                        for (int s = 0; s < 2; s++) {
                            u32 mask = 1u << (16 * m + 8 * h + 2 * n + s);
                            float product = products[m][n][2 * h + s];
                            float squared = fmaf(-2.0f, product, norm + room.column_norms[warp_columns + 8 * n + 2 * at + s]);
                            // Not `fmaxf`: what is not a number must not pass for 0.
                            squared = squared < 0.0f ? 0.0f : squared;
                            float e = far & mask ? exp2_approx(squared * exponent) : 0.0f;
                            tile_separation += e;
                            tile_invariance += near & mask ? squared : 0.0f;
                            float slope = fmaf(far_slope, e, near & mask ? near_slope : 0.0f);
                            if (PARTS == 1) slope = __uint_as_float(to_tf32(slope));
                            pair[s] = slope;
                            row_slopes[m][h] += slope;
                            column_slopes[n][s] += slope;
                        }
                        *reinterpret_cast<float2*>(to + ((warp_columns + 8 * n + 2 * at) ^ by_row)) = make_float2(pair[0], pair[1]);
                    }
                }
            }
            separation += tile_separation;
            invariance += tile_invariance;
#pragma unroll
            for (int n = 0; n < 4; n++) {
#pragma unroll
                for (int s = 0; s < 2; s++) {
                    float sum = column_slopes[n][s];
                    for (u32 step = 4; step < 32; step *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
                    if (row == 0) room.column_slopes[warp / 2][warp_columns + 8 * n + 2 * at + s] = sum;
                }
            }
            __syncthreads();

            // Rows: Σ_j c·g_j.
            const float* own_slopes = room.slopes + (warp_rows + row) * TILE_COLUMNS;
#pragma unroll UNROLL
            for (int k0 = 0; k0 < TILE_COLUMNS; k0 += 8 * static_cast<int>(PARTS)) {
                Operand<PARTS> own[2][PARTS][4];
#pragma unroll
                for (int step = 0; step < static_cast<int>(PARTS); step++) {
                    int k = (k0 + 8 * step + at) ^ by_row;
#pragma unroll
                    for (int m = 0; m < 2; m++) {
                        const float* from = own_slopes + 16 * m * TILE_COLUMNS;
                        own[m][step][0].set(from[k]);
                        own[m][step][1].set(from[k + 8 * TILE_COLUMNS]);
                        own[m][step][2].set(from[k ^ 4]);
                        own[m][step][3].set(from[(k ^ 4) + 8 * TILE_COLUMNS]);
                    }
                }
                const float* others = room.columns + (k0 + at) * static_cast<int>(UNITS);
#pragma unroll
                for (int n = 0; n < static_cast<int>(ROW_TILES); n++) {
                    int unit = ((warp_units + 8 * n) ^ by_at) + row;
                    Operand<PARTS> other[PARTS][2];
#pragma unroll
                    for (int step = 0; step < static_cast<int>(PARTS); step++) {
                        other[step][0].set(others[unit + 8 * step * static_cast<int>(UNITS)]);
                        other[step][1].set(others[(unit ^ 4) + (8 * step + 4) * static_cast<int>(UNITS)]);
                    }
#pragma unroll
                    for (int m = 0; m < 2; m++) multiply<PARTS>(row_sums[m][n], own[m], other);
                }
            }
            __syncthreads();
            // The next columns' states are on their way while the columns' sums are formed.
            if (chunks == 1 && column0 + TILE_COLUMNS < end) {
                fetch_states<TILE_COLUMNS, UNITS, THREADS>(room.columns, g + static_cast<u64>(column0 + TILE_COLUMNS) * a.stride, a.stride);
            }

            // Columns: Σ_i c·g_i.
            float column_sums[2][COLUMN_TILES][4] = {};
#pragma unroll UNROLL
            for (int k0 = 0; k0 < static_cast<int>(ROWS); k0 += 8 * static_cast<int>(PARTS)) {
                Operand<PARTS> own[2][PARTS][4];
                const float* slopes = room.slopes + (k0 + at) * TILE_COLUMNS;
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    int low = ((share_columns + 16 * m) ^ by_at) + row, high = ((share_columns + 16 * m + 8) ^ by_at) + row;
#pragma unroll
                    for (int step = 0; step < static_cast<int>(PARTS); step++) {
                        own[m][step][0].set(slopes[low + 8 * step * TILE_COLUMNS]);
                        own[m][step][1].set(slopes[high + 8 * step * TILE_COLUMNS]);
                        own[m][step][2].set(slopes[(low ^ 4) + (8 * step + 4) * TILE_COLUMNS]);
                        own[m][step][3].set(slopes[(high ^ 4) + (8 * step + 4) * TILE_COLUMNS]);
                    }
                }
                const float* others = room.rows + (k0 + at) * static_cast<int>(UNITS);
#pragma unroll
                for (int n = 0; n < static_cast<int>(COLUMN_TILES); n++) {
                    int unit = ((share_units + 8 * n) ^ by_at) + row;
                    Operand<PARTS> other[PARTS][2];
#pragma unroll
                    for (int step = 0; step < static_cast<int>(PARTS); step++) {
                        other[step][0].set(others[unit + 8 * step * static_cast<int>(UNITS)]);
                        other[step][1].set(others[(unit ^ 4) + (8 * step + 4) * static_cast<int>(UNITS)]);
                    }
#pragma unroll
                    for (int m = 0; m < 2; m++) multiply<PARTS>(column_sums[m][n], own[m], other);
                }
            }
            u32 own_column0 = column0 - q * group_rows;
#pragma unroll
            for (int m = 0; m < 2; m++) {
                float* to[2 * COLUMN_TILES];
                float2 sums[2 * COLUMN_TILES];
#pragma unroll
                for (int n = 0; n < static_cast<int>(2 * COLUMN_TILES); n++) {
                    u32 c = own_column0 + share_columns + 16 * m + n % 2 * 8 + row, unit = share_units + n / 2 * 8 + 2 * at;
                    to[n] = to_columns + static_cast<u64>(c) * a.stride + unit;
                    sums[n] = make_float2(column_sums[m][n / 2][n % 2 * 2], column_sums[m][n / 2][n % 2 * 2 + 1]);
                }
                put_pairs(to, sums, fresh_columns);
            }
            if (chunk == 0 && threadIdx.x < TILE_COLUMNS) {
                float sum = fresh_columns ? 0.0f : slopes_to_columns[own_column0 + threadIdx.x];
                for (u32 n = 0; n < ROWS / 32; n++) sum += room.column_slopes[n][threadIdx.x];
                slopes_to_columns[own_column0 + threadIdx.x] = sum;
            }
            __syncthreads();
        }

        // The panel's rows are done. The barrier above orders these sums after those of the columns, which may be the same states.
        u32 own_row0 = row0 - p * group_rows;
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                int r = warp_rows + 16 * m + 8 * h + row;
                float* to[ROW_TILES];
                float2 sums[ROW_TILES];
#pragma unroll
                for (int n = 0; n < static_cast<int>(ROW_TILES); n++) {
                    to[n] = to_rows + static_cast<u64>(own_row0 + r) * a.stride + warp_units + 8 * n + 2 * at;
                    sums[n] = make_float2(row_sums[m][n][2 * h], row_sums[m][n][2 * h + 1]);
                }
                put_pairs(to, sums, fresh_rows);
                float sum = row_slopes[m][h];
                sum += __shfl_xor_sync(ALL_LANES, sum, 1);
                sum += __shfl_xor_sync(ALL_LANES, sum, 2);
                if (at == 0) room.row_slopes[warp % 2][r] = sum;
            }
        }
        __syncthreads();
        if (chunk == 0 && threadIdx.x < ROWS) {
            float before = fresh_rows ? 0.0f : slopes_to_rows[own_row0 + threadIdx.x];
            slopes_to_rows[own_row0 + threadIdx.x] = before + room.row_slopes[0][threadIdx.x] + room.row_slopes[1][threadIdx.x];
        }
    }
    separation = block_sum(separation, room.sums);
    invariance = block_sum(invariance, room.sums);
    if (chunk == 0 && threadIdx.x == 0) {
        // In the order of `group_pair`, batch by batch.
        u64 pairs = static_cast<u64>(a.groups) * (a.groups + 1) / 2;
        u64 to = batch * pairs + static_cast<u64>(p) * a.groups - static_cast<u64>(p) * (p + 1) / 2 + q;
        a.losses[2 * to] = separation;
        a.losses[2 * to + 1] = invariance;
    }
}

// The macro takes its arguments as numbers even where they are macros themselves.
#define PAIR_SWEEP(rows, units) PAIR_SWEEP_OF(rows, units)
#define PAIR_SWEEP_OF(rows, units)                                                                                     \
    KERNEL(pair_sweep_##rows##_##units##_f32, PairArgs, rows * 2, 256 / (rows * 2)) { pair_sweep<rows, units, 2>(a); } \
    KERNEL(pair_sweep_##rows##_##units##_tf32, PairArgs, rows * 2, 256 / (rows * 2)) { pair_sweep<rows, units, 1>(a); }

#if defined(PAIR_ROWS)
// One module for each size, so that a GPU's driver need only take in the one that a network needs.
PAIR_SWEEP(PAIR_ROWS, PAIR_UNITS)
#elif defined(GRIDLAKE_EMULATED)
PAIR_SWEEP(64, 64)
PAIR_SWEEP(64, 96)
PAIR_SWEEP(64, 128)
PAIR_SWEEP(128, 64)
PAIR_SWEEP(128, 96)
PAIR_SWEEP(128, 128)
#endif

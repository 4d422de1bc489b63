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

#ifndef PAIR_ROWS
// Counts pairs by position. Grid: tiles of the upper triangle as (row, column) with columns before rows idle, batches.
KERNEL(count_pairs, PairArgs, COUNT_THREADS, 4) {
    __shared__ float2 columns[COUNT_TILE];
    __shared__ u64 room[COUNT_THREADS / 32];
    u32 row0 = blockIdx.y * COUNT_TILE, column0 = blockIdx.x * COUNT_TILE;
    if (column0 < row0) return;
    const double* positions = a.positions + 2ull * blockIdx.z * a.states_padded;
    for (u32 at = threadIdx.x; at < COUNT_TILE; at += COUNT_THREADS) {
        u32 j = min(column0 + at, a.states - 1);
        columns[at] = make_float2(static_cast<float>(positions[2 * j]), static_cast<float>(positions[2 * j + 1]));
    }
    __syncthreads();
    u32 i = row0 + threadIdx.x % COUNT_TILE, half = threadIdx.x / COUNT_TILE * (COUNT_TILE / 2);
    u32 far = 0, near = 0;
    if (i < a.states) {
        float2 own = make_float2(static_cast<float>(positions[2 * i]), static_cast<float>(positions[2 * i + 1]));
        u32 end = min(COUNT_TILE / 2, left(column0 + half, a.states));
        for (u32 at = 0; at < end; at++) {
            u32 j = column0 + half + at;
            u32 kind = pair_kind(a.limits, own, columns[half + at], positions + 2 * i, positions + 2 * j);
            u32 orders = j > i ? 2 : j == i ? 1 : 0;
            far += kind == FAR ? orders : 0;
            near += kind == NEAR ? orders : 0;
        }
    }
    u64 both = block_sum(static_cast<u64>(far) << 32 | near, room);
    if (threadIdx.x == 0) {
        // Integers: the order does not matter.
        atomicAdd(a.counts + 2 * blockIdx.z, both >> 32);
        atomicAdd(a.counts + 2 * blockIdx.z + 1, both & 0xffffffffull);
    }
}
#endif

#define TILE_COLUMNS 64

// A row's places in shared memory are exchanged in groups of four, by eight rows' numbers, so that neither reading rows nor reading columns meets a bank twice.
DEVICE u32 exchange(u32 row) { return (row & 3) << 3 | (row & 4); }
DEVICE u32 place(u32 row, u32 column, u32 width) { return row * width + (column ^ exchange(row)); }

// One operand's value as PARTS numbers in TF32 whose sum it is.
template <u32 PARTS>
struct Operand {
    u32 part[PARTS];
    DEVICE void set(float x) {
        part[0] = __float_as_uint(x);
        if constexpr (PARTS == 2) {
            // Cut, not rounded: the rest is exact.
            part[0] &= 0xffffe000u;
            part[1] = __float_as_uint(x - __uint_as_float(part[0]));
        }
    }
};

// d += a·b. In two parts: the small products first, and the rest times the rest, below 2⁻²², left out.
template <u32 PARTS>
DEVICE void multiply(float (&d)[4], const Operand<PARTS> (&a)[4], const Operand<PARTS> (&b)[2]) {
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

DEVICE void add_two(float* to, float x, float y) {
    float2 sum = *reinterpret_cast<float2*>(to);
    *reinterpret_cast<float2*>(to) = make_float2(sum.x + x, sum.y + y);
}

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

template <u32 ROWS, u32 UNITS, u32 PARTS>
DEVICE void pair_sweep(const PairArgs& a) {
    constexpr u32 THREADS = ROWS * 2;
    // Tiles of 8 units that a warp sums: for rows, half of the units; for columns, a share.
    constexpr u32 ROW_TILES = UNITS / 16, COLUMN_SHARE = UNITS / (ROWS / 32), COLUMN_TILES = COLUMN_SHARE / 8;
    static_assert(sizeof(SweepRoom<ROWS, UNITS>) == 4 * SweepRoom<ROWS, UNITS>::FLOATS + 8 * (ROWS / 16), "as in Rust");
    DYNAMIC_SHARED(dynamic);
    SweepRoom<ROWS, UNITS>& room = *reinterpret_cast<SweepRoom<ROWS, UNITS>*>(dynamic);
    u32 batch, p, q;
    group_pair(blockIdx.x, a.batches, a.groups, batch, p, q);
    u32 chunk = blockIdx.y, chunks = gridDim.y;
    u32 lane = lane_index(), row = lane / 4, at = lane % 4;
    u32 warp_rows = warp_index() / 2 * 32, warp_columns = warp_index() % 2 * 32;
    u32 share_columns = warp_index() % 2 * 32, share_units = warp_index() / 2 * COLUMN_SHARE;

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

    // Slots start at 0, so that every tile adds.
    for (u32 r = threadIdx.x / (UNITS / 4); r < group_rows; r += THREADS / (UNITS / 4)) {
        if (threadIdx.x >= THREADS / (UNITS / 4) * (UNITS / 4)) break;
        u32 unit = threadIdx.x % (UNITS / 4) * 4;
        float4 zero = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        *reinterpret_cast<float4*>(to_rows + static_cast<u64>(r) * a.stride + unit) = zero;
        *reinterpret_cast<float4*>(to_columns + static_cast<u64>(r) * a.stride + unit) = zero;
    }
    for (u32 r = threadIdx.x; chunk == 0 && r < group_rows; r += THREADS) slopes_to_rows[r] = slopes_to_columns[r] = 0.0f;

    double separation = 0.0, invariance = 0.0;
    for (u32 panel = 0; panel < a.panels; panel++) {
        u32 row0 = p * group_rows + panel * ROWS;
        u32 first = p == q ? row0 : q * group_rows;
        u32 end = min((q + 1) * group_rows, a.states);
        if (row0 >= a.states || first >= end) continue;
        __syncthreads();
        if (chunks == 1) fetch_states<ROWS, UNITS, THREADS>(room.rows, g + static_cast<u64>(row0) * a.stride, a.stride);
        for (u32 r = threadIdx.x; r < ROWS; r += THREADS) {
            u32 i = min(row0 + r, a.states - 1);
            room.row_positions[r] = make_float2(static_cast<float>(positions[2 * i]), static_cast<float>(positions[2 * i + 1]));
            room.row_norms[r] = squared_norm[row0 + r];
        }
        float row_sums[2][ROW_TILES][4] = {};
        float row_slopes[2][2] = {};
        if (chunks == 1) fetch_states<TILE_COLUMNS, UNITS, THREADS>(room.columns, g + static_cast<u64>(first) * a.stride, a.stride);
        for (u32 column0 = first; column0 < end; column0 += TILE_COLUMNS) {
            if (threadIdx.x < TILE_COLUMNS) {
                u32 j = min(column0 + threadIdx.x, a.states - 1);
                room.column_positions[threadIdx.x] = make_float2(static_cast<float>(positions[2 * j]), static_cast<float>(positions[2 * j + 1]));
                room.column_norms[threadIdx.x] = squared_norm[column0 + threadIdx.x];
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
#pragma unroll 2
                for (u32 k = at; k < UNITS; k += 8) {
                    Operand<PARTS> own[2][4];
#pragma unroll
                    for (u32 m = 0; m < 2; m++) {
                        u32 r = warp_rows + 16 * m + row;
                        own[m][0].set(room.rows[place(r, k, UNITS)]);
                        own[m][1].set(room.rows[place(r + 8, k, UNITS)]);
                        own[m][2].set(room.rows[place(r, k + 4, UNITS)]);
                        own[m][3].set(room.rows[place(r + 8, k + 4, UNITS)]);
                    }
#pragma unroll
                    for (u32 n = 0; n < 4; n++) {
                        Operand<PARTS> other[2];
                        u32 c = warp_columns + 8 * n + row;
                        other[0].set(room.columns[place(c, k, UNITS)]);
                        other[1].set(room.columns[place(c, k + 4, UNITS)]);
#pragma unroll
                        for (u32 m = 0; m < 2; m++) multiply<PARTS>(products[m][n], own[m], other);
                    }
                }
            }

            // Slopes and losses.
            float tile_separation = 0.0f, tile_invariance = 0.0f;
            float column_slopes[4][2] = {};
#pragma unroll
            for (u32 m = 0; m < 2; m++) {
#pragma unroll
                for (u32 h = 0; h < 2; h++) {
                    u32 r = warp_rows + 16 * m + 8 * h + row, i = row0 + r;
                    float2 position = room.row_positions[r];
                    float norm = room.row_norms[r];
#pragma unroll
                    for (u32 n = 0; n < 4; n++) {
                        float pair[2];
#pragma unroll
                        for (u32 s = 0; s < 2; s++) {
                            u32 c = warp_columns + 8 * n + 2 * at + s, j = column0 + c;
                            float squared = fmaxf(fmaf(-2.0f, products[m][n][2 * h + s], norm + room.column_norms[c]), 0.0f);
                            // What is not a number must not pass for 0.
                            if (products[m][n][2 * h + s] != products[m][n][2 * h + s]) squared = products[m][n][2 * h + s];
                            u32 kind = NEITHER;
                            if (i < j && j < a.states) {
                                kind = pair_kind(a.limits, position, room.column_positions[c], positions + 2 * i, positions + 2 * j);
                            }
                            float e = kind == FAR ? exp2_approx(squared * exponent) : 0.0f;
                            tile_separation += e;
                            tile_invariance += kind == NEAR ? squared : 0.0f;
                            float slope = fmaf(far_slope, e, kind == NEAR ? near_slope : 0.0f);
                            if (PARTS == 1) slope = __uint_as_float(to_tf32(slope));
                            pair[s] = slope;
                            row_slopes[m][h] += slope;
                            column_slopes[n][s] += slope;
                        }
                        *reinterpret_cast<float2*>(&room.slopes[place(r, warp_columns + 8 * n + 2 * at, TILE_COLUMNS)]) =
                            make_float2(pair[0], pair[1]);
                    }
                }
            }
            separation += tile_separation;
            invariance += tile_invariance;
#pragma unroll
            for (u32 n = 0; n < 4; n++) {
#pragma unroll
                for (u32 s = 0; s < 2; s++) {
                    float sum = column_slopes[n][s];
                    for (u32 step = 4; step < 32; step *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
                    if (row == 0) room.column_slopes[warp_index() / 2][warp_columns + 8 * n + 2 * at + s] = sum;
                }
            }
            __syncthreads();

            // Rows: Σ_j c·g_j.
#pragma unroll 2
            for (u32 k = at; k < TILE_COLUMNS; k += 8) {
                Operand<PARTS> own[2][4];
#pragma unroll
                for (u32 m = 0; m < 2; m++) {
                    u32 r = warp_rows + 16 * m + row;
                    own[m][0].set(room.slopes[place(r, k, TILE_COLUMNS)]);
                    own[m][1].set(room.slopes[place(r + 8, k, TILE_COLUMNS)]);
                    own[m][2].set(room.slopes[place(r, k + 4, TILE_COLUMNS)]);
                    own[m][3].set(room.slopes[place(r + 8, k + 4, TILE_COLUMNS)]);
                }
#pragma unroll
                for (u32 n = 0; n < ROW_TILES; n++) {
                    u32 unit = warp_columns / 32 * (UNITS / 2) + 8 * n + row;
                    Operand<PARTS> other[2];
                    other[0].set(room.columns[place(k, unit, UNITS)]);
                    other[1].set(room.columns[place(k + 4, unit, UNITS)]);
#pragma unroll
                    for (u32 m = 0; m < 2; m++) multiply<PARTS>(row_sums[m][n], own[m], other);
                }
            }
            __syncthreads();
            // The next columns' states are on their way while the columns' sums are formed.
            if (chunks == 1 && column0 + TILE_COLUMNS < end) {
                fetch_states<TILE_COLUMNS, UNITS, THREADS>(room.columns, g + static_cast<u64>(column0 + TILE_COLUMNS) * a.stride, a.stride);
            }

            // Columns: Σ_i c·g_i.
            float column_sums[2][COLUMN_TILES][4] = {};
#pragma unroll 2
            for (u32 k = at; k < ROWS; k += 8) {
                Operand<PARTS> own[2][4];
#pragma unroll
                for (u32 m = 0; m < 2; m++) {
                    u32 c = share_columns + 16 * m + row;
                    own[m][0].set(room.slopes[place(k, c, TILE_COLUMNS)]);
                    own[m][1].set(room.slopes[place(k, c + 8, TILE_COLUMNS)]);
                    own[m][2].set(room.slopes[place(k + 4, c, TILE_COLUMNS)]);
                    own[m][3].set(room.slopes[place(k + 4, c + 8, TILE_COLUMNS)]);
                }
#pragma unroll
                for (u32 n = 0; n < COLUMN_TILES; n++) {
                    u32 unit = share_units + 8 * n + row;
                    Operand<PARTS> other[2];
                    other[0].set(room.rows[place(k, unit, UNITS)]);
                    other[1].set(room.rows[place(k + 4, unit, UNITS)]);
#pragma unroll
                    for (u32 m = 0; m < 2; m++) multiply<PARTS>(column_sums[m][n], own[m], other);
                }
            }
            u32 own_column0 = column0 - q * group_rows;
#pragma unroll
            for (u32 m = 0; m < 2; m++) {
#pragma unroll
                for (u32 n = 0; n < COLUMN_TILES; n++) {
#pragma unroll
                    for (u32 h = 0; h < 2; h++) {
                        u32 c = own_column0 + share_columns + 16 * m + 8 * h + row, unit = share_units + 8 * n + 2 * at;
                        add_two(to_columns + static_cast<u64>(c) * a.stride + unit, column_sums[m][n][2 * h], column_sums[m][n][2 * h + 1]);
                    }
                }
            }
            if (chunk == 0 && threadIdx.x < TILE_COLUMNS) {
                float sum = 0.0f;
                for (u32 n = 0; n < ROWS / 32; n++) sum += room.column_slopes[n][threadIdx.x];
                slopes_to_columns[own_column0 + threadIdx.x] += sum;
            }
            __syncthreads();
        }

        // The panel's rows are done. The barrier above orders these sums after those of the columns, which may be the same states.
        u32 own_row0 = row0 - p * group_rows;
#pragma unroll
        for (u32 m = 0; m < 2; m++) {
#pragma unroll
            for (u32 h = 0; h < 2; h++) {
                u32 r = warp_rows + 16 * m + 8 * h + row;
#pragma unroll
                for (u32 n = 0; n < ROW_TILES; n++) {
                    u32 unit = warp_columns / 32 * (UNITS / 2) + 8 * n + 2 * at;
                    add_two(to_rows + static_cast<u64>(own_row0 + r) * a.stride + unit, row_sums[m][n][2 * h], row_sums[m][n][2 * h + 1]);
                }
                float sum = row_slopes[m][h];
                sum += __shfl_xor_sync(ALL_LANES, sum, 1);
                sum += __shfl_xor_sync(ALL_LANES, sum, 2);
                if (at == 0) room.row_slopes[warp_index() % 2][r] = sum;
            }
        }
        __syncthreads();
        if (chunk == 0 && threadIdx.x < ROWS) slopes_to_rows[own_row0 + threadIdx.x] += room.row_slopes[0][threadIdx.x] + room.row_slopes[1][threadIdx.x];
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

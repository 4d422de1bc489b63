// Batches made on the device, the same to the bit as `Batch::redraw` makes them from the same stream (see mod.rs).
#include "chacha.cuh"
#include "input.cuh"

struct DrawArgs {
    const StepInput* inputs;
    const Progress* progress;
    // (A): u64s of the stream used before each batch's orders.
    u64* offsets;
    // Set where a choice was rejected.
    u32* rejected;
    // (A, K, 2), m per step, and the same in single precision.
    double* velocities;
    float* velocities_single;
    // (A, B, T): the velocity of each step.
    u32* index;
    // (A, K, U): the states that use each velocity, by trajectory.
    u32* uses;
    // (A, states_padded, 2), m.
    double* positions;
    // (A, states_padded), m.
    double* speeds;
    double limit;
    u32 batches, batch, length, velocities_count, states_padded;
    u32 permuted, disc;
    // Draws everything serially: where an order is too long for shared memory.
    u32 serial;
};
static_assert(sizeof(DrawArgs) == 120, "as in Rust");

#define DRAW_THREADS 256
#define DRAW_WARPS (DRAW_THREADS / 32)

// low + (high - low)·u with u uniform in [0, 1), 53 bits; each operation rounded, as on the host.
DEVICE double uniform_velocity(u64 bits, double limit) {
    double unit = __dmul_rn(static_cast<double>(bits >> 11), 1.0 / 9007199254740992.0);
    return __dadd_rn(-limit, __dmul_rn(__dsub_rn(limit, -limit), unit));
}

DEVICE void store_velocity(const DrawArgs& a, u64 at, double x, double y) {
    a.velocities[2 * at] = x;
    a.velocities[2 * at + 1] = y;
    a.velocities_single[2 * at] = static_cast<float>(x);
    a.velocities_single[2 * at + 1] = static_cast<float>(y);
}

DEVICE bool in_disc(const DrawArgs& a, double x, double y) {
    return __dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y)) <= __dmul_rn(a.limit, a.limit);
}

// Velocities of one batch from a disc, by one block, from draw `from` on: those outside are drawn again, and every try takes two draws, so that many can be made at once.
// Returns the draw after the last that was needed.
DEVICE u64 velocities_in_disc(const DrawArgs& a, const u32* key, u32 batch, u64 from, u32* room) {
    u32 found = 0;
    while (true) {
        Stream stream(key, from + 2ull * threadIdx.x);
        double x = uniform_velocity(stream.next(), a.limit), y = uniform_velocity(stream.next(), a.limit);
        bool inside = in_disc(a, x, y);
        u32 lanes = __ballot_sync(ALL_LANES, inside);
        if (lane_index() == 0) room[warp_index()] = __popc(lanes);
        __syncthreads();
        u32 place = found + __popc(lanes & ((1u << lane_index()) - 1));
        for (u32 warp = 0; warp < DRAW_WARPS; warp++) {
            place += warp < warp_index() ? room[warp] : 0;
            found += room[warp];
        }
        if (inside && place < a.velocities_count) store_velocity(a, static_cast<u64>(batch) * a.velocities_count + place, x, y);
        // Whose try was the last that was needed tells the others.
        if (inside && place == a.velocities_count - 1) room[DRAW_WARPS] = threadIdx.x;
        __syncthreads();
        if (found >= a.velocities_count) break;
        from += 2 * DRAW_THREADS;
    }
    u64 next = from + 2ull * room[DRAW_WARPS] + 2;
    __syncthreads();
    return next;
}

// The same, one after the other, by one thread.
DEVICE void serial_velocities(const DrawArgs& a, u32 batch, Stream& stream) {
    for (u32 k = 0; k < a.velocities_count; k++) {
        double x, y;
        do {
            x = uniform_velocity(stream.next(), a.limit);
            y = uniform_velocity(stream.next(), a.limit);
        } while (a.disc && !in_disc(a, x, y));
        store_velocity(a, static_cast<u64>(batch) * a.velocities_count + k, x, y);
    }
}

// Draws the velocities of all batches, and finds where in the stream each batch's orders begin. One block for a disc.
KERNEL(draw_velocities, DrawArgs, DRAW_THREADS, 1) {
    __shared__ u32 room[DRAW_WARPS + 1];
    const u32* key = a.inputs[a.progress->slot].key;
    u64 orders = a.permuted ? static_cast<u64>(a.batch) * (a.length - 1) : 0;
    if (blockIdx.x == 0 && threadIdx.x == 0) *a.rejected = a.serial;
    if (a.disc) {
        u64 next = 0;
        for (u32 batch = 0; batch < a.batches; batch++) {
            next = velocities_in_disc(a, key, batch, next, room);
            if (threadIdx.x == 0) a.offsets[batch] = next;
            next += orders;
        }
        return;
    }
    u64 each = 2ull * a.velocities_count + orders;
    u32 count = a.batches * a.velocities_count;
    for (u32 at = blockIdx.x * blockDim.x + threadIdx.x; at < count; at += gridDim.x * blockDim.x) {
        u32 batch = at / a.velocities_count, k = at % a.velocities_count;
        Stream stream(key, batch * each + 2ull * k);
        double x = uniform_velocity(stream.next(), a.limit), y = uniform_velocity(stream.next(), a.limit);
        store_velocity(a, at, x, y);
        if (k == 0) a.offsets[batch] = batch * each + 2ull * a.velocities_count;
    }
}

// Which of `count` a draw chooses (Lemire 2019); `rejected` if it must be drawn again to be without bias.
DEVICE u32 choose(u64 bits, u64 count, bool& rejected) {
    rejected = bits * count < (0ull - count) % count;
    return static_cast<u32>(__umul64hi(bits, count));
}

DEVICE void swap_places(u32* order, u32 a, u32 b) {
    u32 kept = order[a];
    order[a] = order[b];
    order[b] = kept;
}

// Positions, speeds and uses of one trajectory whose order is known; all lanes of a warp. `order` is null where each step has a velocity of its own.
DEVICE void follow(const DrawArgs& a, u32 batch, u32 trajectory, const u32* order) {
    u64 first = static_cast<u64>(batch) * a.states_padded + static_cast<u64>(trajectory) * a.length;
    u64 drawn = static_cast<u64>(batch) * a.velocities_count;
    u64 row = (static_cast<u64>(batch) * a.batch + trajectory) * a.length;
    for (u32 t = lane_index(); t < a.length; t += 32) {
        u32 k = order ? order[t] : trajectory * a.length + t;
        double x = a.velocities[2 * (drawn + k)], y = a.velocities[2 * (drawn + k) + 1];
        a.speeds[first + t] = __dsqrt_rn(__dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y)));
        a.index[row + t] = k;
        a.uses[order ? (drawn + k) * a.batch + trajectory : drawn + k] = trajectory * a.length + t;
    }
    if (lane_index() < 2) {
        double at = 0.0;
        for (u32 t = 0; t < a.length; t++) {
            u32 k = order ? order[t] : trajectory * a.length + t;
            at = __dadd_rn(at, a.velocities[2 * (drawn + k) + lane_index()]);
            a.positions[2 * (first + t) + lane_index()] = at;
        }
    }
}

// Draws each trajectory's order of the velocities, and follows it: a warp per trajectory, with room for two lists of its length in shared memory.
KERNEL(draw_orders, DrawArgs, DRAW_THREADS, 2) {
    DYNAMIC_SHARED(dynamic);
    u32 trajectory = blockIdx.x * (blockDim.x / 32) + warp_index(), batch = blockIdx.y;
    if (trajectory >= a.batch) return;
    if (!a.permuted) {
        follow(a, batch, trajectory, nullptr);
        return;
    }
    const u32* key = a.inputs[a.progress->slot].key;
    u32* choice = reinterpret_cast<u32*>(dynamic) + 2 * a.length * warp_index();
    u32* order = choice + a.length;
    for (u32 t = lane_index(); t < a.length; t += 32) order[t] = t;
    // The choices come first, all lanes together: draw j is for place length - 1 - j.
    u32 choices = a.length - 1;
    u64 from = a.offsets[batch] + static_cast<u64>(trajectory) * choices;
    bool bad = false;
    for (u64 block = from / 8 + lane_index(); block * 8 < from + choices; block += 32) {
        Stream stream(key, block * 8);
        for (u64 at = block * 8; at < block * 8 + 8; at++) {
            u64 bits = stream.next();
            if (at < from || at >= from + choices) continue;
            u32 last = choices - static_cast<u32>(at - from);
            bool rejected;
            choice[last] = choose(bits, last + 1, rejected);
            bad |= rejected;
        }
    }
    if (bad) *a.rejected = 1;
    __syncwarp();
    if (lane_index() == 0) {
        for (u32 last = choices; last >= 1; last--) swap_places(order, last, choice[last]);
    }
    __syncwarp();
    follow(a, batch, trajectory, order);
}

// All anew, one draw after the other, where a choice was rejected: that happens once in 10¹⁵ steps, and must not change what is drawn.
KERNEL(draw_serially, DrawArgs, 32, 1) {
    if (*a.rejected == 0) return;
    if (lane_index() == 0) {
        Stream stream(a.inputs[a.progress->slot].key, 0);
        for (u32 batch = 0; batch < a.batches; batch++) {
            serial_velocities(a, batch, stream);
            for (u32 trajectory = 0; a.permuted && trajectory < a.batch; trajectory++) {
                u32* order = a.index + (static_cast<u64>(batch) * a.batch + trajectory) * a.length;
                for (u32 t = 0; t < a.length; t++) order[t] = t;
                for (u32 last = a.length - 1; last >= 1; last--) {
                    bool rejected;
                    u32 chosen;
                    do chosen = choose(stream.next(), last + 1, rejected);
                    while (rejected);
                    swap_places(order, last, chosen);
                }
            }
        }
    }
    __syncwarp();
    for (u32 at = 0; at < a.batches * a.batch; at++) {
        u32* order = a.permuted ? a.index + static_cast<u64>(at) * a.length : nullptr;
        follow(a, at / a.batch, at % a.batch, order);
        __syncwarp();
    }
}

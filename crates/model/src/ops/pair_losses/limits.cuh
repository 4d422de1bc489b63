// Which pairs of positions are far and which near, and what their losses weigh. Shared by the counting and the sweep.
#pragma once
#include "../../cuda/device.cuh"

struct PairLimits {
    // Limits on squared distances, m²: far iff above `above`, near iff below `below` (`squared_limits`, cpu.rs).
    double above, below;
    // σ_x² in single precision, and how far from it a squared distance in single precision decides.
    float limit, tolerance;
};

enum PairKind : u32 { NEITHER = 0, FAR = 1, NEAR = 2 };

// A position in single precision.
DEVICE float2 single_position(const double* positions, u32 state) {
    return make_float2(static_cast<float>(positions[2 * state]), static_cast<float>(positions[2 * state + 1]));
}

// ‖a - b‖² - σ_x² in single precision: above the tolerance the pair is certainly far, below its negative certainly near.
DEVICE float distance_beyond(const PairLimits& limits, float2 a, float2 b) {
    float dx = a.x - b.x, dy = a.y - b.y;
    return fmaf(dx, dx, dy * dy) - limits.limit;
}

// What a pair is, as the host decides it in `f64`.
DEVICE u32 exact_kind(const PairLimits& limits, const double* positions, u32 i, u32 j) {
    double x = __dsub_rn(positions[2 * i], positions[2 * j]), y = __dsub_rn(positions[2 * i + 1], positions[2 * j + 1]);
    double squared = __dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y));
    return squared > limits.above ? FAR : squared < limits.below ? NEAR : NEITHER;
}

// `Reduction` of mod.rs.
enum Reduction : u32 { MEAN_SELECTED = 0, MEAN_ALL = 1, SUM = 2 };

// One over the divisor of a sum over `selected` of the pairs of `states` states.
DEVICE double reduction_scale(u32 reduction, u64 selected, u32 states) {
    switch (reduction) {
        case MEAN_SELECTED: return 1.0 / static_cast<double>(selected > 0 ? selected : 1);
        case MEAN_ALL: return 1.0 / (static_cast<double>(states) * static_cast<double>(states));
        default: return 1.0;
    }
}

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

// Decides as `f64` does: in single precision where that is certain, else from the exact positions.
DEVICE u32 pair_kind(const PairLimits& limits, float2 a, float2 b, const double* exact_a, const double* exact_b) {
    float dx = a.x - b.x, dy = a.y - b.y;
    float squared = dx * dx + dy * dy;
    if (fabsf(squared - limits.limit) > limits.tolerance) return squared > limits.limit ? FAR : NEAR;
    double x = __dsub_rn(exact_a[0], exact_b[0]), y = __dsub_rn(exact_a[1], exact_b[1]);
    double exact = __dadd_rn(__dmul_rn(x, x), __dmul_rn(y, y));
    return exact > limits.above ? FAR : exact < limits.below ? NEAR : NEITHER;
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

// The conformal loss seen from one state; see kernel.cu.
#pragma once
#include "../../cuda/device.cuh"

// What a batch came to; `Summary` of cuda.rs.
struct Summary {
    double separation, invariance, capacity, conformal;
    // Mean of ‖g_t - g_{t-1}‖/‖v_t‖ over slow steps, m⁻¹.
    double conformal_mean;
    u64 far, near, slow, zero;
};

struct Conformal {
    // (A, states_padded): ‖g_t - g_{t-1}‖/‖v_t‖ at slow steps, -1 at others; ‖v_t‖, m.
    const double* ratio;
    const double* speeds;
    // (A).
    const Summary* summaries;
    double lambda;
};

// λ·∂ConIso/∂g_t = this times (g_t - g_{t-1}); 0 where the step is not slow, alone, or has no direction.
DEVICE float conformal_slope(const Conformal& c, u32 batch, u64 state) {
    double ratio = c.ratio[state];
    const Summary& summary = c.summaries[batch];
    if (ratio <= 0.0 || summary.slow < 2 || c.lambda == 0.0) return 0.0f;
    double speed = c.speeds[state];
    return static_cast<float>(c.lambda * 2.0 * (ratio - summary.conformal_mean) / (static_cast<double>(summary.slow) * speed * (ratio * speed)));
}

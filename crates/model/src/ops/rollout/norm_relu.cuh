// NormReLU(z) = ReLU(z)/(‖ReLU(z)‖ + ε) and its derivative; see mod.rs.
#pragma once
#include "../../cuda/device.cuh"

#define NORM_EPSILON 1e-8f

// max(0, z); what is not a number stays so, that it be found.
DEVICE float rectify(float z) { return z > 0.0f || z != z ? z : 0.0f; }

// 1/(norm + ε); no number where the norm has overflowed, so that the states and the losses are none either.
DEVICE float norm_scale(float norm) { return is_finite(norm) ? 1.0f / (norm + NORM_EPSILON) : norm - norm; }

// ∂L/∂z = (d - g·(g·d)·(norm + ε)/norm)/(norm + ε) where g > 0, else 0. `dot` is Σ g·d.
DEVICE float norm_relu_backward(float g, float norm, float dot, float d) {
    if (norm == 0.0f || g == 0.0f) return 0.0f;
    float along = -dot * ((norm + NORM_EPSILON) / norm);
    return fmaf(g, along, d) * (1.0f / (norm + NORM_EPSILON));
}

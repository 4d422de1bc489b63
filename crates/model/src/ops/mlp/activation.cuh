// The MLP's non-linearity φ and its derivative; see activation.rs.
#pragma once
#include "../../cuda/device.cuh"

enum Activation : u32 { RELU = 0, TANH = 1, SILU = 2, GELU = 3 };

DEVICE float logistic(float y) { return 1.0f / (1.0f + expf(-y)); }
DEVICE float normal_cdf(float y) { return 0.5f * (1.0f + erff(y * 0.70710678f)); }

DEVICE float activate(u32 activation, float y) {
    switch (activation) {
        case RELU: return y > 0.0f || y != y ? y : 0.0f;
        case TANH: return tanhf(y);
        case SILU: return y * logistic(y);
        default: return y * normal_cdf(y);
    }
}

DEVICE float derivative(u32 activation, float y) {
    switch (activation) {
        case RELU: return y > 0.0f ? 1.0f : 0.0f;
        case TANH: {
            float t = tanhf(y);
            return 1.0f - t * t;
        }
        case SILU: {
            float s = logistic(y);
            return s * (1.0f + y * (1.0f - s));
        }
        default: return normal_cdf(y) + y * 0.3989423f * expf(-0.5f * y * y);
    }
}

// Arguments of the kernels in kernels.cu.
#pragma once

struct Numbers {
    const float* in;
    float* out;
    unsigned count;
};

struct Product16 {
    // a (16, depth), b (depth, 8), both of TF32 values; out (16, 8).
    const float* a;
    const float* b;
    float* out;
    unsigned depth;
};

struct Counters {
    unsigned* total;
    unsigned long long* wide;
    unsigned* least;
    unsigned* most;
    unsigned* ballots;
    double* sums;
};

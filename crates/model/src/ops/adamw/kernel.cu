// The end of a step: the gradient's global norm, the step's losses and learning rate, clipping and AdamW. Two launches.
#include "../../cuda/sums.cuh"
#include "../draw/input.cuh"
#include "../state_losses/conformal.cuh"

// State of reduce-on-plateau; `Plateau` of schedule.rs.
struct PlateauState {
    double factor, best, sum;
    u64 filled, bad_windows;
};

// One step's row of metrics; `StepOutput` of cuda.rs.
struct StepOutput {
    double total, separation, invariance, capacity, conformal, grad_norm, rate;
    double far, near, slow, zero;
};

// What `adamw_update` is to do.
struct Decision {
    float scale, keep, rate, root;
    u32 apply;
};

struct AdamWArgs {
    // (P): parameters, gradient (summed over batches), moments; each parameter from its own offset on.
    float* parameters;
    const float* gradient;
    float* first;
    float* second;
    // (parameters + 1): where each begins.
    const u32* offsets;
    // (pieces): Σ of squares.
    double* squares;
    // (batches).
    const Summary* summaries;
    const StepInput* inputs;
    StepOutput* outputs;
    Progress* progress;
    PlateauState* plateau;
    Decision* decision;
    double lambda_sep, lambda_inv, lambda_cap, lambda_coniso;
    double clip_norm, beta1, beta2, epsilon, weight_decay;
    double plateau_threshold, plateau_factor, plateau_least, rate_base;
    u64 plateau_window, plateau_patience;
    // First element that is trained, elements in all, and how many parameters there are.
    u32 from, count, parameter_count, pieces, batches, states;
    u32 on_plateau;
};
static_assert(sizeof(AdamWArgs) == 248, "as in Rust");

#define ADAMW_THREADS 256
// Elements of one partial sum.
#define ADAMW_PIECE 4096

DEVICE void observe(const AdamWArgs& a, PlateauState& p, double total) {
    p.sum += total;
    p.filled += 1;
    if (p.filled < a.plateau_window) return;
    double mean = p.sum / static_cast<double>(p.filled);
    p.sum = 0.0;
    p.filled = 0;
    if (mean < p.best - a.plateau_threshold) {
        p.best = mean;
        p.bad_windows = 0;
        return;
    }
    p.bad_windows += 1;
    if (p.bad_windows > a.plateau_patience) {
        p.factor *= a.plateau_factor;
        p.bad_windows = 0;
    }
}

// Means over the step's batches, the norm and the learning rate; what follows from them. One thread.
DEVICE void judge(const AdamWArgs& a, double squares) {
    double count = static_cast<double>(a.batches);
    StepOutput out = {};
    u64 far = 0, near = 0, slow = 0;
    for (u32 batch = 0; batch < a.batches; batch++) {
        const Summary& s = a.summaries[batch];
        out.separation += s.separation;
        out.invariance += s.invariance;
        out.capacity += s.capacity;
        out.conformal += s.conformal;
        far += s.far;
        near += s.near;
        slow += s.slow;
        out.zero += static_cast<double>(s.zero) / static_cast<double>(a.states);
    }
    out.separation /= count;
    out.invariance /= count;
    out.capacity /= count;
    out.conformal /= count;
    out.zero /= count;
    out.far = static_cast<double>(far / a.batches);
    out.near = static_cast<double>(near / a.batches);
    out.slow = static_cast<double>(slow / a.batches);
    out.total = a.lambda_sep * out.separation + a.lambda_inv * out.invariance + a.lambda_cap * out.capacity + a.lambda_coniso * out.conformal;
    out.grad_norm = sqrt(squares) / count;

    u32 slot = a.progress->slot;
    const StepInput& input = a.inputs[slot];
    out.rate = input.rate;
    if (a.on_plateau) {
        // input.rate is the warm-up's factor then.
        double least = a.plateau_least < a.rate_base ? a.plateau_least : a.rate_base;
        double shaped = a.rate_base * a.plateau->factor;
        out.rate = input.rate * (shaped > least ? shaped : least);
    }
    bool finite = is_finite(out.separation) && is_finite(out.invariance) && is_finite(out.capacity) && is_finite(out.conformal) && is_finite(out.grad_norm);
    if (a.progress->failed == 0) a.outputs[slot] = out;
    if (!finite && a.progress->failed == 0) a.progress->failed = slot + 1;
    Decision decision = {};
    if (a.progress->failed == 0) {
        double clip = out.grad_norm + 1e-6;
        clip = a.clip_norm > 0.0 && a.clip_norm < clip ? a.clip_norm / clip : 1.0;
        decision.scale = static_cast<float>(clip / count);
        decision.keep = static_cast<float>(1.0 - out.rate * a.weight_decay);
        decision.rate = static_cast<float>(out.rate / input.first_correction);
        decision.root = static_cast<float>(input.second_root);
        decision.apply = 1;
        if (a.on_plateau) observe(a, *a.plateau, out.total);
        a.progress->slot = slot + 1;
    }
    *a.decision = decision;
}

// Σ of squares, piece by piece; the block that comes last adds the pieces up and judges the step.
KERNEL(gradient_norm, AdamWArgs, ADAMW_THREADS, 2) {
    __shared__ double room[ADAMW_THREADS / 32];
    __shared__ u32 last;
    double squares = 0.0;
    u32 first = a.from + blockIdx.x * ADAMW_PIECE, end = min(first + ADAMW_PIECE, a.count);
    for (u32 at = first + threadIdx.x; at < end; at += ADAMW_THREADS) {
        float d = a.gradient[at];
        squares += static_cast<double>(d) * static_cast<double>(d);
        if (!is_finite(d) && a.progress->failed == 0) {
            u32 parameter = 0;
            while (parameter + 1 < a.parameter_count && a.offsets[parameter + 1] <= at) parameter++;
            atomicMin(&a.progress->bad_parameter, parameter);
        }
    }
    squares = block_sum(squares, room);
    if (threadIdx.x == 0) {
        a.squares[blockIdx.x] = squares;
        __threadfence();
        last = atomicAdd(&a.progress->arrived, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last) return;
    __threadfence();
    const volatile double* pieces = a.squares;
    double sum = 0.0;
    for (u32 piece = threadIdx.x; piece < a.pieces; piece += ADAMW_THREADS) sum += pieces[piece];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) {
        a.progress->arrived = 0;
        judge(a, sum);
    }
}

KERNEL(adamw_update, AdamWArgs, ADAMW_THREADS, 4) {
    Decision decision = *a.decision;
    if (!decision.apply) return;
    u32 at = a.from + blockIdx.x * ADAMW_THREADS + threadIdx.x;
    if (at >= a.count) return;
    float beta1 = static_cast<float>(a.beta1), beta2 = static_cast<float>(a.beta2);
    float new1 = static_cast<float>(1.0 - a.beta1), new2 = static_cast<float>(1.0 - a.beta2);
    float g = a.gradient[at] * decision.scale;
    float m = beta1 * a.first[at] + new1 * g;
    float v = beta2 * a.second[at] + new2 * g * g;
    a.first[at] = m;
    a.second[at] = v;
    a.parameters[at] = decision.keep * a.parameters[at] - decision.rate * m / (sqrtf(v) * decision.root + static_cast<float>(a.epsilon));
}

#include "collectives.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "api.h"
#include "arithmetic.h"

namespace simt {

namespace {

// A device reads the top 19 bits of an operand.
double tf32_value(unsigned bits) { return __uint_as_float(bits & ~0x1fffu); }

}  // namespace

void fail_to_read(unsigned lane, unsigned source) {
    fail(CUDA_ERROR_LAUNCH_FAILED, "lane %u reads from lane %u, which takes no part in the shuffle", lane, source);
}

void meet(void* const[32], unsigned) {}

void count_votes(void* const operands[32], unsigned lanes) {
    unsigned all = 0;
    for (unsigned lane = 0; lane < 32; lane++) {
        if (lanes >> lane & 1 && static_cast<Vote*>(operands[lane])->mine) all |= 1u << lane;
    }
    for (unsigned lane = 0; lane < 32; lane++) {
        if (lanes >> lane & 1) static_cast<Vote*>(operands[lane])->all = all;
    }
}

// Adds up as tensor cores do (after Fasi, Higham, Mikaitis and Pranesh 2021): products are exact, all terms are cut to a fixed place relative to the largest,
// one bit below single precision's last, and the sum is cut again. Devices keep up to two more bits, so this errs on the side of error.
float cut_sum(const double (&terms)[9]) {
    double largest = 0.0;
    for (double term : terms) largest = std::fabs(term) > largest || term != term ? std::fabs(term) : largest;
    if (!(largest >= 0x1p-100) || !(largest <= 0x1p100)) {
        // Nothing to cut, or no number.
        double sum = 0.0;
        for (double term : terms) sum += term;
        return static_cast<float>(sum);
    }
    unsigned long long bits;
    memcpy(&bits, &largest, sizeof bits);
    bits &= 0x7ff0000000000000ull;
    double power;
    memcpy(&power, &bits, sizeof power);
    double place = power * 0x1p-24, per_place = 1.0 / place;
    long long places = 0;
    for (double term : terms) places += static_cast<long long>(term * per_place);
    double sum = static_cast<double>(places) * place;
    float rounded = static_cast<float>(sum);
    return std::fabs(static_cast<double>(rounded)) > std::fabs(sum) ? std::nextafterf(rounded, 0.0f) : rounded;
}

void multiply_tf32(void* const operands[32], unsigned lanes) {
    if (lanes != WHOLE_WARP) fail(CUDA_ERROR_LAUNCH_FAILED, "mma_tf32 needs all 32 lanes, and has 0x%08x", lanes);
    double a[16][8], b[8][8];
    for (unsigned lane = 0; lane < 32; lane++) {
        const auto& mine = *static_cast<const Product*>(operands[lane]);
        unsigned group = lane / 4, place = lane % 4;
        a[group][place] = tf32_value(mine.a[0]);
        a[group + 8][place] = tf32_value(mine.a[1]);
        a[group][place + 4] = tf32_value(mine.a[2]);
        a[group + 8][place + 4] = tf32_value(mine.a[3]);
        b[place][group] = tf32_value(mine.b[0]);
        b[place + 4][group] = tf32_value(mine.b[1]);
    }
    for (unsigned row = 0; row < 16; row++) {
        for (unsigned column = 0; column < 8; column++) {
            auto& owner = *static_cast<Product*>(operands[row % 8 * 4 + column / 2]);
            float& d = owner.d[row / 8 * 2 + column % 2];
            double terms[9];
            for (unsigned k = 0; k < 8; k++) terms[k] = a[row][k] * b[k][column];
            terms[8] = d;
            d = cut_sum(terms);
        }
    }
}

void copy_wait(unsigned pending_groups) {
    Thread& thread = *current;
    size_t done = 0;
    while (done < thread.copies.size() && thread.copies[done].group + pending_groups < thread.groups) {
        memcpy(thread.copies[done].to, thread.copies[done].bytes, 16);
        done++;
    }
    thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<ptrdiff_t>(done));
}

}  // namespace simt

void copy_async_16(void* shared, const void* global) {
    using namespace simt;
    if (reinterpret_cast<uintptr_t>(shared) % 16 != 0) fail(CUDA_ERROR_MISALIGNED_ADDRESS, "copy_async_16 to %p, not a multiple of 16", shared);
    if (reinterpret_cast<uintptr_t>(global) % 16 != 0) fail(CUDA_ERROR_MISALIGNED_ADDRESS, "copy_async_16 from %p, not a multiple of 16", global);
    if (!is_shared(shared, 16)) fail(CUDA_ERROR_ILLEGAL_ADDRESS, "copy_async_16 to %p, outside the block's shared memory", shared);
    PendingCopy copy{static_cast<unsigned char*>(shared), {}, current->groups};
    memcpy(copy.bytes, global, 16);
    current->copies.push_back(copy);
}

// Mathematics, bits and atomics of the device language. The host's functions round in their own way; only the operations
// named _rn, and those of IEEE 754, give a device's bits.
#pragma once

// The header of C++ alone lacks some of the functions at global scope that this one puts there, with their overloads.
#include <math.h>

#include <cstdint>
#include <cstring>

// The pairs of types that a device knows: others are ambiguous there, and so they are here.
#define GRIDLAKE_EXTREMES(A, B, Common)                                                      \
    inline Common min(A a, B b) { return Common(a) < Common(b) ? Common(a) : Common(b); }    \
    inline Common max(A a, B b) { return Common(a) > Common(b) ? Common(a) : Common(b); }
#define GRIDLAKE_INTEGER_EXTREMES(Signed, Unsigned)     \
    GRIDLAKE_EXTREMES(Signed, Signed, Signed)           \
    GRIDLAKE_EXTREMES(Signed, Unsigned, Unsigned)       \
    GRIDLAKE_EXTREMES(Unsigned, Signed, Unsigned)       \
    GRIDLAKE_EXTREMES(Unsigned, Unsigned, Unsigned)
using GridlakeULong = unsigned long;
using GridlakeLongLong = long long;
using GridlakeULongLong = unsigned long long;
GRIDLAKE_INTEGER_EXTREMES(int, unsigned)
GRIDLAKE_INTEGER_EXTREMES(long, GridlakeULong)
GRIDLAKE_INTEGER_EXTREMES(GridlakeLongLong, GridlakeULongLong)
#undef GRIDLAKE_INTEGER_EXTREMES
#undef GRIDLAKE_EXTREMES
// As on a device, a NaN gives way to a number.
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

inline float rsqrtf(float x) { return static_cast<float>(1.0 / sqrt(static_cast<double>(x))); }

inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }

namespace simt {

template <typename To, typename From>
inline To same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "a number has as many bits as before");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}

// Gives `at` the value, and returns what was there: threads of a block take turns, so nothing comes between.
template <typename T>
inline T replace(T* at, T value) {
    T before = *at;
    *at = value;
    return before;
}

}  // namespace simt

inline unsigned __float_as_uint(float x) { return simt::same_bits<unsigned>(x); }
inline float __uint_as_float(unsigned bits) { return simt::same_bits<float>(bits); }
inline long long __double_as_longlong(double x) { return simt::same_bits<long long>(x); }
inline double __longlong_as_double(long long bits) { return simt::same_bits<double>(bits); }

inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}

template <typename T>
inline T __ldg(const T* pointer) {
    return *pointer;
}

inline void __threadfence() {}

inline unsigned atomicAdd(unsigned* at, unsigned value) { return simt::replace(at, *at + value); }
inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) { return simt::replace(at, *at + value); }
inline unsigned atomicMin(unsigned* at, unsigned value) { return simt::replace(at, min(*at, value)); }
inline unsigned atomicMax(unsigned* at, unsigned value) { return simt::replace(at, max(*at, value)); }
inline unsigned atomicExch(unsigned* at, unsigned value) { return simt::replace(at, value); }
inline unsigned atomicCAS(unsigned* at, unsigned expected, unsigned value) {
    return simt::replace(at, *at == expected ? value : *at);
}

// cvt.rna.tf32.f32: the nearest number of 10 bits after the point, ties away from zero.
inline unsigned to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    if (x != x) return 0x7fffe000u;
    // A carry from the fraction into the exponent is what rounding to the next power of two means; infinity has none.
    return (bits + 0x1000u) & ~0x1fffu;
}

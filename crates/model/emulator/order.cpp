#include "order.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace simt {

unsigned next_random(unsigned count) {
    // SplitMix64 (Steele et al. 2014).
    static uint64_t state = 0;
    uint64_t bits = state += 0x9e3779b97f4a7c15ull;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ull;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebull;
    bits ^= bits >> 31;
    return static_cast<unsigned>((bits >> 32) * count >> 32);
}

void Sequence::reset(settings::Order order, unsigned count) {
    order_ = order;
    places_.resize(count);
    std::iota(places_.begin(), places_.end(), 0u);
    if (order == settings::Order::Reverse) std::reverse(places_.begin(), places_.end());
    again();
}

void Sequence::again() {
    if (order_ != settings::Order::Shuffle) return;
    for (unsigned last = static_cast<unsigned>(places_.size()); last > 1; last--) {
        std::swap(places_[last - 1], places_[next_random(last)]);
    }
}

}  // namespace simt

// The order in which things run that may run in any.
#pragma once

#include <vector>

#include "settings.h"

namespace simt {

class Sequence {
   public:
    // 0 to count - 1, in the order that the settings ask for.
    void reset(settings::Order order, unsigned count);
    // Shuffles once more, where the order is a shuffled one.
    void again();

    std::vector<unsigned>::const_iterator begin() const { return places_.begin(); }
    std::vector<unsigned>::const_iterator end() const { return places_.end(); }

   private:
    settings::Order order_ = settings::Order::Forward;
    std::vector<unsigned> places_;
};

// The next number below `count` of a fixed stream of pseudo-random numbers.
unsigned next_random(unsigned count);

}  // namespace simt

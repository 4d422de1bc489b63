// Memory faults of a kernel end its launch, not the process.
#pragma once

#include <signal.h>

namespace simt {

// A signal that the running thread was sent.
struct Fault {
    int signal;
    void* address;
    // False where the processor does not say, as for a vector that is not aligned.
    bool has_address;
};

// While it lives, faults of the calling OS thread's fibers go to `on_fault`, which must not return; others go where they went before.
class FaultGuard {
   public:
    explicit FaultGuard(void (*on_fault)(const Fault&));
    ~FaultGuard();

   private:
    stack_t stack_before_;
};

}  // namespace simt

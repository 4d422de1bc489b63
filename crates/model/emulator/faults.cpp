#include "faults.h"

#include <pthread.h>

#include "runtime.h"

namespace simt {

namespace {

constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE};

struct sigaction before[3];
pthread_t launching;
void (*handle_fault)(const Fault&);
// A fiber's own stack may be what overflowed.
alignas(16) unsigned char handler_stack[65536];

void on_signal(int signal, siginfo_t* info, void*) {
    if (!pthread_equal(pthread_self(), launching) || !current) {
        // Back to the instruction, which will fault again, and meet who waited for that before.
        for (int i = 0; i < 3; i++) {
            if (SIGNALS[i] == signal) sigaction(signal, &before[i], nullptr);
        }
        return;
    }
    handle_fault({signal, info->si_addr, signal != SIGFPE && info->si_code > 0 && info->si_code != SI_KERNEL});
}

}  // namespace

FaultGuard::FaultGuard(void (*on_fault)(const Fault&)) {
    launching = pthread_self();
    handle_fault = on_fault;
    stack_t stack{};
    stack.ss_sp = handler_stack;
    stack.ss_size = sizeof handler_stack;
    sigaltstack(&stack, &stack_before_);
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    // The handler leaves by a switch of stacks, and so must not leave the signal blocked.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &action, &before[i]);
}

FaultGuard::~FaultGuard() {
    for (int i = 0; i < 3; i++) sigaction(SIGNALS[i], &before[i], nullptr);
    sigaltstack(&stack_before_, nullptr);
}

}  // namespace simt

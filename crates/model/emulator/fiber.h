// Threads of a block are fibers: stacks that one OS thread switches between.
#pragma once

#include <cstddef>

#if !defined(GRIDLAKE_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define GRIDLAKE_UCONTEXT
#endif

#ifdef GRIDLAKE_UCONTEXT
#include <ucontext.h>
#endif

namespace simt {

// A place of execution that is not running now.
struct Context {
#ifdef GRIDLAKE_UCONTEXT
    ucontext_t saved;
#else
    void* stack_pointer;
#endif
};

// Makes `context` begin with `entry`, which must not return, on the stack of `bytes` bytes at `stack`; both are multiples of 16.
void prepare_context(Context& context, unsigned char* stack, size_t bytes, void (*entry)());

// Leaves the running context in `from` and goes on with `to`; returns when another switch goes back to `from`.
void switch_context(Context& from, Context& to);

}  // namespace simt

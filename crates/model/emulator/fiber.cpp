#include "fiber.h"

#include <cstdint>
#include <cstring>

#ifdef GRIDLAKE_UCONTEXT

namespace simt {

void prepare_context(Context& context, unsigned char* stack, size_t bytes, void (*entry)()) {
    getcontext(&context.saved);
    context.saved.uc_stack.ss_sp = stack;
    context.saved.uc_stack.ss_size = bytes;
    context.saved.uc_link = nullptr;
    makecontext(&context.saved, entry, 0);
}

void switch_context(Context& from, Context& to) { swapcontext(&from.saved, &to.saved); }

}  // namespace simt

#else

// Saves the registers that a call must keep on the stack, writes the stack pointer to the first argument, and loads the second.
extern "C" void gridlake_switch_stack(void** from, void* to);

#ifdef __x86_64__

asm(R"(
    .text
    .globl gridlake_switch_stack
    .hidden gridlake_switch_stack
    .type gridlake_switch_stack, @function
gridlake_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    jmpq *%rcx
    .size gridlake_switch_stack, .-gridlake_switch_stack
)");

namespace {
// Six registers, the address to go on at, and the return address that a function finds above its frame.
constexpr size_t SAVED_WORDS = 8, RETURN_WORD = 6;
}  // namespace

#else

asm(R"(
    .text
    .globl gridlake_switch_stack
    .hidden gridlake_switch_stack
    .type gridlake_switch_stack, %function
gridlake_switch_stack:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size gridlake_switch_stack, .-gridlake_switch_stack
)");

namespace {
constexpr size_t SAVED_WORDS = 20, RETURN_WORD = 11;
}  // namespace

#endif

namespace simt {

void prepare_context(Context& context, unsigned char* stack, size_t bytes, void (*entry)()) {
    void** frame = reinterpret_cast<void**>(stack + bytes) - SAVED_WORDS;
    memset(frame, 0, SAVED_WORDS * sizeof(void*));
    frame[RETURN_WORD] = reinterpret_cast<void*>(entry);
    context.stack_pointer = frame;
}

void switch_context(Context& from, Context& to) { gridlake_switch_stack(&from.stack_pointer, to.stack_pointer); }

}  // namespace simt

#endif
